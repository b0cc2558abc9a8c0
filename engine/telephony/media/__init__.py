"""Answer for the media of calls: a switch for RTP in a process of its own, and its client."""

from engine.telephony.media.allocation import NoRoomError
from engine.telephony.media.client import MediaClient
from engine.telephony.media.events import (
    BeepAwaited,
    DigitPressed,
    Endpoint,
    LegAnalysed,
    LegFellSilent,
    LegHeard,
    LegQuality,
    LegResumed,
    MediaEvent,
    MediaSettings,
    PromptEnded,
    PromptFailed,
    SwitchLost,
    SwitchRestored,
    UnknownMediaLegError,
    UnusableAddressError,
)
from engine.telephony.media.g711 import Law
from engine.telephony.media.messages import Quality, Stats
from engine.telephony.media.pool import MediaPool, open_media

__all__ = [
    "BeepAwaited",
    "DigitPressed",
    "Endpoint",
    "Law",
    "LegAnalysed",
    "LegFellSilent",
    "LegHeard",
    "LegQuality",
    "LegResumed",
    "MediaClient",
    "MediaEvent",
    "MediaPool",
    "MediaSettings",
    "NoRoomError",
    "PromptEnded",
    "PromptFailed",
    "Quality",
    "Stats",
    "SwitchLost",
    "SwitchRestored",
    "UnknownMediaLegError",
    "UnusableAddressError",
    "open_media",
]
