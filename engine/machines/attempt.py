"""An attempt's life, from the reserved record to its one outcome."""

from enum import Enum

from engine.machines.machine import Machine


class AttemptPhase(Enum):
    """Where an attempt stands."""

    RESERVED = "reserved"
    """Its intent is on the way to the store; nothing has left."""
    DIALING = "dialing"
    """The INVITE is out."""
    RINGING = "ringing"
    SCREENING = "screening"
    """Answered; whether by a person is being found out."""
    QUEUED = "queued"
    """A person answered and waits for an agent."""
    OFFERED = "offered"
    """An agent is reserved and takes the call."""
    CONNECTED = "connected"
    """Customer and agent hear each other."""
    AWAITING_TONE = "awaiting-tone"
    """A machine answered; its tone is waited for before a message is left."""
    TREATED = "treated"
    """A message or a scenario instead of an agent, or the end of a call that is for nobody."""
    WRAP_UP = "wrap-up"
    """The customer is gone; the agent does after-call work."""
    CLOSED = "closed"


class Placed:
    """The intent is durable and the INVITE was handed to telephony."""


class Rang:
    """The far end rings."""


class Answered:
    """The called party answered."""


class Queued:
    """The call is for an agent: a person answered, or asked for one in a scenario."""


class MachineMet:
    """A machine answered that a message is to be left on."""


class AgentChosen:
    """The router reserved an agent for the call."""


class AgentFailed:
    """The reserved agent did not take the call; it waits again."""


class Joined:
    """Customer and agent hear each other."""


class Treated:
    """No agent has the call, or none came in time: a message plays, or the call is ended."""


class LegGone:
    """The customer's leg ended, by whosoever doing."""


class Rerouted:
    """The trunk failed before anything rang; another one is tried."""


class Disposed:
    """The outcome is known and nothing more will come."""


ATTEMPT: Machine[AttemptPhase] = Machine(
    name="attempt",
    initial=AttemptPhase.RESERVED,
    rows={
        # Before the intent is durable no leg exists, so no leg can end: a Stop disposes of it.
        AttemptPhase.RESERVED: {
            Placed: AttemptPhase.DIALING,
            LegGone: AttemptPhase.CLOSED,
            Disposed: AttemptPhase.CLOSED,
        },
        AttemptPhase.DIALING: {
            Rang: AttemptPhase.RINGING,
            Answered: AttemptPhase.SCREENING,
            Rerouted: AttemptPhase.RESERVED,
            LegGone: AttemptPhase.CLOSED,
            Disposed: AttemptPhase.CLOSED,
        },
        AttemptPhase.RINGING: {
            Answered: AttemptPhase.SCREENING,
            LegGone: AttemptPhase.CLOSED,
            Disposed: AttemptPhase.CLOSED,
        },
        # Without call progress analysis every answer leaves this phase at once.
        AttemptPhase.SCREENING: {
            Queued: AttemptPhase.QUEUED,
            MachineMet: AttemptPhase.AWAITING_TONE,
            Treated: AttemptPhase.TREATED,
            LegGone: AttemptPhase.CLOSED,
            Disposed: AttemptPhase.CLOSED,
        },
        AttemptPhase.QUEUED: {
            AgentChosen: AttemptPhase.OFFERED,
            Treated: AttemptPhase.TREATED,
            LegGone: AttemptPhase.CLOSED,
            Disposed: AttemptPhase.CLOSED,
        },
        # The customer may wait for a lost agent's successor: Connected goes back to Queued (C4).
        AttemptPhase.OFFERED: {
            Joined: AttemptPhase.CONNECTED,
            AgentFailed: AttemptPhase.QUEUED,
            Treated: AttemptPhase.TREATED,
            LegGone: AttemptPhase.CLOSED,
            Disposed: AttemptPhase.CLOSED,
        },
        AttemptPhase.CONNECTED: {
            AgentFailed: AttemptPhase.QUEUED,
            LegGone: AttemptPhase.WRAP_UP,
            Disposed: AttemptPhase.CLOSED,
        },
        AttemptPhase.AWAITING_TONE: {
            Treated: AttemptPhase.TREATED,
            LegGone: AttemptPhase.CLOSED,
            Disposed: AttemptPhase.CLOSED,
        },
        # A scenario may give the person to the agents: Treated goes on to Queued.
        AttemptPhase.TREATED: {
            Queued: AttemptPhase.QUEUED,
            LegGone: AttemptPhase.CLOSED,
            Disposed: AttemptPhase.CLOSED,
        },
        AttemptPhase.WRAP_UP: {Disposed: AttemptPhase.CLOSED},
        AttemptPhase.CLOSED: {},
    },
    ignored=frozenset(
        {
            (AttemptPhase.RINGING, Rang),  # 180 comes again and again (RFC 3261 §13.3.1.1)
            (AttemptPhase.SCREENING, Rang),  # a late 180 that the 200 overtook
            (AttemptPhase.QUEUED, Rang),
            (AttemptPhase.OFFERED, Rang),
            (AttemptPhase.CONNECTED, Rang),
            (AttemptPhase.AWAITING_TONE, Rang),
            (AttemptPhase.TREATED, Rang),
            (AttemptPhase.WRAP_UP, LegGone),  # our BYE crossed theirs
            (AttemptPhase.CLOSED, LegGone),
        }
    ),
    ends=frozenset({AttemptPhase.CLOSED}),
    anytime=frozenset({LegGone}),
)
