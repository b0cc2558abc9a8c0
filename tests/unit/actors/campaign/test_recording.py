"""What of a campaign's calls is recorded: the notice first, each change a fact, transfers too."""

from typing import Any

import pytest

from engine.actors.campaign import CampaignBehavior
from engine.actors.kernel.effects import Refuse
from engine.actors.messages import (
    AgentFound,
    AgentLeft,
    CallMonitored,
    CallTaken,
    ControlRecording,
    NoticeDue,
    RecorderSampled,
    ShowRecording,
    SupplySampled,
)
from engine.compliance.recording import RecordingAction, RecordingPolicy, RecordingState
from engine.domain.causes import HUNG_UP
from engine.domain.facts import (
    RecordingPaused,
    RecordingRefused,
    RecordingResumed,
    RecordingStarted,
    RecordingStopped,
)
from engine.domain.ids import AttemptId, IdSource, LegId
from engine.domain.scenario import DoNotRecord, End, Play, Scenario
from engine.domain.specs import Mode, RecordingRule
from engine.ports import (
    LegEnded,
    PauseRecording,
    PlaceCall,
    PlayPrompt,
    PromptEnded,
    ResumeRecording,
    StartRecording,
    StopPrompt,
    StopRecording,
)
from tests.unit.actors.campaign.rig import ANN, BOB, Rig, spec_of
from tests.unit.actors.reading import Answers, seed_of

ALL, NONE = RecordingRule.ALL, RecordingRule.NONE


def ask(rig: Rig, call: PlaceCall, action: RecordingAction, **more: Any) -> Answers:
    answers = Answers()
    wanted = {"by": "sue", "automated": False, **more}
    rig.tell(ControlRecording(call.attempt_id, action, reply_to=answers.place(), **wanted))
    rig.resolve()
    return answers


def under(policy: RecordingPolicy, **changes: Any) -> Rig:
    """Return a campaign under a policy of the contact centre."""
    rig = Rig(recovered=False, **changes)
    rig.campaign = CampaignBehavior(
        spec_of(**changes), rig.me, rig.registry, IdSource("a1", 1), seed_of, "UTC", policy
    )
    from engine.actors.messages import Recover
    from engine.ports import RunState

    rig.tell(Recover(RunState(False, 0, rig.now_s), (), True))
    return rig


def test_a_call_that_is_to_be_recorded_is_from_its_connection() -> None:
    rig = Rig(recording=ALL)
    rig.start()
    call = rig.connected()
    (start,) = rig.all_done(StartRecording)
    assert start.leg_id == call.leg_id
    assert start.notes["attempt_id"] == call.attempt_id
    (fact,) = rig.facts(RecordingStarted)
    assert (fact.recording_id, fact.agent_id) == (start.recording_id, ANN)
    assert (fact.by, fact.reason) == ("engine", "campaign")
    (shown,) = rig.told("ann", ShowRecording)
    assert shown.view.state is RecordingState.ON
    rig.tell(LegEnded(call.leg_id, HUNG_UP))
    (stopped,) = rig.facts(RecordingStopped)
    assert stopped.reason == "call-ended"
    assert not rig.all_done(StopRecording)


def test_the_centre_decides_where_nobody_else_does() -> None:
    rig = under(RecordingPolicy(record=ALL))
    rig.start()
    rig.connected()
    assert [fact.reason for fact in rig.facts(RecordingStarted)] == ["centre"]


def test_recording_begins_after_the_notice_and_not_before() -> None:
    rig = Rig(recording=ALL, recording_notice="notice.wav")
    rig.start()
    call = rig.connected()
    assert [play.prompt for play in rig.all_done(PlayPrompt)] == ["notice.wav"]
    assert not rig.all_done(StartRecording)
    rig.tell(PromptEnded(call.leg_id))
    assert len(rig.all_done(StartRecording)) == 1


def test_a_notice_that_cannot_be_played_leaves_the_call_unrecorded_and_says_so() -> None:
    rig = Rig(recording=ALL, recording_notice="gone.wav")
    rig.start()
    call = rig.connected()
    rig.tell(PromptEnded(call.leg_id, heard=False))
    view = ask(rig, call, RecordingAction.START).values[0]
    assert (view.state, view.why) == (RecordingState.OFF, "notice-failed")
    assert not rig.all_done(StartRecording)
    assert len(rig.all_done(PlayPrompt)) == 1
    assert [fact.reason for fact in rig.facts(RecordingRefused)] == ["notice-failed"]


def test_a_notice_that_was_cut_is_played_again() -> None:
    rig = Rig(recording=ALL, recording_notice="notice.wav")
    rig.start()
    call = rig.connected()
    rig.tell(NoticeDue(call.attempt_id))
    assert len(rig.all_done(PlayPrompt)) == 2
    assert not rig.all_done(StartRecording)


def test_who_does_not_want_it_any_more_stops_the_notice() -> None:
    rig = Rig(recording=ALL, recording_notice="notice.wav")
    rig.start()
    call = rig.connected()
    ask(rig, call, RecordingAction.STOP)
    assert rig.all_done(StopPrompt)
    rig.tell(PromptEnded(call.leg_id))
    assert not rig.all_done(StartRecording)


