"""AgentService: agents, forced states, and the door to the agent's own session."""

from __future__ import annotations

from contextlib import aclosing
from typing import TYPE_CHECKING

from engine.domain.ids import AgentId, SupervisorId, check_resource_id
from engine.domain.specs import AgentSpec
from gateway.convert import names
from gateway.convert.masks import merged
from gateway.convert.resources import from_agent, to_agent
from gateway.convert.views import AGENT_STATE_OF, to_agent_status
from gateway.desk import open_desk
from gateway.identity import caller_of
from gateway.pb.paceline.v1 import agents_pb2 as pb
from gateway.pb.paceline.v1 import agents_pb2_grpc, campaigns_pb2
from gateway.services.resources import Resources

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from engine.runtime import Agents, Configuration, Lists
    from gateway.interceptors import Context
    from gateway.pb.paceline.v1.agent_session_pb2 import AgentSessionRequest, AgentSessionResponse


class AgentService(agents_pb2_grpc.AgentServiceServicer):
    """Configures agents, lets supervisors change their states, and lets agents work."""

    def __init__(self, configuration: Configuration, working: Agents, lists: Lists) -> None:
        self._configuration = configuration
        self._working = working
        self._lists = lists
        self._agents = Resources(configuration, AgentSpec, "agent")

    async def CreateAgent(
        self, request: pb.CreateAgentRequest, context: Context
    ) -> pb.CreateAgentResponse:
        agent_id = AgentId(check_resource_id("agent", request.agent_id))
        spec = await self._agents.create(
            from_agent(request.agent, agent_id), request.request_id, by=caller_of(context)
        )
        return pb.CreateAgentResponse(agent=await self._told(spec))

    async def GetAgent(self, request: pb.GetAgentRequest, context: Context) -> pb.GetAgentResponse:
        spec = self._agents.get(names.agent_id(request.name))
        return pb.GetAgentResponse(agent=await self._told(spec))

    async def ListAgents(
        self, request: pb.ListAgentsRequest, context: Context
    ) -> pb.ListAgentsResponse:
        team = names.team_id(request.team) if request.team else None
        specs, following = self._agents.page(
            request.page_size, request.page_token, lambda spec: team in {None, spec.team_id}
        )
        return pb.ListAgentsResponse(
            agents=[await self._told(spec) for spec in specs], next_page_token=following
        )

    async def UpdateAgent(
        self, request: pb.UpdateAgentRequest, context: Context
    ) -> pb.UpdateAgentResponse:
        agent_id = names.agent_id(request.agent.name)

        def changed(present: AgentSpec) -> AgentSpec:
            message = merged(to_agent(present, secrets=True), request.agent, request.update_mask)
            return from_agent(message, agent_id)

        spec = await self._agents.change(
            agent_id, changed, request.agent.etag, request.request_id, by=caller_of(context)
        )
        return pb.UpdateAgentResponse(agent=await self._told(spec))

    async def DeleteAgent(
        self, request: pb.DeleteAgentRequest, context: Context
    ) -> pb.DeleteAgentResponse:
        await self._agents.delete(
            names.agent_id(request.name), request.etag, request.request_id, by=caller_of(context)
        )
        return pb.DeleteAgentResponse()

    async def SetAgentState(
        self, request: pb.SetAgentStateRequest, context: Context
    ) -> pb.SetAgentStateResponse:
        agent_id = names.agent_id(request.name)
        state = AGENT_STATE_OF[request.state]
        before = await self._working.describe(agent_id)
        reason = names.clean_text("reason", request.reason)
        if before.state is state and before.reason == reason:
            result, view = campaigns_pb2.COMMAND_RESULT_ALREADY, before
        else:
            result, view = (
                campaigns_pb2.COMMAND_RESULT_DONE,
                await self._working.force_state(
                    agent_id,
                    SupervisorId(
                        names.clean_text("supervisor", request.supervisor) or caller_of(context)
                    ),
                    state,
                    reason,
                ),
            )
        return pb.SetAgentStateResponse(status=to_agent_status(view), result=result)

    async def AgentSession(
        self, request_iterator: AsyncIterator[AgentSessionRequest], context: Context
    ) -> AsyncIterator[AgentSessionResponse]:
        login = await anext(request_iterator, None)
        if login is None:
            return
        desk = await open_desk(self._configuration, self._working, self._lists, login)
        async with aclosing(desk.run(login, request_iterator)) as messages:
            async for message in messages:
                yield message

    async def _told(self, spec: AgentSpec) -> pb.Agent:
        return to_agent(spec, to_agent_status(await self._working.describe(spec.agent_id)))
