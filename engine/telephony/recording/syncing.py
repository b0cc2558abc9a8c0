"""Answer for waiting until the medium keeps what was written, on a thread of its own."""

import contextlib
import os
import queue
import threading
import time
from collections.abc import Sequence

from engine.telephony.recording.disk import Disk


class Syncer:
    """Waits for the medium on a thread of its own."""

    def __init__(self, disk: Disk) -> None:
        self._disk = disk
        self._wanted: queue.SimpleQueue[list[tuple[int, int]]] = queue.SimpleQueue()
        self._done: queue.SimpleQueue[tuple[list[int], OSError | None]] = queue.SimpleQueue()
        self._since_s = 0.0
        self.busy = False
        threading.Thread(target=self._run, name="sync", daemon=True).start()

    def begin(self, files: Sequence[tuple[int, int]]) -> None:
        """Sync files; each is given as key and descriptor, which is closed afterwards."""
        self.busy, self._since_s = True, time.monotonic()
        self._wanted.put(list(files))

    def result(self) -> tuple[list[int], OSError | None] | None:
        """Return the keys of the files a round failed for, and why; None while it lasts."""
        if self._done.empty():
            return None
        self.busy, self._since_s = False, time.monotonic()
        return self._done.get()

    @property
    def lasts_s(self) -> float:
        """How long the round, or the rest since the last one, has lasted. [s]"""
        return time.monotonic() - self._since_s

    def _run(self) -> None:
        while True:
            failed: list[int] = []
            why: OSError | None = None
            for key, file in self._wanted.get():
                try:
                    self._disk.sync(file)
                except OSError as error:
                    failed.append(key)
                    why = error
                with contextlib.suppress(OSError):
                    os.close(file)
            self._done.put((failed, why))
