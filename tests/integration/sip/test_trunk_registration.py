"""A trunk that wants us registered: reached once we are, lost while we are not."""

import asyncio

import pytest

from engine.domain.ids import TrunkId
from engine.domain.specs import TrunkSpec
from engine.ports import DropTrunk, SetTrunk, TrunkLost, TrunkReached
from engine.telephony.sip.events import Registered, Unregistered
from tests.integration.sip.peer import Phone
from tests.integration.sip.test_adapter import Station, station

pytestmark = [pytest.mark.asyncio]

TRUNK = TrunkId("carrier")


def set_trunk(own: Station, carrier: Phone, password: str = "secret", **more: object) -> None:
    """Make our other user agent the trunk; it registers anna by her password."""
    host, port = carrier.transport.address
    values: dict[str, object] = {
        "trunk_id": TRUNK,
        "address": f"{host}:{port}",
        "username": "anna",
        "password": password,
        "realm": "paceline",
        "register_s": 120.0,
        "options_s": 0.0,
    }
    own.telephony.perform(SetTrunk(TrunkSpec(**(values | more))), own.now())  # type: ignore[arg-type]


async def test_a_trunk_is_reached_once_we_are_registered_and_left_when_dropped() -> None:
    async with Phone() as carrier, station() as own:
        set_trunk(own, carrier)
        assert await own.wait_for(TrunkReached) == TrunkReached(TRUNK)
        registered = await carrier.wait_for(Registered)
        assert registered.binding.source[:2] == own.telephony.address
        own.telephony.perform(DropTrunk(TRUNK), own.now())
        assert await carrier.wait_for(Unregistered) == Unregistered("anna")


async def test_a_stop_takes_the_registration_back() -> None:
    async with Phone() as carrier:
        async with station() as own:
            set_trunk(own, carrier)
            await own.wait_for(TrunkReached)
        assert await carrier.wait_for(Unregistered) == Unregistered("anna")


async def test_a_stop_waits_for_the_carrier_though_another_was_left_before() -> None:
    async with Phone() as carrier, station() as own:
        for number in (1, 2):
            set_trunk(own, carrier)
            await own.wait_for(TrunkReached, number)
            if number == 1:
                own.telephony.perform(DropTrunk(TRUNK), own.now())
                while own.telephony._user_agent.open_registrations:  # noqa: ASYNC110 - not told
                    await asyncio.sleep(0.01)
        carrier.transport.close()  # nobody takes our leave now
        began_s = own.now()
        await own.telephony.stop()
        assert own.now() - began_s > 1.5


async def test_a_trunk_that_refuses_us_is_lost_until_it_does_not() -> None:
    async with Phone() as carrier, station() as own:
        set_trunk(own, carrier, "wrong")
        lost = await own.wait_for(TrunkLost)
        assert lost.reason.startswith("registration: 40")
        set_trunk(own, carrier, revision=2)
        assert await own.wait_for(TrunkReached) == TrunkReached(TRUNK)
        set_trunk(own, carrier, register_s=0.0, revision=3)
        assert await own.wait_for(TrunkReached, 2) == TrunkReached(TRUNK)
        await carrier.wait_for(Unregistered)


async def test_a_trunk_that_changes_in_another_way_stays_registered() -> None:
    async with Phone() as carrier, station() as own:
        set_trunk(own, carrier)
        await own.wait_for(TrunkReached)
        set_trunk(own, carrier, channels=7, revision=2)
        assert await own.wait_for(TrunkReached, 2) == TrunkReached(TRUNK)
        assert [type(event) for event in carrier.events] == [Registered]


async def test_registration_needs_somebody_to_register() -> None:
    async with Phone() as carrier, station() as own:
        set_trunk(own, carrier, username="")
        lost = await own.wait_for(TrunkLost)
        assert lost == TrunkLost(TRUNK, "registration needs a username")
