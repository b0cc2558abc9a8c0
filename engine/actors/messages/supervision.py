"""What a supervision session is told and asked."""

import msgspec

from engine.actors.kernel.ref import ReplyTo
from engine.actors.messages.adapters import Journaled
from engine.domain.ids import AgentId, AttemptId, SessionId, SupervisorId
from engine.domain.refusals import DialerError
from engine.machines.mix import SupervisionMode
from engine.ports import LegAnswered, LegDigit, LegEnded, LegRinging, PromptEnded


class SessionView(msgspec.Struct, frozen=True):
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


class BeginSupervision(msgspec.Struct, frozen=True):
    """Begin: open the supervisor's leg and join the agent's call; answered when joined."""

    reply_to: ReplyTo[SessionView]


class SetSupervisionMode(msgspec.Struct, frozen=True):
    """Change the mode, at any time, any number of times."""

    mode: SupervisionMode
    reply_to: ReplyTo[SessionView]


class EndSupervision(msgspec.Struct, frozen=True):
    """End the session; the call goes on."""

    reason: str
    reply_to: ReplyTo[None] | None = None


class SupervisionJoined(msgspec.Struct, frozen=True):
    """The leg is in the agent's call."""

    attempt_id: AttemptId


class SupervisionRefused(msgspec.Struct, frozen=True):
    """The agent has no call to join."""

    error: DialerError


class SupervisedCallEnded(msgspec.Struct, frozen=True):
    """The agent left the call; so does the supervisor."""

    attempt_id: AttemptId


class DescribeSession(msgspec.Struct, frozen=True):
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
