"""Plays rules against each other over the same people and adds up what they come to."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields

import numpy as np

from benchmarks.pacing.draws import Floats, Ints
from benchmarks.pacing.policies import Policy
from benchmarks.pacing.world import Scene, Tally, World

ENOUGH_ANSWERED = 500
Builder = Callable[[Ints, Ints, Floats], Policy]
"""Makes a policy for rows, given agents and base chance of each."""


@dataclass(frozen=True, slots=True)
class Entrant:
    """One rule in one cell.

    Attributes:
        name: Name of the rule.
        cell: Agents and chance of an answer.
        replications: How many rows it gets.
        setting: What is tuned, if anything.
    """

    name: str
    cell: tuple[int, float]
    replications: int
    setting: float = 1.0


@dataclass(frozen=True, slots=True)
class Score:
    """What a rule came to in a cell.

    Attributes:
        entrant: The rule in its cell.
        busy: Share of agents' time in talk and after-call work once a day has opened, with half its
            95 % interval.
        busy_day: The same for whole days.
        unattended: Share of answers without an agent in time, with half its 95 % interval.
        days: Days played.
        days_counted: Days with at least 500 answers.
        days_over: Of these, days over the cap.
        days_over_truly: The same by the persons whom analysis cut off in truth, where the rule
            only estimates them.
        worst_day: Highest share of a day with at least 500 answers.
        idle_mean_s: Agents' mean wait for a call. [s]
        idle_p95_s: Its 95th percentile, to 2 s. [s]
        attempts_per_connect: Attempts for each call joined to an agent.
        wait_mean_s: Callers' mean wait for an agent. [s]
    """

    entrant: Entrant
    busy: tuple[float, float]
    busy_day: tuple[float, float]
    unattended: tuple[float, float]
    days: int
    days_counted: int
    days_over: int
    days_over_truly: int
    worst_day: float
    idle_mean_s: float
    idle_p95_s: float
    attempts_per_connect: float
    wait_mean_s: float


@dataclass(frozen=True, slots=True)
class Course:
    """How long is played.

    Attributes:
        warm_s: Before the first day, to learn; not counted. [s]
        day_s: Length of a day. [s]
        opening_s: Its beginning, in which a budget must first be earned. [s]
        days: Days counted.
        step_s: Time between decisions. [s]
    """

    warm_s: float = 3600.0
    day_s: float = 28800.0
    opening_s: float = 3600.0
    days: int = 1
    step_s: float = 1.0


def play(
    scene: Scene,
    entrants: Sequence[Entrant],
    builders: dict[str, Callable[[Ints, Sequence[Entrant]], Policy]],
    course: Course,
    cap: float = 0.03,
) -> list[Score]:
    """Play rules in their cells side by side.

    Args:
        scene: People, phones and agents.
        entrants: Rules in cells; those of one name share one policy object.
        builders: Maker of the policy of each name, given its rows and the entrant of each row.
        course: How long.
        cap: Highest unattended share.

    Returns:
        A score for each entrant, in order.
    """
    owner = np.repeat(np.arange(len(entrants)), [one.replications for one in entrants])
    seeds = np.concatenate([np.arange(one.replications) for one in entrants]) + 1
    each = [entrants[int(index)] for index in owner]
    world = World(
        scene,
        np.array([one.cell[0] for one in each]),
        np.array([one.cell[1] for one in each]),
        seeds,
    )
    policies = []
    for name, build in builders.items():
        rows = np.flatnonzero([one.name == name for one in each])
        if len(rows):
            policies.append(build(rows, [each[row] for row in rows]))
    parts = _play_days(world, policies, course)
    return [
        _score(entrant, [_rows(part, owner == index) for part in parts], cap, scene.thought_lost)
        for index, entrant in enumerate(entrants)
    ]


def _play_days(world: World, policies: Sequence[Policy], course: Course) -> list[Tally]:
    """Play days, each in two parts, its opening and the rest, after a warm-up not counted."""
    _play_for(world, policies, course.warm_s, course.step_s)
    parts = []
    for _ in range(course.days):
        for policy in policies:
            policy.new_day()
        opening_s = min(course.opening_s, course.day_s / 2)
        for length_s in (opening_s, course.day_s - opening_s):
            world.tally = Tally.zero(world.rows)
            _play_for(world, policies, length_s, course.step_s)
            parts.append(world.tally)
    return parts


def _play_for(world: World, policies: Sequence[Policy], length_s: float, step_s: float) -> None:
    began_s = world.now_s
    calls = np.zeros(world.rows, dtype=np.int64)
    for step in range(1, round(length_s / step_s) + 1):
        world.advance(began_s + step * step_s)
        for policy in policies:
            calls[policy.rows] = policy.calls(world)
        world.dial(calls)


def _rows(tally: Tally, chosen: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> Tally:
    return Tally(**{part.name: getattr(tally, part.name)[chosen] for part in fields(Tally)})


def _sum(parts: Sequence[Tally]) -> Tally:
    return Tally(
        **{one.name: sum(getattr(part, one.name) for part in parts) for one in fields(Tally)}
    )


def _score(
    entrant: Entrant, parts: Sequence[Tally], cap: float, thought_lost: float | None
) -> Score:
    """Add up days; the interval is over replications, each the mean of its days."""
    total, later = _sum(parts), _sum(parts[1::2])
    days = [_sum(pair) for pair in zip(parts[::2], parts[1::2], strict=True)]
    answered = np.stack([day.answered for day in days])
    shares = np.stack([day.unattended for day in days]) / np.maximum(answered, 1.0)
    counted = answered >= ENOUGH_ANSWERED
    calls = max(total.connected.sum(), 1.0)
    idle = np.cumsum(total.idle_bins.sum(axis=0))
    return Score(
        entrant=entrant,
        busy=_with_interval(later.busy_s / np.maximum(later.staffed_s, 1.0)),
        busy_day=_with_interval(total.busy_s / np.maximum(total.staffed_s, 1.0)),
        unattended=_with_interval(total.unattended / np.maximum(total.answered, 1.0)),
        days=answered.size,
        days_counted=int(counted.sum()),
        days_over=int((shares[counted] > cap).sum()),
        days_over_truly=int((_true_shares(days, thought_lost)[counted] > cap).sum()),
        worst_day=float(shares[counted].max(initial=0.0)),
        idle_mean_s=float(total.idle_s.sum() / calls),
        idle_p95_s=float(2.0 * np.searchsorted(idle, 0.95 * idle[-1])),
        attempts_per_connect=float(total.attempts.sum() / calls),
        wait_mean_s=float(total.wait_s.sum() / calls),
    )


def _true_shares(days: Sequence[Tally], thought_lost: float | None) -> Floats:
    """Give unattended shares with the persons cut off in truth in place of the rule's estimate."""
    answered, unattended = (
        np.stack([getattr(day, name) for day in days]) for name in ("answered", "unattended")
    )
    if thought_lost is not None:
        surplus = np.stack([day.cut_off for day in days]) - thought_lost * answered
        answered, unattended = answered + surplus, unattended + surplus
    return np.asarray(unattended / np.maximum(answered, 1.0))


def _with_interval(values: Floats) -> tuple[float, float]:
    """Give the mean and half of its 95 % interval by Student's t."""
    if len(values) < 2:
        return float(values.mean()), float("nan")
    student = 1.96 + 2.5 / (len(values) - 1)  # within 2 % of t for 4 and more values
    return float(values.mean()), float(student * values.std(ddof=1) / np.sqrt(len(values)))
