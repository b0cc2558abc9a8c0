"""How a call's audio was reaches its record, though leg and attempt are over by then."""

from collections.abc import Iterator

import pytest

from engine.domain.facts import AgentLegOpened, AttemptAnswered, AttemptClosed, CallMeasured
from engine.domain.ids import LegId
from engine.ports import LegMeasured
from engine.runtime import ownership
from tests.unit.runtime.world import Engine


@pytest.fixture
def engine() -> Iterator[Engine]:
    engine = Engine()
    engine.run_until(lambda: len(ended_calls(engine)) > 1)
    engine.run_for(5.0)
    yield engine
    assert not engine.simulation.faults


def measured(leg_id: LegId) -> LegMeasured:
    return LegMeasured(leg_id, 500, 3, 4.5, 501, 2, 6.25, 41.0)


def ended_calls(engine: Engine) -> list[AttemptAnswered]:
    over = {fact.attempt_id for fact in engine.of(AttemptClosed)}
    return [fact for fact in engine.of(AttemptAnswered) if fact.attempt_id in over]


def test_the_figures_of_an_ended_leg_are_a_fact_of_its_attempt_once(engine: Engine) -> None:
    call = ended_calls(engine)[0]
    for _ in range(2):
        engine.runtime.legs.heard(measured(call.leg_id))
        engine.run_for(1.0)
    (fact,) = engine.of(CallMeasured)
    assert (fact.attempt_id, fact.campaign_id, fact.leg_id) == (
        call.attempt_id,
        call.campaign_id,
        call.leg_id,
    )
    assert (fact.received, fact.lost, fact.jitter_ms, fact.round_trip_ms) == (500, 3, 4.5, 41.0)
    assert (fact.sent, fact.far_lost, fact.far_jitter_ms) == (501, 2, 6.25)


def test_an_agents_leg_has_no_record_of_a_call(engine: Engine) -> None:
    engine.runtime.legs.heard(measured(engine.of(AgentLegOpened)[0].leg_id))
    engine.runtime.legs.heard(measured(LegId("never heard of")))
    engine.run_for(1.0)
    assert not engine.of(CallMeasured)


def test_a_campaign_that_failed_meanwhile_still_writes_it(engine: Engine) -> None:
    call = ended_calls(engine)[0]
    ref = engine.runtime.registry.campaigns.find(call.campaign_id)
    assert ref is not None
    engine.break_next(ref)
    engine.run_until(lambda: bool(engine.simulation.faults))
    engine.simulation.faults.clear()
    engine.run_for(2.0)
    engine.runtime.legs.heard(measured(call.leg_id))
    engine.run_for(1.0)
    assert [fact.attempt_id for fact in engine.of(CallMeasured)] == [call.attempt_id]


def test_only_the_last_ended_legs_are_remembered(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ownership, "MOST_ENDED", 2)
    before = len(ended_calls(engine))
    engine.run_until(lambda: len(ended_calls(engine)) > before + 2)
    for call in ended_calls(engine):
        engine.runtime.legs.heard(measured(call.leg_id))
    engine.run_for(1.0)
    assert len(engine.of(CallMeasured)) <= 2
