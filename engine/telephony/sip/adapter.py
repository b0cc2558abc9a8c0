"""The production telephony port: commands of the engine as SIP legs and audio in the switch.

It owns the SIP socket, the user agent and the media client, and translates: identifiers, causes,
addresses. It decides nothing about calls; whether an INVITE may leave it asks the gate each time.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import assert_never

from engine.config import SipSettings
from engine.domain.causes import (
    GATE_CLOSED,
    HUNG_UP,
    MEDIA_LOST,
    NO_ANSWER,
    RELEASED,
    TIMED_OUT,
    UNREACHABLE,
    Cause,
    cause_of,
    cause_of_status,
    q850_of,
)
from engine.domain.ids import AgentId, LegId, TrunkId
from engine.domain.specs import TrunkSpec
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
    LegMeasured,
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
)
from engine.telephony.media import events as media
from engine.telephony.media.allocation import NoRoomError
from engine.telephony.media.g711 import Law
from engine.telephony.media.messages import Quality
from engine.telephony.media.pool import open_media
from engine.telephony.sip import events as sip
from engine.telephony.sip.grammar import ParseError
from engine.telephony.sip.media_switch import MakeMedia, MediaSwitch
from engine.telephony.sip.message import Request
from engine.telephony.sip.names import Names
from engine.telephony.sip.outgoing import OutgoingCall
from engine.telephony.sip.recording import CallRecorder, LegRecordings
from engine.telephony.sip.resolver import Resolver, Route, split_address
from engine.telephony.sip.sdp import PCMA, Direction, LocalMedia, RemoteMedia
from engine.telephony.sip.session import SHORTEST_S
from engine.telephony.sip.tokens import Tokens
from engine.telephony.sip.transactions import Destination
from engine.telephony.sip.transports import SipTransports
from engine.telephony.sip.trunks import Trunks
from engine.telephony.sip.uri import SipUri, escape_user, parse_uri
from engine.telephony.sip.user_agent import UserAgent

_NOT_ACCEPTABLE = cause_of_status(488)
_LEAVE_S = 2.0
"""How long a stop waits for carriers to take our registrations back. [s]"""
_PHONE_SESSION_S = 900
"""Session interval with agents' phones: one that lost its power is found within it. [s]"""


@dataclass(slots=True)
class _Leg:
    """What the adapter keeps of a leg.

    Attributes:
        call: What the gate is asked about; None for phones and audio legs.
        learn_from: The only address its audio may be learnt from, None: it is not learnt.
        cause: Why the engine ends it, once it does.
        audio: Whether it has no phone.
        sends: Whether the far end is meant to send to us.
        user: Whose registered phone it is; empty: none.
    """

    call: PlaceCall | None = None
    learn_from: str | None = None
    cause: Cause | None = None
    audio: bool = False
    sends: bool = True
    user: str = ""


