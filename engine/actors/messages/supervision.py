"""What a supervision session is told and asked."""

from dataclasses import dataclass

from engine.actors.kernel.ref import ReplyTo
from engine.actors.messages.adapters import Journaled
from engine.domain.ids import AgentId, AttemptId, SessionId, SupervisorId
from engine.domain.refusals import DialerError
from engine.machines.mix import SupervisionMode
from engine.ports import LegAnswered, LegDigit, LegEnded, LegRinging, PromptEnded


@dataclass(frozen=True, slots=True)
class SessionView:
    """A supervision session for people.

    Attributes:
        session_id: The session.
        supervisor_id: Who supervises.
        agent_id: Whom.
        mode: Monitor, coach or barge in.
        attempt_id: The call, or None before the leg is up.
        leg_up: Whether the supervisor's leg is up.
    """

    session_id: SessionId
    supervisor_id: SupervisorId
    agent_id: AgentId
    mode: SupervisionMode
    attempt_id: AttemptId | None
    leg_up: bool


@dataclass(frozen=True, slots=True)
class BeginSupervision:
    """Begin: open the supervisor's leg and join the agent's call; answered when joined."""

    reply_to: ReplyTo[SessionView]


@dataclass(frozen=True, slots=True)
class SetSupervisionMode:
    """Change the mode, at any time, any number of times."""

    mode: SupervisionMode
    reply_to: ReplyTo[SessionView]


@dataclass(frozen=True, slots=True)
class EndSupervision:
    """End the session; the call goes on."""

    reason: str
    reply_to: ReplyTo[None] | None = None


@dataclass(frozen=True, slots=True)
class SupervisionJoined:
    """The leg is in the agent's call."""

    attempt_id: AttemptId


@dataclass(frozen=True, slots=True)
class SupervisionRefused:
    """The agent has no call to join."""

    error: DialerError


@dataclass(frozen=True, slots=True)
class SupervisedCallEnded:
    """The agent left the call; so does the supervisor."""

    attempt_id: AttemptId


@dataclass(frozen=True, slots=True)
class DescribeSession:
    """Tell how the session stands."""

    reply_to: ReplyTo[SessionView]


SupervisionMessage = (
    BeginSupervision
    | SetSupervisionMode
    | EndSupervision
    | SupervisionJoined
    | SupervisionRefused
    | SupervisedCallEnded
    | DescribeSession
    | Journaled
    | LegRinging
    | LegAnswered
    | LegEnded
    | LegDigit
    | PromptEnded
)
