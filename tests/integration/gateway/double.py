"""A small engine behind the gateway's services: keeps what it is told, and plays events."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
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
        self.view = msgspec.structs.replace(self.view, mode=mode)
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


class ConfigurationDouble:
    def __init__(self, engine: EngineDouble) -> None:
        self._engine = engine

    def get(self, kind: str, resource_id: str) -> Spec:
        if (kind, resource_id) not in self._engine.specs:
            raise NotFoundError(f"no {kind} {resource_id}", slug=f"unknown-{kind}")
        return self._engine.specs[kind, resource_id]

    def all(self, kind: str) -> Sequence[Spec]:
        return [spec for (known, _), spec in self._engine.specs.items() if known == kind]

    async def put(
        self, kind: str, spec: Spec, *, expected_revision: int, request_id: str, by: str
    ) -> None:
        engine, key = self._engine, (kind, str(getattr(spec, f"{kind}_id")))
        if request_id and request_id in engine.done:
            return
        present = int(getattr(engine.specs.get(key), "revision", 0))
        if engine.conflicts:
            engine.conflicts -= 1
            engine.specs[key] = msgspec.structs.replace(engine.specs[key], revision=present + 1)
            raise RevisionChangedError("another change came between")
        if expected_revision == 0 and present:
            raise AlreadyExistsError(f"{kind} exists", slug=f"duplicate-{kind}")
        if expected_revision != present:
            raise RevisionChangedError("not the present one")
        engine.specs[key] = msgspec.structs.replace(spec, revision=present + 1)
        engine.done[request_id] = present + 1

    async def delete(self, kind: str, resource_id: str, *, request_id: str, by: str) -> None:
        self.get(kind, resource_id)
        del self._engine.specs[kind, resource_id]


class CampaignsDouble:
    def __init__(self, engine: EngineDouble) -> None:
        self._engine = engine

    async def start(self, campaign_id: CampaignId, *, by: str, request_id: str) -> RunAnswer:
        spec = self._engine.configuration.get("campaign", campaign_id)
        self._engine.callers.append(by)
        if isinstance(spec, CampaignSpec) and not spec.hours:
            raise CampaignIncompleteError("no calling hours")
        return self._run(campaign_id, CampaignPhase.RUNNING)

    async def stop(self, campaign_id: CampaignId, *, by: str, request_id: str) -> RunAnswer:
        self._engine.configuration.get("campaign", campaign_id)
        self._engine.callers.append(by)
        return self._run(campaign_id, CampaignPhase.IDLE)

    def _run(self, campaign_id: str, phase: CampaignPhase) -> RunAnswer:
        before = self._engine.phases.get(campaign_id, CampaignPhase.IDLE)
        self._engine.phases[campaign_id] = phase
        return RunAnswer(already=before is phase, phase=phase, generation=1)

    async def describe(self, campaign_id: CampaignId) -> CampaignView:
        phase = self._engine.phases.get(campaign_id, CampaignPhase.IDLE)
        return CampaignView(phase, 1, "progressive", 2, ("no-agent-ready",), 1_764_000_000.0, True)

    async def explain(self, campaign_id: CampaignId) -> Explanation:
        spec = self._engine.configuration.get("campaign", campaign_id)
        links = spec.lists if isinstance(spec, CampaignSpec) else ()
        outside = ReasonCount("outside-hours", "Europe/Berlin", 40, (RecordRef(ListId("l1"), 7),))
        supplies = {
            link.list_id: SupplyView(link.list_id, 100, 90, 10, 5, 1, 44, (outside,))
            for link in links
        }
        return Explanation(await self.describe(campaign_id), supplies, 3)


class ListsDouble:
    def __init__(self, engine: EngineDouble) -> None:
        self._engine = engine

    async def describe(self, list_id: ListId) -> ListView:
        return ListView(list_id, ROWS, ROWS)

    async def describe_record(self, ref: RecordRef, campaign_id: CampaignId | None) -> RecordView:
        if ref.row >= ROWS:
            raise UnknownRecordError(f"no {ref}")
        number = NumberView(
            E164("+14155550100"), "mobile", ("America/New_York",), 1, False, False, "on-dnc", 0.0
        )
        phase = RecordPhase.WAITING if campaign_id else RecordPhase.READY
        return RecordView(ref, phase, 1, "busy", 9.0, (number,), False, "waiting", 9.0)

    async def read_extras(self, ref: RecordRef) -> Extras:
        return Extras("Ada", {"city": "Ulm"})

    async def reset_record(self, ref: RecordRef, campaign_id: CampaignId, *, by: str) -> None:
        self._engine.callers.append(by)


class ImportsDouble:
    def __init__(self, engine: EngineDouble) -> None:
        self._engine = engine
        self.refused: dict[tuple[str, str], list[tuple[int, str]]] = {}

    async def open(self, spec: ListSpec, import_id: str, options: ImportOptions) -> ImportRunDouble:
        if options.roles.get("x") == "skip":
            raise InvalidRequestError("nothing to import", slug="invalid-header")
        errors = self.refused.setdefault((spec.list_id, import_id), [])
        self._engine.runs.append(ImportRunDouble(errors))
        return self._engine.runs[-1]

    async def errors(self, list_id: ListId, import_id: str) -> Sequence[tuple[int, str]]:
        return self.refused.get((list_id, import_id), [])


class DncDouble:
    def __init__(self, engine: EngineDouble) -> None:
        self._engine = engine
        self._listed: set[str] = set()

    async def add(self, numbers: Sequence[E164], *, by: str, note: str) -> int:
        self._engine.callers.append(by)
        new = set(numbers) - self._listed
        self._listed |= new
        return len(new)

    async def remove(self, numbers: Sequence[E164], *, by: str) -> int:
        self._engine.callers.append(by)
        gone = set(numbers) & self._listed
        self._listed -= gone
        return len(gone)

    def has(self, number: E164) -> bool:
        return number in self._listed

    def numbers(self) -> Sequence[str]:
        return list(self._listed)


class AgentsDouble:
    def __init__(self, engine: EngineDouble) -> None:
        self._engine = engine
        self._states: dict[str, tuple[AgentState, str]] = {}

    async def describe(self, agent_id: AgentId) -> AgentView:
        self._engine.configuration.get("agent", agent_id)
        state, reason = self._states.get(agent_id, (AgentState.LOGGED_OUT, ""))
        return AgentView(
            agent_id, AgentPhase.NOT_READY, state, reason, 1.0, None, True, None, None, None
        )

    async def force_state(
        self, agent_id: AgentId, supervisor: SupervisorId, state: AgentState, reason: str
    ) -> AgentView:
        if agent_id in self._engine.busy:
            raise AgentBusyError(f"agents/{agent_id} handles a call")
        self._engine.callers.append(supervisor)
        self._states[agent_id] = (state, reason)
        return await self.describe(agent_id)

    async def open_desk(self, agent_id: AgentId, *, phone: str) -> AgentLinkDouble:
        self._engine.desks.append(AgentLinkDouble(await self.describe(agent_id)))
        return self._engine.desks[-1]


class TrunksDouble:
    async def describe(self, trunk_id: TrunkId) -> TrunkView:
        return TrunkView(up=True, reason="", channels_used=4, waiting=2)


class EventsDouble:
    def __init__(self) -> None:
        self.log: list[StoredFact] = []
        self._grown = asyncio.Event()

    @property
    def last_sequence(self) -> int:
        return len(self.log)

    def happen(self, count: int) -> None:
        for _ in range(count):
            fact = EngineStarted(at_s=1.0, epoch=1, version="x")
            self.log.append(StoredFact(len(self.log) + 1, fact))
        self._grown.set()

    async def read(self, after: int, limit: int) -> Sequence[StoredFact]:
        return self.log[after : after + limit]

    async def wait(self, after: int, timeout_s: float) -> None:
        self._grown.clear()
        if len(self.log) <= after:
            try:
                async with asyncio.timeout(timeout_s):
                    await self._grown.wait()
            except TimeoutError:
                return


class PacingDouble:
    def __init__(self, events: EventsDouble) -> None:
        self._events = events
        self.watchers: list[Callable[[PacingView], None]] = []

    async def describe(self, campaign_id: CampaignId) -> PacingView:
        return PacingView(
            5.0, "predictive", 3.0, 4.0, 1.5, 2.5, 7, 2, 0.3, 0.01, 0.02, 4.0, 1.5, "risk"
        )

    def watch(
        self, campaign_id: CampaignId, tell: Callable[[PacingView], None]
    ) -> Callable[[], None]:
        self.watchers.append(tell)
        return lambda: self.watchers.remove(tell)

    async def report(self, campaign_id: CampaignId, day: date | None) -> PacingDay:
        report = PacingDay.of(campaign_id, "UTC", day or date(2026, 3, 9))
        await report.read(self._events.read, self._events.last_sequence)
        return report


class SupervisionDouble:
    def __init__(self, engine: EngineDouble) -> None:
        self._engine = engine

    async def open(
        self,
        agent_id: AgentId,
        supervisor: SupervisorId,
        mode: SupervisionMode,
        *,
        phone: str,
    ) -> SupervisionLinkDouble:
        self._engine.configuration.get("agent", agent_id)
        view = SessionView(SessionId("a1-0001-00000009"), supervisor, agent_id, mode, CALL, True)
        self._engine.links.append(SupervisionLinkDouble(view))
        return self._engine.links[-1]

    async def sessions(self) -> Sequence[SessionView]:
        return [link.view for link in self._engine.links if not link.closed]


class EngineDouble:
    """The rooms of an engine, over dictionaries that tests look into."""

    def __init__(self) -> None:
        self.metrics = MetricsBoard()
        self.specs: dict[tuple[str, str], Spec] = {}
        self.phases: dict[str, CampaignPhase] = {}
        self.callers: list[str] = []
        self.done: dict[str, int] = {}
        self.runs: list[ImportRunDouble] = []
        self.desks: list[AgentLinkDouble] = []
        self.links: list[SupervisionLinkDouble] = []
        self.busy: set[str] = set()
        self.draining = False
        self.conflicts = 0
        self.configuration = ConfigurationDouble(self)
        self.campaigns = CampaignsDouble(self)
        self.lists = ListsDouble(self)
        self.imports = ImportsDouble(self)
        self.dnc = DncDouble(self)
        self.agents = AgentsDouble(self)
        self.trunks = TrunksDouble()
        self.events = EventsDouble()
        self.pacing = PacingDouble(self.events)
        self.supervision = SupervisionDouble(self)
        self.recordings = None
        """Their service has tests of its own, over the whole engine."""

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
