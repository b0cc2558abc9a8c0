"""Histograms, sets of rows and sliding windows."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.metrics import Histogram
from engine.metrics.histogram import bounds
from engine.metrics.tallies import Recent, RowSet


@given(st.lists(st.integers(0, 5_000)))
def test_a_row_set_is_a_set(rows: list[int]) -> None:
    made, plain = RowSet(), set[int]()
    for row in rows:
        assert made.add(row) == (row not in plain)
        plain.add(row)
    assert made.count == len(plain)


@given(st.lists(st.integers(0, 4_000), max_size=60), st.integers(0, 4_000))
def test_a_window_holds_the_bins_that_end_now(instants: list[int], later: int) -> None:
    window = Recent(bin_s=10, bins=6)
    now_s = max(instants, default=0) + later
    for at_s in sorted(instants):
        window.add(at_s)
    last = now_s // 10
    assert window.total(now_s) == sum(last - 6 < at // 10 <= last for at in instants)


def test_a_quantile_is_right_to_the_width_of_a_bucket() -> None:
    generator = random.Random(7)
    values = sorted(generator.expovariate(1.0) for _ in range(20_000))
    histogram = Histogram()
    for value in values:
        histogram.add(value)
    for share in (0.1, 0.5, 0.9, 0.99):
        exact = values[int(share * len(values))]
        assert histogram.quantile(share) == pytest.approx(exact, rel=0.13)
    assert histogram.quantile(1.0) == values[-1]
    assert histogram.mean == pytest.approx(sum(values) / len(values))


def test_merged_histograms_are_one() -> None:
    one, two, both = Histogram(), Histogram(), Histogram()
    for value in (0.001, 0.5, 7.0):
        one.add(value)
        both.add(value)
    for value in (0.002, 9_999.0):
        two.add(value)
        both.add(value)
    one.merge(two)
    assert [one.quantile(q) for q in (0.2, 0.6, 1.0)] == [both.quantile(q) for q in (0.2, 0.6, 1.0)]
    assert (one.count, one.highest) == (5, 9_999.0)


def test_an_empty_histogram_has_no_quantile() -> None:
    assert Histogram().quantile(0.5) is None
    assert Histogram().mean is None


def test_bounds_that_do_not_grow_are_refused() -> None:
    with pytest.raises(ValueError, match="grow"):
        Histogram([1.0, 1.0])
    with pytest.raises(ValueError, match="bounds"):
        Histogram([1.0]).merge(Histogram(bounds()))
