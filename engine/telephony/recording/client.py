"""Answer for the recorder as the engine holds it: told what goes on, started anew when it dies.

The process is started when there is something to record or to complete. The engine keeps every
recording until it is told that its file is complete; a new process is told all of them again and
reads on in the ring where the one before had written everything down.
"""

import asyncio
import itertools
import os
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from engine.domain.ids import RecordingId
from engine.ports import RecorderEvent, RecorderFailed, RecorderRestored, RecordingEnded
from engine.telephony.recording import messages
from engine.telephony.recording.finishing import PART
from engine.telephony.recording.live import LIVE
from engine.telephony.recording.ring import make_ring
from engine.telephony.worker_link import WorkerLink

TICK_S: Final = 0.02
WATCH_S: Final = 0.5
SILENT_S: Final = 3.0
"""A recorder that gives no sign for so long counts as failed. [s]"""
HANGING_S: Final = 6.0
"""One that gives none for so long is ended and another is started. [s]"""
START_S: Final = 10.0
"""What a process may take to begin is added once. [s]"""
RETRY_S: Final = 1.0
"""Least time between two starts. [s]"""
END_WAIT_S: Final = 5.0
"""What an orderly end waits for recordings to be finished. [s]"""
_OPENED_A_MESSAGE: Final = 8


@dataclass(frozen=True, slots=True)
class RecorderSetup:
    """How the recorder is set up.

    Attributes:
        folder: Where recordings are kept.
        key_file: Key they are sealed with, made when it is not there; None: kept plain.
        form: What is kept after a call: ``flac`` (where the extra ``audio`` is) or ``wav``.
        ring_octets: Shared memory for each switch. [octets]
        rings: Switches at work.
    """

    folder: Path
    key_file: Path | None
    form: str = "flac"
    ring_octets: int = 32 << 20
    rings: int = 1


