"""The audio of legs: their places in the switch, what is wanted of them, and what it tells."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import assert_never

from engine.domain.causes import MEDIA_LOST, NO_ROOM, NOT_ENCRYPTED, Cause
from engine.domain.ids import LegId
from engine.domain.specs import Need
from engine.ports import (
    AnalyseLeg,
    AwaitBeep,
    BeepAwaited,
    FinishRecordings,
    LegAnalysed,
    LegAnswered,
    LegDigit,
    LegEnded,
    LegMeasured,
    OpenAudioLeg,
    PlaceCall,
    PlayPrompt,
    PromptEnded,
    SetMix,
    StopPrompt,
    TelephonyEvent,
)
from engine.telephony.audio_keys import AudioKeys
from engine.telephony.media import events as media
from engine.telephony.media.allocation import NoRoomError
from engine.telephony.media.g711 import Law
from engine.telephony.media.messages import Quality
from engine.telephony.sip.ending import NOT_ACCEPTABLE
from engine.telephony.sip.media_switch import MediaSwitch
from engine.telephony.sip.recording import CallRecorder, LegRecordings, RecordingCommand
from engine.telephony.sip.sdes import open_security
from engine.telephony.sip.sdp import PCMA, Direction, LocalMedia, RemoteMedia

AudioCommand = (
    OpenAudioLeg | SetMix | PlayPrompt | StopPrompt | AnalyseLeg | AwaitBeep | RecordingCommand
)


@dataclass(slots=True)
class OpenLeg:
    """What is kept of a leg, from its wish to its end.

    Attributes:
        call: What the gate is asked about; None for phones and audio legs.
        learn_from: The only address its audio may be learnt from, None: it is not learnt.
        cause: Why the engine ends it, once it does.
        audio: Whether it has no phone.
        sends: Whether the far end is meant to send to us.
        user: Whose registered phone it is; empty: none.
        srtp: Whether its audio is to be encrypted.
    """

    call: PlaceCall | None = None
    learn_from: str | None = None
    cause: Cause | None = None
    audio: bool = False
    sends: bool = True
    user: str = ""
    srtp: Need = Need.OFF


class LegAudio:
    """The legs there are, each with its place in the switch.

    Attributes:
        legs: Legs by id.
        switch: The switch.
    """

    def __init__(
        self,
        make_switch: Callable[[Callable[[media.MediaEvent], None]], MediaSwitch],
        recorder: CallRecorder | None,
        emit: Callable[[TelephonyEvent], None],
        end: Callable[[LegId, Cause], None],
        random_octets: Callable[[int], bytes],
    ) -> None:
        """Begin without legs.

        Args:
            make_switch: Makes the switch, given what takes its events.
            recorder: Keeps what is recorded; None: nothing can be.
            emit: Takes events.
            end: Ends a leg.
            random_octets: Returns so many octets of the system's randomness, for keys.
        """
        self.legs: dict[LegId, OpenLeg] = {}
        self.switch = make_switch(self._on_media)
        self._recordings = LegRecordings(self.switch, recorder, emit)
        self._emit = emit
        self._end = end
        self._random_octets = random_octets

    def open(self, leg_id: LegId, leg: OpenLeg, *, learn: bool) -> LocalMedia | None:
        """Give a leg its place in the switch; without room it ends at once.

        Args:
            leg_id: The leg.
            leg: What is to be kept of it.
            learn: Whether the switch may learn where its audio comes from.
        """
        try:
            endpoint = self.switch.allocate(leg_id, learn=learn)
        except NoRoomError:
            self._emit(LegEnded(leg_id, NO_ROOM))
            return None
        self.legs[leg_id] = leg
        security = open_security(leg.srtp, self._random_octets)
        return LocalMedia(endpoint.host, endpoint.port, security=security)

    def connect(
        self, leg_id: LegId, leg: OpenLeg, remote: RemoteMedia, keys: AudioKeys | None
    ) -> Cause | None:
        """Tie a leg's audio to the far end's.

        Args:
            leg_id: The leg.
            leg: What is kept of it.
            remote: The far end's audio.
            keys: What it is encrypted by, None: it is not.

        Returns:
            Why that cannot be, None: it is done.
        """
        if keys is None and (leg.srtp is Need.REQUIRED or remote.encrypted):
            return NOT_ENCRYPTED
        leg.sends = remote.direction in (Direction.SENDRECV, Direction.SENDONLY)
        try:
            self.switch.connect(
                leg_id,
                remote.host,
                remote.port,
                law=Law.A if remote.codecs[:1] == (PCMA,) else Law.MU,
                event_type=remote.event if remote.event >= 0 else None,
                sends=not remote.held,
                learn_from=leg.learn_from,
                keys=keys,
            )
        except media.UnusableAddressError:
            return NOT_ACCEPTABLE
        return None

    def close(self, leg_id: LegId) -> None:
        """End the audio of a leg, and its recording."""
        self.legs.pop(leg_id, None)
        self._recordings.end(leg_id)
        self.switch.release(leg_id)

    # --- what is wanted ------------------------------------------------------------------------

    def perform(self, command: AudioCommand) -> None:
        """Carry out a command; it may cross with the end of its leg."""
        match command:
            case OpenAudioLeg(leg_id):
                self._open_without_phone(leg_id)
            case SetMix(rows):
                self.switch.mix(rows)
            case StopPrompt(leg_id):
                self.switch.stop_play(leg_id)
            case PlayPrompt() | AnalyseLeg() | AwaitBeep():
                if command.leg_id in self.legs:
                    self._ask(command)
            case FinishRecordings():
                self._recordings.perform(command, leg_open=True)
            case _:
                self._recordings.perform(command, leg_open=command.leg_id in self.legs)

    def _ask(self, command: PlayPrompt | AnalyseLeg | AwaitBeep) -> None:
        match command:
            case PlayPrompt(leg_id, prompt, loop):
                self.switch.play(leg_id, prompt, loop=loop)
            case AnalyseLeg(leg_id, spec):
                self.switch.analyse(leg_id, spec)
            case AwaitBeep(leg_id, limit_s):
                self.switch.await_beep(leg_id, limit_s)

    def _open_without_phone(self, leg_id: LegId) -> None:
        try:
            self.switch.open_audio(leg_id)
        except NoRoomError:
            self._emit(LegEnded(leg_id, NO_ROOM))
            return
        self.legs[leg_id] = OpenLeg(audio=True)
        self._emit(LegAnswered(leg_id, b""))

    # --- what the switch tells -----------------------------------------------------------------

    def _on_media(self, event: media.MediaEvent) -> None:
        match event:
            case media.DigitPressed(leg_id, digit):
                self._emit(LegDigit(leg_id, digit))
            case media.PromptEnded(leg_id):
                self._emit(PromptEnded(leg_id))
            case media.PromptFailed(leg_id):
                self._emit(PromptEnded(leg_id, heard=False))
            case media.LegFellSilent(leg_id):
                leg = self.legs.get(leg_id)
                if leg is not None and leg.sends:
                    self._end(leg_id, MEDIA_LOST)
            case media.LegQuality(leg_id, quality):
                self._on_quality(leg_id, quality)
            case media.LegAnalysed(leg_id, verdict, after_s, reason):
                self._emit(LegAnalysed(leg_id, verdict, after_s, reason))
            case media.BeepAwaited(leg_id, heard):
                self._emit(BeepAwaited(leg_id, heard))
            case media.LegHeard() | media.LegResumed():
                pass
            case media.SwitchLost() | media.SwitchRestored():
                pass  # the client mends it; calls go on
            case _:
                assert_never(event)

    def _on_quality(self, leg_id: LegId, figures: Quality) -> None:
        if figures.received or figures.sent:
            self._emit(
                LegMeasured(
                    leg_id,
                    figures.received,
                    figures.lost,
                    figures.jitter_ms,
                    figures.sent,
                    figures.far_lost,
                    figures.far_jitter_ms,
                    figures.round_trip_ms,
                )
            )