def test_each_change_is_a_command_and_a_fact_with_its_actor() -> None:
    rig = Rig(recording=NONE)
    rig.start()
    call = rig.connected()
    actions = (
        RecordingAction.START, RecordingAction.PAUSE, RecordingAction.PAUSE,
        RecordingAction.RESUME, RecordingAction.STOP, RecordingAction.START,
    )  # fmt: skip
    states = [ask(rig, call, action).values[0].state for action in actions]
    on, off, paused = RecordingState.ON, RecordingState.OFF, RecordingState.PAUSED
    assert states == [on, paused, paused, on, off, on]
    assert len(rig.all_done(PauseRecording)) == len(rig.all_done(ResumeRecording)) == 1
    assert len(rig.all_done(StopRecording)) == 1
    first, second = rig.facts(RecordingStarted)
    assert first.recording_id != second.recording_id
    changed: list[RecordingPaused | RecordingResumed | RecordingStopped] = [
        *rig.facts(RecordingPaused),
        *rig.facts(RecordingResumed),
        *rig.facts(RecordingStopped),
    ]
    assert [(fact.by, fact.reason) for fact in changed] == [("sue", "manual")] * 3


def test_monitoring_records_and_its_end_ends_that() -> None:
    rig = Rig()
    rig.start()
    call = rig.connected()
    rig.tell(CallMonitored(call.attempt_id, on=True, by="sue"))
    assert [fact.reason for fact in rig.facts(RecordingStarted)] == ["monitoring"]
    rig.tell(CallMonitored(call.attempt_id, on=False, by="engine"))
    assert len(rig.all_done(StopRecording)) == 1


def test_monitoring_records_nothing_where_the_centre_does_not_want_it() -> None:
    rig = under(RecordingPolicy(during_monitoring=False))
    rig.start()
    call = rig.connected()
    rig.tell(CallMonitored(call.attempt_id, on=True, by="sue"))
    assert not rig.all_done(StartRecording)


def test_another_agents_rule_is_judged_when_the_call_comes_to_another_agent() -> None:
    rig = Rig(recording=NONE)
    rig.start()
    call = rig.answered()
    rig.tell(AgentFound(call.attempt_id, ANN))
    rig.tell(CallTaken(call.attempt_id, ANN, LegId("one"), ALL))
    assert [fact.reason for fact in rig.facts(RecordingStarted)] == ["agent"]
    rig.tell(AgentLeft(call.attempt_id, ANN, 1.0, 0.0))
    rig.tell(AgentFound(call.attempt_id, BOB))
    rig.tell(CallTaken(call.attempt_id, BOB, LegId("two")))
    assert len(rig.all_done(StopRecording)) == 1


def test_an_automatic_call_is_recorded_with_its_message() -> None:
    rig = Rig(recording=ALL, mode=Mode.AUTOMATIC, prompt="hello.wav")
    rig.start()
    call = rig.answered()
    assert [start.leg_id for start in rig.all_done(StartRecording)] == [call.leg_id]


@pytest.mark.parametrize("banned", [False, True])
def test_a_scenario_lets_a_call_be_unrecorded_and_a_ban_is_the_last_word(banned: bool) -> None:
    scenario = Scenario(
        first="hello",
        steps={
            "hello": Play("hello.wav", then="quiet"),
            "quiet": DoNotRecord(then="number", banned=banned),
            "number": Play("say-your-number.wav", then="end"),
            "end": End(),
        },
    )
    rig = Rig(recording=ALL, mode=Mode.AUTOMATIC, scenario=scenario)
    rig.start()
    call = rig.answered()
    assert len(rig.all_done(StartRecording)) == 1
    rig.tell(PromptEnded(call.leg_id))
    assert len(rig.all_done(StopRecording)) == 1
    assert [f.reason for f in rig.facts(RecordingStopped)] == ["ban" if banned else "scenario"]
    state = ask(rig, call, RecordingAction.START).values[0].state
    assert state is (RecordingState.OFF if banned else RecordingState.ON)


def test_nobody_is_recorded_who_is_not_there() -> None:
    rig = Rig()
    rig.start()
    answers = Answers()
    message = ControlRecording(
        AttemptId("a1-0001-00000099"), RecordingAction.START, "sue", False, answers.place()
    )
    (refused,) = rig.tell(message)
    assert isinstance(refused, Refuse)
    assert refused.error.slug == "unknown-call"


@pytest.mark.parametrize(("required", "held"), [(True, True), (False, False)])
def test_without_a_recorder_nothing_begins_that_must_be_recorded(
    required: bool, held: bool
) -> None:
    rig = under(RecordingPolicy(required=required), recording=ALL)
    rig.start()
    rig.tell(RecorderSampled(up=False))
    assert ("recorder-down" in rig.view().why_idle) is held
    assert rig.told(rig.registry.pacer.name, SupplySampled)[-1].trunk_up is not held
    rig.tell(RecorderSampled(up=True))
    assert "recorder-down" not in rig.view().why_idle
    assert rig.told(rig.registry.pacer.name, SupplySampled)[-1].trunk_up
