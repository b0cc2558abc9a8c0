"""What each rule window still allows to go unattended, and the risk a call may carry for it.

A regulator caps unattended calls over answered ones in a window: a day, 24 hours, 30 days. The
budget of a window is cap x answered - unattended; the tightest window counts. The risk allowed is
its price: it rises while budget is left and falls fast when it runs out.

Where a rule counts false machine verdicts, persons whom analysis cut off are in both numbers.
Nobody knows them, so they are estimated: if analysis takes a share f of persons for machines,
f / (1 - f) were cut off for each person it passed on. Ofcom's formula is (A + FP) / (A + FP + L)
(Persistent Misuse, 2016, annex).
"""

import io
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from engine.pacing.grid import Bools, Floats, Ints, add_at

BUCKETS = 48
_RESERVE_SPREADS = 3.5
_GAIN_MOST = 0.2
_SETTLE_S = 600.0
_RATE_HALF_LIFE_S = 1800.0
_LOG_TAU_LEAST, _LOG_TAU_MOST = math.log(0.002), math.log(0.7)
_LOG_REF_LEAST, _LOG_REF_MOST = math.log(0.01), math.log(0.6)
_SWING_MOST = math.log(4.0)
_SWING_LEAST = -math.log(60.0)
_FALL = 3.0
_KNEE = 0.0
_DRIFT_MOST = 0.02
_FIRST_TAU = 0.024
_COUNTS = ("_answered", "_unattended", "_passed")


@dataclass(frozen=True, slots=True)
class Window:
    """One period over which a rule counts.

    Attributes:
        name: The period in the rule's words, such as ``rolling-24h``.
        length_s: Length if it rolls; None if it is of the calendar and restarted by the caller. [s]
    """

    name: str
    length_s: float | None = None


DAY = Window("calendar-day")
ROLLING_24H = Window("rolling-24h", 86400.0)
ROLLING_30D = Window("rolling-30d", 30 * 86400.0)


@dataclass(frozen=True, slots=True)
class Prices:
    """What calls of C campaigns may risk now.

    Attributes:
        tau: Highest risk of a call, shape (C,), in [0, 1].
        budget: Unattended calls left in the tightest window, shape (C,); may be negative. [calls]
        spent: No call may start without an agent reserved for it, shape (C,).
    """

    tau: Floats
    budget: Floats
    spent: Bools


