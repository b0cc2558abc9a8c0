"""Trunks, teams and the engine itself over the API."""

from __future__ import annotations

from typing import TYPE_CHECKING

from google.protobuf.field_mask_pb2 import FieldMask

from clients.channel import Connection, new_request_id
from clients.naming import full
from gateway.pb.paceline.v1 import engine_pb2, teams_pb2, trunks_pb2
from gateway.pb.paceline.v1.engine_pb2_grpc import EngineServiceStub
from gateway.pb.paceline.v1.teams_pb2_grpc import TeamServiceStub
from gateway.pb.paceline.v1.trunks_pb2_grpc import TrunkServiceStub

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable


class Trunks:
    """What ``TrunkService`` offers. Trunks are named by id or full name."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._stub = TrunkServiceStub(connection.channel)

    async def create(
        self, trunk_id: str, trunk: trunks_pb2.Trunk, *, request_id: str = ""
    ) -> trunks_pb2.Trunk:
        """Create a trunk and return it; keep-alives to it begin."""
        request = trunks_pb2.CreateTrunkRequest(
            trunk_id=trunk_id, trunk=trunk, request_id=request_id or new_request_id()
        )
        return (await self._connection.call(self._stub.CreateTrunk, request)).trunk

    async def get(self, trunk: str) -> trunks_pb2.Trunk:
        """Return a trunk with its state."""
        request = trunks_pb2.GetTrunkRequest(name=full("trunks", trunk))
        return (await self._connection.call(self._stub.GetTrunk, request)).trunk

    async def list(self) -> AsyncIterator[trunks_pb2.Trunk]:
        """Yield all trunks, page by page."""
        request = trunks_pb2.ListTrunksRequest(page_size=500)
        while True:
            page = await self._connection.call(self._stub.ListTrunks, request)
            for each in page.trunks:
                yield each
            if not page.next_page_token:
                return
            request.page_token = page.next_page_token

    async def update(
        self, trunk: trunks_pb2.Trunk, fields: Iterable[str] = (), *, request_id: str = ""
    ) -> trunks_pb2.Trunk:
        """Change a trunk (fields: none: those that are set) and return it."""
        request = trunks_pb2.UpdateTrunkRequest(
            trunk=trunk,
            update_mask=FieldMask(paths=fields),
            request_id=request_id or new_request_id(),
        )
        return (await self._connection.call(self._stub.UpdateTrunk, request)).trunk

    async def delete(self, trunk: str, *, etag: str = "", request_id: str = "") -> None:
        """Delete a trunk that no campaign uses."""
        request = trunks_pb2.DeleteTrunkRequest(
            name=full("trunks", trunk), etag=etag, request_id=request_id or new_request_id()
        )
        await self._connection.call(self._stub.DeleteTrunk, request)


class Teams:
    """What ``TeamService`` offers. Teams are named by id or full name."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._stub = TeamServiceStub(connection.channel)

    async def create(
        self, team_id: str, *, display_name: str = "", request_id: str = ""
    ) -> teams_pb2.Team:
        """Create a team and return it."""
        request = teams_pb2.CreateTeamRequest(
            team_id=team_id,
            team=teams_pb2.Team(display_name=display_name),
            request_id=request_id or new_request_id(),
        )
        return (await self._connection.call(self._stub.CreateTeam, request)).team

    async def list(self) -> AsyncIterator[teams_pb2.Team]:
        """Yield all teams, page by page."""
        request = teams_pb2.ListTeamsRequest(page_size=500)
        while True:
            page = await self._connection.call(self._stub.ListTeams, request)
            for each in page.teams:
                yield each
            if not page.next_page_token:
                return
            request.page_token = page.next_page_token

    async def delete(self, team: str, *, etag: str = "", request_id: str = "") -> None:
        """Delete a team that has no agents and serves no campaign."""
        request = teams_pb2.DeleteTeamRequest(
            name=full("teams", team), etag=etag, request_id=request_id or new_request_id()
        )
        await self._connection.call(self._stub.DeleteTeam, request)


class EngineControl:
    """What ``EngineService`` offers."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._stub = EngineServiceStub(connection.channel)

    async def get(self) -> engine_pb2.Engine:
        """Return what the engine is and how it is."""
        request = engine_pb2.GetEngineRequest()
        return (await self._connection.call(self._stub.GetEngine, request)).engine

    async def drain(self) -> engine_pb2.Engine:
        """Begin the engine's orderly end."""
        request = engine_pb2.DrainEngineRequest()
        return (await self._connection.call(self._stub.DrainEngine, request)).engine
