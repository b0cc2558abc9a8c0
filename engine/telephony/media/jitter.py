"""Answer for the jitter ring: which frame of every leg is due at each tick.

All legs share one array of shape (slots, legs, samples), and slot `tick % slots` holds what every
leg says at that tick: reading is a view. A leg's whole jitter state is one offset that ties its RTP
timestamps to ticks; to move the offset by a frame is to lengthen or shorten its delay.
"""

from typing import Final

import numpy as np
import numpy.typing as npt

from engine.telephony.media import noise
from engine.telephony.media.g711 import FRAME, HALVED, SILENCE, U8, law_rows
from engine.telephony.media.packets import Ints

Bools = npt.NDArray[np.bool_]
Index = npt.NDArray[np.intp]

SLOTS: Final = 16
"""Frames that the ring holds for each leg, 320 ms. [frames]"""

START_DELAY: Final = 1
"""Ticks between the arrival of a stream's first packet and its playing. [ticks]"""

MOST_AHEAD: Final = SLOTS - 3
"""Farthest ahead a packet is kept; the rest of the ring is history for concealment. [ticks]"""

MOST_GROWTH: Final = 8
"""A late packet lengthens its leg's delay by what it was late, and at most this. [ticks]"""

JUMP: Final = 25
"""A packet this far from its due time belongs to a new time line, not to jitter. [ticks]"""

REVIEW_TICKS: Final = 256
"""Each leg's delay is reviewed this often; a delay never needed in between is cut. [ticks]"""

REPEATS: Final = 2
"""Missing frames covered by repeating the last one ever quieter, before noise. [frames]"""

_NO_SLACK: Final = 1 << 20


