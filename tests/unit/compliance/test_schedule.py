"""Schedule edges: across midnight, weeks, and clock changes, against a search second by second."""

from datetime import UTC, datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.compliance.hours import offset_s
from engine.compliance.schedule import (
    Edge,
    check_windows,
    edges_between,
    first_instant,
    next_edge,
)
from engine.domain.refusals import InvalidHoursError
from engine.domain.specs import RunWindow

AFTERNOON = RunWindow(starts_s=14 * 3_600, stops_s=18 * 3_600)
DAY_S = 86_400
ZONES = ("America/New_York", "Europe/Madrid", "Australia/Lord_Howe", "Antarctica/Troll", "UTC")


def instant(
    zone: str, year: int, month: int, day: int, hour: int = 0, minute: int = 0, fold: int = 0
) -> float:
    return datetime(year, month, day, hour, minute, tzinfo=ZoneInfo(zone), fold=fold).timestamp()


def test_a_daily_window_gives_two_edges_a_day() -> None:
    begin_s = instant("Europe/Madrid", 2026, 6, 1)
    assert edges_between((AFTERNOON,), "Europe/Madrid", begin_s, begin_s + 2 * DAY_S) == [
        Edge(instant("Europe/Madrid", 2026, 6, 1, 14), True),
        Edge(instant("Europe/Madrid", 2026, 6, 1, 18), False),
        Edge(instant("Europe/Madrid", 2026, 6, 2, 14), True),
        Edge(instant("Europe/Madrid", 2026, 6, 2, 18), False),
    ]


def test_a_window_over_midnight_stops_on_the_next_day() -> None:
    night = RunWindow(starts_s=22 * 3_600, stops_s=6 * 3_600, days=(4,))
    begin_s = instant("UTC", 2026, 6, 1)
    assert edges_between((night,), "UTC", begin_s, begin_s + 7 * DAY_S) == [
        Edge(instant("UTC", 2026, 6, 5, 22), True),
        Edge(instant("UTC", 2026, 6, 6, 6), False),
    ]


def test_an_edge_is_after_its_begin_and_may_be_at_its_end() -> None:
    edge_s = instant("UTC", 2026, 6, 1, 14)
    assert edges_between((AFTERNOON,), "UTC", edge_s, edge_s + 60) == []
    assert edges_between((AFTERNOON,), "UTC", edge_s - 60, edge_s) == [Edge(edge_s, True)]


def test_windows_that_touch_stop_and_start_again() -> None:
    windows = (AFTERNOON, RunWindow(starts_s=18 * 3_600, stops_s=20 * 3_600))
    begin_s = instant("UTC", 2026, 6, 1, 17)
    edges = edges_between(windows, "UTC", begin_s, begin_s + 2 * 3_600)
    assert [edge.start for edge in edges] == [False, True]


def test_an_edge_inside_a_gap_is_at_the_first_instant_after_it() -> None:
    windows = (RunWindow(starts_s=2 * 3_600 + 1_800, stops_s=2 * 3_600 + 2_700),)
    begin_s = instant("America/New_York", 2026, 3, 8)
    after_gap_s = instant("America/New_York", 2026, 3, 8, 3)
    assert edges_between(windows, "America/New_York", begin_s, begin_s + DAY_S / 2) == [
        Edge(after_gap_s, True),
        Edge(after_gap_s, False),
    ]


def test_an_edge_that_happens_twice_is_meant_the_first_time() -> None:
    windows = (RunWindow(starts_s=3_600 + 1_800, stops_s=4 * 3_600),)
    begin_s = instant("America/New_York", 2026, 11, 1)
    assert edges_between(windows, "America/New_York", begin_s, begin_s + DAY_S / 2) == [
        Edge(instant("America/New_York", 2026, 11, 1, 1, 30, fold=0), True),
        Edge(instant("America/New_York", 2026, 11, 1, 4), False),
    ]


def test_the_next_edge_is_found_a_week_ahead_and_none_without_a_schedule() -> None:
    only_monday = RunWindow(starts_s=14 * 3_600, stops_s=18 * 3_600, days=(0,))
    evening_s = instant("UTC", 2026, 6, 1, 18)
    assert next_edge((only_monday,), "UTC", evening_s) == Edge(
        evening_s + 7 * DAY_S - 4 * 3_600, True
    )
    assert next_edge((), "UTC", evening_s) is None


@pytest.mark.parametrize(
    "window",
    [
        pytest.param(RunWindow(starts_s=86_400, stops_s=0), id="start past the day"),
        pytest.param(RunWindow(starts_s=0, stops_s=-1), id="stop before the day"),
        pytest.param(RunWindow(starts_s=0, stops_s=60, days=()), id="no day"),
        pytest.param(RunWindow(starts_s=0, stops_s=60, days=(9,)), id="a tenth day"),
    ],
)
def test_windows_that_mean_nothing_are_refused(window: RunWindow) -> None:
    with pytest.raises(InvalidHoursError, match="window 1"):
        check_windows((window,))


@given(
    zone=st.sampled_from(ZONES),
    day=st.integers(0, 365),
    second=st.integers(0, DAY_S // 300 - 1).map(lambda five: five * 300),
)
def test_an_edge_is_the_first_instant_that_shows_its_local_time(
    zone: str, day: int, second: int
) -> None:
    place = ZoneInfo(zone)
    local_s = int(datetime(2026, 1, 1, tzinfo=UTC).timestamp()) + day * DAY_S + second
    found_s = first_instant(zone, local_s)
    steps = range(local_s - 16 * 3_600, local_s + 16 * 3_600, 300)
    brute_s = next(at for at in steps if at + offset_s(place, at) >= local_s)
    assert found_s == brute_s


@given(
    zone=st.sampled_from(ZONES),
    cuts=st.lists(st.integers(0, 400 * 24), min_size=2, max_size=12, unique=True),
)
def test_however_time_is_cut_the_same_edges_pass_once(zone: str, cuts: list[int]) -> None:
    base_s = datetime(2026, 1, 1, tzinfo=UTC).timestamp()
    windows = (AFTERNOON, RunWindow(starts_s=9_000, stops_s=5_400, days=(5, 6)))
    bounds = [base_s + cut * 3_600 for cut in sorted(cuts)]
    whole = edges_between(windows, zone, bounds[0], bounds[-1])
    parts = [edge for a, b in pairwise(bounds) for edge in edges_between(windows, zone, a, b)]
    assert parts == whole
