"""Requests from outside: screen, OPTIONS, registrar, garbage (RFC 3261 §8.2, §10.3, §11.2)."""

import pytest

from engine.telephony.sip.destination import Destination
from engine.telephony.sip.digest import Credentials, authorization, choose_challenge
from engine.telephony.sip.events import Incoming, Registered, Unregistered
from engine.telephony.sip.message import Response, parse
from tests.unit.telephony.sip.harness import TRUNK, Bench

PHONE = Destination("198.51.100.7", 33000)


def register(cseq: int, *headers: str, user: str = "anna") -> bytes:
    lines = [
        "REGISTER sip:paceline SIP/2.0",
        f"Via: SIP/2.0/UDP 10.0.0.7:5060;branch=z9hG4bKr{cseq}x{len(headers)};rport",
        "Max-Forwards: 70",
        f"From: <sip:{user}@paceline>;tag=p",
        f"To: <sip:{user}@paceline>",
        "Call-ID: reg@10.0.0.7",
        f"CSeq: {cseq} REGISTER",
        *headers,
        "Content-Length: 0",
    ]
    return "\r\n".join(lines).encode() + b"\r\n\r\n"


def sign(challenged: Response, count: int = 1, password: str = "secret", user: str = "anna") -> str:
    challenge = choose_challenge(challenged.every_line("www-authenticate"), "paceline", proxy=False)
    assert challenge is not None
    who = Credentials("paceline", user, password)
    name, value = authorization(challenge, who, "REGISTER", "sip:paceline", count, "c")
    return f"{name}: {value}"


CONTACT = "Contact: <sip:anna@10.0.0.7:5060>"


def registered(bench: Bench, *headers: str) -> None:
    bench.receive(register(1, CONTACT, *headers), PHONE)
    bench.receive(register(2, CONTACT, *headers, sign(bench.last_response())), PHONE)


def test_10_3_a_phone_registers_with_its_password() -> None:
    bench = Bench()
    bench.receive(register(1, CONTACT), PHONE)
    challenged = bench.last_response()
    assert challenged.status == 401
    assert "algorithm=SHA-256" in challenged.every_line("www-authenticate")[0]
    bench.receive(register(2, CONTACT, "Expires: 60", sign(challenged)), PHONE)
    answer = bench.last_response()
    assert answer.status == 200
    assert answer.first("contact") == "<sip:anna@10.0.0.7:5060>;expires=60"
    assert isinstance(bench.events[-1], Registered)
    binding = bench.ua.find_binding("anna", bench.now_s)
    assert binding is not None
    assert binding.source == PHONE
    assert bench.ua.is_phone(PHONE)


def test_rfc_8760_2_4_a_phone_that_knows_only_md5_is_offered_only_that() -> None:
    bench = Bench()
    bench.receive(register(1, CONTACT, "User-Agent: baresip v1.0.0 (x86_64/linux)"), PHONE)
    (offered,) = bench.last_response().every_line("www-authenticate")
    assert "algorithm=MD5" in offered


def test_10_3_a_registration_lapses_by_itself() -> None:
    bench = Bench()
    registered(bench, "Expires: 60")
    bench.wait(59)
    assert bench.ua.find_binding("anna", bench.now_s) is not None
    bench.wait(2)
    assert bench.events[-1] == Unregistered("anna")
    assert bench.ua.find_binding("anna", bench.now_s) is None
    assert not bench.ua.is_phone(PHONE)


def test_10_3_a_refreshed_registration_outlives_the_first() -> None:
    bench = Bench()
    registered(bench, "Expires: 60")
    bench.wait(50)
    bench.receive(register(3, CONTACT, "Expires: 60"), PHONE)
    bench.receive(register(4, CONTACT, "Expires: 60", sign(bench.last_response())), PHONE)
    bench.wait(30)
    assert bench.ua.find_binding("anna", bench.now_s) is not None


def test_10_2_2_a_star_with_expires_0_removes_all() -> None:
    bench = Bench()
    registered(bench)
    bench.receive(register(3, "Contact: *", "Expires: 0"), PHONE)
    bench.receive(register(4, "Contact: *", "Expires: 0", sign(bench.last_response())), PHONE)
    assert bench.events[-1] == Unregistered("anna")


def test_10_3_an_interval_too_brief_gets_423() -> None:
    bench = Bench()
    registered(bench, "Expires: 5")
    assert (bench.last_response().status, bench.last_response().first("min-expires")) == (423, "30")


@pytest.mark.parametrize(
    ("user", "password"), [("anna", "wrong"), ("nobody", "secret"), ("nobody", "")]
)
def test_x6_wrong_user_and_wrong_password_look_alike(user: str, password: str) -> None:
    bench = Bench()
    bench.receive(register(1, CONTACT, user=user), PHONE)
    signed = sign(bench.last_response(), password=password, user=user)
    bench.receive(register(2, CONTACT, signed, user=user), PHONE)
    assert bench.last_response().status == 401
    assert "stale" not in bench.last_response().first("www-authenticate")
    assert bench.events == []


def test_x6_a_replayed_registration_is_challenged_as_stale() -> None:
    bench = Bench()
    bench.receive(register(1, CONTACT), PHONE)
    signed = sign(bench.last_response())
    bench.receive(register(2, CONTACT, signed), PHONE)
    bench.receive(
        register(3, "Contact: <sip:evil@203.0.113.9>", signed), Destination("203.0.113.9", 5060)
    )
    assert bench.last_response().status == 401
    assert "stale=true" in bench.last_response().first("www-authenticate")


