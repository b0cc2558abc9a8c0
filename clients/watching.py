"""Streams over the API: metrics as a table that keeps itself up to date, events, pacing."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from google.protobuf.duration_pb2 import Duration

from clients.channel import Connection
from clients.errors import PacelineError
from clients.naming import full
from clients.patience import Backoff, closing, first_within, resumed
from gateway.pb.paceline.v1 import events_pb2, pacing_pb2
from gateway.pb.paceline.v1 import metrics_pb2 as pb
from gateway.pb.paceline.v1.events_pb2_grpc import EventServiceStub
from gateway.pb.paceline.v1.metrics_pb2_grpc import MetricsServiceStub
from gateway.pb.paceline.v1.pacing_pb2_grpc import PacingServiceStub

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

_Response = TypeVar("_Response")

Value = float | str | dict[str, int] | None
"""A metric's value; None: not known, or not applicable."""

REPORT_S = 120.0
"""Longest wait for a report, for which a day's log is read. [s]"""
FIRST_ANSWER_S = 10.0
"""Longest wait for a stream's first message, beyond its period. [s]"""


@dataclass
class MetricTable:
    """Values of objects, kept up to date by the messages of a watch.

    Attributes:
        columns: Ids of the metrics.
        rows: Values by object, in the order of the columns.
    """

    columns: list[str] = field(default_factory=list)
    rows: dict[str, list[Value]] = field(default_factory=dict)

    def get(self, name: str, column: str) -> Value:
        """Return a value, None if the object or the metric is not there."""
        row = self.rows.get(name)
        return row[self.columns.index(column)] if row and column in self.columns else None

    def number(self, name: str, column: str) -> float:
        """Return a value as a number, 0 if it is none."""
        value = self.get(name, column)
        return value if isinstance(value, int | float) else 0.0

    def take(self, message: pb.WatchMetricsResponse) -> None:
        """Apply one message."""
        match message.WhichOneof("part"):
            case "snapshot":
                self.replace(message.snapshot)
            case "changes":
                for row in message.changes.added:
                    self.rows[row.name] = [value_of(each) for each in row.values]
                for name in message.changes.removed:
                    self.rows.pop(name, None)
                for change in message.changes.changes:
                    if change.name in self.rows:
                        self.rows[change.name][change.column] = value_of(change.value)

    def replace(self, snapshot: pb.MetricsSnapshot) -> None:
        """Take a snapshot in place of all there was."""
        self.columns = list(snapshot.columns)
        self.rows = {row.name: [value_of(each) for each in row.values] for row in snapshot.rows}


def value_of(value: pb.MetricValue) -> Value:
    """Return a value as Python has it."""
    match value.WhichOneof("value"):
        case "number":
            return value.number
        case "text":
            return value.text
        case "counts":
            return dict(value.counts.counts)
        case _:
            return None


