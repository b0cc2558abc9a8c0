"""The whole engine dials over a trunk of kind ``pyvoip``: both hear each other, books agree."""

import time
from pathlib import Path

import pytest

from gateway.pb.paceline.v1 import trunks_pb2
from tests.support import lab_pbx
from tests.support.lab_pbx import LabPbx
from tests.support.world import Seat, World, until

pytestmark = [pytest.mark.asyncio, pytest.mark.timeout(300)]

TALKS = 2


@pytest.fixture(autouse=True)
def _extra() -> None:
    pytest.importorskip("pyVoIP", reason="the extra pyvoip is not installed", exc_type=ImportError)


async def test_a_campaign_over_pyvoip_connects_agents_to_people(tmp_path: Path) -> None:
    async with LabPbx() as pbx, World(tmp_path) as world:
        await world.add_list(TALKS)
        await world.add_trunk(
            pbx.address,
            kind=trunks_pb2.TRUNK_KIND_PYVOIP,
            username=lab_pbx.USER,
            password=lab_pbx.PASSWORD,
        )
        await world.add_agents(["anna"])
        await world.add_phone("anna", lab_pbx.HEARS_HZ)
        await world.add_campaign()
        seat = Seat("anna", talk_s=0)
        await world.seat(seat)
        await world.start()
        for count in range(1, TALKS + 1):
            await until(lambda n=count: len(seat.connected) == n, what="a call")  # type: ignore[misc]
            call = next(call for call in pbx.calls.values() if call.voice is not None)
            voice, ear = call.voice, world.ears["anna"].last
            assert voice is not None
            await until(lambda voice=voice: voice.heard, what="the agent is heard")  # type: ignore[misc]
            await until(
                lambda ear=ear: lab_pbx.SPEAKS_HZ in (ear.hears(time.time() - 0.3) or ()),  # type: ignore[misc]
                what="the called party is heard",
            )
            if count == 1:
                pbx.hang_up(call)
            elif seat.desk is not None:
                await seat.desk.hang_up(seat.connected[-1])
            await until(lambda n=count: len(seat.acknowledged) == n, what="a disposition")  # type: ignore[misc]
        await until(
            lambda: {c.state for c in pbx.calls.values()} == {"over", "released"}, what="BYE"
        )
        assert not world.server.faults()
