"""Campaigns and lists as the facts tell them."""

import pytest

from engine.domain.facts import (
    CampaignStarted,
    EngineStarted,
    RecordChanged,
    RecordPhase,
    RecordPreviewed,
    RecordsImported,
    ResourceDeleted,
    StatisticsReset,
)
from engine.domain.specs import Mode, RuleWindow
from engine.metrics import Counters, Scope, is_metric
from tests.unit.metrics.story import ANN, CAMPAIGN, LIST, Story


def _subset(row: dict[str, int | float | str], *names: str) -> list[int | float | str]:
    return [row[name] for name in names]


def test_a_sale_counts_at_every_stage() -> None:
    story = Story()
    story.set_up()
    story.sell("a1", row=7)
    row = story.campaign()
    stages = ("calls_attempted", "calls_answered", "calls_queued", "calls_handled")
    assert _subset(row, *stages) == [1, 1, 1, 1]
    records = ("dialed", "queued", "handled", "completed", "success", "rpc")
    assert _subset(row, *(f"records_{name}" for name in records)) == [1] * 6
    assert _subset(row, "calls_rpc", "disposition_count/sold", "calls_unattended") == [1, 1, 0]
    assert _subset(row, "talk_time", "hold_time", "acw_time") == [50.0, 10.0, 10.0]
    assert _subset(row, "avg_handle_time", "avg_answer_time", "answer_rate") == [70.0, 1.0, 100.0]
    assert _subset(row, "calls_dialing", "calls_waiting_agent", "calls_active") == [0, 0, 0]


def test_a_replay_counts_nothing_twice() -> None:
    story = Story()
    story.set_up()
    story.sell("a1")
    before = story.campaign(), story.of_list(), story.of_ann()
    story.counters.apply_all(story.told)
    assert (story.campaign(), story.of_list(), story.of_ann()) == before
    afresh = Counters()
    afresh.apply_all(story.told)
    assert afresh.values(Scope.CAMPAIGN, CAMPAIGN, 100.0) == before[0]


def test_calls_are_seen_at_the_stage_where_they_are() -> None:
    story = Story()
    story.set_up()
    for number in range(6):
        story.intend(f"a{number}", number)
    for number in range(1, 6):
        story.answer(f"a{number}", number)
    for number in range(2, 6):
        story.queue(f"a{number}", number, at_s=5.0 + number)
    story.connect("a5", 5)
    row = story.campaign(now_s=20.0)
    assert _subset(row, "calls_dialing", "calls_waiting_agent", "calls_active") == [1, 3, 1]
    assert row["max_wait"] == 13.0


def test_queued_calls_end_abandoned_dropped_or_handled() -> None:
    story = Story()
    story.set_up()
    for number, disposition in enumerate(["abandoned", "no-agent", "no-agent"]):
        story.intend(f"a{number}", number)
        story.answer(f"a{number}", number)
        story.queue(f"a{number}", number)
        unattended = disposition == "no-agent"
        story.close(f"a{number}", number, disposition=disposition, unattended=unattended)
    story.sell("a9", 9)
    row = story.campaign()
    names = ("calls_queued", "calls_abandoned", "calls_dropped", "calls_handled")
    assert _subset(row, *names) == [4, 1, 2, 1]
    assert _subset(row, "abandoned_pct", "unattended_pct", "disp_no_agent") == [25.0, 50.0, 2]


def test_a_late_connection_is_unattended_once() -> None:
    story = Story()
    story.set_up()
    story.intend("a1")
    story.answer("a1")
    story.queue("a1")
    story.connect("a1", late=True)
    assert story.campaign()["calls_unattended"] == 1
    story.end("a1")
    story.close("a1", disposition="success", unattended=True)
    row = story.campaign()
    assert _subset(row, "calls_unattended", "calls_handled", "calls_dropped") == [1, 1, 0]


def test_a_quick_retry_is_no_attempt_of_its_own() -> None:
    story = Story()
    story.set_up()
    story.intend("a1")
    story.close("a1", disposition="busy", answered=False)
    story.intend("a2", retry=True)
    story.close("a2", disposition="busy", answered=False)
    row = story.campaign()
    assert _subset(row, "calls_attempted", "call_retries", "disp_busy") == [1, 1, 2]
    assert row["records_dialed"] == 1


def test_an_attempt_that_never_left_is_taken_back() -> None:
    story = Story()
    story.set_up()
    story.intend("a1")
    story.close("a1", disposition="not-placed", answered=False)
    assert story.campaign()["calls_attempted"] == 0


