"""Answer for the recorder's process: its loop, its control socket, and its two other threads.

One thread waits for the disk to keep what was written; one, at low priority, makes kept files of
recordings that are over. When the engine is gone the process writes down what there is and ends;
what is unfinished then is finished by the next one.
"""

import contextlib
import fcntl
import os
import queue
import select
import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import msgspec

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
from engine.telephony.recording.recorder import TICK_S, Recorder, Take
from engine.telephony.recording.ring import RingReader

POLL_S: Final = 0.08
"""The rings are looked at so often. [s]"""

SYNC_S: Final = 0.3
"""From the end of one round of syncs to the next. [s]"""

STALLED_S: Final = 3.0
"""A sync that takes longer is told of as a failure. [s]"""

SIGN_S: Final = 0.5
"""A sign of life is given so often. [s]"""

RETRY_S: Final = 3.0
"""A recording that could not be finished is tried again after so long. [s]"""

DRAIN_S: Final = 0.3
"""After the end of the engine frames are taken for so long. [s]"""

LOWEST: Final = 15
"""Niceness of the thread that compresses."""


class EngineGoneError(Exception):
    """The control socket is closed."""


class Control:
    """The socket to the engine (AF_UNIX, SOCK_SEQPACKET)."""

    def __init__(self, link: socket.socket) -> None:
        link.setblocking(False)
        self._link = link
        self._decoder = msgspec.msgpack.Decoder(messages.Command)
        self._encoder = msgspec.msgpack.Encoder()
        self._unsent: deque[bytes] = deque()

    def wait(self, timeout_s: float | None) -> None:
        """Wait for a command, at most so long."""
        select.select([self._link], [], [], timeout_s)

    def receive(self) -> list[messages.Command]:
        """Return what has come.

        Raises:
            EngineGoneError: The engine is gone.
        """
        commands: list[messages.Command] = []
        while True:
            try:
                datagram = self._link.recv(messages.MOST_BYTES)
            except (BlockingIOError, InterruptedError):
                return commands
            except ConnectionError:
                datagram = b""
            if not datagram:
                if commands:
                    return commands  # the end is met again at the next look
                raise EngineGoneError
            commands.append(self._decoder.decode(datagram))

    def tell(self, event: messages.Event) -> None:
        """Send an event, as soon as the engine reads."""
        if not isinstance(event, messages.Alive) or not self._unsent:
            self._unsent.append(self._encoder.encode(event))
        self.push()

    def push(self) -> None:
        """Send what waits."""
        while self._unsent:
            try:
                self._link.send(self._unsent[0])
            except (BlockingIOError, InterruptedError):
                return
            except ConnectionError:
                self._unsent.clear()  # the end is met at the next look
                return
            self._unsent.popleft()


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
