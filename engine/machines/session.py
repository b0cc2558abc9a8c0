"""A supervision session's life: from the supervisor's leg to the end of the agent's call."""

from enum import Enum

from engine.machines.machine import Machine


class SessionPhase(Enum):
    """Where a session stands."""

    NEW = "new"
    OPENING = "opening"
    """The supervisor's leg is on its way."""
    JOINING = "joining"
    """The leg is up; the agent's call is asked for."""
    JOINED = "joined"
    OVER = "over"


class Begun:
    """The supervisor's leg is opened."""


class LegUp:
    """The supervisor's leg is up."""


class Admitted:
    """The leg is in the agent's call."""


class Closed:
    """The session is over, by whosoever doing."""


SESSION: Machine[SessionPhase] = Machine(
    name="session",
    initial=SessionPhase.NEW,
    rows={
        SessionPhase.NEW: {Begun: SessionPhase.OPENING, Closed: SessionPhase.OVER},
        SessionPhase.OPENING: {LegUp: SessionPhase.JOINING, Closed: SessionPhase.OVER},
        SessionPhase.JOINING: {Admitted: SessionPhase.JOINED, Closed: SessionPhase.OVER},
        SessionPhase.JOINED: {Closed: SessionPhase.OVER},
        SessionPhase.OVER: {},
    },
    ignored=frozenset(
        {
            (SessionPhase.OVER, Closed),  # the call ended as the supervisor left
        }
    ),
    ends=frozenset({SessionPhase.OVER}),
    anytime=frozenset({Closed}),
)
