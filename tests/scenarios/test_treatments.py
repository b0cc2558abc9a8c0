"""Bad days on which machines answer and people press keys: nobody is left in silence."""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import msgspec
import pytest

from clients.checker import check_evidence
from engine.actors.campaign.screening import Screening
from engine.actors.campaign.treating import Treatments
from engine.domain.analysis import AnalysisSpec, Treatment, Verdict
from engine.domain.specs import CampaignSpec, Mode
from engine.simulation import Script, Simulation, set_scene, simulate
from engine.simulation.scene import CENTRE, Scene

SEEDS = int(os.environ.get("PACELINE_SEEDS", "10"))
BLOCK = 2
_MODES = (Mode.PROGRESSIVE, Mode.PREDICTIVE, Mode.AUTOMATIC, Mode.PREVIEW)
_SOME = 8
BEEP_S = 20.0
NOON_S = datetime(2026, 6, 1, 12, tzinfo=CENTRE).timestamp()


def bad_day(seed: int) -> Script:
    """Return ten minutes with faults and machines; mode and size follow from the seed."""
    mode = _MODES[seed % len(_MODES)]
    return Script(seed, 4 + seed % 7, 1 / 6, mode=mode, faults=True, tick_s=1.0, analysis=True)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("first", range(1, SEEDS + 1, BLOCK))
def test_no_invariant_is_broken_on_a_bad_day_with_machines(first: int) -> None:
    broken = []
    for seed in range(first, min(first + BLOCK, SEEDS + 1)):
        result = simulate(bad_day(seed), check_evidence)
        broken += [f"seed {seed}: {what}" for what in (*result.violations, *result.faults)]
    assert broken == []


def test_every_verdict_and_every_treatment_is_met() -> None:
    kinds: set[str] = set()
    for mode, machine in (
        (Mode.PROGRESSIVE, Treatment.MESSAGE),
        (Mode.PROGRESSIVE, Treatment.END),
        (Mode.AUTOMATIC, Treatment.MESSAGE),
    ):
        facts, rows = _played(_busy_day(1, mode, machine))
        for fact in facts:
            kinds |= {str(fact.get(name)) for name in ("verdict", "treatment", "disposition")}
            kinds |= {fact["by"]} if fact["type"] == "DncAdded" else set()
        kinds |= {row["kind"] for row in rows}
    assert kinds >= {"person", "machine", "fax", "silence", "undecided", "deaf", "greeting"}
    assert kinds >= {"machine-message", "scenario", "unattended-message", "called-party"}
    assert kinds >= {"answering-machine", "message-left", "message-played", "message-cut"}
    assert kinds >= {"no-agent", "add-to-dnc"}


# --- without its guard --------------------------------------------------------------------------


def wait_for_a_verdict_for_ever(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Screening, "verdict_due", lambda self, attempt_id, now_s: [])


def wait_for_a_tone_for_ever(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Treatments, "tone_due", lambda self, attempt_id, now_s: [])


def wait_for_an_agent_for_ever(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Treatments, "unattended_due", lambda self, attempt_id, now_s: [])


def take_machines_for_people(patch: pytest.MonkeyPatch) -> None:
    judge = Screening._judge

    def hasty(self: Screening, attempt: Any, verdict: Verdict, *rest: Any) -> Any:
        effects = judge(self, attempt, verdict, *rest)
        attempt.person = True
        return effects

    patch.setattr(Screening, "_judge", hasty)


@pytest.mark.parametrize(
    ("invariant", "remove"),
    [
        pytest.param("C6", wait_for_a_verdict_for_ever, id="the watch over the analysis"),
        pytest.param("C6", wait_for_an_agent_for_ever, id="the unattended timeout"),
        pytest.param("A3", take_machines_for_people, id="only people are unattended"),
    ],
)
def test_without_its_guard_an_invariant_breaks(
    invariant: str, remove: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    remove(monkeypatch)
    for seed in range(1, _SOME + 1):
        simulation = Simulation(_busy_day(seed, Mode.PROGRESSIVE, Treatment.CONNECT))
        simulation.run()
        found = simulation.result(check_evidence).violations
        if any(what.startswith(invariant) for what in found):
            return
    pytest.fail(f"{invariant} was never seen broken in {_SOME} days")


def test_every_wait_for_a_tone_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the engine's watch, a deaf medium keeps calls until the machines hang up (C9)."""
    scene = _busy_day(2, Mode.PROGRESSIVE, Treatment.MESSAGE)
    assert 0.0 < _longest_wait_s(scene) < BEEP_S + 1.0
    wait_for_a_tone_for_ever(monkeypatch)
    assert _longest_wait_s(scene) > BEEP_S + 5.0


def _busy_day(seed: int, mode: Mode, machine: Treatment) -> Scene:
    """Return five minutes of too many calls for the agents, on which media is often deaf."""
    script = Script(seed, 3, 1 / 12, mode=mode, faults=True, tick_s=1.0, analysis=True)
    scene = set_scene(replace(script, starts_s=NOON_S))
    analysis = AnalysisSpec(machine=machine, machine_prompt="beep", beep_limit_s=BEEP_S)
    specs = [
        (kind, _pressed(spec, analysis) if isinstance(spec, CampaignSpec) else spec)
        for kind, spec in scene.specs
    ]
    return replace(scene, specs=specs, faults=replace(scene.faults, deaf_ratio=0.3, windows=()))


def _pressed(spec: CampaignSpec, analysis: AnalysisSpec) -> CampaignSpec:
    return msgspec.structs.replace(
        spec,
        analysis=analysis,
        progressive_rate=3.0,
        max_unattended_ratio=1.0,
        unattended_prompt="beep",
        opt_out_key="9",
    )


def _played(scene: Scene) -> tuple[Sequence[Mapping[str, Any]], Sequence[Mapping[str, Any]]]:
    """Return the facts and the rows of a day."""
    simulation = Simulation(scene)
    simulation.run()
    evidence = simulation.evidence()
    return evidence.facts, evidence.rows


def _longest_wait_s(scene: Scene) -> float:
    """Return the longest time from a machine's verdict to the end, without a message."""
    longest_s = 0.0
    began_s: dict[str, float] = {}
    for fact in _played(scene)[0]:
        match fact["type"]:
            case "CallAnalysed" if fact["verdict"] == "machine":
                began_s[fact["attempt_id"]] = fact["at_s"]
            case "CallTreated":
                began_s.pop(fact["attempt_id"], None)
            case "AttemptClosed" if fact["cause"] != "lost":
                waited_s = fact["at_s"] - began_s.get(fact["attempt_id"], fact["at_s"])
                longest_s = max(longest_s, waited_s)
    return longest_s
