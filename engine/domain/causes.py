"""Causes: why a leg ended, whose doing it was, and whether to try again.

Networks tell it twice: by a SIP status, and by the Q.850 cause of a Reason header, which comes from
the telephone network behind the carrier and is the finer of the two. ``cause_of`` holds the rule.
"""

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
NO_ROOM = Cause("media-full", Fault.ENGINE, Redial.SOON)
"""Our media switch has no place for another leg: the INVITE never left."""
TIMED_OUT = Cause("no-response", Fault.CARRIER, Redial.SOON)
"""Nothing came back from the trunk (RFC 3261 §17.1.1.2, Timer B)."""
UNREACHABLE = Cause("carrier-unreachable", Fault.CARRIER, Redial.SOON)
"""The trunk could not be sent to."""
MEDIA_LOST = Cause("media-lost", Fault.CARRIER, Redial.LATER)
"""No audio came from the far end for longer than the limit."""
NOT_ENCRYPTED = Cause("not-encrypted", Fault.CARRIER, Redial.LATER)
"""The far end answered without the encryption that its audio must have (RFC 4568)."""
LOST = Cause("lost", Fault.ENGINE, Redial.LATER)
"""The engine died while the leg was open."""

_INVALID = Cause("no-such-number", Fault.NUMBER, Redial.NEVER)
_GONE = Cause("number-gone", Fault.NUMBER, Redial.NEVER)
_BUSY = Cause("busy", Fault.CALLED_PARTY, Redial.SOON)
_ABSENT = Cause("absent", Fault.CALLED_PARTY, Redial.LATER)
_DECLINED = Cause("declined", Fault.CALLED_PARTY, Redial.LATER)
_NO_ROUTE = Cause("no-route", Fault.CARRIER, Redial.LATER)
_OUT_OF_ORDER = Cause("out-of-order", Fault.CARRIER, Redial.LATER)
_FORBIDDEN = Cause("forbidden", Fault.CARRIER, Redial.LATER)
_REFUSED = Cause("refused", Fault.CARRIER, Redial.LATER)
_NOT_ACCEPTABLE = Cause("not-acceptable", Fault.CARRIER, Redial.LATER)
_CONGESTED = Cause("carrier-congested", Fault.CARRIER, Redial.SOON)
_FAILED = Cause("carrier-failed", Fault.CARRIER, Redial.SOON)

_BY_STATUS = {
    401: Cause("credentials-refused", Fault.CARRIER, Redial.LATER),  # RFC 3261 §21.4.2
    403: _FORBIDDEN,  # RFC 3261 §21.4.4
    404: _INVALID,  # RFC 3261 §21.4.5
    407: Cause("credentials-refused", Fault.CARRIER, Redial.LATER),  # RFC 3261 §21.4.8
    408: TIMED_OUT,  # RFC 3261 §21.4.9
    410: _GONE,  # RFC 3261 §21.4.11
    433: _DECLINED,  # RFC 5079: anonymous callers are not wanted
    480: NO_ANSWER,  # RFC 3261 §21.4.18
    484: _INVALID,  # RFC 3261 §21.4.22
    486: _BUSY,  # RFC 3261 §21.4.24
    487: _FAILED,  # RFC 3261 §21.4.25: cancelled, but not by us
    488: _NOT_ACCEPTABLE,  # RFC 3261 §21.4.26
    502: _OUT_OF_ORDER,  # RFC 3261 §21.5.3; RFC 3398 §8.2.6.1 gives it for cause 27
    503: _CONGESTED,  # RFC 3261 §21.5.4
    504: TIMED_OUT,  # RFC 3261 §21.5.5
    600: _BUSY,  # RFC 3261 §21.6.1
    603: _DECLINED,  # RFC 3261 §21.6.2
    604: _INVALID,  # RFC 3261 §21.6.3
    606: _NOT_ACCEPTABLE,  # RFC 3261 §21.6.4
    607: Cause("unwanted", Fault.CALLED_PARTY, Redial.NEVER),  # RFC 8197
    608: Cause("rejected", Fault.CARRIER, Redial.NEVER),  # RFC 8688
}

_BY_CLASS = {
    3: Cause("moved", Fault.CARRIER, Redial.LATER),  # RFC 3261 §21.3: never followed
    4: _REFUSED,  # RFC 3261 §21.4
    5: _FAILED,  # RFC 3261 §21.5
    6: _DECLINED,  # RFC 3261 §21.6
}

