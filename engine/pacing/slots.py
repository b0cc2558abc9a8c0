"""Things that come and go, each in a slot of flat columns, for a tick to count all at once."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.pacing.grid import Ints


class Slots:
    """Flat columns with a free list; they double when full."""

    def __init__(self, kinds: dict[str, type[np.generic]]) -> None:
        """Start empty.

        Args:
            kinds: Kind of each column by name.
        """
        self._columns = {name: np.zeros(64, dtype=kind) for name, kind in kinds.items()}
        self._taken = np.zeros(64, dtype=np.bool_)
        self._free = list(range(63, -1, -1))

    # Any: the columns are of several kinds.
    def __getitem__(self, name: str) -> NDArray[Any]:
        return self._columns[name]

    def used(self) -> Ints:
        """Find the slots that are taken.

        Returns:
            Their numbers, rising.
        """
        return np.flatnonzero(self._taken)

    def take(self, **values: float) -> int:
        """Take a free slot.

        Args:
            **values: What stands in each column.

        Returns:
            Its number.
        """
        if not self._free:
            self._grow()
        slot = self._free.pop()
        self._taken[slot] = True
        for name, value in values.items():
            self._columns[name][slot] = value
        return slot

    def give_back(self, slot: int) -> None:
        """Clear a slot for the next.

        Args:
            slot: Its number.
        """
        for column in self._columns.values():
            column[slot] = 0
        self._taken[slot] = False
        self._free.append(slot)

    def _grow(self) -> None:
        size = len(self._taken)
        for name, column in self._columns.items():
            self._columns[name] = np.concatenate([column, np.zeros_like(column)])
        self._taken = np.concatenate([self._taken, np.zeros(size, dtype=np.bool_)])
        self._free = list(range(2 * size - 1, size - 1, -1))
