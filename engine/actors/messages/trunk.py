"""What a trunk is told and asked."""

import msgspec

from engine.actors.kernel.ref import Ref, ReplyTo
from engine.actors.messages.campaign import CampaignMessage
from engine.domain.specs import TrunkSpec
from engine.ports import TrunkLost, TrunkReached


class ConfigureTrunk(msgspec.Struct, frozen=True):
    """The trunk's settings are now these."""

    spec: TrunkSpec


class RequestPermits(msgspec.Struct, frozen=True):
    """Ask for INVITEs; answered by ``PermitsGranted`` (maybe in parts) or ``PermitsRefused``."""

    count: int
    campaign: Ref[CampaignMessage]


class WithdrawRequests(msgspec.Struct, frozen=True):
    """A campaign no longer wants the permits it still waits for."""

    campaign: Ref[CampaignMessage]


class ReturnPermits(msgspec.Struct, frozen=True):
    """Granted INVITEs that will not leave; their channels are free again.

    Attributes:
        count: How many.
        no_room: Whether our own media switch had no place for them.
    """

    count: int
    no_room: bool = False


class ChannelFreed(msgspec.Struct, frozen=True):
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


class PermitsDue(msgspec.Struct, frozen=True):
    """Tokens may be there for those who wait (timer)."""


class RoomDue(msgspec.Struct, frozen=True):
    """The media switch may have places again (timer)."""


class BreakerDue(msgspec.Struct, frozen=True):
    """The breaker may let a probe through (timer)."""


class TrunkView(msgspec.Struct, frozen=True):
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


class DescribeTrunk(msgspec.Struct, frozen=True):
    """Tell how the trunk stands."""

    reply_to: ReplyTo[TrunkView]


class WatchTrunk(msgspec.Struct, frozen=True):
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
