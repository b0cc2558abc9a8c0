"""Streams are cut into messages, however their octets come."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.telephony.sip.framing import MAX_BODY, MAX_HEAD, Framer
from engine.telephony.sip.message import MAX_OCTETS

OPTIONS = b"OPTIONS sip:a@192.0.2.1 SIP/2.0\r\nVia: x\r\nContent-Length: 0\r\n\r\n"
INFO = b"INFO sip:a@192.0.2.1 SIP/2.0\r\nl : 5\r\nVia: x\r\n\r\n\r\n5\r\n"
FOLDED = b"SIP/2.0 200 OK\r\nVia: x\r\nCONTENT-LENGTH:\r\n  3 \r\n\r\nabc"
NO_LENGTH = b"OPTIONS sip:a@192.0.2.1 SIP/2.0\r\nVia: x\r\n\r\n"


def test_messages_of_one_segment_come_one_by_one() -> None:
    framer = Framer()
    assert framer.feed(OPTIONS + INFO + FOLDED) == [OPTIONS, INFO, FOLDED]
    assert not framer.is_inside
    assert not framer.broken


@pytest.mark.parametrize("at", range(1, len(INFO)))
def test_a_message_cut_anywhere_is_whole_again(at: int) -> None:
    framer = Framer()
    assert framer.feed(INFO[:at]) == []
    assert framer.is_inside
    assert framer.feed(INFO[at:] + OPTIONS) == [INFO, OPTIONS]


@given(st.lists(st.sampled_from([OPTIONS, INFO, FOLDED, b"\r\n\r\n", b"\r\n"])), st.data())
def test_any_cut_of_any_stream_gives_the_same_messages(
    pieces: list[bytes], data: st.DataObject
) -> None:
    whole, cut = Framer(), Framer()
    stream = b"".join(pieces)
    expected = whole.feed(stream)
    found: list[bytes] = []
    while stream:
        size = data.draw(st.integers(1, len(stream)))
        found += cut.feed(stream[:size])
        stream = stream[size:]
    assert found == expected == [piece for piece in pieces if piece.strip()]
    assert (cut.pings, cut.is_inside) == (whole.pings, whole.is_inside)


@given(st.binary())
def test_nothing_makes_it_raise_or_keep_much(octets: bytes) -> None:
    framer = Framer()
    for message in framer.feed(octets):
        assert len(message) <= MAX_OCTETS
    framer.feed(OPTIONS)


def test_keep_alives_are_counted_even_if_cut() -> None:
    framer = Framer()
    assert framer.feed(b"\r\n\r") == []
    assert framer.pings == 0
    assert not framer.is_inside
    assert framer.feed(b"\n") == []
    assert framer.pings == 1
    assert framer.feed(b"\r\n" + OPTIONS + b"\r\n") == [OPTIONS]
    assert framer.pings == 1


@pytest.mark.parametrize(
    ("octets", "why", "handed_over"),
    [
        pytest.param(NO_LENGTH, "no-length", [NO_LENGTH], id="no Content-Length"),
        pytest.param(
            OPTIONS[:-2] + b"l: 0\r\n\r\n", "no-length", [OPTIONS[:-2] + b"l: 0\r\n\r\n"], id="two"
        ),
        pytest.param(
            INFO.replace(b"5", b"-5", 1), "no-length", [INFO[:-5].replace(b"5", b"-5")], id="ncl"
        ),
        pytest.param(
            INFO.replace(b": 5", b": 99999", 1),
            "body-too-long",
            [INFO[:-5].replace(b"5", b"99999")],
            id="a body of 99,999 octets",
        ),
        pytest.param(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", "junk", [], id="HTTP"),
        pytest.param(b"\x16\x03\x01\x02\x00\x01\x00", "junk", [], id="TLS where TCP is spoken"),
        pytest.param(b"O" * (MAX_HEAD + 1), "head-too-long", [], id="a start line without end"),
        pytest.param(
            OPTIONS[:-2] + b"X: y\r\n" * MAX_HEAD, "head-too-long", [], id="headers without end"
        ),
    ],
)
def test_a_stream_that_cannot_be_cut_is_broken(
    octets: bytes, why: str, handed_over: list[bytes]
) -> None:
    framer = Framer()
    assert framer.feed(octets) == handed_over
    assert framer.broken == why
    assert framer.feed(OPTIONS) == []
    assert not framer.is_inside


def test_the_longest_message_is_read() -> None:
    head = b"INFO sip:a@192.0.2.1 SIP/2.0\r\nContent-Length: %d\r\nX: " % MAX_BODY
    message = head + b"y" * (MAX_HEAD - len(head) - 4) + b"\r\n\r\n" + b"z" * MAX_BODY
    framer = Framer()
    found = framer.feed(message)
    assert [len(each) for each in found] == [len(message)]
    assert MAX_HEAD + MAX_BODY == MAX_OCTETS
