"""The risk of one more attempt, against what can be worked out by hand or drawn."""

import math

import numpy as np
import pytest

from engine.pacing.risk import (
    Trials,
    edgeworth_cdf,
    exact_risk,
    largest_by_series,
    largest_exactly,
    normal_cdf,
    spare_distribution,
    sum_trials,
)


def one_point(chances: list[float]) -> Trials:
    """Trials of one campaign at one answer point, one each."""
    return Trials(np.ones((1, len(chances))), np.array(chances, dtype=np.float32)[None, :, None])


@pytest.mark.parametrize("z", [-4.0, -1.3, 0.0, 0.4, 2.5])
def test_the_normal_law_is_right_to_a_millionth(z: float) -> None:
    assert normal_cdf(np.array([z]))[0] == pytest.approx(
        0.5 * (1 + math.erf(z / math.sqrt(2))), abs=1e-6
    )


def test_cumulants_of_equal_chances_are_those_of_a_binomial() -> None:
    sums = sum_trials(Trials(np.array([[7.0]]), np.full((1, 1, 1), 0.25, dtype=np.float32)))
    assert sums.mean[0, 0] == pytest.approx(7 * 0.25)
    assert sums.variance[0, 0] == pytest.approx(7 * 0.25 * 0.75)
    assert sums.third[0, 0] == pytest.approx(7 * 0.25 * 0.75 * 0.5)


def test_one_agent_ready_and_one_call_in_flight_leave_a_risk_of_that_call() -> None:
    cells = spare_distribution(np.array([1]), one_point([]), one_point([0.3]))
    assert exact_risk(cells, np.ones((1, 1)))[0] == pytest.approx(0.3)


def test_a_busy_agent_lowers_the_risk_by_its_chance_to_be_free() -> None:
    cells = spare_distribution(np.array([0]), one_point([0.6]), one_point([]))
    assert exact_risk(cells, np.ones((1, 1)))[0] == pytest.approx(0.4)


def test_a_queued_call_takes_the_agent_that_frees() -> None:
    cells = spare_distribution(np.array([-1]), one_point([0.6, 0.5]), one_point([]))
    assert exact_risk(cells, np.ones((1, 1)))[0] == pytest.approx(1 - 0.3)


def test_calls_up_to_the_agents_ready_carry_no_risk() -> None:
    cells = spare_distribution(np.array([3]), one_point([]), one_point([]))
    certain = np.ones((1, 1))
    found = largest_exactly(cells, certain, certain, np.array([0.0]), np.array([9]))
    assert found[0] == 3


def test_the_series_agrees_with_binomial_tails() -> None:
    chances = np.full((1, 1, 1), 0.2, dtype=np.float32)
    sums = sum_trials(Trials(np.array([[30.0]]), chances))
    for at in range(14):
        exact = sum(math.comb(30, k) * 0.2**k * 0.8 ** (30 - k) for k in range(at + 1))
        assert edgeworth_cdf(np.array([[at * 1.0]]), sums)[0, 0] == pytest.approx(exact, abs=5e-4)


def test_no_room_starts_no_call() -> None:
    sums = sum_trials(one_point([0.1]))
    ones = np.ones((1, 1))
    found = largest_by_series(
        np.array([5.0]), sums, ones * 0.1, ones, np.array([0.5]), np.array([0])
    )
    assert found[0] == 0
