"""Answer for the local sockets between the switches of one engine.

Each pair of switches shares a pair of sockets that the engine made and keeps (AF_UNIX,
SOCK_SEQPACKET): in order, without loss, and without an end when one of the two processes dies. What
a dead one no longer takes is dropped once the buffer is full, and its successor throws away what is
old.
"""

import contextlib
import socket
from collections.abc import Iterator, Sequence
from typing import Final

MOST_DATAGRAMS: Final = 256
"""Datagrams taken from one peer in a tick."""

_BYTES: Final = 65536
_BUFFER_BYTES: Final = 1 << 20


def open_pair() -> tuple[socket.socket, socket.socket]:
    """Return the two ends of a link between switches."""
    ends = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    for end in ends:
        end.setblocking(False)
        end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _BUFFER_BYTES)
    return ends


class Peers:
    """The links of one switch to all others.

    Attributes:
        refused: Datagrams that a peer did not take.
    """

    def __init__(self, links: Sequence[socket.socket]) -> None:
        self._links = links
        self.refused = 0

    def send(self, peer: int, datagram: bytes) -> None:
        """Send a datagram; a peer that does not read loses it."""
        try:
            self._links[peer].send(datagram)
        except OSError:
            self.refused += 1

    def receive(self) -> Iterator[bytes]:
        """Yield what has come, in the order of each peer."""
        for link in self._links:
            with contextlib.suppress(BlockingIOError, InterruptedError, ConnectionError):
                for _ in range(MOST_DATAGRAMS):
                    datagram = link.recv(_BYTES)
                    if not datagram:
                        break
                    yield datagram

    def flush(self) -> None:
        """Throw away what came while nobody read."""
        for _ in self.receive():
            pass
