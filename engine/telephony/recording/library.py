"""Answer for finished recordings: read from any place, opened with the key, and deleted for good.

Reading a sealed document decrypts the pieces asked for and no others, so seeking costs nothing, and
nothing of it is ever written anywhere. Everything here blocks; callers use a thread.
"""

import io
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

import numpy as np

from engine.telephony.media.g711 import I16
from engine.telephony.recording.disk import Disk, RealDisk
from engine.telephony.recording.documents import Summary
from engine.telephony.recording.finishing import (
    SEALED,
    describe,
    files_of,
    read_summary,
    sealed_reader,
)
from engine.telephony.recording.pieces import PIECE
from engine.telephony.recording.sealing import SealedReader, SealError, load_key

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

SAMPLES_PER_MS = 8


class Reading:
    """One finished recording, open for reading; a context manager that closes it.

    Attributes:
        summary: What it says of itself.
        size: Octets of the document.
    """

    def __init__(self, disk: Disk, path: Path, key: bytes | None) -> None:
        """Open a kept file.

        Raises:
            OSError: It is not there, or cannot be read.
            SealError: It is damaged, or was sealed with another key.
        """
        self._disk = disk
        self._sealed: SealedReader | None = None
        self._piece: tuple[int, bytes] = (-1, b"")
        if path.name.endswith(SEALED):
            self._file = disk.open(path)
            try:
                self._sealed = sealed_reader(disk, self._file, key)
                self.summary: Summary = read_summary(self._sealed)
            except BaseException:
                disk.close(self._file)
                raise
            self.size = self.summary.size
        else:
            self.summary = describe(disk, path, key).summary
            self._file = disk.open(path)
            self.size = disk.size(self._file)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file."""
        self._disk.close(self._file)

    def read(self, offset: int, count: int) -> bytes:
        """Return octets of the FLAC or WAV document; fewer at its end.

        Raises:
            SealError: A piece is damaged.
        """
        count = max(0, min(count, self.size - offset))
        if self._sealed is None:
            return self._disk.read(self._file, count, offset)
        first, last = offset // PIECE, (offset + count - 1) // PIECE
        pieces = b"".join(self._open(number) for number in range(first, last + 1))
        begin = offset - first * PIECE
        return pieces[begin : begin + count]

    def pcm(self, start_ms: int, block_ms: int) -> Iterator[I16]:
        """Yield the samples from an instant on, both tracks beside each other.

        Args:
            start_ms: Where to begin. [ms]
            block_ms: Length of a block. [ms]

        Yields:
            Blocks of shape (8 * block_ms, 2), the last one shorter.
        """
        start, block = start_ms * SAMPLES_PER_MS, block_ms * SAMPLES_PER_MS
        return self._flac(start, block) if self.summary.form == "flac" else self._wav(start, block)

    def _wav(self, start: int, block: int) -> Iterator[I16]:
        samples = self.summary.ticks * 160
        begins = self.size - 4 * samples
        for at in range(start, samples, block):
            octets = self.read(begins + 4 * at, 4 * min(block, samples - at))
            yield np.frombuffer(octets, dtype="<i2").astype(np.int16).reshape(-1, 2)

    def _flac(self, start: int, block: int) -> Iterator[I16]:
        import soundfile  # an extra

        with soundfile.SoundFile(_Document(self)) as file:
            if start >= len(file):
                return
            file.seek(start)
            while len(samples := file.read(block, dtype="int16", always_2d=True)):
                yield samples

    def _open(self, number: int) -> bytes:
        assert self._sealed is not None
        if self._piece[0] != number:
            self._piece = (number, self._sealed.open(number + 1)[1])
        return self._piece[1]


class _Document(io.RawIOBase):
    """A document as a file that cannot be written."""

    def __init__(self, reading: Reading) -> None:
        super().__init__()
        self._reading = reading
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._reading.size}[whence]
        self._at = max(0, base + offset)
        return self._at

    def readinto(self, buffer: "WriteableBuffer") -> int:
        view = memoryview(buffer).cast("B")
        octets = self._reading.read(self._at, len(view))
        view[: len(octets)] = octets
        self._at += len(octets)
        return len(octets)


class Library:
    """The folder of recordings, for reading and deleting.

    Args:
        folder: Where they are.
        key_file: Key they are sealed with; None: none are sealed.
        disk: The file system.
    """

    def __init__(self, folder: Path, key_file: Path | None, disk: Disk | None = None) -> None:
        self._folder, self._key_file = folder, key_file
        self._disk = disk or RealDisk()

    def open(self, file_name: str) -> Reading:
        """Open a finished recording.

        Args:
            file_name: As ``RecordingEnded`` gave it.

        Raises:
            OSError: It is not there, or cannot be read.
            SealError: It is damaged, or was sealed with another key.
        """
        path = self._folder / file_name
        if self._folder.resolve() not in path.resolve().parents:
            raise SealError(f"{file_name} is not in the folder of recordings")
        key = load_key(self._key_file) if self._key_file is not None else None
        return Reading(self._disk, path, key)

    def delete(self, recording_id: str, file_name: str = "") -> int:
        """Remove everything there is of a recording but what still grows; return how many files.

        Args:
            recording_id: The recording.
            file_name: Where its file is known to be; empty: it is looked for everywhere.

        Raises:
            OSError: The disk does not work.
        """
        folder = (self._folder / file_name).parent if file_name else None
        gone = 0
        for path in files_of(self._folder, recording_id, folder):
            self._disk.unlink(path)
            gone += 1
        return gone
