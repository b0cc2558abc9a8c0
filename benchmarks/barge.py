"""How soon is a supervisor who barges in heard, and how soon does an agent hear who answered?

The engine is a process of its own with SQLite; a customer, an agent with a nailed-up phone and a
supervisor at the API speak tones. Times are from our own request or 200 to the kernel's time of
the first packet with the tone in it, at the socket of who hears it.
"""

import asyncio
import os
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import cast

from benchmarks.barge_parties import Crowd, StampedEar, StampedEars, crowd
from benchmarks.harness import Figure, as_lines, percentile
from clients import PacelineClient
from clients.demo.phones import Phones
from gateway.pb.paceline.v1.supervision_pb2 import SUPERVISION_MODE_BARGE_IN as BARGE_IN
from gateway.pb.paceline.v1.supervision_pb2 import SUPERVISION_MODE_MONITOR as MONITOR
from tests.support.listening import Supervisor
from tests.support.ports import HOST
from tests.support.world import Plan, Seat, World, until

GOAL_BARGE_MS, GOAL_ANSWER_MS = 50.0, 60.0
CUSTOMER_HZ, AGENT_HZ, BOSS_HZ = 450, 650, 850
_LONGEST_S = 3.0
"""What has not been heard after so long is lost. [s]"""
_SILENT_S = 0.1
_SPARE = 40
_NAME = "anna"


@dataclass(slots=True)
class Delays:
    """What was measured. [s]

    Attributes:
        barge_s: From SetMode to the customer's first packet with the supervisor's tone.
        answer_s: From the 200 to the agent's first packet with the customer's tone.
        lost: Tones that never came.
        load: The machine's load average meanwhile.
    """

    barge_s: list[float] = field(default_factory=list)
    answer_s: list[float] = field(default_factory=list)
    lost: int = 0
    load: float = 0.0


def run(short: bool) -> list[Figure]:
    """Measure idle and with other calls at the switch: six minutes; short: one."""
    loads, times = ((0, 20), 20) if short else ((0, 50, 200), 100)
    figures = []
    for calls in loads:
        measured = _figures(calls, asyncio.run(_measure(calls, times)))
        print("\n".join(as_lines(measured)[::2]), file=sys.stderr)
        figures += measured
    return figures


def _figures(calls: int, delays: Delays) -> list[Figure]:
    where = f"barge/{calls}_calls/" if calls else "barge/idle/"
    others = f"{calls} other bridged calls at the switch" if calls else "no other calls"
    how = f"{others}, load average {delays.load:.1f}, {delays.lost} never heard"

    def spread(name: str, values_s: list[float], goal_ms: float, method: str) -> list[Figure]:
        method = f"{len(values_s)} times {method}; {how}"
        return [
            Figure(f"{where}{name}_p50_ms", percentile(values_s, 0.5) * 1e3, "ms", None, None, None,
                   method),
            Figure(f"{where}{name}_p99_ms", percentile(values_s, 0.99) * 1e3, "ms", goal_ms, None,
                   None, method),
        ]  # fmt: skip

    return [
        *spread("rpc", delays.barge_s, GOAL_BARGE_MS, "from sending SetMode to the customer's "
                "first packet with the supervisor's tone"),
        *spread("answer", delays.answer_s, GOAL_ANSWER_MS, "from the customer's 200, sound with "
                "it, to the first packet with its tone at a nailed-up agent's phone"),
    ]  # fmt: skip


async def _measure(calls: int, times: int) -> Delays:
    delays = Delays()
    with tempfile.TemporaryDirectory() as folder, crowd(2 * calls) as (pipe, ports):
        async with World(Path(folder), lambda _: Plan(), customer_hz=CUSTOMER_HZ) as world:
            await world.add_list(calls + times + _SPARE)
            await world.add_trunk(channels=2 * calls + _SPARE)
            await world.add_campaign()
            await world.start()
            if calls:
                await _fill(world, Crowd(pipe, ports), calls)
            crowded = world.client
            world.client = PacelineClient(world.server.api)  # one connection carries 200 streams
            try:
                agent, customers, seat = await _seat(world)
                await _barge(world, customers, delays, times)
                await _answers(world, seat, agent, delays, times)
            finally:
                await crowded.close()
            delays.load = os.getloadavg()[0]
            if faults := world.server.faults():
                raise RuntimeError(faults[0])
    return delays


