"""Answer for the shared memory between a switch and the recorder: one writer, one reader, no lock.

An entry holds the frames of all recorded legs of one tick. The writer never waits: what has no room
is left out and counted. The reader gives room back only when the frames are on disk, so a recorder
that dies loses nothing: its successor reads the same entries again.

Positions count octets from the beginning of time; an entry that would cross the end of the memory
begins at its start instead. Each entry carries its tick twice, as first and last word, so that one
seen before all of it has arrived (memory of other processors) is left for the next look.
"""

import mmap
import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from engine.telephony.media.g711 import FRAME, U8

U32 = npt.NDArray[np.uint32]
U64 = npt.NDArray[np.uint64]

HEADER: Final = 4096
"""Octets before the first entry."""

ENTRY: Final = 32
"""Octets of an entry beside its frames."""

A_LAW: Final = 1
PAUSED: Final = 2
"""Bits of a frame's flags."""

_MAGIC: Final = 0x50434C52494E4732
_CAPACITY, _HEAD, _TAIL, _LOST = 1, 2, 3, 4
_SKIP: Final = 0xFFFFFFFF


@dataclass(frozen=True, slots=True)
class Frames:
    """The frames of one tick.

    Attributes:
        keys: Key of each recording, shape (N,).
        flags: ``A_LAW`` and ``PAUSED``, shape (N,).
        said: What the far end of each leg says, in its law, shape (N, FRAME).
        heard: What each leg hears, in the same law, shape (N, FRAME).
    """

    keys: U32
    flags: U8
    said: U8
    heard: U8


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry as it was read: its tick, its frames, and the position after it."""

    tick: int
    frames: Frames
    end: int


def make_ring(octets: int) -> int:
    """Return the descriptor of new shared memory for a ring.

    Args:
        octets: Room for entries; a recorded leg takes 325 a tick.
    """
    capacity = -(-octets // mmap.PAGESIZE) * mmap.PAGESIZE
    descriptor = os.memfd_create("paceline-recording", os.MFD_CLOEXEC)
    os.ftruncate(descriptor, HEADER + capacity)
    words = np.zeros(8, dtype=np.uint64)
    words[0], words[_CAPACITY] = _MAGIC, capacity
    os.pwrite(descriptor, words.tobytes(), 0)
    return descriptor


class _Ring:
    """Both ends' view of the memory."""

    def __init__(self, descriptor: int) -> None:
        self._memory = mmap.mmap(descriptor, 0)
        self._words: U64 = np.frombuffer(self._memory, dtype=np.uint64, count=8)
        if int(self._words[0]) != _MAGIC:
            raise ValueError("this is no ring of frames")
        self._capacity = int(self._words[_CAPACITY])
        self._octets: U8 = np.frombuffer(self._memory, dtype=np.uint8, offset=HEADER)

    @property
    def lost_ticks(self) -> int:
        """Ticks whose frames had no room."""
        return int(self._words[_LOST])

    def _u32(self, at: int, count: int) -> U32:
        return self._octets[at : at + 4 * count].view(np.uint32)

    def _u64(self, at: int) -> U64:
        return self._octets[at : at + 8].view(np.uint64)


class RingWriter(_Ring):
    """A switch's end; a switch that takes over goes on where the one before it ended."""

    def put(self, tick: int, frames: Frames) -> bool:
        """Write the frames of a tick; False if there is no room, which is counted."""
        count = frames.keys.size
        length = _length(count)
        head, tail = int(self._words[_HEAD]), int(self._words[_TAIL])
        at = head % self._capacity
        skipped = self._capacity - at if at + length > self._capacity else 0
        if head + skipped + length - tail > self._capacity:
            self._words[_LOST] += np.uint64(1)
            return False
        if skipped:
            self._u32(at, 2)[:] = (skipped, _SKIP)
            head, at = head + skipped, 0
        self._u32(at, 2)[:] = (length, count)
        self._u64(at + 8)[0] = tick
        self._fill(at + 16, frames)
        self._u64(at + length - 8)[0] = tick
        self._words[_HEAD] = head + length
        return True

    def _fill(self, at: int, frames: Frames) -> None:
        count = frames.keys.size
        self._u32(at, count)[:] = frames.keys
        at += 4 * count
        self._octets[at : at + count] = frames.flags
        at += count
        for track in (frames.said, frames.heard):
            self._octets[at : at + FRAME * count] = track.reshape(-1)
            at += FRAME * count


class RingReader(_Ring):
    """The recorder's end."""

    def __init__(self, descriptor: int) -> None:
        super().__init__(descriptor)
        self._read = int(self._words[_TAIL])

    def entries(self) -> Iterator[Entry]:
        """Yield what has come since, in order; the arrays are views until ``release``."""
        head = int(self._words[_HEAD])
        while self._read < head:
            at = self._read % self._capacity
            length, count = self._u32(at, 2).tolist()
            if count == _SKIP:
                self._read += length
                continue
            tick = int(self._u64(at + 8)[0])
            if length != _length(count) or int(self._u64(at + length - 8)[0]) != tick:
                return  # not all of it has arrived
            self._read += length
            yield Entry(tick, self._frames(at + 16, count), self._read)

    def back(self, entry: Entry) -> None:
        """Let an entry be read again at the next look, as the first one."""
        self._read = entry.end - _length(entry.frames.keys.size)

    def release(self, position: int) -> None:
        """Give the room before a position back to the writer."""
        self._words[_TAIL] = position

    @property
    def position(self) -> int:
        """The position after all that was read."""
        return self._read

    def _frames(self, at: int, count: int) -> Frames:
        keys = self._u32(at, count)
        at += 4 * count
        flags = self._octets[at : at + count]
        at += count
        said = self._octets[at : at + FRAME * count].reshape(count, FRAME)
        at += FRAME * count
        heard = self._octets[at : at + FRAME * count].reshape(count, FRAME)
        return Frames(keys, flags, said, heard)


def _length(count: int) -> int:
    """Return the octets of an entry of so many frames, a multiple of 8."""
    return ENTRY + -(-count * (5 + 2 * FRAME) // 8) * 8
