"""How much CPU a forwarded RTP packet costs, and whether ticks keep their time with everything on.

The same load drives the switch, rtpengine in user space (where it is installed) and a bare echo
with the same system calls (``media_load``). First plain calls are compared, one in ten monitored,
and the same calls encrypted; then come the calls that one core should carry with everything on:
supervisors, recording of every call, analysis on a tenth of the customers' legs without end, and
RTCP; then calls across two switches.
"""

import asyncio
import contextlib
import os
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec
import numpy as np
import uvloop

from benchmarks.harness import Figure
from benchmarks.media_load import (
    HOST,
    KEYS,
    SETTLE_S,
    Load,
    echo,
    generator,
    measure,
    rtpengine,
)
from engine.domain.analysis import AnalysisSpec
from engine.domain.ids import LegId, RecordingId
from engine.telephony.media import MediaClient, MediaEvent, MediaPool, MediaSettings, Stats
from engine.telephony.media.events import LegAnalysed
from engine.telephony.recording.client import RecorderClient, RecorderSetup
from tests.support.rtp import TONES_HZ, Phones, RtpPhone, tone_levels

GOAL_RTPENGINE: Final = 0.7
MONITORED: Final = 10
"""One call in so many has a supervisor."""

ANALYSED: Final = 10
"""One customer's leg in so many is analysed, again as soon as there is a verdict."""

RECORDER_WAIT_S: Final = 10.0


@dataclass(frozen=True, slots=True)
class Measured:
    """A switch, or several, under load.

    Attributes:
        load: What the load generator saw; CPU is that of the switches, then of the recorder.
        stats: What the switches say of the time that was measured.
        switches: How many there were.
    """

    load: Load
    stats: Stats
    switches: int = 1

    @property
    def cpu_us(self) -> float:
        """CPU of the switches per packet. [us]"""
        return sum(self.load.cpu_us[: self.switches])

    @property
    def recorder_us(self) -> float:
        """CPU of the recorder per packet. [us]"""
        return sum(self.load.cpu_us[self.switches :])


def run(short: bool) -> list[Figure]:
    """Measure; the short form takes about half a minute."""
    return uvloop.run(_run(short))


async def _run(short: bool) -> list[Figure]:
    calls, full, seconds = (100, 200, 3.0) if short else (400, 800, 10.0)
    busy = os.getloadavg()[0]
    ours = await _switch(calls, seconds)
    encrypted = await _switch(calls, seconds, secured=True)
    floor = await asyncio.to_thread(echo, calls, seconds)
    theirs = await asyncio.to_thread(rtpengine, calls, seconds)
    reference, other = (theirs, "rtpengine in user space") if theirs else (floor, "a bare echo")
    loaded = await _everything(full, seconds)
    across = await _across(calls, seconds)
    goal_us = GOAL_RTPENGINE * sum(theirs.cpu_us) if theirs else None
    against = sum(reference.cpu_us)
    how = f"{calls} bridged calls, process CPU from /proc over {seconds:.0f} s"
    return [
        Figure(
            "cpu_per_packet",
            ours.cpu_us,
            "us",
            goal_us,
            against,
            against / ours.cpu_us,
            f"{how}, one call in {MONITORED} monitored; against {other} in the same run",
        ),
        Figure(
            "srtp_cpu_per_packet",
            encrypted.cpu_us,
            "us",
            None,
            ours.cpu_us,
            ours.cpu_us / encrypted.cpu_us,
            f"{how}, every leg encrypted ({KEYS.suite.value}), decrypted and encrypted again; "
            "against plain calls",
        ),
        Figure("echo_cpu_per_packet", sum(floor.cpu_us), "us", None, None, None, f"echo; {how}"),
        Figure(
            "cross_switch_cpu_per_packet",
            across.cpu_us,
            "us",
            None,
            ours.cpu_us,
            ours.cpu_us / across.cpu_us,
            f"{how} of two switches, every call across them; against calls within one",
        ),
        *_full_figures(full, loaded, goal_us, against),
        Figure("machine_load", busy, "processes", None, None, None, "1 min average before the run"),
        await _barge(short),
    ]


