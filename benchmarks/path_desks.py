"""Virtual agents of the path benchmark: they take calls, work after them, and keep a book."""

import asyncio
import contextlib
from collections.abc import Coroutine
from random import Random

from engine.actors.desk import CallFinished, CallJoined, StateShown
from engine.actors.messages import ChooseState, SetDisposition
from engine.domain.ids import AgentId, AttemptId
from engine.domain.refusals import DialerError
from engine.machines.agent import AgentState
from engine.runtime.engine import Engine
from engine.runtime.links import AgentLink

_ACW_S = (1.0, 2.0)


class Desks:
    """Agents at the engine's own door; calls are ended by the called party."""

    def __init__(self, engine: Engine, agents: list[str], draw: Random) -> None:
        """Take agents that exist, with phones that answer."""
        self._engine = engine
        self._agents = agents
        self._draw = draw
        self._tasks: set[asyncio.Task[None]] = set()
        self._since_s: dict[str, tuple[AgentState, float]] = {}
        self._joined = 0
        self._finished = 0
        self._waits_s: list[float] = []
        self._spent_s = dict.fromkeys(AgentState, 0.0)

    async def open(self) -> int:
        """Log everybody in and make them ready; return how many are."""
        links = []
        for start in range(0, len(self._agents), 25):
            batch = self._agents[start : start + 25]
            links += await asyncio.gather(
                *(self._engine.agents.open_desk(AgentId(name)) for name in batch)
            )
        for name, link in zip(self._agents, links, strict=True):
            self._begin(self._work(name, link))
        await asyncio.gather(*(self._ready(link) for link in links))
        return len(links)

    def book(self) -> dict[str, object]:
        """Return and clear what was done since the last time."""
        now_s = self._engine.runtime.now_s()
        for name, (state, _) in list(self._since_s.items()):
            self._turn(name, state, now_s)
        answer: dict[str, object] = {
            "joined": self._joined,
            "finished": self._finished,
            "spent_s": {state.value: spent for state, spent in self._spent_s.items() if spent},
            "waits_s": sorted(self._waits_s),
        }
        self._joined = self._finished = 0
        self._waits_s = []
        self._spent_s = dict.fromkeys(AgentState, 0.0)
        return answer

    def _begin(self, work: Coroutine[object, object, None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _work(self, name: str, link: AgentLink) -> None:
        async for event in link.events():
            match event:
                case StateShown(view):
                    self._turn(name, view.state, self._engine.runtime.now_s())
                case CallJoined():
                    self._joined += 1
                case CallFinished(attempt_id):
                    self._finished += 1
                    self._begin(self._finish(link, attempt_id))
                case _:
                    pass

    def _turn(self, name: str, state: AgentState, now_s: float) -> None:
        before, since_s = self._since_s.get(name, (state, now_s))
        self._spent_s[before] += now_s - since_s
        if before is AgentState.READY and state is not before:
            self._waits_s.append(now_s - since_s)
        self._since_s[name] = (state, now_s)

    async def _finish(self, link: AgentLink, attempt_id: AttemptId) -> None:
        await asyncio.sleep(self._draw.uniform(*_ACW_S))
        with contextlib.suppress(DialerError):
            await link.ask(
                lambda r: SetDisposition(attempt_id, "success", "", 0.0, 0.0, "", r)  # type: ignore[arg-type]
            )
        await self._ready(link)

    @staticmethod
    async def _ready(link: AgentLink) -> None:
        with contextlib.suppress(DialerError):
            await link.ask(lambda r: ChooseState(AgentState.READY, "", r))  # type: ignore[arg-type]
