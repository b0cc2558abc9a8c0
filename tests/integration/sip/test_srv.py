"""A trunk by its name alone: DNS SRV finds its servers, and a dead one stops no calls."""

import asyncio

import pytest

from engine.config import SipSettings
from engine.domain.specs import Transport, TrunkSpec
from engine.ports import LegEnded, SetTrunk, TrunkLost, TrunkReached
from engine.telephony.sip import names, trunks
from tests.integration.sip.peer import LONGEST_S, Phone
from tests.integration.sip.streams import far_end
from tests.integration.sip.test_adapter import TRUNK, Station, station
from tests.support.dns import name_server
from tests.support.ports import free_port

pytestmark = pytest.mark.asyncio


def set_trunk(own: Station, address: str, transport: Transport, options_s: float) -> None:
    """Configure a trunk by its name."""
    spec = TrunkSpec(trunk_id=TRUNK, address=address, transport=transport, options_s=options_s)
    own.telephony.perform(SetTrunk(spec), own.now())


async def test_a_call_goes_on_to_the_next_server_if_the_first_is_dead() -> None:
    async with far_end(486) as far:
        zone = {
            ("_sip._tcp.carrier.test", "SRV"): (
                f"10 0 {free_port()} gone.carrier.test.",
                f"20 0 {far.port} live.carrier.test.",
            ),
            ("gone.carrier.test", "A"): ("127.0.0.1",),
            ("live.carrier.test", "A"): ("127.0.0.1",),
        }
        async with (
            name_server(zone) as server,
            station(settings=SipSettings(port=0, name_server=server.address)) as own,
        ):
            set_trunk(own, "carrier.test", Transport.TCP, options_s=0.0)
            await own.wait_for(TrunkReached)
            own.place()
            assert (await own.wait_for(LegEnded)).sip_status == 486
            assert (await far.wait_for(b"INVITE")).startswith(
                b"INVITE sip:+14155550100@carrier.test"
            )


async def test_a_trunk_asked_for_no_sign_of_life_is_found_though_nobody_knew_it_at_first(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(names, "LIFETIME_S", 0.2)
    monkeypatch.setattr(trunks, "RETRY_S", 0.1)
    async with (
        name_server({("carrier.test", "A"): ("127.0.0.1",)}) as server,
        station(settings=SipSettings(port=0, name_server=server.address)) as own,
    ):
        server.is_deaf = True
        set_trunk(own, "carrier.test:5060", Transport.UDP, options_s=0.0)
        assert (await own.wait_for(TrunkLost)).reason == "carrier.test has no address"
        server.is_deaf = False
        assert await own.wait_for(TrunkReached) == TrunkReached(TRUNK)


async def test_a_trunk_lives_while_one_server_does_and_dead_ones_come_last() -> None:
    async with far_end(200) as far, far_end(200) as other:
        zone = {
            ("_sip._tcp.carrier.test", "SRV"): (
                f"10 0 {far.port} one.carrier.test.",
                f"20 0 {other.port} one.carrier.test.",
            ),
            ("one.carrier.test", "A"): ("127.0.0.1",),
        }
        async with (
            name_server(zone) as server,
            station(settings=SipSettings(port=0, name_server=server.address)) as own,
        ):
            far.status = 503
            set_trunk(own, "carrier.test", Transport.TCP, options_s=0.2)
            await own.wait_for(TrunkReached)
            await far.wait_for(b"OPTIONS", 2)
            other.status = 486
            own.place()
            assert (await own.wait_for(LegEnded)).sip_status == 486
            assert not [each for each in far.requests if each.startswith(b"INVITE")]
            other.status = 503
            assert (await own.wait_for(TrunkLost)).reason == "OPTIONS got 503"


async def test_over_udp_a_server_that_refuses_503_is_followed_by_the_next() -> None:
    async with Phone() as first, Phone() as second:
        first.screen, second.screen = 503, 486
        ports = [phone.transport.address[1] for phone in (first, second)]
        zone = {
            ("_sip._udp.carrier.test", "SRV"): tuple(
                f"{number} 0 {port} host.carrier.test." for number, port in enumerate(ports)
            ),
            ("host.carrier.test", "A"): ("127.0.0.1",),
        }
        async with (
            name_server(zone) as server,
            station(settings=SipSettings(port=0, name_server=server.address)) as own,
        ):
            set_trunk(own, "carrier.test", Transport.UDP, options_s=0.0)
            await own.wait_for(TrunkReached)
            own.place()
            assert (await own.wait_for(LegEnded)).sip_status == 486
            assert first.ua.counts["answered-503"] == 1


async def test_a_trunk_comes_back_with_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.telephony.sip.resolver.SHORTEST_S", 0.0)
    async with far_end(200) as far, name_server({}) as server:
        settings = SipSettings(port=0, name_server=server.address)
        async with station(settings=settings) as own:
            monkeypatch.setattr("engine.telephony.sip.names.HOSTS_TTL_S", 0.0)
            set_trunk(own, "carrier.test", Transport.TCP, options_s=0.1)
            assert (await own.wait_for(TrunkLost)).reason == "carrier.test has no address"
            server.records["_sip._tcp.carrier.test", "SRV"] = (f"0 0 {far.port} a.carrier.test.",)
            server.records["a.carrier.test", "A"] = ("127.0.0.1",)
            async with asyncio.timeout(LONGEST_S):
                await own.wait_for(TrunkReached)
