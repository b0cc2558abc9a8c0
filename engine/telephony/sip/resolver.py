"""Names of trunks and phones to addresses, asked ahead of need and never waited for (RFC 3263)."""

import asyncio
import re
from collections.abc import Callable
from functools import lru_cache
from ipaddress import ip_address
from math import inf
from random import random
from typing import Final, NamedTuple

from engine.telephony.sip.destination import Destination
from engine.telephony.sip.names import Names, NoAnswerError
from engine.telephony.sip.srv import Target, choose_order, group
from engine.telephony.sip.uri import default_port

MAX_TARGETS: Final = 8
"""Most servers of one name that are tried."""
MAX_ADDRESSES: Final = 8
"""Most addresses of one server that are tried."""
SHORTEST_S: Final = 5.0
LONGEST_S: Final = 3_600.0
"""A name is asked for anew not sooner, and not later, than so. [s]"""

_ADDRESS = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[^:\[\]]+)(?::([0-9]{1,5}))?")
_SERVICES = {"UDP": "_sip._udp", "TCP": "_sip._tcp", "TLS": "_sips._tcp"}


class Route(NamedTuple):
    """A way to a peer, before its name is resolved.

    Attributes:
        host: Name or address, without brackets.
        port: Port; 0: none was given, so SRV records are asked first.
        transport: Via transport.
        link: Link of its destinations.
    """

    host: str
    port: int
    transport: str = "UDP"
    link: str = ""


class _Found(NamedTuple):
    """What a route leads to, and until when that holds on the loop's clock. [s]"""

    groups: tuple[tuple[Target, ...], ...]
    fixed: tuple[Destination, ...] | None
    hosts: frozenset[str]
    until_s: float


def split_address(address: str) -> tuple[str, int]:
    """Return host and port of ``host`` or ``host:port``; the port is 0 if it is absent.

    Raises:
        ValueError: It is neither.
    """
    found = _ADDRESS.fullmatch(address.strip())
    port = int(found.group(2) or 0) if found else 0
    if not found or port > 65_535 or (found.group(2) and not port):
        raise ValueError(f"{address!r} is not HOST or HOST:PORT")
    return found.group(1).strip("[]"), port


class Resolver:
    """Knows where routes lead; a name is known once it was asked for and answered.

    What it knows it asks for again when its time is over, and keeps if nobody answers: a name
    server away stops no calls.
    """

    def __init__(self, names: Names | None = None, draw: Callable[[], float] = random) -> None:
        """Begin knowing nothing.

        Args:
            names: What name servers are asked by.
            draw: Random number in [0, 1), for weights.
        """
        self._names = names or Names()
        self._draw = draw
        self._known: dict[Route, _Found] = {}
        self._asked: dict[Route, list[Callable[[], None]]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def find(self, route: Route) -> tuple[Destination, ...]:
        """Return where a route leads, the first to be tried first; nothing if that is unknown.

        What is unknown is asked for, so that a later call may find it.
        """
        found = self._look_up(route)
        if found is None:
            self._refresh(route)
            return ()
        return found.fixed if found.fixed is not None else choose_order(found.groups, self._draw)

    def hosts(self, route: Route) -> frozenset[str]:
        """Return the addresses that a route leads to."""
        found = self._look_up(route)
        return found.hosts if found is not None else frozenset()

    def ask(self, route: Route, done: Callable[[], None]) -> None:
        """Learn where a route leads, then call ``done``: at once if that is known and fresh."""
        found = self._known.get(route)
        if is_literal(route.host) or (found is not None and found.until_s > self._now()):
            done()
        else:
            self._begin(route, done)

    async def close(self) -> None:
        """Stop asking."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _look_up(self, route: Route) -> _Found | None:
        found = self._known.get(route)
        if found is None:
            if not is_literal(route.host):
                return None
            found = _keep([Target(0, 0, (_destination(route, route.host, 0),))], inf)
            self._known[route] = found
        elif found.until_s < inf and found.until_s <= self._now():
            self._refresh(route)  # what was known serves until there is an answer
        return found

    def _refresh(self, route: Route) -> None:
        if route not in self._asked:
            self._begin(route, lambda: None)

    def _begin(self, route: Route, done: Callable[[], None]) -> None:
        waiting = self._asked.get(route)
        if waiting is not None:
            waiting.append(done)
            return
        self._asked[route] = [done]
        task = asyncio.get_running_loop().create_task(self._ask(route))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _ask(self, route: Route) -> None:
        try:
            targets, ttl_s = await self._find_targets(route)
        except NoAnswerError:
            targets, ttl_s = [], 0.0
            kept = self._known.get(route)
            if kept is not None:
                self._known[route] = kept._replace(until_s=self._now() + SHORTEST_S)
        else:
            until_s = self._now() + min(max(ttl_s, SHORTEST_S), LONGEST_S)
            self._known[route] = _keep(targets, until_s)
        for done in self._asked.pop(route):
            done()

    async def _find_targets(self, route: Route) -> tuple[list[Target], float]:
        """Ask for servers, then for their addresses; without servers for the host's own."""
        if route.port:
            return await self._find_host(route, route.host, 0, Target(0, 0, ()))
        try:
            services, ttl_s = await self._names.find_services(
                f"{_SERVICES[route.transport]}.{route.host}"
            )
        except NoAnswerError:
            if route in self._known:
                raise
            services, ttl_s = [], SHORTEST_S
        if not services:
            targets, own_s = await self._find_host(route, route.host, 0, Target(0, 0, ()))
            return targets, min(ttl_s, own_s)
        services = sorted(services)[:MAX_TARGETS]
        found = await asyncio.gather(
            *(
                self._find_host(route, each.target, each.port, Target(*each[:2], ()))
                for each in services
                if each.target not in ("", ".")  # decidedly not available (RFC 2782)
            ),
            return_exceptions=True,
        )
        told = [each for each in found if not isinstance(each, BaseException)]
        if not told and found:
            raise NoAnswerError(f"no answer about the servers of {route.host}")
        targets = [target for one, _ in told for target in one]
        return targets, min([ttl_s, *(own_s for _, own_s in told)])

    async def _find_host(
        self, route: Route, host: str, port: int, target: Target
    ) -> tuple[list[Target], float]:
        addresses, ttl_s = (
            ([host], LONGEST_S) if is_literal(host) else await self._names.find_addresses(host)
        )
        found = tuple(_destination(route, each, port) for each in addresses[:MAX_ADDRESSES])
        return ([target._replace(destinations=found)] if found else []), ttl_s

    def _now(self) -> float:
        return asyncio.get_running_loop().time()


def _keep(targets: list[Target], until_s: float) -> _Found:
    groups = group(targets)
    fixed = all(len(same) == 1 for same in groups)
    hosts = frozenset(each.host for target in targets for each in target.destinations)
    return _Found(groups, choose_order(groups, random) if fixed else None, hosts, until_s)


def _destination(route: Route, host: str, port: int) -> Destination:
    """Return an address of a route; its own port counts most, then the server's."""
    at = route.port or port or default_port(route.transport)
    return Destination(host, at, route.transport, route.link)


@lru_cache(4_096)
def is_literal(host: str) -> bool:
    """Say whether a host is an address already."""
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
