"""The simulated network keeps the port's promises, with and without faults."""

from collections import Counter
from functools import partial
from random import Random
from typing import Any

import pytest

from engine.actors.kernel import VirtualScheduler
from engine.domain.causes import (
    CANCELLED,
    GATE_CLOSED,
    HUNG_UP,
    NO_ANSWER,
    NO_ROOM,
    RELEASED,
    TIMED_OUT,
    UNREACHABLE,
)
from engine.domain.e164 import E164
from engine.domain.ids import AgentId, AttemptId, CampaignId, LegId, TrunkId
from engine.domain.specs import AgentSpec, TrunkSpec
from engine.ports import (
    CallPhone,
    EndOldLeg,
    HangUp,
    LegAnswered,
    LegEnded,
    LegRinging,
    Licence,
    OpenAudioLeg,
    PhoneRegistered,
    PlaceCall,
    PlayPrompt,
    PromptEnded,
    SetMix,
    SetPhone,
    SetTrunk,
    TelephonyCommand,
    TelephonyEvent,
    TrunkLost,
    TrunkReached,
)
from engine.telephony.simulated import (
    CarrierModel,
    Network,
    NetworkFaults,
    SimulatedTelephony,
    Window,
    Witness,
)

NORTH = TrunkId("north")
NUMBER = E164("+12125550100")
LEG = LegId("a1-0001-00000001")
PHONE = LegId("a1-0001-00000002")
SECOND = LegId("a1-0001-00000003")
ANSWERS = CarrierModel(answer_ratio=1.0, invalid_ratio=0.0)
RINGS_ON = CarrierModel(
    answer_ratio=0.0, invalid_ratio=0.0, busy_ratio=0.0, declined_ratio=0.0, congested_ratio=0.0
)


class _Gate:
    reason: str | None = None

    def may_leave(self, call: PlaceCall, now_s: float) -> str | None:
        return self.reason


class World:
    """A network, and one life of an engine that only listens."""

    def __init__(
        self, model: CarrierModel = ANSWERS, faults: NetworkFaults | None = None, seed: int = 1
    ) -> None:
        self.scheduler = VirtualScheduler()
        self.witness = Witness(self.scheduler.now_s, lambda: 0)
        self.goodbyes: list[AgentId] = []
        self.network = Network(
            self.scheduler, seed, model, self.witness, faults, self.goodbyes.append
        )
        self.gate = _Gate()
        self.events: list[TelephonyEvent] = []
        self.audio: list[tuple[LegId, bytes]] = []
        self.live()

    def live(self) -> None:
        """Begin a life."""
        self.events = []
        self.telephony = SimulatedTelephony(
            self.network,
            self.events.append,
            self.gate,
            lambda leg_id, pcm: self.audio.append((leg_id, pcm)),
        )
        self.do(SetTrunk(TrunkSpec(trunk_id=NORTH, address="north.invalid", options_s=10.0)))
        self.do(SetPhone(AgentSpec(agent_id=AgentId("ann"), phone_password="secret")))
        self.scheduler.run_for(0.1)

    def do(self, command: TelephonyCommand) -> None:
        self.telephony.perform(command, self.scheduler.now_s())

    def call(self, leg_id: LegId = LEG, trunk_id: TrunkId = NORTH, number: E164 = NUMBER) -> None:
        licence = Licence(number, ("America/New_York",), "home", 1e12)
        campaign_id = CampaignId("spring")
        self.do(
            PlaceCall(
                leg_id, AttemptId("1"), campaign_id, 1, number, NUMBER, "", trunk_id, 25.0, licence
            )
        )

    def of(self, leg_id: LegId = LEG) -> list[TelephonyEvent]:
        return [event for event in self.events if getattr(event, "leg_id", None) == leg_id]

    def ended(self, leg_id: LegId = LEG) -> LegEnded:
        (event,) = [event for event in self.of(leg_id) if isinstance(event, LegEnded)]
        return event

    def unanswered(self) -> bool:
        return LegAnswered not in map(type, self.of())

    def rows(self, kind: str) -> list[dict[str, Any]]:
        return [row for row in self.witness.rows if row["kind"] == kind]


def test_a_call_rings_is_answered_and_ends_when_nobody_speaks() -> None:
    world = World()
    world.call()
    world.scheduler.run_for(200.0)
    assert [type(event) for event in world.of()] == [LegRinging, LegAnswered, LegEnded]
    assert world.ended().cause is HUNG_UP
    assert [row["how"] for row in world.rows("end")] == ["hung-up"]


