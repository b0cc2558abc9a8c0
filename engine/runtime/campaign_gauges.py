"""A campaign's gauges put together: its own, its enabled lists' sums, and what pacing decided."""

from collections.abc import Mapping
from dataclasses import replace

from engine.actors.messages import PacingView
from engine.domain.ids import CampaignId
from engine.metrics.board import MetricsBoard
from engine.metrics.gauges import AgentGauges, CampaignGauges, ListGauges

_SUMS = (
    "records_total",
    "records_remaining",
    "records_untouched",
    "records_callable_now",
    "records_rescheduled",
    "records_in_progress",
)


class GaugeBoard:
    """Takes gauges from actors to the metrics board."""

    __slots__ = ("_board", "_lists", "_pacing")

    def __init__(self, board: MetricsBoard, pacing: Mapping[CampaignId, PacingView]) -> None:
        """Begin with none.

        Args:
            board: Where they go.
            pacing: What pacing last decided, by campaign; read as it is then.
        """
        self._board = board
        self._pacing = pacing
        self._lists: dict[str, dict[str, ListGauges]] = {}

    def put(self, object_id: str, gauges: CampaignGauges | ListGauges | AgentGauges) -> None:
        """Publish an object's newest gauges."""
        if isinstance(gauges, ListGauges):
            campaign_id, _, list_id = object_id.partition("/")
            self._lists.setdefault(campaign_id, {})[list_id] = gauges
        if isinstance(gauges, CampaignGauges):
            self._board.put(object_id, self._whole(CampaignId(object_id), gauges))
        else:
            self._board.put(object_id, gauges)

    def _whole(self, campaign_id: CampaignId, gauges: CampaignGauges) -> CampaignGauges:
        lists = [
            known
            for known in self._lists.get(campaign_id, {}).values()
            if known.status == "enabled"
        ]
        sums: dict[str, int] = {
            name: sum(getattr(known, name) or 0 for known in lists) for name in _SUMS
        }
        total = sums["records_total"]
        done = total - sums["records_remaining"]
        completed_pct = 100.0 * done / total if total else 0.0
        paced = self._pacing.get(campaign_id)
        # The names are those of the dataclass; ``replace`` refuses any other.
        whole = replace(gauges, completed_pct=completed_pct, **sums)  # type: ignore[arg-type]
        if paced is None:
            return whole
        return replace(whole, effective_mode=paced.effective_mode, overdial_rate=paced.level)
