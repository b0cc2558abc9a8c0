"""Answer for the engine's side of the media switch: what is wanted of every leg.

The client owns the places of legs, so an SDP can be written at once; it keeps what is wanted of
every leg, so a switch that dies is replaced by the standby and goes on, on the same ports, with the
same SSRCs and the same sources. Commands are fire and forget; what comes of them are events.
"""

import asyncio
import itertools
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from ipaddress import IPv4Address
from typing import Final

from engine.domain.analysis import AnalysisSpec
from engine.domain.ids import LegId
from engine.telephony.audio_keys import AudioKeys
from engine.telephony.media import messages
from engine.telephony.media.allocation import Allocation, Place
from engine.telephony.media.core import TICK_MS
from engine.telephony.media.encryption import HIGHEST_INDEX, LOWEST_INDEX, encrypt
from engine.telephony.media.events import (
    DigitPressed,
    Endpoint,
    LegFellSilent,
    LegHeard,
    LegQuality,
    LegResumed,
    MediaEvent,
    MediaSettings,
    SwitchLost,
    SwitchRestored,
    UnknownMediaLegError,
    UnusableAddressError,
)
from engine.telephony.media.g711 import Law
from engine.telephony.media.keeper import SwitchKeeper
from engine.telephony.media.prompts import tone_name
from engine.telephony.media.wanted import (
    WantedLeg,
    end_ask,
    end_play,
    everything,
    give_up_analysis,
    ip_number,
    keep_source,
    with_source,
)

STATS_WAIT_S: Final = 2.0
"""How long an answer to ``stats`` is waited for. [s]"""


