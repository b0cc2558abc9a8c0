"""A day of pacing as people read it."""

import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest
from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from clients.cli.plot import PlotUnavailableError, save_pacing_plot
from clients.cli.report import hold_rows, hour_rows
from gateway.pb.paceline.v1 import events_pb2
from gateway.pb.paceline.v1 import pacing_pb2 as pb

MIDNIGHT_S = int(datetime(2026, 3, 9, tzinfo=UTC).timestamp())


def minute(
    ends_s: int, ready: float, idle: dict[str, int], length_s: int = 60
) -> pb.ReportPacingResponse.Minute:
    return pb.ReportPacingResponse.Minute(
        end_time=Timestamp(seconds=MIDNIGHT_S + ends_s),
        pacing=events_pb2.Event.PacingSummed(
            duration=Duration(seconds=length_s),
            idle_durations={reason: Duration(seconds=idle_s) for reason, idle_s in idle.items()},
            calls_started=5,
            ready_agents=ready,
            budget_calls=ends_s / 100,
        ),
    )


def day(
    minutes: Sequence[pb.ReportPacingResponse.Minute],
    holds: Sequence[tuple[str, int, int]] = (),
) -> pb.ReportPacingResponse:
    return pb.ReportPacingResponse(
        campaign="campaigns/spring",
        day="2026-03-09",
        time_zone="UTC",
        start_time=Timestamp(seconds=MIDNIGHT_S),
        minutes=minutes,
        holds=[
            pb.ReportPacingResponse.Hold(
                reason=reason,
                duration=Duration(seconds=held_s),
                idle_duration=Duration(seconds=idle_s),
            )
            for reason, held_s, idle_s in holds
        ],
    )


def test_idle_time_is_divided_among_its_reasons() -> None:
    rows = hold_rows(day([], [("budget", 3600, 4500), ("risk", 60, 1500)]))
    assert [row[:4] for row in rows] == [
        ("budget", "1:00:00", "1:15:00", "75.0%"),
        ("risk", "0:01:00", "0:25:00", "25.0%"),
    ]
    assert "budget" in rows[0][4]


def test_hours_are_means_over_the_time_that_was_run() -> None:
    parts = [
        minute(9 * 3600 + 60, 1.0, {"risk": 60}),
        minute(9 * 3600 + 120, 4.0, {"budget": 80, "risk": 40}, length_s=30),
        minute(10 * 3600, 2.0, {"risk": 1}),  # ends with its hour
        minute(10 * 3600 + 60, 2.0, {}),
    ]
    first, second = hour_rows(day(parts))
    assert (first[0], first[1], first[2]) == ("09:00", "0:02:30", "15")
    assert first[3] == f"{(60 * 1 + 30 * 4 + 60 * 2) / 150:.1f}"
    assert (first[7], first[8], first[9]) == ("360.0", "0:03:01", "risk")
    assert (second[0], second[8], second[9]) == ("10:00", "0:00:00", "-")


def test_a_plot_is_an_image(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    parts = [minute(60 * place, 1.0, {"risk": 30}) for place in range(1, 30)]
    save_pacing_plot(day(parts, [("risk", 1740, 870)]), tmp_path / "day.png")
    assert (tmp_path / "day.png").read_bytes().startswith(b"\x89PNG")
    save_pacing_plot(day([]), tmp_path / "none.svg")
    assert (tmp_path / "none.svg").exists()


def test_without_matplotlib_it_is_said_how_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(PlotUnavailableError, match=r"paceline\[plot\]"):
        save_pacing_plot(day([]), tmp_path / "day.png")
