"""A small engine behind the gateway's services: keeps what it is told, and plays events."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

import msgspec

from engine.actors.desk import DeskEvent, SessionOver, SessionShown, SupervisorEvent
from engine.actors.kernel.ref import ReplyTo
from engine.actors.messages import (
    AgentMessage,
    AgentView,
    CampaignView,
    ListView,
    NumberView,
    PacingView,
    ReasonCount,
    RecordView,
    RunAnswer,
    SessionView,
    SupplyView,
    TrunkView,
)
from engine.domain.e164 import E164
from engine.domain.facts import EngineStarted, RecordPhase
from engine.domain.ids import (
    AgentId,
    AttemptId,
    CampaignId,
    ListId,
    RecordRef,
    SessionId,
    SupervisorId,
    TrunkId,
)
from engine.domain.refusals import (
    AgentBusyError,
    AlreadyExistsError,
    CampaignIncompleteError,
    DialerError,
    InvalidRequestError,
    NotFoundError,
    RevisionChangedError,
    UnknownRecordError,
)
from engine.domain.specs import CampaignSpec, ListSpec, Spec
from engine.lists.importing import ImportOptions
from engine.machines.agent import AgentPhase, AgentState
from engine.machines.campaign import CampaignPhase
from engine.machines.mix import SupervisionMode
from engine.metrics.board import MetricsBoard
from engine.ports import StoredFact
from engine.runtime.pacing_day import PacingDay

CALL = AttemptId("a1-0001-00000001")
ROWS = 250


@dataclass
class Progress:
    lines_read: int = 0
    records_added: int = 0
    lines_rejected: int = 0
    batches_durable: int = 0
    bytes_read: int = 0


class ImportRunDouble:
    """Takes each line as a record, and refuses those that say so."""

    def __init__(self, errors: list[tuple[int, str]]) -> None:
        self.progress = Progress()
        self.closed = False
        self.finished = False
        self._told = 0
        self._errors = errors
        self._rest = b""

    def take_errors(self) -> Sequence[tuple[int, str]]:
        new, self._told = self._errors[self._told :], len(self._errors)
        return new

    async def feed(self, chunk: bytes) -> None:
        self.progress.bytes_read += len(chunk)
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        for line in lines:
            self.progress.lines_read += 1
            if b"bad" in line:
                self.progress.lines_rejected += 1
                self._errors.append((self.progress.lines_read, "no number"))
            else:
                self.progress.records_added += 1

    async def finish(self) -> Progress:
        self.finished = True
        self.progress.batches_durable = 1
        return self.progress

    def close(self) -> None:
        self.closed = True


@dataclass
class AgentLinkDouble:
    view: AgentView
    reason: str = "replaced"
    refuse: DialerError | None = None
    said: list[object] = field(default_factory=list)
    closed: bool = False
    queue: asyncio.Queue[DeskEvent | None] = field(default_factory=asyncio.Queue)

    async def ask(self, make: Callable[[ReplyTo[Any]], AgentMessage]) -> object:
        if self.refuse is not None:
            raise self.refuse
        self.said.append(make(ReplyTo(lambda value, error: None)))
        return None

    async def events(self) -> AsyncIterator[DeskEvent]:
        while (event := await self.queue.get()) is not None:
            yield event

    def close(self) -> None:
        self.closed = True


@dataclass
class SupervisionLinkDouble:
    view: SessionView
    spoken: list[bytes] = field(default_factory=list)
    closed: bool = False
    queue: asyncio.Queue[SupervisorEvent] = field(default_factory=asyncio.Queue)

    async def set_mode(self, mode: SupervisionMode) -> SessionView:
        self.view = replace(self.view, mode=mode)
        self.queue.put_nowait(SessionShown(self.view))
        return self.view

    def speak(self, pcm: bytes) -> None:
        self.spoken.append(pcm)

    def hears(self, sink: Callable[[bytes], None]) -> None:
        sink(bytes(320))

    async def events(self) -> AsyncIterator[SupervisorEvent]:
        while True:
            event = await self.queue.get()
            yield event
            if isinstance(event, SessionOver):
                return

    def close(self) -> None:
        self.closed = True


@dataclass
class Explanation:
    view: CampaignView
    supplies: Mapping[ListId, SupplyView]
    ready_agents: int


@dataclass
class Extras:
    name: str
    fields: Mapping[str, str]


class EngineDouble:
    """The facade, over dictionaries."""

    def __init__(self) -> None:
        self.metrics = MetricsBoard()
        self.specs: dict[tuple[str, str], Spec] = {}
        self.phases: dict[str, CampaignPhase] = {}
        self.callers: list[str] = []
        self.done: dict[str, int] = {}
        self.log: list[StoredFact] = []
        self.grown = asyncio.Event()
        self.dnc: set[str] = set()
        self.errors: dict[tuple[str, str], list[tuple[int, str]]] = {}
        self.runs: list[ImportRunDouble] = []
        self.desks: list[AgentLinkDouble] = []
        self.links: list[SupervisionLinkDouble] = []
        self.busy: set[str] = set()
        self.states: dict[str, tuple[AgentState, str]] = {}
        self.draining = False
        self.conflicts = 0
        self.pacing_watchers: list[Callable[[PacingView], None]] = []

    # resources

    def get(self, kind: str, resource_id: str) -> Spec:
        if (kind, resource_id) not in self.specs:
            raise NotFoundError(f"no {kind} {resource_id}", slug=f"unknown-{kind}")
        return self.specs[kind, resource_id]

    def list(self, kind: str) -> Sequence[Spec]:
        return [spec for (known, _), spec in self.specs.items() if known == kind]

    async def put(
        self, kind: str, spec: Spec, *, expected_revision: int, request_id: str, by: str
    ) -> None:
        key = (kind, str(getattr(spec, f"{kind}_id")))
        if request_id and request_id in self.done:
            return
        present = int(getattr(self.specs.get(key), "revision", 0))
        if self.conflicts:
            self.conflicts -= 1
            self.specs[key] = msgspec.structs.replace(self.specs[key], revision=present + 1)
            raise RevisionChangedError("another change came between")
        if expected_revision == 0 and present:
            raise AlreadyExistsError(f"{kind} exists", slug=f"duplicate-{kind}")
        if expected_revision != present:
            raise RevisionChangedError("not the present one")
        self.specs[key] = msgspec.structs.replace(spec, revision=present + 1)
        self.done[request_id] = present + 1

    async def delete(self, kind: str, resource_id: str, *, request_id: str, by: str) -> None:
        self.get(kind, resource_id)
        del self.specs[kind, resource_id]

    # campaigns

    async def start_campaign(
        self, campaign_id: CampaignId, *, by: str, request_id: str
    ) -> RunAnswer:
        spec = self.get("campaign", campaign_id)
        self.callers.append(by)
        if isinstance(spec, CampaignSpec) and not spec.hours:
            raise CampaignIncompleteError("no calling hours")
        return self._run(campaign_id, CampaignPhase.RUNNING)

    async def stop_campaign(
        self, campaign_id: CampaignId, *, by: str, request_id: str
    ) -> RunAnswer:
        self.get("campaign", campaign_id)
        self.callers.append(by)
        return self._run(campaign_id, CampaignPhase.IDLE)

    def _run(self, campaign_id: str, phase: CampaignPhase) -> RunAnswer:
        before = self.phases.get(campaign_id, CampaignPhase.IDLE)
        self.phases[campaign_id] = phase
        return RunAnswer(already=before is phase, phase=phase, generation=1)

    async def describe_campaign(self, campaign_id: CampaignId) -> CampaignView:
        phase = self.phases.get(campaign_id, CampaignPhase.IDLE)
        return CampaignView(phase, 1, "progressive", 2, ("no-agent-ready",), 1_764_000_000.0, True)

    async def explain_campaign(self, campaign_id: CampaignId) -> Explanation:
        spec = self.get("campaign", campaign_id)
        links = spec.lists if isinstance(spec, CampaignSpec) else ()
        outside = ReasonCount("outside-hours", "Europe/Berlin", 40, (RecordRef(ListId("l1"), 7),))
        supplies = {
            link.list_id: SupplyView(link.list_id, 100, 90, 10, 5, 1, 44, (outside,))
            for link in links
        }
        return Explanation(await self.describe_campaign(campaign_id), supplies, 3)

    # lists

    async def describe_list(self, list_id: ListId) -> ListView:
        return ListView(list_id, ROWS, ROWS)

    async def describe_record(self, ref: RecordRef, campaign_id: CampaignId | None) -> RecordView:
        if ref.row >= ROWS:
            raise UnknownRecordError(f"no {ref}")
        number = NumberView(
            E164("+14155550100"), "mobile", ("America/New_York",), 1, False, False, "on-dnc", 0.0
        )
        phase = RecordPhase.WAITING if campaign_id else RecordPhase.READY
        return RecordView(ref, phase, 1, "busy", 9.0, (number,), False, "waiting", 9.0)

    async def record_extras(self, ref: RecordRef) -> Extras:
        return Extras("Ada", {"city": "Ulm"})

    async def reset_record(self, ref: RecordRef, campaign_id: CampaignId, *, by: str) -> None:
        self.callers.append(by)

    def open_import(
        self, spec: ListSpec, import_id: str, options: ImportOptions
    ) -> ImportRunDouble:
        if options.roles.get("x") == "skip":
            raise InvalidRequestError("nothing to import", slug="invalid-header")
        errors = self.errors.setdefault((spec.list_id, import_id), [])
        self.runs.append(ImportRunDouble(errors))
        return self.runs[-1]

    async def import_errors(self, list_id: ListId, import_id: str) -> Sequence[tuple[int, str]]:
        return self.errors.get((list_id, import_id), [])

    # do-not-call

    async def add_dnc(self, numbers: Sequence[E164], *, by: str, note: str) -> int:
        self.callers.append(by)
        new = set(numbers) - self.dnc
        self.dnc |= new
        return len(new)

    async def remove_dnc(self, numbers: Sequence[E164], *, by: str) -> int:
        self.callers.append(by)
        gone = set(numbers) & self.dnc
        self.dnc -= gone
        return len(gone)

    def is_dnc(self, number: E164) -> bool:
        return number in self.dnc

    def dnc_numbers(self) -> Sequence[str]:
        return list(self.dnc)

    # agents and trunks

    async def describe_agent(self, agent_id: AgentId) -> AgentView:
        self.get("agent", agent_id)
        state, reason = self.states.get(agent_id, (AgentState.LOGGED_OUT, ""))
        return AgentView(
            agent_id, AgentPhase.NOT_READY, state, reason, 1.0, None, True, None, None, None
        )

    async def force_agent_state(
        self, agent_id: AgentId, supervisor: SupervisorId, state: AgentState, reason: str
    ) -> AgentView:
        if agent_id in self.busy:
            raise AgentBusyError(f"agents/{agent_id} handles a call")
        self.callers.append(supervisor)
        self.states[agent_id] = (state, reason)
        return await self.describe_agent(agent_id)

    async def open_desk(self, agent_id: AgentId, *, phone: str) -> AgentLinkDouble:
        self.desks.append(AgentLinkDouble(await self.describe_agent(agent_id)))
        return self.desks[-1]

    async def describe_trunk(self, trunk_id: TrunkId) -> TrunkView:
        return TrunkView(up=True, reason="", channels_used=4, waiting=2)

    # events, pacing, supervision, the engine

    @property
    def last_sequence(self) -> int:
        return len(self.log)

    def happen(self, count: int) -> None:
        for _ in range(count):
            fact = EngineStarted(at_s=1.0, epoch=1, version="x")
            self.log.append(StoredFact(len(self.log) + 1, fact))
        self.grown.set()

    async def read_events(self, after: int, limit: int) -> Sequence[StoredFact]:
        return self.log[after : after + limit]

    async def wait_for_event(self, after: int, timeout_s: float) -> None:
        self.grown.clear()
        if len(self.log) <= after:
            try:
                async with asyncio.timeout(timeout_s):
                    await self.grown.wait()
            except TimeoutError:
                return

    async def describe_pacing(self, campaign_id: CampaignId) -> PacingView:
        return PacingView(
            5.0, "predictive", 3.0, 4.0, 1.5, 2.5, 7, 2, 0.3, 0.01, 0.02, 4.0, 1.5, "risk"
        )

    def watch_pacing(
        self, campaign_id: CampaignId, tell: Callable[[PacingView], None]
    ) -> Callable[[], None]:
        self.pacing_watchers.append(tell)
        return lambda: self.pacing_watchers.remove(tell)

    async def report_pacing(self, campaign_id: CampaignId, day: date | None) -> PacingDay:
        report = PacingDay.of(campaign_id, "UTC", day or date(2026, 3, 9))
        await report.read(self.read_events, self.last_sequence)
        return report

    async def supervise(
        self,
        agent_id: AgentId,
        supervisor: SupervisorId,
        mode: SupervisionMode,
        *,
        phone: str,
    ) -> SupervisionLinkDouble:
        self.get("agent", agent_id)
        view = SessionView(SessionId("a1-0001-00000009"), supervisor, agent_id, mode, CALL, True)
        self.links.append(SupervisionLinkDouble(view))
        return self.links[-1]

    async def sessions(self) -> Sequence[SessionView]:
        return [link.view for link in self.links if not link.closed]

    def describe(self) -> Any:
        @dataclass
        class View:
            version: str = "0.1.0"
            cell: str = "a1"
            epoch: int = 3
            zone: str = "UTC"
            started_s: float = 100.0
            now_s: float = 160.5
            journal_trusted: bool = True
            clock_trusted: bool = True
            draining: bool = self.draining
            calls_in_progress: int = 7
            sip_address: str = "127.0.0.1:5060"

        return View()

    async def drain(self) -> None:
        self.draining = True
