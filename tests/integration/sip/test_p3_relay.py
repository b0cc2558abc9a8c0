"""Invariant P3 on real sockets: calls over a relay that loses, doubles and reorders, both ways."""

import asyncio
import random
from collections import Counter

import pytest

from engine.domain.ids import LegId
from engine.ports import LegAnswered, LegEnded
from tests.integration.sip.carrier import carrier, set_carrier
from tests.integration.sip.test_adapter import station
from tests.support.relay import Faults, Relay

pytestmark = pytest.mark.asyncio

CALLS = 200
LONGEST_S = 200.0
BAD = Faults(loss=0.1, duplicates=0.1, reorder=0.2, hold_s=0.4, jitter_s=0.1)


async def test_at_a_tenth_lost_ninety_nine_of_a_hundred_calls_succeed_and_none_is_orphaned() -> (
    None
):
    async with station() as own, carrier(_part) as far:
        with Relay(far.address, to_far=BAD, to_near=BAD, seed=3) as relay:
            far.shown = relay.near_side
            set_carrier(own, far)
            chance = random.Random(3)
            loop = asyncio.get_running_loop()
            async with asyncio.timeout(LONGEST_S):
                for number in range(1, CALLS + 1):
                    own.place(LegId(f"a1-0001-{number:08x}"), no_answer_s=30.0)
                    await asyncio.sleep(0.005)
                hung_up: set[LegId] = set()
                while sum(isinstance(e, LegEnded) for e in own.events) < CALLS:
                    for event in [e for e in own.events if isinstance(e, LegAnswered)]:
                        if event.leg_id not in hung_up:
                            hung_up.add(event.leg_id)
                            loop.call_later(chance.uniform(0.2, 1.5), own.hang_up, event.leg_id)
                    await asyncio.sleep(0.05)
                await far.idle.wait()
            lost = [way.counts["lost"] for way in (relay.to_far, relay.to_near)]
        ends = Counter(e.leg_id for e in own.events if isinstance(e, LegEnded))
        answered = Counter(e.leg_id for e in own.events if isinstance(e, LegAnswered))
        assert set(ends.values()) == set(answered.values()) == {1}
        assert len(ends) == CALLS
        assert len(answered) >= 0.99 * CALLS
        assert far.begun == CALLS
        assert far.most_invites == 1  # never another INVITE for the same call
        assert all(call.over and call.acked for call in far.calls.values())
        assert own.media is not None
        assert own.media.open == {}
        assert min(lost) > CALLS // 10


def _part(number: int) -> str:
    return "hangs up" if number % 4 == 0 else "answers"
