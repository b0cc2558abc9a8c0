"""Calling hours: when a phone may be called, judged at every place its owner may be in.

A permission is only ever derived from an instant by asking each zone for its offset at that
instant; local times are never turned into instants, so clock changes need no special case.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import pairwise
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from engine.domain.refusals import InvalidHoursError
from engine.domain.specs import HoursRow

DAY_S = 86_400
HORIZON_DAYS = 9
"""How far ahead openings are looked for; weekly hours repeat within it."""
_PROBE_S = 10_800
_ZERO = timedelta()
_DAY_NAMES = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")

Span = tuple[int, int]
"""Start and excluded end. [s since the epoch]"""


@dataclass(frozen=True, slots=True)
class Opening:
    """Whether a call may start, and when that changes.

    Attributes:
        open: Whether it may start now.
        changes_s: First instant at which the answer is another (or must be asked again, if it
            does not change within the horizon). [s since the epoch]
    """

    open: bool
    changes_s: float


def check_hours(rows: Sequence[HoursRow]) -> None:
    """Refuse rows that mean nothing: hours end after they begin, on one day, on real weekdays.

    Raises:
        InvalidHoursError: A row is wrong; the text says which and why.
    """
    for place, row in enumerate(rows, 1):
        if not 0 <= row.opens_s < row.closes_s <= DAY_S:
            raise InvalidHoursError(
                f"calling hours row {place}: opens_s {row.opens_s} and closes_s {row.closes_s} "
                "must satisfy 0 <= opens_s < closes_s <= 86400; hours over midnight are two rows"
            )
        if not row.days or not set(row.days) <= set(range(7)):
            raise InvalidHoursError(
                f"calling hours row {place}: days {row.days} are not weekdays 0 (Monday) to 6"
            )


def allowed(
    rows: Sequence[HoursRow],
    phone_type: str,
    zones: Sequence[str],
    now_s: float,
    guard_s: float = 0.0,
) -> bool:
    """Say whether a call may start (47 CFR 64.1200(c)(1); ends are excluded).

    Args:
        rows: Calling hours.
        phone_type: Of the number.
        zones: Every zone the called party may be in; none means unknown, and so no.
        now_s: The instant. [s since the epoch]
        guard_s: No call starts within this time of the end. [s]
    """
    return opening(rows, phone_type, zones, now_s, guard_s).open


def next_change(
    rows: Sequence[HoursRow],
    phone_type: str,
    zones: Sequence[str],
    now_s: float,
    guard_s: float = 0.0,
) -> float:
    """Return the first instant after ``now_s`` at which ``allowed`` answers differently.

    Returns:
        That instant, or the end of the horizon when nothing changes before. [s since the epoch]
    """
    return opening(rows, phone_type, zones, now_s, guard_s).changes_s


def opening(
    rows: Sequence[HoursRow],
    phone_type: str,
    zones: Sequence[str],
    now_s: float,
    guard_s: float = 0.0,
) -> Opening:
    """Return whether a call may start now and when that changes; arguments as ``allowed``."""
    first_day = math.floor(now_s / DAY_S) - 1
    horizon_s = float((first_day + HORIZON_DAYS) * DAY_S)
    spans: list[Span] | None = None
    for zone in zones:
        of_zone = _zone_spans(tuple(rows), phone_type, zone, first_day)
        spans = of_zone if spans is None else _intersection(spans, of_zone)
    for start_s, end_s in spans or ():
        if now_s < start_s and start_s < end_s - guard_s:
            return Opening(False, float(start_s))
        if start_s <= now_s < end_s - guard_s:
            return Opening(True, end_s - guard_s)
    return Opening(False, horizon_s)


@lru_cache(maxsize=16_384)
def _zone_spans(
    rows: tuple[HoursRow, ...], phone_type: str, zone: str, first_day: int
) -> list[Span]:
    """Return, in order and merged, when the rows allow calls in one zone over the horizon."""
    fitting = [row for row in rows if not row.phone_types or phone_type in row.phone_types]
    spans: list[Span] = []
    for start_s, end_s, offset_s in offsets(zone, first_day):
        for day in range((start_s + offset_s) // DAY_S, (end_s + offset_s) // DAY_S + 1):
            midnight_s = day * DAY_S - offset_s
            spans += (
                (
                    max(start_s, midnight_s + row.opens_s),
                    min(end_s, midnight_s + row.closes_s),
                )
                for row in fitting
                if weekday(day) in row.days
            )
    return _merged(span for span in spans if span[0] < span[1])


@lru_cache(maxsize=4_096)
def offsets(zone: str, first_day: int) -> list[tuple[int, int, int]]:
    """Return the pieces of the horizon over which a zone's offset from UTC is constant.

    Args:
        zone: IANA name.
        first_day: First day of the horizon, in UTC. [days since the epoch]

    Returns:
        Start, excluded end [s since the epoch] and offset east of Greenwich [s] of each piece;
        none for a zone that the data does not know, which so never allows anything (D7).
    """
    try:
        place = ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError):
        return []
    start_s, until_s = first_day * DAY_S, (first_day + HORIZON_DAYS) * DAY_S
    edges = [start_s]
    for left_s, right_s in pairwise(range(start_s, until_s + 1, _PROBE_S)):
        if offset_s(place, left_s) != offset_s(place, right_s):
            edges.append(_change_between(place, left_s, right_s))
    edges.append(until_s)
    return [(a, b, offset_s(place, a)) for a, b in pairwise(edges) if a < b]


def _change_between(place: ZoneInfo, left_s: int, right_s: int) -> int:
    """Return the first second of the new offset, by halving."""
    before = offset_s(place, left_s)
    while right_s - left_s > 1:
        middle_s = (left_s + right_s) // 2
        if offset_s(place, middle_s) == before:
            left_s = middle_s
        else:
            right_s = middle_s
    return right_s


def offset_s(place: ZoneInfo, at_s: float) -> int:
    """Return a zone's offset east of Greenwich at an instant. [s]"""
    local = datetime.fromtimestamp(at_s, UTC).astimezone(place)
    return int((local.utcoffset() or _ZERO).total_seconds())


