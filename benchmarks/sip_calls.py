"""Calls of the user agent on uvloop to sipp, over UDP, TCP and TLS, and the same calls by sipp.

Far end and course of the call are the same for both callers: INVITE, 100, 180, 200, ACK, BYE, 200.
sipp of the usual distributions speaks no TLS; a relay in a process of its own ends TLS before it.
"""

import asyncio
import contextlib
import multiprocessing
import ssl
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from statistics import median

import trustme
import uvloop

from benchmarks.harness import Figure, percentile
from benchmarks.path_sipp import HOST, PATIENT, caller_cpu_ms, sipp
from benchmarks.sip_far import call, user_agent
from engine.config import SipSettings
from engine.telephony.sip.destination import Destination
from engine.telephony.sip.events import Answered, AnyEvent, Ended
from engine.telephony.sip.tls import TlsProfile, client_context
from engine.telephony.sip.transports import SipTransports

GOAL_MS = 0.4
_LINK = "carrier"
_SHARE_DONE = 0.99


@dataclass(slots=True)
class Placed:
    """What calls cost.

    Attributes:
        cpu_ms: Processor time of the caller per call. [ms]
        calls_per_s: Ends per second, from the first percentile of them to the last.
        why: How the calls ended.
    """

    cpu_ms: float
    calls_per_s: float
    why: Counter[str]


def against_sipp(calls: int, rate: int, rounds: int) -> list[Figure]:
    """Place calls over each transport, by us and by sipp by turns."""
    figures = _over("UDP", calls, rate, rounds)
    figures += _over("TCP", calls, rate, rounds)
    return figures + _over("TLS", calls, rate, rounds)


def _over(transport: str, calls: int, rate: int, rounds: int) -> list[Figure]:
    sipps = "UDP" if transport == "UDP" else "TCP"
    ours: list[Placed] = []
    theirs_ms: list[float] = []
    for _ in range(rounds):
        with sipp(PATIENT, sipps) as far, _entrance(far.port, transport) as (port, ca):
            ours.append(_run(calls, rate, Destination(HOST, port, transport), ca))
        with sipp(PATIENT, sipps) as far:
            theirs_ms.append(caller_cpu_ms(far.port, None, calls, rate, transport=sipps, talk_ms=0))
    cpu_ms, sipp_ms = (median(each) for each in ([x.cpu_ms for x in ours], theirs_ms))
    each_ms = ", ".join(f"{placed.cpu_ms:.3f}" for placed in ours)
    why: Counter[str] = sum((placed.why for placed in ours), Counter())
    how = (
        f"{rounds} times {calls} calls at {rate}/s over {transport} on loopback to sipp, processor "
        f"time of the caller, median of {each_ms}; reference: sipp as caller over {sipps}, by turns"
    )
    name = "sip/" + ("" if transport == "UDP" else f"{transport.lower()}_")
    rate_figure = Figure(
        f"{name}calls_per_s",
        median(placed.calls_per_s for placed in ours),
        "calls/s",
        0.95 * rate if transport == "UDP" else None,
        None,
        None,
        f"ends per second between the first and the last percentile of them: {dict(why)}",
    )
    goal_ms = GOAL_MS if transport == "UDP" else None
    figure = Figure(f"{name}call_ms", cpu_ms, "ms", goal_ms, sipp_ms, sipp_ms / cpu_ms, how)
    return [figure, rate_figure]


def _run(calls: int, rate: int, destination: Destination, ca: str) -> Placed:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_place(calls, rate, destination, ca))


async def _place(calls: int, rate: int, destination: Destination, ca: str) -> Placed:
    """Place calls at a rate; each is ended as it is answered."""
    caller = Caller(calls, destination)
    await caller.open(ca)
    begun_cpu_s, begun_s = time.process_time(), caller.now()
    async with asyncio.timeout(calls / rate + 60):
        while caller.placed < calls:
            caller.place_until(min(calls, int((caller.now() - begun_s) * rate) + 1))
            await asyncio.sleep(0.002)
        await caller.done.wait()
    cpu_s = time.process_time() - begun_cpu_s
    await caller.close()
    first_s = percentile(caller.ended_s, 1 - _SHARE_DONE)
    span_s = percentile(caller.ended_s, _SHARE_DONE) - first_s
    return Placed(cpu_s / calls * 1e3, calls * (2 * _SHARE_DONE - 1) / span_s, caller.why)


@dataclass
class Caller:
    """Our user agent on its own sockets, ending what is answered.

    Attributes:
        calls: How many there will be.
        destination: Where they go.
        placed: How many were begun.
        ended_s: When each ended. [s]
        why: How they ended.
        done: Set once all have.
    """

    calls: int
    destination: Destination
    placed: int = 0
    ended_s: list[float] = field(default_factory=list)
    why: Counter[str] = field(default_factory=Counter)
    done: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.now = asyncio.get_running_loop().time
        self._transports = SipTransports(SipSettings(port=0), self.now, lambda _: True)

    async def open(self, ca: str) -> None:
        """Bind; ``ca`` is the authority trusted over TLS."""
        _, port = await self._transports.open()
        self._agent = user_agent(self._transports.send, self._take, port)
        self._transports.attach(self._agent)
        if ca:
            self._transports.trust(_LINK, TlsProfile(client_context(ca)))
            self.destination = self.destination._replace(link=_LINK)

    async def close(self) -> None:
        """Close the sockets."""
        await self._transports.close()

    def place_until(self, due: int) -> None:
        """Place the calls that are due."""
        while self.placed < due:
            self._agent.invite(call(self.placed, self.destination), self.now())
            self.placed += 1
        self._transports.rearm()

    def _take(self, event: AnyEvent) -> None:
        if isinstance(event, Answered):
            self._agent.hang_up(event.leg_id, self.now())
        elif isinstance(event, Ended):
            self.ended_s.append(self.now())
            self.why[event.why] += 1
            if len(self.ended_s) == self.calls:
                self.done.set()


# --- TLS before sipp ---------------------------------------------------------------------------


@contextlib.contextmanager
def _entrance(port: int, transport: str) -> Iterator[tuple[int, str]]:
    """Yield the port to call, and the file of the authority to trust; empty without TLS."""
    if transport != "TLS":
        yield port, ""
        return
    with tempfile.TemporaryDirectory() as folder:
        ca, own = Path(folder, "ca.pem"), Path(folder, "own.pem")
        authority = trustme.CA()
        authority.cert_pem.write_to_path(ca)
        authority.issue_cert(HOST).private_key_and_cert_chain_pem.write_to_path(own)
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        process = context.Process(target=_relay, args=(theirs, str(own), port), daemon=True)
        process.start()
        try:
            yield int(ours.recv()), str(ca)
        finally:
            process.terminate()
            process.join()


def _relay(pipe: Connection, certificate: str, port: int) -> None:
    uvloop.run(_serve(pipe, certificate, port))


async def _serve(pipe: Connection, certificate: str, port: int) -> None:
    """End TLS, and pass on what comes over TCP, both ways."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)

    async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        inner, outer = await asyncio.open_connection(HOST, port)
        await asyncio.gather(_pump(reader, outer), _pump(inner, writer))

    server = await asyncio.start_server(carry, HOST, 0, ssl=context)
    pipe.send(server.sockets[0].getsockname()[1])
    await server.serve_forever()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while octets := await reader.read(1 << 16):
            writer.write(octets)
            await writer.drain()
    writer.close()
