"""Connections in the instant of their making, and what the kernel is asked to do for them."""

import asyncio
import socket
from collections.abc import Callable
from typing import Final, cast

SILENT_PEER_MS: Final = 15_000
"""Octets that a peer's kernel does not acknowledge for so long end a connection. [ms]"""
PROBE_S: Final = 60
"""Silence after which the kernel asks whether a peer is there. [s]"""


class Accepted(asyncio.Protocol):
    """A connection in the instant of its making, before anyone has decided to keep it."""

    __slots__ = ("_admit", "_secure")

    def __init__(
        self,
        admit: Callable[[asyncio.Transport, bool], None],
        secure: bool,
    ) -> None:
        """Wait for the connection.

        Args:
            admit: Takes it.
            secure: Whether TLS is spoken.
        """
        self._admit = admit
        self._secure = secure

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Hand it over."""
        self._admit(cast("asyncio.Transport", transport), self._secure)


def tune(transport: asyncio.BaseTransport) -> None:
    """Let the kernel find out about peers that vanished (RFC 5482, RFC 1122 §4.2.3.6)."""
    sock = transport.get_extra_info("socket")
    if sock is None:
        return
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in (("TCP_KEEPIDLE", PROBE_S), ("TCP_USER_TIMEOUT", SILENT_PEER_MS)):
        option = getattr(socket, name, None)  # not every kernel has them
        if option is not None:
            sock.setsockopt(socket.IPPROTO_TCP, option, value)
