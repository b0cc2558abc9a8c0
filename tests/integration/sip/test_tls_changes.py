"""TLS settings that change while calls go on: new connections at once, old ones drained."""

import asyncio
import ssl
from collections.abc import Callable
from pathlib import Path

import pytest

from engine.domain.specs import Transport
from engine.ports import LegAnswered, LegEnded, TrunkLost, TrunkReached
from engine.telephony.sip import connection, streams
from tests.integration.sip.peer import LONGEST_S
from tests.integration.sip.streams import Files, connected, far_end, make_files
from tests.integration.sip.test_adapter import station
from tests.integration.sip.test_streams import know, set_trunk, until

pytestmark = pytest.mark.asyncio


@pytest.fixture
def files(tmp_path: Path) -> Files:
    """Certificates that a test may change."""
    return make_files(tmp_path)


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look for changes and for idle connections all the time."""
    monkeypatch.setattr(streams, "SWEEP_S", 0.02)
    monkeypatch.setattr(streams, "FILES_S", 0.02)


def read(path: str) -> bytes:
    return Path(path).read_bytes()


def write(path: str, octets: bytes) -> None:
    Path(path).write_bytes(octets)


async def become(met: Callable[[], bool]) -> None:
    """Wait until something is so."""
    async with asyncio.timeout(LONGEST_S):
        while not met():  # noqa: ASYNC110 - a counter, no event
            await asyncio.sleep(0.01)


async def test_a_trunks_changed_settings_open_another_connection_and_its_call_goes_on(
    files: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "SWEEP_S", 0.02)
    context = files.server_context(ca=files.ca)
    async with station(settings=files.settings()) as own, far_end(200, context) as far:
        address = f"127.0.0.1:{far.port}"
        set_trunk(
            own,
            address,
            Transport.TLS,
            tls_ca=files.ca,
            tls_certificate=files.client,
            options_s=0.0,
        )
        own.place()
        await own.wait_for(LegAnswered)
        await far.wait_for(b"ACK")
        assert far.connections == 1
        set_trunk(
            own,
            address,
            Transport.TLS,
            tls_ca=files.ca,
            tls_certificate=files.server,
            options_s=0.0,
        )
        assert own.telephony.counts["connections-renewed"] == 1
        assert own.telephony.open_connections == 1  # nothing is asked for by now
        own.hang_up()
        await far.wait_for(b"BYE")
        await own.wait_for(LegEnded)
        assert far.connections == 2
        assert own.telephony.open_connections == 2
        monkeypatch.setattr(connection, "DRAIN_S", 0.05)
        await become(lambda: own.telephony.open_connections == 1)
        own.place()
        await own.wait_for(LegAnswered, 2)
        assert far.connections == 2
        assert not own.telephony.counts.get("close-too-slow")


async def test_an_answer_that_is_under_way_comes_over_the_old_connection(
    files: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is answered late, long after the settings changed."""
    monkeypatch.setattr(streams, "SWEEP_S", 0.02)
    monkeypatch.setattr(connection, "DRAIN_S", 0.4)
    async with station() as own, far_end(0, files.server_context()) as far:
        address = f"127.0.0.1:{far.port}"
        set_trunk(own, address, Transport.TLS, tls_ca=files.ca, options_s=0.0)
        own.place()
        await far.wait_for(b"INVITE")
        set_trunk(own, address, Transport.TLS, tls_ca=files.ca, tls_name="127.0.0.1", options_s=0.0)
        assert own.telephony.counts.get("connections-renewed", 0) == 0  # the same by another name
        set_trunk(
            own, address, Transport.TLS, tls_ca=files.ca, tls_name="sip.example.net", options_s=0.0
        )
        far.late(486)
        assert (await own.wait_for(LegEnded)).sip_status == 486
        await far.wait_for(b"ACK")  # which opened another one
        assert far.connections == 2
        await become(lambda: own.telephony.open_connections == 1)


async def test_settings_that_change_nothing_leave_the_connection(files: Files) -> None:
    async with station() as own, far_end(486, files.server_context()) as far:
        for channels in (10, 20):
            set_trunk(
                own,
                f"127.0.0.1:{far.port}",
                Transport.TLS,
                tls_ca=files.ca,
                channels=channels,
                options_s=0.0,
            )
            own.place()
            await own.wait_for(LegEnded, channels // 10)
        assert far.connections == 1
        assert not own.telephony.counts.get("connections-renewed")


async def test_a_peer_that_is_trusted_no_more_gets_no_new_call(files: Files) -> None:
    async with station() as own, far_end(200, files.server_context()) as far:
        address = f"127.0.0.1:{far.port}"
        set_trunk(own, address, Transport.TLS, tls_ca=files.ca)
        await own.wait_for(TrunkReached)
        set_trunk(own, address, Transport.TLS, tls_ca=files.stranger_ca)
        await own.wait_for(TrunkLost)
        own.place()
        await own.wait_for(LegEnded)
        assert not [each for each in far.requests if each.startswith(b"INVITE")]


@pytest.mark.usefixtures("hasty")
async def test_our_certificate_is_read_anew_when_its_file_changes(files: Files) -> None:
    async with station(settings=files.settings()) as own:
        know(own)
        port = own.telephony.tls_port
        async with connected(port, files.client_context()) as old:
            assert await old.ask(1) == b"SIP/2.0 200 OK"
            write(files.server, b"half written")
            await until(own, "tls-files-wrong")
            async with connected(port, files.client_context()) as meanwhile:
                assert await meanwhile.ask(2) == b"SIP/2.0 200 OK"
            write(files.server, read(files.stranger))
            await shown(port, files.stranger_ca)
            assert await old.ask(3) == b"SIP/2.0 200 OK"  # and who is inside stays


async def shown(port: int, ca: str) -> None:
    """Wait until a certificate is shown that an authority has signed."""
    context = ssl.create_default_context(cafile=ca)
    async with asyncio.timeout(LONGEST_S):
        while True:
            try:
                async with connected(port, context) as client:
                    assert await client.ask() == b"SIP/2.0 200 OK"
                    return
            except ssl.SSLError:
                await asyncio.sleep(0.05)


@pytest.mark.usefixtures("hasty")
async def test_a_trunks_file_that_changes_is_shown_to_it_over_a_new_connection(
    files: Files,
) -> None:
    far_context = files.server_context(ca=files.ca)
    async with station() as own, far_end(486, far_context) as far:
        set_trunk(
            own,
            f"127.0.0.1:{far.port}",
            Transport.TLS,
            tls_ca=files.ca,
            tls_certificate=files.client,
            options_s=0.0,
        )
        own.place()
        await own.wait_for(LegEnded)
        write(files.client, read(files.server))
        await until(own, "connections-renewed")
        own.place()
        await own.wait_for(LegEnded, 2)
        assert far.connections == 2
