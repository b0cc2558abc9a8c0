"""Which of a campaign's calls are recorded, as wishes come and go; and the notice before.

What is wanted of a call is judged anew at each change (``engine.compliance.recording``). Recording
begins when the called party has heard the notice, if there is one; a call of an automatic campaign
with a notice is therefore not recorded before an agent has it.
"""

from dataclasses import dataclass, field, replace

from engine.actors.campaign.attempt import WAITING, Attempt, AttemptTable
from engine.actors.campaign.context import CampaignContext
from engine.actors.kernel.effects import CancelTimer, Do, Effect, Refuse, Reply, StartTimer
from engine.actors.messages.campaign import CallTaken
from engine.actors.messages.recording import (
    CallMonitored,
    ControlRecording,
    DescribeRecording,
    NoticeDue,
    RecordingView,
    ShowRecording,
)
from engine.compliance.recording import (
    RecordingPolicy,
    RecordingState,
    RecordingVerdict,
    RecordingWishes,
    judge,
    must_record,
)
from engine.domain.facts import (
    RecordingPaused,
    RecordingRefused,
    RecordingResumed,
    RecordingStarted,
    RecordingStopped,
)
from engine.domain.ids import AgentId, AttemptId, LegId, RecordingId
from engine.domain.refusals import UnknownCallError
from engine.machines.attempt import AttemptPhase
from engine.ports import (
    PauseRecording,
    PlayPrompt,
    PromptEnded,
    ResumeRecording,
    StartRecording,
    StopPrompt,
    StopRecording,
)

NOTICE_S = 60.0
"""A notice whose end is not told by then, such as when hold cut it, is played again. [s]"""

NOTICE_FAILED = "notice-failed"

_IN_HAND = frozenset({*WAITING, AttemptPhase.CONNECTED, AttemptPhase.TREATED})


@dataclass(slots=True)
class _Call:
    """What is known of one call.

    Attributes:
        wishes: All that was said about recording it.
        leg_id: The customer's leg.
        recording_id: The recording being made, or None.
        paused: Whether that is paused.
        noticed: Whether the customer has heard the notice.
        notice: Whether it is being played.
        refused: Whether it cannot be played, and so nothing is recorded (R5).
        shown: What the agent's desktop was told last.
    """

    wishes: RecordingWishes
    leg_id: LegId
    recording_id: RecordingId | None = None
    paused: bool = False
    noticed: bool = False
    notice: bool = False
    refused: bool = False
    shown: RecordingView | None = field(default=None)


