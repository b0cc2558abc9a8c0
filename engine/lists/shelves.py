"""Where ready records lie: buckets that open and close with the hours, and what waits beside them.

Ready records lie in buckets by zone set and phone types. Records that wait for a time lie in a
calendar; records that something else keeps from being dialed are parked until that may have
changed. Taking the next n merges the heads of the open buckets: O(n log buckets).
"""

from collections.abc import Iterable
from heapq import heapify, heappop, heappush, heapreplace

import numpy as np
from numpy.typing import NDArray

from engine.domain.specs import CampaignSpec
from engine.lists.asking import (
    ATTEMPT_CAP,
    DAY_CAP,
    DNC,
    PARKED,
    PARKED_CODES,
    RESTING,
    Hours,
)
from engine.lists.buckets import (
    CLASSES,
    PRIORITY,
    REGULAR,
    RESCHEDULED,
    ROW_BITS,
    ROW_MASK,
    Bucket,
)
from engine.lists.calendar import Calendar
from engine.lists.columns import Grown, ListColumns
from engine.lists.standing import READY, WAITING, Standing

NEVER_S = float("inf")
_DUE_AT_ONCE = 2_000
_BUCKET_BITS = 20
_BUCKET_MASK = (1 << _BUCKET_BITS) - 1

Rows = NDArray[np.uint32]