class Budgets:
    """Answered and unattended calls of C campaigns in W rule windows, and the price they set.

    Rolling windows are kept in buckets. A bucket that is partly out of the window is counted with
    whichever of the two, in or out, leaves less: the true window can only be kinder.
    """

    def __init__(self, campaigns: int, windows: Sequence[Window], *, cap: float = 0.03) -> None:
        """Start with nothing counted.

        Args:
            campaigns: How many rows, C.
            windows: The kinds of windows, W.
            cap: Highest lawful unattended ratio in each, until ``set_caps``, in (0, 1).
        """
        shape = (campaigns, len(windows))
        self._windows = tuple(windows)
        self.caps: Floats = np.full(shape, cap)
        self._cut_off = np.zeros(shape)
        self._answered = np.zeros((*shape, BUCKETS + 1))
        self._unattended = np.zeros((*shape, BUCKETS + 1))
        self._passed = np.zeros((*shape, BUCKETS + 1))
        self._answered_sum, self._unattended_sum, self._passed_sum = np.zeros((3, *shape))
        self._steps = np.zeros(len(windows), dtype=np.int64)
        self._log_ref = np.full(campaigns, math.log(_FIRST_TAU))
        self._rate = np.zeros(campaigns)
        self._fresh = np.zeros(campaigns)
        self._priced_s = math.nan

    def grown(self, campaigns: int, *, cap: float = 0.03) -> "Budgets":
        """Make room for more campaigns.

        Args:
            campaigns: How many rows there are to be, at least as many as now.
            cap: Highest lawful unattended ratio of the new ones, until ``set_caps``.

        Returns:
            Budgets whose first rows are as these, in the place of these.
        """
        before, wider = len(self.caps), Budgets(campaigns, self._windows, cap=cap)
        for name in ("caps", "_cut_off", *_COUNTS, "_log_ref", "_rate", "_fresh"):
            getattr(wider, name)[:before] = getattr(self, name)
        wider._steps, wider._priced_s = self._steps.copy(), self._priced_s
        wider._sum_up()
        return wider

    def set_caps(self, row: int, caps: Sequence[float]) -> None:
        """Set the rules of one campaign, at any time.

        Args:
            row: Campaign.
            caps: Cap of each window, in (0, 1); NaN where no rule has that window.
        """
        self.caps[row] = caps

    def set_false_machines(self, row: int, ratios: Sequence[float]) -> None:
        """Say which windows of a campaign count persons whom analysis took for machines.

        The estimate holds for all that a window has counted: a better one mends the past too.

        Args:
            row: Campaign.
            ratios: Share of persons taken for machines, for each window, in [0, 1); 0 where its
                rule does not count them.
        """
        shares = np.asarray(ratios)
        self._cut_off[row] = shares / (1.0 - shares)

    def count(
        self,
        rows: Ints | int,
        now_s: float,
        *,
        answered: Ints | int = 0,
        unattended: Ints | int = 0,
        passed: Ints | int = 0,
    ) -> None:
        """Count calls as the rule counts them.

        Args:
            rows: Campaigns, scalar or shape (M,).
            now_s: Engine time. [s]
            answered: Answers that count in the rule's base, scalar or shape (M,). [calls]
            unattended: Unattended ones, likewise. [calls]
            passed: Those of the answered that analysis passed on as persons, likewise. [calls]
        """
        self._turn(now_s)
        told = (answered, unattended, passed)
        for window, step in enumerate(self._steps):
            at = (rows, window, int(step) % (BUCKETS + 1))
            for (counts, sums), calls in zip(self._counts(), told, strict=True):
                add_at(counts, at, calls)
                add_at(sums, (rows, window), calls)
        add_at(self._fresh, (rows,), answered)

    def recall(
        self, row: int, at_s: float, *, unattended: bool, today: bool, passed: bool = False
    ) -> None:
        """Count a call of the past, once, in the windows that it is still in.

        Args:
            row: Campaign.
            at_s: When it was. [s]
            unattended: Whether it went unattended; else it was answered.
            today: Whether windows of the calendar have it.
            passed: Whether analysis passed it on as a person.
        """
        by_answer, by_loss, by_pass = self._counts()
        parts = [by_loss] if unattended else [by_answer, by_pass] if passed else [by_answer]
        self._turn(at_s)
        for window, kind in enumerate(self._windows):
            step = int(self._steps[window])
            if kind.length_s is None:
                within = today
            else:
                past, step = step, int(at_s / kind.length_s * BUCKETS)
                within = past - step <= BUCKETS
            for counts, sums in parts if within else ():
                counts[row, window, step % (BUCKETS + 1)] += 1.0
                sums[row, window] += 1.0

    def restart(self, rows: Ints | int, window: int) -> None:
        """Begin a calendar window anew, as its boundary passes in the campaign's zone.

        Args:
            rows: Campaigns.
            window: Index of the window.
        """
        for counts, sums in self._counts():
            counts[rows, window] = sums[rows, window] = 0.0

    def clear(self, row: int) -> None:
        """Forget a campaign whose row is given to another.

        Args:
            row: Campaign.
        """
        for counts, sums in self._counts():
            counts[row] = sums[row] = 0.0
        self._log_ref[row] = math.log(_FIRST_TAU)
        self._rate[row] = self._fresh[row] = 0.0

    def counts(self) -> tuple[Floats, Floats]:
        """Give what each window holds.

        Returns:
            Answered and unattended as its rule counts them, with the estimate of persons whom
            analysis cut off where it counts those, each of shape (C, W). [calls]
        """
        cut_off = self._cut_off * self._passed_sum
        return self._answered_sum + cut_off, self._unattended_sum + cut_off

    def prices(
        self, now_s: float, pending: Floats | float = 0.0, active: Bools | bool = True
    ) -> Prices:
        """Set the price of a call, once a tick.

        Args:
            now_s: Engine time. [s]
            pending: Unattended calls to be feared from what is in flight, shape (C,). [calls]
            active: Campaigns that dial ahead of agents; the others learn no price, shape (C,).

        Returns:
            Prices of C campaigns.
        """
        self._turn(now_s)
        budget, earned, cap = self._tightest()
        fresh = self._note_rate(now_s)
        gain = np.minimum(_GAIN_MOST, 1.0 / np.maximum(self._rate * cap * _SETTLE_S, 1e-9))
        reserve = np.minimum(_RESERVE_SPREADS / np.sqrt(2.0 * gain), np.maximum(1.0, earned / 2.0))
        over = budget - reserve
        low = np.minimum(over + _KNEE * reserve, 0.0)
        swing = np.clip(gain * (over + (_FALL - 1.0) * low), _SWING_LEAST, _SWING_MOST)
        drift = gain * gain * cap / 4.0 * np.clip(over, -reserve, reserve) * fresh
        drift = np.clip(drift, -_DRIFT_MOST, _DRIFT_MOST)
        moved = np.clip(self._log_ref + drift, _LOG_REF_LEAST, _LOG_REF_MOST)
        spent = ~(budget >= 1.0 + pending)
        # While the budget is spent nothing is learned of the price, but that it was too high.
        learns = np.asarray(active) & (~spent | (moved < self._log_ref))
        self._log_ref = np.where(learns & (earned >= 1.0), moved, self._log_ref)
        tau = np.exp(np.clip(self._log_ref + swing, _LOG_TAU_LEAST, _LOG_TAU_MOST))
        return Prices(tau=tau, budget=budget, spent=spent)

    def to_bytes(self) -> bytes:
        """Pack the whole for the store.

        Returns:
            An npz archive.
        """
        packed = io.BytesIO()
        np.savez(
            packed, caps=self.caps, cut_off=self._cut_off, answered=self._answered,
            unattended=self._unattended, passed=self._passed, steps=self._steps,
            log_ref=self._log_ref, rate=self._rate, fresh=self._fresh,
            priced_s=np.array(self._priced_s),
        )  # fmt: skip
        return packed.getvalue()

    @classmethod
    def from_bytes(cls, packed: bytes, windows: Sequence[Window]) -> "Budgets":
        """Take up what ``to_bytes`` packed.

        Args:
            packed: An npz archive.
            windows: The same windows.

        Returns:
            Budgets that go on as the packed ones would have.
        """
        with np.load(io.BytesIO(packed), allow_pickle=False) as parts:
            budgets = cls(len(parts["caps"]), windows)
            budgets.caps = parts["caps"]
            budgets._answered, budgets._unattended = parts["answered"], parts["unattended"]
            if "passed" in parts:  # kept since rules may count false machine verdicts
                budgets._passed, budgets._cut_off = parts["passed"], parts["cut_off"]
            budgets._steps, budgets._log_ref = parts["steps"], parts["log_ref"]
            budgets._rate, budgets._fresh = parts["rate"], parts["fresh"]
            budgets._priced_s = float(parts["priced_s"])
        budgets._sum_up()
        return budgets

    def _turn(self, now_s: float) -> None:
        """Move rolling windows on to the bucket of this instant, emptying those that fell out."""
        turned = False
        for window, kind in enumerate(self._windows):
            if kind.length_s is None:
                continue
            step = int(now_s / kind.length_s * BUCKETS)
            passed = min(step - int(self._steps[window]), BUCKETS + 1)
            if passed > 0:
                gone = np.arange(step - passed + 1, step + 1) % (BUCKETS + 1)
                for counts, _ in self._counts():
                    counts[:, window, gone] = 0.0
                self._steps[window] = step
                turned = True
        if turned:
            self._sum_up()

    def _counts(self) -> tuple[tuple[Floats, Floats], ...]:
        """Give what is counted: answered, unattended, passed; by bucket and summed."""
        return (
            (self._answered, self._answered_sum),
            (self._unattended, self._unattended_sum),
            (self._passed, self._passed_sum),
        )

    def _sum_up(self) -> None:
        for counts, sums in self._counts():
            np.sum(counts, axis=2, out=sums)

    def _tightest(self) -> tuple[Floats, Floats, Floats]:
        """Find the window that leaves least: what it leaves, what its answers earned, its cap.

        A person whom analysis is thought to have cut off costs a call and earns as much as any
        answer. What that leaves of the cap is for calls without an agent, and is their cap.
        """
        oldest = (self._steps + 1) % (BUCKETS + 1)
        windows = np.arange(len(oldest))
        price = (1.0 - self.caps) * self._cut_off  # of each person passed on
        earned = self.caps * self._answered_sum - price * self._passed_sum
        old_earned = self.caps * self._answered[:, windows, oldest]
        old_earned = old_earned - price * self._passed[:, windows, oldest]
        whole = earned - self._unattended_sum
        left = np.minimum(whole, whole - old_earned + self._unattended[:, windows, oldest])
        left = np.where(np.isnan(self.caps), np.inf, left)
        rows, least = np.arange(len(left)), left.argmin(axis=1)
        ruled = np.isfinite(left[rows, least])
        cap = np.where(ruled, self.caps[rows, least], 0.0)
        answered = self._answered_sum[rows, least]
        earned = np.where(ruled, np.maximum(earned[rows, least], 0.0), 0.0)
        cap = np.where(price[rows, least] > 0.0, earned / np.maximum(answered, 1.0), cap)
        return np.where(ruled, left[rows, least], -np.inf), earned, cap

    def _note_rate(self, now_s: float) -> Floats:
        """Follow the rate of answers, and give those that are new since the last tick."""
        fresh = self._fresh
        self._fresh = np.zeros_like(fresh)
        if now_s > self._priced_s:
            keep = 0.5 ** ((now_s - self._priced_s) / _RATE_HALF_LIFE_S)
            passed = now_s - self._priced_s
            self._rate = self._rate * keep + (1.0 - keep) * fresh / passed
        self._priced_s = now_s
        return fresh
