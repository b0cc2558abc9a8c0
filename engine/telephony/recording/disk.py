"""Answer for files as the recorder uses them; a twin with faults stands in for it in tests."""

import os
from pathlib import Path
from typing import Protocol

from engine.telephony.recording.sealing import SealError


class Disk(Protocol):
    """What the recorder asks of the file system. Every method may raise ``OSError``."""

    def create(self, path: Path) -> int:
        """Return the descriptor of a new file, readable by its owner alone."""
        ...

    def open(self, path: Path) -> int:
        """Return the descriptor of a file, for reading and writing."""
        ...

    def write(self, file: int, octets: bytes, at: int) -> None:
        """Write all octets at a place."""
        ...

    def read(self, file: int, count: int, at: int) -> bytes:
        """Return up to so many octets from a place."""
        ...

    def size(self, file: int) -> int:
        """Return the size of a file. [octets]"""
        ...

    def truncate(self, file: int, size: int) -> None:
        """Cut a file."""
        ...

    def sync(self, file: int) -> None:
        """Wait until what was written is on the medium."""
        ...

    def close(self, file: int) -> None:
        """Let go of a file."""
        ...

    def rename(self, old: Path, new: Path) -> None:
        """Give a file its name, durably."""
        ...

    def unlink(self, path: Path) -> None:
        """Remove a file durably; one that is not there is no fault."""
        ...

    def make_folder(self, path: Path) -> None:
        """Make a folder and those above it, for its owner alone."""
        ...


class RealDisk:
    """The file system."""

    def create(self, path: Path) -> int:
        """Return the descriptor of a new file, readable by its owner alone."""
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)

    def open(self, path: Path) -> int:
        """Return the descriptor of a file, for reading and writing."""
        return os.open(path, os.O_RDWR | os.O_CLOEXEC)

    def write(self, file: int, octets: bytes, at: int) -> None:
        """Write all octets at a place."""
        rest = memoryview(octets)
        while rest:
            done = os.pwrite(file, rest, at)
            rest, at = rest[done:], at + done

    def read(self, file: int, count: int, at: int) -> bytes:
        """Return up to so many octets from a place."""
        return os.pread(file, count, at)

    def size(self, file: int) -> int:
        """Return the size of a file. [octets]"""
        return os.fstat(file).st_size

    def truncate(self, file: int, size: int) -> None:
        """Cut a file."""
        os.ftruncate(file, size)

    def sync(self, file: int) -> None:
        """Wait until what was written is on the medium."""
        os.fdatasync(file)

    def close(self, file: int) -> None:
        """Let go of a file."""
        os.close(file)

    def rename(self, old: Path, new: Path) -> None:
        """Give a file its name, durably."""
        old.replace(new)
        _sync_folder(new.parent)

    def unlink(self, path: Path) -> None:
        """Remove a file durably; one that is not there is no fault."""
        if path.exists():
            path.unlink(missing_ok=True)
            _sync_folder(path.parent)

    def make_folder(self, path: Path) -> None:
        """Make a folder and those above it, for its owner alone."""
        if not path.is_dir():
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
            _sync_folder(path.parent)


def _sync_folder(path: Path) -> None:
    folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


UNUSABLE = (OSError, SealError)
"""What a file may turn out to be."""
