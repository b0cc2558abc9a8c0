"""The four transactions of SIP as tables (RFC 3261 §17, as corrected by RFC 6026).

A row says, for each thing that may come in a phase, the next phase and what is done, in order.
What a phase has no row for changes nothing there; ``ignored`` names the pairs that do happen, so
that each silence is a decision. Timers are named as in the RFC. Over a reliable transport A, E and
G are not started, and D, I, J and K last no time: the runner knows, the tables need not.
"""

from enum import StrEnum

from engine.telephony.sip.machine import Step, Table


class Phase(StrEnum):
    """Phases of transactions; not each machine has each."""

    CALLING = "calling"
    TRYING = "trying"
    PROCEEDING = "proceeding"
    ACCEPTED = "accepted"
    COMPLETED = "completed"
    CONFIRMED = "confirmed"
    TERMINATED = "terminated"


class Input(StrEnum):
    """What may come to a transaction, from the network, its user, or its timers."""

    PROVISIONAL = "provisional"
    SUCCESS = "success"
    FAILURE = "failure"
    REQUEST = "request"
    ACK = "ack"
    TIMER_A = "timer-a"
    TIMER_B = "timer-b"
    TIMER_D = "timer-d"
    TIMER_E = "timer-e"
    TIMER_F = "timer-f"
    TIMER_G = "timer-g"
    TIMER_H = "timer-h"
    TIMER_I = "timer-i"
    TIMER_J = "timer-j"
    TIMER_K = "timer-k"
    TIMER_L = "timer-l"
    TIMER_M = "timer-m"
    UNSENT = "unsent"
    """The transport could not send."""


class Action(StrEnum):
    """What a transaction does in a step."""

    SEND = "send"
    """Send the request again, or the response given last."""
    SEND_ACK = "send-ack"
    PASS = "pass"  # noqa: S105 - not a password
    """Hand the message to the user."""
    TELL_TIMEOUT = "tell-timeout"
    TELL_UNSENT = "tell-unsent"
    STOP = "stop"
    """Stop all timers: those of a phase die with it."""
    START_A = "start-a"
    START_B = "start-b"
    START_D = "start-d"
    START_E = "start-e"
    START_E_SLOW = "start-e-slow"
    """Timer E at T2, as RFC 3261 §17.1.2.2 has it in Proceeding."""
    START_F = "start-f"
    START_G = "start-g"
    START_H = "start-h"
    START_I = "start-i"
    START_J = "start-j"
    START_K = "start-k"
    START_L = "start-l"
    START_M = "start-m"


Transaction = Table[Phase, Input, Action]
_END = Step(Phase.TERMINATED, (Action.STOP,))
_LATE_RESPONSES = (Input.PROVISIONAL, Input.SUCCESS, Input.FAILURE)


