"""A far end that moves within a call, then kill -9: the call is ended where it is now (C2)."""

import asyncio
from pathlib import Path

import pytest

from clients.demo import sip
from clients.demo.endpoint import Call
from clients.demo.wire import Wire
from tests.support.ports import HOST
from tests.support.world import World, until

pytestmark = [pytest.mark.asyncio, pytest.mark.timeout(300)]


class Elsewhere:
    """Where the called party goes: it takes requests and agrees to all."""

    def __init__(self) -> None:
        self.heard: list[sip.Message] = []
        self._wire = Wire(HOST, self._receive)
        self.uri = f"sip:moved@{HOST}:{self._wire.port}"
        self.close = self._wire.close

    def _receive(self, datagram: bytes, source: tuple[str, int], _: float) -> None:
        request = sip.parse(datagram)
        self.heard.append(request)
        self._wire.send(sip.respond(request, 200), source)


def update(call: Call, own: str, contact: str) -> bytes:
    """Return an UPDATE without an offer that moves the called party (RFC 3311 §5.1)."""
    return sip.write(
        f"UPDATE {sip.uri_in(call.invite.first('contact'))} SIP/2.0",
        [
            ("Via", f"SIP/2.0/UDP {own};branch=z9hG4bKmoves;rport"),
            ("Max-Forwards", "70"),
            ("From", f"{call.invite.first('to')};tag={call.tag}"),
            ("To", call.invite.first("from")),
            ("Call-ID", call.invite.call_id),
            ("CSeq", "1 UPDATE"),
            ("Contact", f"<{contact}>"),
        ],
    )


async def test_c2_after_a_kill_a_call_is_ended_where_its_far_end_has_moved(tmp_path: Path) -> None:
    async with World(tmp_path) as world:
        await world.add_list(1)
        await world.add_trunk()
        await world.staff(1, talk_s=0)
        await world.add_campaign()
        await world.start()
        await until(lambda: world.seats[0].connected, what="a talk")
        await world.stop()
        (call,) = world.carrier._open
        there = Elsewhere()
        try:
            datagram = update(call, world.carrier.address, there.uri)
            world.carrier._wire.send(datagram, call.source)
            await moved(world)
            await world.server.kill()
            await world.server.start()
            await until(lambda: there.heard, what="a BYE at the new address")
        finally:
            there.close()
        (bye,) = {request.method for request in there.heard}
        assert (bye, there.heard[0].call_id) == ("BYE", call.invite.call_id)
        assert world.carrier.open, "the old address heard it, too"
        assert not world.server.faults()


async def moved(world: World) -> None:
    """Wait until the move is durable, which is when it is told."""
    last = 0
    while True:
        for event in await world.client.events.read(last):
            last = event.sequence
            if event.HasField("leg_moved"):
                assert event.leg_moved.call
                return
        await asyncio.sleep(0.02)
