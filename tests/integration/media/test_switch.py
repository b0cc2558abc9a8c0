"""The media switch as a process: real sockets, real time, phones that send tones."""

import asyncio
import os
import random
import signal
import socket
import struct
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import numpy as np
import pytest
import uvloop

from engine.domain.ids import LegId
from engine.telephony.media import (
    DigitPressed,
    Law,
    LegFellSilent,
    LegHeard,
    LegQuality,
    LegResumed,
    MediaClient,
    MediaEvent,
    MediaSettings,
    NoRoomError,
    PromptEnded,
    PromptFailed,
    Stats,
    SwitchLost,
    SwitchRestored,
    UnknownMediaLegError,
    UnusableAddressError,
)
from tests.support.load import PATIENCE_S, Load
from tests.support.rtp import Phones, RtpPhone

AGENT, CUSTOMER, SUPERVISOR, OTHER = map(LegId, ("agent", "customer", "supervisor", "other"))


class House:
    """A client with its switch, and what it told."""

    def __init__(self, settings: MediaSettings) -> None:
        self.events: list[MediaEvent] = []
        self.audio: list[tuple[LegId, bytes]] = []
        self.client = MediaClient(
            settings, self.events.append, lambda leg_id, pcm: self.audio.append((leg_id, pcm))
        )

    def join(self, leg_id: LegId, phone: RtpPhone, *, learn: bool = True) -> None:
        """Connect a phone as SDP would."""
        endpoint = self.client.allocate(leg_id, learn=learn)
        phone.call(endpoint.host, endpoint.port)
        law = Law.A if phone.a_law else Law.MU
        self.client.connect(leg_id, phone.host, phone.port, law=law, event_type=101)

    def told(self, kind: type[MediaEvent]) -> list[MediaEvent]:
        return [event for event in self.events if isinstance(event, kind)]


@asynccontextmanager
async def house(**settings: object) -> AsyncIterator[House]:
    given = {"ports": 4, "most_legs": 64, **settings}
    open_house = House(MediaSettings(**given))  # type: ignore[arg-type]  # a test's own settings
    await open_house.client.start()
    try:
        yield open_house
    finally:
        await open_house.client.stop()


async def until(true: Callable[[], bool], within_s: float = PATIENCE_S) -> None:
    """Wait until something is so; fail if it never is."""
    deadline_s = time.monotonic() + within_s
    while not true():
        assert time.monotonic() < deadline_s, "did not happen in time"
        await asyncio.sleep(0.01)


async def settle(phones: Sequence[RtpPhone], heard: Sequence[set[float]]) -> None:
    """Wait until each phone hears exactly what it should."""
    pairs = list(zip(phones, heard, strict=True))
    await until(lambda: all(phone.hears() == tones for phone, tones in pairs))


async def ticks(phones: Sequence[RtpPhone], count: int) -> None:
    """Wait until each phone has heard so many frames more: as many ticks of the switch."""
    before = [len(phone.frames) for phone in phones]
    await until(
        lambda: all(len(p.frames) >= n + count for p, n in zip(phones, before, strict=True))
    )


async def foreign(at: House, count: int) -> Stats:
    """Wait until so many datagrams of strangers have come."""
    async with asyncio.timeout(PATIENCE_S):
        while (stats := await at.client.stats()).foreign <= count:  # noqa: ASYNC110 - elsewhere
            await asyncio.sleep(0.05)
    return stats


def phone_with_reports() -> tuple[RtpPhone, socket.socket]:
    """Return a phone, and a socket on the port above its own."""
    for _ in range(50):
        phone = RtpPhone(400)
        reports = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        reports.setblocking(False)
        try:
            reports.bind((phone.host, phone.port + 1))
        except (OSError, OverflowError):
            reports.close()
            phone.close()
            continue
        return phone, reports
    raise AssertionError("no two ports in a row are free")


def on_uvloop(scenario: Callable[[], Awaitable[None]]) -> None:
    async def main() -> None:
        await scenario()

    uvloop.run(main())


