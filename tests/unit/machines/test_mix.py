"""Who hears whom: the whole truth table, and that no customer ever hears a monitor or a coach."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.domain.ids import LegId
from engine.machines.mix import SupervisionMode, mix_of

AGENT, CUSTOMER, BOSS = LegId("agent"), LegId("customer"), LegId("boss")
MONITOR, COACH, BARGE_IN = SupervisionMode
SUPERVISORS = st.dictionaries(
    st.sampled_from([LegId(f"boss-{n}") for n in range(4)]), st.sampled_from(SupervisionMode)
)


@pytest.mark.parametrize("held", [False, True])
@pytest.mark.parametrize(
    ("mode", "agent_hears", "customer_hears"),
    [(MONITOR, False, False), (COACH, True, False), (BARGE_IN, True, True)],
)
def test_a_mode_is_what_its_row_says(
    mode: SupervisionMode, agent_hears: bool, customer_hears: bool, held: bool
) -> None:
    rows = mix_of(AGENT, CUSTOMER, {BOSS: mode}, held=held)
    assert (BOSS in rows[AGENT], BOSS in rows[CUSTOMER]) == (
        agent_hears,
        customer_hears and not held,
    )
    assert rows[BOSS] == ((AGENT,) if held else (CUSTOMER, AGENT))
    assert (CUSTOMER in rows[AGENT], AGENT in rows[CUSTOMER]) == (not held, not held)


@given(SUPERVISORS, st.booleans(), st.booleans(), st.booleans())
def test_a_customer_never_hears_a_monitor_or_a_coach(
    modes: dict[LegId, SupervisionMode], held: bool, agent_up: bool, customer_up: bool
) -> None:
    agent, customer = AGENT if agent_up else None, CUSTOMER if customer_up else None
    rows = mix_of(agent, customer, modes, held=held)
    barging = {leg for leg, mode in modes.items() if mode is BARGE_IN}
    allowed = set() if held else barging | ({AGENT} if agent_up else set())
    assert set(rows.get(CUSTOMER, ())) == (allowed if customer_up else set())
    monitors = {leg for leg, mode in modes.items() if mode is MONITOR}
    assert all(monitors.isdisjoint(heard) for heard in rows.values())
    assert all(leg not in heard and len(set(heard)) == len(heard) for leg, heard in rows.items())
    assert set(rows) == {leg for leg in (agent, customer, *modes) if leg is not None}
