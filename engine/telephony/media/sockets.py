"""Answer for moving many datagrams at once between UDP sockets and numpy arrays.

``recvmmsg`` and ``sendmmsg`` of libc are called on arrays whose addresses were written into the
message headers once; where libc lacks them plain sockets do the same, more slowly.
"""

import ctypes
import errno
import socket
from collections.abc import Sequence
from typing import Final, Protocol

import numpy as np
import numpy.typing as npt

from engine.telephony.media.g711 import U8
from engine.telephony.media.outbound import SOCKADDR, Sending
from engine.telephony.media.packets import PACKET_BYTES, ROW_BYTES, Batch, Ints

MOST_A_PORT: Final = 256
"""Datagrams taken from one port in a tick; a flood on it cannot hold the others up."""

MOST_FLUSHED: Final = 1000
"""Reads of each port when what came before the start is thrown away."""

_IOVEC: Final = np.dtype([("base", "u8"), ("len", "u8")])
_MMSGHDR: Final = np.dtype(
    {
        "names": ["name", "namelen", "iov", "iovlen", "len"],
        "formats": ["u8", "u4", "u8", "u8", "u4"],
        "offsets": [0, 8, 16, 24, 56],
        "itemsize": 64,
    }
)
"""``struct mmsghdr`` of 64-bit Linux (recvmmsg(2))."""

_PASSING: Final = frozenset({errno.EAGAIN, errno.EINTR, errno.ECONNREFUSED, errno.ENOBUFS})

Rows = npt.NDArray[np.void]


class Wire(Protocol):
    """The local ports of a switch, in the order of their indices."""

    def receive(self) -> Batch:
        """Return the datagrams that are there now; the arrays hold until the next call."""
        ...

    def send(self, sending: Sending) -> int:
        """Send packets and return how many of them the system refused."""
        ...


def open_wire(ports: Sequence[socket.socket]) -> Wire:
    """Return the fastest wire that this system has."""
    try:
        libc = ctypes.CDLL(None, use_errno=True)
        wire: Wire = (
            MmsgWire(ports, libc) if ctypes.sizeof(ctypes.c_void_p) == 8 else PlainWire(ports)
        )
    except (AttributeError, OSError):
        wire = PlainWire(ports)
    return wire


def flush(ports: Sequence[socket.socket]) -> None:
    """Throw away what came to ports while nobody read them."""
    for port in ports:
        for _ in range(MOST_FLUSHED):
            try:
                port.recv(1)
            except (BlockingIOError, ConnectionError):
                break


class MmsgWire:
    """Two system calls a port and tick, whatever the number of legs."""

    def __init__(self, ports: Sequence[socket.socket], libc: ctypes.CDLL) -> None:
        self._fds = [port.fileno() for port in ports]
        self._receive, self._send = libc.recvmmsg, libc.sendmmsg
        number, address, count = ctypes.c_int, ctypes.c_void_p, ctypes.c_uint
        self._receive.argtypes = [number, address, count, number, address]
        self._send.argtypes = [number, address, count, number]
        rows = MOST_A_PORT * len(ports)
        self._data: U8 = np.zeros((rows, ROW_BYTES), dtype=np.uint8)
        self._names = np.zeros(rows, dtype=SOCKADDR)
        self._in, self._in_parts = _message_headers(rows)
        _point(self._in, self._in_parts, self._names, self._data.ctypes.data, ROW_BYTES, ROW_BYTES)
        self._out, self._out_parts = _message_headers(0)
        self._out_at = (0, 0)
        self._out_lengths: Ints | None = None

    def receive(self) -> Batch:
        """Return the datagrams that are there now."""
        counts = np.zeros(len(self._fds), dtype=np.int64)
        base, used = self._in.ctypes.data, 0
        for index, fd in enumerate(self._fds):
            got = self._receive(fd, base + 64 * used, MOST_A_PORT, socket.MSG_DONTWAIT, None)
            if got > 0:
                counts[index] = got
                used += got
        names = self._names[:used]
        return Batch(
            self._data[:used],
            self._in["len"][:used].astype(np.int64),
            names["ip"].astype(np.int64),
            names["udp_port"].astype(np.int64),
            np.repeat(np.arange(len(self._fds)), counts),
        )

    def send(self, sending: Sending) -> int:
        """Send packets and return how many of them the system refused."""
        packets, addresses = sending.packets, sending.addresses
        at = (packets.ctypes.data, addresses.ctypes.data)
        if at != self._out_at or len(packets) > len(self._out):
            self._out_at = at
            self._out, self._out_parts = _message_headers(len(packets))
            stride = packets.dtype.itemsize
            _point(self._out, self._out_parts, addresses, at[0], stride, PACKET_BYTES)
            self._out_lengths = None
        if sending.lengths is not self._out_lengths:
            self._out_lengths = sending.lengths
            self._out_parts["len"] = PACKET_BYTES
            if sending.lengths is not None:
                self._out_parts["len"][: len(packets)] = sending.lengths
        base, start, refused = self._out.ctypes.data, 0, 0
        for fd, count in zip(self._fds, sending.counts.tolist(), strict=True):
            if count:
                refused += self._send_from(fd, base + 64 * start, count)
                start += count
        return refused

    def _send_from(self, fd: int, headers: int, count: int) -> int:
        """Send the packets of one port; one that is refused does not keep back the rest."""
        done = refused = 0
        while done < count:
            sent = self._send(fd, headers + 64 * done, count - done, socket.MSG_DONTWAIT)
            if sent > 0:
                done += sent
                continue
            if ctypes.get_errno() == errno.EAGAIN:
                return refused + count - done
            refused, done = refused + 1, done + 1
        return refused


