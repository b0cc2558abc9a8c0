"""The actor of one agent: login, states, offers, calls, after-call work, previews, supervision.

Longer than other files because an agent's rules are one table of phases; what can stand alone is
beside it: the phone's leg (``agent_phone``) and the interaction in hand (``agent_work``).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import assert_never

from engine.actors.agent_phone import AgentPhone
from engine.actors.agent_work import Listeners, Work
from engine.actors.desk import (
    CallFinished,
    CallHeld,
    CallJoined,
    CallOfferedToDesk,
    DeskEvent,
    OfferGone,
    PreviewGone,
    PreviewShown,
    StateShown,
)
from engine.actors.kernel.effects import CancelTimer, Do, Effect, Refuse, Reply, StartTimer, Tell
from engine.actors.kernel.ref import Ref, ReplyTo
from engine.actors.messages import (
    AcceptOffer,
    AcwExpired,
    AgentLeft,
    AgentMessage,
    AgentMoved,
    AgentView,
    CallDeclined,
    CallOver,
    CallTaken,
    ChangeSupervision,
    ChooseState,
    ConfigureAgent,
    DecidePreview,
    DescribeAgent,
    DisposeCall,
    EndCall,
    ForceState,
    HandlingEnded,
    HangUpCall,
    HoldCall,
    JoinSupervision,
    Journal,
    Journaled,
    LeaveSupervision,
    LogIn,
    NotifyDesk,
    OfferExpired,
    PacerMessage,
    PreviewDecided,
    PreviewDialing,
    PreviewExpired,
    PreviewOver,
    PublishGauges,
    RejectOffer,
    Rejoin,
    RouterMessage,
    SampleGauges,
    SetDisposition,
    SupervisedCallEnded,
    SupervisionJoined,
    SupervisionRefused,
    TakeCall,
    TakePreview,
    WithdrawCall,
    WorkFinished,
)
from engine.domain.causes import Cause
from engine.domain.facts import AgentChanged, CallEnded
from engine.domain.ids import AttemptId, CampaignId, IdSource, LegId, RecordRef
from engine.domain.refusals import (
    AgentBusyError,
    DialerError,
    IllegalTransitionError,
    InvalidRequestError,
    JournalError,
    NotNowError,
    UnavailableError,
    UnknownCallError,
    UnknownRecordError,
)
from engine.domain.specs import AgentLeg, AgentSpec
from engine.machines.agent import (
    AGENT,
    STATE_OF,
    AgentPhase,
    AgentState,
    CallGone,
    CallOffered,
    Held,
    LoggedIn,
    LoggedOut,
    MadeNotReady,
    MadeReady,
    MadeSupervising,
    PhoneGone,
    PhoneUp,
    PreviewCalled,
    PreviewGiven,
    Resumed,
    WorkDone,
)
from engine.machines.agent import CallTaken as Taken
from engine.machines.mix import mix_of
from engine.metrics.gauges import AgentGauges
from engine.ports import (
    DialogSeed,
    LegAnswered,
    LegDigit,
    LegEnded,
    LegRinging,
    PlayPrompt,
    PromptEnded,
    SetMix,
    StopPrompt,
)

LOGIN_RING_S = 30.0
"""How long a nailed-up phone may ring at login. [s]"""
LAST_ACW_S = 60.0
"""After-call work of an agent who is about to log out, where the campaign sets no limit. [s]"""

_IN_CALL = frozenset({AgentPhase.TALKING, AgentPhase.HOLDING})
_HANDLING = _IN_CALL | {AgentPhase.PREVIEWING, AgentPhase.DIALING, AgentPhase.OFFERED}
_CHOSEN: dict[AgentState, type] = {
    AgentState.READY: MadeReady,
    AgentState.NOT_READY: MadeNotReady,
    AgentState.SUPERVISING: MadeSupervising,
    AgentState.LOGGED_OUT: LoggedOut,
}
"""States that can be chosen, and the event that each is."""
_FORCED: dict[AgentPhase, frozenset[AgentState]] = {
    AgentPhase.CONNECTING: frozenset({AgentState.LOGGED_OUT}),
    AgentPhase.READY: frozenset({AgentState.NOT_READY, AgentState.LOGGED_OUT}),
    AgentPhase.NOT_READY: frozenset({AgentState.READY, AgentState.LOGGED_OUT}),
    AgentPhase.SUPERVISING: frozenset({AgentState.LOGGED_OUT}),
    AgentPhase.ACW: frozenset({AgentState.READY, AgentState.NOT_READY}),
}
"""Forced moves (guide: Changing Agent State)."""
_DECISIONS = frozenset({"call", "complete", "skip", "reject"})
_MISSED = frozenset({"busy", "declined", "no-answer"})
_OFFER, _ACW, _PREVIEW = "offer", "acw", "preview"


@dataclass(frozen=True, slots=True)
class _Wish:
    """A state that follows when the work ends, or when the phone is up."""

    state: AgentState
    reason: str
    by: str


class AgentBehavior:
    """One agent at work. Begins logged out, also after a fault: the runtime ends its old legs."""

    __slots__ = (
        "_by",
        "_callers",
        "_listeners",
        "_logging_in",
        "_noted",
        "_pacer",
        "_pending",
        "_phase",
        "_phase_since_s",
        "_phone",
        "_placed",
        "_reason",
        "_router",
        "_shown",
        "_since_s",
        "_spec",
        "_work",
    )

    def __init__(
        self,
        spec: AgentSpec,
        ids: IdSource,
        identify: Callable[[LegId], DialogSeed],
        router: Ref[RouterMessage],
        pacer: Ref[PacerMessage],
    ) -> None:
        """Begin, logged out.

        Args:
            spec: The agent.
            ids: Source of leg ids.
            identify: How the INVITE of a leg will be known on the wire.
            router: Told of every move.
            pacer: Told how long handling took.
        """
        self._spec = spec
        self._router = router
        self._pacer = pacer
        self._phone = AgentPhone(spec.agent_id, ids, identify)
        self._phase = AGENT.initial
        self._reason = ""
        self._by = "engine"
        self._since_s: float | None = None
        self._phase_since_s = 0.0
        self._pending: _Wish | None = None
        self._logging_in = False
        self._callers: list[ReplyTo[AgentView]] = []
        self._work: Work | None = None
        self._listeners = Listeners()
        self._noted: tuple[AgentState, str, str] | None = None
        self._placed: AgentMoved | None = None
        self._shown: AgentView | None = None

    def on(self, message: AgentMessage, now_s: float) -> Sequence[Effect]:
        """Answer one message, and tell whoever it concerns where the agent stands then."""
        if self._since_s is None:
            self._since_s = self._phase_since_s = now_s
        try:
            effects = self._answer(message, now_s)
        except DialerError as refusal:
            reply_to = getattr(message, "reply_to", None)
            if reply_to is None:
                raise
            effects = [Refuse(reply_to, refusal)]
        return [*effects, *self._announce(now_s)]

    def _answer(self, message: AgentMessage, now_s: float) -> list[Effect]:  # noqa: C901 - one case each
        match message:
            case LogIn(reply_to):
                return self._log_in(reply_to, now_s)
            case ChooseState(state, reason, reply_to):
                return self._choose(_Wish(state, reason, "agent"), reply_to, now_s)
            case ForceState():
                return self._force(message, now_s)
            case TakeCall():
                return self._take_call(message, now_s)
            case AcceptOffer():
                return self._accept(message, now_s)
            case RejectOffer(attempt_id, reply_to):
                self._offered(attempt_id)
                return [Reply(reply_to), *self._lose_offer(MadeNotReady, "rejected", now_s)]
            case OfferExpired(attempt_id):
                offered = self._phase is AgentPhase.OFFERED and self._has(attempt_id)
                return self._lose_offer(MadeNotReady, "missed-call", now_s) if offered else []
            case WithdrawCall(attempt_id, reason):
                return self._withdrawn(reason, now_s) if self._has(attempt_id) else []
            case CallOver(attempt_id, ended_by):
                return self._call_over(ended_by, now_s) if self._has(attempt_id) else []
            case HoldCall():
                return self._hold(message, now_s)
            case HangUpCall(attempt_id, reply_to):
                return self._hang_up(attempt_id, reply_to)
            case SetDisposition():
                return self._dispose(message)
            case AcwExpired(attempt_id):
                over = self._phase is AgentPhase.ACW and self._has(attempt_id)
                return [*self._end_acw(now_s), *self._settle(now_s)] if over else []
            case TakePreview():
                return self._take_preview(message, now_s)
            case DecidePreview():
                return self._decide(message, now_s)
            case PreviewExpired(ref):
                return self._preview_expired(ref, now_s)
            case PreviewDialing(attempt_id):
                return self._preview_dialing(attempt_id)
            case PreviewOver(ref, reason):
                return self._preview_over(ref, reason, now_s)
            case JoinSupervision():
                return self._join_supervision(message)
            case ChangeSupervision(session_id, mode):
                return self._remix() if self._listeners.change(session_id, mode) else []
            case LeaveSupervision(session_id):
                return self._remix() if self._listeners.leave(session_id) else []
            case LegAnswered():
                return self._leg_answered(message, now_s)
            case LegEnded():
                return self._leg_ended(message, now_s)
            case Journaled(token, error):
                return self._journaled(token, error, now_s)
            case ConfigureAgent(spec):
                self._spec = spec
                return []
            case DescribeAgent(reply_to):
                return [Reply(reply_to, self._view())]
            case Rejoin():
                self._placed = None  # so that the router is told again
                return []
            case SampleGauges():
                return [Do(PublishGauges(self._spec.agent_id, self._gauges(now_s)))]
            case LegRinging() | LegDigit() | PromptEnded():
                return []
            case _:
                assert_never(message)

    # --- where the agent stands ------------------------------------------------------------

    def _move(self, event: type, now_s: float, reason: str = "", by: str = "engine") -> None:
        """Go where the table says; talk and hold count as one phase for how long it lasts."""
        before, after = self._phase, AGENT.step(self._phase, event)
        if STATE_OF[after] is not STATE_OF[before] or reason != self._reason:
            self._since_s, self._by = now_s, by
        if after is not before and not {before, after} <= _IN_CALL:
            self._phase_since_s = now_s
        self._phase, self._reason = after, reason

    def _announce(self, now_s: float) -> list[Effect]:
        """Tell log, router and desktop what has changed since they were last told."""
        effects: list[Effect] = []
        view = self._view()
        noted = (view.state, view.reason, view.campaign_id or "")
        if noted != self._noted:
            self._noted = noted
            fact = AgentChanged(
                at_s=now_s,
                agent_id=view.agent_id,
                state=view.state.value,
                reason=view.reason,
                by=self._by,
                campaign_id=view.campaign_id or CampaignId(""),
            )
            effects.append(Do(Journal((fact,), keep=True)))
        placed = AgentMoved(
            agent_id=view.agent_id,
            team_id=self._spec.team_id,
            phase=self._phase,
            since_s=self._phase_since_s,
            campaign_id=view.campaign_id,
            leaving=view.pending in {AgentState.NOT_READY, AgentState.LOGGED_OUT},
        )
        if placed != self._placed:
            self._placed = placed
            effects.append(Tell(self._router, placed))
        if view != self._shown:
            self._shown = view
            effects.append(self._tell_desk(StateShown(view)))
        return effects

    def _view(self) -> AgentView:
        work = self._work
        return AgentView(
            agent_id=self._spec.agent_id,
            phase=self._phase,
            state=STATE_OF[self._phase],
            reason=self._reason,
            since_s=self._since_s or 0.0,
            pending=None if self._pending is None else self._pending.state,
            phone_up=self._phone.up,
            campaign_id=None if work is None else work.campaign_id,
            attempt_id=None if work is None else work.attempt_id,
            record=None if work is None else work.ref,
        )

    def _gauges(self, now_s: float) -> AgentGauges:
        work = self._work
        if work is None:
            return AgentGauges(active=0)
        reviewing = self._phase is AgentPhase.PREVIEWING
        icons = {AgentPhase.HOLDING: "hold", AgentPhase.ACW: "acw"}
        return AgentGauges(
            active=1,
            hold=work.hold_total_s(now_s),
            interaction=work.number,
            interaction_direction=icons.get(self._phase, "outbound"),
            preview_duration=now_s - work.began_s if reviewing else None,
            service=work.campaign_id,
            talk=work.talk_s(now_s),
        )

    def _tell_desk(self, event: DeskEvent) -> Effect:
        return Do(NotifyDesk(self._spec.agent_id, event))

    @property
    def _nailed_up(self) -> bool:
        return self._spec.leg is AgentLeg.NAILED_UP

    @property
    def _reachable(self) -> bool:
        """Whether a call could be joined: the nailed-up phone is up, or none is needed yet."""
        return self._phone.up or not self._nailed_up

    def _has(self, attempt_id: AttemptId) -> bool:
        return self._work is not None and self._work.attempt_id == attempt_id

    # --- login and states ------------------------------------------------------------------

    def _log_in(self, reply_to: ReplyTo[AgentView], now_s: float) -> list[Effect]:
        match self._phase:
            case AgentPhase.LOGGED_OUT:
                self._logging_in = True
                self._pending = None
                return self._connect(reply_to, now_s)
            case AgentPhase.NOT_READY if not self._reachable:
                return self._connect(reply_to, now_s)
            case AgentPhase.CONNECTING:
                self._callers.append(reply_to)
                return []
            case _:
                return [Reply(reply_to, self._view())]

    def _connect(self, reply_to: ReplyTo[AgentView] | None, now_s: float) -> list[Effect]:
        """Have the nailed-up phone called; a phone that rings per call need not be there yet."""
        self._move(LoggedIn, now_s, by="agent")
        if reply_to is not None:
            self._callers.append(reply_to)
        if self._reachable:
            return self._connected(now_s)
        return self._phone.call(self._spec.phone, kept=True, ring_s=LOGIN_RING_S, now_s=now_s)

    def _connected(self, now_s: float) -> list[Effect]:
        self._move(PhoneUp, now_s, by="agent")
        self._logging_in = False
        effects = self._follow_wish(now_s)
        return effects + self._answer_callers()

    def _answer_callers(self) -> list[Effect]:
        callers, self._callers = self._callers, []
        return [Reply(caller, self._view()) for caller in callers]

    def _refuse_callers(self, error: DialerError) -> list[Effect]:
        callers, self._callers = self._callers, []
        return [Refuse(caller, error) for caller in callers]

    def _unreachable(self, why: str, now_s: float) -> list[Effect]:
        """The phone could not be had: no login without it, and no Ready."""
        self._pending = None
        if self._logging_in:
            self._logging_in = False
            self._move(LoggedOut, now_s)
        else:
            self._move(PhoneGone, now_s, "phone-unreachable")
        error = UnavailableError(
            f"the phone of {self._spec.agent_id} cannot be reached: {why}", slug="phone-unreachable"
        )
        return self._refuse_callers(error)

    def _choose(self, wish: _Wish, reply_to: ReplyTo[AgentView], now_s: float) -> list[Effect]:
        if wish.state not in _CHOSEN:
            raise InvalidRequestError(
                f"{wish.state.value} cannot be chosen, it comes with the work", slug="invalid-state"
            )
        match self._phase:
            case AgentPhase.LOGGED_OUT if wish.state is not AgentState.LOGGED_OUT:
                raise NotNowError(f"{self._spec.agent_id} is logged out", slug="not-logged-in")
            case AgentPhase.LOGGED_OUT:
                return [Reply(reply_to, self._view())]
            case AgentPhase.CONNECTING if wish.state is not AgentState.LOGGED_OUT:
                self._pending = wish
                return [Reply(reply_to, self._view())]
            case AgentPhase.ACW:
                return [*self._end_acw(now_s), *self._become(wish, reply_to, now_s)]
            case phase if phase in _HANDLING:
                return self._wish_while_handling(wish, reply_to)
            case _:
                return self._become(wish, reply_to, now_s)

    def _wish_while_handling(self, wish: _Wish, reply_to: ReplyTo[AgentView]) -> list[Effect]:
        if wish.state is AgentState.SUPERVISING:
            raise AgentBusyError("Supervising cannot be chosen while busy")
        self._pending = None if wish.state is AgentState.READY else wish
        return [Reply(reply_to, self._view())]

    def _force(self, message: ForceState, now_s: float) -> list[Effect]:
        state, phase = message.state, self._phase
        if phase in _HANDLING:
            raise AgentBusyError(f"{self._spec.agent_id} handles an interaction")
        wish = _Wish(state, message.reason, f"supervisor:{message.supervisor_id}")
        if state in _FORCED.get(phase, frozenset()):
            ended = self._end_acw(now_s) if phase is AgentPhase.ACW else []
            return [*ended, *self._become(wish, message.reply_to, now_s)]
        if state is STATE_OF[phase]:
            return [Reply(message.reply_to, self._view())]
        raise IllegalTransitionError(
            f"{self._spec.agent_id} cannot be made {state.value} while {phase.value}"
        )

    def _become(
        self, wish: _Wish, reply_to: ReplyTo[AgentView] | None, now_s: float
    ) -> list[Effect]:
        """Enter a chosen state from an idle one; Ready waits for a lost phone to come back."""
        self._pending = None
        if wish.state is AgentState.LOGGED_OUT:
            return self._log_out(wish, reply_to, now_s)
        if wish.state is AgentState.READY and not self._reachable:
            self._move(MadeNotReady, now_s, by=wish.by)
            self._pending = wish
            return self._connect(reply_to, now_s)
        reason = wish.reason if wish.state is AgentState.NOT_READY else ""
        self._move(_CHOSEN[wish.state], now_s, reason, wish.by)
        return [] if reply_to is None else [Reply(reply_to, self._view())]

    def _follow_wish(self, now_s: float) -> list[Effect]:
        wish, self._pending = self._pending, None
        return [] if wish is None else self._become(wish, None, now_s)

    def _log_out(
        self, wish: _Wish, reply_to: ReplyTo[AgentView] | None, now_s: float
    ) -> list[Effect]:
        self._move(LoggedOut, now_s, by=wish.by)
        self._logging_in = False
        effects = self._phone.hang_up()
        effects += self._refuse_callers(NotNowError("logged out meanwhile", slug="logged-out"))
        if reply_to is not None:
            effects.append(Reply(reply_to, self._view()))
        return effects

    def _settle(self, now_s: float) -> list[Effect]:
        """The work is done: what was chosen meanwhile follows, else Ready."""
        self._work = None
        self._move(WorkDone, now_s)
        if self._pending is None and not self._reachable:
            self._move(PhoneGone, now_s, "phone-lost")
        return self._follow_wish(now_s)

    # --- the phone -------------------------------------------------------------------------

    def _journaled(self, token: object, error: JournalError | None, now_s: float) -> list[Effect]:
        wanted = token == ("leg", self._phone.leg_id)
        effects = self._phone.journaled(token, error, now_s)
        if wanted and error is not None:
            effects += self._phone_gone(error.slug, "phone-unreachable", now_s)
        return effects

    def _leg_answered(self, event: LegAnswered, now_s: float) -> list[Effect]:
        effects = self._phone.answered(event, now_s)
        if self._phone.leg_id != event.leg_id:
            return effects
        match self._phase:
            case AgentPhase.CONNECTING:
                return effects + self._connected(now_s)
            case AgentPhase.OFFERED:
                return effects + self._join(now_s)
            case _:
                return effects

    def _leg_ended(self, event: LegEnded, now_s: float) -> list[Effect]:
        current = self._phone.leg_id == event.leg_id
        was_up = self._phone.up
        effects = self._phone.ended(event, now_s)
        if not current:
            return effects
        return effects + self._phone_gone(event.cause.slug, _reason_of(event.cause, was_up), now_s)

    def _phone_gone(self, cause: str, reason: str, now_s: float) -> list[Effect]:
        """The leg in hand is no more; a customer in it goes to another agent (C4)."""
        match self._phase:
            case AgentPhase.CONNECTING:
                return self._unreachable(cause, now_s)
            case AgentPhase.OFFERED:
                return self._lose_offer(PhoneGone, reason, now_s)
            case AgentPhase.TALKING | AgentPhase.HOLDING:
                effects = self._leave_customer(now_s)
            case AgentPhase.PREVIEWING:
                effects = self._end_preview("skip", reason, now_s)
            case AgentPhase.DIALING:
                effects = self._end_dialing(reason)
            case AgentPhase.ACW:
                self._pending = self._pending or _Wish(AgentState.NOT_READY, reason, "engine")
                return []
            case AgentPhase.NOT_READY:
                return []  # the reason the agent gave stands; the view says that the phone is down
            case _:
                effects = []
        self._work = None
        self._move(PhoneGone, now_s, reason)
        return effects + self._follow_logout(now_s)

    def _follow_logout(self, now_s: float) -> list[Effect]:
        """Of what was chosen during lost work only Logged Out goes beyond Not Ready."""
        wish, self._pending = self._pending, None
        if wish is None or wish.state is not AgentState.LOGGED_OUT:
            return []
        return self._log_out(wish, None, now_s)

    # --- offers ----------------------------------------------------------------------------

    def _take_call(self, take: TakeCall, now_s: float) -> list[Effect]:
        dialed = self._phase is AgentPhase.DIALING and self._has(take.attempt_id)
        if not dialed and not AGENT.may(self._phase, PreviewGiven):
            answer = CallDeclined(take.attempt_id, self._spec.agent_id, "not-ready")
            return [Tell(take.campaign, answer)]
        self._work = Work.of_call(take, now_s)
        direct = self._phone.up and (take.automatic or dialed)
        if direct and dialed:
            return self._join(now_s)
        self._move(CallOffered, now_s)
        return self._join(now_s) if direct else self._offer(take, now_s)

    def _offer(self, take: TakeCall, now_s: float) -> list[Effect]:
        offered = CallOfferedToDesk(
            attempt_id=take.attempt_id,
            campaign_id=take.campaign_id,
            ref=take.ref,
            number=take.number,
            automatic=take.automatic,
            expires_s=now_s + take.offer_s,
        )
        effects = [
            self._tell_desk(offered),
            StartTimer(_OFFER, take.offer_s, OfferExpired(take.attempt_id)),
        ]
        if self._phone.up:
            return effects
        return effects + self._phone.call(
            self._spec.phone, kept=self._nailed_up, ring_s=take.offer_s, now_s=now_s
        )

    def _offered(self, attempt_id: AttemptId) -> Work:
        """Return the offered call.

        Raises:
            UnknownCallError: The agent has no such call.
            IllegalTransitionError: The call is not on offer any more.
        """
        work = self._call(attempt_id)
        AGENT.step(self._phase, Taken)
        return work

    def _call(self, attempt_id: AttemptId) -> Work:
        if self._work is None or self._work.attempt_id != attempt_id:
            raise UnknownCallError(f"{self._spec.agent_id} has no call {attempt_id}")
        return self._work

    def _accept(self, message: AcceptOffer, now_s: float) -> list[Effect]:
        self._offered(message.attempt_id)
        if not self._phone.up:
            raise NotNowError("the phone rings: answering it takes the call", slug="phone-rings")
        return [*self._join(now_s), Reply(message.reply_to)]

    def _join(self, now_s: float) -> list[Effect]:
        """Let agent and customer hear each other."""
        work = self._in_hand()
        self._move(Taken, now_s)
        work.joined_s = now_s
        attempt_id, leg_id = work.attempt_id, self._phone.leg_id
        if attempt_id is None or leg_id is None:
            raise IllegalTransitionError("a call is joined without its legs")
        joined = CallJoined(attempt_id, work.campaign_id, work.ref, work.number)
        return [
            CancelTimer(_OFFER),
            *self._remix(),
            Tell(work.campaign, CallTaken(attempt_id, self._spec.agent_id, leg_id)),
            self._tell_desk(joined),
        ]

    def _lose_offer(self, event: type, reason: str, now_s: float) -> list[Effect]:
        """The agent does not take the offered call, which goes to another one."""
        work = self._in_hand()
        attempt_id = work.attempt_id or AttemptId("")
        self._work = None
        self._move(event, now_s, reason)
        return [
            CancelTimer(_OFFER),
            *self._phone.release(),
            Tell(work.campaign, CallDeclined(attempt_id, self._spec.agent_id, reason)),
            self._tell_desk(OfferGone(attempt_id, reason)),
            *self._follow_logout(now_s),
        ]

    def _withdrawn(self, reason: str, now_s: float) -> list[Effect]:
        """The customer is gone before, or in the very instant in which, the call was taken."""
        work = self._in_hand()
        attempt_id = work.attempt_id or AttemptId("")
        if self._phase in _IN_CALL:
            effects = [*self._silence(now_s), self._tell_desk(CallFinished(attempt_id, reason))]
            self._move(CallGone, now_s)
        elif self._phase is AgentPhase.OFFERED:
            effects = [CancelTimer(_OFFER), self._tell_desk(OfferGone(attempt_id, reason))]
        else:
            return []
        return [*effects, *self._phone.release(), *self._settle(now_s)]

    # --- the call --------------------------------------------------------------------------

    def _in_hand(self) -> Work:
        if self._work is None:
            raise IllegalTransitionError(f"{self._spec.agent_id} has no work in hand")
        return self._work

    def _remix(self) -> list[Effect]:
        """Say who hears whom in the call in hand."""
        work = self._work
        if work is None or self._phase not in _IN_CALL:
            return []
        held = self._phase is AgentPhase.HOLDING
        modes = self._listeners.modes()
        return [Do(SetMix(mix_of(self._phone.leg_id, work.customer_leg, modes, held=held)))]

    def _silence(self, now_s: float) -> list[Effect]:
        """End what the legs of the call hear, and send the supervisors home."""
        work = self._in_hand()
        legs = (self._phone.leg_id, work.customer_leg, *self._listeners.modes())
        effects: list[Effect] = []
        if self._phase is AgentPhase.HOLDING and work.customer_leg is not None:
            effects.append(Do(StopPrompt(work.customer_leg)))
        work.resume(now_s)
        work.ended_s = now_s
        effects.append(Do(SetMix({leg: () for leg in legs if leg is not None})))
        over = SupervisedCallEnded(work.attempt_id or AttemptId(""))
        return effects + [Tell(each.session, over) for each in self._listeners.dismiss()]

    def _ended(self, ended_by: str, now_s: float) -> Effect:
        work = self._in_hand()
        fact = CallEnded(
            at_s=now_s,
            attempt_id=work.attempt_id or AttemptId(""),
            campaign_id=work.campaign_id,
            agent_id=self._spec.agent_id,
            ended_by=ended_by,
            talk_s=work.talk_s(now_s),
            hold_s=work.hold_s,
        )
        return Do(Journal((fact,), keep=True))

    def _call_over(self, ended_by: str, now_s: float) -> list[Effect]:
        work = self._in_hand()
        finished = self._tell_desk(CallFinished(work.attempt_id or AttemptId(""), ended_by))
        match self._phase:
            case AgentPhase.TALKING | AgentPhase.HOLDING:
                silence = self._silence(now_s)
                lasted_s = work.talk_s(now_s) + work.hold_s
                talked = HandlingEnded(work.campaign_id, "talk", lasted_s)
                effects = [*silence, self._ended(ended_by, now_s), Tell(self._pacer, talked)]
                return [*effects, *self._phone.release(), finished, *self._begin_acw(now_s)]
            case AgentPhase.OFFERED:
                return self._withdrawn(ended_by, now_s)
            case AgentPhase.DIALING if ended_by == "not-placed":
                gone = self._tell_desk(PreviewGone(work.ref, ended_by))
                return [gone, *self._settle(now_s)]
            case AgentPhase.DIALING:
                work.ended_s = now_s
                return [finished, *self._begin_acw(now_s)]
            case _:
                return []

    def _leave_customer(self, now_s: float) -> list[Effect]:
        """The agent's phone was lost in the call."""
        work = self._in_hand()
        attempt_id = work.attempt_id or AttemptId("")
        effects = [*self._silence(now_s), self._ended("engine", now_s)]
        left = AgentLeft(attempt_id, self._spec.agent_id, work.talk_s(now_s), work.hold_s)
        return [
            *effects,
            Tell(work.campaign, left),
            self._tell_desk(CallFinished(attempt_id, "engine")),
        ]

    def _hold(self, message: HoldCall, now_s: float) -> list[Effect]:
        work = self._call(message.attempt_id)
        leg_id = work.customer_leg
        if leg_id is None or self._phase not in _IN_CALL:
            raise IllegalTransitionError(f"no call can be held while {self._phase.value}")
        if message.on is (self._phase is AgentPhase.HOLDING):
            return [Reply(message.reply_to)]
        self._move(Held if message.on else Resumed, now_s, by="agent")
        prompt: Effect
        if message.on:
            work.hold(now_s)
            prompt = Do(PlayPrompt(leg_id, "hold-music", loop=True))
        else:
            work.resume(now_s)
            prompt = Do(StopPrompt(leg_id))
        held = self._tell_desk(CallHeld(message.attempt_id, message.on))
        return [*self._remix(), prompt, held, Reply(message.reply_to)]

    def _hang_up(self, attempt_id: AttemptId, reply_to: ReplyTo[None]) -> list[Effect]:
        work = self._call(attempt_id)
        if self._phase not in _IN_CALL | {AgentPhase.DIALING}:
            raise IllegalTransitionError(f"there is no call to end while {self._phase.value}")
        return [Tell(work.campaign, EndCall(attempt_id, "agent")), Reply(reply_to)]

    def _dispose(self, message: SetDisposition) -> list[Effect]:
        work = self._call(message.attempt_id)
        if self._phase not in _IN_CALL | {AgentPhase.ACW}:
            raise IllegalTransitionError(f"no disposition can be set while {self._phase.value}")
        dispose = DisposeCall(
            attempt_id=message.attempt_id,
            agent_id=self._spec.agent_id,
            disposition=message.disposition,
            notes=message.notes,
            callback_s=message.callback_s,
            callback_until_s=message.callback_until_s,
            request_id=message.request_id,
            reply_to=message.reply_to,
        )
        return [Tell(work.campaign, dispose)]

    # --- after-call work -------------------------------------------------------------------

    def _begin_acw(self, now_s: float) -> list[Effect]:
        work = self._in_hand()
        self._move(CallGone, now_s)
        leaving = self._pending is not None and self._pending.state is AgentState.LOGGED_OUT
        limit_s = work.acw_limit_s or (LAST_ACW_S if leaving else 0.0)
        expired = AcwExpired(work.attempt_id or AttemptId(""))
        return [StartTimer(_ACW, limit_s, expired)] if limit_s > 0 else []

    def _end_acw(self, now_s: float) -> list[Effect]:
        """Let the attempt close; the caller says where the agent goes."""
        work = self._in_hand()
        self._work = None
        attempt_id = work.attempt_id or AttemptId("")
        acw_s = now_s - (now_s if work.ended_s is None else work.ended_s)
        finished = WorkFinished(attempt_id, self._spec.agent_id, acw_s)
        effects: list[Effect] = [CancelTimer(_ACW), Tell(work.campaign, finished)]
        if work.joined_s is not None:
            effects.append(Tell(self._pacer, HandlingEnded(work.campaign_id, "acw", acw_s)))
        return effects

    # --- previews --------------------------------------------------------------------------

    def _take_preview(self, take: TakePreview, now_s: float) -> list[Effect]:
        if not AGENT.may(self._phase, PreviewGiven):
            return [Tell(take.campaign, self._decided(take.ref, "skip", 0.0))]
        self._work = Work.of_preview(take, now_s)
        self._move(PreviewGiven, now_s)
        expires_s = now_s + take.limit_s if take.limit_s > 0 else 0.0
        shown = PreviewShown(take.campaign_id, take.ref, take.number, expires_s)
        effects = [self._tell_desk(shown)]
        if take.limit_s > 0:
            effects.append(StartTimer(_PREVIEW, take.limit_s, PreviewExpired(take.ref)))
        return effects

    def _decided(self, ref: RecordRef, decision: str, preview_s: float) -> PreviewDecided:
        return PreviewDecided(
            agent_id=self._spec.agent_id,
            ref=ref,
            decision=decision,
            number_index=-1,
            disposition="",
            notes="",
            preview_s=preview_s,
        )

    def _decide(self, message: DecidePreview, now_s: float) -> list[Effect]:
        work = self._work
        if message.decision not in _DECISIONS:
            raise InvalidRequestError(f"{message.decision!r} is no decision", slug="bad-decision")
        if work is None or self._phase is not AgentPhase.PREVIEWING:
            raise UnknownRecordError(f"{self._spec.agent_id} has no record in review")
        decided = PreviewDecided(
            agent_id=self._spec.agent_id,
            ref=work.ref,
            decision=message.decision,
            number_index=message.number_index,
            disposition=message.disposition,
            notes=message.notes,
            preview_s=now_s - work.began_s,
        )
        told: list[Effect] = [CancelTimer(_PREVIEW), Tell(work.campaign, decided)]
        if message.decision == "call":
            self._move(PreviewCalled, now_s)
            return [*told, Reply(message.reply_to)]
        told += [self._tell_desk(PreviewGone(work.ref, message.decision)), Reply(message.reply_to)]
        if message.decision != "reject":
            return [*told, *self._settle(now_s)]
        self._work = None
        self._move(MadeNotReady, now_s, "rejected")
        return [*told, *self._follow_logout(now_s)]

    def _end_preview(self, decision: str, reason: str, now_s: float) -> list[Effect]:
        work = self._in_hand()
        decided = self._decided(work.ref, decision, now_s - work.began_s)
        gone = self._tell_desk(PreviewGone(work.ref, reason))
        return [CancelTimer(_PREVIEW), Tell(work.campaign, decided), gone]

    def _end_dialing(self, reason: str) -> list[Effect]:
        """Nobody will be there for the called party: end the call, if it has begun."""
        work = self._in_hand()
        gone = self._tell_desk(PreviewGone(work.ref, reason))
        if work.attempt_id is None:
            return [gone]
        return [Tell(work.campaign, EndCall(work.attempt_id, "engine")), gone]

    def _preview_expired(self, ref: RecordRef, now_s: float) -> list[Effect]:
        work = self._work
        if self._phase is not AgentPhase.PREVIEWING or work is None or work.ref != ref:
            return []
        effects = self._end_preview("timeout", "timeout", now_s)
        self._work = None
        self._move(MadeNotReady, now_s, "missed-preview")
        return effects + self._follow_logout(now_s)

    def _preview_dialing(self, attempt_id: AttemptId) -> list[Effect]:
        if self._phase is AgentPhase.DIALING and self._work is not None:
            self._work.attempt_id = attempt_id
        return []

    def _preview_over(self, ref: RecordRef, reason: str, now_s: float) -> list[Effect]:
        work = self._work
        reviewing = self._phase in {AgentPhase.PREVIEWING, AgentPhase.DIALING}
        if not reviewing or work is None or work.ref != ref:
            return []
        gone = self._tell_desk(PreviewGone(ref, reason))
        return [CancelTimer(_PREVIEW), gone, *self._settle(now_s)]

    # --- supervision -----------------------------------------------------------------------

    def _join_supervision(self, message: JoinSupervision) -> list[Effect]:
        work = self._work
        if self._phase not in _IN_CALL or work is None or work.attempt_id is None:
            error = NotNowError(f"{self._spec.agent_id} is in no call", slug="no-call")
            return [Tell(message.session, SupervisionRefused(error))]
        self._listeners.join(message)
        return [*self._remix(), Tell(message.session, SupervisionJoined(work.attempt_id))]


def _reason_of(cause: Cause, was_up: bool) -> str:
    """Return the Not Ready reason of an agent whose leg ended."""
    if was_up:
        return "phone-lost"
    return "missed-call" if cause.slug in _MISSED else "phone-unreachable"
