"""Analysis keeps its promises on a small corpus of synthesised speech, and beats the classic."""

import shutil

import pytest

from benchmarks.cpa import MOST_WAIT_S, analyse, is_right, share, waits_s
from benchmarks.cpa_classic import Classic
from benchmarks.cpa_corpus import SHARES, make_corpus
from engine.domain.analysis import Verdict

pytestmark = [
    pytest.mark.peer,
    pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="espeak-ng is not installed"),
]

MARGIN = 2
"""Of each kind so many items may be judged wrongly: so few items say no more."""


def test_a_small_corpus_is_judged_as_well_as_promised() -> None:
    items = make_corpus(80, seed=5)
    found = analyse(items)
    wrong = {
        kind: [
            item.detail
            for item, (verdict, _) in zip(items, found.verdicts, strict=True)
            if item.kind == kind and not is_right(kind, verdict)
        ]
        for kind in SHARES
    }
    assert {kind: details for kind, details in wrong.items() if len(details) > MARGIN} == {}
    people, machines = (
        share(items, found, kind, lambda _, verdict: verdict is Verdict.MACHINE)
        for kind in ("person", "machine")
    )
    assert people <= 0.04
    assert machines >= 0.85
    waits = sorted(waits_s(items, found))
    assert waits[len(waits) // 2] <= MOST_WAIT_S
    classic = [Classic().judge(item.frames)[0] for item in items if item.kind[:6] == "person"]
    assert people < classic.count(Verdict.MACHINE) / len(classic)
