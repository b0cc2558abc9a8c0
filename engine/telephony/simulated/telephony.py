"""The telephony port's twin for virtual time: the same commands and events, no socket, no sound.

One object is one life of the engine; the ``Network`` behind it outlives them all.
There are no packets, so no leg is measured (``LegMeasured``).
"""

from collections.abc import Callable
from enum import Enum
from functools import partial
from hashlib import blake2b
from typing import assert_never

from engine.domain.analysis import AnalysisSpec
from engine.domain.causes import (
    GATE_CLOSED,
    HUNG_UP,
    NO_ANSWER,
    NO_ROOM,
    TIMED_OUT,
    UNREACHABLE,
    Cause,
    cause_of_status,
)
from engine.domain.ids import AgentId, LegId, TrunkId
from engine.domain.specs import AgentSpec, TrunkSpec
from engine.ports import (
    AnalyseLeg,
    AwaitBeep,
    BeepAwaited,
    CallPhone,
    DialogSeed,
    DropPhone,
    DropTrunk,
    EndOldLeg,
    FinishRecordings,
    Gate,
    HangUp,
    LegAnalysed,
    LegAnswered,
    LegDigit,
    LegEnded,
    LegRinging,
    OpenAudioLeg,
    PauseRecording,
    PhoneRegistered,
    PhoneUnregistered,
    PlaceCall,
    PlayPrompt,
    PromptEnded,
    ResumeRecording,
    SetMix,
    SetPhone,
    SetTrunk,
    StartRecording,
    StopPrompt,
    StopRecording,
    TelephonyCommand,
    TelephonyEvent,
    TrunkLost,
    TrunkReached,
)
from engine.telephony.simulated.network import Handle, Network
from engine.telephony.simulated.recorder import SimulatedRecorder

NO_RESPONSE_S = 32.0
"""Nothing came back for so long: 64 · T1 (RFC 3261 §17.1.1.2, Timer B; §17.1.2.2, Timer F)."""
PROMPT_S = 4.0
"""How long any prompt plays that is not a loop."""


class _Phase(Enum):
    LEAVING = "leaving"
    CALLED = "called"
    UP = "up"
    ENDING = "ending"


class _Leg:
    """Our end of one leg."""

    __slots__ = ("audio", "cause", "listens", "no_answer_s", "phase", "responded", "timer")

    def __init__(self, no_answer_s: float, *, audio: bool = False) -> None:
        self.no_answer_s = no_answer_s
        self.audio = audio
        self.phase = _Phase.UP if audio else _Phase.LEAVING
        self.cause: Cause | None = None
        self.responded = False
        self.timer: Handle | None = None
        self.listens: Handle | None = None


