"""What a campaign could dial of a list now, and why not the rest; the same for one record."""

from collections.abc import Iterator
from dataclasses import dataclass

from engine.domain.e164 import E164
from engine.domain.facts import RecordPhase
from engine.lists.asking import ATTEMPT_CAP, DAY_CAP, PARKED
from engine.lists.buckets import Bucket
from engine.lists.columns import ListColumns
from engine.lists.selection import Selection
from engine.lists.standing import DONE, IN_PROGRESS, PHASES, STOPPED_NUMBER, WAITING

OUTSIDE_HOURS = "outside-hours"
UNKNOWN_ZONE = "unknown-zone"
STOPPED = "number-stopped"
LOADING = "loading"
_SAMPLES = 3
_NEVER_S = float("inf")


@dataclass(frozen=True, slots=True)
class Shortage:
    """Records that are not callable now for one reason.

    Attributes:
        reason: Slug.
        detail: Zones and phone types, or disposition; may be empty.
        count: Records.
        rows: A few of them.
        next_s: When the first may become callable, 0: unknown. [s since the epoch]
    """

    reason: str
    detail: str
    count: int
    rows: tuple[int, ...] = ()
    next_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Supply:
    """What a list has for a campaign. [records]

    Attributes:
        total: All.
        untouched: Never attempted, nor under an attempt.
        callable_now: May be attempted at this instant.
        waiting: Wait for a set time.
        in_progress: Under an attempt or preview.
        done: Final.
        shortages: Why the others are not callable now.
    """

    total: int
    untouched: int
    callable_now: int
    waiting: int
    in_progress: int
    done: int
    shortages: tuple[Shortage, ...]


@dataclass(frozen=True, slots=True)
class NumberAnswer:
    """Whether one number of a record may be called now, why not, and when next (0: unknown)."""

    number: E164
    phone_type: str
    attempts: int
    stopped: bool
    callable_now: bool
    reason: str
    next_s: float


@dataclass(frozen=True, slots=True)
class RecordAnswer:
    """Whether a record may be called now in a campaign.

    Attributes:
        phase: Where it stands.
        attempts: Counted attempts.
        disposition: Slug of the last disposition, or empty.
        next_s: For waiting: not before, else 0. [s since the epoch]
        zones: Where the person may be.
        numbers: Its numbers.
        callable_now: Whether any may be called now.
        reason: If not, why.
        next_callable_s: When it may be next, 0: never or unknown. [s since the epoch]
    """

    phase: RecordPhase
    attempts: int
    disposition: str
    next_s: float
    zones: tuple[str, ...]
    numbers: tuple[NumberAnswer, ...]
    callable_now: bool
    reason: str
    next_callable_s: float


def survey(selection: Selection, now_s: float) -> Supply:
    """Count a list by reason, in one step per bucket and reason, never per record."""
    selection.advance(now_s)
    tally = selection.standing.tally
    return Supply(
        total=selection.columns.count,
        untouched=selection.untouched,
        callable_now=selection.callable_now,
        waiting=tally[WAITING],
        in_progress=tally[IN_PROGRESS],
        done=tally[DONE],
        shortages=tuple(_shortages(selection)),
    )


def _shortages(selection: Selection) -> Iterator[Shortage]:
    yield from _closed(selection.buckets)
    for reason, rows in zip(PARKED, selection.parked, strict=True):
        if rows:
            some = tuple(row for row, _ in zip(rows, range(_SAMPLES), strict=False))
            first_s = float(min(selection.standing.next_s[row] for row in some))
            yield Shortage(reason, "", len(rows), some, first_s if first_s < _NEVER_S else 0.0)
    waiting = selection.standing.tally[WAITING]
    if waiting:
        some = tuple(selection.waiting_sample(_SAMPLES))
        first_s = min((float(selection.standing.next_s[row]) for row in some), default=0.0)
        yield Shortage("waiting", "", waiting, some, first_s)
    for code, count in selection.done.items():
        if count:
            slug = selection.standing.dispositions.values[code]
            yield Shortage("done", slug, count, tuple(selection.recently_done(code)))
    if selection.admitted < selection.columns.count:
        yield Shortage(LOADING, "", selection.columns.count - selection.admitted)


def _closed(buckets: list[Bucket]) -> Iterator[Shortage]:
    for bucket in buckets:
        if bucket.size and not bucket.open:
            types = "/".join(bucket.types)
            reason = OUTSIDE_HOURS if bucket.zones else UNKNOWN_ZONE
            detail = f"{_place(bucket.zones)} {types}".strip()
            next_s = bucket.changes_s if bucket.zones else 0.0
            yield Shortage(reason, detail, bucket.size, tuple(bucket.sample(_SAMPLES)), next_s)


def _place(zones: tuple[str, ...]) -> str:
    if len(zones) <= 3:
        return "+".join(zones)
    return f"{zones[0]} and {len(zones) - 1} more"


