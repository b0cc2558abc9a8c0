"""What rule windows leave, and the price it sets."""

import io
import math

import numpy as np
import pytest

from engine.pacing import DAY, ROLLING_24H, ROLLING_30D, Budgets, Window
from engine.pacing.budget import BUCKETS

HOUR_S = 3600.0


def test_below_34_answers_there_is_no_budget() -> None:
    budgets = Budgets(1, (DAY,), cap=0.03)
    budgets.count(0, 0.0, answered=33)
    assert budgets.prices(1.0).spent[0]
    budgets.count(0, 1.0, answered=1)
    assert not budgets.prices(2.0).spent[0]


def test_calls_in_flight_may_use_up_what_is_left() -> None:
    budgets = Budgets(1, (DAY,), cap=0.03)
    budgets.count(0, 0.0, answered=100)
    assert not budgets.prices(1.0, pending=1.9).spent[0]
    assert budgets.prices(1.0, pending=2.1).spent[0]


def test_the_tightest_window_counts() -> None:
    budgets = Budgets(1, (DAY, ROLLING_30D), cap=0.03)
    budgets.count(0, 0.0, answered=1000, unattended=28)
    budgets.restart(0, 0)
    budgets.count(0, 1.0, answered=500, unattended=0)
    assert budgets.prices(2.0).budget[0] == pytest.approx(0.03 * 500)
    budgets.count(0, 2.0, unattended=16)
    assert budgets.prices(3.0).budget[0] == pytest.approx(0.03 * 500 - 16)


def test_a_window_without_a_rule_does_not_count() -> None:
    budgets = Budgets(1, (DAY, ROLLING_24H), cap=0.03)
    budgets.set_caps(0, (0.05, math.nan))
    budgets.count(0, 0.0, answered=100, unattended=4)
    assert budgets.prices(1.0).budget[0] == pytest.approx(1.0)


def test_a_campaign_without_any_rule_has_no_budget_known() -> None:
    budgets = Budgets(1, (DAY,))
    budgets.set_caps(0, (math.nan,))
    budgets.count(0, 0.0, answered=1000)
    assert budgets.prices(1.0).spent[0]


def test_a_rolling_window_forgets_what_fell_out() -> None:
    budgets = Budgets(1, (ROLLING_24H,), cap=0.03)
    budgets.count(0, 0.0, answered=1000, unattended=40)
    assert budgets.prices(23 * HOUR_S).budget[0] < 0
    budgets.count(0, 23 * HOUR_S, answered=100)
    assert budgets.prices(25 * HOUR_S).budget[0] == pytest.approx(3.0)


@pytest.mark.parametrize("unattended", [0, 60])
def test_a_bucket_partly_out_counts_as_leaves_less(unattended: int) -> None:
    window = Window("an hour", HOUR_S)
    budgets = Budgets(1, (window,), cap=0.03)
    budgets.count(0, 1.0, answered=1000, unattended=unattended)
    partly_out_s = HOUR_S + HOUR_S / BUCKETS / 2
    expected = min(0.0, 0.03 * 1000 - unattended)
    assert budgets.prices(partly_out_s).budget[0] == pytest.approx(expected)


def test_the_price_rises_with_what_is_left() -> None:
    budgets = Budgets(5, (DAY,), cap=0.03)
    budgets.count(np.arange(5), 0.0, answered=1000, unattended=np.array([29, 28, 27, 25, 23]))
    tau = budgets.prices(1.0).tau
    assert (np.diff(tau) > 0).all()
    assert (tau > 0).all()
    assert (tau < 1).all()


def price_after(unattended_every: int) -> float:
    """The price on a new morning, after a day with one unattended call in so many answers."""
    budgets = Budgets(1, (DAY,), cap=0.03)
    for step in range(1, 2000):
        lost = int(step % unattended_every == 0)
        budgets.count(0, step * 10.0, answered=1, unattended=lost)
        budgets.prices(step * 10.0)
    budgets.restart(0, 0)
    budgets.count(0, 20_000.0, answered=300, unattended=4)
    return float(budgets.prices(20_000.0).tau[0])


def test_a_lasting_surplus_raises_the_reference_price_and_a_deficit_lowers_it() -> None:
    assert price_after(80) > 1.2 * price_after(30)


def test_a_restart_has_the_same_budget() -> None:
    windows = (DAY, ROLLING_24H, ROLLING_30D)
    budgets = Budgets(3, windows, cap=0.03)
    rows = np.array([0, 1, 2, 1])
    for step in range(200):
        budgets.count(rows, step * 600.0, answered=np.array([3, 5, 7, 1]), unattended=step % 9 == 0)
        budgets.prices(step * 600.0)
    again = Budgets.from_bytes(budgets.to_bytes(), windows)
    before, after = budgets.prices(130_000.0), again.prices(130_000.0)
    assert np.array_equal(before.tau, after.tau)
    assert np.array_equal(before.budget, after.budget)
    assert all(map(np.array_equal, budgets.counts(), again.counts()))


