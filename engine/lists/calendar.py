"""Rows that wait for a time, in slots of a few seconds: four octets a row however many wait."""

from array import array
from collections.abc import Iterator
from heapq import heappop, heappush

import numpy as np
from numpy.typing import NDArray

SLOT_S = 16.0


class Calendar:
    """A queue by time that keeps only rows; when each is due stands in the caller's column.

    A row may be in several slots after its time was changed: only the newest counts, and the
    caller tells which rows still wait.
    """

    __slots__ = ("_rows", "_slots", "_soon")

    def __init__(self) -> None:
        self._rows: dict[int, array[int]] = {}
        self._slots: list[int] = []
        self._soon: list[tuple[float, int]] = []

    def add(self, row: int, due_s: float) -> None:
        """Let a row wait until a time. [s since the epoch]"""
        slot = int(due_s // SLOT_S)
        rows = self._rows.get(slot)
        if rows is None:
            rows = self._rows[slot] = array("I")
            heappush(self._slots, slot)
        rows.append(row)

    def pop_due(
        self, next_s: NDArray[np.float64], now_s: float, limit: int
    ) -> Iterator[tuple[float, int]]:
        """Yield up to ``limit`` rows whose time has come, the earliest first, each with it.

        Args:
            next_s: When each row is due now; an entry of another time is dropped.
            now_s: Now. [s since the epoch]
            limit: Most rows that are looked at.
        """
        self._open_slots(next_s, now_s)
        while self._soon and self._soon[0][0] <= now_s and limit > 0:
            due_s, row = heappop(self._soon)
            limit -= 1
            if next_s[row] == due_s:
                yield due_s, row

    def _open_slots(self, next_s: NDArray[np.float64], now_s: float) -> None:
        """Move the rows of slots that have begun to where their exact times decide."""
        while self._slots and self._slots[0] * SLOT_S <= now_s:
            slot = heappop(self._slots)
            rows = np.unique(np.frombuffer(self._rows.pop(slot), np.uint32))
            times = next_s[rows]
            here = (times >= slot * SLOT_S) & (times < (slot + 1) * SLOT_S)
            entries = zip(times[here].tolist(), rows[here].tolist(), strict=True)
            if self._soon:
                for entry in entries:
                    heappush(self._soon, entry)
            else:
                self._soon = sorted(entries)

    def next_due_s(self) -> float:
        """Return a time before which nothing is due, infinity if nothing waits."""
        slot_s = self._slots[0] * SLOT_S if self._slots else float("inf")
        return min(slot_s, self._soon[0][0]) if self._soon else slot_s

    def sample(self, count: int) -> list[int]:
        """Return a few rows that are due among the first; some may no longer wait."""
        rows = [row for _, row in self._soon[:count]]
        for slot in self._slots[:count]:
            rows += self._rows[slot][:count]
        return rows[:count]