def test_supervision_modes_change_without_a_gap_and_each_hears_whom_it_should(load: Load) -> None:
    async def scenario() -> None:
        phones = [RtpPhone(400), RtpPhone(500, a_law=True), RtpPhone(600)]
        async with house() as at:
            for leg_id, phone in zip((AGENT, CUSTOMER, SUPERVISOR), phones, strict=True):
                at.join(leg_id, phone)
            at.client.mix({AGENT: (CUSTOMER,), CUSTOMER: (AGENT,)})
            with Phones(phones):
                await settle(phones, [{500}, {400}, set()])
                since_s = time.monotonic()
                at.client.mix({SUPERVISOR: (AGENT, CUSTOMER)})
                await settle(phones, [{500}, {400}, {400, 500}])
                at.client.mix({AGENT: (CUSTOMER, SUPERVISOR)})
                await settle(phones, [{500, 600}, {400}, {400, 500}])
                at.client.mix({CUSTOMER: (AGENT, SUPERVISOR)})
                await settle(phones, [{500, 600}, {400, 600}, {400, 500}])
                at.client.mix({AGENT: (CUSTOMER,), CUSTOMER: (AGENT,)})
                await settle(phones, [{500}, {400}, {400, 500}])
                at.client.release(SUPERVISOR)
                await ticks(phones[:2], 5)
            most_s = load.allow(0.06)
            assert phones[0].longest_gap_s(500, since_s) <= most_s
            assert phones[1].longest_gap_s(400, since_s) <= most_s

    on_uvloop(scenario)


def test_two_calls_never_leak_and_injected_packets_change_nothing() -> None:
    async def scenario() -> None:
        phones = [RtpPhone(hz) for hz in (400, 500, 600, 700)]
        intruders = [RtpPhone(900 + 100 * index) for index in range(4)]
        ids = (AGENT, CUSTOMER, SUPERVISOR, OTHER)
        async with house() as at:
            for leg_id, phone, intruder in zip(ids, phones, intruders, strict=True):
                at.join(leg_id, phone, learn=False)
                assert phone._to
                intruder.ssrc = phone.ssrc
                intruder.call(*phone._to)
            at.client.mix({ids[n]: (ids[n ^ 1],) for n in range(4)})
            with Phones([*intruders, *phones]):
                await settle(phones, [{500}, {400}, {700}, {600}])
                await foreign(at, 50)
            assert [phone.ever_heard() for phone in phones] == [{500}, {400}, {700}, {600}]
            assert not any(intruder.frames for intruder in intruders)

    on_uvloop(scenario)


@pytest.mark.parametrize(
    ("standby", "gap_s"), [(True, 1.0), (False, 6.0)], ids=["standby", "no standby"]
)
def test_a_killed_switch_is_replaced_on_the_same_ports(
    load: Load, standby: bool, gap_s: float
) -> None:
    async def scenario() -> None:
        phones = [RtpPhone(400), RtpPhone(500)]
        async with house(standby=standby) as at:
            at.join(AGENT, phones[0])
            at.join(CUSTOMER, phones[1])
            at.client.connect(CUSTOMER, "10.1.2.3", 9)  # behind NAT: its real source is learnt
            at.client.mix({AGENT: (CUSTOMER,), CUSTOMER: (AGENT,)})
            at.client.open_audio(OTHER)
            with Phones(phones):
                await settle(phones, [{500}, {400}])
                for _ in range(2):
                    await until(lambda: not standby or at.client._keeper.standby_pid is not None)
                    since_s, before = time.monotonic(), at.client.pid
                    assert before
                    restored = len(at.told(SwitchRestored))
                    os.kill(before, signal.SIGKILL)
                    await until(lambda n=restored: len(at.told(SwitchRestored)) > n)  # type: ignore[misc]
                    assert at.client.pid != before
                    there_s = time.monotonic() + 0.3
                    await until(
                        lambda s=there_s: all(phone.frames[-1].at_s > s for phone in phones),  # type: ignore[misc]
                    )
                    await settle(phones, [{500}, {400}])
                    assert phones[0].longest_gap_s(500, since_s) <= load.allow(gap_s)
                    assert phones[1].longest_gap_s(400, since_s) <= load.allow(gap_s)
            assert len(at.told(SwitchLost)) == 2
            assert len({frame.ssrc for frame in phones[0].frames}) == 1
            assert len({frame.source for frame in phones[0].frames}) == 1

    on_uvloop(scenario)