class Recordings:
    """The recordings of one campaign's calls.

    Args:
        context: The campaign.
        table: Its attempts.
        policy: What the contact centre says.
    """

    __slots__ = ("_calls", "_context", "_legs", "_policy", "_table", "_up")

    def __init__(
        self, context: CampaignContext, table: AttemptTable, policy: RecordingPolicy
    ) -> None:
        self._context = context
        self._table = table
        self._policy = policy
        self._calls: dict[AttemptId, _Call] = {}
        self._legs: dict[LegId, AttemptId] = {}
        self._up = True

    @property
    def hinders(self) -> bool:
        """Whether no call may begin, because it could not be recorded and must be (R3)."""
        return not self._up and must_record(self._policy, self._context.spec.recording)

    def recorder_changed(self, *, up: bool) -> None:
        """Note whether calls can be recorded."""
        self._up = up

    # --- the call's way --------------------------------------------------------------------

    def connected(self, message: CallTaken, now_s: float) -> list[Effect]:
        """An agent has the call, the first one or another."""
        attempt = self._table.find(message.attempt_id, AttemptPhase.CONNECTED)
        if attempt is None or attempt.agent_id != message.agent_id:
            return []
        call = self._call(attempt)
        call.wishes = replace(call.wishes, agent=message.recording)
        call.shown = None  # this agent has not been shown anything yet
        return self._decide(attempt, call, "engine", now_s)

    def treated(self, attempt: Attempt | None, now_s: float) -> list[Effect]:
        """A call may have come to a scenario, and to no agent."""
        if attempt is None or attempt.phase is not AttemptPhase.TREATED:
            return []
        if attempt.scenario is None or self._context.spec.recording_notice:
            return []
        return self._decide(attempt, self._call(attempt), "engine", now_s)

    def leg_ended(self, leg_id: LegId, now_s: float) -> list[Effect]:
        """The customer is gone: the recording ends by itself."""
        found = self._legs.pop(leg_id, None)
        if found is None:
            return []
        call = self._calls.pop(found)
        effects: list[Effect] = [CancelTimer(("notice", found))] if call.notice else []
        if call.recording_id is not None:
            effects.append(self._stopped(found, call.recording_id, "engine", "call-ended", now_s))
        return effects

    def configured(self, now_s: float) -> list[Effect]:
        """The campaign's settings have changed."""
        effects: list[Effect] = []
        for attempt_id, call in list(self._calls.items()):
            call.wishes = replace(call.wishes, campaign=self._context.spec.recording)
            attempt = self._table.find(attempt_id)
            if attempt is not None:
                effects += self._decide(attempt, call, "engine", now_s)
        return effects

    # --- wishes ----------------------------------------------------------------------------

    def monitored(self, message: CallMonitored, now_s: float) -> list[Effect]:
        """A supervisor listens, or nobody does any more."""
        attempt = self._table.find(message.attempt_id, *_IN_HAND)
        if attempt is None or not self._policy.during_monitoring:
            return []
        call = self._call(attempt)
        call.wishes = replace(call.wishes, monitored=message.on)
        return self._decide(attempt, call, message.by, now_s)

    def control(self, message: ControlRecording, now_s: float) -> list[Effect]:
        """Somebody asks for a call to be recorded, or not; stronger wishes may decide otherwise."""
        attempt = self._find(message.attempt_id)
        if attempt is None:
            return [Refuse(message.reply_to, _unknown(message.attempt_id))]
        call = self._call(attempt)
        if message.automated:
            call.wishes = replace(call.wishes, desktop=call.wishes.desktop.then(message.action))
        else:
            call.wishes = replace(call.wishes, manual=call.wishes.manual.then(message.action))
        effects = self._decide(attempt, call, message.by, now_s)
        return [*effects, Reply(message.reply_to, _view(message.attempt_id, call))]

    def describe(self, message: DescribeRecording) -> list[Effect]:
        """Tell whether a call is recorded."""
        attempt = self._find(message.attempt_id)
        if attempt is None:
            return [Refuse(message.reply_to, _unknown(message.attempt_id))]
        return [Reply(message.reply_to, _view(message.attempt_id, self._call(attempt)))]

    def _find(self, attempt_id: AttemptId) -> Attempt | None:
        """Return a call that somebody is heard in."""
        attempt = self._table.find(attempt_id, *_IN_HAND)
        return attempt if attempt is not None and self._table.has_leg(attempt) else None

    def _call(self, attempt: Attempt) -> _Call:
        known = self._calls.get(attempt.attempt_id)
        if known is None:
            wishes = RecordingWishes(
                centre=self._policy.record, campaign=self._context.spec.recording
            )
            known = self._calls[attempt.attempt_id] = _Call(wishes, attempt.leg_id)
            self._legs[attempt.leg_id] = attempt.attempt_id
        return known

    # --- the notice ------------------------------------------------------------------------

    def prompt_ended(self, event: PromptEnded, now_s: float) -> list[Effect] | None:
        """The notice was heard, or cannot be played; None: it was another prompt."""
        attempt = self._table.find_leg(event.leg_id)
        call = self._calls.get(attempt.attempt_id) if attempt is not None else None
        if attempt is None or call is None or not call.notice:
            return None
        call.notice, call.noticed, call.refused = False, event.heard, not event.heard
        timer = CancelTimer(("notice", attempt.attempt_id))
        refused = [] if event.heard else [self._refused(attempt.attempt_id, now_s)]
        return [timer, *refused, *self._decide(attempt, call, "engine", now_s)]

    def _refused(self, attempt_id: AttemptId, now_s: float) -> Effect:
        fact = RecordingRefused(
            at_s=now_s,
            attempt_id=attempt_id,
            campaign_id=self._context.campaign_id,
            reason=NOTICE_FAILED,
        )
        return self._context.note(fact)

    def notice_due(self, message: NoticeDue) -> list[Effect]:
        """Nothing was told of the notice: it is played again, for nothing begins before it."""
        call = self._calls.get(message.attempt_id)
        if call is None or not call.notice:
            return []
        return self._play_notice(message.attempt_id, call)

    def _play_notice(self, attempt_id: AttemptId, call: _Call) -> list[Effect]:
        call.notice = True
        return [
            Do(PlayPrompt(call.leg_id, self._context.spec.recording_notice)),
            StartTimer(("notice", attempt_id), NOTICE_S, NoticeDue(attempt_id)),
        ]

    # --- what follows ----------------------------------------------------------------------

    def _decide(self, attempt: Attempt, call: _Call, by: str, now_s: float) -> list[Effect]:
        if not self._table.has_leg(attempt):
            return []
        call.wishes = replace(
            call.wishes, unwanted=attempt.unrecorded, banned=attempt.recording_banned
        )
        verdict = judge(call.wishes)
        return [
            *self._carry_out(attempt, call, verdict, by, now_s),
            *self._show(attempt, call),
        ]

    def _carry_out(
        self, attempt: Attempt, call: _Call, verdict: RecordingVerdict, by: str, now_s: float
    ) -> list[Effect]:
        off = verdict.state is RecordingState.OFF
        if call.recording_id is None:
            if verdict.state is RecordingState.ON:
                return self._begin(attempt, call, verdict, by, now_s)
            return self._hush(attempt.attempt_id, call) if call.notice and off else []
        if off:
            return self._stop(attempt.attempt_id, call, verdict, by, now_s)
        paused = verdict.state is RecordingState.PAUSED
        if paused is call.paused:
            return []
        return self._pause(attempt.attempt_id, call, verdict, by, now_s)

    def _begin(
        self, attempt: Attempt, call: _Call, verdict: RecordingVerdict, by: str, now_s: float
    ) -> list[Effect]:
        if self._context.spec.recording_notice and not call.noticed:
            silent = call.notice or call.refused
            return [] if silent else self._play_notice(attempt.attempt_id, call)
        recording_id = call.recording_id = self._context.ids.recording()
        call.paused = False
        agent_id = attempt.agent_id or AgentId("")
        fact = RecordingStarted(
            at_s=now_s,
            recording_id=recording_id,
            attempt_id=attempt.attempt_id,
            campaign_id=self._context.campaign_id,
            agent_id=agent_id,
            by=by,
            reason=verdict.why,
        )
        notes = {
            "attempt_id": attempt.attempt_id,
            "campaign_id": self._context.campaign_id,
            "agent_id": agent_id,
            "reason": verdict.why,
        }
        start = StartRecording(call.leg_id, recording_id, notes)
        return [Do(start), self._context.note(fact)]

    def _hush(self, attempt_id: AttemptId, call: _Call) -> list[Effect]:
        call.notice = False
        return [CancelTimer(("notice", attempt_id)), Do(StopPrompt(call.leg_id))]

    def _stop(
        self,
        attempt_id: AttemptId,
        call: _Call,
        verdict: RecordingVerdict,
        by: str,
        now_s: float,
    ) -> list[Effect]:
        recording_id, call.recording_id = call.recording_id, None
        if recording_id is None:
            return []
        call.paused = False
        fact = self._stopped(attempt_id, recording_id, by, verdict.why, now_s)
        return [Do(StopRecording(call.leg_id)), fact]

    def _pause(
        self,
        attempt_id: AttemptId,
        call: _Call,
        verdict: RecordingVerdict,
        by: str,
        now_s: float,
    ) -> list[Effect]:
        call.paused = verdict.state is RecordingState.PAUSED
        kind = RecordingPaused if call.paused else RecordingResumed
        command = PauseRecording if call.paused else ResumeRecording
        fact = kind(
            at_s=now_s,
            recording_id=call.recording_id or RecordingId(""),
            attempt_id=attempt_id,
            by=by,
            reason=verdict.why,
        )
        return [Do(command(call.leg_id)), self._context.note(fact)]

    def _stopped(
        self, attempt_id: AttemptId, recording_id: RecordingId, by: str, reason: str, now_s: float
    ) -> Effect:
        fact = RecordingStopped(
            at_s=now_s,
            recording_id=recording_id,
            attempt_id=attempt_id,
            by=by,
            reason=reason,
        )
        return self._context.note(fact)

    def _show(self, attempt: Attempt, call: _Call) -> list[Effect]:
        """Tell the agent's desktop, if there is anything new."""
        view = _view(attempt.attempt_id, call)
        nothing = call.shown is None and view.state is RecordingState.OFF and not call.refused
        if view == call.shown or attempt.agent_id is None or nothing:
            return []
        call.shown = view
        return self._context.tell_agent(attempt.agent_id, ShowRecording(view))


def _view(attempt_id: AttemptId, call: _Call) -> RecordingView:
    state = RecordingState.OFF
    if call.recording_id is not None:
        state = RecordingState.PAUSED if call.paused else RecordingState.ON
    verdict = judge(call.wishes)
    failed = call.refused and verdict.state is RecordingState.ON
    why = NOTICE_FAILED if failed else verdict.why
    return RecordingView(attempt_id, state, why, call.recording_id or "")


def _unknown(attempt_id: AttemptId) -> UnknownCallError:
    return UnknownCallError(f"nobody is heard in calls/{attempt_id}")
