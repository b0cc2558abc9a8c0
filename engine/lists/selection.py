"""Which records of a list a campaign may attempt now, without ever looking at the others."""

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from engine.domain.dispositions import NOT_PLACED
from engine.domain.e164 import E164
from engine.domain.specs import CampaignSpec, NumberChoice
from engine.lists.asking import (
    ATTEMPT_CAP,
    DAY_CAP,
    DNC,
    RESTING,
    Claims,
    Hours,
    Pick,
)
from engine.lists.buckets import REGULAR, Bucket
from engine.lists.columns import MOST_NUMBERS, ListColumns
from engine.lists.shelves import NEVER_S, Rows, Shelves
from engine.lists.standing import (
    DONE,
    IN_PROGRESS,
    PHASE_CODES,
    READY,
    STOPPED_NUMBER,
    WAITING,
)
from engine.ports import RecordState

RECHECK_S = 5.0
"""How long a record waits whose number is under another attempt. [s]"""
ADMIT_AT_ONCE = 16_384
"""Records that join their buckets in one go; about 6 ms. [records]"""
UNKNOWN_PLACE = -1
"""Which number of a record is under an attempt that began in an earlier life."""
Places = NDArray[np.int64]
_NONE = tuple(bytes(size) for size in range(MOST_NUMBERS + 1))


