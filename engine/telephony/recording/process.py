"""Answer for the recorder's process: its loop, which takes frames in, and what it has done for it.

Two threads serve it: one waits for the disk (``syncing``), one makes kept files of recordings that
are over (``finisher``). When the engine is gone the process writes down what there is and ends;
what is unfinished then is finished by the next one.
"""

import contextlib
import fcntl
import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from engine.telephony.recording import messages
from engine.telephony.recording.control import Control, EngineGoneError
from engine.telephony.recording.disk import Disk
from engine.telephony.recording.finisher import Finisher
from engine.telephony.recording.recorder import TICK_S, Recorder
from engine.telephony.recording.ring import RingReader
from engine.telephony.recording.syncing import Syncer

POLL_S: Final = 0.08
"""The rings are looked at so often. [s]"""

SYNC_S: Final = 0.3
"""From the end of one round of syncs to the next. [s]"""

STALLED_S: Final = 3.0
"""A sync that takes longer is told of as a failure. [s]"""

SIGN_S: Final = 0.5
"""A sign of life is given so often. [s]"""

DRAIN_S: Final = 0.3
"""After the end of the engine frames are taken for so long. [s]"""


class Process:
    """The recorder until the engine is gone.

    Args:
        control: The socket to the engine.
        rings: Where frames come from.
        folder: Where files are.
        disk: The file system.
        key: The installation's key; None: nothing is sealed.
        form: ``flac`` or ``wav``.
    """

    def __init__(
        self,
        control: Control,
        rings: Sequence[RingReader],
        folder: Path,
        disk: Disk,
        key: bytes | None,
        form: str,
    ) -> None:
        self._control, self._folder = control, folder
        self._finisher = Finisher(folder, disk, key, form)
        self._syncer = Syncer(disk)
        self._recorder = Recorder(folder, disk, key, rings, control.tell, self._finisher.finish)
        self._sign_s = 0.0

    def run(self) -> None:
        """Work until the engine is gone."""
        with contextlib.suppress(EngineGoneError):
            self._control.wait(None)
            while True:
                self._learn()
                self._work()
                self._control.wait(POLL_S)
        self._drain()

    def _work(self) -> None:
        tick = int(time.monotonic() / TICK_S)
        self._recorder.read(tick, self._learn)
        self._recorder.flush(tick)
        self._sync()
        self._tell()

    def _learn(self) -> None:
        for command in self._control.receive():
            if isinstance(command, messages.Finish):
                going_on = [take.opened.recording_id for take in self._recorder.takes]
                self._finisher.recover(command.recording_ids, going_on)
            else:
                self._recorder.perform(command)

    def _sync(self) -> None:
        syncer = self._syncer
        if syncer.busy:
            done = syncer.result()
            if done is not None and done[1] is not None:
                self._recorder.doubt(done[0], done[1])
            elif done is None and syncer.lasts_s > STALLED_S:
                self._recorder.fail(f"the disk has not answered for {STALLED_S:.0f} s")
            return
        if syncer.lasts_s >= SYNC_S:
            # Descriptors of the syncer's own: a recording may end while it waits.
            files = [(key, os.dup(file)) for key, file in self._recorder.unsynced()]
            if files:
                syncer.begin(files)

    def _tell(self) -> None:
        while not self._finisher.done.empty():
            told = self._finisher.done.get()
            if isinstance(told, str):
                self._recorder.fail(told)
            else:
                self._control.tell(told)
        now_s = time.monotonic()
        if now_s - self._sign_s >= SIGN_S:
            self._sign_s = now_s
            recorder = self._recorder
            self._control.tell(
                messages.Alive(
                    len(recorder.takes),
                    recorder.lost_ticks,
                    time.process_time(),
                    recorder.leg_ticks,
                )
            )
        self._control.push()

    def _drain(self) -> None:
        """Take what is left in the rings, and leave the files for the next life."""
        until_s = time.monotonic() + DRAIN_S
        while time.monotonic() < until_s:
            self._recorder.read(int(time.monotonic() / TICK_S), lambda: None)
            time.sleep(0.02)
        self._recorder.flush(int(time.monotonic() / TICK_S), everything=True)
        for _, file in self._recorder.unsynced():
            with contextlib.suppress(OSError):
                os.fdatasync(file)
        self._recorder.close()


def own_folder(folder: Path) -> int:
    """Wait until no other recorder works in a folder, and keep others out while we do.

    Returns:
        The descriptor of the lock; the end of the process opens it.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    lock = os.open(folder / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    fcntl.flock(lock, fcntl.LOCK_EX)
    return lock
