"""Two campaigns that share agents, played fact by fact through the floor that the engine uses."""

import heapq
import math
import random
from collections import deque
from dataclasses import dataclass, field
from itertools import count

import numpy as np

from engine.pacing import (
    DAY,
    UNLIMITED,
    Budgets,
    Conditions,
    Floor,
    Learner,
    Memberships,
    Mode,
    Phase,
)

_PATIENCE_S = 2.0


@dataclass(slots=True)
class Outcome:
    """What two campaigns came to in one day.

    Attributes:
        answered: Answers of each campaign.
        unattended: Of these, without an agent in time.
        busy_share: Share of all agents' time in talk and after-call work.
    """

    answered: list[int]
    unattended: list[int]
    busy_share: float


@dataclass(slots=True)
class _Call:
    slot: int
    row: int
    asked_s: float = math.inf
    done: bool = False


@dataclass(slots=True)
class _Agent:
    slot: int
    group: int
    ready_s: float = 0.0
    ready: bool = True


@dataclass(slots=True)
class SharedFloor:
    """A day of two campaigns: some agents serve one, some the other, the rest both.

    Attributes:
        answer_p: Chance of an answer of each campaign.
        agents: Agents of the first, of the second, of both.
        seed: Seed of the people.
    """

    answer_p: tuple[float, float]
    agents: tuple[int, int, int]
    seed: int
    floor: Floor = field(init=False)
    _draw: random.Random = field(init=False)
    _events: list[tuple[float, int, str, object]] = field(init=False, default_factory=list)
    _order: "count[int]" = field(init=False, default_factory=count)
    _waiting: "deque[_Call]" = field(init=False, default_factory=deque)
    _agents: list[_Agent] = field(init=False, default_factory=list)
    _busy_s: float = field(init=False, default=0.0)

    def __post_init__(self) -> None:
        """Seat the agents."""
        self._draw = random.Random(self.seed)
        self.floor = Floor(Learner(2), Budgets(2, (DAY,)))
        pairs = Memberships(np.array([0, 1, 0, 1]), np.array([0, 1, 2, 2]), np.zeros(4, np.int64))
        self.floor.serve(pairs, 3)
        for group, seats in enumerate(self.agents):
            for _ in range(seats):
                agent = _Agent(self.floor.agent_joined(group, 0.0), group)
                self.floor.agent_turned(agent.slot, Phase.READY, 0.0)
                self._agents.append(agent)

    def play_day(self, began_s: float, length_s: float, step_s: float = 1.0) -> Outcome:
        """Play one day of the rule.

        Args:
            began_s: When it begins; where the last one ended. [s]
            length_s: How long it lasts. [s]
            step_s: Time between decisions. [s]

        Returns:
            What it came to.
        """
        self.floor.budgets.restart(np.arange(2), 0)
        self._busy_s = 0.0
        for step in range(1, round(length_s / step_s) + 1):
            now_s = began_s + step * step_s
            self._run_until(now_s)
            started = self.floor.decide(now_s, _CONDITIONS).calls_to_start
            for row in (0, 1):
                for _ in range(int(started[row])):
                    self._dial(row, now_s)
        answered, unattended = self.floor.budgets.counts()
        return Outcome(
            answered[:, 0].astype(int).tolist(),
            unattended[:, 0].astype(int).tolist(),
            self._busy_s / (length_s * len(self._agents)),
        )

    def _run_until(self, now_s: float) -> None:
        while self._events and self._events[0][0] <= now_s:
            at_s, _, kind, thing = heapq.heappop(self._events)
            if isinstance(thing, _Call):
                self._call_event(kind, thing, at_s)
            elif isinstance(thing, _Agent):
                self._agent_event(kind, thing, at_s)

    def _call_event(self, kind: str, call: _Call, at_s: float) -> None:
        if kind == "ended":
            self.floor.call_closed(call.slot, at_s)
        elif kind == "answered":
            call.asked_s = at_s
            self.floor.agent_asked(call.slot, at_s)
            self.floor.budgets.count(call.row, at_s, answered=1)
            self._waiting.append(call)
            self._later(at_s + _PATIENCE_S, "gave up", call)
            self._route(at_s)
        elif not call.done:
            call.done = True
            self._waiting.remove(call)
            self.floor.budgets.count(call.row, at_s, unattended=1)
            self.floor.call_closed(call.slot, at_s)

    def _agent_event(self, kind: str, agent: _Agent, at_s: float) -> None:
        if kind == "hung up":
            self.floor.agent_turned(agent.slot, Phase.IN_ACW, at_s)
            acw_s = self._draw.gammavariate(2.0, 7.5)
            self._busy_s += acw_s
            self._later(at_s + acw_s, "is ready", agent)
        else:
            self.floor.agent_turned(agent.slot, Phase.READY, at_s)
            agent.ready, agent.ready_s = True, at_s
            self._route(at_s)

    def _route(self, now_s: float) -> None:
        """Join waiting calls to the agents longest ready among those who serve them."""
        for call in list(self._waiting):
            able = [one for one in self._agents if one.ready and one.group in (call.row, 2)]
            if not able:
                continue
            agent = min(able, key=lambda one: (one.ready_s, one.slot))
            agent.ready, call.done = False, True
            self._waiting.remove(call)
            self.floor.call_closed(call.slot, now_s)
            self.floor.agent_turned(agent.slot, Phase.TALKING, now_s, call.row)
            talk_s = self._draw.lognormvariate(math.log(90.0) - math.log(2.0) / 2, 0.8326)
            self._busy_s += talk_s
            self._later(now_s + talk_s, "hung up", agent)

    def _dial(self, row: int, now_s: float) -> None:
        call = _Call(self.floor.attempt_started(row, now_s), row)
        if self._draw.random() < self.answer_p[row]:
            self._later(now_s + self._draw.gammavariate(4.0, 1.75), "answered", call)
        elif self._draw.random() < 0.358:
            self._later(now_s + 22.0, "ended", call)
        else:
            self._later(now_s + self._draw.gammavariate(2.0, 2.45), "ended", call)

    def _later(self, at_s: float, kind: str, thing: object) -> None:
        heapq.heappush(self._events, (at_s, next(self._order), kind, thing))


def _all(value: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    return np.full(2, value, dtype=np.int64)


_CONDITIONS = Conditions(
    running=np.ones(2, dtype=np.bool_),
    mode=_all(Mode.PREDICTIVE),
    in_hours=np.ones(2, dtype=np.bool_),
    callable_records=_all(UNLIMITED),
    trunk_free=_all(UNLIMITED),
    calls_allowed=_all(UNLIMITED),
    max_level=np.full(2, float(UNLIMITED)),
    progressive_level=np.ones(2),
    automatic_limit=_all(0),
)
