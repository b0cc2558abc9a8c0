"""Builds the engine from stored state, on any scheduler, and keeps it whole when a part fails."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from engine.actors.agent import AgentBehavior
from engine.actors.campaign import CampaignBehavior
from engine.actors.desk import DeskEvent, SupervisorEvent
from engine.actors.kernel import Fault, Kernel, Ref, Scheduler
from engine.actors.messages import (
    AgentMessage,
    BlockNumber,
    CampaignGone,
    CampaignMessage,
    CloseGate,
    ConfigureAgent,
    ConfigureCampaign,
    ConfigureList,
    ConfigureTrunk,
    FieldsRead,
    ForgetSession,
    Journal,
    ListMessage,
    NotifyDesk,
    NotifySupervisor,
    OpenGate,
    PublishGauges,
    PublishPacing,
    ReadFields,
    RecorderSampled,
    Recover,
    RestoreLaws,
    SavePacing,
    SupervisionMessage,
    TrunkMessage,
    TrunkPlaced,
    TrunkRestarted,
)
from engine.actors.pacer import PacerBehavior, saved_at_s
from engine.actors.record_list import RecordListBehavior
from engine.actors.registry import Registry
from engine.actors.router import RouterBehavior
from engine.actors.supervision import SupervisionBehavior
from engine.actors.trunk import TrunkBehavior
from engine.compliance.gate import CallGate
from engine.compliance.hours import local_day
from engine.compliance.ledger import NumberLedger, digits_of
from engine.config import EngineSettings
from engine.domain.causes import LOST
from engine.domain.facts import (
    AgentLegClosed,
    AnyFact,
    DialogMoved,
    EngineStarted,
    EngineStopped,
)
from engine.domain.ids import (
    AgentId,
    AttemptId,
    CampaignId,
    IdSource,
    LegId,
    ListId,
    SessionId,
    SupervisorId,
    TrunkId,
)
from engine.domain.specs import (
    SPEC_TYPES,
    AgentSpec,
    AnySpec,
    CampaignSpec,
    ListSpec,
    TeamSpec,
    TrunkSpec,
)
from engine.machines.mix import SupervisionMode
from engine.ports import (
    DropPhone,
    DropTrunk,
    EndOldLeg,
    Gate,
    LegMoved,
    SetPhone,
    SetTrunk,
    StoredFact,
    Telephony,
    TelephonyEvent,
)
from engine.runtime.campaign_gauges import GaugeBoard
from engine.runtime.faults import Repair
from engine.runtime.live import LiveState
from engine.runtime.outbox import Outbox
from engine.runtime.ownership import LegOwners
from engine.runtime.recording_books import RecordingBooks
from engine.runtime.recording_setup import policy_of
from engine.runtime.resources import Resources, id_of
from engine.runtime.statistics import Statistics
from engine.store import EngineStore

OpenStore = Callable[[Callable[[Sequence[StoredFact]], None]], EngineStore]
"""Opens a store around its ``on_committed``."""
OpenTelephony = Callable[
    [Callable[[TelephonyEvent], None], Gate, Callable[[LegId, bytes], None]], Telephony
]
"""Opens the telephony port around its sink, the gate, and where audio legs' frames go."""

VERSION = "0.1.0"


@dataclass(frozen=True, slots=True)
class Listeners:
    """Who is told what comes out of the engine; each is called on the engine's thread.

    Attributes:
        desk: What an agent's desktop is told.
        supervisor: What a supervisor's stream is told.
        audio: 20 ms of PCM16 that an audio leg hears.
        facts: Durable facts, in order.
        fault: A part of the engine failed.
    """

    desk: Callable[[AgentId, DeskEvent], None] = lambda _agent, _event: None
    supervisor: Callable[[SessionId, SupervisorEvent], None] = lambda _session, _event: None
    audio: Callable[[LegId, bytes], None] = lambda _leg, _pcm: None
    facts: Callable[[Sequence[StoredFact]], None] = lambda _facts: None
    fault: Callable[[Fault], None] = lambda _fault: None


