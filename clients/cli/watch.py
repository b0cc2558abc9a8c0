"""``paceline watch``: live tables of campaigns, agents, lists, pacing and events."""

import asyncio
from collections import deque
from collections.abc import Coroutine
from enum import StrEnum
from typing import Annotated

import typer
from rich.console import Group, RenderableType
from rich.live import Live
from rich.text import Text

from clients.cli.common import SERVER, AsJson, Server, out, print_json, talk, told, usage
from clients.cli.views import (
    AGENT_COLUMNS,
    CAMPAIGN_COLUMNS,
    LIST_COLUMNS,
    Alerts,
    event_line,
    event_lines,
    metrics_view,
    one_row_view,
    pacing_view,
)
from clients.client import PacelineClient
from gateway.pb.paceline.v1 import events_pb2
from gateway.pb.paceline.v1 import metrics_pb2 as pb

_EVENTS_SHOWN = 12


class Subject(StrEnum):
    """What can be watched."""

    ALL = "all"
    CAMPAIGNS = "campaigns"
    AGENTS = "agents"
    LISTS = "lists"
    PACING = "pacing"
    EVENTS = "events"


_SCOPES = {
    Subject.CAMPAIGNS: (pb.METRIC_SCOPE_CAMPAIGN, CAMPAIGN_COLUMNS),
    Subject.AGENTS: (pb.METRIC_SCOPE_AGENT, AGENT_COLUMNS),
    Subject.LISTS: (pb.METRIC_SCOPE_LIST, LIST_COLUMNS),
}
_MOST_COLUMNS = 14


def watch(
    subject: Annotated[
        Subject, typer.Argument(metavar="SUBJECT", help=f"{', '.join(Subject)}.")
    ] = Subject.ALL,
    campaign: Annotated[
        str, typer.Option("--campaign", metavar="CAMPAIGN", help="For pacing and lists: of which.")
    ] = "",
    columns: Annotated[
        list[str] | None,
        typer.Option("--column", metavar="ID", help="Metric to show, by id; repeatable."),
    ] = None,
    period: Annotated[float, typer.Option(min=0.1, max=60, help="In seconds.")] = 1.0,
    once: Annotated[bool, typer.Option("--once", help="Print the values of now and end.")] = False,
    after: Annotated[
        int | None, typer.Option(min=0, help="Events after this number; 0: all.")
    ] = None,
    server: Server = SERVER,
    as_json: AsJson = False,
) -> None:
    """Watch live tables in the terminal; Ctrl-C ends.

    Examples: paceline watch; paceline watch campaigns --once --json;
    paceline watch events --after 0; paceline watch pacing --campaign spring
    """
    if subject is Subject.PACING and not campaign:
        raise usage("for pacing, say --campaign CAMPAIGN")

    async def work(client: PacelineClient) -> None:
        if subject is Subject.EVENTS:
            await _events(client, after, once=once, as_json=as_json)
        elif once or as_json:
            await _print_metrics(client, subject, campaign, columns, period, once=once)
        else:
            await _live(client, subject, campaign, columns, period)

    talk(server, work)


async def _events(client: PacelineClient, after: int | None, *, once: bool, as_json: bool) -> None:
    """Print events, one a line."""
    if once:
        last = after or 0
        while events := await client.events.read(last):
            last = events[-1].sequence
            for event in events:
                _print_event(event, as_json=as_json)
        return
    async for event in client.events.watch(after):
        _print_event(event, as_json=as_json)


def _print_event(event: events_pb2.Event, *, as_json: bool) -> None:
    if as_json:
        print_json(told(event))
    else:
        out.print(event_line(event), markup=False)