def explain(selection: Selection, row: int, now_s: float) -> RecordAnswer:
    """Say whether a record may be called now, if not why, and when next."""
    standing, columns = selection.standing, selection.columns
    zones = columns.zone_sets.values[columns.zones[row]]
    begin, end = int(columns.first[row]), int(columns.first[row + 1])
    numbers = tuple(_number(selection, place, zones, now_s) for place in range(begin, end))
    phase = int(standing.phase[row])
    own, own_next_s = _own_reason(selection, row, zones, now_s)
    open_now = not own and any(number.callable_now for number in numbers)
    reason = own or ("" if open_now else _first_reason(numbers))
    next_s = own_next_s if own else _first_time(numbers)
    return RecordAnswer(
        phase=PHASES[phase],
        attempts=int(standing.attempts[row]),
        disposition=standing.dispositions.values[standing.disposition[row]],
        next_s=float(standing.next_s[row]) if phase == WAITING else 0.0,
        zones=zones,
        numbers=numbers,
        callable_now=open_now,
        reason=reason,
        next_callable_s=now_s if open_now else next_s,
    )


def base_data(columns: ListColumns, row: int) -> tuple[tuple[str, ...], tuple[NumberAnswer, ...]]:
    """Return a record's zones and numbers, outside of any campaign."""
    numbers = tuple(
        NumberAnswer(
            number=E164(f"+{int(columns.numbers[place])}"),
            phone_type=columns.types.values[columns.number_types[place]],
            attempts=0,
            stopped=False,
            callable_now=False,
            reason="",
            next_s=0.0,
        )
        for place in range(int(columns.first[row]), int(columns.first[row + 1]))
    )
    return columns.zone_sets.values[columns.zones[row]], numbers


def _own_reason(
    selection: Selection, row: int, zones: tuple[str, ...], now_s: float
) -> tuple[str, float]:
    """Return what keeps the record as a whole from being called, and until when."""
    standing = selection.standing
    match int(standing.phase[row]):
        case 3:  # DONE
            return "done", 0.0
        case 1:  # IN_PROGRESS
            return "in-progress", 0.0
        case 2:  # WAITING
            due_s = max(float(standing.next_s[row]), now_s)
            return "waiting", _opens_s(selection, row, zones, due_s)
    if standing.attempts[row] >= selection.spec.max_attempts_per_record:
        return ATTEMPT_CAP, 0.0
    if selection.day_spent(row, zones, now_s):
        until_s = selection.hours.day_ends_s(zones, int(standing.day[row]))
        return DAY_CAP, _opens_s(selection, row, zones, until_s)
    return "", 0.0


def _opens_s(selection: Selection, row: int, zones: tuple[str, ...], from_s: float) -> float:
    """Return when, from an instant on, any number of a record may first be called; 0: unknown."""
    if not zones:
        return 0.0
    columns = selection.columns
    kinds = set(columns.number_types[columns.first[row] : columns.first[row + 1]].tolist())
    answers = [selection.hours.opening(columns.types.values[kind], zones, from_s) for kind in kinds]
    if any(answer.open for answer in answers):
        return from_s
    return min(answer.changes_s for answer in answers)


def _number(selection: Selection, place: int, zones: tuple[str, ...], now_s: float) -> NumberAnswer:
    columns, spec = selection.columns, selection.spec
    number = int(columns.numbers[place])
    phone_type = columns.types.values[columns.number_types[place]]
    made = int(selection.standing.number_attempts[place])
    opening = selection.hours.opening(phone_type, zones, now_s)
    refusal = selection.claims.refusal(number, spec.min_gap_s, now_s)
    reason, next_s = "", now_s
    if made == STOPPED_NUMBER:
        reason, next_s = STOPPED, 0.0
    elif made >= spec.max_attempts_per_number:
        reason, next_s = ATTEMPT_CAP, 0.0
    elif refusal:
        reason, next_s = refusal, selection.claims.free_from_s(number, spec.min_gap_s)
    elif not zones:
        reason, next_s = UNKNOWN_ZONE, 0.0
    elif not opening.open:
        reason, next_s = OUTSIDE_HOURS, opening.changes_s
    return NumberAnswer(
        number=E164(f"+{number}"),
        phone_type=phone_type,
        attempts=0 if made == STOPPED_NUMBER else made,
        stopped=made == STOPPED_NUMBER,
        callable_now=not reason,
        reason=reason,
        next_s=next_s,
    )


def _first_reason(numbers: tuple[NumberAnswer, ...]) -> str:
    """Return the reason that ends first, else the first number's."""
    return min(numbers, key=lambda number: number.next_s or _NEVER_S).reason


def _first_time(numbers: tuple[NumberAnswer, ...]) -> float:
    return min((number.next_s for number in numbers if number.next_s), default=0.0)
