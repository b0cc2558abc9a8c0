"""What is set for a trunk stands in the INVITE that leaves over it; nothing of a list does."""

import asyncio
from collections.abc import Callable
from typing import cast

import pytest

from engine.domain.e164 import E164
from engine.domain.specs import Need, TrunkSpec
from engine.ports import LegEnded, SetTrunk, TrunkReached
from engine.telephony.sip.message import Request, parse
from tests.integration.sip.test_adapter import TRUNK, Station, station
from tests.unit.telephony.sip.harness import make_response

pytestmark = [pytest.mark.asyncio]


class Carrier(asyncio.DatagramProtocol):
    """Refuses each INVITE and keeps it."""

    def __init__(self, *headers: str) -> None:
        self.headers = headers
        self.invites: list[Request] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.DatagramTransport", transport)
        self.port: int = transport.get_extra_info("sockname")[1]

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        message = parse(data)
        if isinstance(message, Request) and message.method == "INVITE":
            self.invites.append(message)
            self.transport.sendto(make_response(message, 480, *self.headers), addr)


async def first_invite(
    own: Station, carrier: Carrier, settings: dict[str, object]
) -> tuple[Request, LegEnded]:
    """Call over a trunk with some settings; returns the INVITE and how it ended."""
    loop = asyncio.get_running_loop()
    make: Callable[[], Carrier] = lambda: carrier  # noqa: E731 - typed for the loop
    transport, _ = await loop.create_datagram_endpoint(make, local_addr=("127.0.0.1", 0))
    try:
        values = {"trunk_id": TRUNK, "address": f"127.0.0.1:{carrier.port}", "options_s": 0.0}
        spec = TrunkSpec(**(values | settings))  # type: ignore[arg-type]
        own.telephony.perform(SetTrunk(spec), own.now())
        await own.wait_for(TrunkReached)
        own.place()
        ended = await own.wait_for(LegEnded)
    finally:
        transport.close()
    return carrier.invites[0], ended


async def test_all_that_a_trunk_may_say_is_said() -> None:
    settings: dict[str, object] = {
        "session_s": 600.0,
        "reliable": Need.REQUIRED,
        "assert_identity": True,
        "privacy": True,
        "diversion": E164("+14155550177"),
        "domain": "carrier.example",
    }
    async with station() as own:
        invite, _ = await first_invite(own, Carrier(), settings)
    assert invite.first("session-expires") == "600"
    assert invite.every("supported") == ["timer", "100rel"]
    assert invite.first("require") == "100rel"
    assert invite.first("from").startswith('"Anonymous" <sip:anonymous@anonymous.invalid>;tag=')
    assert invite.first("privacy") == "id"
    asserted = invite.first("p-asserted-identity")
    assert asserted.endswith("<sip:+14155550199@carrier.example>")
    assert invite.first("diversion").startswith("<sip:+14155550177@carrier.example>;reason=")
    assert "x" not in invite.headers


async def test_a_plain_trunk_says_who_calls_and_no_more() -> None:
    async with station() as own:
        invite, _ = await first_invite(own, Carrier(), {"session_s": 0.0})
    assert "+14155550199" in invite.first("from")
    assert not {"session-expires", "require", "privacy", "p-asserted-identity", "diversion"} & set(
        invite.headers
    )


async def test_the_networks_cause_wins_and_is_told() -> None:
    async with station() as own:
        carrier = Carrier('Reason: Q.850;cause=1;text="Unallocated number"')
        _, ended = await first_invite(own, carrier, {})
    assert (ended.cause.slug, ended.sip_status, ended.q850) == ("no-such-number", 480, 1)
