"""Runs a scenario for one person: what is to be done next, from what was heard and pressed."""

from dataclasses import dataclass

from engine.domain.scenario import (
    AddToDnc,
    Collect,
    Dispose,
    DoNotRecord,
    End,
    Play,
    Scenario,
    Step,
    Transfer,
)


@dataclass(frozen=True, slots=True)
class Say:
    """Play a prompt; ``ScenarioRun.heard`` follows at its end."""

    prompt: str


@dataclass(frozen=True, slots=True)
class Hush:
    """Stop the prompt that plays."""


@dataclass(frozen=True, slots=True)
class Listen:
    """Wait so long for a key; then ``ScenarioRun.waited`` follows, with the same turn."""

    for_s: float
    turn: int


@dataclass(frozen=True, slots=True)
class ToAgent:
    """Give the person to an agent; the scenario is over."""


@dataclass(frozen=True, slots=True)
class Block:
    """Never call the number again."""


@dataclass(frozen=True, slots=True)
class Unrecord:
    """Do not record the call; ``banned``: whatever anybody else wants."""

    banned: bool


@dataclass(frozen=True, slots=True)
class Note:
    """Note what the call came to."""

    disposition: str


@dataclass(frozen=True, slots=True)
class Finish:
    """Hang up; the scenario is over."""


Act = Say | Hush | Listen | ToAgent | Block | Unrecord | Note | Finish


class ScenarioRun:
    """One person's way through a scenario that ``check_scenario`` has passed.

    Every method answers with what is to be done, in order; what comes too late does nothing. A
    scenario is left when ``over`` is true. The time that all of it may take is the caller's watch.

    Attributes:
        over: Whether it came to a transfer or to its end.
    """

    __slots__ = ("_name", "_playing", "_scenario", "_tries", "_turn", "over")

    def __init__(self, scenario: Scenario) -> None:
        """Stand before the first step.

        Args:
            scenario: What is to be run.
        """
        self._scenario = scenario
        self._name = scenario.first
        self._playing = False
        self._tries = 0
        self._turn = 0
        self.over = False

    @property
    def step_name(self) -> str:
        """Name of the step the person is in."""
        return self._name

    def wants(self, key: str) -> bool:
        """Say whether the question being asked, or about to be, has a choice for a key."""
        step = self._step
        asked = self._scenario.steps[step.then] if isinstance(step, Play) else step
        return not self.over and isinstance(asked, Collect) and key in asked.choices

    def begin(self) -> list[Act]:
        """Enter the first step."""
        return self._enter(self._scenario.first)

    def heard(self) -> list[Act]:
        """Go on after a prompt was heard to its end."""
        if self.over or not self._playing:
            return []
        self._playing = False
        match self._step:
            case Play(then=then):
                return self._enter(then)
            case Collect() as step:
                return [self._listen(step)]
            case _:
                return []

    def pressed(self, key: str) -> list[Act]:
        """Go where a key leads, if the person is asked for one or about to be."""
        if self.over:
            return []
        match self._step:
            case Play(then=then):
                return self._barge(then, key)
            case Collect() as step:
                hush = self._hush()
                if key in step.choices:
                    return [*hush, *self._enter(step.choices[key])]
                return [*hush, *self._try_again(step)]
            case _:
                return []

    def waited(self, turn: int) -> list[Act]:
        """Go on after the time for a key is over; a key came in any turn but the last."""
        step = self._step
        if self.over or turn != self._turn or self._playing or not isinstance(step, Collect):
            return []
        return self._try_again(step)

    # --- steps -----------------------------------------------------------------------------

    @property
    def _step(self) -> Step:
        return self._scenario.steps[self._name]

    def _enter(self, name: str) -> list[Act]:
        """Enter a step, and those after it up to the first that waits for something."""
        acts: list[Act] = []
        while True:
            self._name = name
            self._turn += 1
            match self._step:
                case Play(prompt=prompt):
                    return [*acts, self._say(prompt)]
                case Collect() as step:
                    self._tries = step.tries
                    return [*acts, self._ask(step)]
                case AddToDnc(then=then):
                    acts.append(Block())
                    name = then
                case DoNotRecord(then=then, banned=banned):
                    acts.append(Unrecord(banned))
                    name = then
                case Dispose(disposition=disposition, then=then):
                    acts.append(Note(disposition))
                    name = then
                case Transfer():
                    self.over = True
                    return [*acts, ToAgent()]
                case End():
                    self.over = True
                    return [*acts, Finish()]

    def _barge(self, then: str, key: str) -> list[Act]:
        """Cut a prompt short for a key that the question after it has a choice for."""
        after = self._scenario.steps[then]
        if not isinstance(after, Collect) or key not in after.choices:
            return []
        return [*self._hush(), *self._enter(after.choices[key])]

    def _ask(self, step: Collect) -> Act:
        self._turn += 1
        self._tries -= 1
        return self._say(step.prompt) if step.prompt else self._listen(step)

    def _try_again(self, step: Collect) -> list[Act]:
        return [self._ask(step)] if self._tries else self._enter(step.otherwise)

    def _say(self, prompt: str) -> Act:
        self._playing = True
        return Say(prompt)

    def _hush(self) -> list[Act]:
        was_playing, self._playing = self._playing, False
        return [Hush()] if was_playing else []

    def _listen(self, step: Collect) -> Act:
        return Listen(step.within_s, self._turn)
