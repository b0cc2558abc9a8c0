"""Ready records of one zone set and one set of phone types, in the order they are picked in."""

from array import array
from collections.abc import Iterable
from heapq import heappop, heappush

import numpy as np
from numpy.typing import NDArray

PRIORITY, RESCHEDULED, REGULAR = range(3)
"""Order inside a pass (guide: Lists): priority records, rescheduled ones now due, the rest."""
CLASSES = (PRIORITY, RESCHEDULED, REGULAR)
# A key is a rank and, in its lower bits, the row: it sorts by rank, then in list order.
ROW_BITS = 32
ROW_MASK = (1 << ROW_BITS) - 1
_TRIM = 65_536


class Bucket:
    """A queue of rows per class, all open or all closed together with the calling hours.

    Attributes:
        index: Its place among the buckets of a campaign.
        zones: Where the persons may be.
        types: Phone types of the numbers still to be tried, sorted.
        open: Whether any of these may be called now.
        closes_s: For each phone type open now, when it closes. [s since the epoch]
        changes_s: When any of that changes. [s since the epoch]
        left_behind: Entries of records that went elsewhere; they do not count.
        heads: Key of the next record of each class, -1 where there is none.
        days: First and last local calendar day it may be there, in ``days_minute``.
        days_minute: Minute that ``days`` holds for. [min since the epoch]
    """

    __slots__ = (
        "_cursor",
        "_fresh",
        "_heaps",
        "changes_s",
        "closes_s",
        "days",
        "days_minute",
        "heads",
        "index",
        "left_behind",
        "open",
        "types",
        "zones",
    )

    def __init__(self, index: int, zones: tuple[str, ...], types: tuple[str, ...]) -> None:
        self.index = index
        self.zones = zones
        self.types = types
        self.open = False
        self.closes_s: dict[str, float] = {}
        self.changes_s = 0.0
        self.left_behind = 0
        self.heads = [-1, -1, -1]
        self.days = (0, 0)
        self.days_minute = -1
        self._fresh: array[int] = array("I")
        self._cursor = 0
        self._heaps: tuple[list[int], list[int], list[int]] = ([], [], [])

    @property
    def size(self) -> int:
        """Records in it."""
        entries = len(self._fresh) - self._cursor + sum(map(len, self._heaps))
        return entries - self.left_behind

    def drop_head(self, place: int) -> int:
        """Remove the next record of a class; return the key that follows, -1 if none does."""
        heap = self._heaps[place]
        if heap:
            return self._drop_before(heap, place)
        cursor = self._cursor = self._cursor + 1
        fresh = self._fresh
        if cursor == len(fresh) or cursor == _TRIM:
            del fresh[:cursor]
            cursor = self._cursor = 0
        head = self.heads[place] = fresh[cursor] if fresh else -1
        return head

    def _drop_before(self, heap: list[int], place: int) -> int:
        if heap[0] == self.heads[place]:
            heappop(heap)
        else:
            self._cursor += 1
        self.heads[place] = head = self._head(place)
        return head

    def push(self, place: int, key: int) -> None:
        """Add a record to a class; among equals the lower row goes first."""
        heappush(self._heaps[place], key)
        self.heads[place] = self._head(place)

    def extend(self, rows: NDArray[np.uint32]) -> None:
        """Add records never attempted, in list order, behind all those added so before."""
        self._fresh.frombytes(rows.tobytes())
        self.heads[REGULAR] = self._head(REGULAR)

    def _head(self, place: int) -> int:
        heap = self._heaps[place]
        if place != REGULAR or self._cursor == len(self._fresh):
            return heap[0] if heap else -1
        fresh = self._fresh[self._cursor]
        return heap[0] if heap and heap[0] <= fresh else fresh

    def sample(self, count: int) -> Iterable[int]:
        """Return a few rows that are next."""
        rows = [key & ROW_MASK for heap in self._heaps for key in heap[:count]]
        rows += self._fresh[self._cursor : self._cursor + count]
        return rows[:count]