def test_a_standby_that_dies_is_replaced_before_it_is_needed() -> None:
    async def scenario() -> None:
        async with house() as at:
            pid = at.client._keeper.standby_pid
            assert pid
            os.kill(pid, signal.SIGKILL)
            await until(lambda: at.client._keeper.standby_pid not in (None, pid))
            assert not at.told(SwitchLost)

    on_uvloop(scenario)


def test_a_switch_that_hangs_is_replaced() -> None:
    async def scenario() -> None:
        phones = [RtpPhone(400), RtpPhone(500)]
        async with house() as at:
            at.join(AGENT, phones[0])
            at.join(CUSTOMER, phones[1])
            at.client.mix({AGENT: (CUSTOMER,), CUSTOMER: (AGENT,)})
            with Phones(phones):
                await settle(phones, [{500}, {400}])
                assert at.client.pid
                os.kill(at.client.pid, signal.SIGSTOP)
                await until(lambda: bool(at.told(SwitchRestored)))
                await settle(phones, [{500}, {400}])

    on_uvloop(scenario)


def test_the_switch_ends_when_the_engine_is_killed(tmp_path: Path) -> None:
    script = (
        "import asyncio, sys\n"
        "from engine.telephony.media import MediaClient, MediaSettings\n"
        "async def main():\n"
        "    client = MediaClient(MediaSettings(ports=2), print)\n"
        "    await client.start()\n"
        "    print(client.pid, client._keeper.standby_pid, flush=True)\n"
        "    await asyncio.sleep(60)\n"
        "asyncio.run(main())\n"
    )
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE) as parent:
        assert parent.stdout
        pids = [int(word) for word in parent.stdout.readline().split()]
        parent.kill()
        parent.wait()
        deadline_s = time.monotonic() + PATIENCE_S
        while any(Path(f"/proc/{pid}").exists() and _runs(pid) for pid in pids):
            assert time.monotonic() < deadline_s, "the switch outlived the engine"
            time.sleep(0.02)


def _runs(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2]
    except OSError:
        return False
    return state.split()[0] not in ("Z", "X")


def test_an_audio_leg_hears_and_speaks_through_the_client() -> None:
    async def scenario() -> None:
        phone = RtpPhone(400)
        wave = np.rint(4000 * np.sin(2 * np.pi * 700 * np.arange(160) / 8000)).astype("<i2")
        async with house() as at:
            at.join(AGENT, phone)
            at.client.open_audio(SUPERVISOR)
            at.client.mix({AGENT: (SUPERVISOR,), SUPERVISOR: (AGENT,)})
            with Phones([phone]):
                async with asyncio.timeout(PATIENCE_S):
                    while 700.0 not in phone.ever_heard() or len(at.audio) < 40:
                        at.client.send_audio(SUPERVISOR, wave.tobytes())
                        await asyncio.sleep(0.02)
            assert {leg_id for leg_id, _ in at.audio} == {SUPERVISOR}
            heard = np.frombuffer(b"".join(pcm for _, pcm in at.audio[-20:]), "<i2").astype(float)
            turns = np.exp(-2j * np.pi * 400 * np.arange(160) / 8000)
            assert np.median(np.abs(heard.reshape(-1, 160) @ turns)) / 80 > 3000

    on_uvloop(scenario)


def test_prompts_end_fail_loop_and_stop() -> None:
    async def scenario() -> None:
        phone = RtpPhone(400)
        async with house() as at:
            at.join(AGENT, phone)
            with Phones([phone]):
                at.client.play(AGENT, "beep")
                await until(lambda: PromptEnded(AGENT, "beep") in at.events)
                assert phone.ever_heard() == {1000}
                at.client.play(AGENT, "/nowhere/hello.wav")
                await until(lambda: bool(at.told(PromptFailed)))
                at.client.tone(AGENT, 800)
                await settle([phone], [{800}])
                at.client.stop_play(AGENT)
                await settle([phone], [set()])

    on_uvloop(scenario)


