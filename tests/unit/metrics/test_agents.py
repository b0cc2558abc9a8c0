"""Agents and teams as the facts tell them."""

import pytest

from engine.domain.facts import StatisticsReset
from tests.unit.metrics.story import BOB, Story


def test_time_in_each_state_adds_up_to_the_login_with_the_running_span() -> None:
    story = Story()
    story.agent("not-ready", 0.0, reason="lunch")
    story.agent("ready", 10.0)
    story.agent("busy", 30.0, here=True)
    story.agent("acw", 60.0, here=True)
    row = story.of_ann(100.0)
    assert row["total_not_ready_time"] == 10.0
    assert row["break_time"] == 10.0
    assert row["total_ready_time"] == 20.0
    assert row["total_acw_time"] == 40.0
    assert row["total_login_time"] == 100.0
    assert row["total_working_time"] == 90.0
    assert row["occupancy"] == pytest.approx(100 * 70 / 90)
    assert (row["state"], row["time_in_state"], row["login_time"]) == ("acw", 40.0, 100.0)


def test_finer_phases_are_one_state() -> None:
    story = Story()
    story.agent("ready", 0.0)
    for at_s, phase in [(10.0, "offered"), (12.0, "talking"), (30.0, "holding"), (40.0, "acw")]:
        story.agent(phase, at_s, here=True)
    row = story.of_ann(50.0)
    assert row["occupancy"] == 80.0
    assert row["avg_idle_time"] == 10.0


def test_a_new_reason_begins_a_new_span() -> None:
    story = Story()
    story.agent("not-ready", 0.0, reason="lunch")
    story.agent("not-ready", 30.0, reason="training")
    row = story.of_ann(50.0)
    assert (row["break_time"], row["total_not_ready_time"]) == (30.0, 50.0)
    assert (row["not_ready_reason"], row["time_in_state"]) == ("training", 20.0)


def test_the_reset_cuts_running_spans_and_moves_nobody() -> None:
    story = Story()
    story.agent("ready", 0.0)
    story.tell(StatisticsReset(at_s=70.0))
    row = story.of_ann(100.0)
    assert row["total_ready_time"] == 30.0
    assert (row["time_in_state"], row["idle_time"], row["login_time"]) == (100.0, 100.0, 100.0)
    story.agent("busy", 110.0, here=True)
    assert story.of_ann(120.0)["total_login_time"] == 50.0


def test_a_logged_out_agent_keeps_the_totals_of_the_day() -> None:
    story = Story()
    story.agent("ready", 0.0)
    story.agent("logged-out", 60.0)
    row = story.of_ann(1_000.0)
    assert (row["state"], row["total_login_time"], row["login_time"]) == ("logged-out", 60.0, 0.0)


def test_calls_are_booked_to_their_agent() -> None:
    story = Story()
    story.set_up()
    story.sell("a1")
    story.intend("a2", 2)
    story.answer("a2", 2)
    story.connect("a2", 2, at_s=90.0)
    row = story.of_ann(100.0)
    assert (row["out_handled"], row["talk"]) == (2, 10.0)
    story.end("a2", by="agent")
    row = story.of_ann(100.0)
    assert (row["out_agent_disconnected"], row["out_remote_disconnected"]) == (1, 1)
    assert row["talk"] == 0.0


def test_a_team_is_its_agents_with_the_skill() -> None:
    story = Story()
    story.set_up()
    story.agent("ready", 0.0)
    story.agent("ready", 0.0, who=BOB)
    story.agent("busy", 40.0, here=True)
    story.sell("a1")
    row = story.of_team(80.0)
    assert row["team_name"] == "The Blues"
    assert (row["agents_logged_in"], row["agents_busy"], row["agents_ready"]) == (1, 1, 0)
    assert (row["agents_busy_campaign"], row["out_handled"]) == (1, 1)
    assert (row["occupancy"], row["avg_idle_time"], row["avg_handle_time"]) == (50.0, 40.0, 60.0)


def test_a_campaign_sees_its_qualified_agents_by_state() -> None:
    story = Story()
    story.set_up()
    story.agent("ready", 0.0)
    story.agent("acw", 10.0, here=True)
    row = story.campaign(20.0)
    assert (row["agents_logged_in"], row["agents_busy"], row["agents_acw"]) == (1, 1, 1)
    assert row["agent_occupancy"] == 50.0
    story.agent("ready", 20.0)
    story.agent("busy", 26.0, here=True)
    assert story.campaign(30.0)["avg_agent_idle"] == 6.0
