"""A supervisor on a call, by stream and by phone: with tones, each hears exactly whom it should."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from clients import PacelineError
from gateway.pb.paceline.v1 import agent_session_pb2 as desk_pb
from gateway.pb.paceline.v1.supervision_pb2 import (
    SUPERVISION_MODE_BARGE_IN as BARGE_IN,
)
from gateway.pb.paceline.v1.supervision_pb2 import SUPERVISION_MODE_COACH as COACH
from gateway.pb.paceline.v1.supervision_pb2 import SUPERVISION_MODE_MONITOR as MONITOR
from gateway.pb.paceline.v1.supervision_pb2 import SupervisionMode
from tests.support.listening import Supervisor
from tests.support.load import PATIENCE_S
from tests.support.world import Plan, Seat, World, until

pytestmark = [pytest.mark.asyncio, pytest.mark.timeout(300)]

CUSTOMER_HZ, AGENT_HZ, BOSS_HZ = 450, 650, 850
HEARD: dict[SupervisionMode.ValueType, tuple[set[int], set[int]]] = {
    MONITOR: ({CUSTOMER_HZ}, {AGENT_HZ}),
    COACH: ({CUSTOMER_HZ, BOSS_HZ}, {AGENT_HZ}),
    BARGE_IN: ({CUSTOMER_HZ, BOSS_HZ}, {AGENT_HZ, BOSS_HZ}),
}
"""What agent and called party hear in each mode; the supervisor hears both in all of them."""
ORDER = (MONITOR, COACH, BARGE_IN, MONITOR, BARGE_IN, COACH, MONITOR)
FRAMES = 10


@asynccontextmanager
async def talk(folder: Path) -> AsyncIterator[World]:
    """Run an engine with one agent in one call."""
    async with World(folder, lambda _: Plan(), customer_hz=CUSTOMER_HZ) as world:
        await world.add_list(1)
        await world.add_trunk()
        await world.add_agents(["anna"])
        await world.add_phone("anna", AGENT_HZ)
        await world.seat(Seat("anna", talk_s=0))
        await world.add_campaign()
        await world.start()
        await until(lambda: world.seats[0].connected, what="a call")
        yield world


async def check_mode(
    world: World, mode: SupervisionMode.ValueType, boss: Callable[[float, int], set[int] | None]
) -> None:
    """Wait until all hear what the mode says, and see that it stays so."""
    agent, customer = world.ears["anna"].last, world.voices.last
    wanted = (*HEARD[mode], {CUSTOMER_HZ, AGENT_HZ})

    def heard(since_s: float, least: int = 5) -> tuple[set[int] | None, ...]:
        return tuple(hears(since_s, least) for hears in (agent.hears, customer.hears, boss))

    await until(
        lambda: heard(time.time() - 0.2) == wanted,
        what=lambda: f"{SupervisionMode.Name(mode)}: {heard(time.time() - 0.2)} is not {wanted}",
    )
    since_s = time.time()
    await until(lambda: None not in heard(since_s, FRAMES), what="more of it")
    assert heard(since_s, FRAMES) == wanted


async def test_by_stream_each_party_hears_whom_it_should_in_any_order_of_modes(
    tmp_path: Path,
) -> None:
    async with talk(tmp_path) as world:
        invites = len(world.carrier.seen)
        async with Supervisor(world.client, "anna", MONITOR, hz=BOSS_HZ) as boss:
            for mode in ORDER:
                await boss.change(mode)
                await check_mode(world, mode, boss.hears)
                assert boss.mode == mode
            assert boss.states[-1].leg_up
        agent, customer = world.ears["anna"].last, world.voices.last
        await until(lambda: agent.hears(time.time() - 0.2) == {CUSTOMER_HZ})
        await until(lambda: customer.hears(time.time() - 0.2) == {AGENT_HZ})
        assert len(world.carrier.seen) == invites
        assert len(world.ears["anna"].ears) == 1, "the agent's phone was called again"
        await until_audited(world, len(ORDER))
        assert not world.server.faults()


async def test_by_phone_each_party_hears_whom_it_should_in_any_order_of_modes(
    tmp_path: Path,
) -> None:
    async with talk(tmp_path) as world:
        uri = await world.add_extension("boss", BOSS_HZ)
        async with Supervisor(world.client, "anna", COACH, phone=uri) as boss:
            await until(lambda: world.ears["boss"].ears, what="a call to the supervisor")
            ear = world.ears["boss"].last
            await check_mode(world, COACH, ear.hears)
            for mode in (BARGE_IN, MONITOR, COACH, MONITOR, BARGE_IN):
                await boss.change(mode)
                await check_mode(world, mode, ear.hears)
        await until(lambda: not world.ears["boss"].in_calls, what="the supervisor's leg ends")
        assert len(world.ears["boss"].ears) == 1, "a mode called the phone again"
        assert not world.server.faults()


async def test_a_state_is_not_forced_on_an_agent_who_talks(tmp_path: Path) -> None:
    async with talk(tmp_path) as world:
        with pytest.raises(PacelineError) as refused:
            await world.client.agents.set_state(
                "anna", desk_pb.AGENT_STATE_NOT_READY, supervisor="boss"
            )
        assert (refused.value.slug, refused.value.code) == ("agent-busy", "FAILED_PRECONDITION")
        world.carrier.hang_up_all()
        await until(lambda: world.seats[0].acknowledged, what="a disposition")
        await world.all_ready(world.seats)
        status = await world.client.agents.set_state(
            "anna", desk_pb.AGENT_STATE_NOT_READY, reason="coaching", supervisor="boss"
        )
        assert (status.state, status.reason) == (desk_pb.AGENT_STATE_NOT_READY, "coaching")


async def test_a_supervisor_of_an_agent_without_a_call_is_refused(tmp_path: Path) -> None:
    async with talk(tmp_path) as world:
        world.carrier.hang_up_all()
        await until(lambda: world.seats[0].acknowledged, what="a disposition")
        async with Supervisor(world.client, "anna", MONITOR) as boss:
            assert (await world.client.connection.end_of(boss.call)).code == "FAILED_PRECONDITION"
        async with Supervisor(world.client, "nobody", MONITOR) as boss:
            assert (await world.client.connection.end_of(boss.call)).slug == "unknown-agent"


async def until_audited(world: World, changes: int) -> None:
    """Wait for the facts of a session, from its begin to its end."""
    async with asyncio.timeout(PATIENCE_S):
        while not any(e.HasField("supervision_ended") for e in await world.events()):  # noqa: ASYNC110 - elsewhere
            await asyncio.sleep(0.05)
    events = await world.events()
    started = [e.supervision_started for e in events if e.HasField("supervision_started")]
    modes = [e for e in events if e.HasField("supervision_mode_changed")]
    assert [(each.supervisor, each.agent) for each in started] == [("boss", "agents/anna")]
    assert len(modes) == changes - 1  # the first asks for the mode it is in
