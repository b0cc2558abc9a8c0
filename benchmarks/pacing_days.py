"""Does the whole engine keep the cap of every rule window, day after day?

The very engine in virtual time, all actors and the simulated carrier, through working days with
shifts: agents come and go, the schedule starts and stops the campaign, the nights pass idle. What
counts as answered and as unattended is read from the durable facts alone.
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from time import process_time

import msgspec
import numpy as np
from numpy.typing import NDArray

from benchmarks.harness import Figure
from engine.domain.facts import AnyFact, AttemptAnswered, AttemptClosed
from engine.domain.specs import CampaignSpec, Mode, RunWindow
from engine.simulation import Script, Simulation, set_scene
from engine.simulation.result import busy_share
from engine.simulation.scene import CENTRE, Scene

AGENTS = 20
ANSWER_P = 0.3
CAP = 0.03
ENOUGH_ANSWERED = 500
TICK_S = 1.0
DAY_S = 86_400.0
_FIRST = datetime(2026, 6, 1, tzinfo=CENTRE)
_STARTS_S, _STOPS_S = 9 * 3600, 17 * 3600
_OPENING_S = 3600.0
_EARLY_S, _LATE_S = 120.0, 180.0
"""How long before the start agents come, and how long after the stop they leave. [s]"""

Floats = NDArray[np.float64]


def run(short: bool) -> list[Figure]:
    """Play working days through the engine.

    Args:
        short: Two days; else thirty.

    Returns:
        Windows over their cap (goal: none), the worst shares, busy shares, and the cost.
    """
    days = 2 if short else 30
    began_s = process_time()
    simulation = _play(days)
    cost_s = process_time() - began_s
    if simulation.faults:
        raise RuntimeError("; ".join(simulation.faults))
    return _figures(simulation, days, cost_s)


def _play(days: int) -> Simulation:
    simulation = Simulation(_scene(days))
    scheduler, first_s = simulation.scheduler, _FIRST.astimezone(UTC).timestamp()
    simulation.begin()
    for day in range(days):
        midnight_s = first_s + day * DAY_S
        if day:
            scheduler.run_until(midnight_s + _STARTS_S - _EARLY_S)
            for agent in simulation.agents.values():
                agent.begin()
        scheduler.run_until(midnight_s + _STOPS_S + _LATE_S)
        for agent in simulation.agents.values():
            agent.leave()
        simulation.witness.rows.clear()  # days of them would fill the memory; facts remain
    simulation.settle()
    return simulation


def _scene(days: int) -> Scene:
    begins_s = _FIRST + timedelta(seconds=_STARTS_S - _EARLY_S)
    script = Script(
        seed=1, agents=AGENTS, hours=days * 8.0, answer_ratio=ANSWER_P, mode=Mode.PREDICTIVE,
        starts_s=begins_s.astimezone(UTC).timestamp(), tick_s=TICK_S,
    )  # fmt: skip
    scene = set_scene(script)
    window = RunWindow(starts_s=_STARTS_S, stops_s=_STOPS_S)
    specs = [
        (kind, msgspec.structs.replace(spec, schedule=(window,)))
        if isinstance(spec, CampaignSpec)
        else (kind, spec)
        for kind, spec in scene.specs
    ]
    return replace(scene, specs=specs)


def _figures(simulation: Simulation, days: int, cost_s: float) -> list[Figure]:
    facts, first_s = simulation.facts, _FIRST.astimezone(UTC).timestamp()
    answered_s = _instants(fact for fact in facts if isinstance(fact, AttemptAnswered))
    lost_s = _instants(
        fact for fact in facts if isinstance(fact, AttemptClosed) and fact.unattended
    )
    midnights_s = first_s + DAY_S * np.arange(days, dtype=np.float64)
    by_day = _shares(answered_s, lost_s, midnights_s, midnights_s + DAY_S)
    hours_s = first_s + 3600.0 * np.arange(24 * days + 1, dtype=np.float64)
    rolling = _shares(answered_s, lost_s, hours_s - DAY_S, hours_s)
    whole = _shares(answered_s, lost_s, midnights_s[:1], midnights_s[-1:] + DAY_S)
    method = (
        f"{days} days of 8 h, {AGENTS} agents with shifts, p {ANSWER_P:g}, {len(answered_s)} "
        "answers, whole engine in virtual time"
    )
    busy = [
        busy_share(facts, at_s + _STARTS_S + _OPENING_S, at_s + _STOPS_S) for at_s in midnights_s
    ]
    figures = [
        Figure(f"windows_over/{name}", float((shares > CAP).sum()), "windows", 0.0, None, None,
               f"of {shares.size} windows with at least {ENOUGH_ANSWERED} answers; {method}")
        for name, shares in (("day", by_day), ("rolling-24h", rolling), ("all-days", whole))
    ]  # fmt: skip
    return [
        *figures,
        Figure("worst_day", 100 * float(by_day.max(initial=0.0)), "%", 100 * CAP, None, None,
               f"unattended over answered; {method}"),
        Figure("unattended", 100 * float(whole.max(initial=0.0)), "%", 100 * CAP, None, None,
               f"over all days; {method}"),
        Figure("busy_share", 100 * float(np.mean(busy)), "%", None, None, None,
               f"without the first hour of each day; {method}"),
        Figure("cpu", cost_s / days, "s", None, None, None, f"a simulated day; {method}"),
    ]  # fmt: skip


def _instants(facts: Iterable[AnyFact]) -> Floats:
    return np.array(sorted(fact.at_s for fact in facts))


def _shares(answered_s: Floats, lost_s: Floats, begins_s: Floats, ends_s: Floats) -> Floats:
    """Return the unattended share of each window that has answers enough, in [0, 1]."""
    answered = _between(answered_s, begins_s, ends_s)
    enough = answered >= ENOUGH_ANSWERED
    share: Floats = (_between(lost_s, begins_s, ends_s) / np.maximum(answered, 1))[enough]
    return share


def _between(instants_s: Floats, begins_s: Floats, ends_s: Floats) -> Floats:
    return np.asarray(
        np.searchsorted(instants_s, ends_s) - np.searchsorted(instants_s, begins_s), dtype=float
    )
