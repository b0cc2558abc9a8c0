"""Answer for the state of many legs side by side: one dense slot a leg, columns of numpy."""

from collections.abc import Iterator
from typing import Final

import numpy as np
import numpy.typing as npt

Column = npt.NDArray[np.generic]

_FIRST_ROOM: Final = 64


class Slots:
    """Legs in dense slots; the last slot moves into one that is given back.

    A room keeps its columns in step by ``columns``: each is grown, cleared and moved here.
    """

    def __init__(self) -> None:
        self._slots: dict[int, int] = {}
        self._legs: list[int] = []
        self._columns: list[tuple[object, str]] = []
        self._room = _FIRST_ROOM

    def __len__(self) -> int:
        return len(self._legs)

    def __iter__(self) -> Iterator[int]:
        return iter(self._legs)

    @property
    def room(self) -> int:
        """Return how many slots the columns have."""
        return self._room

    def leg(self, slot: int) -> int:
        """Return the leg in a slot."""
        return self._legs[slot]

    def find(self, leg: int) -> int | None:
        """Return a leg's slot, None if it has none."""
        return self._slots.get(leg)

    def keep(self, owner: object) -> None:
        """Keep every array attribute of an object in step; called once, when they exist."""
        names = [name for name, value in vars(owner).items() if isinstance(value, np.ndarray)]
        self._columns += [(owner, name) for name in names]

    def take(self, leg: int) -> int:
        """Give a leg a cleared slot, its old one if it has one."""
        slot = self._slots.get(leg)
        if slot is None:
            slot = self._slots[leg] = len(self._legs)
            self._legs.append(leg)
            if slot == self._room:
                self._grow()
        for owner, name in self._columns:
            getattr(owner, name)[slot] = 0
        return slot

    def give_back(self, leg: int) -> None:
        """Forget a leg; one without a slot is no fault."""
        slot = self._slots.pop(leg, None)
        if slot is None:
            return
        last = self._legs.pop()
        if last != leg:
            self._legs[slot] = last
            self._slots[last] = slot
            for owner, name in self._columns:
                column = getattr(owner, name)
                column[slot] = column[len(self._legs)]

    def _grow(self) -> None:
        self._room *= 2
        for owner, name in self._columns:
            column: Column = getattr(owner, name)
            grown = np.zeros((self._room, *column.shape[1:]), dtype=column.dtype)
            grown[: len(column)] = column
            setattr(owner, name, grown)
