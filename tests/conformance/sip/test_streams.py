"""SIP over TCP and TLS, without sockets: timers, Via and Contact, lost connections, framing."""

import pytest

from engine.telephony.sip.destination import Destination
from engine.telephony.sip.digest import Credentials, authorization, choose_challenge
from engine.telephony.sip.events import OptionsAnswered, Unregistered
from engine.telephony.sip.framing import Framer
from engine.telephony.sip.message import Request, parse
from engine.telephony.sip.stored_dialog import read_dialog
from tests.conformance.sip.test_rfc4475 import EVERY, OPTIONS, message
from tests.unit.telephony.sip.harness import ANSWER, Bench

LEG = "a1-0001-00000001"
TCP = Destination("192.0.2.10", 5060, "TCP")
TLS = Destination("192.0.2.10", 5061, "TLS", "=carrier")
SECOND = Destination("192.0.2.11", 5060, "TCP")
FLOW = Destination("198.51.100.7", 40_000, "TCP", "#7")
AFTER = message(OPTIONS, Via="SIP/2.0/TCP 192.0.2.10;branch=z9hG4bKafter")


def sent_count(bench: Bench, seconds: float) -> int:
    """Return how many messages leave within a time."""
    before = len(bench.sent)
    bench.now_s += seconds
    bench.ua.advance(bench.now_s)
    return len(bench.sent) - before


# --- RFC 3261 §17: what reliable transports change ---------------------------------------------


def test_timer_a_and_e_do_not_run_over_a_stream() -> None:
    bench = Bench()
    bench.call(destination=TCP)
    bench.ua.options("trunk", "sip:192.0.2.10", TCP, bench.now_s)
    assert sent_count(bench, 31.0) == 0
    assert sent_count(bench, 2.0) == 0
    assert bench.ended.why == "timed-out"
    assert OptionsAnswered("trunk", 408) in bench.events
    assert bench.ua.open_transactions == 0


def test_timer_d_and_k_are_zero_over_a_stream() -> None:
    bench = Bench()
    invite = bench.call(destination=TCP)
    bench.respond(invite, 486, source=TCP)
    bench.ua.options("trunk", "sip:192.0.2.10", TCP, bench.now_s)
    bench.respond(bench.last("OPTIONS"), 200, source=TCP)
    bench.ua.advance(bench.now_s)
    assert bench.ua.open_transactions == 0


def test_timer_g_does_not_run_and_i_and_j_are_zero_over_a_stream() -> None:
    bench = Bench(screen=200)
    invite = bench.incoming().replace(b"SIP/2.0/UDP", b"SIP/2.0/TCP")
    bench.sent.clear()
    bench.receive(invite.replace(b"in1", b"in2").replace(b"inbound@", b"other@"), FLOW)
    leg_id = next(e.leg_id for e in reversed(bench.events) if hasattr(e, "leg_id"))
    bench.ua.hang_up(leg_id, bench.now_s, status=486)
    refusals = [octets for octets, _ in bench.sent if b" 486 " in octets]
    assert len(refusals) == 1
    assert {there for _, there in bench.sent} == {FLOW}  # §18.2.2: where the request came from
    bench.now_s += 8.0
    bench.ua.advance(bench.now_s)
    assert len([octets for octets, _ in bench.sent if b" 486 " in octets]) == 1


# --- Via, Contact, and where requests in a dialog go -------------------------------------------


@pytest.mark.parametrize(
    ("there", "via", "contact"),
    [
        (TCP, "SIP/2.0/TCP 192.0.2.1:5060", "<sip:192.0.2.1:5060;transport=tcp>"),
        (TLS, "SIP/2.0/TLS 192.0.2.1:5071", "<sip:192.0.2.1:5071;transport=tls>"),
    ],
)
def test_via_and_contact_name_the_transport(there: Destination, via: str, contact: str) -> None:
    bench = Bench(tls_port=5071)
    invite = bench.call(destination=there)
    assert invite.first("via").startswith(f"{via};branch=")
    assert invite.first("contact") == contact
    bench.ua.options("trunk", "sip:192.0.2.10", there, bench.now_s)
    options = bench.last("OPTIONS")
    assert options.first("via").startswith(f"{via};branch=")
    assert options.first("contact") == contact


UDP = Destination("192.0.2.10", 5060)


