"""Causes: why a leg ended, whose doing it was, and whether to try again."""

from dataclasses import dataclass
from enum import StrEnum


class Fault(StrEnum):
    """Whose doing the end of a leg was."""

    NONE = "none"
    CALLED_PARTY = "called-party"
    NUMBER = "number"
    CARRIER = "carrier"
    ENGINE = "engine"


class Redial(StrEnum):
    """Whether, and how soon, the number is worth another attempt."""

    SOON = "soon"
    LATER = "later"
    NEVER = "never"


@dataclass(frozen=True, slots=True)
class Cause:
    """Why a leg ended, in network words.

    Attributes:
        slug: Stable name, e.g. ``busy``.
        fault: Whose doing it was.
        redial: Whether to try again.
    """

    slug: str
    fault: Fault
    redial: Redial


HUNG_UP = Cause("hung-up", Fault.NONE, Redial.LATER)
"""The far end ended an answered leg (BYE)."""
RELEASED = Cause("released", Fault.NONE, Redial.LATER)
"""We ended an answered leg (BYE)."""
NO_ANSWER = Cause("no-answer", Fault.CALLED_PARTY, Redial.LATER)
"""Our no-answer timeout passed, and we cancelled."""
CANCELLED = Cause("cancelled", Fault.ENGINE, Redial.SOON)
"""We ended the leg before it was answered, for a reason of our own."""
GATE_CLOSED = Cause("gate-closed", Fault.ENGINE, Redial.SOON)
"""The gate refused the INVITE at the instant it would have left."""
TIMED_OUT = Cause("no-response", Fault.CARRIER, Redial.SOON)
"""Nothing came back from the trunk (RFC 3261 §17.1.1.2, Timer B)."""
UNREACHABLE = Cause("carrier-unreachable", Fault.CARRIER, Redial.SOON)
"""The trunk could not be sent to."""
MEDIA_LOST = Cause("media-lost", Fault.CARRIER, Redial.LATER)
"""No audio came from the far end for longer than the limit."""
LOST = Cause("lost", Fault.ENGINE, Redial.LATER)
"""The engine died while the leg was open."""

_BY_STATUS = {
    401: Cause("credentials-refused", Fault.CARRIER, Redial.LATER),  # RFC 3261 §21.4.2
    403: Cause("forbidden", Fault.CARRIER, Redial.LATER),  # RFC 3261 §21.4.4
    404: Cause("no-such-number", Fault.NUMBER, Redial.NEVER),  # RFC 3261 §21.4.5
    407: Cause("credentials-refused", Fault.CARRIER, Redial.LATER),  # RFC 3261 §21.4.8
    408: Cause("no-response", Fault.CARRIER, Redial.SOON),  # RFC 3261 §21.4.9
    410: Cause("number-gone", Fault.NUMBER, Redial.NEVER),  # RFC 3261 §21.4.11
    480: Cause("no-answer", Fault.CALLED_PARTY, Redial.LATER),  # RFC 3261 §21.4.18
    484: Cause("no-such-number", Fault.NUMBER, Redial.NEVER),  # RFC 3261 §21.4.22
    486: Cause("busy", Fault.CALLED_PARTY, Redial.SOON),  # RFC 3261 §21.4.24
    487: CANCELLED,  # RFC 3261 §21.4.25
    488: Cause("not-acceptable", Fault.CARRIER, Redial.LATER),  # RFC 3261 §21.4.26
    503: Cause("carrier-congested", Fault.CARRIER, Redial.SOON),  # RFC 3261 §21.5.4
    504: Cause("no-response", Fault.CARRIER, Redial.SOON),  # RFC 3261 §21.5.5
    600: Cause("busy", Fault.CALLED_PARTY, Redial.SOON),  # RFC 3261 §21.6.1
    603: Cause("declined", Fault.CALLED_PARTY, Redial.LATER),  # RFC 3261 §21.6.2
    604: Cause("no-such-number", Fault.NUMBER, Redial.NEVER),  # RFC 3261 §21.6.3
    607: Cause("unwanted", Fault.CALLED_PARTY, Redial.NEVER),  # RFC 8197
    608: Cause("rejected", Fault.CARRIER, Redial.NEVER),  # RFC 8688
}

_BY_CLASS = {
    3: Cause("moved", Fault.CARRIER, Redial.LATER),  # RFC 3261 §21.3: never followed
    4: Cause("refused", Fault.CARRIER, Redial.LATER),  # RFC 3261 §21.4
    5: Cause("carrier-failed", Fault.CARRIER, Redial.SOON),  # RFC 3261 §21.5
    6: Cause("declined", Fault.CALLED_PARTY, Redial.LATER),  # RFC 3261 §21.6
}


def cause_of_status(status: int) -> Cause:
    """Return the cause that a final SIP status stands for; an unknown one counts by its class.

    Args:
        status: Final status of an INVITE, 300 to 699 (RFC 3261 §8.1.3.2).
    """
    return _BY_STATUS.get(status) or _BY_CLASS.get(status // 100, _BY_CLASS[5])


CAUSES: dict[str, Cause] = {
    cause.slug: cause
    for cause in (
        *_BY_CLASS.values(),
        *_BY_STATUS.values(),
        HUNG_UP,
        RELEASED,
        NO_ANSWER,
        CANCELLED,
        GATE_CLOSED,
        TIMED_OUT,
        UNREACHABLE,
        MEDIA_LOST,
        LOST,
    )
}
"""Every cause by its slug."""
