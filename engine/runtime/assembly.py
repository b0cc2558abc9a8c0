"""Builds the engine from stored state, on any scheduler: recovers, starts, closes."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from engine.actors.desk import DeskEvent, SupervisorEvent
from engine.actors.kernel import Fault, Kernel, Ref, Scheduler
from engine.actors.messages import Journal
from engine.actors.registry import Registry
from engine.compliance.gate import CallGate
from engine.compliance.ledger import NumberLedger, digits_of
from engine.config import EngineSettings
from engine.domain.causes import LOST
from engine.domain.facts import AgentLegClosed, AnyFact, DialogMoved, EngineStarted, EngineStopped
from engine.domain.ids import AgentId, AttemptId, CampaignId, IdSource, LegId, SessionId
from engine.domain.specs import AgentSpec, AnySpec
from engine.ports import (
    EndOldLeg,
    Gate,
    LegMoved,
    StoredFact,
    Telephony,
    TelephonyEvent,
)
from engine.runtime.cast import Cast
from engine.runtime.faults import Repair
from engine.runtime.kinds import AgentActors, CampaignActors, Kind, ListActors, Stage, TrunkActors
from engine.runtime.live import LiveState
from engine.runtime.matchers import Matchers
from engine.runtime.outbox import Outbox
from engine.runtime.ownership import LegOwners
from engine.runtime.performers import performers_of
from engine.runtime.recording_books import RecordingBooks
from engine.runtime.recording_setup import policy_of
from engine.runtime.resources import Resources
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
        cast: The actors of what users configured.
        matchers: Pacer and router.
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
        self.matchers = Matchers(
            self.kernel, self.registry, self.store, stored.pacing, settings.pacing.tick_s,
            settings.zone,
        )  # fmt: skip
        self.cast = self._make_cast(zone_data)

    def _make_cast(self, zone_data: str) -> Cast:
        settings = self.settings
        stage = Stage(self.kernel, self.registry, self.resources, self.telephony, self.ids)
        kinds: dict[str, Kind[Any]] = {  # Any: each takes specs of its own kind
            "campaign": CampaignActors(stage, settings.zone, policy_of(settings.recording)),
            "list": ListActors(stage, self.store, self.ledger, zone_data),
            "agent": AgentActors(stage),
            "trunk": TrunkActors(stage, settings.seed),
        }
        return Cast(stage, kinds, self.live, self.legs, lambda: self.recordings.up)

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
        self.kernel.register(performers_of(self))
        self.legs.attach(self.telephony)
        self.note(EngineStarted(at_s=self.now_s(), epoch=self.epoch, version=VERSION))
        self.matchers.start()
        self._end_old_legs()
        self.cast.start()
        self.recordings.start(self._stored.open_recordings)
        self.statistics.start(self._stored.last_sequence, self.matchers.saved_at_s)

    def _end_old_legs(self) -> None:
        """End what agents' legs an earlier life left."""
        now_s = self.now_s()
        for leg in self._stored.open_agent_legs:
            old = EndOldLeg(leg.leg_id, leg.dialog, self._phone_of(leg.agent_id))
            self.telephony.perform(old, now_s)
            closed = AgentLegClosed(
                at_s=now_s, agent_id=leg.agent_id, leg_id=leg.leg_id, cause=LOST.slug
            )
            self.note(closed)

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
        self.matchers.save_last(now_s)
        self.statistics.sum_pacing()
        self.note(EngineStopped(at_s=now_s))
        self.legs.on_recorder = lambda _event: None  # the next life is told again
        self.store.close()

    # --- durable facts ---------------------------------------------------------------------

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

    def _committed(self, facts: Sequence[StoredFact]) -> None:
        self.last_sequence = facts[-1].sequence
        self.live.apply(facts)
        self.recordings.committed(facts)
        self.statistics.committed(facts)
        self.listeners.facts(facts)

    def _install(self, kind: str, known: str, spec: AnySpec | None) -> None:
        """Put a durable change of what users configured into effect."""
        self.cast.install(kind, known, spec)
        if kind == "campaign":
            self.recordings.configured()
