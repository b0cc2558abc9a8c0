"""A whole engine in virtual time with a few virtual agents, to break parts of."""

from collections.abc import Callable, Sequence
from typing import Any

from engine.actors.kernel import Ref
from engine.domain.facts import AnyFact, AttemptClosed, AttemptIntended, CallConnected, CallEnded
from engine.domain.specs import Mode
from engine.runtime.assembly import Runtime
from engine.simulation.driver import Simulation
from engine.simulation.scene import Script, set_scene


class BrokenError(Exception):
    """What a behavior raises because a test wants it to."""


class Engine:
    """One engine at work, and what it has written down."""

    def __init__(self, mode: Mode = Mode.PROGRESSIVE, agents: int = 3, seed: int = 3) -> None:
        self.simulation = Simulation(set_scene(Script(seed, agents, 1.0, 0.6, mode)))
        self.simulation._live()
        for agent in self.simulation.agents.values():
            agent.begin()
        self.simulation.scheduler.call_later(0.5, self.simulation.operators.start_all)

    @property
    def runtime(self) -> Runtime:
        runtime = self.simulation._runtime()
        assert runtime is not None
        return runtime

    def run_for(self, seconds: float) -> None:
        self.simulation.scheduler.run_for(seconds)

    def run_until(self, condition: Callable[[], bool]) -> None:
        self.simulation.scheduler.run_while(lambda: not condition(), 600.0)

    def facts(self) -> Sequence[AnyFact]:
        return [stored.fact for stored in self.simulation._disk.log]

    def of(self, kind: type) -> list[Any]:
        """Return durable facts of a kind."""
        return [fact for fact in self.facts() if isinstance(fact, kind)]

    def campaign(self) -> tuple[str, Ref[Any]]:
        """Return a campaign that runs."""
        return next(iter(self.runtime.registry.campaigns.items()))

    def break_next(self, ref: Ref[Any], kind: type | None = None) -> None:
        """Let the behavior at an address raise on its next message (of a kind)."""
        behavior: Any = self.runtime.kernel.behavior_of(ref)
        assert behavior is not None
        actor: Any = self.runtime.kernel._actors[ref]
        actor.behavior = _Breaking(behavior, kind)

    def fail(self, ref: Ref[Any]) -> None:
        """Let a behavior raise, and see what follows in the next seconds."""
        before = len(self.simulation.faults)
        self.break_next(ref)
        self.run_until(lambda: len(self.simulation.faults) > before)
        self.run_for(2.0)

    def talking(self) -> CallConnected | None:
        """Return a talk under way, if there is one."""
        over = {fact.attempt_id for fact in self.of(CallEnded)}
        over |= {fact.attempt_id for fact in self.of(AttemptClosed)}
        return next((f for f in self.of(CallConnected) if f.attempt_id not in over), None)

    def settle(self) -> None:
        """Let the day end: everything under way must."""
        self.simulation.operators.stop_all()
        self.run_for(420.0)

    def unbalanced(self) -> list[str]:
        """Return attempts without exactly one outcome."""
        intended = {fact.attempt_id for fact in self.of(AttemptIntended)}
        closed = [fact.attempt_id for fact in self.of(AttemptClosed)]
        return sorted([each for each in intended if closed.count(each) != 1])


class _Breaking:
    """A behavior that raises once."""

    def __init__(self, behavior: Any, kind: type | None) -> None:
        self._behavior = behavior
        self._kind = kind

    def on(self, message: object, now_s: float) -> Any:
        if self._kind is None or isinstance(message, self._kind):
            raise BrokenError(type(message).__name__)
        return self._behavior.on(message, now_s)
