from collections.abc import Sequence
from functools import partial
from itertools import pairwise

import pytest

from engine.actors.kernel.effects import CancelTimer, Effect, Reply, StartTimer
from engine.actors.kernel.ref import Ref
from engine.actors.kernel.scheduler import TimerHandle
from engine.actors.kernel.virtual import VirtualScheduler
from engine.actors.messages import (
    BreakerDue,
    CampaignMessage,
    ChannelFreed,
    ConfigureTrunk,
    DescribeTrunk,
    PermitsDue,
    PermitsGranted,
    PermitsRefused,
    RequestPermits,
    ReturnPermits,
    RoomDue,
    TrunkMessage,
    TrunkSampled,
    TrunkView,
    WatchTrunk,
    WithdrawRequests,
)
from engine.actors.trunk import TrunkBehavior
from engine.actors.trunk_room import ROOM_S
from engine.domain.facts import TrunkChanged
from engine.domain.ids import TrunkId
from engine.domain.specs import TrunkSpec
from engine.ports import TrunkLost, TrunkReached
from tests.unit.actors.reading import Answers, facts, told

NOON_S = 1_780_315_200.0
MAIN = TrunkId("main")
ONE: Ref[CampaignMessage] = Ref("one")
TWO: Ref[CampaignMessage] = Ref("two")


class Rig:
    """A trunk whose timers run in virtual time; keeps everything told, with its instant."""

    def __init__(self, channels: int = 100, calls_per_s: float = 1000.0) -> None:
        self.spec = TrunkSpec(
            trunk_id=MAIN, address="carrier", channels=channels, calls_per_s=calls_per_s
        )
        self.trunk = TrunkBehavior(self.spec, seed=1)
        self.scheduler = VirtualScheduler(NOON_S)
        self.pending: dict[object, TimerHandle] = {}
        self.effects: list[tuple[float, Effect]] = []

    def hear(self, message: TrunkMessage) -> Sequence[Effect]:
        now_s = self.scheduler.now_s()
        effects = self.trunk.on(message, now_s)
        self.effects += [(now_s, effect) for effect in effects]
        for effect in effects:
            if isinstance(effect, StartTimer | CancelTimer) and effect.key in self.pending:
                self.pending.pop(effect.key).cancel()
            if isinstance(effect, StartTimer):
                due = effect.message
                assert isinstance(due, PermitsDue | BreakerDue | RoomDue)
                self.pending[effect.key] = self.scheduler.call_later(
                    effect.delay_s, partial(self._fire, due)
                )
        return effects

    def _fire(self, due: PermitsDue | BreakerDue | RoomDue) -> None:
        self.hear(due)

    def run(self, duration_s: float) -> None:
        self.scheduler.run_for(duration_s)

    def ask(self, count: int, campaign: Ref[CampaignMessage] = ONE) -> Sequence[Effect]:
        return self.hear(RequestPermits(count, campaign))

    def granted(self, campaign: Ref[CampaignMessage] = ONE) -> int:
        every = told([effect for _, effect in self.effects], campaign, PermitsGranted)
        return sum(each.count for each in every)

    def grants(self) -> list[tuple[float, int]]:
        """Return when how many permits were granted, to anyone."""
        return [
            (at_s, each.count)
            for at_s, effect in self.effects
            for campaign in (ONE, TWO)
            for each in told([effect], campaign, PermitsGranted)
        ]

    def refused(self, campaign: Ref[CampaignMessage] = ONE) -> list[tuple[int, str]]:
        every = told([effect for _, effect in self.effects], campaign, PermitsRefused)
        return [(each.count, each.reason) for each in every]

    def samples(self, campaign: Ref[CampaignMessage] = ONE) -> list[TrunkSampled]:
        return told([effect for _, effect in self.effects], campaign, TrunkSampled)

    def changes(self) -> list[tuple[bool, str]]:
        every = facts([effect for _, effect in self.effects], TrunkChanged)
        return [(each.up, each.reason) for each in every]

    def fail(self, times: int, sip_status: int = 503, retry_after_s: float = 0.0) -> None:
        for _ in range(times):
            launched_s = self.scheduler.now_s()
            self.hear(ChannelFreed(True, sip_status, retry_after_s, launched_s))

    def succeed(self, times: int = 1) -> None:
        for _ in range(times):
            self.hear(ChannelFreed(launched_s=self.scheduler.now_s()))

    def view(self) -> TrunkView:
        answers = Answers()
        for effect in self.hear(DescribeTrunk(answers.place())):
            if isinstance(effect, Reply):
                effect.reply_to.resolve(effect.value, None)
        view = answers.values[0]
        assert isinstance(view, TrunkView)
        return view


