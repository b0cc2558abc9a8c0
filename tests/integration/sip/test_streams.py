"""SIP over TCP and TLS on real sockets: reuse, failure, floods, and peers that are slow."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from engine.config import SipSettings
from engine.domain.causes import UNREACHABLE
from engine.domain.ids import AgentId, LegId
from engine.domain.refusals import InvalidRequestError
from engine.domain.specs import AgentSpec, Transport, TrunkSpec
from engine.ports import (
    CallPhone,
    EndOldLeg,
    LegAnswered,
    LegEnded,
    SetPhone,
    SetTrunk,
    TrunkLost,
    TrunkReached,
)
from engine.telephony.sip import connection, streams
from tests.conformance.sip.test_rfc4475 import EVERY
from tests.integration.sip.peer import LONGEST_S
from tests.integration.sip.streams import Files, connected, far_end, make_files, options
from tests.integration.sip.test_adapter import LEG, NUMBER, TRUNK, Station, station
from tests.support.ports import free_port

pytestmark = pytest.mark.asyncio


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    """Certificates, made once."""
    return make_files(tmp_path_factory.mktemp("tls"))


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the limits of time short."""
    monkeypatch.setattr(connection, "MESSAGE_S", 1.5)
    monkeypatch.setattr(connection, "STRANGER_S", 3.0)
    monkeypatch.setattr(connection, "CLOSING_S", 0.5)
    monkeypatch.setattr(streams, "SWEEP_S", 0.05)


async def until(own: Station, count: str, least: int = 1) -> None:
    """Wait until something was counted so often."""
    async with asyncio.timeout(LONGEST_S):
        while own.telephony.counts.get(count, 0) < least:  # noqa: ASYNC110 - a counter, no event
            await asyncio.sleep(0.005)


def know(own: Station) -> None:
    """Make 127.0.0.1 the address of a trunk, so that its OPTIONS is served."""
    spec = TrunkSpec(trunk_id=TRUNK, address="127.0.0.1:9", options_s=0.0)
    own.telephony.perform(SetTrunk(spec), own.now())


# --- being connected to ------------------------------------------------------------------------


async def test_options_are_answered_over_tcp_and_tls_on_the_connection_they_came_by(
    files: Files,
) -> None:
    async with station(settings=files.settings()) as own:
        know(own)
        tcp, tls = own.telephony.address[1], own.telephony.tls_port
        async with connected(tcp) as plain, connected(tls, files.client_context()) as secure:
            for number in range(3):
                assert await plain.ask(number) == b"SIP/2.0 200 OK"
                assert await secure.ask(number + 10) == b"SIP/2.0 200 OK"


async def test_many_requests_of_one_segment_are_answered_in_order() -> None:
    async with station() as own:
        know(own)
        async with connected(own.telephony.address[1]) as client:
            client.send(b"".join(options(number) for number in range(50)))
            for number in range(50):
                assert f"Call-ID: o{number}\r\n".encode() in await client.read_message()


async def test_a_keep_alive_gets_its_answer() -> None:
    async with station() as own, connected(own.telephony.address[1]) as client:
        client.send(b"\r\n\r\n")
        assert await client.read(2) == b"\r\n"
        client.send(options() + b"\r\n\r\n")
        assert (await client.read_message()).startswith(b"SIP/2.0 403 ")
        assert await client.read(2) == b"\r\n"


async def test_nobody_may_connect_where_tcp_is_not_spoken() -> None:
    async with station(settings=SipSettings(port=0, tcp=False)) as own:
        with pytest.raises(ConnectionError):
            async with connected(own.telephony.address[1]):
                pass


async def test_tls_asks_for_a_certificate_where_an_authority_of_peers_is_set(files: Files) -> None:
    settings = files.settings(tls_client_ca=files.ca)
    async with station(settings=settings) as own:
        know(own)
        port = own.telephony.tls_port
        async with connected(port, files.client_context(files.client)) as client:
            assert await client.ask() == b"SIP/2.0 200 OK"
        for certificate in ("", files.stranger):
            async with connected(port, files.client_context(certificate)) as client:
                client.send(options())
                assert await client.is_closed()
        await until(own, "handshake-failed", 2)


@pytest.mark.parametrize("where", ["certificate", "key", "client_ca"])
@pytest.mark.parametrize("wrong", ["missing", "empty"])
async def test_a_wrong_file_of_tls_is_named_at_the_start(
    files: Files, tmp_path: Path, where: str, wrong: str
) -> None:
    path = tmp_path / "file.pem"
    if wrong == "empty":
        path.write_bytes(b"")
    settings = files.settings(**{f"tls_{where}": str(path)})
    with pytest.raises(InvalidRequestError, match=r"file\.pem: "):
        async with station(settings=settings):
            pass


# --- robustness --------------------------------------------------------------------------------


