"""The store's twin for virtual time: same facts, same state, latency and faults on demand."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from random import Random

from msgspec.structs import replace

from engine.domain.facts import AnyFact, RecordsImported
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
from engine.store.codec import field_of, overlaps
from engine.store.projection import ForgetList, State, advance

CallLater = Callable[[float, Callable[[], None]], object]
OnCommitted = Callable[[Sequence[StoredFact]], None]


@dataclass(frozen=True, slots=True)
class StoreFaults:
    """What goes wrong.

    Attributes:
        failing_groups: Ordinals, from 1, of the groups that cannot be written in this life.
        down_s: For so long after a failing group all commits are refused. [s]
    """

    failing_groups: Collection[int] = ()
    down_s: float = 0.0


@dataclass(slots=True)
class _Disk:
    """What survives a crash."""

    epoch: int = 0
    log: list[StoredFact] = field(default_factory=list)
    state: State = field(default_factory=State)
    batches: dict[tuple[ListId, str, int], ImportBatch] = field(default_factory=dict)
    pacing: dict[CampaignId, bytes] = field(default_factory=dict)


@dataclass(slots=True)
class _Waiting:
    facts: Sequence[AnyFact]
    done: Committed
    batch: ImportBatch | None = None
    refusal: JournalError | None = None


class MemoryStore:
    """A ``Store`` whose disk is a value, and whose time is a scheduler's.

    A group becomes durable one latency after it was begun and is acknowledged one more later, so a
    crash may fall before, between and after the two.
    """

    def __init__(
        self,
        call_later: CallLater,
        on_committed: OnCommitted,
        random: Random | None = None,
        latency_s: tuple[float, float] = (0.0005, 0.004),
        faults: StoreFaults | None = None,
        *,
        disk: _Disk | None = None,
    ) -> None:
        """Open a new store, or one whose disk an earlier life left.

        Args:
            call_later: Runs a callable after a delay [s], never from inside the call.
            on_committed: Gets every durable group, in order.
            random: Seeded generator of latencies; None: the shortest latency, always.
            latency_s: Range of each of the two latencies. [s]
            faults: What goes wrong; None: nothing.
            disk: For ``survivors``.
        """
        self._call_later = call_later
        self._on_committed = on_committed
        self._random = random
        self._latency_s = latency_s
        self._faults = faults or StoreFaults()
        self._disk = disk or _Disk()
        self._disk.epoch += 1
        self._queue: list[_Waiting] = []
        self._writing: list[_Waiting] = []
        self._busy = False
        self._groups = 0
        self._down = False
        self._dead = False

    @property
    def recovered(self) -> StoredState:
        """Everything a start needs, as it stands now."""
        return self._disk.state.stored(self._disk.epoch, len(self._disk.log), self._disk.pacing)

    # --- Store -------------------------------------------------------------------------------

    def commit(self, facts: Sequence[AnyFact], done: Committed) -> None:
        """Make facts durable, all or none, in order of the calls, state included."""
        self._put(_Waiting(tuple(facts), done))

    def commit_batch(self, batch: ImportBatch, at_s: float, done: Committed) -> None:
        """Make an import batch and its ``RecordsImported`` durable; a repeat changes nothing."""
        fact = RecordsImported(
            at_s=at_s,
            list_id=batch.list_id,
            import_id=batch.import_id,
            batch=batch.batch,
            first_row=batch.first_row,
            count=batch.count,
            rejected=len(batch.rejected),
            source_lines=batch.source_lines,
        )
        self._put(_Waiting((fact,), done, batch))

    def save_pacing(self, laws: Mapping[CampaignId, bytes]) -> None:
        """Keep learned laws; the last ones win."""
        if not self._dead:
            self._disk.pacing.update(laws)

    def read(self, after: int, limit: int, done: Callable[[Sequence[StoredFact]], None]) -> None:
        """Read durable facts with a sequence above ``after``, at most ``limit``."""
        self._later(lambda: done(self._disk.log[after : after + limit]))

    def read_extras(self, list_id: ListId, row: int, done: Callable[[bytes | None], None]) -> None:
        """Read one record's name and custom fields (msgpack map)."""
        self._later(lambda: done(self._find_extras(list_id, row)))

    def read_field(
        self,
        list_id: ListId,
        rows: Sequence[int],
        field: str,
        done: Callable[[Sequence[str]], None],
    ) -> None:
        """Read one custom field of records, in the order of the rows; empty where it is not."""
        packed = [self._find_extras(list_id, row) for row in rows]
        self._later(lambda: done([field_of(extras, field) for extras in packed]))

    def find_recordings(
        self, query: RecordingQuery, done: Callable[[Sequence[RecordingRow]], None]
    ) -> None:
        """Read recordings, newest first."""
        rows = self._disk.state.recordings
        found = [
            rows[key]
            for key in sorted(rows, reverse=True)
            if (not query.before or key < query.before) and query.wants(rows[key])
        ][: query.limit]
        self._later(lambda: done(found))

    def load_batches(self, list_id: ListId) -> Sequence[ImportBatch]:
        """Return a list's batches in row order, extras left out."""
        found = [batch for key, batch in self._disk.batches.items() if key[0] == list_id]
        return [replace(batch, extras=()) for batch in sorted(found, key=lambda b: b.first_row)]

    def load_records(self, list_id: ListId) -> Sequence[RecordState]:
        """Return the touched records of a list over all campaigns, in row order."""
        records = self._disk.state.records
        return [record for _, record in sorted(records.items()) if record.list_id == list_id]

    def close(self) -> None:
        """Make what waits durable at once; its answers come later. Closing twice is harmless."""
        if self._dead:
            return
        group = [*self._writing, *self._take()]
        stored = self._make_durable(group)
        self._dead = True
        self._call_later(0.0, lambda: self._answer(stored, group, None))

    # --- faults ------------------------------------------------------------------------------

    def crash(self) -> None:
        """End this life: what is not durable is lost, and nothing is answered any more."""
        self._dead = True
        self._queue.clear()
        self._writing = []

    def survivors(
        self,
        on_committed: OnCommitted,
        *,
        call_later: CallLater | None = None,
        faults: StoreFaults | None = None,
    ) -> "MemoryStore":
        """Return the store that the next life finds; this one is over."""
        self.crash()
        return MemoryStore(
            call_later or self._call_later,
            on_committed,
            self._random,
            self._latency_s,
            faults,
            disk=self._disk,
        )

    @property
    def log(self) -> Sequence[StoredFact]:
        """The durable log, for checkers outside of the engine."""
        return self._disk.log

    # --- groups ------------------------------------------------------------------------------

    def _put(self, waiting: _Waiting) -> None:
        if self._dead:
            return
        self._queue.append(waiting)
        if not self._busy:
            self._busy = True
            self._after(0.0, self._begin)

    def _begin(self) -> None:
        group = self._take()
        self._groups += 1
        if self._groups in self._faults.failing_groups:
            self._down = True
            self._after(self._faults.down_s, self._come_up)
        if self._down:
            refusal = JournalError("the journal cannot be written: a fault was ordered")
            self._after(self._latency(), lambda: self._end((), group, refusal))
            return
        self._writing = group
        self._after(self._latency(), self._written)

    def _written(self) -> None:
        group, self._writing = self._writing, []
        stored = self._make_durable(group)
        self._after(self._latency(), lambda: self._end(stored, group, None))

    def _end(
        self,
        stored: Sequence[StoredFact],
        group: Sequence[_Waiting],
        refusal: JournalError | None,
    ) -> None:
        if self._queue:
            self._after(0.0, self._begin)
        else:
            self._busy = False
        self._answer(stored, group, refusal)

    def _answer(
        self,
        stored: Sequence[StoredFact],
        group: Sequence[_Waiting],
        refusal: JournalError | None,
    ) -> None:
        if stored:
            self._on_committed(stored)
        for waiting in group:
            waiting.done(refusal or waiting.refusal)

    def _make_durable(self, group: Sequence[_Waiting]) -> list[StoredFact]:
        disk = self._disk
        stored: list[StoredFact] = []
        for waiting in group:
            if waiting.batch is not None and not self._keep(waiting, waiting.batch):
                continue
            for fact in waiting.facts:
                stored.append(StoredFact(len(disk.log) + len(stored) + 1, fact))
                for change in advance(disk.state, fact):
                    if isinstance(change, ForgetList):
                        self._forget_batches(change.list_id)
        disk.log.extend(stored)
        return stored

    def _keep(self, waiting: _Waiting, batch: ImportBatch) -> bool:
        name = (batch.list_id, batch.import_id, batch.batch)
        if name in self._disk.batches:
            return False
        others = (b for b in self._disk.batches.values() if b.list_id == batch.list_id)
        end = max((other.first_row + other.count for other in others), default=0)
        if batch.first_row < end:
            waiting.refusal = overlaps(batch, end)
            return False
        self._disk.batches[name] = batch
        return True

    def _forget_batches(self, list_id: ListId) -> None:
        for name in [name for name in self._disk.batches if name[0] == list_id]:
            del self._disk.batches[name]

    def _find_extras(self, list_id: ListId, row: int) -> bytes | None:
        for batch in self._disk.batches.values():
            index = row - batch.first_row
            if batch.list_id == list_id and 0 <= index < len(batch.extras):
                return batch.extras[index]
        return None

    def _take(self) -> list[_Waiting]:
        group, self._queue = self._queue, []
        return group

    def _come_up(self) -> None:
        self._down = False

    def _latency(self) -> float:
        low, high = self._latency_s
        return low if self._random is None else self._random.uniform(low, high)

    def _later(self, action: Callable[[], None]) -> None:
        self._after(self._latency(), action)

    def _after(self, delay_s: float, action: Callable[[], None]) -> None:
        if not self._dead:
            self._call_later(delay_s, partial(self._unless_dead, action))

    def _unless_dead(self, action: Callable[[], None]) -> None:
        if not self._dead:
            action()