def test_of_nothing_there_is_no_share() -> None:
    story = Story()
    story.set_up()
    assert not {"answer_rate", "unattended_pct", "success_rate"} & story.campaign().keys()
    assert story.campaign()["calls_attempted"] == 0


def test_the_reset_clears_sums_and_leaves_calls_and_trends() -> None:
    story = Story()
    story.set_up()
    story.sell("a1", 1)
    story.intend("a2", 2, at_s=90.0)
    story.tell(StatisticsReset(at_s=95.0))
    story.answer("a2", 2, at_s=96.0)
    row = story.campaign()
    assert _subset(row, "calls_attempted", "calls_answered", "records_completed") == [0, 1, 0]
    assert row["dialing_rate"] == 1.0
    assert story.counters.completions_per_s(CAMPAIGN, 100.0) == pytest.approx(1 / 900)


def test_the_rolling_share_spans_thirty_days_and_outlives_resets() -> None:
    story = Story()
    story.set_up()
    day_s = 86_400.0
    for number, at_s in enumerate([0.0, 10 * day_s, 29 * day_s]):
        story.intend(f"a{number}", number, at_s)
        story.answer(f"a{number}", number, at_s)
        story.close(f"a{number}", number, at_s, disposition="no-agent", unattended=number == 1)
        story.tell(StatisticsReset(at_s=at_s + 1))
    now_s = 29 * day_s + 10
    assert story.campaign(now_s)["unattended_pct_rolling"] == pytest.approx(100 / 3)
    assert story.campaign(31 * day_s)["unattended_pct_rolling"] == 50.0
    assert "unattended_pct_rolling" not in story.campaign(90 * day_s)


def test_a_list_counts_its_own_calls_and_its_place_in_the_campaign() -> None:
    story = Story()
    story.set_up()
    story.tell(
        RecordsImported(
            at_s=0.0,
            list_id=LIST,
            import_id="i",
            batch=0,
            first_row=0,
            count=40,
            rejected=2,
            source_lines=42,
        )
    )
    story.sell("a1", 7)
    row = story.of_list()
    assert _subset(row, "list_name", "status", "order", "dialing_ratio") == [
        "People",
        "enabled",
        2,
        3,
    ]
    assert _subset(row, "records_imported", "records_invalid") == [40, 2]
    assert _subset(row, "calls_attempted", "calls_handled", "records_success") == [1, 1, 1]
    assert row["success_rate"] == 100.0


def test_records_finalised_without_a_call_are_excluded_or_completed() -> None:
    story = Story()
    story.set_up()

    def changed(row: int, disposition: str, by: str) -> RecordChanged:
        return RecordChanged(
            at_s=1.0,
            campaign_id=CAMPAIGN,
            list_id=LIST,
            row=row,
            phase=RecordPhase.DONE,
            disposition=disposition,
            by=by,
        )

    story.tell(changed(1, "add-to-dnc", "engine"), changed(1, "add-to-dnc", "engine"))
    story.tell(changed(2, "sold", "ann"))
    told = story.campaign()
    assert _subset(told, "records_excluded", "records_completed", "records_success") == [1, 2, 1]
    assert told["success_rate"] == 50.0


def test_previews_are_counted_for_campaign_and_agent() -> None:
    story = Story()
    story.set_up(Mode.PREVIEW)
    for number, decision in enumerate(["call", "skip", "reject"]):
        story.tell(
            RecordPreviewed(
                at_s=1.0,
                campaign_id=CAMPAIGN,
                list_id=LIST,
                row=number,
                agent_id=ANN,
                decision=decision,
                preview_s=4.0,
            )
        )
    assert _subset(story.campaign(), "preview_items", "avg_preview_time") == [3, 4.0]
    row = story.of_ann()
    assert _subset(row, "previewed", "skipped", "out_rejected") == [3, 1, 1]
    assert row["skipped_pct"] == pytest.approx(100 / 3)


@pytest.mark.parametrize("treatment", ["unattended-message", "machine-message", "scenario"])
def test_treated_calls_are_counted_once_with_their_time(treatment: str) -> None:
    story = Story()
    story.set_up()
    story.intend("a1")
    story.answer("a1")
    story.treat("a1", treatment, at_s=7.0)
    story.queue("a1", at_s=10.0)  # the person asked for an agent, and none came
    story.treat("a1", "unattended-message", at_s=12.0)
    story.close("a1", at_s=16.0, disposition="no-agent", unattended=True)
    row = story.campaign()
    assert _subset(row, "calls_ivr", "ivr_time", "calls_unattended") == [1, 7.0, 1]


