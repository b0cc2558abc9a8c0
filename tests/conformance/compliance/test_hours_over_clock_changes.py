"""T2 of the invariants: hours equal a table built by hand, minute by minute, at clock changes."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from engine.compliance.hours import CallingHours, allowed, offset_s
from engine.domain.specs import HoursRow

ZONES = (
    "America/New_York",
    "America/Phoenix",
    "America/Indiana/Indianapolis",
    "America/Kentucky/Louisville",
    "America/St_Johns",
    "America/Sao_Paulo",
    "Europe/London",
    "Europe/Madrid",
    "Atlantic/Canary",
    "Europe/Moscow",
    "Asia/Kolkata",
    "Asia/Kathmandu",
    "Australia/Lord_Howe",
    "Pacific/Apia",
    "Pacific/Kiritimati",
    "Indian/Reunion",
    "Antarctica/Troll",
)
ROWS = (
    HoursRow(opens_s=0, closes_s=5_400, days=(0, 6)),
    HoursRow(opens_s=8_100, closes_s=12_600),  # 02:15 to 03:30: inside most clock changes
    HoursRow(opens_s=32_400, closes_s=72_000, days=(0, 1, 2, 3, 4)),
    HoursRow(opens_s=36_000, closes_s=61_200, days=(5,)),
    HoursRow(opens_s=79_200, closes_s=86_400, days=(5, 6)),
)
FIRST = datetime(2026, 1, 1, tzinfo=UTC)
YEARS = 5
MINUTE_S = 60


def changes(zone: str) -> list[int]:
    """Return the hours within which the zone's offset changes, over five years; at least one."""
    place = ZoneInfo(zone)
    start_s = int(FIRST.timestamp())
    hours = range(start_s, start_s + YEARS * 366 * 86_400, 3_600)
    found = [at for at in hours if offset_s(place, at) != offset_s(place, at + 3_600)]
    return found or [start_s + 100 * 86_400]


def open_by_hand(zone: ZoneInfo, at_s: int) -> bool:
    local = datetime.fromtimestamp(at_s, UTC).astimezone(zone)
    second = local.hour * 3_600 + local.minute * 60 + local.second
    return any(local.weekday() in row.days and row.opens_s <= second < row.closes_s for row in ROWS)


@pytest.mark.parametrize("zone", ZONES)
def test_hours_equal_a_table_built_minute_by_minute(zone: str) -> None:
    hours = CallingHours(ROWS, 60.0)
    place = ZoneInfo(zone)
    for change_s in changes(zone):
        begin_s = change_s - 30 * 3_600
        table = [open_by_hand(place, begin_s + m * MINUTE_S) for m in range(60 * 60 + 1)]
        for minute in range(len(table) - 1):
            expected = table[minute] and table[minute + 1]  # the guard is one minute
            at_s = begin_s + minute * MINUTE_S
            answer = hours.opening("mobile", (zone,), at_s)
            assert answer.open == expected, datetime.fromtimestamp(at_s, place)
            assert answer.changes_s > at_s


@pytest.mark.parametrize("zone", ZONES)
def test_the_change_foretold_is_the_first_one(zone: str) -> None:
    place = ZoneInfo(zone)
    for change_s in changes(zone)[:4]:
        begin_s = change_s - 30 * 3_600
        now = CallingHours(ROWS, 0.0).opening("home", (zone,), begin_s)
        until = int(min(now.changes_s, begin_s + 5 * 86_400))
        steps = range(begin_s, until, MINUTE_S)
        assert all(open_by_hand(place, at_s) == now.open for at_s in steps)
        assert open_by_hand(place, int(now.changes_s)) != now.open


def test_every_place_the_person_may_be_in_must_allow() -> None:
    rows = (HoursRow(opens_s=32_400, closes_s=75_600),)  # 09:00 to 21:00
    both = ("America/New_York", "America/Los_Angeles")
    at = datetime(2026, 3, 2, 0, tzinfo=UTC)
    for minute in range(0, 14 * 24 * 60, 7):
        at_s = (at + timedelta(minutes=minute)).timestamp()
        each = [allowed(rows, "home", (zone,), at_s) for zone in both]
        assert allowed(rows, "home", both, at_s) == all(each)


def test_a_number_of_unknown_place_may_never_be_called() -> None:
    rows = (HoursRow(opens_s=0, closes_s=86_400),)
    assert not allowed(rows, "home", (), 1_800_000_000.0)
    assert not allowed(rows, "home", ("Mars/Olympus",), 1_800_000_000.0)
    assert allowed(rows, "home", ("Europe/Madrid",), 1_800_000_000.0)


@pytest.mark.parametrize("guard_s", [0.0, 60.0, 90.5])
def test_the_end_and_its_guard_are_excluded(guard_s: float) -> None:
    rows = (HoursRow(opens_s=28_800, closes_s=75_600),)  # 47 CFR 64.1200(c)(1): 08:00 to 21:00
    close_s = datetime(2026, 6, 1, 21, tzinfo=ZoneInfo("America/New_York")).timestamp()
    zones = ("America/New_York",)
    assert allowed(rows, "home", zones, close_s - guard_s - 0.001, guard_s)
    assert not allowed(rows, "home", zones, close_s - guard_s, guard_s)
    open_s = datetime(2026, 6, 1, 8, tzinfo=ZoneInfo("America/New_York")).timestamp()
    assert allowed(rows, "home", zones, open_s, guard_s)
    assert not allowed(rows, "home", zones, open_s - 0.001, guard_s)
