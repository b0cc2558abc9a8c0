"""Challenges of servers and claims of phones: understood or passed over, nobody let in by them."""

from engine.telephony.sip.digest import Authenticator, Credentials, authorization, choose_challenge
from engine.telephony.sip.grammar import ParseError, parse_auth_params
from engine.telephony.sip.tokens import Tokens

_TOKENS = Tokens(b"a secret of the tests", "1")
_WHO = Credentials("paceline", "anna", "secret")
_OFFERED = Authenticator("paceline", lambda _: None, _TOKENS.of).challenges(False, 1000.0, "salt")
_RIGHT = choose_challenge(_OFFERED, "paceline", proxy=False)
assert _RIGHT is not None
SEEDS = [
    *(each.encode() for each in _OFFERED),
    authorization(_RIGHT, _WHO, "REGISTER", "sip:paceline", 1, "c")[1].encode(),
    b'Digest realm="paceline", nonce="n", qop="auth,auth-int", algorithm=MD5-sess, opaque="\\""',
    b'Digest username="anna", realm="paceline", nonce="1.2.3", uri="sip:paceline", response="0"',
    b'Digest realm="paceline",nonce="1.2.3", uri="sip:a", qop=auth, nc=1, stale=TRUE, username=a',
]


def check(octets: bytes) -> None:
    """Nobody is let in who does not know the password; what answers a challenge can be read."""
    text = octets.decode("utf-8", "surrogateescape")
    challenge = choose_challenge([text], "", proxy=True)
    if challenge is not None:
        name, value = authorization(challenge, _WHO, "INVITE", "sip:b@c", 1, "c")
        assert name == "Proxy-Authorization"
        assert not {"\r", "\n", "\0"} & set(value)
        try:
            answered = parse_auth_params(value.removeprefix("Digest "))
        except ParseError:
            raise AssertionError(value) from None
        assert answered["username"] == "anna"
    guard = Authenticator("paceline", lambda _: "another secret", _TOKENS.of)
    assert guard.check([text], "REGISTER", "sip:paceline", 1000.0).user is None
