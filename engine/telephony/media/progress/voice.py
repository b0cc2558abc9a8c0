"""Answer for when somebody speaks: an adaptive floor of noise, voiced sounds, and runs of speech.

There is no absolute threshold but one far below any telephone: what is speech follows from the
quietest the line was lately, the loudest the speaker was, and the unevenness of the spectrum.
"""

from typing import Final

import numpy as np

from engine.telephony.media.progress.columns import Slots
from engine.telephony.media.progress.features import F32, Bools, Features, Ints

ABOVE_FLOOR_DB: Final = np.float32(6.0)
"""Speech is so far above the floor. [dB]"""

SOFT_ABOVE_DB: Final = np.float32(3.0)
SOFT_VOICED_DB: Final = np.float32(-4.0)
NEAR_FRAMES: Final = 8
"""Soft voices, and those in noise: so far above the threshold, less uneven, near a sure frame."""

BELOW_PEAK_DB: Final = np.float32(26.0)
"""What is so far below the loudest is echo or room, not speech. [dB]"""

LOWEST_DB: Final = np.float32(-58.0)
"""Nothing below is speech: comfort noise and the steps of G.711. [dB]"""

VOICED_DB: Final = np.float32(-5.5)
"""Flatness of voiced sounds: 92 of 100 frames of speech in the training corpus have less, and less
than 1 of 1000 frames of noise of any colour. [dB]"""

STEADY_HZ: Final = np.float32(2.0)
"""The strongest tone of a voice moves more from frame to frame. [Hz]"""

MUSIC_SHARE: Final = np.float32(0.3)
"""Share of steady frames from which on sound is taken for music; 1 in 100 greetings has more."""

PAUSE: Final = 4
"""What is shorter is a part of a word. [frames]"""

_BLOCK: Final = 25
_BLOCKS: Final = 3
"""The floor is the minimum of the last 1.5 to 2 s, in blocks of 0.5 s."""

LIKELY_FLOOR_DB: Final = np.float32(-48.0)
"""The floor of a line on which somebody spoke before anything else was heard. [dB]"""

_UNKNOWN: Final = np.float32(99.0)


