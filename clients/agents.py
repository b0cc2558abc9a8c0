"""Agents over the API: configure, force states, and the session in which an agent works."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import grpc.aio
from google.protobuf.field_mask_pb2 import FieldMask

from clients.channel import Connection, new_request_id
from clients.errors import PacelineError, error_of, refused
from clients.naming import full
from gateway.pb.paceline.v1 import agent_session_pb2 as session_pb
from gateway.pb.paceline.v1 import agents_pb2 as pb
from gateway.pb.paceline.v1.agents_pb2_grpc import AgentServiceStub

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable

    _Call = grpc.aio.StreamStreamCall[
        session_pb.AgentSessionRequest, session_pb.AgentSessionResponse
    ]

_ANSWER_S = 10.0
"""Longest wait for the answer to a command in a session."""


class Agents:
    """What ``AgentService`` offers. Agents are named by id or full name."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._stub = AgentServiceStub(connection.channel)

    async def create(self, agent_id: str, agent: pb.Agent, *, request_id: str = "") -> pb.Agent:
        """Create an agent, logged out, and return it."""
        request = pb.CreateAgentRequest(
            agent_id=agent_id, agent=agent, request_id=request_id or new_request_id()
        )
        return (await self._connection.call(self._stub.CreateAgent, request)).agent

    async def get(self, agent: str) -> pb.Agent:
        """Return an agent with what the agent is doing."""
        request = pb.GetAgentRequest(name=full("agents", agent))
        return (await self._connection.call(self._stub.GetAgent, request)).agent

    async def list(self, *, team: str = "") -> AsyncIterator[pb.Agent]:
        """Yield all agents, or those of one team, page by page."""
        request = pb.ListAgentsRequest(page_size=500, team=full("teams", team))
        while True:
            page = await self._connection.call(self._stub.ListAgents, request)
            for each in page.agents:
                yield each
            if not page.next_page_token:
                return
            request.page_token = page.next_page_token

    async def update(
        self, agent: pb.Agent, fields: Iterable[str] = (), *, request_id: str = ""
    ) -> pb.Agent:
        """Change an agent (fields: none: those that are set) and return it."""
        request = pb.UpdateAgentRequest(
            agent=agent,
            update_mask=FieldMask(paths=fields),
            request_id=request_id or new_request_id(),
        )
        return (await self._connection.call(self._stub.UpdateAgent, request)).agent

    async def delete(self, agent: str, *, etag: str = "", request_id: str = "") -> None:
        """Delete an agent who is logged out."""
        request = pb.DeleteAgentRequest(
            name=full("agents", agent), etag=etag, request_id=request_id or new_request_id()
        )
        await self._connection.call(self._stub.DeleteAgent, request)

    async def set_state(
        self,
        agent: str,
        state: session_pb.AgentState.ValueType,
        *,
        reason: str = "",
        supervisor: str = "",
        request_id: str = "",
    ) -> session_pb.AgentStatus:
        """Force an agent into a state; refused while the agent handles an interaction."""
        request = pb.SetAgentStateRequest(
            name=full("agents", agent),
            state=state,
            reason=reason,
            supervisor=supervisor,
            request_id=request_id or new_request_id(),
        )
        return (await self._connection.call(self._stub.SetAgentState, request)).status

    def open_desk(self) -> Desk:
        """Open a session; ``Desk.login`` comes next."""
        return Desk(self._connection.converse(self._stub.AgentSession), self._connection.server)


