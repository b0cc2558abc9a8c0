"""Answer for a document that is written as it comes about, in pieces of one size, plain or sealed.

It is never in memory as a whole. An encoder may come back to the beginning when it knows the
length (for FLAC, RFC 9639 §8.2), so the first piece is held until the end; every other is written
once, and with a key sealed once.
"""

import io
from typing import Final, Protocol

from engine.telephony.recording.disk import Disk
from engine.telephony.recording.sealing import Content, Kind, Sealer

PIECE: Final = 16_384
"""Octets of a document in one slot."""

SYNC_PIECES: Final = 512
"""What is written is put on the medium so often: who else syncs waits for 8 MB, not for all."""


class Pieces(Protocol):
    """Takes the pieces of a document, each once."""

    def put(self, number: int, piece: bytes, *, last: bool) -> None:
        """Write a piece; all but the last are of ``PIECE`` octets."""
        ...

    def end(self, said: bytes) -> None:
        """Say what it was; all pieces are written."""
        ...


class PlainPieces:
    """The document itself as a file.

    Args:
        disk: The file system.
        file: The file, empty.
    """

    def __init__(self, disk: Disk, file: int) -> None:
        self._disk, self._file = disk, file

    def put(self, number: int, piece: bytes, *, last: bool) -> None:
        """Write a piece."""
        del last
        self._disk.write(self._file, piece, number * PIECE)
        _keep_up(self._disk, self._file, number)

    def end(self, said: bytes) -> None:
        """Say nothing: the document does."""


class SealedPieces:
    """A sealed file: what is said of the document in slot 0, then a slot a piece.

    Args:
        disk: The file system.
        file: The file, empty.
        key: The installation's key.
        recording_id: The recording.
    """

    def __init__(self, disk: Disk, file: int, key: bytes, recording_id: str) -> None:
        self._disk, self._file = disk, file
        self._sealer = Sealer.begin(key, recording_id, Content.DOCUMENT, PIECE)

    def put(self, number: int, piece: bytes, *, last: bool) -> None:
        """Seal and write a piece."""
        kind = Kind.LAST if last else Kind.DATA
        slot = self._sealer.seal(number + 1, kind, piece)
        self._disk.write(self._file, slot, self._sealer.place(number + 1))
        _keep_up(self._disk, self._file, number)

    def end(self, said: bytes) -> None:
        """Seal and write what it was, and the beginning of the file."""
        payload = said.ljust(PIECE)
        octets = self._sealer.octets + self._sealer.seal(0, Kind.NOTES, payload)
        self._disk.write(self._file, octets, 0)


def _keep_up(disk: Disk, file: int, number: int) -> None:
    if number and number % SYNC_PIECES == 0:
        disk.sync(file)


class Document(io.RawIOBase):
    """A document as a file to be written: at its end, and again within its first piece.

    Args:
        pieces: Takes it piece by piece.
    """

    def __init__(self, pieces: Pieces) -> None:
        super().__init__()
        self._pieces = pieces
        self._first, self._newest = bytearray(), bytearray()
        self._number = 1  # of the newest piece
        self._at = self._size = 0
        self._failure: Exception | None = None

    @property
    def size(self) -> int:
        """Octets so far."""
        return self._size

    def add(self, octets: bytes) -> None:
        """Write octets where the file stands.

        Raises:
            OSError: The disk does not work.
        """
        rest = memoryview(octets).cast("B")
        while rest:
            done = self._begin(rest) if self._at < PIECE else self._append(rest)
            rest = rest[done:]
            self._at += done
            self._size = max(self._size, self._at)

    def _begin(self, octets: memoryview) -> int:
        part = octets[: PIECE - self._at]
        self._first[self._at : self._at + len(part)] = part
        return len(part)

    def _append(self, octets: memoryview) -> int:
        if self._at != self._size:
            raise io.UnsupportedOperation("what is written beyond the first piece is final")
        if len(self._newest) == PIECE:
            self._pieces.put(self._number, bytes(self._newest), last=False)
            self._newest.clear()
            self._number += 1
        part = octets[: PIECE - len(self._newest)]
        self._newest += part
        return len(part)

    def end(self) -> None:
        """Write what is left.

        Raises:
            OSError: The disk does not work.
        """
        if self._newest:
            self._pieces.put(self._number, bytes(self._newest), last=True)
        self._pieces.put(0, bytes(self._first), last=not self._newest)

    def check(self) -> None:
        """Raise what went wrong while an encoder wrote; it cannot be told through the encoder."""
        if self._failure is not None:
            raise self._failure

    # --- the file as an encoder sees it ----------------------------------------------------

    def writable(self) -> bool:
        """Say yes."""
        return True

    def seekable(self) -> bool:
        """Say yes."""
        return True

    def tell(self) -> int:
        """Return where it stands."""
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Stand elsewhere."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        self._at = max(0, base + offset)
        return self._at

    def write(self, octets: bytes) -> int:  # type: ignore[override]  # narrower: of an encoder
        """Write octets; after a failure nothing more."""
        try:
            self.check()
            self.add(octets)
        except Exception as error:  # noqa: BLE001 - it would be lost in the encoder; see ``check``
            self._failure = error
            return 0
        return len(octets)
