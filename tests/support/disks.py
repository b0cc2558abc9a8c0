"""A file system that fails where it is told to: at the Nth operation, or for a time."""

import errno
import os
from pathlib import Path

from engine.telephony.recording.disk import RealDisk


class CrashError(Exception):
    """The process is gone; nothing after it happens."""


class FaultyDisk(RealDisk):
    """The real file system, with faults.

    Attributes:
        writes_fail: Error number that writes fail with; 0: they work.
        syncs_fail: Error number that syncs fail with; 0: they work.
        crash_at: The operation that never happens, counted from 1; 0: none.
        operations: Operations so far.
    """

    def __init__(self) -> None:
        self.writes_fail = self.syncs_fail = 0
        self.crash_at = self.operations = 0
        self.written = bytearray()
        """Every octet ever written, in order."""

    def _step(self, fails: int = 0) -> None:
        self.operations += 1
        if self.operations == self.crash_at:
            raise CrashError
        if fails:
            raise OSError(fails, os.strerror(fails))

    def create(self, path: Path) -> int:
        self._step(self.writes_fail)
        return super().create(path)

    def write(self, file: int, octets: bytes, at: int) -> None:
        if self.operations + 1 == self.crash_at:
            super().write(file, octets[: len(octets) // 2], at)  # torn in the middle
        self._step(self.writes_fail)
        self.written += octets
        super().write(file, octets, at)

    def truncate(self, file: int, size: int) -> None:
        self._step(self.writes_fail)
        super().truncate(file, size)

    def sync(self, file: int) -> None:
        self._step(self.syncs_fail)
        super().sync(file)

    def rename(self, old: Path, new: Path) -> None:
        self._step(self.writes_fail)
        super().rename(old, new)

    def unlink(self, path: Path) -> None:
        self._step()
        super().unlink(path)


FULL, BROKEN = errno.ENOSPC, errno.EIO