# --- channels ------------------------------------------------------------------------------


def test_what_is_free_is_granted_and_the_rest_refused_at_once() -> None:
    rig = Rig(channels=3)
    rig.ask(5)
    assert rig.granted() == 3
    assert rig.refused() == [(2, "trunk-full")]
    assert rig.view().channels_used == 3


def test_a_freed_channel_can_be_granted_again() -> None:
    rig = Rig(channels=1)
    rig.ask(1)
    rig.ask(1)
    rig.succeed()
    rig.ask(1)
    assert rig.granted() == 2
    assert rig.refused() == [(1, "trunk-full")]


def test_returned_permits_give_channel_and_token_back() -> None:
    rig = Rig(channels=2, calls_per_s=1.0)
    rig.ask(1)
    rig.hear(ReturnPermits(1))
    assert rig.view().channels_used == 0
    rig.ask(1)
    assert rig.granted() == 2


def test_without_room_in_our_own_switch_it_keeps_to_what_found_a_place_and_tries_more() -> None:
    rig = Rig(channels=10, calls_per_s=1000.0)
    rig.hear(WatchTrunk(ONE))
    rig.ask(6)
    rig.hear(ReturnPermits(1, no_room=True))
    rig.hear(ReturnPermits(1, no_room=True))
    assert (rig.samples()[-1].up, rig.samples()[-1].free_channels) == (True, 0)
    assert (rig.view().up, rig.view().reason) == (True, "media-full")
    rig.ask(1)
    assert rig.refused() == [(1, "media-full")]
    rig.succeed()  # a call is over: its place is free
    assert rig.view().reason == ""
    rig.ask(2)
    assert rig.refused()[1:] == [(1, "media-full")]
    found = []
    for _ in range(4):
        rig.run(ROOM_S)
        found.append(rig.samples()[-1].free_channels)
    assert found == [1, 3, 6, 6]
    assert rig.changes() == []


def test_what_waits_for_a_token_is_refused_when_there_is_no_room() -> None:
    rig = Rig(channels=10, calls_per_s=1.0)
    rig.ask(3)
    assert rig.granted() == 1
    rig.hear(ReturnPermits(1, no_room=True))
    assert rig.refused() == [(2, "media-full")]
    rig.run(ROOM_S + 0.5)
    rig.ask(2)
    assert (rig.granted(), rig.refused()[1:]) == (2, [(1, "media-full")])


def test_calls_that_never_left_say_nothing_of_the_carrier() -> None:
    rig = Rig()
    rig.ask(30)
    for _ in range(20):
        rig.hear(ReturnPermits(1, no_room=True))
    assert rig.view().up
    rig.fail(5)
    rig.run(11.5)
    rig.ask(1)
    rig.hear(ReturnPermits(1))  # neither failed nor proved
    assert not rig.view().up


def test_more_freed_than_used_is_no_more_than_all() -> None:
    rig = Rig(channels=2)
    rig.succeed(3)
    rig.hear(ReturnPermits(5))
    rig.ask(3)
    assert rig.granted() == 2


def test_channels_waiting_for_a_token_are_promised_to_nobody_else() -> None:
    rig = Rig(channels=2, calls_per_s=1.0)
    rig.ask(2)
    rig.ask(1, TWO)
    assert rig.refused(TWO) == [(1, "trunk-full")]
    rig.run(2.0)
    assert rig.granted() == 2


# --- calls per second ----------------------------------------------------------------------


@pytest.mark.parametrize("calls_per_s", [1.0, 7.0, 50.0, 300.0], ids=lambda rate: f"{rate:g}/s")
def test_no_second_sees_more_calls_than_the_cap_and_a_burst(calls_per_s: float) -> None:
    rig = Rig(channels=5000, calls_per_s=calls_per_s)
    rig.ask(2000)
    rig.run(4.0)
    burst = max(1.0, calls_per_s * 0.25)
    grants = rig.grants()
    for begin_s, _ in grants:
        within = sum(count for at_s, count in grants if begin_s <= at_s <= begin_s + 1.0)
        assert within <= calls_per_s + burst + 1.0
    assert rig.granted() == pytest.approx(
        min(2000, calls_per_s * 4.0 + burst), abs=1.1 + calls_per_s * 0.006
    )


