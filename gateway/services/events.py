"""EventService: every durable event in order, gap-free, from any point of the log."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.domain.refusals import EventsExpiredError
from gateway.convert.events import to_event
from gateway.paging import size_of
from gateway.pb.paceline.v1 import events_pb2 as pb
from gateway.pb.paceline.v1 import events_pb2_grpc

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from engine.runtime import Events
    from gateway.interceptors import Context

_BATCH = 500
"""Most events read from the log, and told in one message. A slow reader holds no more."""
_HEARTBEAT_S = 5.0


class EventService(events_pb2_grpc.EventServiceServicer):
    """Tells what happened."""

    def __init__(self, events: Events) -> None:
        self._events = events

    async def WatchEvents(
        self, request: pb.WatchEventsRequest, context: Context
    ) -> AsyncIterator[pb.WatchEventsResponse]:
        after = self._events.last_sequence
        if request.HasField("after_sequence"):
            after = self._checked(request.after_sequence)
        while True:
            # Nothing is kept for this reader: what it has not read stays in the log. The newest is
            # asked first: a reader who goes on after an empty message then misses nothing.
            newest = self._events.last_sequence
            stored = await self._events.read(after, _BATCH)
            yield pb.WatchEventsResponse(
                events=[to_event(item) for item in stored], last_sequence=newest
            )
            if stored:
                after = stored[-1].sequence
            else:
                await self._events.wait(after, _HEARTBEAT_S)

    async def ListEvents(
        self, request: pb.ListEventsRequest, context: Context
    ) -> pb.ListEventsResponse:
        after = self._checked(request.after_sequence)
        stored = await self._events.read(after, size_of(request.page_size))
        return pb.ListEventsResponse(
            events=[to_event(item) for item in stored], last_sequence=self._events.last_sequence
        )

    def _checked(self, after: int) -> int:
        if after > self._events.last_sequence:
            raise EventsExpiredError(
                f"event {after} has not happened; the newest is {self._events.last_sequence}"
            )
        return after
