"""The board: each row is built at most once a tick, whoever asks, and knows what changed since."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from engine.domain.ids import CampaignId
from engine.metrics.catalogue import Scope
from engine.metrics.counters import Counters
from engine.metrics.gauges import (
    AgentGauges,
    CampaignGauges,
    Gauges,
    ListGauges,
    Row,
    TeamGauges,
    Value,
    merge,
)
from engine.ports import StoredFact

_SCOPES: dict[type[Gauges], Scope] = {
    CampaignGauges: Scope.CAMPAIGN,
    ListGauges: Scope.LIST,
    AgentGauges: Scope.AGENT,
    TeamGauges: Scope.TEAM,
}


@dataclass(frozen=True, slots=True)
class Update:
    """What a reader gets.

    Attributes:
        scope: Of the row.
        object_id: Of the row.
        version: The row's version now; ask for changes since it next time.
        snapshot: Whether ``values`` is the whole row.
        values: Values that are new or changed.
        gone: Ids that have no value any more.
    """

    scope: Scope
    object_id: str
    version: int
    snapshot: bool
    values: Row
    gone: tuple[str, ...] = ()


@dataclass(slots=True)
class _Line:
    """One row and when each of its values last changed."""

    built: int = 0
    values: Row = field(default_factory=dict)
    changed: dict[str, int] = field(default_factory=dict)
    gone: dict[str, int] = field(default_factory=dict)
    updates: dict[int, Update] = field(default_factory=dict)

    def renew(self, row: Row, version: int) -> None:
        old = self.values
        for name, value in row.items():
            if name not in old or old[name] != value:
                self.changed[name] = version
                self.gone.pop(name, None)
        for name in old.keys() - row.keys():
            del self.changed[name]
            self.gone[name] = version
        self.values, self.built = row, version
        self.updates.clear()


class MetricsBoard:
    """Holds counters and the newest gauges, and tells rows and their changes.

    Attributes:
        version: Number of the last tick; versions of rows are versions of ticks.
    """

    def __init__(self, counters: Counters | None = None) -> None:
        self.counters = counters or Counters()
        self.version = 0
        self._now_s = 0.0
        self._gauges: dict[tuple[Scope, str], Gauges] = {}
        self._lines: dict[tuple[Scope, str], _Line] = {}

    def apply(self, stored: Iterable[StoredFact]) -> None:
        """Count durable facts, in order."""
        self.counters.apply_all(stored)

    def put(self, object_id: str, gauges: Gauges) -> None:
        """Replace the gauges of an object; their type says its scope."""
        self._gauges[_SCOPES[type(gauges)], object_id] = gauges

    def drop(self, scope: Scope, object_id: str) -> None:
        """Forget an object that is no more."""
        self._gauges.pop((scope, object_id), None)
        self._lines.pop((scope, object_id), None)

    def tick(self, now_s: float) -> int:
        """Begin a new tick: rows asked for from now on show this instant. [s since the epoch]"""
        self._now_s = now_s
        self.version += 1
        return self.version

    def objects(self, scope: Scope) -> list[str]:
        """Return ids of the objects a scope has rows of, sorted."""
        told = {name for kind, name in self._gauges if kind is scope}
        return sorted(told.union(self.counters.objects(scope)))

    def value(self, scope: Scope, object_id: str, series: str) -> Value | None:
        """Return one value as of this tick, None if there is none."""
        return self._line(scope, object_id).values.get(series)

    def update(self, scope: Scope, object_id: str, since: int = 0) -> Update:
        """Return what changed in a row since a version, or the whole row.

        Readers with the same ``since`` get the very same object, so a message made of it can be
        shared.

        Args:
            scope: Of the row.
            object_id: ``campaign``, ``campaign/list``, ``agent`` or ``campaign/team``.
            since: Version of the reader's last update; 0, or one never given out: the whole row.
        """
        line = self._line(scope, object_id)
        whole = not 0 < since <= self.version
        key = 0 if whole else since
        if key not in line.updates:
            line.updates[key] = self._make(scope, object_id, line, key)
        return line.updates[key]

    def _make(self, scope: Scope, object_id: str, line: _Line, since: int) -> Update:
        values = {name: value for name, value in line.values.items() if line.changed[name] > since}
        gone = tuple(sorted(name for name, at in line.gone.items() if at > since)) if since else ()
        return Update(scope, object_id, self.version, not since, values, gone)

    def _line(self, scope: Scope, object_id: str) -> _Line:
        line = self._lines.setdefault((scope, object_id), _Line())
        if line.built != self.version or not self.version:
            line.renew(self._build(scope, object_id), self.version)
        return line

    def _build(self, scope: Scope, object_id: str) -> Row:
        gauges = self._gauges.get((scope, object_id))
        row = merge(self.counters.values(scope, object_id, self._now_s), gauges)
        if isinstance(gauges, CampaignGauges) and gauges.records_remaining is not None:
            rate = self.counters.completions_per_s(CampaignId(object_id), self._now_s)
            if rate > 0:
                row["eta_completion"] = gauges.records_remaining / rate
        return row
