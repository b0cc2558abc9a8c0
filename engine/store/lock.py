"""One process at a time on one journal, and a mark of how far it was acknowledged.

SQLite ends its recovery without a word at the first frame of the write-ahead log that does not
hold, and so would lose what was acknowledged after it. The mark, written without a sync after each
durable group, tells: it is never ahead of the disk, and behind it only after a loss of power.
"""

import fcntl
import os
import struct
import zlib
from contextlib import suppress
from pathlib import Path

from engine.domain.refusals import JournalError

_MARK = struct.Struct("<QQI")


class JournalLock:
    """Holds ``PATH.lock`` until closed; the system lets go of it when the process dies.

    Attributes:
        least: Epoch and sequence that the journal must have reached; zeros if nothing is known.

    Raises:
        JournalError: Another process has it, or the folder cannot be written.
    """

    def __init__(self, path: Path) -> None:
        name = path.with_name(path.name + ".lock")
        try:
            self._file = os.open(name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise JournalError(f"{name} cannot be opened: {error.strerror}") from error
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(self._file)
            raise JournalError(
                f"{path} is in use by another engine; one process at a time", slug="journal-in-use"
            ) from error
        self.least = self._read()

    def mark(self, epoch: int, sequence: int) -> None:
        """Note how far the journal is durable."""
        body = struct.pack("<QQ", epoch, sequence)
        # A mark that cannot be written stays behind the journal, where it does no harm.
        with suppress(OSError):
            os.pwrite(self._file, body + struct.pack("<I", zlib.crc32(body)), 0)

    def _read(self) -> tuple[int, int]:
        content = os.pread(self._file, _MARK.size, 0)
        if len(content) != _MARK.size:
            return (0, 0)
        epoch, sequence, crc = _MARK.unpack(content)
        return (epoch, sequence) if zlib.crc32(content[:-4]) == crc else (0, 0)

    def close(self) -> None:
        """Let go of the journal."""
        os.close(self._file)