async def _fill(world: World, others: Crowd, calls: int) -> None:
    """Bridge calls that go on to the end."""
    world.carrier.voices = others
    names = [f"agent-{number:03}" for number in range(calls)]
    await world.add_agents(names)
    phones = Phones(HOST, others)
    world.phones |= dict.fromkeys(names, phones)
    for start in range(0, calls, 25):
        batch = names[start : start + 25]
        await world.register(batch)
        await world.seat(*(Seat(name, talk_s=0) for name in batch))
    await until(
        lambda: sum(bool(seat.connected) for seat in world.seats) == calls, 60.0, "calls of others"
    )


async def _seat(world: World) -> tuple[StampedEars, StampedEars, Seat]:
    """Let the measured agent work; return its ears, those of its customers, and its seat."""
    world.carrier.voices = customers = StampedEars(CUSTOMER_HZ)
    world.ears[_NAME] = agent = StampedEars(AGENT_HZ)
    world.phones[_NAME] = Phones(HOST, agent)
    await world.add_agents([_NAME])
    await world.register([_NAME])
    seat = Seat(_NAME, talk_s=0)
    world.seats.append(seat)
    await world.seat(seat)
    await until(lambda: seat.connected, what="a call")
    return agent, customers, seat


async def _barge(world: World, customers: StampedEars, delays: Delays, times: int) -> None:
    """Barge in again and again, each time at another instant of the switch's clock."""
    draw, ear = Random(1), cast("StampedEar", customers.last)
    async with Supervisor(world.client, _NAME, MONITOR, hz=BOSS_HZ) as boss:
        await until(lambda: boss.frames, what="audio for the supervisor")
        for _ in range(times):
            await asyncio.sleep(draw.uniform(0.05, 0.1))
            since_s = time.time()
            await boss.change(BARGE_IN)
            await _note(delays, delays.barge_s, ear, BOSS_HZ, since_s)
            await boss.change(MONITOR)
            await until(lambda: _is_silent(ear, BOSS_HZ), what="the supervisor to be silent")


async def _answers(
    world: World, seat: Seat, agent: StampedEars, delays: Delays, times: int
) -> None:
    """Let customers answer again and again."""
    ear, desk = cast("StampedEar", agent.last), seat.desk
    if desk is None:
        raise RuntimeError("the agent has no session")
    known = len(world.carrier.seen)
    seat.talk_s = 0.3
    await desk.hang_up(seat.connected[-1])
    for at in range(known, known + times):
        await until(_answered(world, at), what="the next answer")
        seen = world.carrier.seen[at]
        await _note(delays, delays.answer_s, ear, CUSTOMER_HZ, seen.answered_s)
        await until(lambda seen=seen: seen.ended_s, what="the end of a call")  # type: ignore[misc]
        await until(lambda: _is_silent(ear, CUSTOMER_HZ), what="the customer to be silent")


def _answered(world: World, at: int) -> Callable[[], bool]:
    return lambda: len(world.carrier.seen) > at and world.carrier.seen[at].answered_s > 0


async def _note(
    delays: Delays, values_s: list[float], ear: StampedEar, hz: int, since_s: float
) -> None:
    """Wait for a tone, and note how long it took from an instant on."""
    while (heard_s := ear.first_after(hz, since_s)) is None:
        if time.time() > since_s + _LONGEST_S:
            delays.lost += 1
            values_s.append(_LONGEST_S)
            return
        await asyncio.sleep(0.01)
    values_s.append(heard_s - since_s)


def _is_silent(ear: StampedEar, hz: int) -> bool:
    return ear.first_after(hz, time.time() - _SILENT_S) is None
