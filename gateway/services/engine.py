"""EngineService: what the engine is, how it is, and its orderly end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.convert.units import to_duration, to_timestamp
from gateway.pb.paceline.v1 import engine_pb2 as pb
from gateway.pb.paceline.v1 import engine_pb2_grpc

if TYPE_CHECKING:
    from engine.runtime import Engine
    from gateway.interceptors import Context


class EngineService(engine_pb2_grpc.EngineServiceServicer):
    """Tells how the engine is, and ends it in order."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def GetEngine(
        self, request: pb.GetEngineRequest, context: Context
    ) -> pb.GetEngineResponse:
        return pb.GetEngineResponse(engine=self._told())

    async def DrainEngine(
        self, request: pb.DrainEngineRequest, context: Context
    ) -> pb.DrainEngineResponse:
        await self._engine.drain()
        return pb.DrainEngineResponse(engine=self._told())

    def _told(self) -> pb.Engine:
        view = self._engine.describe()
        return pb.Engine(
            version=view.version,
            cell=view.cell,
            epoch=view.epoch,
            time_zone=view.zone,
            start_time=to_timestamp(view.started_s),
            uptime=to_duration(view.now_s - view.started_s),
            journal_trusted=view.journal_trusted,
            clock_trusted=view.clock_trusted,
            draining=view.draining,
            calls_in_progress=view.calls_in_progress,
            last_sequence=self._engine.events.last_sequence,
            sip_address=view.sip_address,
        )
