"""Who may connect by TCP or TLS, and how much strangers may say then (invariant P7).

Three limits: connections open at once, TLS handshakes a second, for each costs as much as ten
requests, and messages a second. Unlike a datagram's, the address of a connection is not forged, so
nobody pays for another's flood but where all strangers together reach their limit.
"""

import resource
from collections import Counter
from collections.abc import Callable
from typing import Final

from engine.telephony.sip.destination import Destination
from engine.telephony.sip.police import Police

HANDSHAKES_OF_ONE: Final = 50
"""TLS handshakes of one stranger's address. [1/s]"""
HANDSHAKES_OF_ALL: Final = 200
"""TLS handshakes of all strangers. [1/s]"""


class Door:
    """Counts who is inside, who comes, and what strangers say."""

    __slots__ = ("_handshakes", "_inside", "_messages", "_most", "_most_per_source", "_sources")

    def __init__(
        self,
        is_known: Callable[[Destination], bool],
        is_known_host: Callable[[str], bool],
        *,
        most: int,
        most_per_source: int,
    ) -> None:
        """Begin with nobody inside.

        Args:
            is_known: Says whether a trunk or a registered phone is at an address.
            is_known_host: Says whether one is at a host, at whatever port: when phones behind one
                address connect anew they do it all at once.
            most: Most connections that peers may open. [connections]
            most_per_source: Most of them from one address. [connections]
        """
        # Strangers must not take the descriptors that the engine itself needs.
        self._most = min(most, resource.getrlimit(resource.RLIMIT_NOFILE)[0] // 2)
        self._most_per_source = most_per_source
        self._sources: Counter[str] = Counter()
        self._inside = 0
        self._messages = Police(lambda source: is_known(Destination(*source)))
        self._handshakes = Police(
            lambda source: is_known_host(source[0]),
            most_of_one=HANDSHAKES_OF_ONE,
            most_of_all=HANDSHAKES_OF_ALL,
        )

    def refuse(self, source: tuple[str, int], now_s: float, *, secure: bool) -> str:
        """Return why a peer may not come in; empty: it is inside now.

        Args:
            source: Where it connects from.
            now_s: Now, of any clock that goes on. [s]
            secure: Whether a TLS handshake comes first.
        """
        if self._inside >= self._most or self._sources[source[0]] >= self._most_per_source:
            return "connections-refused"
        if secure and not self._handshakes.allows(source, now_s):
            return "handshakes-refused"
        self._sources[source[0]] += 1
        self._inside += 1
        return ""

    def leave(self, host: str) -> None:
        """Forget a peer whose connection is over."""
        self._inside -= 1
        self._sources[host] -= 1
        if not self._sources[host]:
            del self._sources[host]

    def hears(self, source: tuple[str, int], now_s: float) -> bool:
        """Say whether a message of a peer inside is to be read; its responses count as well."""
        return self._messages.allows(source, now_s)
