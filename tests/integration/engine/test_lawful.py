"""What may not be called is not called: do-not-call numbers and calling hours, over real SIP."""

import asyncio
import time
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from gateway.pb.paceline.v1 import campaigns_pb2
from tests.support.world import CAMPAIGN, LIST, Plan, World, number, seconds, until

pytestmark = [pytest.mark.asyncio, pytest.mark.timeout(300)]

AUTOMATIC = campaigns_pb2.Campaign(
    mode=campaigns_pb2.MODE_AUTOMATIC, max_calls=40, max_calls_per_s=40
)
CALLED_ZONE = ZoneInfo("America/New_York")


async def test_a_number_on_the_dnc_list_is_not_called_from_the_acknowledgement_on(
    tmp_path: Path,
) -> None:
    async with World(tmp_path, lambda _: Plan(talk_s=0.2)) as world:
        await world.add_list(400)
        await world.add_trunk()
        await world.add_campaign(AUTOMATIC)
        await world.start()
        await until(lambda: len(world.carrier.seen) > 20, what="some calls")
        barred = {number(row) for row in range(0, 400, 2)}
        added = await world.client.dnc.add(sorted(barred), note="asked for it")
        acknowledged_s = time.time()
        called = {seen.number for seen in world.carrier.seen}
        await until(
            lambda: len({s.number for s in world.carrier.seen} | barred) == 400, what="the rest"
        )
        await asyncio.sleep(1.0)
        late = [seen.number for seen in world.carrier.after(acknowledged_s)]
        assert added == len(barred)
        assert late
        assert not barred & set(late)
        assert barred - called, "all were called before they were barred: nothing is shown"
        assert "on-dnc" in await world.explain()
        record = await world.client.lists.explain_record(
            f"lists/{LIST}/records/{_row_of(max(barred - called))}", CAMPAIGN
        )
        assert (record.callable, record.numbers[0].reason) == (False, "on-dnc")


async def test_outside_the_hours_nothing_is_dialed_and_the_campaign_says_why(
    tmp_path: Path,
) -> None:
    async with World(tmp_path) as world:
        await world.add_list(10)
        await world.add_trunk()
        there = datetime.now(UTC).astimezone(CALLED_ZONE)
        opens_s = (
            6 if there.hour >= 12 else 18
        ) * 3600  # hours from now, whatever happens meanwhile
        campaign = campaigns_pb2.Campaign()
        campaign.CopyFrom(AUTOMATIC)
        await world.add_campaign(campaign)
        hours = campaigns_pb2.CallingHours(opens=seconds(opens_s), closes=seconds(opens_s + 7200))
        await world.client.campaigns.update(
            campaigns_pb2.Campaign(name=f"campaigns/{CAMPAIGN}", calling_hours=[hours]),
            ["calling_hours"],
        )
        await world.start()
        await asyncio.sleep(2.0)
        explained = await world.client.campaigns.explain(CAMPAIGN)
        why = {each.reason: each for each in explained.hindrances}
        assert not world.carrier.seen
        assert explained.run_state == campaigns_pb2.RUN_STATE_RUNNING
        assert why["outside-hours"].record_count == 10
        opens = why["outside-hours"].until_time.ToDatetime(UTC).astimezone(CALLED_ZONE)
        assert (opens.hour, opens.minute) == (opens_s // 3600, 0)
        assert explained.summary


def _row_of(called: str) -> int:
    return int(called[-7:]) - 2_000_000