def test_digits_silence_and_return_are_told() -> None:
    async def scenario() -> None:
        phone = RtpPhone(400)
        async with house(silent_ms=300) as at:
            at.join(AGENT, phone)
            with Phones([phone]):
                await until(lambda: bool(at.told(LegHeard)))
                phone.send(b"\x09\x0a\x00\xa0", 101, marker=True)
                await until(lambda: DigitPressed(AGENT, "9") in at.events)
                phone.sending = False
                await until(lambda: LegFellSilent(AGENT) in at.events)
                phone.sending = True
                await until(lambda: LegResumed(AGENT) in at.events)

    on_uvloop(scenario)


def test_reports_are_exchanged_and_the_quality_told_at_the_end() -> None:
    async def scenario() -> None:
        phone, reports = phone_with_reports()
        with reports:
            async with house() as at:
                at.join(AGENT, phone)
                assert phone._to
                with Phones([phone]):
                    loop = asyncio.get_running_loop()
                    async with asyncio.timeout(PATIENCE_S):
                        report = await loop.sock_recv(reports, 2048)
                    about = int.from_bytes(report[4:8], "big")
                    block = struct.pack("!IIIIIII", phone.ssrc, about, 7, 0, 80, 0, 0)
                    host, port = phone._to
                    reports.sendto(b"\x81\xc9\x00\x07" + block, (host, port + 1))
                    await at.client.stats()
                    await ticks([phone], 10)
                at.client.release(AGENT)
                await until(lambda: bool(at.told(LegQuality)))
                (told,) = at.told(LegQuality)
                assert isinstance(told, LegQuality)
                assert report[1] == 200
                assert about == phone.frames[0].ssrc
                assert (told.quality.far_lost, told.quality.far_jitter_ms) == (7, 10)
                assert told.quality.lost == 0

    on_uvloop(scenario)


def test_commands_that_cross_with_the_end_are_no_fault() -> None:
    async def scenario() -> None:
        faults: list[object] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, fault: faults.append(fault))
        async with house() as at:
            at.client.allocate(AGENT)
            stopping = asyncio.ensure_future(at.client.stop())
            await asyncio.sleep(0)
            at.client.release(AGENT)
            await stopping
            at.client.mix({AGENT: ()})
            await asyncio.sleep(0.05)
        assert not faults

    on_uvloop(scenario)


def test_rows_come_back_and_a_full_switch_refuses_clearly() -> None:
    async def scenario() -> None:
        async with house(most_legs=5) as at:
            for _ in range(50):
                ids = [LegId(f"leg-{n}") for n in range(4)]
                for leg_id in ids:
                    at.client.allocate(leg_id)
                with pytest.raises(NoRoomError):
                    at.client.allocate(OTHER)
                for leg_id in ids:
                    at.client.release(leg_id)
                    at.client.release(leg_id)
                await at.client.stats()
            with pytest.raises(UnknownMediaLegError):
                at.client.connect(AGENT, "127.0.0.1", 9)
            at.client.allocate(AGENT)
            with pytest.raises(UnusableAddressError):
                at.client.connect(AGENT, "media.example.net", 9)
            at.client.mix({AGENT: (CUSTOMER,), CUSTOMER: (AGENT,)})
            assert (await at.client.stats()).legs == 1

    on_uvloop(scenario)


def test_a_flood_of_junk_leaves_the_audio_whole(load: Load) -> None:
    async def scenario() -> None:
        phones = [RtpPhone(400), RtpPhone(500)]
        noise = random.Random(5)
        async with house(ports=2) as at:
            at.join(AGENT, phones[0])
            at.join(CUSTOMER, phones[1])
            at.client.mix({AGENT: (CUSTOMER,), CUSTOMER: (AGENT,)})
            targets = [phone._to for phone in phones]
            with Phones(phones), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as junk:
                junk.setblocking(False)
                await settle(phones, [{500}, {400}])
                since_s = time.monotonic()
                async with asyncio.timeout(PATIENCE_S):
                    while (await at.client.stats()).foreign < 5000:
                        for _ in range(100):
                            target = noise.choice(targets)
                            assert target
                            junk.sendto(noise.randbytes(noise.randrange(300)), target)
                        await asyncio.sleep(0.02)
            most_s = load.allow(0.06)
            assert phones[0].longest_gap_s(500, since_s) <= most_s
            assert phones[1].longest_gap_s(400, since_s) <= most_s

    on_uvloop(scenario)
