"""What the terminal shows."""

import pytest

from clients.cli.views import Alerts, event_line, text_of
from gateway.pb.paceline.v1 import agent_session_pb2, events_pb2


@pytest.mark.parametrize(
    ("value", "unit", "shown"),
    [
        pytest.param(None, "calls", "-", id="not known"),
        pytest.param("", "", "-", id="empty"),
        pytest.param(12345.0, "calls", "12,345", id="count"),
        pytest.param(3.14159, "percent", "3.1%", id="share"),
        pytest.param(2.5, "s", "2.5", id="time"),
        pytest.param("+14155550100", "", "+1415•••0100", id="number"),
        pytest.param({"b": 1, "a": 2}, "", "a:2 b:1", id="by key"),
    ],
)
def test_a_cell_shows_a_value_in_its_unit(
    value: float | str | dict[str, int] | None, unit: str, shown: str
) -> None:
    assert text_of(value, unit) == shown


def test_an_event_is_one_line_with_its_number_masked() -> None:
    event = events_pb2.Event(sequence=7)
    event.event_time.FromSeconds(3600)
    event.attempt_answered.call = "calls/a1-0001-0000000a"
    event.attempt_answered.ring.FromMilliseconds(2500)
    event.attempt_started.call = "calls/a1-0001-0000000a"
    event.attempt_started.number = "+14155550100"
    line = event_line(event)
    assert "01:00:00.000 attempt started" in line
    assert "number=+1415•••0100" in line
    assert "5550" not in line.replace("+1415•••0100", "")


def test_an_event_tells_states_by_name() -> None:
    event = events_pb2.Event(sequence=8)
    event.agent_changed.agent = "agents/ada"
    event.agent_changed.state = agent_session_pb2.AGENT_STATE_NOT_READY
    assert "agent=ada state=not-ready" in event_line(event)


def test_what_was_heard_is_told_and_what_programs_need_is_not() -> None:
    event = events_pb2.Event(sequence=9)
    event.call_analysed.verdict = "machine"
    assert "verdict=machine" in event_line(event)
    event.attempt_started.verdict = "America/New_York 10:00"
    assert "verdict" not in event_line(event)


def trunk(up: bool, reason: str = "") -> events_pb2.Event:
    changed = events_pb2.Event.TrunkChanged(trunk="trunks/west", up=up, reason=reason)
    return events_pb2.Event(trunk_changed=changed)


def recorder(up: bool, reason: str = "") -> events_pb2.Event:
    changed = events_pb2.Event.RecorderChanged(up=up, reason=reason)
    return events_pb2.Event(recorder_changed=changed)


def test_a_failure_is_an_alert_until_it_is_over() -> None:
    alerts = Alerts()
    for event in (recorder(False, "disk full"), trunk(False), trunk(False, "408")):
        alerts.take(event)
    assert alerts.lines() == [
        "recording: no call can be recorded: disk full",
        "trunk west is down: 408",
    ]
    alerts.take(recorder(True))
    alerts.take(trunk(True))
    assert alerts.lines() == []
