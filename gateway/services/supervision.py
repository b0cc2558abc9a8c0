"""SupervisionService: one supervisor on one agent's call, by phone or by the stream's own audio."""

from __future__ import annotations

from contextlib import aclosing
from typing import TYPE_CHECKING

from gateway.convert.views import to_session
from gateway.paging import page
from gateway.pb.paceline.v1 import supervision_pb2 as pb
from gateway.pb.paceline.v1 import supervision_pb2_grpc
from gateway.supervisor import open_supervisor

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from engine.runtime import Supervision
    from gateway.interceptors import Context


class SupervisionService(supervision_pb2_grpc.SupervisionServiceServicer):
    """Lets supervisors join agents' calls."""

    def __init__(self, supervision: Supervision) -> None:
        self._supervision = supervision

    async def Supervise(
        self, request_iterator: AsyncIterator[pb.SuperviseRequest], context: Context
    ) -> AsyncIterator[pb.SuperviseResponse]:
        first = await anext(request_iterator, None)
        if first is None:
            return
        supervisor = await open_supervisor(self._supervision, first)
        async with aclosing(supervisor.run(request_iterator)) as messages:
            async for message in messages:
                yield message

    async def ListSupervisionSessions(
        self, request: pb.ListSupervisionSessionsRequest, context: Context
    ) -> pb.ListSupervisionSessionsResponse:
        items = [(view.session_id, view) for view in await self._supervision.sessions()]
        views, following = page(items, request.page_size, request.page_token)
        return pb.ListSupervisionSessionsResponse(
            sessions=[to_session(view) for view in views], next_page_token=following
        )
