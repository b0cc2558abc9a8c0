"""What an agent's actor is told and asked."""

import msgspec

from engine.actors.kernel.ref import Ref, ReplyTo
from engine.actors.messages.adapters import Journaled
from engine.actors.messages.campaign import CampaignMessage
from engine.actors.messages.common import Rejoin, SampleGauges
from engine.actors.messages.recording import ControlOwnRecording, ShowRecording
from engine.actors.messages.supervision import SupervisionMessage
from engine.domain.e164 import E164
from engine.domain.ids import (
    AgentId,
    AttemptId,
    CampaignId,
    LegId,
    RecordRef,
    SessionId,
    SupervisorId,
)
from engine.domain.specs import AgentSpec
from engine.machines.agent import AgentPhase, AgentState
from engine.machines.mix import SupervisionMode
from engine.ports import LegAnswered, LegDigit, LegEnded, LegRinging, PromptEnded


class ConfigureAgent(msgspec.Struct, frozen=True):
    """The agent's settings are now these."""

    spec: AgentSpec


class AgentView(msgspec.Struct, frozen=True):
    """An agent for people and desktops.

    Attributes:
        agent_id: The agent.
        phase: Where it stands.
        state: What the guide calls that.
        reason: Not Ready reason, or empty.
        since_s: Since when it is in this state. [s since the epoch]
        pending: State that follows when the work ends, or None.
        phone_up: Whether the nailed-up phone is connected.
        campaign_id: Campaign of the interaction in hand, or None.
        attempt_id: Call in hand, or None.
        record: Record in hand, or None.
    """

    agent_id: AgentId
    phase: AgentPhase
    state: AgentState
    reason: str
    since_s: float
    pending: AgentState | None
    phone_up: bool
    campaign_id: CampaignId | None
    attempt_id: AttemptId | None
    record: RecordRef | None


class LogIn(msgspec.Struct, frozen=True):
    """Log in; a nailed-up phone is called at once."""

    reply_to: ReplyTo[AgentView]


class ChooseState(msgspec.Struct, frozen=True):
    """The agent chooses Ready, Not Ready (with a reason), Supervising or Logged Out.

    Not Ready chosen during work takes effect when the work ends; so does Logged Out.
    """

    state: AgentState
    reason: str
    reply_to: ReplyTo[AgentView]


class ForceState(msgspec.Struct, frozen=True):
    """A supervisor forces a state; refused while the agent handles an interaction."""

    supervisor_id: SupervisorId
    state: AgentState
    reason: str
    reply_to: ReplyTo[AgentView]


class AcceptOffer(msgspec.Struct, frozen=True):
    """Take the offered call."""

    attempt_id: AttemptId
    reply_to: ReplyTo[None]


class RejectOffer(msgspec.Struct, frozen=True):
    """Refuse the offered call; the agent becomes Not Ready."""

    attempt_id: AttemptId
    reply_to: ReplyTo[None]


class HangUpCall(msgspec.Struct, frozen=True):
    """End the call in hand."""

    attempt_id: AttemptId
    reply_to: ReplyTo[None]


class HoldCall(msgspec.Struct, frozen=True):
    """Put the customer on hold (True), or take back (False)."""

    attempt_id: AttemptId
    on: bool
    reply_to: ReplyTo[None]


class SetDisposition(msgspec.Struct, frozen=True):
    """Say what the call in hand came to (fields as in ``DisposeCall``)."""

    attempt_id: AttemptId
    disposition: str
    notes: str
    callback_s: float
    callback_until_s: float
    request_id: str
    reply_to: ReplyTo[None]


class DecidePreview(msgspec.Struct, frozen=True):
    """Decide on the record in review (fields as in ``PreviewDecided``)."""

    decision: str
    number_index: int
    disposition: str
    notes: str
    reply_to: ReplyTo[None]


