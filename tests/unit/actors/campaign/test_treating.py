"""Messages and scenarios: what is played to whom, what keys do, and that each has an end."""

from typing import Any

import pytest

from engine.actors.messages import (
    AgentFound,
    BlockNumber,
    CallMoved,
    CallTaken,
    KeyDue,
    QueueCall,
    ToneDue,
    TreatmentDue,
    UnattendedDue,
    WorkFinished,
)
from engine.domain.analysis import AnalysisSpec, Treatment, Verdict
from engine.domain.causes import HUNG_UP, RELEASED
from engine.domain.facts import AttemptClosed, CallQueued, CallTreated, DncAdded
from engine.domain.ids import LegId, TeamId
from engine.domain.scenario import (
    AddToDnc,
    Collect,
    Dispose,
    End,
    Play,
    Scenario,
    Transfer,
)
from engine.domain.specs import Mode
from engine.ports import (
    AwaitBeep,
    BeepAwaited,
    HangUp,
    LegAnalysed,
    LegDigit,
    LegEnded,
    PlaceCall,
    PlayPrompt,
    PromptEnded,
    StopPrompt,
)
from tests.unit.actors.campaign.rig import ANN, Rig

MESSAGE = AnalysisSpec(machine=Treatment.MESSAGE, machine_prompt="call-us.wav", beep_limit_s=20.0)
MENU = Scenario(
    first="menu",
    steps={
        "menu": Collect(
            prompt="menu.wav",
            choices={"1": "interested", "9": "never"},
            otherwise="bye",
            within_s=4.0,
            tries=2,
        ),
        "interested": Dispose("call-back", then="agent"),
        "agent": Transfer(),
        "never": AddToDnc(then="bye"),
        "bye": Play("bye.wav", then="end"),
        "end": End(),
    },
    limit_s=60.0,
)


def unattended(**changes: Any) -> tuple[Rig, PlaceCall]:
    """A person for whom nobody came, and who hears the message."""
    rig = Rig(**{"unattended_prompt": "sorry.wav", "opt_out_key": "9", **changes})
    rig.start()
    call = rig.answered()
    rig.now_s += 2.0
    rig.tell(UnattendedDue(call.attempt_id))
    return rig, call


def machine() -> tuple[Rig, PlaceCall]:
    """A machine whose tone is waited for."""
    rig = Rig(analysis=MESSAGE, opt_out_key="9")
    rig.start()
    call = rig.answered()
    rig.tell(LegAnalysed(call.leg_id, Verdict.MACHINE, 2.0, "long"))
    return rig, call


def in_menu(**changes: Any) -> tuple[Rig, PlaceCall]:
    """A person in a scenario's menu."""
    values = {"mode": Mode.AUTOMATIC, "scenario": MENU, "teams": (TeamId("floor"),), **changes}
    rig = Rig(**values)
    rig.start()
    return rig, rig.answered()


def played(rig: Rig) -> list[str]:
    return [play.prompt for play in rig.all_done(PlayPrompt)]


def press(rig: Rig, call: PlaceCall, key: str) -> None:
    rig.tell(LegDigit(call.leg_id, key))


def closed(rig: Rig, call: PlaceCall) -> AttemptClosed:
    """Let the leg that was hung up end; return the outcome."""
    assert rig.all_done(HangUp) == [HangUp(call.leg_id, RELEASED)]
    rig.tell(LegEnded(call.leg_id, RELEASED))
    (fact,) = rig.facts(AttemptClosed)
    assert rig.open_attempts == 0
    return fact


# --- nobody came --------------------------------------------------------------------------------


def test_the_unattended_message_is_a_treatment_with_a_time() -> None:
    rig, call = unattended()
    assert played(rig) == ["sorry.wav"]
    assert [fact.treatment for fact in rig.facts(CallTreated)] == ["unattended-message"]
    timer = rig.timer(("treatment", call.attempt_id))
    assert timer is not None
    rig.tell(TreatmentDue(call.attempt_id))
    assert closed(rig, call).disposition == "no-agent"


def test_the_opt_out_key_blocks_the_number_at_once_and_the_call_stays_unattended() -> None:
    rig, call = unattended()
    press(rig, call, "9")
    assert rig.all_done(BlockNumber) == [BlockNumber(call.number)]
    assert [(fact.number, fact.by) for fact in rig.facts(DncAdded)] == [
        (call.number, "called-party")
    ]
    assert rig.all_done(StopPrompt) == [StopPrompt(call.leg_id)]
    fact = closed(rig, call)
    assert (fact.disposition, fact.unattended, fact.phase) == ("add-to-dnc", True, "done")
    assert len(rig.facts(DncAdded)) == 1


