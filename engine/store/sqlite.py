"""The embedded store: a writer thread that commits groups, a reader thread, answers on the loop.

A group is all that waits when the last one is done, so its size follows the load by itself. Under
load groups begin ``commit_every_s`` apart at most often, which bounds the writer's share of the
interpreter; alone, a commit begins at once.
"""

import shutil
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from queue import Empty, SimpleQueue

from engine.domain.facts import AnyFact, encode
from engine.domain.ids import CampaignId, ListId
from engine.domain.refusals import JournalError
from engine.ports import (
    Committed,
    ImportBatch,
    RecordingQuery,
    RecordingRow,
    RecordState,
    StoredFact,
    StoredState,
)
from engine.store import reader
from engine.store.group import BatchToCommit, FactsToCommit, Item, PacingToKeep
from engine.store.journal import Journal
from engine.store.lock import JournalLock

CallSoon = Callable[[Callable[[], None]], object]
OnCommitted = Callable[[Sequence[StoredFact]], None]
OnDamage = Callable[[JournalError], None]

GROUP_LIMIT = 2_000
"""Commits in one group at most. [commits]"""
WAITING_LIMIT = 100_000
"""Commits that may wait; a frozen disk must not fill the memory. [commits]"""
PROBE_EVERY_S = 0.5
"""After a failure the journal is tried again at most this often. [s]"""

_Entry = tuple[Item, Committed | None]
_Answer = tuple[Committed, JournalError | None]
_Question = Callable[[], Callable[[], None]]


def _raise(error: JournalError) -> None:
    raise error


def _open_keeping_the_log(path: Path, least: tuple[int, int]) -> Journal:
    """Open a journal; if it is refused, its write-ahead log stays as ``PATH-wal.kept``.

    SQLite deletes a log in which it finds nothing to recover, and with it what a person might.
    """
    log, kept = path.with_name(path.name + "-wal"), path.with_name(path.name + "-wal.kept")
    try:
        if log.exists() and log.stat().st_size:
            shutil.copyfile(log, kept)
    except OSError as error:
        raise JournalError(f"{kept} cannot be written: {error.strerror}") from error
    journal = Journal(path, least)
    kept.unlink(missing_ok=True)
    return journal


class SqliteStore:
    """A ``Store`` in one SQLite file.

    Raises:
        JournalError: The file is in use, damaged, foreign, of a newer version, or not writable.
    """

    def __init__(
        self,
        path: Path,
        *,
        call_soon: CallSoon,
        on_committed: OnCommitted,
        commit_every_s: float = 0.004,
        on_damage: OnDamage = _raise,
    ) -> None:
        """Open the file and recover from it; blocks.

        Args:
            path: The file; its folder exists.
            call_soon: Runs a callable on the engine's thread, from any thread.
            on_committed: Gets every durable group, in order.
            commit_every_s: Least time between the beginnings of two groups. [s]
            on_damage: Gets what a read found damaged, on the engine's thread.
        """
        self._path = path
        self._call_soon = call_soon
        self._on_committed = on_committed
        self._on_damage = on_damage
        self._lock = JournalLock(path)
        try:
            self._journal = _open_keeping_the_log(path, self._lock.least)
        except JournalError:
            self._lock.close()
            raise
        self._lock.mark(self._journal.epoch, self._journal.last_sequence)
        self.recovered: StoredState = self._journal.recovered
        self._waiting = 0
        self._closed = False
        self._reads: SimpleQueue[_Question | None] = SimpleQueue()
        self._writer = _Writer(self._journal, self._lock, commit_every_s, self._deliver_later)
        self._reader = threading.Thread(target=self._read_loop, name="store-reader", daemon=True)
        self._writer.start()
        self._reader.start()

    # --- Store -------------------------------------------------------------------------------

    def commit(self, facts: Sequence[AnyFact], done: Committed) -> None:
        """Make facts durable, all or none, in order of the calls, state included."""
        self._put(FactsToCommit(tuple(facts), [encode(fact) for fact in facts]), done)

    def commit_batch(self, batch: ImportBatch, at_s: float, done: Committed) -> None:
        """Make an import batch and its ``RecordsImported`` durable; a repeat changes nothing."""
        self._put(BatchToCommit(batch, at_s), done)

    def save_pacing(self, laws: Mapping[CampaignId, bytes]) -> None:
        """Keep learned laws; the last ones win, loss of the newest is harmless."""
        if not self._closed:
            self._writer.put((PacingToKeep(dict(laws)), None))

    def read(self, after: int, limit: int, done: Callable[[Sequence[StoredFact]], None]) -> None:
        """Read durable facts with a sequence above ``after``, at most ``limit``."""

        def question() -> Callable[[], None]:
            facts = reader.ask(self._path, lambda base: reader.read_facts(base, after, limit))
            return partial(done, facts)

        self._reads.put(question)

    def read_extras(self, list_id: ListId, row: int, done: Callable[[bytes | None], None]) -> None:
        """Read one record's name and custom fields (msgpack map)."""

        def question() -> Callable[[], None]:
            extras = reader.ask(self._path, lambda base: reader.read_extras(base, list_id, row))
            return partial(done, extras)

        self._reads.put(question)

    def read_field(
        self,
        list_id: ListId,
        rows: Sequence[int],
        field: str,
        done: Callable[[Sequence[str]], None],
    ) -> None:
        """Read one custom field of records, in the order of the rows; empty where it is not."""

        def question() -> Callable[[], None]:
            values = reader.ask(
                self._path, lambda base: reader.read_field(base, list_id, rows, field)
            )
            return partial(done, values)

        self._reads.put(question)

    def find_recordings(
        self, query: RecordingQuery, done: Callable[[Sequence[RecordingRow]], None]
    ) -> None:
        """Read recordings, newest first."""

        def question() -> Callable[[], None]:
            rows = reader.ask(self._path, lambda base: reader.find_recordings(base, query))
            return partial(done, rows)

        self._reads.put(question)

    def load_batches(self, list_id: ListId) -> Sequence[ImportBatch]:
        """Return a list's batches in row order, extras left out; blocks, for starts only."""
        return reader.ask(self._path, lambda base: reader.load_batches(base, list_id))

    def load_records(self, list_id: ListId) -> Sequence[RecordState]:
        """Return the touched records of a list over all campaigns; blocks, for starts only."""
        return reader.ask(self._path, lambda base: reader.load_records(base, list_id))

    def close(self) -> None:
        """Commit what waits, stop both threads, and let go of the file; blocks.

        Answers of the last group still come by ``call_soon``. Closing twice is harmless.
        """
        if self._closed:
            return
        self._closed = True
        self._writer.stop()
        self._reads.put(None)
        self._reader.join()
        self._lock.close()

    # --- on the engine's thread --------------------------------------------------------------

    def _put(self, item: Item, done: Committed) -> None:
        if self._closed or self._waiting >= WAITING_LIMIT:
            reason = "is closed" if self._closed else f"does not keep up ({self._waiting} wait)"
            refusal = JournalError(f"the journal {self._path} {reason}")
            self._call_soon(partial(done, refusal))
            return
        self._waiting += 1
        self._writer.put((item, done))

    def _deliver(self, stored: Sequence[StoredFact], answers: Sequence[_Answer]) -> None:
        self._waiting -= len(answers)
        if stored:
            self._on_committed(stored)
        for done, error in answers:
            done(error)

    # --- on the other threads ----------------------------------------------------------------

    def _deliver_later(self, stored: Sequence[StoredFact], answers: Sequence[_Answer]) -> None:
        self._hand_over(partial(self._deliver, stored, answers))

    def _hand_over(self, answer: Callable[[], None]) -> None:
        try:
            self._call_soon(answer)
        except RuntimeError:
            # The engine's loop is closed; nobody is left to hear the answer.
            return

    def _read_loop(self) -> None:
        while (question := self._reads.get()) is not None:
            try:
                answer = question()
            except JournalError as error:
                answer = partial(self._on_damage, error)
            self._hand_over(answer)


