"""Random numbers that any world may look up by name, so that policies meet the same people.

The u-th number of the j-th attempt of a replication is a hash, not a sequence: two policies that
dial the same record see the same phone, whenever they dial it (common random numbers).
"""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def uniforms(seeds: Ints, index: Ints, first: int, count: int) -> Floats:
    """Look up uniform numbers by SplitMix64 (Steele, Lea and Flood 2014).

    Args:
        seeds: Replications, shape (M,).
        index: Which attempt or call of the replication, shape (M,).
        first: First of its numbers that is wanted.
        count: How many are wanted, S.

    Returns:
        Numbers in (0, 1), shape (S, M).
    """
    streams = np.arange(first + 1, first + count + 1, dtype=np.uint64)[:, None]
    with np.errstate(over="ignore"):
        state = seeds.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        state = state + index.astype(np.uint64) * np.uint64(0xD1B54A32D192ED03)
        state = state[None, :] + streams * np.uint64(0x8CB92BA72F3D8DD7)
        for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB), (31, 1)):
            state = (state ^ (state >> np.uint64(shift))) * np.uint64(factor)
    return ((state >> np.uint64(11)).astype(np.float64) + 0.5) / 2.0**53


def lognormal(two: Floats, mean: float, variation: float) -> Floats:
    """Turn uniform numbers into lognormal ones (Box and Muller).

    Args:
        two: Uniform numbers, shape (2, M).
        mean: Mean.
        variation: Standard deviation over mean.

    Returns:
        Numbers, shape (M,).
    """
    spread = np.sqrt(np.log1p(variation**2))
    normal = np.sqrt(-2.0 * np.log(two[0])) * np.cos(2 * np.pi * two[1])
    return np.asarray(np.exp(np.log(mean) - spread**2 / 2 + spread * normal))


def erlang(some: Floats, mean: float) -> Floats:
    """Turn uniform numbers into sums of equal exponential ones.

    Args:
        some: Uniform numbers, shape (S, M); as many are summed.
        mean: Mean of the sum.

    Returns:
        Numbers, shape (M,).
    """
    return np.asarray(-np.log(some.prod(axis=0)) * mean / len(some))
