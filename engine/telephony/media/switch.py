"""Answer for the media process: the clock of 20 ms around the core, its sockets and its commands.

There is no event loop. Each tick: carry out what was commanded, take in what has come, work, send,
tell. The process ends when its control socket does, so it never outlives the engine.
"""

import contextlib
import gc
import queue
import select
import socket
import threading
import time
from collections import deque
from collections.abc import Sequence
from typing import Final

import msgspec
import numpy as np

from engine.telephony.media import messages
from engine.telephony.media.core import TICK_MS, Core
from engine.telephony.media.g711 import I16
from engine.telephony.media.ghosts import Outlets
from engine.telephony.media.peers import Peers
from engine.telephony.media.progress.tap import AnalysisTap
from engine.telephony.media.prompts import PromptError, load_prompt
from engine.telephony.media.sockets import flush, open_wire
from engine.telephony.recording.ring import RingWriter
from engine.telephony.recording.tap import RecordingTap

TICK_S: Final = TICK_MS / 1000

MOST_BEHIND: Final = 10
"""Ticks that are caught up after the process was held; what is older is given up. [ticks]"""

MOST_COMMANDS: Final = 200
"""Batches of commands taken in one tick; the rest wait for the next."""

SIGN_OF_LIFE_TICKS: Final = 10
"""The engine is told something at least this often, so that it sees a switch that hangs. [ticks]"""

MOST_UNSENT: Final = 50
"""Batches of events kept for an engine that does not read, before audio is dropped."""

REPORT_TURNS: Final = 10
"""RTCP ports are read in so many turns, a part of them each tick."""

MOST_REPORTS: Final = 8
"""RTCP datagrams taken from one port in its turn."""

_MINUTE_TICKS: Final = 3000


class ControlClosedError(Exception):
    """The engine is gone; the process ends."""


class PromptLoader:
    """Reads prompts on a thread of its own: a slow disk delays no tick."""

    def __init__(self) -> None:
        self._wanted: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._done: queue.SimpleQueue[tuple[str, I16 | str]] = queue.SimpleQueue()
        threading.Thread(target=self._run, name="prompts", daemon=True).start()

    def want(self, name: str) -> None:
        """Ask for a prompt by name."""
        self._wanted.put(name)

    def deliver(self, core: Core) -> None:
        """Give the core what has been read since the last call."""
        while not self._done.empty():
            name, found = self._done.get()
            if isinstance(found, str):
                core.refuse_prompt(name, found)
            else:
                core.add_prompt(name, found)

    def _run(self) -> None:
        while True:
            name = self._wanted.get()
            try:
                self._done.put((name, load_prompt(name)))
            except PromptError as error:
                self._done.put((name, str(error)))


class Control:
    """The socket to the engine: one datagram a batch either way (AF_UNIX, SOCK_SEQPACKET)."""

    def __init__(self, link: socket.socket) -> None:
        link.setblocking(False)
        self._link = link
        self._decoder = msgspec.msgpack.Decoder(messages.Commands)
        self._encoder = msgspec.msgpack.Encoder()
        self._unsent: deque[bytes] = deque()
        self._told = self._quiet_ticks = 0
        self.acked = 0

    def wait(self) -> None:
        """Wait until the first commands are there, and leave them to ``receive``."""
        select.select([self._link], [], [])

    def receive(self) -> list[messages.Command]:
        """Return the commands that have come, in order.

        Raises:
            ControlClosedError: The engine is gone.
        """
        commands: list[messages.Command] = []
        for _ in range(MOST_COMMANDS):
            try:
                datagram = self._link.recv(messages.MOST_BYTES)
            except (BlockingIOError, InterruptedError):
                break
            except ConnectionError as error:
                raise ControlClosedError from error
            if not datagram:
                raise ControlClosedError
            batch = self._decoder.decode(datagram)
            self.acked = batch.seq
            commands += batch.items
        return commands

    def tell(self, events: Sequence[messages.Event]) -> None:
        """Send events and the acknowledgement, if there is anything new, and a sign of life.

        An engine that does not read loses frames of audio, and nothing else.
        """
        if len(self._unsent) > MOST_UNSENT:
            events = [event for event in events if not isinstance(event, messages.Audio)]
        self._quiet_ticks += 1
        if events or self.acked != self._told or self._quiet_ticks >= SIGN_OF_LIFE_TICKS:
            self._told, self._quiet_ticks = self.acked, 0
            for at in range(0, max(1, len(events)), 100):
                batch = messages.Events(self.acked, list(events[at : at + 100]))
                self._unsent.append(self._encoder.encode(batch))
        while self._unsent:
            try:
                self._link.send(self._unsent[0])
            except (BlockingIOError, InterruptedError):
                break
            except ConnectionError as error:
                raise ControlClosedError from error
            self._unsent.popleft()


