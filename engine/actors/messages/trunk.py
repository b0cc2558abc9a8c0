"""What a trunk is told and asked."""

from dataclasses import dataclass

from engine.actors.kernel.ref import Ref, ReplyTo
from engine.actors.messages.campaign import CampaignMessage
from engine.domain.specs import TrunkSpec
from engine.ports import TrunkLost, TrunkReached


@dataclass(frozen=True, slots=True)
class ConfigureTrunk:
    """The trunk's settings are now these."""

    spec: TrunkSpec


@dataclass(frozen=True, slots=True)
class RequestPermits:
    """Ask for INVITEs; answered by ``PermitsGranted`` (maybe in parts) or ``PermitsRefused``."""

    count: int
    campaign: Ref[CampaignMessage]


@dataclass(frozen=True, slots=True)
class WithdrawRequests:
    """A campaign no longer wants the permits it still waits for."""

    campaign: Ref[CampaignMessage]


@dataclass(frozen=True, slots=True)
class ReturnPermits:
    """Granted INVITEs that will not leave; their channels are free again.

    Attributes:
        count: How many.
        no_room: Whether our own media switch had no place for them.
    """

    count: int
    no_room: bool = False


@dataclass(frozen=True, slots=True)
class ChannelFreed:
    """A leg on this trunk is over.

    Attributes:
        failed: Whether the carrier failed it (counts for the breaker).
        sip_status: Its final status, or 0.
        retry_after_s: Retry-After of a 503, else 0. [s]
        launched_s: When its INVITE left, 0 if unknown: tells a probe of a failing trunk from calls
            that were up before it failed. [s since the epoch]
    """

    failed: bool = False
    sip_status: int = 0
    retry_after_s: float = 0.0
    launched_s: float = 0.0


@dataclass(frozen=True, slots=True)
class PermitsDue:
    """Tokens may be there for those who wait (timer)."""


@dataclass(frozen=True, slots=True)
class RoomDue:
    """The media switch may have places again (timer)."""


@dataclass(frozen=True, slots=True)
class BreakerDue:
    """The breaker may let a probe through (timer)."""


@dataclass(frozen=True, slots=True)
class TrunkView:
    """A trunk for people.

    Attributes:
        up: Whether it takes calls.
        reason: Why not, or why it has no channel to give; or empty.
        channels_used: Legs and permits in use.
        waiting: INVITEs that wait for the calls-per-second cap.
    """

    up: bool
    reason: str
    channels_used: int
    waiting: int


@dataclass(frozen=True, slots=True)
class DescribeTrunk:
    """Tell how the trunk stands."""

    reply_to: ReplyTo[TrunkView]


@dataclass(frozen=True, slots=True)
class WatchTrunk:
    """Send ``TrunkSampled`` to a campaign now and at each change that matters to it."""

    campaign: Ref[CampaignMessage]


TrunkMessage = (
    ConfigureTrunk
    | RequestPermits
    | WithdrawRequests
    | ReturnPermits
    | ChannelFreed
    | PermitsDue
    | RoomDue
    | BreakerDue
    | TrunkReached
    | TrunkLost
    | DescribeTrunk
    | WatchTrunk
)
