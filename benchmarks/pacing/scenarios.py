"""The scenes in which rules are compared: steady cells, and days on which something changes."""

import math
from dataclasses import dataclass, field

import numpy as np

from benchmarks.pacing.draws import Floats
from benchmarks.pacing.world import Scene

HOUR_S = 3600.0
DAY_S = 8 * HOUR_S
STEADY = Scene()
REFERENCE_SHARES = {
    "5/0.1": 74.5, "5/0.3": 82.0, "10/0.1": 81.9, "10/0.3": 85.6, "20/0.1": 87.9, "20/0.3": 89.5,
    "20/0.5": 91.1, "50/0.1": 93.2, "50/0.3": 93.9, "100/0.1": 95.9, "100/0.3": 96.3,
    "500/0.3": 99.3,
}  # fmt: skip
"""Busy shares of agents measured for the rule before this project, in percent."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """A scene with the cells it is played in.

    Attributes:
        name: What changes in it.
        scene: People, phones and agents.
        agents: Agents of the cell.
        base_p: Chance of an answer that the scene starts from.
    """

    name: str
    scene: Scene = field(default_factory=Scene)
    agents: int = 20
    base_p: float = 0.3


def _by_hour(now_s: float, base: Floats) -> Floats:
    """Rise and fall over the day by half."""
    return np.asarray(base * (1.0 + 0.5 * math.sin(2 * math.pi * now_s / DAY_S)))


def _step(now_s: float, base: Floats) -> Floats:
    """List quality: 0.1, then 0.4 in the middle third of the day, then 0.1 again."""
    third = now_s % DAY_S / (DAY_S / 3)
    return np.where((third >= 1) & (third < 2), 0.4, 0.1) + 0 * base


def _in_groups(now_s: float) -> float:
    """A third of the agents leave for half an hour every two hours, together."""
    return 2 / 3 if now_s % (2 * HOUR_S) > 1.5 * HOUR_S else 1.0


SCENARIOS = (
    Scenario("hour-profile", Scene(answer_p=_by_hour)),
    Scenario("list-step", Scene(answer_p=_step)),
    Scenario("agents-in-groups", Scene(staffed=_in_groups)),
    Scenario("long-talks", Scene(talk_variation=3.0)),
    Scenario("slow-answers", Scene(answer_mean_s=10.0)),
    Scenario(
        "analysed",
        Scene(machine_p=0.3, analysis_s=(2.0, 3.0), machine_missed=0.1, person_lost=0.01),
        base_p=0.3,
    ),
    Scenario(
        "false-machines-estimated",
        Scene(
            machine_p=0.3,
            analysis_s=(2.0, 3.0),
            machine_missed=0.1,
            person_lost=0.007,
            thought_lost=0.01,
        ),
        base_p=0.3,
    ),
    Scenario("machines-not-analysed", Scene(machine_p=0.3), base_p=0.3),
)
"""Days on which something changes; two campaigns sharing agents are played apart."""
