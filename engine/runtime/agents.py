"""Agents as the gateway sees them: their state, and their desktops' links."""

from collections.abc import Callable

import msgspec

from engine.actors.desk import DeskEvent
from engine.actors.kernel import ReplyTo
from engine.actors.messages import (
    AgentMessage,
    AgentView,
    ConfigureAgent,
    DescribeAgent,
    ForceState,
    LogIn,
)
from engine.domain.ids import AgentId, SupervisorId
from engine.domain.specs import AgentSpec
from engine.machines.agent import AgentState
from engine.runtime.asker import LOGIN_S, Asker
from engine.runtime.links import AgentLink
from engine.runtime.resources import Resources


class Agents:
    """Logs agents in, tells of them and changes their states.

    Args:
        asker: Asks agents.
        resources: Knows their phones.
    """

    def __init__(self, asker: Asker, resources: Resources) -> None:
        self._asker = asker
        self._resources = resources
        self._desks: dict[AgentId, AgentLink] = {}

    async def describe(self, agent_id: AgentId) -> AgentView:
        """Tell how an agent stands."""
        return await self._asker.ask(self._asker.agent(agent_id), DescribeAgent)

    async def force_state(
        self, agent_id: AgentId, supervisor: SupervisorId, state: AgentState, reason: str
    ) -> AgentView:
        """Force an agent's state.

        Raises:
            AgentBusyError: The agent handles an interaction.
        """
        return await self._asker.ask(
            self._asker.agent(agent_id), lambda r: ForceState(supervisor, state, reason, r)
        )

    async def open_desk(self, agent_id: AgentId, *, phone: str = "") -> AgentLink:
        """Log an agent in and open its desktop's link; an older link is ended.

        Args:
            agent_id: The agent.
            phone: SIP URI of the phone for this session; empty: the configured one.

        Raises:
            UnknownAgentError: There is no such agent.
            UnavailableError: The phone cannot be reached.
        """
        self._asker.check_open()
        ref = self._asker.agent(agent_id)
        spec = self._resources.get("agent", agent_id)
        if phone and isinstance(spec, AgentSpec):
            self._asker.tell(ref, ConfigureAgent(msgspec.structs.replace(spec, phone=phone)))
        view: AgentView = await self._asker.ask(ref, LogIn, LOGIN_S)
        older = self._desks.get(agent_id)
        if older is not None:
            older.end("replaced")

        async def ask(make: Callable[[ReplyTo[object]], AgentMessage]) -> object:
            return await self._asker.ask(ref, make, LOGIN_S)

        link = AgentLink(view, ask, self._forget)
        self._desks[agent_id] = link
        return link

    def _forget(self, link: AgentLink) -> None:
        if self._desks.get(link.view.agent_id) is link:
            del self._desks[link.view.agent_id]

    def tell_desk(self, agent_id: AgentId, event: DeskEvent) -> None:
        """Bring an event to the agent's desktop, if there is one."""
        link = self._desks.get(agent_id)
        if link is not None:
            link.tell(event)

    def end_desks(self, reason: str) -> None:
        """End all links; the agents stay as they are (C3)."""
        for link in list(self._desks.values()):
            link.end(reason)
