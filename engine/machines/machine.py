"""State machines as data: phases, events, transitions, and the laws every table obeys."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Generic, TypeVar

from engine.domain.refusals import IllegalTransitionError

P = TypeVar("P", bound=Enum)


@dataclass(frozen=True)
class Machine(Generic[P]):
    """A state machine as a table.

    Attributes:
        name: What it is the life of.
        initial: Phase it begins in.
        rows: For each phase, the events it answers and the phase each leads to.
        ignored: Pairs of phase and event that may happen and change nothing, each for a reason
            that stands beside it.
        ends: Phases in which a life may end or rest for good.
        anytime: Events that may come in any phase; each phase answers or ignores them.
    """

    name: str
    initial: P
    rows: Mapping[P, Mapping[type, P]]
    ignored: frozenset[tuple[P, type]] = field(default_factory=frozenset)
    ends: frozenset[P] = field(default_factory=frozenset)
    anytime: frozenset[type] = field(default_factory=frozenset)

    def may(self, phase: P, event: type) -> bool:
        """Say whether the event leads anywhere from the phase."""
        return event in self.rows[phase]

    def step(self, phase: P, event: type) -> P:
        """Return the phase that an event leads to; an ignored one leads nowhere.

        Raises:
            IllegalTransitionError: The table has no such step.
        """
        after = self.rows[phase].get(event)
        if after is not None:
            return after
        if (phase, event) in self.ignored:
            return phase
        raise IllegalTransitionError(
            f"{self.name}: {event.__name__} is not possible while {phase.value}"
        )
