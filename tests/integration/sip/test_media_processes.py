"""Calls over an adapter with several media processes."""

from pathlib import Path

import pytest

from engine.domain.causes import CANCELLED
from engine.ports import LegAnswered, LegEnded, LegMeasured, OpenAudioLeg, SetMix
from engine.telephony.media import MediaPool, MediaSettings
from engine.telephony.sip.media_switch import MediaSwitch
from tests.integration.sip.peer import Sipp, scenario
from tests.integration.sip.test_adapter import LEG, station

pytestmark = [pytest.mark.peer, pytest.mark.asyncio]


async def test_a_call_and_its_supervisor_in_two_processes(tmp_path: Path) -> None:
    made: list[MediaPool] = []

    def pool(settings: MediaSettings, on_event, on_audio) -> MediaSwitch:  # type: ignore[no-untyped-def]
        made.append(MediaPool(MediaSettings(ports=4, processes=2), on_event, on_audio))
        return made[0]

    async with station(pool) as own, Sipp(tmp_path, *scenario("answer")) as sipp:
        own.set_trunk(sipp)
        own.place()
        await own.wait_for(LegAnswered)
        supervisor = type(LEG)("supervisor")
        own.telephony.perform(OpenAudioLeg(supervisor), own.now())
        own.telephony.perform(SetMix({supervisor: (LEG,), LEG: (supervisor,)}), own.now())
        assert {made[0].switch_of(leg_id) for leg_id in (LEG, supervisor)} == {0, 1}
        while (await made[0].stats()).sent < 5:
            pass
        own.hang_up()
        assert await own.wait_for(LegEnded) == LegEnded(LEG, CANCELLED)
        assert (await own.wait_for(LegMeasured)).sent >= 5
        assert await sipp.result() == 0
