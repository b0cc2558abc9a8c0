"""Offers and answers (RFC 3264)."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.telephony.sip import sdp
from engine.telephony.sip.grammar import ParseError
from engine.telephony.sip.sdp import Direction, LocalMedia

OURS = LocalMedia("192.0.2.1", 4000)


def offered(*lines: str, port: int = 6000, formats: str = "0 8 101") -> bytes:
    head = ["v=0", "o=x 1 1 IN IP4 192.0.2.9", "s=-", "c=IN IP4 192.0.2.9", "t=0 0"]
    return "\r\n".join([*head, f"m=audio {port} RTP/AVP {formats}", *lines, ""]).encode()


def test_our_offer_is_read_back_as_it_was_meant() -> None:
    remote = sdp.parse(sdp.offer(OURS, 7, 1))
    assert (remote.host, remote.port, remote.codecs) == ("192.0.2.1", 4000, (0, 8))
    assert (remote.event, remote.direction) == (101, Direction.SENDRECV)


def test_an_answer_takes_the_offerers_event_payload_and_order() -> None:
    remote = sdp.parse(offered("a=rtpmap:96 telephone-event/8000", formats="8 0 96"))
    body = sdp.answer(OURS, remote, 7, 1)
    assert body is not None
    answer = sdp.parse(body)
    assert (answer.codecs, answer.event) == ((8, 0), 96)


@pytest.mark.parametrize(
    ("theirs", "ours", "answered"),
    [
        ("sendrecv", "sendrecv", "sendrecv"),
        ("sendonly", "sendrecv", "recvonly"),
        ("recvonly", "sendrecv", "sendonly"),
        ("inactive", "sendrecv", "inactive"),
        ("sendrecv", "sendonly", "sendonly"),
        ("sendonly", "sendonly", "inactive"),
        ("recvonly", "sendonly", "sendonly"),
    ],
)
def test_directions_are_answered_as_rfc_3264_6_1_says(
    theirs: str, ours: str, answered: str
) -> None:
    assert sdp.narrow(Direction(theirs), Direction(ours)) is Direction(answered)


def test_other_media_lines_are_refused_one_by_one_in_order() -> None:
    video = b"m=video 7000 RTP/AVP 97\r\nm=audio 7002 RTP/AVP 0\r\n"
    body = sdp.answer(OURS, sdp.parse(offered() + video), 7, 1)
    assert body is not None
    lines = [line for line in body.decode().splitlines() if line.startswith("m=")]
    assert [line.split()[:2] for line in lines] == [
        ["m=audio", "4000"],
        ["m=video", "0"],
        ["m=audio", "0"],
    ]


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(offered(formats="9 18"), id="no codec of ours"),
        pytest.param(offered(port=0), id="port 0"),
        pytest.param(offered().replace(b"RTP/AVP", b"RTP/SAVP"), id="SRTP"),
    ],
)
def test_an_offer_that_cannot_be_used_has_no_answer(body: bytes) -> None:
    assert sdp.answer(OURS, sdp.parse(body), 7, 1) is None


def test_a_connection_address_of_zero_is_a_hold() -> None:
    remote = sdp.parse(offered().replace(b"c=IN IP4 192.0.2.9", b"c=IN IP4 0.0.0.0"))
    assert remote.held


def test_a_connection_line_of_the_media_overrides_the_sessions() -> None:
    assert sdp.parse(offered("c=IN IP4 192.0.2.77")).host == "192.0.2.77"


def test_a_static_payload_type_mapped_to_something_else_is_not_ours() -> None:
    assert sdp.parse(offered("a=rtpmap:0 G729/8000")).codecs == (8,)


@given(st.binary(max_size=400))
def test_no_octets_make_the_reader_raise_anything_else(octets: bytes) -> None:
    with suppress(ParseError):
        sdp.parse(octets)


@given(st.integers(0, 200), st.binary(min_size=1, max_size=4))
def test_no_damage_makes_the_reader_raise_anything_else(at: int, wrong: bytes) -> None:
    whole = offered("a=sendrecv", "a=rtpmap:101 telephone-event/8000")
    with suppress(ParseError):
        sdp.parse(whole[:at] + wrong + whole[at + len(wrong) :])