class Runtime:
    """One engine: its actors, ports and durable state, on one scheduler.

    Attributes:
        kernel: Runs the actors.
        registry: Their addresses.
        resources: What users configured.
        ledger: Numbers under attempt, and do-not-call.
        gate: The last question before an INVITE.
        statistics: Metrics.
        live: What is open, by durable facts.
        legs: Which actor each leg belongs to.
    """

    def __init__(
        self,
        settings: EngineSettings,
        scheduler: Scheduler,
        open_store: OpenStore,
        open_telephony: OpenTelephony,
        listeners: Listeners | None = None,
        *,
        zone_data: str = "",
        trace: Callable[[str, object, float], None] | None = None,
    ) -> None:
        """Open the store and recover from it (blocks); ``start`` begins to work.

        Args:
            settings: All settings.
            scheduler: Time, real or virtual.
            open_store: Opens the store.
            open_telephony: Opens the telephony port.
            listeners: Who is told what comes out.
            zone_data: Version of the time-zone data, for verdicts.
            trace: Told of every message before it is handled.

        Raises:
            JournalError: The store cannot be opened or trusted.
        """
        self.settings = settings
        self.listeners = listeners or Listeners()
        self._scheduler = scheduler
        self._zone_data = zone_data
        self.kernel = Kernel(
            scheduler,
            mailbox_limit=settings.mailbox_limit,
            on_fault=Repair(self).failed,
            trace=trace,
        )
        self.registry = Registry()
        self.store = open_store(self._committed)
        stored = self._stored = self.store.recovered
        self.live = LiveState(stored)
        self._laws = dict(stored.pacing)
        self.last_sequence = stored.last_sequence
        self.ids = IdSource(settings.cell, stored.epoch)
        self.ledger = NumberLedger(stored.dnc)
        for attempt in stored.open_attempts:
            self.ledger.hold(digits_of(attempt.number))
        self.gate = CallGate(self.ledger)
        self.statistics = Statistics(self)
        self.legs = LegOwners(self.kernel, self.registry)
        self.recordings = RecordingBooks(self)
        self.legs.on_recorder = self.recordings.heard
        self.legs.on_moved = self._note_moved
        self.telephony = open_telephony(self.legs.heard, self.gate, self.listeners.audio)
        self.outbox = Outbox(self.kernel, self.store, self.gate.trust_journal)
        self.resources = Resources(
            stored.resources, self.store.commit, self._install, scheduler.now_s
        )

    @property
    def epoch(self) -> int:
        """Number of this life."""
        return self._stored.epoch

    def now_s(self) -> float:
        """Return the engine's time. [s since the Unix epoch]"""
        return self._scheduler.now_s()

    # --- start and stop --------------------------------------------------------------------

    def start(self) -> None:
        """Bring everything up as it was: trunks, lists, agents, then campaigns."""
        self._register()
        self.legs.attach(self.telephony)
        now_s = self.now_s()
        self.note(EngineStarted(at_s=now_s, epoch=self.epoch, version=VERSION))
        self._spawn_pacer()
        self._spawn_router()
        self.kernel.tell(self.registry.pacer, RestoreLaws(self._laws, recalling=True))
        for leg in self._stored.open_agent_legs:
            old = EndOldLeg(leg.leg_id, leg.dialog, self._phone_of(leg.agent_id))
            self.telephony.perform(old, now_s)
            closed = AgentLegClosed(
                at_s=now_s, agent_id=leg.agent_id, leg_id=leg.leg_id, cause=LOST.slug
            )
            self.note(closed)
        for kind in ("trunk", "list", "agent", "campaign"):
            for spec in self.resources.all(kind):
                self._spawn(spec, new_life=True)
        self.recordings.start(self._stored.open_recordings)
        counted_s = saved_at_s(self._stored.pacing)
        self.statistics.start(self._stored.last_sequence, counted_s or 0.0)

    def _spawn_pacer(self) -> None:
        tick_s, zone = self.settings.pacing.tick_s, self.settings.zone
        self.kernel.spawn_at(
            self.registry.pacer,
            lambda _now_s: PacerBehavior(tick_s, lambda at_s: local_day(zone, at_s)),
        )

    def _spawn_router(self) -> None:
        self.kernel.spawn_at(
            self.registry.router, lambda _now_s: RouterBehavior(self.registry.pacer)
        )

    def begin_matcher(self, ref: Ref[Any], *, gave_up: bool) -> None:
        """Let the pacer or the router begin anew after it failed."""
        if ref is self.registry.pacer:
            if gave_up:
                self._spawn_pacer()
            self.kernel.tell(self.registry.pacer, RestoreLaws(self._laws, recalling=True))
            self.statistics.recall_calls(saved_at_s(self._laws) or 0.0)
        elif gave_up:
            self._spawn_router()

    def _phone_of(self, agent_id: AgentId) -> str:
        spec = self.resources.find("agent", agent_id)
        return spec.phone if isinstance(spec, AgentSpec) and spec.phone else agent_id

    def drain(self) -> None:
        """Let no new call leave any more; what is under way goes on."""
        self.gate.drain()

    def close(self) -> None:
        """End: every leg is hung up, what waits is made durable; blocks."""
        self.gate.drain()
        now_s = self.now_s()
        owners: list[Ref[Any]] = [*self.registry.agents.refs(), *self.registry.campaigns.refs()]
        for owner in owners:
            self.legs.end_legs_of(owner, now_s)
        pacer = self.kernel.behavior_of(self.registry.pacer)
        if isinstance(pacer, PacerBehavior) and (laws := pacer.laws(now_s)):
            self.store.save_pacing(laws)  # nothing is decided any more
        self.statistics.sum_pacing()
        self.note(EngineStopped(at_s=now_s))
        self.legs.on_recorder = lambda _event: None  # the next life is told again
        self.store.close()

    def note(self, *facts: AnyFact) -> None:
        """Make facts of the engine itself durable."""
        self.outbox.journal(Journal(facts, keep=True), self.registry.router, self.now_s())

    def _note_moved(self, event: LegMoved, attempt_id: AttemptId, campaign_id: CampaignId) -> None:
        """Write down where a later life would end a leg whose far end moved (C2)."""
        moved = DialogMoved(
            at_s=self.now_s(),
            attempt_id=attempt_id,
            campaign_id=campaign_id,
            leg_id=event.leg_id,
            dialog=event.dialog,
        )
        self.note(moved)

    def _register(self) -> None:
        kernel, gate = self.kernel, self.gate
        gauges = GaugeBoard(self.statistics.board, self.statistics.pacing)

        def publish(command: PublishGauges, _sender: Ref[Any], _now_s: float) -> None:
            gauges.put(command.object_id, command.gauges)  # type: ignore[arg-type]  # any gauges

        def desk(command: NotifyDesk, _sender: Ref[Any], _now_s: float) -> None:
            self.listeners.desk(command.agent_id, command.event)  # type: ignore[arg-type]

        def supervisor(command: NotifySupervisor, _sender: Ref[Any], _now_s: float) -> None:
            self.listeners.supervisor(command.session_id, command.event)  # type: ignore[arg-type]

        def forget(command: ForgetSession, _sender: Ref[Any], _now_s: float) -> None:
            self.registry.sessions.drop(command.session_id)

        def save(command: SavePacing, _sender: Ref[Any], _now_s: float) -> None:
            self._laws.update(command.laws)
            self.store.save_pacing(command.laws)

        def paced(command: PublishPacing, _sender: Ref[Any], _now_s: float) -> None:
            self.statistics.paced(command)

        def read(command: ReadFields, sender: Ref[Any], _now_s: float) -> None:
            def found(values: Sequence[str]) -> None:
                kernel.tell(sender, FieldsRead(command.token, tuple(values)))

            self.store.read_field(command.list_id, command.rows, command.field, found)

        kernel.register(
            {
                Journal: self.outbox.journal,
                OpenGate: lambda c, _s, _t: gate.open(c.campaign_id, c.generation),
                CloseGate: lambda c, _s, _t: gate.close(c.campaign_id),
                BlockNumber: lambda c, _s, _t: self.ledger.add_dnc([c.number]),
                PublishGauges: publish,
                NotifyDesk: desk,
                NotifySupervisor: supervisor,
                PublishPacing: paced,
                SavePacing: save,
                ForgetSession: forget,
                ReadFields: read,
            }
        )

    # --- durable facts ---------------------------------------------------------------------

    def _committed(self, facts: Sequence[StoredFact]) -> None:
        self.last_sequence = facts[-1].sequence
        self.live.apply(facts)
        self.recordings.committed(facts)
        self.statistics.committed(facts)
        self.listeners.facts(facts)

    # --- resources become actors -----------------------------------------------------------

    def _install(self, kind: str, known: str, spec: AnySpec | None) -> None:
        """Put a durable change of what users configured into effect."""
        if spec is None:
            self._remove(kind, known)
        elif not self._configure(spec):
            self._spawn(spec, new_life=False)
        if kind == "campaign":
            self.recordings.configured()

    def _configure(self, spec: AnySpec) -> bool:
        """Tell an actor that runs of its new settings; False if there is none."""
        now_s, registry, tell = self.now_s(), self.registry, self.kernel.tell
        match spec:
            case CampaignSpec(campaign_id=campaign_id):
                if campaign := registry.campaigns.find(campaign_id):
                    tell(campaign, ConfigureCampaign(spec))
                return campaign is not None
            case ListSpec(list_id=list_id):
                if records := registry.lists.find(list_id):
                    tell(records, ConfigureList(spec))
                return records is not None
            case AgentSpec(agent_id=agent_id):
                if agent := registry.agents.find(agent_id):
                    tell(agent, ConfigureAgent(spec))
                    self.telephony.perform(SetPhone(spec), now_s)
                return agent is not None
            case TrunkSpec(trunk_id=trunk_id):
                if trunk := registry.trunks.find(trunk_id):
                    tell(trunk, ConfigureTrunk(spec))
                    self.telephony.perform(SetTrunk(spec), now_s)
                    self._place_trunk(spec)
                return trunk is not None
            case _:
                return True  # a team is its members' field

    def _spawn(self, spec: AnySpec, *, new_life: bool) -> None:
        if isinstance(spec, TeamSpec):
            return  # a team is its members' field
        kind = next(kind for kind, known in SPEC_TYPES.items() if isinstance(spec, known))
        ref = self.spawn_again(kind, id_of(kind, spec))
        if isinstance(spec, CampaignSpec):
            self.recover_campaign(spec.campaign_id, ref, new_life=new_life)

    def spawn_again(self, kind: str, known: str) -> Ref[Any]:
        """Start an actor that was given up anew, at a new address; a campaign is not recovered."""
        spec = self.resources.get(kind, known)
        match spec:
            case CampaignSpec():
                return self._spawn_campaign(spec)
            case ListSpec():
                return self._spawn_list(spec)
            case AgentSpec():
                return self._spawn_agent(spec)
            case TrunkSpec():
                return self._spawn_trunk(spec)
            case _:
                raise TypeError(f"no {kind} is an actor")

    def _spawn_campaign(self, spec: CampaignSpec) -> Ref[CampaignMessage]:
        campaign_id = spec.campaign_id
        ref: Ref[CampaignMessage] = Ref(f"campaigns/{campaign_id}")
        self.registry.campaigns.put(campaign_id, ref)

        def make(_now_s: float) -> CampaignBehavior:
            present = self.resources.find("campaign", campaign_id)
            return CampaignBehavior(
                present if isinstance(present, CampaignSpec) else spec,
                ref,
                self.registry,
                self.ids,
                self.telephony.identify,
                self.settings.zone,
                policy_of(self.settings.recording),
            )

        self.kernel.spawn_at(ref, make)
        return ref

    def recover_campaign(
        self,
        campaign_id: CampaignId,
        ref: Ref[CampaignMessage],
        *,
        new_life: bool,
        open_legs: frozenset[LegId] = frozenset(),
    ) -> None:
        """Let a campaign begin from durable facts (see ``Recover``)."""
        run, attempts = self.live.run_of(campaign_id), self.live.attempts_of(campaign_id)
        self.kernel.tell(ref, Recover(run, attempts, new_life, open_legs))
        if not self.recordings.up:
            self.kernel.tell(ref, RecorderSampled(up=False))

    def _spawn_list(self, spec: ListSpec) -> Ref[ListMessage]:
        list_id = spec.list_id

        def make(_now_s: float) -> RecordListBehavior:
            present = self.resources.find("list", list_id)
            return RecordListBehavior(
                present if isinstance(present, ListSpec) else spec,
                self.ledger,
                batches=self.store.load_batches(list_id),
                states=self.store.load_records(list_id),
                zone_data=self._zone_data,
            )

        ref: Ref[ListMessage] = self.kernel.spawn(f"lists/{list_id}", make)
        self.registry.lists.put(list_id, ref)
        return ref

    def _spawn_agent(self, spec: AgentSpec) -> Ref[AgentMessage]:
        agent_id = spec.agent_id

        def make(_now_s: float) -> AgentBehavior:
            present = self.resources.find("agent", agent_id)
            return AgentBehavior(
                present if isinstance(present, AgentSpec) else spec,
                self.ids,
                self.telephony.identify,
                self.registry.router,
            )

        ref: Ref[AgentMessage] = self.kernel.spawn(f"agents/{agent_id}", make)
        self.registry.agents.put(agent_id, ref)
        self.telephony.perform(SetPhone(spec), self.now_s())
        return ref

    def _spawn_trunk(self, spec: TrunkSpec) -> Ref[TrunkMessage]:
        trunk_id = spec.trunk_id
        seed = Random(f"{self.settings.seed}/{trunk_id}").randrange(1 << 32)  # noqa: S311 - jitter

        def make(_now_s: float) -> TrunkBehavior:
            present = self.resources.find("trunk", trunk_id)
            return TrunkBehavior(present if isinstance(present, TrunkSpec) else spec, seed)

        ref: Ref[TrunkMessage] = self.kernel.spawn(f"trunks/{trunk_id}", make)
        self.registry.trunks.put(trunk_id, ref)
        self.telephony.perform(SetTrunk(spec), self.now_s())
        self._place_trunk(spec)
        return ref

    def _place_trunk(self, spec: TrunkSpec) -> None:
        """Let the next choice of a trunk heed its group, priority and weight."""
        self.registry.groups.put(spec)
        for campaign in self.registry.campaigns.refs():
            self.kernel.tell(campaign, TrunkPlaced(spec.trunk_id))

    def open_session(
        self,
        session_id: SessionId,
        supervisor_id: SupervisorId,
        agent_id: AgentId,
        mode: SupervisionMode,
        phone: str | None,
    ) -> Ref[Any]:
        """Start the actor of a supervision session; ``BeginSupervision`` then begins it.

        Raises:
            KeyError: There is no such agent.
        """
        agent = self.registry.agents.find(agent_id)
        if agent is None:
            raise KeyError(agent_id)
        ref: Ref[SupervisionMessage] = Ref(f"supervisionSessions/{session_id}")
        behavior = SupervisionBehavior(
            session_id, supervisor_id, agent, agent_id, mode, phone, self.ids,
            self.telephony.identify, me=ref,
        )  # fmt: skip
        self.kernel.spawn_at(ref, lambda _now_s: behavior)
        self.registry.sessions.put(session_id, ref)
        return ref

    def _remove(self, kind: str, known: str) -> None:
        registry, now_s = self.registry, self.now_s()
        ref: Ref[Any] | None = None
        match kind:
            case "campaign":
                ref = registry.campaigns.drop(CampaignId(known))
                gone = CampaignGone(CampaignId(known))
                self.kernel.tell(registry.router, gone)
                self.kernel.tell(registry.pacer, gone)
            case "list":
                ref = registry.lists.drop(ListId(known))
            case "agent":
                ref = registry.agents.drop(AgentId(known))
                self.telephony.perform(DropPhone(AgentId(known)), now_s)
            case "trunk":
                ref = registry.trunks.drop(TrunkId(known))
                registry.groups.drop(TrunkId(known))
                self.telephony.perform(DropTrunk(TrunkId(known)), now_s)
                for campaign in registry.campaigns.refs():
                    self.kernel.tell(campaign, TrunkRestarted(TrunkId(known)))
        if ref is not None:
            self.legs.end_legs_of(ref, now_s)
            self.kernel.stop(ref)
