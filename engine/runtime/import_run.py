"""Imports: a file in pieces becomes durable batches, parsed in worker processes."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass

from engine.domain.refusals import JournalError
from engine.lists.importing import BatchBuilder, ImportOptions, ListImport
from engine.lists.workers import ParsedChunk, parse_chunk
from engine.ports import ImportBatch

MOST_ERRORS = 100_000
"""Refused lines that are kept to be told; all of them are counted. [lines]"""
_MOST_PARSING = 6
_TRIES = 20
_RETRY_S = 0.5

CommitBatch = Callable[[ImportBatch], Awaitable[JournalError | None]]


@dataclass(slots=True)
class Progress:
    """How far an import is.

    Attributes:
        lines_read: Lines of the source dealt with. [lines]
        records_added: Records that are durable and in the list. [records]
        lines_rejected: Lines refused. [lines]
        batches_durable: Batches that are durable.
        bytes_read: Octets of the source taken. [octets]
    """

    lines_read: int = 0
    records_added: int = 0
    lines_rejected: int = 0
    batches_durable: int = 0
    bytes_read: int = 0


class ImportRun:
    """One import under way. Fed in order; batches become durable while the rest is parsed.

    A broken import is repeated by sending the same file under the same import id: what is durable
    is passed over.

    Attributes:
        progress: How far it is.
        errors: Refused lines so far, as (line, reason), the first hundred thousand.
    """

    def __init__(
        self,
        source: ListImport,
        builder: BatchBuilder,
        options: ImportOptions,
        workers: Executor,
        commit: CommitBatch,
        errors: list[tuple[int, str]],
        closed: Callable[[], None],
    ) -> None:
        self.progress = Progress(batches_durable=source.done_batches)
        self.errors = errors
        self._source = source
        self._builder = builder
        self._options = options
        self._workers = workers
        self._commit = commit
        self._closed: Callable[[], None] | None = closed
        self._parsing: deque[asyncio.Future[ParsedChunk]] = deque()
        self._told = 0

    def take_errors(self) -> Sequence[tuple[int, str]]:
        """Return lines refused since the last time."""
        new = self.errors[self._told :]
        self._told = len(self.errors)
        return new

    async def feed(self, chunk: bytes) -> None:
        """Take the next piece of the file; waits while too much is being parsed.

        Raises:
            InvalidRequestError: The file as a whole cannot be read.
            JournalError: A batch could not be made durable.
        """
        self.progress.bytes_read += len(chunk)
        self._parse(self._source.feed(chunk))
        while len(self._parsing) >= _MOST_PARSING:
            await self._take_next()

    async def finish(self) -> Progress:
        """Take the end of the file; returns when all of it is durable.

        Raises:
            InvalidRequestError: The file as a whole cannot be read.
            JournalError: A batch could not be made durable.
        """
        self._parse(self._source.finish())
        while self._parsing:
            await self._take_next()
        for batch in await asyncio.to_thread(self._builder.finish):
            await self._make_durable(batch)
        return self.progress

    def close(self) -> None:
        """Give the import up, or note that it is over; harmless when it is."""
        for waiting in self._parsing:
            waiting.cancel()
        self._parsing.clear()
        closed, self._closed = self._closed, None
        if closed is not None:
            closed()

    def _parse(self, chunks: Sequence[object]) -> None:
        loop = asyncio.get_running_loop()
        for chunk in chunks:
            plan = self._source.get_plan()
            self._parsing.append(
                loop.run_in_executor(self._workers, parse_chunk, chunk, plan)  # type: ignore[arg-type]
            )

    async def _take_next(self) -> None:
        parsed = await self._parsing.popleft()
        self.progress.lines_read += parsed.lines_read
        # Merging a chunk's keys with those of a long list would hold up the loop.
        for batch in await asyncio.to_thread(self._builder.add, parsed):
            await self._make_durable(batch)

    async def _make_durable(self, batch: ImportBatch) -> None:
        for attempt in range(_TRIES):
            error = await self._commit(batch)
            if error is None:
                break
            if attempt == _TRIES - 1 or error.slug == "batch-overlaps":
                raise error
            await asyncio.sleep(_RETRY_S)
        self.progress.batches_durable += 1
        self.progress.records_added += batch.count
        self.progress.lines_rejected += len(batch.rejected)
        room = MOST_ERRORS - len(self.errors)
        self.errors.extend(batch.rejected[:room])
