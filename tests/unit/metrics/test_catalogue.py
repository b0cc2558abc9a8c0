"""The packaged catalogue."""

from dataclasses import fields

from engine.metrics import (
    CATALOGUE,
    METRICS,
    AgentGauges,
    CampaignGauges,
    ListGauges,
    Scope,
    TeamGauges,
    Window,
    is_metric,
)
from tests.unit.metrics.story import Story


def test_the_catalogue_is_whole_and_its_ids_are_unique_in_their_scope() -> None:
    assert len(CATALOGUE) == len(METRICS) == 243
    assert all(metric.name and metric.definition and metric.unit for metric in CATALOGUE)
    unattended = METRICS[Scope.CAMPAIGN, "calls_unattended"]
    assert (unattended.name, unattended.window, unattended.fed) == (
        "Unattended",
        Window.SINCE_RESET,
        True,
    )


def test_a_series_of_a_disposition_is_a_metric_and_a_stranger_is_not() -> None:
    assert is_metric(Scope.CAMPAIGN, "disposition_count/busy")
    assert is_metric(Scope.CAMPAIGN, "calls_answered")
    assert not is_metric(Scope.LIST, "disposition_count/busy")
    assert not is_metric(Scope.CAMPAIGN, "answered")


def test_what_is_marked_as_fed_comes_from_a_counter_or_a_gauge() -> None:
    story = Story()
    story.set_up()
    story.agent("ready", 0.0)
    story.agent("busy", 2.0, here=True)
    story.sell("a1")
    told = {
        Scope.CAMPAIGN: {*story.campaign(), *(item.name for item in fields(CampaignGauges))},
        Scope.LIST: {*story.of_list(), *(item.name for item in fields(ListGauges))},
        Scope.AGENT: {*story.of_ann(), *(item.name for item in fields(AgentGauges))},
        Scope.TEAM: {*story.of_team(), *(item.name for item in fields(TeamGauges))},
    }
    # Only where there is something to divide by, or a gauge to divide.
    told[Scope.CAMPAIGN] |= {"eta_completion", "abandoned_pct", "avg_preview_time"}
    told[Scope.AGENT] |= {"skipped_pct", "avg_preview_time"}
    missing = [
        (metric.scope, metric.id)
        for metric in CATALOGUE
        if metric.fed and metric.id not in told.get(metric.scope, ())
    ]
    unmarked = [
        (scope, name)
        for scope, names in told.items()
        for name in names
        if "/" not in name and not METRICS[scope, name].fed
    ]
    assert missing == []
    assert unmarked == []
