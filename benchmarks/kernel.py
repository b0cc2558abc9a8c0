"""What one message costs in the kernel, effects included, and in two plain alternatives.

The same work runs in all: actors in a ring pass messages on; each hop takes a message, counts it,
and sends it on, the kernel's by returning a fresh ``Tell``. Time is the processor's, so that what
else the machine does is left out; of threads it counts all, waiting for each other left out.
"""

import asyncio
import gc
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from statistics import median

import pykka
import uvloop

from benchmarks.harness import Figure
from engine.actors.kernel import Do, Effect, Fault, Kernel, Ref, StartTimer, Tell
from engine.actors.kernel.loop import LoopScheduler

ACTORS = 100
"""Actors in the ring."""
BALLS = 20
"""Messages under way at once."""
SPACED = tuple(ball * ACTORS // BALLS for ball in range(BALLS))
"""Places of balls that never meet: each message finds its receiver idle and wakes it."""
HEAPED = (0,) * BALLS
"""Places of balls that travel together: each wake finds twenty messages waiting."""
GOAL = 3.0
"""Times as fast as tasks on asyncio.Queue."""


@dataclass(frozen=True, slots=True)
class Ball:
    """The message that is passed on."""


@dataclass(frozen=True, slots=True)
class Landed:
    """A member has had its share of hops: the command an adapter carries out."""


def run(short: bool) -> list[Figure]:
    """Measure the kernel and the alternatives in turn, several times, in one process.

    Args:
        short: Fewer messages and rounds.

    Returns:
        Nanoseconds a message, and messages a second, beside asyncio.Queue and pykka.
    """
    messages, rounds = (60_000, 3) if short else (400_000, 7)
    spent: dict[str, list[float]] = {name: [] for name in _WAYS}
    for _ in range(rounds):
        for name, way in _WAYS.items():
            share = 20 if name == "pykka" else 1
            spent[name].append(_time_ns(way, messages // share))
    ns = {name: median(values) for name, values in spent.items()}
    return _figures(ns, messages, rounds)


def _figures(ns: dict[str, float], messages: int, rounds: int) -> list[Figure]:
    how = (
        f"median of {rounds} rounds of {messages:,} messages, {BALLS} balls in a ring of {ACTORS} "
        "actors on uvloop, processor time"
    )
    bare, tasks, threads = ns["kernel"], ns["asyncio.Queue"], ns["pykka"]
    heaped, tasks_heaped = ns["kernel, heaped"], ns["asyncio.Queue, heaped"]
    full = ns["kernel, three effects"]
    return [
        Figure(
            "message", bare, "ns", tasks / GOAL, tasks, tasks / bare,
            f"one Tell a message, each wakes its receiver, {how}; reference: tasks on "
            "asyncio.Queue",
        ),
        Figure(
            "messages", 1e9 / bare, "messages/s", GOAL * 1e9 / tasks, 1e9 / tasks, tasks / bare,
            f"the same as a rate, {how}",
        ),
        Figure(
            "message/heaped", heaped, "ns", None, tasks_heaped, tasks_heaped / heaped,
            f"one Tell a message, each wake finds {BALLS} messages, {how}; reference: tasks on "
            "asyncio.Queue, which then need no wake a message either",
        ),
        Figure(
            "message/effects", full, "ns", None, None, None,
            f"a Tell, a Do carried out, and a timer started anew a message, {how}",
        ),
        Figure(
            "message/pykka", bare, "ns", None, threads, threads / bare,
            f"one Tell a message, {how}; reference: pykka, a thread an actor, a twentieth of the "
            "messages",
        ),
    ]  # fmt: skip


def _time_ns(way: Callable[[int], Awaitable[None]], messages: int) -> float:
    """Return the time of one message. [ns]"""
    gc.collect()
    gc.disable()
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            began_ns = time.process_time_ns()
            runner.run(_waited(way, messages))
            return (time.process_time_ns() - began_ns) / messages
    finally:
        gc.enable()


async def _waited(way: Callable[[int], Awaitable[None]], messages: int) -> None:
    await way(messages)


# --- the kernel ----------------------------------------------------------------------------


class _Member:
    """Passes a ball on; ``extra`` effects go with each."""

    __slots__ = ("_extra", "_left", "_next")

    def __init__(self, following: Ref[Ball], hops: int, extra: Sequence[Effect]) -> None:
        self._next = following
        self._extra = extra
        self._left = hops

    def on(self, message: Ball, _now_s: float) -> Sequence[Effect]:
        """Count the hop, and pass the ball on."""
        self._left -= 1
        if not self._left:
            return (Do(Landed()), Tell(self._next, message))
        if self._extra:
            return (Tell(self._next, message), *self._extra)
        return (Tell(self._next, message),)


@dataclass(frozen=True, slots=True)
class _Note:
    """A command that asks an adapter for next to nothing."""


async def _kernel(
    messages: int, extra: Sequence[Effect] = (), places: Sequence[int] = SPACED
) -> None:
    loop = asyncio.get_running_loop()
    landed = _Countdown(ACTORS)
    kernel = Kernel(LoopScheduler(loop), on_fault=_raise)
    kernel.register({Landed: lambda *_: landed.one(), _Note: lambda *_: None})
    hops = messages // ACTORS
    refs: list[Ref[Ball]] = [Ref(f"member/{number}") for number in range(ACTORS)]
    for number, ref in enumerate(refs):
        following = refs[(number + 1) % ACTORS]
        kernel.spawn_at(ref, lambda _, following=following: _Member(following, hops, extra))  # type: ignore[misc]
    for place in places:
        kernel.tell(refs[place], Ball())
    await landed.done


async def _kernel_heaped(messages: int) -> None:
    await _kernel(messages, places=HEAPED)


async def _kernel_effects(messages: int) -> None:
    await _kernel(messages, (Do(_Note()), StartTimer("idle", 60.0, Ball())))


def _raise(fault: Fault) -> None:
    raise fault.error


class _Countdown:
    """Done when so many balls have landed."""

    __slots__ = ("_left", "done")

    def __init__(self, count: int) -> None:
        self._left = count
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def one(self) -> None:
        """Count one."""
        self._left -= 1
        if not self._left:
            self.done.set_result(None)


# --- the alternatives ----------------------------------------------------------------------


async def _queues(messages: int, places: Sequence[int] = SPACED) -> None:
    """A task a member, each waiting on a bounded queue of its own, as the kernel's mailboxes."""
    landed = _Countdown(ACTORS)
    hops = messages // ACTORS
    queues: list[asyncio.Queue[Ball]] = [asyncio.Queue(10_000) for _ in range(ACTORS)]

    async def member(mine: asyncio.Queue[Ball], following: asyncio.Queue[Ball]) -> None:
        left = hops
        while True:
            ball = await mine.get()
            left -= 1
            if not left:
                landed.one()
            following.put_nowait(ball)

    tasks = [
        asyncio.create_task(member(queue, queues[(number + 1) % ACTORS]))
        for number, queue in enumerate(queues)
    ]
    await asyncio.sleep(0)  # all wait: else the first to run would gather the balls in one heap
    for place in places:
        queues[place].put_nowait(Ball())
    await landed.done
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def _queues_heaped(messages: int) -> None:
    await _queues(messages, HEAPED)


class _Thread(pykka.ThreadingActor):
    """The ring's member as a pykka actor."""

    def __init__(self, hops: int, landed: Callable[[], None]) -> None:
        super().__init__()
        self._landed = landed
        self._left = hops
        self._following: pykka.ActorRef[_Thread] | None = None

    def on_receive(self, message: object) -> None:
        """Count the hop, and pass the ball on; learn first to whom."""
        if isinstance(message, pykka.ActorRef):
            self._following = message
            return
        self._left -= 1
        if not self._left:
            self._landed()
        if self._following is not None:
            self._following.tell(message)


async def _pykka(messages: int) -> None:
    landed = _Countdown(ACTORS)
    loop = asyncio.get_running_loop()
    hops = messages // ACTORS
    refs = [
        _Thread.start(hops, lambda: loop.call_soon_threadsafe(landed.one)) for _ in range(ACTORS)
    ]
    for number, ref in enumerate(refs):
        ref.tell(refs[(number + 1) % ACTORS])
    for place in SPACED:
        refs[place].tell(Ball())
    await landed.done
    for ref in refs:
        ref.stop(block=False)
    for ref in refs:
        ref.actor_stopped.wait(5.0)


_WAYS: dict[str, Callable[[int], Awaitable[None]]] = {
    "kernel": _kernel,
    "kernel, three effects": _kernel_effects,
    "kernel, heaped": _kernel_heaped,
    "asyncio.Queue": _queues,
    "asyncio.Queue, heaped": _queues_heaped,
    "pykka": _pykka,
}
