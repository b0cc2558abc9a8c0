"""Answer for steady tones: one or two frequencies that hold, and the last few as segments.

A segment is a stretch of one tone; its length, its frequencies and the gap before it are what busy,
congestion, special information and fax tones are known by.
"""

from typing import Final

import numpy as np

from engine.telephony.media.progress.columns import Slots
from engine.telephony.media.progress.features import F32, Bools, Features, Ints

ONE_SHARE: Final = np.float32(0.85)
TWO_SHARE: Final = np.float32(0.88)
"""Share of the power, less the noise, that one tone or two must have."""

SECOND_SHARE: Final = np.float32(0.08)
"""A second tone has at least this share of the power."""

SAME_HZ: Final = np.float32(25.0)
"""A tone that moves less is the same: 440 + 480 Hz beat within one peak. [Hz]"""

LOST_FRAMES: Final = 2
"""A tone may be lost so long, as when its phase is reversed (ITU-T V.25). [frames]"""

SURE_FRAMES: Final = 5
"""A vowel holds no frequency so purely for so long. [frames]"""

SHORTEST_FRAMES: Final = 3
"""What is shorter is no segment: a click, the edge of a tone. [frames]"""

LOWEST_DB: Final = np.float32(-50.0)
ABOVE_FLOOR_DB: Final = np.float32(8.0)

KEPT: Final = 2
"""Segments that are remembered besides the one that is heard."""


class Tones:
    """Tones on every leg of a room.

    Attributes:
        low_hz: Lower frequency of the tone now heard, shape (room,). [Hz]
        high_hz: Higher one, 0 for a single tone. [Hz]
        length: Its length so far, 0: none is heard. [frames]
        gap: Frames from the end of the segment before to its beginning; while none is heard,
            frames since the last. [frames]
        past: Ended segments, newest first, shape (room, KEPT, 4): low_hz, high_hz, length and the
            gap before it.
    """

    def __init__(self, slots: Slots) -> None:
        room = slots.room
        self.low_hz: F32 = np.zeros(room, dtype=np.float32)
        self.high_hz: F32 = np.zeros(room, dtype=np.float32)
        self.length: Ints = np.zeros(room, dtype=np.int32)
        self.gap: Ints = np.zeros(room, dtype=np.int32)
        self.past: F32 = np.zeros((room, KEPT, 4), dtype=np.float32)
        self._lost: Ints = np.zeros(room, dtype=np.int32)
        slots.keep(self)

    def listen(self, count: int, heard: Features, floor_db: F32) -> Bools:
        """Take a frame of each leg; return where a segment is complete, shape (count,).

        Args:
            count: Legs, in the first slots.
            heard: Their frames.
            floor_db: Level of their noise, shape (count,). [dB]
        """
        low, high, pure = _tones_of(heard, floor_db)
        same = self._follow(count, low, high, pure)
        lost, length = self._lost[:count], self.length[:count]
        ended = (length > 0) & ~same & (lost > np.where(pure, 1, LOST_FRAMES))
        kept: Bools = ended & (length >= SHORTEST_FRAMES)
        if kept.any():
            self._keep(kept)
        if ended.any():
            self._end(ended)
        begins = pure & (length == 0)
        if begins.any():
            self._begin(begins, low, high)
        self.gap[:count] += length == 0
        return kept

    def sounds(self, count: int) -> Bools:
        """Say where this frame is nothing but a tone, shape (count,)."""
        sounds: Bools = (self.length[:count] > 0) & (self._lost[:count] == 0)
        return sounds

    def _follow(self, count: int, low: F32, high: F32, pure: Bools) -> Bools:
        """Lengthen the tones that go on; return where they do."""
        own_low, own_high = self.low_hz[:count], self.high_hz[:count]
        lost, length = self._lost[:count], self.length[:count]
        near = (np.abs(low - own_low) < SAME_HZ) & (np.abs(high - own_high) < SAME_HZ)
        same: Bools = pure & (length > 0) & near
        length += np.where(same, lost + 1, 0)
        lost[:] = np.where(same, 0, lost + 1)
        # The first frame is a part of one only: frequencies are averaged over several.
        weight = same / np.minimum(length + 1, 8).astype(np.float32)
        own_low += (low - own_low) * weight
        own_high += (high - own_high) * weight
        return same

    def _keep(self, kept: Bools) -> None:
        slots = np.flatnonzero(kept)
        self.past[slots, 1:] = self.past[slots, :-1]
        columns = (self.low_hz, self.high_hz, self.length, self.gap)
        self.past[slots, 0] = np.stack([column[slots] for column in columns], axis=1)

    def _end(self, ended: Bools) -> None:
        slots = np.flatnonzero(ended)
        length = self.length[slots]
        # What was too short is a part of the gap.
        before = np.where(length < SHORTEST_FRAMES, self.gap[slots] + length, 0)
        self.gap[slots] = before + self._lost[slots] - 1
        self.length[slots] = 0

    def _begin(self, begins: Bools, low: F32, high: F32) -> None:
        slots = np.flatnonzero(begins)
        self.low_hz[slots], self.high_hz[slots] = low[slots], high[slots]
        self.length[slots], self._lost[slots] = 1, 0


def _tones_of(heard: Features, floor_db: F32) -> tuple[F32, F32, Bools]:
    """Return lower and higher frequency of each frame, and where it is nothing but tones."""
    noise = np.float32(10) ** (floor_db / np.float32(10))
    first, second = heard.first_power, heard.second_power
    two = second > SECOND_SHARE * heard.power
    both = first + np.where(two, second, 0)
    whole = np.maximum(heard.power - noise, both)
    loud = heard.level_db > np.maximum(floor_db + ABOVE_FLOOR_DB, LOWEST_DB)
    pure: Bools = loud & (both > np.where(two, TWO_SHARE, ONE_SHARE) * whole)
    low = np.where(two, np.minimum(heard.first_hz, heard.second_hz), heard.first_hz)
    high = np.where(two, np.maximum(heard.first_hz, heard.second_hz), 0)
    return low, high.astype(np.float32), pure
