"""How much processor does a call cost the SIP core, alone and against sipp, and how much memory?"""

import asyncio
import gc
import resource
import shutil
import socket
import subprocess
import tempfile
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import uvloop

from benchmarks.harness import Figure
from engine.telephony.sip.events import Answered, AnyEvent, Ended
from engine.telephony.sip.outgoing import OutgoingCall
from engine.telephony.sip.sdp import LocalMedia
from engine.telephony.sip.tokens import Tokens
from engine.telephony.sip.transactions import Destination
from engine.telephony.sip.transport import UdpTransport
from engine.telephony.sip.user_agent import UserAgent

_FAR = Destination("127.0.0.1", 5080)
_SDP = (
    b"v=0\r\no=far 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
    b"m=audio 6000 RTP/AVP 0 101\r\na=rtpmap:101 telephone-event/8000\r\n"
)
_MEDIA = LocalMedia("127.0.0.1", 4000)
_NULL = subprocess.DEVNULL


def run(short: bool) -> list[Figure]:
    """Measure the core alone, its dialogs, and the core on uvloop against sipp's UAC."""
    calls = 3_000 if short else 20_000
    figures = [_core_alone(calls), _dialogs(2_000 if short else 10_000)]
    if shutil.which("sipp"):
        figures += _against_sipp(1_000 if short else 10_000, 1_000)
    return figures


class _Far:
    """A far end in memory: answers what it is sent, outside the time that is measured."""

    def __init__(self) -> None:
        self.sent: list[bytes] = []
        self.ended = 0

    def send(self, octets: bytes, _: Destination) -> bool:
        """Keep a request."""
        self.sent.append(octets)
        return True

    def take(self, event: AnyEvent) -> None:
        """Count ends."""
        self.ended += isinstance(event, Ended)

    def respond(self, status: bytes, body: bytes = b"") -> bytes:
        """Return a response to the last request."""
        kept = (b"Via", b"From", b"To:", b"Call", b"CSeq")
        lines = [
            line + (b";tag=f" if line.startswith(b"To:") and b"tag=" not in line else b"")
            for line in self.sent[-1].split(b"\r\n")
            if line.startswith(kept)
        ]
        kind = [b"Content-Type: application/sdp"] if body else []
        lines += [b"Contact: <sip:127.0.0.1:5080>", *kind, b"Content-Length: %d" % len(body)]
        return b"SIP/2.0 " + status + b"\r\n" + b"\r\n".join(lines) + b"\r\n\r\n" + body


def _agent(
    send: Callable[[bytes, Destination], bool], emit: Callable[[AnyEvent], None], port: int = 5060
) -> UserAgent:
    tokens = Tokens(b"a secret of the benchmark", "1")
    return UserAgent("127.0.0.1", port, tokens, send, emit, lambda _: True, lambda _r, _s: 403)


def _call(number: int, destination: Destination) -> OutgoingCall:
    target = f"sip:+14155550100@127.0.0.1:{destination.port}"
    caller = "sip:+14155550199@127.0.0.1"
    return OutgoingCall(f"b1-0001-{number:08x}", target, caller, destination, _MEDIA)


def _core_alone(calls: int) -> Figure:
    far = _Far()
    agent = _agent(far.send, far.take)
    spent_s = 0.0
    clock = time.thread_time  # the machine is shared: others' time is not the core's
    for number in range(calls):
        now_s = number / 1_000
        far.sent.clear()
        begun_s = clock()
        agent.invite(_call(number, _FAR), now_s)
        spent_s += clock() - begun_s
        ringing, answer = far.respond(b"180 Ringing"), far.respond(b"200 OK", _SDP)
        begun_s = clock()
        agent.receive(ringing, _FAR, now_s)
        agent.receive(answer, _FAR, now_s)
        agent.hang_up(f"b1-0001-{number:08x}", now_s)
        spent_s += clock() - begun_s
        goodbye = far.respond(b"200 OK")
        begun_s = clock()
        agent.receive(goodbye, _FAR, now_s)
        agent.advance(now_s)
        spent_s += clock() - begun_s
    if far.ended != calls:
        raise RuntimeError(f"{far.ended} of {calls} calls ended")
    return Figure(
        "sip-core-call",
        spent_s / calls * 1e3,
        "ms",
        0.15,
        None,
        None,
        f"{calls} calls INVITE-180-200-ACK-BYE-200 at 1,000/s of virtual time, core alone, "
        "timers included, without sockets",
    )


