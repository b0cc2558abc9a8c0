"""URIs and addresses."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.telephony.sip.grammar import ParseError, parse_params, quote, split_commas, unquote
from engine.telephony.sip.uri import SipUri, escape_user, parse_address, parse_uri


@pytest.mark.parametrize(
    "text",
    [
        "sip:+14155550100@192.0.2.1:5060;transport=udp",
        "sips:alice:secret@example.com",
        "sip:[2001:db8::1]:5070;lr",
        "sip:user;par=u%40example.net@example.com",
        "sip:example.com?Subject=x",
    ],
)
def test_a_uri_is_written_as_it_was_read(text: str) -> None:
    assert str(parse_uri(text)) == text


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ("sip:", 400),
        ("sip:a@b:99999", 400),
        ("sip:a@b c", 400),
        ("<sip:a@b>", 400),
        ("sip:a%4@b", 400),
        ("tel:+1415", 416),
        ("nobodyKnowsThisScheme:totallyopaque", 416),
    ],
)
def test_a_malformed_or_foreign_uri_is_refused(text: str, status: int) -> None:
    with pytest.raises(ParseError) as caught:
        parse_uri(text)
    assert caught.value.status == status


def test_a_name_with_every_trick_is_read() -> None:
    address = parse_address('"Watson, \\"T\\" <x>" <sip:t@example.org;a=b> ; Tag = 1 ;q')
    assert address.name == 'Watson, "T" <x>'
    assert address.uri == "sip:t@example.org;a=b"
    assert address.params == {"tag": "1", "q": None}


def test_parameters_of_a_bare_uri_belong_to_the_header() -> None:
    address = parse_address("sip:a@example.org;tag=7")
    assert (address.uri, address.params) == ("sip:a@example.org", {"tag": "7"})


def test_commas_in_quotes_and_brackets_separate_nothing() -> None:
    assert split_commas('"a, b" <sip:c,d@e>, <sip:f@g>;x="1,2"') == [
        '"a, b" <sip:c,d@e>',
        '<sip:f@g>;x="1,2"',
    ]


@given(st.text(max_size=40))
def test_no_name_escapes_its_quotes(text: str) -> None:
    quoted = quote(text)
    assert not {"\r", "\n", "\0"} & set(quoted)
    assert parse_address(f"{quoted} <sip:a@b.c>").uri == "sip:a@b.c"


@given(st.text(st.characters(categories=("L", "N", "P", "S", "Zs")), max_size=40))
def test_a_printable_name_survives_its_quotes(text: str) -> None:
    if text.isprintable():
        assert unquote(quote(text)) == text


@given(st.text(min_size=1, max_size=30))
def test_any_text_is_safe_as_a_user(text: str) -> None:
    parsed = parse_uri(
        str(SipUri("sip", escape_user(text.encode("utf-8", "replace").decode()), "b.c"))
    )
    assert parsed.host == "b.c"


@given(st.text(max_size=60))
def test_parameters_raise_nothing_but_parse_errors(text: str) -> None:
    for read in (parse_params, split_commas, parse_address, parse_uri):
        with suppress(ParseError):
            read(text)
