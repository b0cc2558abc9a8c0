"""Trunks as the adapter knows them: where they are, and whether they answer."""

import asyncio
from collections.abc import Callable

from engine.domain.ids import TrunkId
from engine.domain.specs import TrunkSpec
from engine.ports import TelephonyEvent, TrunkLost, TrunkReached
from engine.telephony.sip.digest import Credentials
from engine.telephony.sip.resolver import Resolver, split_address
from engine.telephony.sip.transactions import Destination

_ALIVE_UNLESS = frozenset({408, 503})
"""Answers to OPTIONS that show no life; all others do, whatever they refuse."""


class Trunk:
    """One trunk.

    Attributes:
        spec: As configured.
        host: Host of its address.
        port: Port of its address.
        reached: Whether it answers; None before the first answer.
    """

    __slots__ = ("asking", "host", "port", "reached", "spec", "timer")

    def __init__(self, spec: TrunkSpec) -> None:
        """Take a configuration.

        Raises:
            ValueError: Its address is malformed.
        """
        self.spec = spec
        self.host, self.port = split_address(spec.address)
        self.reached: bool | None = None
        self.asking = False
        self.timer: asyncio.TimerHandle | None = None

    @property
    def domain(self) -> str:
        """Host part of URIs."""
        return self.spec.domain or self.spec.address

    @property
    def credentials(self) -> Credentials | None:
        """What its challenges are answered with."""
        spec = self.spec
        return Credentials(spec.realm, spec.username, spec.password) if spec.username else None


class Trunks:
    """All trunks; asks each for a sign of life and tells what changes."""

    def __init__(
        self,
        resolver: Resolver,
        send_options: Callable[[str, str, Destination], None],
        emit: Callable[[TelephonyEvent], None],
    ) -> None:
        """Begin without trunks.

        Args:
            resolver: Finds addresses.
            send_options: Sends OPTIONS under a key to a URI at a destination.
            emit: Takes events.
        """
        self._resolver = resolver
        self._send_options = send_options
        self._emit = emit
        self._trunks: dict[TrunkId, Trunk] = {}

    def set(self, spec: TrunkSpec) -> None:
        """Add or replace a trunk, and ask for its first sign of life."""
        self.drop(spec.trunk_id)
        try:
            trunk = Trunk(spec)
        except ValueError as error:
            self._emit(TrunkLost(spec.trunk_id, str(error)))
            return
        self._trunks[spec.trunk_id] = trunk
        self._probe(trunk)

    def drop(self, trunk_id: TrunkId) -> None:
        """Forget a trunk."""
        trunk = self._trunks.pop(trunk_id, None)
        if trunk is not None and trunk.timer is not None:
            trunk.timer.cancel()

    def find(self, trunk_id: TrunkId) -> tuple[Trunk, tuple[Destination, ...]] | None:
        """Return a trunk and its addresses, None if it is unknown or has none (yet)."""
        trunk = self._trunks.get(trunk_id)
        destinations = self._resolver.find(trunk.host, trunk.port) if trunk else ()
        return (trunk, destinations) if trunk and destinations else None

    def is_source(self, host: str) -> bool:
        """Say whether a trunk speaks from an address."""
        return any(
            host == destination.host
            for trunk in self._trunks.values()
            for destination in self._resolver.find(trunk.host, trunk.port)
        )

    def on_options(self, key: str, status: int) -> None:
        """Take the answer to an OPTIONS."""
        trunk = self._trunks.get(TrunkId(key))
        if trunk is not None:
            trunk.asking = False
            self._judge(trunk, status not in _ALIVE_UNLESS, f"OPTIONS got {status}")

    def close(self) -> None:
        """Ask no more."""
        for trunk_id in list(self._trunks):
            self.drop(trunk_id)

    def _probe(self, trunk: Trunk) -> None:
        """Look the address up anew, then ask for a sign of life, and again each period."""
        if self._trunks.get(trunk.spec.trunk_id) is not trunk:
            return
        period_s = trunk.spec.options_s
        if period_s > 0:
            loop = asyncio.get_running_loop()
            trunk.timer = loop.call_later(period_s, self._probe, trunk)
        if not trunk.asking:
            trunk.asking = True
            self._resolver.ask(trunk.host, lambda: self._ask(trunk))

    def _ask(self, trunk: Trunk) -> None:
        if self._trunks.get(trunk.spec.trunk_id) is not trunk:
            return
        destinations = self._resolver.find(trunk.host, trunk.port)
        if not destinations:
            trunk.asking = False
            self._judge(trunk, False, f"{trunk.host} has no address")
        elif trunk.spec.options_s <= 0:
            trunk.asking = False
            self._judge(trunk, True, "")
        else:
            self._send_options(trunk.spec.trunk_id, f"sip:{trunk.domain}", destinations[0])

    def _judge(self, trunk: Trunk, reached: bool, reason: str) -> None:
        if trunk.reached is reached:
            return
        trunk.reached = reached
        trunk_id = trunk.spec.trunk_id
        self._emit(TrunkReached(trunk_id) if reached else TrunkLost(trunk_id, reason))
