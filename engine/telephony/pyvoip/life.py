"""What a trunk over pyVoIP keeps of its calls, and of the processes that make them."""

import asyncio
from dataclasses import dataclass, field

from engine.domain.ids import LegId
from engine.ports import PlaceCall
from engine.telephony.pyvoip.link import PhoneLink


@dataclass(eq=False, slots=True)
class Leg:
    """A call from its wish to its end.

    Attributes:
        command: What is wanted.
        timer: Its deadline, until it is answered.
        life: The process it is in, None while it waits for one.
        answered: Whether it was answered.
    """

    command: PlaceCall
    timer: asyncio.TimerHandle
    life: "Life | None" = None
    answered: bool = False


@dataclass(eq=False, slots=True)
class Life:
    """One process.

    Attributes:
        link: The way to it, None until it was started.
        up: Whether its phone is registered.
        legs: Calls in it.
        calling: The leg whose ``call()`` has not returned.
        hang: Deadline of that.
        made: Calls made so far.
        retired: Whether it makes no further calls.
    """

    link: PhoneLink | None = None
    up: bool = False
    legs: set[LegId] = field(default_factory=set)
    calling: LegId | None = None
    hang: asyncio.TimerHandle | None = None
    made: int = 0
    retired: bool = False
