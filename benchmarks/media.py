"""How much CPU a forwarded RTP packet costs, and whether ticks keep their time under load.

The same load generator, in a process of its own, drives the switch, rtpengine in user space (where
it is installed) and a bare echo with the same system calls. CPU is what the kernel accounts to the
process under test, so other work on the machine disturbs it little.
"""

import asyncio
import contextlib
import ctypes
import multiprocessing
import os
import re
import shutil
import socket
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Final

import msgspec
import numpy as np
import uvloop

from benchmarks.harness import Figure
from engine.domain.ids import LegId
from engine.telephony.media import Law, MediaClient, MediaSettings, Stats
from engine.telephony.media.analysis import ToneBank, energy_db
from engine.telephony.media.g711 import FRAME, decode
from engine.telephony.media.outbound import SOCKADDR, Sending
from engine.telephony.media.packets import PACKET_BYTES, RTP_OUT
from engine.telephony.media.sockets import MmsgWire, Wire
from engine.telephony.media.tones import sine
from tests.support.rtp import TONES_HZ, Phones, RtpPhone, tone_levels

HOST: Final = "127.0.0.1"
FAR_SOCKETS: Final = 90
SUB_TICKS: Final = 4
SETTLE_S: Final = 1.5
IN_FLIGHT_S: Final = 0.06
"""Packets of so long may be on their way when one counts, and are not called lost. [s]"""

GOAL_RTPENGINE: Final = 0.7
MONITORED: Final = 10
"""One call in so many has a supervisor."""


@dataclass(frozen=True, slots=True)
class Load:
    """What was measured of a process under load."""

    cpu_us: float
    packets_per_s: float
    lost_ratio: float


def run(short: bool) -> list[Figure]:
    """Measure; the short form takes about half a minute."""
    return uvloop.run(_run(short))


async def _run(short: bool) -> list[Figure]:
    calls, full, seconds = (100, 200, 3.0) if short else (400, 800, 10.0)
    ours, _ = await _switch(calls, seconds)
    floor = await asyncio.to_thread(_echo, calls, seconds)
    theirs = await asyncio.to_thread(_rtpengine, calls, seconds)
    reference, other = (theirs, "rtpengine in user space") if theirs else (floor, "a bare echo")
    how = f"{calls} bridged calls, process CPU from /proc over {seconds:.0f} s"
    loaded, stats = await _switch(full, seconds)
    return [
        Figure(
            "cpu_per_packet",
            ours.cpu_us,
            "us",
            GOAL_RTPENGINE * theirs.cpu_us if theirs else None,
            reference.cpu_us,
            reference.cpu_us / ours.cpu_us,
            f"{how}, one call in {MONITORED} monitored; against {other} in the same run",
        ),
        Figure("echo_cpu_per_packet", floor.cpu_us, "us", None, None, None, f"bare echo; {how}"),
        *_full_figures(full, loaded, stats),
        _tone_bank(),
        await _barge(short),
    ]


def _full_figures(calls: int, load: Load, stats: Stats) -> list[Figure]:
    how = f"{calls} bridged calls on one process, one in {MONITORED} monitored"
    concealed = stats.concealed / max(1, stats.received)
    figures = [
        ("tick_p99", stats.tick_p99_ms, "ms", 20.0, "99th percentile of work in a tick"),
        ("full_cpu_per_packet", load.cpu_us, "us", None, "process CPU from /proc"),
        ("packets_per_s", load.packets_per_s, "1/s", None, "packets forwarded"),
        ("lost_ratio", load.lost_ratio, "ratio", None, "packets sent in and not seen to come out"),
        ("concealed_ratio", concealed, "ratio", 1e-4, "frames missing at their tick"),
        ("late_ticks", float(stats.late_ticks), "ticks", None, "ticks begun 20 ms late or more"),
    ]
    return [
        Figure(f"{name}_{calls}_calls", value, unit, goal, None, None, f"{what}; {how}")
        for name, value, unit, goal, what in figures
    ]


# --- what is measured ----------------------------------------------------------------------


async def _switch(calls: int, seconds: float) -> tuple[Load, Stats]:
    """Measure the media switch with bridged calls of which some are monitored."""
    client = MediaClient(MediaSettings(standby=False), lambda _event: None)
    await client.start()
    try:
        with _generator() as (pipe, far_ports):
            plan = _join(client, calls, far_ports)
            pid = client.pid
            assert pid
            measuring = asyncio.to_thread(_measure, pipe, plan, pid, seconds)
            load, first = await asyncio.gather(measuring, _stats_when_steady(client))
            last = await client.stats()
        return load, _since(first, last)
    finally:
        await client.stop()


async def _stats_when_steady(client: MediaClient) -> Stats:
    await asyncio.sleep(SETTLE_S)
    return await client.stats()


