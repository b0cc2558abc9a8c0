"""Answers to requests: which headers they repeat, and where they go (RFC 3261 §8.2.6, §18.2)."""

import re
from collections.abc import Mapping, Sequence
from typing import Final

from engine.telephony.sip.checks import check_via
from engine.telephony.sip.destination import Destination
from engine.telephony.sip.grammar import ParseError, split_commas
from engine.telephony.sip.message import Request

ALLOW: Final = "INVITE, ACK, CANCEL, BYE, OPTIONS, PRACK, UPDATE, INFO"
"""Methods spoken inside legs."""
SUPPORTED: Final = "timer"
"""Extensions that requests to us may ask for (RFC 3261 §20.37)."""

REASONS: Final[Mapping[int, str]] = {
    100: "Trying",
    180: "Ringing",
    183: "Session Progress",
    200: "OK",
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    406: "Not Acceptable",
    408: "Request Timeout",
    415: "Unsupported Media Type",
    416: "Unsupported URI Scheme",
    420: "Bad Extension",
    422: "Session Interval Too Small",
    423: "Interval Too Brief",
    469: "Bad Info Package",
    480: "Temporarily Unavailable",
    481: "Call/Transaction Does Not Exist",
    482: "Loop Detected",
    486: "Busy Here",
    487: "Request Terminated",
    488: "Not Acceptable Here",
    491: "Request Pending",
    500: "Server Internal Error",
    501: "Not Implemented",
    503: "Service Unavailable",
    505: "Version Not Supported",
    513: "Message Too Large",
    603: "Decline",
}
"""Reason phrases (RFC 3261 §21; RFC 4028 §6, RFC 6086 §4.2.2)."""

_RPORT = re.compile(r";\s*rport\s*(?=;|$)", re.IGNORECASE)
_HAS_RPORT = re.compile(r";\s*rport\b", re.IGNORECASE)
_TAGGED = re.compile(r";\s*tag\s*=", re.IGNORECASE)


def build_response(
    headers: Mapping[str, Sequence[str]],
    source: tuple[str, int],
    status: int,
    to_tag: str,
    extra: str = "",
    body: bytes = b"",
    reason: str = "",
) -> bytes:
    """Return a response to a request (RFC 3261 §8.2.6.2).

    Args:
        headers: The request's.
        source: Host and port it came from, for ``received`` and ``rport`` (RFC 3581 §4).
        status: Status.
        to_tag: Our tag, put on To if it has none and the status is not 100.
        extra: More headers, each with its line end.
        body: Body; its Content-Type stands in ``extra``.
        reason: Reason phrase where the usual one tells too little.
    """
    to_value = headers["to"][0]
    if to_tag and status != 100 and not is_tagged(to_value):
        to_value = f"{to_value};tag={to_tag}"
    first, *rest = split_commas(headers["via"][0])
    vias = [_mark_via(first, source), *rest, *headers["via"][1:]]
    lines = "".join(f"Via: {via}\r\n" for via in vias)
    if status < 300 and "record-route" in headers:
        lines += "".join(f"Record-Route: {route}\r\n" for route in headers["record-route"])
    return (
        f"SIP/2.0 {status} {reason or REASONS.get(status, 'Refused')}\r\n{lines}"
        f"From: {headers['from'][0]}\r\nTo: {to_value}\r\nCall-ID: {headers['call-id'][0]}\r\n"
        f"CSeq: {headers['cseq'][0]}\r\n{extra}Content-Length: {len(body)}\r\n\r\n"
    ).encode("utf-8", "surrogateescape") + body


def is_tagged(value: str) -> bool:
    """Say whether a From or To carries a tag."""
    return bool(_TAGGED.search(value, value.rfind(">") + 1))


def response_destination(request: Request, source: Destination) -> Destination:
    """Return where the response to a request goes (RFC 3261 §18.2.2, RFC 3581 §4).

    Raises:
        ParseError: Its Via is malformed.
    """
    return via_destination(request.every("via")[0], source)


def via_destination(via: str, source: Destination) -> Destination:
    """Return where a response goes by its top Via: never elsewhere than the source's host.

    Raises:
        ParseError: The Via is malformed.
    """
    _, _, port = check_via(via)
    if source.transport != "UDP" or _HAS_RPORT.search(via):
        return source
    return Destination(source.host, port or 5060, source.transport)


def _mark_via(via: str, source: tuple[str, int]) -> str:
    """Write into a request's top Via where it really came from (RFC 3261 §18.2.1)."""
    host = source[0]
    try:
        sent_host = check_via(via)[1].strip("[]")
    except ParseError:
        return via
    if _RPORT.search(via):
        return _RPORT.sub(f";rport={source[1]}", via, count=1) + f";received={host}"
    return via if sent_host == host else f"{via};received={host}"
