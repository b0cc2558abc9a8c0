"""Plots of reports, if matplotlib is there (extra ``plot``)."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from clients.cli.common import seconds
from clients.naming import short

if TYPE_CHECKING:
    from pathlib import Path

    from gateway.pb.paceline.v1 import events_pb2
    from gateway.pb.paceline.v1 import pacing_pb2 as pb


class PlotUnavailableError(Exception):
    """Plots cannot be drawn here."""


def save_pacing_plot(answer: pb.ReportPacingResponse, path: Path) -> None:
    """Draw a day of pacing: idle agents by reason, calls, answers, risk and budget by minute.

    Args:
        answer: The day.
        path: Where to; its suffix says in which format.

    Raises:
        PlotUnavailableError: matplotlib is not installed.
        OSError: The file cannot be written.
    """
    try:
        from matplotlib.dates import DateFormatter
        from matplotlib.figure import Figure
    except ImportError as error:
        raise PlotUnavailableError(
            "--plot needs matplotlib; install it with: pip install 'paceline[plot]'"
        ) from error
    zone = ZoneInfo(answer.time_zone)
    ends = [datetime.fromtimestamp(minute.end_time.seconds, zone) for minute in answer.minutes]
    parts = [minute.pacing for minute in answer.minutes]
    figure = Figure(figsize=(11, 9), layout="constrained")
    idle, calls, answers, budget = figure.subplots(4, sharex=True)
    reasons = [hold.reason for hold in answer.holds]
    shares = [[_idle_agents(part, reason) for part in parts] for reason in reasons]
    if parts:
        idle.stackplot(ends, shares, labels=reasons, step="pre")
        idle.legend(loc="upper right", fontsize="small", ncols=3)
    idle.set_ylabel("idle agents, by what\nheld calls back")
    calls.step(ends, [part.calls_started for part in parts], label="calls started a minute")
    calls.step(ends, [part.calls_in_flight for part in parts], label="calls in flight")
    calls.legend(loc="upper right", fontsize="small")
    answers.plot(ends, [part.answer_ratio for part in parts], label="answer ratio")
    answers.plot(ends, [part.tau for part in parts], label="risk allowed (τ)")
    answers.set_ylim(bottom=0.0)
    answers.legend(loc="upper right", fontsize="small")
    budget.plot(ends, [part.budget_calls for part in parts])
    budget.set_ylabel("unattended calls\nstill allowed")
    budget.xaxis.set_major_formatter(DateFormatter("%H:%M", tz=zone))  # type: ignore[no-untyped-call]
    figure.suptitle(f"{short(answer.campaign)}: pacing on {answer.day} ({answer.time_zone})")
    figure.savefig(path)


def _idle_agents(part: events_pb2.Event.PacingSummed, reason: str) -> float:
    """Return how many agents stood idle for a reason, on average over a minute."""
    length_s = seconds(part.duration)
    return seconds(part.idle_durations[reason]) / length_s if reason in part.idle_durations else 0.0
