"""Agents' phones as the adapter knows them: who may register, who has, and where each is."""

from collections.abc import Callable

from engine.domain.ids import AgentId
from engine.ports import PhoneRegistered, PhoneUnregistered, TelephonyEvent
from engine.telephony.sip.destination import Destination
from engine.telephony.sip.grammar import ParseError
from engine.telephony.sip.resolver import Resolver, Route
from engine.telephony.sip.uri import SipUri, parse_uri
from engine.telephony.sip.user_agent import UserAgent


class Phones:
    """All phones: registered ones by their agent's id, fixed ones by their address."""

    def __init__(
        self,
        resolver: Resolver,
        agent: Callable[[], UserAgent],
        emit: Callable[[TelephonyEvent], None],
        on_found: Callable[[str], None],
    ) -> None:
        """Begin without phones.

        Args:
            resolver: Finds addresses.
            agent: Returns the user agent that phones register at.
            emit: Takes events.
            on_found: Learns which phone can be called now: its agent's id, or its fixed address.
        """
        self._resolver = resolver
        self._agent = agent
        self._emit = emit
        self._on_found = on_found
        self._passwords: dict[str, str] = {}
        self._registered: set[str] = set()

    def set(self, agent_id: AgentId, password: str, address: str) -> None:
        """Let a phone register by its password, none if that is empty; or learn where it is."""
        if password:
            self._passwords[agent_id] = password
        elif self._passwords.pop(agent_id, None) is not None:
            self._agent().forget_phone(agent_id)
            self.unregistered(agent_id)
        uri = _read_uri(address) if address else None
        if uri is not None:
            self._resolver.ask(_route(uri), lambda: self._on_found(address))

    def find_password(self, user: str) -> str | None:
        """Return the password of a phone, None if it may not register."""
        return self._passwords.get(user)

    def find(self, agent_id: str, address: str, now_s: float) -> tuple[str, Destination] | None:
        """Return URI and address of a phone, None if it has none now.

        Args:
            agent_id: Whose phone it is.
            address: URI of a fixed phone; empty: it registers.
            now_s: Now. [s]
        """
        if not address:
            binding = self._agent().find_binding(agent_id, now_s)
            return (binding.contact, binding.source) if binding else None
        uri = _read_uri(address)
        if uri is None:
            return None
        found = self._resolver.find(_route(uri))
        return (str(uri), found[0]) if found else None

    def registered(self, user: str) -> None:
        """Learn that a phone is there; that is told once."""
        if user not in self._registered:
            self._registered.add(user)
            self._emit(PhoneRegistered(AgentId(user)))
        self._on_found(user)

    def unregistered(self, user: str) -> None:
        """Learn that a phone is gone; that is told once."""
        if user in self._registered:
            self._registered.discard(user)
            self._emit(PhoneUnregistered(AgentId(user)))


def _route(uri: SipUri) -> Route:
    """Return the way to a fixed phone; a URI that asks for no transport goes by UDP."""
    told = uri.transport
    return Route(uri.host.strip("[]"), uri.port, told if told in ("TCP", "TLS") else "UDP")


def _read_uri(address: str) -> SipUri | None:
    try:
        return parse_uri(address)
    except ParseError:
        return None
