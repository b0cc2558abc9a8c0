"""Supervisors on agents' calls: their sessions, and the audio of those without a phone."""

from collections.abc import Callable, Sequence

from engine.actors.desk import SessionOver, SupervisorEvent
from engine.actors.kernel import Kernel, Ref, ReplyTo
from engine.actors.messages import (
    BeginSupervision,
    DescribeSession,
    EndSupervision,
    SessionView,
    SupervisionMessage,
)
from engine.actors.registry import Registry
from engine.actors.supervision import SupervisionBehavior
from engine.domain.ids import AgentId, IdSource, LegId, SessionId, SupervisorId
from engine.domain.refusals import NotNowError
from engine.machines.mix import SupervisionMode
from engine.ports import Telephony
from engine.runtime.asker import LOGIN_S, Asker
from engine.runtime.links import SupervisionLink
from engine.runtime.ownership import LegOwners


class Supervision:
    """Opens supervision sessions, and brings events and audio to their links.

    Args:
        asker: Asks sessions.
        kernel: Runs their actors.
        registry: Where these are found.
        telephony: Places legs, and takes what a supervisor speaks.
        legs: Knows a session's leg.
        ids: Makes ids.
    """

    def __init__(
        self,
        asker: Asker,
        kernel: Kernel,
        registry: Registry,
        telephony: Telephony,
        legs: LegOwners,
        ids: IdSource,
    ) -> None:
        self._asker = asker
        self._kernel = kernel
        self._registry = registry
        self._telephony = telephony
        self._legs = legs
        self._ids = ids
        self._links: dict[SessionId, SupervisionLink] = {}
        self._ears: dict[LegId, SupervisionLink] = {}

    async def open(
        self,
        agent_id: AgentId,
        supervisor: SupervisorId,
        mode: SupervisionMode,
        *,
        phone: str = "",
    ) -> SupervisionLink:
        """Join an agent's call: by phone, or by the stream itself.

        Args:
            agent_id: The agent.
            supervisor: Who supervises.
            mode: The first mode.
            phone: SIP URI of the supervisor's phone; empty: audio goes through the link.

        Raises:
            UnknownAgentError: There is no such agent.
            NotNowError: The agent has no call, or the supervisor has a session.
        """
        self._asker.agent(agent_id)
        if any(link.view.supervisor_id == supervisor for link in self._links.values()):
            raise NotNowError(f"{supervisor} supervises already", slug="supervising-already")
        waiting = SessionView(self._ids.session(), supervisor, agent_id, mode, None, leg_up=False)
        ref = self._spawn(waiting, phone or None)
        link = self._link(waiting, ref)
        self._links[waiting.session_id] = link
        try:
            link.view = await self._asker.ask(ref, BeginSupervision, LOGIN_S)
        except BaseException:
            self._links.pop(waiting.session_id, None)
            self._kernel.tell(ref, EndSupervision("refused"))
            raise
        for leg_id in self._legs.legs_of(ref):
            self._ears[leg_id] = link
        return link

    def _spawn(self, session: SessionView, phone: str | None) -> Ref[SupervisionMessage]:
        """Start a session's actor; ``BeginSupervision`` then begins it."""
        ref: Ref[SupervisionMessage] = Ref(f"supervisionSessions/{session.session_id}")
        behavior = SupervisionBehavior(
            session.session_id,
            session.supervisor_id,
            self._asker.agent(session.agent_id),
            session.agent_id,
            session.mode,
            phone,
            self._ids,
            self._telephony.identify,
            me=ref,
        )
        self._kernel.spawn_at(ref, lambda _now_s: behavior)
        self._registry.sessions.put(session.session_id, ref)
        return ref

    def _link(self, waiting: SessionView, ref: Ref[SupervisionMessage]) -> SupervisionLink:
        async def ask(make: Callable[[ReplyTo[SessionView]], SupervisionMessage]) -> SessionView:
            return await self._asker.ask(ref, make)

        leg: list[LegId] = []

        def speak(pcm: bytes) -> None:
            if not leg:
                leg.extend(self._legs.legs_of(ref))
            if leg:
                self._telephony.send_audio(leg[0], pcm)

        return SupervisionLink(
            waiting, ask, lambda: self._kernel.tell(ref, EndSupervision("left")), speak
        )

    def tell(self, session_id: SessionId, event: SupervisorEvent) -> None:
        """Bring an event to a session's link."""
        link = self._links.get(session_id)
        if link is None:
            return
        link.tell(event)
        if isinstance(event, SessionOver):
            del self._links[session_id]
            self._ears = {leg: ear for leg, ear in self._ears.items() if ear is not link}

    def hear(self, leg_id: LegId, pcm: bytes) -> None:
        """Bring 20 ms of audio to the link of the session that a leg belongs to."""
        link = self._ears.get(leg_id)
        if link is not None:
            link.audio(pcm)

    async def sessions(self) -> Sequence[SessionView]:
        """Return the supervision sessions there are."""
        return [
            await self._asker.ask(ref, DescribeSession) for ref in self._registry.sessions.refs()
        ]
