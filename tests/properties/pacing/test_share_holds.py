"""What holds of shared agents for every division: none promised twice, none idle while needed."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from engine.pacing import Memberships, share_agents, share_weights


@st.composite
def divisions(draw: st.DrawFn) -> tuple[Memberships, list[int], list[float], list[float]]:
    groups = draw(st.integers(1, 5))
    pairs = draw(
        st.lists(
            st.tuples(st.integers(0, 5), st.integers(0, groups - 1)),
            min_size=1, max_size=12, unique=True,
        )
    )  # fmt: skip
    size = len(pairs)
    rows, of = (np.array(part, dtype=np.int64) for part in zip(*pairs, strict=True))
    priority = draw(st.lists(st.integers(0, 2), min_size=size, max_size=size))
    ready = draw(st.lists(st.integers(0, 9), min_size=groups, max_size=groups))
    amounts = st.lists(st.floats(0, 12) | st.just(float("inf")), min_size=size, max_size=size)
    held = draw(st.lists(st.integers(0, 4), min_size=size, max_size=size))
    return (
        Memberships(rows, of, np.array(priority)), ready, draw(amounts), [float(n) for n in held],
    )  # fmt: skip


@given(divisions())
def test_no_agent_is_promised_twice(
    division: tuple[Memberships, list[int], list[float], list[float]],
) -> None:
    pairs, ready, need, held = division
    promised = share_agents(np.array(ready), pairs, np.array(need), np.array(held))
    totals = np.bincount(pairs.groups, promised, len(ready))
    assert (promised >= 0).all()
    assert (totals <= np.array(ready)).all()
    assert (promised <= np.ceil(np.array(need) + 1e-9)).all()


@given(divisions())
def test_no_agent_idles_while_a_campaign_needs_it(
    division: tuple[Memberships, list[int], list[float], list[float]],
) -> None:
    pairs, ready, need, _ = division
    promised = share_agents(np.array(ready), pairs, np.array(need))
    totals = np.bincount(pairs.groups, promised, len(ready))
    for group, agents in enumerate(ready):
        chosen = pairs.groups == group
        wanted = np.floor(np.minimum(np.array(need)[chosen], 1000.0)).sum()
        assert totals[group] >= min(agents, wanted) - 1e-9


@given(divisions())
def test_a_higher_priority_is_served_before_a_lower(
    division: tuple[Memberships, list[int], list[float], list[float]],
) -> None:
    pairs, ready, need, _ = division
    promised = share_agents(np.array(ready), pairs, np.array(need))
    for first in range(len(need)):
        for second in range(len(need)):
            same_group = pairs.groups[first] == pairs.groups[second]
            if same_group and pairs.priority[first] > pairs.priority[second] and promised[second]:
                assert promised[first] >= np.floor(min(need[first], 1000.0))


@given(divisions())
def test_shares_of_a_busy_agent_sum_to_one(
    division: tuple[Memberships, list[int], list[float], list[float]],
) -> None:
    pairs, ready, need, _ = division
    weights = share_weights(pairs, np.array(need), len(ready))
    for group in np.unique(pairs.groups):
        assert np.isclose(weights[pairs.groups == group].sum(), 1.0)
