"""Answer for the recordings that go on: frames in, files that grow, and what fails on the way.

It knows no socket and no clock; ticks and messages come in, messages go out. Files are touched
through a ``Disk``.
"""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from engine.telephony.recording import messages
from engine.telephony.recording.disk import UNUSABLE, Disk
from engine.telephony.recording.live import LIVE, LiveFile, create_live
from engine.telephony.recording.notes import LiveNotes
from engine.telephony.recording.ring import RingReader
from engine.telephony.recording.tracks import (
    CHUNK_TICKS,
    Chunk,
    Tracks,
    first_and_last,
)

CLOSING_TICKS: Final = 10
"""After its end a recording still takes frames for so long: a command acts a tick later. [ticks]"""

PATIENCE_TICKS: Final = 150
"""Frames of a key not yet told of wait for so long. [ticks]"""

PROBE_TICKS: Final = 50
"""While the disk does not work it is tried so often. [ticks]"""

TICK_S: Final = 0.02
_PROBE = b"\0" * 65_536


@dataclass(slots=True)
class Take:
    """A recording that goes on.

    Attributes:
        opened: As it began.
        path: Its file.
        live: The file, None while it cannot be made.
        end_tick: When it ended, -1 before.
        last_tick: The last tick of which anything is known, -1 before.
        unsynced: Ticks written and not known to be on the medium.
        doubted: Ticks whose writing the medium refused afterwards.
    """

    opened: messages.Open
    path: Path
    live: LiveFile | None = None
    end_tick: int = -1
    last_tick: int = -1
    unsynced: int = 0
    doubted: int = 0


@dataclass(slots=True)
class _Ring:
    reader: RingReader
    held: deque[tuple[int, int]] = field(default_factory=deque)


