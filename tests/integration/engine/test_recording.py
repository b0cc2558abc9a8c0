"""Recording in the whole engine, over real SIP and RTP: heard by the API, and after a kill."""

import asyncio
import io
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import soundfile

from clients import PacelineError
from gateway.pb.paceline.v1 import campaigns_pb2, recordings_pb2
from gateway.pb.paceline.v1.supervision_pb2 import SUPERVISION_MODE_MONITOR as MONITOR
from tests.support.listening import Supervisor
from tests.support.load import PATIENCE_S
from tests.support.world import CAMPAIGN, Plan, Seat, World, until

pytestmark = [pytest.mark.asyncio, pytest.mark.timeout(300)]

CUSTOMER_HZ, AGENT_HZ = 450, 650
NOTICE_S = 1.5
RULES = {"all": campaigns_pb2.RECORDING_RULE_ALL, "none": campaigns_pb2.RECORDING_RULE_NONE}


@asynccontextmanager
async def talk(
    folder: Path, *, rule: str = "all", notice: str = "", settings: str = ""
) -> AsyncIterator[World]:
    """Run an engine with one agent in one call."""
    async with World(folder, lambda _: Plan(), customer_hz=CUSTOMER_HZ, settings=settings) as world:
        await world.add_list(1)
        await world.add_trunk()
        await world.add_agents(["anna"])
        await world.add_phone("anna", AGENT_HZ)
        await world.seat(Seat("anna", talk_s=0))
        await world.add_campaign(
            campaigns_pb2.Campaign(recording=RULES[rule], recording_notice=notice)
        )
        await world.start()
        await until(lambda: world.seats[0].connected, what="a call")
        yield world


async def recordings(world: World) -> list[recordings_pb2.Recording]:
    return [each async for each in world.client.recordings.list(campaign=CAMPAIGN, deleted=True)]


async def complete(world: World) -> recordings_pb2.Recording:
    """Wait until the recording is complete, and return it."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            (found,) = await recordings(world)
            if found.complete:
                return found
            await asyncio.sleep(0.1)


async def begun(world: World) -> recordings_pb2.Recording:
    """Wait until a recording goes on, and return it."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            for found in await recordings(world):
                return found
            await asyncio.sleep(0.1)


async def kinds(world: World) -> list[str]:
    """Return the kinds of all events so far."""
    return [event.WhichOneof("fact") or "" for event in await world.events()]


async def fetch(world: World, name: str, offset: int = 0) -> bytes:
    pieces = world.client.recordings.download(name, offset=offset)
    return b"".join([piece.content async for piece in pieces])


