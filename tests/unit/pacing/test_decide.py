"""What is decided in each mode and what is given as the reason."""

import numpy as np
import pytest

from engine.pacing import (
    DAY,
    Budgets,
    Decision,
    Learner,
    Mode,
    Prices,
    Reason,
    decide,
    make_snapshot,
)
from engine.pacing.grid import AGES, SPANS, Bools, Floats, Ints

Column = Bools | Ints | Floats | float


def warm_learner(campaigns: int = 1, answer_p: float = 0.2) -> Learner:
    """A learner that has seen 400 attempts of each campaign."""
    learner = Learner(campaigns)
    asked = int(400 * answer_p)
    for row in range(campaigns):
        rows = np.full(asked, row)
        learner.attempt_answered(rows, np.linspace(4, 18, asked))
        rest = np.full(400 - asked, row)
        learner.attempt_ended(rest, np.linspace(2, 25, 400 - asked))
    learner.rebuild(np.arange(campaigns))
    learner.tick(0.0, np.zeros((campaigns, AGES)))
    return learner


def prices(tau: float = 0.1, *, spent: bool = False) -> Prices:
    return Prices(np.array([tau]), np.array([9.0]), np.array([spent]))


def decided(cost: Prices | None = None, **columns: Column) -> Decision:
    laws = warm_learner().laws()
    return decide(make_snapshot(1, **columns), laws, cost or prices())


def talking(agents: int, span: int = 20) -> Floats:
    columns = np.zeros((1, SPANS))
    columns[0, span] = agents
    return columns


def flying(calls: int, age: int = 3) -> Floats:
    columns = np.zeros((1, AGES))
    columns[0, age] = calls
    return columns


@pytest.mark.parametrize(
    ("columns", "calls", "reason"),
    [
        pytest.param({"ready": 5, "running": False}, 0, Reason.NOT_RUNNING, id="stopped"),
        pytest.param({"ready": 5, "mode": Mode.PREVIEW}, 0, Reason.MODE, id="preview"),
        pytest.param({"ready": 0, "staffed": 0}, 0, Reason.NO_AGENT, id="nobody logged in"),
        pytest.param({"ready": 5, "in_hours": False}, 0, Reason.HOURS, id="outside hours"),
        pytest.param({"ready": 5, "callable_records": 2}, 2, Reason.SUPPLY, id="two records left"),
        pytest.param({"ready": 5, "trunk_free": 1}, 1, Reason.TRUNK, id="one channel left"),
        pytest.param({"ready": 5, "calls_allowed": 1}, 1, Reason.CALLS_PER_S, id="one call now"),
        pytest.param({"ready": 5, "max_level": 1.0}, 5, Reason.LEVEL, id="one call an agent"),
        pytest.param(
            {"ready": 5, "mode": Mode.PROGRESSIVE}, 5, Reason.AGENTS, id="progressive at 1"
        ),
        pytest.param(
            {"ready": 5, "mode": Mode.PROGRESSIVE, "progressive_level": 1.5},
            7,
            Reason.AGENTS,
            id="progressive at 1.5",
        ),
        pytest.param(
            {"mode": Mode.AUTOMATIC, "automatic_limit": 8, "staffed": 0},
            8,
            Reason.LEVEL,
            id="automatic up to its limit",
        ),
    ],
)
def test_a_campaign_starts_what_its_limits_leave(
    columns: dict[str, Column], calls: int, reason: Reason
) -> None:
    decision = decided(None, **columns)
    assert decision.calls_to_start[0] == calls
    assert Reason(decision.reason[0]) is reason


def test_progressive_counts_calls_in_every_stage() -> None:
    decision = decided(mode=Mode.PROGRESSIVE, ready=6, in_flight=flying(2), analysing=1, queued=1)
    assert decision.calls_to_start[0] == 2


def test_predictive_dials_ahead_of_agents() -> None:
    decision = decided(ready=2, talking=talking(8))
    assert decision.calls_to_start[0] > 2
    assert Reason(decision.reason[0]) is Reason.RISK
    assert Mode(decision.mode[0]) is Mode.PREDICTIVE


def test_a_higher_risk_starts_more_calls() -> None:
    started = [decided(prices(tau), ready=3).calls_to_start[0] for tau in (0.01, 0.1, 0.5)]
    assert started == sorted(set(started))


def test_old_attempts_are_nearly_worthless() -> None:
    young = decided(ready=3, in_flight=flying(10, age=2)).calls_to_start[0]
    old = decided(ready=3, in_flight=flying(10, age=24)).calls_to_start[0]
    assert old > young


def test_a_spent_budget_reserves_an_agent_for_each_call() -> None:
    decision = decided(prices(spent=True), ready=3, talking=talking(20))
    assert decision.calls_to_start[0] == 3
    assert Reason(decision.reason[0]) is Reason.BUDGET
    assert Mode(decision.mode[0]) is Mode.PROGRESSIVE


def test_a_new_campaign_warms_up_progressively() -> None:
    decision = decide(make_snapshot(1, ready=4), Learner(1).laws(), prices())
    assert decision.calls_to_start[0] == 4
    assert Reason(decision.reason[0]) is Reason.WARMING_UP


def test_the_exact_and_the_large_campaign_stand_side_by_side() -> None:
    laws = warm_learner(2).laws()
    busy = np.zeros((2, SPANS))
    busy[:, 20] = (6, 900)
    cost = Prices(np.full(2, 0.1), np.full(2, 9.0), np.zeros(2, dtype=np.bool_))
    both = decide(make_snapshot(2, ready=np.array([1, 40]), talking=busy), laws, cost)
    assert 1 < both.calls_to_start[0] < both.calls_to_start[1]


def test_a_snapshot_knows_its_columns() -> None:
    with pytest.raises(TypeError, match="no such columns"):
        make_snapshot(1, idle=3)


def test_decide_works_with_priced_budgets() -> None:
    budgets = Budgets(1, (DAY,))
    budgets.count(0, 0.0, answered=30)
    priced = budgets.prices(1.0)
    assert priced.spent[0]
    budgets.count(0, 1.0, answered=30)
    assert not budgets.prices(2.0).spent[0]
