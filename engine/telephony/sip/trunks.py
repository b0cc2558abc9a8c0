"""Trunks as the adapter knows them: where they are, and which of their servers answer."""

import asyncio
from collections.abc import Callable
from itertools import count

from engine.domain.ids import TrunkId
from engine.domain.specs import Transport, TrunkSpec
from engine.ports import TelephonyEvent, TrunkLost, TrunkReached
from engine.telephony.sip.account import Account
from engine.telephony.sip.destination import Destination
from engine.telephony.sip.digest import Credentials
from engine.telephony.sip.resolver import Resolver, Route, split_address
from engine.telephony.sip.tls import TlsFiles, TlsProfile

_ALIVE_UNLESS = frozenset({408, 503})
"""Answers to OPTIONS that show no life; all others do, whatever they refuse."""
RETRY_S = 30.0
"""How soon the name of a trunk that is asked for no sign of life is looked up again. [s]"""


class Trunk:
    """One trunk.

    Attributes:
        spec: As configured.
        host: Host of its address.
        route: Where it is, before its name is resolved.
        reached: Whether any of its servers answers; None before the first answer.
        asking: Servers asked for a sign of life, by the number of the question.
        dead: Servers that gave none.
        alive: Whether any gives one; None before the first answer.
        registered: Whether we are registered there, if we are to be; None before the first answer.
    """

    __slots__ = (
        "alive",
        "asking",
        "dead",
        "host",
        "reached",
        "registered",
        "route",
        "spec",
        "timer",
    )

    def __init__(self, spec: TrunkSpec) -> None:
        """Take a configuration.

        Raises:
            ValueError: Its address is malformed, or nobody is named to register.
        """
        self.spec = spec
        if spec.register_s > 0 and not spec.username:
            raise ValueError("registration needs a username")
        self.alive: bool | None = None
        self.registered: bool | None = None if spec.register_s > 0 else True
        self.host, port = split_address(spec.address)
        link = f"={spec.trunk_id}" if spec.transport is Transport.TLS else ""
        self.route = Route(self.host, port, spec.transport.value.upper(), link)
        self.reached: bool | None = None
        self.asking: dict[int, Destination] = {}
        self.dead: set[Destination] = set()
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

    @property
    def account(self) -> Account | None:
        """What we register there, None if nothing."""
        spec, credentials = self.spec, self.credentials
        if spec.register_s <= 0 or credentials is None:
            return None
        expires_s = max(1, int(spec.register_s))
        return Account(spec.trunk_id, self.domain, spec.username, credentials, expires_s)

    @property
    def profile(self) -> TlsProfile:
        """How it is met over TLS.

        Raises:
            TlsFilesError: A file of TLS is missing or wrong.
        """
        spec = self.spec
        files = TlsFiles(spec.tls_ca, spec.tls_certificate, spec.tls_key)
        return TlsProfile.of(files, spec.tls_name or self.host)


