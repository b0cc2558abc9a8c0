"""Digest, both sides."""

import hashlib

import pytest

from engine.telephony.sip.digest import (
    Authenticator,
    Credentials,
    authorization,
    choose_challenge,
    compute_response,
)
from engine.telephony.sip.grammar import parse_auth_params

CREDENTIALS = Credentials("paceline", "anna", "secret")


def authenticator() -> Authenticator:
    return Authenticator(
        "paceline", lambda user: "secret" if user == "anna" else None, lambda text: f"s{len(text)}"
    )


@pytest.mark.parametrize(
    ("algorithm", "expected"),
    [
        # RFC 7616 §3.9.1
        ("MD5", "8ca523f5e9506fed4657c9700eebdbec"),
        ("SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
    ],
)
def test_the_examples_of_rfc_7616_come_out(algorithm: str, expected: str) -> None:
    import hashlib

    digest = hashlib.md5 if algorithm == "MD5" else hashlib.sha256
    secret = digest(b"Mufasa:http-auth@example.org:Circle of Life").hexdigest()
    nonce = "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v"
    cnonce = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"
    assert (
        compute_response(
            algorithm, secret, nonce, "00000001", cnonce, "auth", "GET", "/dir/index.html"
        )
        == expected
    )


@pytest.mark.parametrize("algorithm", ["MD5", "MD5-sess", "SHA-256", "SHA-256-sess"])
def test_each_algorithm_is_answered_in_its_own_name(algorithm: str) -> None:
    value = f'Digest realm="paceline", nonce="n", algorithm={algorithm}, qop="auth,auth-int"'
    challenge = choose_challenge([value], "paceline", proxy=True)
    assert challenge is not None
    name, header = authorization(challenge, CREDENTIALS, "INVITE", "sip:x", 1, "c")
    assert name == "Proxy-Authorization"
    assert f"algorithm={algorithm}" in header
    assert "nc=00000001" in header


def test_the_strongest_challenge_is_taken() -> None:
    values = [
        'Digest realm="paceline", nonce="1"',
        'Digest realm="paceline", nonce="2", algorithm=SHA-256, qop="auth"',
    ]
    challenge = choose_challenge(values, "paceline", proxy=False)
    assert challenge is not None
    assert challenge.nonce == "2"


@pytest.mark.parametrize(
    "value",
    [
        pytest.param('Digest realm="other", nonce="1"', id="foreign realm"),
        pytest.param('Digest realm="paceline", nonce="1", qop="auth-int"', id="auth-int alone"),
        pytest.param('Digest realm="paceline", nonce="1", algorithm=AKAv1-MD5', id="AKA"),
        pytest.param('Digest realm="paceline"', id="no nonce"),
        pytest.param('Digest realm="paceline', id="malformed"),
        pytest.param("Basic realm=paceline", id="Basic"),
    ],
)
def test_a_challenge_not_ours_is_not_answered(value: str) -> None:
    assert choose_challenge([value], "paceline", proxy=False) is None


def answer(
    guard: Authenticator, now_s: float, count: int = 1, password: str = "secret", user: str = "anna"
) -> list[str]:
    challenge = choose_challenge(guard.challenges(False, now_s, "salt"), "paceline", proxy=False)
    assert challenge is not None
    who = Credentials("paceline", user, password)
    return [authorization(challenge, who, "REGISTER", "sip:x", count, "c")[1]]


def test_the_right_password_is_let_in_and_a_replay_is_stale() -> None:
    guard = authenticator()
    values = answer(guard, 10.0)
    assert guard.check(values, "REGISTER", "sip:x", 11.0).user == "anna"
    assert guard.check(values, "REGISTER", "sip:x", 12.0) == (None, True)
    assert guard.check(answer(guard, 10.0, count=2), "REGISTER", "sip:x", 12.0).user == "anna"


@pytest.mark.parametrize(
    ("user", "password", "method", "uri"),
    [
        ("anna", "wrong", "REGISTER", "sip:x"),
        ("nobody", "secret", "REGISTER", "sip:x"),
        ("nobody", "", "REGISTER", "sip:x"),
        ("anna", "secret", "INVITE", "sip:x"),
        ("anna", "secret", "REGISTER", "sip:y"),
    ],
)
def test_all_else_is_challenged_alike(user: str, password: str, method: str, uri: str) -> None:
    guard = authenticator()
    values = answer(guard, 10.0, password=password, user=user)
    assert guard.check(values, method, uri, 11.0) == (None, False)


def test_a_phone_without_qop_is_let_in_once_with_a_nonce() -> None:
    guard = authenticator()
    nonce = parse_auth_params(guard.challenges(False, 10.0, "salt")[1].partition(" ")[2])["nonce"]
    secret = hashlib.md5(b"anna:paceline:secret").hexdigest()
    response = compute_response("MD5", secret, nonce, "", "", "", "REGISTER", "sip:x;transport=UDP")
    values = [
        f'Digest username="anna",realm="paceline",nonce="{nonce}",uri="sip:x;transport=UDP",'
        f'response="{response}",algorithm=MD5'
    ]
    assert guard.check(values, "REGISTER", "sip:y", 11.0) == (None, False)
    assert guard.check(values, "REGISTER", "sip:x", 11.0).user == "anna"
    assert guard.check(values, "REGISTER", "sip:x", 12.0) == (None, True)


def test_an_old_nonce_is_stale() -> None:
    guard = authenticator()
    assert guard.check(answer(guard, 10.0), "REGISTER", "sip:x", 1000.0) == (None, True)


def test_credentials_do_not_show_their_password() -> None:
    assert "secret" not in repr(CREDENTIALS)
