"""Two hundred days of ten minutes in which everything goes wrong, and no rule is broken."""

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from clients.checker import check_evidence
from engine.domain.specs import Mode
from engine.simulation import (
    Evidence,
    Script,
    Simulation,
    SimulationResult,
    set_scene,
    simulate,
)

SEEDS = int(os.environ.get("PACELINE_SEEDS", "200"))
"""More for a long night: PACELINE_SEEDS=100000."""
BLOCK = 5
_MODES = (
    Mode.PREDICTIVE,
    Mode.PROGRESSIVE,
    Mode.PREDICTIVE,
    Mode.AUTOMATIC,
    Mode.PREVIEW,
)


def bad_day(seed: int) -> Script:
    """Return ten minutes with faults; mode and size follow from the seed."""
    mode = _MODES[seed % len(_MODES)]
    return Script(seed, 4 + seed % 7, 1 / 6, mode=mode, faults=True, tick_s=1.0)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("first", range(1, SEEDS + 1, BLOCK))
def test_no_invariant_is_broken_on_a_bad_day(first: int) -> None:
    broken = []
    for seed in range(first, min(first + BLOCK, SEEDS + 1)):
        result = simulate(bad_day(seed), check_evidence)
        broken += [f"seed {seed}: {what}" for what in (*result.violations, *result.faults)]
    assert broken == []


@pytest.mark.parametrize("mode", list(Mode))
def test_no_invariant_is_broken_on_a_good_day(mode: Mode) -> None:
    result = simulate(Script(11, 6, 1 / 6, mode=mode, tick_s=1.0), check_evidence)
    assert (*result.violations, *result.faults) == ()
    assert result.attempts > 20
    assert result.answered > 5
    assert (result.connected > 5) is (mode is not Mode.AUTOMATIC)


def figures(result: SimulationResult) -> str:
    return f"{result.trace_hash} {result.attempts} {result.answered} {result.busy_share}"


def test_the_same_seed_gives_the_same_day() -> None:
    assert figures(simulate(bad_day(5))) == figures(simulate(bad_day(5)))
    assert figures(simulate(bad_day(5))) != figures(simulate(bad_day(10)))


def test_the_same_seed_gives_the_same_day_in_another_process() -> None:
    """Neither the order of sets nor anything else of the process shows in the trace."""
    code = (
        "from tests.scenarios.test_seeds import bad_day, figures\n"
        "from engine.simulation import simulate\n"
        "print(figures(simulate(bad_day(6))))\n"
    )
    environment = {**os.environ, "PYTHONHASHSEED": "4711"}
    other = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment
    )
    assert other.stdout.strip() == figures(simulate(bad_day(6)))


def test_bad_days_are_bad() -> None:
    """Faults must happen to mean anything: crashes, stops, lost phones, lost trunks, refusals."""
    kinds: set[str] = set()
    crashes = 0
    for seed in range(1, 9):
        simulation = Simulation(set_scene(bad_day(seed)))
        simulation.run()
        kinds |= _seen(simulation.evidence())
        crashes += simulation.crashes
    assert crashes >= 5
    assert kinds >= {"stopped", "dnc-added", "cancel", "503", "trunk", "phone", "disposed", "late"}


def _seen(evidence: Evidence) -> set[str]:
    rows: Sequence[Mapping[str, Any]] = evidence.rows
    facts: Sequence[Mapping[str, Any]] = evidence.facts
    seen = {row["kind"] for row in rows} | {str(row.get("status", "")) for row in rows}
    sides = {row["leg"]: row["side"] for row in rows if row["kind"] == "invite"}
    ends = {(row["leg"], row["how"]) for row in rows if row["kind"] == "end"}
    if any(sides[leg] == "agent" and how == "hung-up" for leg, how in ends):
        seen.add("phone")
    if any(fact["type"] == "TrunkChanged" and not fact["up"] for fact in facts):
        seen.add("trunk")
    cancelled = {row["leg"] for row in rows if row["kind"] == "cancel"}
    if any(leg in cancelled and how == "bye" for leg, how in ends):
        seen.add("late")  # a 200 that crossed the CANCEL
    return seen
