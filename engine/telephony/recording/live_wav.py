"""Answer for a plain file that grows: a WAV file whose header is brought up to date each chunk.

Two tracks of PCM16 at 8 kHz, with a chunk of ours (``pcln``) for what WAV has no word for.
"""

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np

from engine.telephony.media.g711 import FRAME, I16
from engine.telephony.recording.disk import Disk
from engine.telephony.recording.notes import (
    MOST_NOTES,
    LiveNotes,
    Span,
    pack_notes,
    samples_of,
    unpack_notes,
)
from engine.telephony.recording.sealing import SealError
from engine.telephony.recording.tracks import (
    CHUNK_TICKS,
    Chunk,
    Status,
    count_ticks,
    first_and_last,
)

_TICK_OCTETS: Final = 4 * FRAME
_MOST_DATA: Final = 0xFFFF_0000
"""What a header can tell of samples: 37 h; a longer file is read to its end. [octets]"""
_COUNTS = struct.Struct("<IIQ")
_TICK_ZERO: Final = 12 + 8 + 16  # RIFF, size, WAVE; fmt and its size and body


class WavLive:
    """A WAV file of two tracks, without a key."""

    def __init__(self, disk: Disk, file: int, notes: LiveNotes, start: int, ticks: int) -> None:
        self._disk, self._notes, self._start = disk, notes, start
        self.file = file
        self._ticks = ticks
        self._lost = self._paused = 0
        self.next_number = notes.base if not ticks else (notes.first_tick + ticks) // CHUNK_TICKS

    @classmethod
    def create(cls, disk: Disk, path: Path, notes: LiveNotes) -> "WavLive":
        """Begin a file."""
        file = disk.create(path)
        header = wav_header(notes, 0)
        try:
            disk.write(file, header, 0)
        except BaseException:
            disk.close(file)
            disk.unlink(path)
            raise
        return cls(disk, file, notes, len(header), 0)

    @classmethod
    def reopen(cls, disk: Disk, path: Path) -> "WavLive":
        """Go on with a file.

        Raises:
            SealError: It is no such file.
        """
        file = disk.open(path)
        try:
            notes, start, counts = _read_wav(disk, file)
            ticks = max(0, disk.size(file) - start) // _TICK_OCTETS
            live = cls(disk, file, notes, start, ticks)
            live._lost, live._paused = counts[0], counts[1]
            return live
        except BaseException:
            disk.close(file)
            raise

    @property
    def notes(self) -> LiveNotes:
        """What the file says of itself."""
        return self._notes

    def append(self, chunk: Chunk) -> None:
        """Write a chunk at its place; those left out before it become silence."""
        first = self._notes.first_tick
        if chunk.number < self.next_number:
            return
        begins = chunk.number * CHUNK_TICKS
        skip, until = max(0, first - begins), first_and_last(chunk.status)[1] + 1
        if until <= skip:
            return  # nothing of it was kept: what follows shows the gap
        gap = max(0, begins + skip - first - self._ticks)
        at = self._start + (begins + skip - first) * _TICK_OCTETS
        samples = samples_of(chunk)[skip * FRAME : until * FRAME]
        self._disk.write(self.file, samples.astype("<i2").tobytes(), at)
        status = chunk.status[skip:until]
        self._lost += gap + count_ticks(status, Status.LOST)
        self._paused += count_ticks(status, Status.PAUSED)
        self._ticks = begins + until - first
        self.next_number = chunk.number + 1
        self._update(complete=False)

    def end(self, end_tick: int) -> None:
        """Say that it is over, and when."""
        ticks = max(0, end_tick - self._notes.first_tick)
        # The rest of the last chunk is not part of it; what came late at the end is lost.
        self._lost = max(0, self._lost + ticks - self._ticks)
        self._ticks = ticks
        self._disk.truncate(self.file, self._start + ticks * _TICK_OCTETS)
        self._update(complete=True)

    def _update(self, *, complete: bool) -> None:
        """Let the header tell what is there."""
        octets = wav_header(self._notes, self._ticks, self._lost, self._paused, complete=complete)
        self._disk.write(self.file, octets, 0)


def wav_header(
    notes: LiveNotes, ticks: int, lost: int = 0, paused: int = 0, *, complete: bool = False
) -> bytes:
    """Return the header of a WAV file of two tracks of PCM16 at 8 kHz, up to its samples."""
    own = _COUNTS.pack(lost, paused, int(complete)) + pack_notes(notes)
    own += b" " * (len(own) % 2)
    data = min(ticks * _TICK_OCTETS, _MOST_DATA)
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 2, 8000, 32_000, 4, 16)
    body = form + struct.pack("<4sI", b"pcln", len(own)) + own + struct.pack("<4sI", b"data", data)
    return struct.pack("<4sI4s", b"RIFF", 4 + len(body) + data, b"WAVE") + body


def wav_span(disk: Disk, file: int) -> Span:
    """Return what is in a plain file that ended, or was cut.

    Raises:
        SealError: Not even its beginning is there.
    """
    notes, start, (lost, paused, complete) = _read_wav(disk, file)
    ticks = max(0, disk.size(file) - start) // _TICK_OCTETS

    def blocks() -> Iterator[I16]:
        for first in range(0, ticks, 1000):
            count = min(1000, ticks - first)
            octets = disk.read(file, count * _TICK_OCTETS, start + first * _TICK_OCTETS)
            yield np.frombuffer(octets, dtype="<i2").astype(np.int16).reshape(-1, 2)

    return Span(notes, ticks, bool(complete), min(lost, ticks), min(paused, ticks), blocks())


def _read_wav(disk: Disk, file: int) -> tuple[LiveNotes, int, tuple[int, int, int]]:
    """Return notes, place of the samples, and the counts of a WAV file of ours."""
    octets = disk.read(file, _TICK_ZERO + 8 + _COUNTS.size + MOST_NOTES + 64, 0)
    at = _TICK_ZERO
    if octets[8:12] != b"WAVE" or octets[at : at + 4] != b"pcln":
        raise SealError("this is no recording")
    length = int.from_bytes(octets[at + 4 : at + 8], "little")
    own = octets[at + 8 : at + 8 + length]
    counts = _COUNTS.unpack(own[: _COUNTS.size])
    return unpack_notes(own[_COUNTS.size :]), at + 8 + length + 8, counts
