"""The risk that one more attempt, if a person answers it, finds no agent.

At each answer point the agents free by then, less the calls that ask before, are a difference of
sums of independent chances. Where its variance is small it is worked out exactly, by convolution;
elsewhere by the Edgeworth series with continuity correction. The two agree at the seam.
"""

import math
from dataclasses import dataclass

import numpy as np

from engine.pacing.grid import Bools, Floats, Ints, Singles

EXACT_VARIANCE = 2.0
EXACT_READY = 24
EXACT_QUEUED = 8
_REACH = 7.0  # spreads above the mean that count as out of reach
_ONE_SPREAD = 1.0 / 12.0  # variance of a unit interval


@dataclass(frozen=True, slots=True)
class Trials:
    """Groups of equal, independent chances at K answer points, in C campaigns.

    Attributes:
        counts: Chances in each group, shape (C, B); whole numbers.
        chances: Their probability at each point, shape (C, B, K), in [0, 1].
    """

    counts: Floats
    chances: Singles

    def take(self, rows: Bools | Ints) -> "Trials":
        """Pick some campaigns.

        Args:
            rows: Which, as a mask or as indices.

        Returns:
            Their chances.
        """
        return Trials(self.counts[rows], self.chances[rows])


@dataclass(frozen=True, slots=True)
class Sums:
    """First four cumulants of a sum of chances, each of shape (C, K)."""

    mean: Floats
    variance: Floats
    third: Floats
    fourth: Floats

    def take(self, rows: Bools | Ints) -> "Sums":
        """Pick some campaigns.

        Args:
            rows: Which, as a mask or as indices.

        Returns:
            Their cumulants.
        """
        return Sums(self.mean[rows], self.variance[rows], self.third[rows], self.fourth[rows])


def sum_trials(trials: Trials) -> Sums:
    """Add up the cumulants of groups of chances.

    Args:
        trials: Chances in C campaigns at K points.

    Returns:
        Cumulants, shape (C, K).
    """
    q = trials.chances
    weights = trials.counts[:, None, :].astype(q.dtype)
    first = (weights @ q)[:, 0]
    square = q * q
    second = (weights @ square)[:, 0]
    cube = (weights @ (square * q))[:, 0]
    fourth = (weights @ (square * square))[:, 0]
    return Sums(
        first.astype(np.float64),
        (first - second).astype(np.float64),
        (first - 3 * second + 2 * cube).astype(np.float64),
        (first - 7 * second + 12 * cube - 6 * fourth).astype(np.float64),
    )


def normal_cdf(z: Floats) -> Floats:
    """Give the standard normal distribution function to 1e-7 (Abramowitz and Stegun 26.2.17).

    Args:
        z: Standard scores, any shape.

    Returns:
        Probabilities of the same shape.
    """
    size = np.abs(z)
    t = 1.0 / (1.0 + 0.2316419 * size)
    series = 1.781477937 + t * (-1.821255978 + t * 1.330274429)
    series = t * (0.319381530 + t * (-0.356563782 + t * series))
    tail = np.exp(-0.5 * size * size) * (0.3989422804014327 * series)
    return np.where(z >= 0, 1.0 - tail, tail)


def edgeworth_cdf(at: Floats, sums: Sums) -> Floats:
    """Give the chance that an integer sum is at most a value, from its cumulants.

    A sum over a lattice is the integral half way to the next integer less a 24th of the density's
    slope (Euler and Maclaurin); taking a twelfth off the variance does just that (Sheppard).

    Args:
        at: Values, shape (C, K).
        sums: Cumulants of the sum, shape (C, K).

    Returns:
        Chances, shape (C, K), in [0, 1].
    """
    variance = np.maximum(sums.variance - _ONE_SPREAD, sums.variance / 4 + 1e-6)
    spread = np.sqrt(variance)
    z = (at + 0.5 - sums.mean) / spread
    skew = sums.third / (variance * spread)
    kurt = (sums.fourth + 1.0 / 120.0) / (variance * variance)
    z2 = z * z
    shape = skew / 6 * (z2 - 1) + kurt / 24 * (z2 - 3) * z
    shape = shape + skew * skew / 72 * ((z2 - 10) * z2 + 15) * z
    density = np.exp(-0.5 * z2) * 0.3989422804014327
    trusted = sums.variance > 0.5
    return np.clip(normal_cdf(z) - np.where(trusted, shape * density, 0.0), 0.0, 1.0)


