"""The virtual scheduler: a heap of timers that jumps from one to the next, replaying exactly."""

import heapq
from collections import deque
from collections.abc import Callable


class DeadlockError(Exception):
    """The run waits for something that nothing will bring about."""


class _Timer:
    __slots__ = ("function",)

    def __init__(self, function: Callable[[], None]) -> None:
        self.function: Callable[[], None] | None = function

    def cancel(self) -> None:
        self.function = None


class VirtualScheduler:
    """Jumps through time; what is due at one instant runs in the order it was asked for.

    Args:
        start_s: The first instant. [s since the Unix epoch]
    """

    __slots__ = ("_count", "_heap", "_now_s", "_soon")

    def __init__(self, start_s: float = 0.0) -> None:
        self._now_s = start_s
        self._count = 0
        self._soon: deque[Callable[[], None]] = deque()
        self._heap: list[tuple[float, int, _Timer]] = []

    def now_s(self) -> float:
        """Return the virtual instant. [s since the Unix epoch]"""
        return self._now_s

    def call_soon(self, function: Callable[[], None]) -> None:
        """Call after what runs now, at this very instant."""
        self._soon.append(function)

    def call_later(self, delay_s: float, function: Callable[[], None]) -> _Timer:
        """Call after a delay. [s]"""
        timer = _Timer(function)
        self._count += 1
        heapq.heappush(self._heap, (self._now_s + max(delay_s, 0.0), self._count, timer))
        return timer

    def run_until(self, until_s: float) -> None:
        """Run everything due up to and at an instant, and stand there. [s since the epoch]"""
        soon, heap = self._soon, self._heap
        while True:
            while soon:
                soon.popleft()()
            if not heap or heap[0][0] > until_s:
                break
            self._now_s, _, timer = heapq.heappop(heap)
            if timer.function is not None:
                timer.function()
        self._now_s = max(self._now_s, until_s)

    def run_for(self, duration_s: float) -> None:
        """Run for a duration. [s]"""
        self.run_until(self._now_s + duration_s)

    def run_while(self, condition: Callable[[], bool], limit_s: float = 3600.0) -> None:
        """Run until the condition is false.

        Raises:
            DeadlockError: Nothing is left to run, or the limit passed, and it still holds.
        """
        until_s = self._now_s + limit_s
        while condition():
            if self._soon:
                self._soon.popleft()()
            elif self._heap and self._heap[0][0] <= until_s:
                self._now_s, _, timer = heapq.heappop(self._heap)
                if timer.function is not None:
                    timer.function()
            else:
                raise DeadlockError(f"nothing left to run at {self._now_s}")
