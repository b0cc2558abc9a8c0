"""Why a leg over SIP ended, in the engine's words."""

from typing import Final

from engine.domain.causes import (
    GATE_CLOSED,
    HUNG_UP,
    NO_ANSWER,
    RELEASED,
    TIMED_OUT,
    UNREACHABLE,
    Cause,
    cause_of,
    cause_of_status,
)
from engine.domain.ids import LegId
from engine.ports import LegEnded
from engine.telephony.sip import events as sip

NOT_ACCEPTABLE: Final = cause_of_status(488)
"""Audio cannot follow from what was answered."""


def leg_ended(event: sip.Ended, wanted: Cause | None) -> LegEnded:
    """Return the end of a leg; what SIP says beside it counts where the far end refused.

    Args:
        event: What the user agent tells.
        wanted: Why the engine ended the leg, None if it did not.
    """
    refused = event.why == "refused"
    return LegEnded(
        LegId(event.leg_id),
        _cause_of(event, wanted),
        event.status if refused else 0,
        event.retry_after_s if refused else 0.0,
        event.q850,
    )


def _cause_of(event: sip.Ended, wanted: Cause | None) -> Cause:
    """Return the cause of an end: the engine's own if it wanted it, else what SIP says."""
    match event.why:
        case "refused":
            return cause_of(event.status, event.q850)
        case "hung-up":
            return HUNG_UP
        case "released":
            return wanted or RELEASED
        case "cancelled" | "crossed":
            return wanted or NO_ANSWER
        case "gate-closed":
            return GATE_CLOSED
        case "timed-out":
            return wanted or (UNREACHABLE if event.status == 503 else TIMED_OUT)
        case _:
            return NOT_ACCEPTABLE
