"""One agent's session: commands in, answers and events out, until either side ends it."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from engine.actors.desk import CallJoined, CallOfferedToDesk, DeskEvent, PreviewShown, StateShown
from engine.domain.refusals import DialerError, InvalidRequestError
from engine.domain.specs import CampaignSpec
from gateway.convert import names
from gateway.convert.resources import check_phone
from gateway.convert.sessions import to_command, to_desk_message
from gateway.convert.units import to_timestamp
from gateway.interceptors import check_rules
from gateway.pb.paceline.v1 import agent_session_pb2, lists_pb2
from gateway.pb.paceline.v1.agent_session_pb2 import AgentSessionRequest, AgentSessionResponse
from gateway.records import tell_record
from gateway.status import refusal_of
from gateway.streams import Outbox

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator

    from engine.runtime import AgentLink, Agents, Configuration, Lists

_HEARTBEAT_S = 5.0


class Desk:
    """Serves one session of one agent."""

    def __init__(self, configuration: Configuration, lists: Lists, link: AgentLink) -> None:
        """Serve an agent who has just logged in over ``link``."""
        self._configuration = configuration
        self._lists = lists
        self._link = link
        self._view = link.view
        self._outbox: Outbox[AgentSessionResponse] = Outbox()

    async def run(
        self, login: AgentSessionRequest, requests: AsyncIterator[AgentSessionRequest]
    ) -> AsyncGenerator[AgentSessionResponse, None]:
        """Yield what the agent is told, from the login on.

        Args:
            login: The first message, which opened the link.
            requests: The agent's further messages.
        """
        self._outbox.put(_ack(login.request_id))
        self._outbox.put(await self._told(StateShown(self._view)))
        tasks = [
            asyncio.create_task(self._listen(login, requests)),
            asyncio.create_task(self._pump()),
        ]
        for task in tasks:
            task.add_done_callback(self._ended)
        try:
            async for message in self._outgoing():
                yield message
            for task in tasks:
                if task.done():
                    task.result()
        finally:
            # Without awaiting: a second cancel must not find the link still open.
            self._link.close()
            for task in tasks:
                task.cancel()

    def _ended(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled():
            task.exception()  # seen: ``run`` raises it, if it is still there
        self._outbox.close()

    async def _outgoing(self) -> AsyncIterator[AgentSessionResponse]:
        while True:
            try:
                message = await self._outbox.get(_HEARTBEAT_S)
            except EOFError:
                return
            if message is None:
                message = AgentSessionResponse(event_time=to_timestamp(time.time()))
                message.heartbeat.SetInParent()
            yield message

    async def _listen(
        self, login: AgentSessionRequest, requests: AsyncIterator[AgentSessionRequest]
    ) -> None:
        """Carry out what the agent says, one after the other."""
        if login.login.state != agent_session_pb2.AGENT_STATE_UNSPECIFIED:
            first = AgentSessionRequest(request_id=login.request_id)
            first.set_state.state = login.login.state
            refused = await self._carry_out(first)
            if refused.HasField("refusal"):
                self._outbox.put(refused)
        async for request in requests:
            self._outbox.put(await self._carry_out(request))

    async def _carry_out(self, request: AgentSessionRequest) -> AgentSessionResponse:
        try:
            check_rules(request)
            await self._link.ask(to_command(request, self._view))
        except (DialerError, TimeoutError) as error:
            refused = refusal_of(error)
            message = AgentSessionResponse(event_time=to_timestamp(time.time()))
            message.refusal.request_id = request.request_id
            message.refusal.reason = refused.reason
            message.refusal.message = refused.message
            return message
        return _ack(request.request_id)

    async def _pump(self) -> None:
        """Tell the desktop what happens, until the session is over."""
        async for event in self._link.events():
            if isinstance(event, StateShown):
                self._view = event.view
            self._outbox.put(await self._told(event))
        ended = AgentSessionResponse(event_time=to_timestamp(time.time()))
        ended.session_ended.reason = self._link.reason
        self._outbox.put(ended)

    async def _told(self, event: DeskEvent) -> AgentSessionResponse:
        record, campaign = lists_pb2.Record(), None
        if isinstance(event, CallOfferedToDesk | CallJoined | PreviewShown):
            standings = [event.campaign_id] if isinstance(event, PreviewShown) else []
            record = await tell_record(self._lists, event.ref, standings)
            spec = self._configuration.get("campaign", event.campaign_id)
            campaign = spec if isinstance(spec, CampaignSpec) else None
        return to_desk_message(event, time.time(), record, campaign)


async def open_desk(
    configuration: Configuration, agents: Agents, lists: Lists, login: AgentSessionRequest
) -> Desk:
    """Log an agent in, as the first message of a session asks.

    Raises:
        InvalidRequestError: The message is no login.
        UnknownAgentError: There is no such agent.
    """
    check_rules(login)
    if login.WhichOneof("command") != "login":
        raise InvalidRequestError("a session begins with its login", slug="not-logged-in")
    agent_id = names.agent_id(login.login.agent)
    phone = check_phone("login.phone", login.login.phone)
    return Desk(configuration, lists, await agents.open_desk(agent_id, phone=phone))


def _ack(request_id: str) -> AgentSessionResponse:
    message = AgentSessionResponse(event_time=to_timestamp(time.time()))
    message.ack.request_id = request_id
    return message
