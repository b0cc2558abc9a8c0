"""Live tables: metrics, pacing and events as the terminal shows them."""

from collections.abc import Mapping, Sequence

from google.protobuf.descriptor import FieldDescriptor
from rich import box
from rich.table import Table

from clients.naming import short
from clients.watching import MetricTable, Value
from gateway.pb.paceline.v1 import events_pb2, pacing_pb2
from gateway.pb.paceline.v1.metrics_pb2 import Metric

CAMPAIGN_COLUMNS = (
    "running",
    "effective_mode",
    "agents_ready",
    "agents_busy",
    "agents_acw",
    "calls_dialing",
    "calls_in_cpa",
    "calls_waiting_agent",
    "calls_active",
    "calls_attempted",
    "calls_answered",
    "answer_rate",
    "calls_handled",
    "calls_unattended",
    "unattended_pct",
    "agent_occupancy",
    "records_callable_now",
)
AGENT_COLUMNS = (
    "state",
    "time_in_state",
    "not_ready_reason",
    "service",
    "interaction",
    "talk",
    "out_handled",
    "avg_idle_time",
    "total_acw_time",
    "occupancy",
)
LIST_COLUMNS = (
    "status",
    "order",
    "dialing_ratio",
    "records_total",
    "records_untouched",
    "records_callable_now",
    "records_in_progress",
    "records_rescheduled",
    "records_completed",
    "calls_attempted",
    "calls_answered",
)


_UNSHOWN = {
    (kind, field)
    for kind in ("attempt_started", "attempt_rerouted")
    for field in ("sip_call_id", "verdict", "caller_id")
}
"""Fields of events that are long, and of use to programs only."""
_CELLS = 8
"""Titles and values in one row of a view of one object."""


def text_of(value: Value, unit: str = "") -> str:
    """Return a value as a cell shows it.

    Args:
        value: The value; None is a dash.
        unit: The metric's unit.
    """
    match value:
        case None:
            return "-"
        case dict():
            return " ".join(f"{key}:{count}" for key, count in sorted(value.items()))
        case str():
            return _masked(value) if value.startswith("+") else value or "-"
        case _ if unit == "percent":
            return f"{value:.1f}%"
        case _ if unit in ("s", "ratio", "calls_per_min"):
            return f"{value:.1f}"
        case _:
            return f"{value:,.0f}"


def metrics_view(
    title: str, table: MetricTable, catalogue: Mapping[str, Metric], *, most_rows: int = 40
) -> Table:
    """Return metrics as a table: one row for each object, titles from the catalogue.

    Args:
        title: Above the table.
        table: The values.
        catalogue: Metrics of the scope by id.
        most_rows: Objects shown; how many there are more stands below.
    """
    view = Table(title=title, box=box.SIMPLE_HEAD, title_justify="left", pad_edge=False)
    view.add_column("", no_wrap=True)
    for column in table.columns:
        metric = catalogue.get(column)
        view.add_column(metric.display_name if metric else column, justify="right", max_width=14)
    units = [catalogue[each].unit if each in catalogue else "" for each in table.columns]
    for name, values in sorted(table.rows.items())[:most_rows]:
        view.add_row(_short(name), *map(text_of, values, units))
    if len(table.rows) > most_rows:
        view.caption = f"and {len(table.rows) - most_rows} more"
    return view


def one_row_view(title: str, table: MetricTable, catalogue: Mapping[str, Metric]) -> Table:
    """Return the metrics of one object as pairs of title and value, fit for narrow terminals."""
    ((name, values),) = table.rows.items()
    view = Table.grid(padding=(0, 2))
    view.title, view.title_justify = f"{title}: {_short(name)}", "left"
    cells = []
    for column, value in zip(table.columns, values, strict=True):
        metric = catalogue.get(column)
        cells += [
            f"[dim]{metric.display_name if metric else column}[/dim]",
            text_of(value, metric.unit if metric else ""),
        ]
    for begin in range(0, len(cells), _CELLS):
        view.add_row(*cells[begin : begin + _CELLS])
    return view


