"""The quality of a leg is told after its end, over the real switch."""

from pathlib import Path

import pytest

from engine.ports import LegAnswered, LegEnded, LegMeasured
from engine.telephony.media import MediaClient
from tests.integration.sip.peer import Sipp, scenario
from tests.integration.sip.test_adapter import LEG, station

pytestmark = [pytest.mark.peer, pytest.mark.asyncio]


async def test_a_leg_with_audio_is_measured_after_its_end(tmp_path: Path) -> None:
    async with station(MediaClient) as own, Sipp(tmp_path, *scenario("answer")) as sipp:
        own.set_trunk(sipp)
        own.place()
        await own.wait_for(LegAnswered)
        while not (await own.telephony._media.stats()).sent:  # type: ignore[attr-defined]
            pass
        own.hang_up()
        told = await own.wait_for(LegMeasured)
    assert (told.leg_id, told.received, told.lost) == (LEG, 0, 0)
    assert told.sent > 0
    assert [type(event) for event in own.events].index(LegEnded) < own.events.index(told)


async def test_a_leg_without_audio_is_not_measured(tmp_path: Path) -> None:
    async with station(MediaClient) as own, Sipp(tmp_path, *scenario("refuse-503")) as sipp:
        own.set_trunk(sipp)
        own.place()
        await own.wait_for(LegEnded)
        await own.telephony._media.stats()  # type: ignore[attr-defined]
        assert not [event for event in own.events if isinstance(event, LegMeasured)]
