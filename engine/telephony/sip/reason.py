"""Why the far end says a call ended, and when it may be tried again."""

import re

from engine.telephony.sip.grammar import ParseError, parse_params, unquote
from engine.telephony.sip.message import Message

_RETRY_AFTER = re.compile(r"([0-9]{1,9})\s*(?:[;(].*)?", re.DOTALL)


def read_reason(message: Message) -> tuple[int, str]:
    """Return Q.850 cause and text of the Reason header (RFC 3326 §2); 0 and empty if absent."""
    if "reason" not in message.headers:
        return 0, ""
    try:
        for value in message.every("reason"):
            protocol, semicolon, rest = value.partition(";")
            if protocol.strip().upper() == "Q.850":
                params = parse_params(semicolon + rest)
                cause = params.get("cause") or ""
                number = int(cause) if cause.isascii() and cause.isdigit() and len(cause) < 4 else 0
                return number, unquote(params.get("text") or "")
    except ParseError:
        pass  # a hint that cannot be read is no hint; the message stands
    return 0, ""


def read_retry_after(message: Message) -> float:
    """Return the seconds of Retry-After (RFC 3261 §20.33), 0 if absent or malformed. [s]"""
    found = _RETRY_AFTER.fullmatch(message.first("retry-after"))
    return float(found.group(1)) if found else 0.0
