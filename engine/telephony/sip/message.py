"""SIP messages: octets in, one request or response out, and back (RFC 3261 §7).

A message keeps its headers as text and reads eagerly only what every transaction needs; the rest
is read by whom it concerns. Octets that are not UTF-8 survive a round trip.
"""

import re
from collections.abc import Iterable, Sequence
from typing import Final

from engine.telephony.sip import checks
from engine.telephony.sip.grammar import ParseError, split_commas

MAX_OCTETS: Final = 65_535
"""Longest message read; the largest a datagram may hold."""
MAX_HEADER_LINES: Final = 300
"""Most header lines of one message."""
MAGIC: Final = "z9hG4bK"
"""What a branch of RFC 3261 begins with (§8.1.1.7)."""

_COMPACT = {
    "a": "accept-contact",
    "b": "referred-by",
    "c": "content-type",
    "e": "content-encoding",
    "f": "from",
    "i": "call-id",
    "j": "reject-contact",
    "k": "supported",
    "l": "content-length",
    "m": "contact",
    "o": "event",
    "r": "refer-to",
    "s": "subject",
    "t": "to",
    "u": "allow-events",
    "v": "via",
    "x": "session-expires",
}
_SPELLED = (
    *("Accept", "Accept-Encoding", "Accept-Language", "Allow", "Authorization", "Call-ID"),
    *("Contact", "Content-Encoding", "Content-Length", "Content-Type", "CSeq", "Date", "Expires"),
    *("From", "Max-Forwards", "Min-Expires", "Min-SE", "P-Asserted-Identity"),
    *("Proxy-Authenticate", "Proxy-Authorization", "Proxy-Require", "RAck", "Reason"),
    *("Record-Route", "Require", "Retry-After", "Route", "RSeq", "Server", "Session-Expires"),
    *("Subject", "Supported", "To", "Unsupported", "User-Agent", "Via", "Warning"),
    "WWW-Authenticate",
)
_SPELLING = {name.lower(): name for name in _SPELLED}
_KNOWN = {
    spelling: key
    for key, name in _SPELLING.items()
    for spelling in {name, key, name.upper(), name.title()}
} | {form: key for short, key in _COMPACT.items() for form in (short, short.upper())}
"""Usual spellings to keys, so that the common case costs one look-up."""

_NAME = re.compile(r"[A-Za-z0-9\-.!%*_+`'~]+")
_STATUS_LINE = re.compile(r"SIP/2\.0 ([1-6][0-9][0-9])(?: ([^\r\n]*))?", re.IGNORECASE)
_REQUEST_LINE = re.compile(r"([A-Za-z0-9\-.!%*_+`'~]+) (\S+) SIP/([0-9]+\.[0-9]+)", re.IGNORECASE)
_FOLD = re.compile(r"\r\n[ \t]++")
_TAG = re.compile(r";\s*+tag\s*+=\s*+([^;,\s\"]++)", re.IGNORECASE)
_BRANCH = re.compile(r";\s*+branch\s*+=\s*+([^;,\s\"]++)", re.IGNORECASE)
_CSEQ = re.compile(r"([0-9]{1,20})\s++([A-Za-z0-9\-.!%*_+`'~]++)")


class Message:
    """What requests and responses share.

    Attributes:
        headers: Values in order, by lower-case full name; comma lists are not yet split.
        body: Body, exactly as long as Content-Length says.
        call_id: Call-ID.
        cseq: CSeq number.
        method: Method of the request, of a response: of the request it answers.
        from_tag: Tag of From, empty if there is none.
        to_tag: Tag of To, empty if there is none.
        branch: Branch of the topmost Via, empty if there is none.
        source: Host and port it came from; who receives it sets it.
    """

    __slots__ = (
        "body",
        "branch",
        "call_id",
        "cseq",
        "from_tag",
        "headers",
        "method",
        "source",
        "to_tag",
    )

    def __init__(self, headers: dict[str, list[str]], body: bytes) -> None:
        self.headers = headers
        self.body = body
        self.source = ("", 0)
        self.call_id = headers["call-id"][0]
        self.from_tag = _tag(headers["from"][0])
        self.to_tag = _tag(headers["to"][0])
        self.branch = _branch(headers["via"][0])
        found = _CSEQ.fullmatch(headers["cseq"][0])
        if not found:
            raise ParseError("malformed CSeq")
        self.cseq = int(found.group(1))
        if self.cseq >= 1 << 31:
            raise ParseError("CSeq out of range")
        self.method = found.group(2)

    def first(self, name: str) -> str:
        """Return the first value of a header by its lower-case name, empty if it is absent."""
        values = self.headers.get(name)
        return values[0] if values else ""

    def every_line(self, name: str) -> list[str]:
        """Return all values of a header whose commas do not separate values."""
        return self.headers.get(name, [])

    def every(self, name: str) -> list[str]:
        """Return all values of a header that may be a comma list.

        Raises:
            ParseError: A quote or bracket is not closed.
        """
        values = self.headers.get(name)
        if not values:
            return []
        return [piece for value in values for piece in split_commas(value) if piece]

    def start_line(self) -> str:
        """Return the first line, without its end."""
        raise TypeError("a message is a request or a response")

    def to_bytes(self) -> bytes:
        """Return the message as it goes on the wire, with a Content-Length that is true."""
        lines = [
            (name, value)
            for name, values in self.headers.items()
            if name != "content-length"
            for value in values
        ]
        return serialise(self.start_line(), lines, self.body)