class Metrics:
    """What ``MetricsService`` offers."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._stub = MetricsServiceStub(connection.channel)

    async def catalogue(
        self, scope: pb.MetricScope.ValueType = pb.METRIC_SCOPE_UNSPECIFIED
    ) -> Sequence[pb.Metric]:
        """Return names, units and definitions of all metrics, or of one scope."""
        request = pb.ListMetricsRequest(scope=scope)
        return (await self._connection.call(self._stub.ListMetrics, request)).metrics

    async def get(
        self, scope: pb.MetricScope.ValueType, *, columns: Sequence[str] = (), parent: str = ""
    ) -> MetricTable:
        """Return values as they are now.

        Args:
            scope: Of what.
            columns: Ids of the metrics; none: all that are computed.
            parent: For lists and teams: of this campaign.
        """
        request = pb.GetMetricsRequest(
            scope=scope, columns=columns, parent=full("campaigns", parent)
        )
        table = MetricTable()
        table.replace((await self._connection.call(self._stub.GetMetrics, request)).snapshot)
        return table

    async def watch(
        self,
        scope: pb.MetricScope.ValueType,
        *,
        columns: Sequence[str] = (),
        parent: str = "",
        period_s: float = 1.0,
    ) -> AsyncIterator[MetricTable]:
        """Yield the same table again each time it changed.

        Args:
            scope: Of what.
            columns: Ids of the metrics; none: all that are computed.
            parent: For lists and teams: of this campaign.
            period_s: Least time between two changes, 0.1 to 60. [s]
        """
        period = Duration()
        period.FromMilliseconds(round(period_s * 1_000))
        request = pb.WatchMetricsRequest(
            scope=scope, columns=columns, parent=full("campaigns", parent), period=period
        )
        table = MetricTable()
        answers = self._connection.stream(self._stub.WatchMetrics, request)
        async with closing(_begun(answers, FIRST_ANSWER_S + period_s)) as stream:
            async for message in stream:
                table.take(message)
                yield table


class Events:
    """What ``EventService`` offers."""

    def __init__(self, connection: Connection, *, draw: random.Random | None = None) -> None:
        """Begin.

        Args:
            connection: To the server.
            draw: Of the waits before a broken stream is resumed; None: one of its own.
        """
        self._connection = connection
        self._stub = EventServiceStub(connection.channel)
        self._draw = draw or random.Random()  # noqa: S311 - jitter, no secret

    async def read(self, after: int, *, count: int = 1000) -> Sequence[events_pb2.Event]:
        """Return durable events after a sequence number, at most ``count``."""
        request = events_pb2.ListEventsRequest(after_sequence=after, page_size=count)
        return (await self._connection.call(self._stub.ListEvents, request)).events

    async def watch(
        self, after: int | None = None, *, resume: bool = True
    ) -> AsyncIterator[events_pb2.Event]:
        """Yield every event after a sequence number, gap-free, over breaks of the connection.

        Args:
            after: Sequence number; 0: from the beginning of the log; None: only new ones.
            resume: Whether to go on after a break, where the stream broke.

        Raises:
            PacelineError: The server refused, or the stream broke and ``resume`` is off.
        """
        opened = self._resumed(after) if resume else self._open(after)
        async with closing(opened) as stream:
            async for message in stream:
                for event in message.events:
                    yield event

    def _resumed(self, after: int | None) -> AsyncIterator[events_pb2.WatchEventsResponse]:
        return resumed(
            self._open,
            after,
            position_of=_last_sequence,
            passing=lambda error: isinstance(error, PacelineError) and error.passing,
            backoff=Backoff(),
            draw=self._draw,
        )

    def _open(self, after: int | None) -> AsyncIterator[events_pb2.WatchEventsResponse]:
        request = events_pb2.WatchEventsRequest(after_sequence=after)
        return _begun(self._connection.stream(self._stub.WatchEvents, request), FIRST_ANSWER_S)


def _last_sequence(message: events_pb2.WatchEventsResponse, after: int | None) -> int:
    """Return where a stream that breaks after this message goes on."""
    if message.events:
        return message.events[-1].sequence
    return message.last_sequence if after is None else after


class Pacing:
    """What ``PacingService`` offers."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._stub = PacingServiceStub(connection.channel)

    async def watch(self, campaign: str) -> AsyncIterator[pacing_pb2.PacingDecision]:
        """Yield the newest decision of a campaign, and then each next one, in order."""
        request = pacing_pb2.WatchPacingRequest(campaign=full("campaigns", campaign))
        answers = self._connection.stream(self._stub.WatchPacing, request)
        async with closing(_begun(answers, FIRST_ANSWER_S)) as stream:
            async for message in stream:
                yield message.decision

    async def report(self, campaign: str, day: str = "") -> pacing_pb2.ReportPacingResponse:
        """Return what was decided over a local day, and what agents' idle time was spent for.

        Args:
            campaign: The campaign.
            day: In the contact centre's zone, such as ``2026-03-09``; empty: today.
        """
        request = pacing_pb2.ReportPacingRequest(campaign=full("campaigns", campaign), day=day)
        return await self._connection.call(self._stub.ReportPacing, request, deadline_s=REPORT_S)


async def _begun(stream: AsyncIterator[_Response], deadline_s: float) -> AsyncIterator[_Response]:
    """Yield a stream's messages; a server that does not begin to answer is a failure."""
    try:
        async with closing(first_within(stream, deadline_s)) as begun:
            async for message in begun:
                yield message
    except TimeoutError as error:
        raise PacelineError(
            "deadline-exceeded", f"no answer within {deadline_s:g} s", "DEADLINE_EXCEEDED"
        ) from error
