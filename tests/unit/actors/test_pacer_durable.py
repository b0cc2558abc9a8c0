"""What the pacer keeps over a restart: laws, budgets, the day, and calls since the last save."""

from collections.abc import Mapping, Sequence

import msgspec
import pytest

from engine.actors.kernel.effects import Do, Effect
from engine.actors.kernel.ref import Ref
from engine.actors.messages import (
    CallMoved,
    CallsLaunched,
    CampaignMoved,
    PacerMessage,
    PacingDue,
    PacingView,
    PublishPacing,
    RecallCalls,
    RecalledCall,
    RestoreLaws,
    SavePacing,
    SupplySampled,
)
from engine.actors.pacer import PacerBehavior, Saved, saved_at_s
from engine.domain.ids import CampaignId
from engine.domain.specs import CampaignSpec, Mode, RuleWindow
from engine.pacing import DAY, ROLLING_24H, ROLLING_30D, Budgets

SPRING = CampaignId("spring")
SUMMER = CampaignId("summer")
DAY_S = 86_400.0
NOON_S = 20_000 * DAY_S + DAY_S / 2
WINDOWS = (DAY, ROLLING_24H, ROLLING_30D)


class Story:
    """One life of a pacer, told what happens at given instants."""

    def __init__(self, laws: Mapping[CampaignId, bytes] | None = None, at_s: float = NOON_S):
        self.pacer = PacerBehavior(0.25, lambda now_s: int(now_s // DAY_S))
        self.saved: list[Mapping[CampaignId, bytes]] = []
        self.views: list[PacingView] = []
        self.now_s = at_s
        self.tell(RestoreLaws(laws or {}, recalling=laws is not None))

    def tell(self, message: PacerMessage) -> None:
        self.keep(self.pacer.on(message, self.now_s))

    def keep(self, effects: Sequence[Effect]) -> None:
        for effect in effects:
            match effect:
                case Do(SavePacing(laws)):
                    self.saved.append(laws)
                case Do(PublishPacing(row=PacingView() as view)):
                    self.views.append(view)
                case _:
                    pass

    def run(self, campaign_id: CampaignId = SPRING, *counting: RuleWindow) -> None:
        spec = CampaignSpec(
            campaign_id=campaign_id, mode=Mode.PREDICTIVE, false_machine_windows=counting
        )
        moved = CampaignMoved(spec, True, Ref(f"campaigns/{campaign_id}"))
        self.tell(moved)
        self.tell(SupplySampled(campaign_id, 1_000, 100, trunk_up=True))

    def tick(self, at_s: float) -> None:
        self.now_s = at_s
        self.tell(PacingDue())

    def answer(self, count: int, *, unattended: int = 0, campaign_id: CampaignId = SPRING) -> None:
        self.tell(CallsLaunched(campaign_id, count, count, self.now_s))
        for place in range(count):
            self.tell(CallMoved(campaign_id, "answered", self.now_s))
            stage = "unattended" if place < unattended else "connected"
            self.tell(CallMoved(campaign_id, stage, self.now_s))

    def screen(self, count: int) -> None:
        """Persons answer, analysis passes them on, and each finds an agent."""
        self.tell(CallsLaunched(SPRING, count, count, self.now_s))
        for _ in range(count):
            self.tell(CallMoved(SPRING, "screening", self.now_s))
            self.tell(CallMoved(SPRING, "answered", self.now_s, screened=True))
            self.tell(CallMoved(SPRING, "connected", self.now_s))

    def counts(self, campaign_id: CampaignId = SPRING) -> list[tuple[float, float]]:
        """Answered and unattended calls in the day, 24 hours and 30 days, as kept for a restart."""
        return counts_of(self.pacer.laws(self.now_s), campaign_id)


def counts_of(
    laws: Mapping[CampaignId, bytes], campaign_id: CampaignId = SPRING
) -> list[tuple[float, float]]:
    (packed,) = laws.values()
    saved = msgspec.msgpack.decode(packed, type=Saved)
    answered, unattended = Budgets.from_bytes(saved.budgets, WINDOWS).counts()
    row = saved.rows[campaign_id]
    return list(zip(answered[row].tolist(), unattended[row].tolist(), strict=True))


def lived(answered: int, unattended: int, at_s: float = NOON_S) -> Story:
    story = Story(at_s=at_s)
    story.run()
    story.answer(answered, unattended=unattended)
    story.tick(at_s + 1.0)
    return story


def test_an_answer_counts_once_whatever_follows() -> None:
    story = lived(10, 2)
    assert story.counts() == [(10.0, 2.0)] * 3
    story.tell(CallMoved(SPRING, "unattended", 0.0))  # its agent was lost in the talk
    assert story.counts() == [(10.0, 3.0)] * 3


def test_a_restart_paces_as_before() -> None:
    before = lived(200, 3)
    laws = before.pacer.laws(before.now_s)
    after = Story(laws, before.now_s)
    after.run()
    after.tell(RecallCalls((), done=True))
    for at_s in (before.now_s + 2.0, before.now_s + 3.0):
        before.tick(at_s)
        after.tick(at_s)
    figures = [
        (view.answer_ratio, view.answer_ratio_error, view.tau, view.budget, view.reason)
        for view in (before.views[-1], after.views[-1])
    ]
    assert figures[0] == figures[1]


def test_a_restart_across_midnight_begins_the_day_anew() -> None:
    evening_s = 20_001 * DAY_S - 60.0
    before = lived(100, 3, evening_s)
    laws = before.pacer.laws(before.now_s)
    after = Story(laws, evening_s + 120.0)
    after.run()
    after.tell(RecallCalls((), done=True))
    after.tick(evening_s + 121.0)
    assert after.counts() == [(0.0, 0.0), (100.0, 3.0), (100.0, 3.0)]
    same_day = Story(laws, evening_s + 30.0)
    same_day.run()
    same_day.tell(RecallCalls((), done=True))
    assert same_day.counts() == [(100.0, 3.0)] * 3


def test_laws_are_kept_each_minute_with_their_instant() -> None:
    story = lived(5, 0)
    for second in range(2, 125):
        story.tick(NOON_S + second)
    assert [saved_at_s(laws) for laws in story.saved] == [NOON_S + 60.0, NOON_S + 120.0]
    assert counts_of(story.saved[0]) == [(5.0, 0.0)] * 3


def test_calls_since_the_last_save_are_recalled_where_they_belong() -> None:
    evening_s = 20_001 * DAY_S - 60.0
    laws = lived(100, 3, evening_s).pacer.laws(evening_s + 1.0)
    after = Story(laws, evening_s + 120.0)
    after.run()
    calls = [RecalledCall(SPRING, evening_s + 20.0, unattended=False)] * 2
    calls += [RecalledCall(SPRING, evening_s + 22.0, unattended=True)]
    after.tell(RecallCalls(calls, done=False))
    after.tell(RecallCalls([RecalledCall(SPRING, evening_s + 70.0, unattended=False)], done=True))
    assert after.counts() == [(1.0, 0.0), (103.0, 4.0), (103.0, 4.0)]


def test_nothing_is_saved_over_what_is_still_to_be_recalled() -> None:
    laws = lived(100, 3).pacer.laws(NOON_S + 1.0)
    after = Story(laws, NOON_S + 10.0)
    after.run()
    after.tick(NOON_S + 100.0)
    assert not after.saved
    assert not after.pacer.laws(after.now_s)
    after.tell(RecallCalls((), done=True))
    after.tick(NOON_S + 101.0)
    assert len(after.saved) == 1


@pytest.mark.parametrize("packed", [b"", b"\xc1", msgspec.msgpack.encode({"rows": {}})])
def test_laws_of_another_version_are_learned_anew(packed: bytes) -> None:
    assert saved_at_s({CampaignId(""): packed}) is None
    story = Story({CampaignId(""): packed})
    story.run()
    story.tell(RecallCalls((), done=True))
    story.tick(NOON_S + 1.0)
    assert story.views[-1].budget == 0.0


def test_each_campaign_keeps_its_own_counts() -> None:
    story = lived(10, 1)
    story.run(SUMMER)
    story.answer(4, campaign_id=SUMMER)
    assert story.counts() == [(10.0, 1.0)] * 3
    assert story.counts(SUMMER) == [(4.0, 0.0)] * 3


def test_a_call_of_the_past_counts_only_in_windows_that_still_have_it() -> None:
    budgets = Budgets(1, WINDOWS)
    budgets.count(0, NOON_S, answered=1)
    budgets.recall(0, NOON_S - 2 * DAY_S, unattended=False, today=False)
    budgets.recall(0, NOON_S - 40 * DAY_S, unattended=True, today=False)
    answered, unattended = budgets.counts()
    assert answered.tolist() == [[1.0, 1.0, 2.0]]
    assert not unattended.any()
    for hours in range(24 * 29):  # and leaves the window as if it had been counted then
        budgets.prices(NOON_S + hours * 3600.0)
    assert budgets.counts()[0].tolist() == [[1.0, 0.0, 1.0]]


def test_a_window_that_counts_them_has_the_persons_whom_analysis_cut_off() -> None:
    """One for every 99 passed on at 1 %; a call that was not analysed tells of nobody."""
    story = Story()
    story.run(SPRING, RuleWindow.ROLLING_24H)
    story.screen(198)
    story.answer(20, unattended=1)
    plain = pytest.approx((218.0, 1.0))
    assert story.counts() == [plain, pytest.approx((220.0, 3.0)), plain]
    again = Story(story.pacer.laws(story.now_s))
    call = RecalledCall(SPRING, story.now_s, unattended=False, passed=True)
    again.tell(RecallCalls([call] * 99, done=True))
    plain = pytest.approx((317.0, 1.0))
    assert again.counts() == [plain, pytest.approx((320.0, 4.0)), plain]
