"""What users type, as the API takes it."""

import pytest
import typer

from clients.cli.explain import record_of
from clients.cli.forms import analysis, calling_hours, duration, rule_window, run_window
from clients.cli.importing import _mapping
from gateway.pb.paceline.v1 import campaigns_pb2 as pb
from gateway.pb.paceline.v1 import lists_pb2


def test_hours_have_a_span_days_and_phone_types_in_any_order() -> None:
    hours = calling_hours("mobile sat-mon 09:30-17:00, home")
    assert (hours.opens.seconds, hours.closes.seconds) == (34_200, 61_200)
    assert list(hours.days) == [pb.WEEKDAY_SATURDAY, pb.WEEKDAY_SUNDAY, pb.WEEKDAY_MONDAY]
    assert list(hours.phone_types) == ["mobile", "home"]


def test_hours_may_last_all_day() -> None:
    assert calling_hours("00:00-24:00").closes.seconds == 86_400


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="nothing"),
        pytest.param("mon-fri", id="no span"),
        pytest.param("20:00-09:00", id="closes before it opens"),
        pytest.param("09:00-25:00", id="past midnight"),
    ],
)
def test_wrong_hours_are_bad_usage(text: str) -> None:
    with pytest.raises(typer.BadParameter):
        calling_hours(text)


def test_a_schedule_may_pass_midnight_and_has_no_phone_types() -> None:
    window = run_window("fri 22:00-02:00")
    assert (window.starts.seconds, window.stops.seconds) == (79_200, 7_200)
    with pytest.raises(typer.BadParameter, match="'mobile' is no day"):
        run_window("22:00-02:00 mobile")


def test_a_rule_window_is_one_of_three() -> None:
    assert rule_window("rolling-24h") == pb.RULE_WINDOW_ROLLING_24H
    with pytest.raises(typer.BadParameter, match="calendar-day, rolling-24h, rolling-30d"):
        rule_window("week")


def test_an_analysis_is_off_on_or_said_in_pairs() -> None:
    assert analysis("off") is None
    assert analysis("on") == pb.Analysis()
    assert analysis("fax=connect, greeting-silence=0.5,detect-machines=no") == pb.Analysis(
        fax=pb.TREATMENT_CONNECT, greeting_silence=duration(0.5), detect_machines=False
    )


@pytest.mark.parametrize(
    "text", ["", "yes", "machine=melt", "limit=x", "detect-machines=1", "colour=red"]
)
def test_what_is_no_analysis_is_bad_usage(text: str) -> None:
    with pytest.raises(typer.BadParameter):
        analysis(text)


def test_durations_keep_fractions() -> None:
    assert duration(1.5).nanos == 500_000_000


def test_a_column_is_mapped_by_its_title() -> None:
    mapping = _mapping("Tel = no. 1=phone:mobile")
    assert (mapping.column, mapping.role, mapping.field) == (
        "Tel = no. 1",
        lists_pb2.COLUMN_ROLE_PHONE,
        "mobile",
    )
    with pytest.raises(typer.BadParameter):
        _mapping("Tel=telephone")


@pytest.mark.parametrize(
    ("subject", "record"),
    [
        pytest.param("people/17", "lists/people/records/17", id="short"),
        pytest.param("lists/people/records/17", "lists/people/records/17", id="full"),
        pytest.param("spring", "", id="campaign"),
        pytest.param("campaigns/spring", "", id="campaign in full"),
    ],
)
def test_a_record_is_told_from_a_campaign(subject: str, record: str) -> None:
    assert record_of(subject) == record
