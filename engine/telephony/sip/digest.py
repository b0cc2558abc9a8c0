"""Digest authentication, both sides (RFC 7616, RFC 8760, RFC 3261 §22).

Answered are challenges of a configured realm only. MD5 is spoken because carriers and phones do;
SHA-256 is offered first and preferred when offered.
"""

import hashlib
import hmac
from collections import OrderedDict
from collections.abc import Callable, Iterable
from typing import Final, NamedTuple

from engine.telephony.sip.grammar import ParseError, parse_auth_params, quote

NONCE_S: Final = 300.0
"""How long a nonce of ours is good for. [s]"""
MAX_NONCES: Final = 20_000
"""Most nonces whose count is remembered."""
_ONE_USE: Final = "00000001"


class Credentials(NamedTuple):
    """What we answer challenges with.

    Attributes:
        realm: The only realm they are given to; empty: the first one met, and then that alone.
        username: User.
        password: Password.
    """

    realm: str
    username: str
    password: str

    def __repr__(self) -> str:
        return f"Credentials({self.realm!r}, {self.username!r}, '•••')"


class Challenge(NamedTuple):
    """A challenge that we can answer.

    Attributes:
        realm: Realm.
        nonce: Nonce.
        algorithm: ``MD5``, ``MD5-sess``, ``SHA-256`` or ``SHA-256-sess``.
        qop: ``auth``, or empty for the digest of RFC 2069.
        opaque: To be returned.
        stale: Whether only the nonce was wrong.
        proxy: Whether it came by 407.
    """

    realm: str
    nonce: str
    algorithm: str
    qop: str
    opaque: str
    stale: bool
    proxy: bool


_HASHES: dict[str, Callable[[bytes], str]] = {
    "MD5": lambda data: hashlib.md5(data, usedforsecurity=False).hexdigest(),
    "SHA-256": lambda data: hashlib.sha256(data).hexdigest(),
}
_RANK = {"SHA-256": 0, "SHA-256-SESS": 1, "MD5": 2, "MD5-SESS": 3}
_SPELLING = {
    "MD5": "MD5",
    "MD5-SESS": "MD5-sess",
    "SHA-256": "SHA-256",
    "SHA-256-SESS": "SHA-256-sess",
}


def choose_challenge(values: Iterable[str], realm: str, proxy: bool) -> Challenge | None:
    """Return the strongest challenge of a realm that we can answer, or None.

    Args:
        values: Values of WWW-Authenticate or Proxy-Authenticate.
        realm: Configured realm; empty: any.
        proxy: Whether they came by 407.
    """
    best: Challenge | None = None
    for value in values:
        found = _read_challenge(value, proxy)
        if found is None or (realm and found.realm != realm):
            continue
        if best is None or _RANK[found.algorithm.upper()] < _RANK[best.algorithm.upper()]:
            best = found
    return best


def _read_challenge(value: str, proxy: bool) -> Challenge | None:
    scheme, _, rest = value.partition(" ")
    if scheme.lower() != "digest":
        return None
    try:
        params = parse_auth_params(rest)
    except ParseError:
        return None
    algorithm = _SPELLING.get(params.get("algorithm", "MD5").upper())
    offered = [each.strip().lower() for each in params.get("qop", "").split(",")]
    if algorithm is None or "nonce" not in params or ("qop" in params and "auth" not in offered):
        return None
    return Challenge(
        params.get("realm", ""),
        params["nonce"],
        algorithm,
        "auth" if "qop" in params else "",
        params.get("opaque", ""),
        params.get("stale", "").lower() == "true",
        proxy,
    )


def authorization(
    challenge: Challenge,
    credentials: Credentials,
    method: str,
    uri: str,
    count: int,
    cnonce: str,
) -> tuple[str, str]:
    """Return name and value of the header that answers a challenge (RFC 7616 §3.4).

    Args:
        challenge: The challenge.
        credentials: Credentials of its realm.
        method: Method of the request.
        uri: Its Request-URI.
        count: How often the nonce was used, this time included.
        cnonce: Our nonce, never used before.
    """
    secret = _secret(
        challenge.algorithm, credentials.username, challenge.realm, credentials.password
    )
    nc = f"{count:08x}" if challenge.qop else ""
    response = compute_response(
        challenge.algorithm, secret, challenge.nonce, nc, cnonce, challenge.qop, method, uri
    )
    parts = [
        f"username={quote(credentials.username)}",
        f"realm={quote(challenge.realm)}",
        f"nonce={quote(challenge.nonce)}",
        f"uri={quote(uri)}",
        f'response="{response}"',
        f"algorithm={challenge.algorithm}",
    ]
    if challenge.qop:
        parts.append(f'qop=auth, nc={nc}, cnonce="{cnonce}"')
    elif challenge.algorithm.endswith("-sess"):
        parts.append(f'cnonce="{cnonce}"')
    if challenge.opaque:
        parts.append(f"opaque={quote(challenge.opaque)}")
    name = "Proxy-Authorization" if challenge.proxy else "Authorization"
    return name, "Digest " + ", ".join(parts)