class Trunks:
    """All trunks; asks each server of each for a sign of life and tells what changes."""

    def __init__(
        self,
        resolver: Resolver,
        send_options: Callable[[str, str, Destination], None],
        emit: Callable[[TelephonyEvent], None],
        trust: Callable[[str, TlsProfile], None],
        on_found: Callable[[TrunkId], None],
    ) -> None:
        """Begin without trunks.

        Args:
            resolver: Finds addresses.
            send_options: Sends OPTIONS under a key to a URI at a destination.
            emit: Takes events.
            trust: Sets how TLS peers are met by the link of their destinations.
            on_found: Learns that a trunk's addresses are known.
        """
        self._resolver = resolver
        self._send_options = send_options
        self._emit = emit
        self._trust = trust
        self._on_found = on_found
        self._numbers = count(1)
        self._trunks: dict[TrunkId, Trunk] = {}

    def set(self, spec: TrunkSpec) -> None:
        """Add or replace a trunk, and ask for its first sign of life."""
        self.drop(spec.trunk_id)
        try:
            trunk = Trunk(spec)
            if spec.transport is Transport.TLS:
                self._trust(trunk.route.link, trunk.profile)
        except ValueError as error:
            self._emit(TrunkLost(spec.trunk_id, str(error)))
            return
        self._trunks[spec.trunk_id] = trunk
        self._probe(trunk)

    def drop(self, trunk_id: TrunkId) -> None:
        """Forget a trunk; calls over it go on."""
        trunk = self._trunks.pop(trunk_id, None)
        if trunk is not None and trunk.timer is not None:
            trunk.timer.cancel()

    def find(self, trunk_id: TrunkId) -> tuple[Trunk, tuple[Destination, ...]] | None:
        """Return a trunk and its addresses, None if it is unknown or has none (yet).

        Servers that gave no sign of life come last; they are tried all the same.
        """
        trunk = self._trunks.get(trunk_id)
        destinations = self._resolver.find(trunk.route) if trunk else ()
        if trunk is None or not destinations:
            return None
        if trunk.dead and len(destinations) > 1:
            destinations = tuple(sorted(destinations, key=trunk.dead.__contains__))
        return trunk, destinations

    def knows(self, trunk_id: TrunkId) -> bool:
        """Say whether a trunk is configured."""
        return trunk_id in self._trunks

    def is_source(self, host: str) -> bool:
        """Say whether a trunk speaks from an address."""
        return any(host in self._resolver.hosts(trunk.route) for trunk in self._trunks.values())

    def on_options(self, key: str, status: int) -> None:
        """Take the answer to an OPTIONS."""
        number, _, trunk_id = key.partition(" ")
        trunk = self._trunks.get(TrunkId(trunk_id))
        asked = trunk.asking.pop(int(number), None) if trunk is not None else None
        if trunk is None or asked is None:
            return
        if status in _ALIVE_UNLESS:
            trunk.dead.add(asked)
        else:
            trunk.dead.discard(asked)
        alive = any(each not in trunk.dead for each in self._resolver.find(trunk.route))
        if status not in _ALIVE_UNLESS:
            self._judge(trunk, True, "")
        elif not alive and not trunk.asking:
            self._judge(trunk, False, f"OPTIONS got {status}")

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
        self._resolver.ask(trunk.route, lambda: self._ask(trunk))

    def _ask(self, trunk: Trunk) -> None:
        if self._trunks.get(trunk.spec.trunk_id) is not trunk:
            return
        destinations = self._resolver.find(trunk.route)
        trunk.dead.intersection_update(destinations)
        if not destinations:
            self._judge(trunk, False, f"{trunk.host} has no address")
            if trunk.spec.options_s <= 0:
                trunk.timer = asyncio.get_running_loop().call_later(RETRY_S, self._probe, trunk)
            return
        self._on_found(trunk.spec.trunk_id)
        if trunk.spec.options_s <= 0:
            self._judge(trunk, True, "")
            return
        waiting = set(trunk.asking.values())
        for destination in destinations:
            if destination not in waiting:
                self._ask_one(trunk, destination)

    def _ask_one(self, trunk: Trunk, destination: Destination) -> None:
        number = next(self._numbers)
        trunk.asking[number] = destination
        key = f"{number} {trunk.spec.trunk_id}"
        self._send_options(key, f"sip:{trunk.domain}", destination)

    def account(self, trunk_id: TrunkId) -> Account | None:
        """Return what we register at a trunk, None if nothing."""
        trunk = self._trunks.get(trunk_id)
        return trunk.account if trunk is not None else None

    def registers(self, trunk_id: TrunkId) -> bool:
        """Say whether we register at a trunk."""
        return self.account(trunk_id) is not None

    def destinations(self, trunk_id: TrunkId) -> tuple[Destination, ...]:
        """Return a trunk's addresses, none if it is unknown or has none (yet)."""
        found = self.find(trunk_id)
        return found[1] if found is not None else ()

    def on_registered(self, trunk_id: TrunkId, registered: bool, reason: str) -> None:
        """Learn whether a trunk has us registered: one that has not takes no calls."""
        trunk = self._trunks.get(trunk_id)
        if trunk is not None and trunk.account is not None:
            trunk.registered = registered
            self._tell(trunk, f"registration: {reason}")

    def _judge(self, trunk: Trunk, alive: bool, reason: str) -> None:
        trunk.alive = alive
        self._tell(trunk, reason)

    def _tell(self, trunk: Trunk, reason: str) -> None:
        """Tell that a trunk is reached once it answers and has us registered, lost if either ends.

        Until both are known nothing is told, unless one is known to be wrong.
        """
        known = (trunk.alive, trunk.registered)
        if None in known and False not in known:
            return
        reached = all(known)
        if trunk.reached is reached:
            return
        trunk.reached = reached
        trunk_id = trunk.spec.trunk_id
        self._emit(TrunkReached(trunk_id) if reached else TrunkLost(trunk_id, reason))
