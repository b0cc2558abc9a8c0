"""What the user agent tells its owner, in the order in which it happened."""

import msgspec

from engine.telephony.audio_keys import AudioKeys
from engine.telephony.sip.destination import Destination
from engine.telephony.sip.registrar import Binding
from engine.telephony.sip.sdp import RemoteMedia


class Event(msgspec.Struct, frozen=True, gc=False):
    """Base of all events."""


class Trying(Event, frozen=True):
    """The next hop has the INVITE (100)."""

    leg_id: str


class Ringing(Event, frozen=True):
    """The far end was reached (another 1xx than 100).

    Attributes:
        leg_id: The leg.
        status: 180 to 199.
        remote: Where early media comes from, if the response describes it.
    """

    leg_id: str
    status: int
    remote: RemoteMedia | None = None


class Answered(Event, frozen=True):
    """The leg is up: the far end answered our INVITE, or acknowledged our answer to its.

    Attributes:
        leg_id: The leg.
        remote: The far end's audio.
        keys: What the audio is encrypted by, None: it is not.
    """

    leg_id: str
    remote: RemoteMedia
    keys: AudioKeys | None = None


class MediaChanged(Event, frozen=True):
    """An offer inside the leg was agreed on, the far end's or ours (RFC 3264 §8).

    Attributes:
        leg_id: The leg.
        remote: The far end's audio from now on.
        keys: What the audio is encrypted by from now on, None: it is not.
    """

    leg_id: str
    remote: RemoteMedia
    keys: AudioKeys | None = None


class Moved(Event, frozen=True):
    """The far end wants requests of this leg elsewhere from now on (RFC 3261 §12.2)."""

    leg_id: str


class ReofferRefused(Event, frozen=True):
    """Our offer inside the leg was refused; everything stays as it was.

    Attributes:
        leg_id: The leg.
        status: Final status, 408 if none came.
    """

    leg_id: str
    status: int


class Ended(Event, frozen=True):
    """A leg is over: the only event of its kind for it, and its last.

    Attributes:
        leg_id: The leg.
        why: ``refused`` (final status to our INVITE), ``hung-up`` (far end's BYE or CANCEL),
            ``released`` (our BYE), ``cancelled`` (before any answer, by us), ``crossed`` (our
            CANCEL crossed the answer, ACK and BYE followed), ``gate-closed``, ``timed-out``
            (nobody answered a request, or it could not be sent), ``broken`` (answered in a way no
            audio can follow).
        status: Last status of the INVITE, 0 if there was none; with ``timed-out`` 408, or 503 if
            it could not be sent (RFC 3261 §8.1.3.1).
        reason: Reason phrase or text of the Reason header.
        q850: Q.850 cause of the Reason header, 0 if absent (RFC 3326 §2).
        retry_after_s: Retry-After, 0 if absent. [s]
    """

    leg_id: str
    why: str
    status: int = 0
    reason: str = ""
    q850: int = 0
    retry_after_s: float = 0.0


class Incoming(Event, frozen=True):
    """A call came in and was let in by the screen; it waits for ring, answer or hang-up.

    Attributes:
        leg_id: Id given to it.
        caller: URI of From.
        called: Request-URI.
        source: Where it came from.
        remote: Its offer, None if it leaves the offer to us.
    """

    leg_id: str
    caller: str
    called: str
    source: Destination
    remote: RemoteMedia | None = None


class DigitPressed(Event, frozen=True):
    """A digit came by INFO (application/dtmf-relay).

    Attributes:
        leg_id: The leg.
        digit: One of 0-9, A-D, ``*``, ``#``.
        duration_ms: How long it was held. [ms]
    """

    leg_id: str
    digit: str
    duration_ms: int


class Registered(Event, frozen=True):
    """A phone registered, or refreshed.

    Attributes:
        user: User of the address of record.
        binding: Where it is.
    """

    user: str
    binding: Binding


class Unregistered(Event, frozen=True):
    """A phone's last contact is gone: it said so, or its time ran out."""

    user: str


class OptionsAnswered(Event, frozen=True):
    """An OPTIONS of ours was answered, or was not.

    Attributes:
        key: What the caller named it.
        status: Final status, 408 if none came, 503 if it could not be sent (RFC 3261 §8.1.3.1).
        retry_after_s: Retry-After, 0 if absent. [s]
    """

    key: str
    status: int
    retry_after_s: float = 0.0


class RegistrationChanged(Event, frozen=True):
    """A registration of ours at a carrier was granted or refreshed, or was not.

    Attributes:
        key: What the caller named it.
        registered: Whether it holds.
        status: Final status; 408 if none came, 503 if it could not be sent.
        reason: Why not, in few words.
    """

    key: str
    registered: bool
    status: int
    reason: str


class RegistrationOver(Event, frozen=True):
    """A registration of ours was taken back, or nobody answered that."""

    key: str


AnyEvent = (
    Trying
    | Ringing
    | Answered
    | MediaChanged
    | Moved
    | ReofferRefused
    | Ended
    | Incoming
    | DigitPressed
    | Registered
    | Unregistered
    | OptionsAnswered
    | RegistrationChanged
    | RegistrationOver
)