@pytest.mark.parametrize(
    ("there", "contact", "hop"),
    [
        (TCP, "<sip:a@192.0.2.10:5060;transport=tcp>", TCP),
        (TCP, "<sip:a@192.0.2.10>", TCP),
        (TCP, "<sip:a@192.0.2.9:5080;transport=TCP>", Destination("192.0.2.9", 5080, "TCP")),
        (TCP, "<sip:a@192.0.2.9:5080>", Destination("192.0.2.9", 5080, "TCP")),
        (TCP, "<sip:a@192.0.2.9;transport=udp>", Destination("192.0.2.9", 5060)),
        (TCP, "<sips:a@192.0.2.9>", Destination("192.0.2.9", 5061, "TLS")),
        (TLS, "<sip:a@192.0.2.10:5060>", TLS),
        (TLS, "<sip:a@192.0.2.10:5060;transport=udp>", TLS),
        (TLS, "<sip:a@192.0.2.9;transport=tcp>", Destination("192.0.2.9", 5061, "TLS", TLS.link)),
        (
            TLS,
            "<sip:a@192.0.2.9:5099;transport=tls>",
            Destination("192.0.2.9", 5099, "TLS", TLS.link),
        ),
        (UDP, "<sip:a@192.0.2.9:5080;transport=tcp>", Destination("192.0.2.9", 5080, "TCP")),
        (UDP, "<sip:a@192.0.2.9:5080>", Destination("192.0.2.9", 5080)),
        (UDP, "<sip:a@192.0.2.9;transport=ws>", Destination("192.0.2.9", 5060)),
    ],
)
def test_a_dialog_goes_on_where_its_contact_says(
    there: Destination, contact: str, hop: Destination
) -> None:
    bench = Bench()
    invite = bench.call(destination=there)
    bench.respond(invite, 200, body=ANSWER, contact=contact, source=there)
    bench.ua.hang_up(LEG, bench.now_s)
    octets, destination = bench.sent[-1]
    assert octets.startswith(b"BYE ")
    assert destination == hop
    assert f"Via: SIP/2.0/{hop.transport} ".encode() in octets


def test_requests_to_a_phone_stay_on_the_connection_it_opened_or_move_with_it() -> None:
    bench = Bench()
    invite = bench.call(destination=FLOW, pinned=True)
    bench.respond(invite, 200, body=ANSWER, source=FLOW, contact="<sip:anna@10.0.0.9:5060>")
    newer = FLOW._replace(port=40_001, link="#8")
    bench.ua.redirect(LEG, newer, lambda _: True)
    bench.ua.offer(LEG, bench.ua._core.legs[LEG].direction, bench.now_s)
    assert bench.sent[-1][1] == FLOW
    bench.respond(bench.last("INVITE"), 488, source=FLOW)
    bench.ua.redirect(LEG, newer, lambda _: False)
    bench.ua.hang_up(LEG, bench.now_s)
    assert bench.sent[-1][1] == newer


# --- lost connections (RFC 3261 §8.1.3.1, §17.1.4, §18.4) --------------------------------------


def test_a_lost_connection_fails_what_waits_at_once_and_the_next_server_is_tried() -> None:
    bench = Bench()
    bench.call(destination=TCP, alternatives=(SECOND,))
    bench.ua.options("trunk", "sip:192.0.2.10", TCP, bench.now_s)
    bench.ua.lose(TCP, bench.now_s, asked=True)
    assert OptionsAnswered("trunk", 503) in bench.events
    octets, there = bench.sent[-1]
    assert (octets[:7], there) == (b"INVITE ", SECOND)
    bench.ua.lose(SECOND, bench.now_s, asked=True)
    ended = bench.ended
    assert (ended.why, ended.status) == ("timed-out", 503)
    assert bench.ua.open_transactions == 0


def test_a_ringing_phone_is_not_rung_twice_because_a_connection_went() -> None:
    bench = Bench()
    invite = bench.call(destination=TCP, alternatives=(SECOND,))
    bench.respond(invite, 180, source=TCP)
    bench.ua.lose(TCP, bench.now_s, asked=True)
    assert bench.sent[-1][1] == TCP
    bench.respond(invite, 200, body=ANSWER, source=FLOW)  # §18.2.2: over a new connection
    assert bench.last("ACK").uri == "sip:far@192.0.2.10:5060"


