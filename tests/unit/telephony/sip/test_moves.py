"""A far end that moves within a call (RFC 3261 §12.2): told, so that a restart can follow."""

import pytest

from engine.telephony.sip.destination import Destination
from engine.telephony.sip.events import MediaChanged, Moved
from engine.telephony.sip.moves import PAUSE_S
from engine.telephony.sip.sdp import Direction
from tests.unit.telephony.sip.harness import ANSWER, TRUNK, Bench

LEG = "a1-0001-00000001"
NEW = "<sip:far@192.0.2.77:5070>"


@pytest.fixture
def bench() -> Bench:
    return Bench()


def moves(bench: Bench) -> int:
    return sum(isinstance(event, Moved) for event in bench.events)


def ended_by_another_life(bench: Bench) -> tuple[str, Destination]:
    """Return URI and way of the BYE that a later life sends."""
    new = Bench(life="2")
    new.ua.end_old_leg(LEG, bench.ua.dialog_state(LEG), "", TRUNK, new.now_s)
    return new.last("BYE").uri, new.sent[-1][1]


@pytest.mark.parametrize(
    ("method", "body"), [("INVITE", ANSWER), ("INVITE", b""), ("UPDATE", b""), ("UPDATE", ANSWER)]
)
def test_a_request_of_the_far_end_moves_it(bench: Bench, method: str, body: bytes) -> None:
    invite = bench.answered()
    bench.request(invite, method, 1, body=body, contact=NEW)
    assert moves(bench) == 1
    assert ended_by_another_life(bench) == (
        "sip:far@192.0.2.77:5070",
        Destination("192.0.2.77", 5070),
    )


def test_an_answer_to_our_offer_moves_it(bench: Bench) -> None:
    bench.answered()
    bench.ua.offer(LEG, Direction.SENDONLY, bench.now_s)
    bench.respond(bench.last("INVITE"), 200, body=ANSWER, contact=NEW)
    assert moves(bench) == 1
    assert ended_by_another_life(bench)[1] == Destination("192.0.2.77", 5070)


def test_an_answer_to_our_refresh_moves_it(bench: Bench) -> None:
    timer = ("Session-Expires: 90;refresher=uac", "Allow: UPDATE")
    bench.respond(bench.call(session_s=90), 200, *timer, body=ANSWER)
    bench.wait(46.0)
    bench.respond(bench.last("UPDATE"), 200, contact=NEW)
    assert moves(bench) == 1
    assert ended_by_another_life(bench)[1] == Destination("192.0.2.77", 5070)


def test_one_that_stays_is_not_told(bench: Bench) -> None:
    invite = bench.answered()
    bench.request(invite, "INVITE", 1, body=ANSWER)
    bench.request(invite, "ACK", 1, branch="ack")
    bench.request(invite, "UPDATE", 2)
    assert [event for event in bench.events if isinstance(event, MediaChanged)]
    assert moves(bench) == 0


def test_a_malformed_contact_moves_nothing(bench: Bench) -> None:
    invite = bench.answered()
    bench.request(invite, "UPDATE", 1, contact="<sip:@@>")
    assert moves(bench) == 0
    assert ended_by_another_life(bench)[1] == TRUNK


def test_the_way_over_a_route_stays_and_the_uri_is_the_new_one(bench: Bench) -> None:
    invite = bench.call()
    bench.respond(invite, 200, "Record-Route: <sip:192.0.2.31;lr>", body=ANSWER)
    bench.request(invite, "UPDATE", 1, contact=NEW)
    assert moves(bench) == 1
    assert ended_by_another_life(bench) == (
        "sip:far@192.0.2.77:5070",
        Destination("192.0.2.31", 5060),
    )


def test_one_that_moves_all_the_time_is_told_now_and_then_and_in_the_end(bench: Bench) -> None:
    """Each is written to disk: a far end must not fill it."""
    invite = bench.answered()
    for cseq in range(1, 91):
        bench.request(invite, "UPDATE", cseq, contact=f"<sip:far@192.0.2.77:{5000 + cseq}>")
        bench.wait(0.1)
    assert moves(bench) == 2
    bench.wait(PAUSE_S)
    assert moves(bench) == 3
    assert ended_by_another_life(bench)[1] == Destination("192.0.2.77", 5090)


def test_one_that_left_is_told_no_more(bench: Bench) -> None:
    invite = bench.answered()
    for cseq in (1, 2):
        bench.request(invite, "UPDATE", cseq, contact=f"<sip:far@192.0.2.77:{5000 + cseq}>")
    bench.request(invite, "BYE", 3)
    bench.wait(40.0)
    assert moves(bench) == 1
    assert bench.ua.open_legs == 0
