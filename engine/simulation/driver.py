"""The driver: runs the very engine in virtual time, through its crashes, to a quiet end."""

from collections.abc import Callable, Sequence
from random import Random
from typing import Any

import msgspec

from engine.actors.desk import DeskEvent
from engine.actors.kernel import Fault, ReplyTo, TimerHandle, VirtualScheduler
from engine.actors.messages import AgentMessage, CampaignMessage, RunAnswer
from engine.config import EngineSettings, PacingSettings
from engine.domain.e164 import E164
from engine.domain.facts import AnyFact, DncAdded
from engine.domain.ids import AgentId, CampaignId, LegId
from engine.domain.specs import AgentLeg
from engine.ports import Gate, StoredFact, TelephonyEvent
from engine.runtime.assembly import Listeners, Runtime
from engine.simulation.agents import VirtualAgent
from engine.simulation.operators import Operators
from engine.simulation.result import (
    Evidence,
    SimulationResult,
    busy_share,
    count,
    hash_trace,
    screened,
)
from engine.simulation.scene import CENTRE, Scene, Script, set_scene
from engine.store.memory import MemoryStore, StoreFaults
from engine.telephony.simulated import Network, SimulatedTelephony, Witness

Check = Callable[[Evidence], Sequence[str]]
SETTLE_S = 40.0 * 60.0
"""After the counted time everything under way ends within so long, or never does."""
MOST_DOWN_S = 20.0
"""A crashed engine is started again within so long."""
_AIM_S = 0.008
"""A crash falls so shortly after something passed on the wire, where it hurts most."""


class _Nothing:
    """What a dead life's timers are."""

    def cancel(self) -> None:
        """Do nothing."""


class LifeScheduler:
    """One life's view of the virtual scheduler: after its death nothing new is scheduled."""

    __slots__ = ("_dead", "_scheduler")

    def __init__(self, scheduler: VirtualScheduler) -> None:
        self._scheduler = scheduler
        self._dead = False

    def now_s(self) -> float:
        """Return the virtual instant. [s since the Unix epoch]"""
        return self._scheduler.now_s()

    def call_soon(self, function: Callable[[], None]) -> None:
        """Call after what runs now, in this life."""
        if not self._dead:
            self._scheduler.call_soon(function)

    def call_later(self, delay_s: float, function: Callable[[], None]) -> TimerHandle:
        """Call after a delay, in this life. [s]"""
        return _Nothing() if self._dead else self._scheduler.call_later(delay_s, function)

    def die(self) -> None:
        """Schedule nothing any more."""
        self._dead = True


class _Life:
    """One life of the engine, from its start to a crash or the end."""

    def __init__(self, simulation: "Simulation") -> None:
        self._simulation = simulation
        self.alive = True
        self.scheduler = LifeScheduler(simulation.scheduler)
        self.telephony: SimulatedTelephony | None = None
        self.runtime = Runtime(
            simulation.settings,
            self.scheduler,
            simulation.open_store,
            self._open_telephony,
            Listeners(desk=self._on_desk, fault=simulation.note_fault),
        )
        self.runtime.start()

    def _open_telephony(
        self,
        sink: Callable[[TelephonyEvent], None],
        gate: Gate,
        on_audio: Callable[[LegId, bytes], None],
    ) -> SimulatedTelephony:
        self.telephony = SimulatedTelephony(self._simulation.network, sink, gate, on_audio)
        return self.telephony

    def _on_desk(self, agent_id: AgentId, event: DeskEvent) -> None:
        if self.alive:
            self._simulation.agents[agent_id].on_desk(event)

    def crash(self) -> None:
        """Die as by ``kill -9``."""
        self.alive = False
        self.scheduler.die()
        if self.telephony is not None:
            self.telephony.crash()


