"""Names of trunks and phones to addresses, asked ahead of need and outside the loop's thread."""

import asyncio
import re
import socket
from collections.abc import Callable
from ipaddress import ip_address

from engine.telephony.sip.transactions import Destination

_ADDRESS = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[^:\[\]]+)(?::([0-9]{1,5}))?")
DEFAULT_PORT = 5060


def split_address(address: str) -> tuple[str, int]:
    """Return host and port of ``host`` or ``host:port``; the port may be absent.

    Raises:
        ValueError: It is neither.
    """
    found = _ADDRESS.fullmatch(address.strip())
    port = int(found.group(2) or DEFAULT_PORT) if found else 0
    if not found or not 0 < port < 65_536:
        raise ValueError(f"{address!r} is not HOST or HOST:PORT")
    return found.group(1).strip("[]"), port


class Resolver:
    """Knows addresses of names; a name is known once it was asked for and answered."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[str, ...]] = {}
        self._found: dict[tuple[str, int], tuple[Destination, ...]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def find(self, host: str, port: int) -> tuple[Destination, ...]:
        """Return the destinations of a host, none if it is not known (yet)."""
        kept = self._found.get((host, port))
        if kept is not None:
            return kept
        addresses = (host,) if is_literal(host) else self._known.get(host, ())
        found = tuple(Destination(address, port) for address in addresses)
        if found:
            self._found[host, port] = found
        return found

    def ask(self, host: str, done: Callable[[], None]) -> None:
        """Learn the addresses of a host, then call ``done``, at once if it is an address."""
        if is_literal(host):
            done()
            return
        task = asyncio.get_running_loop().create_task(self._ask(host, done))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """Stop asking."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _ask(self, host: str, done: Callable[[], None]) -> None:
        loop = asyncio.get_running_loop()
        try:
            found = await loop.getaddrinfo(
                host, None, family=socket.AF_INET, type=socket.SOCK_DGRAM
            )
        except (OSError, UnicodeError):
            found = []  # what was known before stays: a name server away stops no calls
        if found:
            self._found.clear()
            self._known[host] = tuple(dict.fromkeys(str(entry[4][0]) for entry in found))
        done()


def is_literal(host: str) -> bool:
    """Say whether a host is an address already."""
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