async def test_rfc_4475_over_tcp_and_tls_leaves_the_engine_answering(files: Files) -> None:
    async with station(settings=files.settings()) as own:
        know(own)
        tcp, tls = own.telephony.address[1], own.telephony.tls_port
        for number, case in enumerate(EVERY):
            octets = case.values[0]
            assert isinstance(octets, bytes)
            for port, context in ((tcp, None), (tls, files.client_context())):
                if context is not None and number % 6:
                    continue  # a sample: what comes after the handshake is the same
                async with connected(port, context) as whole:
                    whole.send(octets)
                async with connected(port, context) as cut:
                    cut.send(octets[: len(octets) // 2])
                    await cut.writer.drain()
                    cut.send(octets[len(octets) // 2 :])
                async with connected(port, context) as ended:
                    ended.send(octets[: len(octets) * number // len(EVERY)])
            async with connected(tcp) as client:
                assert await client.ask(number) == b"SIP/2.0 200 OK"


@pytest.mark.parametrize(
    ("octets", "count"),
    [
        pytest.param(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", "junk", id="HTTP"),
        pytest.param(b"\x16\x03\x01\x02\x00", "junk", id="TLS to TCP"),
        pytest.param(b"O" * 40_000, "head-too-long", id="a line without end"),
        pytest.param(options().replace(b": 0\r\n", b": 99999999\r\n"), "body-too-long", id="body"),
        pytest.param(options().replace(b"Content-Length: 0\r\n", b""), "no-length", id="no length"),
    ],
)
async def test_what_cannot_be_framed_closes_the_connection(octets: bytes, count: str) -> None:
    async with station() as own:
        know(own)
        async with connected(own.telephony.address[1]) as client:
            client.send(octets)
            assert await client.is_closed()
        assert own.telephony.counts[count] == 1
        async with connected(own.telephony.address[1]) as client:
            assert await client.ask() == b"SIP/2.0 200 OK"


async def trickle(client_send: Callable[[bytes], None], octets: bytes) -> None:
    """Send an octet at a time, for ever."""
    for at in range(len(octets)):
        client_send(octets[at : at + 1])
        await asyncio.sleep(0.05)


@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize("secure", [False, True], ids=["TCP", "TLS"])
async def test_who_is_slow_is_closed_and_others_are_served(files: Files, secure: bool) -> None:
    async with station(settings=files.settings()) as own:
        know(own)
        port = own.telephony.tls_port if secure else own.telephony.address[1]
        context = files.client_context() if secure else None
        async with connected(port, context) as slow, connected(port, context) as silent:
            task = asyncio.ensure_future(trickle(slow.send, options()[:200]))
            async with connected(port, context) as promised:
                promised.send(options().replace(b": 0\r\n", b": 500\r\n"))
                async with connected(port, context) as quick:
                    assert await quick.ask() == b"SIP/2.0 200 OK"
                    assert await promised.is_closed()
                    assert await slow.is_closed()
                    assert await silent.is_closed()
                    assert await quick.ask(2) == b"SIP/2.0 200 OK"  # a trunk may stay
            task.cancel()
        counts = own.telephony.counts
        assert sum(counts.get(each, 0) for each in ("message-too-slow", "silent-connection")) == 3


@pytest.mark.usefixtures("hasty")
async def test_a_stranger_may_not_stay_and_a_slow_handshake_neither(files: Files) -> None:
    async with station(settings=files.settings()) as own:
        async with connected(own.telephony.address[1]) as client:
            for number in range(2):
                assert await client.ask(number) == b"SIP/2.0 403 Forbidden"
            assert await client.is_closed()
        assert own.telephony.counts["stranger-stayed"] == 1
        async with connected(own.telephony.tls_port) as silent:
            assert await silent.is_closed()  # it never says its ClientHello


async def test_a_thousand_connections_are_held_and_no_more_than_allowed() -> None:
    settings = SipSettings(port=0, connections=1_000, connections_per_source=1_000)
    async with station(settings=settings) as own:
        know(own)
        port = own.telephony.address[1]
        opened = []
        for _ in range(10):
            opened += await asyncio.gather(
                *(asyncio.open_connection("127.0.0.1", port) for _ in range(100))
            )
        async with connected(port) as one_more:
            assert await one_more.is_closed()
        assert own.telephony.counts["connections-refused"] == 1
        for reader, writer in opened[::100]:
            writer.write(options())
            async with asyncio.timeout(LONGEST_S):
                assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"SIP/2.0 200 OK")
        for _, writer in opened:
            writer.close()
        await asyncio.gather(*(writer.wait_closed() for _, writer in opened))
        async with asyncio.timeout(LONGEST_S):
            while own.telephony.open_connections:  # noqa: ASYNC110 - a counter, no event
                await asyncio.sleep(0.01)
        async with connected(port) as client:
            assert await client.ask() == b"SIP/2.0 200 OK"


async def test_connections_of_one_source_are_limited() -> None:
    async with station(settings=SipSettings(port=0, connections_per_source=2)) as own:
        port = own.telephony.address[1]
        async with connected(port) as first, connected(port) as second:
            async with connected(port) as third:
                assert await third.is_closed()
            assert await first.ask(1) == await second.ask(2) == b"SIP/2.0 403 Forbidden"


# --- connecting --------------------------------------------------------------------------------


def set_trunk(own: Station, address: str, transport: Transport, **more: object) -> None:
    """Configure a trunk."""
    values = {"trunk_id": TRUNK, "address": address, "transport": transport, "options_s": 30.0}
    own.telephony.perform(SetTrunk(TrunkSpec(**(values | more))), own.now())  # type: ignore[arg-type]


async def test_one_connection_carries_all_and_is_opened_anew_when_it_was_closed() -> None:
    async with station() as own, far_end(486) as far:
        set_trunk(own, f"127.0.0.1:{far.port}", Transport.TCP)
        await own.wait_for(TrunkReached)
        own.place()
        assert (await own.wait_for(LegEnded)).sip_status == 486
        await far.wait_for(b"ACK")
        assert far.connections == 1
        await far.drop()
        async with asyncio.timeout(LONGEST_S):
            while own.telephony.open_connections:  # noqa: ASYNC110 - a counter, no event
                await asyncio.sleep(0.005)
        own.place(LegId("a1-0001-00000002"))
        assert (await own.wait_for(LegEnded, 2)).sip_status == 486
        assert far.connections == 2
        invite = await far.wait_for(b"INVITE", 2)
    host, port = own.telephony.address
    assert f"Via: SIP/2.0/TCP {host}:{port};".encode() in invite
    assert f"Contact: <sip:{host}:{port};transport=tcp>".encode() in invite


async def test_a_refused_connection_ends_the_leg_at_once_and_tells_the_trunk_lost() -> None:
    async with station() as own:
        set_trunk(own, f"127.0.0.1:{free_port()}", Transport.TCP)
        assert (await own.wait_for(TrunkLost)).trunk_id == TRUNK
        own.place()
        assert (await own.wait_for(LegEnded)) == LegEnded(LEG, UNREACHABLE)


async def test_a_connection_cut_before_an_answer_ends_the_leg_at_once() -> None:
    async with station() as own, far_end(0) as far:
        set_trunk(own, f"127.0.0.1:{far.port}", Transport.TCP, options_s=0.0)
        own.place()
        await far.wait_for(b"INVITE")
        await far.drop()
        assert (await own.wait_for(LegEnded)) == LegEnded(LEG, UNREACHABLE)


async def test_a_request_that_crosses_the_end_of_an_idle_connection_is_not_lost() -> None:
    async with station() as own, far_end(486) as far:
        set_trunk(own, f"127.0.0.1:{far.port}", Transport.TCP)
        await own.wait_for(TrunkReached)
        await far.drop()
        own.place()  # the engine has not heard of the end yet
        assert (await own.wait_for(LegEnded)).sip_status == 486
        assert far.connections == 2


async def test_an_invite_that_waits_for_its_connection_is_held_back_by_a_closed_gate() -> None:
    async with station() as own, far_end(486) as far:
        set_trunk(own, f"127.0.0.1:{far.port}", Transport.TCP, options_s=0.0)
        own.place()  # the connection opens at the next turn of the loop, at the earliest
        own.reason = "stopped"
        assert (await own.wait_for(LegEnded)).cause.slug == "gate-closed"
        own.reason = None
        own.place(LegId("a1-0001-00000002"))
        await own.wait_for(LegEnded, 2)
        assert len([each for each in far.requests if each.startswith(b"INVITE")]) == 1


@pytest.mark.parametrize("mutual", [False, True], ids=["server alone", "mutual"])
async def test_a_trunk_over_tls(files: Files, mutual: bool) -> None:
    context = files.server_context(ca=files.ca if mutual else "")
    async with station(settings=files.settings()) as own, far_end(486, context) as far:
        own_files = {"tls_certificate": files.client} if mutual else {}
        address = f"127.0.0.1:{far.port}"
        set_trunk(own, address, Transport.TLS, tls_ca=files.ca, **own_files)
        await own.wait_for(TrunkReached)
        own.place()
        assert (await own.wait_for(LegEnded)).sip_status == 486
        invite = await far.wait_for(b"INVITE")
    host, port = own.telephony.address[0], own.telephony.tls_port
    assert f"Via: SIP/2.0/TLS {host}:{port};".encode() in invite
    assert f"Contact: <sip:{host}:{port};transport=tls>".encode() in invite


@pytest.mark.parametrize(
    ("far_certificate", "far_wants", "more", "reached"),
    [
        pytest.param("server", False, {"tls_name": "sip.example.net"}, True, id="its name"),
        pytest.param("server", False, {"tls_name": "other.example.net"}, False, id="another name"),
        pytest.param("stranger", False, {}, False, id="another authority"),
        pytest.param("server", True, {}, False, id="it wants our certificate"),
    ],
)
async def test_a_trunk_over_tls_must_be_who_it_should_be(
    files: Files, far_certificate: str, far_wants: bool, more: dict[str, str], reached: bool
) -> None:
    context = files.server_context(getattr(files, far_certificate), files.ca if far_wants else "")
    async with station() as own, far_end(200, context) as far:
        set_trunk(own, f"127.0.0.1:{far.port}", Transport.TLS, tls_ca=files.ca, **more)
        assert await own.wait_for(TrunkReached if reached else TrunkLost) is not None
        assert bool(far.requests) is reached


async def test_a_trunk_with_a_missing_file_is_lost_with_its_name(tmp_path: Path) -> None:
    async with station() as own:
        gone = str(tmp_path / "gone.pem")
        set_trunk(own, "127.0.0.1:5061", Transport.TLS, tls_ca=gone)
        assert gone in (await own.wait_for(TrunkLost)).reason


@pytest.mark.parametrize("transport", ["tcp", "tls"])
async def test_a_fixed_phone_is_called_as_its_uri_says(files: Files, transport: str) -> None:
    context = files.server_context() if transport == "tls" else None
    settings = files.settings(tls_client_ca=files.ca)
    async with station(settings=settings) as own, far_end(486, context) as far:
        uri = f"sip:anna@127.0.0.1:{far.port};transport={transport}"
        phone = AgentSpec(agent_id=AgentId("anna"), phone=uri)
        own.telephony.perform(SetPhone(phone), own.now())
        own.telephony.perform(CallPhone(LEG, phone.agent_id, uri, 15.0), own.now())
        assert (await own.wait_for(LegEnded)).sip_status == 486
        assert (await far.wait_for(b"INVITE")).startswith(f"INVITE {uri} ".encode())


@pytest.mark.parametrize("transport", [Transport.TCP, Transport.TLS])
async def test_a_leg_of_an_earlier_life_gets_bye_over_a_new_connection(
    files: Files, transport: Transport
) -> None:
    secure = transport is Transport.TLS
    async with far_end(200, files.server_context() if secure else None) as far:
        address = f"127.0.0.1:{far.port}"
        async with station() as old:
            set_trunk(old, address, transport, tls_ca=files.ca, options_s=0.0)
            old.place()
            dialog = (await old.wait_for(LegAnswered)).dialog
            await far.wait_for(b"ACK")
        async with station(life="2") as new:
            new.telephony.perform(EndOldLeg(LEG, dialog, NUMBER, TRUNK), new.now())
            if secure:  # without the trunk nobody knows whom to trust
                assert new.telephony.open_connections == 0
                set_trunk(new, address, transport, tls_ca=files.ca, options_s=0.0)
            bye = await far.wait_for(b"BYE")
        assert far.connections == 2
        assert f"SIP/2.0/{transport.value.upper()} 127.0.0.1:".encode() in bye


async def test_an_unanswered_leg_of_an_earlier_life_is_cancelled_over_a_new_connection() -> None:
    async with far_end(0) as far:
        async with station() as old:
            set_trunk(old, f"127.0.0.1:{far.port}", Transport.TCP, options_s=0.0)
            old.place()
            invite = await far.wait_for(b"INVITE")
        async with station(life="2") as new:
            far.status = 200
            new.telephony.perform(EndOldLeg(LEG, b"", NUMBER, TRUNK), new.now())
            set_trunk(new, f"127.0.0.1:{far.port}", Transport.TCP, options_s=0.0)
            cancel = await far.wait_for(b"CANCEL")
        branch = invite.partition(b";branch=")[2].partition(b";")[0]
        assert branch in cancel


async def test_what_waits_for_a_connection_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "MAX_QUEUED", 5_000)
    async with station() as own, far_end(486) as far:
        set_trunk(own, f"127.0.0.1:{far.port}", Transport.TCP, options_s=0.0)
        for number in range(20):
            own.place(LegId(f"a1-0001-{number:08x}"))
        for number in range(20):
            await own.wait_for(LegEnded, number + 1)
        ended = [each.sip_status for each in own.events if isinstance(each, LegEnded)]
    assert own.telephony.counts["queue-full"] >= 1
    assert 1 <= ended.count(486) < 20


async def test_closing_leaves_nothing_open() -> None:
    async with station() as own, connected(own.telephony.address[1]) as client:
        await client.ask()
        await own.telephony.stop()
        assert await client.is_closed()
        assert own.telephony.open_connections == 0