class Voice:
    """Speech on every leg of a room.

    Attributes:
        quiet: Frames since the last voiced one, shape (room,). [frames]
        run: Frames from the first voiced one of a run to the last, pauses included. [frames]
        voiced: Voiced frames in the run. [frames]
        burst: Voiced frames since the last pause of ``PAUSE`` or more. [frames]
        steady: Frames, of ``heard`` ones, whose strongest tone stood still: music. [frames]
        heard: Voiced frames since the beginning. [frames]
        floor_db: Level of the noise. [dB]
    """

    def __init__(self, slots: Slots) -> None:
        room = slots.room
        self.quiet: Ints = np.zeros(room, dtype=np.int32)
        self.run: Ints = np.zeros(room, dtype=np.int32)
        self.burst: Ints = np.zeros(room, dtype=np.int32)
        self.voiced: Ints = np.zeros(room, dtype=np.int32)
        self.steady: Ints = np.zeros(room, dtype=np.int32)
        self.heard: Ints = np.zeros(room, dtype=np.int32)
        self._held: Ints = np.zeros(room, dtype=np.int32)
        self._pitch_hz: F32 = np.zeros(room, dtype=np.float32)
        self._since_sure: Ints = np.full(room, NEAR_FRAMES, dtype=np.int32)
        self.floor_db: F32 = np.zeros(room, dtype=np.float32)
        self._peak_db: F32 = np.zeros(room, dtype=np.float32)
        self._blocks: F32 = np.zeros((room, _BLOCKS + 1), dtype=np.float32)
        self._frames: Ints = np.zeros(room, dtype=np.int32)
        slots.keep(self)

    def begin(self, slot: int) -> None:
        """Begin a leg in a cleared slot."""
        self._blocks[slot] = _UNKNOWN
        self.floor_db[slot] = LIKELY_FLOOR_DB
        self._peak_db[slot] = LOWEST_DB
        self._since_sure[slot] = NEAR_FRAMES

    def is_speech(self, count: int, minimum: Ints) -> Bools:
        """Say where the run has enough voiced frames to be speech, shape (count,)."""
        speech: Bools = self.voiced[:count] >= minimum
        return speech

    def listen(self, count: int, heard: Features, tonal: Bools, longest_pause: Ints) -> None:
        """Take a frame of each leg.

        Args:
            count: Legs, in the first slots.
            heard: Their frames.
            tonal: Where a steady tone is heard, which is not speech.
            longest_pause: A run ends after so much quiet, shape (count,). [frames]
        """
        floor = self._track_floor(count, heard)
        peak = self._peak_db[:count]
        threshold = np.maximum(floor + ABOVE_FLOOR_DB, peak - BELOW_PEAK_DB)
        over_db = heard.level_db - np.maximum(threshold, LOWEST_DB)
        voiced = self._hear_voice(count, over_db, heard.flatness_db) & ~tonal
        np.maximum(peak, heard.level_db, out=peak, where=voiced)
        self._count(count, voiced, longest_pause)
        self._compare_pitch(count, voiced, heard.first_hz)

    def is_music(self, count: int) -> Bools:
        """Say where tones stood still as no voice's do, shape (count,)."""
        music: Bools = self.steady[:count] > MUSIC_SHARE * self.heard[:count]
        return music

    def _compare_pitch(self, count: int, voiced: Bools, hz: F32) -> None:
        held, pitch = self._held[:count], self._pitch_hz[:count]
        same = voiced & (np.abs(hz - pitch) < STEADY_HZ)
        held += 1
        held[~same] = 0
        self.steady[:count] += held >= 2
        self.heard[:count] += voiced
        pitch[:] = hz

    def _hear_voice(self, count: int, over_db: F32, flatness_db: F32) -> Bools:
        """Return where there is a voice for sure, or less surely and near to where it was sure."""
        since = self._since_sure[:count]
        sure = (over_db > 0) & (flatness_db < VOICED_DB)
        near = (over_db > SOFT_ABOVE_DB) & (flatness_db < SOFT_VOICED_DB) & (since < NEAR_FRAMES)
        since += 1
        since[sure] = 0
        voiced: Bools = sure | near
        return voiced

    def drop_run(self, slots: Bools) -> None:
        """Forget the run of legs whose sound was a tone after all, shape (count,)."""
        self.run[: slots.size][slots] = 0
        self.voiced[: slots.size][slots] = 0

    def _count(self, count: int, voiced: Bools, longest_pause: Ints) -> None:
        quiet, run = self.quiet[:count], self.run[:count]
        over = ~voiced & (quiet >= longest_pause)
        if over.any():
            self.drop_run(over)
        # A run grows by the pause before a sound only when the sound comes.
        run += np.where(voiced, np.where(run > 0, quiet + 1, 1), 0).astype(np.int32)
        self.voiced[:count] += voiced
        self.burst[:count][voiced & (quiet >= PAUSE)] = 0
        self.burst[:count] += voiced
        quiet += 1
        quiet[voiced] = 0

    def _track_floor(self, count: int, heard: Features) -> F32:
        """Return the floor; only frames that are no voice and no tone can lower or raise it."""
        blocks, frames = self._blocks[:count], self._frames[:count]
        # The first frame is heard together with the nothing before it.
        even = (heard.flatness_db >= VOICED_DB) & (frames > 0)
        np.minimum(blocks[:, 0], heard.level_db, out=blocks[:, 0], where=even)
        floor: F32 = blocks.min(axis=1)
        floor[floor == _UNKNOWN] = LIKELY_FLOOR_DB
        frames += 1
        full = frames % _BLOCK == 0
        if full.any():
            blocks[full, 1:] = blocks[full, :-1]
            blocks[full, 0] = _UNKNOWN
        self.floor_db[:count] = floor
        return floor