def test_a_talk_with_an_agent_ends_by_the_customer_or_with_a_goodbye() -> None:
    ways: set[bool] = set()
    for seed in range(12):
        world = World(seed=seed)
        world.do(CallPhone(PHONE, AgentId("ann"), "", 30.0))
        world.call()
        world.scheduler.run_while(world.unanswered)
        world.do(SetMix({LEG: (PHONE,), PHONE: (LEG,)}))
        world.scheduler.run_for(3600.0)
        assert world.ended().cause is HUNG_UP
        assert LegEnded not in map(type, world.of(PHONE))
        ways.add(world.goodbyes == [AgentId("ann")])
    assert ways == {True, False}


def test_the_gate_is_asked_when_the_invite_leaves() -> None:
    world = World(faults=NetworkFaults(departure_s=5.0))
    world.call()
    world.gate.reason = "stopped"
    world.scheduler.run_for(60.0)
    assert world.of() == [LegEnded(LEG, GATE_CLOSED)]
    assert world.rows("invite") == []


def test_a_call_hung_up_before_its_invite_never_leaves() -> None:
    world = World(faults=NetworkFaults(departure_s=5.0))
    world.call()
    world.do(HangUp(LEG, CANCELLED))
    world.scheduler.run_for(60.0)
    assert world.of() == [LegEnded(LEG, CANCELLED)]
    assert world.rows("invite") == []


def test_no_answer_is_cancelled_in_time() -> None:
    world = World(RINGS_ON)
    world.call()
    world.scheduler.run_for(60.0)
    assert world.ended().cause is NO_ANSWER
    (cancel,) = world.rows("cancel")
    assert cancel["at_s"] - world.rows("invite")[0]["at_s"] == pytest.approx(25.0)


def test_our_hang_up_keeps_its_cause() -> None:
    world = World(RINGS_ON)
    world.call()
    world.scheduler.run_for(5.0)
    world.do(HangUp(LEG, CANCELLED))
    world.do(HangUp(LEG, RELEASED))  # asked twice
    world.scheduler.run_for(60.0)
    assert world.ended().cause is CANCELLED


def test_an_answer_that_crosses_our_cancel_is_only_an_end() -> None:
    world = World(RINGS_ON, NetworkFaults(crossing_ratio=1.0))
    world.call()
    world.scheduler.run_for(60.0)
    assert [type(event) for event in world.of()] == [LegRinging, LegEnded]
    assert world.ended().cause is NO_ANSWER
    assert [row["kind"] for row in world.witness.rows][-3:] == ["cancel", "answer", "end"]
    assert world.rows("end")[0]["how"] == "bye"


@pytest.mark.parametrize(
    ("model", "status", "slug"),
    [
        pytest.param({"invalid_ratio": 1.0}, 404, "no-such-number", id="404 no such number"),
        pytest.param({"busy_ratio": 1.0}, 486, "busy", id="486 busy"),
        pytest.param({"congested_ratio": 1.0}, 503, "carrier-congested", id="503 congested"),
    ],
)
def test_a_refusal_carries_its_status(model: dict[str, float], status: int, slug: str) -> None:
    values: dict[str, Any] = {"answer_ratio": 0.0, "invalid_ratio": 0.0, "busy_ratio": 0.0, **model}
    world = World(CarrierModel(**values))
    world.call()
    world.scheduler.run_for(60.0)
    assert (world.ended().sip_status, world.ended().cause.slug) == (status, slug)


def test_ringing_may_come_again_and_again() -> None:
    world = World(RINGS_ON, NetworkFaults(repeated_ringing_ratio=0.9))
    world.call()
    world.scheduler.run_for(60.0)
    assert Counter(map(type, world.of()))[LegRinging] > 1
    assert isinstance(world.of()[-1], LegEnded)


def test_a_dark_trunk_answers_nothing_is_lost_and_comes_back() -> None:
    world = World(faults=NetworkFaults(windows=(Window(NORTH, 5.0, 100.0, dark=True),)))
    world.scheduler.run_until(20.0)
    world.call()
    world.scheduler.run_until(200.0)
    assert world.of() == [LegEnded(LEG, TIMED_OUT)]
    trunk = [event for event in world.events if isinstance(event, TrunkReached | TrunkLost)]
    assert [type(event) for event in trunk] == [TrunkReached, TrunkLost, TrunkReached]


def test_a_storm_refuses_every_call() -> None:
    world = World(faults=NetworkFaults(windows=(Window(NORTH, 0.0, 100.0, dark=False),)))
    world.call()
    world.scheduler.run_for(10.0)
    assert world.ended().sip_status == 503


def test_what_cannot_be_called_ends_at_once() -> None:
    world = World()
    world.call(trunk_id=TrunkId("nowhere"))
    world.do(CallPhone(PHONE, AgentId("bob"), "", 30.0))
    world.scheduler.run_for(0.0)
    assert world.of() == [LegEnded(LEG, UNREACHABLE)]
    assert world.of(PHONE) == [LegEnded(PHONE, UNREACHABLE)]
    assert PhoneRegistered(AgentId("ann")) in world.events