class PlainWire:
    """One system call a datagram."""

    def __init__(self, ports: Sequence[socket.socket]) -> None:
        self._ports = list(ports)
        rows = MOST_A_PORT * len(self._ports)
        self._data: U8 = np.zeros((rows, ROW_BYTES), dtype=np.uint8)
        self._meta: Ints = np.zeros((4, rows), dtype=np.int64)

    def receive(self) -> Batch:
        """Return the datagrams that are there now."""
        used = 0
        for index, port in enumerate(self._ports):
            for _ in range(MOST_A_PORT):
                try:
                    size, (host, udp_port) = port.recvfrom_into(self._data[used].data)
                except OSError as error:
                    if error.errno not in _PASSING:
                        raise
                    break
                ip = int.from_bytes(socket.inet_aton(host), "big")
                self._meta[:, used] = size, ip, udp_port, index
                used += 1
        lengths, ips, udp_ports, ports = self._meta[:, :used]
        return Batch(self._data[:used], lengths, ips, udp_ports, ports)

    def send(self, sending: Sending) -> int:
        """Send packets and return how many of them the system refused."""
        refused = start = 0
        lengths = sending.lengths
        for port, count in zip(self._ports, sending.counts.tolist(), strict=True):
            for row in range(start, start + count):
                to = sending.addresses[row]
                host = socket.inet_ntoa(int(to["ip"]).to_bytes(4, "big"))
                size = PACKET_BYTES if lengths is None else int(lengths[row])
                try:
                    octets = sending.packets[row].tobytes()[:size]
                    port.sendto(octets, (host, int(to["udp_port"])))
                except OSError:
                    refused += 1
            start += count
        return refused


def _message_headers(rows: int) -> tuple[Rows, Rows]:
    return np.zeros(rows, dtype=_MMSGHDR), np.zeros(rows, dtype=_IOVEC)


def _point(heads: Rows, parts: Rows, names: Rows, data: int, stride: int, size: int) -> None:
    """Write the addresses of rows of bytes and of socket addresses into message headers."""
    row = np.arange(len(heads), dtype=np.uint64)
    parts["base"] = np.uint64(data) + row * np.uint64(stride)
    parts["len"] = size
    heads["iov"] = np.uint64(parts.ctypes.data) + row * np.uint64(_IOVEC.itemsize)
    heads["iovlen"] = 1
    heads["name"] = np.uint64(names.ctypes.data) + row * np.uint64(SOCKADDR.itemsize)
    heads["namelen"] = SOCKADDR.itemsize
