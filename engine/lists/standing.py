"""Where each record of a list stands in one campaign: phase, counts, when next, by column."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.domain.facts import RecordPhase
from engine.lists.columns import Grown, Interned

READY, IN_PROGRESS, WAITING, DONE = range(4)
"""Codes of the phases, in the order of ``PHASES``."""
PHASES = (RecordPhase.READY, RecordPhase.IN_PROGRESS, RecordPhase.WAITING, RecordPhase.DONE)
PHASE_CODES = {phase: code for code, phase in enumerate(PHASES)}

STOPPED_NUMBER = 255
"""Count of attempts that stands for: never try this number again."""
MOST_ATTEMPTS = 254


class Standing:
    """Columns over the rows (and numbers) of a list, for one campaign. 16 octets a record.

    Attributes:
        dispositions: Slugs of last dispositions by code; code 0 is none.
        tally: Records in each phase.
    """

    __slots__ = (
        "_attempts",
        "_bucket",
        "_day",
        "_day_attempts",
        "_disposition",
        "_next_s",
        "_number_attempts",
        "_parked",
        "_phase",
        "_retries",
        "dispositions",
        "tally",
    )

    def __init__(self) -> None:
        self.dispositions: Interned[str] = Interned()
        self.dispositions.code("")
        self.tally = [0, 0, 0, 0]
        self._phase = Grown(np.uint8)
        self._attempts = Grown(np.uint8)
        self._retries = Grown(np.uint8)
        self._next_s = Grown(np.float64)
        self._day = Grown(np.uint16)
        self._day_attempts = Grown(np.uint8)
        self._disposition = Grown(np.uint8)
        self._parked = Grown(np.uint8)
        self._bucket = Grown(np.uint32)
        self._number_attempts = Grown(np.uint8)

    def grow(self, records: int, numbers: int) -> None:
        """Add fresh records at the end."""
        self._number_attempts.grow(numbers)
        for column in (
            self._phase,
            self._attempts,
            self._retries,
            self._next_s,
            self._day,
            self._day_attempts,
            self._disposition,
            self._parked,
            self._bucket,
        ):
            column.grow(records)
        self.tally[READY] += records

    def move(self, row: int, phase: int) -> int:
        """Put a record into a phase; return the one it was in."""
        before = int(self._phase.used[row])
        self._phase.used[row] = phase
        self.tally[before] -= 1
        self.tally[phase] += 1
        return before

    def count_attempt(self, row: int, number: int, day: int) -> None:
        """Count an attempt on a record, a number (by its place in the list) and a local day."""
        self._attempts.used[row] = min(int(self._attempts.used[row]) + 1, MOST_ATTEMPTS)
        made = int(self._number_attempts.used[number])
        if made < MOST_ATTEMPTS:
            self._number_attempts.used[number] = made + 1
        today = int(self._day_attempts.used[row]) if int(self._day.used[row]) == day else 0
        self._day_attempts.used[row] = min(today + 1, MOST_ATTEMPTS)
        self._day.used[row] = max(day, 0)

    def untouched(self, row: int) -> bool:
        """Say whether no attempt on a record ever ended."""
        return not (
            self._attempts.used[row] or self._disposition.used[row] or self._retries.used[row]
        )

    @property
    def phase(self) -> NDArray[np.uint8]:
        """Code of each record's phase."""
        return self._phase.used

    @property
    def attempts(self) -> NDArray[np.uint8]:
        """Counted attempts."""
        return self._attempts.used

    @property
    def retries(self) -> NDArray[np.uint8]:
        """Quick retries in the running series."""
        return self._retries.used

    @property
    def next_s(self) -> NDArray[np.float64]:
        """Not before, for waiting and parked records. [s since the epoch]"""
        return self._next_s.used

    @property
    def day(self) -> NDArray[np.uint16]:
        """Local day of the last counted attempt. [days since the epoch]"""
        return self._day.used

    @property
    def day_attempts(self) -> NDArray[np.uint8]:
        """Counted attempts on that day."""
        return self._day_attempts.used

    @property
    def disposition(self) -> NDArray[np.uint8]:
        """Code of the last disposition."""
        return self._disposition.used

    @property
    def parked(self) -> NDArray[np.uint8]:
        """Why a ready record is set aside for now, 0 if it is not."""
        return self._parked.used

    @property
    def bucket(self) -> NDArray[np.uint32]:
        """Bucket that holds a ready record."""
        return self._bucket.used

    @property
    def number_attempts(self) -> NDArray[Any]:
        """Counted attempts by number, in the order of the list's numbers; 255 is stopped."""
        return self._number_attempts.used
