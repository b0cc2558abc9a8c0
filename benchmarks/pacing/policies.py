"""The rules that are compared, each over its own rows of a world.

The VICIdial-like rule is our own, written from described behaviour and not from any source: a level
of lines per active agent, raised while agents wait and lowered while calls wait, looked at every
15 s and held down by the day's share of unattended calls, at once, on average, or more as the shift
goes on.
"""

from dataclasses import dataclass
from enum import Enum
from typing import Protocol

import numpy as np

from benchmarks.pacing.draws import Floats, Ints
from benchmarks.pacing.world import World
from engine.pacing import (
    DAY,
    Budgets,
    Learner,
    Priors,
    Snapshot,
    make_snapshot,
    pace,
)
from engine.pacing.grid import AGES, SPANS, age_bin, count_in_bins, span_bin


class Policy(Protocol):
    """A rule that says how many calls its rows start."""

    rows: Ints

    def calls(self, world: World) -> Ints:
        """Say how many calls each of its rows starts now."""
        ...

    def new_day(self) -> None:
        """Begin the day's counts anew."""
        ...


def _in_progress(world: World, rows: Ints) -> Ints:
    return np.asarray((world.ringing + world.analysing + world.queued)[rows])


@dataclass(slots=True)
class FixedRatio:
    """So many calls in progress per ready agent; with ratio 1 it is progressive dialing."""

    rows: Ints
    ratio: Floats

    def calls(self, world: World) -> Ints:
        """Fill up to ratio x ready agents."""
        wanted = np.floor(world.ready[self.rows] * self.ratio + 1e-9).astype(np.int64)
        return np.asarray(np.maximum(wanted - _in_progress(world, self.rows), 0))

    def new_day(self) -> None:
        """Keep nothing by day."""


@dataclass(slots=True)
class FixedLevel:
    """So many lines per agent at work, calls in talk included."""

    rows: Ints
    level: Floats

    def calls(self, world: World) -> Ints:
        """Fill up to level x agents less calls with agents."""
        lines = np.floor(world.at_work[self.rows] * self.level + _dither(world.now_s))
        talks = world.in_talk[self.rows]
        return np.asarray(
            np.maximum(lines.astype(np.int64) - talks - _in_progress(world, self.rows), 0)
        )

    def new_day(self) -> None:
        """Keep nothing by day."""


def _dither(now_s: float) -> float:
    """Let a level between whole lines hold on average."""
    return (now_s / 40.0 * 0.6180339887) % 1.0


@dataclass(slots=True)
class MeanLookAhead:
    """As many calls as make expected answers equal to expected free agents, times a factor."""

    rows: Ints
    factor: Floats
    answer_p: Floats

    def calls(self, world: World) -> Ints:
        """Balance means over the mean time to an answer, true means given."""
        scene = world.scene
        look_s = scene.answer_mean_s + scene.patience_s
        talking, acw = world.in_talk[self.rows], world.in_acw[self.rows].sum(axis=1)
        freed = acw * (1 - np.exp(-look_s / scene.acw_mean_s))
        freed = freed + talking * (1 - np.exp(-look_s / (scene.talk_mean_s + scene.acw_mean_s)))
        supply = (world.ready - world.queued - world.analysing)[self.rows] + freed
        wanted = np.floor(self.factor * supply / self.answer_p - world.ringing[self.rows])
        return np.asarray(np.maximum(wanted, 0), dtype=np.int64)

    def new_day(self) -> None:
        """Keep nothing by day."""


class Adapt(Enum):
    """How a VICIdial-like level answers to the day's unattended share."""

    HARD_LIMIT = "hard"
    AVERAGE = "average"
    TAPERED = "tapered"


class AdaptiveLevel:
    """A level of lines per active agent, adapted every 15 s."""

    def __init__(
        self,
        rows: Ints,
        method: Adapt,
        *,
        most: Floats,
        intensity: Floats,
        cap: float = 0.03,
        shift_s: float = 28800.0,
    ) -> None:
        """Start at level 1.

        Args:
            rows: Rows it serves.
            method: How it answers to the unattended share.
            most: Highest level, shape (r,); 3 is the usual limit.
            intensity: How far one look moves the level, shape (r,); 1 is usual.
            cap: Highest unattended share.
            shift_s: Length of the shift, for the tapered method. [s]
        """
        self.rows, self._method, self._most, self._intensity = rows, method, most, intensity
        self._cap, self._shift_s = cap, shift_s
        self._level = np.ones(len(rows))
        self._waits = np.zeros(len(rows))
        self._looks = 0
        self._answered, self._unattended = np.zeros((2, len(rows)))
        self._day_began_s, self._next_s = 0.0, 15.0

    def calls(self, world: World) -> Ints:
        """Fill up to level x agents ready or in talk, less calls with agents."""
        rows = self.rows
        active = world.ready[rows] + world.in_talk[rows]
        self._answered += world.new_answers[rows]
        self._unattended += world.new_unattended[rows]
        self._waits += world.ready[rows] - world.queued[rows]
        self._looks += 1
        if world.now_s >= self._next_s:
            self._next_s += 15.0
            self._adapt(world, active)
        lines = np.floor(self._level * active + _dither(world.now_s))
        talks = world.in_talk[rows]
        return np.asarray(np.maximum(lines.astype(np.int64) - talks - _in_progress(world, rows), 0))

    def new_day(self) -> None:
        """Forget the day's share; the level stays."""
        self._answered[:] = self._unattended[:] = 0.0
        self._day_began_s = self._next_s - 15.0

    def _adapt(self, world: World, agents: Ints) -> None:
        waiting = self._waits / max(self._looks, 1) / np.maximum(agents, 1)
        self._waits[:] = 0.0
        self._looks = 0
        level = self._level * (1 + 0.25 * self._intensity * np.clip(waiting, -1, 1))
        share = self._unattended / np.maximum(self._answered, 1.0)
        over = share > self._cap
        if self._method is Adapt.HARD_LIMIT:
            level = np.where(over, 1.0, level)
        elif self._method is Adapt.AVERAGE:
            level = np.where(over, self._level * (1 - 0.05 * self._intensity), level)
        else:
            done = min(1.0, (world.now_s - self._day_began_s) / self._shift_s)
            loose = share > self._cap * (1 + 2 * (1 - done))
            level = np.where(over & loose, 1.0, level)
            level = np.where(over & (done > 0.5), self._level * (1 - 0.1 * done), level)
        self._level = np.clip(level, 1.0, self._most)


