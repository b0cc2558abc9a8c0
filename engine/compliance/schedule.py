"""A campaign's automatic start and stop: edges in the contact centre's zone, never a level."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from zoneinfo import ZoneInfo

from engine.compliance.hours import DAY_S, local_day, offset_s, weekday
from engine.domain.refusals import InvalidHoursError
from engine.domain.specs import RunWindow

_REACH_S = 2 * DAY_S


@dataclass(frozen=True, slots=True)
class Edge:
    """The campaign starts or stops by itself.

    Attributes:
        at_s: When. [s since the epoch]
        start: Whether it starts.
    """

    at_s: float
    start: bool


def check_windows(windows: Sequence[RunWindow]) -> None:
    """Refuse windows that mean nothing.

    Raises:
        InvalidHoursError: A window is wrong; the text says which and why.
    """
    for place, window in enumerate(windows, 1):
        if not (0 <= window.starts_s < DAY_S and 0 <= window.stops_s < DAY_S):
            raise InvalidHoursError(
                f"schedule window {place}: starts_s {window.starts_s} and stops_s "
                f"{window.stops_s} must be in 0 to 86399"
            )
        if not window.days or not set(window.days) <= set(range(7)):
            raise InvalidHoursError(
                f"schedule window {place}: days {window.days} are not weekdays 0 (Monday) to 6"
            )


def edges_between(
    windows: Sequence[RunWindow], zone: str, after_s: float, until_s: float
) -> list[Edge]:
    """Return the edges with ``after_s < at_s <= until_s``, in order.

    A local time that a clock change skips happens at the first instant after the gap; one that
    happens twice is meant the first time. Edges of one instant keep the order of their local
    times, a stop before a start of the same one.

    Args:
        windows: The schedule.
        zone: The contact centre's IANA zone.
        after_s: Edges up to here are done. [s since the epoch]
        until_s: Last instant looked at. [s since the epoch]
    """
    if not windows or until_s <= after_s:
        return []
    days = range(local_day(zone, after_s) - 2, local_day(zone, until_s) + 2)
    planned = chain.from_iterable(_of_day(windows, day) for day in days)
    found = [
        Edge(at_s, start)
        for local_s, start in sorted(set(planned))
        if after_s < (at_s := first_instant(zone, local_s)) <= until_s
    ]
    return sorted(found, key=lambda edge: edge.at_s)


def next_edge(windows: Sequence[RunWindow], zone: str, after_s: float) -> Edge | None:
    """Return the first edge after an instant; None if the schedule has none."""
    for week in range(3):
        begin_s = after_s + week * 7 * DAY_S
        found = edges_between(windows, zone, begin_s, begin_s + 7 * DAY_S)
        if found:
            return found[0]
    return None


def _of_day(windows: Sequence[RunWindow], day: int) -> list[tuple[int, bool]]:
    """Return the edges of windows that start on a local day: local seconds, and whether start."""
    edges: list[tuple[int, bool]] = []
    for window in windows:
        if weekday(day) in window.days:
            stop_day = day if window.stops_s > window.starts_s else day + 1
            edges.append((day * DAY_S + window.starts_s, True))
            edges.append((stop_day * DAY_S + window.stops_s, False))
    return edges


def first_instant(zone: str, local_s: int) -> float:
    """Return the first instant at which a zone's clocks show a local time or a later one.

    Args:
        zone: IANA name.
        local_s: Local time. [s since 1 January 1970, local midnight]
    """
    place = ZoneInfo(zone)
    early_s, late_s = local_s - _REACH_S, local_s + _REACH_S
    candidates = sorted({local_s - offset_s(place, early_s), local_s - offset_s(place, late_s)})
    for at_s in candidates:
        if at_s + offset_s(place, at_s) == local_s:
            return float(at_s)
    while late_s - early_s > 1:  # skipped by a clock change: the first second past the gap
        middle_s = (early_s + late_s) // 2
        if middle_s + offset_s(place, middle_s) >= local_s:
            late_s = middle_s
        else:
            early_s = middle_s
    return float(late_s)
