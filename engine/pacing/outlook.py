"""Who will be free and who will ask when a call started now is answered, and how many to start.

The risk itself is in ``risk``; here the counts of a snapshot meet the learned laws.
"""

from dataclasses import dataclass

import numpy as np

from engine.pacing.grid import Bools, Floats, Ints
from engine.pacing.laws import Laws
from engine.pacing.risk import (
    EXACT_QUEUED,
    EXACT_READY,
    EXACT_VARIANCE,
    Sums,
    Trials,
    largest_by_series,
    largest_exactly,
    risk_of_next,
    spare_distribution,
    sum_trials,
    with_new,
)
from engine.pacing.snapshot import Snapshot

_CHUNK = 256  # rows at a time, so that exact sums stay in the processor's cache
_DOUBT = 0.1  # more than the series can be wrong where sums are small


@dataclass(frozen=True, slots=True)
class Outlook:
    """Agents freed and calls asked at each answer point, for R rows.

    Attributes:
        freed_trials: Each busy agent's chance to be free, R rows at K points.
        asked_trials: Each call's chance to ask for an agent, likewise.
        freed: Sums of the former.
        asked: Sums of the latter.
        new_chance: Chance that a new attempt asks by each point, shape (R, K).
        weights: Weight of each point, shape (R, K).
    """

    freed_trials: Trials
    asked_trials: Trials
    freed: Sums
    asked: Sums
    new_chance: Floats
    weights: Floats

    def take(self, chosen: Bools | Ints) -> "Outlook":
        """Pick some rows.

        Args:
            chosen: Which, as a mask or as indices.

        Returns:
            Their outlook.
        """
        return Outlook(
            self.freed_trials.take(chosen),
            self.asked_trials.take(chosen),
            self.freed.take(chosen),
            self.asked.take(chosen),
            self.new_chance[chosen],
            self.weights[chosen],
        )


def look_ahead(snapshot: Snapshot, laws: Laws, rows: Ints) -> Outlook:
    """Work out who will be free and who will ask, for the rows that pace by agents.

    Args:
        snapshot: What is known at this instant, C campaigns.
        laws: What has been learned, C campaigns.
        rows: Campaigns that are asked for, shape (R,).

    Returns:
        The outlook of R rows.
    """
    every = len(rows) == len(snapshot.mode)
    pick = slice(None) if every else rows
    busy = np.concatenate([snapshot.talking[pick], snapshot.in_acw[pick]], axis=1)
    heads = np.ceil(busy - 1e-9)
    share = np.divide(busy, heads, out=np.zeros_like(busy), where=heads > 0)
    free = np.concatenate([laws.talk_free[pick], laws.acw_free[pick]], axis=1)
    if (share[heads > 0] < 1.0).any():
        free = free * share[:, :, None].astype(np.float32)
    freed_trials = Trials(heads, free)
    p = laws.answer_p[pick][:, None]
    left = laws.answer_left[pick]
    alive = p * left + (1 - p) * laws.other_left[pick]
    chance = laws.gain[pick] * (p / alive).astype(np.float32)[:, :, None]
    judged = np.broadcast_to(laws.pass_p[pick][:, None, None], (len(rows), 1, chance.shape[2]))
    asked_trials = Trials(
        np.concatenate([snapshot.in_flight[pick], snapshot.analysing[pick][:, None]], axis=1),
        np.concatenate([chance, judged.astype(np.float32)], axis=1),
    )
    return Outlook(
        freed_trials, asked_trials, sum_trials(freed_trials), sum_trials(asked_trials),
        laws.new_gain[pick] * p, laws.weights[pick],
    )  # fmt: skip


def most_under(outlook: Outlook, spare: Ints, tau: Floats, room: Ints) -> Ints:
    """Find the most calls whose last one stays under the risk: by series, then exactly if small.

    Args:
        outlook: Who will be free and who will ask, R rows.
        spare: Agents ready less calls queued, shape (R,). [agents]
        tau: Highest risk, shape (R,), in [0, 1].
        room: Most that may be started, shape (R,). [calls]

    Returns:
        Calls to start, shape (R,). [calls]
    """
    freed, asked = outlook.freed, outlook.asked
    base = Sums(
        freed.mean - asked.mean,
        freed.variance + asked.variance,
        freed.third - asked.third,
        freed.fourth + asked.fourth,
    )
    found = largest_by_series(
        spare.astype(np.float64), base, outlook.new_chance, outlook.weights, tau, room
    )
    small = _worth_exactness(outlook, base, spare, found, tau)
    for start in range(0, len(small), _CHUNK):
        part = small[start : start + _CHUNK]
        few = outlook.take(part)
        cells = spare_distribution(spare[part], few.freed_trials, few.asked_trials)
        found[part] = largest_exactly(cells, few.new_chance, few.weights, tau[part], room[part])
    return found


def _worth_exactness(outlook: Outlook, base: Sums, spare: Ints, found: Ints, tau: Floats) -> Ints:
    """Find the rows whose sums are so small that the series may mislead, and matter."""
    spread = with_new(base, found.astype(np.float64), outlook.new_chance).variance
    small = (spread * outlook.weights).sum(axis=1) <= EXACT_VARIANCE
    small &= (spare <= EXACT_READY) & (spare >= -EXACT_QUEUED)
    none = np.zeros(len(spare))
    first = risk_of_next(spare.astype(np.float64), base, none, outlook.new_chance, outlook.weights)
    return np.flatnonzero(small & (first <= tau + _DOUBT))