class MediaClient:
    """A media switch, as the telephony adapter sees it. Belongs to one running event loop.

    Args:
        settings: How the switch is set up.
        on_event: Told what happens on legs.
        on_audio: Told 20 ms of PCM16 at 8 kHz that an audio leg hears.
    """

    def __init__(
        self,
        settings: MediaSettings,
        on_event: Callable[[MediaEvent], None],
        on_audio: Callable[[LegId, bytes], None] = lambda _leg_id, _pcm: None,
    ) -> None:
        self._settings = settings
        self._on_event, self._on_audio = on_event, on_audio
        self._legs: dict[LegId, WantedLeg] = {}
        self._named: dict[int, LegId] = {}
        self._ended: dict[int, LegId] = {}
        self._allocation = Allocation(settings.most_legs, settings.ports)
        self._keeper = SwitchKeeper(settings, self)
        self._outbox: list[messages.Command] = []
        self._freed: list[Place] = []
        self._leaving: list[tuple[int, Place]] = []
        self._numbers = itertools.count(1)
        self._questions: dict[int, asyncio.Future[messages.Stats]] = {}

    @property
    def pid(self) -> int | None:
        """Return the process id of the switch at work, None while there is none."""
        return self._keeper.pid

    async def start(self) -> None:
        """Bind the ports and start the switch.

        Raises:
            NoRoomError: There are not enough free ports.
            OSError: The process cannot be started.
            TimeoutError: It was started and does not work.
        """
        await self._keeper.start()

    async def stop(self) -> None:
        """End the switch and give the ports back."""
        await self._keeper.stop()

    # --- legs ------------------------------------------------------------------------------

    def allocate(self, leg_id: LegId, *, learn: bool = True) -> Endpoint:
        """Give a leg its local endpoint, at once and without asking the switch.

        Args:
            leg_id: A new leg.
            learn: Whether a source other than the negotiated address may be learnt (a phone
                behind NAT). Give False for trunks, whose media come from where their SDP says:
                such legs can be many before they are heard.

        Raises:
            NoRoomError: Every row is in use.
        """
        place = self._allocation.take(learns=learn)
        leg = self._add(leg_id, place)
        self._tell(messages.Open(place.row, place.port, leg.ssrc))
        host = self._settings.advertised_host or self._settings.host
        return Endpoint(host, self._keeper.udp_port(place.port))

    def open_audio(self, leg_id: LegId) -> None:
        """Begin a leg without a phone: ``send_audio`` speaks, ``on_audio`` hears.

        Raises:
            NoRoomError: Every row is in use.
        """
        place = self._allocation.take_audio()
        self._add(leg_id, place)
        self._tell(messages.OpenAudio(place.row))

    def open_ghost(self, leg_id: LegId, key: int) -> int:
        """Begin the ghost of a leg of another switch, to be heard here under the leg's own name.

        Args:
            leg_id: The leg.
            key: Above 0, and never used before.

        Returns:
            Its row, for ``forward`` at the leg's own switch.

        Raises:
            NoRoomError: Every row is in use.
        """
        place = self._allocation.take_audio()
        self._add(leg_id, place).ghost_key = key
        self._tell(messages.OpenGhost(place.row, key))
        return place.row

    def forward(self, leg_id: LegId, peer: int, row: int, key: int) -> None:
        """Let another switch hear a leg of ours.

        Args:
            leg_id: The leg.
            peer: Place of the other switch's socket in ``MediaSettings.peers``.
            row: Row of its ghost there.
            key: Key of that ghost.

        Raises:
            UnknownMediaLegError: There is no such leg.
        """
        leg = self._get(leg_id)
        leg.forwards[peer] = messages.Forward(leg.place.row, peer, row, key)
        self._tell(leg.forwards[peer])

    def stop_forward(self, leg_id: LegId, peer: int) -> None:
        """Let another switch no longer hear a leg; a leg that is released is not heard anyway."""
        leg = self._legs.get(leg_id)
        if leg and leg.forwards.pop(peer, None):
            self._tell(messages.StopForward(leg.place.row, peer))

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
        leg = self._get(leg_id)
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
        self._encrypt(leg, keys, sends=sends and wanted.ip != 0)
        leg.connected = keep_source(leg.connected, wanted)
        self._tell(wanted)

    def _encrypt(self, leg: WantedLeg, keys: AudioKeys | None, *, sends: bool) -> None:
        """Tell the switch by what a leg is encrypted, if that is new."""
        before, tick = leg.encrypted, self._tick()
        if keys is None:
            leg.encrypted = None
            if before:
                self._tell(messages.Secure(leg.place.row, "", b"", b"", 0, 0))
            return
        first = LOWEST_INDEX + secrets.randbelow(HIGHEST_INDEX - LOWEST_INDEX)
        leg.encrypted = encrypt(before, leg.place.row, keys, first, tick)
        if before is None or leg.encrypted.secure != before.secure:
            self._tell(leg.encrypted.secure)
        leg.encrypted.note(sends=sends, tick=tick)

    def _tick(self) -> int:
        """Return the tick now, as the switch counts them."""
        return int(time.monotonic() * 1000 / TICK_MS)

    def mix(self, rows: Mapping[LegId, tuple[LegId, ...]]) -> None:
        """Say whom listeners hear, all at one tick; others stay as they are.

        Legs that are released already are passed over: a row may cross with a hang-up.
        """
        wanted: dict[int, tuple[int, ...]] = {}
        for leg_id, sources in rows.items():
            if leg_id in self._legs:
                known = tuple(source for source in sources if source in self._legs)
                self._legs[leg_id].hears = known
                wanted[self._row(leg_id)] = tuple(self._row(source) for source in known)
        self._tell(messages.Mix(wanted))

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
        leg = self._get(leg_id)
        leg.play = messages.Play(leg.place.row, next(self._numbers), prompt, loop, instead)
        self._tell(leg.play)

    def tone(self, leg_id: LegId, hz: float, level_dbm0: float = -16.0) -> None:
        """Play a sine to a leg until stopped."""
        self.play(leg_id, tone_name(hz, level_dbm0), loop=True)

    def stop_play(self, leg_id: LegId) -> None:
        """Stop what is played to a leg; a leg that is released already has nothing to stop."""
        leg = self._legs.get(leg_id)
        if leg:
            leg.play = None
            self._tell(messages.StopPlay(leg.place.row))

    def record(self, leg_id: LegId, key: int) -> None:
        """Give the recorder what a leg says and hears, from the next tick on.

        Raises:
            UnknownMediaLegError: There is no such leg.
        """
        leg = self._get(leg_id)
        leg.recorded = messages.Record(leg.place.row, key, paused=False)
        self._tell(leg.recorded)

    def pause_recording(self, leg_id: LegId, *, paused: bool) -> None:
        """Give the recorder silence in place of a leg's audio, or the audio again."""
        leg = self._legs.get(leg_id)
        if leg and leg.recorded:
            leg.recorded = messages.Record(leg.place.row, leg.recorded.key, paused)
            self._tell(leg.recorded)

    def stop_recording(self, leg_id: LegId) -> None:
        """Give the recorder nothing more of a leg; one that is released has nothing to give."""
        leg = self._legs.get(leg_id)
        if leg and leg.recorded:
            leg.recorded = None
            self._tell(messages.StopRecord(leg.place.row))

    def analyse(self, leg_id: LegId, spec: AnalysisSpec) -> None:
        """Find out what answered a leg; ``LegAnalysed`` follows, whatever becomes of the switch.

        Raises:
            UnknownMediaLegError: There is no such leg.
        """
        leg = self._get(leg_id)
        self._ask(leg, messages.Analyse(leg.place.row, next(self._numbers), spec), spec.limit_s)

    def await_beep(self, leg_id: LegId, limit_s: float) -> None:
        """Wait for a machine's tone; ``BeepAwaited`` follows. It replaces an analysis.

        Raises:
            UnknownMediaLegError: There is no such leg.
        """
        leg = self._get(leg_id)
        self._ask(leg, messages.AwaitBeep(leg.place.row, next(self._numbers), limit_s), limit_s)

    def _ask(
        self, leg: WantedLeg, asked: messages.Analyse | messages.AwaitBeep, limit_s: float
    ) -> None:
        leg.asked = asked
        leg.asked_until_s = asyncio.get_running_loop().time() + limit_s
        self._tell(asked)

    def send_audio(self, leg_id: LegId, pcm: bytes) -> None:
        """Speak 20 ms of PCM16 at 8 kHz (320 octets) from an audio leg."""
        leg = self._legs.get(leg_id)
        if leg:
            self._tell(messages.Audio(leg.place.row, pcm))

    def release(self, leg_id: LegId) -> None:
        """End a leg; releasing it twice is no fault."""
        leg = self._legs.pop(leg_id, None)
        if leg is None:
            return
        del self._named[leg.place.row]
        self._ended[leg.place.row] = leg_id
        self._allocation.leave_port(leg.place)
        self._freed.append(leg.place)
        self._tell(messages.Release(leg.place.row))

    async def stats(self) -> messages.Stats:
        """Return what the switch did since its start.

        Raises:
            TimeoutError: The switch does not answer, or died meanwhile.
        """
        ticket = next(self._numbers)
        answer: asyncio.Future[messages.Stats] = asyncio.get_running_loop().create_future()
        self._questions[ticket] = answer
        self._tell(messages.DescribeStats(ticket))
        try:
            async with asyncio.timeout(STATS_WAIT_S):
                return await answer
        finally:
            del self._questions[ticket]

    def _add(self, leg_id: LegId, place: Place) -> WantedLeg:
        if leg_id in self._legs:
            raise ValueError(f"leg {leg_id} has its place already")
        leg = self._legs[leg_id] = WantedLeg(place, secrets.randbits(32))
        self._named[place.row] = leg_id
        self._ended.pop(place.row, None)
        return leg

    def _get(self, leg_id: LegId) -> WantedLeg:
        try:
            return self._legs[leg_id]
        except KeyError:
            raise UnknownMediaLegError(leg_id) from None

    def _row(self, leg_id: LegId) -> int:
        return self._legs[leg_id].place.row

    # --- what the switch is told -----------------------------------------------------------

    def begin(self) -> Sequence[messages.Command]:
        """Return all that is wanted, for a process that has just become the switch."""
        self._outbox.clear()
        for place in [*self._freed, *(place for _, place in self._leaving)]:
            self._allocation.free(place)
        self._freed.clear()
        self._leaving.clear()
        return everything(self._legs, self._tick())

    def lost(self) -> None:
        """Tell that the switch is gone, and of the analyses that go with it."""
        self._on_event(SwitchLost())
        now_s = asyncio.get_running_loop().time()
        for leg_id, leg in list(self._legs.items()):
            told = give_up_analysis(leg_id, leg, now_s)
            if told:
                self._on_event(told)

    def restored(self) -> None:
        """Tell that another switch is at work."""
        self._on_event(SwitchRestored())

    def _tell(self, command: messages.Command) -> None:
        if not self._outbox:
            asyncio.get_running_loop().call_soon(self._flush)
        self._outbox.append(command)

    def _flush(self) -> None:
        """Send the commands of one turn of the loop; without a switch they are kept as wishes."""
        commands, self._outbox = self._outbox, []
        freed, self._freed = self._freed, []
        seq = self._keeper.send(commands)
        self._leaving += [(seq, place) for place in freed]

    # --- events ----------------------------------------------------------------------------

    def take(self, batch: messages.Events) -> None:
        """Take what the switch tells."""
        for event in batch.items:
            self._take_event(event)
        while self._leaving and self._leaving[0][0] <= batch.acked:
            self._allocation.free(self._leaving.pop(0)[1])

    def _take_event(self, event: messages.Event) -> None:
        if isinstance(event, messages.Stats):
            answer = self._questions.get(event.ticket)
            if answer and not answer.done():
                answer.set_result(event)
            return
        if isinstance(event, messages.Quality):
            self._tell_quality(event)
            return
        leg_id = self._named.get(event.leg)
        if leg_id is None:
            return
        if isinstance(event, messages.Audio):
            self._on_audio(leg_id, event.pcm)
            return
        told = self._translate(leg_id, event)
        if told:
            self._on_event(told)

    def _tell_quality(self, quality: messages.Quality) -> None:
        leg_id = self._ended.pop(quality.leg, None)
        if leg_id is not None:
            self._on_event(LegQuality(leg_id, quality))

    def _translate(
        self,
        leg_id: LegId,
        event: messages.Heard
        | messages.FellSilent
        | messages.Resumed
        | messages.PlayEnded
        | messages.PlayFailed
        | messages.Digit
        | messages.LegAnalysed
        | messages.BeepAwaited,
    ) -> MediaEvent | None:
        leg = self._legs[leg_id]
        match event:
            case messages.Heard(_, ip, udp_port):
                return self._note_heard(leg_id, leg, ip, udp_port)
            case messages.FellSilent():
                return LegFellSilent(leg_id)
            case messages.Resumed():
                return LegResumed(leg_id)
            case messages.Digit(_, digit):
                return DigitPressed(leg_id, digit)
            case messages.PlayEnded() | messages.PlayFailed():
                return end_play(leg_id, leg, event)
            case messages.LegAnalysed() | messages.BeepAwaited():
                return end_ask(leg_id, leg, event)

    def _note_heard(self, leg_id: LegId, leg: WantedLeg, ip: int, udp_port: int) -> LegHeard:
        self._allocation.note_heard(leg.place)
        if leg.connected:
            leg.connected = with_source(leg.connected, ip, udp_port)
        return LegHeard(leg_id, str(IPv4Address(ip)), udp_port)