class TakeCall(msgspec.Struct, frozen=True):
    """A call for the agent (from its campaign).

    Attributes:
        attempt_id: The call.
        campaign_id: Its campaign.
        campaign: Whom to answer.
        ref: The record.
        number: The customer's number.
        customer_leg: The customer's leg.
        automatic: Whether it is answered for the agent.
        offer_s: How long the offer may wait. [s]
        acw_limit_s: Longest after-call work; 0: no limit. [s]
        hold_prompt: What the customer hears on hold; empty: nothing.
    """

    attempt_id: AttemptId
    campaign_id: CampaignId
    campaign: Ref[CampaignMessage]
    ref: RecordRef
    number: E164
    customer_leg: LegId
    automatic: bool
    offer_s: float
    acw_limit_s: float
    hold_prompt: str = ""


class WithdrawCall(msgspec.Struct, frozen=True):
    """The offered call is gone (customer hung up, or was treated)."""

    attempt_id: AttemptId
    reason: str


class CallOver(msgspec.Struct, frozen=True):
    """The customer's leg of the call in hand is over, or a previewed call was not answered.

    Attributes:
        attempt_id: The call.
        ended_by: ``customer``, ``agent``, ``supervisor``, ``engine``, or the cause's slug when it
            was never answered.
    """

    attempt_id: AttemptId
    ended_by: str


class TakePreview(msgspec.Struct, frozen=True):
    """A record for the agent to review.

    Attributes:
        campaign_id: Its campaign.
        campaign: Whom to answer.
        ref: The record.
        number: Number that would be called.
        limit_s: Longest review; 0: no limit. [s]
        acw_limit_s: Longest after-call work; 0: no limit. [s]
    """

    campaign_id: CampaignId
    campaign: Ref[CampaignMessage]
    ref: RecordRef
    number: E164
    limit_s: float
    acw_limit_s: float


class PreviewDialing(msgspec.Struct, frozen=True):
    """The previewed record is being called as this attempt."""

    attempt_id: AttemptId


class PreviewOver(msgspec.Struct, frozen=True):
    """The previewed record cannot be called now (reason), or its completion is noted."""

    ref: RecordRef
    reason: str


class JoinSupervision(msgspec.Struct, frozen=True):
    """A supervisor's leg joins the agent's call; refused if there is none."""

    session_id: SessionId
    session: Ref[SupervisionMessage]
    leg_id: LegId
    mode: SupervisionMode
    supervisor_id: SupervisorId = SupervisorId("")


class ChangeSupervision(msgspec.Struct, frozen=True):
    """A session's mode changes: a change of the mix, no more."""

    session_id: SessionId
    mode: SupervisionMode


class LeaveSupervision(msgspec.Struct, frozen=True):
    """A supervisor's leg leaves."""

    session_id: SessionId


class OfferExpired(msgspec.Struct, frozen=True):
    """The offer has waited too long (timer)."""

    attempt_id: AttemptId


class AcwExpired(msgspec.Struct, frozen=True):
    """After-call work has lasted too long (timer)."""

    attempt_id: AttemptId


class PreviewExpired(msgspec.Struct, frozen=True):
    """The review has lasted too long (timer)."""

    ref: RecordRef


class DescribeAgent(msgspec.Struct, frozen=True):
    """Tell how the agent stands."""

    reply_to: ReplyTo[AgentView]


AgentMessage = (
    ConfigureAgent
    | LogIn
    | ChooseState
    | ForceState
    | AcceptOffer
    | RejectOffer
    | HangUpCall
    | HoldCall
    | SetDisposition
    | DecidePreview
    | TakeCall
    | WithdrawCall
    | CallOver
    | TakePreview
    | PreviewDialing
    | PreviewOver
    | JoinSupervision
    | ChangeSupervision
    | LeaveSupervision
    | OfferExpired
    | AcwExpired
    | PreviewExpired
    | ControlOwnRecording
    | ShowRecording
    | DescribeAgent
    | Rejoin
    | SampleGauges
    | Journaled
    | LegRinging
    | LegAnswered
    | LegEnded
    | LegDigit
    | PromptEnded
)