def _full_figures(
    calls: int, measured: Measured, goal_us: float | None, against: float
) -> list[Figure]:
    how = (
        f"{calls} bridged calls on one process, one in {MONITORED} monitored, every call recorded, "
        f"one leg in {2 * ANALYSED} analysed, RTCP"
    )
    load, stats, us = measured.load, measured.stats, measured.cpu_us
    concealed = stats.concealed / max(1, stats.received)
    core = us * 1e-6 * 50 * (2 * calls + calls // MONITORED)
    figures = [
        ("core_share", core, "cores", 1.0, "CPU per packet times the packets of so many legs"),
        ("tick_p99", stats.tick_p99_ms, "ms", 20.0, "99th percentile of work in a tick"),
        ("recorder_cpu_per_packet", measured.recorder_us, "us", None, "CPU of the recorder"),
        ("packets_per_s", load.packets_per_s, "1/s", None, "packets forwarded"),
        ("lost_ratio", load.lost_ratio, "ratio", None, "packets sent in and not seen to come out"),
        ("concealed_ratio", concealed, "ratio", 1e-4, "frames missing at their tick"),
        ("late_ticks", float(stats.late_ticks), "ticks", None, "ticks begun 20 ms late or more"),
    ]
    name = f"full_cpu_per_packet_{calls}_calls"
    return [
        Figure(name, us, "us", goal_us, against, against / us, f"CPU of the switch; {how}"),
        *(
            Figure(f"{name}_{calls}_calls", value, unit, goal, None, None, f"{what}; {how}")
            for name, value, unit, goal, what in figures
        ),
    ]


# --- what is measured ----------------------------------------------------------------------


async def _switch(calls: int, seconds: float, *, secured: bool = False) -> Measured:
    """Measure a switch with bridged calls of which some are monitored, and nothing else on."""
    client = MediaClient(MediaSettings(standby=False), lambda _event: None)
    async with _started(client):
        assert client.pid
        return await _measured(client, [client.pid], calls, seconds, secured=secured)


async def _across(calls: int, seconds: float) -> Measured:
    """Measure two switches with calls whose two legs are never in the same one."""
    pool = MediaPool(MediaSettings(standby=False, processes=2), lambda _event: None)
    async with _started(pool):
        pids = [pid for pid in pool.pids if pid]
        measured = await _measured(pool, pids, calls, seconds)
        return Measured(measured.load, measured.stats, len(pids))


async def _everything(calls: int, seconds: float) -> Measured:
    """Measure a switch with all features on."""
    with tempfile.TemporaryDirectory() as folder:
        setup = RecorderSetup(Path(folder) / "calls", Path(folder) / "key", form="wav")
        recorder = RecorderClient(setup)
        await recorder.start(lambda _event: None)
        client = MediaClient(
            MediaSettings(standby=False, rings=recorder.rings),
            lambda event: _analyse_again(client, event),
        )
        async with _started(client):
            try:
                return await _all_on(client, recorder, calls, seconds)
            finally:
                await recorder.stop()


async def _all_on(
    client: MediaClient, recorder: RecorderClient, calls: int, seconds: float
) -> Measured:
    with generator() as (pipe, far_ports):
        plan = _join(client, calls, far_ports)
        for call in range(calls):
            client.record(LegId(f"c-{call}"), recorder.open(RecordingId(f"r-{call}"), {}))
            if call % ANALYSED == 0:
                client.analyse(LegId(f"c-{call}"), AnalysisSpec())
        async with asyncio.timeout(RECORDER_WAIT_S):
            while recorder.pid is None:  # noqa: ASYNC110 - it has no event for it
                await asyncio.sleep(0.05)
        assert client.pid
        assert recorder.pid
        pids = [client.pid, recorder.pid]
        measuring = asyncio.to_thread(measure, pipe, plan, pids, seconds)
        load, first = await asyncio.gather(measuring, _stats_when_steady(client))
        return Measured(load, _since(first, await client.stats()))


def _analyse_again(client: MediaClient, event: MediaEvent) -> None:
    if isinstance(event, LegAnalysed):
        client.analyse(event.leg_id, AnalysisSpec())


@contextlib.asynccontextmanager
async def _started(client: MediaClient | MediaPool) -> AsyncIterator[None]:
    await client.start()
    try:
        yield
    finally:
        await client.stop()


async def _measured(
    client: MediaClient | MediaPool,
    pids: Sequence[int],
    calls: int,
    seconds: float,
    *,
    secured: bool = False,
) -> Measured:
    with generator() as (pipe, far_ports):
        plan = _join(client, calls, far_ports, secured=secured)
        measuring = asyncio.to_thread(measure, pipe, plan, pids, seconds, secured=secured)
        load, first = await asyncio.gather(measuring, _stats_when_steady(client))
        return Measured(load, _since(first, await client.stats()))


async def _stats_when_steady(client: MediaClient | MediaPool) -> Stats:
    await asyncio.sleep(SETTLE_S)
    return await client.stats()


def _since(first: Stats, last: Stats) -> Stats:
    """Return the last answer with its counters taken from the first on."""
    counters = ("received", "concealed", "late_ticks")
    since = {name: getattr(last, name) - getattr(first, name) for name in counters}
    return msgspec.structs.replace(last, **since)


def _join(
    client: MediaClient | MediaPool,
    calls: int,
    far_ports: Sequence[int],
    *,
    secured: bool = False,
) -> list[tuple[int, int]]:
    """Open and bridge the legs; return the far socket and the local port of each."""
    plan, used = [], Counter[int]()
    rows: dict[LegId, tuple[LegId, ...]] = {}
    pool = isinstance(client, MediaPool)
    for call in range(calls):
        agent, customer, boss = (LegId(f"{kind}-{call}") for kind in ("a", "c", "s"))
        monitored = call % MONITORED == 0 and not pool
        rows[agent], rows[customer] = (customer,), (agent,)
        if monitored:
            rows[boss], rows[agent] = (agent, customer), (customer, boss)
        for leg_id in (agent, customer, boss) if monitored else (agent, customer):
            port = client.allocate(leg_id, learn=False).port
            far = used[port]
            used[port] += 1
            client.connect(leg_id, HOST, far_ports[far], keys=KEYS if secured else None)
            plan.append((far, port))
    client.mix(rows)
    return plan


# --- a supervisor steps in -----------------------------------------------------------------


@contextlib.asynccontextmanager
async def _three_parties() -> AsyncIterator[tuple[MediaClient, RtpPhone, list[LegId]]]:
    phones = [RtpPhone(hz) for hz in (400, 500, 600)]
    ids = [LegId(name) for name in ("agent", "customer", "supervisor")]
    client = MediaClient(MediaSettings(ports=4, standby=False), lambda _event: None)
    await client.start()
    for leg_id, phone in zip(ids, phones, strict=True):
        endpoint = client.allocate(leg_id)
        phone.call(endpoint.host, endpoint.port)
        client.connect(leg_id, phone.host, phone.port)
    with Phones(phones):
        await asyncio.sleep(0.5)
        yield client, phones[1], ids
    await client.stop()


async def _barge(short: bool) -> Figure:
    """Measure from the command to the first packet at the customer that has the supervisor."""
    took_ms = []
    async with _three_parties() as (client, customer, (agent, who, boss)):
        for turn in range(20 if short else 100):
            client.mix({who: (agent,), agent: (who,)})
            await asyncio.sleep(0.15 + turn % 20 / 1000)
            at_s = time.monotonic()
            client.mix({who: (agent, boss), agent: (who, boss)})
            await asyncio.sleep(0.2)
            took_ms.append(_first_with(customer, 600, at_s) * 1000)
    how = "from client.mix to the first packet read by the customer's phone, which reads each 20 ms"
    worst = float(np.percentile(took_ms, 99))
    return Figure("mix_change_p99", worst, "ms", 50.0, None, None, f"99th percentile {how}")


def _first_with(phone: RtpPhone, hz: float, since_s: float) -> float:
    frames = [frame for frame in list(phone.frames) if frame.at_s >= since_s]
    there = np.flatnonzero(tone_levels(frames)[:, TONES_HZ.index(hz)] > 1000)
    return frames[int(there[0])].at_s - since_s