def test_a_rested_bucket_holds_a_quarter_second_and_no_more() -> None:
    rig = Rig(channels=1000, calls_per_s=100.0)
    rig.run(60.0)
    rig.ask(200)
    assert rig.granted() == 25


def test_a_slow_trunk_still_grants_whole_calls() -> None:
    rig = Rig(calls_per_s=0.5)
    rig.ask(3)
    rig.run(4.5)
    assert [round(at_s - NOON_S, 2) for at_s, _ in rig.grants()] == [0.0, 2.0, 4.0]


def test_tokens_are_dealt_in_turn() -> None:
    rig = Rig(channels=1000, calls_per_s=40.0)
    rig.ask(100, ONE)
    rig.ask(100, TWO)
    rig.run(1.0)
    assert rig.granted(TWO) >= 18
    assert abs(rig.granted(ONE) - 10 - rig.granted(TWO)) <= 1


def test_requests_withdrawn_are_not_granted() -> None:
    rig = Rig(calls_per_s=1.0)
    rig.ask(5, ONE)
    rig.ask(2, TWO)
    rig.hear(WithdrawRequests(ONE))
    rig.hear(WithdrawRequests(ONE))
    rig.run(5.0)
    assert (rig.granted(ONE), rig.granted(TWO)) == (1, 2)
    assert rig.view() == TrunkView(up=True, reason="", channels_used=3, waiting=0)


# --- up and down ---------------------------------------------------------------------------


def test_a_lost_trunk_refuses_what_waits_and_what_comes() -> None:
    rig = Rig(calls_per_s=1.0)
    rig.ask(3)
    rig.hear(TrunkLost(MAIN, "no answer to OPTIONS"))
    rig.ask(1)
    assert rig.refused() == [(2, "trunk-down"), (1, "trunk-down")]
    rig.hear(TrunkReached(MAIN))
    rig.run(2.0)
    rig.ask(1)
    assert rig.granted() == 2
    assert rig.changes() == [(False, "no answer to OPTIONS"), (True, "")]


def test_a_repeated_loss_is_one_fact() -> None:
    rig = Rig()
    rig.hear(TrunkLost(MAIN, "x"))
    rig.hear(TrunkLost(MAIN, "x"))
    assert len(rig.changes()) == 1


def test_changed_settings_hold_from_then_on() -> None:
    rig = Rig(channels=1)
    rig.ask(2)
    rig.hear(ConfigureTrunk(TrunkSpec(trunk_id=MAIN, address="c", channels=3, calls_per_s=1000.0)))
    rig.ask(5)
    assert rig.granted() == 3


# --- the breaker (D9) ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("outcomes", "opens"),
    [
        pytest.param("FFFFF", True, id="five in a row"),
        pytest.param("FFFF.FFFF", False, id="never five in a row"),
        pytest.param("FF.FF.FF.FF.FF", True, id="ten of the last twenty"),
        pytest.param("FF.F...FF.F...FF.F...FF.F...", False, id="nine of the last twenty"),
        pytest.param("....................", False, id="all well"),
    ],
)
def test_the_breaker_opens_when_the_carrier_fails_calls(outcomes: str, opens: bool) -> None:
    rig = Rig()
    rig.ask(len(outcomes))
    for outcome in outcomes:
        if outcome == "F":
            rig.fail(1)
        else:
            rig.succeed()
    assert rig.view().up is not opens
    assert rig.changes() == ([(False, "failing")] if opens else [])


def test_a_failing_trunk_is_probed_at_most_once_in_ten_seconds() -> None:
    rig = Rig(channels=50)
    rig.ask(5)
    rig.fail(5)
    for _ in range(600):
        rig.ask(3)
        if rig.view().channels_used:
            rig.fail(rig.view().channels_used)
        rig.run(0.2)
    probes = [at_s for at_s, count in rig.grants()[1:] for _ in range(count)]
    assert 10 <= len(probes) <= 12
    gaps = [after - before for before, after in pairwise(probes)]
    assert min(gaps) >= 10.0


