"""How many messages of strangers are looked at: beyond it none is read (invariant P7).

To read a request and to refuse it costs a hundred times more than to drop it. Trunks and registered
phones are never held back, nor is a response by UDP: what it belongs to was asked by us.
"""

from collections.abc import Callable
from typing import Final

MOST_OF_ONE: Final = 250
"""Requests of one stranger's address. [1/s]"""
MOST_OF_ALL: Final = 1000
"""Requests of all strangers. [1/s]"""
_WINDOW_S: Final = 1.0

Address = tuple[str, int]


class Police:
    """Counts what strangers send, second by second; remembers nothing longer.

    Attributes:
        dropped: What was not let through.
    """

    __slots__ = (
        "_counts",
        "_ends_s",
        "_is_known",
        "_known",
        "_most_of_all",
        "_most_of_one",
        "_total",
        "dropped",
    )

    def __init__(
        self,
        is_known: Callable[[Address], bool],
        *,
        most_of_one: int = MOST_OF_ONE,
        most_of_all: int = MOST_OF_ALL,
    ) -> None:
        """Begin with nobody.

        Args:
            is_known: Says whether a trunk or a registered phone is at an address.
            most_of_one: What one stranger's address may send. [1/s]
            most_of_all: What all strangers may send. [1/s]
        """
        self._most_of_one = most_of_one
        self._most_of_all = most_of_all
        self._is_known = is_known
        self._counts: dict[str, int] = {}
        self._known: set[Address] = set()
        self._total = 0
        self._ends_s = 0.0
        self.dropped = 0

    def admits(self, octets: bytes, source: Address, now_s: float) -> bool:
        """Say whether a datagram is to be read."""
        return octets.startswith(b"SIP/") or self.allows(source, now_s)

    def allows(self, source: Address, now_s: float) -> bool:
        """Count something of a peer's; False: it is a stranger's, and too much."""
        if not self._ends_s - _WINDOW_S <= now_s < self._ends_s:
            self._begin(now_s)
        if source in self._known:
            return True
        host = source[0]
        count = self._counts.get(host, 0)
        if count < self._most_of_one and self._total < self._most_of_all:
            self._counts[host] = count + 1
            self._total += 1
            return True
        if self._is_known(source):
            self._known.add(source)
            self._total -= self._counts.pop(host, 0)  # it was no stranger's
            return True
        self.dropped += 1
        return False

    def _begin(self, now_s: float) -> None:
        self._ends_s = now_s + _WINDOW_S
        self._counts.clear()
        self._known.clear()
        self._total = 0
