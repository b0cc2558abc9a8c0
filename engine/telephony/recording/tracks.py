"""Answer for time in recordings: frames of ticks become chunks of 0.4 s, and what lacks is marked.

Pure: ticks and frames come in, chunks go out. All chunks begin at the same ticks, multiples of
``CHUNK_TICKS``, whoever wrote the frames, so the place of an instant in a file is arithmetic.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

import numpy as np
import numpy.typing as npt

from engine.telephony.media.g711 import FRAME, SILENCE, TRANSCODED, U8
from engine.telephony.recording.ring import A_LAW, PAUSED, U32, Frames

CHUNK_TICKS: Final = 20
"""Ticks of a chunk: 0.4 s. [ticks]"""

GRACE_TICKS: Final = 5
"""A chunk whose end is so long ago is written as it is; later frames of it are lost. [ticks]"""

TICK_S: Final = 0.02

I64 = npt.NDArray[np.int64]
Index = npt.NDArray[np.intp]


class Status(IntEnum):
    """What became of the audio of a tick."""

    LOST = 0
    KEPT = 1
    PAUSED = 2


@dataclass(frozen=True, slots=True)
class Chunk:
    """What was said and heard in ``CHUNK_TICKS`` ticks from ``number * CHUNK_TICKS`` on.

    Attributes:
        key: Of the recording.
        number: Which chunk of time it is.
        law: Law of both tracks, 0 for µ and 1 for A.
        status: ``Status`` of each tick, shape (CHUNK_TICKS,).
        said: G.711 codes of track 1, shape (CHUNK_TICKS, FRAME); silence where nothing was kept.
        heard: Of track 2.
    """

    key: int
    number: int
    law: int
    status: U8
    said: U8
    heard: U8


def silent_chunk(key: int, number: int, status: Status = Status.LOST) -> Chunk:
    """Return a chunk of which nothing was kept."""
    silence: U8 = np.full((CHUNK_TICKS, FRAME), SILENCE[0], dtype=np.uint8)
    marks: U8 = np.full(CHUNK_TICKS, status, dtype=np.uint8)
    return Chunk(key, number, 0, marks, silence, silence)


class Tracks:
    """The chunks that are being filled, one for each recording."""

    def __init__(self, rows: int = 16) -> None:
        self._rows: dict[int, int] = {}
        self._free: list[int] = []
        self._make(rows)
        self._last: tuple[bytes, Index] = (b"", np.zeros(0, dtype=np.intp))
        self.late_frames = 0

    def _make(self, rows: int) -> None:
        self._keys: I64 = np.zeros(rows, dtype=np.int64)
        self._number: I64 = np.full(rows, -1, dtype=np.int64)
        self._least: I64 = np.zeros(rows, dtype=np.int64)
        self._law: U8 = np.zeros(rows, dtype=np.uint8)
        self._status: U8 = np.zeros((rows, CHUNK_TICKS), dtype=np.uint8)
        self._tracks: U8 = np.zeros((2, rows, CHUNK_TICKS, FRAME), dtype=np.uint8)
        self._free = list(range(rows))

    def _grow(self) -> None:
        old = (self._keys, self._number, self._least, self._law, self._status, self._tracks)
        rows = self._keys.size
        self._make(2 * rows)
        self._keys[:rows], self._number[:rows], self._least[:rows] = old[0], old[1], old[2]
        self._law[:rows], self._status[:rows], self._tracks[:, :rows] = old[3], old[4], old[5]
        self._free = list(range(rows, 2 * rows))

    def open(self, key: int, least: int) -> None:
        """Take frames of a recording from now on; chunks before ``least`` are written already."""
        if not self._free:
            self._grow()
        row = self._rows[key] = self._free.pop()
        self._keys[row], self._number[row], self._least[row] = key, -1, least
        self._last = (b"", self._last[1])

    def close(self, key: int) -> Chunk | None:
        """Take no more of a recording; return what was begun of its last chunk."""
        row = self._rows.pop(key, None)
        if row is None:
            return None
        chunk = self._take(row) if self._number[row] >= 0 else None
        self._number[row] = -1
        self._free.append(row)
        self._last = (b"", self._last[1])
        return chunk

    def unknown(self, keys: U32) -> list[int]:
        """Return the keys that are of no open recording."""
        if self._find(keys)[0].size == keys.size:
            return []
        return [key for key in keys.tolist() if key not in self._rows]

    def put(self, tick: int, frames: Frames) -> list[Chunk]:
        """Take the frames of a tick; return the chunks that are complete by it."""
        rows, chosen = self._find(frames.keys)
        number = tick // CHUNK_TICKS
        before = self._number[rows]
        fresh = (before <= number) & (self._least[rows] <= number)
        if not fresh.all():
            self.late_frames += int(np.count_nonzero(~fresh))
            rows, chosen, before = rows[fresh], chosen[fresh], before[fresh]
        over = rows[before < number]
        done = [self._take(row) for row in over[self._number[over] >= 0].tolist()]
        if over.size:
            self._begin(over, number, frames.flags[chosen][before < number])
        self._write(tick % CHUNK_TICKS, rows, chosen, frames)
        return done

    def due(self, tick: int) -> list[Chunk]:
        """Return the chunks whose time has passed at a tick, however little came of them."""
        last = (tick - GRACE_TICKS) // CHUNK_TICKS
        rows = np.flatnonzero((self._number >= 0) & (self._number < last)).tolist()
        chunks = [self._take(row) for row in rows]
        for row in rows:
            self._least[row] = self._number[row] + 1
            self._number[row] = -1
        return chunks

    def oldest(self) -> int | None:
        """Return the first tick of which frames are held here alone, None if there are none."""
        held = self._number[self._number >= 0]
        return int(held.min()) * CHUNK_TICKS if held.size else None

    def _find(self, keys: U32) -> tuple[Index, Index]:
        """Return the rows of keys, and which of the keys they are of."""
        octets = keys.tobytes()
        if octets != self._last[0]:
            found = [self._rows.get(key, -1) for key in keys.tolist()]
            self._last = (octets, np.array(found, dtype=np.intp))
        rows = self._last[1]
        chosen = np.flatnonzero(rows >= 0)
        return rows[chosen], chosen

    def _begin(self, rows: Index, number: int, flags: U8) -> None:
        self._number[rows] = number
        self._law[rows] = flags & A_LAW
        self._status[rows] = Status.LOST
        self._tracks[:, rows] = SILENCE[self._law[rows]][:, np.newaxis, np.newaxis]

    def _write(self, at: int, rows: Index, chosen: Index, frames: Frames) -> None:
        flags = frames.flags[chosen]
        self._status[rows, at] = np.where(flags & PAUSED, Status.PAUSED, Status.KEPT)
        said, heard = frames.said[chosen], frames.heard[chosen]
        law = flags & A_LAW
        changed = np.flatnonzero(law != self._law[rows])
        if changed.size:  # the codec changed within the chunk
            laws = law[changed][:, np.newaxis], self._law[rows[changed]][:, np.newaxis]
            said[changed] = TRANSCODED[laws[0], laws[1], said[changed]]
            heard[changed] = TRANSCODED[laws[0], laws[1], heard[changed]]
        self._tracks[0, rows, at] = said
        self._tracks[1, rows, at] = heard

    def _take(self, row: int) -> Chunk:
        said, heard = self._tracks[0, row].copy(), self._tracks[1, row].copy()
        status = self._status[row].copy()
        return Chunk(
            int(self._keys[row]), int(self._number[row]), int(self._law[row]), status, said, heard
        )


def count_ticks(status: U8, wanted: Status) -> int:
    """Return how many ticks have a status. [ticks]"""
    return int(np.count_nonzero(status == wanted))


def first_and_last(status: Sequence[int] | U8) -> tuple[int, int]:
    """Return the first and the last place that is not lost, (0, -1) if all are."""
    known = np.flatnonzero(np.asarray(status) != Status.LOST)
    return (int(known[0]), int(known[-1])) if known.size else (0, -1)