def test_without_a_place_in_the_switch_no_leg_begins() -> None:
    world = World(faults=NetworkFaults(most_legs=1))
    world.call()
    world.call(SECOND)
    world.do(OpenAudioLeg(PHONE))
    world.scheduler.run_for(0.0)
    assert world.of(SECOND) == [LegEnded(SECOND, NO_ROOM)]
    assert world.of(PHONE) == [LegEnded(PHONE, NO_ROOM)]
    assert LegEnded(LEG, NO_ROOM) not in world.events


@pytest.mark.parametrize("answered", [False, True], ids=["ringing", "answered"])
def test_a_leg_outlives_a_crash_until_a_later_life_ends_it(answered: bool) -> None:
    world = World(ANSWERS if answered else RINGS_ON)
    world.call()
    world.scheduler.run_while(
        lambda: (LegAnswered if answered else LegRinging) not in map(type, world.of())
    )
    world.telephony.crash()
    world.live()
    world.scheduler.run_for(1.0)
    assert world.rows("end") == []
    world.do(EndOldLeg(LEG, LEG.encode() if answered else b"", NUMBER, NORTH))
    world.scheduler.run_for(1.0)
    assert [row["how"] for row in world.rows("end")] == ["bye" if answered else "cancelled"]
    assert world.of() == []


def test_an_answer_no_life_has_seen_gets_its_bye() -> None:
    world = World()
    world.call()
    world.scheduler.run_while(lambda: not world.rows("answer"))
    world.telephony.crash()  # the 200 is on its way
    world.live()
    world.do(EndOldLeg(LEG, b"", NUMBER, NORTH))
    world.scheduler.run_for(1.0)
    assert [row["how"] for row in world.rows("end")] == ["bye"]


def test_legs_that_nobody_ends_end_by_themselves() -> None:
    world = World()
    world.do(CallPhone(PHONE, AgentId("ann"), "", 30.0))
    world.call()
    world.scheduler.run_while(world.unanswered)
    world.telephony.crash()
    world.scheduler.run_for(120.0)
    assert len(world.rows("end")) == 2
    assert world.network.open_calls == 0


def test_an_audio_leg_hears_what_its_row_says() -> None:
    world = World()
    speaker, listener = LegId("speaker"), LegId("listener")
    world.do(OpenAudioLeg(speaker))
    world.do(OpenAudioLeg(listener))
    world.do(SetMix({listener: (speaker,)}))
    world.telephony.send_audio(speaker, b"\1" * 320)
    world.do(SetMix({listener: ()}))
    world.telephony.send_audio(speaker, b"\2" * 320)
    world.do(HangUp(speaker, RELEASED))
    world.scheduler.run_for(0.0)
    assert world.audio == [(listener, b"\1" * 320)]
    assert world.of(speaker) == [LegAnswered(speaker, b""), LegEnded(speaker, RELEASED)]


def test_a_prompt_ends_unless_it_repeats() -> None:
    world = World()
    world.do(OpenAudioLeg(LEG))
    world.do(PlayPrompt(LEG, "beep"))
    world.scheduler.run_for(10.0)
    world.do(PlayPrompt(LEG, "ringback", loop=True))
    world.scheduler.run_for(10.0)
    assert [type(event) for event in world.of()] == [LegAnswered, PromptEnded]


@pytest.mark.parametrize("seed", range(20))
def test_every_leg_ends_exactly_once_whatever_goes_wrong(seed: int) -> None:
    random = Random(seed)
    faults = NetworkFaults(
        windows=(Window(NORTH, 50.0, 70.0, dark=True), Window(NORTH, 90.0, 99.0, dark=False)),
        silent_ratio=0.1,
        repeated_ringing_ratio=0.3,
        crossing_ratio=0.5,
        phone_mean_s=60.0,
        departure_s=0.5,
    )
    world = World(CarrierModel(), faults, seed)
    legs = [LegId(f"leg-{place}") for place in range(60)]
    for leg_id in legs:
        at_s = random.uniform(0.0, 120.0)
        number = E164(f"+1212555{random.randrange(10_000):04}")
        if random.random() < 0.8:
            begin = partial(world.call, leg_id, number=number)
        else:
            begin = partial(world.do, CallPhone(leg_id, AgentId("ann"), "", 30.0))
        world.scheduler.call_later(at_s, begin)
        if random.random() < 0.5:
            world.scheduler.call_later(
                at_s + random.expovariate(0.1),
                partial(world.do, HangUp(leg_id, RELEASED)),
            )
    world.scheduler.run_for(1200.0)
    ends = Counter(event.leg_id for event in world.events if isinstance(event, LegEnded))
    assert ends == Counter(legs)
    seen = Counter(row["leg"] for row in world.rows("end"))
    assert seen == Counter(row["leg"] for row in world.rows("invite"))
    assert world.network.open_calls == 0
