"""What is learned of answers and times, what is forgotten, and that it survives a restart."""

import numpy as np
import pytest

from engine.pacing import Learner, Priors
from engine.pacing.grid import AGES, POINTS_S, SPANS
from engine.pacing.laws import life_table

NOTHING = np.zeros((1, AGES))


def run(learner: Learner, answer_p: float, attempts: int, start_s: float, every_s: float) -> float:
    """Let attempts end one after the other, answers evenly among them."""
    now_s, debt = start_s, 0.0
    for _ in range(attempts):
        now_s += every_s
        debt += answer_p
        if debt >= 1.0:
            debt -= 1.0
            learner.attempt_answered(0, 8.0)
        else:
            learner.attempt_ended(0, 20.0)
        learner.tick(now_s, NOTHING)
    return now_s


def test_the_chance_of_an_answer_is_learned() -> None:
    learner = Learner(1, Priors(answer_p=0.5))
    run(learner, 0.1, 1500, 0.0, 1.0)
    laws = learner.laws()
    assert laws.answer_p[0] == pytest.approx(0.1, abs=0.03)
    assert 0.003 < laws.answer_p_error[0] < 0.03


def test_a_step_is_followed_within_minutes() -> None:
    learner = Learner(1)
    now_s = run(learner, 0.1, 3600, 0.0, 1.0)
    run(learner, 0.4, 300, now_s, 1.0)
    assert learner.laws().answer_p[0] > 0.25


def test_attempts_in_flight_do_not_pull_the_estimate_down() -> None:
    learner = Learner(1)
    now_s = run(learner, 0.3, 1000, 0.0, 1.0)
    before = learner.laws().answer_p[0]
    flying = np.zeros((1, AGES))
    flying[0, 0] = 400
    for _ in range(50):
        now_s += 0.01
        learner.tick(now_s, flying)
    assert learner.laws().answer_p[0] == pytest.approx(before, abs=0.02)


def test_a_campaign_is_warm_after_twenty_answers() -> None:
    learner = Learner(2)
    learner.attempt_answered(np.full(20, 1), np.full(20, 9.0))
    assert learner.laws().warm.tolist() == [False, True]


def test_the_answer_law_moves_to_what_is_seen() -> None:
    learner = Learner(1)
    learner.attempt_answered(np.zeros(1000, dtype=np.int64), np.full(1000, 5.5))
    learner.rebuild(np.array([0]))
    laws = learner.laws()
    assert (laws.weights[0] * POINTS_S).sum() == pytest.approx(5.8, abs=0.5)
    assert laws.weights.sum() == pytest.approx(1.0)


def test_histograms_forget() -> None:
    learner = Learner(1)
    zeros = np.zeros(9000, dtype=np.int64)
    learner.talk_ended(zeros, np.full(9000, 30.5))
    learner.rebuild(np.array([0]))
    learner.talk_ended(zeros[:6000], np.full(6000, 100.5))
    learner.rebuild(np.array([0]))
    span_30 = learner.laws().talk_free[0, :10]
    assert span_30.max() < 0.6


def test_talks_still_running_lengthen_the_law() -> None:
    ended = np.zeros((1, SPANS))
    ended[0, 5] = 10
    running = np.zeros((1, SPANS))
    running[0, 20] = 30
    alone = life_table(ended)[0, 6]
    assert alone == pytest.approx(1.0)
    assert life_table(ended, running)[0, 6] == pytest.approx(0.25)


def test_a_new_campaign_starts_like_another() -> None:
    learner = Learner(2)
    run(learner, 0.05, 2000, 0.0, 1.0)
    learner.talk_ended(np.zeros(500, dtype=np.int64), np.full(500, 300.0))
    learner.begin_like(1, 0)
    laws = learner.laws()
    assert laws.answer_p[1] == pytest.approx(laws.answer_p[0])
    assert not laws.warm[1]


def test_a_restart_paces_as_before() -> None:
    learner = Learner(3)
    rows = np.arange(300) % 3
    learner.attempt_answered(rows, np.linspace(1, 30, 300))
    learner.acw_ended(rows, np.linspace(1, 60, 300))
    learner.tick(5.0, np.zeros((3, AGES)))
    learner.rebuild(np.arange(3))
    again = Learner.from_bytes(learner.to_bytes())
    for step in (6.0, 80.0):
        learner.tick(step, np.ones((3, AGES)))
        again.tick(step, np.ones((3, AGES)))
        before, after = learner.laws(), again.laws()
        assert np.allclose(before.answer_p, after.answer_p)
        assert np.allclose(before.gain, after.gain)
        assert np.allclose(before.acw_free, after.acw_free)


def test_more_campaigns_leave_the_others_as_they_are() -> None:
    learner = Learner(2)
    run(learner, 0.2, 500, 0.0, 1.0)
    before = learner.laws()
    known = (before.answer_p.copy(), before.talk_free.copy(), before.gain.copy())
    learner = learner.grown(5)
    after = learner.laws()
    assert learner.campaigns == 5
    assert np.array_equal(known[0], after.answer_p[:2])
    assert np.array_equal(known[1], after.talk_free[:2])
    assert np.array_equal(known[2], after.gain[:2])
    learner.tick(501.0, np.zeros((5, AGES)))
    assert learner.laws().answer_p[4] == pytest.approx(Priors().answer_p)


def test_a_call_that_may_wait_longer_finds_more_agents_free() -> None:
    learner = Learner(2)
    learner.set_patience(1, 10.0)
    laws = learner.laws()
    assert (laws.acw_free[1] >= laws.acw_free[0] - 1e-6).all()
    assert laws.acw_free[1, 3, 0] > laws.acw_free[0, 3, 0] + 0.1
