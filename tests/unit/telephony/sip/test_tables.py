"""Laws of every SIP state table."""

import pytest

from engine.telephony.sip.leg_table import LEG, LegAction, LegInput, LegPhase
from engine.telephony.sip.machine import Table
from engine.telephony.sip.tables import (
    INVITE_CLIENT,
    INVITE_SERVER,
    NON_INVITE_CLIENT,
    NON_INVITE_SERVER,
    Action,
    Input,
    Phase,
)

TABLES = [
    pytest.param(table, id=table.name)
    for table in (INVITE_CLIENT, NON_INVITE_CLIENT, INVITE_SERVER, NON_INVITE_SERVER, LEG)
]
AnyTable = Table[Phase, Input, Action] | Table[LegPhase, LegInput, LegAction]


def reach(table: AnyTable, start: str) -> set[str]:
    """Return the phases that can follow one."""
    seen: set[str] = set()
    todo: list[str] = [start]
    rows = {str(phase): row for phase, row in table.rows.items()}
    while todo:
        phase = todo.pop()
        if phase not in seen:
            seen.add(phase)
            todo += [str(step.phase) for step in rows[phase].values()]
    return seen


@pytest.mark.parametrize("table", TABLES)
def test_each_phase_of_a_row_has_a_row(table: AnyTable) -> None:
    assert reach(table, table.initial[0]) <= {str(phase) for phase in table.rows}


@pytest.mark.parametrize("table", TABLES)
def test_each_phase_is_reachable(table: AnyTable) -> None:
    reached = set().union(*(reach(table, start) for start in table.initial))
    assert reached == {str(phase) for phase in table.rows}


@pytest.mark.parametrize("table", TABLES)
def test_each_phase_can_reach_the_end_and_nothing_leaves_it(table: AnyTable) -> None:
    assert not table.rows[table.end]  # type: ignore[index]
    assert all(table.end in reach(table, phase) for phase in table.rows)


@pytest.mark.parametrize("table", TABLES)
def test_nothing_is_both_a_row_and_ignored(table: AnyTable) -> None:
    assert not any(given in table.rows[phase] for phase, given in table.ignored)  # type: ignore[index]


@pytest.mark.parametrize("table", TABLES)
def test_a_terminated_transaction_has_stopped_its_timers(table: AnyTable) -> None:
    stops = "close" if table is LEG else "stop"
    steps = [step for row in table.rows.values() for step in row.values()]
    assert all(stops in step.actions for step in steps if step.phase == table.end)


@pytest.mark.parametrize(
    "phase", [phase for phase in LegPhase if phase not in (LegPhase.OVER, LegPhase.LEAVING)]
)
def test_a_leg_can_be_hung_up_in_every_phase(phase: LegPhase) -> None:
    answered = LegInput.HANG_UP in LEG.rows[phase] or (phase, LegInput.HANG_UP) in LEG.ignored
    assert answered


def test_a_leg_tells_its_end_exactly_once_on_every_path() -> None:
    def walk(phase: LegPhase, told: int, path: tuple[LegPhase, ...]) -> None:
        if phase is LegPhase.OVER:
            assert told == 1, path
        for step in LEG.rows[phase].values():
            more = sum(a.startswith("tell-") and a not in calm for a in step.actions)
            if step.phase not in path:
                walk(step.phase, told + more, (*path, step.phase))

    calm = {"tell-trying", "tell-ringing", "tell-answered"}
    for start in LEG.initial:
        walk(start, 0, (start,))
