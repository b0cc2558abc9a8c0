"""A recorder without processes: frames by hand, ticks by hand, a disk with faults."""

from pathlib import Path

import numpy as np

from engine.telephony.media.g711 import FRAME, U8
from engine.telephony.recording import messages
from engine.telephony.recording.finishing import Finished, find_finished, finish
from engine.telephony.recording.recorder import CLOSING_TICKS, Recorder, Take
from engine.telephony.recording.ring import PAUSED, Frames, RingReader, RingWriter, make_ring
from tests.support.disks import FaultyDisk

KEY = bytes(range(32))
FIRST = 1007
"""Tick at which everything begins here: within a chunk, as in life."""


def frames_of(keys: list[int], tick: int, flags: int = 0) -> Frames:
    """Return frames that tell key and tick by their codes."""
    said = np.array([[code(key, tick)] * FRAME for key in keys], dtype=np.uint8)
    flag = np.full(len(keys), flags, dtype=np.uint8)
    heard: U8 = said ^ np.uint8(0x40)
    return Frames(np.array(keys, dtype=np.uint32), flag, said, heard)


def code(key: int, tick: int) -> int:
    """Return the code of what is said at a tick: never silence."""
    return 1 + (tick * 7 + key) % 63


class Stage:
    """One life of a recorder on a folder and a ring that outlive it."""

    def __init__(
        self, folder: Path, disk: FaultyDisk, ring: int | None = None, key: bytes | None = KEY
    ) -> None:
        self.folder, self.disk, self.key = folder, disk, key
        self.ring = make_ring(1 << 20) if ring is None else ring
        self.writer = RingWriter(self.ring)
        self.told: list[messages.Event] = []
        self.over: list[Take] = []
        self.recorder = Recorder(
            folder, disk, key, [RingReader(self.ring)], self.told.append, self.over.append
        )
        self.tick = FIRST

    def open(self, key: int = 1, first: int = FIRST, end: int = -1) -> messages.Open:
        """Begin a recording."""
        opened = messages.Open(key, f"t1-0001-{key:08x}", 1e9, first, {"attempt_id": "a"}, end)
        self.recorder.perform(opened)
        return opened

    def run(self, ticks: int, keys: tuple[int, ...] = (1,), flags: int = 0) -> None:
        """Let time go on, with frames of recordings at each tick."""
        for _ in range(ticks):
            if keys:
                self.writer.put(self.tick, frames_of(list(keys), self.tick, flags))
            self.tick += 1
            if self.tick % 4 == 0:
                self.look()

    def pause(self, ticks: int) -> None:
        """Let time go on while everything is paused."""
        self.run(ticks, flags=PAUSED)

    def look(self) -> None:
        """Let the recorder do what it does every 80 ms."""
        self.recorder.read(self.tick, lambda: None)
        self.recorder.flush(self.tick)

    def end(self, key: int = 1) -> Take:
        """End a recording and wait until its file is closed."""
        self.recorder.perform(messages.Close(key, self.tick))
        self.tick += CLOSING_TICKS + 1
        self.look()
        return self.over[-1]

    def finish(self, take: Take, form: str = "wav") -> Finished:
        """Make the kept file, or find the one there is."""
        if take.path.exists():
            return finish(self.disk, take.path, self.key, form)
        found = find_finished(self.disk, self.folder, take.opened.recording_id, self.key)
        assert found is not None
        return found