class Shelves:
    """The records of one list as one campaign may take them, in order.

    Attributes:
        columns: The list's records, shared by all campaigns.
        standing: Where they stand in this campaign.
        buckets: All buckets.
        parked: Rows set aside, by code of the reason.
        spec: The campaign.
        hours: Its calling hours.
        callable_now: Records in open buckets.
    """

    __slots__ = (
        "_by_kind",
        "_calendar",
        "_changes",
        "_heads",
        "_open_types",
        "buckets",
        "callable_now",
        "columns",
        "hours",
        "parked",
        "spec",
        "standing",
    )

    def __init__(self, columns: ListColumns, spec: CampaignSpec, hours: Hours) -> None:
        """Take the list, the campaign and its hours; nothing lies here yet."""
        self.columns = columns
        self.standing = Standing()
        self.buckets: list[Bucket] = []
        self.callable_now = 0
        self.parked: tuple[dict[int, None], ...] = tuple({} for _ in PARKED)
        self.spec = spec
        self.hours = hours
        self._by_kind: dict[tuple[int, tuple[int, ...]], Bucket] = {}
        self._heads: tuple[list[int], list[int], list[int]] = ([], [], [])
        self._changes: list[tuple[float, int]] = []
        self._calendar = Calendar()
        self._open_types = Grown(np.uint64)

    def _next_rows(self, count: int, now_s: float) -> tuple[list[int], list[int]]:
        """Take the next rows out of the open buckets, in the order of picking.

        Returns:
            The rows, and the index of the bucket of each.
        """
        rows: list[int] = []
        found: list[int] = []
        buckets = self.buckets
        for place in CLASSES:
            heads = self._heads[place]
            while heads and len(rows) < count:
                head = heads[0]
                bucket = buckets[head & _BUCKET_MASK]
                key = head >> _BUCKET_BITS
                if bucket.changes_s <= now_s:
                    self._refresh(bucket, now_s)
                elif not bucket.open or bucket.heads[place] != key:
                    heappop(heads)
                else:
                    rows.append(key & ROW_MASK)
                    found.append(bucket.index)
                    key = bucket.drop_head(place)
                    if key < 0:
                        heappop(heads)
                    else:
                        heapreplace(heads, key << _BUCKET_BITS | bucket.index)
        self.callable_now -= len(rows)
        return rows, found

    def _grow(self) -> None:
        missing = self.columns.count - len(self.standing.phase)
        if missing > 0:
            numbers = len(self.columns.numbers) - len(self.standing.number_attempts)
            self.standing.grow(missing, numbers)

    def advance(self, now_s: float) -> None:
        """Open and close buckets, and make ready whose time has come."""
        while self._changes and self._changes[0][0] <= now_s:
            bucket = self.buckets[heappop(self._changes)[1]]
            if bucket.changes_s <= now_s:
                self._refresh(bucket, now_s)
        standing = self.standing
        for _, row in self._calendar.pop_due(standing.next_s, now_s, _DUE_AT_ONCE):
            if standing.phase[row] == WAITING:
                standing.move(row, READY)
                self._requeue(row, now_s)
            elif standing.phase[row] == READY and standing.parked[row]:
                self._unpark(row)
                self._requeue(row, now_s)

    def waiting_sample(self, count: int) -> list[int]:
        """Return a few rows that wait for a time, the earliest among them."""
        rows = self._calendar.sample(4 * count)
        return [row for row in rows if self.standing.phase[row] == WAITING][:count]

    def next_change_s(self) -> float:
        """Return when ``advance`` next has something to do; infinity: never. [s since the epoch]"""
        change_s = self._changes[0][0] if self._changes else NEVER_S
        return min(change_s, self._calendar.next_due_s())

    def configure(self, spec: CampaignSpec, hours: Hours, now_s: float) -> None:
        """Take changed settings of the campaign: hours, caps, gap, choice of numbers."""
        self.spec = spec
        self.hours = hours
        for bucket in self.buckets:
            bucket.days_minute = -1
            self._refresh(bucket, now_s)
        for reason in (ATTEMPT_CAP, DAY_CAP, RESTING):
            self._recheck(reason, now_s)

    def recheck_dnc(self, now_s: float) -> None:
        """Look again at records kept back by do-not-call: a number may have left the list."""
        self._recheck(DNC, now_s)

    def _recheck(self, reason: str, now_s: float) -> None:
        for row in list(self.parked[PARKED_CODES[reason]]):
            self._unpark(row)
            self.standing.next_s[row] = 0.0
            self._requeue(row, now_s)

    def _refresh(self, bucket: Bucket, now_s: float) -> None:
        """Ask for a bucket's hours anew."""
        was_open = bucket.open
        self.callable_now -= bucket.size * was_open
        answers = {kind: self.hours.opening(kind, bucket.zones, now_s) for kind in bucket.types}
        bucket.closes_s = {kind: now.changes_s for kind, now in answers.items() if now.open}
        bucket.changes_s = min((now.changes_s for now in answers.values()), default=NEVER_S)
        bucket.open = bool(bucket.closes_s)
        self.callable_now += bucket.size * bucket.open
        codes = [self.columns.types.code(kind) for kind in bucket.closes_s]
        self._open_types.used[bucket.index] = sum(1 << code for code in codes if code < 64)
        heappush(self._changes, (bucket.changes_s, bucket.index))
        if len(self._changes) > 64 + 8 * len(self.buckets):
            self._changes = [(each.changes_s, each.index) for each in self.buckets]
            heapify(self._changes)
        if bucket.open and not was_open:
            for place in CLASSES:
                self._offer(bucket, place)

    # --- buckets ---------------------------------------------------------------------------

    def _bucket(self, zone_code: int, types: tuple[int, ...], now_s: float) -> Bucket:
        """Return the bucket of a zone set and phone types, a new one if there was none."""
        kind = (zone_code, tuple(sorted(set(types))))
        bucket = self._by_kind.get(kind)
        if bucket is None:
            names = tuple(self.columns.types.values[code] for code in kind[1])
            zones = self.columns.zone_sets.values[zone_code]
            bucket = self._by_kind[kind] = Bucket(len(self.buckets), zones, names)
            self.buckets.append(bucket)
            self._open_types.grow(1)
            self._refresh(bucket, now_s)
        return bucket

    def _requeue(self, row: int, now_s: float) -> None:
        """Put a ready record into the bucket of the numbers it has left, or park it."""
        types = self._live_types(row, ())
        if types:
            self._push(row, self._bucket(int(self.columns.zones[row]), types, now_s))
        else:
            self._park(row, ATTEMPT_CAP, NEVER_S)

    def _push(self, row: int, bucket: Bucket) -> None:
        standing = self.standing
        standing.bucket[row] = bucket.index
        due_s, made = float(standing.next_s[row]), int(standing.attempts[row])
        if self.columns.priority[row] and standing.untouched(row):
            place, rank = PRIORITY, 0
        elif due_s > 0:
            place, rank = RESCHEDULED, int(due_s)
        else:
            place, rank = REGULAR, made
        key = rank << ROW_BITS | row
        bucket.push(place, key)
        self.callable_now += bucket.open
        if bucket.open and bucket.heads[place] == key:
            self._offer(bucket, place)

    def _offer(self, bucket: Bucket, place: int) -> None:
        """Let a bucket's next record of a class take part in picking."""
        head = bucket.heads[place]
        if head >= 0:
            heappush(self._heads[place], head << _BUCKET_BITS | bucket.index)

    def _resize(self, bucket: Bucket, change: int) -> None:
        """Count records that are in a bucket, or no longer are, though no queue was touched."""
        bucket.left_behind -= change
        self.callable_now += change * bucket.open

    def _park(self, row: int, reason: str, until_s: float) -> None:
        code = PARKED_CODES[reason]
        self.standing.parked[row] = code
        self.parked[code][row] = None
        self.standing.next_s[row] = until_s
        if until_s < NEVER_S:
            self._calendar.add(row, until_s)

    def _unpark(self, row: int) -> None:
        del self.parked[int(self.standing.parked[row])][row]
        self.standing.parked[row] = 0

    def _live_types(self, row: int, failed: Iterable[int]) -> tuple[int, ...]:
        """Return the phone-type codes of numbers that may still be tried, in order."""
        begin, end = self._numbers_of(row)
        counts = self.standing.number_attempts[begin:end].tolist()
        cap = self.spec.max_attempts_per_number
        types: list[int] = self.columns.number_types[begin:end].tolist()
        return tuple(
            kind
            for place, (kind, count) in enumerate(zip(types, counts, strict=True), begin)
            if count < cap and place not in failed
        )

    def _numbers_of(self, row: int) -> tuple[int, int]:
        first = self.columns.first
        return int(first[row]), int(first[row + 1])
