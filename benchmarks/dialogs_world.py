"""Our side of the dialogs benchmark, in a process of its own, told what to do line by line.

``python -m benchmarks.dialogs_world`` obeys like ``benchmarks.path_world``:

    {"do": "core", "count": N, "session_s": S}      ->  octets a dialog of the core in memory
    {"do": "open", "trunk": "HOST:PORT", "session_s": S, "media": BOOL, "traced": BOOL}  ->  {}
    {"do": "dial", "count": N, "calls_per_s": R}    ->  what it took until all were up
    {"do": "rest", "seconds": T}                    ->  refreshes meanwhile, and how late they were
    {"do": "end", "calls_per_s": R}                 ->  what it took until all had ended
"""

import asyncio
import gc
import json
import re
import sys
import time
import tracemalloc
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import uvloop
from msgspec.structs import replace

from benchmarks.harness import percentile
from benchmarks.sip_far import FAR, Far, call, user_agent
from engine.config import SipSettings
from engine.domain.analysis import AnalysisSpec
from engine.domain.causes import RELEASED
from engine.domain.e164 import E164
from engine.domain.ids import AttemptId, CampaignId, LegId, TrunkId
from engine.domain.specs import TrunkSpec
from engine.ports import (
    HangUp,
    LegAnswered,
    LegEnded,
    Licence,
    PlaceCall,
    SetTrunk,
    TelephonyEvent,
)
from engine.telephony.media import events as media
from engine.telephony.media.client import MediaClient
from engine.telephony.media.g711 import Law
from engine.telephony.sip.adapter import SipTelephony
from engine.telephony.sip.destination import Destination
from engine.telephony.sip.media_switch import MediaSwitch
from engine.telephony.sip.transports import SipTransports

MOST = 12_000
"""Most dialogs at once."""
_SETTLED_S: Final = 40.0
"""After so long the transactions of a call's set-up are over. [s]"""
_TURN_S: Final = 0.02
_CALL_ID = re.compile(rb"\r\nCall-ID: ([^\r\n]+)")
_NUMBER, _CALLER = E164("+14155550100"), E164("+14155550199")
_TRUNK, _CAMPAIGN = TrunkId("carrier"), CampaignId("load")
_LICENCE = Licence(_NUMBER, ("America/Los_Angeles",), "mobile", 0.0)
_LONGEST_S = 60.0


class NoMedia:
    """A media client that gives one address to all, and keeps nothing."""

    async def start(self) -> None:
        """Begin nothing."""

    async def stop(self) -> None:
        """End nothing."""

    def allocate(self, leg_id: LegId, *, learn: bool = True) -> media.Endpoint:
        """Give the address."""
        del leg_id, learn
        return media.Endpoint("127.0.0.1", 4000)

    def open_audio(self, leg_id: LegId) -> None:
        """Open nothing."""

    def connect(
        self,
        leg_id: LegId,
        host: str,
        port: int,
        *,
        law: Law,
        event_type: int | None,
        sends: bool,
        learn_from: str | None,
        keys: object = None,
    ) -> None:
        """Connect nothing."""

    def mix(self, rows: Mapping[LegId, tuple[LegId, ...]]) -> None:
        """Mix nothing."""

    def play(self, leg_id: LegId, prompt: str, *, loop: bool) -> None:
        """Play nothing."""

    def stop_play(self, leg_id: LegId) -> None:
        """Play nothing."""

    def analyse(self, leg_id: LegId, spec: AnalysisSpec) -> None:
        """Listen to nothing."""

    def await_beep(self, leg_id: LegId, limit_s: float) -> None:
        """Wait for nothing."""

    def record(self, leg_id: LegId, key: int) -> None:
        """Record nothing."""

    def pause_recording(self, leg_id: LegId, *, paused: bool) -> None:
        """Record nothing."""

    def stop_recording(self, leg_id: LegId) -> None:
        """Record nothing."""

    def send_audio(self, leg_id: LegId, pcm: bytes) -> None:
        """Say nothing."""

    def release(self, leg_id: LegId) -> None:
        """Keep nothing."""


