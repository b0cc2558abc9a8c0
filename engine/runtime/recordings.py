"""What becomes of recordings: their ends are written down, their rows found, their files read.

``RecordingBooks`` belongs to the runtime and takes what the recorder tells; ``RecordingShelf``
belongs to the engine as the gateway drives it, and may await.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

import structlog

from engine.actors.messages import RecorderSampled
from engine.compliance.recording import RecordingPolicy, must_record
from engine.config import EngineSettings, RecordingSettings
from engine.domain.facts import (
    AnyFact,
    RecorderChanged,
    RecordingAccessed,
    RecordingCompleted,
    RecordingDeleted,
    RecordingStarted,
)
from engine.domain.ids import AgentId, AttemptId, CampaignId, RecordingId
from engine.domain.refusals import (
    InvalidRequestError,
    JournalError,
    NotNowError,
    UnavailableError,
    UnknownRecordingError,
)
from engine.domain.specs import CampaignSpec, RecordingRule
from engine.ports import (
    FinishRecordings,
    RecorderEvent,
    RecorderFailed,
    RecorderRestored,
    RecordingEnded,
    RecordingQuery,
    RecordingRow,
    StoredFact,
)
from engine.telephony.media.pool import switches_of
from engine.telephony.recording.client import RecorderClient, RecorderSetup
from engine.telephony.recording.disk import UNUSABLE
from engine.telephony.recording.library import Library, Reading
from engine.telephony.recording.sealing import load_key

if TYPE_CHECKING:
    from engine.runtime.assembly import Runtime

SWEEP_S: Final = 3600.0
"""Recordings whose time is over are looked for so often. [s]"""
_DAY_S: Final = 86_400.0
_PAGE: Final = 200

log = structlog.get_logger()


def policy_of(settings: RecordingSettings) -> RecordingPolicy:
    """Return what the contact centre says of recording."""
    return RecordingPolicy(
        RecordingRule(settings.record), settings.during_monitoring, settings.required
    )


def setup_of(settings: EngineSettings) -> RecorderSetup | None:
    """Return how the recorder is set up; None: there is no folder that would outlive the engine."""
    wanted = settings.recording
    kind, _, rest = settings.store.url.partition(":")
    store = Path(rest.removeprefix("//")).expanduser() if kind == "sqlite" else None
    if not wanted.directory and store is None:
        return None
    beside = store or Path(wanted.directory).expanduser()
    folder = Path(wanted.directory).expanduser() if wanted.directory else None
    key_file = Path(wanted.key_file).expanduser() if wanted.key_file else None
    return RecorderSetup(
        folder=(folder or beside.with_suffix(".recordings")).absolute(),
        key_file=(key_file or beside.with_suffix(".recording-key")).absolute()
        if wanted.encrypt
        else None,
        form=wanted.format,
        ring_octets=wanted.memory_mb << 20,
        rings=switches_of(settings.sip.media_processes),
    )


def prepare(setup: RecorderSetup) -> None:
    """Make folder and key, so that what is wrong with them is told at the start, not in a call.

    Raises:
        InvalidRequestError: Nothing could be recorded with these settings.
    """
    try:
        setup.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if setup.key_file is not None:
            load_key(setup.key_file)
    except UNUSABLE as error:
        raise InvalidRequestError(f"recording: {error}", slug="invalid-config") from error


class RecordingBooks:
    """Writes down what the recorder tells, and lets nothing begin that could not be recorded.

    Args:
        runtime: What it belongs to.
    """

    def __init__(self, runtime: "Runtime") -> None:
        self._runtime = runtime
        self._policy = policy_of(runtime.settings.recording)
        self._known: set[RecordingId] = set()
        self.up = True

    def start(self, open_rows: Iterable[RecordingRow]) -> None:
        """Have completed what earlier lives left."""
        self._known.update(row.recording_id for row in open_rows)
        finish = FinishRecordings(tuple(sorted(self._known)))
        self._runtime.telephony.perform(finish, self._runtime.now_s())

    def committed(self, facts: Sequence[StoredFact]) -> None:
        """Learn from durable facts which recordings have rows."""
        for stored in facts:
            if isinstance(stored.fact, RecordingStarted):
                self._known.add(stored.fact.recording_id)

    def heard(self, event: RecorderEvent) -> None:
        """Take what the recorder tells."""
        match event:
            case RecordingEnded():
                self._ended(event)
            case RecorderFailed(reason):
                self._changed(up=False, reason=reason)
            case RecorderRestored():
                self._changed(up=True, reason="")

    def configured(self) -> None:
        """Hold back, or let go, the campaigns whose calls must be recorded (R3)."""
        held: set[CampaignId] = set()
        for spec in self._runtime.resources.all("campaign") if not self.up else ():
            if isinstance(spec, CampaignSpec) and must_record(self._policy, spec.recording):
                held.add(spec.campaign_id)
        self._runtime.gate.hold_unrecorded(frozenset(held))

    def _changed(self, *, up: bool, reason: str) -> None:
        if up is self.up:
            return
        self.up = up
        runtime = self._runtime
        runtime.note(RecorderChanged(at_s=runtime.now_s(), up=up, reason=reason[:500]))
        if not up:
            log.error("calls cannot be recorded", reason=reason)
        self.configured()
        for ref in runtime.registry.campaigns.refs():
            runtime.kernel.tell(ref, RecorderSampled(up))

    def _ended(self, event: RecordingEnded) -> None:
        if event.recording_id in self._known:
            self._known.discard(event.recording_id)
            self._runtime.note(self._completed(event))
            return
        query = RecordingQuery(recording_id=event.recording_id, deleted=True, limit=1)

        def done(rows: Sequence[RecordingRow]) -> None:
            facts = [] if rows else [_begun(event, self._runtime.now_s())]
            self._runtime.note(*facts, self._completed(event))

        self._runtime.store.find_recordings(query, done)

    def _completed(self, event: RecordingEnded) -> RecordingCompleted:
        return RecordingCompleted(
            at_s=self._runtime.now_s(),
            recording_id=event.recording_id,
            length_s=event.length_s,
            octets=event.octets,
            sha256=event.sha256,
            lost_s=event.lost_s,
            file_name=event.file_name,
        )


def _begun(event: RecordingEnded, now_s: float) -> RecordingStarted:
    """Return the beginning of a recording of which only its file tells (R2)."""
    notes: Mapping[str, str] = event.notes
    return RecordingStarted(
        at_s=now_s - event.length_s,
        recording_id=event.recording_id,
        attempt_id=AttemptId(notes.get("attempt_id", "")),
        campaign_id=CampaignId(notes.get("campaign_id", "")),
        agent_id=AgentId(notes.get("agent_id", "")),
        by="engine",
        reason="found",
    )


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

    async def get(self, recording_id: RecordingId) -> RecordingRow:
        """Return one recording.

        Raises:
            UnknownRecordingError: There is none of that id.
        """
        rows = await self.find(RecordingQuery(recording_id=recording_id, deleted=True, limit=1))
        if not rows:
            raise UnknownRecordingError(f"there is no recordings/{recording_id[:80]}")
        return rows[0]

    async def open(
        self, recording_id: RecordingId, *, by: str, how: str, from_s: float = 0.0
    ) -> Reading:
        """Open a recording for reading, once it is in the log who reads it (X11).

        Args:
            recording_id: The recording.
            by: Who reads.
            how: ``download`` or ``play``.
            from_s: Where. [s]

        Raises:
            NotFoundError: There is no such recording, or it has no file any more.
            NotNowError: It is not complete yet.
            UnavailableError: The file cannot be read.
        """
        row = await self.get(recording_id)
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

    async def delete(self, recording_id: RecordingId, *, by: str) -> RecordingRow:
        """Delete a recording for good; the log and the row say so before the file goes.

        Raises:
            UnknownRecordingError: There is none of that id.
            NotNowError: It is not complete yet.
            UnavailableError: The file cannot be removed; it is tried again at the next start.
        """
        row = await self.get(recording_id)
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


def make_recorder(setup: RecorderSetup | None) -> RecorderClient | None:
    """Return the recorder, None where nothing could be kept."""
    return RecorderClient(setup) if setup is not None else None