def with_new(base: Sums, added: Floats, new_chance: Floats) -> Sums:
    """Take new attempts off a sum of agents less asks.

    Args:
        base: Cumulants of agents freed less calls asked, shape (C, K).
        added: How many new attempts, shape (C,). [calls]
        new_chance: Chance that each asks by each point, shape (C, K).

    Returns:
        Cumulants, shape (C, K).
    """
    q, times = new_chance, added[:, None]
    spread = q * (1 - q)
    return Sums(
        base.mean - times * q,
        base.variance + times * spread,
        base.third - times * spread * (1 - 2 * q),
        base.fourth + times * spread * (1 - 6 * spread),
    )


def risk_of_next(
    spare: Floats, base: Sums, added: Floats, new_chance: Floats, weights: Floats
) -> Floats:
    """Give the risk of the attempt that follows ``added`` new ones.

    Args:
        spare: Agents ready less calls queued, shape (C,). [agents]
        base: Cumulants of agents freed less calls asked, shape (C, K).
        added: New attempts before this one, shape (C,). [calls]
        new_chance: Chance that a new attempt asks by each point, shape (C, K).
        weights: Weight of each point, shape (C, K).

    Returns:
        Risks, shape (C,), in [0, 1].
    """
    sums = with_new(base, added, new_chance)
    short = edgeworth_cdf(np.broadcast_to(-spare[:, None], sums.mean.shape), sums)
    return np.asarray((weights * short).sum(axis=1))


