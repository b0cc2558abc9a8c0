"""Which of several servers is tried first: priority, then chance by weight (RFC 2782)."""

from collections.abc import Callable, Iterable, Sequence
from itertools import groupby
from typing import NamedTuple

from engine.telephony.sip.destination import Destination


class Target(NamedTuple):
    """One server of a name.

    Attributes:
        priority: The lowest is tried first.
        weight: Share of the tries among servers of equal priority.
        destinations: Its addresses.
    """

    priority: int
    weight: int
    destinations: tuple[Destination, ...]


def group(targets: Iterable[Target]) -> tuple[tuple[Target, ...], ...]:
    """Return servers by priority, the first to be tried first."""
    ordered = sorted(targets, key=lambda each: each.priority)
    return tuple(tuple(same) for _, same in groupby(ordered, key=lambda each: each.priority))


def choose_order(
    groups: Iterable[Sequence[Target]], draw: Callable[[], float]
) -> tuple[Destination, ...]:
    """Return where to try, in order.

    Args:
        groups: Servers by priority.
        draw: Random number in [0, 1).
    """
    return tuple(
        destination
        for same in groups
        for target in _shuffle(same, draw)
        for destination in target.destinations
    )


def _shuffle(same: Sequence[Target], draw: Callable[[], float]) -> Sequence[Target]:
    """Order servers of equal priority; those without weight come after all that have one."""
    left = list(same)
    ordered = []
    while len(left) > 1:
        chosen = _pick(left, draw())
        ordered.append(chosen)
        left.remove(chosen)
    return [*ordered, *left]


def _pick(left: Sequence[Target], drawn: float) -> Target:
    total = sum(each.weight for each in left)
    if not total:
        return left[int(drawn * len(left))]
    mark = drawn * total
    for each in left:
        mark -= each.weight
        if mark < 0:
            return each
    return max(left, key=lambda each: each.weight)  # rounding alone leads here
