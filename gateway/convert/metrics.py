"""Metrics between the wire and the board: scopes, names of objects, values."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from engine.domain.refusals import InvalidRequestError
from engine.metrics.catalogue import DISPOSITION_SERIES, METRICS, Metric, Scope, Window, is_metric
from engine.metrics.gauges import Row, Value
from gateway.convert import names
from gateway.pb.paceline.v1 import metrics_pb2 as pb

SCOPES: dict[Scope, pb.MetricScope.ValueType] = {
    Scope.CAMPAIGN: pb.METRIC_SCOPE_CAMPAIGN,
    Scope.LIST: pb.METRIC_SCOPE_LIST,
    Scope.TEAM: pb.METRIC_SCOPE_TEAM,
    Scope.AGENT: pb.METRIC_SCOPE_AGENT,
    Scope.QUOTA: pb.METRIC_SCOPE_QUOTA,
    Scope.SERVICE: pb.METRIC_SCOPE_SERVICE,
    Scope.SKILL: pb.METRIC_SCOPE_SKILL,
}
SCOPE_OF = {wire: scope for scope, wire in SCOPES.items()}
WINDOWS: dict[Window, pb.MetricWindow.ValueType] = {
    Window.INSTANT: pb.METRIC_WINDOW_INSTANT,
    Window.SINCE_RESET: pb.METRIC_WINDOW_SINCE_RESET,
    Window.INTERVAL: pb.METRIC_WINDOW_INTERVAL,
}
KINDS: dict[str, pb.MetricKind.ValueType] = {
    "gauge": pb.METRIC_KIND_GAUGE,
    "counter": pb.METRIC_KIND_COUNTER,
    "rate": pb.METRIC_KIND_RATE,
    "duration": pb.METRIC_KIND_DURATION,
    "text": pb.METRIC_KIND_TEXT,
}
_PATHS = {
    Scope.CAMPAIGN: ("campaigns",),
    Scope.LIST: ("campaigns", "lists"),
    Scope.TEAM: ("campaigns", "teams"),
    Scope.AGENT: ("agents",),
}
"""Collections in the resource name of an object of each scope that has rows."""

_BY_KEY = DISPOSITION_SERIES.rstrip("/")


@dataclass(frozen=True, slots=True)
class Query:
    """What a reader of metrics asks for.

    Attributes:
        scope: Of what.
        parent: Campaign the objects are in; empty: any.
        objects: Ids of the board; empty: all.
        columns: Ids of metrics.
    """

    scope: Scope
    parent: str
    objects: tuple[str, ...]
    columns: tuple[str, ...]

    def wants(self, object_id: str) -> bool:
        """Return whether an object is asked for."""
        if self.parent and object_id.partition("/")[0] != self.parent:
            return False
        return not self.objects or object_id in self.objects


def to_metric(metric: Metric) -> pb.Metric:
    """Return a metric of the catalogue for the wire."""
    return pb.Metric(
        scope=SCOPES[metric.scope],
        id=metric.id,
        display_name=metric.name,
        kind=KINDS[metric.kind],
        unit=metric.unit,
        window=WINDOWS[metric.window],
        definition=metric.definition,
        computed=metric.fed,
    )


def from_query(request: pb.GetMetricsRequest | pb.WatchMetricsRequest) -> Query:
    """Return what a request asks for.

    Raises:
        InvalidRequestError: It names an object or metric that the scope does not have.
    """
    scope = SCOPE_OF[request.scope]
    unknown = next((name for name in request.columns if not is_metric(scope, name)), None)
    if unknown is not None:
        raise InvalidRequestError(
            f"scope {scope} has no metric {unknown[:80]!r}", slug="unknown-metric"
        )
    fed = tuple(item.id for item in METRICS.values() if item.scope is scope and item.fed)
    return Query(
        scope=scope,
        parent=names.campaign_id(request.parent) if request.parent else "",
        objects=tuple(object_id(scope, name) for name in request.names),
        columns=tuple(request.columns) or fed,
    )


def object_id(scope: Scope, name: str) -> str:
    """Return the board's id of the object that a resource name names.

    Raises:
        InvalidRequestError: The name is not one of this scope's objects.
    """
    path = _PATHS.get(scope, ())
    parts = name.split("/")
    if not path or tuple(parts[::2]) != path or len(parts) != 2 * len(path) or not all(parts):
        raise InvalidRequestError(
            f"{name[:80]!r} is no object of scope {scope}", slug="invalid-name"
        )
    return "/".join(parts[1::2])


def object_name(scope: Scope, board_id: str) -> str:
    """Return the resource name of an object of the board."""
    pairs = zip(_PATHS[scope], board_id.split("/"), strict=True)
    return "/".join(part for pair in pairs for part in pair)


def to_value(value: Value | None) -> pb.MetricValue:
    """Return one value for the wire; None is a value that is not known."""
    if value is None:
        return pb.MetricValue()
    if isinstance(value, str):
        return pb.MetricValue(text=value)
    return pb.MetricValue(number=value)


def value_at(row: Row, column: str) -> pb.MetricValue:
    """Return the value of a column; what counts by a key is told with all its keys."""
    if column != _BY_KEY:
        return to_value(row.get(column))
    return pb.MetricValue(counts=pb.CountsByKey(counts=counts_of(row)))


def counts_of(row: Mapping[str, Value]) -> dict[str, int]:
    """Return the counts by disposition that a row holds."""
    return {
        name.removeprefix(DISPOSITION_SERIES): int(value)
        for name, value in row.items()
        if name.startswith(DISPOSITION_SERIES)
    }


def to_row(query: Query, board_id: str, row: Row) -> pb.MetricRow:
    """Return the values of one object, in the order of the columns."""
    return pb.MetricRow(
        name=object_name(query.scope, board_id),
        values=[value_at(row, column) for column in query.columns],
    )


def changed_columns(columns: Sequence[str], values: Row, gone: Sequence[str]) -> list[int]:
    """Return which columns a change of a row touches, ascending."""
    touched = {_BY_KEY if name.startswith(DISPOSITION_SERIES) else name for name in values}
    touched |= {_BY_KEY if name.startswith(DISPOSITION_SERIES) else name for name in gone}
    return [index for index, column in enumerate(columns) if column in touched]