class Desk:
    """One session of one agent: commands in, what happens out.

    Read ``events`` in one task, and give commands from any; a command returns when the engine has
    carried it out durably.
    """

    def __init__(self, call: _Call, server: str) -> None:
        """Take over an open stream; ``Agents.open_desk`` makes desks."""
        self._call = call
        self._server = server
        self._answers: dict[str, asyncio.Future[None]] = {}
        self._events: asyncio.Queue[session_pb.AgentSessionResponse | PacelineError | None] = (
            asyncio.Queue()
        )
        self._reading = asyncio.create_task(self._read())

    async def login(
        self,
        agent: str,
        *,
        phone: str = "",
        state: session_pb.AgentState.ValueType = session_pb.AGENT_STATE_NOT_READY,
    ) -> None:
        """Begin the session.

        Args:
            agent: Id or full name.
            phone: SIP URI of the phone for this session; empty: the configured one.
            state: State to begin in.

        Raises:
            PacelineError: There is no such agent, or no server.
        """
        message = session_pb.AgentSessionRequest()
        message.login.agent = full("agents", agent)
        message.login.phone = phone
        message.login.state = state
        await self.say(message)

    async def set_state(self, state: session_pb.AgentState.ValueType, *, reason: str = "") -> None:
        """Change the state, once the interaction in hand is over if there is one."""
        message = session_pb.AgentSessionRequest()
        message.set_state.state = state
        message.set_state.reason = reason
        await self.say(message)

    async def accept(self, call: str) -> None:
        """Take the call offered."""
        message = session_pb.AgentSessionRequest()
        message.accept_offer.call = call
        await self.say(message)

    async def hang_up(self, call: str = "") -> None:
        """End the call in hand."""
        message = session_pb.AgentSessionRequest()
        message.hang_up.call = call
        await self.say(message)

    async def hold(self, call: str = "", *, held: bool = True) -> None:
        """Put the called party on hold, or speak with the called party again."""
        message = session_pb.AgentSessionRequest()
        (message.hold if held else message.resume).call = call
        (message.hold if held else message.resume).SetInParent()
        await self.say(message)

    async def dispose(self, disposition: str, *, call: str = "", notes: str = "") -> None:
        """Say what a call came to, by the slug of a disposition."""
        message = session_pb.AgentSessionRequest()
        message.set_disposition.call = call
        message.set_disposition.disposition = disposition
        message.set_disposition.notes = notes
        await self.say(message)

    async def say(self, message: session_pb.AgentSessionRequest) -> None:
        """Send any command and wait until it is carried out.

        Raises:
            PacelineError: It was refused, or the session is over.
        """
        message.request_id = message.request_id or new_request_id()
        answer = asyncio.get_running_loop().create_future()
        self._answers[message.request_id] = answer
        try:
            await self._call.write(message)
            async with asyncio.timeout(_ANSWER_S):
                await answer
        except grpc.aio.AioRpcError as error:
            raise error_of(error, self._server) from error
        except asyncio.InvalidStateError as error:
            raise refused("session-over", "the session is over") from error
        except TimeoutError as error:
            raise PacelineError(
                "deadline-exceeded", "no answer to the command", "DEADLINE_EXCEEDED"
            ) from error
        finally:
            del self._answers[message.request_id]

    async def events(self) -> AsyncIterator[session_pb.AgentSessionResponse]:
        """Yield what happens, without acknowledgements and heartbeats, until the session ends.

        Raises:
            PacelineError: The stream broke.
        """
        while (event := await self._events.get()) is not None:
            if isinstance(event, PacelineError):
                raise event
            yield event

    async def close(self) -> None:
        """End the stream; the agent takes no new calls until another session is there."""
        self._call.cancel()
        self._reading.cancel()
        await asyncio.gather(self._reading, return_exceptions=True)

    async def _read(self) -> None:
        over: PacelineError | None = None
        try:
            async for message in self._call:
                self._take(message)
        except grpc.aio.AioRpcError as error:
            over = error_of(error, self._server)
        finally:
            for answer in self._answers.values():
                if not answer.done():
                    answer.set_exception(over or refused("session-over", "the session is over"))
            self._events.put_nowait(over)

    def _take(self, message: session_pb.AgentSessionResponse) -> None:
        match message.WhichOneof("event"):
            case "ack":
                self._answer(message.ack.request_id, None)
            case "refusal":
                refusal = message.refusal
                self._answer(refusal.request_id, refused(refusal.reason, refusal.message))
            case "heartbeat":
                pass
            case _:
                self._events.put_nowait(message)

    def _answer(self, request_id: str, error: PacelineError | None) -> None:
        answer = self._answers.get(request_id)
        if answer is None or answer.done():
            return
        if error is None:
            answer.set_result(None)
        else:
            answer.set_exception(error)
