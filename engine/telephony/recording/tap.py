"""Answer for what of a switch's legs goes into the ring: whoever is recorded, unless paused."""

from collections.abc import Sequence

import numpy as np

from engine.telephony.media import messages
from engine.telephony.media.g711 import SILENCE, U8
from engine.telephony.media.jitter import Index
from engine.telephony.media.taps import Frames
from engine.telephony.recording.ring import PAUSED, U32, RingWriter
from engine.telephony.recording.ring import Frames as RingFrames


class RecordingTap:
    """Listens to the legs that are recorded (``engine.telephony.media.taps.Tap``).

    Args:
        ring: Where their frames go.
    """

    def __init__(self, ring: RingWriter) -> None:
        self._ring = ring
        self._recorded: dict[int, messages.Record] = {}
        self._arrange()

    def perform(self, command: messages.Record | messages.StopRecord) -> None:
        """Record a leg from the next tick on, pause it, or leave off."""
        if isinstance(command, messages.Record):
            self._recorded[command.leg] = command
        else:
            self._recorded.pop(command.leg, None)
        self._arrange()

    def listen(self, frames: Frames) -> Sequence[messages.Event]:
        """Write a tick's frames; what is paused is silence before anything of it is written."""
        if self._legs.size:
            said, heard = frames.said_codes(self._legs), frames.heard_codes(self._legs)
            laws = frames.laws(self._legs)
            if self._paused.size:
                silence = SILENCE[laws[self._paused], np.newaxis]
                said[self._paused] = heard[self._paused] = silence
            flags = self._flags | laws.astype(np.uint8)
            self._ring.put(frames.tick, RingFrames(self._keys, flags, said, heard))
        return ()

    def release(self, leg: int) -> Sequence[messages.Event]:
        """Forget a leg that ends now."""
        if self._recorded.pop(leg, None) is not None:
            self._arrange()
        return ()

    def _arrange(self) -> None:
        wanted = [self._recorded[leg] for leg in sorted(self._recorded)]
        self._legs: Index = np.array([one.leg for one in wanted], dtype=np.intp)
        self._keys: U32 = np.array([one.key for one in wanted], dtype=np.uint32)
        paused = [one.paused for one in wanted]
        self._flags: U8 = np.where(paused, PAUSED, 0).astype(np.uint8)
        self._paused: Index = np.flatnonzero(paused)