class Request(Message):
    """A request (RFC 3261 §7.1).

    Attributes:
        uri: Request-URI as written.
    """

    __slots__ = ("uri",)

    def __init__(
        self, method: str, uri: str, headers: dict[str, list[str]], body: bytes = b""
    ) -> None:
        super().__init__(headers, body)
        if self.method != method:
            raise ParseError("CSeq and request line differ in method")
        self.uri = uri

    def start_line(self) -> str:
        """Return the request line."""
        return f"{self.method} {self.uri} SIP/2.0"


class Response(Message):
    """A response (RFC 3261 §7.2).

    Attributes:
        status: Status code, 100 to 699.
        reason: Reason phrase.
    """

    __slots__ = ("reason", "status")

    def __init__(
        self, status: int, reason: str, headers: dict[str, list[str]], body: bytes = b""
    ) -> None:
        super().__init__(headers, body)
        self.status = status
        self.reason = reason

    def start_line(self) -> str:
        """Return the status line."""
        return f"SIP/2.0 {self.status} {self.reason}"


def parse(octets: bytes) -> Request | Response:
    """Read one message from a datagram (RFC 3261 §7, §18.3).

    Args:
        octets: The whole datagram; what follows the promised body is ignored.

    Raises:
        ParseError: It is not a message, or one that no element may use.
    """
    if len(octets) > MAX_OCTETS:
        raise ParseError("message too long", 513)
    head, blank, body = octets.lstrip(b"\r\n").partition(b"\r\n\r\n")
    text = head.decode("utf-8", "surrogateescape")
    if "\r\n " in text or "\r\n\t" in text:
        text = _FOLD.sub(" ", text)
    lines = text.split("\r\n")
    start = lines[0]
    if start[:4].upper() == "SIP/":
        return _parse_response(start, _parse_headers(lines, text), blank, body)
    return _parse_request(start, _parse_headers(lines, text), blank, body)


def _parse_response(
    start: str, headers: dict[str, list[str]], blank: bytes, body: bytes
) -> Response:
    found = _STATUS_LINE.fullmatch(start)
    if not found:
        raise ParseError("malformed status line")
    checks.check_presence(headers, blank)
    response = Response(
        int(found.group(1)), found.group(2) or "", headers, checks.cut_body(headers, body)
    )
    if "," in headers["via"][0] or len(headers["via"]) > 1:
        checks.check_single_via(response.every("via"))
    return response


def _parse_request(start: str, headers: dict[str, list[str]], blank: bytes, body: bytes) -> Request:
    try:
        found = _REQUEST_LINE.fullmatch(start)
        if not found:
            raise ParseError("malformed request line")
        method, uri, version = found.groups()
        if version != "2.0":
            raise ParseError("Version Not Supported", 505)
        checks.check_presence(headers, blank)
        request = Request(method, uri, headers, checks.cut_body(headers, body))
        checks.check_request(headers, uri)
    except ParseError as error:
        if _REQUEST_LINE.match(start) or " SIP/" in start:
            error.partial = headers
        raise
    return request


def _parse_headers(lines: Sequence[str], text: str) -> dict[str, list[str]]:
    """Collect header lines by key; a stray CR or LF would let a header hide another."""
    breaks = len(lines) - 1
    if breaks > MAX_HEADER_LINES:
        raise ParseError("too many headers", 513)
    if text.count("\n") != breaks or text.count("\r") != breaks:
        raise ParseError("bare CR or LF")
    headers: dict[str, list[str]] = {}
    known = _KNOWN
    for line in lines[1:]:
        name, colon, value = line.partition(":")
        key = known.get(name) or _key(name, colon)
        if key in headers:
            headers[key].append(value.strip())
        else:
            headers[key] = [value.strip()]
    return headers


def _key(name: str, colon: str) -> str:
    name = name.rstrip(" \t")
    if not colon or not _NAME.fullmatch(name):
        raise ParseError("malformed header line")
    key = name.lower()
    return _COMPACT.get(key, key)


def _tag(value: str) -> str:
    found = _TAG.search(value, value.rfind(">") + 1)
    return found.group(1) if found else ""


def _branch(value: str) -> str:
    if "," in value:
        value = split_commas(value)[0]
    found = _BRANCH.search(value)
    return found.group(1) if found else ""


def serialise(start_line: str, headers: Iterable[tuple[str, str]], body: bytes = b"") -> bytes:
    """Return a message's octets; Content-Length is added.

    Args:
        start_line: Request or status line.
        headers: Name and value pairs in order; known names get their usual spelling.
        body: Body.
    """
    lines = [start_line]
    lines += [f"{_SPELLING.get(name, name)}: {value}" for name, value in headers]
    lines.append(f"Content-Length: {len(body)}\r\n\r\n")
    return "\r\n".join(lines).encode("utf-8", "surrogateescape") + body
