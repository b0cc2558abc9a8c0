"""Torture messages for IPv6 after RFC 5118: read or refused as it says, over each transport.

Each message is written anew from what its section describes; the section is the test's id. Our
audio is IPv4 alone: what offers IPv6 audio is understood and refused with 488, and nothing is sent
there.
"""

import pytest

from engine.telephony.sip.destination import Destination
from engine.telephony.sip.events import Ended, Incoming, MediaChanged
from engine.telephony.sip.framing import Framer
from engine.telephony.sip.message import Request, parse
from engine.telephony.sip.sdp import Direction
from engine.telephony.sip.uri import parse_uri
from tests.conformance.sip.test_requests_to_us import PHONE, register, sign
from tests.conformance.sip.test_rfc4475 import message
from tests.unit.telephony.sip.harness import ANSWER, MEDIA, TRUNK, Bench

LEG = "a1-0001-00000001"
SIX = b"v=0\r\no=- 1 1 IN IP6 2001:db8::20\r\ns=-\r\nc=IN IP6 2001:db8::20\r\nt=0 0\r\n"
AUDIO_SIX = SIX + b"m=audio 5000 RTP/AVP 0\r\n"
MAPPED = AUDIO_SIX.replace(b"2001:db8::20", b"::ffff:192.0.2.2")
MIXED = (
    b"v=0\r\no=bob 1 1 IN IP4 host.example.com\r\ns=-\r\nt=0 0\r\n"
    b"m=audio 6000 RTP/AVP 0\r\nc=IN IP4 192.0.2.1\r\n"
    b"m=video 6024 RTP/AVP 107\r\nc=IN IP6 2001:db8::20\r\n"
)
SDP = "Content-Type: application/sdp"
VIA = "SIP/2.0/UDP [2001:db8::9:1];branch=z9hG4bKas3-111"
CONTACT = 'Contact: "Caller" <sip:caller@[2001:db8::1]>'

MESSAGES = [
    pytest.param(
        message("REGISTER sip:[2001:db8::10] SIP/2.0", CONTACT, Via=VIA),
        401,
        id="4.1 an IPv6 reference",
    ),
    pytest.param(
        message("REGISTER sip:2001:db8::10 SIP/2.0", CONTACT, Via=VIA), 400, id="4.2 no brackets"
    ),
    pytest.param(
        message("REGISTER sip:[2001:db8::10:5070] SIP/2.0", CONTACT, Via=VIA),
        401,
        id="4.3 a port that is part of the address",
    ),
    pytest.param(
        message("REGISTER sip:[2001:db8::10]:5070 SIP/2.0", CONTACT, Via=VIA),
        401,
        id="4.4 a port behind the brackets",
    ),
    pytest.param(
        message("OPTIONS sip:[2001:db8::10] SIP/2.0", Via=f"{VIA};received=[2001:db8::9:255]"),
        200,
        id="4.5 received with brackets",
    ),
    pytest.param(
        message("OPTIONS sip:[2001:db8::10] SIP/2.0", Via=f"{VIA};received=2001:db8::9:255"),
        200,
        id="4.5 received without brackets",
    ),
    pytest.param(
        message("INVITE sip:user@[2001:db8::10] SIP/2.0", CONTACT, SDP, Via=VIA, body=AUDIO_SIX),
        488,
        id="4.6 IPv6 audio",
    ),
    pytest.param(
        message(
            "OPTIONS sip:user@host.example.net SIP/2.0",
            "Via: SIP/2.0/UDP [2001:db8::9:1]:6050;branch=z9hG4bKas3-111",
            "Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKjhja8781hjuaij65144",
            "Via: SIP/2.0/TCP [2001:db8::9:255];branch=z9hG4bK451jj;received=192.0.2.200",
        ),
        200,
        id="4.7 addresses of both kinds in headers",
    ),
    pytest.param(
        message("INVITE sip:user@[2001:db8::10] SIP/2.0", CONTACT, SDP, Via=VIA, body=MIXED),
        200,
        id="4.8 addresses of both kinds in a description",
    ),
    pytest.param(
        message(
            "INVITE sip:user@example.com SIP/2.0",
            "Via: SIP/2.0/UDP [::ffff:192.0.2.10]:19823;branch=z9hG4bKbh19",
            "Via: SIP/2.0/UDP [::ffff:192.0.2.2];branch=z9hG4bKas3-111",
            'Contact: "T. desk phone" <sip:ted@[::ffff:192.0.2.2]>',
            SDP,
            body=MAPPED,
        ),
        488,
        id="4.9 mapped addresses",
    ),
    pytest.param(
        message("OPTIONS sip:user@[2001:db8:::192.0.2.1] SIP/2.0", Via=VIA),
        200,
        id="4.10 three colons, as RFC 3261 had it",
    ),
    pytest.param(
        message("OPTIONS sip:user@[2001:db8::192.0.2.1] SIP/2.0", Via=VIA),
        200,
        id="4.10 two colons",
    ),
]
EVERY = [pytest.param(entry.values[0], id=str(entry.id)) for entry in MESSAGES]
WAYS = [
    pytest.param(Destination("192.0.2.10", 5060), id="UDP"),
    pytest.param(Destination("192.0.2.10", 40_000, "TCP", "#1"), id="TCP"),
    pytest.param(Destination("192.0.2.10", 40_000, "TLS", "#1"), id="TLS"),
]


