"""A leg's life as a table: from INVITE, ours or theirs, to the last BYE (RFC 3261 §9, §13, §15)."""

from enum import StrEnum

from engine.telephony.sip.machine import Step, Table


class LegPhase(StrEnum):
    """Where a leg is."""

    INVITING = "inviting"
    """Our INVITE is out, nothing came back."""
    PROCEEDING = "proceeding"
    """A provisional response came."""
    CANCEL_WANTED = "cancel-wanted"
    """To be cancelled, which must wait for a provisional response (RFC 3261 §9.1)."""
    CANCELLING = "cancelling"
    OFFERED = "offered"
    """Their INVITE waits for us."""
    ANSWERING = "answering"
    """Our 2xx waits for its ACK."""
    LEAVE_WANTED = "leave-wanted"
    """To be ended, which must wait for the ACK (RFC 3261 §15)."""
    UP = "up"
    LEAVING = "leaving"
    """Our BYE waits for its answer."""
    OVER = "over"


class LegInput(StrEnum):
    """What may come to a leg."""

    TRYING = "trying"
    RINGING = "ringing"
    ANSWERED = "answered"
    UNUSABLE = "unusable"
    """Answered in a way that no audio can follow."""
    AGAIN = "again"
    """Refused for something that another INVITE can mend: a challenge, a failover."""
    REFUSED = "refused"
    UNHEARD = "unheard"
    """No final response: timed out or not sent."""
    GATE_CLOSED = "gate-closed"
    """The gate refused another INVITE."""
    GAVE_UP = "gave-up"
    """64*T1 passed: since CANCEL (RFC 3261 §9.1), or since the first 2xx (§13.3.1.4)."""
    HANG_UP = "hang-up"
    ANSWER = "answer"
    ACKED = "acked"
    BYE = "bye"
    CANCELLED = "cancelled"
    """The far end cancelled its INVITE."""
    BYE_DONE = "bye-done"


class LegAction(StrEnum):
    """What a leg does in a step."""

    TELL_TRYING = "tell-trying"
    TELL_RINGING = "tell-ringing"
    TELL_ANSWERED = "tell-answered"
    TELL_REFUSED = "tell-refused"
    TELL_UNHEARD = "tell-unheard"
    TELL_BROKEN = "tell-broken"
    TELL_CANCELLED = "tell-cancelled"
    TELL_CROSSED = "tell-crossed"
    TELL_RELEASED = "tell-released"
    TELL_HUNG_UP = "tell-hung-up"
    TELL_GATE_CLOSED = "tell-gate-closed"
    SEND_AGAIN = "send-again"
    SEND_ACK = "send-ack"
    SEND_BYE = "send-bye"
    SEND_CANCEL = "send-cancel"
    SEND_OK = "send-ok"
    REFUSE = "refuse"
    CLOSE = "close"
    """Forget the leg; whatever still comes for it is stray."""


_P, _I, _A = LegPhase, LegInput, LegAction
_LegStep = Step[LegPhase, LegAction]


def _go(phase: LegPhase, *actions: LegAction) -> _LegStep:
    return Step(phase, actions)


_REFUSED = _go(_P.OVER, _A.TELL_REFUSED, _A.CLOSE)
_UNHEARD = _go(_P.OVER, _A.TELL_UNHEARD, _A.CLOSE)
_CANCELLED = _go(_P.OVER, _A.TELL_CANCELLED, _A.CLOSE)
_HUNG_UP = _go(_P.OVER, _A.TELL_HUNG_UP, _A.CLOSE)
_ANSWERED = _go(_P.UP, _A.SEND_ACK, _A.TELL_ANSWERED)
_BROKEN = _go(_P.LEAVING, _A.SEND_ACK, _A.SEND_BYE, _A.TELL_BROKEN)
_CROSSED = _go(_P.LEAVING, _A.SEND_ACK, _A.SEND_BYE, _A.TELL_CROSSED)
_RELEASED = _go(_P.LEAVING, _A.SEND_BYE, _A.TELL_RELEASED)
_DEAF = _go(_P.LEAVING, _A.SEND_BYE, _A.TELL_UNHEARD)
_CANCEL = _go(_P.CANCELLING, _A.SEND_CANCEL)
_CLOSED = _go(_P.OVER, _A.CLOSE)

