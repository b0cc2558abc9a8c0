"""The far end's new address inside a call, told so that a later life ends the call there (C2)."""

from typing import TYPE_CHECKING, Final

from engine.telephony.sip.events import Moved
from engine.telephony.sip.timers import Timer

if TYPE_CHECKING:
    from engine.telephony.sip.leg import Leg

PAUSE_S: Final = 5.0
"""Shortest time between two of a leg's moves that are told: each is written to disk. [s]"""
_TELL: Final = "tell"


class Moves:
    """Tells a leg's first move at once, those that follow soon together."""

    __slots__ = ("_leg", "_next_s", "_timer")

    def __init__(self, leg: "Leg") -> None:
        self._leg = leg
        self._next_s = 0.0
        self._timer: Timer | None = None

    def note(self, now_s: float) -> None:
        """Tell, now or when the pause is over, that the remote target is another."""
        if self._timer is not None:
            return
        if now_s >= self._next_s:
            self.on_timer(_TELL, now_s)
        else:
            wait_s = self._next_s - now_s
            self._timer = self._leg.core.timers.start(wait_s, now_s, self, _TELL)

    def on_timer(self, _: str, now_s: float) -> None:
        """Tell it; what the dialog is by now is asked for then."""
        self._timer = None
        self._next_s = now_s + PAUSE_S
        self._leg.core.emit(Moved(self._leg.leg_id))

    def stop(self) -> None:
        """Tell nothing more: the dialog goes."""
        if self._timer is not None:
            self._timer.stop()
            self._timer = None