def test_a_request_goes_once_more_where_its_peer_had_spoken_before() -> None:
    bench = Bench()
    bench.call(destination=TCP)
    bench.ua.lose(TCP, bench.now_s, asked=True, again=True)
    assert len(bench.sent) == 2
    assert bench.sent[0] == bench.sent[1]
    bench.ua.lose(TCP, bench.now_s, asked=True, again=True)
    assert len(bench.sent) == 2
    assert (bench.ended.why, bench.ended.status) == ("timed-out", 503)


def test_a_request_goes_not_once_more_if_the_gate_has_closed() -> None:
    bench = Bench()
    bench.call(destination=TCP)
    bench.gate = False
    bench.ua.lose(TCP, bench.now_s, asked=True, again=True)
    assert len(bench.sent) == 1
    assert bench.ended.status == 503


def test_a_connection_without_requests_of_ours_takes_nothing_along() -> None:
    bench = Bench()
    bench.call(destination=TCP)
    bench.ua.lose(TCP, bench.now_s, asked=False)
    assert not [e for e in bench.events if type(e).__name__ == "Ended"]


def test_an_invite_that_waited_for_its_connection_asks_the_gate_again() -> None:
    bench = Bench()
    bench.call(destination=TCP)
    wire = bench.sent[-1][0]
    assert bench.ua.may_still_leave(wire, bench.now_s)
    bench.gate = False
    assert not bench.ua.may_still_leave(wire, bench.now_s)
    assert bench.ended.why == "gate-closed"
    assert (bench.ua.open_legs, bench.ua.open_transactions) == (0, 0)
    assert not bench.ua.may_still_leave(wire, bench.now_s)


def test_an_invite_that_was_given_up_while_its_connection_opened_never_leaves() -> None:
    bench = Bench()
    bench.call(destination=TCP, alternatives=(SECOND,))
    wire = bench.sent[-1][0]
    bench.ua.hang_up(LEG, bench.now_s)
    assert not bench.ua.may_still_leave(wire, bench.now_s)
    assert (bench.ended.why, bench.ended.status) == ("timed-out", 503)
    assert len(bench.sent) == 1
    assert bench.ua.open_transactions == 0


def test_an_invite_that_a_congested_connection_cannot_take_goes_to_the_next_server() -> None:
    bench = Bench()
    bench.call(destination=TCP, alternatives=(SECOND,))
    assert not bench.ua.may_still_leave(bench.sent[-1][0], bench.now_s, congested=True)
    assert [there for _, there in bench.sent] == [TCP, SECOND]
    bench.gate = False
    assert not bench.ua.may_still_leave(bench.sent[-1][0], bench.now_s, congested=True)
    assert bench.ended.why == "gate-closed"


def register(bench: Bench) -> None:
    """Let anna's phone register over a connection that it opened."""
    request = (
        "REGISTER sip:paceline SIP/2.0\r\nVia: SIP/2.0/TCP 10.0.0.9;branch=z9hG4bK{0}\r\n"
        "From: <sip:anna@paceline>;tag=1\r\nTo: <sip:anna@paceline>\r\nCall-ID: reg\r\n"
        "CSeq: {0} REGISTER\r\nContact: <sip:anna@10.0.0.9>\r\n{1}Content-Length: 0\r\n\r\n"
    )
    bench.receive(request.format(1, "").encode(), FLOW)
    offered = bench.last_response().every_line("www-authenticate")
    challenge = choose_challenge(offered, "", proxy=False)
    assert challenge is not None
    who = Credentials("", "anna", "secret")
    name, value = authorization(challenge, who, "REGISTER", "sip:paceline", 1, "c")
    bench.receive(request.format(2, f"{name}: {value}\r\n").encode(), FLOW)
    assert bench.last_response().status == 200


def test_a_phone_is_unregistered_with_the_connection_it_came_by() -> None:
    bench = Bench()
    register(bench)
    assert bench.ua.is_phone(FLOW)
    bench.ua.lose(FLOW._replace(link="#8"), bench.now_s, asked=False)
    assert bench.ua.find_binding("anna", bench.now_s) is not None
    bench.ua.lose(FLOW, bench.now_s, asked=False)
    assert bench.ua.find_binding("anna", bench.now_s) is None
    assert bench.events[-1] == Unregistered("anna")
    assert not bench.ua.is_phone(FLOW)


