"""What makes a message unusable although it could be split into headers (RFC 3261 §8.2, §20)."""

import re

from engine.telephony.sip.grammar import QUOTED, ParseError, parse_number, split_commas
from engine.telephony.sip.uri import check_any_uri, parse_address, parse_uri

_REQUIRED = ("via", "from", "to", "call-id", "cseq")
_ONCE = frozenset(
    {"from", "to", "call-id", "cseq", "content-length", "content-type", "max-forwards"}
)
_VIA = re.compile(
    r"SIP\s*+/\s*+2\.0\s*+/\s*+([A-Za-z0-9\-.!%*_+`'~]++)\s++"
    r"(\[[0-9A-Fa-f:.]++\]|[A-Za-z0-9\-._]++)\s*+(?::\s*+([0-9]{1,5}))?\s*+((?:;.*+)?)",
    re.IGNORECASE | re.DOTALL,
)
_VIA_PARAMS = re.compile(
    r"(?:;\s*+[A-Za-z0-9\-.!%*_+`'~]++\s*+"
    rf"(?:=\s*+(?:{QUOTED}|[A-Za-z0-9\-.!%*_+`'~\[\]:]*+)\s*+)?)*+",
    re.DOTALL,
)
_CALL_ID = re.compile(r"[^\s@]+(?:@[^\s@]+)?")
_DATE = re.compile(r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT")


def check_presence(headers: dict[str, list[str]], blank: bytes) -> None:
    """Refuse a message without the headers that all need, or with a second one of a single.

    Two Content-Length, Call-ID or CSeq would let two elements read two different messages.

    Raises:
        ParseError: A header is missing or repeated, or the header section has no end.
    """
    for name in _REQUIRED:
        if name not in headers:
            raise ParseError(f"missing {name}")
    for name, values in headers.items():
        if len(values) > 1 and name in _ONCE:
            raise ParseError(f"more than one {name}")
    if not blank:
        raise ParseError("header section has no end")


def cut_body(headers: dict[str, list[str]], body: bytes) -> bytes:
    """Return the body that Content-Length promises; over UDP it may be absent (RFC 3261 §18.3).

    Raises:
        ParseError: The promise is malformed or longer than what came.
    """
    values = headers.get("content-length")
    if not values:
        return body
    length = parse_number(values[0], 1 << 31)
    if length > len(body):
        raise ParseError("body shorter than Content-Length")
    return body[:length]


def check_single_via(vias: list[str]) -> None:
    """Refuse a response that was not meant for us alone: a user agent's has one Via (§8.1.3.3).

    Raises:
        ParseError: There are more.
    """
    if len(vias) != 1:
        raise ParseError("response with more than one Via")


def check_request(headers: dict[str, list[str]], uri: str) -> None:
    """Refuse a request whose mandatory parts are malformed (RFC 3261 §8.1.1, §16.3).

    Raises:
        ParseError: With 400, or 416 for a scheme that is not SIP's.
    """
    _check_target(uri)
    for value in headers["via"]:
        for via in split_commas(value):
            check_via(via)
    parse_address(headers["from"][0])
    parse_address(headers["to"][0])
    if not _CALL_ID.fullmatch(headers["call-id"][0]):
        raise ParseError("malformed Call-ID")
    _check_contacts(headers.get("contact", ()))
    if "max-forwards" in headers:
        parse_number(headers["max-forwards"][0], 255)
    for value in headers.get("expires", ()):
        parse_number(value, (1 << 32) - 1)
    for value in headers.get("date", ()):
        if not _DATE.fullmatch(value):
            raise ParseError("malformed Date")


def check_via(via: str) -> tuple[str, str, int]:
    """Read a Via's transport, host and port (RFC 3261 §20.42); port 0 means none was given.

    Raises:
        ParseError: It is malformed.
    """
    found = _VIA.fullmatch(via)
    if not found or not _VIA_PARAMS.fullmatch(found.group(4)):
        raise ParseError("malformed Via")
    return found.group(1).upper(), found.group(2), int(found.group(3) or 0)


def _check_target(uri: str) -> None:
    parsed = parse_uri(uri)
    if parsed.headers:
        raise ParseError("headers in Request-URI")


def _check_contacts(values: list[str] | tuple[()]) -> None:
    for value in values:
        for contact in split_commas(value):
            if contact == "*":
                continue
            address = parse_address(contact)
            expires = address.params.get("expires")
            if expires is not None:
                parse_number(expires, (1 << 32) - 1)
            check_any_uri(address.uri)
