"""RFC 3261 §8.2, RFC 3311, RFC 6086: how requests to us are looked at, and what refuses them."""

import pytest

from engine.telephony.sip.events import DigitPressed, Incoming, MediaChanged
from engine.telephony.sip.sdp import Direction
from tests.unit.telephony.sip.harness import ANSWER, MEDIA, Bench

LEG = "a1-0001-00000001"


@pytest.fixture
def bench() -> Bench:
    return Bench(screen=200)


def follow(octets: bytes, bench: Bench, method: str, cseq: int, body: bytes = b"") -> bytes:
    """Return a later request in the dialog of a call to us."""
    to_value = bench.all("180")[-1].headers["to"][0]
    head = octets.split(b"\r\n\r\n")[0].replace(
        b"To: <sip:anna@192.0.2.1>", f"To: {to_value}".encode()
    )
    head = head.replace(b"INVITE", method.encode()).replace(b"CSeq: 7", b"CSeq: %d" % cseq)
    head = head.replace(b"in1", b"%s%d" % (method.encode(), cseq))
    lines = [line for line in head.split(b"\r\n") if not line.startswith(b"Content")]
    kind = b"Content-Type: application/sdp\r\n" if body else b""
    return b"\r\n".join(lines) + b"\r\n%sContent-Length: %d\r\n\r\n" % (kind, len(body)) + body


# --- RFC 3261 §8.2.2.2: merged requests --------------------------------------------------------


def test_8_2_2_2_a_call_that_comes_by_two_ways_is_one_call(bench: Bench) -> None:
    octets = bench.incoming()
    bench.receive(octets.replace(b"in1", b"in2"))
    assert bench.last_response().status == 482
    assert len([event for event in bench.events if isinstance(event, Incoming)]) == 1


def test_8_2_2_2_another_call_is_none_of_it(bench: Bench) -> None:
    octets = bench.incoming()
    bench.receive(octets.replace(b"in1", b"in2").replace(b"CSeq: 7", b"CSeq: 8"))
    bench.receive(octets.replace(b"in1", b"in3").replace(b"inbound@", b"second@"))
    bench.receive(octets.replace(b"in1", b"in4").replace(b"tag=b0b", b"tag=b1b"))
    assert len([event for event in bench.events if isinstance(event, Incoming)]) == 4


def test_8_2_2_2_once_it_is_over_the_same_may_come_again(bench: Bench) -> None:
    octets = bench.incoming()
    bench.ua.hang_up(bench.events[-1].leg_id, bench.now_s, status=486)  # type: ignore[union-attr]
    bench.wait(40)
    bench.receive(octets.replace(b"in1", b"in2"))
    assert len([event for event in bench.events if isinstance(event, Incoming)]) == 2
    assert len(bench.ua._core.transactions._merges) == 1


# --- before our own answer ---------------------------------------------------------------------


def ringing(bench: Bench) -> bytes:
    """Let a call come in and ring; returns its INVITE."""
    octets = bench.incoming()
    bench.ua.ring(bench.events[-1].leg_id, bench.now_s)  # type: ignore[union-attr]
    return octets


def test_14_2_an_invite_before_the_answer_to_the_first_gets_500(bench: Bench) -> None:
    octets = ringing(bench)
    bench.receive(follow(octets, bench, "INVITE", 8, ANSWER))
    answer = bench.last_response()
    assert answer.status == 500
    assert 0 <= int(answer.first("retry-after")) <= 10


def test_rfc_3311_5_2_an_offer_before_the_answer_to_the_first_gets_500(bench: Bench) -> None:
    octets = ringing(bench)
    bench.receive(follow(octets, bench, "UPDATE", 8, ANSWER))
    assert bench.last_response().status == 500
    assert bench.last_response().first("retry-after")


def test_rfc_3311_5_2_an_update_without_an_offer_is_welcome_at_any_time(bench: Bench) -> None:
    octets = ringing(bench)
    bench.receive(follow(octets, bench, "UPDATE", 8))
    assert bench.last_response().status == 200


# --- both ways, inside -------------------------------------------------------------------------


def test_rfc_3311_5_2_an_offer_while_our_offer_waits_for_its_ack_gets_491(bench: Bench) -> None:
    octets = bench.incoming(body=b"")
    leg_id = bench.events[-1].leg_id  # type: ignore[union-attr]
    bench.ua.ring(leg_id, bench.now_s)
    bench.ua.answer(leg_id, MEDIA, bench.now_s)
    bench.receive(follow(octets, bench, "UPDATE", 8, ANSWER))
    assert bench.last_response().status == 491


def test_rfc_3311_5_2_an_offer_after_our_answer_is_taken_though_no_ack_came(bench: Bench) -> None:
    invite = bench.answered()
    bench.request(invite, "INVITE", 1, body=ANSWER)
    bench.request(invite, "UPDATE", 2, body=ANSWER.replace(b"6000", b"7000"))
    assert bench.last_response().status == 200
    assert [event.remote.port for event in bench.events if isinstance(event, MediaChanged)] == [
        6000,
        7000,
    ]


def test_rfc_3311_5_2_an_offer_during_ours_gets_491_and_without_one_200(bench: Bench) -> None:
    invite = bench.answered()
    bench.ua.offer(LEG, Direction.SENDONLY, bench.now_s)
    bench.request(invite, "UPDATE", 1, body=ANSWER)
    assert bench.last_response().status == 491
    bench.request(invite, "UPDATE", 2)
    assert bench.last_response().status == 200


