"""The arena's world: its numbers, its counts, and rules whose result is known."""

import numpy as np
import pytest

from benchmarks.pacing.arena import Course, Entrant, play
from benchmarks.pacing.draws import erlang, lognormal, uniforms
from benchmarks.pacing.optimum import Cell, best
from benchmarks.pacing.policies import FixedRatio
from benchmarks.pacing.shared import SharedFloor
from benchmarks.pacing.tuning import MAKERS, tuned
from benchmarks.pacing.world import Scene, World

MANY = np.arange(40_000)


def test_numbers_are_uniform_and_the_same_whenever_they_are_looked_up() -> None:
    numbers = uniforms(np.full(len(MANY), 3), MANY, 0, 2)
    assert numbers.mean() == pytest.approx(0.5, abs=0.01)
    product = float(((numbers[0] - 0.5) * (numbers[1] - 0.5)).mean())
    assert product == pytest.approx(0.0, abs=0.002)
    assert np.array_equal(numbers[1, 5:9], uniforms(np.full(4, 3), MANY[5:9], 1, 1)[0])


def test_laws_have_the_means_they_are_given() -> None:
    numbers = uniforms(np.full(len(MANY), 5), MANY, 0, 6)
    assert lognormal(numbers[:2], 90.0, 1.0).mean() == pytest.approx(90.0, rel=0.03)
    assert erlang(numbers[2:], 7.0).mean() == pytest.approx(7.0, rel=0.02)


def test_nothing_is_lost_between_dialing_and_the_end() -> None:
    rows = 6
    world = World(Scene(), np.full(rows, 8), np.full(rows, 0.3), np.arange(rows))
    policy = FixedRatio(np.arange(rows), np.full(rows, 3.0))
    closed = np.zeros(rows)
    for step in range(1, 1800):
        world.advance(float(step))
        closed += np.bincount(world.ended.row, minlength=rows)
        world.dial(policy.calls(world))
    flying = np.bincount(world.flying.row, minlength=rows)
    tally = world.tally
    assert np.array_equal(tally.attempts, closed + flying)
    assert np.array_equal(tally.answered, tally.connected + tally.unattended + world.queued)
    assert (tally.busy_s > 0).all()


def test_progressive_dialing_leaves_nobody_without_an_agent() -> None:
    course = Course(warm_s=0.0, day_s=3600.0)
    score = play(Scene(), [Entrant("progressive", (10, 0.3), 3)], MAKERS, course)[0]
    assert score.unattended[0] == 0.0
    # A call costs 105 s; the next answer takes ring, redials and half a tick for each attempt.
    wait_s = 7.0 + (1 / 0.3 - 1) * 11.0 + 0.5 / 0.3
    assert score.busy[0] == pytest.approx(105 / (105 + wait_s), abs=0.03)


def test_rules_meet_the_same_people() -> None:
    course = Course(warm_s=0.0, day_s=1200.0)
    entrants = [Entrant("progressive", (5, 0.3), 2), Entrant("ratio-ready", (5, 0.3), 2, 1.0)]
    first, second = play(Scene(), entrants, MAKERS, course)
    assert first.busy == second.busy


def test_ours_keeps_agents_busier_than_progressive_and_the_day_under_its_cap() -> None:
    course = Course(warm_s=1800.0, day_s=2 * 3600.0)
    entrants = [Entrant("ours", (20, 0.3), 2), Entrant("progressive", (20, 0.3), 2)]
    ours, progressive = play(Scene(), entrants, MAKERS, course)
    assert ours.busy[0] > progressive.busy[0] + 0.08
    assert ours.days_counted == 2
    assert ours.days_over == 0


def test_an_agent_away_takes_no_call() -> None:
    scene = Scene(staffed=lambda now_s: 0.5 if now_s > 10 else 1.0)
    world = World(scene, np.array([10]), np.array([0.3]), np.array([1]))
    for step in range(1, 20):
        world.advance(float(step))
    assert world.ready[0] == 5


def test_the_best_setting_that_keeps_the_cap_is_found_between_settings() -> None:
    course = Course(warm_s=0.0, day_s=3600.0)
    entrants = [Entrant("ratio-ready", (10, 0.3), 2, ratio) for ratio in (1.0, 2.0, 4.0)]
    busy, lost = tuned(play(Scene(), entrants, MAKERS, course), 0.03)
    assert lost <= 0.03
    assert 0.7 < busy < 0.95


def test_the_optimum_without_losses_is_one_call_for_a_free_agent() -> None:
    optimum = best(Cell(1, 0.3, most=20), cap=1e-6)
    assert optimum.busy_share == pytest.approx(105 / (105 + 10 / 0.3), abs=2e-3)


def test_the_optimum_rises_with_the_losses_allowed() -> None:
    shares = [best(Cell(2, 0.3, most=20), cap).busy_share for cap in (0.01, 0.03, 0.1)]
    assert shares == sorted(set(shares))


def test_shared_agents_serve_both_campaigns() -> None:
    floor = SharedFloor((0.4, 0.4), (1, 1, 6), seed=1)
    outcome = floor.play_day(0.0, 900.0)
    assert min(outcome.answered) > 5
    assert 0.4 < outcome.busy_share < 1.1


def test_persons_cut_off_are_known_to_the_world_and_estimated_by_the_rule() -> None:
    rows, share = 4, 0.2
    scene = Scene(analysis_s=(2.0, 3.0), person_lost=0.1, thought_lost=share)
    world = World(scene, np.full(rows, 8), np.full(rows, 0.5), np.arange(rows))
    policy = FixedRatio(np.arange(rows), np.full(rows, 3.0))
    passed, cut_off, lost = np.zeros((3, rows))
    for step in range(1, 1800):
        world.advance(float(step))
        persons = world.ended.person > 0
        asks = world.ended.asks > 0
        passed += np.bincount(world.ended.row[persons & asks], minlength=rows)
        cut_off += np.bincount(world.ended.row[persons & ~asks], minlength=rows)
        lost += world.new_unattended
        world.dial(policy.calls(world))
    tally = world.tally
    assert np.array_equal(tally.cut_off, cut_off)
    assert (cut_off > 10).all()
    assert tally.answered == pytest.approx(passed / (1.0 - share))
    assert tally.unattended == pytest.approx(lost + share * tally.answered)


def test_ours_keeps_a_day_under_the_cap_of_a_rule_that_estimates_persons_cut_off() -> None:
    scene = Scene(analysis_s=(2.0, 3.0), person_lost=0.01, thought_lost=0.01)
    course = Course(warm_s=0.0, day_s=2 * 3600.0, step_s=2.0)
    score = play(scene, [Entrant("ours", (10, 0.5), 3)], MAKERS, course)[0]
    assert score.days_counted == 3
    assert score.days_over == 0
    assert 0.012 < score.unattended[0] < 0.03
