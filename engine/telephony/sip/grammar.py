"""The small pieces of SIP's grammar: tokens, quoted strings, parameters, comma lists."""

import re

TOKEN = re.compile(r"[A-Za-z0-9\-.!%*_+`'~]+")
"""A token (RFC 3261 §25.1)."""

# Possessive throughout, here and in all that reads a peer's text: where two repetitions could share
# the same blanks, a datagram of 64 kB that fits nowhere would be tried in 10^13 ways (P1).
QUOTED = r'"[^"\\]*+(?:\\.[^"\\]*+)*+"'
"""A quoted string as a pattern, to be compiled with DOTALL."""
_PIECE = re.compile(rf'(?:{QUOTED}|<[^<>"]*+>|[^,"<>]++)*+', re.DOTALL)
_PARAM = re.compile(
    r";\s*+([A-Za-z0-9\-.!%*_+`'~]++)\s*+"
    rf"(?:=\s*+({QUOTED}|[A-Za-z0-9\-.!%*_+`'~\[\]:/]*+))?\s*+",
    re.DOTALL,
)
_AUTH_PARAM = re.compile(
    rf"\s*+([A-Za-z0-9\-.!%*_+`'~]++)\s*+=\s*+({QUOTED}|[^\s,\"]++)\s*+(?:,|$)"
)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)


class ParseError(ValueError):
    """Octets that are not what the grammar says; the only exception that parsing raises.

    Attributes:
        status: Status a request with this fault is refused with (RFC 3261 §8.2).
        reason: What is wrong, for the reason phrase and for logs; holds no peer's octets.
        partial: What could be read of a request's headers, to answer it with; empty: nothing.
    """

    def __init__(self, reason: str, status: int = 400) -> None:
        super().__init__(reason)
        self.reason = reason
        self.status = status
        self.partial: dict[str, list[str]] = {}


def split_commas(text: str) -> list[str]:
    """Split a header's value at the commas that separate values (RFC 3261 §7.3.1).

    Commas inside quoted strings and angle brackets do not separate.

    Raises:
        ParseError: A quoted string or an angle bracket is not closed.
    """
    if "," not in text:
        return [text]
    pieces = []
    start = 0
    while True:
        found = _PIECE.match(text, start)
        end = found.end() if found else start
        pieces.append(text[start:end].strip())
        if end == len(text):
            return pieces
        if text[end] != ",":
            raise ParseError("unbalanced quote or bracket")
        start = end + 1


def parse_params(text: str) -> dict[str, str | None]:
    """Read ``;name=value`` parameters; names are lower-cased, quotes are kept (RFC 3261 §7.3.1).

    Raises:
        ParseError: Something is left that is no parameter, or a name comes twice.
    """
    params: dict[str, str | None] = {}
    at = 0
    text = text.strip()
    while at < len(text):
        found = _PARAM.match(text, at)
        if not found:
            raise ParseError("malformed parameter")
        name = found.group(1).lower()
        if name in params:
            raise ParseError("parameter given twice")
        params[name] = found.group(2)
        at = found.end()
    return params


def parse_auth_params(text: str) -> dict[str, str]:
    """Read ``name=value`` pairs separated by commas, unquoted (RFC 3261 §25.1, auth-param).

    Raises:
        ParseError: Something is left that is no pair, or a name comes twice.
    """
    params: dict[str, str] = {}
    at = 0
    while at < len(text):
        found = _AUTH_PARAM.match(text, at)
        if not found:
            raise ParseError("malformed credentials or challenge")
        name = found.group(1).lower()
        if name in params:
            raise ParseError("parameter given twice")
        params[name] = unquote(found.group(2))
        at = found.end()
    return params


def unquote(text: str) -> str:
    """Return the content of a quoted string, or the text itself if it is not quoted."""
    if len(text) >= 2 and text[0] == '"' == text[-1]:
        return _ESCAPED.sub(r"\1", text[1:-1])
    return text


def quote(text: str) -> str:
    r"""Return a quoted string; octets that could end the line become spaces (RFC 3261 §25.1).

    List data comes this way into headers: nothing in it may become protocol.
    """
    clean = "".join(char if char.isprintable() else " " for char in text)
    return '"' + clean.replace("\\", "\\\\").replace('"', '\\"') + '"'


def printable(text: str) -> str:
    """Return a peer's words so that they may be stored, shown and logged: no octet but text."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else "\ufffd" for char in text)


def parse_number(text: str, highest: int) -> int:
    """Read a decimal number without sign (RFC 3261 §25.1, 1*DIGIT).

    Args:
        text: Candidate.
        highest: Largest value allowed.

    Raises:
        ParseError: It is no number of ASCII digits, or it is larger.
    """
    text = text.strip()
    if not (text.isascii() and text.isdigit()) or len(text) > 20 or int(text) > highest:
        raise ParseError("number malformed or out of range")
    return int(text)