class Recorder:
    """All recordings of one process.

    Args:
        folder: Where files are.
        disk: The file system.
        key: The installation's key; None: nothing is sealed.
        rings: Where frames come from.
        tell: Takes events.
        hand_over: Takes a recording that has ended and whose file is closed.
    """

    def __init__(
        self,
        folder: Path,
        disk: Disk,
        key: bytes | None,
        rings: Sequence[RingReader],
        tell: Callable[[messages.Event], None],
        hand_over: Callable[[Take], None],
    ) -> None:
        self._folder, self._disk, self._key = folder, disk, key
        self._rings = [_Ring(reader) for reader in rings]
        self._tell, self._hand_over = tell, hand_over
        self._tracks = Tracks()
        self._takes: dict[int, Take] = {}
        self._last_key = 0
        self._failure = ""
        self._probe_tick = 0
        self.leg_ticks = 0

    @property
    def takes(self) -> list[Take]:
        """Return the recordings that go on."""
        return list(self._takes.values())

    @property
    def lost_ticks(self) -> int:
        """Return the ticks for which a ring had no room. [ticks]"""
        return sum(ring.reader.lost_ticks for ring in self._rings)

    @property
    def failing(self) -> bool:
        """Say whether the disk does not work."""
        return bool(self._failure)

    # --- commands --------------------------------------------------------------------------

    def perform(self, command: messages.Begin | messages.Open | messages.Close) -> None:
        """Carry out a command."""
        match command:
            case messages.Begin(last_key, opened):
                self._last_key = max(self._last_key, last_key)
                for one in opened:
                    self._open(one)
            case messages.Open():
                self._open(command)
            case messages.Close(key, end_tick):
                take = self._takes.get(key)
                if take is not None:
                    take.end_tick = end_tick

    def _open(self, opened: messages.Open) -> None:
        day = datetime.fromtimestamp(opened.started_s, UTC).date().isoformat()
        path = self._folder / day / f"{opened.recording_id}{LIVE}"
        take = Take(opened, path, end_tick=opened.end_tick)
        self._last_key = max(self._last_key, opened.key)
        if opened.end_tick >= 0 and not path.exists():
            self._hand_over(take)  # an earlier process finished it
            return
        self._takes[opened.key] = take
        self._make(take)
        least = take.live.next_number if take.live else opened.first_tick // CHUNK_TICKS
        self._tracks.open(opened.key, least)

    def _make(self, take: Take) -> None:
        opened = take.opened
        notes = LiveNotes(
            opened.recording_id, opened.started_s, opened.first_tick, dict(opened.notes)
        )
        try:
            self._disk.make_folder(take.path.parent)
            take.live = create_live(self._disk, take.path, self._key, notes)
        except UNUSABLE as error:
            self.fail(f"{take.path.name} cannot be made: {error}")

    # --- frames ----------------------------------------------------------------------------

    def read(self, tick: int, learn: Callable[[], None]) -> None:
        """Take what has come through the rings.

        Args:
            tick: The tick it is now.
            learn: Takes commands that have come meanwhile.
        """
        for ring in self._rings:
            self._read(ring, tick, learn)
        self._release()

    def _read(self, ring: _Ring, tick: int, learn: Callable[[], None]) -> None:
        for entry in ring.reader.entries():
            keys = entry.frames.keys
            if self._untold(self._tracks.unknown(keys)):
                learn()
                untold = self._untold(self._tracks.unknown(keys))
                if untold and entry.tick > tick - PATIENCE_TICKS:
                    ring.reader.back(entry)
                    return
            self.leg_ticks += keys.size
            for chunk in self._tracks.put(entry.tick, entry.frames):
                self._append(chunk)
            ring.held.append((entry.tick, entry.end))

    def _untold(self, keys: Sequence[int]) -> bool:
        return any(key > self._last_key for key in keys)

    def _release(self) -> None:
        """Give back the room of what is written."""
        oldest = self._tracks.oldest()
        for ring in self._rings:
            end = -1
            while ring.held and (oldest is None or ring.held[0][0] < oldest):
                end = ring.held.popleft()[1]
            if end >= 0:
                ring.reader.release(end)

    def flush(self, tick: int, *, everything: bool = False) -> None:
        """Write the chunks whose time has passed, and end the recordings that are over.

        Args:
            tick: The tick it is now.
            everything: Whether nothing more will come.
        """
        for chunk in self._tracks.due(tick + (2 * CHUNK_TICKS if everything else 0)):
            self._append(chunk)
        for take in self.takes:
            if take.end_tick >= 0 and (everything or take.end_tick + CLOSING_TICKS <= tick):
                self._end(take)
        self._release()
        if self._failure and tick >= self._probe_tick:
            self._probe(tick)

    def _append(self, chunk: Chunk) -> None:
        take = self._takes.get(chunk.key)
        if take is None:
            return
        _, last = first_and_last(chunk.status)
        if last >= 0:
            take.last_tick = max(take.last_tick, chunk.number * CHUNK_TICKS + last)
        if take.live is None:
            self._make(take)
        if take.live is None:
            return
        try:
            take.live.append(chunk)
            take.unsynced += CHUNK_TICKS
        except OSError as error:
            self.fail(f"{take.path.name} cannot be written: {error}")

    def _end(self, take: Take) -> None:
        opened = take.opened
        chunk = self._tracks.close(opened.key)
        if chunk is not None:
            self._append(chunk)
        del self._takes[opened.key]
        late = min(take.last_tick + 1, take.end_tick + CLOSING_TICKS)
        take.end_tick = max(take.end_tick, late)
        live, take.live = take.live, None
        if live is not None:
            try:
                live.end(take.end_tick)
            except OSError as error:
                self.fail(f"{take.path.name} cannot be ended: {error}")
            self._let_go(live)
        self._hand_over(take)

    def _let_go(self, live: LiveFile) -> None:
        try:
            self._disk.close(live.file)
        except OSError as error:
            self.fail(f"a file cannot be closed: {error}")

    def close(self) -> None:
        """Let go of all files as they are."""
        for take in self.takes:
            if take.live is not None:
                self._let_go(take.live)
                take.live = None

    # --- what the disk does ----------------------------------------------------------------

    def unsynced(self) -> list[tuple[int, int]]:
        """Return key and file of the recordings whose newest chunks may not be on the medium."""
        found = [(key, take.live.file) for key, take in self._takes.items()
                 if take.live is not None and take.unsynced]  # fmt: skip
        for key, _ in found:
            self._takes[key].unsynced = 0
        return found

    def doubt(self, keys: Sequence[int], error: OSError) -> None:
        """A sync failed: what was written since the one before counts as lost (never retried)."""
        for key in keys:
            take = self._takes.get(key)
            if take is not None:
                take.doubted += CHUNK_TICKS
        self.fail(f"the disk does not keep what is written: {error}")

    def fail(self, reason: str) -> None:
        """Note that the disk does not work; told once."""
        if not self._failure:
            self._tell(messages.Failed(reason))
        self._failure = reason

    def _probe(self, tick: int) -> None:
        """Try the disk; recording works again when a file can be written, synced and removed."""
        self._probe_tick = tick + PROBE_TICKS
        path = self._folder / ".probe"
        try:
            self._disk.make_folder(self._folder)
            self._disk.unlink(path)
            file = self._disk.create(path)
            try:
                self._disk.write(file, _PROBE, 0)
                self._disk.sync(file)
            finally:
                self._disk.close(file)
                self._disk.unlink(path)
        except OSError:
            return
        self._failure = ""
        self._tell(messages.Restored())
