"""A plain UDP socket that says anything to anybody and keeps what comes back."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import cast

from tests.support.load import PATIENCE_S


class Prober(asyncio.DatagramProtocol):
    """One address that asks.

    Attributes:
        address: Host and port bound.
        heard: All that came.
    """

    def __init__(self) -> None:
        self.heard: list[bytes] = []
        self.address = ("", 0)
        self._changed = asyncio.Event()
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the socket."""
        self._transport = cast("asyncio.DatagramTransport", transport)  # uvloop's is no subclass
        self.address = transport.get_extra_info("sockname")[:2]

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        """Keep what came."""
        self.heard.append(data)
        self._changed.set()

    def send(self, octets: bytes, to: tuple[str, int]) -> None:
        """Send a datagram."""
        assert self._transport is not None
        self._transport.sendto(octets, to)

    async def ask(self, octets: bytes, to: tuple[str, int]) -> bytes:
        """Send a datagram and return the next that comes."""
        before = len(self.heard)
        self.send(octets, to)
        async with asyncio.timeout(PATIENCE_S):
            while len(self.heard) == before:
                self._changed.clear()
                await self._changed.wait()
        return self.heard[before]


@asynccontextmanager
async def prober(host: str = "127.0.0.1") -> AsyncIterator[Prober]:
    """Bind a prober to a free port of an address."""
    loop = asyncio.get_running_loop()
    transport, made = await loop.create_datagram_endpoint(Prober, local_addr=(host, 0))
    try:
        yield made
    finally:
        transport.close()
