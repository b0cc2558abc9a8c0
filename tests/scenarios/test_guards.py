"""Take one guard out of the engine, and the checker sees it: so the others are seen to hold."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest

from clients.checker import check_evidence
from engine.compliance import hours
from engine.compliance.gate import CallGate
from engine.compliance.hours import Opening
from engine.compliance.ledger import NumberLedger
from engine.domain.facts import AnyFact, DispositionSet
from engine.ports import Committed
from engine.simulation import Simulation, set_scene
from engine.store.memory import MemoryStore
from engine.telephony.simulated import Network
from tests.scenarios.test_seeds import bad_day

Remove = Callable[[pytest.MonkeyPatch], None]
MOST_SEEDS = 25


def answer_before_it_is_durable(patch: pytest.MonkeyPatch) -> None:
    commit = MemoryStore.commit

    def hasty(self: MemoryStore, facts: Sequence[AnyFact], done: Committed) -> None:
        commit(self, facts, lambda _: None)
        self._call_later(0.0, lambda: None if self._dead else done(None))

    patch.setattr(MemoryStore, "commit", hasty)


def claim_what_is_claimed(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(NumberLedger, "claim", lambda self, numbers, gap_s, now_s: [""] * len(numbers))


def forget_attempts_in_a_crash(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(MemoryStore, "load_records", lambda self, list_id: [])


def call_at_all_hours(patch: pytest.MonkeyPatch) -> None:
    always = Opening(True, 4e9)
    patch.setattr(hours.CallingHours, "opening", lambda self, *_: always)


def forget_who_is_listed(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(NumberLedger, "add_dnc", lambda self, numbers: None)


def ask_no_gate(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(CallGate, "may_leave", lambda self, call, now_s: None)


def leave_old_legs(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Network, "end_old", lambda self, leg_id, *, answered: None)


def lose_dispositions(patch: pytest.MonkeyPatch) -> None:
    commit = MemoryStore.commit

    def lossy(self: MemoryStore, facts: Sequence[AnyFact], done: Committed) -> None:
        commit(self, [fact for fact in facts if not isinstance(fact, DispositionSet)], done)

    patch.setattr(MemoryStore, "commit", lossy)


@pytest.mark.parametrize(
    ("invariant", "remove"),
    [
        pytest.param("D1", answer_before_it_is_durable, id="intent before wire"),
        pytest.param("D2", claim_what_is_claimed, id="one claim a number"),
        pytest.param("D3", forget_attempts_in_a_crash, id="attempts kept over a crash"),
        pytest.param("D4", call_at_all_hours, id="calling hours"),
        pytest.param("D5", forget_who_is_listed, id="do-not-call"),
        pytest.param("D6", ask_no_gate, id="the gate at the INVITE"),
        pytest.param("C1", leave_old_legs, id="old legs ended"),
        pytest.param("A1", lose_dispositions, id="dispositions kept"),
    ],
)
def test_without_its_guard_an_invariant_breaks(
    invariant: str, remove: Remove, monkeypatch: pytest.MonkeyPatch
) -> None:
    remove(monkeypatch)
    for seed in range(1, MOST_SEEDS + 1):
        if any(violation.startswith(invariant) for violation in violations_on_a_slow_day(seed)):
            return
    pytest.fail(f"{invariant} was never seen broken in {MOST_SEEDS} days")


def test_with_every_guard_in_place_nothing_breaks() -> None:
    assert [what for seed in range(1, 6) for what in violations_on_a_slow_day(seed)] == []


def violations_on_a_slow_day(seed: int) -> Sequence[str]:
    """INVITEs are slow to leave, so that much can happen between the decision and the wire."""
    scene = set_scene(bad_day(seed))
    simulation = Simulation(replace(scene, faults=replace(scene.faults, departure_s=2.0)))
    simulation.run()
    return simulation.result(check_evidence).violations
