"""The parts that counters are made of: sums of a campaign or list, sets of rows, recent windows."""

from collections import Counter
from dataclasses import dataclass, field

from engine.metrics.gauges import Row

HOUR_S = 3_600


class RowSet:
    """A set of rows, one bit each, so that a day's distinct records cost little memory."""

    __slots__ = ("_bits", "count")

    def __init__(self) -> None:
        self._bits = bytearray()
        self.count = 0

    def add(self, row: int) -> bool:
        """Add a row and say whether it is new."""
        octet, bit = row >> 3, 1 << (row & 7)
        if octet >= len(self._bits):
            self._bits.extend(bytes(octet + 1 + (octet >> 2) - len(self._bits)))
        if self._bits[octet] & bit:
            return False
        self._bits[octet] |= bit
        self.count += 1
        return True


class Recent:
    """A count over a sliding window, kept in bins.

    Args:
        bin_s: Length of a bin. [s]
        bins: Bins in the window, the one under way included.
    """

    __slots__ = ("_bin_s", "_bins", "_counts")

    def __init__(self, bin_s: int, bins: int) -> None:
        self._bin_s = bin_s
        self._bins = bins
        self._counts: dict[int, int] = {}

    @property
    def length_s(self) -> int:
        """Length of the window. [s]"""
        return self._bin_s * self._bins

    def add(self, at_s: float) -> None:
        """Count one event."""
        number = int(at_s // self._bin_s)
        if number not in self._counts and len(self._counts) >= self._bins:
            self._forget(number)
        self._counts[number] = self._counts.get(number, 0) + 1

    def total(self, now_s: float) -> int:
        """Return the events in the window that ends now; a pure question."""
        last = int(now_s // self._bin_s)
        first = last - self._bins + 1
        return sum(count for number, count in self._counts.items() if first <= number <= last)

    def _forget(self, newest: int) -> None:
        for number in [n for n in self._counts if n <= newest - self._bins]:
            del self._counts[number]


@dataclass(slots=True)
class Distinct:
    """Distinct records of one list in one campaign, since the reset."""

    dialed: RowSet = field(default_factory=RowSet)
    queued: RowSet = field(default_factory=RowSet)
    handled: RowSet = field(default_factory=RowSet)
    completed: RowSet = field(default_factory=RowSet)
    success: RowSet = field(default_factory=RowSet)
    excluded: RowSet = field(default_factory=RowSet)
    right_party: RowSet = field(default_factory=RowSet)


@dataclass(slots=True)
class Tally:
    """Sums of a campaign, or of a list in it, since the reset; names are catalogue ids."""

    calls_attempted: int = 0
    call_retries: int = 0
    calls_answered: int = 0
    calls_live_answered: int = 0
    calls_queued: int = 0
    calls_handled: int = 0
    calls_abandoned: int = 0
    calls_dropped: int = 0
    calls_unattended: int = 0
    calls_passed: int = 0
    calls_ivr: int = 0
    calls_rpc: int = 0
    disp_abandoned_cpa: int = 0
    records_dialed: int = 0
    records_queued: int = 0
    records_handled: int = 0
    records_completed: int = 0
    records_success: int = 0
    records_excluded: int = 0
    records_rpc: int = 0
    preview_items: int = 0
    preview_time: float = 0.0
    answer_time: float = 0.0
    talk_time: float = 0.0
    hold_time: float = 0.0
    acw_time: float = 0.0
    ivr_time: float = 0.0
    idle_time: float = 0.0
    idle_spans: int = 0
    dispositions: Counter[str] = field(default_factory=Counter)


@dataclass(slots=True)
class Trends:
    """What of a campaign outlives the reset."""

    attempts: Recent = field(default_factory=lambda: Recent(5, 12))
    completions: Recent = field(default_factory=lambda: Recent(60, 15))
    answered: Recent = field(default_factory=lambda: Recent(HOUR_S, 30 * 24))
    unattended: Recent = field(default_factory=lambda: Recent(HOUR_S, 30 * 24))
    passed: Recent = field(default_factory=lambda: Recent(HOUR_S, 30 * 24))


def put_share(row: Row, name: str, part: float, whole: float) -> None:
    """Put a percentage into a row; of nothing there is none."""
    if whole > 0:
        row[name] = 100.0 * part / whole


def put_mean(row: Row, name: str, total: float, count: int) -> None:
    """Put a mean into a row; of nothing there is none."""
    if count > 0:
        row[name] = total / count
