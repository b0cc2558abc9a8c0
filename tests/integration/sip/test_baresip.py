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
    PhoneRegistered,
    PlayPrompt,
    SetPhone,
)
from engine.telephony.media.client import MediaClient
from tests.integration.sip.peer import free_port
from tests.integration.sip.test_adapter import station

pytestmark = [pytest.mark.peer, pytest.mark.asyncio]

ANNA = AgentSpec(agent_id=AgentId("anna"), phone_password="secret")
LEG = LegId("a1-0001-00000001")
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


def write_tone(path: Path) -> None:
    """Write ten seconds of 440 Hz, which the phone says in a loop."""
    samples = [int(8000 * math.sin(math.tau * 440 * n / 8000)) for n in range(80_000)]
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(struct.pack(f"<{len(samples)}h", *samples))


@asynccontextmanager
async def baresip(folder: Path, registrar: int) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run baresip with one account that answers by itself."""
    program = shutil.which("baresip")
    if program is None:
        pytest.skip("baresip is not installed")
    config = CONFIG.format(port=free_port(), folder=folder)
    write_tone(folder / "said.wav")
    (folder / "config").write_text(config, encoding="ascii")
    account = (
        f"<sip:anna@127.0.0.1:{registrar};transport=udp>;auth_user=anna;auth_pass=secret"
        ";answermode=auto;regint=60;audio_codecs=PCMU/8000/1\n"
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
