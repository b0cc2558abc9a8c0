"""Commands go to the adapter of their trunk's kind; a bridged call is one leg to the engine."""

from collections.abc import Callable

import pytest

from engine.domain.causes import HUNG_UP, NO_ANSWER, RELEASED, UNREACHABLE
from engine.domain.e164 import E164
from engine.domain.ids import AttemptId, CampaignId, LegId, TrunkId
from engine.domain.specs import TrunkKind, TrunkSpec
from engine.ports import (
    DialogSeed,
    DropTrunk,
    EndOldLeg,
    HangUp,
    LegAnswered,
    LegEnded,
    Licence,
    OpenAudioLeg,
    PlaceCall,
    SetMix,
    SetTrunk,
    TelephonyCommand,
    TelephonyEvent,
)
from engine.telephony import combined

LEG = LegId("a1-0001-00000001")
LAB, CARRIER = TrunkId("lab"), TrunkId("carrier")
Sink = Callable[[TelephonyEvent], None]
OnAudio = Callable[[LegId, bytes], None]


class FakeSip:
    """Remembers, and tells what the test wants."""

    def __init__(self, sink: Sink, on_audio: OnAudio) -> None:
        self.sink, self.on_audio = sink, on_audio
        self.got: list[TelephonyCommand] = []
        self.said: list[tuple[LegId, bytes]] = []

    def identify(self, leg_id: LegId) -> DialogSeed:
        return DialogSeed(f"{leg_id}@sip", "z9hG4bK")

    def perform(self, command: TelephonyCommand, now_s: float) -> None:
        self.got.append(command)

    def send_audio(self, leg_id: LegId, pcm: bytes) -> None:
        self.said.append((leg_id, pcm))


class FakePyVoip:
    """Remembers, and knows the legs that the test says."""

    def __init__(
        self, sink: Sink, gate: object, on_audio: OnAudio, now: object, call_s: float
    ) -> None:
        self.sink, self.on_audio = sink, on_audio
        self.got: list[TelephonyCommand] = []
        self.said: list[tuple[LegId, bytes]] = []
        self.legs: set[LegId] = set()

    def __contains__(self, leg_id: LegId) -> bool:
        return leg_id in self.legs

    def perform(self, command: TelephonyCommand) -> None:
        self.got.append(command)

    def send_audio(self, leg_id: LegId, pcm: bytes) -> None:
        self.said.append((leg_id, pcm))


class Open:
    """A gate that is open."""

    def may_leave(self, call: PlaceCall, now_s: float) -> str | None:
        return None


class Desk:
    """A combined telephony over two fakes, with trunks of both kinds."""

    def __init__(self) -> None:
        self.told: list[TelephonyEvent] = []
        self.heard: list[tuple[LegId, bytes]] = []
        self.port = combined.CombinedTelephony(
            self.told.append,
            Open(),
            lambda leg_id, pcm: self.heard.append((leg_id, pcm)),
            lambda: 1.0,
            self._make_sip,
        )
        lab = self.port.pyvoip
        assert isinstance(lab, FakePyVoip)
        self.lab: FakePyVoip = lab

    def _make_sip(self, sink: Sink, on_audio: OnAudio) -> FakeSip:
        self.sip = FakeSip(sink, on_audio)
        return self.sip

    def do(self, *commands: TelephonyCommand) -> None:
        for command in commands:
            self.port.perform(command, 1.0)

    def forget(self) -> None:
        self.sip.got.clear()
        self.lab.got.clear()


@pytest.fixture
def desk(monkeypatch: pytest.MonkeyPatch) -> Desk:
    monkeypatch.setattr(combined, "PyVoipTelephony", FakePyVoip)
    made = Desk()
    made.do(trunk(LAB, TrunkKind.PYVOIP), trunk(CARRIER, TrunkKind.SIP))
    return made


def trunk(trunk_id: TrunkId, kind: TrunkKind) -> SetTrunk:
    return SetTrunk(TrunkSpec(trunk_id=trunk_id, address="192.0.2.1", kind=kind))


def call(trunk_id: TrunkId) -> PlaceCall:
    number = E164("+14155550100")
    licence = Licence(number, ("America/Los_Angeles",), "mobile", 0.0)
    return PlaceCall(
        LEG, AttemptId("a"), CampaignId("c"), 1, number, number, "", trunk_id, 15.0, licence
    )


