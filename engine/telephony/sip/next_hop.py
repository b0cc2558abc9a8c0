"""Where a numeric URI is reached, seen from the way that an INVITE took (RFC 3263 §4)."""

import re
from ipaddress import IPv6Address
from typing import Final

from engine.telephony.sip.destination import Destination
from engine.telephony.sip.uri import SipUri, default_port

_OCTET: Final = "(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
_IPV4: Final = re.compile(rf"{_OCTET}(?:\.{_OCTET}){{3}}")
_NOWHERE: Final = ("0.0.0.0", "::")  # noqa: S104 - an address not to send to


def is_reachable(host: str, known: str) -> bool:
    """Say whether a host is an address that the socket which reached a known one can send to."""
    if host in _NOWHERE:
        return False
    if ":" not in known:
        return bool(_IPV4.fullmatch(host))
    try:
        IPv6Address(host)
    except ValueError:
        return False
    return True


def next_hop(uri: SipUri, sent: Destination) -> Destination:
    """Return where a numeric URI is reached (RFC 3263 §4.1, §4.2), seen from the INVITE's way.

    The far end's word on the transport is followed, but never from TLS down to less. Where it says
    none the INVITE's transport stays, and the connection in use if the URI's host is its end.
    """
    host = uri.host.strip("[]")
    told = uri.transport
    if sent.transport == "UDP" and told in ("", "UDP"):
        return Destination(host, uri.port or 5060)
    if sent.transport == "TLS" and told != "TLS":
        port = uri.port if uri.port and not told else 5061
        return sent if host == sent.host else Destination(host, port, "TLS", sent.link)
    transport = told if told in ("UDP", "TCP", "TLS") else sent.transport
    if not told and host == sent.host and not uri.port:
        return sent
    link = sent.link if transport == sent.transport else ""
    return Destination(host, uri.port or default_port(transport), transport, link)
