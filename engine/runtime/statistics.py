"""Metrics as the engine lives: gauges each second, counters from facts, the daily reset."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from engine.actors.messages import PacingView, PublishPacing, SampleGauges
from engine.compliance.hours import DAY_S, local_day
from engine.compliance.schedule import first_instant
from engine.domain.facts import StatisticsReset
from engine.domain.ids import CampaignId
from engine.metrics.board import MetricsBoard
from engine.ports import StoredFact

if TYPE_CHECKING:
    from engine.runtime.assembly import Runtime

TICK_S = 1.0
_PAGE = 5_000
_CLOCK_ERROR_S = 2.0
"""A wall clock further than this from the engine's time is not trusted (T1). [s]"""


class Statistics:
    """Feeds the metrics board.

    Attributes:
        board: Rows of every scope.
        pacing: What pacing last saw and decided, by campaign.
    """

    def __init__(self, runtime: "Runtime") -> None:
        self.board = MetricsBoard()
        self.pacing: dict[CampaignId, PacingView] = {}
        self._runtime = runtime
        self._caught_up = False
        self._waiting: list[StoredFact] = []

    def start(self, last_sequence: int) -> None:
        """Count the log of earlier lives, then begin to tick."""
        self._read(0, last_sequence)
        self._schedule_reset()
        self._tick()

    def _read(self, after: int, until: int) -> None:
        if after >= until:
            self._caught_up = True
            self.board.apply(self._waiting)
            self._waiting.clear()
            return

        def counted(facts: Sequence[StoredFact]) -> None:
            self.board.apply(fact for fact in facts if fact.sequence <= until)
            self._read(facts[-1].sequence if facts else until, until)

        self._runtime.store.read(after, min(_PAGE, until - after), counted)

    def committed(self, facts: Sequence[StoredFact]) -> None:
        """Count new durable facts, after those of earlier lives."""
        if self._caught_up:
            self.board.apply(facts)
        else:
            self._waiting += facts

    def paced(self, command: PublishPacing) -> None:
        """Keep what pacing decided."""
        if isinstance(command.row, PacingView):
            self.pacing[command.campaign_id] = command.row

    def _tick(self) -> None:
        runtime = self._runtime
        registry, tell = runtime.registry, runtime.kernel.tell
        for directory in (registry.campaigns, registry.lists, registry.agents):
            for ref in directory.refs():
                tell(ref, SampleGauges())
        self.board.tick(runtime.now_s())
        self._guard_clock()
        runtime.kernel.scheduler.call_later(TICK_S, self._tick)

    def _guard_clock(self) -> None:
        """Trust the wall clock only while it goes with the engine's time."""
        wall_error_s = getattr(self._runtime.kernel.scheduler, "wall_error_s", None)
        if wall_error_s is not None:
            self._runtime.gate.trust_clock(abs(wall_error_s()) <= _CLOCK_ERROR_S)

    def _schedule_reset(self) -> None:
        settings, now_s = self._runtime.settings, self._runtime.now_s()
        today = local_day(settings.zone, now_s)
        instants = (
            first_instant(settings.zone, day * DAY_S + settings.reset_s)
            for day in range(today, today + 3)
        )
        next_s = next(at_s for at_s in instants if at_s > now_s)
        self._runtime.kernel.scheduler.call_later(next_s - now_s, self._reset)

    def _reset(self) -> None:
        self._runtime.note(StatisticsReset(at_s=self._runtime.now_s()))
        self._schedule_reset()
