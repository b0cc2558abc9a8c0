"""Rows once a tick, changes since a version, one object for all readers."""

import pytest

from engine.metrics import AgentGauges, CampaignGauges, MetricsBoard, Scope, TeamGauges
from tests.unit.metrics.story import ANN, CAMPAIGN, LIST, Story


def _board() -> tuple[MetricsBoard, Story]:
    board = MetricsBoard()
    story = Story(board.counters)
    story.set_up()
    return board, story


def test_the_first_update_is_the_whole_row_and_the_next_only_what_changed() -> None:
    board, story = _board()
    board.tick(100.0)
    first = board.update(Scope.CAMPAIGN, CAMPAIGN)
    assert first.snapshot
    assert first.values == board.counters.values(Scope.CAMPAIGN, CAMPAIGN, 100.0)
    story.intend("a1", at_s=100.0)
    board.tick(101.0)
    second = board.update(Scope.CAMPAIGN, CAMPAIGN, first.version)
    assert not second.snapshot
    assert second.values == {
        "calls_attempted": 1,
        "calls_dialing": 1,
        "dialing_rate": 1.0,
        "records_dialed": 1,
        "answer_rate": 0.0,
    }


def test_changes_add_up_to_the_snapshot_whatever_versions_a_reader_missed() -> None:
    board, story = _board()
    seen = []
    for tick in range(6):
        story.sell(f"a{tick}", tick, at_s=100.0 * tick)
        board.tick(100.0 * tick + 90)
        seen.append(board.update(Scope.CAMPAIGN, CAMPAIGN))
    for missed in seen[:-1]:
        row = dict(missed.values)
        update = board.update(Scope.CAMPAIGN, CAMPAIGN, missed.version)
        row.update(update.values)
        for name in update.gone:
            del row[name]
        assert row == seen[-1].values


def test_readers_of_one_tick_share_one_object() -> None:
    board, _ = _board()
    version = board.tick(1.0)
    whole = board.update(Scope.CAMPAIGN, CAMPAIGN)
    assert board.update(Scope.CAMPAIGN, CAMPAIGN) is whole
    board.tick(2.0)
    change = board.update(Scope.CAMPAIGN, CAMPAIGN, version)
    assert board.update(Scope.CAMPAIGN, CAMPAIGN, version) is change
    assert change.values == {}


def test_a_version_never_given_out_gets_the_whole_row() -> None:
    board, _ = _board()
    board.tick(1.0)
    assert board.update(Scope.CAMPAIGN, CAMPAIGN, since=99).snapshot


def test_within_a_tick_nothing_moves() -> None:
    board, story = _board()
    board.tick(1.0)
    before = board.update(Scope.CAMPAIGN, CAMPAIGN).values["calls_attempted"]
    story.intend("a1")
    assert board.update(Scope.CAMPAIGN, CAMPAIGN).values["calls_attempted"] == before


def test_a_value_that_ends_is_told_as_gone() -> None:
    board, _ = _board()
    board.put(ANN, AgentGauges(talk=3.0, interaction="+1415•••0100"))
    version = board.tick(1.0)
    assert board.value(Scope.AGENT, ANN, "interaction") == "+1415•••0100"
    board.put(ANN, AgentGauges())
    board.tick(2.0)
    update = board.update(Scope.AGENT, ANN, version)
    assert update.gone == ("interaction",)
    assert update.values["talk"] == 0.0


def test_time_to_completion_follows_from_what_remains_and_the_recent_rate() -> None:
    board, story = _board()
    story.sell("a1")
    board.put(CAMPAIGN, CampaignGauges(records_remaining=10))
    board.tick(100.0)
    eta_s = board.value(Scope.CAMPAIGN, CAMPAIGN, "eta_completion")
    assert eta_s == pytest.approx(10 * 900.0)


def test_objects_are_those_of_facts_and_of_gauges() -> None:
    board, _ = _board()
    board.put("spring/red", TeamGauges(team_name="Red"))
    assert board.objects(Scope.TEAM) == ["spring/blue", "spring/red"]
    assert board.objects(Scope.LIST) == [f"{CAMPAIGN}/{LIST}"]
    board.drop(Scope.TEAM, "spring/red")
    assert board.objects(Scope.TEAM) == ["spring/blue"]
