"""How well call progress analysis tells who answered, how soon, and what it costs a leg.

The corpus is made here (``benchmarks.cpa_corpus``); what analysis was fitted on shares no language,
voice or text with it. The same audio goes through the classic algorithm with its defaults.
"""

import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from benchmarks.cpa_classic import Classic
from benchmarks.cpa_corpus import Item, NoSpeechError, batches, make_corpus
from benchmarks.harness import Figure
from engine.domain.analysis import AnalysisSpec, Verdict
from engine.telephony.media.progress import Analysed, Analyser

SEED: Final = 2026
ROWS: Final = 200
BEEP_LIMIT_S: Final = 30.0
MOST_FALSE: Final = 0.01
LEAST_FOUND: Final = 0.9
MOST_WAIT_S: Final = 1.2
MOST_CPU_US: Final = 2.0
LEGS: Final = (50, 200, 800)

RIGHT: Final = {
    "person": {Verdict.PERSON, Verdict.UNDECIDED},
    "machine": {Verdict.MACHINE},
    "fax": {Verdict.FAX},
    "sit-invalid": {Verdict.INVALID},
    "sit-congestion": {Verdict.BUSY},
    "busy": {Verdict.BUSY},
    "noise": {Verdict.SILENCE},
    "silence": {Verdict.SILENCE},
    "music": {Verdict.MACHINE, Verdict.UNDECIDED},
}
"""Verdicts that are right for kinds that begin so."""


@dataclass(slots=True)
class Outcome:
    """What analysis made of a corpus.

    Attributes:
        verdicts: Verdict and time to it, for each item.
        beeps: For each machine that was waited for: whether a tone was heard, and when. [s]
    """

    verdicts: list[tuple[Verdict, float]] = field(default_factory=list)
    beeps: dict[int, tuple[bool, float]] = field(default_factory=dict)


def run(short: bool) -> list[Figure]:
    """Measure; the short form has a tenth of the items."""
    try:
        items = make_corpus(120 if short else 1200, SEED)
    except NoSpeechError as error:
        print(f"cpa: skipped, {error}", file=sys.stderr)
        return []
    ours = analyse(items)
    classic = Outcome([Classic().judge(item.frames) for item in items])
    print(table("analysis", items, ours), file=sys.stderr)
    print(table("classic", items, classic), file=sys.stderr)
    return [
        *_accuracy(items, ours, classic),
        *_other_kinds(items, ours, classic),
        *_tones_waited_for(items, ours),
        *_costs(),
    ]


def analyse(items: list[Item], spec: AnalysisSpec | None = None) -> Outcome:
    """Return what analysis makes of a corpus; machines' tones are waited for."""
    outcome = Outcome()
    for some, frames in batches(items, ROWS):
        first = len(outcome.verdicts)
        found = _analyse_batch(len(some), frames, spec or AnalysisSpec(), outcome.beeps, first)
        outcome.verdicts += [found[row] for row in range(len(some))]
    return outcome


def _analyse_batch(
    rows: int,
    frames: np.ndarray[tuple[int, ...], np.dtype[np.int16]],
    spec: AnalysisSpec,
    beeps: dict[int, tuple[bool, float]],
    first: int,
) -> dict[int, tuple[Verdict, float]]:
    analyser, found = Analyser(), dict[int, tuple[Verdict, float]]()
    for row in range(rows):
        analyser.begin(row, spec)
    for at, frame in enumerate(frames, 1):
        legs = analyser.legs
        if not legs:
            break
        for finding in analyser.listen(frame[list(legs)]):
            if not isinstance(finding, Analysed):
                beeps[first + finding.leg] = (finding.heard, at * 0.02)
                continue
            found[finding.leg] = (finding.verdict, finding.after_s)
            if finding.verdict is Verdict.MACHINE:
                analyser.await_beep(finding.leg, BEEP_LIMIT_S)
    return found


def is_right(kind: str, verdict: Verdict) -> bool:
    """Say whether a verdict is right for a kind of item."""
    return any(kind.startswith(name) and verdict in right for name, right in RIGHT.items())


def waits_s(items: Sequence[Item], outcome: Outcome) -> list[float]:
    """Return how long people who were taken for people waited after they fell silent. [s]"""
    people = zip(items, outcome.verdicts, strict=True)
    counted = (Verdict.PERSON, Verdict.UNDECIDED)
    return [
        after_s - item.silent_s
        for item, (verdict, after_s) in people
        if item.kind.startswith("person") and verdict in counted
    ]


def share(
    items: Sequence[Item],
    outcome: Outcome,
    kinds: str | tuple[str, ...],
    counts: Callable[[str, Verdict], bool],
) -> float:
    """Return the share of items of some kinds whose verdict counts."""
    chosen = [
        counts(item.kind, verdict)
        for item, (verdict, _) in zip(items, outcome.verdicts, strict=True)
        if item.kind.startswith(kinds)
    ]
    return sum(chosen) / len(chosen)


def _is_machine(_kind: str, verdict: Verdict) -> bool:
    return verdict is Verdict.MACHINE


def table(title: str, items: Sequence[Item], outcome: Outcome) -> str:
    """Return a confusion matrix: a line a kind, with the time from the answer to the verdict."""
    columns = list(Verdict)
    lines = [f"{title:<22}" + "".join(f"{verdict:>10}" for verdict in columns) + "   p50 s   p95 s"]
    for kind in dict.fromkeys(item.kind for item in items):
        found = [
            verdict
            for item, verdict in zip(items, outcome.verdicts, strict=True)
            if item.kind == kind
        ]
        counted = Counter(verdict for verdict, _ in found)
        half, most = np.percentile([after_s for _, after_s in found], (50, 95))
        cells = "".join(f"{counted[verdict] or '.':>10}" for verdict in columns)
        lines.append(f"{kind:<22}{cells}{half:8.2f}{most:8.2f}")
    return "\n".join(lines)