class Ours:
    """The core itself: learner, budgets, decide."""

    def __init__(self, rows: Ints, campaigns_p: float, cap: float = 0.03) -> None:
        """Start as a new campaign would.

        Args:
            rows: Rows it serves.
            campaigns_p: Prior chance of an answer.
            cap: Highest unattended share by day.
        """
        self.rows = rows
        self.learner = Learner(len(rows), Priors(answer_p=campaigns_p))
        self.budgets = Budgets(len(rows), (DAY,), cap=cap)
        self._place: Ints | None = None

    def calls(self, world: World) -> Ints:
        """Tell the core what happened and ask it."""
        place = self._places(world)
        self._learn(world, place)
        seen = make_snapshot(len(self.rows), **self._columns(world, place))
        return self._decide(world, seen)

    def _decide(self, world: World, seen: Snapshot) -> Ints:
        return pace(world.now_s, seen, self.learner, self.budgets).calls_to_start

    def new_day(self) -> None:
        """Begin the rule's day."""
        self.budgets.restart(np.arange(len(self.rows)), 0)

    def _places(self, world: World) -> Ints:
        """Map the world's rows to the core's; the first time, tell it patience and rule."""
        if self._place is None:
            self._place = np.full(world.rows, -1, dtype=np.int64)
            self._place[self.rows] = np.arange(len(self.rows))
            for row in range(len(self.rows)):
                self.learner.set_patience(row, world.scene.patience_s)
                self.budgets.set_false_machines(row, (world.scene.thought_lost or 0.0,))
        return self._place

    def _learn(self, world: World, place: Ints) -> None:
        ended, learner = world.ended, self.learner
        mine = place[ended.row] >= 0
        row = place[ended.row]
        ring_s = ended.ends_s - ended.began_s
        asked = mine & (ended.asks > 0)
        learner.attempt_answered(row[asked], ring_s[asked])
        other = mine & (ended.asks == 0)
        learner.attempt_ended(row[other], ring_s[other])
        analysed = mine & (ended.judged_s > ended.ends_s)
        if analysed.any():
            learner.judged(
                row[analysed],
                ended.asks[analysed] > 0,
                (ended.judged_s - ended.ends_s)[analysed],
            )
        for note, (rows, spans_s) in (
            (learner.talk_ended, world.talks_ended),
            (learner.acw_ended, world.acws_ended),
        ):
            here = place[rows] >= 0
            note(place[rows[here]], spans_s[here])
        answers = world.new_answers[self.rows]
        self.budgets.count(
            np.arange(len(self.rows)),
            world.now_s,
            answered=answers,
            unattended=world.new_unattended[self.rows],
            passed=answers if world.scene.analysis_s is not None else 0,
        )

    def _columns(self, world: World, place: Ints) -> dict[str, Floats | Ints]:
        flying, now_s, count = world.flying, world.now_s, len(self.rows)
        mine = place[flying.row] >= 0
        ringing = mine & (flying.ends_s > now_s)
        row = place[flying.row]
        talk_row, talk_agent = np.nonzero(world.talking[self.rows])
        acw_row, acw_agent = np.nonzero(world.in_acw[self.rows])
        talk_s = now_s - world.talk_began_s[self.rows][talk_row, talk_agent]
        acw_s = now_s - world.talk_ends_s[self.rows][acw_row, acw_agent]
        return {
            "ready": world.ready[self.rows],
            "queued": world.queued[self.rows],
            "analysing": np.bincount(row[mine & ~ringing], minlength=count),
            "in_flight": count_in_bins(
                row[ringing], age_bin(now_s - flying.began_s[ringing]), None, (count, AGES)
            ),
            "talking": count_in_bins(talk_row, span_bin(talk_s), None, (count, SPANS)),
            "in_acw": count_in_bins(acw_row, span_bin(acw_s), None, (count, SPANS)),
        }