class _Writer:
    """The thread that owns the journal."""

    def __init__(
        self,
        journal: Journal,
        lock: JournalLock,
        commit_every_s: float,
        deliver: Callable[[Sequence[StoredFact], Sequence[_Answer]], None],
    ) -> None:
        self._journal = journal
        self._lock = lock
        self._commit_every_s = commit_every_s
        self._deliver = deliver
        self._queue: SimpleQueue[_Entry | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="store-writer", daemon=True)
        self._failure: JournalError | None = None
        self._retry_s = 0.0

    def start(self) -> None:
        self._thread.start()

    def put(self, entry: _Entry) -> None:
        self._queue.put(entry)

    def stop(self) -> None:
        self._queue.put(None)
        self._thread.join()

    def _run(self) -> None:
        begun_s = -self._commit_every_s
        try:
            while (first := self._queue.get()) is not None:
                wait_s = begun_s + self._commit_every_s - time.monotonic()
                if wait_s > 0:
                    time.sleep(wait_s)
                begun_s = time.monotonic()
                group, last = self._drain(first)
                self._commit(group)
                if last:
                    break
        finally:
            self._end()

    def _drain(self, first: _Entry) -> tuple[list[_Entry], bool]:
        group = [first]
        while len(group) < GROUP_LIMIT:
            try:
                entry = self._queue.get_nowait()
            except Empty:
                break
            if entry is None:
                return group, True
            group.append(entry)
        return group, False

    def _commit(self, group: Sequence[_Entry]) -> None:
        if self._failure is not None and not self._recover():
            self._refuse(group, self._failure)
            return
        try:
            durable = self._journal.commit([item for item, _ in group])
        except JournalError as error:
            self._fail(error)
            self._refuse(group, error)
            return
        self._lock.mark(self._journal.epoch, self._journal.last_sequence)
        refused = durable.refused
        answers = [
            (done, refused.get(index)) for index, (_, done) in enumerate(group) if done is not None
        ]
        self._deliver(durable.stored, answers)

    def _refuse(self, group: Sequence[_Entry], error: JournalError) -> None:
        self._deliver((), [(done, error) for _, done in group if done is not None])

    def _fail(self, error: JournalError) -> None:
        self._failure = error
        self._retry_s = time.monotonic() + PROBE_EVERY_S

    def _recover(self) -> bool:
        """Try the journal again if it is time; facts of the failed group may prove durable."""
        if time.monotonic() < self._retry_s:
            return False
        try:
            found = self._journal.reopen()
        except JournalError as error:
            self._fail(error)
            return False
        self._failure = None
        if found:
            self._deliver(found, ())
        return True

    def _end(self) -> None:
        refusal = JournalError("the journal's writer has stopped")
        try:
            self._journal.close()
        finally:
            while not self._queue.empty():
                entry = self._queue.get_nowait()
                if entry is not None:
                    self._refuse([entry], refusal)
