"""What pacing decided, minute by minute: sums of its decisions, and facts that keep them."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from engine.actors.messages import PacingView
from engine.domain.facts import PacingSummed
from engine.domain.ids import CampaignId

LENGTH_S = 60.0
_STOPPED = "not-running"


@dataclass(slots=True)
class _Sums:
    """One campaign's decisions since the minute began; figures are weighted by time."""

    newest: PacingView
    began_s: float
    length_s: float = 0.0
    held_s: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))
    idle_s: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))
    decisions: int = 0
    calls: int = 0
    ready: float = 0.0
    in_flight: float = 0.0
    answer_ratio: float = 0.0
    tau: float = 0.0
    level: float = 0.0

    def take(self, view: PacingView) -> None:
        """Let the decision before hold until this one, which then holds."""
        self.pass_to(view.at_s)
        self.newest = view
        self.decisions += view.reason != _STOPPED
        self.calls += view.started

    def pass_to(self, at_s: float) -> None:
        """Let the newest decision hold up to an instant. [s since the epoch]"""
        held, view = max(at_s - self.began_s, 0.0), self.newest
        self.began_s = at_s
        if view.reason == _STOPPED:
            return
        self.length_s += held
        self.held_s[view.reason] += held
        self.idle_s[view.reason] += held * view.idle
        self.ready += held * view.ready
        self.in_flight += held * view.in_flight
        self.answer_ratio += held * view.answer_ratio
        self.tau += held * view.tau
        self.level += held * view.level

    def fact(self, campaign_id: CampaignId, at_s: float) -> PacingSummed:
        """Return what was summed up; at least a moment has passed."""
        length_s = self.length_s
        return PacingSummed(
            at_s=at_s,
            campaign_id=campaign_id,
            length_s=length_s,
            held_s=dict(self.held_s),
            idle_s={reason: idle_s for reason, idle_s in self.idle_s.items() if idle_s > 0.0},
            decisions=self.decisions,
            calls_started=self.calls,
            ready_agents=self.ready / length_s,
            calls_in_flight=self.in_flight / length_s,
            answer_ratio=self.answer_ratio / length_s,
            tau=self.tau / length_s,
            budget_calls=self.newest.budget,
            dial_level=self.level / length_s,
        )


class PacingMinutes:
    """Sums up the decisions of all campaigns."""

    def __init__(self) -> None:
        self._open: dict[CampaignId, _Sums] = {}

    def note(self, campaign_id: CampaignId, view: PacingView) -> None:
        """Add a decision."""
        sums = self._open.get(campaign_id)
        if sums is None:
            if view.reason == _STOPPED:
                return
            sums = self._open[campaign_id] = _Sums(view, view.at_s)
        sums.take(view)

    def close(self, now_s: float) -> Sequence[PacingSummed]:
        """End the minute: return what was summed up of campaigns that ran in it.

        Args:
            now_s: When. [s since the epoch]
        """
        facts = []
        for campaign_id, sums in list(self._open.items()):
            sums.pass_to(now_s)
            if sums.length_s > 0.0:
                facts.append(sums.fact(campaign_id, now_s))
            if sums.newest.reason == _STOPPED or sums.decisions == 0:
                del self._open[campaign_id]  # it stopped, or was deleted: nothing is decided
            else:
                self._open[campaign_id] = _Sums(sums.newest, now_s)
        return facts
