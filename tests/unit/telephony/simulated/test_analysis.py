"""Simulated callees are analysed by the campaign's rules, with the errors of a law."""

from collections import Counter
from dataclasses import replace
from random import Random

import pytest

from engine.domain.analysis import AnalysisSpec, Verdict
from engine.domain.causes import RELEASED
from engine.domain.ids import LegId
from engine.ports import AnalyseLeg, AwaitBeep, BeepAwaited, HangUp, LegAnalysed, LegAnswered
from engine.telephony.simulated import AnalysisLaw, CarrierModel
from engine.telephony.simulated.listening import judge
from tests.unit.telephony.simulated.test_telephony import ANSWERS, LEG, World

SPEC = AnalysisSpec()
SURE = AnalysisLaw(false_machine_ratio=0.0, missed_machine_ratio=0.0, beep_ratio=1.0)


NO_PERSON = CarrierModel(
    answer_ratio=0.0,
    invalid_ratio=0.0,
    busy_ratio=0.0,
    congested_ratio=0.0,
    declined_ratio=0.0,
    analysis=SURE,
)
MACHINES = replace(NO_PERSON, machine_ratio=1.0)


def answered(model: CarrierModel) -> World:
    world = World(model)
    world.call()
    wait(world, LegAnswered)
    return world


def wait(world: World, kind: type) -> None:
    """Wait in small steps until an event of a kind is there."""
    for _ in range(10_000):
        if kind in map(type, world.of()):
            return
        world.scheduler.run_for(0.01)
    raise AssertionError(f"no {kind.__name__}")


def analysed(world: World, spec: AnalysisSpec = SPEC) -> tuple[Verdict, float]:
    """Return the verdict, and how long it took in virtual time."""
    asked_s = world.scheduler.now_s()
    world.do(AnalyseLeg(LEG, spec))
    wait(world, LegAnalysed)
    (event,) = [event for event in world.of() if isinstance(event, LegAnalysed)]
    assert world.scheduler.now_s() - asked_s == pytest.approx(event.after_s, abs=0.02)
    return event.verdict, event.after_s


@pytest.mark.parametrize(
    ("model", "verdict"),
    [
        pytest.param(CarrierModel(answer_ratio=1.0, analysis=SURE), Verdict.PERSON, id="person"),
        pytest.param(MACHINES, Verdict.MACHINE, id="machine"),
        pytest.param(replace(NO_PERSON, fax_ratio=1.0), Verdict.FAX, id="fax"),
        pytest.param(replace(NO_PERSON, quiet_ratio=1.0), Verdict.SILENCE, id="silence"),
    ],
)
def test_a_callee_is_known_for_what_it_is(model: CarrierModel, verdict: Verdict) -> None:
    world = answered(model)
    assert analysed(world)[0] is verdict
    (answer,) = [row for row in world.witness.rows if row["kind"] == "answer"]
    assert answer.get("by", "person") == verdict.value


def test_any_speech_is_a_person_when_machines_are_not_looked_for() -> None:
    verdict, after_s = analysed(answered(MACHINES), AnalysisSpec(detect_machines=False))
    assert verdict is Verdict.PERSON
    assert after_s < 1.2


def test_no_verdict_by_the_limit_is_undecided() -> None:
    spec = AnalysisSpec(limit_s=1.0, machine_speech_s=1.8)
    assert analysed(answered(MACHINES), spec) == (Verdict.UNDECIDED, 1.0)


def test_errors_have_the_share_that_the_law_gives_them() -> None:
    law = AnalysisLaw(false_machine_ratio=0.2, missed_machine_ratio=0.4)
    random = Random(5)
    people, machines = (
        Counter(judge(kind, SPEC, law, random)[0] for _ in range(2000))
        for kind in (Verdict.PERSON, Verdict.MACHINE)
    )
    assert 320 < people[Verdict.MACHINE] < 480
    assert 680 < machines[Verdict.PERSON] < 920


def test_a_machine_is_ready_for_a_message_after_its_tone() -> None:
    world = answered(MACHINES)
    analysed(world)
    world.do(AwaitBeep(LEG, 40.0))
    world.scheduler.run_for(30.0)
    assert world.of()[-1] == BeepAwaited(LEG, heard=True)


def test_a_tone_that_does_not_come_is_told_at_the_limit() -> None:
    world = answered(replace(MACHINES, analysis=AnalysisLaw(beep_ratio=0.0)))
    world.do(AwaitBeep(LEG, 10.0))
    world.scheduler.run_for(9.9)
    assert BeepAwaited not in map(type, world.of())
    world.scheduler.run_for(0.2)
    assert world.of()[-1] == BeepAwaited(LEG, heard=False)


def test_a_leg_is_listened_to_for_one_thing_at_a_time() -> None:
    world = answered(MACHINES)
    world.do(AnalyseLeg(LEG, SPEC))
    world.do(AwaitBeep(LEG, 40.0))
    world.scheduler.run_for(40.0)
    assert [type(event) for event in world.of()][-2:] == [LegAnswered, BeepAwaited]


@pytest.mark.parametrize("leg_id", [LEG, LegId("unknown")])
def test_nothing_is_heard_of_a_leg_that_is_over(leg_id: LegId) -> None:
    world = answered(ANSWERS)
    world.do(AnalyseLeg(leg_id, SPEC))
    world.do(HangUp(LEG, RELEASED))
    world.scheduler.run_for(10.0)
    assert not {LegAnalysed, BeepAwaited} & set(map(type, world.events))
