"""Which challenges a leg answers, and how often (RFC 3261 §22, invariant X6).

Credentials go to the configured realm, to the host that the request went to, and never on a BYE or
a redirect. A second challenge with the same nonce means that they are wrong.
"""

from typing import Final

from engine.telephony.sip.destination import Destination
from engine.telephony.sip.digest import Challenge, Credentials, authorization, choose_challenge
from engine.telephony.sip.message import Response

MAX_TRIES: Final = 3
"""Challenges answered for one request: a proxy's, a server's, a stale nonce."""


class Authorizer:
    """Answers the challenges of one leg."""

    __slots__ = (
        "_answered",
        "_challenges",
        "_counts",
        "_credentials",
        "_hosts",
        "_invited",
        "_realms",
        "_tries",
    )

    def __init__(self, credentials: Credentials, realms: dict[tuple[str, int], str]) -> None:
        """Answer with some credentials.

        Args:
            credentials: What to answer with.
            realms: Realm met first by host and port, for credentials without a realm.
        """
        self._credentials = credentials
        self._realms = realms
        self._challenges: dict[bool, Challenge] = {}
        self._hosts: dict[bool, str] = {}
        self._counts: dict[str, int] = {}
        self._tries = 0
        self._answered: set[bool] = set()
        self._invited = ("", "")  # host and headers of the last INVITE

    def take(self, response: Response, destination: Destination) -> bool:
        """Say whether a 401 or 407 can be answered; the next header then answers it.

        Args:
            response: The challenge.
            destination: Where the request went; a challenge from another host is not answered.
        """
        if response.source[0] != destination.host or self._tries >= MAX_TRIES:
            return False
        realm = self._credentials.realm or self._realms.get(destination[:2], "")
        proxy = response.status == 407
        name = "proxy-authenticate" if proxy else "www-authenticate"
        challenge = choose_challenge(response.every_line(name), realm, proxy)
        if challenge is None:
            return False
        if proxy in self._answered and not challenge.stale:
            return False
        self._tries += 1
        self._answered.add(proxy)
        self._realms.setdefault(destination[:2], challenge.realm)
        self._challenges[proxy] = challenge
        nonces = {each.nonce for each in self._challenges.values()}
        self._counts = {each: count for each, count in self._counts.items() if each in nonces}
        self._hosts[proxy] = destination.host
        return True

    def header(self, method: str, uri: str, cnonce: str, host: str) -> str:
        """Return the headers that answer what was taken, each with its line end.

        Args:
            method: Method of the request.
            uri: Its Request-URI.
            cnonce: Token never used before.
            host: Where it goes: a host that challenged nothing is given nothing, for a Contact may
                lead anywhere.
        """
        lines = []
        for proxy, challenge in self._challenges.items():
            if self._hosts[proxy] != host:
                continue
            count = self._counts.get(challenge.nonce, 0) + 1
            self._counts[challenge.nonce] = count
            name, value = authorization(challenge, self._credentials, method, uri, count, cnonce)
            lines.append(f"{name}: {value}\r\n")
        headers = "".join(lines)
        if method == "INVITE":
            self._invited = (host, headers)
        return headers

    def repeat(self, host: str) -> str:
        """Return the credentials of the last INVITE for the ACK of its 2xx (RFC 3261 §13.2.2.4)."""
        return self._invited[1] if self._invited[0] == host else ""

    def reset(self) -> None:
        """Begin a new request: a nonce that was good may be challenged again."""
        self._tries = 0
        self._answered.clear()
