"""One trunk over pyVoIP: its calls, the deadline on each, and the process that makes them.

``call()`` of the library may never return. A process in which that happened makes no further call:
another takes its place, while the calls it has go on, and it ends by itself after the last of them.
A process that dies takes its calls with it.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine
from typing import Final, assert_never

from engine.domain.causes import (
    GATE_CLOSED,
    HUNG_UP,
    LOST,
    NO_ANSWER,
    NO_ROOM,
    TIMED_OUT,
    UNREACHABLE,
    Cause,
    cause_of_status,
)
from engine.domain.ids import LegId
from engine.domain.specs import TrunkSpec
from engine.ports import (
    Gate,
    LegAnswered,
    LegDigit,
    LegEnded,
    PlaceCall,
    TelephonyEvent,
    TrunkLost,
    TrunkReached,
)
from engine.telephony.pyvoip import messages
from engine.telephony.pyvoip.life import Leg, Life
from engine.telephony.pyvoip.link import PhoneLink

CALL_S: Final = 5.0
"""How long ``call()`` may take: until a first provisional response, or for ever. [s]"""
CALLS_A_PROCESS: Final = 2_000
"""Calls a process makes before another takes its place: the library forgets nothing."""
RETRY_S: Final = 2.0
MOST_RETRY_S: Final = 60.0
_NO_PORTS: Final = "NoPortsAvailableError"
"""What the library raises when our own ports for audio are all in use."""
_REFUSED: Final = cause_of_status(400)
"""The library tells of 404 and 503 only, and not which of them it was."""


class PyVoipTrunk:
    """A trunk of kind ``pyvoip``.

    Args:
        spec: Its configuration.
        address: Host and port of its PBX.
        gate: Asked right before each call is made.
        now: The engine's time. [s]
        emit: Takes events.
        on_audio: Takes what answered calls hear, 20 ms of PCM16.
        call_s: How long ``call()`` may take. [s]
    """

    def __init__(
        self,
        spec: TrunkSpec,
        address: tuple[str, int],
        gate: Gate,
        now: Callable[[], float],
        emit: Callable[[TelephonyEvent], None],
        on_audio: Callable[[LegId, bytes], None],
        call_s: float = CALL_S,
    ) -> None:
        self._spec = spec
        self._begin = messages.Begin(*address, spec.username, spec.password)
        self._gate = gate
        self._now = now
        self._emit = emit
        self._on_audio = on_audio
        self._call_s = call_s
        self._loop = asyncio.get_running_loop()
        self._legs: dict[LegId, Leg] = {}
        self._queue: deque[LegId] = deque()
        self._lives: set[Life] = set()
        self._life: Life | None = None
        self._reached: bool | None = None
        self._retry_s = RETRY_S
        self._retry: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._closed = False
        self._start_life()

    # --- what the engine wants ------------------------------------------------------------

    def __contains__(self, leg_id: LegId) -> bool:
        return leg_id in self._legs

    @property
    def pids(self) -> list[int]:
        """Processes that work for this trunk."""
        return [life.link.pid for life in self._lives if life.link is not None]

    def place(self, command: PlaceCall) -> None:
        """Call a number as soon as a process can."""
        leg_id = command.leg_id
        if self._reached is False or self._closed:
            self._emit(LegEnded(leg_id, UNREACHABLE))
            return
        timer = self._loop.call_later(command.no_answer_s, self._end, leg_id, UNREACHABLE)
        self._legs[leg_id] = Leg(command, timer)
        self._queue.append(leg_id)
        self._next()

    def hang_up(self, leg_id: LegId, cause: Cause) -> None:
        """End a leg; nothing if there is none."""
        self._end(leg_id, cause)

    def say(self, leg_id: LegId, pcm: bytes) -> None:
        """Say 20 ms of PCM16 in an answered call."""
        leg = self._legs.get(leg_id)
        if leg is not None and leg.answered and leg.life is not None and leg.life.link is not None:
            leg.life.link.send(messages.Audio(leg_id, pcm))

    def drop(self) -> None:
        """Make no further call; those there are go on, then the process ends."""
        self._closed = True
        if self._retry is not None:
            self._retry.cancel()
        for leg_id in tuple(self._queue):
            self._end(leg_id, UNREACHABLE)
        if self._life is not None:
            self._retire(self._life)

    async def close(self) -> None:
        """End every process; they hang up what was answered."""
        self.drop()
        for leg in self._legs.values():
            leg.timer.cancel()
        lives, self._lives = list(self._lives), set()
        await asyncio.gather(*(self._close_life(life) for life in lives))
        await asyncio.gather(*self._tasks)

    # --- one call after another ---------------------------------------------------------------

    def _next(self) -> None:
        """Make the next call if a process is free to; the gate is asked at this instant."""
        life = self._life
        while self._queue and life is not None and life.up and life.calling is None:
            leg_id = self._queue.popleft()
            leg = self._legs.get(leg_id)
            if leg is None:
                continue
            if self._gate.may_leave(leg.command, self._now()) is not None:
                self._end(leg_id, GATE_CLOSED)
                continue
            self._call(life, leg)

    def _call(self, life: Life, leg: Leg) -> None:
        leg_id, no_answer_s = leg.command.leg_id, leg.command.no_answer_s
        leg.timer.cancel()
        leg.timer = self._loop.call_later(no_answer_s, self._end, leg_id, NO_ANSWER)
        leg.life = life
        life.legs.add(leg_id)
        life.calling = leg_id
        life.made += 1
        life.hang = self._loop.call_later(self._call_s, self._hung, life, leg_id)
        assert life.link is not None  # it is up
        life.link.send(messages.Call(leg_id, leg.command.number))

    def _hung(self, life: Life, leg_id: LegId) -> None:
        """Give a ``call()`` up that does not return, and with it the process for further calls."""
        self._end(leg_id, TIMED_OUT)
        self._retire(life)

    def _returned(self, life: Life) -> None:
        life.calling = None
        if life.hang is not None:
            life.hang.cancel()
            life.hang = None
        if life.made >= CALLS_A_PROCESS and not life.retired:
            self._retire(life)
        self._next()

    def _end(self, leg_id: LegId, cause: Cause) -> None:
        """End a leg, whatever has become of it; each is told once."""
        leg = self._legs.pop(leg_id, None)
        if leg is None:
            return
        leg.timer.cancel()
        life = leg.life
        if life is not None:
            life.legs.discard(leg_id)
            if life.link is not None:
                life.link.send(messages.Leave(leg_id))
        self._emit(LegEnded(leg_id, cause))

    # --- processes ------------------------------------------------------------------------

    def _start_life(self) -> None:
        self._retry = None
        life = self._life = Life()
        self._lives.add(life)
        self._do(self._open(life))

    async def _open(self, life: Life) -> None:
        try:
            link = await PhoneLink.open(
                self._begin,
                lambda event: self._on_event(life, event),
                lambda: self._gone(life),
            )
        except OSError as error:
            self._lose(f"no process for it: {error}")
            self._gone(life)
            return
        life.link = link
        if life not in self._lives or life.retired:
            self._lives.discard(life)
            await link.close()

    def _retire(self, life: Life) -> None:
        """Let a process make no further call, and begin another."""
        if life.retired:
            return
        life.retired = True
        if life.link is not None:
            life.link.send(messages.Retire())
        if self._life is life:
            self._life = None
            if not self._closed:
                self._start_life()

    @staticmethod
    async def _close_life(life: Life) -> None:
        if life.hang is not None:
            life.hang.cancel()
        if life.link is not None:
            await life.link.close()

    def _gone(self, life: Life) -> None:
        """End every leg of a process that is gone, and begin another after a while."""
        if life not in self._lives:
            return
        self._lives.discard(life)
        self._do(self._close_life(life))
        for leg_id in tuple(life.legs):
            self._over(leg_id, LOST)
        if self._life is life:
            self._life = None
            self._lose("its process died")
            self._retry = self._loop.call_later(self._retry_s, self._start_life)
            self._retry_s = min(2 * self._retry_s, MOST_RETRY_S)

    def _do(self, work: Coroutine[None, None, None]) -> None:
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # --- what a process tells --------------------------------------------------------------

    def _on_event(self, life: Life, event: messages.Event) -> None:
        match event:
            case messages.Up():
                self._up(life)
            case messages.Down(reason):
                if self._life is life:
                    self._lose(reason)
            case messages.Called():
                self._returned(life)
            case messages.CallFailed(leg, reason):
                no_room = reason.startswith(_NO_PORTS)
                self._over(LegId(leg), NO_ROOM if no_room else UNREACHABLE)
                self._returned(life)
            case messages.Answered(leg):
                self._answered(LegId(leg))
            case messages.Over(leg, answered):
                self._over(LegId(leg), HUNG_UP if answered else _REFUSED)
            case messages.Digit(leg, digit):
                if leg in self._legs:
                    self._emit(LegDigit(LegId(leg), digit))
            case messages.Audio(leg, pcm):
                if leg in self._legs:
                    self._on_audio(LegId(leg), pcm)
            case _:
                assert_never(event)

    def _up(self, life: Life) -> None:
        life.up = True
        self._retry_s = RETRY_S
        if self._reached is not True and self._life is life:
            self._reached = True
            self._emit(TrunkReached(self._spec.trunk_id))
        self._next()

    def _lose(self, reason: str) -> None:
        if self._reached is False or self._closed:
            return
        self._reached = False
        self._emit(TrunkLost(self._spec.trunk_id, reason))
        for leg_id in tuple(self._queue):
            self._end(leg_id, UNREACHABLE)

    def _over(self, leg_id: LegId, cause: Cause) -> None:
        """End a leg of which its process has nothing left."""
        leg = self._legs.get(leg_id)
        if leg is not None and leg.life is not None:
            leg.life.legs.discard(leg_id)
            leg.life = None
        self._end(leg_id, cause)

    def _answered(self, leg_id: LegId) -> None:
        leg = self._legs.get(leg_id)
        if leg is not None:
            leg.answered = True
            leg.timer.cancel()
            self._emit(LegAnswered(leg_id, b""))
