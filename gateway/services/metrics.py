"""MetricsService: the catalogue, values as they are, and values as they change."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from engine.metrics.catalogue import CATALOGUE
from gateway.convert.metrics import SCOPES, Query, from_query, to_metric
from gateway.convert.units import from_duration, to_timestamp
from gateway.feed import Feed
from gateway.pb.paceline.v1 import metrics_pb2 as pb
from gateway.pb.paceline.v1 import metrics_pb2_grpc

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from engine.metrics.board import MetricsBoard
    from gateway.interceptors import Context

_PERIOD_S = 1.0
_BREATH_S = 0.004
"""Between two slices of readers, for whoever else wants the loop. [s]"""
_PATIENCE_S = 30.0
"""How long a reader waits at once; heartbeats come far sooner."""


class MetricsService(metrics_pb2_grpc.MetricsServiceServicer):
    """Tells what is measured, and the values."""

    def __init__(self, board: MetricsBoard) -> None:
        self._board = board
        self._feeds: dict[tuple[Query, float], tuple[Feed, asyncio.Task[None]]] = {}

    async def ListMetrics(
        self, request: pb.ListMetricsRequest, context: Context
    ) -> pb.ListMetricsResponse:
        wanted = [
            to_metric(metric)
            for metric in CATALOGUE
            if request.scope in {pb.METRIC_SCOPE_UNSPECIFIED, SCOPES[metric.scope]}
        ]
        return pb.ListMetricsResponse(metrics=wanted)

    async def GetMetrics(
        self, request: pb.GetMetricsRequest, context: Context
    ) -> pb.GetMetricsResponse:
        feed = Feed(from_query(request), self._board)
        return pb.GetMetricsResponse(event_time=to_timestamp(time.time()), snapshot=feed.snapshot())

    async def WatchMetrics(
        self, request: pb.WatchMetricsRequest, context: Context
    ) -> AsyncIterator[pb.WatchMetricsResponse]:
        period_s = from_duration(request.period) if request.HasField("period") else _PERIOD_S
        key = (from_query(request), period_s)
        feed = self._feed(key)
        reader = feed.join(time.time())
        try:
            while (got := await reader.get(_PATIENCE_S)) is not None:
                message, _ = got
                if message is not None:
                    yield message
        finally:
            feed.leave(reader)
            if not feed.readers:
                _, ticking = self._feeds.pop(key)
                ticking.cancel()

    @property
    def feeds(self) -> tuple[Feed, ...]:
        """Feeds that have readers."""
        return tuple(feed for feed, _ in self._feeds.values())

    def _feed(self, key: tuple[Query, float]) -> Feed:
        """Return the feed of a query, ticking; readers of the same query share it."""
        if key not in self._feeds:
            feed = Feed(key[0], self._board)
            self._feeds[key] = feed, asyncio.create_task(_tick(feed, key[1]))
        return self._feeds[key][0]


async def _tick(feed: Feed, period_s: float) -> None:
    while True:
        await asyncio.sleep(period_s)
        for _ in feed.tick(time.time()):
            await asyncio.sleep(_BREATH_S)
