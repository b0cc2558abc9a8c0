"""Phones that others wrote, as agents' phones of the whole engine: baresip and pyVoIP."""

import asyncio
import json
import re
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from clients.demo.rtp import share_of, tone_wave
from tests.integration.sip import test_baresip
from tests.integration.sip.test_baresip import baresip
from tests.support.load import PATIENCE_S
from tests.support.ports import free_port
from tests.support.world import PASSWORD, Ear, Plan, Seat, World, until

pytestmark = [pytest.mark.asyncio, pytest.mark.timeout(300)]

CUSTOMER_HZ, BARESIP_HZ, PYVOIP_HZ = 850, 440, 1200
MOST = 0.8


@pytest.mark.peer
async def test_what_baresip_says_is_heard(tmp_path: Path) -> None:
    """Its source is a tone from a file."""
    async with World(tmp_path, lambda _: Plan(), customer_hz=CUSTOMER_HZ) as world:
        await prepare(world)
        async with baresip(tmp_path, world.server.sip[1]):
            await world.seat(Seat("anna", talk_s=0))
            await one_talk(world, BARESIP_HZ)
            world.carrier.hang_up_all()
            await until(lambda: world.seats[0].acknowledged, what="a disposition")
        assert not world.server.faults()


@pytest.mark.peer
async def test_what_baresip_hears_is_right(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its microphone stands before its loudspeaker, so the called party hears what it heard."""
    looped = re.sub(r"aufile,\{folder\}/(heard|said)\.wav", "aubridge,loop", test_baresip.CONFIG)
    monkeypatch.setattr(test_baresip, "CONFIG", f"{looped}module aubridge.so\n")
    async with World(tmp_path, lambda _: Plan(), customer_hz=CUSTOMER_HZ) as world:
        await prepare(world)
        async with baresip(tmp_path, world.server.sip[1]):
            await world.seat(Seat("anna", talk_s=0))
            await one_talk(world, CUSTOMER_HZ)
        assert not world.server.faults()


async def test_pyvoip_is_heard_and_hears(tmp_path: Path) -> None:
    pytest.importorskip("pyVoIP", reason="the extra pyvoip is not installed", exc_type=ImportError)
    async with World(tmp_path, lambda _: Plan(), customer_hz=CUSTOMER_HZ) as world:
        await prepare(world)
        port = free_port()
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.support.pyvoip_phone", str(world.server.sip[1])),
            *("anna", PASSWORD, str(port), str(PYVOIP_HZ)),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        try:
            assert await told(process) == {"state": "up"}
            await world.seat(Seat("anna", talk_s=0))
            await one_talk(world, PYVOIP_HZ)
            async with asyncio.timeout(PATIENCE_S):
                while await told(process) != {"heard": CUSTOMER_HZ}:
                    pass
            world.carrier.hang_up_all()
            await until(lambda: world.seats[0].acknowledged, what="a disposition")
        finally:
            process.kill()
            await process.communicate()
        assert not world.server.faults()


async def prepare(world: World) -> None:
    """Create all that a talk of one agent needs."""
    await world.add_list(1)
    await world.add_trunk()
    await world.add_agents(["anna"])
    await world.add_campaign()


async def one_talk(world: World, agent_hz: int) -> None:
    """Let the agent talk for a while; the called party hears the agent's tone, and no other."""
    await world.start()
    await until(lambda: world.seats[0].connected, what="a call")
    customer, tone = world.voices.last, tone_wave(agent_hz)
    await until(lambda: said(customer, tone, time.time() - 1.0) > MOST, what="the agent is heard")
    await asyncio.sleep(2.0)
    await until(
        lambda: said(customer, tone, time.time() - 1.0) > MOST, what="the agent is still heard"
    )


def said(ear: Ear, tone: np.typing.NDArray[np.complex128], since_s: float) -> float:
    """Return the share of frames since an instant that are this tone, in [0, 1].

    Silent ones do not count: a phone in Python that waits for a core leaves some out.
    """
    frames = [frame for at_s, frame in ear.frames if at_s >= since_s and len(set(frame)) > 8]
    if len(frames) < 10:
        return 0.0
    return float(np.mean([share_of(frame, tone) > 0.8 for frame in frames]))


async def told(process: asyncio.subprocess.Process) -> object:
    """Return what a phone says next."""
    assert process.stdout is not None
    async with asyncio.timeout(PATIENCE_S):
        return json.loads(await process.stdout.readline())
