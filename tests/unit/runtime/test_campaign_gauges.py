"""A campaign's row holds what its lists have and what pacing decided."""

from engine.actors.messages import PacingView
from engine.domain.ids import CampaignId
from engine.metrics.board import MetricsBoard
from engine.metrics.catalogue import Scope
from engine.metrics.gauges import CampaignGauges, ListGauges
from engine.runtime.campaign_gauges import GaugeBoard

SPRING = CampaignId("spring")


def of_list(total: int, remaining: int, status: str) -> ListGauges:
    return ListGauges(
        status=status, records_total=total, records_remaining=remaining, records_callable_now=1
    )


def paced(mode: str, level: float) -> PacingView:
    return PacingView(
        at_s=1.0,
        effective_mode=mode,
        ready=1.0,
        freeing=0.0,
        asking=0.0,
        idle=0.0,
        in_flight=1,
        started=0,
        answer_ratio=0.3,
        answer_ratio_error=0.0,
        tau=0.1,
        budget=0.0,
        level=level,
        reason="risk",
    )


def test_enabled_lists_are_summed_and_disabled_ones_left_out() -> None:
    board = MetricsBoard()
    gauges = GaugeBoard(board, {})
    gauges.put("spring/a", of_list(100, 60, "enabled"))
    gauges.put("spring/b", of_list(100, 90, "enabled"))
    gauges.put("spring/c", of_list(500, 500, "disabled"))
    gauges.put("autumn/a", of_list(7, 7, "enabled"))
    gauges.put(SPRING, CampaignGauges(running="running"))
    board.tick(1.0)
    assert board.value(Scope.CAMPAIGN, SPRING, "records_total") == 200
    assert board.value(Scope.CAMPAIGN, SPRING, "records_remaining") == 150
    assert board.value(Scope.CAMPAIGN, SPRING, "completed_pct") == 25.0


def test_the_mode_in_force_is_pacings() -> None:
    board = MetricsBoard()
    decided = {SPRING: paced("progressive", 1.5)}
    gauges = GaugeBoard(board, decided)
    gauges.put(SPRING, CampaignGauges(mode="predictive"))
    board.tick(1.0)
    assert board.value(Scope.CAMPAIGN, SPRING, "effective_mode") == "progressive"
    assert board.value(Scope.CAMPAIGN, SPRING, "overdial_rate") == 1.5
    assert board.value(Scope.CAMPAIGN, SPRING, "mode") == "predictive"
