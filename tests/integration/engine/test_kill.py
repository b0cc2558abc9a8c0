"""kill -9 in full flow, again and again: nobody is called twice, no leg stays, no word is lost.

The long form kills ``PACELINE_KILLS`` times in place of three::

    PACELINE_KILLS=50 pytest -q -s tests/integration/engine/test_kill.py

Witnesses are the carrier's and the phones' own books, and what agents' sessions acknowledged.
"""

import asyncio
import os
import random
import time
from collections import Counter
from functools import partial
from pathlib import Path
from statistics import median

import pytest

from gateway.pb.paceline.v1 import campaigns_pb2
from tests.support.load import Load
from tests.support.world import CAMPAIGN, Plan, Seen, World, number, seconds, until

KILLS = int(os.environ.get("PACELINE_KILLS", "3"))
AGENTS = 10
CLEARED_S = 5.0
"""So long after the new life serves, the last old leg has ended, on a machine at rest. [s]"""
pytestmark = [pytest.mark.asyncio, pytest.mark.slow, pytest.mark.timeout(300 + 60 * KILLS)]


def habits(called: str) -> Plan:
    """Return what people do: most answer and stay, some ring for long, some are busy."""
    match called[-1]:
        case "7" | "8":
            return Plan(status=0)
        case "9":
            return Plan(status=486)
        case _:
            return Plan(ring_s=0.3)


async def test_after_a_kill_everything_acknowledged_is_there_and_nothing_else_is_left(
    tmp_path: Path, load: Load
) -> None:
    draw = random.Random(11)
    campaign = campaigns_pb2.Campaign(progressive_rate=3.0, unattended_timeout=seconds(2))
    cleared_s: list[float] = []
    up_s: list[float] = []
    killed_calls = 0
    async with World(tmp_path, habits) as world:
        await world.add_list(200 + KILLS * 300)
        await world.add_trunk(channels=1000)
        await world.staff(AGENTS, talk_s=0.8)
        await world.add_campaign(campaign)
        await world.start()
        phones = world.ears["all"]
        for _ in range(KILLS):
            told = sum(len(seat.acknowledged) for seat in world.seats)
            await until(lambda told=told: _words(world) > told + 5, what="talks")  # type: ignore[misc]
            await asyncio.sleep(draw.uniform(0.0, 1.0))
            await world.server.kill()
            before, legs = world.carrier.open, phones.in_calls
            killed_calls += len(before)
            began_s = time.time()
            await world.server.start()
            serving_s = time.time()
            up_s.append(serving_s - began_s)
            await until(partial(_all_ended, before), what=partial(_told, before, began_s))
            ended_s = max((s.ended_s for s in before), default=began_s)
            cleared_s.append(ended_s - serving_s)
            await until(lambda old=legs: not old & phones.in_calls, what="phones' legs end")  # type: ignore[misc]
            await world.register(seat.agent for seat in world.seats)
        await _until_talks_go_on(world)
        await world.stop()
        await until(lambda: not world.carrier.open, what="all calls end")
        await world.idle()
        await asyncio.sleep(0.5)
        print(
            f"{KILLS} kills, {len(world.carrier.seen)} calls, {killed_calls} under way when killed;"
        )
        print(f"serving again after {median(up_s):.2f} s (median), {max(up_s):.2f} s (longest);")
        print(f"old legs ended {max(cleared_s):.2f} s after that at the latest")
        await _nobody_twice(world)
        await _nothing_lost(world)
        assert killed_calls > KILLS
        assert max(cleared_s) < load.allow(CLEARED_S)
        assert not world.server.faults()


async def test_what_was_acknowledged_right_before_a_kill_holds_after_it(tmp_path: Path) -> None:
    campaign = campaigns_pb2.Campaign(
        mode=campaigns_pb2.MODE_AUTOMATIC, max_calls=100, max_calls_per_s=50
    )
    async with World(tmp_path, habits) as world:
        await world.add_list(300)
        await world.add_trunk(channels=1000)
        await world.add_campaign(campaign)
        await world.start()
        await until(lambda: len(world.carrier.seen) > 10, what="calls")
        barred = [number(row) for row in range(150, 300)]
        await world.client.dnc.add(barred)
        await world.stop()
        acknowledged_s = time.time()
        await world.server.kill()
        await world.server.start()
        await asyncio.sleep(1.0)
        state = await world.client.campaigns.get(CAMPAIGN)
        assert state.run_state == campaigns_pb2.RUN_STATE_IDLE
        assert world.carrier.after(acknowledged_s) == []
        assert [each async for each in world.client.dnc.list()] == barred
        await world.start()
        await until(lambda: world.carrier.after(acknowledged_s), what="calls after a new start")
        await until(lambda: len(world.carrier.seen) >= 150, what="all that may be called")
        assert not set(barred) & {seen.number for seen in world.carrier.seen}
        await _nobody_twice(world)
        assert not world.server.faults()


async def test_a_kill_between_an_answer_and_its_journal_leaves_no_leg(tmp_path: Path) -> None:
    """The journal is slowed down so that the kill falls where it would hurt most."""
    slow = "[store]\ncommit_every_s = 0.3\n"
    campaign = campaigns_pb2.Campaign(mode=campaigns_pb2.MODE_AUTOMATIC)
    async with World(
        tmp_path, lambda called: Plan(ring_s=0.5 + int(called[-1]) / 50), settings=slow
    ) as world:
        await world.add_list(10)
        await world.add_trunk()
        await world.add_campaign(campaign)
        await world.start()
        await until(lambda: sum(s.answered_s > 0 for s in world.carrier.seen) >= 6, what="answers")
        await world.server.kill()
        await world.server.start()
        await until(lambda: not world.carrier.open, what="the leg ends")
        await _nobody_twice(world)
        assert not world.server.faults()


def _left(old: list[Seen]) -> list[Seen]:
    return [seen for seen in old if not seen.ended_s]


def _all_ended(old: list[Seen]) -> bool:
    return not _left(old)


def _told(old: list[Seen], killed_s: float) -> str:
    """Say when the legs that are left were called and answered, before (-) the kill. [s]"""
    times = [
        (seen.number, seen.invited_s - killed_s, seen.answered_s and seen.answered_s - killed_s)
        for seen in _left(old)
    ]
    return f"old legs are left: {times}"


def _words(world: World) -> int:
    return sum(len(seat.acknowledged) for seat in world.seats)


async def _until_talks_go_on(world: World) -> None:
    words = _words(world)
    await until(lambda: _words(world) > words + AGENTS, what="talks after the last restart")


async def _nobody_twice(world: World) -> None:
    """The gap is an hour, so a number may be called once in this test."""
    twice = {n: c for n, c in Counter(s.number for s in world.carrier.seen).items() if c > 1}
    assert twice == {}


async def _nothing_lost(world: World) -> None:
    events = await world.events()
    said = {
        e.disposition_set.call: e.disposition_set.disposition
        for e in events
        if e.HasField("disposition_set")
    }
    closed = Counter(e.attempt_closed.call for e in events if e.HasField("attempt_closed"))
    started = {e.attempt_started.call for e in events if e.HasField("attempt_started")}
    acknowledged = {c: slug for seat in world.seats for c, slug in seat.acknowledged.items()}
    assert acknowledged.items() <= said.items()
    assert closed == Counter(started)
    assert {s.call_id for s in world.carrier.seen} <= {
        e.attempt_started.sip_call_id for e in events if e.HasField("attempt_started")
    }
    outcome = {e.attempt_closed.call: e.attempt_closed.disposition for e in events}
    assert {c: outcome[c] for c in acknowledged} == acknowledged
