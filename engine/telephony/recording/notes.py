"""Answer for what a file of a recording says of itself, and what is read of one, however kept."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

import msgspec
import numpy as np

from engine.telephony.media.g711 import FRAME, I16, decode
from engine.telephony.recording.sealing import SealError
from engine.telephony.recording.tracks import CHUNK_TICKS, Chunk

MOST_NOTES: Final = 4096
"""Octets of notes, as JSON."""

_TRACK: Final = CHUNK_TICKS * FRAME


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


def pack_notes(notes: LiveNotes) -> bytes:
    """Return notes as JSON, without those of the caller's that would be too long."""
    packed = msgspec.json.encode(notes)
    if len(packed) > MOST_NOTES:
        packed = msgspec.json.encode(msgspec.structs.replace(notes, notes={}))
    return packed


def unpack_notes(octets: bytes) -> LiveNotes:
    """Return notes from JSON.

    Raises:
        SealError: They are damaged.
    """
    try:
        return msgspec.json.decode(octets, type=LiveNotes)
    except msgspec.MsgspecError:
        raise SealError("the notes of the recording are damaged") from None


def samples_of(chunk: Chunk) -> I16:
    """Return the samples of a chunk, both tracks beside each other, shape (N, 2)."""
    law = chunk.law
    tracks = [decode(codes, law).reshape(_TRACK) for codes in (chunk.said, chunk.heard)]
    return np.stack(tracks, axis=1)
