"""The pacer as an actor: what it promises, what it heeds, and what it keeps."""

from collections.abc import Sequence
from typing import Any

import pytest

from engine.actors.kernel.effects import Do, Effect, Tell
from engine.actors.kernel.ref import Ref
from engine.actors.messages import (
    AgentMoved,
    CallMoved,
    CallsLaunched,
    CallsLost,
    CampaignGone,
    CampaignMoved,
    DescribePacing,
    PacerMessage,
    PacingDue,
    PacingView,
    RestoreLaws,
    SavePacing,
    StartCalls,
    SupplySampled,
)
from engine.actors.pacer import PacerBehavior
from engine.domain.ids import AgentId, CampaignId, TeamId
from engine.domain.specs import Mode
from engine.machines.agent import AgentPhase
from tests.unit.actors.campaign.rig import NOON_S, spec_of
from tests.unit.actors.reading import Answers, timers

TICK_S = 0.25


class Rig:
    """A pacer, its campaigns and agents."""

    def __init__(self) -> None:
        self.pacer = PacerBehavior(TICK_S, lambda at_s: int(at_s // 86_400))
        self.now_s = NOON_S
        self.refs: dict[str, Ref[Any]] = {}
        self.saved: list[SavePacing] = []
        self.tell(RestoreLaws({}))

    def tell(self, message: PacerMessage) -> Sequence[Effect]:
        return self.pacer.on(message, self.now_s)

    def campaign(self, name: str = "spring", *, running: bool = True, **changes: Any) -> None:
        """Configure a campaign with plenty of records and channels."""
        campaign_id = CampaignId(name)
        self.refs.setdefault(name, Ref(name))
        spec = spec_of(**{"campaign_id": campaign_id, **changes})
        self.tell(CampaignMoved(spec, running, self.refs[name]))
        self.tell(SupplySampled(campaign_id, 1_000, 100, trunk_up=True))

    def agents(self, count: int, phase: AgentPhase = AgentPhase.READY, team: str = "floor") -> None:
        for n in range(count):
            agent_id = AgentId(f"agent-{n}")
            self.tell(AgentMoved(agent_id, TeamId(team), phase, self.now_s, None, leaving=False))

    def tick(self, after_s: float = TICK_S) -> dict[str, int]:
        """Let time pass, and return the calls asked of each campaign."""
        self.now_s += after_s
        effects = self.tell(PacingDue())
        self.saved += [
            each.command
            for each in effects
            if isinstance(each, Do) and isinstance(each.command, SavePacing)
        ]
        return {
            each.ref.name: each.message.count
            for each in effects
            if isinstance(each, Tell) and isinstance(each.message, StartCalls)
        }

    def launch(self, count: int, name: str = "spring") -> float:
        for _ in range(count):
            self.tell(CallsLaunched(CampaignId(name), 1, 1, self.now_s))
        return self.now_s

    def move(self, stage: str, launched_s: float, name: str = "spring", **more: bool) -> None:
        self.tell(CallMoved(CampaignId(name), stage, launched_s, **more))

    def view(self, name: str = "spring") -> PacingView:
        answers = Answers()
        for each in self.tell(DescribePacing(CampaignId(name), answers.place())):
            each.reply_to.resolve(getattr(each, "value", None), getattr(each, "error", None))  # type: ignore[union-attr]
        view = answers.values[0]
        assert isinstance(view, PacingView)
        return view


@pytest.fixture
def rig() -> Rig:
    return Rig()


def test_a_call_is_asked_for_each_ready_agent_and_not_twice(rig: Rig) -> None:
    rig.campaign()
    rig.agents(3)
    assert rig.tick() == {"spring": 3}
    assert rig.tick() == {}
    assert rig.view().reason == "starting"


def test_what_is_settled_without_a_call_is_asked_again(rig: Rig) -> None:
    rig.campaign()
    rig.agents(3)
    rig.tick()
    rig.tell(CallsLaunched(CampaignId("spring"), 3, 0))
    assert rig.tick() == {"spring": 3}


def test_calls_under_analysis_are_in_flight_until_they_are_for_nobody(rig: Rig) -> None:
    rig.campaign()
    rig.agents(2)
    rig.tick()
    launched_s = rig.launch(2)
    rig.move("screening", launched_s)
    assert rig.tick() == {}
    assert rig.view().in_flight == 2
    rig.move("treated", launched_s, screened=True)
    assert rig.view().in_flight == 2  # as last decided
    assert rig.tick() == {"spring": 1}
    assert rig.view().in_flight == 1


def test_a_verdict_moves_the_call_it_is_about_and_no_other_of_its_instant(rig: Rig) -> None:
    rig.campaign()
    rig.agents(2)
    rig.tick()
    launched_s = rig.launch(2)
    rig.move("screening", launched_s)
    rig.move("ended", launched_s)  # the one that still rang
    rig.move("answered", launched_s, screened=True)
    rig.tick()
    assert rig.view().in_flight == 1
    rig.move("connected", launched_s, screened=True)
    rig.tick()
    assert rig.view().in_flight == 0


def test_calls_in_a_scenario_count_against_the_automatic_limit(rig: Rig) -> None:
    rig.campaign(mode=Mode.AUTOMATIC, max_calls=3)
    assert rig.tick() == {"spring": 3}
    launched_s = rig.launch(3)
    for _ in range(3):
        rig.move("treated", launched_s)
    assert rig.tick() == {}
    rig.move("over", 0.0)
    assert rig.tick() == {"spring": 1}


def test_calls_in_flight_are_agents_taken(rig: Rig) -> None:
    rig.campaign()
    rig.agents(3)
    rig.tick()
    launched_s = rig.launch(3)
    assert rig.tick() == {}
    assert rig.view().in_flight == 3
    rig.move("ended", launched_s)
    assert rig.tick() == {"spring": 1}


@pytest.mark.parametrize("last", ["connected", "abandoned", "unattended"])
def test_an_answered_call_is_in_flight_until_it_is_somewhere(rig: Rig, last: str) -> None:
    rig.campaign()
    rig.agents(2)
    rig.tick()
    launched_s = rig.launch(2)
    rig.move("answered", launched_s)
    rig.tick()
    assert rig.view().in_flight == 2
    rig.move(last, launched_s)
    rig.move(last, 0.0)
    rig.tick()
    assert rig.view().in_flight == 1


def test_calls_of_a_failed_campaign_are_forgotten_with_what_was_promised(rig: Rig) -> None:
    rig.campaign()
    rig.agents(3)
    rig.tick()
    rig.launch(1)
    rig.tell(CallsLost(CampaignId("spring")))
    assert rig.tick() == {"spring": 3}


def test_a_stop_forgets_what_was_promised(rig: Rig) -> None:
    rig.campaign()
    rig.agents(3)
    rig.tick()
    rig.campaign(running=False)
    assert rig.tick() == {}
    rig.campaign()
    assert rig.tick() == {"spring": 3}


@pytest.mark.parametrize(
    ("changes", "asked"),
    [
        pytest.param({}, 5, id="none"),
        pytest.param({"max_calls": 2}, 2, id="simultaneous calls"),
        pytest.param({"max_calls_per_s": 2.0}, 1, id="calls per second"),
        pytest.param({"mode": Mode.PREVIEW}, 0, id="preview"),
        pytest.param({"teams": (TeamId("other"),)}, 0, id="another team's agents"),
        pytest.param({"mode": Mode.AUTOMATIC}, 10, id="automatic without a limit of its own"),
        pytest.param({"mode": Mode.AUTOMATIC, "max_calls": 4}, 4, id="automatic"),
    ],
)
def test_a_campaigns_limits_hold(rig: Rig, changes: dict[str, Any], asked: int) -> None:
    rig.campaign(**changes)
    rig.agents(5)
    assert rig.tick().get("spring", 0) == asked


@pytest.mark.parametrize(
    ("records", "channels", "up", "asked"),
    [(2, 100, True, 2), (100, 3, True, 3), (100, 100, False, 0), (0, 100, True, 0)],
)
def test_no_more_is_asked_than_records_and_channels_allow(
    rig: Rig, records: int, channels: int, up: bool, asked: int
) -> None:
    rig.campaign()
    rig.tell(SupplySampled(CampaignId("spring"), records, channels, trunk_up=up))
    rig.agents(5)
    assert rig.tick().get("spring", 0) == asked


def test_calls_per_second_hold_over_time(rig: Rig) -> None:
    rig.campaign(max_calls_per_s=2.0)
    rig.agents(50)
    asked = 0
    for _ in range(40):
        asked += (count := rig.tick().get("spring", 0))
        rig.launch(count)
    assert 18 <= asked <= 21


def test_shared_agents_are_promised_once(rig: Rig) -> None:
    for name in ("one", "two", "three"):
        rig.campaign(name)
    rig.agents(7)
    assert sum(rig.tick().values()) == 7


def test_an_agent_who_changes_team_serves_the_other_campaign(rig: Rig) -> None:
    rig.campaign("one", teams=(TeamId("first"),))
    rig.campaign("two", teams=(TeamId("second"),))
    rig.agents(2, team="first")
    rig.agents(2, team="second")
    assert rig.tick() == {"two": 2}


@pytest.mark.parametrize("phase", [AgentPhase.LOGGED_OUT, AgentPhase.NOT_READY])
def test_who_is_gone_is_called_for_no_more(rig: Rig, phase: AgentPhase) -> None:
    rig.campaign()
    rig.agents(2)
    rig.agents(2, phase)
    assert rig.tick() == {}


def test_more_than_sixteen_campaigns_have_room(rig: Rig) -> None:
    for n in range(40):
        rig.campaign(f"c{n}", teams=(TeamId(f"team-{n}"),))
    rig.agents(1, team="team-39")
    assert rig.tick() == {"c39": 1}
    rig.tell(CampaignGone(CampaignId("c39")))
    assert rig.tick() == {}
    rig.campaign("c40", teams=(TeamId("team-39"),))
    assert rig.tick() == {"c40": 1}


def test_a_ready_agent_hurries_the_next_decision(rig: Rig) -> None:
    rig.campaign()
    rig.tick()
    ready = AgentMoved(
        AgentId("ann"), TeamId("floor"), AgentPhase.READY, rig.now_s, None, leaving=False
    )
    assert timers(rig.tell(ready)) == [(0.0, PacingDue())]


def test_while_nothing_runs_decisions_are_rare_and_who_moves_is_still_seen_at_once(
    rig: Rig,
) -> None:
    rig.campaign(running=False)
    (period_s, _), *others = timers(rig.tell(PacingDue()))
    assert period_s > 10 * TICK_S
    assert not others
    break_begins = AgentMoved(
        AgentId("ann"), TeamId("floor"), AgentPhase.NOT_READY, rig.now_s, None, leaving=False
    )
    assert timers(rig.tell(break_begins)) == [(0.0, PacingDue())]
    rig.campaign(running=True)
    assert timers(rig.tell(PacingDue())) == [(TICK_S, PacingDue())]


def test_what_was_learned_outlives_the_process(rig: Rig) -> None:
    rig.campaign()
    rig.agents(2)
    rig.tick()
    launched_s = rig.launch(2)
    rig.move("answered", launched_s)
    rig.move("connected", launched_s)
    rig.tick(90.0)
    before = rig.view()
    assert rig.saved
    later = Rig()
    later.now_s = rig.now_s
    later.tell(RestoreLaws(rig.saved[-1].laws))
    later.campaign()
    later.tick()
    assert later.view().answer_ratio == pytest.approx(before.answer_ratio, abs=0.02)


@pytest.mark.parametrize("packed", [b"", b"nonsense", b"\x80"])
def test_laws_that_cannot_be_read_are_learned_anew(rig: Rig, packed: bytes) -> None:
    rig.tell(RestoreLaws({CampaignId(""): packed}))
    rig.campaign()
    rig.agents(1)
    assert rig.tick() == {"spring": 1}
