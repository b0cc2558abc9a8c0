from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.actors.kernel.effects import Effect, Reply
from engine.actors.kernel.ref import Ref
from engine.actors.messages import (
    AgentForPreview,
    AgentFound,
    AgentMoved,
    CampaignGone,
    CampaignMessage,
    CampaignMoved,
    DescribeRouter,
    PacerMessage,
    QueueCall,
    ReturnAgent,
    RouterMessage,
    UnqueueCall,
    WantPreviewers,
)
from engine.actors.router import AGAIN_S, RouterBehavior
from engine.domain.ids import AgentId, AttemptId, CampaignId, TeamId
from engine.domain.specs import CampaignSpec
from engine.machines.agent import AgentPhase
from tests.unit.actors.reading import Answers, cancelled, timers, told


class Rig:
    """A router with campaigns by name; collects who was given to whom."""

    def __init__(self) -> None:
        self.pacer: Ref[PacerMessage] = Ref("pacer")
        self.router = RouterBehavior(self.pacer)
        self.refs: dict[str, Ref[CampaignMessage]] = {}

    def hear(self, message: RouterMessage) -> list[tuple[str, str, str]]:
        """Return (campaign, attempt or ``preview``, agent) of each agent given."""
        effects = self.router.on(message, 0.0)
        return self.given(effects)

    def given(self, effects: Sequence[Effect]) -> list[tuple[str, str, str]]:
        every: list[tuple[str, str, str]] = []
        for name, ref in self.refs.items():
            every += [(name, f.attempt_id, f.agent_id) for f in told(effects, ref, AgentFound)]
            every += [(name, "preview", f.agent_id) for f in told(effects, ref, AgentForPreview)]
        return every

    def campaign(self, name: str, *, running: bool = True, **changes: Any) -> Any:
        ref = self.refs.setdefault(name, Ref(name))
        values: dict[str, Any] = {"teams": (TeamId("red"),), **changes}
        spec = CampaignSpec(campaign_id=CampaignId(name), **values)
        return self.hear(CampaignMoved(spec, running, ref))

    def ready(self, name: str, since_s: float = 0.0, team: str = "red") -> Any:
        return self.move(name, AgentPhase.READY, since_s, team)

    def move(self, name: str, phase: AgentPhase, since_s: float = 0.0, team: str = "red") -> Any:
        return self.hear(AgentMoved(AgentId(name), TeamId(team), phase, since_s, None, False))

    def queue(self, campaign: str, attempt: str, answered_s: float = 0.0) -> Any:
        return self.hear(QueueCall(CampaignId(campaign), AttemptId(attempt), answered_s))

    def unqueue(self, campaign: str, attempt: str) -> Any:
        return self.hear(UnqueueCall(CampaignId(campaign), AttemptId(attempt)))

    def want(self, campaign: str, wanted: bool = True) -> Any:
        return self.hear(WantPreviewers(CampaignId(campaign), wanted))

    def give_back(self, agent: str) -> Any:
        return self.hear(ReturnAgent(AgentId(agent)))

    def counts(self) -> dict[CampaignId, tuple[int, int]]:
        answers = Answers()
        for effect in self.router.on(DescribeRouter(answers.place()), 0.0):
            if isinstance(effect, Reply):
                effect.reply_to.resolve(effect.value, None)
        return dict(answers.values[0].by_campaign)


@pytest.fixture
def rig() -> Rig:
    rig = Rig()
    rig.campaign("spring")
    return rig


def test_every_move_of_an_agent_goes_on_to_the_pacer(rig: Rig) -> None:
    moved = AgentMoved(AgentId("ann"), TeamId("red"), AgentPhase.TALKING, 1.0, None, True)
    assert told(rig.router.on(moved, 0.0), rig.pacer, AgentMoved) == [moved]


def test_a_call_goes_to_the_agent_ready_longest(rig: Rig) -> None:
    rig.ready("ben", since_s=20.0)
    rig.ready("ann", since_s=10.0)
    rig.ready("cat", since_s=30.0)
    assert rig.queue("spring", "c1") == [("spring", "c1", "ann")]
    assert rig.queue("spring", "c2") == [("spring", "c2", "ben")]
    assert rig.counts() == {"spring": (1, 0)}


def test_the_highest_skill_goes_before_the_longest_wait() -> None:
    rig = Rig()
    rig.campaign("spring", skills={AgentId("ann"): 50, AgentId("dan"): 0})
    rig.ready("dan", since_s=1.0)
    rig.ready("ann", since_s=10.0)
    rig.ready("ben", since_s=20.0)
    assert rig.queue("spring", "c1") == [("spring", "c1", "ben")]
    assert rig.queue("spring", "c2") == [("spring", "c2", "ann")]
    assert rig.queue("spring", "c3") == []


def test_an_agent_of_another_team_gets_no_call(rig: Rig) -> None:
    rig.ready("ann", team="blue")
    assert rig.queue("spring", "c1") == []