def _since(first: Stats, last: Stats) -> Stats:
    """Return the last answer with its counters taken from the first on."""
    counters = ("received", "concealed", "late_ticks")
    since = {name: getattr(last, name) - getattr(first, name) for name in counters}
    return msgspec.structs.replace(last, **since)


def _join(client: MediaClient, calls: int, far_ports: Sequence[int]) -> list[tuple[int, int]]:
    """Open and bridge the legs; return the far socket and the local port of each."""
    plan, used = [], Counter[int]()
    rows: dict[LegId, tuple[LegId, ...]] = {}
    for call in range(calls):
        agent, customer, boss = (LegId(f"{kind}-{call}") for kind in ("a", "c", "s"))
        monitored = call % MONITORED == 0
        rows[agent], rows[customer] = (customer,), (agent,)
        if monitored:
            rows[boss], rows[agent] = (agent, customer), (customer, boss)
        for leg_id in (agent, customer, boss) if monitored else (agent, customer):
            port = client.allocate(leg_id, learn=False).port
            far = used[port]
            used[port] += 1
            client.connect(leg_id, HOST, far_ports[far])
            plan.append((far, port))
    client.mix(rows)
    return plan


def _echo(calls: int, seconds: float) -> Load:
    """Measure a process that does nothing but the system calls."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_echo_main, args=(theirs,), daemon=True)
    process.start()
    local = ours.recv()
    try:
        with _generator() as (pipe, far_ports):
            legs = range(2 * calls)
            plan = [(leg // len(local) % len(far_ports), local[leg % len(local)]) for leg in legs]
            assert process.pid
            return _measure(pipe, plan, process.pid, seconds)
    finally:
        process.terminate()
        process.join()


def _echo_main(pipe: Connection) -> None:
    ports = [_bind() for _ in range(64)]
    wire = _wire(ports)
    pipe.send([port.getsockname()[1] for port in ports])
    packets, addresses = np.zeros(8192, dtype=RTP_OUT), np.zeros(8192, dtype=SOCKADDR)
    addresses["family"] = socket.AF_INET
    due_s = time.monotonic()
    while True:
        due_s += 0.02
        time.sleep(max(0.0, due_s - time.monotonic()))
        batch = wire.receive()
        count = batch.lengths.size
        packets[:count] = batch.data[:, :PACKET_BYTES].copy().view(RTP_OUT)[:, 0]
        addresses["ip"][:count], addresses["udp_port"][:count] = batch.ips, batch.udp_ports
        counts = np.bincount(batch.ports, minlength=len(ports))
        wire.send(Sending(packets[:count], addresses[:count], counts))


def _rtpengine(calls: int, seconds: float) -> Load | None:
    """Measure rtpengine forwarding in user space; None where it is not installed."""
    program = shutil.which("rtpengine")
    if program is None:
        return None
    with _generator() as (pipe, far_ports), tempfile.TemporaryDirectory() as folder:
        control = _bind(socket.SOCK_DGRAM)
        where = control.getsockname()[1]
        control.close()
        words = ["--config-file=none", "--table=-1", "--foreground", "--log-stderr", "-L", "2"]
        words += [f"--interface={HOST}", f"--listen-ng={HOST}:{where}", "--num-threads=1"]
        words += ["--port-min=30000", "--port-max=32600", f"--pidfile={folder}/pid"]
        with (Path(folder) / "log").open("wb") as log:
            process = subprocess.Popen([program, *words], stdout=log, stderr=log)
        try:
            plan = _offer_calls(where, calls, far_ports)
            return _measure(pipe, plan, process.pid, seconds)
        finally:
            process.terminate()
            process.wait()


def _offer_calls(where: int, calls: int, far_ports: Sequence[int]) -> list[tuple[int, int]]:
    plan = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        control.connect((HOST, where))
        control.settimeout(0.5)
        for call in range(calls):
            fars = (2 * call % len(far_ports), (2 * call + 1) % len(far_ports))
            common = {"call-id": f"bench-{call}", "from-tag": "a"}
            towards_second = _ask(control, "offer", common, far_ports[fars[0]])
            both = {**common, "to-tag": "b"}
            towards_first = _ask(control, "answer", both, far_ports[fars[1]])
            plan += [(fars[0], towards_first), (fars[1], towards_second)]
    return plan


def _ask(control: socket.socket, command: str, fields: Mapping[str, str], port: int) -> int:
    """Send one command of the NG protocol and return the port that the new SDP names."""
    sdp = f"v=0\r\no=- 1 1 IN IP4 {HOST}\r\ns=-\r\nc=IN IP4 {HOST}\r\nt=0 0\r\n"
    sdp += f"m=audio {port} RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\n"
    words = sorted({**fields, "command": command, "sdp": sdp}.items())
    body = "".join(f"{len(part)}:{part}" for pair in words for part in pair)
    deadline_s = time.monotonic() + 10
    while time.monotonic() < deadline_s:
        with contextlib.suppress(TimeoutError, ConnectionRefusedError):
            control.send(f"{time.monotonic_ns()} d{body}e".encode())
            found = re.search(rb"m=audio (\d+)", control.recv(65536))
            if found:
                return int(found.group(1))
        time.sleep(0.05)
    raise TimeoutError("rtpengine gives no port")


def _tone_bank() -> Figure:
    """Measure energy and 26 tones of every leg of 800 calls, in this process."""
    legs = np.arange(1600)
    codes = np.random.default_rng(26).integers(0, 256, (1600, FRAME)).astype(np.uint8)
    bank = ToneBank(np.linspace(300, 3400, 26))
    took_s = []
    for _ in range(100):
        at_s = time.perf_counter()
        samples = decode(codes.take(legs, axis=0), Law.MU)
        bank.levels(samples)
        energy_db(samples)
        took_s.append(time.perf_counter() - at_s)
    how = "decoding, energy and 26 tones of a frame, median over 100 ticks of 1,600 legs"
    return Figure(
        "analysis_per_leg", float(np.median(took_s)) / 1600 * 1e6, "us", 0.6, None, None, how
    )


# --- load ----------------------------------------------------------------------------------


@contextlib.contextmanager
def _generator() -> Iterator[tuple[Connection, list[int]]]:
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_generate, args=(theirs,), daemon=True)
    process.start()
    try:
        yield ours, ours.recv()
    finally:
        ours.send("end")
        process.join(5)
        process.terminate()


def _measure(pipe: Connection, plan: Sequence[tuple[int, int]], pid: int, seconds: float) -> Load:
    """Drive a process and take its CPU time and what it forwarded, once it is steady."""
    pipe.send(list(plan))
    time.sleep(SETTLE_S)
    before, at_s = _mark(pipe, pid), time.monotonic()
    time.sleep(seconds)
    after, took_s = _mark(pipe, pid), time.monotonic() - at_s
    cpu_s, sent, received = (late - early for late, early in zip(after, before, strict=True))
    lost = max(0.0, sent - received - IN_FLIGHT_S * sent / took_s)
    return Load(cpu_s * 1e6 / max(1.0, received), received / took_s, lost / sent)


def _mark(pipe: Connection, pid: int) -> tuple[float, float, float]:
    pipe.send("mark")
    sent, received = pipe.recv()
    stat = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    cpu_s = (int(stat[11]) + int(stat[12])) / os.sysconf("SC_CLK_TCK")
    return cpu_s, sent, received


def _generate(pipe: Connection) -> None:
    """Send each leg's packet every 20 ms, spread over the tick, and count what comes back."""
    sockets = [_bind() for _ in range(FAR_SOCKETS)]
    wire = _wire(sockets)
    pipe.send([one.getsockname()[1] for one in sockets])
    plan = pipe.recv()
    if plan == "end":
        return
    groups = [_group(plan[part::SUB_TICKS]) for part in range(SUB_TICKS)]
    outwards = [_wire(sockets) for _ in groups]  # each keeps its group's message headers
    sent = received = 0
    due_s = time.monotonic()
    for turn in range(1 << 30):
        group, outward = groups[turn % SUB_TICKS], outwards[turn % SUB_TICKS]
        group.packets["seq"] += 1
        group.packets["ts"] += 160
        sent += len(group.packets) - outward.send(group)
        received += wire.receive().lengths.size
        if pipe.poll():
            if pipe.recv() == "end":
                return
            pipe.send((sent, received))
        due_s = max(due_s + 0.02 / SUB_TICKS, time.monotonic() - 0.1)
        time.sleep(max(0.0, due_s - time.monotonic()))


def _group(plan: Sequence[tuple[int, int]]) -> Sending:
    ordered = sorted(plan)
    packets = np.zeros(len(ordered), dtype=RTP_OUT)
    packets["b0"], packets["ssrc"] = 0x80, np.arange(len(ordered)) + 1
    wave = sine(440, 0.02, -16)
    packets["payload"] = (np.abs(wave) / 128).astype(np.uint8)
    addresses = np.zeros(len(ordered), dtype=SOCKADDR)
    addresses["family"], addresses["ip"] = socket.AF_INET, 0x7F000001
    addresses["udp_port"] = [port for _, port in ordered]
    counts = np.bincount([far for far, _ in ordered], minlength=FAR_SOCKETS)
    return Sending(packets, addresses, counts)


def _bind(kind: int = socket.SOCK_DGRAM) -> socket.socket:
    bound = socket.socket(socket.AF_INET, kind)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
    bound.bind((HOST, 0))
    bound.setblocking(False)
    return bound


def _wire(sockets: Sequence[socket.socket]) -> Wire:
    return MmsgWire(sockets, ctypes.CDLL(None, use_errno=True))


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
