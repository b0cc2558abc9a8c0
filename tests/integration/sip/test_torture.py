"""Every message of RFC 4475 and RFC 5118 over UDP, TCP and TLS, whole and cut, to the real port.

After each an OPTIONS is answered and a call is made: nothing of it stays in the way.
"""

from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from engine.domain.ids import LegId
from engine.ports import LegAnswered, LegEnded
from tests.conformance.sip.test_rfc4475 import EVERY as OF_4475
from tests.conformance.sip.test_rfc4475 import OPTIONS, message
from tests.conformance.sip.test_rfc5118 import EVERY as OF_5118
from tests.integration.sip.carrier import carrier, set_carrier
from tests.integration.sip.streams import Files, connected, make_files
from tests.integration.sip.test_adapter import Station, station
from tests.support.prober import prober

pytestmark = pytest.mark.asyncio

MESSAGES = [octets for (octets,) in (entry.values for entry in (*OF_4475, *OF_5118))]
Say = Callable[[bytes], Awaitable[None]]


async def says(stack: AsyncExitStack, way: str, own: Station, files: Files) -> Say:
    """Return what sends octets over a transport, whole and cut."""
    if way == "UDP":
        asker = await stack.enter_async_context(prober())

        async def say(octets: bytes) -> None:
            cut = len(octets) * 2 // 3
            for piece in (octets, octets[:cut], octets[cut:]):
                asker.send(piece, own.telephony.address)

        return say
    port = own.telephony.tls_port if way == "TLS" else own.telephony.address[1]
    context = files.client_context() if way == "TLS" else None

    async def say_over_stream(octets: bytes) -> None:
        async with connected(port, context) as client:  # broken off in the middle
            client.send(octets[: len(octets) * 2 // 3])
        async with connected(port, context) as client:  # in two pieces, each sent at once
            for piece in (octets[:31], octets[31:]):
                client.send(piece)
                await client.writer.drain()

    return say_over_stream


@pytest.mark.parametrize("way", ["UDP", "TCP", "TLS"])
async def test_after_each_message_options_are_answered_and_a_call_is_made(
    way: str, tmp_path: Path
) -> None:
    async with AsyncExitStack() as stack:
        files = make_files(tmp_path)
        own = await stack.enter_async_context(station(settings=files.settings()))
        far = await stack.enter_async_context(carrier())
        asker = await stack.enter_async_context(prober())
        set_carrier(own, far)
        say = await says(stack, way, own, files)
        for number, octets in enumerate(MESSAGES):
            assert isinstance(octets, bytes)
            await say(octets)
            after = f"SIP/2.0/UDP 127.0.0.1:9;branch=z9hG4bKafter{number};rport"
            answer = await asker.ask(message(OPTIONS, Via=after), own.telephony.address)
            assert answer.startswith(b"SIP/2.0 200"), octets
            leg_id = LegId(f"a1-0001-{number:08x}")
            own.place(leg_id)
            await own.wait_for(LegAnswered, number + 1)
            own.hang_up(leg_id)
            await own.wait_for(LegEnded, number + 1)
        assert own.media is not None
        assert own.media.open == {}
        assert len(own.events) >= 2 * len(MESSAGES)
        assert own.telephony._user_agent.open_legs <= 1
