"""SIP as the demo's world reads and writes it."""

import pytest

from clients.demo import sip

INVITE = (
    b"INVITE sip:+14155550100@127.0.0.1:5080 SIP/2.0\r\n"
    b"v: SIP/2.0/UDP 127.0.0.1:5060;branch=z9hG4bKa;rport\r\n"
    b"Record-Route: <sip:10.0.0.1;lr>\r\n"
    b"f: <sip:+12025550100@127.0.0.1>;tag=x\r\n"
    b"t: <sip:+14155550100@127.0.0.1:5080>\r\n"
    b"i: c1\r\nCSeq: 1 INVITE\r\nm: <sip:p@127.0.0.1:5060>\r\n"
    b"Subject: one\r\n  two\r\nl: 3\r\n\r\nv=0"
)


def test_a_request_is_read_with_compact_and_folded_headers() -> None:
    message = sip.parse(INVITE)
    assert (message.method, message.uri, message.status) == (
        "INVITE",
        "sip:+14155550100@127.0.0.1:5080",
        0,
    )
    assert (message.call_id, message.cseq, message.body) == ("c1", 1, b"v=0")
    assert message.first("subject") == "one two"


def test_a_response_copies_what_a_proxy_needs() -> None:
    request = sip.parse(INVITE)
    response = sip.parse(sip.respond(request, 200, tag="t", contact="sip:c@h:1", body=b"v=0\r\n"))
    assert (response.status, response.method, response.body) == (200, "INVITE", b"v=0\r\n")
    assert response.all("via") == request.all("via")
    assert response.all("record-route") == request.all("record-route")
    assert response.first("to").endswith(";tag=t")
    assert response.first("content-length") == "5"


def test_a_tag_that_is_there_stays() -> None:
    request = sip.parse(INVITE.replace(b"5080>\r\ni:", b"5080>;tag=ours\r\ni:"))
    assert sip.parse(sip.respond(request, 200, tag="t")).first("to").endswith(";tag=ours")


@pytest.mark.parametrize(
    "datagram",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"\x00\xff" * 50, id="noise"),
        pytest.param(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", id="HTTP"),
        pytest.param(INVITE.replace(b"CSeq: 1 INVITE\r\n", b""), id="no CSeq"),
        pytest.param(INVITE.replace(b"CSeq: 1", b"CSeq: one"), id="CSeq without number"),
        pytest.param(INVITE.replace(b"Subject: one", b"Subject one"), id="header without colon"),
        pytest.param(b"SIP/2.0 abc OK\r\n" + INVITE.partition(b"\r\n")[2], id="status in words"),
    ],
)
def test_what_is_no_sip_is_refused(datagram: bytes) -> None:
    with pytest.raises(sip.NotSipError):
        sip.parse(datagram)


def test_credentials_are_those_of_rfc_2617(monkeypatch: pytest.MonkeyPatch) -> None:
    """RFC 2617 §3.5, with its client nonce."""
    monkeypatch.setattr("secrets.token_hex", lambda octets: "0a4f113b")
    challenge = (
        'Digest realm="testrealm@host.com", qop="auth,auth-int", '
        'nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", opaque="5ccc069c403ebaf9f0171e9517f40e41"'
    )
    proof = sip.credentials(challenge, "GET", "/dir/index.html", "Mufasa", "Circle Of Life")
    assert 'response="6629fae49393a05397450978507c4ef1"' in proof
    assert 'opaque="5ccc069c403ebaf9f0171e9517f40e41"' in proof


def test_credentials_follow_the_algorithm_asked_for() -> None:
    proof = sip.credentials(
        'Digest realm="r", nonce="n", algorithm=SHA-256', "REGISTER", "u", "a", "b"
    )
    assert "algorithm=SHA-256" in proof
    assert len(proof.partition('response="')[2].partition('"')[0]) == 64


def test_a_description_says_where_audio_goes() -> None:
    assert sip.audio_in(sip.describe("127.0.0.1", 4000)) == ("127.0.0.1", 4000)
    assert sip.audio_in(sip.describe("127.0.0.1", 0)) is None
    assert sip.audio_in(b"") is None


def test_a_user_is_read_from_a_uri() -> None:
    assert sip.user_in("sip:%2B14155550100@127.0.0.1:5060;user=phone") == "+14155550100"
    assert sip.uri_in('"Ada" <sip:a@h;lr>;tag=1') == "sip:a@h;lr"
    assert sip.uri_in("sip:a@h;tag=1") == "sip:a@h"