def largest_by_series(
    spare: Floats, base: Sums, new_chance: Floats, weights: Floats, tau: Floats, room: Ints
) -> Ints:
    """Find by bisection how many attempts stay under the risk, from cumulants.

    Args:
        spare: Agents ready less calls queued, shape (C,). [agents]
        base: Cumulants of agents freed less calls asked, shape (C, K).
        new_chance: Chance that a new attempt asks by each point, shape (C, K).
        weights: Weight of each point, shape (C, K).
        tau: Highest risk, shape (C,), in [0, 1].
        room: Most that may be started, shape (C,), at least 0. [calls]

    Returns:
        Largest n with the risk of the n-th at most tau, shape (C,). [calls]
    """
    low, high = np.zeros(len(room), dtype=np.int64), np.maximum(room, 0)
    step = np.ones(len(room), dtype=np.int64)
    rows = np.flatnonzero(high > 0)
    while len(rows):
        # Steps double until one is too far: most ticks start no call or one.
        tried = low[rows] + np.minimum(step[rows], (high[rows] - low[rows] + 1) // 2)
        tried = np.where(low[rows] == 0, np.minimum(step[rows], high[rows]), tried)
        good = (
            risk_of_next(
                spare[rows],
                base.take(rows),
                (tried - 1).astype(np.float64),
                new_chance[rows],
                weights[rows],
            )
            <= tau[rows]
        )
        low[rows] = np.where(good, tried, low[rows])
        high[rows] = np.where(good, high[rows], tried - 1)
        step[rows] *= 2
        rows = rows[high[rows] > low[rows]]
    return low


@dataclass(frozen=True, slots=True)
class SpareCells:
    """Exact distributions of spare agents at K points, in C campaigns.

    Attributes:
        shares: Probabilities, shape (C, K, S); cell i stands for ``i - below`` spare agents. The
            last stands for more too: the top is out of reach where variances are small. So does the
            first for fewer, once only asks are left to come.
        below: How far under zero the cells reach. [agents]
    """

    shares: Floats
    below: int

    def take(self, rows: Bools | Ints) -> "SpareCells":
        """Pick some campaigns.

        Args:
            rows: Which, as a mask or as indices.

        Returns:
            Their distributions.
        """
        return SpareCells(self.shares[rows], self.below)


def spare_distribution(spare: Ints, freed: Trials, asked: Trials) -> SpareCells:
    """Work out the distribution of spare agents at each point, exactly.

    Args:
        spare: Agents ready less calls queued, shape (C,). [agents]
        freed: Chances that busy agents are free, C campaigns at K points.
        asked: Chances that calls in flight ask, C campaigns at K points.

    Returns:
        Distributions of C campaigns at K points.
    """
    below = max(0, -int(spare.min(initial=0)))
    rising = sum_trials(freed)
    reach = (rising.mean + _REACH * np.sqrt(np.maximum(rising.variance, 0.0))).max(initial=0.0)
    cells = below + max(0, int(spare.max(initial=0))) + math.ceil(reach) + 3
    shares = np.zeros((len(spare), freed.chances.shape[2], cells))
    shares[np.arange(len(spare)), :, spare + below] = 1.0
    for chance in _one_by_one(freed):
        moved = shares * chance[:, :, None]
        shares -= moved
        shares[:, :, 1:] += moved[:, :, :-1]
        shares[:, :, -1] += moved[:, :, -1]
    for chance in _one_by_one(asked):
        moved = shares * chance[:, :, None]
        shares -= moved
        shares[:, :, :-1] += moved[:, :, 1:]
        shares[:, :, 0] += moved[:, :, 0]
    return SpareCells(shares, below)


def take_one(cells: SpareCells, chance: Floats) -> SpareCells:
    """Take one more possible ask off a distribution of spare agents.

    Args:
        cells: Distributions of C campaigns at K points.
        chance: Chance that the attempt asks by each point, shape (C, K).

    Returns:
        Distributions of C campaigns at K points.
    """
    moved = cells.shares * chance[:, :, None]
    left = cells.shares - moved
    left[:, :, :-1] += moved[:, :, 1:]
    left[:, :, 0] += moved[:, :, 0]
    return SpareCells(left, cells.below)


def exact_risk(cells: SpareCells, weights: Floats) -> Floats:
    """Give the risk of the next attempt from exact distributions.

    Args:
        cells: Distributions of C campaigns at K points.
        weights: Weight of each point, shape (C, K).

    Returns:
        Risks, shape (C,), in [0, 1].
    """
    short = cells.shares[:, :, : cells.below + 1].sum(axis=2)
    return np.asarray((weights * short).sum(axis=1))


def largest_exactly(
    cells: SpareCells, new_chance: Floats, weights: Floats, tau: Floats, room: Ints
) -> Ints:
    """Find how many attempts stay under the risk, from exact distributions.

    Args:
        cells: Distributions of C campaigns at K points, with nothing added.
        new_chance: Chance that a new attempt asks by each point, shape (C, K).
        weights: Weight of each point, shape (C, K).
        tau: Highest risk, shape (C,), in [0, 1].
        room: Most that may be started, shape (C,). [calls]

    Returns:
        Largest n with the risk of the n-th at most tau, shape (C,). [calls]
    """
    found = np.zeros(len(room), dtype=np.int64)
    rows = np.arange(len(room))
    while len(rows):
        more = (exact_risk(cells, weights[rows]) <= tau[rows]) & (found[rows] < room[rows])
        rows, cells = rows[more], cells.take(more)
        found[rows] += 1
        cells = take_one(cells, new_chance[rows])
    return found


def _one_by_one(trials: Trials) -> Floats:
    """Lay trials out one after the other, padded with impossible ones, shape (T, C, K)."""
    counts = trials.counts.astype(np.int64)
    totals = counts.sum(axis=1)
    rows = np.repeat(np.arange(len(counts)), totals)
    bins = np.repeat(np.tile(np.arange(counts.shape[1]), len(counts)), counts.ravel())
    places = np.arange(len(rows)) - np.repeat(np.cumsum(totals) - totals, totals)
    laid = np.zeros((int(totals.max(initial=0)), len(counts), trials.chances.shape[2]))
    laid[places, rows] = trials.chances[rows, bins]
    return laid
