"""A real switch behind a network that loses, delays, doubles and reorders."""

from itertools import pairwise

from engine.telephony.media import LegQuality
from tests.integration.media.test_switch import (
    AGENT,
    CUSTOMER,
    House,
    house,
    on_uvloop,
    ticks,
    until,
)
from tests.support.relay import Faults, Relay
from tests.support.rtp import Phones, RtpPhone

BAD = Faults(loss=0.05, duplicates=0.02, reorder=0.02, delay_s=0.04, jitter_s=0.05)


def join_over(at: House, phone: RtpPhone, way_in: Faults, way_out: Faults) -> Relay:
    """Connect a phone through a relay that stands where the phone's SDP says."""
    endpoint = at.client.allocate(CUSTOMER, learn=False)
    there, near = (endpoint.host, endpoint.port), (phone.host, phone.port)
    relay = Relay(there, near=near, to_far=way_in, to_near=way_out, seed=7)
    phone.call(*relay.near_side)
    at.client.connect(CUSTOMER, *relay.far_side, event_type=101)
    at.client.mix({AGENT: (CUSTOMER,), CUSTOMER: (AGENT,)})
    return relay


def test_both_sides_of_a_call_are_heard_and_the_loss_is_told() -> None:
    async def scenario() -> None:
        agent, customer = RtpPhone(400), RtpPhone(500)
        async with house() as at:
            at.join(AGENT, agent)
            with join_over(at, customer, BAD, BAD) as relay, Phones([agent, customer]):
                await until(lambda: relay.to_far.counts["came"] >= 300)
                assert agent.hears(200) == {500}
                assert customer.hears(150) == {400}
                relay.to_far.faults = relay.to_near.faults = Faults()
                await until(lambda: not relay.is_holding)
                await ticks([agent], 10)  # what has come in is counted
                at.client.release(CUSTOMER)
                await until(lambda: bool(at.told(LegQuality)))
                (told,) = at.told(LegQuality)
                assert isinstance(told, LegQuality)
                counts = relay.to_far.counts
                missing = counts["came"] - counts["copies"]
                assert abs(told.quality.lost - missing) <= 5
                assert counts["lost"] > 5
                assert told.quality.jitter_ms > 0

    on_uvloop(scenario)


def test_what_the_switch_sends_has_no_holes_whatever_comes() -> None:
    async def scenario() -> None:
        agent, customer = RtpPhone(400), RtpPhone(500)
        async with house() as at:
            at.join(AGENT, agent)
            with join_over(at, customer, Faults(loss=1.0), Faults()), Phones([agent, customer]):
                await until(lambda: len(customer.frames) > 100)
            numbers = [frame.seq for frame in customer.frames]
            steps = {after - before & 0xFFFF for before, after in pairwise(numbers)}
            assert steps == {1}
            assert customer.ever_heard() == {400}

    on_uvloop(scenario)