def test_a_ready_agent_gets_the_call_that_has_waited_longest(rig: Rig) -> None:
    rig.queue("spring", "c2", answered_s=20.0)
    rig.queue("spring", "c1", answered_s=10.0)
    assert rig.ready("ann") == [("spring", "c1", "ann")]
    assert rig.ready("ben") == [("spring", "c2", "ben")]
    assert rig.ready("cat") == []


def test_priority_goes_before_waiting_time(rig: Rig) -> None:
    rig.campaign("summer", priority=80)
    rig.queue("spring", "c1", answered_s=1.0)
    rig.queue("summer", "c2", answered_s=9.0)
    assert rig.ready("ann") == [("summer", "c2", "ann")]
    assert rig.ready("ben") == [("spring", "c1", "ben")]


def test_a_reserved_agent_is_not_given_again_until_it_moves(rig: Rig) -> None:
    rig.ready("ann")
    rig.queue("spring", "c1")
    assert rig.queue("spring", "c2") == []
    rig.move("ann", AgentPhase.TALKING)
    assert rig.ready("ann") == [("spring", "c2", "ann")]


def test_a_returned_agent_keeps_its_place(rig: Rig) -> None:
    rig.ready("ann", since_s=10.0)
    rig.ready("ben", since_s=20.0)
    rig.queue("spring", "c1")
    rig.give_back("ann")
    assert rig.queue("spring", "c2") == [("spring", "c2", "ann")]


def test_a_returned_agent_takes_the_call_that_waits(rig: Rig) -> None:
    rig.ready("ann")
    rig.queue("spring", "c1")
    rig.queue("spring", "c2")
    assert rig.give_back("ann") == [("spring", "c2", "ann")]


def test_an_agent_that_moved_on_cannot_be_returned(rig: Rig) -> None:
    rig.ready("ann")
    rig.queue("spring", "c1")
    rig.move("ann", AgentPhase.NOT_READY)
    rig.give_back("ann")
    rig.give_back("nobody")
    assert rig.queue("spring", "c2") == []


@pytest.mark.parametrize("phase", [AgentPhase.NOT_READY, AgentPhase.LOGGED_OUT],
                         ids=lambda phase: phase.value)  # fmt: skip
def test_an_agent_that_left_gets_no_call(rig: Rig, phase: AgentPhase) -> None:
    rig.ready("ann")
    rig.move("ann", phase)
    assert rig.queue("spring", "c1") == []
    assert rig.counts() == {"spring": (0, 1)}


def test_a_call_that_no_longer_waits_takes_no_agent(rig: Rig) -> None:
    rig.queue("spring", "c1")
    rig.queue("spring", "c2")
    rig.unqueue("spring", "c1")
    assert rig.ready("ann") == [("spring", "c2", "ann")]


def test_a_call_queued_again_keeps_its_time_and_is_given_once(rig: Rig) -> None:
    rig.queue("spring", "c1", answered_s=1.0)
    rig.unqueue("spring", "c1")
    rig.queue("spring", "c2", answered_s=2.0)
    rig.queue("spring", "c1", answered_s=1.0)
    assert rig.ready("ann") == [("spring", "c1", "ann")]
    assert rig.ready("ben") == [("spring", "c2", "ben")]
    assert rig.ready("cat") == []


def test_calls_of_a_stopping_campaign_are_still_served(rig: Rig) -> None:
    rig.queue("spring", "c1")
    rig.campaign("spring", running=False)
    assert rig.ready("ann") == [("spring", "c1", "ann")]


def test_a_call_of_an_unknown_campaign_waits_nowhere(rig: Rig) -> None:
    rig.ready("ann")
    assert rig.queue("nowhere", "c1") == []


def test_a_team_that_joins_takes_calls_that_wait(rig: Rig) -> None:
    rig.ready("ann", team="blue")
    rig.queue("spring", "c1")
    given = rig.campaign("spring", teams=(TeamId("red"), TeamId("blue")))
    assert given == [("spring", "c1", "ann")]


def test_a_team_that_left_takes_none(rig: Rig) -> None:
    rig.ready("ann")
    rig.campaign("spring", teams=(TeamId("blue"),))
    assert rig.counts() == {"spring": (0, 0)}
    assert rig.queue("spring", "c1") == []
    rig.move("ann", AgentPhase.NOT_READY)
    assert rig.counts() == {"spring": (0, 1)}


def test_a_deleted_campaign_leaves_its_agents_to_the_others(rig: Rig) -> None:
    rig.campaign("summer")
    rig.ready("ann")
    rig.hear(CampaignGone(CampaignId("spring")))
    rig.hear(CampaignGone(CampaignId("spring")))
    assert rig.queue("summer", "c1") == [("summer", "c1", "ann")]


# --- records to review ---------------------------------------------------------------------


def test_ready_agents_review_records_for_campaigns_that_want_it(rig: Rig) -> None:
    rig.ready("ann", since_s=2.0)
    rig.ready("ben", since_s=1.0)
    assert rig.want("spring") == [("spring", "preview", "ben"), ("spring", "preview", "ann")]
    assert rig.ready("cat") == [("spring", "preview", "cat")]
    rig.want("spring", wanted=False)
    assert rig.ready("dan") == []


