"""The actor of one agent: passes each message to the part of the agent that answers it."""

from collections.abc import Callable, Sequence
from typing import assert_never

from engine.actors.agent.after_call import AfterCallWork
from engine.actors.agent.calls import Calls
from engine.actors.agent.context import AgentContext, Wish
from engine.actors.agent.offers import Offers
from engine.actors.agent.phone import AgentPhone
from engine.actors.agent.previews import Previews
from engine.actors.agent.states import States
from engine.actors.desk import RecordingShown
from engine.actors.kernel.effects import Do, Effect, Refuse, Reply
from engine.actors.kernel.ref import Ref
from engine.actors.messages import (
    AcceptOffer,
    AcwExpired,
    AgentMessage,
    CallOver,
    ChangeSupervision,
    ChooseState,
    ConfigureAgent,
    ControlOwnRecording,
    DecidePreview,
    DescribeAgent,
    ForceState,
    HangUpCall,
    HoldCall,
    JoinSupervision,
    Journaled,
    LeaveSupervision,
    LogIn,
    OfferExpired,
    PreviewDialing,
    PreviewExpired,
    PreviewOver,
    PublishGauges,
    RejectOffer,
    Rejoin,
    RouterMessage,
    SampleGauges,
    SetDisposition,
    ShowRecording,
    TakeCall,
    TakePreview,
    WithdrawCall,
)
from engine.domain.causes import Cause
from engine.domain.ids import IdSource, LegId
from engine.domain.refusals import DialerError, JournalError
from engine.domain.specs import AgentSpec
from engine.machines.agent import AgentPhase, AgentState, PhoneGone
from engine.ports import DialogSeed, LegAnswered, LegDigit, LegEnded, LegRinging, PromptEnded

_MISSED = frozenset({"busy", "declined", "no-answer"})


