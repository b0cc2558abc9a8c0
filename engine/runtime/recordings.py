"""The recordings there are: found, read and deleted, each in the log before it happens.

``RecordingShelf`` belongs to the engine as the gateway drives it, and may await.
"""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from engine.config import RecordingSettings
from engine.domain.facts import AnyFact, RecordingAccessed, RecordingDeleted
from engine.domain.ids import RecordingId
from engine.domain.refusals import (
    JournalError,
    NotNowError,
    UnavailableError,
    UnknownRecordingError,
)
from engine.ports import RecordingQuery, RecordingRow
from engine.telephony.recording.client import RecorderSetup
from engine.telephony.recording.disk import UNUSABLE
from engine.telephony.recording.library import Library, Reading

if TYPE_CHECKING:
    from engine.runtime.assembly import Runtime

SWEEP_S: Final = 3600.0
"""Recordings whose time is over are looked for so often. [s]"""
_DAY_S: Final = 86_400.0
_PAGE: Final = 200


class RecordingShelf:
    """Finds, reads and deletes recordings.

    Args:
        runtime: Gives the engine's runtime, once there is one.
        setup: Where files are; None: there are none.
        settings: How long they are kept.
    """

    def __init__(
        self,
        runtime: "Callable[[], Runtime]",
        setup: RecorderSetup | None,
        settings: RecordingSettings,
    ) -> None:
        self._runtime = runtime
        self._library = Library(setup.folder, setup.key_file) if setup else None
        self._keep_s = settings.retention_days * _DAY_S
        self._sweeper: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Finish deletions that were begun, and begin to look for recordings past their time."""
        self._sweeper = asyncio.get_running_loop().create_task(self._sweep())

    async def stop(self) -> None:
        """Look no more."""
        if self._sweeper is not None:
            self._sweeper.cancel()
            await asyncio.gather(self._sweeper, return_exceptions=True)

    async def find(self, query: RecordingQuery) -> Sequence[RecordingRow]:
        """Return recordings, newest first."""
        future: asyncio.Future[Sequence[RecordingRow]] = asyncio.get_running_loop().create_future()

        def done(rows: Sequence[RecordingRow]) -> None:
            if not future.done():
                future.set_result(rows)

        self._runtime().store.find_recordings(query, done)
        return await future

    async def get(
        self, recording_id: RecordingId, campaigns: frozenset[str] | None = None
    ) -> RecordingRow:
        """Return one recording.

        Args:
            recording_id: Its id.
            campaigns: Those whose recordings may be reached; None: all.

        Raises:
            UnknownRecordingError: There is none of that id, or it may not be reached.
        """
        query = RecordingQuery(
            recording_id=recording_id, deleted=True, limit=1, campaigns=campaigns
        )
        rows = await self.find(query)
        if not rows:
            raise UnknownRecordingError(f"there is no recordings/{recording_id[:80]}")
        return rows[0]

    async def open(
        self,
        recording_id: RecordingId,
        *,
        by: str,
        how: str,
        from_s: float = 0.0,
        campaigns: frozenset[str] | None = None,
    ) -> Reading:
        """Open a recording for reading, once it is in the log who reads it (X11).

        Args:
            recording_id: The recording.
            by: Who reads.
            how: ``download`` or ``play``.
            from_s: Where. [s]
            campaigns: Those whose recordings may be reached; None: all.

        Raises:
            NotFoundError: There is no such recording, or it has no file any more.
            NotNowError: It is not complete yet.
            UnavailableError: The file cannot be read.
        """
        row = await self.get(recording_id, campaigns)
        if not row.complete:
            raise NotNowError(f"recordings/{recording_id} goes on", slug="recording-open")
        if row.deleted_s or not row.file_name or self._library is None:
            raise UnknownRecordingError(f"recordings/{recording_id} has no file")
        fact = RecordingAccessed(
            at_s=self._runtime().now_s(), recording_id=recording_id, by=by, how=how, from_s=from_s
        )
        await self._commit(fact)
        try:
            return await asyncio.to_thread(self._library.open, row.file_name)
        except UNUSABLE as error:
            raise UnavailableError(
                f"recordings/{recording_id} cannot be read: {error}", slug="recording-unreadable"
            ) from error

    async def delete(
        self, recording_id: RecordingId, *, by: str, campaigns: frozenset[str] | None = None
    ) -> RecordingRow:
        """Delete a recording for good; the log and the row say so before the file goes.

        Args:
            recording_id: The recording.
            by: Who deletes.
            campaigns: Those whose recordings may be reached; None: all.

        Raises:
            UnknownRecordingError: There is none of that id, or it may not be reached.
            NotNowError: It is not complete yet.
            UnavailableError: The file cannot be removed; it is tried again at the next start.
        """
        row = await self.get(recording_id, campaigns)
        if not row.complete:
            raise NotNowError(f"recordings/{recording_id} goes on", slug="recording-open")
        if not row.deleted_s:
            now_s = self._runtime().now_s()
            await self._commit(RecordingDeleted(at_s=now_s, recording_id=recording_id, by=by))
        await self._remove(row)
        return await self.get(recording_id)

    async def _remove(self, row: RecordingRow) -> None:
        if self._library is None:
            return
        try:
            await asyncio.to_thread(self._library.delete, row.recording_id, row.file_name)
        except OSError as error:
            raise UnavailableError(
                f"recordings/{row.recording_id} cannot be removed: {error}", slug="recording-stuck"
            ) from error

    async def _commit(self, fact: AnyFact) -> None:
        loop = asyncio.get_running_loop()
        future: asyncio.Future[JournalError | None] = loop.create_future()

        def done(error: JournalError | None) -> None:
            if not future.done():
                future.set_result(error)

        self._runtime().store.commit([fact], done)
        if (error := await future) is not None:
            raise error

    async def _sweep(self) -> None:
        """Delete what is past its time, again and again."""
        since_s = self._runtime().now_s() - 2 * _DAY_S
        for row in await self.find(
            RecordingQuery(deleted_from_s=since_s, deleted=True, limit=5000)
        ):
            with suppress(UnavailableError):
                await self._remove(row)
        while self._keep_s:
            await self._delete_old(self._runtime().now_s() - self._keep_s)
            await asyncio.sleep(SWEEP_S)

    async def _delete_old(self, until_s: float) -> None:
        before = ""
        while True:
            query = RecordingQuery(until_s=until_s, before=before, limit=_PAGE)
            rows = await self.find(query)
            for row in rows:
                if row.complete:
                    with suppress(UnavailableError):
                        await self.delete(row.recording_id, by="retention")
            if len(rows) < _PAGE:
                return
            before = rows[-1].recording_id
