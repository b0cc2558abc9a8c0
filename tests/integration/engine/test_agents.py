"""What agents do, through the whole engine: hold, phones rung per call, records reviewed first."""

import time
from pathlib import Path

import pytest

from gateway.pb.paceline.v1 import agent_session_pb2 as desk_pb
from gateway.pb.paceline.v1 import agents_pb2, campaigns_pb2
from tests.support.world import Plan, Seat, World, number, until

pytestmark = [pytest.mark.asyncio, pytest.mark.timeout(300)]

CUSTOMER_HZ, AGENT_HZ = 450, 650


async def test_on_hold_neither_hears_the_other_and_after_it_both_do(tmp_path: Path) -> None:
    async with World(tmp_path, lambda _: Plan(), customer_hz=CUSTOMER_HZ) as world:
        await prepare(world)
        seat = Seat("anna", talk_s=0)
        await world.seat(seat)
        await world.add_campaign()
        await world.start()
        await until(lambda: seat.connected, what="a call")
        agent, customer = world.ears["anna"].last, world.voices.last
        assert seat.desk is not None

        def apart() -> bool:
            since_s = time.time() - 0.3
            heard, by_agent = customer.hears(since_s), agent.hears(since_s)
            return heard is not None and AGENT_HZ not in heard and not by_agent

        def together() -> bool:
            since_s = time.time() - 0.3
            return (customer.hears(since_s), agent.hears(since_s)) == ({AGENT_HZ}, {CUSTOMER_HZ})

        await until(together, what="both hear each other")
        least_s = 0.0
        for _ in range(2):
            await seat.desk.hold()
            held_s = time.time()
            await until(apart, what="they are apart")
            least_s += time.time() - held_s
            await seat.desk.hold(held=False)
            await until(together, what="they hear each other again")
        world.carrier.hang_up_all()
        await until(lambda: seat.acknowledged, what="a disposition")
        held = [e.call_ended.hold for e in await world.events() if e.HasField("call_ended")]
        assert held[0].ToTimedelta().total_seconds() >= least_s - 0.01
        assert not world.server.faults()


async def test_a_phone_rung_per_call_talks_and_is_let_go(tmp_path: Path) -> None:
    async with World(tmp_path, lambda _: Plan(), customer_hz=CUSTOMER_HZ) as world:
        await prepare(world, leg=agents_pb2.AGENT_LEG_PER_CALL, records=2)
        seat = Seat("anna", talk_s=0, nailed=False)
        await world.seat(seat)
        assert not world.ears["anna"].ears, "the phone was called at login"
        await world.add_campaign()
        await world.start()
        for talks in (1, 2):
            await until(lambda talks=talks: len(seat.connected) == talks, what="a call")  # type: ignore[misc]
            agent, customer = world.ears["anna"].last, world.voices.last
            await until(lambda a=agent: a.hears(time.time() - 0.3) == {CUSTOMER_HZ})  # type: ignore[misc]
            await until(lambda c=customer: c.hears(time.time() - 0.3) == {AGENT_HZ})  # type: ignore[misc]
            world.carrier.hang_up_all()
            await until(lambda talks=talks: len(seat.acknowledged) == talks, what="a disposition")  # type: ignore[misc]
        await until(lambda: not world.ears["anna"].in_calls, what="the phone is let go")
        assert len(world.ears["anna"].ears) == 2
        assert not world.server.faults()


async def test_a_reviewed_record_is_called_when_the_agent_says_so(tmp_path: Path) -> None:
    async with World(tmp_path, lambda _: Plan(talk_s=1.0), customer_hz=CUSTOMER_HZ) as world:
        await prepare(world, records=3)
        seat = Seat("anna", talk_s=0)
        await world.seat(seat)
        await world.add_campaign(campaigns_pb2.Campaign(mode=campaigns_pb2.MODE_PREVIEW))
        await world.start()
        desk = seat.desk
        assert desk is not None

        def offers() -> list[desk_pb.AgentSessionResponse.PreviewOffered]:
            return [e.preview_offered for e in seat.told if e.HasField("preview_offered")]

        await until(lambda: len(offers()) == 1, what="a record to review")
        first = offers()[0]
        assert first.record.display_name.startswith("Person")
        message = desk_pb.AgentSessionRequest()
        message.skip_preview.record = first.record.name
        await desk.say(message)
        await until(lambda: len(offers()) == 2, what="another record")
        second = offers()[1]
        assert second.record.name != first.record.name
        assert not world.carrier.seen, "a record was called before its review"
        message = desk_pb.AgentSessionRequest()
        message.call_preview.record = second.record.name
        await desk.say(message)
        await until(lambda: seat.acknowledged, what="a disposition")
        assert [seen.number for seen in world.carrier.seen] == [second.number]
        assert second.number in map(number, range(3))
        assert not world.server.faults()


async def prepare(world: World, *, records: int = 1, **agent: object) -> None:
    """Create all that one agent needs but the campaign."""
    await world.add_list(records)
    await world.add_trunk()
    await world.add_agents(["anna"], **agent)
    await world.add_phone("anna", AGENT_HZ)