def test_the_opt_out_is_confirmed_if_there_is_a_prompt_for_it() -> None:
    rig, call = unattended(opt_out_prompt="never-again.wav")
    press(rig, call, "9")
    press(rig, call, "9")
    assert played(rig) == ["sorry.wav", "never-again.wav"]
    assert len(rig.all_done(BlockNumber)) == 1
    assert not rig.all_done(HangUp)
    rig.tell(PromptEnded(call.leg_id))
    assert closed(rig, call).disposition == "add-to-dnc"


def test_an_opt_out_after_the_message_still_blocks() -> None:
    rig, call = unattended()
    rig.tell(PromptEnded(call.leg_id))
    press(rig, call, "9")
    assert len(rig.all_done(BlockNumber)) == 1
    assert closed(rig, call).disposition == "add-to-dnc"


@pytest.mark.parametrize("key", ["1", "#", ""])
def test_other_keys_change_nothing(key: str) -> None:
    rig, call = unattended(opt_out_key="9")
    press(rig, call, key)
    assert rig.last == []


def test_without_an_opt_out_key_no_key_is_one() -> None:
    rig, call = unattended(opt_out_key="")
    press(rig, call, "9")
    assert rig.last == []


def test_keys_mean_nothing_while_an_agent_has_the_call() -> None:
    rig = Rig(opt_out_key="9")
    rig.start()
    call = rig.connected()
    press(rig, call, "9")
    assert rig.last == []


# --- machines -----------------------------------------------------------------------------------


def test_a_message_is_left_after_the_tone() -> None:
    rig, call = machine()
    assert rig.all_done(AwaitBeep) == [AwaitBeep(call.leg_id, 20.0)]
    assert played(rig) == []
    rig.tell(BeepAwaited(call.leg_id, heard=True))
    assert played(rig) == ["call-us.wav"]
    assert [fact.treatment for fact in rig.facts(CallTreated)] == ["machine-message"]
    rig.tell(PromptEnded(call.leg_id))
    fact = closed(rig, call)
    assert (fact.disposition, fact.kind, fact.unattended) == ("message-left", "continue", False)


def test_a_message_that_cannot_be_played_is_not_left() -> None:
    rig, call = machine()
    rig.tell(BeepAwaited(call.leg_id, heard=True))
    rig.tell(PromptEnded(call.leg_id, heard=False))
    assert closed(rig, call).disposition == "answering-machine"


def test_a_scenario_whose_prompt_cannot_be_played_is_a_failure_of_ours() -> None:
    rig = Rig(mode=Mode.AUTOMATIC, prompt="gone.wav", teams=())
    rig.start()
    call = rig.answered()
    rig.tell(PromptEnded(call.leg_id, heard=False))
    assert closed(rig, call).disposition == "system-failure"


@pytest.mark.parametrize("media", ["says so", "says nothing"])
def test_a_machine_without_a_tone_is_hung_up_on(media: str) -> None:
    rig, call = machine()
    timer = rig.timer(("treatment", call.attempt_id))
    assert timer is not None
    assert timer.delay_s > 20.0
    if media == "says so":
        rig.tell(BeepAwaited(call.leg_id, heard=False))
    else:
        rig.tell(ToneDue(call.attempt_id))
    assert played(rig) == []
    assert closed(rig, call).disposition == "answering-machine"
    assert rig.tell(ToneDue(call.attempt_id)) == []


@pytest.mark.parametrize("speaking", [False, True])
def test_a_machine_that_hangs_up_has_no_message(speaking: bool) -> None:
    rig, call = machine()
    if speaking:
        rig.tell(BeepAwaited(call.leg_id, heard=True))
    rig.tell(LegEnded(call.leg_id, HUNG_UP))
    assert [fact.disposition for fact in rig.facts(AttemptClosed)] == ["answering-machine"]
    stages = [each.stage for each in rig.told("pacer", CallMoved)]
    assert stages == ["screening", "treated", "over"]


def test_a_machine_makes_no_sense_of_keys() -> None:
    rig, call = machine()
    rig.tell(BeepAwaited(call.leg_id, heard=True))
    press(rig, call, "9")
    assert rig.last == []


# --- scenarios ----------------------------------------------------------------------------------


