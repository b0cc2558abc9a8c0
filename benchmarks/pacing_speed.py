"""How long one decision takes: for 1, 100 and 10,000 campaigns, and for one of 5,000 agents."""

import time
from collections.abc import Callable

import numpy as np

from benchmarks.harness import Figure
from engine.pacing import (
    DAY,
    ROLLING_24H,
    ROLLING_30D,
    Budgets,
    Learner,
    Snapshot,
    decide,
    make_snapshot,
)
from engine.pacing.grid import AGES, SPANS, Floats, age_bin, count_in_bins, span_bin

_NOW_S = 1.0e9
_SIZES = ((1, 50), (100, 50), (1000, 50), (10_000, 50), (10_000, 5), (1, 500), (1, 5000))
_GOALS_MS = {(10_000, 50): 250.0, (1, 5000): 2.0}


def run(short: bool) -> list[Figure]:
    """Time whole ticks: laws, prices and decision.

    Args:
        short: Fewer repetitions.

    Returns:
        Milliseconds a tick by campaigns and agents, and microseconds a campaign.
    """
    figures = []
    for campaigns, agents in _SIZES:
        tick = _world(campaigns, agents)
        ticks_ms = _time_ms(tick, 5 if short else 25)
        figures.append(_figure(campaigns, agents, ticks_ms))
    largest = next(figure for figure in figures if figure.name == "tick/10000x50")
    small = next(figure for figure in figures if figure.name == "tick/100x50")
    figures.append(
        Figure(
            "growth/100-to-10000", largest.value / small.value / 100.0, "ratio", None, None, None,
            "time per campaign at 10,000 campaigns over time per campaign at 100",
        )
    )  # fmt: skip
    return figures


def _figure(campaigns: int, agents: int, tick_ms: float) -> Figure:
    return Figure(
        f"tick/{campaigns}x{agents}", tick_ms, "ms", _GOALS_MS.get((campaigns, agents)), None, None,
        f"median of whole ticks (laws, prices, decision), {campaigns} campaigns of {agents} agents "
        "with 96 % of them busy and 0.3 attempts in flight an agent, one core",
    )  # fmt: skip


def _time_ms(tick: Callable[[float], None], times: int) -> float:
    spent = []
    for count in range(times + 2):
        began = time.perf_counter()
        tick(_NOW_S + 0.25 * count)
        spent.append((time.perf_counter() - began) * 1e3)
    return float(np.median(spent[2:]))


def _world(campaigns: int, agents: int) -> Callable[[float], None]:
    """Make campaigns as they are in the middle of a day, and give their tick."""
    draw = np.random.default_rng(1)
    learner, budgets = (
        _learned(campaigns, agents, draw),
        Budgets(campaigns, (DAY, ROLLING_24H, ROLLING_30D)),
    )
    budgets.count(np.arange(campaigns), _NOW_S, answered=600, unattended=14)
    seen = _snapshot(campaigns, agents, draw)

    def tick(now_s: float) -> None:
        learner.tick(now_s, seen.in_flight, seen.talking, seen.in_acw)
        decide(seen, learner.laws(), budgets.prices(now_s))

    return tick


def _learned(campaigns: int, agents: int, draw: np.random.Generator) -> Learner:
    learner = Learner(campaigns)
    each = max(90, 3 * agents)
    answered = np.repeat(np.arange(campaigns), each)
    ended = np.repeat(np.arange(campaigns), each * 7 // 3)
    learner.attempt_answered(answered, draw.gamma(4, 2.5, len(answered)))
    learner.attempt_ended(ended, draw.uniform(2, 25, len(ended)))
    learner.talk_ended(answered, draw.lognormal(4.15, 0.83, len(answered)))
    learner.acw_ended(answered, draw.gamma(2, 7.5, len(answered)))
    learner.rebuild(np.arange(campaigns))
    return learner


def _snapshot(campaigns: int, agents: int, draw: np.random.Generator) -> Snapshot:
    acw, talking = max(1, agents // 7), max(1, agents * 82 // 100)
    flying = max(1, agents * 3 // 10)
    shape = (campaigns, SPANS)

    def binned(each: int, mean_s: float) -> Floats:
        rows = np.repeat(np.arange(campaigns), each)
        return count_in_bins(rows, span_bin(draw.exponential(mean_s, len(rows))), None, shape)

    rows = np.repeat(np.arange(campaigns), flying)
    ages = age_bin(draw.uniform(0, 22, len(rows)))
    return make_snapshot(
        campaigns,
        ready=draw.integers(0, 1 + max(2, agents // 25), campaigns),
        talking=binned(talking, 80.0),
        in_acw=binned(acw, 10.0),
        in_flight=count_in_bins(rows, ages, None, (campaigns, AGES)),
        staffed=agents,
    )
