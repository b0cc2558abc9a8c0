"""Imports into lists: one at a time into each; no list is gone through on the loop."""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context

from engine.actors.messages import AppendRecords
from engine.domain.ids import ListId
from engine.domain.number_set import NumberSet
from engine.domain.refusals import JournalError, NotNowError
from engine.domain.specs import ListSpec
from engine.lists.importing import BatchBuilder, ImportOptions, ListImport, known_keys
from engine.ports import ImportBatch, Store
from engine.runtime.asker import Asker, told
from engine.runtime.import_run import ImportRun
from engine.worker_life import end_with_engine

_WORKERS = 2


@dataclass(frozen=True, slots=True)
class _Stored:
    """What a list holds before an import.

    Attributes:
        next_row: Row of the first new record.
        keys: Of all its records.
        mine: Batches of this import that are durable already.
    """

    next_row: int
    keys: NumberSet
    mine: Sequence[ImportBatch]


class Imports:
    """Begins imports, and tells what they refused.

    Args:
        asker: Finds lists, which are told of new records.
        store: Keeps batches.
        now: The engine's time.
    """

    def __init__(self, asker: Asker, store: Store, now: Callable[[], float]) -> None:
        self._asker = asker
        self._store = store
        self._now = now
        self._running: set[ListId] = set()
        self._errors: dict[tuple[ListId, str], list[tuple[int, str]]] = {}
        self._workers: Executor | None = None

    async def open(self, spec: ListSpec, import_id: str, options: ImportOptions) -> ImportRun:
        """Begin an import, or go on with one whose file is sent again.

        Args:
            spec: The list; region and default zone may differ from the stored ones.
            import_id: Makes a repeat harmless.
            options: How the file is to be read.

        Raises:
            NotNowError: The list is being imported to.
        """
        list_id = spec.list_id
        self._asker.list(list_id)
        self._asker.check_open()
        if list_id in self._running:
            raise NotNowError(f"lists/{list_id} is being imported to", slug="import-running")
        self._running.add(list_id)
        try:
            stored = await asyncio.to_thread(self._look, list_id, import_id)
            return self._begin(spec, import_id, options, stored)
        except BaseException:
            self._running.discard(list_id)
            raise

    def _look(self, list_id: ListId, import_id: str) -> _Stored:
        """Go through a list, which takes seconds when it is long (blocks, on a thread)."""
        batches = self._store.load_batches(list_id)
        last = batches[-1] if batches else None
        return _Stored(
            next_row=last.first_row + last.count if last else 0,
            keys=known_keys(batches),
            mine=[batch for batch in batches if batch.import_id == import_id],
        )

    def _begin(
        self, spec: ListSpec, import_id: str, options: ImportOptions, stored: _Stored
    ) -> ImportRun:
        list_id, mine = spec.list_id, stored.mine
        builder = BatchBuilder(
            list_id,
            import_id,
            stored.next_row,
            stored.keys,
            done_batches=len(mine),
            done_lines=mine[-1].source_lines if mine else 0,
            keep_duplicates=options.keep_duplicates,
        )
        source = ListImport(spec, options, len(mine))
        errors = [line for batch in mine for line in batch.rejected]
        self._errors[list_id, import_id] = errors
        return ImportRun(
            source,
            builder,
            options,
            self._get_workers(),
            self._commit,
            errors,
            lambda: self._running.discard(list_id),
        )

    async def _commit(self, batch: ImportBatch) -> JournalError | None:
        """Make a batch durable and then part of its list, also if nobody waits for it any more.

        A list that was not told of a durable batch would refuse the next one.
        """
        records = self._asker.list(batch.list_id)

        def commit(done: Callable[[JournalError | None], None]) -> None:
            def committed(error: JournalError | None) -> None:
                if error is None:
                    self._asker.tell(records, AppendRecords(batch))
                done(error)

            self._store.commit_batch(batch, self._now(), committed)

        return await told(commit)

    def _get_workers(self) -> Executor:
        """Return the processes that parse, started with the first import."""
        if self._workers is None:
            self._workers = ProcessPoolExecutor(
                _WORKERS, mp_context=get_context("spawn"), initializer=end_with_engine
            )
        return self._workers

    async def errors(self, list_id: ListId, import_id: str) -> Sequence[tuple[int, str]]:
        """Return the lines an import refused, as (line, reason)."""
        self._asker.list(list_id)
        known = self._errors.get((list_id, import_id))
        if known is not None:
            return known
        batches = await asyncio.to_thread(self._store.load_batches, list_id)
        return [line for b in batches if b.import_id == import_id for line in b.rejected]

    async def stop(self) -> None:
        """Let go of the processes that parse."""
        if self._workers is not None:
            await asyncio.to_thread(self._workers.shutdown, cancel_futures=True)