class RecorderClient:
    """The recorder, as telephony sees it. Belongs to one running event loop.

    Args:
        setup: How it is set up.
        now: The time. [s since the epoch]
    """

    def __init__(self, setup: RecorderSetup, now: Callable[[], float] = time.time) -> None:
        self._setup, self._now = setup, now
        self.rings = tuple(make_ring(setup.ring_octets) for _ in range(setup.rings))
        self._sink: Callable[[RecorderEvent], None] = lambda _event: None
        self._keys = itertools.count(1)
        self._last_key = 0
        self._takes: dict[int, messages.Open] = {}
        self._to_finish: set[str] = set()
        self._finishing = False
        self._worker: WorkerLink | None = None
        self._gone: WorkerLink | None = None
        self._encoder = msgspec.msgpack.Encoder()
        self._decoder = msgspec.msgpack.Decoder(messages.Event)
        self._starting: asyncio.Task[None] | None = None
        self._watch: asyncio.TimerHandle | None = None
        self._heard_s = 0.0
        self._answered = False
        self._failed = self._own_failure = False
        self._stopping = False
        self._idle = asyncio.Event()
        self.alive: messages.Alive | None = None

    @property
    def pid(self) -> int | None:
        """Return the process id, None while there is none."""
        return self._worker.pid if self._worker else None

    # --- what telephony wants ----------------------------------------------------------------

    async def start(self, sink: Callable[[RecorderEvent], None]) -> None:
        """Take the place for events; the process is started when it is needed."""
        self._sink = sink

    async def stop(self) -> None:
        """Wait for recordings to be finished, not for ever, and end the process."""
        if self._stopping:
            return
        await self.settle()
        self._stopping = True
        if self._watch is not None:
            self._watch.cancel()
        if self._starting is not None:
            self._starting.cancel()
            await asyncio.gather(self._starting, return_exceptions=True)
        for worker in filter(None, (self._gone, self._worker)):
            await worker.close(END_WAIT_S)
        self._gone = self._worker = None
        for ring in self.rings:
            os.close(ring)

    async def settle(self) -> None:
        """End every recording and wait, not for ever, until all are finished."""
        for key in list(self._takes):
            self.close(key)
        if self._takes and self._worker is not None:
            with suppress(TimeoutError):
                async with asyncio.timeout(END_WAIT_S):
                    await self._idle.wait()

    def open(self, recording_id: RecordingId, notes: Mapping[str, str]) -> int:
        """Begin a recording; returns the key that its frames carry."""
        key = self._last_key = next(self._keys)
        opened = messages.Open(key, recording_id, self._now(), _tick(), dict(notes))
        self._takes[key] = opened
        self._idle.clear()
        self._send(opened)
        return key

    def close(self, key: int) -> None:
        """End a recording; ``RecordingEnded`` follows."""
        opened = self._takes.get(key)
        if opened is not None and opened.end_tick < 0:
            self._takes[key] = msgspec.structs.replace(opened, end_tick=_tick())
            self._send(messages.Close(key, self._takes[key].end_tick))

    def finish(self, recording_ids: tuple[RecordingId, ...]) -> None:
        """Complete what earlier lives left, found on the disk or known by name."""
        self._to_finish.update(recording_ids)
        if not self._to_finish and not self._leftovers():
            return
        self._finishing = True
        self._send(*self._finish_commands())

    def _leftovers(self) -> bool:
        folder = self._setup.folder
        return any(next(folder.glob(f"*/*{end}"), None) is not None for end in (LIVE, PART))

    def _finish_commands(self) -> list[messages.Command]:
        named = sorted(self._to_finish)
        parts = [named[at : at + 500] for at in range(0, len(named), 500)] or [[]]
        return [messages.Finish(part) for part in parts]

    # --- the process -------------------------------------------------------------------------

    def _send(self, *commands: messages.Command) -> None:
        if self._worker is None:
            self._start_soon(0.0)  # it will be told of everything then
        else:
            self._worker.send(*map(self._encoder.encode, commands))

    def _start_soon(self, delay_s: float) -> None:
        if self._stopping or self._starting is not None:
            return
        self._starting = asyncio.get_running_loop().create_task(self._start_process(delay_s))

    async def _start_process(self, delay_s: float) -> None:
        await asyncio.sleep(delay_s)
        if self._gone is not None:
            await self._gone.close(END_WAIT_S)
            self._gone = None
        try:
            worker = await self._open_worker()
        except OSError as error:
            self._starting = None
            self._fail(f"the recorder cannot be started: {error}")
            self._start_soon(RETRY_S)
            return
        self._starting = None
        self._begin(worker)

    async def _open_worker(self) -> WorkerLink:
        setup = self._setup
        words = [f"--rings={','.join(map(str, self.rings))}"]
        words += [f"--folder={setup.folder}", f"--form={setup.form}"]
        if setup.key_file is not None:
            words.append(f"--key-file={setup.key_file}")
        return await WorkerLink.open("engine.telephony.recording", words, self.rings)

    def _begin(self, worker: WorkerLink) -> None:
        """Tell a new process all that goes on."""
        loop = asyncio.get_running_loop()
        self._worker = worker
        self._answered = False
        worker.listen(self._take_datagram, self._lost)
        self._heard_s = loop.time() + START_S
        if self._watch is None:
            self._watch = loop.call_later(WATCH_S, self._look_after)
        opened = list(self._takes.values())
        starts = range(0, max(1, len(opened)), _OPENED_A_MESSAGE)
        self._send(
            *(messages.Begin(self._last_key, opened[at : at + _OPENED_A_MESSAGE]) for at in starts)
        )
        if self._finishing:
            self._send(*self._finish_commands())

    def _lost(self) -> None:
        """Start another process for one that is gone; nothing it had is lost."""
        if not self._answered:
            self._fail("the recorder ends as soon as it is started")
        self._gone, self._worker = self._worker, None
        self._start_soon(RETRY_S if self._failed else 0.05)

    def _look_after(self) -> None:
        loop = asyncio.get_running_loop()
        self._watch = loop.call_later(WATCH_S, self._look_after)
        if self._worker is None:
            return
        silent_s = loop.time() - self._heard_s
        if silent_s > SILENT_S:
            self._fail(f"the recorder has not answered for {SILENT_S:.0f} s")
        if silent_s > HANGING_S:
            self._worker.kill()

    # --- what it says ------------------------------------------------------------------------

    def _take_datagram(self, datagram: memoryview) -> None:
        self._heard_s = asyncio.get_running_loop().time()
        self._answered = True
        self._take(self._decoder.decode(datagram))

    def _take(self, event: messages.Event) -> None:
        match event:
            case messages.Ended():
                self._take_ended(event)
            case messages.Failed(reason):
                self._fail(reason)
                self._own_failure = False
            case messages.Restored():
                self._restore()
            case messages.Alive():
                self.alive = event
                if self._failed and self._own_failure:
                    self._restore()

    def _take_ended(self, ended: messages.Ended) -> None:
        self._takes.pop(ended.key, None)
        self._to_finish.discard(ended.recording_id)
        if not self._takes:
            self._idle.set()
        self._sink(
            RecordingEnded(
                RecordingId(ended.recording_id),
                ended.length_s,
                ended.octets,
                ended.sha256,
                ended.lost_s,
                ended.file_name,
                ended.notes,
            )
        )

    def _fail(self, reason: str) -> None:
        if not self._failed:
            self._failed = self._own_failure = True
            self._sink(RecorderFailed(reason))

    def _restore(self) -> None:
        if self._failed:
            self._failed = self._own_failure = False
            self._sink(RecorderRestored())


def _tick() -> int:
    """Return the switch's tick of this instant: both clocks are the machine's."""
    return int(time.monotonic() / TICK_S)