class Selection(Shelves):
    """One campaign's turn at one list: records are handed out, and come back changed.

    Attributes:
        admitted: Records that have joined so far; the list may be longer for a moment.
        untouched: Records never attempted and not under an attempt.
        in_progress: Place of the number under attempt in the list's numbers, by row.
        done: Final records by code of their disposition.
        claims: Numbers under attempt anywhere in the engine.
    """

    __slots__ = (
        "_last_done",
        "_series",
        "admitted",
        "claims",
        "done",
        "in_progress",
        "untouched",
    )

    def __init__(
        self, columns: ListColumns, spec: CampaignSpec, hours: Hours, claims: Claims
    ) -> None:
        """Take the list, the campaign and whom to ask; records join by ``admit``."""
        super().__init__(columns, spec, hours)
        self.admitted = 0
        self.untouched = 0
        self.in_progress: dict[int, int] = {}
        self.done: dict[int, int] = {}
        self._last_done: dict[int, list[int]] = {}
        self.claims = claims
        self._series: dict[int, int] = {}
        """Place of the number that a record's running series of quick retries is on."""

    # --- records join ----------------------------------------------------------------------

    def restore(self, states: Iterable[RecordState]) -> None:
        """Take over where records stood in an earlier life, before any of them is admitted."""
        self._grow()
        standing = self.standing
        for state in states:
            row = state.row
            if row >= self.columns.count:
                continue
            standing.move(row, _PHASE_OF[state.phase])
            standing.attempts[row] = min(state.attempts, STOPPED_NUMBER)
            standing.retries[row] = min(state.retries, STOPPED_NUMBER)
            standing.next_s[row] = state.next_s
            standing.day[row] = max(state.day, 0)
            standing.day_attempts[row] = min(state.day_attempts, STOPPED_NUMBER)
            slug = "" if state.disposition == NOT_PLACED.slug else state.disposition
            standing.disposition[row] = standing.dispositions.code(slug)
            begin, end = self._numbers_of(row)
            counts = state.number_attempts[: end - begin]
            standing.number_attempts[begin : begin + len(counts)] = np.frombuffer(counts, np.uint8)
            if state.retries and state.retry_index >= 0:
                self._series[row] = min(begin + state.retry_index, end - 1)

    def admit(self, now_s: float, limit: int = ADMIT_AT_ONCE) -> bool:
        """Let records of the list join their buckets; return whether there are more to come."""
        self._grow()
        begin, end = self.admitted, min(self.columns.count, self.admitted + limit)
        if begin == end:
            return False
        standing = self.standing
        here = slice(begin, end)
        never = (standing.attempts[here] | standing.retries[here] | standing.disposition[here]) == 0
        ready = standing.phase[here] == READY
        fresh = never & ready & ~self.columns.priority[here]
        self.untouched += int((never & ready).sum())
        self.admitted = end
        self._admit_fresh(np.flatnonzero(fresh).astype(np.uint32) + np.uint32(begin), now_s)
        for row in (np.flatnonzero(~fresh) + begin).tolist():
            self._admit_one(row, now_s)
        return end < self.columns.count

    def _admit_fresh(self, rows: Rows, now_s: float) -> None:
        """Add untouched rows, in list order, to the buckets of their zones and phone types."""
        if not len(rows):
            return
        columns = self.columns
        kinds = columns.zones[rows].astype(np.uint64) << np.uint64(16) | columns.shape[rows]
        met, inverse, counts = np.unique(kinds, return_inverse=True, return_counts=True)
        parts = np.split(rows[np.argsort(inverse, kind="stable")], np.cumsum(counts)[:-1])
        for kind, part in zip(met.tolist(), parts, strict=True):
            bucket = self._bucket(kind >> 16, columns.shapes.values[kind & 0xFFFF], now_s)
            before = bucket.heads[REGULAR]
            bucket.extend(part)
            self.callable_now += len(part) * bucket.open
            self.standing.bucket[part] = bucket.index
            if bucket.open and bucket.heads[REGULAR] != before:
                self._offer(bucket, REGULAR)

    def _admit_one(self, row: int, now_s: float) -> None:
        match int(self.standing.phase[row]):
            case 0:  # READY
                self._requeue(row, now_s)
            case 1:  # IN_PROGRESS
                self.in_progress[row] = UNKNOWN_PLACE
            case 2:  # WAITING
                self._calendar.add(row, float(self.standing.next_s[row]))
            case _:
                self._note_done(row, 1)

    # --- picking ---------------------------------------------------------------------------

    def pick(self, count: int, now_s: float) -> list[Pick]:
        """Hand out up to ``count`` records that may be attempted at this very instant.

        Fewer come back when there are no more, or when so many in a row turned out not to be
        callable that looking on would take long; asking again goes on from there.

        Args:
            count: How many. [records]
            now_s: Now. [s since the epoch]
        """
        self.advance(now_s)
        picks: list[Pick] = []
        looked_at = 0
        while len(picks) < count and looked_at < 4 * count + 256:
            rows, found = self._next_rows(count - len(picks), now_s)
            if not rows:
                break
            looked_at += len(rows)
            picks += self._judge(rows, found, now_s)
        return picks

    def _judge(self, rows: list[int], found: list[int], now_s: float) -> list[Pick]:
        """Turn rows into picks, and set aside those that something keeps from being dialed.

        Args:
            rows: Rows taken out of buckets.
            found: Index of the bucket of each.
            now_s: Now. [s since the epoch]
        """
        if len(set(rows)) != len(rows):
            rows, found = self._without_doubles(rows, found)
        spec, standing, columns = self.spec, self.standing, self.columns
        at = np.array(rows, np.uint32)
        begins = columns.first[at]
        first_counts = standing.number_attempts[begins]
        fit = (standing.phase[at] == READY) & (standing.parked[at] == 0)
        fit &= standing.bucket[at] == found
        fit &= standing.attempts[at] < spec.max_attempts_per_record
        if spec.max_attempts_per_day:
            fit &= standing.day_attempts[at] < spec.max_attempts_per_day
        # Most rows take their first number, and are judged without a loop.
        first_choice = spec.number_choice is NumberChoice.FIRST
        cap = spec.max_attempts_per_number if first_choice else 1
        open_types = self._open_types.used[found] >> columns.number_types[begins]
        plain = fit & (open_types & 1 == 1) & (first_counts < cap) & (standing.retries[at] == 0)
        places = begins.astype(np.int64)
        if not plain.all():
            for item in np.flatnonzero(~plain).tolist():
                bucket = self.buckets[found[item]]
                places[item] = self._look_closer(rows[item], bucket, bool(fit[item]), now_s)
            chosen = places >= 0
            at, places = at[chosen], places[chosen]
        return self._claim(at, places, now_s)

    def _without_doubles(self, rows: list[int], found: list[int]) -> tuple[list[int], list[int]]:
        """Keep each row once, where it belongs."""
        at = np.array(rows, np.uint32)
        belongs = self.standing.bucket[at] == found
        kept = {row: item for item, row in enumerate(rows) if belongs[item]}
        for item, row in enumerate(rows):
            if kept.get(row) != item:
                self._resize(self.buckets[found[item]], 1)  # left behind, and so never counted
        return list(kept), [found[item] for item in kept.values()]

    def _look_closer(self, row: int, bucket: Bucket, fit: bool, now_s: float) -> int:
        """Return the place of the number to try on a row, -1 if it was set aside."""
        if not fit and not self._still_fit(row, bucket, now_s):
            return -1
        if self.standing.retries[row] and row in self._series:
            return self._retry(row, bucket, now_s)
        begin, end = self._numbers_of(row)
        place = self._choose(begin, end - begin, bucket, ())
        if place < 0:
            self._set_aside(row, [], now_s)
        return place

    def _retry(self, row: int, bucket: Bucket, now_s: float) -> int:
        """Return the number of the running series: a quick retry is on no other; -1: it is over."""
        begin, end = self._numbers_of(row)
        place = self._series[row]
        others = [other for other in range(begin, end) if other != place]
        if self._choose(begin, end - begin, bucket, others) == place:
            return place
        self._end_series(row)
        self._requeue(row, now_s)
        return -1

    def _end_series(self, row: int) -> None:
        """Count the attempt that a series of quick retries was, now that its number is left."""
        place = self._series.pop(row)
        self.standing.count_attempt(row, place, int(self.standing.day[row]))
        self.standing.retries[row] = 0

    def _claim(self, at: Rows, places: Places, now_s: float) -> list[Pick]:
        """Claim the numbers chosen, all at once; refused ones look for another number."""
        numbers = self.columns.numbers[places].tolist()
        refusals = self.claims.claim(numbers, self.spec.min_gap_s, now_s)
        if any(refusals):
            for item, refusal in enumerate(refusals):
                if refusal:
                    place = int(places[item])
                    places[item] = self._another(int(at[item]), place, refusal, now_s)
            chosen = places >= 0
            at, places = at[chosen], places[chosen]
        return self._hand_out(at, places, now_s)

    def _hand_out(self, at: Rows, places: Places, now_s: float) -> list[Pick]:
        """Make picks of rows whose numbers are claimed; they are in progress from here on."""
        standing, columns = self.standing, self.columns
        attempts, retries = standing.attempts[at], standing.retries[at]
        never = (attempts | retries | standing.disposition[at]) == 0
        fresh = int(np.count_nonzero(never))
        self.untouched -= fresh
        standing.phase[at] = IN_PROGRESS
        standing.tally[READY] -= len(at)
        standing.tally[IN_PROGRESS] += len(at)
        begins, ends = columns.first[at], columns.first[at + 1]
        rows, chosen = at.tolist(), places.tolist()
        self.in_progress.update(zip(rows, chosen, strict=True))
        buckets, names = self.buckets, columns.types.values
        kept = [buckets[index] for index in standing.bucket[at].tolist()]
        days = self._days_of(kept, standing.day[at].tolist(), now_s)
        return [
            Pick(
                row,
                index,
                number,
                phone_type,
                bucket.zones,
                bucket.closes_s[phone_type],
                made,
                counts,
                tries,
                day,
            )
            for row, index, number, phone_type, bucket, made, counts, tries, day in zip(
                rows,
                (places - begins).tolist(),
                [E164(f"+{digits}") for digits in columns.numbers[places].tolist()],
                [names[code] for code in columns.number_types[places].tolist()],
                kept,
                attempts.tolist(),
                self._counts_of(begins, ends, fresh=len(at) == fresh),
                retries.tolist(),
                days,
                strict=True,
            )
        ]

    def _counts_of(self, begins: Rows, ends: Rows, *, fresh: bool) -> list[bytes]:
        """Return the attempts by number of each record; none when all are fresh."""
        if fresh:
            return [_NONE[size] for size in (ends - begins).tolist()]
        counts = self.standing.number_attempts
        pairs = zip(begins.tolist(), ends.tolist(), strict=True)
        return [counts[begin:end].tobytes() for begin, end in pairs]

    def _days_of(self, buckets: list[Bucket], last: list[int], now_s: float) -> list[int]:
        """Return the day to count each attempt on: the last one, until it is over everywhere."""
        minute = int(now_s // 60)
        days = []
        for bucket, day in zip(buckets, last, strict=True):
            if bucket.days_minute != minute:
                bucket.days = self.hours.days(bucket.zones, now_s)
                bucket.days_minute = minute
            days.append(day if day >= bucket.days[0] else bucket.days[1])
        return days

    def _still_fit(self, row: int, bucket: Bucket, now_s: float) -> bool:
        """Look closer at a row that the columns say is not fit; park it if that is so."""
        standing = self.standing
        here = standing.bucket[row] == bucket.index
        if standing.phase[row] != READY or standing.parked[row] or not here:
            self._resize(bucket, 1)  # left behind when the row went elsewhere: never counted
            return False
        if standing.attempts[row] >= self.spec.max_attempts_per_record:
            self._park(row, ATTEMPT_CAP, NEVER_S)
            return False
        if not self.day_spent(row, bucket.zones, now_s):
            return True
        until_s = self.hours.day_ends_s(bucket.zones, int(standing.day[row]))
        self._park(row, DAY_CAP, max(until_s, now_s + 1.0))
        return False

    def _choose(self, begin: int, size: int, bucket: Bucket, failed: Iterable[int]) -> int:
        """Return the place of the number to try: open now, under its cap; -1 if there is none."""
        cap = self.spec.max_attempts_per_number
        names, types = self.columns.types.values, self.columns.number_types
        counts = self.standing.number_attempts
        live = [
            place
            for place in range(begin, begin + size)
            if counts[place] < cap
            and place not in failed
            and names[types[place]] in bucket.closes_s
        ]
        if not live:
            return -1
        if self.spec.number_choice is NumberChoice.FIRST:
            return live[0]
        return min(live, key=lambda place: int(counts[place]))

    def _another(self, row: int, place: int, refusal: str, now_s: float) -> int:
        """Claim another number of a record whose first choice is on do-not-call; -1: none.

        A number that is in use or rests is worth waiting for: the person is being called, or has
        just been.
        """
        if refusal == DNC and self.standing.retries[row] and row in self._series:
            self._end_series(row)
            self._requeue(row, now_s)
            return -1
        bucket = self.buckets[self.standing.bucket[row]]
        begin, end = self._numbers_of(row)
        failed: list[int] = []
        while refusal == DNC:
            failed.append(place)
            place = self._choose(begin, end - begin, bucket, failed)
            if place < 0:
                self._set_aside(row, failed, now_s)
                return -1
            number = int(self.columns.numbers[place])
            refusal = self.claims.claim([number], self.spec.min_gap_s, now_s)[0]
        if not refusal:
            return place
        free_s = now_s + RECHECK_S
        if refusal == RESTING:
            number = int(self.columns.numbers[place])
            free_s = max(self.claims.free_from_s(number, self.spec.min_gap_s), now_s)
        self._park(row, refusal, free_s)
        return -1

    def _set_aside(self, row: int, failed: list[int], now_s: float) -> None:
        """Put a record where its other numbers' hours are waited for, or park it."""
        rest = self._live_types(row, failed)
        if rest:
            self._push(row, self._bucket(int(self.columns.zones[row]), rest, now_s))
        else:
            self._park(row, DNC if failed else ATTEMPT_CAP, NEVER_S)

    # --- records come back -----------------------------------------------------------------

    def release(self, row: int, now_s: float) -> bool:
        """Take a record back untouched; return whether it was handed out."""
        if row not in self.in_progress:
            return False
        place = self.in_progress.pop(row)
        if place != UNKNOWN_PLACE:
            self.claims.release(int(self.columns.numbers[place]), now_s, dialed=False)
        self.standing.move(row, READY)
        self.untouched += self.standing.untouched(row)
        self._requeue(row, now_s)
        return True

    def close(
        self,
        row: int,
        number_index: int,
        phase: int,
        next_s: float,
        *,
        counted: bool,
        retries: int,
        stop_number: bool,
        disposition: str,
        day: int,
        dialed: bool,
        now_s: float,
    ) -> None:
        """Note the end of an attempt and what became of its record.

        Args:
            row: The record.
            number_index: Which number was tried.
            phase: Code of ``standing``: ready, waiting or done.
            next_s: For waiting: not before. [s since the epoch]
            counted: Whether the attempt counts against the caps.
            retries: Quick retries in the running series.
            stop_number: Whether the number is not to be tried again.
            disposition: Slug; empty: as before.
            day: Local day of the attempt; below 0: the one noted when it was intended.
            dialed: Whether the number was called, and so rests.
            now_s: Now. [s since the epoch]
        """
        standing = self.standing
        begin, end = self._numbers_of(row)
        place = min(begin + number_index, end - 1)
        held = self.in_progress.pop(row, place)
        if held not in (place, UNKNOWN_PLACE):
            self.claims.release(int(self.columns.numbers[held]), now_s, dialed=False)
        self.claims.release(int(self.columns.numbers[place]), now_s, dialed=dialed)
        self._leave(row, phase)
        if counted:
            standing.count_attempt(row, place, day if day >= 0 else int(standing.day[row]))
        if stop_number:
            standing.number_attempts[place] = STOPPED_NUMBER
        standing.retries[row] = min(retries, STOPPED_NUMBER)
        if retries:
            self._series[row] = place
        else:
            self._series.pop(row, None)
        if disposition:
            standing.disposition[row] = standing.dispositions.code(disposition)
        standing.next_s[row] = next_s if phase == WAITING else 0.0
        self._arrive(row, phase, now_s)

    def change(self, row: int, phase: int, next_s: float, now_s: float) -> None:
        """Put a record elsewhere without an attempt; counts stay."""
        self._leave(row, phase)
        self.standing.next_s[row] = next_s if phase == WAITING else 0.0
        self._arrive(row, phase, now_s)

    def _leave(self, row: int, phase: int) -> None:
        """Take a record out of wherever it is, into a phase."""
        standing = self.standing
        was_untouched = standing.untouched(row)
        before = standing.move(row, phase)
        if before == READY:
            self.untouched -= was_untouched
            if standing.parked[row]:
                self._unpark(row)
            else:
                self._resize(self.buckets[standing.bucket[row]], -1)
        elif before == DONE:
            self._note_done(row, -1)

    def _arrive(self, row: int, phase: int, now_s: float) -> None:
        if phase == READY:
            self.untouched += self.standing.untouched(row)
            self._requeue(row, now_s)
        elif phase == WAITING:
            self._calendar.add(row, float(self.standing.next_s[row]))
        elif phase == DONE:
            self._note_done(row, 1)

    def repick(self, row: int, number_index: int, now_s: float) -> Pick | None:
        """Swap the number of a record handed out for another of its numbers, if lawful now.

        Returns:
            The new pick; None if the number may not be called now: the record went back.
        """
        if self.in_progress.get(row, UNKNOWN_PLACE) == UNKNOWN_PLACE:
            return None
        begin, end = self._numbers_of(row)
        self.release(row, now_s)
        self._leave(row, READY)
        place = begin + number_index
        if self.standing.retries[row] and self._series.get(row, place) != place:
            self._end_series(row)
        bucket = self._bucket(int(self.columns.zones[row]), self._live_types(row, ()), now_s)
        self._refresh(bucket, now_s)
        others = [other for other in range(begin, end) if other != place]
        fit = (
            self._choose(begin, end - begin, bucket, others) == place
            and self.standing.attempts[row] < self.spec.max_attempts_per_record
            and not self.day_spent(row, bucket.zones, now_s)
        )
        number = int(self.columns.numbers[place]) if fit else 0
        if not fit or self.claims.claim([number], self.spec.min_gap_s, now_s)[0]:
            self._arrive(row, READY, now_s)
            return None
        self.untouched += self.standing.untouched(row)
        self.standing.bucket[row] = bucket.index
        return self._hand_out(np.array([row], np.uint32), np.array([place]), now_s)[0]

    def day_spent(self, row: int, zones: tuple[str, ...], now_s: float) -> bool:
        """Say whether a record has had all its attempts of the local calendar day (T5)."""
        cap = self.spec.max_attempts_per_day
        if not cap or self.standing.day_attempts[row] < cap:
            return False
        return int(self.standing.day[row]) >= self.hours.days(zones, now_s)[0]

    def _note_done(self, row: int, change: int) -> None:
        code = int(self.standing.disposition[row])
        self.done[code] = self.done.get(code, 0) + change
        recent = self._last_done.setdefault(code, [])
        if change > 0:
            recent.append(row)
            del recent[:-3]
        elif row in recent:
            recent.remove(row)

    def recently_done(self, code: int) -> Sequence[int]:
        """Return a few rows that became final with a disposition, by its code."""
        return self._last_done.get(code, ())


_PHASE_OF = {phase.value: code for phase, code in PHASE_CODES.items()}
