"""A trunk's breaker: whether a carrier that fails our calls is still given some (D9)."""

from enum import Enum

from engine.machines.machine import Machine


class BreakerPhase(Enum):
    """How much the carrier is trusted."""

    CLOSED = "closed"
    """Calls flow."""
    RESTING = "resting"
    """Too many calls failed: none leaves."""
    PROBING = "probing"
    """One call may leave to see whether the carrier is back."""


class Tripped:
    """Too many of the last calls were failed by the carrier."""


class Rested:
    """The time between two probes has passed."""


class Probed:
    """The one call left; the next one waits."""


class Proved:
    """A call that left since the trip was not failed by the carrier."""


BREAKER: Machine[BreakerPhase] = Machine(
    name="breaker",
    initial=BreakerPhase.CLOSED,
    rows={
        BreakerPhase.CLOSED: {Tripped: BreakerPhase.RESTING},
        BreakerPhase.RESTING: {Rested: BreakerPhase.PROBING, Proved: BreakerPhase.CLOSED},
        # A probe that nobody needs waits in Probing: no call is made for its own sake.
        BreakerPhase.PROBING: {Probed: BreakerPhase.RESTING, Proved: BreakerPhase.CLOSED},
    },
    ignored=frozenset(
        {
            (BreakerPhase.CLOSED, Proved),  # a call that simply went well
            (BreakerPhase.CLOSED, Rested),  # the timer crossed the proof
            (BreakerPhase.PROBING, Rested),  # the last probe was not used yet
            (BreakerPhase.RESTING, Tripped),  # calls from before the trip go on failing
            (BreakerPhase.PROBING, Tripped),  # the same
        }
    ),
    ends=frozenset({BreakerPhase.CLOSED}),
    anytime=frozenset({Tripped, Proved, Rested}),
)
