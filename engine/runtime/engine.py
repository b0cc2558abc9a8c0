"""The engine as the gateway drives it: everything awaitable, on the running asyncio loop."""

import asyncio
import gc
import secrets
import sys
from collections.abc import Callable, Coroutine, Mapping, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor
from dataclasses import dataclass, replace
from datetime import date
from multiprocessing import get_context
from pathlib import Path
from typing import Any, TypeVar, cast

import msgspec
import structlog

from engine.actors.desk import DeskEvent, SessionOver, SupervisorEvent
from engine.actors.kernel import Fault, Ref, ReplyTo
from engine.actors.kernel.loop import LoopScheduler
from engine.actors.messages import (
    AgentMessage,
    AgentView,
    AppendRecords,
    BeginSupervision,
    CampaignView,
    ConfigureAgent,
    ControlRecording,
    DescribeAgent,
    DescribeCampaign,
    DescribeList,
    DescribePacing,
    DescribeRecording,
    DescribeRouter,
    DescribeSession,
    DescribeTrunk,
    EndSupervision,
    ExplainRecord,
    ExplainSupply,
    ForceState,
    ListView,
    LogIn,
    PacingView,
    RecordingView,
    RecordView,
    ResetRecord,
    RouterView,
    RunAnswer,
    SessionView,
    StartCampaign,
    StopCampaign,
    SupervisionMessage,
    SupplyView,
    TrunkView,
)
from engine.compliance.recording import RecordingAction
from engine.compliance.zone_data import zone_data_version
from engine.config import EngineSettings
from engine.domain.e164 import E164
from engine.domain.facts import DncAdded, DncRemoved
from engine.domain.ids import (
    AgentId,
    AttemptId,
    CampaignId,
    LegId,
    ListId,
    RecordRef,
    SupervisorId,
    TrunkId,
)
from engine.domain.refusals import (
    CampaignIncompleteError,
    DialerError,
    DrainingError,
    InvalidRequestError,
    JournalError,
    NotNowError,
    UnknownAgentError,
    UnknownCallError,
    UnknownCampaignError,
    UnknownListError,
    UnknownRecordError,
    UnknownTrunkError,
)
from engine.domain.specs import AgentSpec, AnySpec, CampaignSpec, ListSpec
from engine.lists.importing import BatchBuilder, ImportOptions, ListImport, known_keys
from engine.machines.agent import AgentState
from engine.machines.campaign import CampaignPhase
from engine.machines.mix import SupervisionMode
from engine.metrics.board import MetricsBoard
from engine.ports import Gate, ImportBatch, LegAnswered, LegMoved, StoredFact, TelephonyEvent
from engine.runtime.assembly import VERSION, Listeners, Runtime
from engine.runtime.checks import check_delete, check_spec
from engine.runtime.imports import ImportRun
from engine.runtime.links import AgentLink, SupervisionLink
from engine.runtime.pacing_day import PacingDay, day_at
from engine.runtime.prompt_checks import find_fault
from engine.runtime.recording_setup import make_recorder, prepare, setup_of
from engine.runtime.recordings import RecordingShelf
from engine.store import EngineStore, open_store
from engine.telephony.combined import CombinedTelephony
from engine.telephony.recording.client import RecorderClient
from engine.telephony.sip.adapter import SipTelephony

R = TypeVar("R")

ASK_S = 5.0
"""Deadline of a question to an actor. [s]"""
LOGIN_S = 40.0
"""Deadline of a login and of a supervisor's leg: a phone may have to ring. [s]"""
_SECRET_OCTETS = 32
_SWITCH_S = 0.0005
"""How long a thread may hold the interpreter while the loop waits for it. Python's 5 ms would be
paid after each system call of the loop while the journal's thread writes. [s]"""
_GARBAGE = (20_000, 20, 50)
"""Thresholds of the garbage collector: what a call allocates is freed by counting, so looking for
cycles every 700 objects, as Python does, finds nothing and costs a twentieth of the loop."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a campaign dials nothing, or what it dials with.

    Attributes:
        view: Its run state, and what keeps it from dialing.
        supplies: What each of its lists has, and why not more.
        ready_agents: Ready agents who are qualified for it.
    """

    view: CampaignView
    supplies: Mapping[ListId, SupplyView]
    ready_agents: int


