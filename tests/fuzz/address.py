"""URIs, addresses, Vias, comma lists and parameters: read, or refused by a ParseError alone."""

from contextlib import suppress

from engine.telephony.sip.checks import check_via
from engine.telephony.sip.destination import Destination
from engine.telephony.sip.grammar import ParseError, parse_params, split_commas, unquote
from engine.telephony.sip.responses import via_destination
from engine.telephony.sip.uri import escape_user, parse_address, parse_uri

_SOURCE = Destination("192.0.2.10", 5070)
SEEDS = [
    b"sip:user;par=u%40x@[2001:db8::1]:5060;transport=tcp;lr?a=b",
    b'"A \\" B" <sips:a:b@c.example>;tag=1;q="x;y"',
    b"SIP / 2.0 / UDP [2001:db8::9:1]:5060 ;branch=z9hG4bK1;received=2001:db8::9:255;rport",
    b'<sip:a@b>;x="1,2",<sip:c@d,e>, "q,\\"" <sip:[::1]>',
    b";lr;transport=UDP;x=[::1]:5",
]


def check(octets: bytes) -> None:
    """What is read is written as it was, or means the same."""
    text = octets.decode("utf-8", "surrogateescape")
    with suppress(ParseError):
        uri = parse_uri(text)
        assert parse_uri(str(uri)) == uri
    with suppress(ParseError):
        parse_address(text)
    with suppress(ParseError):
        parse_params(text)
    with suppress(ParseError):
        assert sum(map(len, split_commas(text))) <= len(text)
    with suppress(ParseError):
        check_via(text)
        assert via_destination(text, _SOURCE).host == _SOURCE.host
    unquote(text)
    assert parse_uri(f"sip:{escape_user(text)}@example.com" if text else "sip:a").host
