"""TeamService: teams of agents."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.domain.ids import TeamId, check_resource_id
from engine.domain.specs import TeamSpec
from gateway.convert import names
from gateway.convert.masks import merged
from gateway.convert.resources import from_team, to_team
from gateway.identity import caller_of
from gateway.pb.paceline.v1 import teams_pb2 as pb
from gateway.pb.paceline.v1 import teams_pb2_grpc
from gateway.services.resources import Resources

if TYPE_CHECKING:
    from engine.runtime import Configuration
    from gateway.interceptors import Context


class TeamService(teams_pb2_grpc.TeamServiceServicer):
    """Configures teams."""

    def __init__(self, configuration: Configuration) -> None:
        self._teams = Resources(configuration, TeamSpec, "team")

    async def CreateTeam(
        self, request: pb.CreateTeamRequest, context: Context
    ) -> pb.CreateTeamResponse:
        team_id = TeamId(check_resource_id("team", request.team_id))
        spec = await self._teams.create(
            from_team(request.team, team_id), request.request_id, by=caller_of(context)
        )
        return pb.CreateTeamResponse(team=to_team(spec))

    async def GetTeam(self, request: pb.GetTeamRequest, context: Context) -> pb.GetTeamResponse:
        return pb.GetTeamResponse(team=to_team(self._teams.get(names.team_id(request.name))))

    async def ListTeams(
        self, request: pb.ListTeamsRequest, context: Context
    ) -> pb.ListTeamsResponse:
        specs, following = self._teams.page(request.page_size, request.page_token)
        return pb.ListTeamsResponse(
            teams=[to_team(spec) for spec in specs], next_page_token=following
        )

    async def UpdateTeam(
        self, request: pb.UpdateTeamRequest, context: Context
    ) -> pb.UpdateTeamResponse:
        team_id = names.team_id(request.team.name)

        def changed(present: TeamSpec) -> TeamSpec:
            message = merged(to_team(present), request.team, request.update_mask)
            return from_team(message, team_id)

        spec = await self._teams.change(
            team_id, changed, request.team.etag, request.request_id, by=caller_of(context)
        )
        return pb.UpdateTeamResponse(team=to_team(spec))

    async def DeleteTeam(
        self, request: pb.DeleteTeamRequest, context: Context
    ) -> pb.DeleteTeamResponse:
        await self._teams.delete(
            names.team_id(request.name), request.etag, request.request_id, by=caller_of(context)
        )
        return pb.DeleteTeamResponse()