def _dialogs(count: int) -> Figure:
    far = _Far()
    agent = _agent(far.send, far.take)
    gc.collect()
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    for number in range(count):
        far.sent.clear()
        agent.invite(_call(number, _FAR), number / 1_000)
        agent.receive(far.respond(b"200 OK", _SDP), _FAR, number / 1_000)
    far.sent.clear()
    gc.collect()
    octets = (tracemalloc.get_traced_memory()[0] - before) / count
    tracemalloc.stop()
    if agent.open_legs != count:
        raise RuntimeError(f"{agent.open_legs} of {count} dialogs are up")
    return Figure(
        "sip-dialog",
        octets / 1e3,
        "kB",
        8.0,
        None,
        None,
        f"memory traced per answered call, {count} at once, within 32 s of their answer",
    )


# --- against sipp ------------------------------------------------------------------------------


def _against_sipp(calls: int, rate: int) -> list[Figure]:
    """Place the same calls to the same far end, once by us and once by sipp's UAC."""
    ours_ms, seconds = _measure(calls, lambda port: _run(calls, rate, port))
    theirs_ms, _ = _measure(calls, lambda port: _sipp_client(calls, rate, port))
    method = (
        f"{calls} calls at up to {rate}/s over loopback to sipp's UAS, processor time of the caller"
    )
    return [
        Figure("sip-call", ours_ms, "ms", 0.4, theirs_ms, theirs_ms / ours_ms, method),
        Figure("sip-rate", calls / seconds, "calls/s", float(rate) * 0.95, None, None, method),
    ]


def _measure(calls: int, place: Callable[[int], float]) -> tuple[float, float]:
    """Return processor milliseconds a call and seconds, against a fresh sipp UAS."""
    port = _free_port()
    with tempfile.TemporaryDirectory() as folder:
        server = subprocess.Popen(
            [*_sipp(port), "-sn", "uas", "-m", str(calls)],
            cwd=folder,
            stdin=_NULL,
            stdout=_NULL,
            stderr=_NULL,
        )
        try:
            _wait_bound(port)
            begun_s = time.monotonic()
            cpu_s = place(port)
            return cpu_s / calls * 1e3, time.monotonic() - begun_s
        finally:
            server.kill()
            server.wait()


def _sipp(port: int) -> list[str]:
    return ["sipp", "-i", "127.0.0.1", "-p", str(port), "-nostdin", "-timeout", "60s"]


def _free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_bound(port: int) -> None:
    deadline_s = time.monotonic() + 10
    while f":{port:04X} " not in Path("/proc/net/udp").read_text(encoding="ascii"):
        if time.monotonic() > deadline_s:
            raise TimeoutError("sipp did not start")
        time.sleep(0.01)


def _sipp_client(calls: int, rate: int, port: int) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(
            [
                *(*_sipp(_free_port()), "-sn", "uac", "-d", "0", "-m", str(calls)),
                *("-r", str(rate), "-l", "4000", f"127.0.0.1:{port}"),
            ],
            cwd=folder,
            check=True,
            stdin=_NULL,
            stdout=_NULL,
            stderr=_NULL,
        )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def _run(calls: int, rate: int, port: int) -> float:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_place(calls, rate, port))


async def _place(calls: int, rate: int, port: int) -> float:
    """Place calls at a rate on uvloop; each is ended as it is answered."""
    caller = _Caller(calls, port)
    await caller.open()
    before = time.process_time()
    begun_s = caller.now()
    async with asyncio.timeout(60):
        while caller.placed < calls:
            due = min(calls, int((caller.now() - begun_s) * rate) + 1)
            caller.place_until(due)
            await asyncio.sleep(0.002)
        await caller.done.wait()
    spent_s = time.process_time() - before
    caller.close()
    return spent_s


class _Caller:
    """Our user agent on a real socket, ending what is answered."""

    def __init__(self, calls: int, port: int) -> None:
        self.now = asyncio.get_running_loop().time
        self.done = asyncio.Event()
        self.placed = 0
        self._left = calls
        self._far = Destination("127.0.0.1", port)
        self._transport = UdpTransport(self.now)

    async def open(self) -> None:
        """Bind."""
        _, port = await self._transport.open("127.0.0.1", 0)
        self._agent = _agent(self._transport.send, self._take, port)
        self._transport.attach(self._agent)

    def close(self) -> None:
        """Close the socket."""
        self._transport.close()

    def place_until(self, due: int) -> None:
        """Place the calls that are due."""
        while self.placed < due:
            self._agent.invite(_call(self.placed, self._far), self.now())
            self.placed += 1
        self._transport.rearm()

    def _take(self, event: AnyEvent) -> None:
        if isinstance(event, Answered):
            self._agent.hang_up(event.leg_id, self.now())
        elif isinstance(event, Ended):
            self._left -= 1
            if not self._left:
                self.done.set()