# RFC 3261 figure 5 with RFC 6026 §7.2: a 2xx leads to Accepted, where each further one, a
# retransmission or a fork's, still reaches the user until Timer M.
INVITE_CLIENT: Transaction = Table(
    name="invite-client",
    initial=(Phase.CALLING,),
    end=Phase.TERMINATED,
    entry=(Action.SEND, Action.START_A, Action.START_B),
    rows={
        Phase.CALLING: {
            Input.TIMER_A: Step(Phase.CALLING, (Action.SEND, Action.START_A)),
            Input.TIMER_B: Step(Phase.TERMINATED, (Action.STOP, Action.TELL_TIMEOUT)),
            Input.PROVISIONAL: Step(Phase.PROCEEDING, (Action.STOP, Action.PASS)),
            Input.SUCCESS: Step(Phase.ACCEPTED, (Action.STOP, Action.START_M, Action.PASS)),
            Input.FAILURE: Step(
                Phase.COMPLETED, (Action.STOP, Action.SEND_ACK, Action.START_D, Action.PASS)
            ),
            Input.UNSENT: Step(Phase.TERMINATED, (Action.STOP, Action.TELL_UNSENT)),
        },
        Phase.PROCEEDING: {
            Input.PROVISIONAL: Step(Phase.PROCEEDING, (Action.PASS,)),
            Input.SUCCESS: Step(Phase.ACCEPTED, (Action.START_M, Action.PASS)),
            Input.FAILURE: Step(Phase.COMPLETED, (Action.SEND_ACK, Action.START_D, Action.PASS)),
            Input.UNSENT: Step(Phase.TERMINATED, (Action.STOP, Action.TELL_UNSENT)),
        },
        Phase.ACCEPTED: {
            Input.SUCCESS: Step(Phase.ACCEPTED, (Action.PASS,)),
            Input.TIMER_M: _END,
        },
        Phase.COMPLETED: {
            Input.FAILURE: Step(Phase.COMPLETED, (Action.SEND_ACK,)),
            Input.TIMER_D: _END,
            Input.UNSENT: Step(Phase.TERMINATED, (Action.STOP, Action.TELL_UNSENT)),
        },
        Phase.TERMINATED: {},
    },
    ignored=frozenset(
        {
            (Phase.ACCEPTED, Input.PROVISIONAL),
            (Phase.ACCEPTED, Input.FAILURE),  # another fork gave up
            (Phase.ACCEPTED, Input.UNSENT),  # the user's ACK; the far end asks again
            (Phase.COMPLETED, Input.PROVISIONAL),
            (Phase.COMPLETED, Input.SUCCESS),  # RFC 3261 §17.1.1.2 has no way back
        }
    ),
)

# RFC 3261 figure 6.
NON_INVITE_CLIENT: Transaction = Table(
    name="non-invite-client",
    initial=(Phase.TRYING,),
    end=Phase.TERMINATED,
    entry=(Action.SEND, Action.START_E, Action.START_F),
    rows={
        Phase.TRYING: {
            Input.TIMER_E: Step(Phase.TRYING, (Action.SEND, Action.START_E)),
            Input.TIMER_F: Step(Phase.TERMINATED, (Action.STOP, Action.TELL_TIMEOUT)),
            Input.PROVISIONAL: Step(Phase.PROCEEDING, (Action.PASS,)),
            Input.SUCCESS: Step(Phase.COMPLETED, (Action.STOP, Action.START_K, Action.PASS)),
            Input.FAILURE: Step(Phase.COMPLETED, (Action.STOP, Action.START_K, Action.PASS)),
            Input.UNSENT: Step(Phase.TERMINATED, (Action.STOP, Action.TELL_UNSENT)),
        },
        Phase.PROCEEDING: {
            Input.TIMER_E: Step(Phase.PROCEEDING, (Action.SEND, Action.START_E_SLOW)),
            Input.TIMER_F: Step(Phase.TERMINATED, (Action.STOP, Action.TELL_TIMEOUT)),
            Input.PROVISIONAL: Step(Phase.PROCEEDING, (Action.PASS,)),
            Input.SUCCESS: Step(Phase.COMPLETED, (Action.STOP, Action.START_K, Action.PASS)),
            Input.FAILURE: Step(Phase.COMPLETED, (Action.STOP, Action.START_K, Action.PASS)),
            Input.UNSENT: Step(Phase.TERMINATED, (Action.STOP, Action.TELL_UNSENT)),
        },
        Phase.COMPLETED: {Input.TIMER_K: _END},
        Phase.TERMINATED: {},
    },
    ignored=frozenset((Phase.COMPLETED, late) for late in _LATE_RESPONSES),
)

