"""Digits in INFO requests, as gateways send them: application/dtmf-relay and application/dtmf."""

import re

from engine.telephony.sip.message import Request

_SIGNAL = re.compile(r"^\s*Signal\s*=\s*([0-9A-D*#])\s*$", re.IGNORECASE | re.MULTILINE)
_DURATION = re.compile(r"^\s*Duration\s*=\s*([0-9]{1,5})\s*$", re.IGNORECASE | re.MULTILINE)
_DEFAULT_MS = 100
DTMF_TYPES = frozenset({"application/dtmf", "application/dtmf-relay"})
"""Bodies of INFO that are read."""


def read_digit(request: Request) -> tuple[str, int] | None:
    """Return digit and duration in milliseconds, None if the INFO tells none."""
    kind = request.first("content-type").partition(";")[0].strip().lower()
    text = request.body[:256].decode("ascii", "replace")
    if kind == "application/dtmf":
        digit = text.strip().upper()
        return (digit, _DEFAULT_MS) if re.fullmatch(r"[0-9A-D*#]", digit) else None
    if kind != "application/dtmf-relay":
        return None
    signal, duration = _SIGNAL.search(text), _DURATION.search(text)
    if signal is None:
        return None
    return signal.group(1).upper(), int(duration.group(1)) if duration else _DEFAULT_MS
