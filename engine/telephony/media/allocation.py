"""Answer for which row and which local port a new leg gets, without asking the switch.

Two legs that were not heard yet share a port only when nothing is learnt for them: then they are
told apart by their negotiated addresses. So legs that may learn (agents' phones behind NAT) take
ports with no unheard leg, mostly from one half of the pool; the others gather in the other half.
"""

import contextlib
import heapq
import itertools
import socket
from typing import Final

import msgspec

MOST_UDP_PORT: Final = 65535
RTP_BUFFER: Final = 1 << 20
"""Asked of the system for a port of many legs; it holds what comes while a switch is replaced."""

RTCP_BUFFER: Final = 1 << 14

ANY_LOWEST: Final = 20000
"""Where a pool begins that may be anywhere: below the ports that systems give out themselves."""


class NoRoomError(RuntimeError):
    """All rows of the switch, or all UDP ports of the machine, are in use."""


class Place(msgspec.Struct, frozen=True):
    """Where a leg is.

    Attributes:
        row: Its row in the switch.
        port: Index of its local port.
        learns: Whether its source may be learnt.
    """

    row: int
    port: int
    learns: bool


class Allocation:
    """The rows and ports of one switch; row 0 is nobody's."""

    def __init__(self, legs: int, ports: int) -> None:
        self._free = list(range(1, legs))
        self._unheard: list[set[int]] = [set() for _ in range(ports)]
        self._ports, self._turn = ports, 0

    def take(self, *, learns: bool) -> Place:
        """Return a place for a new leg.

        Args:
            learns: Whether its source is to be learnt if it is not the negotiated address. When
                no port is without an unheard leg, the place given does not learn.

        Raises:
            NoRoomError: All rows are in use.
        """
        if not self._free:
            raise NoRoomError("every row of the media switch is in use")
        port = self._choose(learns=learns)
        place = Place(heapq.heappop(self._free), port, learns and not self._unheard[port])
        self._unheard[port].add(place.row)
        return place

    def take_audio(self) -> Place:
        """Return a place for a leg without a phone, which needs no port.

        Raises:
            NoRoomError: All rows are in use.
        """
        if not self._free:
            raise NoRoomError("every row of the media switch is in use")
        return Place(heapq.heappop(self._free), -1, learns=False)

    def note_heard(self, place: Place) -> None:
        """Let others learn on the port of a leg that has been heard."""
        if place.port >= 0:
            self._unheard[place.port].discard(place.row)

    def leave_port(self, place: Place) -> None:
        """Give a released leg's port back; its row follows when the switch has let it go."""
        if place.port >= 0:
            self._unheard[place.port].discard(place.row)

    def free(self, place: Place) -> None:
        """Give a leg's row back."""
        heapq.heappush(self._free, place.row)

    def _choose(self, *, learns: bool) -> int:
        """Return the next port in turn, for a leg that learns the next that has nobody unheard."""
        half = max(1, self._ports // 2)
        self._turn += 1
        if not learns:
            return self._turn % half
        upper = range(half, self._ports) or range(1)
        begin = self._turn % len(upper)
        for port in itertools.chain(upper[begin:], upper[:begin], range(half)):
            if not self._unheard[port]:
                return port
        return self._turn % self._ports


def bind_ports(host: str, count: int, lowest: int) -> list[tuple[socket.socket, socket.socket]]:
    """Bind pairs of UDP ports, even for RTP and odd for RTCP (RFC 3550 §11).

    Args:
        host: IPv4 address to bind.
        count: Pairs wanted.
        lowest: Where to begin, 0 for anywhere; pairs in use by others are passed over.

    Raises:
        NoRoomError: There are not so many free pairs.
    """
    pairs: list[tuple[socket.socket, socket.socket]] = []
    first = lowest or ANY_LOWEST
    for port in range(first + first % 2, MOST_UDP_PORT, 2):
        if len(pairs) == count:
            return pairs
        with contextlib.suppress(OSError), contextlib.ExitStack() as opened:
            pair = (_bind(host, port, opened), _bind(host, port + 1, opened))
            opened.pop_all()
            pairs.append(pair)
    for rtp, rtcp in pairs:
        rtp.close()
        rtcp.close()
    raise NoRoomError(f"no {count} free pairs of UDP ports on {host} from {lowest}")


def _bind(host: str, port: int, opened: contextlib.ExitStack) -> socket.socket:
    bound = opened.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
    bound.setblocking(False)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RTCP_BUFFER if port % 2 else RTP_BUFFER)
    bound.bind((host, port))
    return bound
