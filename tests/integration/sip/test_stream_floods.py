"""Strangers who flood over TCP and TLS on real sockets: closed and counted, nobody else pays."""

import asyncio
import ssl
from contextlib import suppress

import pytest

from engine.domain.ids import AgentId
from engine.domain.specs import AgentSpec
from engine.ports import PhoneRegistered, SetPhone
from engine.telephony.sip import door, police
from engine.telephony.sip.digest import Credentials, authorization, choose_challenge
from engine.telephony.sip.message import parse
from tests.integration.sip.streams import Client, Files, connected, make_files, options
from tests.integration.sip.test_adapter import Station, station
from tests.integration.sip.test_streams import know, until

pytestmark = pytest.mark.asyncio
BATCH, BATCHES = 100, 50


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    """Certificates, made once."""
    return make_files(tmp_path_factory.mktemp("tls"))


async def flood(client: Client) -> None:
    """Send many requests as fast as they are read, until it is closed or all are sent."""
    with suppress(OSError):
        for batch in range(BATCHES):
            client.send(b"".join(options(batch * BATCH + each) for each in range(BATCH)))
            await client.writer.drain()


def register(port: int, number: int, extra: str = "") -> bytes:
    """Return a REGISTER of agent anna's phone."""
    return (
        f"REGISTER sip:paceline SIP/2.0\r\nVia: SIP/2.0/TCP 127.0.0.1:9;branch=z9hG4bKr{number}\r\n"
        "From: <sip:anna@paceline>;tag=1\r\nTo: <sip:anna@paceline>\r\nCall-ID: reg\r\n"
        f"CSeq: {number} REGISTER\r\nContact: <sip:anna@127.0.0.1:{port};transport=tcp>\r\n"
        f"{extra}Content-Length: 0\r\n\r\n"
    ).encode()


async def become_anna(own: Station, client: Client) -> None:
    """Register over a connection, with digest."""
    spec = AgentSpec(agent_id=AgentId("anna"), phone_password="secret")
    own.telephony.perform(SetPhone(spec), own.now())
    port = client.writer.get_extra_info("sockname")[1]
    client.send(register(port, 1))
    challenged = parse(await client.read_message())
    challenge = choose_challenge(challenged.every_line("www-authenticate"), "", proxy=False)
    assert challenge is not None
    who = Credentials("", "anna", "secret")
    name, value = authorization(challenge, who, "REGISTER", "sip:paceline", 1, "c")
    client.send(register(port, 2, f"{name}: {value}\r\n"))
    assert (await client.read_message()).startswith(b"SIP/2.0 200 ")
    await own.wait_for(PhoneRegistered)


@pytest.fixture
def long_second(monkeypatch: pytest.MonkeyPatch) -> None:
    """Count a minute as a second: however crowded the machine is, it is a flood."""
    monkeypatch.setattr(police, "_WINDOW_S", 60.0)


@pytest.mark.usefixtures("long_second")
@pytest.mark.parametrize("secure", [False, True], ids=["tcp", "tls"])
async def test_a_stranger_who_floods_is_closed_and_counted(
    files: Files, secure: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with station(settings=files.settings()) as own:
        port = own.telephony.tls_port if secure else own.telephony.address[1]
        context = files.client_context() if secure else None
        async with connected(port, context) as stranger:
            _, closed = await asyncio.gather(flood(stranger), stranger.is_closed())
            assert closed
        await until(own, "stranger-floods")
        assert not await answered(port, context)
        monkeypatch.setattr(police, "_WINDOW_S", 0.001)  # the second is over
        assert await answered(port, context)


async def answered(port: int, context: ssl.SSLContext | None) -> bool:
    """Say whether a request over a new connection is answered; False: it is closed."""
    try:
        async with connected(port, context) as client:
            return await client.ask() == b"SIP/2.0 403 Forbidden"
    except (EOFError, OSError):
        return False


@pytest.mark.usefixtures("long_second")
async def test_a_trunk_may_say_as_much_as_it_likes(files: Files) -> None:
    async with station(settings=files.settings()) as own:
        know(own)
        for port, context in (
            (own.telephony.address[1], None),
            (own.telephony.tls_port, files.client_context()),
        ):
            async with connected(port, context) as trunk:
                count = 2 * police.MOST_OF_ONE
                trunk.send(b"".join(options(number) for number in range(count)))
                for _ in range(count):
                    assert (await trunk.read_message()).startswith(b"SIP/2.0 200 ")
        assert not own.telephony.counts.get("stranger-floods")


@pytest.mark.usefixtures("long_second")
async def test_a_registered_phone_is_heard_while_its_neighbour_floods() -> None:
    async with station() as own:
        port = own.telephony.address[1]
        async with connected(port) as phone, connected(port) as stranger:
            await become_anna(own, phone)
            _, closed = await asyncio.gather(flood(stranger), stranger.is_closed())
            assert closed
            count = police.MOST_OF_ALL + police.MOST_OF_ONE
            phone.send(b"".join(options(number) for number in range(count)))
            for _ in range(count):
                assert (await phone.read_message()).startswith(b"SIP/2.0 200 ")
        assert own.telephony.counts["stranger-floods"] == 1


@pytest.mark.usefixtures("long_second")
async def test_a_stranger_that_shakes_hands_all_the_time_is_refused(files: Files) -> None:
    async with station(settings=files.settings()) as own:
        port, context = own.telephony.tls_port, files.client_context()
        for _ in range(door.HANDSHAKES_OF_ONE):
            async with connected(port, context):
                pass
        with pytest.raises((ConnectionError, ssl.SSLError)):
            async with connected(port, context):
                pass
        assert own.telephony.counts["handshakes-refused"] == 1
        know(own)  # a trunk is no stranger
        async with connected(port, context) as trunk:
            assert await trunk.ask() == b"SIP/2.0 200 OK"
