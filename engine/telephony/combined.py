"""One telephony port over two adapters: SIP for nearly all, pyVoIP for the trunks of that kind.

An answered call over pyVoIP becomes an audio leg of the media switch, so that it can be joined,
prompted, recorded and analysed like any other; the engine cannot tell them apart.
"""

from collections.abc import Callable
from typing import Protocol

from engine.domain.ids import LegId, TrunkId
from engine.domain.specs import TrunkKind, TrunkSpec
from engine.ports import (
    DialogSeed,
    DropTrunk,
    EndOldLeg,
    Gate,
    HangUp,
    LegAnswered,
    LegEnded,
    OpenAudioLeg,
    PlaceCall,
    SetTrunk,
    Telephony,
    TelephonyCommand,
    TelephonyEvent,
)
from engine.telephony.pyvoip.adapter import PyVoipTelephony
from engine.telephony.pyvoip.trunk import CALL_S

Sink = Callable[[TelephonyEvent], None]
OnAudio = Callable[[LegId, bytes], None]


class MakeSip(Protocol):
    """Makes the adapter for SIP."""

    def __call__(self, sink: Sink, on_audio: OnAudio, /) -> Telephony:
        """Return an adapter that tells these."""
        ...


class CombinedTelephony:
    """Routes commands by the kind of their trunk, and bridges the audio (``Telephony``).

    Args:
        sink: Takes events, never from inside ``perform``.
        gate: Asked before each call to a called party.
        on_audio: Takes what audio legs hear.
        now: The engine's time. [s]
        make_sip: Makes the adapter for SIP.
        call_s: How long a ``call()`` of pyVoIP may take. [s]
    """

    def __init__(
        self,
        sink: Sink,
        gate: Gate,
        on_audio: OnAudio,
        now: Callable[[], float],
        make_sip: MakeSip,
        call_s: float = CALL_S,
    ) -> None:
        self._sink = sink
        self._on_audio = on_audio
        self._now = now
        self._kinds: dict[TrunkId, TrunkKind] = {}
        self._bridged: set[LegId] = set()
        self._ended: set[LegId] = set()  # told already, and yet to end over pyVoIP
        self._held: dict[TrunkId, list[EndOldLeg]] = {}
        self._sip = make_sip(self._from_sip, self._hear)
        self.pyvoip = PyVoipTelephony(self._from_pyvoip, gate, self._said, now, call_s)

    # --- the port ------------------------------------------------------------------------------

    def identify(self, leg_id: LegId) -> DialogSeed:
        """Return Call-ID and branch of an INVITE over SIP; pyVoIP chooses its own."""
        return self._sip.identify(leg_id)

    def send_audio(self, leg_id: LegId, pcm: bytes) -> None:
        """Speak 20 ms of PCM16 at 8 kHz (320 octets) from an audio leg."""
        self._sip.send_audio(leg_id, pcm)

    def perform(self, command: TelephonyCommand, now_s: float) -> None:
        """Carry out a command; what comes of it arrives as events."""
        match command:
            case SetTrunk(spec):
                self._set_trunk(spec, now_s)
            case DropTrunk(trunk_id):
                self._drop_trunk(trunk_id, now_s)
            case PlaceCall() if self._is_pyvoip(command.trunk_id):
                self.pyvoip.perform(command)
            case HangUp() if command.leg_id in self.pyvoip:
                self.pyvoip.perform(command)
            case EndOldLeg() if command.trunk_id and not command.dialog:
                self._end_old_leg(command, now_s)
            case _:
                self._sip.perform(command, now_s)

    async def stop(self) -> None:
        """End the processes of pyVoIP; SIP is stopped by whoever started it."""
        await self.pyvoip.stop()

    # --- trunks --------------------------------------------------------------------------------

    def _is_pyvoip(self, trunk_id: TrunkId) -> bool:
        return self._kinds.get(trunk_id) is TrunkKind.PYVOIP

    def _set_trunk(self, spec: TrunkSpec, now_s: float) -> None:
        if self._kinds.get(spec.trunk_id, spec.kind) is not spec.kind:
            self._drop_trunk(spec.trunk_id, now_s)
        self._kinds[spec.trunk_id] = spec.kind
        if spec.kind is TrunkKind.PYVOIP:
            self.pyvoip.perform(SetTrunk(spec))
        else:
            self._sip.perform(SetTrunk(spec), now_s)
        for command in self._held.pop(spec.trunk_id, ()):
            self._end_old_leg(command, now_s)

    def _drop_trunk(self, trunk_id: TrunkId, now_s: float) -> None:
        if self._is_pyvoip(trunk_id):
            self.pyvoip.perform(DropTrunk(trunk_id))
        else:
            self._sip.perform(DropTrunk(trunk_id), now_s)
        self._kinds.pop(trunk_id, None)

    def _end_old_leg(self, command: EndOldLeg, now_s: float) -> None:
        """End a leg of an earlier life without a dialog, once the kind of its trunk is known."""
        if command.trunk_id not in self._kinds:
            self._held.setdefault(command.trunk_id, []).append(command)
        elif self._is_pyvoip(command.trunk_id):
            self.pyvoip.perform(command)
        else:
            self._sip.perform(command, now_s)

    # --- events --------------------------------------------------------------------------------

    def _from_pyvoip(self, event: TelephonyEvent) -> None:
        match event:
            case LegAnswered(leg_id):
                self._bridged.add(leg_id)
                self._sip.perform(OpenAudioLeg(leg_id), self._now())  # tells that it is answered
            case LegEnded(leg_id, cause) if leg_id in self._bridged:
                self._sip.perform(HangUp(leg_id, cause), self._now())  # tells that it ended
            case LegEnded(leg_id) if leg_id in self._ended:
                self._ended.discard(leg_id)
            case _:
                self._sink(event)

    def _from_sip(self, event: TelephonyEvent) -> None:
        if isinstance(event, LegEnded) and event.leg_id in self._bridged:
            self._bridged.discard(event.leg_id)
            if event.leg_id in self.pyvoip:  # the switch had no room for it
                self._ended.add(event.leg_id)
                self.pyvoip.perform(HangUp(event.leg_id, event.cause))
        self._sink(event)

    def _said(self, leg_id: LegId, pcm: bytes) -> None:
        """Bring what the far end of a bridged call says into the switch."""
        if leg_id in self._bridged:
            self._sip.send_audio(leg_id, pcm)

    def _hear(self, leg_id: LegId, pcm: bytes) -> None:
        """Bring what an audio leg hears to the far end, or to the supervisor who listens."""
        if leg_id in self._bridged:
            self.pyvoip.send_audio(leg_id, pcm)
        else:
            self._on_audio(leg_id, pcm)