# ITU-T Q.850 §2.2.7, read the way RFC 3398 §8.2.6.1 turns causes into statuses; where one status
# stands for several causes there (404 for 1, 2 and 3), the causes are told apart here.
_BY_Q850 = {
    1: _INVALID,  # unallocated number
    2: _NO_ROUTE,  # no route to the transit network: the carrier's lack, not the number's
    3: _NO_ROUTE,  # no route to the destination: the same, though it comes as 404
    4: _INVALID,  # special information tone: not to be reached for long
    5: _INVALID,  # misdialled trunk prefix
    8: _CONGESTED,  # preempted
    9: _CONGESTED,  # preempted, circuit reserved
    14: _NO_ROUTE,  # ported number, to be routed anew
    17: _BUSY,  # user busy
    18: NO_ANSWER,  # no user responding
    19: NO_ANSWER,  # no answer, user alerted
    20: _ABSENT,  # subscriber absent: the phone is off
    21: _DECLINED,  # call rejected
    22: _GONE,  # number changed
    23: _GONE,  # number changed, redirected: never followed, as 3xx is not
    24: _DECLINED,  # rejected by a feature at the destination: anonymous, unwanted numbers
    25: _FAILED,  # exchange routing error: a loop
    26: NO_ANSWER,  # non-selected user clearing: somebody else was given the call
    27: _OUT_OF_ORDER,  # destination out of order
    28: _INVALID,  # number incomplete or malformed
    29: _REFUSED,  # facility rejected
    34: _CONGESTED,  # no circuit
    38: _FAILED,  # network out of order
    41: _FAILED,  # temporary failure
    42: _CONGESTED,  # switching equipment congested
    44: _CONGESTED,  # requested circuit not available
    46: _CONGESTED,  # precedence call blocked
    50: _FORBIDDEN,  # facility not subscribed
    52: _FORBIDDEN,  # outgoing calls barred
    53: _FORBIDDEN,  # outgoing calls barred within the closed group
    54: _DECLINED,  # incoming calls barred
    55: _DECLINED,  # incoming calls barred within the closed group
    57: _FORBIDDEN,  # bearer not authorised
    58: _CONGESTED,  # bearer not available now
    87: _FORBIDDEN,  # not a member of the closed group
    88: _NOT_ACCEPTABLE,  # incompatible destination: no telephone
    91: _NO_ROUTE,  # invalid transit network
    102: TIMED_OUT,  # recovery on timer expiry
}

# A cause not named above stands for its class (ITU-T Q.850 §2.2.4).
_BY_Q850_CLASS = {
    2: _CONGESTED,  # 32 to 47: resource unavailable
    3: _FAILED,  # 48 to 63: service or option not available
    4: _NOT_ACCEPTABLE,  # 64 to 79: service or option not implemented
    5: _FAILED,  # 80 to 95: invalid message
    6: _FAILED,  # 96 to 111: protocol error
}
_SILENT = frozenset({0, 16, 30, 31, 127})
"""Causes that say nothing beside a status: none, normal clearing, unspecified, interworking."""
_SIP_ALONE = frozenset({401, 407, 420, 421, 422, 488, 606, 607, 608})
"""Statuses that speak of SIP itself, of us, or for the called party: no Q.850 cause knows better.

607 above all: who says that a call is unwanted must not be called again, whatever a switch adds.
"""


def cause_of_status(status: int) -> Cause:
    """Return the cause that a final SIP status stands for; an unknown one counts by its class.

    Args:
        status: Final status of an INVITE, 300 to 699 (RFC 3261 §8.1.3.2).
    """
    return _BY_STATUS.get(status) or _BY_CLASS.get(status // 100, _BY_CLASS[5])


def cause_of_q850(q850: int) -> Cause | None:
    """Return what a Q.850 cause stands for, None where it tells nothing beside a status.

    Args:
        q850: Cause value, 1 to 127; anything else tells nothing.
    """
    if q850 in _SILENT or not 0 < q850 < 128:
        return None
    return _BY_Q850.get(q850) or _BY_Q850_CLASS.get(q850 // 16)


def cause_of(status: int, q850: int = 0) -> Cause:
    """Return the cause of a refused INVITE: Q.850 wins where it says something.

    Gateways fold many causes into few statuses (RFC 3398 §8.2.6.1) and carriers fold them further,
    often all into 480, 500 or 503; the cause beside them (RFC 3326, RFC 6432) is the network's own
    word: 503 with 17 is a busy phone, 480 with 1 a number that does not exist, 404 with 3 a number
    the carrier has no route to. It does not win over redirects (3xx), over statuses of
    ``_SIP_ALONE``, nor where it is silent.

    Args:
        status: Final status of an INVITE, 300 to 699.
        q850: Q.850 cause of its Reason header, 0 if absent.
    """
    if status < 400 or status in _SIP_ALONE:
        return cause_of_status(status)
    return cause_of_q850(q850) or cause_of_status(status)


_Q850_OF = {
    NO_ANSWER.slug: 19,  # no answer from the user
    MEDIA_LOST.slug: 41,  # temporary failure
    LOST.slug: 41,
    UNREACHABLE.slug: 38,  # network out of order
    TIMED_OUT.slug: 102,  # recovery on timer expiry
    _NOT_ACCEPTABLE.slug: 88,  # incompatible destination
    NOT_ENCRYPTED.slug: 88,
}


def q850_of(cause: Cause) -> int:
    """Return the Q.850 cause that our CANCEL or BYE gives; normal clearing where none fits."""
    return _Q850_OF.get(cause.slug, 16)


NEVER_LEFT = frozenset({GATE_CLOSED.slug, NO_ROOM.slug})
"""Causes of legs whose INVITE we kept back ourselves: they say nothing of the carrier."""

CAUSES: dict[str, Cause] = {
    cause.slug: cause
    for cause in (
        *_BY_CLASS.values(),
        *_BY_STATUS.values(),
        *_BY_Q850.values(),
        HUNG_UP,
        RELEASED,
        NO_ANSWER,
        CANCELLED,
        GATE_CLOSED,
        NO_ROOM,
        TIMED_OUT,
        UNREACHABLE,
        MEDIA_LOST,
        NOT_ENCRYPTED,
        LOST,
    )
}
"""Every cause by its slug."""
