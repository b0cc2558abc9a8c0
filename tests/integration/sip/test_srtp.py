"""Encrypted audio with baresip over TLS: both ends hear each other, and nobody else's packets."""

import asyncio
import os
import signal
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from engine.config import SipSettings
from engine.domain.causes import NOT_ENCRYPTED, Cause, cause_of_status
from engine.domain.ids import AgentId, LegId
from engine.domain.specs import Need, Transport
from engine.ports import (
    CallPhone,
    LegAnswered,
    LegEnded,
    OpenAudioLeg,
    PhoneRegistered,
    PlayPrompt,
    SetMix,
    SetPhone,
    TrunkReached,
)
from engine.telephony.audio_keys import Suite
from engine.telephony.media.client import MediaClient
from tests.integration.interop.rig import has_tone
from tests.integration.sip.peer import LONGEST_S
from tests.integration.sip.streams import far_end, make_files
from tests.integration.sip.test_adapter import Station, station
from tests.integration.sip.test_baresip import ANNA, EAR, LEG, baresip
from tests.integration.sip.test_streams import set_trunk

pytestmark = [pytest.mark.peer, pytest.mark.asyncio]

TONE_HZ = 1000
FRAMES = 25


@asynccontextmanager
async def phone(
    folder: Path, wanted: str, account: str, transport: str = "tls", modules: str = "srtp.so"
) -> AsyncIterator[Station]:
    """Call a phone that says what it hears; it hears a tone."""
    files = make_files(folder)
    more = f"module aubridge.so\nsip_cafile {files.ca}\nsip_certificate {files.client}\n"
    more += f"module {modules}\n" if modules else ""
    settings: SipSettings = files.settings(tls_client_ca=files.ca, phone_srtp=wanted)
    async with station(MediaClient, settings=settings) as own:
        own.telephony.perform(SetPhone(ANNA), own.now())
        tls = transport == "tls"
        port = own.telephony.tls_port if tls else own.telephony.address[1]
        async with baresip(folder, port, transport, more, account):
            await own.wait_for(PhoneRegistered)
            own.telephony.perform(OpenAudioLeg(EAR), own.now())
            own.telephony.perform(CallPhone(LEG, AgentId("anna"), "", 15.0), own.now())
            yield own


async def talk(own: Station) -> None:
    """Let the phone hear a tone once it has answered."""
    await own.wait_for(LegAnswered, 2)
    own.telephony.perform(SetMix({EAR: (LEG,), LEG: ()}), own.now())
    own.telephony.perform(PlayPrompt(LEG, f"tone:{TONE_HZ}:-10", loop=True), own.now())
    await hear(own)


async def hear(own: Station) -> None:
    """Wait until the tone has come back from the phone for half a second."""
    own.heard.clear()
    async with asyncio.timeout(LONGEST_S):
        while True:
            frames = [bytes(own.heard[at : at + 320]) for at in range(0, len(own.heard), 320)]
            last = frames[-FRAMES:-1] if len(frames) > FRAMES else []
            if last and all(has_tone(each, TONE_HZ) for each in last):
                return
            await asyncio.sleep(0.02)


def suite_of(own: Station, leg_id: LegId = LEG) -> str:
    """Return the suite that a leg is encrypted with, empty if it is not."""
    switch = own.telephony._media
    assert isinstance(switch, MediaClient)
    encrypted = switch._legs[leg_id].encrypted
    return encrypted.secure.suite if encrypted else ""


@pytest.mark.parametrize(
    ("wanted", "account"),
    [
        pytest.param("offered", ";mediaenc=srtp", id="offered"),
        pytest.param("required", ";mediaenc=srtp", id="required"),
        pytest.param("required", ";mediaenc=srtp-mand", id="required by both"),
    ],
)
async def test_a_phone_hears_and_is_heard_encrypted(
    tmp_path: Path, wanted: str, account: str
) -> None:
    async with phone(tmp_path, wanted, account) as own:
        await talk(own)
        assert suite_of(own) == Suite.AES_CM_80
        switch = own.telephony._media
        assert isinstance(switch, MediaClient)
        stats = await switch.stats()
    assert stats.unauthentic == 0
    assert stats.received > FRAMES


async def test_a_phone_that_cannot_encrypt_is_heard_where_that_is_only_offered(
    tmp_path: Path,
) -> None:
    async with phone(tmp_path, "offered", "", modules="") as own:
        await talk(own)
        assert suite_of(own) == ""


@pytest.mark.parametrize(
    ("transport", "cause"),
    [
        pytest.param("tls", cause_of_status(488), id="it cannot"),
        pytest.param("tcp", NOT_ENCRYPTED, id="keys would be read along"),
    ],
)
async def test_a_phone_without_encryption_is_not_connected_where_it_is_required(
    tmp_path: Path, transport: str, cause: Cause
) -> None:
    async with phone(tmp_path, "required", "", transport, modules="") as own:
        ended = await own.wait_for(LegEnded)
        assert (ended.leg_id, ended.cause) == (LEG, cause)


@pytest.mark.parametrize("need", [Need.OFFERED, Need.REQUIRED])
async def test_a_carrier_that_answers_without_keys_is_plain_or_not_connected(
    tmp_path: Path, need: Need
) -> None:
    files = make_files(tmp_path)
    context = files.server_context()
    async with station(settings=files.settings()) as own, far_end(200, context) as far:
        address = f"127.0.0.1:{far.port}"
        set_trunk(own, address, Transport.TLS, tls_ca=files.ca, srtp=need)
        await own.wait_for(TrunkReached)
        own.place()
        if need is Need.REQUIRED:
            assert (await own.wait_for(LegEnded)).cause == NOT_ENCRYPTED
            assert b"Reason: Q.850;cause=88" in await far.wait_for(b"BYE")
        else:
            await own.wait_for(LegAnswered)
        invite = await far.wait_for(b"INVITE")
    assert (b" RTP/SAVP 0 8 101\r\n" in invite) == (need is Need.REQUIRED)
    assert invite.count(b"a=crypto:") == len(Suite)


async def test_forged_packets_change_nothing_and_the_call_outlives_its_switch(
    tmp_path: Path,
) -> None:
    async with phone(tmp_path, "required", ";mediaenc=srtp") as own:
        await talk(own)
        switch = own.telephony._media
        assert isinstance(switch, MediaClient)
        where = switch._legs[LEG].connected
        assert where is not None
        assert switch.pid is not None
        before = switch.pid
        os.kill(before, signal.SIGKILL)
        async with asyncio.timeout(LONGEST_S):
            while switch.pid in (before, None):  # noqa: ASYNC110 - the adapter is not told
                await asyncio.sleep(0.02)
        port = switch._keeper.udp_port(switch._legs[LEG].place.port)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as forger:
            for seq in range(100):
                head = bytes([0x80, 0, 0, seq, 0, 0, 0, 0, 1, 2, 3, 4])
                forger.sendto(head + bytes(170), ("127.0.0.1", port))
        await hear(own)
        assert suite_of(own) == Suite.AES_CM_80
