"""The production telephony port: commands of the engine as SIP legs and audio in the switch.

It owns the SIP socket, the user agent and the media client, and translates: identifiers, causes,
addresses. It decides nothing about calls; whether an INVITE may leave it asks the gate each time.
"""

import asyncio
import secrets
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import assert_never

from engine.config import SipSettings
from engine.domain.causes import Cause
from engine.domain.ids import LegId, TrunkId
from engine.domain.specs import Need
from engine.ports import (
    CallPhone,
    DialogSeed,
    DropPhone,
    DropTrunk,
    EndOldLeg,
    Gate,
    HangUp,
    LegDigit,
    LegRinging,
    PlaceCall,
    SetPhone,
    SetTrunk,
    TelephonyCommand,
    TelephonyEvent,
)
from engine.telephony.media import events as media
from engine.telephony.media.pool import open_media
from engine.telephony.sip import events as sip
from engine.telephony.sip.destination import Destination
from engine.telephony.sip.leftovers import Leftovers
from engine.telephony.sip.leg_audio import LegAudio
from engine.telephony.sip.leg_events import LegEvents
from engine.telephony.sip.media_switch import MakeMedia, MediaSwitch
from engine.telephony.sip.message import Request
from engine.telephony.sip.names import Names
from engine.telephony.sip.outbox import EventOutbox
from engine.telephony.sip.phones import Phones
from engine.telephony.sip.placing import Placing
from engine.telephony.sip.recording import CallRecorder
from engine.telephony.sip.resolver import Resolver, split_address
from engine.telephony.sip.tokens import Tokens
from engine.telephony.sip.transports import SipTransports
from engine.telephony.sip.trunks import Trunks
from engine.telephony.sip.user_agent import UserAgent

_LEAVE_S = 2.0
"""How long a stop waits for carriers to take our registrations back. [s]"""


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
        self._settings = settings
        self._sink = sink
        self._gate = gate
        self._now = now
        self._tokens = Tokens(secret, life)
        self._transport = SipTransports(settings, now, self._is_known, self._is_known_host)
        self._outbox = EventOutbox(sink)
        self._emit = self._outbox.put
        self._recorder = recorder
        media_settings = _media_settings(settings, recorder)
        self._audio = LegAudio(
            lambda on_event: make_media(media_settings, on_event, on_audio),
            recorder,
            self._emit,
            self._end,
            secrets.token_bytes,
        )
        self._legs = self._audio.legs
        self._media: MediaSwitch = self._audio.switch
        resolver = self._resolver = Resolver(_names(settings.name_server))
        self._trunks = Trunks(
            resolver, self._send_options, self._emit, self._transport.trust, self._on_trunk_found
        )
        self._phones = Phones(resolver, lambda: self._user_agent, self._emit, self._on_phone_found)
        self._leftovers = Leftovers(lambda: self._user_agent, self._trunks, self._phones)
        self._placing = Placing(
            lambda: self._user_agent,
            self._trunks,
            self._phones,
            self._audio,
            self._emit,
            lambda: self._shown_host,
            Need(settings.phone_srtp),
            holds_acks=holds_acks,
        )
        self._leg_events = LegEvents(
            lambda: self._user_agent,
            self._audio,
            self._emit,
            lambda leg_id, cause: self._placing.hang_up(leg_id, cause, now()),
        )
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
            self._phones.find_password,
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
        self._left.clear()  # registrations dropped before have set it
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
                self._placing.call_number(command, now_s)
            case CallPhone():
                self._placing.call_phone(command, now_s)
            case HangUp():
                self._placing.hang_up(command.leg_id, command.cause, now_s)
            case EndOldLeg():
                self._leftovers.end(command, now_s)
            case SetPhone() | DropPhone() | SetTrunk() | DropTrunk():
                self._configure(command)
            case _:
                self._audio.perform(command)
        self._transport.rearm()

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
                self._phones.set(spec.agent_id, spec.phone_password, spec.phone)
            case DropPhone(agent_id):
                self._phones.set(agent_id, "", "")

    # --- legs ----------------------------------------------------------------------------------

    def _end(self, leg_id: LegId, cause: Cause) -> None:
        """End a leg for what came of its audio."""
        self._placing.hang_up(leg_id, cause, self._now())
        self._transport.rearm()

    # --- phones and trunks ---------------------------------------------------------------------

    def _on_trunk_found(self, trunk_id: TrunkId) -> None:
        """Register at a trunk whose address is known, and end what waited for that."""
        self._leftovers.found_trunk(trunk_id, self._now())
        account = self._trunks.account(trunk_id)
        if account is not None:
            self._user_agent.register(
                account, lambda: self._trunks.destinations(trunk_id), self._now()
            )
            self._transport.rearm()

    def _on_phone_found(self, phone: str) -> None:
        """End what waited for a phone, by its agent's id or its address."""
        self._leftovers.found_phone(phone, self._now())
        self._transport.rearm()

    def _send_options(self, key: str, target: str, destination: Destination) -> None:
        self._user_agent.options(key, target, destination, self._now())
        self._transport.rearm()

    def _screen(self, request: Request, source: Destination) -> int:
        """Serve OPTIONS to peers; there is no way in for calls (invariant P8)."""
        return 200 if self._is_known(source) and request.method == "OPTIONS" else 403

    def _is_known(self, source: Destination) -> bool:
        """Say whether a trunk or a registered phone is at an address."""
        return self._trunks.is_source(source.host) or self._user_agent.is_phone(source)

    def _is_known_host(self, host: str) -> bool:
        """Say whether a trunk or a registered phone is at a host, at whatever port."""
        return self._trunks.is_source(host) or self._user_agent.is_phone_host(host)

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
            case sip.Answered():
                self._leg_events.answered(event)
            case sip.MediaChanged():
                self._leg_events.connect(event)
            case sip.Moved(leg_id):
                self._leg_events.moved(LegId(leg_id))
            case sip.Ended():
                self._leg_events.ended(event)
            case sip.DigitPressed(leg_id, digit):
                self._emit(LegDigit(LegId(leg_id), digit))
            case sip.Registered(user, binding):
                self._leg_events.registered(user, binding.source, self._transport.is_open)
                self._phones.registered(user)
            case sip.Unregistered(user):
                self._phones.unregistered(user)
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

    @property
    def _user_agent(self) -> UserAgent:
        if self._agent is None:
            raise RuntimeError("telephony has not been started")
        return self._agent


def _media_settings(settings: SipSettings, recorder: CallRecorder | None) -> media.MediaSettings:
    """Return what the switch is told at its start."""
    return media.MediaSettings(
        host=settings.media_host or settings.host,
        advertised_host=settings.media_advertised_host,
        ports=settings.media_ports,
        processes=settings.media_processes,
        lowest_port=settings.media_base_port,
        silent_ms=int(settings.rtp_silence_s * 1000),
        rings=recorder.rings if recorder is not None else (),
    )


def _names(server: str) -> Names:
    """Return what name servers are asked by: the one set, or the system's."""
    if not server:
        return Names()
    host, port = split_address(server)
    return Names(host, port or 53)
