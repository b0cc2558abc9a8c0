"""What an agent's desktop, and a supervisor's, is told as it happens."""

from dataclasses import dataclass

from engine.actors.messages import AgentView, RecordingView, SessionView
from engine.domain.e164 import E164
from engine.domain.ids import AttemptId, CampaignId, RecordRef


@dataclass(frozen=True, slots=True)
class StateShown:
    """The agent's state, whole, after every change."""

    view: AgentView


@dataclass(frozen=True, slots=True)
class CallOfferedToDesk:
    """A call may be accepted or rejected.

    Attributes:
        attempt_id: The call.
        campaign_id: Its campaign.
        ref: Its record.
        number: The customer's number.
        automatic: Whether it is answered for the agent.
        expires_s: When the offer ends. [s since the epoch]
    """

    attempt_id: AttemptId
    campaign_id: CampaignId
    ref: RecordRef
    number: E164
    automatic: bool
    expires_s: float


@dataclass(frozen=True, slots=True)
class OfferGone:
    """The offered call is gone, or was too long on the desk."""

    attempt_id: AttemptId
    reason: str


@dataclass(frozen=True, slots=True)
class CallJoined:
    """Agent and customer hear each other."""

    attempt_id: AttemptId
    campaign_id: CampaignId
    ref: RecordRef
    number: E164


@dataclass(frozen=True, slots=True)
class CallHeld:
    """The customer is on hold (True) or back (False)."""

    attempt_id: AttemptId
    on: bool


@dataclass(frozen=True, slots=True)
class CallFinished:
    """The call is over; after-call work begins. ``ended_by`` as in ``CallOver``."""

    attempt_id: AttemptId
    ended_by: str


@dataclass(frozen=True, slots=True)
class PreviewShown:
    """A record is there for review.

    Attributes:
        campaign_id: Its campaign.
        ref: The record.
        number: Number that would be called.
        expires_s: End of the review, or 0. [s since the epoch]
    """

    campaign_id: CampaignId
    ref: RecordRef
    number: E164
    expires_s: float


@dataclass(frozen=True, slots=True)
class PreviewGone:
    """The review is over without a call."""

    ref: RecordRef
    reason: str


@dataclass(frozen=True, slots=True)
class RecordingShown:
    """Whether the call in hand is recorded has changed."""

    view: RecordingView


DeskEvent = (
    StateShown
    | CallOfferedToDesk
    | OfferGone
    | CallJoined
    | CallHeld
    | CallFinished
    | PreviewShown
    | PreviewGone
    | RecordingShown
)


@dataclass(frozen=True, slots=True)
class SessionShown:
    """A supervision session's state, whole, after every change."""

    view: SessionView


@dataclass(frozen=True, slots=True)
class SessionOver:
    """A supervision session is over."""

    reason: str


SupervisorEvent = SessionShown | SessionOver
