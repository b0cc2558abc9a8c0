"""A load of RTP from a process of its own, and what else forwards it: a bare echo, rtpengine.

CPU is what the kernel accounts to the processes under test, so other work on the machine disturbs
it little.
"""

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
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Final

import numpy as np

from engine.telephony.audio_keys import AudioKeys, Suite
from engine.telephony.media.outbound import PACKET, SOCKADDR, Sending
from engine.telephony.media.packets import PACKET_BYTES, RTP_OUT
from engine.telephony.media.sockets import MmsgWire, Wire
from engine.telephony.media.srtp.sending import Protector
from engine.telephony.media.tones import sine

HOST: Final = "127.0.0.1"
FAR_SOCKETS: Final = 90
SUB_TICKS: Final = 4
SETTLE_S: Final = 1.5
KEYS: Final = AudioKeys(Suite.AES_CM_80, bytes(30), bytes(range(30)))
"""What encrypted calls are measured with."""

IN_FLIGHT_S: Final = 0.06
"""Packets of so long may be on their way when one counts, and are not called lost. [s]"""


@dataclass(frozen=True, slots=True)
class Load:
    """What was measured of the processes under load.

    Attributes:
        cpu_us: CPU of each of them per packet that came back. [us]
        packets_per_s: Packets that came back. [1/s]
        lost_ratio: Share of the packets sent that did not.
    """

    cpu_us: tuple[float, ...]
    packets_per_s: float
    lost_ratio: float


@contextlib.contextmanager
def generator() -> Iterator[tuple[Connection, list[int]]]:
    """Run the load generator; yield its pipe and its ports."""
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


def measure(
    pipe: Connection,
    plan: Sequence[tuple[int, int]],
    pids: Sequence[int],
    seconds: float,
    *,
    secured: bool = False,
) -> Load:
    """Drive processes and take their CPU time and what they forwarded, once they are steady.

    Args:
        pipe: To the generator.
        plan: Far socket and local port of each leg.
        pids: Whose CPU time is taken.
        seconds: For how long. [s]
        secured: Whether the packets are encrypted, by ``KEYS``.
    """
    pipe.send((list(plan), secured))
    time.sleep(SETTLE_S)
    before, at_s = _mark(pipe, pids), time.monotonic()
    time.sleep(seconds)
    after, took_s = _mark(pipe, pids), time.monotonic() - at_s
    sent, received, *cpu_s = (late - early for late, early in zip(after, before, strict=True))
    lost = max(0.0, sent - received - IN_FLIGHT_S * sent / took_s)
    each_us = tuple(used_s * 1e6 / max(1.0, received) for used_s in cpu_s)
    return Load(each_us, received / took_s, lost / max(1.0, sent))


def _mark(pipe: Connection, pids: Sequence[int]) -> list[float]:
    """Return packets sent and received so far, and the CPU time of each process."""
    pipe.send("mark")
    return [*pipe.recv(), *(_cpu_s(pid) for pid in pids)]


def _cpu_s(pid: int) -> float:
    stat = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(stat[11]) + int(stat[12])) / os.sysconf("SC_CLK_TCK")


def _generate(pipe: Connection) -> None:
    """Send each leg's packet every 20 ms, spread over the tick, and count what comes back."""
    sockets = [_bind() for _ in range(FAR_SOCKETS)]
    wire = _wire(sockets)
    pipe.send([one.getsockname()[1] for one in sockets])
    wanted = pipe.recv()
    if wanted == "end":
        return
    plan, secured = wanted
    groups = [_Group(plan[part::SUB_TICKS], secured) for part in range(SUB_TICKS)]
    outwards = [_wire(sockets) for _ in groups]  # each keeps its group's message headers
    sent = received = 0
    due_s = time.monotonic()
    for turn in range(1 << 30):
        group, outward = groups[turn % SUB_TICKS], outwards[turn % SUB_TICKS]
        sending = group.next()
        sent += len(sending.packets) - outward.send(sending)
        received += wire.receive().lengths.size
        if pipe.poll():
            if pipe.recv() == "end":
                return
            pipe.send((sent, received))
        due_s = max(due_s + 0.02 / SUB_TICKS, time.monotonic() - 0.1)
        time.sleep(max(0.0, due_s - time.monotonic()))


class _Group:
    """The legs whose packets leave in one part of a tick."""

    def __init__(self, plan: Sequence[tuple[int, int]], secured: bool) -> None:
        self._sending = _first(plan, secured)
        self._said = self._sending.packets["payload"].copy()
        self._index = 7 * np.arange(len(self._said))  # streams begin at different times
        self._protector = Protector(len(plan) if secured else 0)
        for leg in range(len(plan) if secured else 0):
            self._protector.set(leg, KEYS.suite, KEYS.theirs)

    def next(self) -> Sending:
        """Return the next packets."""
        packets, legs = self._sending.packets, np.arange(len(self._said))
        self._index += 1
        packets["seq"] = self._index & 0xFFFF
        packets["ts"] += 160
        if self._sending.lengths is not None:
            packets["payload"] = self._said
            self._protector.protect(packets, legs, legs, self._index)
        return self._sending


def _first(plan: Sequence[tuple[int, int]], secured: bool) -> Sending:
    ordered = sorted(plan)
    packets = np.zeros(len(ordered), dtype=PACKET if secured else RTP_OUT)
    packets["b0"], packets["ssrc"] = 0x80, np.arange(len(ordered)) + 1
    wave = sine(440, 0.02, -16)
    packets["payload"] = (np.abs(wave) / 128).astype(np.uint8)
    octets = PACKET_BYTES + KEYS.suite.tag_octets
    lengths = np.full(len(ordered), octets) if secured else None
    addresses = np.zeros(len(ordered), dtype=SOCKADDR)
    addresses["family"], addresses["ip"] = socket.AF_INET, 0x7F000001
    addresses["udp_port"] = [port for _, port in ordered]
    counts = np.bincount([far for far, _ in ordered], minlength=FAR_SOCKETS)
    return Sending(packets, addresses, counts, lengths)


def _bind(kind: int = socket.SOCK_DGRAM) -> socket.socket:
    bound = socket.socket(socket.AF_INET, kind)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
    bound.bind((HOST, 0))
    bound.setblocking(False)
    return bound


def _wire(sockets: Sequence[socket.socket]) -> Wire:
    return MmsgWire(sockets, ctypes.CDLL(None, use_errno=True))


# --- what it is held against -----------------------------------------------------------------


def echo(calls: int, seconds: float) -> Load:
    """Measure a process that does nothing but the system calls."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_echo_main, args=(theirs,), daemon=True)
    process.start()
    local = ours.recv()
    try:
        with generator() as (pipe, far_ports):
            legs = range(2 * calls)
            plan = [(leg // len(local) % len(far_ports), local[leg % len(local)]) for leg in legs]
            assert process.pid
            return measure(pipe, plan, [process.pid], seconds)
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


def rtpengine(calls: int, seconds: float) -> Load | None:
    """Measure rtpengine forwarding in user space; None where it is not installed."""
    program = shutil.which("rtpengine")
    if program is None:
        return None
    with generator() as (pipe, far_ports), tempfile.TemporaryDirectory() as folder:
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
            return measure(pipe, plan, [process.pid], seconds)
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
