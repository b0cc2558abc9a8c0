"""The telephony port over real packets: sipp as trunk, a registered phone, the media switch."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeVar

import pytest

from engine.config import SipSettings
from engine.domain.analysis import AnalysisSpec, Verdict
from engine.domain.causes import (
    CANCELLED,
    GATE_CLOSED,
    HUNG_UP,
    MEDIA_LOST,
    NO_ANSWER,
    NO_ROOM,
    RELEASED,
    UNREACHABLE,
)
from engine.domain.e164 import E164
from engine.domain.ids import AgentId, AttemptId, CampaignId, LegId, TrunkId
from engine.domain.specs import AgentSpec, TrunkSpec
from engine.ports import (
    AnalyseLeg,
    AwaitBeep,
    BeepAwaited,
    CallPhone,
    DropPhone,
    EndOldLeg,
    HangUp,
    LegAnalysed,
    LegAnswered,
    LegEnded,
    LegRinging,
    Licence,
    OpenAudioLeg,
    PhoneRegistered,
    PhoneUnregistered,
    PlaceCall,
    SetMix,
    SetPhone,
    SetTrunk,
    TelephonyEvent,
    TrunkLost,
    TrunkReached,
)
from engine.telephony.audio_keys import AudioKeys
from engine.telephony.media import events as media
from engine.telephony.media.allocation import NoRoomError
from engine.telephony.media.client import MediaClient
from engine.telephony.media.g711 import Law
from engine.telephony.sip.adapter import SipTelephony
from engine.telephony.sip.digest import Credentials, authorization, choose_challenge
from engine.telephony.sip.media_switch import MakeMedia
from engine.telephony.sip.message import parse
from tests.integration.sip.peer import LONGEST_S, Phone, Sipp, scenario

pytestmark = [pytest.mark.peer, pytest.mark.asyncio]

LEG = LegId("a1-0001-00000001")
TRUNK = TrunkId("carrier")
NUMBER = E164("+14155550100")
E = TypeVar("E")


class FakeMedia:
    """A switch that only remembers."""

    def __init__(self, on_event: Callable[[media.MediaEvent], None]) -> None:
        self.on_event = on_event
        self.open: dict[LegId, tuple[str, int] | None] = {}
        self.mixed: list[Mapping[LegId, tuple[LegId, ...]]] = []
        self.recorded: list[tuple[str, LegId, int]] = []
        self.asked: list[tuple[LegId, AnalysisSpec | float]] = []
        self.full = False

    async def start(self) -> None:
        """Nothing to start."""

    async def stop(self) -> None:
        """Nothing to stop."""

    def allocate(self, leg_id: LegId, *, learn: bool = True) -> media.Endpoint:
        self._take_place(leg_id)
        return media.Endpoint("127.0.0.1", 4000)

    def open_audio(self, leg_id: LegId) -> None:
        self._take_place(leg_id)

    def _take_place(self, leg_id: LegId) -> None:
        if self.full:
            raise NoRoomError
        self.open[leg_id] = None

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
        keys: AudioKeys | None = None,
    ) -> None:
        self.open[leg_id] = (host, port)

    def mix(self, rows: Mapping[LegId, tuple[LegId, ...]]) -> None:
        self.mixed.append(rows)

    def play(self, leg_id: LegId, prompt: str, *, loop: bool) -> None:
        """Nothing to hear."""

    def record(self, leg_id: LegId, key: int) -> None:
        self.recorded.append(("record", leg_id, key))

    def pause_recording(self, leg_id: LegId, *, paused: bool) -> None:
        self.recorded.append(("pause", leg_id, int(paused)))

    def stop_recording(self, leg_id: LegId) -> None:
        self.recorded.append(("stop", leg_id, 0))

    def analyse(self, leg_id: LegId, spec: AnalysisSpec) -> None:
        self.asked.append((leg_id, spec))

    def await_beep(self, leg_id: LegId, limit_s: float) -> None:
        self.asked.append((leg_id, limit_s))

    def stop_play(self, leg_id: LegId) -> None:
        """Nothing to hear."""

    def send_audio(self, leg_id: LegId, pcm: bytes) -> None:
        """Nothing to hear."""

    def release(self, leg_id: LegId) -> None:
        self.open.pop(leg_id, None)


class Station:
    """A telephony adapter and what it told."""

    def __init__(
        self,
        make_media: MakeMedia | None = None,
        life: str = "1",
        settings: SipSettings | None = None,
    ) -> None:
        self.events: list[TelephonyEvent] = []
        self.reason: str | None = None
        self.heard = bytearray()
        self._changed = asyncio.Event()
        self.now = asyncio.get_running_loop().time
        self.media: FakeMedia | None = None
        self.telephony = SipTelephony(
            settings or SipSettings(port=0),
            self._take,
            self,
            lambda _leg_id, pcm: self.heard.extend(pcm),
            self.now,
            b"a secret of the tests",
            life,
            make_media or self._make_media,
        )

    def _make_media(
        self,
        _settings: media.MediaSettings,
        on_event: Callable[[media.MediaEvent], None],
        _on_audio: Callable[[LegId, bytes], None],
    ) -> FakeMedia:
        self.media = FakeMedia(on_event)
        return self.media

    def may_leave(self, call: PlaceCall, now_s: float) -> str | None:
        """Be the gate."""
        return self.reason

    def _take(self, event: TelephonyEvent) -> None:
        self.events.append(event)
        self._changed.set()

    async def wait_for(self, kind: type[E], number: int = 1) -> E:
        """Return the event of a kind that came as number so-and-so."""
        async with asyncio.timeout(LONGEST_S):
            while True:
                found = [event for event in self.events if isinstance(event, kind)]
                if len(found) >= number:
                    return found[number - 1]
                self._changed.clear()
                await self._changed.wait()

    def set_trunk(self, sipp: Sipp, **more: object) -> None:
        """Make sipp the trunk."""
        values = {"trunk_id": TRUNK, "address": f"127.0.0.1:{sipp.port}", "options_s": 0.0}
        spec = TrunkSpec(**(values | more))  # type: ignore[arg-type]
        self.telephony.perform(SetTrunk(spec), self.now())

    def place(self, leg_id: LegId = LEG, no_answer_s: float = 15.0) -> None:
        """Call a number over the trunk."""
        licence = Licence(NUMBER, ("America/Los_Angeles",), "mobile", 0.0)
        self.telephony.perform(
            PlaceCall(
                leg_id,
                AttemptId("a1-0001-00000002"),
                CampaignId("spring"),
                1,
                NUMBER,
                E164("+14155550199"),
                'Name"; <sip:x@y>\r\nX: injected',
                TRUNK,
                no_answer_s,
                licence,
            ),
            self.now(),
        )

    def hang_up(self, leg_id: LegId = LEG) -> None:
        """End a leg as the engine does."""
        self.telephony.perform(HangUp(leg_id, CANCELLED), self.now())


@asynccontextmanager
async def station(
    make_media: MakeMedia | None = None, life: str = "1", settings: SipSettings | None = None
) -> AsyncIterator[Station]:
    """Run an adapter."""
    made = Station(make_media, life, settings)
    await made.telephony.start()
    try:
        yield made
    finally:
        await made.telephony.stop()


async def test_a_call_over_the_real_switch_from_ringing_to_its_end(tmp_path: Path) -> None:
    async with station(MediaClient) as own, Sipp(tmp_path, *scenario("answer")) as sipp:
        own.set_trunk(sipp)
        await own.wait_for(TrunkReached)
        own.place()
        await own.wait_for(LegRinging)
        answered = await own.wait_for(LegAnswered)
        own.hang_up()
        ended = await own.wait_for(LegEnded)
        assert await sipp.result() == 0
    assert answered.dialog
    assert ended == LegEnded(LEG, CANCELLED)


async def test_peers_behind_a_nat_are_shown_the_addresses_told(tmp_path: Path) -> None:
    settings = SipSettings(
        port=0, advertised_host="192.0.2.5", media_advertised_host="192.0.2.6", tcp=False
    )
    log = ("-trace_msg", "-message_file", "messages.log")
    async with (
        station(MediaClient, settings=settings) as own,
        Sipp(tmp_path, *scenario("answer"), *log) as sipp,
    ):
        own.set_trunk(sipp)
        own.place()
        await own.wait_for(LegAnswered)
        own.hang_up()
        await own.wait_for(LegEnded)
        assert await sipp.result() == 0
        port = own.telephony.address[1]
    invite = (tmp_path / "messages.log").read_text(encoding="utf-8")
    assert f"Via: SIP/2.0/UDP 192.0.2.5:{port};" in invite
    assert f"Contact: <sip:192.0.2.5:{port}>" in invite
    assert "c=IN IP4 192.0.2.6" in invite


async def test_the_far_ends_refusal_and_hang_up_have_their_causes(tmp_path: Path) -> None:
    async with station() as own, Sipp(tmp_path, *scenario("refuse-503")) as sipp:
        own.set_trunk(sipp)
        own.place()
        ended = await own.wait_for(LegEnded)
        assert (ended.cause.slug, ended.sip_status, ended.retry_after_s) == (
            "carrier-congested",
            503,
            17.0,
        )
    async with station() as own, Sipp(tmp_path, *scenario("hang-up")) as sipp:
        own.set_trunk(sipp)
        own.place()
        assert (await own.wait_for(LegEnded)) == LegEnded(LEG, HUNG_UP, q850=16)
        assert own.media is not None
        assert own.media.open == {}


async def test_no_answer_in_time_is_a_cancel(tmp_path: Path) -> None:
    async with station() as own, Sipp(tmp_path, *scenario("no-answer")) as sipp:
        own.set_trunk(sipp)
        own.place(no_answer_s=0.3)
        assert (await own.wait_for(LegEnded)) == LegEnded(LEG, NO_ANSWER)
        assert await sipp.result() == 0


async def test_a_closed_gate_lets_nothing_out(tmp_path: Path) -> None:
    async with station() as own, Sipp(tmp_path, *scenario("answer")) as sipp:
        own.set_trunk(sipp)
        own.reason = "stopped"
        own.place()
        assert (await own.wait_for(LegEnded)) == LegEnded(LEG, GATE_CLOSED)
        assert own.media is not None
        assert own.media.open == {}


async def test_a_switch_without_room_lets_nothing_out_and_blames_nobody(tmp_path: Path) -> None:
    async with station() as own, Sipp(tmp_path, *scenario("answer")) as sipp:
        own.set_trunk(sipp)
        assert own.media is not None
        own.media.full = True
        own.place()
        assert (await own.wait_for(LegEnded)) == LegEnded(LEG, NO_ROOM)
        own.telephony.perform(OpenAudioLeg(LegId("a1-0001-00000002")), own.now())
        assert (await own.wait_for(LegEnded, 2)).cause == NO_ROOM
        assert own.media.open == {}


async def test_an_unknown_trunk_ends_the_leg_and_a_dead_one_is_told(tmp_path: Path) -> None:
    async with station() as own, Sipp(tmp_path, *scenario("options")) as sipp:
        own.place()
        assert (await own.wait_for(LegEnded)) == LegEnded(LEG, UNREACHABLE)
        own.set_trunk(sipp, options_s=30.0)
        assert (await own.wait_for(TrunkReached)).trunk_id == TRUNK
        own.set_trunk(sipp, address="no such host:0")
        assert (await own.wait_for(TrunkLost)).trunk_id == TRUNK


async def test_silence_on_an_answered_leg_ends_it(tmp_path: Path) -> None:
    async with station() as own, Sipp(tmp_path, *scenario("answer")) as sipp:
        own.set_trunk(sipp)
        own.place()
        await own.wait_for(LegAnswered)
        assert own.media is not None
        assert own.media.open[LEG] == ("127.0.0.1", 16000)
        own.media.on_event(media.LegFellSilent(LEG))
        assert (await own.wait_for(LegEnded)) == LegEnded(LEG, MEDIA_LOST)
        assert await sipp.result() == 0


async def test_an_answered_leg_is_listened_to_and_one_that_is_over_is_not(tmp_path: Path) -> None:
    async with station() as own, Sipp(tmp_path, *scenario("answer")) as sipp:
        own.set_trunk(sipp)
        own.place()
        await own.wait_for(LegAnswered)
        assert own.media is not None
        spec = AnalysisSpec(limit_s=2.0)
        for command in (AnalyseLeg(LEG, spec), AwaitBeep(LEG, 9.0)):
            own.telephony.perform(command, own.now())
        assert own.media.asked == [(LEG, spec), (LEG, 9.0)]
        own.media.on_event(media.LegAnalysed(LEG, Verdict.MACHINE, 1.9, "long speech"))
        own.media.on_event(media.BeepAwaited(LEG, heard=True))
        assert await own.wait_for(LegAnalysed) == LegAnalysed(
            LEG, Verdict.MACHINE, 1.9, "long speech"
        )
        assert await own.wait_for(BeepAwaited) == BeepAwaited(LEG, heard=True)
        own.telephony.perform(HangUp(LEG, RELEASED), own.now())
        await own.wait_for(LegEnded)
        own.telephony.perform(AnalyseLeg(LEG, spec), own.now())
        assert len(own.media.asked) == 2


async def test_an_audio_leg_is_up_at_once(tmp_path: Path) -> None:
    async with station() as own:
        own.telephony.perform(OpenAudioLeg(LEG), own.now())
        own.telephony.perform(SetMix({LEG: ()}), own.now())
        own.telephony.perform(HangUp(LEG, RELEASED), own.now())
        assert (await own.wait_for(LegEnded)) == LegEnded(LEG, RELEASED)
    assert own.events == [LegAnswered(LEG, b""), LegEnded(LEG, RELEASED)]


async def test_a_leg_of_an_earlier_life_gets_bye_or_cancel(tmp_path: Path) -> None:
    async with Sipp(tmp_path, *scenario("answer")) as sipp:
        async with station() as old:
            old.set_trunk(sipp)
            old.place()
            dialog = (await old.wait_for(LegAnswered)).dialog
        async with station(life="2") as new:
            command = EndOldLeg(LEG, dialog, NUMBER, TRUNK)
            new.telephony.perform(command, new.now())
            assert await sipp.result() == 0


async def register(phone: Phone, port: int) -> None:
    """Register a phone of the tests as agent anna."""
    host, own_port = phone.transport.address
    got: asyncio.Queue[bytes] = asyncio.Queue()
    receive = phone.ua.receive
    loop = asyncio.get_running_loop()

    def request(cseq: int, extra: str = "") -> bytes:
        return (
            f"REGISTER sip:paceline SIP/2.0\r\n"
            f"Via: SIP/2.0/UDP {host}:{own_port};branch=z9hG4bKreg{cseq};rport\r\n"
            "From: <sip:anna@paceline>;tag=1\r\nTo: <sip:anna@paceline>\r\nCall-ID: reg\r\n"
            f"CSeq: {cseq} REGISTER\r\nContact: <sip:anna@{host}:{own_port}>\r\n{extra}\r\n"
        ).encode()

    class Tap:
        """Hears the answers, and lets the phone hear all."""

        next_deadline = phone.ua.next_deadline
        advance = phone.ua.advance

        def receive(self, octets: bytes, source, now_s: float) -> None:  # type: ignore[no-untyped-def]
            got.put_nowait(octets)
            receive(octets, source, now_s)

    from engine.telephony.sip.destination import Destination

    phone.transport.attach(Tap())
    there = Destination("127.0.0.1", port)
    phone.transport.send(request(1), there)
    challenged = parse(await asyncio.wait_for(got.get(), LONGEST_S))
    challenge = choose_challenge(challenged.every_line("www-authenticate"), "", proxy=False)
    assert challenge is not None
    who = Credentials("", "anna", "secret")
    name, value = authorization(challenge, who, "REGISTER", "sip:paceline", 1, "c")
    phone.transport.send(request(2, f"{name}: {value}\r\n"), there)
    assert (await asyncio.wait_for(got.get(), LONGEST_S)).startswith(b"SIP/2.0 200")
    phone.transport.attach(phone.ua)
    assert loop.is_running()


async def test_a_registered_phone_is_called_and_forgotten_when_dropped() -> None:
    async with station() as own, Phone() as phone:
        anna = AgentSpec(agent_id=AgentId("anna"), phone_password="secret")
        own.telephony.perform(SetPhone(anna), own.now())
        port = own.telephony.address[1]
        await register(phone, port)
        assert (await own.wait_for(PhoneRegistered)).agent_id == "anna"
        phone.screen = 486
        own.telephony.perform(CallPhone(LEG, AgentId("anna"), "", 15.0), own.now())
        assert (await own.wait_for(LegEnded)).sip_status == 486
        own.telephony.perform(DropPhone(AgentId("anna")), own.now())
        assert (await own.wait_for(PhoneUnregistered)).agent_id == "anna"
        own.telephony.perform(CallPhone(LEG, AgentId("anna"), "", 15.0), own.now())
        assert (await own.wait_for(LegEnded, 2)) == LegEnded(LEG, UNREACHABLE)
