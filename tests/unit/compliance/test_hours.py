"""Calling hours: phone types, refusals, days at the called place, and the words of a verdict."""

from datetime import UTC, datetime

import pytest

from engine.compliance.hours import CallingHours, check_hours
from engine.compliance.zone_data import zone_data_version
from engine.domain.refusals import InvalidHoursError
from engine.domain.specs import HoursRow

NOON_UTC = datetime(2026, 6, 1, 12, tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    "row",
    [
        pytest.param(HoursRow(opens_s=72_000, closes_s=28_800), id="over midnight"),
        pytest.param(HoursRow(opens_s=0, closes_s=86_401), id="past the day"),
        pytest.param(HoursRow(opens_s=-1, closes_s=60), id="before the day"),
        pytest.param(HoursRow(opens_s=60, closes_s=60), id="no time at all"),
        pytest.param(HoursRow(opens_s=0, closes_s=60, days=()), id="no day"),
        pytest.param(HoursRow(opens_s=0, closes_s=60, days=(7,)), id="an eighth day"),
    ],
)
def test_rows_that_mean_nothing_are_refused(row: HoursRow) -> None:
    with pytest.raises(InvalidHoursError, match="row 2"):
        check_hours((HoursRow(opens_s=0, closes_s=60), row))


def test_a_row_holds_for_its_phone_types_only() -> None:
    rows = (HoursRow(opens_s=0, closes_s=86_400, phone_types=("home", "work")),)
    hours = CallingHours(rows, 0.0)
    assert hours.opening("home", ("Europe/Madrid",), NOON_UTC).open
    assert not hours.opening("mobile", ("Europe/Madrid",), NOON_UTC).open


def test_without_rows_nothing_may_be_called() -> None:
    assert not CallingHours((), 0.0).opening("home", ("Europe/Madrid",), NOON_UTC).open


def test_hours_that_never_close_stay_open_and_say_when_to_ask_again() -> None:
    hours = CallingHours((HoursRow(opens_s=0, closes_s=86_400),), 60.0)
    answer = hours.opening("home", ("Europe/Madrid",), NOON_UTC)
    assert answer.open
    assert answer.changes_s > NOON_UTC + 6 * 86_400
    assert hours.opening("home", ("Europe/Madrid",), answer.changes_s).open


def test_an_earlier_instant_is_not_answered_from_what_was_kept() -> None:
    hours = CallingHours((HoursRow(opens_s=32_400, closes_s=43_200),), 0.0)
    assert not hours.opening("home", ("UTC",), NOON_UTC).open
    assert hours.opening("home", ("UTC",), NOON_UTC - 1).open


def test_a_day_at_the_called_place_may_be_two_days() -> None:
    hours = CallingHours((), 0.0)
    zones = ("Pacific/Kiritimati", "America/Los_Angeles")
    first, last = hours.days(zones, NOON_UTC)
    assert last == first + 1
    ends_s = hours.day_ends_s(zones, last)
    assert hours.days(zones, ends_s - 60)[0] == last
    assert hours.days(zones, ends_s)[0] == last + 1


def test_without_a_zone_the_day_is_that_of_utc() -> None:
    hours = CallingHours((), 0.0)
    day = int(NOON_UTC // 86_400)
    assert hours.days((), NOON_UTC) == (day, day)
    assert hours.day_ends_s((), day) == (day + 1) * 86_400


def test_a_verdict_tells_zone_local_time_row_and_data() -> None:
    hours = CallingHours((HoursRow(opens_s=28_800, closes_s=75_600),), 60.0, "2026a")
    text = hours.describe("home", ("America/New_York", "Europe/Madrid"), NOON_UTC)
    assert text == (
        "America/New_York Mon 08:00:00 in 08:00-21:00; "
        "Europe/Madrid Mon 14:00:00 in 08:00-21:00 (tzdata 2026a)"
    )


def test_the_version_of_the_zone_data_is_known() -> None:
    assert zone_data_version()[:2] == "20"
