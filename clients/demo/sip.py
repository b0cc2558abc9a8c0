"""As much SIP as a called party needs: messages read and written, digest answered (RFC 3261).

Deliberately apart from the engine's own SIP: what both read alike was said clearly.
"""

import hashlib
import re
import secrets
from dataclasses import dataclass

_COMPACT = {
    "v": "via",
    "f": "from",
    "t": "to",
    "i": "call-id",
    "m": "contact",
    "l": "content-length",
    "c": "content-type",
    "k": "supported",
}
_REASONS = {
    100: "Trying",
    180: "Ringing",
    200: "OK",
    404: "Not Found",
    405: "Method Not Allowed",
    481: "Call/Transaction Does Not Exist",
    486: "Busy Here",
    487: "Request Terminated",
    503: "Service Unavailable",
}


class NotSipError(ValueError):
    """What came is no SIP message."""


@dataclass(frozen=True, slots=True)
class Message:
    """A request or a response.

    Attributes:
        start: Its first line.
        headers: Names in lower case and long form, and values, in order.
        body: What follows them.
    """

    start: str
    headers: tuple[tuple[str, str], ...]
    body: bytes = b""

    @property
    def method(self) -> str:
        """The request's method, also of the request that a response answers."""
        return self.first("cseq").partition(" ")[2].strip() if self.status else self._words[0]

    @property
    def uri(self) -> str:
        """The Request-URI; empty for a response."""
        return "" if self.status else self._words[1]

    @property
    def status(self) -> int:
        """The response's status; 0 for a request."""
        return int(self._words[1]) if self.start.startswith("SIP/2.0 ") else 0

    @property
    def call_id(self) -> str:
        """The Call-ID."""
        return self.first("call-id")

    @property
    def cseq(self) -> int:
        """The number in CSeq."""
        return int(self.first("cseq").split()[0])

    @property
    def _words(self) -> list[str]:
        return self.start.split(" ", 2)

    def first(self, name: str) -> str:
        """Return the first value of a header, empty if there is none."""
        return next((value for key, value in self.headers if key == name), "")

    def all(self, name: str) -> list[str]:
        """Return every value of a header, in order."""
        return [value for key, value in self.headers if key == name]


def parse(datagram: bytes) -> Message:
    """Read a message.

    Raises:
        NotSipError: It is none, or lacks what every message has (RFC 3261 §8.1.1).
    """
    head, _, body = datagram.partition(b"\r\n\r\n")
    lines = re.sub(r"\r\n[ \t]+", " ", head.decode("utf-8", "replace")).split("\r\n")
    headers = []
    for line in lines[1:]:
        name, colon, value = line.partition(":")
        if not colon:
            raise NotSipError(f"no header: {line[:40]!r}")
        key = name.strip().lower()
        headers.append((_COMPACT.get(key, key), value.strip()))
    message = Message(lines[0].lstrip(), tuple(headers), body)
    words = message.start.split(" ", 2)
    if len(words) != 3 or "SIP/2.0" not in (words[0], words[2].strip()):
        raise NotSipError("no start line")
    if any(not message.first(name) for name in ("via", "from", "to", "call-id", "cseq")):
        raise NotSipError("a header is missing")
    try:
        _ = message.cseq, message.status
    except (ValueError, IndexError) as error:
        raise NotSipError("malformed number") from error
    return message


def write(start: str, headers: list[tuple[str, str]], body: bytes = b"") -> bytes:
    """Return a message as it is sent.

    Args:
        start: The first line.
        headers: In order; Content-Length is added.
        body: An SDP description, or nothing.
    """
    lines = [start, *(f"{name}: {value}" for name, value in headers)]
    if body:
        lines.append("Content-Type: application/sdp")
    lines.append(f"Content-Length: {len(body)}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + body


def respond(
    request: Message, status: int, *, tag: str = "", contact: str = "", body: bytes = b""
) -> bytes:
    """Return a response (RFC 3261 §8.2.6).

    Args:
        request: What it answers.
        status: Its status.
        tag: Our tag, added to To if there is none.
        contact: Our URI, for responses that make a dialog.
        body: An SDP description, or nothing.
    """
    headers = [("Via", value) for value in request.all("via")]
    headers += [("Record-Route", value) for value in request.all("record-route")]
    to = request.first("to")
    if tag and ";tag=" not in to:
        to = f"{to};tag={tag}"
    headers += [
        ("From", request.first("from")),
        ("To", to),
        ("Call-ID", request.call_id),
        ("CSeq", request.first("cseq")),
    ]
    if contact:
        headers.append(("Contact", f"<{contact}>"))
    if status == 200:
        headers.append(("Allow", "INVITE, ACK, CANCEL, BYE, OPTIONS"))
    return write(f"SIP/2.0 {status} {_REASONS[status]}", headers, body)


def uri_in(address: str) -> str:
    """Return the URI of a name-addr or addr-spec."""
    found = re.search(r"<([^>]*)>", address)
    return found[1] if found else address.partition(";")[0].strip()


def user_in(uri: str) -> str:
    """Return the user part of a SIP URI, unescaped as far as numbers need it."""
    return uri.removeprefix("sip:").partition("@")[0].replace("%2B", "+").partition(";")[0]


def credentials(
    challenge: str, method: str, uri: str, user: str, password: str, nonce_count: int = 1
) -> str:
    """Return the value of Authorization for a challenge (RFC 8760, RFC 3261 §22.4).

    Args:
        challenge: Value of WWW-Authenticate.
        method: Method of the request.
        uri: Its Request-URI.
        user: Who we are.
        password: What we know.
        nonce_count: How often the nonce was used, this time included.
    """
    params = dict(re.findall(r'(\w+)="?([^",]*)"?', challenge.partition(" ")[2]))
    algorithm = params.get("algorithm", "MD5")

    def digest(text: str) -> str:
        if algorithm.upper() == "SHA-256":
            return hashlib.sha256(text.encode()).hexdigest()
        return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()

    cnonce, count = secrets.token_hex(8), f"{nonce_count:08x}"
    realm, nonce = params.get("realm", ""), params.get("nonce", "")
    ha1, ha2 = digest(f"{user}:{realm}:{password}"), digest(f"{method}:{uri}")
    response = digest(f"{ha1}:{nonce}:{count}:{cnonce}:auth:{ha2}")
    opaque = f', opaque="{params["opaque"]}"' if "opaque" in params else ""
    return (
        f'Digest username="{user}", realm="{realm}", nonce="{nonce}", uri="{uri}", '
        f'response="{response}", algorithm={algorithm}, qop=auth, nc={count}, '
        f'cnonce="{cnonce}"{opaque}'
    )


def describe(host: str, port: int) -> bytes:
    """Return an SDP description of µ-law audio (RFC 8866, RFC 3551 §6)."""
    return (
        f"v=0\r\no=- 1 1 IN IP4 {host}\r\ns=-\r\nc=IN IP4 {host}\r\nt=0 0\r\n"
        f"m=audio {port} RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\na=ptime:20\r\na=sendrecv\r\n"
    ).encode()


def audio_in(body: bytes) -> tuple[str, int] | None:
    """Return where a description wants audio, None if it wants none."""
    text = body.decode("utf-8", "replace")
    host = re.search(r"^c=IN IP4 (\S+)", text, re.MULTILINE)
    port = re.search(r"^m=audio (\d+) RTP/AVP", text, re.MULTILINE)
    return (host[1], int(port[1])) if host and port and int(port[1]) else None
