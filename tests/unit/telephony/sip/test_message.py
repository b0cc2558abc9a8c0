"""Messages: what goes in comes out, and nothing that comes in raises but ParseError."""

import string
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.telephony.sip.grammar import ParseError
from engine.telephony.sip.message import Message, Request, Response, parse

BYE = (
    b"BYE sip:a@192.0.2.1 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.9;branch=z9hG4bK1\r\n"
    b"From: <sip:b@192.0.2.9>;tag=1\r\nTo: <sip:a@192.0.2.1>;tag=2\r\n"
    b"Call-ID: x@y\r\nCSeq: 2 BYE\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n"
)

tokens = st.text(string.ascii_letters + string.digits + "-.!%*_+`'~", min_size=1, max_size=20)
values = st.text(
    st.characters(blacklist_categories=("Cs", "Cc", "Zl", "Zp"), max_codepoint=0x2FFF), max_size=40
).map(str.strip)


@st.composite
def messages(draw: st.DrawFn) -> Message:
    method = draw(tokens)
    headers = {
        "via": [f"SIP/2.0/UDP 192.0.2.9;branch=z9hG4bK{draw(tokens)}"],
        "from": [f"<sip:b@192.0.2.9>;tag={draw(tokens)}"],
        "to": ["<sip:a@192.0.2.1>"],
        "call-id": [draw(tokens)],
        "cseq": [f"{draw(st.integers(0, (1 << 31) - 1))} {method}"],
        "x-own": draw(st.lists(values, min_size=1, max_size=3)),
    }
    body = draw(st.binary(max_size=60))
    if draw(st.booleans()):
        return Request(method, "sip:a@192.0.2.1", headers, body)
    return Response(draw(st.integers(100, 699)), draw(values), headers, body)


@given(messages())
def test_a_message_survives_a_round_trip(message: Message) -> None:
    again = parse(message.to_bytes())
    again.headers.pop("content-length")
    assert type(again) is type(message)
    assert again.start_line().strip() == message.start_line().strip()
    assert again.headers == message.headers
    assert again.body == message.body
    assert (again.branch, again.from_tag, again.cseq) == (
        message.branch,
        message.from_tag,
        message.cseq,
    )


@given(st.binary(max_size=300))
def test_no_octets_make_the_parser_raise_anything_else(octets: bytes) -> None:
    with suppress(ParseError):
        parse(octets)


@given(st.integers(0, len(BYE) - 1), st.binary(min_size=1, max_size=3))
def test_no_damage_makes_the_parser_raise_anything_else(at: int, wrong: bytes) -> None:
    with suppress(ParseError):
        parse(BYE[:at] + wrong + BYE[at + len(wrong) :])


@given(st.integers(0, len(BYE) - 1))
def test_a_message_cut_anywhere_in_its_head_is_refused(at: int) -> None:
    with pytest.raises(ParseError):
        parse(BYE[:at])


def test_octets_that_are_not_utf8_survive() -> None:
    octets = BYE.replace(b"Max-Forwards: 70", b"Subject: \xff\xfe")
    assert parse(octets).to_bytes() == octets


@pytest.mark.parametrize("name", ["Call-ID", "CSeq", "Content-Length", "From", "To"])
def test_a_second_one_of_a_single_header_is_refused(name: str) -> None:
    line = next(line for line in BYE.split(b"\r\n") if line.startswith(name.encode()))
    with pytest.raises(ParseError, match="more than one"):
        parse(BYE.replace(line, line + b"\r\n" + line))


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param(b"Subject: a\rBYE", id="bare CR"),
        pytest.param(b"Subject: a\nTo: <sip:evil@x>", id="bare LF"),
    ],
)
def test_a_stray_line_end_hides_no_header(wrong: bytes) -> None:
    with pytest.raises(ParseError, match="bare"):
        parse(BYE.replace(b"Max-Forwards: 70", wrong))


def test_compact_names_and_folding_are_read() -> None:
    octets = (
        b"SIP/2.0 200 OK\r\nv: SIP/2.0/UDP 192.0.2.9 ;\r\n branch = z9hG4bK7\r\n"
        b"f: <sip:b@192.0.2.9> ; tag = 1\r\nt: <sip:a@192.0.2.1>\r\n"
        b"i: x\r\nCSEQ: 3 \r\n\tOPTIONS\r\n"
        b"l: 0\r\n\r\n"
    )
    message = parse(octets)
    assert (message.branch, message.from_tag, message.cseq, message.method) == (
        "z9hG4bK7",
        "1",
        3,
        "OPTIONS",
    )


@pytest.mark.parametrize("number", [1 << 31, 1 << 32, (1 << 64) + 1, 10**19])
def test_a_cseq_too_large_does_not_wrap(number: int) -> None:
    with pytest.raises(ParseError):
        parse(BYE.replace(b"CSeq: 2", f"CSeq: {number}".encode()))


def test_a_flood_of_headers_is_refused() -> None:
    with pytest.raises(ParseError, match="too many"):
        parse(BYE.replace(b"Max-Forwards: 70", b"\r\n".join([b"X: y"] * 400)))
