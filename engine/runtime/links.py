"""Streams between the engine and its people: an agent's desktop, a supervisor's ear and voice."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TypeVar

from engine.actors.desk import DeskEvent, SessionOver, SessionShown, SupervisorEvent
from engine.actors.kernel import ReplyTo
from engine.actors.messages import (
    AgentMessage,
    AgentView,
    SessionView,
    SetSupervisionMode,
    SupervisionMessage,
)
from engine.domain.refusals import MailboxFullError
from engine.machines.mix import SupervisionMode

E = TypeVar("E")
R = TypeVar("R")

MOST_WAITING = 1_000
"""Events a desktop may be behind before it is cut off. [events]"""

AskAgent = Callable[[Callable[[ReplyTo[object]], AgentMessage]], Awaitable[object]]
AskSession = Callable[
    [Callable[[ReplyTo[SessionView]], SupervisionMessage]], Awaitable[SessionView]
]


class AgentLink:
    """One desktop's link to its agent; a newer link of the same agent replaces it.

    Attributes:
        view: The agent as it was when the link was opened.
        reason: Why the link ended, once ``events`` has.
    """

    def __init__(
        self, view: AgentView, ask: AskAgent, forget: Callable[["AgentLink"], None]
    ) -> None:
        self.view = view
        self.reason = ""
        self._ask = ask
        self._forget = forget
        self._events: asyncio.Queue[DeskEvent | None] = asyncio.Queue()

    async def ask(self, make: Callable[[ReplyTo[object]], AgentMessage]) -> object:
        """Carry out what the agent says.

        Raises:
            DialerError: It is refused.
            TimeoutError: No answer came within the deadline.
        """
        return await self._ask(make)

    def tell(self, event: DeskEvent) -> None:
        """Pass on an event; a desktop that does not read is cut off."""
        if self._events.qsize() >= MOST_WAITING:
            self.end("too-slow")
        elif not self.reason:
            self._events.put_nowait(event)

    def end(self, reason: str) -> None:
        """End the link; the agent stays as it is (C3)."""
        if not self.reason:
            self.reason = reason
            self._events.put_nowait(None)

    async def events(self) -> AsyncIterator[DeskEvent]:
        """Yield events until the link ends."""
        while (event := await self._events.get()) is not None:
            yield event

    def close(self) -> None:
        """Give the link up; the agent stays as it is (C3)."""
        self.end("closed")
        self._forget(self)


class SupervisionLink:
    """One supervisor's session, with the audio both ways where there is no phone.

    Attributes:
        view: The session as last heard of.
    """

    def __init__(
        self,
        view: SessionView,
        ask: AskSession,
        end: Callable[[], None],
        speak: Callable[[bytes], None],
    ) -> None:
        self.view = view
        self._ask = ask
        self._end = end
        self._speak = speak
        self._sink: Callable[[bytes], None] = lambda _pcm: None
        self._events: asyncio.Queue[SupervisorEvent] = asyncio.Queue()

    async def set_mode(self, mode: SupervisionMode) -> SessionView:
        """Change the mode, any time, any number of times.

        Raises:
            DialerError: The session is over.
        """
        self.view = await self._ask(lambda reply_to: SetSupervisionMode(mode, reply_to))
        return self.view

    def speak(self, pcm: bytes) -> None:
        """Speak 20 ms of PCM16 at 8 kHz (320 octets)."""
        self._speak(pcm)

    def hears(self, sink: Callable[[bytes], None]) -> None:
        """Say where the frames go that the supervisor hears."""
        self._sink = sink

    def audio(self, pcm: bytes) -> None:
        """Pass on 20 ms of what is heard."""
        self._sink(pcm)

    def tell(self, event: SupervisorEvent) -> None:
        """Pass on an event."""
        if isinstance(event, SessionShown):
            self.view = event.view
        if self._events.qsize() >= MOST_WAITING:
            raise MailboxFullError(f"supervisionSessions/{self.view.session_id} does not read")
        self._events.put_nowait(event)

    async def events(self) -> AsyncIterator[SupervisorEvent]:
        """Yield events until the session is over."""
        while True:
            event = await self._events.get()
            yield event
            if isinstance(event, SessionOver):
                return

    def close(self) -> None:
        """End the session; the call goes on."""
        self._end()