def pacing_view(decision: pacing_pb2.PacingDecision) -> Table:
    """Return what pacing saw and decided."""
    view = Table(title="pacing", box=None, show_header=False, title_justify="left", pad_edge=False)
    view.add_column(style="dim")
    view.add_column(justify="right")
    for label, value in (
        ("agents ready", f"{decision.ready_agents:.1f}"),
        ("agents idle", f"{decision.idle_agents:.1f}"),
        ("about to be free", f"{decision.freeing_agents:.1f}"),
        ("calls in flight", str(decision.calls_in_flight)),
        ("of them will ask", f"{decision.asking_calls:.1f}"),
        ("answer ratio", f"{decision.answer_ratio:.2f} ± {decision.answer_ratio_error:.2f}"),
        ("risk allowed (τ)", f"{decision.tau:.3f}"),
        ("dial level", f"{decision.dial_level:.2f}"),
        ("unattended budget", f"{decision.budget_calls:.1f} calls"),
        ("started now", str(decision.calls_started)),
        ("held back by", decision.reason or "-"),
    ):
        view.add_row(label, value)
    return view


def event_line(event: events_pb2.Event) -> str:
    """Return one line about an event."""
    kind = event.WhichOneof("fact")
    when = event.event_time.ToDatetime().strftime("%H:%M:%S.%f")[:-3]
    if kind is None:
        return f"{event.sequence:>8} {when}"
    fact = getattr(event, kind)
    parts = [
        f"{field.name}={_shown(value, field)}"
        for field, value in fact.ListFields()
        if (kind, field.name) not in _UNSHOWN
    ]
    return f"{event.sequence:>8} {when} {kind.replace('_', ' '):<22} {' '.join(parts)}"


class Alerts:
    """What has failed and is not well again, by the events seen so far."""

    def __init__(self) -> None:
        self._failed: dict[str, str] = {}

    def take(self, event: events_pb2.Event) -> None:
        """Note a failure, or its end."""
        match event.WhichOneof("fact"):
            case "recorder_changed":
                recorder = event.recorder_changed
                self._note("recording: no call can be recorded", recorder.up, recorder.reason)
            case "trunk_changed":
                trunk = event.trunk_changed
                self._note(f"trunk {short(trunk.trunk)} is down", trunk.up, trunk.reason)

    def lines(self) -> list[str]:
        """Return one line about each failure that stands."""
        return [f"{what}: {why}" if why else what for what, why in self._failed.items()]

    def _note(self, what: str, up: bool, why: str) -> None:
        if up:
            self._failed.pop(what, None)
        else:
            self._failed[what] = why


def event_lines(events: Sequence[events_pb2.Event]) -> str:
    """Return lines about events."""
    return "\n".join(map(event_line, events))


def _shown(value: object, field: FieldDescriptor) -> str:
    if field.enum_type is not None and isinstance(value, int):
        # Values carry their enum's name: AGENT_STATE_BUSY is busy.
        name = field.enum_type.values_by_number[value].name
        first = field.enum_type.values_by_number[0].name.removesuffix("UNSPECIFIED")
        return name.removeprefix(first).lower().replace("_", "-")
    if isinstance(value, str):
        if value.startswith("+"):
            return _masked(value)
        return short(value) if value.startswith(("calls/", "agents/", "campaigns/")) else value
    nanoseconds = getattr(value, "ToNanoseconds", None)
    return f"{nanoseconds() / 1e9:.2f}" if nanoseconds else str(value)


def _masked(number: str) -> str:
    """Return a number as logs show it."""
    return f"{number[:5]}•••{number[-4:]}" if len(number) > 9 else number


def _short(name: str) -> str:
    parts = name.split("/")
    return "/".join(parts[1::2]) if len(parts) > 2 else short(name)