def compute_response(
    algorithm: str, secret: str, nonce: str, nc: str, cnonce: str, qop: str, method: str, uri: str
) -> str:
    """Return the response of a digest (RFC 7616 §3.4.1 to §3.4.3).

    Args:
        algorithm: One of the four.
        secret: Hash of user, realm and password.
        nonce: The server's nonce.
        nc: Nonce count in eight hexadecimal digits; only with ``qop``.
        cnonce: The client's nonce.
        qop: ``auth`` or empty.
        method: Method.
        uri: Digest URI.
    """
    digest = _HASHES[algorithm.upper().removesuffix("-SESS")]
    first = secret
    if algorithm.endswith("-sess"):
        first = digest(_octets(f"{secret}:{nonce}:{cnonce}"))
    second = digest(_octets(f"{method}:{uri}"))
    middle = f"{nonce}:{nc}:{cnonce}:{qop}" if qop else nonce
    return digest(_octets(f"{first}:{middle}:{second}"))


def _secret(algorithm: str, username: str, realm: str, password: str) -> str:
    digest = _HASHES[algorithm.upper().removesuffix("-SESS")]
    return digest(_octets(f"{username}:{realm}:{password}"))


def _resource(uri: str) -> str:
    """Return a URI without parameters: how it is reached is not what it is (RFC 2617 §3.2.2.5)."""
    return uri.partition(";")[0]


def _octets(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


class Verdict(NamedTuple):
    """What became of a request's credentials.

    Attributes:
        user: Who it is, None if the request must be challenged.
        stale: Whether only the nonce was wrong.
    """

    user: str | None
    stale: bool = False


class Authenticator:
    """The server's side: makes challenges, checks what answers them (RFC 3261 §22.2).

    A nonce tells its own age and is signed, so an unanswered challenge costs no memory. Its count
    must grow, so nothing can be replayed. An unknown user costs the time of a known one.
    """

    __slots__ = ("_counts", "_find_password", "_sign", "realm")

    def __init__(
        self, realm: str, find_password: Callable[[str], str | None], sign: Callable[[str], str]
    ) -> None:
        """Guard a realm.

        Args:
            realm: Its name.
            find_password: Password of a user, None if there is no such user.
            sign: Keyed hash of a text.
        """
        self.realm = realm
        self._find_password = find_password
        self._sign = sign
        self._counts: OrderedDict[str, int] = OrderedDict()

    def challenges(self, stale: bool, now_s: float, salt: str, md5_only: bool = False) -> list[str]:
        """Return the values of WWW-Authenticate, SHA-256 first (RFC 8760 §2.4).

        Args:
            stale: Whether only the nonce was wrong.
            now_s: Now. [s]
            salt: Token never used before.
            md5_only: Whether the phone cannot pass over an algorithm that it does not know.
        """
        stamp = f"{int(now_s * 1000):x}.{salt}"
        nonce = f"{stamp}.{self._sign(stamp)}"
        tail = ", stale=true" if stale else ""
        return [
            f'Digest realm={quote(self.realm)}, nonce="{nonce}", algorithm={algorithm}, '
            f'qop="auth"{tail}'
            for algorithm in (("MD5",) if md5_only else ("SHA-256", "MD5"))
        ]

    def check(self, values: Iterable[str], method: str, uri: str, now_s: float) -> Verdict:
        """Check the Authorization headers of a request.

        Args:
            values: Their values.
            method: Method of the request.
            uri: Its Request-URI.
            now_s: Now. [s]
        """
        claim = self.read_claim(values)
        return self.check_claim(claim, method, uri, now_s) if claim else Verdict(None)

    def read_claim(self, values: Iterable[str]) -> dict[str, str] | None:
        """Return what Authorization headers claim for this realm, unchecked; None: nothing."""
        for value in values:
            scheme, _, rest = value.partition(" ")
            if scheme.lower() != "digest":
                continue
            try:
                params = parse_auth_params(rest)
            except ParseError:
                continue
            if params.get("realm") == self.realm:
                return params
        return None

    def check_claim(self, params: dict[str, str], method: str, uri: str, now_s: float) -> Verdict:
        """Check what ``read_claim`` returned against a request; arguments as for ``check``."""
        algorithm = params.get("algorithm", "MD5").upper()
        user, qop = params.get("username", ""), params.get("qop", "").lower()
        # Phones older than RFC 2617 §3.2.2.1 know no qop: their nonce is good for one use.
        if qop not in (("auth", "") if algorithm == "MD5" else ("auth",)):
            return Verdict(None)
        if algorithm not in ("MD5", "SHA-256"):
            return Verdict(None)
        password = self._find_password(user)
        secret = _secret(algorithm, user, self.realm, password or "")
        nonce, nc = params.get("nonce", ""), params.get("nc", "") if qop else _ONE_USE
        cnonce, said = params.get("cnonce", ""), params.get("uri", "")
        expected = compute_response(algorithm, secret, nonce, nc, cnonce, qop, method, said)
        right = hmac.compare_digest(_octets(expected), _octets(params.get("response", "").lower()))
        if not right or password is None or _resource(said) != _resource(uri):
            return Verdict(None)
        return Verdict(user) if self._spend(nonce, nc, now_s) else Verdict(None, stale=True)

    def _spend(self, nonce: str, nc: str, now_s: float) -> bool:
        """Say whether a nonce is ours, young, and its count has grown; then remember the count."""
        stamp, _, signature = nonce.rpartition(".")
        if not hmac.compare_digest(_octets(self._sign(stamp)), _octets(signature)):
            return False
        age_s = now_s - int(stamp.partition(".")[0], 16) / 1000
        if not -1 <= age_s <= NONCE_S or len(nc) != 8:
            return False
        try:
            count = int(nc, 16)
        except ValueError:
            return False
        if count <= self._counts.get(nonce, 0):
            return False
        self._counts[nonce] = count
        self._counts.move_to_end(nonce)
        if len(self._counts) > MAX_NONCES:
            self._counts.popitem(last=False)
        return True
