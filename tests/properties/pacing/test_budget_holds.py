"""What holds of budgets for every course of events (invariant A3: recomputed from events alike)."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from engine.pacing import DAY, Budgets, Window

WINDOW_S = 3600.0
events = st.lists(
    st.tuples(st.floats(0, 600), st.integers(0, 20), st.integers(0, 3)), min_size=1, max_size=60
)


@given(events)
def test_a_rolling_budget_is_never_kinder_than_the_true_window(
    course: list[tuple[float, int, int]],
) -> None:
    budgets = Budgets(1, (Window("an hour", WINDOW_S),), cap=0.1)
    now_s, told = 0.0, []
    for step_s, answered, unattended in course:
        now_s += step_s
        budgets.count(0, now_s, answered=answered, unattended=unattended)
        told.append((now_s, answered, unattended))
        true = sum(0.1 * a - u for at_s, a, u in told if at_s > now_s - WINDOW_S)
        slack = 0.1 * sum(a for at_s, a, _ in told if at_s > now_s - WINDOW_S * 50 / 48)
        left = float(budgets.prices(now_s).budget[0])
        edge = [
            0.1 * a - u
            for at_s, a, u in told
            if now_s - WINDOW_S * 50 / 48 <= at_s <= now_s - WINDOW_S * 46 / 48
        ]
        # Only the bucket at the edge may make a difference, and only within what it holds.
        assert left <= true + sum(max(0.0, part) for part in edge) + 1e-9
        assert left >= true - sum(abs(part) for part in edge) - 1e-9
        assert left <= slack + 1e-9


@given(events)
def test_a_day_is_recomputed_from_its_events(course: list[tuple[float, int, int]]) -> None:
    budgets = Budgets(1, (DAY,), cap=0.03)
    for at, (_, answered, unattended) in enumerate(course):
        budgets.count(0, float(at), answered=answered, unattended=unattended)
    expected = sum(0.03 * answered - unattended for _, answered, unattended in course)
    assert np.isclose(budgets.prices(100.0).budget[0], expected)


@given(
    st.lists(
        st.tuples(st.integers(0, 20), st.integers(0, 20), st.integers(0, 3)),
        min_size=1, max_size=60,
    ),
    st.floats(0.0, 0.5),
    st.floats(0.01, 0.5),
)  # fmt: skip
def test_a_rule_that_counts_cut_off_persons_is_recomputed_from_its_events(
    course: list[tuple[int, int, int]], ratio: float, cap: float
) -> None:
    """Persons are those passed on and those cut off; the fraction is the regulator's own."""
    budgets = Budgets(1, (DAY,), cap=cap)
    budgets.set_false_machines(0, (ratio,))
    for at, (passed, others, lost) in enumerate(course):
        budgets.count(0, float(at), answered=passed + others, unattended=lost, passed=passed)
    persons = sum(passed for passed, _, _ in course) / (1.0 - ratio)  # all who were analysed
    answered = persons + sum(others for _, others, _ in course)
    unattended = sum(lost for *_, lost in course) + ratio * persons
    left = float(budgets.prices(100.0).budget[0])
    assert np.isclose(left, cap * answered - unattended, atol=1e-6)
    assert np.allclose([part[0, 0] for part in budgets.counts()], [answered, unattended])


@given(st.integers(0, 2000), st.integers(0, 80), st.floats(0, 30))
def test_a_spent_budget_never_lets_a_call_go_ahead(
    answered: int, unattended: int, pending: float
) -> None:
    budgets = Budgets(1, (DAY,), cap=0.03)
    budgets.count(0, 0.0, answered=answered, unattended=unattended)
    prices = budgets.prices(1.0, pending=pending)
    assert bool(prices.spent[0]) == (prices.budget[0] < 1.0 + pending)
    assert 0.0 < prices.tau[0] < 1.0
