"""How a call's audio was: from packets on the wire to an event of the API and a terminal's line."""

import asyncio
import time
from pathlib import Path

import pytest

from clients.cli.views import event_line
from gateway.pb.paceline.v1 import events_pb2
from tests.integration.engine.test_agents import AGENT_HZ, CUSTOMER_HZ, prepare
from tests.support.load import PATIENCE_S
from tests.support.world import Plan, Seat, World, until

pytestmark = [pytest.mark.asyncio, pytest.mark.timeout(300)]


@pytest.mark.parametrize("processes", [1, 2], ids=["one media process", "two media processes"])
async def test_a_call_is_heard_and_afterwards_measured(tmp_path: Path, processes: int) -> None:
    settings = f"[sip]\nmedia_processes = {processes}\n"
    async with World(
        tmp_path, lambda _: Plan(), customer_hz=CUSTOMER_HZ, settings=settings
    ) as world:
        await prepare(world)
        seat = Seat("anna", talk_s=0)
        await world.seat(seat)
        await world.add_campaign()
        await world.start()
        await until(lambda: seat.connected, what="a call")
        agent, customer = world.ears["anna"].last, world.voices.last

        def together() -> bool:
            since_s = time.time() - 0.3
            return (customer.hears(since_s), agent.hears(since_s)) == ({AGENT_HZ}, {CUSTOMER_HZ})

        await until(together, what="both hear each other")
        world.carrier.hang_up_all()
        await until(lambda: seat.acknowledged, what="a disposition")
        event = await measured(world)
        figures = event.call_measured
        assert figures.packets_received >= 5
        assert figures.packets_sent >= 5
        assert abs(figures.packets_lost) < 10 + figures.packets_received / 10
        (connected,) = [e for e in await world.events() if e.HasField("call_connected")]
        assert figures.call == connected.call_connected.call
        line = event_line(event)
        assert "call measured" in line
        assert f"packets_received={figures.packets_received}" in line
        assert not world.server.faults()


async def measured(world: World) -> events_pb2.Event:
    """Return the first measurement of a call, once it is there."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            for event in await world.events():
                if event.HasField("call_measured"):
                    return event
            await asyncio.sleep(0.05)  # other processes tell it, and nobody else knows when
