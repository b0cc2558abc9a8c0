"""sipp as a trunk over TCP: it judges each call by its own scenario."""

from pathlib import Path

import pytest

from engine.domain.causes import CANCELLED, HUNG_UP, NO_ANSWER
from engine.domain.ids import LegId
from engine.domain.specs import Transport
from engine.ports import LegAnswered, LegEnded, TrunkReached
from tests.integration.sip.peer import Sipp, scenario
from tests.integration.sip.test_adapter import TRUNK, station

pytestmark = [pytest.mark.peer, pytest.mark.asyncio]

TCP = ("-t", "t1")


async def test_calls_over_one_tcp_connection_from_ringing_to_their_end(tmp_path: Path) -> None:
    calls = 50
    async with station() as own, Sipp(tmp_path, *scenario("answer", calls), *TCP) as sipp:
        own.set_trunk(sipp, transport=Transport.TCP)
        legs = [LegId(f"a1-0001-{number:08x}") for number in range(calls)]
        for leg_id in legs:
            own.place(leg_id)
        await own.wait_for(LegAnswered, calls)
        assert own.telephony.open_connections == 1
        for leg_id in legs:
            own.hang_up(leg_id)
        await own.wait_for(LegEnded, calls)
        assert await sipp.result() == 0
    assert {each.cause for each in own.events if isinstance(each, LegEnded)} == {CANCELLED}


async def test_a_called_party_hangs_up_over_tcp(tmp_path: Path) -> None:
    async with station() as own, Sipp(tmp_path, *scenario("hang-up"), *TCP) as sipp:
        own.set_trunk(sipp, transport=Transport.TCP)
        own.place()
        assert (await own.wait_for(LegEnded)).cause == HUNG_UP
        assert await sipp.result() == 0


async def test_no_answer_over_tcp_is_a_cancel(tmp_path: Path) -> None:
    async with station() as own, Sipp(tmp_path, *scenario("no-answer"), *TCP) as sipp:
        own.set_trunk(sipp, transport=Transport.TCP)
        own.place(no_answer_s=2.0)
        assert (await own.wait_for(LegEnded)).cause == NO_ANSWER
        assert await sipp.result() == 0


@pytest.mark.parametrize("name", ["refuse-486", "refuse-404"])
async def test_a_refusal_over_tcp_is_acknowledged(tmp_path: Path, name: str) -> None:
    async with station() as own, Sipp(tmp_path, *scenario(name), *TCP) as sipp:
        own.set_trunk(sipp, transport=Transport.TCP)
        own.place()
        assert (await own.wait_for(LegEnded)).sip_status == int(name[-3:])
        assert await sipp.result() == 0


async def test_a_challenge_over_tcp_is_answered(tmp_path: Path) -> None:
    async with station() as own, Sipp(tmp_path, *scenario("challenge-401"), *TCP) as sipp:
        own.set_trunk(
            sipp, transport=Transport.TCP, username="user", password="secret", realm="carrier"
        )
        own.place()
        await own.wait_for(LegAnswered)
        own.hang_up()
        assert await sipp.result() == 0


async def test_options_over_tcp(tmp_path: Path) -> None:
    async with station() as own, Sipp(tmp_path, *scenario("options"), *TCP) as sipp:
        own.set_trunk(sipp, transport=Transport.TCP, options_s=30.0)
        assert (await own.wait_for(TrunkReached)).trunk_id == TRUNK
        assert await sipp.result() == 0
