"""The actor of one supervision session: one supervisor on one agent's call.

The session ends with the call, with the supervisor's leg, or when the supervisor says so; the call
never ends with the session. Who listened, when and how, is in the log (C7).
"""

from collections.abc import Callable, Sequence
from typing import assert_never

from engine.actors.desk import SessionOver, SessionShown
from engine.actors.kernel.effects import (
    CancelTimer,
    Do,
    Effect,
    Refuse,
    Reply,
    StartTimer,
    Stop,
    Tell,
)
from engine.actors.kernel.ref import Ref, ReplyTo
from engine.actors.messages import (
    AgentMessage,
    BeginSupervision,
    ChangeSupervision,
    DescribeSession,
    EndSupervision,
    ForgetSession,
    JoinSupervision,
    Journal,
    Journaled,
    LeaveSupervision,
    NotifySupervisor,
    SessionView,
    SetSupervisionMode,
    SupervisedCallEnded,
    SupervisionJoined,
    SupervisionMessage,
    SupervisionRefused,
)
from engine.domain.causes import CANCELLED, RELEASED
from engine.domain.facts import (
    AgentLegClosed,
    AgentLegIntended,
    AgentLegOpened,
    AnyFact,
    SupervisionEnded,
    SupervisionModeChanged,
    SupervisionStarted,
)
from engine.domain.ids import AgentId, AttemptId, IdSource, LegId, SessionId, SupervisorId
from engine.domain.refusals import DialerError, JournalError, NotNowError, UnavailableError
from engine.machines.mix import SupervisionMode
from engine.machines.session import SESSION, Admitted, Begun, Closed, LegUp, SessionPhase
from engine.ports import (
    CallPhone,
    DialogSeed,
    HangUp,
    LegAnswered,
    LegDigit,
    LegEnded,
    LegRinging,
    OpenAudioLeg,
    PromptEnded,
)

RING_S = 30.0
"""How long the supervisor's phone may ring. [s]"""
JOIN_S = 5.0
"""How long the agent may take to answer: an agent's actor that is gone never does. [s]"""

_JOIN = "join"
_WITH_AGENT = frozenset({SessionPhase.JOINING, SessionPhase.JOINED})


