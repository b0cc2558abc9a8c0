"""Who answered: what each verdict leads to, when a person's time begins, and who is told."""

from typing import Any

import pytest

from engine.actors.messages import (
    AgentFound,
    CallMoved,
    CallTaken,
    CloseRecord,
    QueueCall,
    Rejoin,
    TakeCall,
    UnattendedDue,
    VerdictDue,
)
from engine.domain.analysis import AnalysisSpec, Treatment, Verdict
from engine.domain.causes import HUNG_UP, RELEASED
from engine.domain.facts import (
    AttemptAnswered,
    AttemptClosed,
    CallAnalysed,
    CallConnected,
    CallQueued,
    CallTreated,
)
from engine.domain.ids import LegId
from engine.domain.specs import Mode
from engine.ports import AnalyseLeg, HangUp, LegAnalysed, LegEnded, PlaceCall, PlayPrompt
from tests.unit.actors.campaign.rig import ANN, PEOPLE, Rig

PHONE = LegId("phone")


def analysed(**changes: Any) -> Rig:
    """A campaign whose answers are analysed."""
    rig = Rig(analysis=AnalysisSpec(**changes))
    rig.start()
    return rig


def judge(rig: Rig, call: PlaceCall, verdict: Verdict, after_s: float = 1.5) -> None:
    rig.now_s += after_s
    rig.tell(LegAnalysed(call.leg_id, verdict, after_s, "as told"))


def stages(rig: Rig) -> list[str]:
    return [each.stage for each in rig.told("pacer", CallMoved)]


def test_an_answer_is_listened_to_before_anybody_has_it() -> None:
    rig = analysed()
    call = rig.answered()
    assert rig.all_done(AnalyseLeg) == [AnalyseLeg(call.leg_id, AnalysisSpec())]
    assert [fact.screened for fact in rig.facts(AttemptAnswered)] == [True]
    assert not rig.facts(CallQueued)
    assert not rig.told("router", QueueCall)
    assert stages(rig) == ["screening"]


def test_without_analysis_every_answer_is_a_person() -> None:
    rig = Rig()
    rig.start()
    rig.answered()
    assert [fact.screened for fact in rig.facts(AttemptAnswered)] == [False]
    assert not rig.facts(CallAnalysed)
    assert stages(rig) == ["answered"]


@pytest.mark.parametrize(
    ("verdict", "detect", "waited_s"),
    [
        pytest.param(Verdict.PERSON, True, 0.608, id="from the end of the greeting"),
        pytest.param(Verdict.UNDECIDED, True, 0.0, id="undecided: from the verdict"),
        pytest.param(Verdict.SILENCE, True, 0.0, id="silence: from the verdict"),
        pytest.param(Verdict.PERSON, False, 0.0, id="any speech: from the verdict"),
    ],
)
def test_a_person_waits_from_the_end_of_the_greeting(
    verdict: Verdict, detect: bool, waited_s: float
) -> None:
    rig = analysed(detect_machines=detect)
    call = rig.answered()
    judge(rig, call, verdict)
    (queued,) = rig.told("router", QueueCall)
    assert queued.answered_s == pytest.approx(rig.now_s - waited_s)
    timer = rig.timer(("unattended", call.attempt_id))
    assert timer is not None
    assert timer.delay_s == pytest.approx(2.0 - waited_s)
    assert [fact.person for fact in rig.facts(CallAnalysed)] == [True]
    rig.tell(AgentFound(call.attempt_id, ANN))
    rig.now_s += 0.1
    rig.tell(CallTaken(call.attempt_id, ANN, PHONE))
    (fact,) = rig.facts(CallConnected)
    assert fact.wait_s == pytest.approx(waited_s + 0.1)
    assert not fact.late
    assert stages(rig) == ["screening", "answered", "connected"]


def test_the_wait_never_begins_before_the_answer() -> None:
    rig = analysed(greeting_silence_s=5.0)
    call = rig.answered()
    judge(rig, call, Verdict.PERSON, 0.5)
    (queued,) = rig.told("router", QueueCall)
    assert queued.answered_s == rig.now_s - 0.5


def test_no_verdict_is_a_person_who_is_not_held_in_silence() -> None:
    rig = analysed(limit_s=2.5)
    call = rig.answered()
    timer = rig.timer(("screening", call.attempt_id))
    assert timer is not None
    assert 2.5 < timer.delay_s <= 3.5
    rig.now_s += timer.delay_s
    rig.tell(VerdictDue(call.attempt_id))
    (fact,) = rig.facts(CallAnalysed)
    assert (fact.verdict, fact.person, fact.after_s) == ("undecided", True, timer.delay_s)
    assert len(rig.told("router", QueueCall)) == 1
    effects = rig.tell(LegAnalysed(call.leg_id, Verdict.MACHINE, 4.0, "too late"))
    assert effects == []
    assert rig.tell(VerdictDue(call.attempt_id)) == []