def local_day(zone: str, at_s: float) -> int:
    """Return the local calendar day at an instant. [days since 1 January 1970]"""
    return math.floor((at_s + offset_s(ZoneInfo(zone), at_s)) / DAY_S)


def _day_end(zone: str, day: int) -> float:
    """Return the first instant at which a zone's calendar is past a day."""
    for start_s, until_s, shift_s in offsets(zone, day - 2):
        begin_s = max(start_s, (day + 1) * DAY_S - shift_s)
        if begin_s < until_s:
            return float(begin_s)
    return float((day + 1) * DAY_S)


def weekday(day: int) -> int:
    """Return the weekday of a local calendar day, 0 is Monday."""
    return (day + 3) % 7  # 1 January 1970 was a Thursday


def _merged(spans: Iterator[Span]) -> list[Span]:
    merged: list[Span] = []
    for start_s, end_s in sorted(spans):
        if merged and start_s <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end_s))
        else:
            merged.append((start_s, end_s))
    return merged


def _intersection(left: list[Span], right: list[Span]) -> list[Span]:
    both: list[Span] = []
    i = j = 0
    while i < len(left) and j < len(right):
        start_s, end_s = max(left[i][0], right[j][0]), min(left[i][1], right[j][1])
        if start_s < end_s:
            both.append((start_s, end_s))
        if left[i][1] < right[j][1]:
            i += 1
        else:
            j += 1
    return both


class CallingHours:
    """A campaign's calling hours, with the answers that still hold kept at hand."""

    __slots__ = ("_days", "_described", "_guard_s", "_openings", "_rows", "_second", "_zone_data")

    def __init__(self, rows: Sequence[HoursRow], guard_s: float, zone_data: str = "") -> None:
        """Take the rows of a campaign.

        Args:
            rows: Calling hours; none: never.
            guard_s: No call starts within this time of the end. [s]
            zone_data: Version of the time-zone data, for verdicts.

        Raises:
            InvalidHoursError: A row is wrong.
        """
        check_hours(rows)
        self._rows = tuple(rows)
        self._guard_s = guard_s
        self._zone_data = zone_data
        self._openings: dict[tuple[str, tuple[str, ...]], tuple[float, Opening]] = {}
        self._days: dict[tuple[str, ...], tuple[int, tuple[int, int]]] = {}
        self._second = 0
        self._described: dict[tuple[str, tuple[str, ...]], str] = {}

    def opening(self, phone_type: str, zones: tuple[str, ...], now_s: float) -> Opening:
        """Return whether a call may start now and when that changes."""
        key = (phone_type, zones)
        kept = self._openings.get(key)
        if kept is not None and kept[0] <= now_s < kept[1].changes_s:
            return kept[1]
        fresh = opening(self._rows, phone_type, zones, now_s, self._guard_s)
        self._openings[key] = (now_s, fresh)
        return fresh

    def days(self, zones: tuple[str, ...], now_s: float) -> tuple[int, int]:
        """Return the first and the last local calendar day it may be at the called place.

        Both are kept for the rest of the minute: offsets are whole minutes since 1972.
        """
        minute = int(now_s // 60)
        kept = self._days.get(zones)
        if kept is not None and kept[0] == minute:
            return kept[1]
        utc_day = math.floor(now_s / DAY_S)
        each = [local_day(zone, now_s) for zone in zones if offsets(zone, utc_day)] or [utc_day]
        both = (min(each), max(each))
        self._days[zones] = (minute, both)
        return both

    def day_ends_s(self, zones: tuple[str, ...], day: int) -> float:
        """Return the first instant at which every place is past a local calendar day.

        A day skipped by a zone (Pacific/Apia, 30 December 2011) ends where the next one begins.
        """
        return max((_day_end(zone, day) for zone in zones), default=float((day + 1) * DAY_S))

    def describe(self, phone_type: str, zones: tuple[str, ...], now_s: float) -> str:
        """Return why a call may start now, zone by zone (A6); kept for the second."""
        second, key = int(now_s), (phone_type, zones)
        if second != self._second:
            self._second = second
            self._described.clear()
        text = self._described.get(key)
        if text is None:
            text = self._described[key] = self._describe(phone_type, zones, now_s)
        return text

    def _describe(self, phone_type: str, zones: tuple[str, ...], now_s: float) -> str:
        parts = [self._describe_zone(phone_type, zone, now_s) for zone in zones]
        data = f" (tzdata {self._zone_data})" if self._zone_data else ""
        return ("; ".join(parts) or "no zone known") + data

    def _describe_zone(self, phone_type: str, zone: str, now_s: float) -> str:
        local = datetime.fromtimestamp(now_s, UTC).astimezone(ZoneInfo(zone))
        second = local.hour * 3_600 + local.minute * 60 + local.second
        rows = (
            f"{_clock(row.opens_s)}-{_clock(row.closes_s)}"
            for row in self._rows
            if local.weekday() in row.days
            and row.opens_s <= second < row.closes_s
            and (not row.phone_types or phone_type in row.phone_types)
        )
        within = " ".join(rows) or "none"
        return f"{zone} {_DAY_NAMES[local.weekday()]} {local:%H:%M:%S} in {within}"


def _clock(second: int) -> str:
    return f"{second // 3_600:02d}:{second // 60 % 60:02d}"