def test_a_probe_that_goes_well_closes_the_breaker() -> None:
    rig = Rig()
    rig.ask(5)
    rig.fail(5)
    rig.ask(1)
    assert rig.refused() == [(1, "trunk-down")]
    rig.run(11.5)
    rig.ask(2)
    assert rig.refused()[1:] == [(1, "trunk-down")]
    rig.succeed()
    rig.ask(7)
    assert rig.granted() == 5 + 1 + 7
    assert rig.changes() == [(False, "failing"), (True, "")]


def test_calls_from_before_the_trip_prove_nothing() -> None:
    rig = Rig()
    rig.ask(7)
    launched_s = rig.scheduler.now_s()
    rig.run(1.0)
    rig.fail(5)
    rig.run(11.5)
    rig.ask(1)
    rig.hear(ChannelFreed(launched_s=launched_s))
    assert not rig.view().up
    rig.succeed()
    assert rig.view().up


def test_without_a_launch_time_only_a_probe_under_way_proves() -> None:
    rig = Rig()
    rig.ask(7)
    rig.fail(5)
    rig.hear(ChannelFreed())
    assert not rig.view().up
    rig.run(11.5)
    rig.ask(1)
    rig.hear(ChannelFreed())
    assert rig.view().up


def test_a_503_is_left_alone_for_as_long_as_it_asks() -> None:
    rig = Rig(calls_per_s=4.0)
    rig.ask(3)
    rig.fail(1, retry_after_s=30.0)
    assert rig.refused() == [(2, "trunk-down")]
    rig.run(29.9)
    rig.ask(1)
    assert rig.granted() == 1
    rig.run(0.2)
    rig.ask(1)
    assert rig.granted() == 2
    assert rig.changes() == [(False, "retry-after"), (True, "")]


def test_a_pause_asked_for_by_a_probe_outlasts_the_rest() -> None:
    rig = Rig()
    rig.ask(5)
    rig.fail(5)
    rig.run(11.5)
    rig.ask(1)
    rig.fail(1, retry_after_s=60.0)
    before = rig.granted()
    for _ in range(59):
        rig.run(1.0)
        rig.ask(1)
    assert rig.granted() == before
    rig.run(2.0)
    rig.ask(1)
    assert rig.granted() == before + 1


def test_an_absurd_pause_is_bounded() -> None:
    rig = Rig()
    rig.ask(1)
    rig.fail(1, retry_after_s=1e12)
    rig.run(3601.0)
    assert rig.view().up


# --- watchers ------------------------------------------------------------------------------


def test_a_watcher_hears_how_the_trunk_stands_at_once_and_once() -> None:
    rig = Rig(channels=7)
    rig.hear(WatchTrunk(ONE))
    assert rig.samples() == [TrunkSampled(MAIN, up=True, free_channels=7)]


def test_watchers_hear_of_up_and_down_at_once() -> None:
    rig = Rig(channels=7)
    rig.hear(WatchTrunk(ONE))
    rig.hear(TrunkLost(MAIN, "gone"))
    rig.hear(TrunkReached(MAIN))
    assert [(each.up, each.free_channels, each.reason) for each in rig.samples()[1:]] == [
        (False, 0, "gone"),
        (True, 7, ""),
    ]


def test_watchers_hear_of_a_full_trunk_at_once_and_of_counts_in_time() -> None:
    rig = Rig(channels=10)
    rig.hear(WatchTrunk(ONE))
    rig.run(1.0)
    rig.ask(1)
    assert len(rig.samples()) == 2
    rig.ask(1)
    rig.ask(1)
    assert len(rig.samples()) == 2
    rig.ask(7)
    assert rig.samples()[-1].free_channels == 0
    rig.succeed()
    assert rig.samples()[-1].free_channels == 1
    rig.succeed()
    heard = len(rig.samples())
    rig.run(0.3)
    assert len(rig.samples()) == heard + 1
    assert rig.samples()[-1].free_channels == 2


def test_a_probe_is_shown_as_one_free_channel() -> None:
    rig = Rig()
    rig.hear(WatchTrunk(ONE))
    rig.ask(5)
    rig.fail(5)
    assert not rig.samples()[-1].up
    rig.run(11.5)
    assert (rig.samples()[-1].up, rig.samples()[-1].free_channels) == (True, 1)
    rig.ask(1)
    assert not rig.samples()[-1].up