def test_waiting_calls_go_before_records(rig: Rig) -> None:
    rig.campaign("summer", priority=100)
    rig.want("summer")
    rig.queue("spring", "c1")
    assert rig.ready("ann") == [("spring", "c1", "ann")]


def test_records_are_reviewed_by_priority_then_in_turn(rig: Rig) -> None:
    rig.campaign("summer")
    rig.campaign("urgent", priority=90)
    for name in ("spring", "summer", "urgent"):
        rig.want(name)
    assert rig.ready("ann") == [("urgent", "preview", "ann")]
    rig.want("urgent", wanted=False)
    turns = [rig.ready(name)[0][0] for name in ("ben", "cat", "dan", "eve")]
    assert turns == ["spring", "summer", "spring", "summer"]


def test_a_campaign_that_is_stopping_gets_no_reviewers(rig: Rig) -> None:
    rig.want("spring")
    rig.campaign("spring", running=False)
    assert rig.ready("ann") == []
    assert rig.campaign("spring") == [("spring", "preview", "ann")]


def test_a_reviewer_given_back_is_not_given_again_before_it_is_wanted_anew(rig: Rig) -> None:
    rig.campaign("summer")
    rig.want("spring")
    rig.want("summer")
    rig.ready("ann")
    assert rig.give_back("ann") == [("summer", "preview", "ann")]
    assert rig.give_back("ann") == []
    assert rig.want("spring") == [("spring", "preview", "ann")]


def test_a_campaign_that_still_wants_is_offered_its_reviewers_again_a_little_later(
    rig: Rig,
) -> None:
    rig.want("spring")
    for agent in ("ann", "ben"):
        rig.ready(agent)
    again = WantPreviewers(CampaignId("spring"), True)
    effects = rig.router.on(ReturnAgent(AgentId("ann")), 0.0)
    assert timers(effects) == [(AGAIN_S, again)]
    assert timers(rig.router.on(ReturnAgent(AgentId("ben")), 0.0)) == []
    assert [agent for *_, agent in rig.hear(again)] == ["ann", "ben"]
    effects = rig.router.on(WantPreviewers(CampaignId("spring"), False), 0.0)
    assert cancelled(effects) == [("want", "spring")]
    assert timers(rig.router.on(ReturnAgent(AgentId("ann")), 0.0)) == []


def test_a_reviewer_given_back_after_a_newer_want_is_given_again(rig: Rig) -> None:
    rig.want("spring")
    rig.ready("ann")
    rig.want("spring")
    assert rig.give_back("ann") == [("spring", "preview", "ann")]


# --- bounds and a plain model --------------------------------------------------------------


def test_heaps_do_not_grow_with_what_moved_on(rig: Rig) -> None:
    rig.ready("ann", since_s=-1.0)
    for turn in range(2000):
        rig.ready("ben", since_s=turn)
        rig.move("ben", AgentPhase.NOT_READY)
        rig.unqueue("spring", "never")
    assert len(rig.router._campaigns[CampaignId("spring")].ready) < 200
    rig.move("ann", AgentPhase.NOT_READY)
    rig.queue("spring", "old")
    for turn in range(2000):
        rig.queue("spring", f"c{turn}")
        rig.unqueue("spring", f"c{turn}")
    assert len(rig.router._campaigns[CampaignId("spring")].calls) < 200


_EVENTS = st.lists(
    st.tuples(st.sampled_from(["ready", "gone", "queue", "unqueue", "return"]), st.integers(0, 5)),
    max_size=60,
)


@given(_EVENTS)
def test_nobody_waits_while_there_is_somebody_for_them(events: list[tuple[str, int]]) -> None:
    """A plain model: sets of ready agents and waiting calls, matched whenever both are there."""
    rig = Rig()
    rig.campaign("spring")
    ready: dict[str, float] = {}
    reserved: dict[str, float] = {}
    waiting: dict[str, float] = {}
    for step, (kind, who) in enumerate(events):
        agent, call = f"a{who}", f"c{who}"
        if kind == "ready":
            reserved.pop(agent, None)
            ready[agent] = step
            given = rig.ready(agent, since_s=step)
        elif kind == "gone":
            reserved.pop(agent, None)
            ready.pop(agent, None)
            given = rig.move(agent, AgentPhase.TALKING)
        elif kind == "queue":
            waiting.setdefault(call, step)
            given = rig.queue("spring", call, waiting[call])
        elif kind == "unqueue":
            waiting.pop(call, None)
            given = rig.unqueue("spring", call)
        else:
            if agent in reserved:
                ready[agent] = reserved.pop(agent)
            given = rig.give_back(agent)
        expected = []
        if ready and waiting:
            chosen, first = min(ready, key=ready.__getitem__), min(waiting, key=waiting.__getitem__)
            reserved[chosen] = ready.pop(chosen)
            del waiting[first]
            expected = [("spring", first, chosen)]
        assert given == expected
        assert rig.counts() == {"spring": (len(ready), len(waiting))}