def lives(bench: Bench, source: Destination) -> None:
    """Expect that OPTIONS is answered and a call can be made."""
    after = "SIP/2.0/UDP 192.0.2.10;branch=z9hG4bKafter;rport"
    bench.receive(message("OPTIONS sip:user@example.com SIP/2.0", Via=after), source)
    assert bench.last_response().status == 200
    bench.respond(bench.call("a1-0001-00000002"), 200, body=ANSWER)
    assert bench.all("ACK")


def _vias(octets: bytes) -> list[str]:
    lines = octets.decode().split("\r\n")
    return [line.partition(": ")[2] for line in lines if line.startswith("Via: ")]


@pytest.mark.parametrize("source", WAYS)
@pytest.mark.parametrize(("octets", "status"), MESSAGES)
def test_a_message_is_answered_as_the_rfc_says(
    octets: bytes, status: int, source: Destination
) -> None:
    bench = Bench(screen=200)
    bench.receive(octets, source)
    for event in list(bench.events):
        assert isinstance(event, Incoming)
        bench.ua.answer(event.leg_id, MEDIA, bench.now_s)
    answer, _ = bench.sent[-1]
    assert answer.startswith(f"SIP/2.0 {status} ".encode())
    assert {to.host for _, to in bench.sent} == {source.host}  # never where a Via says
    (first, *rest), asked = (_vias(each) for each in (answer, octets))
    assert (first, rest) == (f"{asked[0]};received={source.host}", asked[1:])
    lives(bench, source)


@pytest.mark.parametrize("octets", EVERY)
def test_p1_whatever_is_cut_off_the_agent_lives(octets: bytes) -> None:
    bench = Bench(screen=200)
    for end in range(len(octets)):
        bench.receive(octets[:end])
        bench.receive(octets[end:])
    lives(bench, TRUNK)


@pytest.mark.parametrize("octets", EVERY)
def test_over_a_stream_cut_at_every_octet_it_is_the_same_message(octets: bytes) -> None:
    for at in range(1, len(octets)):
        framer = Framer()
        assert not framer.feed(octets[:at])
        assert framer.feed(octets[at:]) == [octets]
        assert not framer.broken


def test_4_3_and_4_4_a_port_stands_behind_the_brackets() -> None:
    assert parse_uri("sip:[2001:db8::10:5070]")[2:4] == ("[2001:db8::10:5070]", 0)
    assert parse_uri("sip:[2001:db8::10]:5070")[2:4] == ("[2001:db8::10]", 5070)


def test_4_1_a_phone_may_register_an_ipv6_contact_and_is_called_where_it_spoke_from() -> None:
    bench = Bench()
    bench.receive(register(1, CONTACT), PHONE)
    bench.receive(register(2, CONTACT, sign(bench.last_response())), PHONE)
    assert bench.last_response().status == 200
    binding = bench.ua.find_binding("anna", bench.now_s)
    assert binding is not None
    assert (binding.contact, binding.source) == ("sip:caller@[2001:db8::1]", PHONE)


# --- in calls of ours --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("contact", "headers"),
    [
        pytest.param("<sip:far@[2001:db8::1]>", (), id="Contact"),
        pytest.param("<sip:far@[2001:db8:::192.0.2.1]:5070>", (), id="Contact with three colons"),
        pytest.param("<sip:far@[::ffff:192.0.2.2]>", (), id="Contact with a mapped address"),
        pytest.param("<sip:far@999.1.2.3>", (), id="Contact with no address at all"),
        pytest.param("<sip:far@h>", ("Record-Route: <sip:[2001:db8::5];lr>",), id="Record-Route"),
    ],
)
def test_what_ipv4_cannot_reach_is_reached_the_way_the_invite_went(
    contact: str, headers: tuple[str, ...]
) -> None:
    bench = Bench()
    bench.respond(bench.call(), 200, *headers, contact=contact, body=ANSWER)
    bench.ua.hang_up(LEG, bench.now_s)
    ack, bye = ((parse(octets), to) for octets, to in bench.sent[-2:])
    assert (ack[1], bye[1]) == (TRUNK, TRUNK)
    assert isinstance(bye[0], Request)
    assert bye[0].uri == contact[1:-1]
    assert bye[0].every("route") == [each.partition(": ")[2] for each in headers]
    bench.respond(bench.last("BYE"), 200)
    assert bench.ua.open_legs == 0


def test_a_dialog_over_ipv6_follows_its_addresses() -> None:
    there = Destination("2001:db8::10", 5060)
    bench = Bench()
    invite = bench.call(destination=there, target="sip:b@[2001:db8::10]")
    bench.respond(invite, 200, body=ANSWER, contact="<sip:b@[2001:db8::11]:5071>", source=there)
    assert bench.sent[-1][1] == Destination("2001:db8::11", 5071)


def test_4_6_a_call_that_moves_to_ipv6_audio_is_refused_that_and_goes_on() -> None:
    bench = Bench()
    invite = bench.answered()
    bench.request(invite, "INVITE", 1, body=AUDIO_SIX)
    assert bench.last_response().status == 488
    assert not [each for each in bench.events if isinstance(each, MediaChanged | Ended)]
    bench.ua.offer(LEG, Direction.SENDRECV, bench.now_s)
    assert bench.ua.open_legs == 1


def test_4_6_a_hold_by_an_ipv6_address_of_nowhere_is_a_hold() -> None:
    bench = Bench()
    invite = bench.answered()
    bench.request(invite, "INVITE", 1, body=AUDIO_SIX.replace(b"2001:db8::20", b"::"))
    assert bench.last_response().status == 200
    (changed,) = [each for each in bench.events if isinstance(each, MediaChanged)]
    assert changed.remote.held