# --- earlier lives -----------------------------------------------------------------------------


def test_a_stored_dialog_knows_its_transport_and_trunk_but_no_connection_of_then() -> None:
    bench = Bench()
    for leg_id, there in (("tls", TLS), ("flow", FLOW)):
        invite = bench.call(leg_id, destination=there, pinned=there.is_flow)
        bench.respond(invite, 200, body=ANSWER, source=there, contact="<sip:a@192.0.2.10>")
    new = Bench(life="2")
    tls, flow = (bench.ua.dialog_state(leg_id) for leg_id in ("tls", "flow"))
    assert not new.ua.can_leave(tls)  # its trunk must be known first
    new.ua.end_old_leg("tls", tls, "", Destination("", 0), new.now_s)
    assert (new.sent[-1][0][:4], new.sent[-1][1]) == (b"BYE ", TLS)
    assert not new.ua.can_leave(flow)
    assert read_dialog(flow, new.ua._core.origin).hop.link == "#gone"
    now_at = Destination("198.51.100.7", 41_000, "TCP", "#1")
    new.ua.end_old_leg("flow", flow, "", now_at, new.now_s)
    assert (new.sent[-1][0][:4], new.sent[-1][1]) == (b"BYE ", now_at)


def test_a_dialog_stored_before_there_were_streams_is_read() -> None:
    bench = Bench()
    bench.answered()
    state = bench.ua.dialog_state(LEG)
    assert state.endswith(b"\xa0")  # an empty link at the end
    older = bytes([state[0] - 1]) + state[1:-1] if state[0] & 0xF0 == 0x90 else _shorten(state)
    assert read_dialog(older, bench.ua._core.origin).hop == UDP


def _shorten(state: bytes) -> bytes:
    """Return an array of msgpack (16-bit length) without its last, one-octet element."""
    assert state[0] == 0xDC
    return b"\xdc" + (int.from_bytes(state[1:3], "big") - 1).to_bytes(2, "big") + state[3:-1]


def test_an_unanswered_invite_of_an_earlier_life_is_cancelled_at_each_server_in_turn() -> None:
    old = Bench()
    invite = old.call(destination=TCP, alternatives=(SECOND,))
    old.ua.lose(TCP, old.now_s, asked=True)  # the second has it now
    second = old.last("INVITE")
    new = Bench(life="2")
    new.ua.end_old_leg(LEG, b"", invite.uri, TCP, new.now_s, (SECOND,))
    cancels = []
    for _ in range(20):
        octets, there = new.sent[-1]
        cancel = parse(octets)
        assert isinstance(cancel, Request)
        cancels.append((there, cancel.branch))
        ours = (there, cancel.branch) == (SECOND, second.branch)
        new.respond(cancel, 200 if ours else 481, source=there)
        if ours:
            break
    assert cancels[-1] == (SECOND, second.branch)
    assert new.sent[-1][1] == SECOND


# --- framing: RFC 3261 §18.3 and RFC 4475 over a stream ----------------------------------------


def test_a_request_without_content_length_is_refused_over_a_stream_alone() -> None:
    bench = Bench(screen=200)
    octets = message(OPTIONS, Content_Length="")
    bench.receive(octets, FLOW)
    assert bench.last_response().status == 400
    bench.receive(octets)
    assert bench.last_response().status == 200
    bench.receive(message("SIP/2.0 200 OK", Content_Length=""), FLOW)
    assert bench.ua.counts["garbage"] == 2


@pytest.mark.parametrize("octets", EVERY)
def test_rfc_4475_over_a_stream_cut_at_every_octet(octets: bytes) -> None:
    whole = Framer()
    expected = whole.feed(octets)
    bench = Bench(screen=200)
    for each in expected:
        bench.receive(each, FLOW)
    for at in range(1, len(octets)):
        cut = Framer()
        first = [*cut.feed(octets[:at])]
        assert first == expected[: len(first)]  # cut and closed: nothing but whole messages
        assert [*first, *cut.feed(octets[at:])] == expected
        assert cut.broken == whole.broken
    bench.receive(AFTER, FLOW)
    assert bench.last_response().status == 200
