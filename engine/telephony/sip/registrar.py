"""The registrar for agents' phones: who is where, for how long (RFC 3261 §10.3)."""

import re
from collections.abc import Callable
from math import ceil
from typing import Final, NamedTuple

from engine.telephony.sip.destination import Destination
from engine.telephony.sip.digest import Authenticator, Verdict
from engine.telephony.sip.grammar import ParseError, parse_number
from engine.telephony.sip.message import Request
from engine.telephony.sip.throttle import Throttle
from engine.telephony.sip.timers import TimerQueue
from engine.telephony.sip.tokens import Tokens
from engine.telephony.sip.uri import NameAddr, parse_address, parse_uri

MAX_CONTACTS: Final = 8
"""Most contacts of one user."""
SHORTEST_S: Final = 30
"""Shortest registration granted; less is refused with 423. [s]"""
LONGEST_S: Final = 3600
"""Longest registration granted; more is shortened. [s]"""

_FREE_FAILURES: Final = 3
"""Wrong passwords in a row that cost one account nothing."""
_FREE_FAILURES_OF_HOST: Final = 10
"""Likewise of one address, behind which there may be many phones."""
_MD5_ONLY: Final = re.compile(r"baresip v[01]\.", re.IGNORECASE)
"""Phones that give up at a challenge they do not know, though another follows (RFC 8760 §2.4)."""


class Binding(NamedTuple):
    """Where a phone is.

    Attributes:
        contact: Its contact URI.
        source: Address its REGISTER came from: where it is called, through any NAT.
        expires_s: When the binding ends. [s]
        call_id: Call-ID of the registration.
        cseq: CSeq of the registration.
    """

    contact: str
    source: Destination
    expires_s: float
    call_id: str
    cseq: int


class Answer(NamedTuple):
    """How a REGISTER is answered.

    Attributes:
        status: Status.
        headers: Headers beside those that every response has.
        user: Who registered, empty if nobody did.
        added: Bindings added or refreshed.
        emptied: Whether the user's last binding went.
    """

    status: int
    headers: list[tuple[str, str]]
    user: str = ""
    added: tuple[Binding, ...] = ()
    emptied: bool = False