class Simulation:
    """A scene, the people in it, and one life of the engine after another.

    Args:
        scene: What there is.
    """

    def __init__(self, scene: Scene) -> None:
        script = scene.script
        self.scene = scene
        self.scheduler = VirtualScheduler(scene.starts_s)
        pacing = PacingSettings(tick_s=script.tick_s)
        self.settings = EngineSettings(zone=str(CENTRE), seed=script.seed, pacing=pacing)
        self.random = Random(f"{script.seed} driver")  # noqa: S311 - a simulation
        self.crashes = 0
        self.faults: list[str] = []
        self._disk = self._install()
        self.witness = Witness(self.scheduler.now_s, lambda: len(self._disk.log))
        self.network = Network(
            self.scheduler,
            script.seed,
            scene.model,
            self.witness,
            scene.faults,
            on_goodbye=self._on_goodbye,
        )
        self.agents = {
            spec.agent_id: VirtualAgent(
                spec.agent_id,
                script.seed,
                self.scheduler,
                self._ask_agent,
                self.witness,
                nailed_up=spec.leg is AgentLeg.NAILED_UP,
                wilful=script.faults,
            )
            for spec in scene.agents
        }
        self.operators = Operators(
            [spec.campaign_id for spec in scene.campaigns],
            sorted(scene.people.zones),
            self.scheduler,
            self.random,
            self,
            self.witness,
        )
        self._life: _Life | None = None
        self._over = False

    # --- the whole -----------------------------------------------------------------------------

    def run(self) -> None:
        """Run the counted time, then let everything under way end."""
        scene = self.scene
        self.begin()
        self.scheduler.call_later(0.5, self.operators.start_all)
        if scene.script.faults:
            self.operators.meddle(60.0)
            self._plan_crash()
        self.scheduler.run_until(scene.ends_s)
        self.settle()

    def begin(self) -> None:
        """Start the engine's first life; the agents come to work."""
        self._live()

    def settle(self) -> None:
        """End the day: Stop, let calls end, log out."""
        self._over = True
        self.operators.stop_all()
        if self._life is None:  # the day ends between a crash and the restart
            self.scheduler.run_for(MOST_DOWN_S + 10.0)
        limit_s = self.scheduler.now_s() + SETTLE_S
        while self._busy() and self.scheduler.now_s() < limit_s:
            self.scheduler.run_for(10.0)
        for agent in self.agents.values():
            agent.leave()
        self.scheduler.run_for(60.0)
        self.witness.note("finished")

    def _busy(self) -> bool:
        """Say whether a customer's leg is open, or work on an attempt is not finished."""
        return self.network.open_calls > 0 or self._open_attempts() > 0

    def _open_attempts(self) -> int:
        return len(self._disk.recovered.open_attempts)

    @property
    def facts(self) -> list[AnyFact]:
        """The durable facts so far, of all lives."""
        return [stored.fact for stored in self._disk.log]

    def result(self, check: Check | None) -> SimulationResult:
        """Return the figures, and what a checker says of the evidence."""
        scene, facts = self.scene, self.facts
        counts = count(facts, scene.starts_s, scene.ends_s)
        answered = counts["answered"]
        verdicts, treated = screened(facts, scene.starts_s, scene.ends_s)
        attempts = sum(
            row["kind"] == "invite" and row["side"] == "customer" for row in self.witness.rows
        )
        return SimulationResult(
            trace_hash=hash_trace(self.witness.rows, facts),
            attempts=attempts,
            answered=answered,
            connected=counts["connected"],
            unattended=counts["unattended"],
            unattended_ratio=counts["unattended"] / answered if answered else 0.0,
            busy_share=busy_share(facts, scene.starts_s, scene.ends_s),
            crashes=self.crashes,
            violations=() if check is None else tuple(check(self.evidence())),
            faults=tuple(self.faults),
            verdicts=verdicts,
            treated=treated,
        )

    def evidence(self) -> Evidence:
        """Return what a checker reads."""
        return Evidence(
            self.witness.rows,
            [msgspec.to_builtins(stored.fact, builtin_types=(bytes,)) for stored in self._disk.log],
            self.scene.people.zones,
            self.scene.people.types,
            self.scene.rules(),
        )

    # --- lives ---------------------------------------------------------------------------------

    def _install(self) -> MemoryStore:
        """Return a store as an earlier life left it: resources and records."""
        store = MemoryStore(
            self.scheduler.call_later,
            lambda _: None,
            Random(f"{self.scene.script.seed} store"),  # noqa: S311 - a simulation
        )
        store.commit(self.scene.facts(), lambda _: None)
        for batch in self.scene.batches:
            store.commit_batch(batch, self.scene.starts_s, lambda _: None)
        store.close()
        return store

    def open_store(self, on_committed: Callable[[Sequence[StoredFact]], None]) -> MemoryStore:
        """Return the store that this life finds."""
        faults = None
        if self.scene.script.faults:
            failing = {self.random.randrange(1, 1_000) for _ in range(2)}
            faults = StoreFaults(failing, self.random.uniform(0.0, 5.0))
        self._disk = self._disk.survivors(on_committed, faults=faults)
        return self._disk

    def note_fault(self, fault: Fault) -> None:
        """Keep what an actor raised: none may raise anything."""
        given_up = " and was given up" if fault.gave_up else ""
        self.faults.append(
            f"{fault.ref.name} raised {fault.error!r} on {type(fault.message).__name__}{given_up}"
        )

    def _live(self) -> None:
        self._life = _Life(self)
        for agent in self.agents.values():
            agent.begin()

    def _plan_crash(self) -> None:
        """Let the engine die a few times at random, just after something passed on the wire."""
        span_s = self.scene.script.hours * 3600.0
        for _ in range(self.random.choice((0, 1, 1, 2, 3))):
            self.scheduler.call_later(self.random.uniform(1.0, span_s), self._aim)

    def _aim(self) -> None:
        delay_s, down_s = self.random.uniform(0.0, _AIM_S), self.random.uniform(0.05, MOST_DOWN_S)
        self.witness.alert(lambda: self.scheduler.call_later(delay_s, lambda: self.crash(down_s)))

    def crash(self, down_s: float) -> None:
        """Let the engine die as by ``kill -9``, and start again after a while. [s]"""
        if self._life is None or self._over:
            return
        self.crashes += 1
        self._life.crash()
        self._disk.crash()
        self._life = None
        self.witness.note("crash")
        for agent in self.agents.values():
            agent.interrupt()
        self.scheduler.call_later(down_s, self._restart)

    def _restart(self) -> None:
        self.witness.note("restart")
        self._live()
        self.scheduler.call_later(self.random.uniform(0.1, 5.0), self.operators.insist)

    # --- the present life, for people ------------------------------------------------------------

    def ask_campaign(
        self,
        campaign_id: CampaignId,
        make: Callable[[ReplyTo[RunAnswer]], CampaignMessage],
        done: Callable[[bool], None],
    ) -> None:
        """Ask a campaign something, if the engine lives."""
        runtime = self._runtime()
        ref = runtime.registry.campaigns.find(campaign_id) if runtime else None
        if runtime is None or ref is None:
            done(False)
        else:
            runtime.kernel.request(ref, make, lambda _, error: done(error is None))

    def add_dnc(self, number: E164, done: Callable[[bool], None]) -> None:
        """Add a number to the do-not-call list, if the engine lives."""
        runtime = self._runtime()
        if runtime is None:
            done(False)
        else:
            fact = DncAdded(at_s=self.scheduler.now_s(), number=number, by="operator")
            runtime.ledger.add_dnc([number])
            runtime.store.commit([fact], lambda error: done(error is None))

    def _ask_agent(
        self,
        agent_id: AgentId,
        make: Callable[[ReplyTo[Any]], AgentMessage],  # Any: nobody here looks at the answers
        done: Callable[[bool], None],
    ) -> None:
        runtime = self._runtime()
        ref = runtime.registry.agents.find(agent_id) if runtime else None
        if runtime is None or ref is None:
            done(False)
        else:
            runtime.kernel.request(ref, make, lambda _, error: done(error is None))

    def _on_goodbye(self, agent_id: AgentId) -> None:
        self.agents[agent_id].goodbye()

    def _runtime(self) -> Runtime | None:
        return self._life.runtime if self._life else None


def simulate(script: Script, check: Check | None = None) -> SimulationResult:
    """Run a simulation; the same script gives the same result, to the last bit of its hash.

    Args:
        script: What is asked.
        check: Judges the evidence (``clients.checker.check_evidence``); None: nobody does.
    """
    simulation = Simulation(set_scene(script))
    simulation.run()
    return simulation.result(check)
