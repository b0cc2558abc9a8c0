"""What holds of every decision: never over a limit, never ahead of agents without budget (A4)."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.pacing import Learner, Mode, Prices, Reason, Snapshot, decide, make_snapshot
from engine.pacing.grid import AGES, SPANS

CAMPAIGNS = 4
LEARNER = Learner(CAMPAIGNS)
for _row, _answers in enumerate((5, 40, 200, 400)):
    LEARNER.attempt_answered(np.full(_answers, _row), np.linspace(2, 20, _answers))
    LEARNER.attempt_ended(np.full(600, _row), np.linspace(1, 25, 600))
LEARNER.rebuild(np.arange(CAMPAIGNS))
LEARNER.tick(0.0, np.zeros((CAMPAIGNS, AGES)))


@st.composite
def situations(draw: st.DrawFn) -> tuple[Snapshot, Prices]:
    def whole(low: int, high: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
        one = st.integers(low, high)
        return np.array(draw(st.lists(one, min_size=CAMPAIGNS, max_size=CAMPAIGNS)), np.int64)

    seed = np.random.default_rng(draw(st.integers(0, 1 << 30)))
    busy = seed.poisson(draw(st.floats(0, 1.5)), (CAMPAIGNS, SPANS)).astype(np.float64)
    flying = seed.poisson(draw(st.floats(0, 2)), (CAMPAIGNS, AGES)).astype(np.float64)
    snapshot = make_snapshot(
        CAMPAIGNS,
        running=whole(0, 3) > 0,
        mode=whole(0, 3),
        in_hours=whole(0, 5) > 0,
        staffed=whole(0, 3),
        ready=whole(0, 30),
        queued=whole(0, 6),
        analysing=whole(0, 6),
        talking=busy * 0.7,
        in_acw=busy // 2,
        in_flight=flying,
        trunk_free=whole(0, 200),
        callable_records=whole(0, 200),
        calls_allowed=whole(0, 200),
        max_level=whole(1, 30).astype(np.float64),
    )
    spent = whole(0, 2) == 0
    return snapshot, Prices(seed.uniform(0.001, 0.6, CAMPAIGNS), np.ones(CAMPAIGNS), spent)


@settings(deadline=None)
@given(situations())
def test_no_limit_is_exceeded(situation: tuple[Snapshot, Prices]) -> None:
    seen, prices = situation
    calls = decide(seen, LEARNER.laws(), prices).calls_to_start
    assert (calls >= 0).all()
    for limit in (seen.trunk_free, seen.callable_records, seen.calls_allowed):
        assert (calls <= limit).all()
    closed = ~seen.running | ~seen.in_hours | (seen.mode == Mode.PREVIEW)
    assert not calls[closed].any()


@settings(deadline=None)
@given(situations())
def test_without_budget_every_call_has_an_agent_reserved(
    situation: tuple[Snapshot, Prices],
) -> None:
    seen, prices = situation
    decision = decide(seen, LEARNER.laws(), prices)
    held = (seen.mode == Mode.PREDICTIVE) & (prices.spent | ~LEARNER.laws().warm)
    in_progress = seen.in_flight.sum(axis=1) + seen.analysing + seen.queued
    started = held & (decision.calls_to_start > 0)
    assert ((in_progress + decision.calls_to_start)[started] <= seen.ready[started]).all()
    assert (decision.mode[held & seen.running] == Mode.PROGRESSIVE).all()


@settings(deadline=None)
@given(situations())
def test_campaigns_do_not_touch_each_other(situation: tuple[Snapshot, Prices]) -> None:
    seen, prices = situation
    together = decide(seen, LEARNER.laws(), prices)
    stopped = np.arange(CAMPAIGNS) % 2 == 0
    columns = {name: getattr(seen, name) for name in Snapshot.__dataclass_fields__}
    apart = decide(
        Snapshot(**columns | {"running": seen.running & ~stopped}), LEARNER.laws(), prices
    )
    assert np.array_equal(together.calls_to_start[~stopped], apart.calls_to_start[~stopped])
    assert not apart.calls_to_start[stopped].any()


@settings(deadline=None)
@given(situations())
def test_every_decision_has_a_reason(situation: tuple[Snapshot, Prices]) -> None:
    seen, prices = situation
    decision = decide(seen, LEARNER.laws(), prices)
    assert {Reason(reason) for reason in decision.reason}
    assert (decision.reason[~seen.running] == Reason.NOT_RUNNING).all()
