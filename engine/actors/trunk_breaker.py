"""A trunk's breaker: counts what the carrier fails, rests, and lets probes through (D9)."""

from collections import deque

import numpy as np

from engine.actors.messages import ChannelFreed
from engine.machines.breaker import (
    BREAKER,
    BreakerPhase,
    Probed,
    Proved,
    Rested,
    Tripped,
)

WINDOW = 20
"""Calls that are looked at."""
MOST_FAILED = 10
"""Failed ones among them that open the breaker."""
MOST_IN_A_ROW = 5
"""Failed ones in a row that open it."""
PROBE_S = 10.0
"""Least time between two probes. [s]"""
MAX_RETRY_AFTER_S = 3600.0
"""A Retry-After beyond this is taken for a mistake. [s]"""
_JITTER = 0.1
_EARLY_S = 1e-3
"""Timers of the real loop may fire a hair early. [s]"""


class Breaker:
    """Says how many calls may leave on a trunk whose carrier fails, or asks for a pause.

    Args:
        random: Of the jitter between probes.
    """

    __slots__ = ("_failed", "_in_a_row", "_phase", "_probes", "_random", "_rest_s", "_shut_s",
                 "_tripped_s")  # fmt: skip

    def __init__(self, random: np.random.Generator) -> None:
        self._random = random
        self._phase = BREAKER.initial
        self._failed: deque[bool] = deque(maxlen=WINDOW)
        self._in_a_row = 0
        self._probes = 0
        self._tripped_s = 0.0
        self._rest_s = 0.0
        self._shut_s = 0.0

    @property
    def open(self) -> bool:
        """Whether anything but trust rules: rest, probation, or a pause the carrier asked for."""
        return self._phase is not BREAKER.initial or self._shut_s > 0.0

    @property
    def allowance(self) -> int:
        """Calls that may leave while it is open. [calls]"""
        return int(self._phase is BreakerPhase.PROBING and not self._shut_s)

    @property
    def reason(self) -> str:
        """Why the trunk takes no calls, or empty."""
        if self._shut_s:
            return "retry-after"
        return "failing" if self._phase is not BREAKER.initial else ""

    def freed(self, leg: ChannelFreed, now_s: float) -> float | None:
        """Count a leg that is over; returns when to come back, if at all. [s]"""
        if leg.failed:
            return self._count_failure(leg, now_s)
        self._failed.append(False)
        self._in_a_row = 0
        # Calls that were up before the trip say nothing of the carrier as it is now.
        probe = leg.launched_s >= self._tripped_s if leg.launched_s else self._probes > 0
        if probe and self._phase is not BREAKER.initial:
            self._phase = BREAKER.step(self._phase, Proved)
            self._forget()
        return None

    def _count_failure(self, leg: ChannelFreed, now_s: float) -> float | None:
        self._failed.append(True)
        self._in_a_row += 1
        bad = sum(self._failed) >= MOST_FAILED or self._in_a_row >= MOST_IN_A_ROW
        if bad and BREAKER.may(self._phase, Tripped):
            self._phase = BREAKER.step(self._phase, Tripped)
            self._forget()
            self._tripped_s = now_s
            self._rest(now_s)
        if leg.sip_status == 503 and leg.retry_after_s > 0:  # RFC 3261 §21.5.4
            pause_s = min(leg.retry_after_s, MAX_RETRY_AFTER_S)
            self._shut_s = max(self._shut_s, now_s + pause_s)
        return self._next_s(now_s)

    def probed(self, now_s: float) -> float | None:
        """Note that the probe left; returns when to come back. [s]"""
        self._phase = BREAKER.step(self._phase, Probed)
        self._probes += 1
        self._rest(now_s)
        return self._next_s(now_s)

    def due(self, now_s: float) -> float | None:
        """Note that time has passed; returns when to come back, if at all. [s]"""
        if now_s >= self._shut_s - _EARLY_S:
            self._shut_s = 0.0
        if self._phase is BreakerPhase.RESTING and now_s >= self._rest_s - _EARLY_S:
            self._phase = BREAKER.step(self._phase, Rested)
        return self._next_s(now_s)

    def _next_s(self, now_s: float) -> float | None:
        resting = self._phase is BreakerPhase.RESTING
        moments = [self._shut_s] * bool(self._shut_s) + [self._rest_s] * resting
        return max(0.0, min(moments) - now_s) if moments else None

    def _rest(self, now_s: float) -> None:
        self._rest_s = now_s + PROBE_S * (1.0 + _JITTER * float(self._random.random()))

    def _forget(self) -> None:
        self._failed.clear()
        self._in_a_row = self._probes = 0
