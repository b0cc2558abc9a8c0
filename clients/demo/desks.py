"""The virtual agents at their desks: they take calls, end them, say what they came to, go on."""

from __future__ import annotations

import asyncio
import contextlib
import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from clients.errors import PacelineError
from gateway.pb.paceline.v1 import agent_session_pb2 as pb

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from clients.agents import Desk
    from clients.client import PacelineClient

_BUSY = (pb.AGENT_STATE_BUSY, pb.AGENT_STATE_ACW)
_AGAIN_S = 0.5
_MOST_FAULTS = 5


@dataclass(frozen=True, slots=True)
class Manners:
    """How agents work.

    Attributes:
        talk_s: Shortest and longest talk before the agent hangs up. [s]
        acw_s: Shortest and longest after-call work. [s]
        dispositions: What calls come to.
    """

    talk_s: tuple[float, float] = (9.0, 22.0)
    acw_s: tuple[float, float] = (1.0, 3.0)
    dispositions: tuple[str, ...] = (
        "success",
        "success",
        "offer-rejected",
        "call-back",
        "wrong-person",
    )


@dataclass(slots=True)
class Hours:
    """How an agent's time was spent, in the agent's own book.

    Attributes:
        busy_s: In calls and after-call work. [s]
        idle_s: Ready. [s]
        calls: Calls taken.
    """

    busy_s: float = 0.0
    idle_s: float = 0.0
    calls: int = 0
    state: int = pb.AGENT_STATE_LOGGED_OUT
    since_s: float = 0.0

    def enter(self, state: int, now_s: float) -> None:
        """Book the time since the last change, and begin a new state."""
        if self.state in _BUSY:
            self.busy_s += now_s - self.since_s
        elif self.state == pb.AGENT_STATE_READY:
            self.idle_s += now_s - self.since_s
        self.state, self.since_s = state, now_s

    def clear(self, now_s: float) -> None:
        """Begin a new book."""
        self.busy_s = self.idle_s = 0.0
        self.calls, self.since_s = 0, now_s


@dataclass(slots=True)
class Worker:
    """One virtual agent.

    Attributes:
        agent: Its id.
        manners: How it works.
        draw: Of how long it takes.
        note: Told every event.
        hours: Its book.
        ready: Set once it is ready with its phone up.
        faults: What went wrong in its sessions.
    """

    agent: str
    manners: Manners
    draw: random.Random
    note: Callable[[pb.AgentSessionResponse], None] | None = None
    hours: Hours = field(default_factory=Hours)
    ready: asyncio.Event = field(default_factory=asyncio.Event)
    faults: list[str] = field(default_factory=list)

    async def run(self, client: PacelineClient) -> None:
        """Work until cancelled; a session that breaks is begun anew."""
        while True:
            desk = client.agents.open_desk()
            try:
                await desk.login(self.agent, state=pb.AGENT_STATE_READY)
                await self.work(desk)
            except PacelineError as error:
                self._blame(error)
            finally:
                await desk.close()
            await asyncio.sleep(_AGAIN_S)

    async def work(self, desk: Desk) -> None:
        """Take calls at a desk until its session ends."""
        async with asyncio.TaskGroup() as tasks:
            talking: asyncio.Task[None] | None = None
            try:
                async for event in desk.events():
                    talking = self._react(desk, event, tasks, talking)
            except PacelineError as error:
                self._blame(error)
            if talking is not None:
                talking.cancel()

    def _react(
        self,
        desk: Desk,
        event: pb.AgentSessionResponse,
        tasks: asyncio.TaskGroup,
        talking: asyncio.Task[None] | None,
    ) -> asyncio.Task[None] | None:
        """React to one event; return the talk in progress."""
        if self.note is not None:
            self.note(event)
        match event.WhichOneof("event"):
            case "state_changed":
                self._book(event.state_changed.status, asyncio.get_running_loop().time())
            case "call_offered" if not event.call_offered.automatic_answer:
                tasks.create_task(_try(desk.accept(event.call_offered.call)))
            case "call_connected":
                self.hours.calls += 1
                return tasks.create_task(self._talk(desk, event.call_connected.call))
            case "call_ended":
                if talking is not None:
                    talking.cancel()
                tasks.create_task(self._finish(desk, event.call_ended.call))
            case _:
                pass
        return talking

    def _blame(self, error: PacelineError) -> None:
        if len(self.faults) < _MOST_FAULTS:
            self.faults.append(str(error))

    def _book(self, status: pb.AgentStatus, now_s: float) -> None:
        self.hours.enter(status.state, now_s)
        if status.state == pb.AGENT_STATE_READY and status.phone_up:
            self.ready.set()

    async def _talk(self, desk: Desk, call: str) -> None:
        await asyncio.sleep(self.draw.uniform(*self.manners.talk_s))
        await _try(desk.hang_up(call))

    async def _finish(self, desk: Desk, call: str) -> None:
        await asyncio.sleep(self.draw.uniform(*self.manners.acw_s))
        await _try(desk.dispose(self.draw.choice(self.manners.dispositions), call=call))
        await _try(desk.set_state(pb.AGENT_STATE_READY))


class Staff:
    """All virtual agents."""

    def __init__(
        self, client: PacelineClient, agents: list[str], manners: Manners, seed: int
    ) -> None:
        """Put agents to work.

        Args:
            client: Of the server they work at.
            agents: Their ids; they exist, and their phones are registered.
            manners: How they work.
            seed: Of how long they take.
        """
        self.workers = [
            Worker(agent, manners, random.Random(f"{seed}/{agent}"))  # noqa: S311
            for agent in agents
        ]
        self._tasks = [asyncio.create_task(worker.run(client)) for worker in self.workers]

    async def wait_ready(self, timeout_s: float) -> int:
        """Wait until all are ready with their phones up; return how many are.

        Args:
            timeout_s: Longest wait. [s]
        """
        waits = [asyncio.create_task(worker.ready.wait()) for worker in self.workers]
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                await asyncio.gather(*waits)
        return sum(worker.ready.is_set() for worker in self.workers)

    def clear(self) -> None:
        """Begin everybody's book of hours anew."""
        now_s = asyncio.get_running_loop().time()
        for worker in self.workers:
            worker.hours.clear(now_s)

    def busy_share(self) -> float:
        """Return the share of their time that agents were busy, in [0, 1]."""
        now_s = asyncio.get_running_loop().time()
        for worker in self.workers:
            worker.hours.enter(worker.hours.state, now_s)
        busy_s = sum(worker.hours.busy_s for worker in self.workers)
        all_s = busy_s + sum(worker.hours.idle_s for worker in self.workers)
        return busy_s / all_s if all_s else 0.0

    @property
    def faults(self) -> list[str]:
        """What went wrong in sessions."""
        return [f"{worker.agent}: {each}" for worker in self.workers for each in worker.faults]

    async def stop(self) -> None:
        """End all sessions."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


async def _try(command: Awaitable[None]) -> None:
    """Give a command that may come too late: the other side can be faster."""
    with contextlib.suppress(PacelineError):
        await command
