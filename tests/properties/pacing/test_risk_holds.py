"""What holds of the risk for every input: it rises, and both ways of working it out agree."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.pacing.grid import Floats
from engine.pacing.risk import (
    EXACT_VARIANCE,
    Sums,
    Trials,
    exact_risk,
    largest_by_series,
    largest_exactly,
    risk_of_next,
    spare_distribution,
    sum_trials,
    take_one,
)

chances = st.lists(st.floats(0.0, 0.95), max_size=24)
ONE: Floats = np.ones((1, 1))


def trials(values: list[float]) -> Trials:
    return Trials(np.ones((1, len(values))), np.array(values, dtype=np.float32)[None, :, None])


def difference(freed: Trials, asked: Trials) -> Sums:
    up, down = sum_trials(freed), sum_trials(asked)
    return Sums(
        up.mean - down.mean,
        up.variance + down.variance,
        up.third - down.third,
        up.fourth + down.fourth,
    )


@given(chances, chances, st.integers(-4, 12))
def test_each_further_call_carries_at_least_the_risk_of_the_one_before(
    freed: list[float], asked: list[float], spare: int
) -> None:
    cells = spare_distribution(np.array([spare]), trials(freed), trials(asked))
    before = exact_risk(cells, ONE)[0]
    after = exact_risk(take_one(cells, ONE * 0.4), ONE)[0]
    assert after >= before - 1e-12
    assert -1e-9 <= before <= 1 + 1e-9


@settings(max_examples=300)
@given(
    st.lists(st.floats(0.02, 0.6), min_size=14, max_size=40),
    st.lists(st.floats(0.02, 0.6), min_size=6, max_size=40),
    st.integers(-4, 6),
)
def test_the_series_equals_the_exact_answer_at_the_seam(
    freed: list[float], asked: list[float], spare: int
) -> None:
    base = difference(trials(freed), trials(asked))
    if base.variance[0, 0] < EXACT_VARIANCE:
        return
    cells = spare_distribution(np.array([spare]), trials(freed), trials(asked))
    series = risk_of_next(np.array([spare * 1.0]), base, np.zeros(1), ONE * 0.1, ONE)[0]
    assert abs(series - exact_risk(cells, ONE)[0]) < 5e-3


@given(chances, chances, st.integers(0, 8), st.floats(0.01, 0.5), st.floats(0.05, 0.9))
def test_the_largest_count_is_under_the_risk_and_one_more_is_not(
    freed: list[float], asked: list[float], spare: int, tau: float, new: float
) -> None:
    base = difference(trials(freed), trials(asked))
    room = np.array([40])
    at = np.array([spare * 1.0])
    found = largest_by_series(at, base, ONE * new, ONE, np.array([tau]), room)

    def risk(count: int) -> float:
        return float(risk_of_next(at, base, np.array([count - 1.0]), ONE * new, ONE)[0])

    if found[0]:
        assert risk(int(found[0])) <= tau
    cells = spare_distribution(np.array([spare]), trials(freed), trials(asked))
    exact = largest_exactly(cells, ONE * new, ONE, np.array([tau]), room)[0]
    assert 0 <= exact <= 40
    for _ in range(int(exact)):
        assert exact_risk(cells, ONE)[0] <= tau + 1e-9
        cells = take_one(cells, ONE * new)
    if exact < 40:
        assert exact_risk(cells, ONE)[0] > tau - 1e-9