@dataclass(frozen=True, slots=True)
class Extras:
    """A record's name and custom fields."""

    name: str
    fields: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class EngineView:
    """The engine for people.

    Attributes:
        version: Of the software.
        cell: Its name.
        epoch: Number of this life.
        zone: The contact centre's zone.
        started_s: When this life began. [s since the epoch]
        now_s: The engine's time. [s since the epoch]
        journal_trusted: Whether the journal can be written.
        clock_trusted: Whether the wall clock goes with the engine's time.
        draining: Whether it goes down.
        calls_in_progress: Attempts without an outcome.
        sip_address: Where it speaks SIP.
    """

    version: str
    cell: str
    epoch: int
    zone: str
    started_s: float
    now_s: float
    journal_trusted: bool
    clock_trusted: bool
    draining: bool
    calls_in_progress: int
    sip_address: str


class Engine:
    """One engine in production: uvloop, SIP, media and a durable store.

    Attributes:
        runtime: What it is made of.
        recordings: Finds, reads and deletes recordings.
    """

    def __init__(self, settings: EngineSettings) -> None:
        """Take the settings; ``start`` does the rest."""
        self._settings = settings
        self._loop = asyncio.get_running_loop()
        self._desks: dict[AgentId, AgentLink] = {}
        self._supervisors: dict[str, SupervisionLink] = {}
        self._ears: dict[LegId, SupervisionLink] = {}
        self._importing: set[ListId] = set()
        self._import_errors: dict[tuple[ListId, str], list[tuple[int, str]]] = {}
        self._grown = asyncio.Event()
        self._draining = False
        self._answers: dict[str, asyncio.Future[RunAnswer]] = {}
        self._unsaved_dnc: set[E164] = set()
        self._started_s = 0.0
        self._workers: Executor | None = None
        self._sip: SipTelephony | None = None
        self._telephony: CombinedTelephony | None = None
        self._recorder_setup = setup_of(settings)
        self._recorder: RecorderClient | None = None
        self.recordings = RecordingShelf(
            lambda: self.runtime, self._recorder_setup, settings.recording
        )
        self.runtime: Runtime

    # --- life ------------------------------------------------------------------------------

    async def start(self) -> None:
        """Recover, bind SIP and RTP, and bring everything up as it was.

        Raises:
            JournalError: The store cannot be opened or trusted.
            InvalidRequestError: The store's URL, an address, or where recordings go, is wrong.
        """
        listeners = Listeners(
            desk=self._told_desk,
            supervisor=self._told_supervisor,
            audio=self._heard_audio,
            facts=self._happened,
            fault=self._failed,
        )
        self.runtime = Runtime(
            self._settings,
            LoopScheduler(self._loop),
            self._open_store,
            self._open_telephony,
            listeners,
            zone_data=zone_data_version(),
        )
        assert self._sip is not None  # the runtime has just opened it
        if self._recorder_setup is not None:
            await asyncio.to_thread(prepare, self._recorder_setup)
        await self._sip.start()
        self._started_s = self.runtime.now_s()
        self.runtime.start()
        self.recordings.start()
        sys.setswitchinterval(_SWITCH_S)
        gc.set_threshold(*_GARBAGE)
        gc.freeze()  # what was recovered lives as long as the engine

    def _open_store(self, on_committed: Callable[[Sequence[StoredFact]], None]) -> EngineStore:
        return open_store(
            self._settings.store.url,
            call_soon=self._loop.call_soon_threadsafe,
            call_later=self._loop.call_later,
            on_committed=on_committed,
            commit_every_s=self._settings.store.commit_every_s,
        )

    def _open_telephony(
        self,
        sink: Callable[[TelephonyEvent], None],
        gate: Gate,
        on_audio: Callable[[LegId, bytes], None],
    ) -> CombinedTelephony:
        scheduler = LoopScheduler(self._loop)

        def take(event: TelephonyEvent) -> None:
            if isinstance(event, LegMoved):
                # Behind the dialog that it replaces, which may be in the same burst.
                self._loop.call_soon(sink, event)
                return
            sink(event)
            if isinstance(event, LegAnswered):
                # Behind the burst in which the actor journals the dialog.
                self._loop.call_soon(self._confirm_when_durable, event.leg_id)

        self._recorder = make_recorder(self._recorder_setup)

        def make_sip(
            tell: Callable[[TelephonyEvent], None], hear: Callable[[LegId, bytes], None]
        ) -> SipTelephony:
            self._sip = SipTelephony(
                self._settings.sip, tell, gate, hear, scheduler.now_s,
                self._secret(), secrets.token_hex(8), holds_acks=True,
                recorder=self._recorder,
            )  # fmt: skip
            return self._sip

        self._telephony = CombinedTelephony(take, gate, on_audio, scheduler.now_s, make_sip)
        return self._telephony

    def _confirm_when_durable(self, leg_id: LegId) -> None:
        """Acknowledge an answer once a later life could end the call (C2).

        An unacknowledged answer is repeated, so a life that knows no dialog can still end it; one
        that was acknowledged and not remembered would stay with the far end.
        """
        sip = self._sip
        if sip is not None:
            self.runtime.outbox.when_durable(lambda: sip.confirm(leg_id))

    def _secret(self) -> bytes:
        """Return the installation's secret, which Call-IDs and tags follow from (C2).

        It lies beside the store; without a durable store it lives as long as the process.
        """
        kind, _, rest = self._settings.store.url.partition(":")
        if kind != "sqlite":
            return secrets.token_bytes(_SECRET_OCTETS)
        path = Path(rest.removeprefix("//")).expanduser().with_suffix(".secret")
        if path.exists():
            return path.read_bytes()
        path.touch(mode=0o600)
        path.write_bytes(secrets.token_bytes(_SECRET_OCTETS))
        return path.read_bytes()

    async def stop(self) -> None:
        """Drain for at most ``drain_s``, then end every leg and let go of everything."""
        await self.drain()
        deadline_s = self._loop.time() + self._settings.drain_s
        while self.runtime.live.open_attempts and self._loop.time() < deadline_s:
            await self.wait_for_event(self.last_sequence, 0.5)
        for link in list(self._desks.values()):
            link.end("draining")
        await self.recordings.stop()
        if self._recorder is not None:
            await self._recorder.settle()  # their ends are written down while they can be
        self.runtime.close()
        if self._telephony is not None:
            await self._telephony.stop()
        if self._sip is not None:
            await self._sip.stop()
        if self._workers is not None:
            await asyncio.to_thread(self._workers.shutdown, cancel_futures=True)

    async def drain(self) -> None:
        """Let no new call leave; calls in progress go on."""
        self._draining = True
        self.runtime.drain()

    # --- questions -------------------------------------------------------------------------

    async def ask(
        self, ref: Ref[Any], make: Callable[[ReplyTo[R]], Any], deadline_s: float = ASK_S
    ) -> R:
        """Ask an actor and wait for its answer.

        Args:
            ref: Whom.
            make: Builds the message around the place of the answer.
            deadline_s: How long to wait. [s]

        Raises:
            DialerError: It refuses.
            TimeoutError: No answer came in time.
        """
        future: asyncio.Future[R] = self._loop.create_future()

        def done(value: R | None, error: Exception | None) -> None:
            if future.done():
                return
            if error is not None:
                future.set_exception(error)
            else:
                # R may itself be None; whoever replies keeps to the type of its ReplyTo.
                future.set_result(cast("R", value))

        reply_to = self.runtime.kernel.request(ref, make, done)
        try:
            async with asyncio.timeout(deadline_s):
                return await future
        finally:
            reply_to.close()

    def _campaign(self, campaign_id: CampaignId) -> Ref[Any]:
        ref = self.runtime.registry.campaigns.find(campaign_id)
        if ref is None:
            raise UnknownCampaignError(f"there is no campaigns/{campaign_id}")
        return ref

    def _list(self, list_id: ListId) -> Ref[Any]:
        ref = self.runtime.registry.lists.find(list_id)
        if ref is None:
            raise UnknownListError(f"there is no lists/{list_id}")
        return ref

    def _agent(self, agent_id: AgentId) -> Ref[Any]:
        ref = self.runtime.registry.agents.find(agent_id)
        if ref is None:
            raise UnknownAgentError(f"there is no agents/{agent_id}")
        return ref

    # --- resources -------------------------------------------------------------------------

    def get(self, kind: str, resource_id: str) -> AnySpec:
        """Return a resource's spec.

        Raises:
            NotFoundError: There is none of that id.
        """
        return self.runtime.resources.get(kind, resource_id)

    def list(self, kind: str) -> Sequence[AnySpec]:
        """Return the specs of a kind."""
        return self.runtime.resources.all(kind)

    async def put(
        self,
        kind: str,
        spec: AnySpec,
        *,
        expected_revision: int | None = None,
        request_id: str = "",
        by: str = "",
    ) -> None:
        """Create or replace a resource, durably (see ``Resources.put``).

        Raises:
            DialerError: It is refused; the text says what is wrong.
        """
        await self._check_prompts(spec)
        if self._draining:
            raise DrainingError("the engine is going down")
        check_spec(spec, self.runtime.resources)
        future: asyncio.Future[DialerError | None] = self._loop.create_future()
        self.runtime.resources.put(
            kind,
            spec,
            _settle(future),
            expected_revision=expected_revision,
            request_id=request_id,
            by=by,
        )
        if (error := await future) is not None:
            raise error

    async def _check_prompts(self, spec: AnySpec) -> None:
        """Refuse a campaign that newly names a prompt which cannot be played."""
        if not isinstance(spec, CampaignSpec):
            return
        present = self.runtime.resources.find("campaign", spec.campaign_id)
        before = present if isinstance(present, CampaignSpec) else None
        if fault := await find_fault(spec, before):
            raise InvalidRequestError(fault, slug="invalid-prompt")

    async def delete(
        self, kind: str, resource_id: str, *, request_id: str = "", by: str = ""
    ) -> None:
        """Delete a resource that nothing needs, durably; the log says by whom.

        Raises:
            NotFoundError: There is none of that id.
            NotNowError: Something needs it; the text says what.
        """
        self.get(kind, resource_id)
        check_delete(kind, resource_id, self.runtime.resources)
        if kind == "campaign":
            view = await self.describe_campaign(CampaignId(resource_id))
            if view.phase is not CampaignPhase.IDLE:
                raise NotNowError(f"campaigns/{resource_id} runs", slug="campaign-running")
        if kind == "agent":
            agent = await self.describe_agent(AgentId(resource_id))
            if agent.state is not AgentState.LOGGED_OUT:
                raise NotNowError(f"agents/{resource_id} is logged in", slug="agent-logged-in")
        future: asyncio.Future[DialerError | None] = self._loop.create_future()
        self.runtime.resources.delete(
            kind, resource_id, _settle(future), request_id=request_id, by=by
        )
        if (error := await future) is not None:
            raise error

    # --- campaigns -------------------------------------------------------------------------

    async def start_campaign(
        self, campaign_id: CampaignId, *, by: str, request_id: str = ""
    ) -> RunAnswer:
        """Start a campaign; durable when it returns.

        Raises:
            CampaignIncompleteError: It lacks something, or a prompt of it cannot be played; the
                text says what.
        """
        known = f"start/{campaign_id}/{request_id}" if request_id else ""
        return await self.once(known, lambda: self._start_run(campaign_id, by))

    async def _start_run(self, campaign_id: CampaignId, by: str) -> RunAnswer:
        spec = self.runtime.resources.find("campaign", campaign_id)
        if isinstance(spec, CampaignSpec) and (fault := await find_fault(spec)):
            raise CampaignIncompleteError(fault, slug="invalid-prompt")
        if self._draining:
            raise DrainingError("the engine is going down")
        return await self._ask_run(campaign_id, lambda r: StartCampaign(by, r))

    async def stop_campaign(
        self, campaign_id: CampaignId, *, by: str, request_id: str = ""
    ) -> RunAnswer:
        """Stop a campaign: from its return no INVITE of it leaves."""
        known = f"stop/{campaign_id}/{request_id}" if request_id else ""
        return await self.once(
            known,
            lambda: self._ask_run(campaign_id, lambda r: StopCampaign(by, "", r)),
        )

    async def _ask_run(
        self, campaign_id: CampaignId, make: Callable[[ReplyTo[RunAnswer]], Any]
    ) -> RunAnswer:
        return await self.ask(self._campaign(campaign_id), make)

    async def once(self, key: str, make: Callable[[], Coroutine[Any, Any, RunAnswer]]) -> RunAnswer:
        """Carry out a command once per idempotency key; a repeat gets the first answer (D12)."""
        answers = self._answers
        if key and key in answers:
            return await asyncio.shield(answers[key])
        task = asyncio.ensure_future(make())
        if key:
            answers[key] = task
            if len(answers) > 10_000:
                answers.pop(next(iter(answers)))
        try:
            return await asyncio.shield(task)
        except Exception:
            answers.pop(key, None)
            raise

    async def describe_campaign(self, campaign_id: CampaignId) -> CampaignView:
        """Tell a campaign's run state, and why nothing is dialed."""
        view = await self.ask(self._campaign(campaign_id), DescribeCampaign)
        paced = self.runtime.statistics.pacing.get(campaign_id)
        if view.phase is not CampaignPhase.RUNNING or paced is None:
            return view
        why = view.why_idle
        if not paced.started and not why:
            why = (paced.reason,)
        return replace(view, effective_mode=paced.effective_mode, why_idle=why)

    async def explain_campaign(self, campaign_id: CampaignId) -> Explanation:
        """Say why a campaign dials nothing, or with what it dials."""
        view = await self.describe_campaign(campaign_id)
        spec = self.get("campaign", campaign_id)
        router = await self.ask(self.runtime.registry.router, DescribeRouter)
        supplies: dict[ListId, SupplyView] = {}
        for link in spec.lists if isinstance(spec, CampaignSpec) else ():
            if self.runtime.registry.lists.find(link.list_id) is not None:
                supplies[link.list_id] = await self.ask(
                    self._list(link.list_id), lambda r: ExplainSupply(campaign_id, r)
                )
        ready, _ = router.by_campaign.get(campaign_id, (0, 0))
        return Explanation(view, supplies, ready)

    async def describe_router(self) -> RouterView:
        """Tell who is ready and what waits."""
        return await self.ask(self.runtime.registry.router, DescribeRouter)

    async def describe_pacing(self, campaign_id: CampaignId) -> PacingView:
        """Tell what pacing last saw and decided."""
        self._campaign(campaign_id)
        return await self.ask(self.runtime.registry.pacer, lambda r: DescribePacing(campaign_id, r))

    def watch_pacing(
        self, campaign_id: CampaignId, tell: Callable[[PacingView], None]
    ) -> Callable[[], None]:
        """Tell of each decision for a campaign; call what is returned to end it."""
        return self.runtime.statistics.watch_pacing(campaign_id, tell)

    async def report_pacing(self, campaign_id: CampaignId, day: date | None) -> PacingDay:
        """Tell what was decided and why over a local day.

        Args:
            campaign_id: The campaign.
            day: In the contact centre's zone; None: today.
        """
        self._campaign(campaign_id)
        zone, now_s = self._settings.zone, self.runtime.now_s()
        report = PacingDay.of(campaign_id, zone, day or day_at(zone, now_s))
        await report.read(self.read_events, self.last_sequence)
        return report

    # --- lists -----------------------------------------------------------------------------

    async def describe_list(self, list_id: ListId) -> ListView:
        """Tell how many records a list has."""
        return await self.ask(self._list(list_id), DescribeList)

    async def describe_record(self, ref: RecordRef, campaign_id: CampaignId | None) -> RecordView:
        """Say where a record stands, and whether it may be called now.

        Raises:
            UnknownRecordError: There is no such record.
        """
        return await self.ask(
            self._list(ref.list_id), lambda r: ExplainRecord(ref.row, campaign_id, r)
        )

    async def record_extras(self, ref: RecordRef) -> Extras:
        """Return a record's name and custom fields.

        Raises:
            UnknownRecordError: There is no such record.
        """
        self._list(ref.list_id)
        future: asyncio.Future[bytes | None] = self._loop.create_future()
        self.runtime.store.read_extras(ref.list_id, ref.row, _settle(future))
        packed = await future
        if packed is None:
            raise UnknownRecordError(f"there is no {ref}")
        fields = msgspec.msgpack.decode(packed, type=dict[str, str])
        return Extras(fields.pop("name", ""), fields)

    async def reset_record(self, ref: RecordRef, campaign_id: CampaignId, *, by: str) -> None:
        """Make a final or waiting record callable again; its counts stay."""
        del by  # the fact names the operator; finer names come with permissions
        await self.ask(self._list(ref.list_id), lambda r: ResetRecord(campaign_id, ref.row, r))

    def open_import(self, spec: ListSpec, import_id: str, options: ImportOptions) -> ImportRun:
        """Begin an import, or go on with one whose file is sent again.

        Args:
            spec: The list; region and default zone may differ from the stored ones.
            import_id: Makes a repeat harmless.
            options: How the file is to be read.

        Raises:
            NotNowError: The list is being imported to.
        """
        list_id = spec.list_id
        records = self._list(list_id)
        if self._draining:
            raise DrainingError("the engine is going down")
        if list_id in self._importing:
            raise NotNowError(f"lists/{list_id} is being imported to", slug="import-running")
        batches = self.runtime.store.load_batches(list_id)
        mine = [batch for batch in batches if batch.import_id == import_id]
        last = batches[-1] if batches else None
        builder = BatchBuilder(
            list_id,
            import_id,
            last.first_row + last.count if last else 0,
            known_keys(batches),
            done_batches=len(mine),
            done_lines=mine[-1].source_lines if mine else 0,
            keep_duplicates=options.keep_duplicates,
        )
        errors = [line for batch in mine for line in batch.rejected]
        self._import_errors[list_id, import_id] = errors
        source = ListImport(spec, options, len(mine))  # may refuse: before the list is taken

        async def commit(batch: ImportBatch) -> JournalError | None:
            future: asyncio.Future[JournalError | None] = self._loop.create_future()
            self.runtime.store.commit_batch(batch, self.runtime.now_s(), _settle(future))
            error = await future
            if error is None:
                self.runtime.kernel.tell(records, AppendRecords(batch))
            return error

        workers = self._import_workers()
        self._importing.add(list_id)
        return ImportRun(
            source,
            builder,
            options,
            workers,
            commit,
            errors,
            lambda: self._importing.discard(list_id),
        )

    def _import_workers(self) -> Executor:
        """Return the processes that parse, started with the first import."""
        if self._workers is None:
            self._workers = ProcessPoolExecutor(2, mp_context=get_context("spawn"))
        return self._workers

    async def import_errors(self, list_id: ListId, import_id: str) -> Sequence[tuple[int, str]]:
        """Return the lines an import refused, as (line, reason)."""
        self._list(list_id)
        known = self._import_errors.get((list_id, import_id))
        if known is not None:
            return known
        batches = self.runtime.store.load_batches(list_id)
        return [line for b in batches if b.import_id == import_id for line in b.rejected]

    # --- do-not-call -----------------------------------------------------------------------

    async def add_dnc(self, numbers: Sequence[E164], *, by: str, note: str = "") -> int:
        """Put numbers on the do-not-call list: at once, and durable when it returns (D5).

        Returns:
            How many were not on it.
        """
        new = [number for number in dict.fromkeys(numbers) if not self.is_dnc(number)]
        self.runtime.ledger.add_dnc(new)
        # One that is listed but not durable yet is written again, or a repeat would be
        # acknowledged before the first request is.
        write = [n for n in dict.fromkeys(numbers) if n in new or n in self._unsaved_dnc]
        self._unsaved_dnc.update(write)
        now_s = self.runtime.now_s()
        await self._commit([DncAdded(at_s=now_s, number=n, by=by, note=note) for n in write])
        self._unsaved_dnc.difference_update(write)
        return len(new)

    async def remove_dnc(self, numbers: Sequence[E164], *, by: str) -> int:
        """Take numbers off the do-not-call list, once that is durable.

        Returns:
            How many were on it.
        """
        listed = [number for number in dict.fromkeys(numbers) if self.is_dnc(number)]
        now_s = self.runtime.now_s()
        await self._commit([DncRemoved(at_s=now_s, number=n, by=by) for n in listed])
        for number in listed:
            self.runtime.ledger.remove_dnc(number)
        return len(listed)

    async def _commit(self, facts: Sequence[DncAdded | DncRemoved]) -> None:
        if not facts:
            return
        future: asyncio.Future[JournalError | None] = self._loop.create_future()
        self.runtime.store.commit(facts, _settle(future))
        if (error := await future) is not None:
            raise error

    def is_dnc(self, number: E164) -> bool:
        """Say whether a number is on the do-not-call list."""
        return self.runtime.ledger.on_dnc(number)

    def dnc_numbers(self) -> Sequence[str]:
        """Return the do-not-call list, sorted."""
        return self.runtime.ledger.dnc_numbers()

    # --- agents and trunks -----------------------------------------------------------------

    async def describe_agent(self, agent_id: AgentId) -> AgentView:
        """Tell how an agent stands."""
        return await self.ask(self._agent(agent_id), DescribeAgent)

    async def force_agent_state(
        self, agent_id: AgentId, supervisor: SupervisorId, state: AgentState, reason: str
    ) -> AgentView:
        """Force an agent's state.

        Raises:
            AgentBusyError: The agent handles an interaction.
        """
        return await self.ask(
            self._agent(agent_id), lambda r: ForceState(supervisor, state, reason, r)
        )

    async def open_desk(self, agent_id: AgentId, *, phone: str = "") -> AgentLink:
        """Log an agent in and open its desktop's link; an older link is ended.

        Args:
            agent_id: The agent.
            phone: SIP URI of the phone for this session; empty: the configured one.

        Raises:
            UnknownAgentError: There is no such agent.
            UnavailableError: The phone cannot be reached.
        """
        if self._draining:
            raise DrainingError("the engine is going down")
        ref = self._agent(agent_id)
        spec = self.get("agent", agent_id)
        if phone and isinstance(spec, AgentSpec):
            self.runtime.kernel.tell(
                ref, ConfigureAgent(msgspec.structs.replace(spec, phone=phone))
            )
        view: AgentView = await self.ask(ref, LogIn, LOGIN_S)
        older = self._desks.get(agent_id)
        if older is not None:
            older.end("replaced")

        async def ask(make: Callable[[ReplyTo[object]], AgentMessage]) -> object:
            return await self.ask(ref, make, LOGIN_S)

        link = AgentLink(view, ask, self._forget_desk)
        self._desks[agent_id] = link
        return link

    def _forget_desk(self, link: AgentLink) -> None:
        if self._desks.get(link.view.agent_id) is link:
            del self._desks[link.view.agent_id]

    def _told_desk(self, agent_id: AgentId, event: DeskEvent) -> None:
        link = self._desks.get(agent_id)
        if link is not None:
            link.tell(event)

    async def describe_trunk(self, trunk_id: TrunkId) -> TrunkView:
        """Tell how a trunk stands."""
        ref = self.runtime.registry.trunks.find(trunk_id)
        if ref is None:
            raise UnknownTrunkError(f"there is no trunks/{trunk_id}")
        return await self.ask(ref, DescribeTrunk)

    # --- supervision -----------------------------------------------------------------------

    async def supervise(
        self,
        agent_id: AgentId,
        supervisor: SupervisorId,
        mode: SupervisionMode,
        *,
        phone: str = "",
    ) -> SupervisionLink:
        """Join an agent's call: by phone, or by the stream itself.

        Args:
            agent_id: The agent.
            supervisor: Who supervises.
            mode: The first mode.
            phone: SIP URI of the supervisor's phone; empty: audio goes through the link.

        Raises:
            NotNowError: The agent has no call, or the supervisor has a session.
        """
        self._agent(agent_id)
        if any(link.view.supervisor_id == supervisor for link in self._supervisors.values()):
            raise NotNowError(f"{supervisor} supervises already", slug="supervising-already")
        session_id = self.runtime.ids.session()
        ref = self.runtime.open_session(session_id, supervisor, agent_id, mode, phone or None)
        waiting = SessionView(session_id, supervisor, agent_id, mode, None, leg_up=False)

        async def ask(make: Callable[[ReplyTo[SessionView]], SupervisionMessage]) -> SessionView:
            return await self.ask(ref, make)

        leg: list[LegId] = []

        def speak(pcm: bytes) -> None:
            if not leg:
                leg.extend(self.runtime.legs.legs_of(ref))
            if leg:
                self.runtime.telephony.send_audio(leg[0], pcm)

        link = SupervisionLink(
            waiting, ask, lambda: self.runtime.kernel.tell(ref, EndSupervision("left")), speak
        )
        self._supervisors[session_id] = link
        try:
            link.view = await self.ask(ref, BeginSupervision, LOGIN_S)
        except BaseException:
            self._supervisors.pop(session_id, None)
            self.runtime.kernel.tell(ref, EndSupervision("refused"))
            raise
        for leg_id in self.runtime.legs.legs_of(ref):
            self._ears[leg_id] = link
        return link

    def _told_supervisor(self, session_id: str, event: SupervisorEvent) -> None:
        link = self._supervisors.get(session_id)
        if link is None:
            return
        link.tell(event)
        if isinstance(event, SessionOver):
            del self._supervisors[session_id]
            self._ears = {leg: ear for leg, ear in self._ears.items() if ear is not link}

    def _heard_audio(self, leg_id: LegId, pcm: bytes) -> None:
        link = self._ears.get(leg_id)
        if link is not None:
            link.audio(pcm)

    async def sessions(self) -> Sequence[SessionView]:
        """Return the supervision sessions there are."""
        refs = self.runtime.registry.sessions.refs()
        return [await self.ask(ref, DescribeSession) for ref in refs]

    # --- recordings ------------------------------------------------------------------------

    async def control_recording(
        self,
        attempt_id: AttemptId,
        action: RecordingAction,
        *,
        by: str,
        campaigns: frozenset[str] | None = None,
    ) -> RecordingView:
        """Ask for a call to be recorded, or not; stronger wishes may decide otherwise.

        Args:
            attempt_id: The call.
            action: What is wished.
            by: Who wishes it.
            campaigns: Those that may be reached; None: all.

        Raises:
            UnknownCallError: There is no such call, or none that may be reached.
        """
        return await self.ask(
            self._campaign_of(attempt_id, campaigns),
            lambda r: ControlRecording(attempt_id, action, by, automated=False, reply_to=r),
        )

    async def describe_recording(self, attempt_id: AttemptId) -> RecordingView:
        """Tell whether a call is recorded.

        Raises:
            UnknownCallError: There is no such call.
        """
        return await self.ask(
            self._campaign_of(attempt_id), lambda r: DescribeRecording(attempt_id, r)
        )

    def _campaign_of(
        self, attempt_id: AttemptId, campaigns: frozenset[str] | None = None
    ) -> Ref[Any]:
        campaign_id = self.runtime.live.campaign_of(attempt_id)
        if campaign_id is None or (campaigns is not None and campaign_id not in campaigns):
            raise UnknownCallError(f"there is no calls/{attempt_id[:80]}")
        return self._campaign(campaign_id)

    # --- events, metrics, the engine itself ------------------------------------------------

    @property
    def metrics(self) -> MetricsBoard:
        """Rows of every scope."""
        return self.runtime.statistics.board

    @property
    def last_sequence(self) -> int:
        """Sequence number of the newest durable fact."""
        return self.runtime.last_sequence

    def _happened(self, _facts: Sequence[StoredFact]) -> None:
        self._grown.set()

    async def read_events(self, after: int, limit: int) -> Sequence[StoredFact]:
        """Return durable facts with a sequence above ``after``, at most ``limit``."""
        future: asyncio.Future[Sequence[StoredFact]] = self._loop.create_future()
        self.runtime.store.read(after, limit, _settle(future))
        return await future

    async def wait_for_event(self, after: int, timeout_s: float) -> None:
        """Return when there is a fact above ``after``, or the time is over. [s]"""
        try:
            async with asyncio.timeout(timeout_s):
                while self.last_sequence <= after:
                    self._grown.clear()
                    await self._grown.wait()
        except TimeoutError:
            return

    def describe(self) -> EngineView:
        """Tell how the engine is."""
        runtime, gate = self.runtime, self.runtime.gate
        host, port = self._sip.address if self._sip is not None else ("", 0)
        return EngineView(
            version=VERSION,
            cell=self._settings.cell,
            epoch=runtime.epoch,
            zone=self._settings.zone,
            started_s=self._started_s,
            now_s=runtime.now_s(),
            journal_trusted=gate.journal_writable,
            clock_trusted=gate.clock_trusted,
            draining=self._draining,
            calls_in_progress=runtime.live.open_attempts,
            sip_address=f"{host}:{port}",
        )

    @staticmethod
    def _failed(fault: Fault) -> None:
        log.error(
            "actor failed",
            actor=fault.ref.name,
            message=type(fault.message).__name__,
            gave_up=fault.gave_up,
            exc_info=fault.error,
        )


def _settle(future: "asyncio.Future[R]") -> Callable[[R], None]:
    """Return what gives a future its result, unless whoever waited has gone away meanwhile.

    A store's callback must not raise: others of the same group wait behind it.
    """

    def settle(value: R) -> None:
        if not future.done():
            future.set_result(value)

    return settle
