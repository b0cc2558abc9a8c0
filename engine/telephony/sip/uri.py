"""SIP URIs and the addresses that hold them: parsed, checked, and written again."""

import re
from typing import NamedTuple

from engine.telephony.sip.grammar import QUOTED, TOKEN, ParseError, parse_params, unquote

_SIP_URI = re.compile(
    r"(sips?):"
    r"(?:([A-Za-z0-9\-_.!~*'()%&=+$,;?/]+)(?::([A-Za-z0-9\-_.!~*'()%&=+$,]*))?@)?"
    r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9](?:[A-Za-z0-9\-._]*[A-Za-z0-9.])?)"
    r"(?::([0-9]{1,5}))?"
    r"((?:;[^;?@\s<>\",]*+)*+)"
    r"(\?[^\s<>\"]*)?",
    re.IGNORECASE,
)
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+\-.]*:\S+")
_NAME_ADDR = re.compile(rf'\s*+({QUOTED}|[^<"]*+)\s*+<([^<>]*+)>\s*+(.*+)', re.DOTALL)
_BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_TRANSPORT = re.compile(r";transport=([A-Za-z0-9\-]+)", re.IGNORECASE)
_SAFE_USER = re.compile(r"[A-Za-z0-9\-_.!~*'()&=+$,;?/%]+")


def default_port(transport: str) -> int:
    """Return the port of a URI that names none (RFC 3261 §19.1.2)."""
    return 5061 if transport == "TLS" else 5060


class SipUri(NamedTuple):
    """A ``sip:`` or ``sips:`` URI (RFC 3261 §19.1).

    Attributes:
        scheme: ``sip`` or ``sips``.
        user: User part as written, escapes kept; empty if there is none.
        host: Host as written; IPv6 in its brackets.
        port: Port, or 0 if none is given.
        params: Parameters as written, each with its semicolon.
        headers: Headers as written, with the question mark.
    """

    scheme: str
    user: str
    host: str
    port: int = 0
    params: str = ""
    headers: str = ""

    def __str__(self) -> str:
        user = f"{self.user}@" if self.user else ""
        port = f":{self.port}" if self.port else ""
        return f"{self.scheme}:{user}{self.host}{port}{self.params}{self.headers}"

    @property
    def transport(self) -> str:
        """Transport it asks for, in upper case, empty if it asks for none (RFC 3261 §26.2.2)."""
        if self.scheme == "sips":
            return "TLS"
        found = _TRANSPORT.search(self.params) if self.params else None
        return found.group(1).upper() if found else ""

    @property
    def is_loose(self) -> bool:
        """Whether the URI carries ``lr``: a loose router (RFC 3261 §19.1.1)."""
        return "lr" in (part.split("=")[0].lower() for part in self.params.split(";"))


class NameAddr(NamedTuple):
    """An address with its display name and header parameters (RFC 3261 §20.10).

    Attributes:
        name: Display name, unquoted.
        uri: The URI as written, of any scheme.
        params: Parameters of the header, names in lower case.
    """

    name: str
    uri: str
    params: dict[str, str | None]


def parse_uri(text: str) -> SipUri:
    """Read a SIP URI (RFC 3261 §19.1.1).

    Raises:
        ParseError: It is malformed (400), or of another scheme (416, RFC 3261 §8.2.2.1).
    """
    found = _SIP_URI.fullmatch(text)
    if not found:
        other = _SCHEME.fullmatch(text) and not text.lower().startswith(("sip:", "sips:"))
        raise ParseError(
            "unsupported URI scheme" if other else "malformed URI", 416 if other else 400
        )
    scheme, user, password, host, port, params, headers = found.groups()
    if _BAD_ESCAPE.search(text):
        raise ParseError("malformed escape in URI")
    if password is not None:
        user = f"{user}:{password}"
    number = int(port) if port else 0
    if number > 65_535:
        raise ParseError("port out of range")
    return SipUri(scheme.lower(), user or "", host, number, params, headers or "")


def parse_address(text: str) -> NameAddr:
    """Read a name-addr or addr-spec with parameters (RFC 3261 §20.10, §25.1).

    Raises:
        ParseError: It is malformed; an addr-spec with ``?``, ``,`` or ``;`` in its URI must stand
            in angle brackets, so what follows a semicolon belongs to the header.
    """
    found = _NAME_ADDR.fullmatch(text)
    if found:
        name, uri, rest = found.groups()
        _check_name(name)
        check_any_uri(uri)
        return NameAddr(unquote(name.strip()), uri, parse_params(rest))
    uri, semicolon, rest = text.strip().partition(";")
    uri = uri.rstrip()
    if "?" in uri or "," in uri or "<" in uri or '"' in uri:
        raise ParseError("URI needs angle brackets")
    check_any_uri(uri)
    return NameAddr("", uri, parse_params(semicolon + rest))


def check_any_uri(uri: str) -> None:
    """Refuse a malformed URI; schemes other than SIP are checked for their form alone.

    Raises:
        ParseError: It is malformed.
    """
    if uri[:4].lower() == "sip:" or uri[:5].lower() == "sips:":
        parse_uri(uri)
    elif not _SCHEME.fullmatch(uri):
        raise ParseError("malformed URI")


def escape_user(text: str) -> str:
    """Return text as the user part of a URI, whatever it holds (RFC 3261 §19.1.2)."""
    if _SAFE_USER.fullmatch(text) and "%" not in text and "?" not in text:
        return text
    return "".join(
        chr(octet)
        if (chr(octet).isalnum() and octet < 128) or chr(octet) in "-_.!~*'()+"
        else f"%{octet:02X}"
        for octet in text.encode("utf-8", "surrogateescape")
    )


def _check_name(name: str) -> None:
    """Refuse a display name that is neither a quoted string nor tokens."""
    if name.startswith('"'):
        return
    if not all(TOKEN.fullmatch(word) for word in name.split()):
        raise ParseError("malformed display name")
