"""Answer for a sealed file that grows: a slot a chunk, written once and whole at any instant."""

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np

from engine.telephony.media.g711 import FRAME, I16
from engine.telephony.recording.disk import Disk
from engine.telephony.recording.notes import LiveNotes, Span, pack_notes, samples_of, unpack_notes
from engine.telephony.recording.sealing import (
    PRELUDE,
    Content,
    Kind,
    SealedReader,
    Sealer,
    SealError,
)
from engine.telephony.recording.tracks import CHUNK_TICKS, Chunk, Status, count_ticks, silent_chunk

PAYLOAD: Final = 4 + CHUNK_TICKS * (1 + 2 * FRAME)
"""Octets of a chunk: law, status of each tick, two tracks."""


class SealedLive:
    """A sealed file of frames."""

    def __init__(self, disk: Disk, file: int, sealer: Sealer, notes: LiveNotes, slots: int) -> None:
        self._disk, self._sealer, self._notes = disk, sealer, notes
        self.file = file
        self.next_number = notes.base + slots

    @classmethod
    def create(cls, disk: Disk, path: Path, key: bytes, notes: LiveNotes) -> "SealedLive":
        """Begin a file."""
        sealer = Sealer.begin(key, notes.recording_id, Content.FRAMES, PAYLOAD)
        file = disk.create(path)
        try:
            octets = sealer.octets + sealer.seal(0, Kind.NOTES, pack_notes(notes).ljust(PAYLOAD))
            disk.write(file, octets, 0)
        except BaseException:
            disk.close(file)
            disk.unlink(path)
            raise
        return cls(disk, file, sealer, notes, 0)

    @classmethod
    def reopen(cls, disk: Disk, path: Path, key: bytes) -> "SealedLive":
        """Go on with a file; what was cut of its last slot is written again.

        Raises:
            SealError: It is no such file.
        """
        file = disk.open(path)
        try:
            size = disk.size(file)
            reader = SealedReader(key, lambda count, at: disk.read(file, count, at), size)
            notes = _read_notes(reader)
            slots = max(0, (size - PRELUDE) // reader.prelude.slot - 1)
            return cls(disk, file, Sealer(key, reader.prelude), notes, slots)
        except BaseException:
            disk.close(file)
            raise

    @property
    def notes(self) -> LiveNotes:
        """What the file says of itself."""
        return self._notes

    def append(self, chunk: Chunk) -> None:
        """Write a chunk at its place; those left out before it become silence."""
        while self.next_number < chunk.number:
            self._write(silent_chunk(chunk.key, self.next_number))
        if self.next_number == chunk.number:
            self._write(chunk)

    def end(self, end_tick: int) -> None:
        """Say that it is over, and when."""
        self._seal(Kind.LAST, struct.pack("<Q", end_tick))

    def _write(self, chunk: Chunk) -> None:
        head = bytes((chunk.law, 0, 0, 0))
        codes = chunk.said.tobytes() + chunk.heard.tobytes()
        self._seal(Kind.DATA, head + chunk.status.tobytes() + codes)
        self.next_number += 1

    def _seal(self, kind: Kind, payload: bytes) -> None:
        slot = self.next_number - self._notes.base + 1
        try:
            octets = self._sealer.seal(slot, kind, payload)
            self._disk.write(self.file, octets, self._sealer.place(slot))
        except OSError:
            self._sealer.renew()  # this slot will be sealed again, with other contents
            raise


def sealed_span(reader: SealedReader) -> Span:
    """Return what is in a sealed file that ended, or was cut.

    Raises:
        SealError: Not even its beginning is there.
    """
    notes = _read_notes(reader)
    skip = notes.first_tick - notes.base * CHUNK_TICKS
    marks, end_tick = bytearray(), None  # an octet a tick: 1.4 MB for eight hours
    for slot in range(1, reader.slots):
        payload = _payload(reader, slot)
        if payload is not None and len(payload) == 8:
            end_tick = struct.unpack("<Q", payload)[0]
            break
        marks += bytes(CHUNK_TICKS) if payload is None else payload[4 : 4 + CHUNK_TICKS]
    known = len(marks.rstrip(bytes((Status.LOST,)))) - skip
    ticks = max(0, known if end_tick is None else end_tick - notes.first_tick)
    status = np.frombuffer(marks, dtype=np.uint8)[skip:][:ticks]
    lost = count_ticks(status, Status.LOST) + ticks - status.size
    span = Span(notes, ticks, end_tick is not None, lost, count_ticks(status, Status.PAUSED))
    span.blocks = _sealed_blocks(reader, skip, ticks)
    return span


def _sealed_blocks(reader: SealedReader, skip: int, ticks: int) -> Iterator[I16]:
    left = ticks * FRAME
    slot = 1
    while left > 0:
        payload = _payload(reader, slot) if slot < reader.slots else None
        if payload is None or len(payload) != PAYLOAD:
            chunk = silent_chunk(0, 0)
        else:
            codes = np.frombuffer(payload, dtype=np.uint8, offset=4 + CHUNK_TICKS)
            tracks = codes.reshape(2, CHUNK_TICKS, FRAME)
            chunk = Chunk(0, 0, payload[0], codes, tracks[0], tracks[1])
        samples = samples_of(chunk)[skip * FRAME if slot == 1 else 0 :][:left]
        left -= len(samples)
        slot += 1
        yield samples


def _payload(reader: SealedReader, slot: int) -> bytes | None:
    try:
        return reader.open(slot)[1]
    except SealError:
        return None


def _read_notes(reader: SealedReader) -> LiveNotes:
    kind, payload = reader.open(0)
    if kind is not Kind.NOTES or reader.prelude.content is not Content.FRAMES:
        raise SealError("this is no recording that goes on")
    return unpack_notes(payload)
