"""The laws that every state machine's table obeys."""

import importlib
import inspect
import pkgutil
from enum import Enum
from typing import Any

import pytest

import engine.machines
from engine.domain.refusals import IllegalTransitionError
from engine.machines.diagrams import machines
from engine.machines.machine import Machine

AnyMachine = Machine[Any]
TABLES = machines()
every_table = pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)


def phases(table: AnyMachine) -> set[Enum]:
    kind: type[Enum] = type(table.initial)
    return set(kind)


def events(table: AnyMachine) -> set[type]:
    return {event for row in table.rows.values() for event in row}


def reached_from(table: AnyMachine, start: Enum) -> set[Enum]:
    found, fresh = {start}, [start]
    while fresh:
        after = set(table.rows[fresh.pop()].values()) - found
        found |= after
        fresh += after
    return found


def test_all_tables_of_the_room_are_held_to_the_laws() -> None:
    assert {table.name for table in TABLES} >= {
        "agent", "attempt", "breaker", "campaign", "leg", "record", "session",
    }  # fmt: skip


@every_table
def test_each_phase_has_a_row(table: AnyMachine) -> None:
    assert set(table.rows) == phases(table)
    assert {after for row in table.rows.values() for after in row.values()} <= phases(table)


@every_table
def test_each_phase_is_reachable(table: AnyMachine) -> None:
    assert reached_from(table, table.initial) == phases(table)


@every_table
def test_each_phase_can_reach_an_end(table: AnyMachine) -> None:
    assert table.ends
    assert table.ends <= phases(table)
    stuck = {phase for phase in phases(table) if not reached_from(table, phase) & table.ends}
    assert stuck == set()


@every_table
def test_nothing_is_both_a_row_and_ignored(table: AnyMachine) -> None:
    assert [pair for pair in table.ignored if pair[1] in table.rows[pair[0]]] == []


@every_table
def test_what_is_ignored_is_a_phase_and_an_event_of_the_table(table: AnyMachine) -> None:
    assert {phase for phase, _ in table.ignored} <= phases(table)
    assert {event for _, event in table.ignored} <= events(table)


@every_table
def test_what_may_happen_at_any_time_is_answered_in_every_phase(table: AnyMachine) -> None:
    assert table.anytime
    for phase in phases(table):
        for event in table.anytime:
            assert table.step(phase, event) in phases(table)


@every_table
def test_what_has_neither_row_nor_reason_is_refused(table: AnyMachine) -> None:
    refused = [
        (phase, event)
        for phase in phases(table)
        for event in events(table)
        if not table.may(phase, event) and (phase, event) not in table.ignored
    ]
    for phase, event in refused:
        with pytest.raises(IllegalTransitionError, match=event.__name__):
            table.step(phase, event)


@every_table
def test_each_event_has_its_own_first_sentence(table: AnyMachine) -> None:
    said = [inspect.getdoc(event) for event in events(table)]
    assert all(said)
    assert len(said) == len(set(said))


def test_each_event_type_is_used_by_a_table() -> None:
    used = set().union(*(events(table) for table in TABLES))
    for module in pkgutil.iter_modules(engine.machines.__path__):
        if module.name in {"machine", "mix", "diagrams", "scenario", "__main__"}:
            continue
        names = vars(importlib.import_module(f"engine.machines.{module.name}")).values()
        own = {
            each
            for each in names
            if inspect.isclass(each)
            and each.__module__ == f"engine.machines.{module.name}"
            and not issubclass(each, Enum)
        }
        assert own <= used, module.name