async def _print_metrics(
    client: PacelineClient,
    subject: Subject,
    campaign: str,
    columns: list[str] | None,
    period_s: float,
    *,
    once: bool,
) -> None:
    """Print values as JSON, one line for each object and change; or a table once."""
    if subject is Subject.PACING:
        async for decision in client.pacing.watch(campaign):
            print_json(told(decision))
            if once:
                return
    scope, _ = _SCOPES.get(subject, _SCOPES[Subject.CAMPAIGNS])
    async for table in client.metrics.watch(
        scope, columns=columns or (), parent=_parent(subject, campaign), period_s=period_s
    ):
        for name, values in sorted(table.rows.items()):
            print_json({"name": name} | dict(zip(table.columns, values, strict=True)))
        if once:
            return


async def _live(
    client: PacelineClient,
    subject: Subject,
    campaign: str,
    columns: list[str] | None,
    period_s: float,
) -> None:
    screen = Screen()
    subjects = (
        [Subject.CAMPAIGNS, Subject.AGENTS, Subject.LISTS, Subject.EVENTS]
        if subject is Subject.ALL
        else [subject]
    )
    with Live(console=out, get_renderable=screen.render, refresh_per_second=4, screen=False):
        async with asyncio.TaskGroup() as tasks:
            for each in subjects:
                tasks.create_task(feed(client, screen, each, campaign, period_s, columns or None))


class Screen:
    """What is shown, by place."""

    def __init__(self) -> None:
        self.parts: dict[str, RenderableType] = {}

    def render(self) -> RenderableType:
        """Return all parts, one below the other."""
        return Group(*self.parts.values()) if self.parts else Text("connecting ...")


def feed(
    client: PacelineClient,
    screen: Screen,
    subject: Subject,
    campaign: str = "",
    period_s: float = 1.0,
    columns: list[str] | None = None,
) -> Coroutine[object, object, None]:
    """Return what keeps one part of a screen up to date.

    Args:
        client: Of the server.
        screen: Where the part is.
        subject: Which part.
        campaign: For pacing and lists: of which campaign.
        period_s: Least time between two changes. [s]
        columns: Metrics to show; None: usual ones.
    """
    screen.parts[subject] = Text("")
    if subject is Subject.PACING:
        return _feed_pacing(client, screen, campaign)
    if subject is Subject.EVENTS:
        return _feed_events(client, screen)
    return _feed_metrics(client, screen, subject, campaign, period_s, columns)


async def _feed_metrics(
    client: PacelineClient,
    screen: Screen,
    subject: Subject,
    campaign: str,
    period_s: float,
    columns: list[str] | None,
) -> None:
    scope, usual = _SCOPES[subject]
    catalogue = {metric.id: metric for metric in await client.metrics.catalogue(scope)}
    known = [each for each, metric in catalogue.items() if metric.computed]
    shown = columns or [each for each in usual if each in known] or known[:_MOST_COLUMNS]
    tables = client.metrics.watch(
        scope, columns=shown, parent=_parent(subject, campaign), period_s=period_s
    )
    async for table in tables:
        alone = len(table.rows) == 1 and subject is not Subject.AGENTS
        show = one_row_view if alone else metrics_view
        screen.parts[subject] = show(subject.value, table, catalogue)


async def _feed_pacing(client: PacelineClient, screen: Screen, campaign: str) -> None:
    async for decision in client.pacing.watch(campaign):
        screen.parts[Subject.PACING] = pacing_view(decision)


async def _feed_events(client: PacelineClient, screen: Screen) -> None:
    newest: deque[events_pb2.Event] = deque(maxlen=_EVENTS_SHOWN)
    alerts = Alerts()
    async for event in client.events.watch():
        newest.append(event)
        alerts.take(event)
        shown = Text(no_wrap=True, overflow="ellipsis")
        for line in alerts.lines():
            shown.append(f"! {line}\n", style="bold red")
        screen.parts[Subject.EVENTS] = shown.append(f"events\n{event_lines(tuple(newest))}")


def _parent(subject: Subject, campaign: str) -> str:
    return campaign if subject is Subject.LISTS else ""
