"""A far end that moved within a call is followed by a later life: written down, and read back."""

from collections.abc import Iterator

import pytest

from engine.domain.facts import AgentLegOpened, AttemptAnswered, DialogMoved
from engine.ports import LegMoved
from tests.unit.runtime.world import Engine


@pytest.fixture
def engine() -> Iterator[Engine]:
    engine = Engine()
    engine.run_until(lambda: engine.talking() is not None)
    yield engine
    assert not engine.simulation.faults


def test_a_called_partys_move_is_stored_with_its_attempt(engine: Engine) -> None:
    talk = engine.talking()
    assert talk is not None
    (answered,) = [f for f in engine.of(AttemptAnswered) if f.attempt_id == talk.attempt_id]
    engine.runtime.legs.heard(LegMoved(answered.leg_id, b"there"))
    engine.run_for(1.0)
    (fact,) = engine.of(DialogMoved)
    assert (fact.attempt_id, fact.campaign_id, fact.leg_id, fact.dialog) == (
        talk.attempt_id,
        answered.campaign_id,
        answered.leg_id,
        b"there",
    )
    (stored,) = [
        each
        for each in engine.runtime.live.attempts_of(answered.campaign_id)
        if each.attempt_id == talk.attempt_id
    ]
    assert stored.dialog == b"there"


def test_a_phones_move_is_stored_with_its_leg(engine: Engine) -> None:
    leg_id = engine.of(AgentLegOpened)[0].leg_id
    engine.runtime.legs.heard(LegMoved(leg_id, b"there"))
    engine.run_for(1.0)
    (fact,) = engine.of(DialogMoved)
    assert (fact.attempt_id, fact.leg_id) == ("", leg_id)


def test_no_other_call_costs_a_fact_for_it(engine: Engine) -> None:
    engine.run_for(60.0)
    assert engine.of(AttemptAnswered)
    assert not engine.of(DialogMoved)