# RFC 3261 figure 7 with RFC 6026 §7.1: PROVISIONAL, SUCCESS and FAILURE are what our user answers;
# 2xx are retransmitted by the user (§13.3.1.4), the transaction only swallows the INVITE again.
INVITE_SERVER: Transaction = Table(
    name="invite-server",
    initial=(Phase.PROCEEDING,),
    end=Phase.TERMINATED,
    entry=(Action.PASS,),
    rows={
        Phase.PROCEEDING: {
            Input.REQUEST: Step(Phase.PROCEEDING, (Action.SEND,)),
            Input.PROVISIONAL: Step(Phase.PROCEEDING, (Action.SEND,)),
            Input.SUCCESS: Step(Phase.ACCEPTED, (Action.SEND, Action.START_L)),
            Input.FAILURE: Step(Phase.COMPLETED, (Action.SEND, Action.START_G, Action.START_H)),
            Input.UNSENT: Step(Phase.TERMINATED, (Action.STOP, Action.TELL_UNSENT)),
        },
        Phase.ACCEPTED: {
            Input.SUCCESS: Step(Phase.ACCEPTED, (Action.SEND,)),
            Input.ACK: Step(Phase.ACCEPTED, (Action.PASS,)),
            Input.TIMER_L: _END,
        },
        Phase.COMPLETED: {
            Input.REQUEST: Step(Phase.COMPLETED, (Action.SEND,)),
            Input.ACK: Step(Phase.CONFIRMED, (Action.STOP, Action.START_I)),
            Input.TIMER_G: Step(Phase.COMPLETED, (Action.SEND, Action.START_G)),
            Input.TIMER_H: Step(Phase.TERMINATED, (Action.STOP, Action.TELL_TIMEOUT)),
            Input.UNSENT: Step(Phase.TERMINATED, (Action.STOP, Action.TELL_UNSENT)),
        },
        Phase.CONFIRMED: {Input.TIMER_I: _END},
        Phase.TERMINATED: {},
    },
    ignored=frozenset(
        {
            (Phase.PROCEEDING, Input.ACK),
            (Phase.ACCEPTED, Input.REQUEST),  # the user sends its 2xx again by its own timer
            (Phase.ACCEPTED, Input.UNSENT),  # likewise
            (Phase.CONFIRMED, Input.ACK),
            (Phase.CONFIRMED, Input.REQUEST),
        }
    ),
)

# RFC 3261 figure 8.
NON_INVITE_SERVER: Transaction = Table(
    name="non-invite-server",
    initial=(Phase.TRYING,),
    end=Phase.TERMINATED,
    entry=(Action.PASS,),
    rows={
        Phase.TRYING: {
            Input.PROVISIONAL: Step(Phase.PROCEEDING, (Action.SEND,)),
            Input.SUCCESS: Step(Phase.COMPLETED, (Action.SEND, Action.START_J)),
            Input.FAILURE: Step(Phase.COMPLETED, (Action.SEND, Action.START_J)),
        },
        Phase.PROCEEDING: {
            Input.REQUEST: Step(Phase.PROCEEDING, (Action.SEND,)),
            Input.PROVISIONAL: Step(Phase.PROCEEDING, (Action.SEND,)),
            Input.SUCCESS: Step(Phase.COMPLETED, (Action.SEND, Action.START_J)),
            Input.FAILURE: Step(Phase.COMPLETED, (Action.SEND, Action.START_J)),
            Input.UNSENT: Step(Phase.TERMINATED, (Action.STOP, Action.TELL_UNSENT)),
        },
        Phase.COMPLETED: {
            Input.REQUEST: Step(Phase.COMPLETED, (Action.SEND,)),
            Input.TIMER_J: _END,
            Input.UNSENT: Step(Phase.TERMINATED, (Action.STOP, Action.TELL_UNSENT)),
        },
        Phase.TERMINATED: {},
    },
    ignored=frozenset(
        {
            (Phase.TRYING, Input.REQUEST),  # nothing to repeat yet
            *((Phase.COMPLETED, late) for late in _LATE_RESPONSES),  # the first answer stands
        }
    ),
)

TABLES: tuple[Transaction, ...] = (
    INVITE_CLIENT,
    NON_INVITE_CLIENT,
    INVITE_SERVER,
    NON_INVITE_SERVER,
)