# --- figures -------------------------------------------------------------------------------


def _accuracy(items: list[Item], ours: Outcome, classic: Outcome) -> list[Figure]:
    home = tuple({i.kind for i in items if i.kind[:6] == "person"} - {"person-business"})
    how = f"{len(items)} calls, half of them people, synthesised speech; against the classic rules"
    figures = []
    for name, kinds, goal in (
        ("false_machine_ratio", "person", MOST_FALSE),
        ("false_machine_ratio_at_home", home, MOST_FALSE),
        ("false_machine_ratio_at_work", "person-business", None),
    ):
        mine, theirs = (share(items, one, kinds, _is_machine) for one in (ours, classic))
        ratio = theirs / mine if mine else None
        figures.append(Figure(name, mine, "ratio", goal, theirs, ratio, f"of people; {how}"))
    mine, theirs = (share(items, one, "machine", _is_machine) for one in (ours, classic))
    figures.append(Figure("machines_found", mine, "ratio", LEAST_FOUND, theirs, mine / theirs, how))
    for name, percent in (("person_wait_p50", 50), ("person_wait_p95", 95)):
        mine, theirs = (
            float(np.percentile(waits_s(items, one), percent)) for one in (ours, classic)
        )
        goal = MOST_WAIT_S if percent == 50 else None
        method = f"from falling silent to the verdict, people not taken for machines; {how}"
        figures.append(Figure(name, mine, "s", goal, theirs, theirs / mine, method))
    return figures


def _other_kinds(items: list[Item], ours: Outcome, classic: Outcome) -> list[Figure]:
    figures = []
    for kind in ("fax", "sit-invalid", "sit-congestion", "busy", "noise", "silence", "music"):
        mine, theirs = (share(items, one, kind, is_right) for one in (ours, classic))
        method = f"share of {kind} with the right verdict: {', '.join(sorted(RIGHT[kind]))}"
        figures.append(Figure(f"{kind}_right", mine, "ratio", None, theirs, None, method))
    return figures


def _tones_waited_for(items: list[Item], ours: Outcome) -> list[Figure]:
    heard, after_s, wrong = [], [], 0
    for place, (found, at_s) in ours.beeps.items():
        beep_s = items[place].beep_s
        wrong += found and (beep_s < 0 or at_s < beep_s - 0.05)
        if beep_s >= 0:
            heard.append(found and at_s >= beep_s - 0.05)
            after_s += [at_s - beep_s] if heard[-1] else []
    total = max(1, len(ours.beeps))
    # A tone that was missed is waited for beyond the end of the item, and has no entry.
    due = sum(
        item.beep_s >= 0 and verdict is Verdict.MACHINE and item.kind.startswith("machine")
        for item, (verdict, _) in zip(items, ours.verdicts, strict=True)
    )
    how = "machines found that have a tone of 0.14 to 0.9 s, 425 to 2000 Hz"
    late = float(np.percentile(after_s, 95)) if after_s else 0.0
    return [
        Figure("beeps_heard", sum(heard) / max(1, due), "ratio", None, None, None, how),
        Figure("beep_after_p95", late, "s", None, None, None, f"end of tone to event; {how}"),
        Figure("beeps_wrong", wrong / total, "ratio", None, None, None, f"told too early; {how}"),
    ]


# --- cost ----------------------------------------------------------------------------------


def _costs() -> list[Figure]:
    """Measure in a process of its own, whose BLAS has one thread as the media process's has."""
    one = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    words = [sys.executable, "-m", "benchmarks.cpa"]
    made = subprocess.run(words, env={**os.environ, **one}, capture_output=True, check=True)
    figures = []
    for legs, cpu_us in zip(LEGS, map(float, made.stdout.split()), strict=True):
        goal = MOST_CPU_US if legs >= 200 else None
        method = "process CPU of a tick over its legs, speech with noise; best of 5"
        figures.append(Figure(f"cpu_{legs}_legs", cpu_us, "us", goal, None, None, method))
    return figures


def _measure_cpu(legs: int) -> float:
    """Return the processor time of a leg and tick. [µs]"""
    ticks = 150
    random = np.random.default_rng(SEED)
    at_s = np.arange(ticks * 160) / 8000
    pitch = random.uniform(90, 220, (legs, 1))
    voice = sum(np.sin(2 * np.pi * pitch * over * at_s) / over for over in range(1, 15))
    syllables = np.clip(np.sin(2 * np.pi * random.uniform(1, 4, (legs, 1)) * at_s), 0, 1)
    heard = 3000 * np.asarray(voice) * syllables + random.normal(0, 60, (legs, at_s.size))
    frames = heard.astype(np.int16).reshape(legs, ticks, 160).transpose(1, 0, 2).copy()
    spec = AnalysisSpec(
        limit_s=60.0, initial_silence_s=60.0, machine_speech_s=60.0, greeting_silence_s=60.0
    )
    took_s = []
    for _ in range(5):
        analyser = Analyser()
        for leg in range(legs):
            analyser.begin(leg, spec)
        began_s = time.process_time()
        for frame in frames:
            analyser.listen(frame)
        took_s.append(time.process_time() - began_s)
    return min(took_s) / ticks / legs * 1e6


if __name__ == "__main__":
    print(" ".join(str(_measure_cpu(legs)) for legs in LEGS))