class AgentBehavior:
    """One agent at work. Begins logged out, also after a fault: the runtime ends its old legs."""

    __slots__ = ("_after_call", "_agent", "_calls", "_offers", "_previews", "_states")

    def __init__(
        self,
        spec: AgentSpec,
        ids: IdSource,
        identify: Callable[[LegId], DialogSeed],
        router: Ref[RouterMessage],
    ) -> None:
        """Begin, logged out.

        Args:
            spec: The agent.
            ids: Source of leg ids.
            identify: How the INVITE of a leg will be known on the wire.
            router: Told of every move.
        """
        phone = AgentPhone(spec.agent_id, ids, identify)
        self._agent = AgentContext(spec, phone, router)
        self._after_call = AfterCallWork(self._agent)
        self._states = States(self._agent, self._after_call)
        self._calls = Calls(self._agent, self._after_call)
        self._offers = Offers(self._agent, self._states, self._calls)
        self._previews = Previews(self._agent, self._states, self._after_call)

    def on(self, message: AgentMessage, now_s: float) -> Sequence[Effect]:
        """Answer one message, and tell whoever it concerns where the agent stands then."""
        self._agent.begin(now_s)
        try:
            effects = self._answer(message, now_s)
        except DialerError as refusal:
            reply_to = getattr(message, "reply_to", None)
            if reply_to is None:
                raise
            effects = [Refuse(reply_to, refusal)]
        return [*effects, *self._agent.announce(now_s)]

    def _answer(self, message: AgentMessage, now_s: float) -> list[Effect]:  # noqa: C901 - one case each
        match message:
            case LogIn(reply_to):
                return self._states.log_in(reply_to, now_s)
            case ChooseState(state, reason, reply_to):
                return self._states.choose(Wish(state, reason, "agent"), reply_to, now_s)
            case ForceState():
                return self._states.force(message, now_s)
            case TakeCall():
                return self._offers.take(message, now_s)
            case AcceptOffer():
                return self._offers.accept(message, now_s)
            case RejectOffer():
                return self._offers.reject(message, now_s)
            case OfferExpired(attempt_id):
                return self._offers.expired(attempt_id, now_s)
            case WithdrawCall(attempt_id, reason):
                return self._offers.withdrawn(reason, now_s) if self._agent.has(attempt_id) else []
            case CallOver(attempt_id, ended_by):
                return self._call_over(ended_by, now_s) if self._agent.has(attempt_id) else []
            case HoldCall():
                return self._calls.hold(message, now_s)
            case HangUpCall(attempt_id, reply_to):
                return self._calls.hang_up(attempt_id, reply_to)
            case SetDisposition():
                return self._calls.dispose(message)
            case AcwExpired(attempt_id):
                over = self._agent.phase is AgentPhase.ACW and self._agent.has(attempt_id)
                return [*self._after_call.end(now_s), *self._states.settle(now_s)] if over else []
            case TakePreview():
                return self._previews.take(message, now_s)
            case DecidePreview():
                return self._previews.decide(message, now_s)
            case PreviewExpired(ref):
                return self._previews.expired(ref, now_s)
            case PreviewDialing(attempt_id):
                return self._previews.dialing(attempt_id)
            case PreviewOver(ref, reason):
                return self._previews.over(ref, reason, now_s)
            case JoinSupervision():
                return self._calls.join_supervision(message)
            case ChangeSupervision(session_id, mode):
                return self._calls.change_supervision(session_id, mode)
            case LeaveSupervision(session_id):
                return self._calls.leave_supervision(session_id)
            case ControlOwnRecording():
                return self._calls.control_recording(message)
            case ShowRecording(view):
                known = self._agent.has(view.attempt_id)
                return [self._agent.tell_desk(RecordingShown(view))] if known else []
            case LegAnswered():
                return self._leg_answered(message, now_s)
            case LegEnded():
                return self._leg_ended(message, now_s)
            case Journaled(token, error):
                return self._journaled(token, error, now_s)
            case ConfigureAgent(spec):
                self._agent.spec = spec
                return []
            case DescribeAgent(reply_to):
                return [Reply(reply_to, self._agent.view())]
            case Rejoin():
                self._agent.forget_router()
                return []
            case SampleGauges():
                return [Do(PublishGauges(self._agent.agent_id, self._agent.gauges(now_s)))]
            case LegRinging() | LegDigit() | PromptEnded():
                return []
            case _:
                assert_never(message)

    def _journaled(self, token: object, error: JournalError | None, now_s: float) -> list[Effect]:
        wanted = token == ("leg", self._agent.phone.leg_id)
        effects = self._agent.phone.journaled(token, error, now_s)
        if wanted and error is not None:
            effects += self._phone_gone(error.slug, "phone-unreachable", now_s)
        return effects

    def _leg_answered(self, event: LegAnswered, now_s: float) -> list[Effect]:
        effects = self._agent.phone.answered(event, now_s)
        if self._agent.phone.leg_id != event.leg_id:
            return effects
        match self._agent.phase:
            case AgentPhase.CONNECTING:
                return effects + self._states.connected(now_s)
            case AgentPhase.OFFERED:
                return effects + self._offers.join(now_s)
            case _:
                return effects

    def _leg_ended(self, event: LegEnded, now_s: float) -> list[Effect]:
        current = self._agent.phone.leg_id == event.leg_id
        was_up = self._agent.phone.up
        effects = self._agent.phone.ended(event, now_s)
        if not current:
            return effects
        return effects + self._phone_gone(event.cause.slug, _reason_of(event.cause, was_up), now_s)

    def _phone_gone(self, cause: str, reason: str, now_s: float) -> list[Effect]:
        """The leg in hand is no more; a customer in it goes to another agent (C4)."""
        match self._agent.phase:
            case AgentPhase.CONNECTING:
                return self._states.unreachable(cause, now_s)
            case AgentPhase.OFFERED:
                return self._offers.lose(PhoneGone, reason, now_s)
            case AgentPhase.TALKING | AgentPhase.HOLDING:
                effects = self._calls.leave_customer(now_s)
            case AgentPhase.PREVIEWING:
                effects = self._previews.end("skip", reason, now_s)
            case AgentPhase.DIALING:
                effects = self._previews.end_dialing(reason)
            case AgentPhase.ACW:
                lost = Wish(AgentState.NOT_READY, reason, "engine")
                self._agent.pending = self._agent.pending or lost
                return []
            case AgentPhase.NOT_READY:
                return []  # the reason the agent gave stands; the view says that the phone is down
            case _:
                effects = []
        self._agent.work = None
        self._agent.move(PhoneGone, now_s, reason)
        return effects + self._states.follow_logout(now_s)

    def _call_over(self, ended_by: str, now_s: float) -> list[Effect]:
        match self._agent.phase:
            case AgentPhase.TALKING | AgentPhase.HOLDING:
                return self._calls.finish(ended_by, now_s)
            case AgentPhase.OFFERED:
                return self._offers.withdrawn(ended_by, now_s)
            case AgentPhase.DIALING:
                return self._previews.call_over(ended_by, now_s)
            case _:
                return []


def _reason_of(cause: Cause, was_up: bool) -> str:
    """Return the Not Ready reason of an agent whose leg ended."""
    if was_up:
        return "phone-lost"
    return "missed-call" if cause.slug in _MISSED else "phone-unreachable"