def test_each_command_goes_to_the_adapter_of_its_trunk(desk: Desk) -> None:
    assert desk.lab.got == [trunk(LAB, TrunkKind.PYVOIP)]
    assert desk.sip.got == [trunk(CARRIER, TrunkKind.SIP)]
    desk.forget()
    unknown = TrunkId("unknown")
    desk.do(call(LAB), call(CARRIER), call(unknown), SetMix({}), DropTrunk(LAB), DropTrunk(CARRIER))
    assert desk.lab.got == [call(LAB), DropTrunk(LAB)]
    assert desk.sip.got == [call(CARRIER), call(unknown), SetMix({}), DropTrunk(CARRIER)]


def test_a_trunk_that_changes_its_kind_leaves_the_other_adapter(desk: Desk) -> None:
    desk.forget()
    desk.do(trunk(LAB, TrunkKind.SIP))
    assert desk.lab.got == [DropTrunk(LAB)]
    assert desk.sip.got == [trunk(LAB, TrunkKind.SIP)]


def test_a_leg_of_an_earlier_life_waits_until_the_kind_of_its_trunk_is_known(desk: Desk) -> None:
    desk.forget()
    late = TrunkId("late")
    waits, answered = EndOldLeg(LEG, b"", "+1", late), EndOldLeg(LEG, b"dialog", "+1", late)
    phone = EndOldLeg(LEG, b"", "anna")
    desk.do(waits, answered, phone)
    assert desk.sip.got == [answered, phone]
    desk.do(trunk(late, TrunkKind.SIP))
    assert desk.sip.got[-1] == waits
    desk.do(EndOldLeg(LEG, b"", "+1", LAB))
    assert desk.lab.got == [EndOldLeg(LEG, b"", "+1", LAB)]


def test_an_answered_call_becomes_an_audio_leg_and_its_audio_goes_both_ways(desk: Desk) -> None:
    desk.forget()
    desk.lab.on_audio(LEG, b"too early")
    desk.lab.sink(LegAnswered(LEG, b""))
    assert desk.sip.got == [OpenAudioLeg(LEG)]
    assert not desk.told  # SIP tells it
    desk.sip.sink(LegAnswered(LEG, b""))
    desk.lab.on_audio(LEG, b"customer")
    desk.sip.on_audio(LEG, b"agent")
    desk.sip.on_audio(LegId("supervisor"), b"both")
    assert desk.sip.said == [(LEG, b"customer")]
    assert desk.lab.said == [(LEG, b"agent")]
    assert desk.heard == [(LegId("supervisor"), b"both")]
    assert desk.told == [LegAnswered(LEG, b"")]


@pytest.mark.parametrize("by_us", [True, False], ids=["we hang up", "they hang up"])
def test_a_bridged_call_ends_once(desk: Desk, by_us: bool) -> None:
    desk.lab.legs.add(LEG)
    desk.lab.sink(LegAnswered(LEG, b""))
    desk.forget()
    cause = RELEASED if by_us else HUNG_UP
    if by_us:
        desk.do(HangUp(LEG, RELEASED))
        assert desk.lab.got == [HangUp(LEG, RELEASED)]
    desk.lab.legs.discard(LEG)
    desk.lab.sink(LegEnded(LEG, cause))
    assert desk.sip.got == [HangUp(LEG, cause)]
    assert not desk.told
    desk.sip.sink(LegEnded(LEG, cause))
    assert desk.told == [LegEnded(LEG, cause)]
    desk.do(HangUp(LEG, cause))  # crossed: it is nobody's now, and SIP passes over it
    assert desk.sip.got[-1] == HangUp(LEG, cause)


def test_a_call_that_was_never_answered_ends_without_the_switch(desk: Desk) -> None:
    desk.forget()
    desk.lab.sink(LegEnded(LEG, NO_ANSWER))
    assert desk.told == [LegEnded(LEG, NO_ANSWER)]
    assert not desk.sip.got


def test_a_call_for_which_the_switch_has_no_room_is_hung_up(desk: Desk) -> None:
    desk.lab.legs.add(LEG)
    desk.lab.sink(LegAnswered(LEG, b""))
    desk.forget()
    desk.sip.sink(LegEnded(LEG, UNREACHABLE))
    assert desk.lab.got == [HangUp(LEG, UNREACHABLE)]
    desk.lab.sink(LegEnded(LEG, UNREACHABLE))  # as pyVoIP's adapter tells what we end
    assert desk.told == [LegEnded(LEG, UNREACHABLE)]


def test_names_on_the_wire_are_those_of_sip(desk: Desk) -> None:
    assert desk.port.identify(LEG) == DialogSeed(f"{LEG}@sip", "z9hG4bK")