# Ended is told when no audio can flow any more: a BYE is still answered, but nobody waits for it.
# CANCEL tells nothing: an answer may have crossed it, and only the final response settles that.
LEG: Table[LegPhase, LegInput, LegAction] = Table(
    name="leg",
    initial=(_P.INVITING, _P.OFFERED),
    end=_P.OVER,
    entry=(),
    rows={
        _P.INVITING: {
            _I.TRYING: _go(_P.PROCEEDING, _A.TELL_TRYING),
            _I.RINGING: _go(_P.PROCEEDING, _A.TELL_RINGING),
            _I.ANSWERED: _ANSWERED,
            _I.UNUSABLE: _BROKEN,
            _I.AGAIN: _go(_P.INVITING, _A.SEND_AGAIN),
            _I.REFUSED: _REFUSED,
            _I.UNHEARD: _UNHEARD,
            _I.GATE_CLOSED: _go(_P.OVER, _A.TELL_GATE_CLOSED, _A.CLOSE),
            _I.HANG_UP: _go(_P.CANCEL_WANTED),
        },
        _P.PROCEEDING: {
            _I.RINGING: _go(_P.PROCEEDING, _A.TELL_RINGING),
            _I.ANSWERED: _ANSWERED,
            _I.UNUSABLE: _BROKEN,
            _I.AGAIN: _go(_P.INVITING, _A.SEND_AGAIN),
            _I.REFUSED: _REFUSED,
            _I.UNHEARD: _UNHEARD,
            _I.HANG_UP: _CANCEL,
        },
        _P.CANCEL_WANTED: {
            _I.TRYING: _CANCEL,
            _I.RINGING: _CANCEL,
            _I.ANSWERED: _CROSSED,
            _I.UNUSABLE: _CROSSED,
            _I.AGAIN: _CANCELLED,
            _I.REFUSED: _CANCELLED,
            _I.UNHEARD: _UNHEARD,  # nobody was there to be cancelled
        },
        _P.CANCELLING: {
            _I.ANSWERED: _CROSSED,
            _I.UNUSABLE: _CROSSED,
            _I.AGAIN: _CANCELLED,
            _I.REFUSED: _CANCELLED,
            _I.UNHEARD: _CANCELLED,
            _I.GAVE_UP: _CANCELLED,
        },
        _P.OFFERED: {
            _I.ANSWER: _go(_P.ANSWERING, _A.SEND_OK),
            _I.HANG_UP: _go(_P.OVER, _A.REFUSE, _A.TELL_RELEASED, _A.CLOSE),
            _I.BYE: _go(_P.OVER, _A.REFUSE, _A.TELL_HUNG_UP, _A.CLOSE),
            _I.CANCELLED: _go(_P.OVER, _A.REFUSE, _A.TELL_HUNG_UP, _A.CLOSE),
            _I.UNHEARD: _UNHEARD,
        },
        _P.ANSWERING: {
            _I.ACKED: _go(_P.UP, _A.TELL_ANSWERED),
            _I.UNUSABLE: _go(_P.LEAVING, _A.SEND_BYE, _A.TELL_BROKEN),
            _I.HANG_UP: _go(_P.LEAVE_WANTED),
            _I.GAVE_UP: _DEAF,
            _I.BYE: _HUNG_UP,
        },
        _P.LEAVE_WANTED: {
            _I.ACKED: _RELEASED,
            _I.UNUSABLE: _RELEASED,
            _I.GAVE_UP: _RELEASED,
            _I.BYE: _HUNG_UP,
        },
        _P.UP: {
            _I.HANG_UP: _RELEASED,
            _I.BYE: _HUNG_UP,
            _I.UNHEARD: _DEAF,  # a request inside the dialog got 408, 481 or nothing (§12.2.1.2)
            _I.GAVE_UP: _DEAF,  # a 2xx to a re-INVITE was never acknowledged (§14.2)
        },
        _P.LEAVING: {
            _I.BYE: _CLOSED,  # the BYEs crossed
            _I.BYE_DONE: _CLOSED,
        },
        _P.OVER: {},
    },
    ignored=frozenset(
        {
            (_P.PROCEEDING, _I.TRYING),
            (_P.CANCEL_WANTED, _I.HANG_UP),
            (_P.CANCELLING, _I.TRYING),
            (_P.CANCELLING, _I.RINGING),  # it crossed our CANCEL
            (_P.CANCELLING, _I.HANG_UP),
            (_P.ANSWERING, _I.CANCELLED),  # it crossed our answer; a BYE follows (§15)
            (_P.LEAVE_WANTED, _I.CANCELLED),
            (_P.LEAVE_WANTED, _I.HANG_UP),
            (_P.LEAVING, _I.HANG_UP),
            (_P.LEAVING, _I.ACKED),
            (_P.LEAVING, _I.GAVE_UP),
            (_P.LEAVING, _I.UNHEARD),
            (_P.UP, _I.ACKED),  # a retransmitted ACK
            (_P.OVER, _I.BYE_DONE),
            (_P.OVER, _I.HANG_UP),
        }
    ),
)
