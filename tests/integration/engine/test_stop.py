"""Stop means stop: from its acknowledgement no INVITE of the campaign comes to the carrier.

The long form takes ``PACELINE_STOPS`` random instants in place of ten::

    PACELINE_STOPS=200 pytest -q -s tests/integration/engine/test_stop.py

The witness is the carrier's socket: each INVITE has the kernel's time of its arrival.
"""

import asyncio
import os
import random
import time
from pathlib import Path
from statistics import median

import pytest

from gateway.pb.paceline.v1 import campaigns_pb2
from tests.support.world import CAMPAIGN, Plan, World, until

STOPS = int(os.environ.get("PACELINE_STOPS", "10"))
QUIET_S = 0.5
pytestmark = [pytest.mark.asyncio, pytest.mark.slow, pytest.mark.timeout(300 + 12 * STOPS)]


async def test_after_the_acknowledgement_of_stop_no_invite_arrives(tmp_path: Path) -> None:
    draw = random.Random(7)
    answers, busy, rings = Plan(talk_s=0.3), Plan(status=486), Plan(status=0)
    campaign = campaigns_pb2.Campaign(
        mode=campaigns_pb2.MODE_AUTOMATIC, max_calls=400, max_calls_per_s=150
    )
    took_s: list[float] = []
    async with World(
        tmp_path, lambda called: (answers, busy, *[answers] * 7, rings)[int(called) % 10]
    ) as world:
        await world.add_list(STOPS * 250)
        await world.add_trunk(channels=5_000, calls_per_s=150.0)
        await world.add_campaign(campaign)
        late: list[str] = []
        under_load = 0
        for _ in range(STOPS):
            before = len(world.carrier.seen)
            await world.start()
            await until(lambda before=before: len(world.carrier.seen) > before, what="a call")  # type: ignore[misc]
            await asyncio.sleep(draw.uniform(0.0, 1.0))
            asked_s = time.time()
            await world.stop()
            acknowledged_s = time.time()
            took_s.append(acknowledged_s - asked_s)
            await asyncio.sleep(QUIET_S)
            late += [seen.number for seen in world.carrier.after(acknowledged_s)]
            just_before = world.carrier.after(asked_s - 0.3)
            under_load += bool(just_before)
        print(f"{STOPS} stops, {len(world.carrier.seen)} calls, {under_load} in full flow;")
        print(f"acknowledged in {median(took_s):.4f} s (median), {max(took_s):.4f} s (longest)")
        assert late == []
        assert under_load > STOPS // 2, "calls did not flow when stopped: nothing is shown"
        state = await world.client.campaigns.get(CAMPAIGN)
        assert state.run_state != campaigns_pb2.RUN_STATE_RUNNING
        assert not world.server.faults()