class JitterRing:
    """The received audio of all legs, ordered by the tick at which it is due.

    Attributes:
        arrived: Tick of each leg's last packet, shape (legs,).
        started: Legs whose stream has a time line, shape (legs,).
        laws: Law in which each leg's frames are kept, shape (legs,).
        concealed: Frames that were missing before a stream went on, shape (legs,). [frames]
        late: Packets that came after they were due, per leg, shape (legs,). [packets]
    """

    def __init__(self, legs: int) -> None:
        self._ring: U8 = np.full((SLOTS, legs, FRAME), SILENCE[0], dtype=np.uint8)
        self._due: Ints = np.full((SLOTS, legs), -1, dtype=np.int64)
        self._offset: Ints = np.zeros(legs, dtype=np.int64)
        self._missing: Ints = np.full(legs, JUMP, dtype=np.int64)
        self._slack: Ints = np.full(legs, _NO_SLACK, dtype=np.int64)
        self._noise: Ints = np.full(legs, noise.SILENT, dtype=np.int64)
        self._noise_due: Ints = np.full(legs, -1, dtype=np.int64)
        self.arrived: Ints = np.full(legs, -(1 << 40), dtype=np.int64)
        self.started: Bools = np.zeros(legs, dtype=np.bool_)
        self.laws: Index = np.zeros(legs, dtype=np.intp)
        self.concealed: Ints = np.zeros(legs, dtype=np.int64)
        self.late: Ints = np.zeros(legs, dtype=np.int64)

    def clear(self, leg: int, law: int) -> None:
        """Forget all that a leg said and let it start anew in a law."""
        self._ring[:, leg] = SILENCE[law]
        self._due[:, leg] = -1
        self._offset[leg] = 0
        self._missing[leg] = JUMP
        self._slack[leg] = _NO_SLACK
        self._noise[leg], self._noise_due[leg] = noise.SILENT, -1
        self.arrived[leg] = -(1 << 40)
        self.started[leg] = False
        self.laws[leg] = law
        self.concealed[leg] = self.late[leg] = 0

    def restart(self, legs: Index) -> None:
        """Give legs a new time line at their next packet: another sender, another clock."""
        self.started[legs] = False

    def follow(self, leg: int, ticks: int) -> None:
        """Play a leg's frames so many ticks after the one that their timestamp counts to."""
        self._offset[leg] = -ticks * FRAME
        self.started[leg] = True

    def write(self, tick: int, legs: Index, timestamps: Ints, payloads: U8, lengths: Ints) -> None:
        """Keep packets until they are due.

        Args:
            tick: The tick now being worked on.
            legs: Leg of each packet, shape (N,).
            timestamps: RTP timestamp of each, shape (N,). [samples]
            payloads: G.711 codes in the leg's law, shape (N, at least the longest length).
            lengths: Codes of each payload, shape (N,). [samples]
        """
        self.arrived[legs] = tick
        if not self.started[legs].all():
            self._start(tick, legs, timestamps)
        ahead = self._ahead(tick, legs, timestamps)
        far = np.abs(ahead) >= JUMP * FRAME
        if far.any():
            self._start(tick, legs[far], timestamps[far], anew=True)
            ahead = self._ahead(tick, legs, timestamps)
        whole = lengths == FRAME
        skewed = whole & (ahead % FRAME != 0)
        if skewed.any():
            self._align(legs[skewed], ahead[skewed])
            ahead = self._ahead(tick, legs, timestamps)
        self._keep(tick, legs, ahead, payloads, whole & (ahead % FRAME == 0), lengths)

    def pause(self, tick: int, legs: Index, timestamps: Ints, levels: Ints) -> None:
        """Let legs be heard as noise from when their comfort noise is due (RFC 3389).

        Args:
            tick: The tick now being worked on.
            legs: Leg of each packet of comfort noise, shape (N,).
            timestamps: RTP timestamp of each, shape (N,). [samples]
            levels: Noise level of each, shape (N,). [-dBov]
        """
        self.arrived[legs] = tick
        if not self.started[legs].all():
            self._start(tick, legs, timestamps)
        ahead = self._ahead(tick, legs, timestamps) // FRAME
        self._noise_due[legs] = tick + np.clip(ahead, 0, MOST_AHEAD)
        self._noise[legs] = noise.step_of(levels)

    def _keep(
        self, tick: int, legs: Index, ahead: Ints, payloads: U8, whole: Bools, lengths: Ints
    ) -> None:
        slack = ahead // FRAME
        self._slack[legs] = np.minimum(self._slack[legs], slack)
        late = slack < 0
        good = whole & ~late & (slack <= MOST_AHEAD)
        if good.all():
            self._put(tick + slack, legs, payloads)
            return
        if good.any():
            self._put(tick + slack[good], legs[good], payloads[good])
        odd = np.flatnonzero(~whole & (lengths > 0))
        if odd.size:
            self._put_samples(tick, legs[odd], ahead[odd], payloads[odd], lengths[odd])
        if late.any():
            self.late[legs[late]] += 1
            self._offset[legs[late]] += np.maximum(slack[late], -MOST_GROWTH) * FRAME
        early = slack > MOST_AHEAD
        if early.any():
            self._offset[legs[early]] += (slack[early] - START_DELAY) * FRAME

    def _put(self, due: Ints, legs: Index, payloads: U8) -> None:
        slot = due % SLOTS
        self._ring[slot, legs] = payloads[:, :FRAME]
        self._due[slot, legs] = due

    def _put_samples(
        self, tick: int, legs: Index, ahead: Ints, payloads: U8, lengths: Ints
    ) -> None:
        """Keep packets of any length, sample by sample: 10, 30, 40 or 60 ms a packet."""
        column = np.arange(int(lengths.max()))
        at = ahead[:, np.newaxis] + column
        row, sample = np.nonzero(
            (column < lengths[:, np.newaxis]) & (at >= 0) & (at // FRAME <= MOST_AHEAD)
        )
        due, leg = tick + at[row, sample] // FRAME, legs[row]
        fresh = self._due[due % SLOTS, leg] != due
        slot, who = due[fresh] % SLOTS, leg[fresh]
        self._ring[slot, who] = SILENCE[self.laws[who]][:, np.newaxis]
        self._due[slot, who] = due[fresh]
        self._ring[due % SLOTS, leg, at[row, sample] % FRAME] = payloads[row, sample]

    def read(self, tick: int, live: Index) -> U8:
        """Return what every leg says at a tick, with missing frames covered.

        Args:
            tick: The tick now being worked on; each tick is read once, in order.
            live: Legs in use.

        Returns:
            Codes in each leg's law, shape (legs, samples): a view that holds for this tick.
        """
        slot = tick % SLOTS
        block: U8 = self._ring[slot]
        missing = self._due[slot, live] != tick
        run = self._missing[live]
        if run.any():
            self._close_gaps(tick, live, run, missing)
        if missing.any():
            self._conceal(tick, live[missing], block)
        self._missing[live] = np.where(missing, run + 1, 0)
        self._review(tick)
        return block

    def _close_gaps(self, tick: int, live: Index, run: Ints, missing: Bools) -> None:
        """Count the gaps that end now; who has spoken once pauses in noise from now on."""
        ended = np.flatnonzero(~missing & (run > 0))
        legs, length = live[ended], run[ended]
        lost = (length < JUMP) & (self._noise_due[legs] < tick - length)
        self.concealed[legs[lost]] += length[lost]
        self._noise[legs] = np.minimum(self._noise[legs], noise.SOFT)

    def _conceal(self, tick: int, absent: Index, block: U8) -> None:
        run = self._missing[absent]
        due = self._noise_due[absent]
        paused = (due >= tick - run) & (due <= tick)  # by the far end, after its last frame
        repeat = (run < REPEATS) & ~paused
        again, quiet = absent[repeat], absent[~repeat]
        if again.size:
            before = self._ring[(tick - 1) % SLOTS, again]
            block[again] = HALVED.take(before + law_rows(self.laws[again]))
        if quiet.size:
            block[quiet] = noise.frames(tick, quiet, self._noise[quiet], self.laws[quiet])

    def _review(self, tick: int) -> None:
        """Cut the delay of the legs whose turn it is by what they never needed."""
        turn = slice(tick % REVIEW_TICKS, None, REVIEW_TICKS)
        slack = self._slack[turn]
        spare = np.where((slack > START_DELAY) & (slack < _NO_SLACK), slack - START_DELAY, 0)
        self._offset[turn] += spare * FRAME
        self._slack[turn] = _NO_SLACK

    def _ahead(self, tick: int, legs: Index, timestamps: Ints) -> Ints:
        """Return how long before its due time each packet came, modulo 2**32. [samples]"""
        ahead = (timestamps - self._offset[legs] - tick * FRAME) & 0xFFFFFFFF
        return np.where(ahead >= 1 << 31, ahead - (1 << 32), ahead)

    def _start(self, tick: int, legs: Index, timestamps: Ints, *, anew: bool = False) -> None:
        fresh = np.arange(legs.size) if anew else np.flatnonzero(~self.started[legs])
        leg, first = np.unique(legs[fresh], return_index=True)
        self._offset[leg] = timestamps[fresh[first]] - (tick + START_DELAY) * FRAME
        self._slack[leg] = _NO_SLACK
        self._missing[leg] = JUMP
        self.started[leg] = True

    def _align(self, legs: Index, ahead: Ints) -> None:
        """Move time lines so that the packets of a new talk spurt fall on whole frames."""
        leg, first = np.unique(legs, return_index=True)
        self._offset[leg] += ahead[first] % FRAME
