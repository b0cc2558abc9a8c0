"""From a list file to a talking agent: the engine in its own process, over SIP, RTP and gRPC."""

from collections import Counter
from pathlib import Path

import pytest

from gateway.pb.paceline.v1 import metrics_pb2
from tests.support.load import Load
from tests.support.world import CAMPAIGN, Plan, Seat, World, number, until

pytestmark = [pytest.mark.asyncio, pytest.mark.timeout(300)]

WITHIN_S = 2.0
"""From the answer to the agent, and to each other's voice, on a machine at rest. [s]"""


def habits(called: str) -> Plan:
    """Return what people do: the last digit decides."""
    match called[-1]:
        case "8":
            return Plan(status=486)
        case "9":
            return Plan(status=404)
        case _:
            return Plan(ring_s=0.2, talk_s=30.0)


async def test_a_list_becomes_talks_and_both_sides_agree_on_them(
    tmp_path: Path, load: Load
) -> None:
    async with World(tmp_path, habits) as world:
        await world.add_list(20)
        await world.add_trunk()
        await world.staff(4, talk_s=0.6)
        await world.add_campaign()
        await world.start()
        await until(lambda: sum(len(s.acknowledged) for s in world.seats) == 16, what="16 talks")
        await until(lambda: len(world.carrier.seen) == 20, what="all are called")
        await world.idle()
        events = await world.events()
        closed = [e.attempt_closed for e in events if e.HasField("attempt_closed")]
        connected = [e.call_connected for e in events if e.HasField("call_connected")]
        table = await world.client.metrics.get(metrics_pb2.METRIC_SCOPE_CAMPAIGN)
        assert Counter(each.number for each in closed) == Counter(map(number, range(20)))
        assert Counter(s.number for s in world.carrier.seen) == Counter(map(number, range(20)))
        assert Counter(each.disposition for each in closed) == {
            "success": 16,
            "busy": 2,
            "invalid-number": 2,
        }
        waits_s = sorted(each.wait.ToTimedelta().total_seconds() for each in connected)
        print(f"joined to an agent {waits_s[len(waits_s) // 2]:.4f} s after the answer (median),")
        print(f"{waits_s[-1]:.4f} s at the latest")
        assert waits_s[-1] < load.allow(WITHIN_S)
        assert not any(each.late for each in connected)
        assert not any(each.unattended for each in closed)
        assert table.number(f"campaigns/{CAMPAIGN}", "calls_attempted") == 20
        assert not world.server.faults()


async def test_called_party_and_agent_hear_each_other_within_two_seconds(
    tmp_path: Path, load: Load
) -> None:
    async with World(tmp_path, lambda _: Plan(), customer_hz=450) as world:
        await world.add_list(1)
        await world.add_trunk()
        await world.add_agents(["anna"])
        await world.add_phone("anna", 650)
        await world.seat(Seat("anna", talk_s=0))
        await world.add_campaign()
        await world.start()
        await until(lambda: world.seats[0].connected, what="a call")
        agent, seen = world.ears["anna"].last, world.carrier.seen[0]
        await until(lambda: agent.hears(seen.answered_s) == {450}, what="the customer's tone")
        customer = world.voices.last
        await until(lambda: customer.hears(seen.answered_s) == {650}, what="the agent's tone")
        by_agent_s = agent.first_s(450) - seen.answered_s
        by_customer_s = customer.first_s(650) - seen.answered_s
        print(f"the agent heard the customer {by_agent_s:.3f} s after the answer,")
        print(f"the customer the agent {by_customer_s:.3f} s after")
        assert max(by_agent_s, by_customer_s) < load.allow(WITHIN_S)
        world.carrier.hang_up_all()
        await until(lambda: world.seats[0].acknowledged, what="a disposition")
        assert not world.server.faults()
