"""baresip as an agent's phone: it registers with us, is called, answers, and is heard."""

import asyncio
import math
import shutil
import struct
import wave
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from engine.domain.causes import HUNG_UP, RELEASED
from engine.domain.ids import AgentId, LegId
from engine.domain.specs import AgentSpec
from engine.ports import (
    CallPhone,
    HangUp,
    LegAnswered,
    LegEnded,
    OpenAudioLeg,
    PhoneRegistered,
    PhoneUnregistered,
    PlayPrompt,
    SetMix,
    SetPhone,
)
from engine.telephony.media.client import MediaClient
from tests.integration.sip.peer import LONGEST_S
from tests.integration.sip.streams import make_files
from tests.integration.sip.test_adapter import station
from tests.support.ports import free_port

pytestmark = [pytest.mark.peer, pytest.mark.asyncio]

ANNA = AgentSpec(agent_id=AgentId("anna"), phone_password="secret")
LEG = LegId("a1-0001-00000001")
EAR = LegId("a1-0001-00000002")
CONFIG = """
poll_method epoll
sip_listen 127.0.0.1:{port}
audio_player aufile,{folder}/heard.wav
audio_source aufile,{folder}/said.wav
audio_alert aufile,{folder}/alert.wav
net_interface 127.0.0.1
module_path /usr/lib/baresip/modules
module g711.so
module aufile.so
module_tmp account.so
module_app menu.so
"""

ECHO = (
    ("audio_player aufile,{folder}/heard.wav", "audio_player aubridge,echo"),
    ("audio_source aufile,{folder}/said.wav", "audio_source aubridge,echo"),
)


def write_tone(path: Path) -> None:
    """Write ten seconds of 440 Hz, which the phone says in a loop."""
    samples = [int(8000 * math.sin(math.tau * 440 * n / 8000)) for n in range(80_000)]
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(struct.pack(f"<{len(samples)}h", *samples))


@asynccontextmanager
async def baresip(
    folder: Path, registrar: int, transport: str = "udp", more: str = "", account_more: str = ""
) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run baresip with one account that answers by itself.

    Args:
        folder: Where its files go.
        registrar: Our port.
        transport: How it registers.
        more: More of its configuration; with any it says what it hears, and nothing else.
        account_more: Further parameters of the account, each with its semicolon.
    """
    program = shutil.which("baresip")
    if program is None:
        pytest.skip("baresip is not installed")
    config = CONFIG
    write_tone(folder / "said.wav")
    if more:
        config = config.replace(*ECHO[0]).replace(*ECHO[1]) + more
    config = config.format(port=free_port(), folder=folder)
    (folder / "config").write_text(config, encoding="ascii")
    account = (
        f"<sip:anna@127.0.0.1:{registrar};transport={transport}>;auth_user=anna;auth_pass=secret"
        f";answermode=auto;regint=60;audio_codecs=PCMU/8000/1{account_more}\n"
    )
    (folder / "accounts").write_text(account, encoding="ascii")
    with (folder / "log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            *(program, "-f", str(folder), "-v"),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


async def test_a_phone_registers_is_called_and_let_go(tmp_path: Path) -> None:
    async with station(MediaClient) as own:
        own.telephony.perform(SetPhone(ANNA), own.now())
        async with baresip(tmp_path, own.telephony.address[1]):
            await own.wait_for(PhoneRegistered)
            own.telephony.perform(CallPhone(LEG, AgentId("anna"), "", 15.0), own.now())
            answered = await own.wait_for(LegAnswered)
            own.telephony.perform(PlayPrompt(LEG, "beep"), own.now())
            own.telephony.perform(HangUp(LEG, RELEASED), own.now())
            assert await own.wait_for(LegEnded) == LegEnded(LEG, RELEASED)
    assert answered.dialog


async def test_a_phone_that_is_switched_off_ends_its_leg(tmp_path: Path) -> None:
    async with station(MediaClient) as own:
        own.telephony.perform(SetPhone(ANNA), own.now())
        async with baresip(tmp_path, own.telephony.address[1]) as process:
            await own.wait_for(PhoneRegistered)
            own.telephony.perform(CallPhone(LEG, AgentId("anna"), "", 15.0), own.now())
            await own.wait_for(LegAnswered)
            process.terminate()
            assert await own.wait_for(LegEnded) == LegEnded(LEG, HUNG_UP)


def loudness(pcm: bytes) -> float:
    """Return the root of the mean square of PCM16."""
    samples = struct.unpack(f"<{len(pcm) // 2}h", pcm[: len(pcm) // 2 * 2])
    return math.sqrt(sum(each * each for each in samples) / max(1, len(samples)))


@pytest.mark.parametrize("transport", ["tcp", "tls"])
async def test_a_phone_over_its_own_connection_is_called_hears_and_is_heard(
    tmp_path: Path, transport: str
) -> None:
    files = make_files(tmp_path)
    more = f"module aubridge.so\nsip_cafile {files.ca}\nsip_certificate {files.client}\n"
    settings = files.settings(tls_client_ca=files.ca)
    async with station(MediaClient, settings=settings) as own:
        own.telephony.perform(SetPhone(ANNA), own.now())
        secure = transport == "tls"
        port = own.telephony.tls_port if secure else own.telephony.address[1]
        async with baresip(tmp_path, port, transport, more) as process:
            await own.wait_for(PhoneRegistered)
            assert own.telephony.open_connections == 1
            own.telephony.perform(OpenAudioLeg(EAR), own.now())
            own.telephony.perform(CallPhone(LEG, AgentId("anna"), "", 15.0), own.now())
            await own.wait_for(LegAnswered, 2)
            own.telephony.perform(SetMix({EAR: (LEG,), LEG: ()}), own.now())
            own.telephony.perform(PlayPrompt(LEG, "hold-music", loop=True), own.now())
            async with asyncio.timeout(LONGEST_S):
                while loudness(bytes(own.heard[-3_200:])) < 300:  # noqa: ASYNC110 - no event
                    await asyncio.sleep(0.02)
            own.telephony.perform(HangUp(LEG, RELEASED), own.now())
            assert await own.wait_for(LegEnded) == LegEnded(LEG, RELEASED)
            assert own.telephony.open_connections == 1  # the phone's, both for all of it
            process.terminate()
            await own.wait_for(PhoneUnregistered)
