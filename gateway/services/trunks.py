"""TrunkService: carrier connections and how they are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.domain.ids import TrunkId, check_resource_id
from engine.domain.specs import TrunkSpec
from gateway.convert import names
from gateway.convert.masks import merged
from gateway.convert.resources import from_trunk, to_trunk
from gateway.convert.views import to_trunk_state
from gateway.identity import caller_of
from gateway.pb.paceline.v1 import trunks_pb2 as pb
from gateway.pb.paceline.v1 import trunks_pb2_grpc
from gateway.services.resources import Resources

if TYPE_CHECKING:
    from engine.runtime import Configuration, Trunks
    from gateway.interceptors import Context


class TrunkService(trunks_pb2_grpc.TrunkServiceServicer):
    """Configures trunks and tells their state."""

    def __init__(self, configuration: Configuration, reached: Trunks) -> None:
        self._reached = reached
        self._trunks = Resources(configuration, TrunkSpec, "trunk")

    async def CreateTrunk(
        self, request: pb.CreateTrunkRequest, context: Context
    ) -> pb.CreateTrunkResponse:
        trunk_id = TrunkId(check_resource_id("trunk", request.trunk_id))
        spec = await self._trunks.create(
            from_trunk(request.trunk, trunk_id), request.request_id, by=caller_of(context)
        )
        return pb.CreateTrunkResponse(trunk=await self._told(spec))

    async def GetTrunk(self, request: pb.GetTrunkRequest, context: Context) -> pb.GetTrunkResponse:
        spec = self._trunks.get(names.trunk_id(request.name))
        return pb.GetTrunkResponse(trunk=await self._told(spec))

    async def ListTrunks(
        self, request: pb.ListTrunksRequest, context: Context
    ) -> pb.ListTrunksResponse:
        specs, following = self._trunks.page(request.page_size, request.page_token)
        return pb.ListTrunksResponse(
            trunks=[await self._told(spec) for spec in specs], next_page_token=following
        )

    async def UpdateTrunk(
        self, request: pb.UpdateTrunkRequest, context: Context
    ) -> pb.UpdateTrunkResponse:
        trunk_id = names.trunk_id(request.trunk.name)

        def changed(present: TrunkSpec) -> TrunkSpec:
            message = merged(to_trunk(present, secrets=True), request.trunk, request.update_mask)
            return from_trunk(message, trunk_id)

        spec = await self._trunks.change(
            trunk_id, changed, request.trunk.etag, request.request_id, by=caller_of(context)
        )
        return pb.UpdateTrunkResponse(trunk=await self._told(spec))

    async def DeleteTrunk(
        self, request: pb.DeleteTrunkRequest, context: Context
    ) -> pb.DeleteTrunkResponse:
        await self._trunks.delete(
            names.trunk_id(request.name), request.etag, request.request_id, by=caller_of(context)
        )
        return pb.DeleteTrunkResponse()

    async def _told(self, spec: TrunkSpec) -> pb.Trunk:
        return to_trunk(spec, to_trunk_state(await self._reached.describe(spec.trunk_id)))