def test_a_dropped_call_is_no_treated_one() -> None:
    story = Story()
    story.set_up()
    story.intend("a1")
    story.answer("a1")
    story.close("a1", disposition="no-agent", unattended=True)
    assert _subset(story.campaign(), "calls_ivr", "calls_unattended") == [0, 1]


def test_machines_are_answers_but_nobody_live() -> None:
    story = Story()
    story.set_up()
    for number, verdict in enumerate(["person", "undecided", "machine", "fax"]):
        name = f"a{number}"
        story.intend(name, number)
        story.answer(name, number, screened=True)
        assert story.campaign()["calls_in_cpa"] == 1
        story.analyse(name, verdict, person=number < 2)
        assert story.campaign()["calls_in_cpa"] == 0
    story.close("a0", 0, disposition="no-agent", unattended=True)
    row = story.campaign()
    assert _subset(row, "calls_answered", "calls_live_answered") == [4, 2]
    assert row["unattended_pct"] == 50.0
    assert row["unattended_pct_rolling"] == 50.0


@pytest.mark.parametrize(
    ("counting", "shares"),
    [
        ((), [0.0, 25.0, 25.0]),
        ((RuleWindow.ROLLING_24H,), [1.0, 40.0, 25.0]),
        ((RuleWindow.CALENDAR_DAY, RuleWindow.ROLLING_24H), [1.0, 40.0, 25.0]),
        ((RuleWindow.ROLLING_30D,), [0.0, 25.0, 40.0]),
    ],
)
def test_persons_whom_analysis_cut_off_count_where_a_rule_counts_them(
    counting: tuple[RuleWindow, ...], shares: list[float]
) -> None:
    """A quarter of persons is taken for machines: one, beside the three that were passed on."""
    story = Story()
    story.set_up(counting=counting, cut_off=0.25)
    for number, verdict in enumerate(["person", "person", "undecided", "machine"]):
        story.intend(f"a{number}", number)
        story.answer(f"a{number}", number, screened=True)
        story.analyse(f"a{number}", verdict, person=number < 3)
    story.intend("plain", 9)
    story.answer("plain", 9)
    story.close("a0", 0, disposition="no-agent", unattended=True)
    row = story.campaign()
    told = _subset(row, "calls_cut_off", "unattended_pct", "unattended_pct_rolling")
    assert told == pytest.approx(shares)
    assert _subset(row, "calls_unattended", "calls_live_answered") == [1, 4]


def test_a_party_who_hangs_up_under_analysis_is_counted_apart() -> None:
    story = Story()
    story.set_up()
    story.intend("a1")
    story.answer("a1", screened=True)
    story.close("a1", disposition="abandoned")
    row = story.campaign()
    told = _subset(row, "disp_abandoned_cpa", "calls_abandoned", "calls_in_cpa")
    assert told == [1, 0, 0]
    assert row["calls_live_answered"] == 0


def test_running_and_settings_are_told() -> None:
    story = Story()
    story.set_up()
    assert _subset(story.campaign(), "running", "mode", "teams") == ["idle", "progressive", "blue"]
    story.tell(CampaignStarted(at_s=1.0, campaign_id=CAMPAIGN, generation=1, by="operator"))
    assert story.campaign()["running"] == "running"


def test_a_deleted_campaign_leaves_nothing() -> None:
    story = Story()
    story.set_up()
    story.sell("a1")
    story.tell(ResourceDeleted(at_s=90.0, kind="campaign", id=CAMPAIGN))
    assert story.counters.objects(Scope.CAMPAIGN) == []
    assert story.counters.objects(Scope.LIST) == []
    assert story.campaign()["calls_attempted"] == 0


def test_agents_of_a_life_that_broke_off_are_logged_out_since_its_last_fact() -> None:
    story = Story()
    story.set_up()
    story.agent("ready", 10.0)
    story.agent("ready", 30.0)
    story.tell(EngineStarted(at_s=5_000.0, epoch=2, version="0"))
    row = story.of_ann(6_000.0)
    assert _subset(row, "state", "total_login_time") == ["logged-out", 20.0]


def test_every_value_told_is_in_the_catalogue() -> None:
    story = Story()
    story.set_up()
    story.agent("ready", 1.0)
    story.agent("busy", 2.0, here=True)
    story.sell("a1")
    rows = {
        Scope.CAMPAIGN: story.campaign(),
        Scope.LIST: story.of_list(),
        Scope.AGENT: story.of_ann(),
        Scope.TEAM: story.of_team(),
    }
    strangers = [
        (scope, name) for scope, row in rows.items() for name in row if not is_metric(scope, name)
    ]
    assert strangers == []