class Refreshes:
    """Watches what leaves: when each dialog was confirmed, and when it was refreshed first."""

    def __init__(self) -> None:
        self.late_s: list[float] = []
        self.updates = 0
        self._due_s: dict[bytes, float] = {}

    def watch(self, after_s: float) -> None:
        """Look at all that every transport sends from now on.

        Args:
            after_s: When a refresh is due after the ACK. [s]
        """
        send, clock = SipTransports.send, time.monotonic

        def watched(own: SipTransports, octets: bytes, destination: Destination) -> bool:
            if octets.startswith(b"ACK"):
                self._due_s[_call_id(octets)] = clock() + after_s
            elif octets.startswith(b"UPDATE"):
                self.updates += 1
                due_s = self._due_s.pop(_call_id(octets), None)
                if due_s is not None:
                    self.late_s.append(clock() - due_s)
            return send(own, octets, destination)

        SipTransports.send = watched  # type: ignore[assignment,method-assign]


class World:
    """One telephony with its dialogs."""

    def __init__(self) -> None:
        self._refreshes = Refreshes()
        self._telephony: SipTelephony | None = None
        self._up: set[LegId] = set()
        self._ended = 0
        self._placed = 0
        self._moved = asyncio.Event()
        self._before_bytes = self._before_traced = 0
        self._now = asyncio.get_running_loop().time

    async def obey(self, command: dict[str, Any]) -> dict[str, object]:
        """Carry out a command and return the answer."""
        match command:
            case {"do": "core", "count": int(count), "session_s": int(session_s)}:
                return _core(count, session_s)
            case {"do": "open"}:
                return await self._open(command)
            case {"do": "dial", "count": int(count), "calls_per_s": rate}:
                return await self._dial(count, float(rate))
            case {"do": "rest", "seconds": seconds}:
                return await self._rest(float(seconds))
            case {"do": "end", "calls_per_s": rate}:
                return await self._end(float(rate))
            case _:
                raise ValueError(f"unknown command {command}")

    async def _open(self, command: dict[str, Any]) -> dict[str, object]:
        session_s = command["session_s"]
        if session_s and not command["traced"]:
            self._refreshes.watch(session_s / 2)
        self._telephony = SipTelephony(
            SipSettings(port=0, rtp_silence_s=3_600.0),
            self._take,
            self,
            lambda _leg_id, _pcm: None,
            self._now,
            b"a secret of the benchmark",
            "1",
            _real_media if command["media"] else _no_media,
        )
        await self._telephony.start()
        trunk = TrunkSpec(
            trunk_id=_TRUNK, address=command["trunk"], options_s=0.0, session_s=session_s
        )
        self._telephony.perform(SetTrunk(trunk), self._now())
        gc.collect()
        if command["traced"]:
            tracemalloc.start()
        self._before_traced = tracemalloc.get_traced_memory()[0]
        self._before_bytes = resident_bytes()
        return {}

    def may_leave(self, call: PlaceCall, now_s: float) -> str | None:
        """Be the gate: it is open."""
        del call, now_s
        return None

    def _take(self, event: TelephonyEvent) -> None:
        match event:
            case LegAnswered(leg_id):
                self._up.add(leg_id)
            case LegEnded(leg_id):
                self._up.discard(leg_id)
                self._ended += 1
            case _:
                return
        self._moved.set()

    async def _dial(self, count: int, rate: float) -> dict[str, object]:
        first = self._placed

        def place(at: int) -> None:
            number = first + at
            attempt = AttemptId(f"b1-0001-{number:08x}")
            leg_id = LegId(attempt)
            call = PlaceCall(
                leg_id, attempt, _CAMPAIGN, 1, _NUMBER, _CALLER, "", _TRUNK, 30.0, _LICENCE
            )
            self._perform(call)

        self._placed += count
        took = await self._at_rate(count, rate, place, lambda: len(self._up) >= first + count)
        gc.collect()
        traced = tracemalloc.get_traced_memory()[0] - self._before_traced
        return took | {
            "up": len(self._up),
            "resident_bytes": (resident_bytes() - self._before_bytes) / count,
            "traced_bytes": traced / count,
        }

    async def _rest(self, seconds: float) -> dict[str, object]:
        self._refreshes.late_s.clear()
        before, cpu_s = self._refreshes.updates, time.process_time()
        lag_s = await _sleep(seconds)
        late_s = self._refreshes.late_s or [0.0]
        gc.collect()
        return {
            "refreshes": self._refreshes.updates - before,
            "cpu_s": time.process_time() - cpu_s,
            "late_ms_p50": percentile(late_s, 0.5) * 1e3,
            "late_ms_p99": percentile(late_s, 0.99) * 1e3,
            "late_ms_max": max(late_s) * 1e3,
            "lag_ms_p99": percentile(lag_s, 0.99) * 1e3,
            "up": len(self._up),
            "traced_bytes": tracemalloc.get_traced_memory()[0] - self._before_traced,
        }

    async def _end(self, rate: float) -> dict[str, object]:
        legs = sorted(self._up)
        before = self._ended
        return await self._at_rate(
            len(legs),
            rate,
            lambda at: self._perform(HangUp(legs[at], RELEASED)),
            lambda: self._ended - before >= len(legs),
        )

    async def _at_rate(
        self, count: int, rate: float, do: Callable[[int], None], over: Callable[[], bool]
    ) -> dict[str, object]:
        """Do something so many times at a rate; return what it took until all was over."""
        begun_s, cpu_s, done = time.monotonic(), time.process_time(), 0
        while done < count:
            due = min(count, int((time.monotonic() - begun_s) * rate) + 1)
            for at in range(done, due):
                do(at)
            done = due
            await asyncio.sleep(0.002)
        deadline_s = time.monotonic() + _LONGEST_S
        while not over() and time.monotonic() < deadline_s:
            self._moved.clear()
            await asyncio.wait_for(self._moved.wait(), _LONGEST_S)
        return {"seconds": time.monotonic() - begun_s, "cpu_s": time.process_time() - cpu_s}

    def _perform(self, command: PlaceCall | HangUp) -> None:
        if self._telephony is None:
            raise RuntimeError("not open")
        self._telephony.perform(command, self._now())

    async def close(self) -> None:
        """End the telephony."""
        if self._telephony is not None:
            await self._telephony.stop()