async def paceline(world: World, *words: str) -> str:
    """Run ``paceline recording`` and return what it prints."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "clients.cli", "recording", *words, "--server", world.server.api),
        stdout=asyncio.subprocess.PIPE,
    )
    printed, _ = await process.communicate()
    assert process.returncode == 0
    return printed.decode()


def files(folder: Path, names: str) -> list[Path]:
    return list(folder.glob(f"*.recordings/*/{names}"))


def level(samples: npt.NDArray[np.float64], hz: int) -> float:
    """Return the amplitude of a tone over all of a track."""
    turns = np.exp(-2j * np.pi * hz * np.arange(len(samples)) / 8000)
    return float(np.abs(samples @ turns) * 2 / len(samples))


async def test_a_call_is_recorded_sealed_fetched_played_and_deleted(tmp_path: Path) -> None:
    async with talk(tmp_path) as world:
        going_on = await begun(world)
        await asyncio.sleep(2.0)
        assert (going_on.reason, going_on.agent) == ("campaign", "agents/anna")
        world.carrier.hang_up_all()
        recording = await complete(world)
        assert recording.length.seconds >= 1
        assert len(recording.sha256) == 64
        whole = await fetch(world, recording.name)
        samples, rate = soundfile.read(io.BytesIO(whole))
        assert rate == 8000
        middle = samples[4000:-4000]
        said, heard = middle[:, 0], middle[:, 1]
        assert level(said, CUSTOMER_HZ) > 10 * level(said, AGENT_HZ)
        assert level(heard, AGENT_HZ) > 10 * level(heard, CUSTOMER_HZ)
        assert await fetch(world, recording.name, 1000) == whole[1000:]
        played = [
            piece.samples
            async for piece in world.client.recordings.play(
                recording.name, start_s=0.5, speed=100.0
            )
        ]
        heard_again = np.frombuffer(b"".join(played), dtype="<i2").reshape(-1, 2)
        expected = np.rint(samples[4000:] * 32768).astype(np.int16)
        assert (heard_again == expected).all()
        _never_plain(tmp_path, whole, heard_again)
        listed = await paceline(world, "list", "--campaign", CAMPAIGN, "--json")
        assert recording.sha256 in listed
        fetched = tmp_path / "call.flac"
        fetched.write_bytes(whole[:700])  # a download that was cut
        await paceline(world, "download", recording.name, str(fetched))
        assert fetched.read_bytes() == whole
        await world.client.recordings.delete(recording.name)
        with pytest.raises(PacelineError, match="no file"):
            await fetch(world, recording.name)
        assert not files(tmp_path, "*")
        told = await kinds(world)
        for kind in ("started", "stopped", "completed", "accessed", "deleted"):
            assert f"recording_{kind}" in told
        assert not world.server.faults()


def _never_plain(folder: Path, document: bytes, samples: npt.NDArray[np.int16]) -> None:
    """Walk the disk for the audio: as it was fetched, as samples, as codes of the line (R6)."""
    frame = samples[8000:8160, 0].astype("<i2").tobytes()
    needles = (document[200:260], frame, b"fLaC", b"RIFF")
    for path in folder.rglob("*"):
        if path.is_file() and path.suffix in (".live", ".part", ".sealed", ".db", ".db-wal"):
            octets = path.read_bytes()
            assert not any(needle in octets for needle in needles), path


async def test_wishes_decide_in_their_order_and_each_is_in_the_log(tmp_path: Path) -> None:
    async with talk(tmp_path, rule="none") as world:
        call = world.seats[0].connected[-1]
        api = world.client.recordings
        assert not await recordings(world)
        started = await api.start(call)
        assert (started.state, started.reason) == (recordings_pb2.RECORDING_STATE_ON, "manual")
        paused = await api.pause(call)
        assert paused.state == recordings_pb2.RECORDING_STATE_PAUSED
        async with Supervisor(world.client, "anna", MONITOR) as boss:
            await until(lambda: boss.states and boss.states[-1].leg_up, what="a session")
            still = await api.pause(call)
            assert (still.state, still.reason) == (
                recordings_pb2.RECORDING_STATE_ON,
                "monitoring",
            )
        async with asyncio.timeout(PATIENCE_S):
            while (await kinds(world)).count("recording_paused") < 2:  # noqa: ASYNC110 - elsewhere
                await asyncio.sleep(0.05)
        stopped = await api.stop(call)
        assert stopped.state == recordings_pb2.RECORDING_STATE_OFF
        world.carrier.hang_up_all()
        await complete(world)
        told = [kind for kind in await kinds(world) if kind.startswith("recording_")]
        assert told == [
            "recording_started",
            "recording_paused",
            "recording_resumed",
            "recording_paused",
            "recording_stopped",
            "recording_completed",
        ]


async def test_recording_begins_after_the_notice(tmp_path: Path) -> None:
    notice = tmp_path / "notice.wav"
    tone = 0.3 * np.sin(2 * np.pi * 1250 * np.arange(NOTICE_S * 8000) / 8000)
    soundfile.write(notice, tone, 8000, subtype="PCM_16")
    async with talk(tmp_path, notice=str(notice)) as world:
        recording = await begun(world)
        began_s = time.time()
        await until(lambda: world.voices.last.hears(began_s, 75) == {AGENT_HZ}, what="a talk")
        world.carrier.hang_up_all()
        recording = await complete(world)
        (joined,) = [e for e in await world.events() if e.HasField("call_connected")]
        waited = recording.start_time.ToDatetime() - joined.event_time.ToDatetime()
        assert waited.total_seconds() > 0.9 * NOTICE_S
        samples, _ = soundfile.read(io.BytesIO(await fetch(world, recording.name)))
        assert level(samples[:, 1], 1250) < level(samples[:, 1], AGENT_HZ) / 20


async def test_an_orderly_stop_completes_what_goes_on(tmp_path: Path) -> None:
    async with talk(tmp_path) as world:
        await begun(world)
        await asyncio.sleep(1.0)
        await world.server.stop()
        assert not files(tmp_path, "*.live")
        assert len(files(tmp_path, "*.flac.sealed")) == 1
        await world.server.start()
        await world.client.wait_serving(PATIENCE_S)
        recording = await complete(world)
        assert recording.sha256


async def test_a_killed_engine_leaves_the_call_recorded_to_its_last_second(tmp_path: Path) -> None:
    async with talk(tmp_path) as world:
        await begun(world)
        await asyncio.sleep(3.0)
        await world.server.kill()
        await asyncio.sleep(1.0)
        await world.server.start()
        await world.client.wait_serving(PATIENCE_S)
        recording = await complete(world)
        length_s = recording.length.seconds + recording.length.nanos / 1e9
        assert length_s >= 2.0
        samples, _ = soundfile.read(io.BytesIO(await fetch(world, recording.name)))
        assert len(samples) == round(length_s * 8000)
        assert level(samples[2000:-2000, 0], CUSTOMER_HZ) > 0.02
        assert not files(tmp_path, "*.live")
