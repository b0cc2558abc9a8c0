"""The calls of trunks of kind ``pyvoip``, as a telephony port for nothing else.

What the library cannot do (ringing is not told of, From is always the account, refusals other than
404 and 503 are not seen, nothing can be cancelled) is told in ``docs/interop.md``.
"""

import asyncio
from collections.abc import Callable
from typing import Final

from engine.domain.causes import UNREACHABLE
from engine.domain.ids import LegId, TrunkId
from engine.domain.specs import TrunkSpec
from engine.ports import (
    DropTrunk,
    EndOldLeg,
    Gate,
    HangUp,
    LegEnded,
    PlaceCall,
    SetTrunk,
    TelephonyEvent,
    TrunkLost,
)
from engine.telephony.pyvoip.trunk import CALL_S, PyVoipTrunk

DEFAULT_PORT: Final = 5060

PyVoipCommand = PlaceCall | HangUp | EndOldLeg | SetTrunk | DropTrunk


class PyVoipTelephony:
    """Places and ends calls over pyVoIP.

    Args:
        sink: Takes events, never from inside ``perform``.
        gate: Asked right before each call is made.
        on_audio: Takes what answered calls hear, 20 ms of PCM16.
        now: The engine's time. [s]
        call_s: How long the library's ``call()`` may take. [s]
    """

    def __init__(
        self,
        sink: Callable[[TelephonyEvent], None],
        gate: Gate,
        on_audio: Callable[[LegId, bytes], None],
        now: Callable[[], float],
        call_s: float = CALL_S,
    ) -> None:
        self._sink = sink
        self._gate = gate
        self._on_audio = on_audio
        self._now = now
        self._call_s = call_s
        self._trunks: dict[TrunkId, tuple[TrunkSpec, PyVoipTrunk]] = {}
        self._dropped: list[PyVoipTrunk] = []

    def __contains__(self, leg_id: LegId) -> bool:
        return any(leg_id in trunk for trunk in self._all())

    @property
    def pids(self) -> list[int]:
        """Processes that work for its trunks."""
        return [pid for trunk in self._all() for pid in trunk.pids]

    def perform(self, command: PyVoipCommand) -> None:
        """Carry out a command; what comes of it arrives as events."""
        match command:
            case PlaceCall(trunk_id=trunk_id, leg_id=leg_id):
                known = self._trunks.get(trunk_id)
                if known is None:
                    self._emit(LegEnded(leg_id, UNREACHABLE))
                else:
                    known[1].place(command)
            case HangUp(leg_id, cause):
                for trunk in self._all():
                    trunk.hang_up(leg_id, cause)
            case SetTrunk(spec):
                self._set(spec)
            case DropTrunk(trunk_id):
                self._drop(trunk_id)
            case EndOldLeg():
                pass  # a process hangs up what was answered as soon as its engine is gone

    def send_audio(self, leg_id: LegId, pcm: bytes) -> None:
        """Say 20 ms of PCM16 at 8 kHz (320 octets) in an answered call."""
        for trunk in self._all():
            trunk.say(leg_id, pcm)

    async def stop(self) -> None:
        """End every process; they hang up what was answered."""
        trunks = self._all()
        self._trunks.clear()
        self._dropped.clear()
        await asyncio.gather(*(trunk.close() for trunk in trunks))

    def _all(self) -> list[PyVoipTrunk]:
        return [*(trunk for _, trunk in self._trunks.values()), *self._dropped]

    def _set(self, spec: TrunkSpec) -> None:
        known = self._trunks.get(spec.trunk_id)
        if known is not None and _account(known[0]) == _account(spec):
            self._trunks[spec.trunk_id] = (spec, known[1])
            return
        self._drop(spec.trunk_id)
        try:
            address = _split(spec)
        except ValueError as error:
            self._emit(TrunkLost(spec.trunk_id, str(error)))
            return
        trunk = PyVoipTrunk(
            spec, address, self._gate, self._now, self._emit, self._on_audio, self._call_s
        )
        self._trunks[spec.trunk_id] = (spec, trunk)

    def _drop(self, trunk_id: TrunkId) -> None:
        known = self._trunks.pop(trunk_id, None)
        if known is not None:
            known[1].drop()
            self._dropped = [trunk for trunk in self._dropped if trunk.pids]
            self._dropped.append(known[1])

    def _emit(self, event: TelephonyEvent) -> None:
        """Hand an event over at the next turn of the loop, in order."""
        asyncio.get_running_loop().call_soon(self._sink, event)


def _account(spec: TrunkSpec) -> tuple[str, str, str]:
    return spec.address, spec.username, spec.password


def _split(spec: TrunkSpec) -> tuple[str, int]:
    """Return host and port of a trunk's PBX.

    Raises:
        ValueError: It cannot be called over this library; the text says why.
    """
    if not spec.username:
        raise ValueError("pyVoIP must register: the trunk has no username")
    host, colon, port = spec.address.rpartition(":")
    if not colon:
        return spec.address, DEFAULT_PORT
    if not host or not port.isdecimal() or not 0 < int(port) < 65_536:
        raise ValueError(f"{spec.address!r} is no host:port")
    return host, int(port)
