"""Delays that grow for those who fail to prove who they are (invariant X6).

A flood of guesses is slowed by its source and by the account it is about. Everything kept is
bounded: of many sources, those that failed longest ago are forgotten first.
"""

from collections import OrderedDict
from typing import Final, NamedTuple

LONGEST_WAIT_S: Final = 300.0
"""Longest delay. [s]"""
FORGOTTEN_S: Final = 3600.0
"""Time without a failure after which all is forgotten. [s]"""
MAX_KEYS: Final = 10_000
"""Most sources and accounts remembered."""


class _Record(NamedTuple):
    """What one source or account did."""

    fails: int
    last_s: float


class Throttle:
    """Remembers failures by key, and says how long its owner must wait."""

    __slots__ = ("_free", "_records")

    def __init__(self, free: int) -> None:
        """Begin with nobody.

        Args:
            free: Failures that cost nothing: people mistype.
        """
        self._free = free
        self._records: OrderedDict[str, _Record] = OrderedDict()

    def wait_s(self, key: str, now_s: float) -> float:
        """Return how long a key must wait before it is listened to, 0 if it need not. [s]"""
        record = self._records.get(key)
        if record is None or record.fails <= self._free:
            return 0.0
        delay_s = min(2.0 ** min(record.fails - self._free, 16), LONGEST_WAIT_S)
        return max(0.0, record.last_s + delay_s - now_s)

    def fail(self, key: str, now_s: float) -> None:
        """Count a failure; the delay after it is twice the one before."""
        record = self._records.pop(key, None)
        recent = record is not None and now_s - record.last_s < FORGOTTEN_S
        self._records[key] = _Record(record.fails + 1 if record and recent else 1, now_s)
        if len(self._records) > MAX_KEYS:
            self._records.popitem(last=False)

    def succeed(self, key: str) -> None:
        """Forget what was held against a key."""
        self._records.pop(key, None)