async def _sleep(seconds: float) -> list[float]:
    """Sleep in short turns; return how late each ended. [s]"""
    end_s, lag_s = time.monotonic() + seconds, []
    while (begun_s := time.monotonic()) < end_s:
        await asyncio.sleep(_TURN_S)
        lag_s.append(time.monotonic() - begun_s - _TURN_S)
    return lag_s


def _core(count: int, session_s: int) -> dict[str, object]:
    """Measure dialogs of the core alone, as they are set up and once that is settled."""
    answer: dict[str, object] = {}
    for traced in (False, True):
        far = Far(session_s)
        agent = user_agent(far.send, far.take)
        gc.collect()
        if traced:
            tracemalloc.start()
        before, resident = tracemalloc.get_traced_memory()[0], resident_bytes()
        for number in range(count):
            far.sent.clear()
            agent.invite(call(number, FAR, session_s), number / 1_000)
            agent.receive(far.answer(), FAR, number / 1_000)
        far.sent.clear()
        gc.collect()
        if agent.open_legs != count:
            raise RuntimeError(f"{agent.open_legs} of {count} dialogs are up")
        if not traced:
            answer["resident_bytes"] = (resident_bytes() - resident) / count
            continue
        answer["traced_bytes"] = (tracemalloc.get_traced_memory()[0] - before) / count
        agent.advance(count / 1_000 + _SETTLED_S)
        gc.collect()
        answer["settled_bytes"] = (tracemalloc.get_traced_memory()[0] - before) / count
        tracemalloc.stop()
    return answer


def _no_media(
    _settings: media.MediaSettings,
    _on_event: Callable[[media.MediaEvent], None],
    _on_audio: Callable[[LegId, bytes], None],
) -> MediaSwitch:
    return NoMedia()


def _real_media(
    settings: media.MediaSettings,
    on_event: Callable[[media.MediaEvent], None],
    on_audio: Callable[[LegId, bytes], None],
) -> MediaSwitch:
    roomy = replace(settings, most_legs=MOST, standby=False)
    return MediaClient(roomy, on_event, on_audio)


def _call_id(octets: bytes) -> bytes:
    found = _CALL_ID.search(octets)
    return found.group(1) if found else b""


def resident_bytes(pid: int | str = "self") -> int:
    """Return the resident memory of a process. [bytes]"""
    text = Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace")
    found = re.search(r"^VmRSS:\s+(\d+) kB$", text, re.MULTILINE)
    return int(found.group(1)) * 1024 if found else 0


async def serve() -> None:
    """Obey commands from standard input until it ends."""
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    world = World()
    try:
        while line := await reader.readline():
            print(json.dumps(await world.obey(json.loads(line))), flush=True)
    finally:
        await world.close()


if __name__ == "__main__":
    uvloop.run(serve())
