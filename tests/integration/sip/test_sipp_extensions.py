"""Session timers, reliable responses and registration over real packets: sipp is the carrier."""

import asyncio
from pathlib import Path

import pytest

from engine.domain.specs import Need
from engine.telephony.sip.account import Account
from engine.telephony.sip.digest import Credentials
from engine.telephony.sip.events import Answered, Ended, RegistrationChanged, RegistrationOver
from tests.integration.sip.peer import LONGEST_S, Phone, Sipp, scenario
from tests.integration.sip.test_sipp import phone_step

pytestmark = [pytest.mark.peer, pytest.mark.asyncio]


@pytest.mark.parametrize(
    ("name", "refresh_s", "received"), [("session-update", 60, 3), ("session-reinvite", 45, 2)]
)
async def test_a_session_is_refreshed_when_half_its_interval_has_passed(
    tmp_path: Path, name: str, refresh_s: float, received: int
) -> None:
    async with Phone() as phone, Sipp(tmp_path, *scenario(name)) as sipp:
        phone.call(sipp.destination, session_s=90)
        await phone.wait_for(Answered)
        phone.ua.advance(phone.now() + refresh_s)  # time is an argument: the wait is made short
        async with asyncio.timeout(LONGEST_S):
            while phone.transport.received < received:
                await phone_step()
        phone.hang_up()
        assert await sipp.result() == 0
    assert (await phone.wait_for(Ended)).why == "released"


async def test_a_reliable_answer_before_the_answer_is_acknowledged(tmp_path: Path) -> None:
    async with Phone() as phone, Sipp(tmp_path, *scenario("reliable")) as sipp:
        phone.call(sipp.destination, reliable=Need.REQUIRED)
        answered = await phone.wait_for(Answered)
        phone.hang_up()
        assert await sipp.result() == 0
    assert answered.remote.port == 16000


async def test_we_register_at_a_carrier_and_leave(tmp_path: Path) -> None:
    async with Phone() as phone, Sipp(tmp_path, *scenario("register")) as sipp:
        account = Account(
            "t1", "carrier.example", "user", Credentials("carrier", "user", "secret"), 300
        )
        phone.ua.register(account, lambda: (sipp.destination,), phone.now())
        phone.transport.rearm()
        changed = await phone.wait_for(RegistrationChanged)
        phone.ua.unregister("t1", phone.now())
        phone.transport.rearm()
        await phone.wait_for(RegistrationOver)
        assert await sipp.result() == 0
    assert changed.registered