def test_a_cleared_row_has_nothing_left_of_the_last_campaign() -> None:
    budgets = Budgets(2, (DAY, ROLLING_24H))
    budgets.count(np.array([0, 1]), 0.0, answered=500, unattended=3)
    budgets.clear(0)
    answered, unattended = budgets.counts()
    assert answered[0].sum() == unattended[0].sum() == 0
    assert answered[1, 0] == 500


def test_more_campaigns_leave_the_others_as_they_are() -> None:
    budgets = Budgets(2, (DAY, ROLLING_24H), cap=0.03)
    budgets.count(np.array([0, 1]), 0.0, answered=np.array([300, 600]), unattended=5)
    before = budgets.prices(1.0)
    budgets = budgets.grown(4, cap=0.05)
    after = budgets.prices(1.0)
    assert np.allclose(before.budget, after.budget[:2])
    assert np.allclose(before.tau, after.tau[:2])
    assert after.spent[2:].all()
    assert budgets.caps[3].tolist() == [0.05, 0.05]


def test_persons_cut_off_by_analysis_count_in_both_numbers() -> None:
    """Ofcom: (A + FP) / (A + FP + L); of 100 persons passed on at f = 0.2, 25 were cut off."""
    budgets = Budgets(1, (DAY, ROLLING_24H), cap=0.3)
    budgets.set_false_machines(0, (0.0, 0.2))
    budgets.count(0, 0.0, answered=140, unattended=3, passed=100)
    answered, unattended = budgets.counts()
    assert answered[0].tolist() == [140.0, 165.0]
    assert unattended[0].tolist() == [3.0, 28.0]
    assert budgets.prices(1.0).budget[0] == pytest.approx(0.3 * 165 - 28)


def test_a_better_estimate_mends_the_past_too() -> None:
    budgets = Budgets(1, (DAY,), cap=0.03)
    budgets.count(0, 0.0, answered=1000, passed=1000)
    left = []
    for ratio in (0.0, 0.02, 0.01):
        budgets.set_false_machines(0, (ratio,))
        left.append(budgets.prices(1.0).budget[0])
    assert left == pytest.approx([30.0, 30.0 - 0.97 * 1000 * 2 / 98, 30.0 - 0.97 * 1000 / 99])


def test_where_analysis_alone_breaks_the_cap_no_call_goes_ahead() -> None:
    budgets = Budgets(1, (DAY,), cap=0.03)
    budgets.set_false_machines(0, (0.04,))
    budgets.count(0, 0.0, answered=10_000, passed=10_000)
    prices = budgets.prices(1.0)
    assert prices.spent[0]
    assert prices.budget[0] < -100.0


def test_where_no_window_counts_them_prices_are_those_of_old() -> None:
    told, plain = Budgets(1, (DAY, ROLLING_24H)), Budgets(1, (DAY, ROLLING_24H))
    for step in range(500):
        told.count(0, step * 60.0, answered=3, unattended=step % 12 == 0, passed=2)
        plain.count(0, step * 60.0, answered=3, unattended=step % 12 == 0)
        one, other = told.prices(step * 60.0), plain.prices(step * 60.0)
        assert (one.tau, one.budget, one.spent) == (other.tau, other.budget, other.spent)


def test_what_is_left_of_the_cap_is_priced_as_a_smaller_cap() -> None:
    """With every answer analysed the rule is one of a cap of c - f / (1 - f) (1 - c)."""
    counting, smaller = Budgets(1, (DAY,), cap=0.03), Budgets(1, (DAY,), cap=0.03 - 0.97 / 99)
    counting.set_false_machines(0, (0.01,))
    for step in range(2000):
        for budgets, passed in ((counting, 3), (smaller, 0)):
            lost = step % 20 == 0
            budgets.count(0, step * 10.0, answered=3, unattended=lost, passed=passed)
        one, other = counting.prices(step * 10.0), smaller.prices(step * 10.0)
        assert one.budget == pytest.approx(other.budget)
        assert one.tau == pytest.approx(other.tau)


def test_budgets_kept_before_rules_could_count_them_are_taken_up() -> None:
    budgets = Budgets(1, (DAY,), cap=0.03)
    budgets.count(0, 0.0, answered=700, unattended=4)
    with np.load(io.BytesIO(budgets.to_bytes())) as parts:
        old = {name: part for name, part in parts.items() if name not in ("passed", "cut_off")}
    packed = io.BytesIO()
    np.savez(packed, **old)
    again = Budgets.from_bytes(packed.getvalue(), (DAY,))
    assert again.prices(1.0).budget[0] == pytest.approx(17.0)


def test_persons_passed_on_outlive_a_restart_and_leave_the_window() -> None:
    budgets = Budgets(1, (ROLLING_24H,), cap=0.03)
    budgets.set_false_machines(0, (0.01,))
    budgets.count(0, 0.0, answered=990, passed=990)
    again = Budgets.from_bytes(budgets.to_bytes(), (ROLLING_24H,))
    assert again.counts()[1][0, 0] == pytest.approx(10.0)
    again.recall(0, 1.0, unattended=False, today=True, passed=True)
    assert again.counts()[1][0, 0] == pytest.approx(991 / 99)
    again.prices(25.0 * HOUR_S)
    assert again.counts()[1][0, 0] == 0.0
