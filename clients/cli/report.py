"""``paceline report``: what was decided over a day, and what agents' idle time was spent for."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from clients.cli.common import (
    SERVER,
    AsJson,
    Server,
    app_of,
    fail,
    out,
    print_json,
    seconds,
    show_rows,
    talk,
    told,
    usage,
)
from clients.cli.plot import PlotUnavailableError, save_pacing_plot
from clients.cli.words import words
from clients.client import PacelineClient
from clients.naming import short
from gateway.pb.paceline.v1 import pacing_pb2 as pb

app = app_of("What happened over a day, and why.")

_HOUR_S = 3600.0


@app.callback()
def report() -> None:
    """Say what happened over a day, and why."""


@app.command()
def pacing(
    campaign: Annotated[str, typer.Argument(metavar="CAMPAIGN", help="The campaign.")],
    server: Server = SERVER,
    day: Annotated[
        str,
        typer.Option("--day", metavar="YYYY-MM-DD", help="In the centre's zone; none: today."),
    ] = "",
    plot: Annotated[
        Path | None,
        typer.Option("--plot", dir_okay=False, metavar="FILE.png", help="Draw it as well."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Say what pacing decided over a day, and what kept ready agents without a call.

    Examples: paceline report pacing spring --day 2026-03-09 --plot spring.png
    """
    if plot is not None and plot.suffix.lower() not in (".png", ".svg", ".pdf"):
        raise usage(f"--plot: {plot.name} is not a .png, .svg or .pdf file")

    async def work(client: PacelineClient) -> None:
        answer = await client.pacing.report(campaign, day)
        if as_json:
            print_json(told(answer))
        else:
            show_report(answer)
        if plot is not None:
            save(answer, plot)

    talk(server, work)


def show_report(answer: pb.ReportPacingResponse) -> None:
    """Print a day: the whole, then why it was not more, then hour by hour."""
    ran = f"ran {_time(seconds(answer.duration))}, {answer.calls_started} calls started"
    out.print(f"[bold]{short(answer.campaign)}[/bold] on {answer.day} ({answer.time_zone}) {ran}")
    if not answer.minutes:
        out.print("nothing was decided on that day: the campaign did not run")
        return
    show_rows(("held back by", "for", "agents idle", "share", "which means"), hold_rows(answer))
    out.print()
    show_rows(
        ("from", "ran", "calls", "ready", "answers", "τ", "level", "budget", "idle", "mostly by"),
        hour_rows(answer),
    )


def hold_rows(answer: pb.ReportPacingResponse) -> list[Sequence[str]]:
    """Return what kept agents waiting, with its share of all their idle time."""
    idle_s = sum(seconds(hold.idle_duration) for hold in answer.holds)
    return [
        (
            hold.reason,
            _time(seconds(hold.duration)),
            _time(seconds(hold.idle_duration)),
            f"{seconds(hold.idle_duration) / idle_s:.1%}" if idle_s else "-",
            words(hold.reason),
        )
        for hold in answer.holds
    ]


def hour_rows(answer: pb.ReportPacingResponse) -> list[Sequence[str]]:
    """Return the day by hours; figures are means over the time the campaign ran."""
    hours: dict[int, list[pb.ReportPacingResponse.Minute]] = {}
    begins_s = answer.start_time.seconds
    for minute in answer.minutes:
        # A minute belongs to the hour that it ends in, or with.
        hours.setdefault(int((minute.end_time.seconds - 1 - begins_s) // _HOUR_S), []).append(
            minute
        )
    zone = ZoneInfo(answer.time_zone)
    return [
        _hour_row(datetime.fromtimestamp(begins_s + hour * _HOUR_S, zone), minutes)
        for hour, minutes in hours.items()
    ]


def _hour_row(begins: datetime, minutes: Sequence[pb.ReportPacingResponse.Minute]) -> Sequence[str]:
    parts = [minute.pacing for minute in minutes]
    lengths_s = [seconds(part.duration) for part in parts]
    whole_s = sum(lengths_s) or 1.0

    def mean(name: str) -> float:
        pairs = zip(parts, lengths_s, strict=True)
        return sum(float(getattr(part, name)) * length_s for part, length_s in pairs) / whole_s

    idle: dict[str, float] = {}
    for part in parts:
        for reason, idle_time in part.idle_durations.items():
            idle[reason] = idle.get(reason, 0.0) + seconds(idle_time)
    return (
        f"{begins:%H:%M}",
        _time(sum(lengths_s)),
        str(sum(part.calls_started for part in parts)),
        f"{mean('ready_agents'):.1f}",
        f"{mean('answer_ratio'):.2f}",
        f"{mean('tau'):.3f}",
        f"{mean('dial_level'):.2f}",
        f"{parts[-1].budget_calls:.1f}",
        _time(sum(idle.values())),
        max(idle, key=lambda reason: idle[reason], default="-"),
    )


def save(answer: pb.ReportPacingResponse, path: Path) -> None:
    """Draw a day into a file; say what is missing if it cannot be done."""
    try:
        save_pacing_plot(answer, path)
    except PlotUnavailableError as error:
        fail(str(error))
    except OSError as error:
        fail(f"{path}: {error.strerror or error}")


def _time(length_s: float) -> str:
    """Return a length of time as people read it."""
    minutes, rest_s = divmod(round(length_s), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest_s:02}"
