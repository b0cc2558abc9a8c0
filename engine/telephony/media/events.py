"""Answer for the words between the media client and the adapter that uses it."""

import msgspec

from engine.domain.analysis import Verdict
from engine.domain.ids import LegId
from engine.telephony.media.messages import Quality


class MediaSettings(msgspec.Struct, frozen=True):
    """How a media switch is set up.

    Attributes:
        host: IPv4 address that RTP is bound to.
        advertised_host: Address written into SDP, when it is not ``host`` (1:1 NAT).
        ports: UDP ports in the pool; each carries many legs.
        lowest_port: Where the pool begins, 0 for anywhere.
        most_legs: Legs at once, one more than can be used.
        silent_ms: RTP silence that is told of. [ms]
        standby: Whether a second process waits to take over at once.
        rings: Descriptors of the recorder's shared memory, one for each process at work; empty:
            nothing is recorded.
        peers: Descriptors of the sockets to the other switches of a pool.
        processes: Switches at work, 0 for one less than there are cores. With more than one, ports
            are shared out among them, and ``most_legs`` are those of each.
    """

    host: str = "127.0.0.1"
    advertised_host: str = ""
    ports: int = 64
    lowest_port: int = 0
    most_legs: int = 4096
    silent_ms: int = 5000
    standby: bool = True
    rings: tuple[int, ...] = ()
    peers: tuple[int, ...] = ()
    processes: int = 1


class Endpoint(msgspec.Struct, frozen=True):
    """Where a leg's RTP is to be sent: what its SDP says."""

    host: str
    port: int


class LegHeard(msgspec.Struct, frozen=True):
    """A leg's first packet came; host and port are its source from now on."""

    leg_id: LegId
    host: str
    port: int


class LegFellSilent(msgspec.Struct, frozen=True):
    """No RTP has come from a connected leg for ``MediaSettings.silent_ms``."""

    leg_id: LegId


class LegResumed(msgspec.Struct, frozen=True):
    """A leg that had fallen silent is heard again."""

    leg_id: LegId


class PromptEnded(msgspec.Struct, frozen=True):
    """A prompt that is not looped was sent to its end."""

    leg_id: LegId
    prompt: str


class PromptFailed(msgspec.Struct, frozen=True):
    """A prompt could not be played; the reason says what would do."""

    leg_id: LegId
    prompt: str
    reason: str


class DigitPressed(msgspec.Struct, frozen=True):
    """A key was pressed on a leg (RFC 4733)."""

    leg_id: LegId
    digit: str


class LegAnalysed(msgspec.Struct, frozen=True):
    """What answered, by the rules that were asked for."""

    leg_id: LegId
    verdict: Verdict
    after_s: float
    reason: str


class BeepAwaited(msgspec.Struct, frozen=True):
    """A machine's tone is over, or did not come in time."""

    leg_id: LegId
    heard: bool


class LegQuality(msgspec.Struct, frozen=True):
    """How the streams of a leg were; told soon after its release, unless the switch died."""

    leg_id: LegId
    quality: Quality


class SwitchLost(msgspec.Struct, frozen=True):
    """The switch died or hung; another is taking its legs over."""


class SwitchRestored(msgspec.Struct, frozen=True):
    """Every leg is open again in another switch."""


MediaEvent = (
    LegHeard
    | LegFellSilent
    | LegResumed
    | PromptEnded
    | PromptFailed
    | DigitPressed
    | LegAnalysed
    | BeepAwaited
    | LegQuality
    | SwitchLost
    | SwitchRestored
)


class UnknownMediaLegError(KeyError):
    """A leg that was not allocated, or is released."""


class UnusableAddressError(ValueError):
    """An address that is no IPv4 address; RTP goes to IPv4 only."""