class SimulatedTelephony:
    """Places and ends legs in a simulated network.

    Args:
        network: The far side.
        sink: Takes events.
        gate: Asked at the instant each INVITE leaves.
        on_audio: Takes frames that audio legs hear.
    """

    def __init__(
        self,
        network: Network,
        sink: Callable[[TelephonyEvent], None],
        gate: Gate,
        on_audio: Callable[[LegId, bytes], None],
    ) -> None:
        self._network = network
        self._clock = network.clock
        self._sink = sink
        self._gate = gate
        self._on_audio = on_audio
        self._legs: dict[LegId, _Leg] = {}
        self._trunks: dict[TrunkId, TrunkSpec] = {}
        self._reached: dict[TrunkId, bool] = {}
        self._phones: set[AgentId] = set()
        self._prompts: dict[LegId, Handle] = {}
        self._recorder = SimulatedRecorder(
            network.recordings,
            network.clock.now_s,
            self._tell_later,
        )
        self._dead = False

    # --- the port ------------------------------------------------------------------------------

    def identify(self, leg_id: LegId) -> DialogSeed:
        """Return Call-ID and branch that an INVITE for ``leg_id`` will carry; a pure function."""
        token = blake2b(leg_id.encode(), digest_size=8).hexdigest()
        return DialogSeed(f"{token}@paceline", f"z9hG4bK{token}")

    def send_audio(self, leg_id: LegId, pcm: bytes) -> None:
        """Speak 20 ms of PCM16 at 8 kHz from an audio leg; other audio legs may hear it."""
        for listener, leg in list(self._legs.items()):
            if leg.audio and leg_id in self._network.hears(listener):
                self._on_audio(listener, pcm)

    def perform(self, command: TelephonyCommand, now_s: float) -> None:  # noqa: ARG002 - the port's
        """Carry out a command; what comes of it arrives as events."""
        if self._dead:
            return
        match command:
            case PlaceCall():
                self._place_call(command)
            case CallPhone():
                self._call_phone(command)
            case HangUp(leg_id, cause):
                self._hang_up(leg_id, cause)
            case EndOldLeg():
                self._network.end_old(command.leg_id, answered=bool(command.dialog))
            case SetPhone() | DropPhone() | SetTrunk() | DropTrunk():
                self._configure(command)
            case OpenAudioLeg() | SetMix() | PlayPrompt() | StopPrompt():
                self._change_audio(command)
            case AnalyseLeg(leg_id, spec):
                self._analyse(leg_id, spec)
            case AwaitBeep(leg_id, limit_s):
                self._await_beep(leg_id, limit_s)
            case (
                StartRecording()
                | PauseRecording()
                | ResumeRecording()
                | StopRecording()
                | FinishRecordings()
            ):
                self._record(command)
            case _:
                assert_never(command)

    def crash(self) -> None:
        """Die: nothing is said or heard any more, and nobody hears anybody."""
        self._dead = True
        self._recorder.crash()
        self._legs.clear()
        self._network.silence()

    # --- legs ----------------------------------------------------------------------------------

    @property
    def _full(self) -> bool:
        """Whether the media switch has no place for another leg."""
        return 0 < self._network.faults.most_legs <= len(self._legs)

    def _place_call(self, command: PlaceCall) -> None:
        leg_id = command.leg_id
        if command.trunk_id not in self._trunks:
            self._emit_soon(LegEnded(leg_id, UNREACHABLE))
            return
        if self._full:
            self._emit_soon(LegEnded(leg_id, NO_ROOM))
            return
        self._legs[leg_id] = _Leg(command.no_answer_s)
        longest_s = self._network.faults.departure_s
        delay_s = self._network.random.uniform(0.0, longest_s) if longest_s else 0.0
        self._after(delay_s, partial(self._leave, command))

    def _leave(self, command: PlaceCall) -> None:
        leg_id = command.leg_id
        leg = self._legs.get(leg_id)
        if leg is None:
            return  # hung up before it left
        now_s = self._clock.now_s()
        if self._gate.may_leave(command, now_s) is not None:
            self._finish(leg_id, GATE_CLOSED)
            return
        self._network.witness.invite(
            leg_id,
            "customer",
            command.number,
            command.caller_id,
            command.trunk_id,
            self.identify(leg_id).call_id,
        )
        self._called(leg_id, leg)
        self._network.invite_party(leg_id, command.number, command.trunk_id, self)

    def _call_phone(self, command: CallPhone) -> None:
        leg_id, agent_id = command.leg_id, command.agent_id
        if not command.address and agent_id not in self._phones:
            self._emit_soon(LegEnded(leg_id, UNREACHABLE))
            return
        if self._full:
            self._emit_soon(LegEnded(leg_id, NO_ROOM))
            return
        leg = self._legs[leg_id] = _Leg(command.no_answer_s)
        self._network.witness.invite(
            leg_id, "agent", agent_id, command.caller_id, "", self.identify(leg_id).call_id
        )
        self._called(leg_id, leg)
        self._network.invite_phone(leg_id, agent_id, self)

    def _called(self, leg_id: LegId, leg: _Leg) -> None:
        leg.phase = _Phase.CALLED
        leg.timer = self._after(leg.no_answer_s, partial(self._cancel, leg_id, NO_ANSWER))
        self._after(NO_RESPONSE_S, partial(self._no_response, leg_id))

    def _no_response(self, leg_id: LegId) -> None:
        leg = self._legs.get(leg_id)
        if leg is not None and not leg.responded:
            self._network.give_up(leg_id)
            self._finish(leg_id, TIMED_OUT)

    def _hang_up(self, leg_id: LegId, cause: Cause) -> None:
        leg = self._legs.get(leg_id)
        if leg is None or leg.phase is _Phase.ENDING:
            return
        if leg.audio or leg.phase is _Phase.LEAVING:
            self._finish_soon(leg_id, cause)
        elif leg.phase is _Phase.UP:
            leg.phase, leg.cause = _Phase.ENDING, cause
            self._bye(leg_id, leg)
        else:
            self._cancel(leg_id, cause)

    def _cancel(self, leg_id: LegId, cause: Cause) -> None:
        leg = self._legs.get(leg_id)
        if leg is None or leg.phase is not _Phase.CALLED:
            return
        leg.phase, leg.cause = _Phase.ENDING, cause
        # Without a response there is nothing to cancel yet (RFC 3261 §9.1): Timer B ends the leg.
        self._network.cancel(leg_id)

    def _bye(self, leg_id: LegId, leg: _Leg) -> None:
        self._network.bye(leg_id)
        round_trip_s = 2.0 * self._network.model.latency_s[1]
        self._after(round_trip_s, partial(self._finish, leg_id, leg.cause or HUNG_UP))

    # --- what the far end says -----------------------------------------------------------------

    def on_ringing(self, leg_id: LegId) -> None:
        """Take a 180 or 183."""
        leg = self._legs.get(leg_id)
        if leg is not None:
            leg.responded = True
            self._emit(LegRinging(leg_id))

    def on_answer(self, leg_id: LegId) -> None:
        """Take a 200; one that crossed our CANCEL gets ACK and BYE (RFC 3261 §9.1)."""
        leg = self._legs.get(leg_id)
        if leg is None:
            return
        leg.responded = True
        self._network.ack(leg_id)
        if leg.phase is _Phase.ENDING:
            self._bye(leg_id, leg)
            return
        leg.phase = _Phase.UP
        if leg.timer is not None:
            leg.timer.cancel()
        self._emit(LegAnswered(leg_id, leg_id.encode()))

    def on_refusal(self, leg_id: LegId, status: int, retry_after_s: float) -> None:
        """Take a final status; 487 is the end of what we cancelled."""
        leg = self._legs.get(leg_id)
        if leg is not None:
            cause = cause_of_status(status)
            if status == 487 and leg.cause is not None:  # RFC 3261 §21.4.25
                self._finish(leg_id, leg.cause)
            else:
                self._finish(leg_id, cause, status, retry_after_s)

    def on_bye(self, leg_id: LegId) -> None:
        """Take the far end's BYE; ours may cross it."""
        leg = self._legs.get(leg_id)
        if leg is not None:
            self._finish(leg_id, leg.cause or HUNG_UP)

    # --- trunks, phones, prompts ---------------------------------------------------------------

    def _configure(self, command: SetPhone | DropPhone | SetTrunk | DropTrunk) -> None:
        match command:
            case SetTrunk(spec):
                self._trunks[spec.trunk_id] = spec
                self._reached.pop(spec.trunk_id, None)
                self._ask(spec)
            case DropTrunk(trunk_id):
                self._trunks.pop(trunk_id, None)
            case SetPhone(spec):
                self._set_phone(spec)
            case DropPhone(agent_id):
                if agent_id in self._phones:
                    self._phones.discard(agent_id)
                    self._emit_soon(PhoneUnregistered(agent_id))

    def _set_phone(self, spec: AgentSpec) -> None:
        if spec.phone_password and spec.agent_id not in self._phones:
            self._phones.add(spec.agent_id)
            self._emit_soon(PhoneRegistered(spec.agent_id))

    def _ask(self, spec: TrunkSpec) -> None:
        """Send OPTIONS, and again each period."""
        if self._trunks.get(spec.trunk_id) is not spec:
            return
        dark = spec.options_s > 0.0 and self._network.is_dark(spec.trunk_id)
        delay_s = NO_RESPONSE_S if dark else 2.0 * self._network.model.latency_s[1]
        self._after(delay_s, partial(self._judge, spec, not dark))
        if spec.options_s > 0.0:
            # One OPTIONS at a time: the next follows the answer, or the end of waiting for it.
            period_s = max(spec.options_s, delay_s)
            self._after(period_s, partial(self._ask, spec))

    def _judge(self, spec: TrunkSpec, reached: bool) -> None:
        trunk_id = spec.trunk_id
        if self._trunks.get(trunk_id) is spec and self._reached.get(trunk_id) is not reached:
            self._reached[trunk_id] = reached
            event = TrunkReached(trunk_id) if reached else TrunkLost(trunk_id, "no answer")
            self._emit(event)

    def _change_audio(self, command: OpenAudioLeg | SetMix | PlayPrompt | StopPrompt) -> None:
        match command:
            case OpenAudioLeg(leg_id) if self._full:
                self._emit_soon(LegEnded(leg_id, NO_ROOM))
            case OpenAudioLeg(leg_id):
                self._legs[leg_id] = _Leg(0.0, audio=True)
                self._emit_soon(LegAnswered(leg_id, b""))
            case SetMix(rows):
                self._network.set_mix(rows)
            case PlayPrompt(leg_id, _, loop):
                self._stop_prompt(leg_id)
                self._press(leg_id)
                if leg_id in self._legs and not loop:
                    ended = partial(self._emit_of, leg_id, PromptEnded(leg_id))
                    self._prompts[leg_id] = self._after(PROMPT_S, ended)
            case StopPrompt(leg_id):
                self._stop_prompt(leg_id)

    # --- call progress analysis ----------------------------------------------------------------

    def _analyse(self, leg_id: LegId, spec: AnalysisSpec) -> None:
        found = self._network.analyse(leg_id, spec)
        if found is not None:
            verdict, after_s, reason = found
            self._listens(leg_id, after_s, LegAnalysed(leg_id, verdict, after_s, reason))

    def _await_beep(self, leg_id: LegId, limit_s: float) -> None:
        if self._network.is_deaf(leg_id, "tones"):
            return
        wait_s = self._network.beep_after_s(leg_id)
        if wait_s is not None and wait_s <= limit_s:
            self._listens(leg_id, wait_s, BeepAwaited(leg_id, heard=True))
        else:
            self._listens(leg_id, limit_s, BeepAwaited(leg_id, heard=False))

    def _listens(self, leg_id: LegId, delay_s: float, event: LegAnalysed | BeepAwaited) -> None:
        """Tell what was heard later, in place of what was listened for before."""
        leg = self._legs.get(leg_id)
        if leg is None:
            return
        if leg.listens is not None:
            leg.listens.cancel()
        leg.listens = self._after(delay_s, partial(self._emit_of, leg_id, event))

    def _press(self, leg_id: LegId) -> None:
        """Let a person who hears a prompt press a key."""
        pressed = self._network.hear_prompt(leg_id)
        if pressed is not None:
            delay_s, key = pressed
            self._after(delay_s, partial(self._emit_of, leg_id, LegDigit(leg_id, key)))

    def _stop_prompt(self, leg_id: LegId) -> None:
        playing = self._prompts.pop(leg_id, None)
        if playing is not None:
            playing.cancel()

    def _record(
        self,
        command: StartRecording
        | PauseRecording
        | ResumeRecording
        | StopRecording
        | FinishRecordings,
    ) -> None:
        match command:
            case StartRecording(leg_id, recording_id, notes):
                if leg_id in self._legs:
                    self._recorder.start(leg_id, recording_id, notes)
                else:
                    self._recorder.finish([recording_id])  # it crossed with the leg's end
            case PauseRecording(leg_id):
                self._recorder.pause(leg_id, paused=True)
            case ResumeRecording(leg_id):
                self._recorder.pause(leg_id, paused=False)
            case StopRecording(leg_id):
                self._recorder.stop(leg_id)
            case FinishRecordings(recording_ids):
                self._recorder.finish(recording_ids)

    # --- events --------------------------------------------------------------------------------

    def _finish_soon(self, leg_id: LegId, cause: Cause) -> None:
        """End a leg that the network does not know."""
        self._forget(leg_id)
        self._emit_soon(LegEnded(leg_id, cause))

    def _finish(
        self, leg_id: LegId, cause: Cause, status: int = 0, retry_after_s: float = 0.0
    ) -> None:
        if leg_id in self._legs:
            self._forget(leg_id)
            self._emit(LegEnded(leg_id, cause, status, retry_after_s))

    def _forget(self, leg_id: LegId) -> None:
        leg = self._legs.pop(leg_id)
        for handle in (leg.timer, leg.listens):
            if handle is not None:
                handle.cancel()
        self._stop_prompt(leg_id)
        self._recorder.stop(leg_id)

    def _emit_of(self, leg_id: LegId, event: TelephonyEvent) -> None:
        if leg_id in self._legs:
            self._emit(event)

    def _tell_later(self, delay_s: float, event: TelephonyEvent) -> None:
        self._after(delay_s, partial(self._emit, event))

    def _emit_soon(self, event: TelephonyEvent) -> None:
        self._clock.call_soon(partial(self._emit, event))

    def _emit(self, event: TelephonyEvent) -> None:
        if not self._dead:
            self._sink(event)

    def _after(self, delay_s: float, action: Callable[[], None]) -> Handle:
        return self._clock.call_later(delay_s, partial(self._unless_dead, action))

    def _unless_dead(self, action: Callable[[], None]) -> None:
        if not self._dead:
            action()
