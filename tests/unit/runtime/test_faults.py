"""A part that raises: what it left is made whole, and everybody else works on."""

import pytest

from engine.actors.messages import SampleGauges
from engine.domain.facts import (
    AttemptClosed,
    AttemptIntended,
    CallConnected,
    CampaignStopped,
)
from engine.domain.specs import Mode
from tests.unit.runtime.world import Engine


@pytest.fixture
def engine() -> Engine:
    engine = Engine()
    engine.run_for(60.0)
    assert engine.of(CallConnected)
    return engine


def dials(engine: Engine) -> bool:
    """Say whether calls are made and joined from now on."""
    intended, connected = len(engine.of(AttemptIntended)), len(engine.of(CallConnected))
    engine.run_until(lambda: len(engine.of(CallConnected)) > connected + 1)
    return len(engine.of(AttemptIntended)) > intended


def test_a_failed_campaign_closes_its_attempts_once_and_dials_on(engine: Engine) -> None:
    campaign_id, ref = engine.campaign()
    engine.run_until(lambda: bool(engine.runtime.live.attempts_of(campaign_id)))  # type: ignore[arg-type]
    engine.break_next(ref)
    engine.run_for(5.0)
    assert len(engine.simulation.faults) == 1
    assert any(fact.cause == "lost" for fact in engine.of(AttemptClosed))
    assert dials(engine)
    engine.settle()
    assert engine.unbalanced() == []


@pytest.mark.parametrize("moment", range(6))
def test_a_campaign_may_fail_at_any_moment(moment: int) -> None:
    engine = Engine(seed=moment, mode=list(Mode)[moment % 3])
    engine.run_for(20.0 + 13.3 * moment)
    for ref in engine.runtime.registry.campaigns.refs():
        engine.break_next(ref)
    engine.run_for(60.0)
    engine.settle()
    assert engine.unbalanced() == []
    assert len(engine.simulation.faults) == len(engine.runtime.registry.campaigns.refs())


def test_a_campaign_that_fails_too_often_stops_and_says_why(engine: Engine) -> None:
    campaign_id, _ = engine.campaign()
    for _ in range(4):
        ref = engine.runtime.registry.campaigns.find(campaign_id)  # type: ignore[arg-type]
        assert ref is not None
        engine.break_next(ref)
        engine.run_for(3.0)
    (stopped,) = engine.of(CampaignStopped)
    assert (stopped.by, stopped.reason) == ("engine", "BrokenError too often")
    assert not engine.runtime.live.run_of(stopped.campaign_id).running
    before = len(engine.of(AttemptIntended))
    others = [c for c in engine.runtime.registry.campaigns.items() if c[0] != campaign_id]
    engine.run_for(60.0)
    if not others:
        assert len(engine.of(AttemptIntended)) == before
    engine.simulation.operators.start_all()
    assert dials(engine)
    engine.settle()
    assert engine.unbalanced() == []


def test_the_customer_of_a_failed_agent_is_given_to_another(engine: Engine) -> None:
    engine.run_until(lambda: engine.talking() is not None)
    talk = engine.talking()
    assert talk is not None
    ref = engine.runtime.registry.agents.find(talk.agent_id)
    assert ref is not None
    engine.break_next(ref)
    engine.run_for(5.0)
    assert len(engine.simulation.faults) == 1
    connected = [f for f in engine.of(CallConnected) if f.attempt_id == talk.attempt_id]
    closed = [f for f in engine.of(AttemptClosed) if f.attempt_id == talk.attempt_id]
    assert len(connected) > 1 or (closed and closed[0].unattended)
    engine.settle()
    assert engine.unbalanced() == []


@pytest.mark.parametrize("who", ["router", "pacer"])
@pytest.mark.parametrize("times", [1, 5], ids=["once", "too often"])
def test_without_router_or_pacer_nothing_would_be_dialed_so_they_begin_anew(
    engine: Engine, who: str, times: int
) -> None:
    ref = getattr(engine.runtime.registry, who)
    for _ in range(times):
        engine.fail(ref)
    assert len(engine.simulation.faults) == times
    assert dials(engine)
    engine.settle()
    assert engine.unbalanced() == []


@pytest.mark.parametrize("kind", ["lists", "trunks"])
@pytest.mark.parametrize("times", [1, 5], ids=["once", "too often"])
def test_lists_and_trunks_begin_anew(engine: Engine, kind: str, times: int) -> None:
    for _ in range(times):
        engine.fail(getattr(engine.runtime.registry, kind).refs()[0])  # the one in use
    assert dials(engine)
    engine.settle()
    assert engine.unbalanced() == []


def test_a_fault_in_one_part_is_told_with_what_it_was_handling(engine: Engine) -> None:
    _, ref = engine.campaign()
    engine.break_next(ref, SampleGauges)
    engine.run_for(2.0)
    assert engine.simulation.faults == [
        f"{ref.name} raised BrokenError('SampleGauges') on SampleGauges"
    ]
