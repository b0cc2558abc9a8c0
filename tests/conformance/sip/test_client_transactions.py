"""Client transactions, clause by clause (RFC 3261 §17.1, RFC 6026)."""

import pytest

from engine.telephony.sip.destination import Destination
from engine.telephony.sip.events import Answered, Ended, OptionsAnswered
from tests.unit.telephony.sip.harness import ANSWER, TRUNK, Bench


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_17_1_1_2_timer_a_doubles_and_timer_b_ends_the_invite(bench: Bench) -> None:
    bench.call()
    assert bench.times("INVITE", 40) == [0.5, 1.5, 3.5, 7.5, 15.5, 31.5]
    assert (bench.ended.why, bench.ended.status) == ("timed-out", 408)
    assert bench.ua.open_legs == bench.ua.open_transactions == 0


def test_17_1_1_2_a_provisional_response_stops_retransmission(bench: Bench) -> None:
    invite = bench.call()
    bench.respond(invite, 100, contact="")
    assert bench.times("INVITE", 120) == []
    assert not [event for event in bench.events if isinstance(event, Ended)]


def test_17_1_1_3_a_refusal_is_acknowledged_on_the_invites_own_branch(bench: Bench) -> None:
    invite = bench.call()
    bench.respond(invite, 486)
    ack = bench.last("ACK")
    assert (ack.branch, ack.cseq, ack.uri, ack.to_tag) == (
        invite.branch,
        invite.cseq,
        invite.uri,
        "far",
    )
    assert ack.headers["from"] == invite.headers["from"]
    assert ack.headers["via"] == invite.headers["via"]


def test_17_1_1_2_timer_d_absorbs_retransmitted_refusals(bench: Bench) -> None:
    invite = bench.call()
    for _ in range(3):
        bench.respond(invite, 486)
        bench.wait(10)
    assert len(bench.all("ACK")) == 3
    assert bench.ended.why == "refused"
    bench.wait(33)
    assert bench.ua.open_transactions == 0


def test_6026_7_2_accepted_passes_each_2xx_until_timer_m(bench: Bench) -> None:
    invite = bench.answered()
    for _ in range(3):
        bench.wait(9)
        bench.respond(invite, 200, body=ANSWER)
    assert len({octets for octets, _ in bench.sent if octets.startswith(b"ACK ")}) == 1
    assert len(bench.all("ACK")) == 4
    assert len([event for event in bench.events if isinstance(event, Answered)]) == 1


def test_6026_8_5_a_2xx_after_timer_m_still_gets_its_ack(bench: Bench) -> None:
    invite = bench.answered()
    bench.wait(40)
    assert bench.ua.open_transactions == 0
    bench.respond(invite, 200, body=ANSWER)
    assert len(bench.all("ACK")) == 2
    assert bench.ua.open_legs == 1


def test_17_1_2_2_timer_e_doubles_to_t2_and_timer_f_ends(bench: Bench) -> None:
    bench.ua.options("trunk", "sip:192.0.2.10", TRUNK, bench.now_s)
    assert bench.times("OPTIONS", 40) == [
        0.5,
        1.5,
        3.5,
        7.5,
        11.5,
        15.5,
        19.5,
        23.5,
        27.5,
        31.5,
    ]
    assert bench.events == [OptionsAnswered("trunk", 408)]


def test_17_1_2_2_after_a_provisional_timer_e_is_t2(bench: Bench) -> None:
    bench.ua.options("trunk", "sip:192.0.2.10", TRUNK, bench.now_s)
    bench.respond(bench.last("OPTIONS"), 100)
    assert bench.times("OPTIONS", 13) == [0.5, 4.5, 8.5, 12.5]


def test_17_1_2_2_timer_k_absorbs_retransmitted_answers(bench: Bench) -> None:
    bench.ua.options("trunk", "sip:192.0.2.10", TRUNK, bench.now_s)
    options = bench.last("OPTIONS")
    for _ in range(3):
        bench.respond(options, 200)
    assert bench.events == [OptionsAnswered("trunk", 200)]
    bench.wait(5.1)
    assert bench.ua.open_transactions == 0


def test_8_1_3_1_a_request_that_cannot_leave_counts_as_503(bench: Bench) -> None:
    bench.sendable = False
    bench.ua.options("trunk", "sip:192.0.2.10", TRUNK, bench.now_s)
    assert bench.ua.next_deadline() <= bench.now_s
    bench.wait(0.0)
    assert bench.events == [OptionsAnswered("trunk", 503)]
    assert bench.ua.open_transactions == 0


def test_8_1_3_1_an_invite_that_cannot_leave_ends_its_leg_or_tries_the_next_server(
    bench: Bench,
) -> None:
    bench.call()
    invites = len(bench.sent)
    bench.sendable = False
    bench.call("second", alternatives=(Destination("192.0.2.11", 5060),))
    bench.wait(0.0)
    bench.wait(0.0)
    assert (bench.ended.leg_id, bench.ended.why, bench.ended.status) == ("second", "timed-out", 503)
    assert len(bench.asked) == 3  # the gate is asked before each of them
    assert bench.ua.open_legs == 1
    assert len(bench.sent) == invites


def test_17_1_3_a_response_with_another_branch_or_method_matches_nothing(bench: Bench) -> None:
    invite = bench.call()
    before = list(bench.events)
    octets = invite.to_bytes()
    for wrong in (
        octets.replace(invite.branch.encode(), b"z9hG4bKother"),
        octets.replace(b"CSeq: 1 INVITE", b"CSeq: 1 OPTIONS"),
    ):
        bench.receive(wrong.replace(wrong.split(b"\r\n")[0], b"SIP/2.0 486 Busy"))
    assert bench.events == before


def test_8_1_3_3_a_response_with_two_vias_is_dropped(bench: Bench) -> None:
    invite = bench.call()
    bench.respond(invite, 486, "Via: SIP/2.0/UDP 192.0.2.77;branch=z9hG4bKx")
    assert bench.events == []
    assert bench.ua.counts["garbage"] == 1
