"""What called people do: who answers, after how long, and how long they talk."""

import random
from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What becomes of a call."""

    ANSWERS = "answers"
    NO_ANSWER = "no-answer"
    BUSY = "busy"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Fate:
    """One call's course, as the called side has it.

    Attributes:
        kind: What becomes of it.
        ring_s: From the INVITE to the end of ringing. [s]
        talk_s: From the first word heard to hanging up. [s]
        patience_s: From the answer to hanging up if nothing is heard. [s]
    """

    kind: Kind
    ring_s: float
    talk_s: float
    patience_s: float


@dataclass(frozen=True, slots=True)
class Habits:
    """How people are.

    Attributes:
        answer_ratio: Share of calls answered, in [0, 1].
        busy_ratio: Share of the rest that is busy.
        unknown_ratio: Share of the rest that has no such number.
        ring_s: Shortest and longest ringing before an answer. [s]
        talk_s: Shortest and longest talk. [s]
        patience_s: How long a person waits in silence. [s]
    """

    answer_ratio: float = 0.35
    busy_ratio: float = 0.25
    unknown_ratio: float = 0.1
    ring_s: tuple[float, float] = (2.0, 10.0)
    talk_s: tuple[float, float] = (10.0, 20.0)
    patience_s: float = 8.0


class People:
    """Draws fates, the same ones in the same order from the same seed."""

    def __init__(self, habits: Habits, seed: int) -> None:
        self._habits = habits
        self._random = random.Random(seed)  # noqa: S311 - a play, no secret

    def fate(self) -> Fate:
        """Return what becomes of the next call."""
        habits, draw = self._habits, self._random
        kind = self._kind()
        talk_s = draw.uniform(*habits.talk_s)
        ring_s = draw.uniform(*habits.ring_s) if kind is Kind.ANSWERS else draw.uniform(0.3, 1.5)
        return Fate(kind, ring_s, talk_s, habits.patience_s)

    def _kind(self) -> Kind:
        if self._random.random() < self._habits.answer_ratio:
            return Kind.ANSWERS
        other = self._random.random()
        if other < self._habits.busy_ratio:
            return Kind.BUSY
        if other < self._habits.busy_ratio + self._habits.unknown_ratio:
            return Kind.UNKNOWN
        return Kind.NO_ANSWER