class SipTelephony:
    """Telephony over SIP and RTP (``engine.ports.Telephony``)."""

    def __init__(
        self,
        settings: SipSettings,
        sink: Callable[[TelephonyEvent], None],
        gate: Gate,
        on_audio: Callable[[LegId, bytes], None],
        now: Callable[[], float],
        secret: bytes,
        life: str,
        make_media: MakeMedia = open_media,
        *,
        recorder: CallRecorder | None = None,
        holds_acks: bool = False,
    ) -> None:
        """Set up; ``start`` binds.

        Args:
            settings: Where SIP and RTP are spoken.
            sink: Takes events, never from inside ``perform``.
            gate: Asked before each INVITE to a called party.
            on_audio: Takes what audio legs hear.
            now: The engine's time. [s]
            secret: Of the installation, the same in each life: names of legs follow from it.
            life: Of this process, never used before with this secret.
            make_media: Makes the media client.
            recorder: Keeps what is recorded; None: nothing can be.
            holds_acks: Whether answers are acknowledged by ``confirm`` alone.
        """
        self._holds_acks = holds_acks
        self._settings = settings
        self._sink = sink
        self._gate = gate
        self._now = now
        self._tokens = Tokens(secret, life)
        self._transport = SipTransports(settings, now, self._is_known)
        self._media: MediaSwitch = make_media(
            media.MediaSettings(
                host=settings.media_host or settings.host,
                advertised_host=settings.media_advertised_host,
                ports=settings.media_ports,
                processes=settings.media_processes,
                lowest_port=settings.media_base_port,
                silent_ms=int(settings.rtp_silence_s * 1000),
                rings=recorder.rings if recorder is not None else (),
            ),
            self._on_media,
            on_audio,
        )
        self._recorder = recorder
        self._recordings = LegRecordings(self._media, recorder, self._emit)
        self._resolver = Resolver(_names(settings.name_server))
        self._trunks = Trunks(
            self._resolver,
            self._send_options,
            self._emit,
            self._transport.trust,
            self._on_trunk_found,
        )
        self._passwords: dict[str, str] = {}
        self._registered: set[str] = set()
        self._legs: dict[LegId, _Leg] = {}
        self._old: dict[str, list[EndOldLeg]] = {}
        self._queue: deque[TelephonyEvent] = deque()
        self._left = asyncio.Event()
        self._agent: UserAgent | None = None

    # --- life ----------------------------------------------------------------------------------

    async def start(self) -> tuple[str, int]:
        """Bind SIP and start the switch; returns the SIP address.

        Raises:
            OSError: An address cannot be bound.
            TimeoutError: The switch does not begin its work.
            InvalidRequestError: A file of TLS is missing or wrong.
        """
        host, port = await self._transport.open()
        self._agent = UserAgent(
            self._shown_host,
            port,
            self._tokens,
            self._transport.send,
            self._on_sip,
            self._may_send,
            self._screen,
            self._settings.realm,
            self._passwords.get,
            tls_port=self._transport.tls_port,
        )
        self._transport.attach(self._agent)
        try:
            if self._recorder is not None:
                await self._recorder.start(self._emit)
            await self._media.start()
        except BaseException:
            await self._transport.close()
            if self._recorder is not None:
                await self._recorder.stop()
            raise
        return host, port

    async def stop(self) -> None:
        """Close the socket and the switch; legs should have been ended before."""
        await self._leave_carriers()
        self._trunks.close()
        await self._resolver.close()
        await self._transport.close()
        await self._media.stop()
        if self._recorder is not None:
            await self._recorder.stop()

    async def _leave_carriers(self) -> None:
        """Take our registrations back, as far as carriers answer in time."""
        agent = self._agent
        if agent is None or not agent.open_registrations:
            return
        agent.unregister_all(self._now())
        self._transport.rearm()
        if agent.open_registrations:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._left.wait(), _LEAVE_S)

    @property
    def address(self) -> tuple[str, int]:
        """Host and port of SIP, as bound."""
        return self._transport.address

    @property
    def _shown_host(self) -> str:
        """Address of SIP that peers are shown."""
        return self._settings.advertised_host or self._transport.address[0]

    @property
    def tls_port(self) -> int:
        """Port of SIP over TLS, as bound; 0: there is none."""
        return self._transport.tls_port

    @property
    def open_connections(self) -> int:
        """TCP and TLS connections of SIP. [connections]"""
        return self._transport.open_connections

    @property
    def counts(self) -> Mapping[str, int]:
        """What SIP dropped, refused and mended, by name."""
        return {**self._user_agent.counts, **self._transport.counts}

    # --- the port ------------------------------------------------------------------------------

    def identify(self, leg_id: LegId) -> DialogSeed:
        """Return Call-ID and branch that an INVITE for ``leg_id`` will carry; a pure function."""
        names = self._tokens.leg(leg_id)
        return DialogSeed(names.call_id, names.branch(0))

    def send_audio(self, leg_id: LegId, pcm: bytes) -> None:
        """Speak 20 ms of PCM16 at 8 kHz (320 octets) from an audio leg."""
        self._media.send_audio(leg_id, pcm)

    def confirm(self, leg_id: LegId) -> None:
        """Acknowledge an answer, now that its dialog is durable (C2)."""
        self._user_agent.confirm(leg_id)

    def perform(self, command: TelephonyCommand, now_s: float) -> None:
        """Carry out a command; what comes of it arrives as events."""
        match command:
            case PlaceCall():
                self._place_call(command, now_s)
            case CallPhone():
                self._call_phone(command, now_s)
            case HangUp():
                self._hang_up(command.leg_id, command.cause, now_s)
            case EndOldLeg():
                self._end_old_leg(command, now_s)
            case SetPhone() | DropPhone() | SetTrunk() | DropTrunk():
                self._configure(command)
            case OpenAudioLeg() | SetMix() | PlayPrompt() | StopPrompt():
                self._change_audio(command)
            case AnalyseLeg() | AwaitBeep():
                self._listen(command)
            case StartRecording(leg_id) | PauseRecording(leg_id) | ResumeRecording(leg_id):
                self._recordings.perform(command, leg_open=leg_id in self._legs)
            case StopRecording() | FinishRecordings():
                self._recordings.perform(command, leg_open=True)
            case _:
                assert_never(command)
        self._transport.rearm()

    def _listen(self, command: AnalyseLeg | AwaitBeep) -> None:
        """Have a leg listened to; one that is over meanwhile tells its end, and nothing else."""
        if command.leg_id not in self._legs:
            return
        match command:
            case AnalyseLeg(leg_id, spec):
                self._media.analyse(leg_id, spec)
            case AwaitBeep(leg_id, limit_s):
                self._media.await_beep(leg_id, limit_s)

    def _configure(self, command: SetPhone | DropPhone | SetTrunk | DropTrunk) -> None:
        match command:
            case SetTrunk(spec):
                self._trunks.set(spec)
                if not self._trunks.registers(spec.trunk_id):
                    self._user_agent.unregister(spec.trunk_id, self._now())
            case DropTrunk(trunk_id):
                self._trunks.drop(trunk_id)
                self._user_agent.unregister(trunk_id, self._now())
            case SetPhone(spec):
                self._set_phone(spec.agent_id, spec.phone_password, spec.phone)
            case DropPhone(agent_id):
                self._set_phone(agent_id, "", "")

    def _change_audio(self, command: OpenAudioLeg | SetMix | PlayPrompt | StopPrompt) -> None:
        match command:
            case OpenAudioLeg(leg_id):
                self._open_audio_leg(leg_id)
            case SetMix(rows):
                self._media.mix(rows)
            case PlayPrompt(leg_id, prompt, loop):
                if leg_id in self._legs:
                    self._media.play(leg_id, prompt, loop=loop)
            case StopPrompt(leg_id):
                self._media.stop_play(leg_id)

    # --- legs ----------------------------------------------------------------------------------

    def _place_call(self, command: PlaceCall, now_s: float) -> None:
        found = self._trunks.find(command.trunk_id)
        if found is None:
            self._emit(LegEnded(command.leg_id, UNREACHABLE))
            return
        trunk, (first, *others) = found
        # Trunks send audio from where their description says: nothing else is learnt.
        local = self._open(command.leg_id, _Leg(call=command), learn=False)
        if local is None:
            return
        number = escape_user(command.number)
        caller = escape_user(command.caller_id)
        call = OutgoingCall(
            command.leg_id,
            f"sip:{number}@{trunk.domain}",
            f"sip:{caller}@{trunk.spec.domain or trunk.host}",
            first,
            local,
            command.caller_name,
            credentials=trunk.credentials,
            alternatives=tuple(others),
            ring_s=command.no_answer_s,
            holds_ack=self._holds_acks,
            session_s=_session_s(trunk.spec.session_s),
            reliable=trunk.spec.reliable,
            asserted=trunk.spec.assert_identity,
            private=trunk.spec.privacy,
            diverted_from=_diversion(trunk.spec, trunk.domain),
        )
        self._user_agent.invite(call, now_s)

    def _call_phone(self, command: CallPhone, now_s: float) -> None:
        found = self._find_phone(command.agent_id, command.address, now_s)
        if found is None:
            self._emit(LegEnded(command.leg_id, UNREACHABLE))
            return
        target, destination = found
        user = "" if command.address else command.agent_id
        local = self._open(command.leg_id, _Leg(learn_from=destination.host, user=user), learn=True)
        if local is None:
            return
        call = OutgoingCall(
            command.leg_id,
            target,
            f"sip:{escape_user(command.caller_id)}@{self._shown_host}",
            destination,
            local,
            pinned=not command.address,
            ring_s=command.no_answer_s,
            holds_ack=self._holds_acks,
            session_s=_PHONE_SESSION_S,
        )
        self._user_agent.invite(call, now_s)

    def _find_phone(
        self, agent_id: str, address: str, now_s: float
    ) -> tuple[str, Destination] | None:
        """Return URI and address of a phone, fixed or registered, None if it has none now."""
        if not address:
            binding = self._user_agent.find_binding(agent_id, now_s)
            return (binding.contact, binding.source) if binding else None
        uri = _read_uri(address)
        if uri is None:
            return None
        found = self._resolver.find(_route(uri))
        return (str(uri), found[0]) if found else None

    def _open(self, leg_id: LegId, leg: _Leg, *, learn: bool) -> LocalMedia | None:
        """Give a leg its place in the switch; without room it ends at once."""
        try:
            endpoint = self._media.allocate(leg_id, learn=learn)
        except NoRoomError:
            self._emit(LegEnded(leg_id, UNREACHABLE))
            return None
        self._legs[leg_id] = leg
        return LocalMedia(endpoint.host, endpoint.port)

    def _open_audio_leg(self, leg_id: LegId) -> None:
        try:
            self._media.open_audio(leg_id)
        except NoRoomError:
            self._emit(LegEnded(leg_id, UNREACHABLE))
            return
        self._legs[leg_id] = _Leg(audio=True)
        self._emit(LegAnswered(leg_id, b""))

    def _hang_up(self, leg_id: LegId, cause: Cause, now_s: float) -> None:
        leg = self._legs.get(leg_id)
        if leg is None:
            return
        leg.cause = leg.cause or cause
        if leg.audio:
            self._close(leg_id)
            self._emit(LegEnded(leg_id, cause))
        else:
            self._user_agent.hang_up(leg_id, now_s, f"Q.850;cause={q850_of(cause)}")

    def _close(self, leg_id: LegId) -> None:
        self._legs.pop(leg_id, None)
        self._recordings.end(leg_id)
        self._media.release(leg_id)

    def _end_old_leg(self, command: EndOldLeg, now_s: float) -> None:
        """End a leg of an earlier life, or as soon as the way to it is known again."""
        if command.trunk_id:
            found = self._trunks.find(command.trunk_id)
            if found is not None:
                target = f"sip:{escape_user(command.target)}@{found[0].domain}"
                self._end_at(command, target, found[1], now_s)
            elif not self._end_directly(command, now_s):
                self._old.setdefault(f"trunk {command.trunk_id}", []).append(command)
        else:
            fixed = ":" in command.target
            phone = self._find_phone(command.target, command.target if fixed else "", now_s)
            if phone is not None:
                self._end_at(command, phone[0], phone[1:], now_s)
            elif not self._end_directly(command, now_s):
                self._old.setdefault(f"phone {command.target}", []).append(command)

    def _end_directly(self, command: EndOldLeg, now_s: float) -> bool:
        """Say goodbye by the stored dialog alone, if the way it knows is open without more."""
        if not command.dialog or not self._user_agent.can_leave(command.dialog):
            return False
        self._end_at(command, "", (Destination("", 0),), now_s)
        return True

    def _end_at(
        self,
        command: EndOldLeg,
        target: str,
        destinations: tuple[Destination, ...],
        now_s: float,
    ) -> None:
        try:
            first, *others = destinations
            self._user_agent.end_old_leg(
                command.leg_id, command.dialog, target, first, now_s, others
            )
        except ParseError:
            self._end_old_leg(
                EndOldLeg(command.leg_id, b"", command.target, command.trunk_id), now_s
            )

    def _end_waiting(self, key: str) -> None:
        """End old legs that waited for a trunk's address or a phone's registration."""
        for command in self._old.pop(key, ()):
            self._end_old_leg(command, self._now())

    # --- phones and trunks ---------------------------------------------------------------------

    def _on_trunk_found(self, trunk_id: TrunkId) -> None:
        """Register at a trunk whose address is known, and end what waited for that."""
        self._end_waiting(f"trunk {trunk_id}")
        account = self._trunks.account(trunk_id)
        if account is not None:
            self._user_agent.register(
                account, lambda: self._trunks.destinations(trunk_id), self._now()
            )
            self._transport.rearm()

    def _set_phone(self, agent_id: AgentId, password: str, address: str) -> None:
        if password:
            self._passwords[agent_id] = password
        elif self._passwords.pop(agent_id, None) is not None:
            self._user_agent.forget_phone(agent_id)
            self._unregister(agent_id)
        uri = _read_uri(address) if address else None
        if uri is not None:
            self._resolver.ask(_route(uri), lambda: None)

    def _unregister(self, user: str) -> None:
        if user in self._registered:
            self._registered.discard(user)
            self._emit(PhoneUnregistered(AgentId(user)))

    def _send_options(self, key: str, target: str, destination: Destination) -> None:
        self._user_agent.options(key, target, destination, self._now())
        self._transport.rearm()

    def _screen(self, request: Request, source: Destination) -> int:
        """Serve OPTIONS to peers; there is no way in for calls (invariant P8)."""
        return 200 if self._is_known(source) and request.method == "OPTIONS" else 403

    def _is_known(self, source: Destination) -> bool:
        """Say whether a trunk or a registered phone is at an address."""
        return self._trunks.is_source(source.host) or self._user_agent.is_phone(source)

    def _may_send(self, leg_id: str) -> bool:
        leg = self._legs.get(LegId(leg_id))
        if leg is None:
            return False
        return leg.call is None or self._gate.may_leave(leg.call, self._now()) is None

    # --- events --------------------------------------------------------------------------------

    def _on_sip(self, event: sip.AnyEvent) -> None:
        match event:
            case sip.Ringing(leg_id):
                self._emit(LegRinging(LegId(leg_id)))
            case sip.Answered(leg_id, remote):
                self._on_answered(LegId(leg_id), remote)
            case sip.MediaChanged(leg_id, remote):
                self._connect(LegId(leg_id), remote)
            case sip.Ended():
                self._on_ended(event)
            case sip.DigitPressed(leg_id, digit):
                self._emit(LegDigit(LegId(leg_id), digit))
            case sip.Registered(user, binding):
                self._on_registered(user, binding.source)
            case sip.Unregistered(user):
                self._unregister(user)
            case sip.OptionsAnswered() | sip.RegistrationChanged() | sip.RegistrationOver():
                self._on_trunk(event)
            case sip.Trying() | sip.ReofferRefused() | sip.Incoming():
                pass  # the port has no word for them; nothing comes in (see ``_screen``)
            case _:
                assert_never(event)

    def _on_trunk(
        self, event: sip.OptionsAnswered | sip.RegistrationChanged | sip.RegistrationOver
    ) -> None:
        match event:
            case sip.OptionsAnswered(key, status):
                self._trunks.on_options(key, status)
            case sip.RegistrationChanged(key, registered, _, reason):
                self._trunks.on_registered(TrunkId(key), registered, reason)
            case sip.RegistrationOver():
                if not self._user_agent.open_registrations:
                    self._left.set()

    def _on_answered(self, leg_id: LegId, remote: RemoteMedia) -> None:
        if self._connect(leg_id, remote):
            self._emit(LegAnswered(leg_id, self._user_agent.dialog_state(leg_id)))

    def _connect(self, leg_id: LegId, remote: RemoteMedia) -> bool:
        """Tie the leg's audio to the far end's; False ends a leg that RTP cannot reach."""
        leg = self._legs.get(leg_id)
        if leg is None:
            return False
        leg.sends = remote.direction in (Direction.SENDRECV, Direction.SENDONLY)
        try:
            self._media.connect(
                leg_id,
                remote.host,
                remote.port,
                law=Law.A if remote.codecs[:1] == (PCMA,) else Law.MU,
                event_type=remote.event if remote.event >= 0 else None,
                sends=not remote.held,
                learn_from=leg.learn_from,
            )
        except media.UnusableAddressError:
            self._hang_up(leg_id, _NOT_ACCEPTABLE, self._now())
            return False
        return True

    def _on_ended(self, event: sip.Ended) -> None:
        leg_id = LegId(event.leg_id)
        leg = self._legs.get(leg_id)
        if leg is None:
            return
        self._close(leg_id)
        refused = event.why == "refused"
        self._emit(
            LegEnded(
                leg_id,
                _cause_of(event, leg.cause),
                event.status if refused else 0,
                event.retry_after_s if refused else 0.0,
                event.q850,
            )
        )

    def _on_registered(self, user: str, source: Destination) -> None:
        for leg_id in [each for each, leg in self._legs.items() if leg.user == user]:
            self._user_agent.redirect(leg_id, source, self._transport.is_open)
        if user not in self._registered:
            self._registered.add(user)
            self._emit(PhoneRegistered(AgentId(user)))
        self._end_waiting(f"phone {user}")

    def _on_media(self, event: media.MediaEvent) -> None:
        match event:
            case media.DigitPressed(leg_id, digit):
                self._emit(LegDigit(leg_id, digit))
            case media.PromptEnded(leg_id):
                self._emit(PromptEnded(leg_id))
            case media.PromptFailed(leg_id):
                self._emit(PromptEnded(leg_id, heard=False))
            case media.LegFellSilent(leg_id):
                leg = self._legs.get(leg_id)
                if leg is not None and leg.sends:
                    self._hang_up(leg_id, MEDIA_LOST, self._now())
                    self._transport.rearm()
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

    def _emit(self, event: TelephonyEvent) -> None:
        """Hand an event over at the next turn of the loop, in order."""
        if not self._queue:
            asyncio.get_running_loop().call_soon(self._flush)
        self._queue.append(event)

    def _flush(self) -> None:
        events, self._queue = self._queue, deque()
        for event in events:
            self._sink(event)

    @property
    def _user_agent(self) -> UserAgent:
        if self._agent is None:
            raise RuntimeError("telephony has not been started")
        return self._agent


