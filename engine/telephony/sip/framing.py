"""Whole messages out of a stream's octets, however these were cut (RFC 3261 §7.5, §18.3).

Content-Length alone tells where a message ends. One without it, or with one that cannot be read, is
still handed over, so that its sender may be told; but nothing after it can be, for no one knows
where the next begins. The stream is broken then, and is to be closed.
"""

import re
from collections.abc import Sequence
from typing import Final

MAX_HEAD: Final = 32_768
"""Longest start line and headers. [octets]"""
MAX_BODY: Final = 32_767
"""Longest body; with its head it is as long as a datagram may be. [octets]"""

_PING: Final = 4
"""Octets of a keep-alive: CR LF twice (RFC 5626 §3.5.1)."""
_END: Final = b"\r\n\r\n"
_FIRST: Final = re.compile(rb"[A-Za-z0-9\-.!%*_+`'~]")
_LENGTH: Final = re.compile(
    rb"\r\n(?:content-length|l)[ \t]*:(?:[ \t]|\r\n[ \t])*([^\r\n]*)", re.IGNORECASE
)
_NUMBER: Final = re.compile(rb"([0-9]{1,9})[ \t]*")


class Framer:
    """Cuts a stream into messages; it keeps no more than one that is not whole.

    Attributes:
        broken: Why nothing more can be read; empty: more can.
        pings: Keep-alives seen; each wants CR LF back (RFC 5626 §4.4.1).
    """

    __slots__ = ("_breaks", "_rest", "_searched", "_whole", "broken", "pings")

    def __init__(self) -> None:
        """Begin between two messages."""
        self._rest = b""
        self._searched = 0
        self._whole = 0
        self._breaks = 0
        self.broken = ""
        self.pings = 0

    @property
    def is_inside(self) -> bool:
        """Whether a message has begun and is not whole yet."""
        return bool(self._rest)

    def feed(self, octets: bytes) -> Sequence[bytes]:
        """Take what came; return the messages that it completes.

        Args:
            octets: Any part of the stream.
        """
        data = self._rest + octets if self._rest else octets
        messages: list[bytes] = []
        at = 0
        while not self.broken:
            at = at if self._whole else self._skip_breaks(data, at)
            if at == len(data) or not (self._whole or self._find_end(data, at, messages)):
                break
            if len(data) - at < self._whole:
                break
            messages.append(data[at : at + self._whole])
            at += self._whole
            self._whole = self._searched = 0
        self._rest = b"" if self.broken else data[at:]
        return messages

    def _skip_breaks(self, data: bytes, at: int) -> int:
        """Pass line ends before a message, as RFC 3261 §7.5 has it; two are a keep-alive."""
        start = at
        while data[at : at + 1] in (b"\r", b"\n"):
            at += 1
        self._breaks += at - start
        self.pings += self._breaks // _PING
        self._breaks = self._breaks % _PING if at == len(data) else 0
        return at

    def _find_end(self, data: bytes, at: int, messages: list[bytes]) -> bool:
        """Find how long the message is; False: more octets are needed, or the stream is broken."""
        end = data.find(_END, at + max(0, self._searched - len(_END) + 1))
        head = len(data) - at if end < 0 else end + len(_END) - at
        if not _looks_like_sip(data, at):
            self.broken = "junk"
        elif head > MAX_HEAD:
            self.broken = "head-too-long"
        elif end < 0:
            self._searched = head
        else:
            self._measure(data[at : at + head], messages)
        return self._whole > 0

    def _measure(self, head: bytes, messages: list[bytes]) -> None:
        length = _content_length(head)
        if 0 <= length <= MAX_BODY:
            self._whole = len(head) + length
            return
        self.broken = "no-length" if length < 0 else "body-too-long"
        messages.append(head)


def _looks_like_sip(data: bytes, at: int) -> bool:
    """Say whether a message may begin here: a scanner's HTTP or TLS need not be waited for."""
    line = data.find(b"\r\n", at)
    if line < 0:
        return bool(_FIRST.match(data, at))
    return bool(_FIRST.match(data, at)) and b"SIP/" in data[at:line].upper()


def _content_length(head: bytes) -> int:
    """Return Content-Length, -1 if it is absent, malformed, or given twice."""
    found = _LENGTH.findall(head)
    number = _NUMBER.fullmatch(found[0]) if len(found) == 1 else None
    return int(number.group(1)) if number else -1
