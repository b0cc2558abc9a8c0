"""Does the whole engine keep agents as busy as the arena says its pacing can?

The very engine runs in virtual time: all actors, the simulated carrier, virtual agents. Beside it
the arena plays the same rule from the same cold start against the same laws of phones, talks and
after-call work, drawn by the arena's own numbers. What differs is everything in between.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import msgspec
import numpy as np

from benchmarks.harness import Figure
from benchmarks.pacing.draws import Floats, Ints, erlang
from benchmarks.pacing.draws import uniforms as look_up
from benchmarks.pacing.policies import Ours
from benchmarks.pacing.world import Flying, World
from benchmarks.pacing.world import Scene as People
from engine.domain.specs import CampaignSpec, Mode
from engine.pacing import Priors
from engine.simulation import Script, Simulation, set_scene
from engine.simulation.result import busy_share, count
from engine.simulation.scene import Scene
from engine.telephony.simulated import CarrierModel

ANSWER_P = 0.3
TICK_S = 0.25
GOAL_POINTS = 1.0
HOUR_S = 3600.0
_MODEL = CarrierModel(answer_ratio=ANSWER_P)
_NO_ANSWER_S = 25.0
_NO_LEVEL = 1_000.0
"""The arena knows no maximum level, so the campaign's is out of the way."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How long one size of campaign is played.

    Attributes:
        agents: Agents.
        hours: Length of each run from a cold start. [h]
        opening_h: Its beginning, in which a budget must first be earned. [h]
        seeds: Runs of the engine.
        replications: Runs of the arena.
    """

    agents: int
    hours: float
    opening_h: float
    seeds: int
    replications: int


SHORT = (Plan(20, 1.0, 0.5, 2, 60),)
FULL = (Plan(20, 2.0, 0.5, 8, 40), Plan(100, 2.0, 0.5, 4, 24))


@dataclass(frozen=True, slots=True)
class Shares:
    """What runs came to, each of shape (R,), in [0, 1].

    Attributes:
        whole: Busy share of the whole runs.
        later: Busy share after the opening.
        unattended: Unattended over answered calls of the whole runs.
    """

    whole: Floats
    later: Floats
    unattended: Floats


def run(short: bool) -> list[Figure]:
    """Play engine and arena.

    Args:
        short: 20 agents for one hour, twice; else 20 and 100 agents for hours.

    Returns:
        Busy and unattended shares of both in percent, and their distance in points.
    """
    figures: list[Figure] = []
    for plan in SHORT if short else FULL:
        figures += _figures(plan, play_engine(plan), play_arena(plan))
    return figures


def play_engine(plan: Plan) -> Shares:
    """Run the engine in virtual time, one life for each seed."""
    runs = [_run_engine(plan, seed) for seed in range(1, plan.seeds + 1)]
    return Shares(*(np.array(column) for column in zip(*runs, strict=True)))


def _run_engine(plan: Plan, seed: int) -> tuple[float, float, float]:
    simulation = Simulation(_scene(plan, seed))
    simulation.begin()
    simulation.scheduler.call_later(0.5, simulation.operators.start_all)
    begins_s, ends_s = simulation.scene.starts_s, simulation.scene.ends_s
    simulation.scheduler.run_until(ends_s)
    if simulation.faults:
        raise RuntimeError("; ".join(simulation.faults))
    facts = simulation.facts
    counts = count(facts, begins_s, ends_s)
    return (
        busy_share(facts, begins_s, ends_s),
        busy_share(facts, begins_s + plan.opening_h * HOUR_S, ends_s),
        counts["unattended"] / max(counts["answered"], 1),
    )


def _scene(plan: Plan, seed: int) -> Scene:
    script = Script(
        seed=seed, agents=plan.agents, hours=plan.hours, answer_ratio=ANSWER_P,
        mode=Mode.PREDICTIVE, tick_s=TICK_S,
    )  # fmt: skip
    scene = set_scene(script)
    specs = [
        (kind, msgspec.structs.replace(spec, max_level=_NO_LEVEL))
        if isinstance(spec, CampaignSpec)
        else (kind, spec)
        for kind, spec in scene.specs
    ]
    return replace(scene, specs=specs, model=_MODEL)


class CarrierWorld(World):
    """The arena's world with phones that behave as the simulated carrier's do."""

    def _attempts(self, row: Ints, index: Ints) -> Flying:
        luck, began_s = look_up(self.seeds[row], index, 0, 10), np.full(len(row), self.now_s)
        invalid = luck[9] < _MODEL.invalid_ratio
        person = ~invalid & (luck[0] < self.base_p[row])
        takes_s = np.where(person, erlang(luck[2:4], _MODEL.answer_mean_s), self._fails_s(luck))
        takes_s = np.where(invalid, 0.2 + 1.3 * luck[4], takes_s)
        ends_s, asks = began_s + takes_s, person.astype(np.int64)
        return Flying(row, began_s, ends_s, ends_s.copy(), asks, asks.copy(), index)

    @staticmethod
    def _fails_s(luck: Floats) -> Floats:
        """Draw how long a call takes that nobody answers. [s]"""
        busy = _MODEL.busy_ratio
        congested = busy + _MODEL.congested_ratio
        declined = congested + _MODEL.declined_ratio
        rings_s = 0.2 + 1.3 * luck[5]
        kinds = [luck[1] < busy, luck[1] < congested, luck[1] < declined]
        declines_s = rings_s + erlang(luck[6:8], _MODEL.other_mean_s)
        times_s = [0.5 + 3.5 * luck[4], 0.05 + 0.45 * luck[4], declines_s]
        return np.asarray(np.minimum(np.select(kinds, times_s, _NO_ANSWER_S), _NO_ANSWER_S))


def play_arena(plan: Plan) -> Shares:
    """Play the rule in the arena from a cold start."""
    rows = np.arange(plan.replications)
    agents, base_p = np.full(len(rows), plan.agents), np.full(len(rows), ANSWER_P)
    people = People(
        talk_mean_s=_MODEL.talk_mean_s, talk_variation=_MODEL.talk_variation, acw_mean_s=15.0
    )
    world = CarrierWorld(people, agents, base_p, rows + 1)
    rule = Ours(rows, Priors().answer_p)
    steps, opening = round(plan.hours * HOUR_S / TICK_S), round(plan.opening_h * HOUR_S / TICK_S)
    busy, late = np.zeros(len(rows)), np.zeros(len(rows))
    for step in range(1, steps + 1):
        world.advance(step * TICK_S)
        world.dial(rule.calls(world))
        at_work = world.agents - world.ready
        busy += at_work
        late += at_work if step > opening else 0
    most = plan.agents * np.array([steps, steps - opening])
    tally = world.tally
    return Shares(busy / most[0], late / most[1], tally.unattended / np.maximum(tally.answered, 1))


def _figures(plan: Plan, engine: Shares, arena: Shares) -> list[Figure]:
    where = f"{plan.agents}/{ANSWER_P:g}"
    method = (
        f"{plan.seeds} runs of the engine in virtual time, {plan.replications} of the arena, each "
        f"{plan.hours:g} h from a cold start, one decision every {TICK_S:g} s at least"
    )
    figures: list[Figure] = []
    for name, ours, theirs in (
        ("busy_share", engine.later, arena.later),
        ("busy_whole", engine.whole, arena.whole),
        ("unattended", engine.unattended, arena.unattended),
    ):
        text = method
        if name == "busy_share":
            text += f"; without the first {60 * plan.opening_h:g} minutes"
        value, known = 100 * float(ours.mean()), 100 * float(theirs.mean())
        figures.append(Figure(f"{name}/{where}", value, "%", None, known, None, text))
        if name != "unattended":
            text += f"; engine less arena, 95 % interval +-{_half(ours, theirs):.2f} points"
            distance = f"distance/{name}/{where}"
            figures.append(Figure(distance, value - known, "points", GOAL_POINTS, None, None, text))
    return figures


def _half(ours: Floats, theirs: Floats) -> float:
    """Return half of the 95 % interval of a difference of means. [points]

    Few runs say little of their own spread; those of the arena are the same chance, and many.
    """
    spread = float(theirs.std(ddof=1))
    parts: Sequence[float] = (1.0 / len(ours), 1.0 / len(theirs))
    return 100 * 1.96 * spread * float(np.sqrt(sum(parts)))