class SupervisionBehavior:
    """One supervisor listening to, coaching, or speaking in one agent's call."""

    __slots__ = (
        "_agent",
        "_agent_id",
        "_attempt_id",
        "_begin",
        "_identify",
        "_leg_id",
        "_leg_up",
        "_me",
        "_mode",
        "_phase",
        "_phone",
        "_placed",
        "_session_id",
        "_supervisor_id",
    )

    def __init__(
        self,
        session_id: SessionId,
        supervisor_id: SupervisorId,
        agent: Ref[AgentMessage],
        agent_id: AgentId,
        mode: SupervisionMode,
        phone: str | None,
        ids: IdSource,
        identify: Callable[[LegId], DialogSeed],
        *,
        me: Ref[SupervisionMessage],
    ) -> None:
        """Take what the session will be; ``BeginSupervision`` begins it.

        Args:
            session_id: The session.
            supervisor_id: Who supervises; a registered phone is found under this id.
            agent: Whom to ask for the call.
            agent_id: The same by name.
            mode: Mode it begins in.
            phone: SIP URI of the supervisor's phone; empty: the registered one; None: no phone,
                the audio comes and goes by the supervisor's stream.
            ids: Source of the leg's id.
            identify: How the INVITE of the leg will be known on the wire.
            me: The session's own address, for the agent's answers.
        """
        self._session_id = session_id
        self._supervisor_id = supervisor_id
        self._agent = agent
        self._agent_id = agent_id
        self._mode = mode
        self._phone = phone
        self._identify = identify
        self._me = me
        self._leg_id = ids.leg()
        self._leg_up = False
        self._placed = False
        self._phase = SESSION.initial
        self._attempt_id: AttemptId | None = None
        self._begin: ReplyTo[SessionView] | None = None

    def on(self, message: SupervisionMessage, now_s: float) -> Sequence[Effect]:
        """Answer one message."""
        match message:
            case BeginSupervision(reply_to):
                return self._open(reply_to, now_s)
            case Journaled(_, error):
                return self._intended(error, now_s)
            case LegAnswered():
                return self._leg_answered(message, now_s)
            case SupervisionJoined(attempt_id):
                return self._joined(attempt_id, now_s)
            case SupervisionRefused(error):
                return self._end(error.slug, now_s, error)
            case SetSupervisionMode(mode, reply_to):
                return self._change(mode, reply_to, now_s)
            case EndSupervision(reason, reply_to):
                ended = [] if reply_to is None else [Reply(reply_to)]
                return [*ended, *self._end(reason, now_s)]
            case SupervisedCallEnded():
                return self._end("call-ended", now_s)
            case LegEnded():
                return self._leg_ended(message, now_s)
            case DescribeSession(reply_to):
                return [Reply(reply_to, self._view())]
            case LegRinging() | LegDigit() | PromptEnded():
                return []
            case _:
                assert_never(message)

    def _view(self) -> SessionView:
        return SessionView(
            session_id=self._session_id,
            supervisor_id=self._supervisor_id,
            agent_id=self._agent_id,
            mode=self._mode,
            attempt_id=self._attempt_id,
            leg_up=self._leg_up,
        )

    def _show(self) -> Effect:
        return Do(NotifySupervisor(self._session_id, SessionShown(self._view())))

    # --- the leg ---------------------------------------------------------------------------

    def _open(self, reply_to: ReplyTo[SessionView], now_s: float) -> list[Effect]:
        if not SESSION.may(self._phase, Begun):
            return [Refuse(reply_to, NotNowError("the session has begun", slug="already-begun"))]
        self._phase = SESSION.step(self._phase, Begun)
        self._begin = reply_to
        if self._phone is None:
            self._placed = True
            return [Do(OpenAudioLeg(self._leg_id))]
        seed = self._identify(self._leg_id)
        fact = AgentLegIntended(
            at_s=now_s,
            agent_id=self._phone_id,
            leg_id=self._leg_id,
            call_id=seed.call_id,
            branch=seed.branch,
        )
        return [Do(Journal((fact,), ("leg", self._leg_id)))]

    @property
    def _phone_id(self) -> AgentId:
        """The id under which the supervisor's phone registers: supervisors' phones are agents'."""
        return AgentId(self._supervisor_id)

    def _intended(self, error: JournalError | None, now_s: float) -> list[Effect]:
        """Call the phone, now that a later life of the engine would know of the leg."""
        if error is not None:
            return self._end(error.slug, now_s, error)
        if self._phone is None or self._placed or self._phase is not SessionPhase.OPENING:
            return []
        self._placed = True
        return [Do(CallPhone(self._leg_id, self._phone_id, self._phone, RING_S))]

    def _leg_answered(self, event: LegAnswered, now_s: float) -> list[Effect]:
        if event.leg_id != self._leg_id or not SESSION.may(self._phase, LegUp):
            return []
        self._phase = SESSION.step(self._phase, LegUp)
        self._leg_up = True
        join = JoinSupervision(
            self._session_id, self._me, self._leg_id, self._mode, self._supervisor_id
        )
        effects: list[Effect] = [
            Tell(self._agent, join),
            StartTimer(_JOIN, JOIN_S, EndSupervision("agent-unreachable")),
        ]
        if self._phone is not None:
            opened = AgentLegOpened(
                at_s=now_s, agent_id=self._phone_id, leg_id=self._leg_id, dialog=event.dialog
            )
            effects.append(_noted(opened))
        return effects

    def _leg_ended(self, event: LegEnded, now_s: float) -> list[Effect]:
        if event.leg_id != self._leg_id:
            return []
        reason = "phone-lost" if self._leg_up else "phone-unreachable"
        error = UnavailableError(
            f"the supervisor's phone cannot be reached: {event.cause.slug}", slug=reason
        )
        self._placed = self._leg_up = False
        closed = [self._closed(event.cause.slug, now_s)] if self._phone is not None else []
        return self._end(reason, now_s, error, closed)

    def _closed(self, cause: str, now_s: float) -> AnyFact:
        return AgentLegClosed(at_s=now_s, agent_id=self._phone_id, leg_id=self._leg_id, cause=cause)

    # --- the call --------------------------------------------------------------------------

    def _joined(self, attempt_id: AttemptId, now_s: float) -> list[Effect]:
        if not SESSION.may(self._phase, Admitted):
            return []
        self._phase = SESSION.step(self._phase, Admitted)
        self._attempt_id = attempt_id
        fact = SupervisionStarted(
            at_s=now_s,
            session_id=self._session_id,
            supervisor_id=self._supervisor_id,
            agent_id=self._agent_id,
            attempt_id=attempt_id,
            mode=self._mode.value,
        )
        begin, self._begin = self._begin, None
        replies = [] if begin is None else [Reply(begin, self._view())]
        return [CancelTimer(_JOIN), _noted(fact), *replies, self._show()]

    def _change(
        self, mode: SupervisionMode, reply_to: ReplyTo[SessionView], now_s: float
    ) -> list[Effect]:
        """Change the mode: a change of the mix, no more; before the call is joined, a note."""
        changed, self._mode = mode is not self._mode, mode
        effects: list[Effect] = []
        if changed and self._phase in _WITH_AGENT:
            effects.append(Tell(self._agent, ChangeSupervision(self._session_id, mode)))
        if changed and self._phase is SessionPhase.JOINED:
            fact = SupervisionModeChanged(
                at_s=now_s,
                session_id=self._session_id,
                supervisor_id=self._supervisor_id,
                agent_id=self._agent_id,
                mode=mode.value,
            )
            effects += [_noted(fact), self._show()]
        return [*effects, Reply(reply_to, self._view())]

    # --- the end ---------------------------------------------------------------------------

    def _end(
        self,
        reason: str,
        now_s: float,
        error: DialerError | None = None,
        facts: Sequence[AnyFact] = (),
    ) -> list[Effect]:
        """Leave the call, end the leg, write it down, and stop."""
        effects: list[Effect] = []
        if self._phase in _WITH_AGENT:
            effects.append(Tell(self._agent, LeaveSupervision(self._session_id)))
        noted = list(facts)
        if self._placed:
            cause = RELEASED if self._leg_up else CANCELLED
            effects.append(Do(HangUp(self._leg_id, cause)))
        if not facts and self._phone is not None and self._phase is not SessionPhase.NEW:
            # Nobody will be here to note the leg's end, so it is noted as it is asked for.
            noted.append(self._closed(RELEASED.slug, now_s))
        if self._attempt_id is not None:
            noted.append(self._ended(reason, now_s))
        if noted:
            effects.append(_noted(*noted))
        if self._begin is not None:
            refusal = error or NotNowError(f"the session ended: {reason}", slug=reason)
            effects.append(Refuse(self._begin, refusal))
            self._begin = None
        self._phase = SESSION.step(self._phase, Closed)
        over = NotifySupervisor(self._session_id, SessionOver(reason))
        return [*effects, Do(over), Do(ForgetSession(self._session_id)), Stop()]

    def _ended(self, reason: str, now_s: float) -> AnyFact:
        return SupervisionEnded(
            at_s=now_s,
            session_id=self._session_id,
            supervisor_id=self._supervisor_id,
            agent_id=self._agent_id,
            reason=reason,
        )


def _noted(*facts: AnyFact) -> Effect:
    """Make facts durable that have happened in any case."""
    return Do(Journal(facts, keep=True))
