"""Histograms of times: fixed buckets that grow by a factor, cheap to add to and to merge."""

from bisect import bisect_left
from collections.abc import Sequence
from itertools import pairwise


def bounds(lowest_s: float = 1e-6, highest_s: float = 3_600.0, per_decade: int = 20) -> list[float]:
    """Return upper bounds of buckets, each a fixed factor above the last. [s]"""
    factor = 10 ** (1 / per_decade)
    made = [lowest_s]
    while made[-1] < highest_s:
        made.append(made[-1] * factor)
    return made


class Histogram:
    """Counts values by bucket; quantiles are right to the width of one bucket (12 %).

    Args:
        upper_bounds: Upper bounds of the buckets, growing; values above the last share one bucket.
    """

    def __init__(self, upper_bounds: Sequence[float] | None = None) -> None:
        self._bounds = list(upper_bounds) if upper_bounds is not None else bounds()
        if any(low >= high for low, high in pairwise(self._bounds)):
            raise ValueError("bounds must grow")
        self._counts = [0] * (len(self._bounds) + 1)
        self.count = 0
        self.total = 0.0
        self.highest = 0.0

    def add(self, value: float) -> None:
        """Count one value."""
        self._counts[bisect_left(self._bounds, value)] += 1
        self.count += 1
        self.total += value
        self.highest = max(self.highest, value)

    def merge(self, other: "Histogram") -> None:
        """Count all that ``other`` counted; its bounds must be the same."""
        if other._bounds != self._bounds:
            raise ValueError("histograms of different bounds cannot be merged")
        self._counts = [a + b for a, b in zip(self._counts, other._counts, strict=True)]
        self.count += other.count
        self.total += other.total
        self.highest = max(self.highest, other.highest)

    @property
    def mean(self) -> float | None:
        """Mean of the values, None without any."""
        return self.total / self.count if self.count else None

    def quantile(self, share: float) -> float | None:
        """Return a bound that ``share`` of the values do not exceed, None without any.

        Args:
            share: In [0, 1].
        """
        if not self.count:
            return None
        due = max(1, round(share * self.count))
        seen = 0
        for bound, count in zip([*self._bounds, self.highest], self._counts, strict=True):
            seen += count
            if seen >= due:
                return min(bound, self.highest)
        return self.highest
