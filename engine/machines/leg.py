"""A leg's life: one SIP dialog with one party, as its owner sees it."""

from enum import Enum

from engine.machines.machine import Machine


class LegPhase(Enum):
    """Where a leg stands."""

    CALLING = "calling"
    RINGING = "ringing"
    UP = "up"
    ENDING = "ending"
    """We asked for its end; the telephony port has yet to confirm it."""
    DOWN = "down"


class Rings:
    """The far end rings."""


class Answers:
    """The far end answered."""


class Ending:
    """We ask for its end."""


class Ends:
    """It is over."""


LEG: Machine[LegPhase] = Machine(
    name="leg",
    initial=LegPhase.CALLING,
    rows={
        LegPhase.CALLING: {
            Rings: LegPhase.RINGING,
            Answers: LegPhase.UP,
            Ending: LegPhase.ENDING,
            Ends: LegPhase.DOWN,
        },
        LegPhase.RINGING: {
            Answers: LegPhase.UP,
            Ending: LegPhase.ENDING,
            Ends: LegPhase.DOWN,
        },
        LegPhase.UP: {Ending: LegPhase.ENDING, Ends: LegPhase.DOWN},
        LegPhase.ENDING: {Ends: LegPhase.DOWN},
        LegPhase.DOWN: {},
    },
    ignored=frozenset(
        {
            (LegPhase.RINGING, Rings),  # 180 comes again (RFC 3261 §13.3.1.1)
            (LegPhase.UP, Rings),  # a 180 that the 200 overtook
            (LegPhase.ENDING, Rings),
            (LegPhase.ENDING, Answers),  # the 200 crossed our CANCEL: the port sends ACK and BYE
            (LegPhase.ENDING, Ending),  # asked twice
            (LegPhase.DOWN, Ends),
            (LegPhase.DOWN, Ending),
        }
    ),
    ends=frozenset({LegPhase.DOWN}),
    anytime=frozenset({Ends, Ending}),
)