class Pace:
    """How long ticks took and how punctual they were."""

    def __init__(self) -> None:
        self._took_ms = np.zeros(_MINUTE_TICKS)
        self.ticks = 0
        self.late = 0
        self.skipped = 0

    def note(self, took_s: float, late_s: float) -> None:
        """Take a tick into account."""
        self._took_ms[self.ticks % _MINUTE_TICKS] = took_s * 1000
        self.ticks += 1
        self.late += late_s >= TICK_S

    def percentiles_ms(self) -> tuple[float, float, float]:
        """Return median, 99th percentile and longest of the last minute. [ms]"""
        took = self._took_ms[: min(self.ticks, _MINUTE_TICKS)]
        if not took.size:
            return 0.0, 0.0, 0.0
        half, most = np.percentile(took, (50, 99))
        return float(half), float(most), float(took.max())


class Switch:
    """The process: ticks on the machine's monotonic clock until the engine is gone."""

    def __init__(
        self,
        link: socket.socket,
        ports: Sequence[socket.socket],
        report_ports: Sequence[socket.socket],
        peers: Sequence[socket.socket],
        legs: int,
        silent_ms: int,
        ring: int = -1,
    ) -> None:
        self._control = Control(link)
        self._loader = PromptLoader()
        self._core = Core(legs, len(ports), silent_ms, self._loader.want)
        self._recording = RecordingTap(RingWriter(ring)) if ring >= 0 else None
        if self._recording is not None:
            self._core.add_tap(self._recording)
        self._peers = Peers(peers)
        self._outlets = Outlets(len(peers), self._peers.send)
        self._core.add_tap(self._outlets)
        self._analysis = AnalysisTap()
        self._core.add_tap(self._analysis)
        self._pace = Pace()
        self._refused = 0
        self._ports, self._report_ports = ports, report_ports
        self._wire = open_wire(ports)

    def run(self) -> None:
        """Wait for the first command, then work tick after tick until the engine is gone.

        Until then the process touches no port: it is a standby that costs nothing, and takes the
        place of a switch that died without the time that starting Python takes.
        """
        gc.collect()
        gc.freeze()
        with contextlib.suppress(ControlClosedError):
            self._control.wait()
            flush(self._ports)
            self._peers.flush()
            tick = int(time.monotonic() / TICK_S) + 1
            while True:
                tick = self._wait_for(tick)
                began_s = time.monotonic()
                self._work(tick)
                ended_s = time.monotonic()
                self._pace.note(ended_s - began_s, began_s - tick * TICK_S)
                tick += 1

    def _wait_for(self, tick: int) -> int:
        """Sleep until a tick is due; return it, or a later one if too many have passed."""
        ahead_s = tick * TICK_S - time.monotonic()
        if ahead_s > 0:
            time.sleep(ahead_s)
            return tick
        behind = int(-ahead_s / TICK_S)
        if behind <= MOST_BEHIND:
            return tick
        self._pace.skipped += behind
        return tick + behind

    def _work(self, tick: int) -> None:
        stats: list[messages.Event] = []
        for command in self._control.receive():
            if isinstance(command, messages.DescribeStats):
                stats.append(self._describe(command.ticket))
            elif isinstance(command, messages.Forward | messages.StopForward):
                self._outlets.perform(command)
            elif isinstance(command, messages.Analyse | messages.AwaitBeep):
                self._analysis.perform(command)
            elif isinstance(command, messages.Record | messages.StopRecord):
                if self._recording is not None:
                    self._recording.perform(command)
            else:
                self._core.perform(command, tick)
        self._loader.deliver(self._core)
        for datagram in self._peers.receive():
            self._core.hear_peer(tick, datagram)
        worked = self._core.work(tick, self._wire.receive())
        self._refused += self._wire.send(worked.sending)
        self._exchange_reports(tick, time.time())
        self._control.tell([*worked.events, *stats])

    def _exchange_reports(self, tick: int, now_s: float) -> None:
        """Send the RTCP that is due, and read a few of the ports, all of them in turn."""
        for report in self._core.reports(tick, now_s):
            to = (socket.inet_ntoa(report.ip.to_bytes(4, "big")), report.udp_port)
            with contextlib.suppress(OSError, OverflowError):
                self._report_ports[report.port].sendto(report.octets, to)
        for port in self._report_ports[tick % REPORT_TURNS :: REPORT_TURNS]:
            for _ in range(MOST_REPORTS):
                try:
                    datagram, (host, _) = port.recvfrom(2048)
                except OSError:
                    break
                ip = int.from_bytes(socket.inet_aton(host), "big")
                self._core.quality.take(datagram, ip, now_s)

    def _describe(self, ticket: int) -> messages.Stats:
        core, pace = self._core, self._pace
        half, most, longest = pace.percentiles_ms()
        return messages.Stats(
            ticket=ticket,
            legs=core.legs,
            ticks=pace.ticks,
            tick_p50_ms=half,
            tick_p99_ms=most,
            tick_max_ms=longest,
            late_ticks=pace.late,
            skipped_ticks=pace.skipped,
            received=core.counters.received,
            sent=core.sent,
            foreign=core.counters.foreign,
            malformed=core.counters.malformed,
            concealed=core.concealed,
            late_packets=core.late_packets,
            unauthentic=core.unauthentic,
            send_errors=self._refused + self._peers.refused,
            cpu_s=time.process_time(),
        )