@pytest.mark.parametrize("method", ["INVITE", "UPDATE"])
def test_a_session_that_is_leaving_is_changed_no_more(bench: Bench, method: str) -> None:
    invite = bench.answered()
    bench.ua.hang_up(LEG, bench.now_s)
    bench.request(invite, method, 1, body=ANSWER)
    assert bench.last_response().status == 481


@pytest.mark.parametrize("method", ["INVITE", "UPDATE", "INFO", "OPTIONS", "BYE"])
def test_8_2_2_3_what_is_required_and_unknown_is_named(bench: Bench, method: str) -> None:
    invite = bench.answered()
    bench.request(invite, method, 1, "Require: timer, x-new, 100rel", "Require: y-new")
    answer = bench.last_response()
    assert (answer.status, answer.first("unsupported")) == (420, "x-new, y-new")


@pytest.mark.parametrize("method", ["INVITE", "UPDATE"])
def test_8_2_3_a_body_we_do_not_read_gets_415_with_what_we_do(bench: Bench, method: str) -> None:
    invite = bench.answered()
    octets = (
        f"{method} sip:192.0.2.1 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.10;branch=z9hG4bKq{method}\r\n"
        f"From: {invite.first('to')};tag=far\r\nTo: {invite.first('from')}\r\nCSeq: 9 {method}\r\n"
        f"Call-ID: {invite.call_id}\r\nContent-Type: text/plain\r\nContent-Length: 1\r\n\r\nx"
    )
    bench.receive(octets.encode())
    assert (bench.last_response().status, bench.last_response().first("accept")) == (
        415,
        "application/sdp",
    )


@pytest.mark.parametrize("method", ["INVITE", "UPDATE"])
def test_20_11_an_optional_body_we_do_not_read_is_passed_over(bench: Bench, method: str) -> None:
    invite = bench.answered()
    bench.sent.clear()
    octets = (
        f"{method} sip:192.0.2.1 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.10;branch=z9hG4bKo{method}\r\n"
        f"From: {invite.first('to')};tag=far\r\nTo: {invite.first('from')}\r\nCSeq: 9 {method}\r\n"
        "Contact: <sip:far@192.0.2.10:5060>\r\n"
        f"Call-ID: {invite.call_id}\r\nContent-Type: application/x-billing\r\n"
        "Content-Disposition: render; handling=optional\r\nContent-Length: 1\r\n\r\nx"
    )
    bench.receive(octets.encode())
    answer = bench.last_response()
    assert answer.status == 200
    assert (b"m=audio" in answer.body) is (method == "INVITE")  # without an offer we make one


def test_8_2_1_a_method_not_for_dialogs_gets_405_with_those_that_are(bench: Bench) -> None:
    invite = bench.answered()
    bench.request(invite, "REFER", 1)
    answer = bench.last_response()
    assert answer.status == 405
    assert "UPDATE" in answer.every("allow")
    assert "REFER" not in answer.every("allow")


def test_11_options_in_a_dialog_tell_what_is_supported(bench: Bench) -> None:
    invite = bench.answered()
    bench.request(invite, "OPTIONS", 1)
    assert bench.last_response().first("supported") == "timer"


# --- INFO --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "body", "digit"),
    [
        ("application/dtmf-relay", b"Signal=5\r\nDuration=160\r\n", ("5", 160)),
        ("application/dtmf-relay", b"Signal= *\r\nDuration= 90\r\n", ("*", 90)),
        ("application/dtmf-relay; charset=x", b"signal=d", ("D", 100)),
        ("application/dtmf", b"#\r\n", ("#", 100)),
        ("application/dtmf-relay", b"Signal=hook", None),
        ("application/dtmf", b"55", None),
    ],
)
def test_digits_come_by_info(
    bench: Bench, kind: str, body: bytes, digit: tuple[str, int] | None
) -> None:
    invite = bench.answered()
    octets = _info(invite.call_id, invite.first("from"), kind, body)
    bench.receive(octets)
    assert bench.last_response().status == 200
    told = [(e.digit, e.duration_ms) for e in bench.events if isinstance(e, DigitPressed)]
    assert told == ([digit] if digit else [])


def _info(call_id: str, to_value: str, kind: str, body: bytes) -> bytes:
    return (
        "INFO sip:192.0.2.1 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.10;branch=z9hG4bKinfo\r\n"
        f"From: <sip:+14155550100@192.0.2.10>;tag=far\r\nTo: {to_value}\r\nCSeq: 9 INFO\r\n"
        f"Call-ID: {call_id}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n"
    ).encode() + body


def test_rfc_6086_info_of_another_use_is_refused(bench: Bench) -> None:
    invite = bench.answered()
    bench.receive(_info(invite.call_id, invite.first("from"), "application/x", b"x"))
    answer = bench.last_response()
    assert (answer.status, answer.first("accept")) == (
        415,
        "application/dtmf, application/dtmf-relay",
    )
    bench.request(invite, "INFO", 10, "Info-Package: g.3gpp.x")
    assert bench.last_response().status == 469
    assert "recv-info" in bench.last_response().headers


def test_info_without_a_body_is_a_sign_of_life(bench: Bench) -> None:
    invite = bench.answered()
    bench.request(invite, "INFO", 1)
    assert bench.last_response().status == 200
