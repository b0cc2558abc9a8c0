"""Server transactions, clause by clause (RFC 3261 §17.2, RFC 6026)."""

import pytest

from engine.telephony.sip.events import Answered, Ended, Incoming
from tests.unit.telephony.sip.harness import ANSWER, MEDIA, Bench


@pytest.fixture
def bench() -> Bench:
    return Bench(screen=200)


def leg_of(bench: Bench) -> str:
    (event,) = [event for event in bench.events if isinstance(event, Incoming)]
    return event.leg_id


def cancel(octets: bytes) -> bytes:
    head = octets.split(b"Content-Type")[0].replace(b"INVITE", b"CANCEL")
    return head + b"Content-Length: 0\r\n\r\n"


def follow(octets: bytes, bench: Bench, method: str, cseq: int = 7, branch: str = "") -> bytes:
    """Return a later request of the same call, by default on the same branch."""
    to_value = bench.last_response().headers["to"][0]
    head = octets.split(b"\r\n\r\n")[0].replace(
        b"To: <sip:anna@192.0.2.1>", f"To: {to_value}".encode()
    )
    head = head.replace(b"INVITE", method.encode()).replace(b"CSeq: 7", f"CSeq: {cseq}".encode())
    if branch:
        head = head.replace(b"z9hG4bKin1", branch.encode())
    lines = [line for line in head.split(b"\r\n") if not line.startswith(b"Content")]
    return b"\r\n".join(lines) + b"\r\nContent-Length: 0\r\n\r\n"


def test_17_2_1_an_invite_gets_100_and_its_repetition_the_last_answer(bench: Bench) -> None:
    octets = bench.incoming()
    assert len(bench.all("100")) == 1
    bench.ua.ring(leg_of(bench), bench.now_s)
    bench.receive(octets)
    assert (len(bench.all("100")), len(bench.all("180"))) == (1, 2)
    assert len([event for event in bench.events if isinstance(event, Incoming)]) == 1


def test_17_2_1_timer_g_repeats_a_refusal_until_timer_h(bench: Bench) -> None:
    bench.incoming()
    bench.ua.hang_up(leg_of(bench), bench.now_s, status=486)
    assert bench.times("486", 40) == [0.5, 1.5, 3.5, 7.5, 11.5, 15.5, 19.5, 23.5, 27.5, 31.5]
    assert bench.ua.open_transactions == 0


def test_17_2_1_an_ack_stops_timer_g_and_timer_i_absorbs_more(bench: Bench) -> None:
    octets = bench.incoming()
    bench.ua.hang_up(leg_of(bench), bench.now_s, status=486)
    ack = follow(octets, bench, "ACK")
    bench.receive(ack)
    bench.receive(ack)
    assert bench.times("486", 4) == []
    assert bench.ua.open_transactions == 1
    bench.wait(1.1)
    assert bench.ua.open_transactions == 0


def test_13_3_1_4_a_2xx_is_repeated_until_its_ack(bench: Bench) -> None:
    octets = bench.incoming()
    bench.ua.answer(leg_of(bench), MEDIA, bench.now_s)
    assert bench.times("200", 4) == [0.5, 1.5, 3.5]
    bench.receive(follow(octets, bench, "ACK", branch="z9hG4bKack"))
    assert bench.times("200", 30) == []
    assert isinstance(bench.events[-1], Answered)


def test_13_3_1_4_a_2xx_never_acknowledged_ends_in_bye(bench: Bench) -> None:
    bench.incoming()
    bench.ua.answer(leg_of(bench), MEDIA, bench.now_s)
    bench.wait(33)
    assert len(bench.all("BYE")) >= 1
    assert bench.ended.why == "timed-out"


def test_6026_7_1_an_invite_again_after_2xx_is_swallowed(bench: Bench) -> None:
    octets = bench.incoming()
    bench.ua.answer(leg_of(bench), MEDIA, bench.now_s)
    before = len(bench.sent)
    bench.receive(octets)
    assert len(bench.sent) == before


def test_15_hanging_up_before_the_ack_waits_for_it(bench: Bench) -> None:
    octets = bench.incoming()
    bench.ua.answer(leg_of(bench), MEDIA, bench.now_s)
    bench.ua.hang_up(leg_of(bench), bench.now_s)
    assert bench.all("BYE") == []
    bench.receive(follow(octets, bench, "ACK", branch="z9hG4bKack"))
    assert len(bench.all("BYE")) == 1
    assert bench.ended.why == "released"


def test_9_2_a_cancel_ends_the_invite_with_487(bench: Bench) -> None:
    octets = bench.incoming()
    bench.receive(cancel(octets))
    assert [response.method for response in bench.all("200")] == ["CANCEL"]
    assert len(bench.all("487")) == 1
    assert bench.ended.why == "hung-up"


def test_9_2_a_cancel_for_nothing_gets_481(bench: Bench) -> None:
    octets = bench.incoming()
    bench.receive(cancel(octets).replace(b"in1", b"in2"))
    assert len(bench.all("481")) == 1


def test_17_2_2_timer_j_repeats_the_answer_to_a_repeated_bye(bench: Bench) -> None:
    octets = bench.incoming()
    bench.ua.answer(leg_of(bench), MEDIA, bench.now_s)
    bench.receive(follow(octets, bench, "ACK", branch="z9hG4bKack"))
    bye = follow(octets, bench, "BYE", cseq=8, branch="z9hG4bKbye")
    for _ in range(3):
        bench.receive(bye)
    byes = [response for response in bench.all("200") if response.method == "BYE"]
    assert len(byes) == 3
    assert isinstance(bench.events[-1], Ended)
    bench.wait(33)
    assert bench.ua.open_transactions == 0


def test_17_2_3_an_invite_of_rfc_2543_without_branch_is_one_call(bench: Bench) -> None:
    octets = bench.incoming(branch="1")
    bench.receive(octets)
    assert len([event for event in bench.events if isinstance(event, Incoming)]) == 1


def test_13_2_1_an_offer_left_to_us_is_answered_in_the_ack(bench: Bench) -> None:
    octets = bench.incoming(body=b"")
    bench.ua.answer(leg_of(bench), MEDIA, bench.now_s)
    assert bench.last_response().body.startswith(b"v=0")
    ack = follow(octets, bench, "ACK", branch="z9hG4bKack")
    ack = ack.replace(
        b"Content-Length: 0", b"Content-Type: application/sdp\r\nContent-Length: %d" % len(ANSWER)
    )
    bench.receive(ack + ANSWER)
    event = bench.events[-1]
    assert isinstance(event, Answered)
    assert event.remote.port == 6000


def test_13_3_1_an_offer_without_a_codec_of_ours_gets_488(bench: Bench) -> None:
    bench.incoming(body=ANSWER.replace(b"RTP/AVP 0 101", b"RTP/AVP 18"))
    assert not bench.ua.answer(leg_of(bench), MEDIA, bench.now_s)
    assert len(bench.all("488")) == 1


def test_15_1_2_a_bye_before_our_answer_ends_the_invite(bench: Bench) -> None:
    octets = bench.incoming()
    bench.ua.ring(leg_of(bench), bench.now_s)
    bench.receive(follow(octets, bench, "BYE", cseq=8, branch="z9hG4bKbye"))
    assert len(bench.all("487")) == 1
    assert bench.ended.why == "hung-up"
