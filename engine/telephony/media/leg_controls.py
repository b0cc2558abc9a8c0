"""Answer for what may be wanted of one leg, whichever switch it is in.

What is wanted is kept with the leg, so that another switch can take it over, and told to the switch
that has the leg now. Nothing is waited for: what comes of it are events.
"""

import itertools
import secrets
import time
from abc import ABC, abstractmethod

from engine.domain.analysis import AnalysisSpec
from engine.domain.ids import LegId
from engine.telephony.audio_keys import AudioKeys
from engine.telephony.media import messages
from engine.telephony.media.core import TICK_MS
from engine.telephony.media.encryption import HIGHEST_INDEX, LOWEST_INDEX, encrypt
from engine.telephony.media.events import UnknownMediaLegError, UnusableAddressError
from engine.telephony.media.g711 import Law
from engine.telephony.media.prompts import tone_name
from engine.telephony.media.wanted import WantedLeg, ip_number, keep_source


class LegControls(ABC):
    """The wishes that concern one leg; who has the legs says where each is."""

    def __init__(self) -> None:
        self._numbers = itertools.count(1)

    @abstractmethod
    def find(self, leg_id: LegId) -> WantedLeg | None:
        """Return what is wanted of a leg, None if there is no such leg."""

    def get(self, leg_id: LegId) -> WantedLeg:
        """Return what is wanted of a leg.

        Raises:
            UnknownMediaLegError: There is no such leg.
        """
        leg = self.find(leg_id)
        if leg is None:
            raise UnknownMediaLegError(leg_id)
        return leg

    def connect(
        self,
        leg_id: LegId,
        host: str,
        port: int,
        *,
        law: Law = Law.MU,
        payload_type: int | None = None,
        event_type: int | None = None,
        sends: bool = True,
        learn_from: str | None = None,
        keys: AudioKeys | None = None,
    ) -> None:
        """Tie a leg to the address and codec negotiated; again after each new SDP.

        Args:
            leg_id: An allocated leg.
            host: Far end's address; ``0.0.0.0`` sends nothing (hold, RFC 3264 §8.4).
            port: Far end's port.
            law: Law of G.711.
            payload_type: Its payload type, None for the static one.
            event_type: Payload type of telephone events (RFC 4733), None without.
            sends: Whether we send; False when our side is ``recvonly`` or ``inactive``.
            learn_from: The only address whose packets may be learnt, such as where the signalling
                comes from; None for any.
            keys: What its audio is encrypted by, None: it is not.

        Raises:
            UnknownMediaLegError: There is no such leg.
            UnusableAddressError: An address is no IPv4 address, or the leg is an audio leg.
        """
        leg = self.get(leg_id)
        if leg.is_audio:
            raise UnusableAddressError(f"leg {leg_id} is an audio leg and has no address")
        learn_ip = ip_number(learn_from) if learn_from else 0
        wanted = messages.Connect(
            leg=leg.place.row,
            ip=ip_number(host),
            udp_port=port,
            law=int(law),
            payload_type=law.payload_type if payload_type is None else payload_type,
            event_type=-1 if event_type is None else event_type,
            sends=sends,
            learn_ip=learn_ip if leg.place.learns else -1,
            heard_ip=0,
            heard_port=0,
        )
        _encrypt(leg, keys, sends=sends and wanted.ip != 0)
        leg.connected = keep_source(leg.connected, wanted)
        leg.tell(wanted)

    def play(
        self, leg_id: LegId, prompt: str, *, loop: bool = False, instead: bool = False
    ) -> None:
        """Play a prompt to a leg, in place of any played before.

        Args:
            leg_id: Who hears it.
            prompt: ``ringback``, ``hold-music``, ``beep``, ``comfort-noise``, ``silence``,
                ``tone:HZ:DBM0`` or the path of a WAV file (mono, 8 kHz, 16-bit PCM or G.711).
            loop: Whether it repeats until stopped.
            instead: Whether the leg hears nothing else meanwhile; otherwise it is mixed.

        Raises:
            UnknownMediaLegError: There is no such leg.
        """
        leg = self.get(leg_id)
        leg.play = messages.Play(leg.place.row, next(self._numbers), prompt, loop, instead)
        leg.tell(leg.play)

    def tone(self, leg_id: LegId, hz: float, level_dbm0: float = -16.0) -> None:
        """Play a sine to a leg until stopped."""
        self.play(leg_id, tone_name(hz, level_dbm0), loop=True)

    def stop_play(self, leg_id: LegId) -> None:
        """Stop what is played to a leg; a leg that is released already has nothing to stop."""
        leg = self.find(leg_id)
        if leg:
            leg.play = None
            leg.tell(messages.StopPlay(leg.place.row))

    def record(self, leg_id: LegId, key: int) -> None:
        """Give the recorder what a leg says and hears, from the next tick on.

        Raises:
            UnknownMediaLegError: There is no such leg.
        """
        leg = self.get(leg_id)
        leg.recorded = messages.Record(leg.place.row, key, paused=False)
        leg.tell(leg.recorded)

    def pause_recording(self, leg_id: LegId, *, paused: bool) -> None:
        """Give the recorder silence in place of a leg's audio, or the audio again."""
        leg = self.find(leg_id)
        if leg and leg.recorded:
            leg.recorded = messages.Record(leg.place.row, leg.recorded.key, paused)
            leg.tell(leg.recorded)

    def stop_recording(self, leg_id: LegId) -> None:
        """Give the recorder nothing more of a leg; one that is released has nothing to give."""
        leg = self.find(leg_id)
        if leg and leg.recorded:
            leg.recorded = None
            leg.tell(messages.StopRecord(leg.place.row))

    def analyse(self, leg_id: LegId, spec: AnalysisSpec) -> None:
        """Find out what answered a leg; ``LegAnalysed`` follows, whatever becomes of the switch.

        Raises:
            UnknownMediaLegError: There is no such leg.
        """
        leg = self.get(leg_id)
        leg.ask(messages.Analyse(leg.place.row, next(self._numbers), spec), _until(spec.limit_s))

    def await_beep(self, leg_id: LegId, limit_s: float) -> None:
        """Wait for a machine's tone; ``BeepAwaited`` follows. It replaces an analysis.

        Raises:
            UnknownMediaLegError: There is no such leg.
        """
        leg = self.get(leg_id)
        leg.ask(messages.AwaitBeep(leg.place.row, next(self._numbers), limit_s), _until(limit_s))

    def send_audio(self, leg_id: LegId, pcm: bytes) -> None:
        """Speak 20 ms of PCM16 at 8 kHz (320 octets) from an audio leg."""
        leg = self.find(leg_id)
        if leg:
            leg.tell(messages.Audio(leg.place.row, pcm))


def tick_now() -> int:
    """Return the tick now, as switches count them."""
    return int(time.monotonic() * 1000 / TICK_MS)


def _encrypt(leg: WantedLeg, keys: AudioKeys | None, *, sends: bool) -> None:
    """Tell the switch by what a leg is encrypted, if that is new."""
    before, tick = leg.encrypted, tick_now()
    if keys is None:
        leg.encrypted = None
        if before:
            leg.tell(messages.Secure(leg.place.row, "", b"", b"", 0, 0))
        return
    first = LOWEST_INDEX + secrets.randbelow(HIGHEST_INDEX - LOWEST_INDEX)
    leg.encrypted = encrypt(before, leg.place.row, keys, first, tick)
    if before is None or leg.encrypted.secure != before.secure:
        leg.tell(leg.encrypted.secure)
    leg.encrypted.note(sends=sends, tick=tick)


def _until(limit_s: float) -> float:
    return time.monotonic() + limit_s