@pytest.mark.parametrize(
    ("verdict", "disposition"),
    [
        (Verdict.MACHINE, "answering-machine"),
        (Verdict.FAX, "fax"),
        (Verdict.BUSY, "busy"),
        (Verdict.INVALID, "invalid-number"),
    ],
)
def test_what_is_no_person_is_ended_and_counts_for_nothing(
    verdict: Verdict, disposition: str
) -> None:
    rig = analysed()
    call = rig.answered()
    judge(rig, call, verdict)
    assert rig.all_done(HangUp) == [HangUp(call.leg_id, RELEASED)]
    rig.tell(LegEnded(call.leg_id, RELEASED))
    (closed,) = rig.facts(AttemptClosed)
    assert (closed.disposition, closed.answered, closed.unattended) == (disposition, True, False)
    assert not rig.facts(CallQueued)
    assert not rig.facts(CallTreated)
    assert stages(rig) == ["screening", "treated", "over"]
    assert rig.open_attempts == 0


def test_a_number_that_is_not_in_service_is_not_called_again() -> None:
    rig = analysed()
    call = rig.answered()
    judge(rig, call, Verdict.INVALID)
    rig.tell(LegEnded(call.leg_id, RELEASED))
    assert [each.stop_number for each in rig.told(PEOPLE, CloseRecord)] == [True]


def test_silence_may_be_ended_as_well() -> None:
    rig = analysed(silence=Treatment.END)
    call = rig.answered()
    judge(rig, call, Verdict.SILENCE)
    rig.tell(LegEnded(call.leg_id, RELEASED))
    assert [fact.disposition for fact in rig.facts(AttemptClosed)] == ["silence"]
    assert [fact.person for fact in rig.facts(CallAnalysed)] == [False]


def test_a_machine_may_go_to_an_agent_and_is_no_person_there() -> None:
    rig = analysed(machine=Treatment.CONNECT)
    call = rig.answered()
    judge(rig, call, Verdict.MACHINE)
    moved = rig.told("pacer", CallMoved)[-1]
    assert (moved.stage, moved.screened, moved.person) == ("answered", True, False)
    rig.tell(AgentFound(call.attempt_id, ANN))
    assert len(rig.told("ann", TakeCall)) == 1
    rig.now_s += 9.0
    rig.tell(CallTaken(call.attempt_id, ANN, PHONE))
    assert [fact.late for fact in rig.facts(CallConnected)] == [False]


@pytest.mark.parametrize("ends", ["nobody comes", "it hangs up"])
def test_a_machine_without_an_agent_hears_no_message_and_is_not_unattended(ends: str) -> None:
    rig = Rig(analysis=AnalysisSpec(machine=Treatment.CONNECT), unattended_prompt="sorry.wav")
    rig.start()
    call = rig.answered()
    judge(rig, call, Verdict.MACHINE)
    if ends == "nobody comes":
        rig.tell(UnattendedDue(call.attempt_id))
        assert rig.all_done(HangUp) == [HangUp(call.leg_id, RELEASED)]
    rig.tell(LegEnded(call.leg_id, HUNG_UP))
    assert not rig.all_done(PlayPrompt)
    (closed,) = rig.facts(AttemptClosed)
    assert (closed.disposition, closed.unattended) == ("answering-machine", False)
    assert stages(rig)[-1] in {"dropped", "abandoned"}


def test_who_hangs_up_under_analysis_has_abandoned_the_call() -> None:
    rig = analysed()
    call = rig.answered()
    rig.tell(LegEnded(call.leg_id, HUNG_UP))
    (closed,) = rig.facts(AttemptClosed)
    assert (closed.disposition, closed.unattended) == ("abandoned", False)
    assert stages(rig) == ["screening", "ended"]
    assert rig.told("pacer", CallMoved)[-1].screened
    assert rig.tell(VerdictDue(call.attempt_id)) == []


def test_a_pacer_that_began_anew_hears_of_calls_under_analysis() -> None:
    rig = analysed()
    rig.answered()
    effects = rig.tell(Rejoin())
    assert [each.stage for each in rig.told_by(effects, "pacer", CallMoved)] == ["screening"]


def test_automatic_mode_analyses_too_and_plays_to_people_alone() -> None:
    rig = Rig(mode=Mode.AUTOMATIC, prompt="news.wav", teams=(), analysis=AnalysisSpec())
    rig.start()
    person, machine = rig.answered(1), rig.answered(2)
    rig.tell(LegAnalysed(machine.leg_id, Verdict.MACHINE, 2.0, "long"))
    rig.tell(LegAnalysed(person.leg_id, Verdict.PERSON, 1.0, "short"))
    assert [play.leg_id for play in rig.all_done(PlayPrompt)] == [person.leg_id]
    assert [hang.leg_id for hang in rig.all_done(HangUp)] == [machine.leg_id]
