"""A UDP socket for SIP that says when each datagram came in, by the kernel's own clock."""

import asyncio
import contextlib
import socket
import struct
import time
from collections.abc import Callable

_STAMP = getattr(socket, "SO_TIMESTAMPNS", 35)
"""Linux's number of it; Python names it from 3.15 on."""
_MOST_BYTES = 65_535
_BUFFER_BYTES = 4 << 20
_BATCH = 200


class Wire:
    """Receives and sends datagrams on one port of one loop."""

    def __init__(self, host: str, receive: Callable[[bytes, tuple[str, int], float], None]) -> None:
        """Bind any free port.

        Args:
            host: Address to bind.
            receive: Takes a datagram, its source and the wall-clock instant [s since the epoch]
                at which the kernel had it: what waits in a buffer does not come later for that.
        """
        self._receive = receive
        self._loop = asyncio.get_running_loop()
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER_BYTES)
        with contextlib.suppress(OSError):  # other systems: stamped when read
            self._socket.setsockopt(socket.SOL_SOCKET, _STAMP, 1)
        self._socket.bind((host, 0))
        self.host: str = host
        self.port: int = self._socket.getsockname()[1]
        self._loop.add_reader(self._socket.fileno(), self._read)

    def send(self, datagram: bytes, destination: tuple[str, int]) -> None:
        """Send; what a full buffer refuses is repeated by SIP."""
        with contextlib.suppress(BlockingIOError, ConnectionRefusedError):
            self._socket.sendto(datagram, destination)

    def close(self) -> None:
        """Close the socket."""
        self._loop.remove_reader(self._socket.fileno())
        self._socket.close()

    def _read(self) -> None:
        for _ in range(_BATCH):
            try:
                datagram, notes, _, source = self._socket.recvmsg(_MOST_BYTES, 64)
            except (BlockingIOError, ConnectionRefusedError):
                return
            self._receive(datagram, source, _stamp_in(notes))


def _stamp_in(notes: list[tuple[int, int, bytes]]) -> float:
    for level, kind, value in notes:
        if level == socket.SOL_SOCKET and kind == _STAMP and len(value) >= 16:
            seconds, nanoseconds = struct.unpack("@ll", value[:16])
            return float(seconds) + float(nanoseconds) / 1e9
    return time.time()
