"""Metrics as the engine lives: gauges each second, counters from facts, the daily reset."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from engine.actors.messages import PacingView, PublishPacing, RecallCalls, SampleGauges
from engine.compliance.hours import DAY_S, local_day
from engine.compliance.schedule import first_instant
from engine.domain.facts import StatisticsReset
from engine.domain.ids import CampaignId
from engine.metrics.board import MetricsBoard
from engine.ports import StoredFact
from engine.runtime.pacing_minutes import LENGTH_S, PacingMinutes
from engine.runtime.recall import CallRecall

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
        self._minutes = PacingMinutes()
        self._minute = 0
        self._watchers: defaultdict[CampaignId, list[Callable[[PacingView], None]]]
        self._watchers = defaultdict(list)
        self._recall = CallRecall(float("inf"))
        self._caught_up = False
        self._waiting: list[StoredFact] = []

    def start(self, last_sequence: int, recall_after_s: float = 0.0) -> None:
        """Count the log of earlier lives, then begin to tick.

        Args:
            last_sequence: Of the newest fact of earlier lives.
            recall_after_s: Calls later than this are told to the pacer. [s since the epoch]
        """
        self._recall = CallRecall(recall_after_s)
        self._read(0, last_sequence)
        self._schedule_reset()
        self._tick()

    def _read(self, after: int, until: int) -> None:
        if after >= until:
            self._caught_up = True
            self._recalled((), done=True)
            self.board.apply(self._waiting)
            self._waiting.clear()
            return

        def counted(facts: Sequence[StoredFact]) -> None:
            earlier = [fact for fact in facts if fact.sequence <= until]
            self.board.apply(earlier)
            self._recalled(earlier, done=False)
            self._read(facts[-1].sequence if facts else until, until)

        self._runtime.store.read(after, min(_PAGE, until - after), counted)

    def _recalled(self, facts: Sequence[StoredFact], *, done: bool) -> None:
        """Tell the pacer of calls that its saved budgets have not counted."""
        calls = self._recall.take(facts)
        if calls or done:
            self._runtime.kernel.tell(self._runtime.registry.pacer, RecallCalls(calls, done))

    def recall_calls(self, after_s: float) -> None:
        """Tell a pacer that began anew in this life what its laws, saved earlier, have not counted.

        Args:
            after_s: When its laws were saved. [s since the epoch]
        """
        runtime = self._runtime
        recall = CallRecall(after_s, runtime.now_s())

        def read(after: int, until: int) -> None:
            def counted(facts: Sequence[StoredFact]) -> None:
                done = not facts or facts[-1].sequence >= until
                recalled = RecallCalls(recall.take(facts), done)
                runtime.kernel.tell(runtime.registry.pacer, recalled)
                if not done:
                    read(facts[-1].sequence, until)

            runtime.store.read(after, _PAGE, counted)

        runtime.outbox.when_durable(lambda: read(0, runtime.last_sequence))

    def committed(self, facts: Sequence[StoredFact]) -> None:
        """Count new durable facts, after those of earlier lives."""
        if self._caught_up:
            self.board.apply(facts)
        else:
            self._waiting += facts

    def paced(self, command: PublishPacing) -> None:
        """Keep what pacing decided, and tell those who watch."""
        view, campaign_id = command.row, command.campaign_id
        if isinstance(view, PacingView):
            self.pacing[campaign_id] = view
            self._minutes.note(campaign_id, view)
            for tell in self._watchers.get(campaign_id, ()):
                tell(view)

    def watch_pacing(
        self, campaign_id: CampaignId, tell: Callable[[PacingView], None]
    ) -> Callable[[], None]:
        """Tell of each decision for a campaign; call what is returned to end it."""
        self._watchers[campaign_id].append(tell)

        def leave() -> None:
            self._watchers[campaign_id].remove(tell)
            if not self._watchers[campaign_id]:
                del self._watchers[campaign_id]

        return leave

    def sum_pacing(self) -> None:
        """Write down what pacing decided since the last time."""
        if facts := self._minutes.close(self._runtime.now_s()):
            self._runtime.note(*facts)

    def _tick(self) -> None:
        runtime = self._runtime
        registry, tell = runtime.registry, runtime.kernel.tell
        for directory in (registry.campaigns, registry.lists, registry.agents):
            for ref in directory.refs():
                tell(ref, SampleGauges())
        self.board.tick(runtime.now_s())
        self._guard_clock()
        if (minute := int(runtime.now_s() / LENGTH_S)) != self._minute:
            self._minute = minute
            self.sum_pacing()
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
