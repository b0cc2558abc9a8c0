"""State machines as data: what a table is, and how one is bound to what its actions do."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar

P = TypeVar("P", bound=StrEnum)
I = TypeVar("I", bound=StrEnum)  # noqa: E741 - phase, input, action
A = TypeVar("A", bound=StrEnum)
H = TypeVar("H", bound=Callable[..., None])


@dataclass(frozen=True, slots=True)
class Step(Generic[P, A]):
    """Where a machine goes, and what it does on the way, in order."""

    phase: P
    actions: tuple[A, ...] = ()


@dataclass(frozen=True, slots=True)
class Table(Generic[P, I, A]):
    """A machine.

    Attributes:
        name: What it is called.
        initial: Phases it may begin in.
        end: Phase that nothing leaves.
        entry: What it does as it begins.
        rows: By phase and input: the step. An input without a row changes nothing.
        ignored: Pairs that do happen and change nothing, so that each silence is a decision.
    """

    name: str
    initial: tuple[P, ...]
    end: P
    entry: tuple[A, ...]
    rows: Mapping[P, Mapping[I, Step[P, A]]]
    ignored: frozenset[tuple[P, I]] = frozenset()


Bound = dict[P, dict[I, tuple[P, tuple[H, ...]]]]
"""A table whose actions are functions: what a step costs is two look-ups and the calls."""


def bind(table: Table[P, I, A], handlers: Mapping[A, H]) -> Bound[P, I, H]:
    """Return the rows of a table with each action replaced by its function."""
    return {
        phase: {
            given: (step.phase, tuple(handlers[action] for action in step.actions))
            for given, step in row.items()
        }
        for phase, row in table.rows.items()
    }