def test_10_3_one_user_cannot_register_another() -> None:
    bench = Bench()
    bench.receive(register(1, CONTACT), PHONE)
    signed = sign(bench.last_response())
    bench.receive(register(2, CONTACT, signed).replace(b"To: <sip:anna", b"To: <sip:boss"), PHONE)
    assert bench.last_response().status == 403


@pytest.mark.parametrize("screen", [403, 404, 603])
def test_p8_an_invite_that_the_screen_refuses_leaves_nothing(screen: int) -> None:
    bench = Bench(screen=screen)
    bench.incoming()
    assert len(bench.all(str(screen))) == len(bench.sent) == 1
    assert bench.ua.open_transactions == bench.ua.open_legs == 0
    assert bench.events == []


def test_p8_silence_is_an_answer_too() -> None:
    bench = Bench(screen=0)
    bench.incoming()
    assert bench.sent == []


@pytest.mark.parametrize(
    ("method", "status"), [("REFER", 405), ("NOTIFY", 405), ("NEWMETHOD", 405)]
)
def test_p8_no_method_leads_from_a_call_to_another(method: str, status: int) -> None:
    bench = Bench()
    invite = bench.answered()
    bench.request(invite, method, 1, "Refer-To: <sip:premium@198.51.100.1>")
    assert bench.last_response().status == status
    assert len(bench.all("INVITE")) == 1


def ask(
    method: str, *headers: str, uri: str = "sip:192.0.2.1", to: str = "<sip:x@192.0.2.1>"
) -> bytes:
    lines = [
        f"{method} {uri} SIP/2.0",
        "Via: SIP/2.0/UDP 192.0.2.10:5062;branch=z9hG4bKq",
        "From: <sip:c@192.0.2.10>;tag=c",
        f"To: {to}",
        "Call-ID: q@192.0.2.10",
        f"CSeq: 1 {method}",
        *headers,
        "Content-Length: 0",
    ]
    return "\r\n".join(lines).encode() + b"\r\n\r\n"


def test_11_2_options_tells_what_is_spoken() -> None:
    bench = Bench(screen=200)
    bench.receive(ask("OPTIONS"))
    answer = bench.last_response()
    assert (answer.status, answer.first("accept")) == (200, "application/sdp")
    assert "INVITE" in answer.first("allow")
    assert answer.to_tag
    assert bench.sent[-1][1] == Destination("192.0.2.10", 5062)


@pytest.mark.parametrize(
    ("octets", "status"),
    [
        pytest.param(ask("OPTIONS", "Require: nothingSupportsThis"), 420, id="8.2.2.3 Require"),
        pytest.param(ask("NEWMETHOD"), 501, id="8.2.1 unknown method"),
        pytest.param(ask("SUBSCRIBE"), 501, id="8.2.1 SUBSCRIBE"),
        pytest.param(ask("BYE", to="<sip:x@y>;tag=gone"), 481, id="15.1.2 no dialog"),
        pytest.param(ask("OPTIONS", uri="soap.beep://x"), 416, id="8.2.2.1 scheme"),
        pytest.param(
            ask("OPTIONS").replace(b"SIP/2.0\r\nVia", b"SIP/7.0\r\nVia"), 505, id="21.5.6"
        ),
        pytest.param(ask("OPTIONS", "Max-Forwards: 300"), 400, id="20.22 Max-Forwards"),
        pytest.param(
            ask("INVITE", "Content-Type: text/plain").replace(
                b"Length: 0\r\n\r\n", b"Length: 1\r\n\r\nx"
            ),
            415,
            id="8.2.3 body",
        ),
        pytest.param(ask("INVITE", "Accept: text/nobody"), 406, id="21.4.7 Accept"),
    ],
)
def test_8_2_what_cannot_be_served_is_refused_by_the_right_status(
    octets: bytes, status: int
) -> None:
    bench = Bench(screen=200)
    bench.receive(octets)
    assert bench.last_response().status == status
    assert bench.ua.open_legs == 0


def test_18_2_1_a_via_from_elsewhere_is_marked_and_answered_to_its_source() -> None:
    bench = Bench(screen=200)
    source = Destination("203.0.113.5", 40000)
    bench.receive(ask("OPTIONS").replace(b"branch=z9hG4bKq", b"branch=z9hG4bKq;rport"), source)
    octets, destination = bench.sent[-1]
    assert destination == source
    assert b";rport=40000;received=203.0.113.5" in octets


def test_8_2_7_a_repeated_refusal_has_the_same_tag() -> None:
    bench = Bench(screen=403)
    for _ in range(2):
        bench.receive(ask("OPTIONS"))
    assert bench.sent[0] == bench.sent[1]


@pytest.mark.parametrize(
    "octets", [b"", b"\r\n\r\n", b"\0", b"hello", b"\xff" * 50, b"SIP/2.0 200\r\n\r\n", b"ACK"]
)
def test_p1_garbage_is_dropped_and_the_next_request_served(octets: bytes) -> None:
    bench = Bench(screen=200)
    bench.receive(octets)
    assert bench.sent == []
    bench.receive(ask("OPTIONS"))
    assert bench.last_response().status == 200


def test_a_call_let_in_is_told_with_its_offer() -> None:
    bench = Bench(screen=200)
    bench.incoming()
    event = bench.events[-1]
    assert isinstance(event, Incoming)
    assert (event.caller, event.called, event.source) == (
        "sip:bob@192.0.2.10",
        "sip:anna@192.0.2.1",
        TRUNK,
    )
    assert event.remote is not None
    assert parse(bench.sent[0][0]).first("to") == "<sip:anna@192.0.2.1>"