def test_a_prompt_alone_is_the_shortest_scenario() -> None:
    rig = Rig(mode=Mode.AUTOMATIC, prompt="news.wav", teams=(), opt_out_key="*")
    rig.start()
    call = rig.answered()
    assert played(rig) == ["news.wav"]
    assert [fact.treatment for fact in rig.facts(CallTreated)] == ["scenario"]
    press(rig, call, "*")
    assert closed(rig, call).disposition == "add-to-dnc"
    assert len(rig.all_done(BlockNumber)) == 1


def test_a_key_brings_the_person_to_an_agent() -> None:
    rig, call = in_menu()
    press(rig, call, "1")
    assert rig.all_done(StopPrompt) == [StopPrompt(call.leg_id)]
    assert len(rig.facts(CallQueued)) == 1
    (queued,) = rig.told("router", QueueCall)
    assert queued.answered_s == rig.now_s
    rig.tell(AgentFound(call.attempt_id, ANN))
    rig.tell(CallTaken(call.attempt_id, ANN, LegId("phone")))
    moved = [(each.stage, each.launched_s > 0) for each in rig.told("pacer", CallMoved)]
    assert moved == [("treated", True), ("answered", False), ("connected", False)]
    rig.tell(LegEnded(call.leg_id, HUNG_UP))
    rig.tell(WorkFinished(call.attempt_id, ANN, 3.0))
    (fact,) = rig.facts(AttemptClosed)
    assert (fact.disposition, fact.agent_id) == ("call-back", ANN)  # as the scenario noted
    assert rig.told("pacer", CallMoved)[-1].stage == "over"


def test_a_person_who_asked_for_an_agent_and_got_none_is_unattended() -> None:
    rig, call = in_menu(unattended_prompt="sorry.wav")
    press(rig, call, "1")
    rig.tell(UnattendedDue(call.attempt_id))
    assert played(rig) == ["menu.wav", "sorry.wav"]
    rig.tell(PromptEnded(call.leg_id))
    fact = closed(rig, call)
    assert (fact.disposition, fact.unattended) == ("no-agent", True)


def test_a_key_puts_the_number_on_the_list() -> None:
    rig, call = in_menu()
    press(rig, call, "9")
    assert rig.all_done(BlockNumber) == [BlockNumber(call.number)]
    assert played(rig) == ["menu.wav", "bye.wav"]
    rig.tell(PromptEnded(call.leg_id))
    fact = closed(rig, call)
    assert (fact.disposition, fact.unattended) == ("add-to-dnc", False)
    assert len(rig.facts(DncAdded)) == 1


def test_no_key_in_time_asks_again_and_then_goes_on() -> None:
    rig, call = in_menu()
    for _ in range(2):
        rig.tell(PromptEnded(call.leg_id))
        timer = rig.timer(("key", call.attempt_id))
        assert timer is not None
        assert timer.delay_s == 4.0
        assert isinstance(timer.message, KeyDue)
        rig.tell(timer.message)
        rig.tell(timer.message)  # late: another turn has begun
    assert played(rig) == ["menu.wav", "menu.wav", "bye.wav"]
    rig.tell(PromptEnded(call.leg_id))
    assert closed(rig, call).disposition == "message-played"


def test_the_opt_out_key_holds_in_a_scenario_that_has_no_choice_for_it() -> None:
    rig, call = in_menu(opt_out_key="*")
    press(rig, call, "*")
    assert len(rig.all_done(BlockNumber)) == 1
    assert closed(rig, call).disposition == "add-to-dnc"


def test_a_choice_of_the_scenario_goes_before_the_opt_out_key() -> None:
    rig, call = in_menu(opt_out_key="1")
    press(rig, call, "1")
    assert not rig.all_done(BlockNumber)
    assert len(rig.told("router", QueueCall)) == 1


def test_the_time_of_a_scenario_ends_the_call() -> None:
    rig, call = in_menu()
    timer = rig.timer(("treatment", call.attempt_id))
    assert timer is not None
    assert timer.delay_s == 60.0
    rig.tell(TreatmentDue(call.attempt_id))
    assert rig.tell(PromptEnded(call.leg_id)) == []  # the stopped prompt's, come late
    assert closed(rig, call).disposition == "message-cut"


def test_a_person_who_hangs_up_in_the_menu_cut_the_message() -> None:
    rig, call = in_menu()
    rig.tell(LegEnded(call.leg_id, HUNG_UP))
    assert [fact.disposition for fact in rig.facts(AttemptClosed)] == ["message-cut"]
