"""Answer for the file of a recording that goes on: chunks at their places, whole at any instant.

With a key it is a sealed file of frames (``live_sealed``), without one a WAV file (``live_wav``). A
hole in time is a hole filled with silence.
"""

from pathlib import Path
from typing import Final, Protocol

from engine.telephony.recording.disk import Disk
from engine.telephony.recording.live_sealed import SealedLive, sealed_span
from engine.telephony.recording.live_wav import WavLive, wav_span
from engine.telephony.recording.notes import LiveNotes, Span
from engine.telephony.recording.sealing import PRELUDE, SealedReader, SealError, decode_prelude
from engine.telephony.recording.tracks import Chunk

LIVE: Final = ".live"
"""Ending of the name of a file that goes on."""


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
        return wav_span(disk, file)
    if key is None:
        decode_prelude(disk.read(file, PRELUDE, 0))
        raise SealError("the recording is sealed and there is no key")
    reader = SealedReader(key, lambda count, at: disk.read(file, count, at), disk.size(file))
    return sealed_span(reader)