class Registrar:
    """Keeps the bindings of phones, and lets only those in who know their password."""

    __slots__ = (
        "_accounts",
        "_authenticator",
        "_bindings",
        "_hosts",
        "_known",
        "_on_lapsed",
        "_source_hosts",
        "_sources",
        "_timers",
        "_tokens",
    )

    def __init__(
        self,
        realm: str,
        find_password: Callable[[str], str | None],
        tokens: Tokens,
        timers: TimerQueue,
        on_lapsed: Callable[[str], None],
    ) -> None:
        """Open for registrations.

        Args:
            realm: Realm of the phones' passwords.
            find_password: Password of a user, None if there is no such user.
            tokens: Source of nonces.
            timers: Where expiries wait.
            on_lapsed: Told a user whose last binding ran out.
        """
        # A line end cannot stand in a header: no tag that a stranger has us make is a nonce's sign.
        self._authenticator = Authenticator(
            realm, find_password, lambda text: tokens.of(f"nonce\n{text}")
        )
        self._tokens = tokens
        self._timers = timers
        self._on_lapsed = on_lapsed
        self._bindings: dict[str, dict[str, Binding]] = {}
        self._sources: set[tuple[str | int, ...]] = set()
        self._source_hosts: set[str | int] = set()
        self._accounts = Throttle(_FREE_FAILURES)
        self._hosts = Throttle(_FREE_FAILURES_OF_HOST)
        self._known: dict[str, str] = {}

    def find(self, user: str, now_s: float) -> Binding | None:
        """Return the newest binding of a user, None if the phone is not registered.

        Headers that its contact carries are left out: a phone does not say what its INVITEs hold
        (RFC 3261 §19.1.5).
        """
        live = [each for each in self._bindings.get(user, {}).values() if each.expires_s > now_s]
        newest = max(live, key=lambda each: each.expires_s, default=None)
        if newest is None or "?" not in newest.contact:
            return newest
        return newest._replace(contact=str(parse_uri(newest.contact)._replace(headers="")))

    def is_source(self, source: Destination) -> bool:
        """Say whether a registered phone speaks from an address."""
        return source[:2] in self._sources

    def is_host(self, host: str) -> bool:
        """Say whether a registered phone speaks from a host, at whatever port."""
        return host in self._source_hosts

    def _changed(self) -> None:
        """Gather the sources anew: changes are rare, and each datagram may ask for them."""
        self._sources = {
            each.source[:2] for bindings in self._bindings.values() for each in bindings.values()
        }
        self._source_hosts = {source[0] for source in self._sources}

    def lose(self, flow: Destination) -> None:
        """Drop what was registered over a connection that is gone (RFC 5626 §5.3)."""
        if not self.is_source(flow):
            return
        for user, held in list(self._bindings.items()):
            live = {uri: each for uri, each in held.items() if each.source != flow}
            if len(live) == len(held):
                continue
            self._bindings[user] = live
            if not live:
                del self._bindings[user]
                self._on_lapsed(user)
        self._changed()

    def forget(self, user: str) -> None:
        """Drop all bindings of a user, who may no longer register."""
        self._known.pop(user, None)
        if self._bindings.pop(user, None):
            self._changed()

    def register(self, request: Request, source: Destination, now_s: float) -> Answer:
        """Answer a REGISTER (RFC 3261 §10.3).

        Raises:
            ParseError: A contact is malformed.
        """
        claim = self._authenticator.read_claim(request.every_line("authorization"))
        verdict = Verdict(None)
        if claim is not None:
            wait_s = self._wait_s(claim, source, now_s)
            if wait_s:
                return Answer(503, [("Retry-After", str(ceil(wait_s)))])
            verdict = self._authenticator.check_claim(claim, "REGISTER", request.uri, now_s)
            self._judge(claim, verdict, source, now_s)
        if verdict.user is None:
            challenges = self._authenticator.challenges(
                verdict.stale,
                now_s,
                self._tokens.next(),
                md5_only=bool(_MD5_ONLY.match(request.first("user-agent"))),
            )
            return Answer(401, [("WWW-Authenticate", each) for each in challenges])
        user = parse_uri(parse_address(request.first("to")).uri).user
        if user != verdict.user:
            return Answer(403, [])
        return self._bind(user, request, source, now_s)

    def _wait_s(self, claim: dict[str, str], source: Destination, now_s: float) -> float:
        """Return how long a claim must wait, 0 if it is looked at now. [s]

        Too many failures are answered 503 with Retry-After, and nothing is computed: an answer
        that is held back would cost memory, and 403 would let an honest phone give up for good.
        Both user and password may be wrong or right; the answer is the same.
        """
        user = claim.get("username", "")
        if self._known.get(user) == source.host:
            return self._accounts.wait_s(f"{user} {source.host}", now_s)
        return max(self._accounts.wait_s(user, now_s), self._hosts.wait_s(source.host, now_s))

    def _judge(
        self, claim: dict[str, str], verdict: Verdict, source: Destination, now_s: float
    ) -> None:
        """Count a failure against account and source, or forgive what was before.

        Where a user registered from last it fails on its own account alone: else any stranger could
        lock a phone out by guessing at its password, or one phone all others behind its NAT.
        """
        user, host = claim.get("username", ""), source.host
        if verdict.stale:
            return
        if verdict.user is not None:
            self._known[user] = host
            self._accounts.succeed(f"{user} {host}")
            self._accounts.succeed(user)
            self._hosts.succeed(host)
        elif self._known.get(user) == host:
            self._accounts.fail(f"{user} {host}", now_s)
        else:
            self._accounts.fail(user, now_s)
            self._hosts.fail(host, now_s)

    def _bind(self, user: str, request: Request, source: Destination, now_s: float) -> Answer:
        contacts = request.every("contact")
        default = request.first("expires")
        held = dict(self._bindings.get(user, {}))
        if contacts == ["*"]:
            if default.strip() != "0" or any(_is_old(each, request) for each in held.values()):
                return Answer(400, [])
            return self._keep(user, {}, (), now_s)
        added = []
        for address in map(parse_address, contacts):
            expires = _wanted_s(address, default)
            old = held.get(address.uri)
            if old is not None and _is_old(old, request):
                return Answer(500, [])
            if 0 < expires < SHORTEST_S:
                return Answer(423, [("Min-Expires", str(SHORTEST_S))])
            held.pop(address.uri, None)
            if expires:
                until_s = now_s + min(expires, LONGEST_S)
                binding = Binding(address.uri, source, until_s, request.call_id, request.cseq)
                held[address.uri] = binding
                added.append(binding)
        if len(held) > MAX_CONTACTS:
            return Answer(403, [])
        return self._keep(user, held, tuple(added), now_s)

    def _keep(
        self, user: str, held: dict[str, Binding], added: tuple[Binding, ...], now_s: float
    ) -> Answer:
        had = bool(self._bindings.pop(user, None))
        if held:
            self._bindings[user] = held
        self._changed()
        for binding in added:
            self._timers.start(binding.expires_s - now_s, now_s, self, user)
        headers = [
            ("Contact", f"<{each.contact}>;expires={max(0, round(each.expires_s - now_s))}")
            for each in held.values()
            if each.expires_s > now_s
        ]
        return Answer(200, headers, user, added, had and not held)

    def on_timer(self, name: str, now_s: float) -> None:
        """Let the bindings of a user lapse whose time has come."""
        held = self._bindings.get(name)
        if held is None:
            return
        live = {uri: each for uri, each in held.items() if each.expires_s > now_s}
        if live:
            self._bindings[name] = live
        else:
            del self._bindings[name]
        self._changed()
        if not live:
            self._on_lapsed(name)


def _is_old(binding: Binding, request: Request) -> bool:
    """Say whether a request came too late to change a binding (RFC 3261 §10.3, step 7)."""
    return binding.call_id == request.call_id and request.cseq <= binding.cseq


def _wanted_s(address: NameAddr, default: str) -> int:
    text = address.params.get("expires") or default
    if not text:
        return LONGEST_S
    try:
        return parse_number(text, (1 << 32) - 1)
    except ParseError:
        return LONGEST_S  # RFC 3261 §10.2.1.1: a malformed value counts as 3600
