"""Reading of effects: what was told, done, noted, answered, by plain lists."""

from collections.abc import Sequence
from typing import Any, TypeVar

from engine.actors.kernel.effects import CancelTimer, Do, Effect, StartTimer, Tell
from engine.actors.kernel.ref import Ref, ReplyTo
from engine.actors.messages import Journal, NotifyDesk, NotifySupervisor
from engine.domain.facts import AnyFact
from engine.domain.ids import LegId
from engine.domain.refusals import DialerError
from engine.ports import DialogSeed

T = TypeVar("T")


class Answers:
    """A caller outside: what it was answered, and refused."""

    def __init__(self) -> None:
        self.values: list[Any] = []
        self.errors: list[DialerError] = []

    def place(self) -> ReplyTo[Any]:
        """Return a place for one answer."""
        return ReplyTo(self._done)

    def _done(self, value: object, error: DialerError | None) -> None:
        if error is None:
            self.values.append(value)
        else:
            self.errors.append(error)

    @property
    def slugs(self) -> list[str]:
        """Slugs of the refusals so far."""
        return [error.slug for error in self.errors]


def told(effects: Sequence[Effect], ref: Ref[Any], kind: type[T]) -> list[T]:
    """Return messages of one type to one actor."""
    return [
        effect.message
        for effect in effects
        if isinstance(effect, Tell) and effect.ref is ref and isinstance(effect.message, kind)
    ]


def done(effects: Sequence[Effect], kind: type[T]) -> list[T]:
    """Return commands of one type to adapters."""
    return [
        effect.command
        for effect in effects
        if isinstance(effect, Do) and isinstance(effect.command, kind)
    ]


def facts(effects: Sequence[Effect], kind: type[T]) -> list[T]:
    """Return facts of one type on their way to the log."""
    every: list[AnyFact] = [fact for journal in done(effects, Journal) for fact in journal.facts]
    return [fact for fact in every if isinstance(fact, kind)]


def desk(effects: Sequence[Effect], kind: type[T]) -> list[T]:
    """Return what a desktop, or a supervisor's stream, is told, of one type."""
    events = [each.event for each in done(effects, NotifyDesk)]
    events += [each.event for each in done(effects, NotifySupervisor)]
    return [event for event in events if isinstance(event, kind)]


def timers(effects: Sequence[Effect]) -> list[tuple[float, object]]:
    """Return the timers started: delay and message."""
    return [(each.delay_s, each.message) for each in effects if isinstance(each, StartTimer)]


def cancelled(effects: Sequence[Effect]) -> list[object]:
    """Return the keys of timers cancelled."""
    return [each.key for each in effects if isinstance(each, CancelTimer)]


def seed_of(leg_id: LegId) -> DialogSeed:
    """Return how a leg is known on the wire."""
    return DialogSeed(f"{leg_id}@test", f"z9hG4bK{leg_id}")
