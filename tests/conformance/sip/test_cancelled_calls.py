"""Calls that we want ended before their answer, and carriers that are silent meanwhile (§9.1)."""

import pytest

from engine.domain.causes import CANCELLED, NO_ANSWER, TIMED_OUT, UNREACHABLE, Cause
from engine.telephony.sip.destination import Destination
from engine.telephony.sip.ending import leg_ended
from engine.telephony.sip.events import Answered, Ended
from tests.unit.telephony.sip.harness import ANSWER, TRUNK, Bench

LEG = "a1-0001-00000001"
SECOND = Destination("192.0.2.11", 5060)
TCP = Destination("192.0.2.10", 5060, "TCP")


@pytest.fixture
def bench() -> Bench:
    return Bench()


@pytest.mark.parametrize("others", [(), (SECOND,)], ids=["one server", "two servers"])
def test_a_carrier_that_never_said_a_word_is_not_a_party_that_did_not_answer(
    bench: Bench, others: tuple[Destination, ...]
) -> None:
    bench.call(ring_s=15.0, alternatives=others)
    bench.wait(40.0)
    assert {there for _, there in bench.sent} == {TRUNK}
    assert (bench.ended.why, bench.ended.status) == ("timed-out", 408)
    assert leg_ended(bench.ended, None).cause == TIMED_OUT


def test_a_carrier_that_said_trying_and_no_more_is_cancelled_as_ever(bench: Bench) -> None:
    invite = bench.call(ring_s=15.0)
    bench.respond(invite, 100, contact="")
    bench.wait(16.0)
    bench.respond(invite, 487)
    assert leg_ended(bench.ended, None).cause == NO_ANSWER


@pytest.mark.parametrize(
    ("event", "wanted", "cause"),
    [
        (Ended(LEG, "timed-out", 408), None, TIMED_OUT),
        (Ended(LEG, "timed-out", 503), None, UNREACHABLE),
        (Ended(LEG, "timed-out", 408), CANCELLED, CANCELLED),
        (Ended(LEG, "cancelled", 487), CANCELLED, CANCELLED),
    ],
)
def test_what_the_engine_wanted_is_the_cause(
    event: Ended, wanted: Cause | None, cause: Cause
) -> None:
    assert leg_ended(event, wanted).cause == cause


def test_an_invite_that_is_to_be_cancelled_goes_over_no_second_connection(bench: Bench) -> None:
    bench.call(destination=TCP)
    bench.ua.hang_up(LEG, bench.now_s)
    bench.ua.lose(TCP, bench.now_s, asked=True, again=True)
    assert len(bench.all("INVITE")) == 1
    assert bench.ua.open_legs == 0


def test_early_media_of_one_server_is_not_the_answer_of_another(bench: Bench) -> None:
    first = bench.call(alternatives=(SECOND,))
    bench.respond(first, 183, body=ANSWER)
    bench.respond(first, 503)
    bench.respond(bench.last("INVITE"), 200, source=SECOND)
    assert not [event for event in bench.events if isinstance(event, Answered)]
    assert bench.ended.why == "broken"
