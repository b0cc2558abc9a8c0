"""What the floor remembers of calls and agents, and that shared agents are promised once."""

import numpy as np

from engine.pacing import (
    DAY,
    UNLIMITED,
    Budgets,
    Conditions,
    Floor,
    Learner,
    Memberships,
    Mode,
    Phase,
    Reason,
)


def make_floor(campaigns: int, groups: list[list[int]]) -> Floor:
    """A floor whose g-th group of agents serves the campaigns of the g-th list."""
    floor = Floor(Learner(campaigns), Budgets(campaigns, (DAY,)))
    served = [(row, group) for group, rows in enumerate(groups) for row in rows]
    rows, of = (np.array(part, dtype=np.int64) for part in zip(*served, strict=True))
    floor.serve(Memberships(rows, of, np.zeros(len(rows), dtype=np.int64)), len(groups))
    return floor


def conditions(campaigns: int, mode: Mode = Mode.PROGRESSIVE) -> Conditions:
    def whole(value: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
        return np.full(campaigns, value, dtype=np.int64)

    return Conditions(
        running=np.ones(campaigns, dtype=np.bool_),
        mode=whole(mode),
        in_hours=np.ones(campaigns, dtype=np.bool_),
        callable_records=whole(UNLIMITED),
        trunk_free=whole(UNLIMITED),
        calls_allowed=whole(UNLIMITED),
        max_level=np.full(campaigns, 1e9),
        progressive_level=np.ones(campaigns),
        automatic_limit=whole(10),
    )


def test_one_ready_agent_gives_one_call_and_no_second() -> None:
    floor = make_floor(1, [[0]])
    agent = floor.agent_joined(0, 0.0)
    assert Reason(floor.decide(0.0, conditions(1)).reason[0]) is Reason.AGENTS
    floor.agent_turned(agent, Phase.READY, 1.0)
    assert floor.decide(1.0, conditions(1)).calls_to_start[0] == 1
    floor.attempt_started(0, 1.0)
    assert floor.decide(1.25, conditions(1)).calls_to_start[0] == 0


def test_a_call_that_ends_makes_room_for_the_next() -> None:
    floor = make_floor(1, [[0]])
    floor.agent_turned(floor.agent_joined(0, 0.0), Phase.READY, 0.0)
    call = floor.attempt_started(0, 0.0)
    floor.call_closed(call, 5.0)
    assert floor.decide(5.0, conditions(1)).calls_to_start[0] == 1


def test_an_agent_about_to_leave_is_not_counted() -> None:
    floor = make_floor(1, [[0]])
    agent = floor.agent_joined(0, 0.0)
    floor.agent_turned(agent, Phase.READY, 0.0)
    floor.agent_leaving(agent, True)
    assert floor.decide(1.0, conditions(1)).calls_to_start[0] == 0
    floor.agent_leaving(agent, False)
    assert floor.decide(2.0, conditions(1)).calls_to_start[0] == 1


def test_a_shared_agent_is_promised_to_one_campaign_until_its_call_ends() -> None:
    floor = make_floor(2, [[0, 1]])
    floor.agent_turned(floor.agent_joined(0, 0.0), Phase.READY, 0.0)
    first = floor.decide(0.0, conditions(2)).calls_to_start
    assert first.sum() == 1
    row = int(first.argmax())
    call = floor.attempt_started(row, 0.0)
    for tick in range(1, 40):
        assert floor.decide(tick / 4, conditions(2)).calls_to_start.sum() == 0
    floor.call_closed(call, 10.0)
    second = floor.decide(10.0, conditions(2)).calls_to_start
    assert second.sum() == 1
    assert int(second.argmax()) != row


def test_a_campaign_without_agents_says_so() -> None:
    floor = make_floor(2, [[0]])
    floor.agent_joined(0, 0.0)
    assert Reason(floor.decide(0.0, conditions(2)).reason[1]) is Reason.NO_AGENT


def test_talk_and_acw_are_learned_from_phases() -> None:
    floor = make_floor(1, [[0]])
    agent = floor.agent_joined(0, 0.0)
    for call in range(200):
        began_s = call * 100.0
        floor.agent_turned(agent, Phase.TALKING, began_s, row=0)
        floor.agent_turned(agent, Phase.IN_ACW, began_s + 50.0)
        floor.agent_turned(agent, Phase.READY, began_s + 59.0)
    floor.learner.rebuild(np.array([0]))
    laws = floor.learner.laws()
    # After 40 s of a 50 s talk nobody is free in 1 + 2 s, almost all are in 25 + 2 s.
    assert laws.talk_free[0, 14, 0] < 0.1
    assert laws.talk_free[0, 14, 11] > 0.75


def test_a_phase_told_twice_goes_on_from_its_beginning() -> None:
    told, once = make_floor(1, [[0]]), make_floor(1, [[0]])
    for floor in (told, once):
        agent = floor.agent_joined(0, 0.0)
        floor.agent_turned(agent, Phase.TALKING, 10.0, row=0)
        if floor is told:
            floor.agent_turned(agent, Phase.TALKING, 60.0)
    seen = [floor.snapshot(100.0, conditions(1)) for floor in (told, once)]
    assert np.array_equal(seen[0].talking, seen[1].talking)


def test_verdicts_teach_the_pass_rate() -> None:
    floor = make_floor(1, [[0]])
    for count in range(300):
        call = floor.attempt_started(0, count * 10.0)
        floor.attempt_answered(call, count * 10.0 + 6.0)
        if count % 3 == 0:
            floor.agent_asked(call, count * 10.0 + 8.0)
        floor.call_closed(call, count * 10.0 + 8.5)
    laws = floor.learner.laws()
    assert abs(laws.pass_p[0] - 1 / 3) < 0.05


def test_slots_grow_and_are_used_again() -> None:
    floor = make_floor(1, [[0]])
    calls = [floor.attempt_started(0, 0.0) for _ in range(300)]
    assert len(set(calls)) == 300
    for call in calls:
        floor.call_closed(call, 3.0)
    assert {floor.attempt_started(0, 4.0) for _ in range(300)} == set(calls)
