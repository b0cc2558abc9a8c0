"""One process at a time on one journal."""

import fcntl
import os
from pathlib import Path

from engine.domain.refusals import JournalError


class JournalLock:
    """Holds ``PATH.lock`` until closed; the system lets go of it when the process dies.

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

    def close(self) -> None:
        """Let go of the journal."""
        os.close(self._file)
