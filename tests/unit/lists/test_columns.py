"""Columns: whole through the store, growing, and damaged blobs are noticed."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.domain.refusals import InvalidRequestError
from engine.lists.calendar import SLOT_S, Calendar
from engine.lists.columns import Grown, ListColumns, decode, encode, join, select
from tests.unit.lists.builders import FIRST_NUMBER, columns_of, plain

SAMPLE = columns_of(
    [[(0, "home"), (1, "mobile")], [(2, "mobile")], [(3, "home"), (4, "home")]],
    [("Europe/Madrid",), (), ("Europe/Madrid", "UTC")],
    priority=[1],
)


def test_a_list_knows_shapes_zones_and_places_of_numbers() -> None:
    columns = ListColumns()
    assert columns.append(SAMPLE) == range(3)
    assert columns.append(decode(encode(SAMPLE))) == range(3, 6)
    assert columns.first.tolist() == [0, 2, 3, 5, 7, 8, 10]
    assert columns.numbers.tolist() == [FIRST_NUMBER + n for n in range(5)] * 2
    shapes = [columns.shapes.values[code] for code in columns.shape]
    names = [tuple(columns.types.values[code] for code in shape) for shape in shapes]
    assert names == [("home", "mobile"), ("mobile",), ("home", "home")] * 2
    zones = [columns.zone_sets.values[code] for code in columns.zones]
    assert zones == [("Europe/Madrid",), (), ("Europe/Madrid", "UTC")] * 2
    assert columns.priority.tolist() == [False, True, False] * 2


def test_lists_meet_types_and_zones_in_any_order() -> None:
    columns = ListColumns()
    columns.append(columns_of([[(0, "work")]], ("UTC",)))
    columns.append(columns_of([[(1, "home")], [(2, "work")]], [("Asia/Tokyo",), ("UTC",)]))
    assert [columns.types.values[code] for code in columns.number_types] == ["work", "home", "work"]
    assert [columns.zone_sets.values[code][0] for code in columns.zones] == [
        "UTC",
        "Asia/Tokyo",
        "UTC",
    ]


def test_growth_keeps_what_was_there() -> None:
    columns = ListColumns()
    for first in range(0, 5_000, 100):
        columns.append(columns_of(plain(100, begin=first)))
    assert columns.numbers.tolist() == list(range(FIRST_NUMBER, FIRST_NUMBER + 5_000))


@pytest.mark.parametrize("held", [False, True], ids=["moved", "copied, as a view is held"])
def test_a_long_column_grows_and_keeps_its_values(held: bool) -> None:
    column = Grown(np.uint64)
    views = []
    for first in range(0, 600_000, 20_000):
        column.extend(np.arange(first, first + 20_000, dtype=np.uint64))
        if held:
            views.append(column.used)
    column.grow(500_000)
    assert (column.used[:600_000] == np.arange(600_000)).all()
    assert not column.used[600_000:].any()
    assert all((view == np.arange(len(view))).all() for view in views)
    column.used[0] = 7
    assert column.used[0] == 7


def test_a_selection_of_records_and_their_joining_are_inverse() -> None:
    keep = np.array([True, False, True])
    parts = [select(SAMPLE, np.array([row == place for row in range(3)])) for place in (0, 2)]
    assert encode(join(parts)) == encode(join([select(SAMPLE, keep)]))
    assert len(join([])) == 0


@given(place=st.integers(0, 10_000), octet=st.integers(0, 255))
def test_a_damaged_blob_is_refused_or_still_consistent(place: int, octet: int) -> None:
    blob = bytearray(encode(SAMPLE))
    blob[place % len(blob)] = octet
    try:
        columns = decode(bytes(blob))
    except InvalidRequestError:
        return
    ListColumns().append(columns)


@pytest.mark.parametrize("size", range(0, 200, 7))
def test_a_torn_blob_is_refused(size: int) -> None:
    with pytest.raises(InvalidRequestError, match="unreadable"):
        decode(encode(SAMPLE)[:size])


@given(
    waits=st.lists(st.tuples(st.integers(0, 19), st.floats(0, 400)), max_size=60),
    steps=st.lists(st.floats(0.1, 90), min_size=1, max_size=12),
)
def test_a_calendar_gives_each_row_once_at_its_last_time(
    waits: list[tuple[int, float]], steps: list[float]
) -> None:
    calendar, next_s = Calendar(), np.full(20, np.inf)
    for row, due_s in waits:
        next_s[row] = due_s
        calendar.add(row, due_s)
    now_s, waiting = 0.0, set(np.flatnonzero(next_s < np.inf).tolist())
    for step_s in [*steps, 500.0]:
        now_s += step_s
        found = []
        for due_s, row in calendar.pop_due(next_s, now_s, 1_000):
            assert due_s == next_s[row] <= now_s
            next_s[row] = np.inf
            found.append(row)
        assert set(found) <= waiting
        assert len(found) == len(set(found))
        waiting -= set(found)
        assert all(next_s[row] > now_s for row in waiting)
        assert all(calendar.next_due_s() <= next_s[row] for row in waiting)
    assert waiting == set()
    assert calendar.next_due_s() == float("inf")
    assert SLOT_S > 0
