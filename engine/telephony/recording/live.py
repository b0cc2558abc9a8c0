"""Answer for the file of a recording that goes on: chunks at their places, whole at any instant.

With a key it is a sealed file of frames (``sealing``): a slot a chunk. Without one it is a WAV file
of two tracks of PCM16 at 8 kHz whose header is brought up to date after each chunk, with a chunk of
ours (``pcln``) for what WAV has no word for. A hole in time is a hole filled with silence.
"""

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Protocol

import msgspec
import numpy as np

from engine.telephony.media.g711 import FRAME, I16, decode
from engine.telephony.recording.disk import Disk
from engine.telephony.recording.sealing import (
    PRELUDE,
    Content,
    Kind,
    SealedReader,
    Sealer,
    SealError,
    decode_prelude,
)
from engine.telephony.recording.tracks import (
    CHUNK_TICKS,
    Chunk,
    Status,
    count_ticks,
    first_and_last,
    silent_chunk,
)

LIVE: Final = ".live"
"""Ending of the name of a file that goes on."""

PAYLOAD: Final = 4 + CHUNK_TICKS * (1 + 2 * FRAME)
"""Octets of a chunk: law, status of each tick, two tracks."""

MOST_NOTES: Final = 4096
"""Octets of notes, as msgpack."""

_TRACK: Final = CHUNK_TICKS * FRAME
_TICK_OCTETS: Final = 4 * FRAME
_COUNTS = struct.Struct("<IIQ")
_TICK_ZERO: Final = 12 + 8 + 16  # RIFF, size, WAVE; fmt and its size and body


class LiveNotes(msgspec.Struct, frozen=True):
    """What a file says of itself.

    Attributes:
        recording_id: The recording.
        started_s: When it began. [s since the epoch]
        first_tick: Tick of the switch at which it began.
        notes: As given.
    """

    recording_id: str
    started_s: float
    first_tick: int
    notes: Mapping[str, str] = {}

    @property
    def base(self) -> int:
        """Number of its first chunk."""
        return self.first_tick // CHUNK_TICKS


@dataclass(slots=True)
class Span:
    """What is in a file that ended, or was cut.

    Attributes:
        notes: What it says of itself.
        ticks: Its length. [ticks]
        complete: Whether it was ended in order.
        lost: Of its length, what was not kept. [ticks]
        paused: Of its length, what was paused. [ticks]
        blocks: Its samples, in pieces of shape (N, 2).
    """

    notes: LiveNotes
    ticks: int
    complete: bool
    lost: int
    paused: int
    blocks: Iterator[I16] = field(default_factory=lambda: iter(()))


class LiveFile(Protocol):
    """A file that grows."""

    @property
    def file(self) -> int:
        """Its descriptor."""
        ...

    @property
    def next_number(self) -> int:
        """Number of the first chunk that is not in it."""
        ...

    def append(self, chunk: Chunk) -> None:
        """Write a chunk at its place; those left out before it become silence."""
        ...

    def end(self, end_tick: int) -> None:
        """Say that it is over, and when."""
        ...


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
            octets = sealer.octets + sealer.seal(0, Kind.NOTES, _packed(notes).ljust(PAYLOAD))
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
        samples = _samples(chunk)[skip * FRAME : until * FRAME]
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
    own = _COUNTS.pack(lost, paused, int(complete)) + _packed(notes)
    own += b" " * (len(own) % 2)
    data = ticks * _TICK_OCTETS
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 2, 8000, 32_000, 4, 16)
    body = form + struct.pack("<4sI", b"pcln", len(own)) + own + struct.pack("<4sI", b"data", data)
    return struct.pack("<4sI4s", b"RIFF", 4 + len(body) + data, b"WAVE") + body


def create_live(disk: Disk, path: Path, key: bytes | None, notes: LiveNotes) -> LiveFile:
    """Begin the file of a recording, or go on with it if it is there.

    Raises:
        SealError: There is another file of that name.
    """
    try:
        if key is None:
            return WavLive.create(disk, path, notes)
        return SealedLive.create(disk, path, key, notes)
    except FileExistsError:
        found = WavLive.reopen(disk, path) if key is None else SealedLive.reopen(disk, path, key)
    if found.notes.recording_id != notes.recording_id or found.notes.first_tick != notes.first_tick:
        disk.close(found.file)
        raise SealError(f"{path.name} is of another recording")
    return found


def read_live(disk: Disk, file: int, key: bytes | None) -> Span:
    """Return what is in a file that ended, or was cut.

    Raises:
        SealError: Not even its beginning is there, or it needs another key.
    """
    if disk.read(file, 4, 0) == b"RIFF":
        return _wav_span(disk, file)
    if key is None:
        decode_prelude(disk.read(file, PRELUDE, 0))
        raise SealError("the recording is sealed and there is no key")
    reader = SealedReader(key, lambda count, at: disk.read(file, count, at), disk.size(file))
    return _sealed_span(reader)


def _sealed_span(reader: SealedReader) -> Span:
    notes = _read_notes(reader)
    skip = notes.first_tick - notes.base * CHUNK_TICKS
    marks, end_tick = bytearray(), None
    for slot in range(1, reader.slots):
        payload = _payload(reader, slot)
        if payload is not None and len(payload) == 8:
            end_tick = struct.unpack("<Q", payload)[0]
            break
        marks += bytes(CHUNK_TICKS) if payload is None else payload[4 : 4 + CHUNK_TICKS]
    status = np.frombuffer(bytes(marks), dtype=np.uint8)[skip:]
    ticks = first_and_last(status)[1] + 1 if end_tick is None else end_tick - notes.first_tick
    status = status[: max(0, ticks)]
    lost = count_ticks(status, Status.LOST) + max(0, ticks - status.size)
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
        samples = _samples(chunk)[skip * FRAME if slot == 1 else 0 :][:left]
        left -= len(samples)
        slot += 1
        yield samples


def _payload(reader: SealedReader, slot: int) -> bytes | None:
    try:
        return reader.open(slot)[1]
    except SealError:
        return None


def _wav_span(disk: Disk, file: int) -> Span:
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
    return _unpacked(own[_COUNTS.size :]), at + 8 + length + 8, counts


def _samples(chunk: Chunk) -> I16:
    """Return the samples of a chunk, both tracks beside each other, shape (N, 2)."""
    law = chunk.law
    tracks = [decode(codes, law).reshape(_TRACK) for codes in (chunk.said, chunk.heard)]
    return np.stack(tracks, axis=1)


def _packed(notes: LiveNotes) -> bytes:
    """Return notes as JSON, without those of the caller's that would be too long."""
    packed = msgspec.json.encode(notes)
    if len(packed) > MOST_NOTES:
        packed = msgspec.json.encode(msgspec.structs.replace(notes, notes={}))
    return packed


def _unpacked(octets: bytes) -> LiveNotes:
    try:
        return msgspec.json.decode(octets, type=LiveNotes)
    except msgspec.MsgspecError:
        raise SealError("the notes of the recording are damaged") from None


def _read_notes(reader: SealedReader) -> LiveNotes:
    kind, payload = reader.open(0)
    if kind is not Kind.NOTES or reader.prelude.content is not Content.FRAMES:
        raise SealError("this is no recording that goes on")
    return _unpacked(payload)
