"""Answer for making kept files beside the recorder's loop: one after the other, at low priority."""

import contextlib
import os
import queue
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from engine.telephony.recording import messages
from engine.telephony.recording.disk import UNUSABLE, Disk
from engine.telephony.recording.finishing import (
    PART,
    Finished,
    find_finished,
    finish,
    may_compress,
)
from engine.telephony.recording.live import LIVE
from engine.telephony.recording.recorder import TICK_S, Take

RETRY_S: Final = 3.0
"""A recording that could not be finished is tried again after so long. [s]"""

LOWEST: Final = 15
"""Niceness of the thread that compresses."""


class Finisher:
    """Makes kept files on a thread of its own, at low priority, and again if the disk fails.

    Args:
        folder: Where files are.
        disk: The file system.
        key: The installation's key; None: nothing is sealed.
        form: ``flac`` or ``wav``.
    """

    def __init__(self, folder: Path, disk: Disk, key: bytes | None, form: str) -> None:
        self._folder, self._disk, self._key = folder, disk, key
        self._form = form if form != "flac" or may_compress() else "wav"
        self._wanted: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self.done: queue.SimpleQueue[messages.Ended | str] = queue.SimpleQueue()
        threading.Thread(target=self._run, name="finish", daemon=True).start()

    def finish(self, take: Take) -> None:
        """Make the kept file of a recording that is over."""
        self._wanted.put(lambda: self._finish_take(take))

    def recover(self, recording_ids: Sequence[str], going_on: Sequence[str]) -> None:
        """Complete what earlier lives left; what goes on is left alone."""
        self._wanted.put(lambda: self._recover(recording_ids, frozenset(going_on)))

    def _run(self) -> None:
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), LOWEST)
        while True:
            self._wanted.get()()

    def _finish_take(self, take: Take) -> None:
        opened = take.opened
        length_s = (take.end_tick - opened.first_tick) * TICK_S
        nothing = messages.Ended(
            opened.key, opened.recording_id, 0.0, max(0.0, length_s), 0, "", "", opened.notes
        )
        self._tell(take.path, opened.recording_id, nothing, take.doubted * TICK_S)

    def _recover(self, recording_ids: Sequence[str], going_on: frozenset[str]) -> None:
        for part in self._folder.glob(f"*/*{PART}"):
            with contextlib.suppress(OSError):
                self._disk.unlink(part)
        found = {path.name.removesuffix(LIVE): path for path in self._folder.glob(f"*/*{LIVE}")}
        for recording_id in sorted({*recording_ids, *found} - going_on):
            nothing = messages.Ended(0, recording_id, 0.0, 0.0, 0, "", "", {})
            path = found.get(recording_id, self._folder / LIVE)
            self._tell(path, recording_id, nothing, 0.0)

    def _tell(self, live: Path, recording_id: str, nothing: messages.Ended, lost_s: float) -> None:
        """Finish one recording; tried until the disk works."""
        while True:
            try:
                done = self._make(live, recording_id)
            except OSError as error:
                self.done.put(f"{recording_id} cannot be finished: {error}")
                time.sleep(RETRY_S)
                continue
            except UNUSABLE:
                done = None  # nothing in it opens; the file is left for a person to look at
            except Exception as error:  # noqa: BLE001 - one recording must not end the thread
                self.done.put(f"{recording_id} cannot be finished: {error!r}")
                done = None
            break
        self.done.put(nothing if done is None else self._ended(done, nothing, lost_s))

    def _make(self, live: Path, recording_id: str) -> Finished | None:
        if live.exists():
            return finish(self._disk, live, self._key, self._form)
        return find_finished(self._disk, self._folder, recording_id, self._key)

    def _ended(self, done: Finished, nothing: messages.Ended, lost_s: float) -> messages.Ended:
        summary = done.summary
        return messages.Ended(
            nothing.key,
            summary.recording_id,
            summary.ticks * TICK_S,
            min(summary.ticks * TICK_S, summary.lost * TICK_S + lost_s),
            done.octets,
            done.sha256,
            str(done.path.relative_to(self._folder)),
            summary.notes,
        )
