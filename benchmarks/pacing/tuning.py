"""Entrants and makers: which rules play in which cells, and what a tuned rule came to at the cap.

*Tuned* means with hindsight: every setting of a grid is played in the cell and the best mix that
keeps the cap is kept, which no user can do.
"""

from collections.abc import Callable, Sequence

import numpy as np

from benchmarks.pacing.arena import Entrant, Score
from benchmarks.pacing.draws import Floats, Ints
from benchmarks.pacing.oracles import KnowsEnds, KnowsOutcomes
from benchmarks.pacing.policies import (
    Adapt,
    AdaptiveLevel,
    FixedLevel,
    FixedRatio,
    MeanLookAhead,
    Ours,
    Policy,
)

Maker = Callable[[Ints, Sequence[Entrant]], Policy]
Cell = tuple[int, float]
PRIOR_P = 0.3
VICIDIAL_MOST = 3.0


def _settings(entrants: Sequence[Entrant]) -> Floats:
    return np.array([one.setting for one in entrants])


def _adaptive(method: Adapt, *, tuned: bool = False) -> Maker:
    def make(rows: Ints, entrants: Sequence[Entrant]) -> Policy:
        most = _settings(entrants) if tuned else np.full(len(rows), VICIDIAL_MOST)
        return AdaptiveLevel(rows, method, most=most, intensity=np.ones(len(rows)))

    return make


MAKERS: dict[str, Maker] = {
    "progressive": lambda rows, entrants: FixedRatio(rows, _settings(entrants)),
    "ratio-ready": lambda rows, entrants: FixedRatio(rows, _settings(entrants)),
    "ratio-agents": lambda rows, entrants: FixedLevel(rows, _settings(entrants)),
    "mean": lambda rows, entrants: MeanLookAhead(
        rows, _settings(entrants), np.array([one.cell[1] for one in entrants])
    ),
    "vicidial-hard": _adaptive(Adapt.HARD_LIMIT),
    "vicidial-average": _adaptive(Adapt.AVERAGE),
    "vicidial-tapered": _adaptive(Adapt.TAPERED),
    "vicidial-hard-tuned": _adaptive(Adapt.HARD_LIMIT, tuned=True),
    "ours": lambda rows, _: Ours(rows, PRIOR_P),
    "knows-ends": lambda rows, _: KnowsEnds(rows, PRIOR_P),
    "knows-outcomes": lambda rows, _: KnowsOutcomes(rows, PRIOR_P),
}
"""Makers of the rules by name."""


def grid(name: str, cell: Cell, points: int, replications: int) -> list[Entrant]:
    """Lay out the settings at which a tuned rule is played.

    Args:
        name: The rule.
        cell: Agents and chance of an answer.
        points: How many settings.
        replications: Rows for each.

    Returns:
        Entrants of rising setting.
    """
    reach = np.linspace(0.15, 1.5, points)
    flying = 0.95 / 105.0 * 9.0 / cell[1]  # attempts in flight an agent at full work
    settings = {
        "ratio-ready": 1.0 + (1.1 / cell[1] - 1.0) * reach / 1.5,
        "ratio-agents": 0.9 + (flying + 0.15) * reach,
        "mean": reach,
        "vicidial-hard-tuned": 0.95 + (flying + 0.15) * reach,
    }[name]
    return [Entrant(name, cell, replications, float(setting)) for setting in settings]


def tuned(scores: Sequence[Score], cap: float) -> tuple[float, float]:
    """Give the busy share of the best setting that keeps the cap, between settings by line.

    Args:
        scores: Scores of all settings of one rule in one cell.
        cap: Highest unattended share.

    Returns:
        Busy share and unattended share.
    """
    ordered = sorted(scores, key=lambda score: score.unattended[0])
    best = (0.0, 0.0)
    for low, high in zip(ordered, [*ordered[1:], ordered[-1]], strict=True):
        if low.unattended[0] > cap:
            break
        best = max(best, (low.busy[0], low.unattended[0]))
        if high.unattended[0] > cap:
            mix = (cap - low.unattended[0]) / (high.unattended[0] - low.unattended[0])
            best = max(best, (low.busy[0] + mix * (high.busy[0] - low.busy[0]), cap))
    return best
