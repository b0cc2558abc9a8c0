"""baresip as an agent's phone: hold and digits from the phone, and all of it through Kamailio."""

import asyncio
from pathlib import Path

import pytest

from engine.domain.causes import HUNG_UP
from engine.domain.ids import AgentId, LegId
from engine.domain.specs import AgentSpec
from engine.ports import (
    CallPhone,
    LegAnswered,
    LegDigit,
    LegEnded,
    OpenAudioLeg,
    PhoneRegistered,
    SetMix,
    SetPhone,
)
from tests.integration.interop.baresip import SPEAKS_HZ, Baresip
from tests.integration.interop.kamailio import Kamailio
from tests.integration.interop.rig import Rig, rig, until

pytestmark = [pytest.mark.peer, pytest.mark.asyncio]

ANNA = AgentId("anna")
LEG, EAR = LegId("a1-0001-00000001"), LegId("a1-0001-00000002")


async def ring(own: Rig) -> None:
    """Call the phone once it is registered; it answers by itself."""
    await own.wait_for(PhoneRegistered)
    own.perform(CallPhone(LEG, ANNA, "", 15.0))
    await own.wait_for(LegAnswered, LEG)


async def listen(own: Rig) -> list[bool]:
    """Return a list that grows with each frame that the phone says: whether it is its tone."""
    own.perform(OpenAudioLeg(EAR))
    await own.wait_for(LegAnswered, EAR)
    own.perform(SetMix({EAR: (LEG,), LEG: (EAR,)}))
    tones = own.listen(EAR, SPEAKS_HZ)
    await until(lambda: sum(tones[-25:]) > 20, "the phone is heard")
    return tones


async def test_hold_digits_and_hanging_up_from_the_phone(tmp_path: Path) -> None:
    async with rig() as own:
        own.perform(SetPhone(AgentSpec(agent_id=ANNA, phone_password="secret")))
        host, port = own.sip.address
        async with Baresip(tmp_path, f"{host}:{port}") as phone:
            await ring(own)
            tones = await listen(own)
            await phone.press("hold")
            await until(lambda: not any(tones[-25:]), "the phone holds")
            assert not own.told(LegEnded, LEG)
            await phone.press("resume")
            await until(lambda: sum(tones[-25:]) > 20, "the phone is back")
            for digit in "5#":
                await phone.press("sndcode", digit)
                await asyncio.sleep(0.3)  # as long as a finger takes
            await until(lambda: len(own.told(LegDigit, LEG)) == 2, "both digits")
            await phone.press("hangup")
            assert await own.wait_for(LegEnded, LEG) == LegEnded(LEG, HUNG_UP)
    assert [event.digit for event in own.told(LegDigit, LEG)] == ["5", "#"]


async def test_a_phone_behind_a_proxy_registers_is_called_and_hangs_up(tmp_path: Path) -> None:
    async with rig() as own, Kamailio(tmp_path, 9) as proxy:
        own.perform(SetPhone(AgentSpec(agent_id=ANNA, phone_password="secret")))
        host, port = own.sip.address
        outbound = f';outbound="sip:{proxy.address};lr"'
        async with Baresip(tmp_path, f"{host}:{port}", outbound) as phone:
            await ring(own)
            binding = own.sip._user_agent.find_binding("anna", own.now())
            assert binding is not None
            assert binding.source.port == proxy.port
            await listen(own)
            await phone.press("hangup")
            assert await own.wait_for(LegEnded, LEG) == LegEnded(LEG, HUNG_UP)
