"""A set of 64-bit numbers in eight octets each: do-not-call numbers, keys of records."""

from bisect import bisect_left
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.uint64]

SMALL = 4_096


class NumberSet:
    """Tens of millions of numbers as one sorted column, with recent changes beside it.

    A change costs one entry in a small set. When those have become many, they are merged into
    the column; merges get rarer as the column grows, so that a change costs O(1) on average.
    """

    __slots__ = ("_added", "_column", "_removed", "_view")

    def __init__(self, numbers: Iterable[int] | Numbers = ()) -> None:
        if not isinstance(numbers, np.ndarray):
            numbers = np.fromiter(numbers, np.uint64)
        self._column: Numbers = _distinct(np.sort(np.asarray(numbers, np.uint64)))
        self._view = self._column.data
        self._added: set[int] = set()
        self._removed: set[int] = set()

    def __len__(self) -> int:
        return len(self._column) + len(self._added) - len(self._removed)

    def __contains__(self, number: int) -> bool:
        if number in self._added:
            return True
        return self._in_column(number) and number not in self._removed

    def to_column(self) -> Numbers:
        """Return all numbers, sorted."""
        return _distinct(np.sort(self._current(), kind="stable"))

    def add(self, number: int) -> bool:
        """Add a number; return whether it was new."""
        if number in self:
            return False
        if number in self._removed:
            self._removed.discard(number)
        else:
            self._added.add(number)
            self._merge_when_large()
        return True

    def remove(self, number: int) -> bool:
        """Remove a number; return whether it was there."""
        if number not in self:
            return False
        if number in self._added:
            self._added.discard(number)
        else:
            self._removed.add(number)
            self._merge_when_large()
        return True

    def extend(self, numbers: Numbers) -> None:
        """Add many numbers at once."""
        if len(numbers) < SMALL and len(self._column):
            for number in numbers.tolist():
                self.add(number)
            return
        self._replace(np.concatenate((self._current(), np.asarray(numbers, np.uint64))))

    def contains_each(self, numbers: Numbers) -> NDArray[np.bool_]:
        """Return for each number whether it is in the set."""
        found = np.zeros(len(numbers), bool)
        if len(self._column):
            places = np.searchsorted(self._column, numbers)
            places[places == len(self._column)] = 0
            found = self._column[places] == numbers
        if self._added or self._removed:
            for place, number in enumerate(numbers.tolist()):
                if number in self._added:
                    found[place] = True
                elif number in self._removed:
                    found[place] = False
        return found

    def _in_column(self, number: int) -> bool:
        place = bisect_left(self._view, number)
        return place < len(self._view) and self._view[place] == number

    def _merge_when_large(self) -> None:
        if len(self._added) + len(self._removed) > max(SMALL, len(self._column) // 64):
            self._replace(self._current())

    def _current(self) -> Numbers:
        column = self._column
        if self._removed:
            column = np.setdiff1d(column, np.fromiter(self._removed, np.uint64), assume_unique=True)
        return np.concatenate((column, np.fromiter(self._added, np.uint64)))

    def _replace(self, numbers: Numbers) -> None:
        # A stable sort of a sorted column with a short tail is a merge, not a sort from scratch.
        self._column = _distinct(np.sort(numbers, kind="stable"))
        self._view = self._column.data
        self._added.clear()
        self._removed.clear()


def _distinct(ordered: Numbers) -> Numbers:
    """Return sorted numbers, each once.

    ``np.unique`` would hash them, which takes a hundred times as long and lets no other thread run.
    """
    keep = np.ones(len(ordered), bool)
    keep[1:] = ordered[1:] != ordered[:-1]
    return ordered[keep]
