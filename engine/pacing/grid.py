"""The grids on which pacing keeps time: ages of attempts, spans of talk, answer points.

They are the same for every campaign, so that interpolation is a fixed gather and all campaigns can
share one array. Learned laws live on edges; what is counted now lives in bins between them.
"""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Singles = NDArray[np.float32]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

RING_EDGES_S: Floats = np.arange(62, dtype=np.float64)
"""Edges of the answer and other-endings laws, shape (62,), 1 s apart; the last bin is open. [s]"""

AGE_EDGES_S: Floats = np.concatenate([np.arange(0, 32), np.arange(32, 62, 2)]).astype(np.float64)
"""Lower edges of the age bins of attempts in flight, shape (A,); the last bin is open. [s]"""

_SPANS_S = """
    0 1 2 3 4 6 8 10 12 15 18 22 26 30 36 42 48 55 62 70 80 90 100 112 125 140 155 172 190 210 235
    260 290 320 355 395 440 490 545 605 675 750 835 930 1035 1150 1280 1430 1600 2000 2600 3600 7200
"""
SPAN_EDGES_S: Floats = np.array(_SPANS_S.split(), dtype=np.float64)
"""Edges of the talk and ACW laws, shape (E + 1,), about 11 % apart. [s]"""

POINTS_S: Floats = np.array([1, 2, 3, 4.5, 6, 7.5, 9, 11, 13, 16, 20, 25, 32, 42], dtype=np.float64)
"""Answer times at which the risk of a new attempt is looked at, shape (K,). [s]"""

AGES = len(AGE_EDGES_S)
SPANS = len(SPAN_EDGES_S) - 1
POINTS = len(POINTS_S)
RINGS = len(RING_EDGES_S) - 1

AGE_MIDDLES_S: Floats = np.append((AGE_EDGES_S[1:] + AGE_EDGES_S[:-1]) / 2, AGE_EDGES_S[-1])
SPAN_MIDDLES_S: Floats = (SPAN_EDGES_S[1:] + SPAN_EDGES_S[:-1]) / 2
POINT_EDGES_S: Floats = np.concatenate(([0.0], (POINTS_S[1:] + POINTS_S[:-1]) / 2, [np.inf]))

_AGE_OF_STEP = np.clip(np.searchsorted(AGE_EDGES_S, np.arange(64), side="right") - 1, 0, AGES - 1)
_SPAN_OF_STEP = np.clip(
    np.searchsorted(SPAN_EDGES_S, np.arange(int(SPAN_EDGES_S[-1]) + 1), side="right") - 1,
    0,
    SPANS - 1,
)


def ring_bin(seconds: Floats | float) -> Ints | int:
    """Find the bin of a time since INVITE in the answer laws.

    Args:
        seconds: Times since INVITE, scalar or any shape. [s]

    Returns:
        Bin indices in [0, RINGS), likewise.
    """
    if isinstance(seconds, float):
        return min(max(int(seconds), 0), RINGS - 1)  # one event, many times faster
    return np.clip(seconds, 0, RINGS - 1).astype(np.int64)


def age_bin(seconds: Floats) -> Ints:
    """Find the bin of the age of an attempt in flight.

    Args:
        seconds: Ages since INVITE, any shape. [s]

    Returns:
        Bin indices in [0, AGES).
    """
    steps = np.clip(seconds, 0, len(_AGE_OF_STEP) - 1).astype(np.int64)
    return np.asarray(_AGE_OF_STEP[steps], dtype=np.int64)


def span_bin(seconds: Floats) -> Ints:
    """Find the bin of a time spent in talk or ACW.

    Args:
        seconds: Times since the phase began, any shape. [s]

    Returns:
        Bin indices in [0, SPANS).
    """
    steps = np.clip(seconds, 0, len(_SPAN_OF_STEP) - 1).astype(np.int64)
    return np.asarray(_SPAN_OF_STEP[steps], dtype=np.int64)


def gather_at(edges_s: Floats, at_s: Floats) -> tuple[Ints, Floats]:
    """Prepare linear interpolation of any law kept on the edges.

    Args:
        edges_s: Edges of the law, shape (B,), rising. [s]
        at_s: Where it is wanted, any shape; clipped to the edges. [s]

    Returns:
        Lower edge indices and weights of the upper edge, both of the shape of ``at_s``.
    """
    clipped = np.clip(at_s, edges_s[0], edges_s[-1])
    lower = np.clip(np.searchsorted(edges_s, clipped, side="right") - 1, 0, len(edges_s) - 2)
    share = (clipped - edges_s[lower]) / (edges_s[lower + 1] - edges_s[lower])
    return lower.astype(np.int64), share


def interpolate(law: Floats, lower: Ints, share: Floats) -> Floats:
    """Read laws kept on edges at prepared places.

    Args:
        law: Values at the edges, shape (C, B).
        lower: Lower edge indices, any shape (...), from ``gather_at``.
        share: Weights of the upper edge, shape (...).

    Returns:
        Values, shape (C, ...).
    """
    return law[:, lower] * (1.0 - share) + law[:, lower + 1] * share


def add_at(counts: Floats, index: tuple[Ints | int, ...], amount: Floats | Ints | float) -> None:
    """Add to counters, also where one index comes several times.

    Args:
        counts: Counters to add to.
        index: One index a dimension, scalars or of shape (M,).
        amount: What to add, scalar or shape (M,).
    """
    if isinstance(index[0], int) and isinstance(amount, int | float):
        counts[index] += amount  # one event: many times faster than what follows
        return
    np.add.at(counts, index, amount)  # type: ignore[arg-type]  # the stub knows no mixed tuples


def count_in_bins(rows: Ints, bins: Ints, weights: Floats | None, shape: tuple[int, int]) -> Floats:
    """Count things by campaign and bin.

    Args:
        rows: Campaign row of each thing, shape (M,).
        bins: Bin of each thing, shape (M,).
        weights: How much each counts, shape (M,); None counts one each.
        shape: Campaigns and bins (C, B) of the result.

    Returns:
        Sums, shape (C, B).
    """
    flat = np.bincount(rows * shape[1] + bins, weights=weights, minlength=shape[0] * shape[1])
    return flat.reshape(shape).astype(np.float64)