def _cause_of(event: sip.Ended, wanted: Cause | None) -> Cause:
    """Return the cause of an end: the engine's own if it wanted it, else what SIP says."""
    match event.why:
        case "refused":
            return cause_of(event.status, event.q850)
        case "hung-up":
            return HUNG_UP
        case "released":
            return wanted or RELEASED
        case "cancelled" | "crossed":
            return wanted or NO_ANSWER
        case "gate-closed":
            return GATE_CLOSED
        case "timed-out":
            return UNREACHABLE if event.status == 503 else TIMED_OUT
        case _:
            return _NOT_ACCEPTABLE


def _names(server: str) -> Names:
    """Return what name servers are asked by: the one set, or the system's."""
    if not server:
        return Names()
    host, port = split_address(server)
    return Names(host, port or 53)


def _route(uri: SipUri) -> Route:
    """Return the way to a fixed phone; a URI that asks for no transport goes by UDP."""
    told = uri.transport
    return Route(uri.host.strip("[]"), uri.port, told if told in ("TCP", "TLS") else "UDP")


def _session_s(wanted_s: float) -> int:
    """Return the session interval to ask for, 0 if none is wished. [s]"""
    return max(int(wanted_s), SHORTEST_S) if wanted_s > 0 else 0


def _diversion(spec: TrunkSpec, host: str) -> str:
    """Return the URI that a trunk's calls are said to be diverted from, empty if none."""
    return f"sip:{escape_user(spec.diversion)}@{host}" if spec.diversion else ""


def _read_uri(address: str) -> SipUri | None:
    try:
        return parse_uri(address)
    except ParseError:
        return None
