"""The engine as the gateway drives it: rooms of awaitable things, on the running asyncio loop."""

import asyncio
import gc
import sys
from dataclasses import dataclass

import structlog

from engine.actors.kernel import Fault
from engine.compliance.zone_data import zone_data_version
from engine.config import EngineSettings
from engine.metrics.board import MetricsBoard
from engine.runtime.agents import Agents
from engine.runtime.asker import Asker
from engine.runtime.assembly import VERSION, Listeners, Runtime
from engine.runtime.campaigns import Campaigns
from engine.runtime.configuration import Configuration
from engine.runtime.do_not_call import DoNotCall
from engine.runtime.events import Events
from engine.runtime.imports import Imports
from engine.runtime.lists import Lists
from engine.runtime.outside import Outside
from engine.runtime.pacing_views import PacingViews
from engine.runtime.recording_setup import prepare, setup_of
from engine.runtime.recordings import RecordingShelf
from engine.runtime.supervision import Supervision
from engine.runtime.trunks import Trunks

_SWITCH_S = 0.0005
"""How long a thread may hold the interpreter while the loop waits for it. Python's 5 ms would be
paid after each system call of the loop while the journal's thread writes. [s]"""
_GARBAGE = (20_000, 20, 50)
"""Thresholds of the garbage collector: what a call allocates is freed by counting, so looking for
cycles every 700 objects, as Python does, finds nothing and costs a twentieth of the loop."""

log = structlog.get_logger()


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

    Its rooms are there once it is started.

    Attributes:
        runtime: What it is made of.
        configuration: What users configure.
        campaigns: Start, stop, explain.
        pacing: What pacing sees and decides.
        lists: Lists and their records.
        imports: Files become records.
        dnc: The do-not-call list.
        agents: Agents and their desktops.
        trunks: Trunks.
        supervision: Supervisors on calls.
        recordings: Finds, reads and deletes recordings.
        events: The log of facts.
    """

    runtime: Runtime
    configuration: Configuration
    campaigns: Campaigns
    pacing: PacingViews
    lists: Lists
    imports: Imports
    dnc: DoNotCall
    agents: Agents
    trunks: Trunks
    supervision: Supervision
    recordings: RecordingShelf
    events: Events

    def __init__(self, settings: EngineSettings) -> None:
        """Take the settings; ``start`` does the rest."""
        self._settings = settings
        self._setup = setup_of(settings)
        self._outside = Outside(
            settings, asyncio.get_running_loop(), self._setup, lambda: self.runtime.outbox
        )
        self._started_s = 0.0

    # --- life ------------------------------------------------------------------------------

    async def start(self) -> None:
        """Recover, bind SIP and RTP, and bring everything up as it was.

        Raises:
            JournalError: The store cannot be opened or trusted.
            InvalidRequestError: The store's URL, an address, or where recordings go, is wrong.
        """
        # Called once there are facts and calls; the rooms, opened below, are there by then.
        listeners = Listeners(
            desk=lambda agent, event: self.agents.tell_desk(agent, event),  # noqa: PLW0108
            supervisor=lambda known, event: self.supervision.tell(known, event),  # noqa: PLW0108
            audio=lambda leg_id, pcm: self.supervision.hear(leg_id, pcm),  # noqa: PLW0108
            facts=lambda _facts: self.events.grew(),
            fault=_failed,
        )
        outside = self._outside
        self.runtime = Runtime(
            self._settings,
            outside.scheduler,
            outside.open_store,
            outside.open_telephony,
            listeners,
            zone_data=zone_data_version(),
        )
        self._open_rooms(self.runtime)
        if self._setup is not None:
            await asyncio.to_thread(prepare, self._setup)
        await outside.start()
        self._started_s = self.runtime.now_s()
        self.runtime.start()
        self.recordings.start()
        sys.setswitchinterval(_SWITCH_S)
        gc.set_threshold(*_GARBAGE)
        gc.freeze()  # what was recovered lives as long as the engine

    def _open_rooms(self, runtime: Runtime) -> None:
        store, registry, statistics, now = (
            runtime.store, runtime.registry, runtime.statistics, runtime.now_s
        )  # fmt: skip
        asker = Asker(runtime.kernel, registry, lambda: runtime.gate.draining)
        self.events = Events(store, lambda: runtime.last_sequence)
        self.configuration = Configuration(asker, runtime.resources)
        self.campaigns = Campaigns(
            asker, registry.router, runtime.resources, statistics, runtime.live
        )
        self.pacing = PacingViews(
            asker, registry.pacer, statistics, self.events, self._settings.zone, now
        )
        self.lists = Lists(asker, store)
        self.imports = Imports(asker, store, now)
        self.dnc = DoNotCall(runtime.ledger, store, now)
        self.agents = Agents(asker, runtime.resources)
        self.trunks = Trunks(asker)
        self.supervision = Supervision(
            asker, runtime.kernel, registry, runtime.telephony, runtime.legs, runtime.ids
        )
        self.recordings = RecordingShelf(lambda: runtime, self._setup, self._settings.recording)

    async def drain(self) -> None:
        """Let no new call leave; calls in progress go on."""
        self.runtime.drain()

    async def stop(self) -> None:
        """Drain for at most ``drain_s``, then end every leg and let go of everything."""
        await self.drain()
        loop = asyncio.get_running_loop()
        deadline_s = loop.time() + self._settings.drain_s
        while self.runtime.live.open_attempts and loop.time() < deadline_s:
            await self.events.wait(self.events.last_sequence, 0.5)
        self.agents.end_desks("draining")
        await self.recordings.stop()
        await self._outside.settle_recorder()  # ends are written down while they can be
        self.runtime.close()
        await self._outside.stop()
        await self.imports.stop()

    # --- the engine itself -----------------------------------------------------------------

    @property
    def metrics(self) -> MetricsBoard:
        """Rows of every scope."""
        return self.runtime.statistics.board

    def describe(self) -> EngineView:
        """Tell how the engine is."""
        runtime, gate = self.runtime, self.runtime.gate
        return EngineView(
            version=VERSION,
            cell=self._settings.cell,
            epoch=runtime.epoch,
            zone=self._settings.zone,
            started_s=self._started_s,
            now_s=runtime.now_s(),
            journal_trusted=gate.journal_writable,
            clock_trusted=gate.clock_trusted,
            draining=gate.draining,
            calls_in_progress=runtime.live.open_attempts,
            sip_address=self._outside.sip_address,
        )


def _failed(fault: Fault) -> None:
    log.error(
        "actor failed",
        actor=fault.ref.name,
        message=type(fault.message).__name__,
        gave_up=fault.gave_up,
        exc_info=fault.error,
    )
