"""sippy as the far end, in its own process: it calls us and is called, holds, and hangs up."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from engine.telephony.sip.destination import Destination
from engine.telephony.sip.digest import Credentials
from engine.telephony.sip.events import Answered, Ended, Incoming, MediaChanged, Ringing
from engine.telephony.sip.sdp import Direction, LocalMedia
from tests.integration.sip.peer import Phone
from tests.support.load import PATIENCE_S
from tests.support.ports import free_port
from tests.support.sippy_agent import PASSWORD, REALM, USER

pytestmark = [pytest.mark.asyncio]

LEG = "a1-0001-00000001"
WITHIN_S = PATIENCE_S


class Sippy:
    """A sippy user agent and what it told."""

    def __init__(self, process: asyncio.subprocess.Process, port: int) -> None:
        self.destination = Destination("127.0.0.1", port)
        self._process = process

    def do(self, order: str, **more: object) -> None:
        """Give an order."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"do": order, **more}).encode() + b"\n")

    async def happens(self, event: str, status: int = 0) -> dict[str, Any]:
        """Return the next event of a kind, with a status if it is given."""
        assert self._process.stdout is not None
        async with asyncio.timeout(WITHIN_S):
            while True:
                line = await self._process.stdout.readline()
                assert line, "sippy ended"
                told: dict[str, Any] = json.loads(line)
                if told["event"] == event and status in (0, told.get("status")):
                    return told


@asynccontextmanager
async def sippy(*more: str) -> AsyncIterator[Sippy]:
    """Run sippy."""
    pytest.importorskip("sippy", reason="sippy is not installed")
    port = free_port()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.support.sippy_agent", str(port), *more),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    agent = Sippy(process, port)
    try:
        await agent.happens("up")
        yield agent
    finally:
        process.kill()
        await process.communicate()


async def test_a_call_to_sippy_with_hold_from_both_sides_and_our_bye() -> None:
    async with sippy() as far, Phone() as own:
        own.call(far.destination)
        await far.happens("Try")
        far.do("ring")
        assert (await own.wait_for(Ringing)).status == 180
        far.do("answer")
        await own.wait_for(Answered)
        far.do("offer", direction="sendonly")
        held = await own.wait_for(MediaChanged)
        assert held.remote.direction is Direction.SENDONLY
        assert (await far.happens("Connect"))["status"] == 200
        far.do("offer", direction="sendrecv")
        await far.happens("Connect")
        own.ua.offer(LEG, Direction.SENDONLY, own.now())
        own.transport.rearm()
        assert (await far.happens("Update"))["holds"]
        own.hang_up()
        await far.happens("Disconnect")
        assert (await own.wait_for(Ended)).why == "released"


async def test_sippy_hangs_up_a_call_that_it_answered() -> None:
    async with sippy() as far, Phone() as own:
        own.call(far.destination)
        await far.happens("Try")
        far.do("answer")
        await own.wait_for(Answered)
        far.do("bye")
        assert (await own.wait_for(Ended)).why == "hung-up"


async def test_a_call_that_sippy_lets_ring_is_cancelled() -> None:
    async with sippy() as far, Phone() as own:
        own.call(far.destination)
        await far.happens("Try")
        far.do("ring")
        await own.wait_for(Ringing)
        own.hang_up()
        await far.happens("Disconnect")
        ended = await own.wait_for(Ended)
    assert (ended.why, ended.status) == ("cancelled", 487)


@pytest.mark.parametrize("status", [404, 486, 503, 603])
async def test_sippy_refuses_a_call(status: int) -> None:
    async with sippy() as far, Phone() as own:
        own.call(far.destination)
        await far.happens("Try")
        far.do("fail", status=status)
        ended = await own.wait_for(Ended)
    assert (ended.why, ended.status) == ("refused", status)


async def test_a_challenge_of_sippy_is_answered_once() -> None:
    async with sippy("challenge") as far, Phone() as own:
        own.call(far.destination, credentials=Credentials(REALM, USER, PASSWORD))
        assert not (await far.happens("Challenge"))["proven"]
        await far.happens("Try")
        far.do("answer")
        await own.wait_for(Answered)
        own.hang_up()
        await far.happens("Disconnect")
    async with sippy("challenge") as far, Phone() as own:
        own.call(far.destination, credentials=Credentials(REALM, USER, "wrong"))
        assert (await own.wait_for(Ended)).status == 401


async def test_sippy_calls_us_and_hangs_up() -> None:
    async with sippy() as far, Phone() as own:
        own.screen = 200
        far.do("call", port=own.transport.address[1], number="100")
        incoming = await own.wait_for(Incoming)
        assert incoming.called.startswith("sip:100@")
        own.ua.ring(incoming.leg_id, own.now())
        own.transport.rearm()
        await far.happens("Ring", 180)
        own.ua.answer(incoming.leg_id, LocalMedia("127.0.0.1", 4000), own.now())
        own.transport.rearm()
        assert (await far.happens("Connect"))["status"] == 200
        await own.wait_for(Answered)
        far.do("offer", direction="sendonly")
        await own.wait_for(MediaChanged)
        await far.happens("Connect")
        far.do("bye")
        assert (await own.wait_for(Ended)).why == "hung-up"


async def test_sippy_gives_up_a_call_that_we_let_ring() -> None:
    async with sippy() as far, Phone() as own:
        own.screen = 200
        far.do("call", port=own.transport.address[1], number="100")
        incoming = await own.wait_for(Incoming)
        own.ua.ring(incoming.leg_id, own.now())
        own.transport.rearm()
        await far.happens("Ring", 180)
        far.do("bye")
        assert (await own.wait_for(Ended)).why == "hung-up"  # it was theirs to end
        assert own.ua.open_legs == 0


async def test_sippy_gets_no_call_through_to_an_engine_that_takes_none() -> None:
    async with sippy() as far, Phone() as own:
        far.do("call", port=own.transport.address[1], number="100")
        assert (await far.happens("Fail"))["status"] == 403
        assert not own.events
