"""Timers of SIP: their values (RFC 3261 table 4), and a queue that hands out what is due.

The values are few, so each has its own first-in-first-out line, which time keeps sorted: starting
and stopping cost a constant, however many calls are up. A heap was the slower half of a call.
"""

from collections import deque
from heapq import heapify, heappop, heappush
from math import inf
from typing import Final, Protocol

T1_S: Final = 0.5
"""Round-trip time estimate. [s]"""
T2_S: Final = 4.0
"""Longest interval between retransmissions of a non-INVITE request or a 2xx. [s]"""
T4_S: Final = 5.0
"""Longest time a message stays in the network. [s]"""
GIVE_UP_S: Final = 64 * T1_S
"""Timers B, D, F, H, J, L and M, and the wait of RFC 3261 §9.1 after CANCEL. [s]"""

_SWEEP_AT: Final = 1000
"""Timers on the heap before it is looked through for stopped ones. [timers]"""
_LINED_UP = (0.5, 1.0, 2.0, 4.0, 5.0, 8.0, 16.0, 32.0)


class Timed(Protocol):
    """Whoever owns a timer."""

    def on_timer(self, name: str, now_s: float, /) -> None:
        """Act on a timer of one's own that is due."""
        ...


class Timer:
    """A started timer; stopping it is forgetting its owner."""

    __slots__ = ("deadline_s", "name", "owner")

    def __init__(self, deadline_s: float, owner: Timed, name: str) -> None:
        self.deadline_s = deadline_s
        self.owner: Timed | None = owner
        self.name = name

    def stop(self) -> None:
        """Make sure that the timer never fires."""
        self.owner = None

    def __lt__(self, other: "Timer") -> bool:
        return self.deadline_s < other.deadline_s


class TimerQueue:
    """All timers of one user agent."""

    __slots__ = ("_earliest_s", "_heap", "_last_s", "_lines", "_sweep_at")

    def __init__(self) -> None:
        self._lines: dict[float, deque[Timer]] = {value: deque() for value in _LINED_UP}
        self._heap: list[Timer] = []
        self._sweep_at = _SWEEP_AT
        self._earliest_s = inf
        self._last_s = -inf

    def start(self, wait_s: float, now_s: float, owner: Timed, name: str) -> Timer:
        """Start a timer.

        Args:
            wait_s: Time until it is due. [s]
            now_s: Now; a value before an earlier one counts as that one. [s]
            owner: Whose ``on_timer`` is called.
            name: What is given to it.
        """
        if now_s < self._last_s:
            now_s = self._last_s
        self._last_s = now_s
        timer = Timer(now_s + wait_s, owner, name)
        line = self._lines.get(wait_s)
        if line is not None:
            line.append(timer)
        else:
            self._push(timer)
        if timer.deadline_s < self._earliest_s:
            self._earliest_s = timer.deadline_s
        return timer

    def _push(self, timer: Timer) -> None:
        """Put a timer on the heap; once that has doubled, those stopped are swept out.

        Calls end long before their session timers would fire; what they leave must not pile up.
        """
        heap = self._heap
        if len(heap) >= self._sweep_at:
            heap[:] = [each for each in heap if each.owner is not None]
            heapify(heap)
            self._sweep_at = max(_SWEEP_AT, 2 * len(heap))
        heappush(heap, timer)

    def next_deadline(self) -> float:
        """Return when ``advance`` is worth calling next; never too late, maybe too early. [s]"""
        return self._earliest_s

    def advance(self, now_s: float) -> None:
        """Fire every timer that is due, in order of deadlines."""
        if now_s < self._earliest_s:
            return
        while True:
            timer = self._pop_due(now_s)
            if timer is None:
                return
            owner = timer.owner
            if owner is not None:
                timer.owner = None
                owner.on_timer(timer.name, now_s)

    def __len__(self) -> int:
        """Return how many timers wait, stopped ones included until their time has come."""
        return len(self._heap) + sum(len(line) for line in self._lines.values())

    def _pop_due(self, now_s: float) -> Timer | None:
        """Take out the earliest timer if it is due; stopped ones at the heads are dropped."""
        earliest_s = inf
        chosen: deque[Timer] | None = None
        for line in self._lines.values():
            while line and line[0].owner is None:
                line.popleft()
            if line and line[0].deadline_s < earliest_s:
                earliest_s = line[0].deadline_s
                chosen = line
        heap = self._heap
        while heap and heap[0].owner is None:
            heappop(heap)
        from_heap = bool(heap) and heap[0].deadline_s < earliest_s
        if from_heap:
            earliest_s = heap[0].deadline_s
        self._earliest_s = earliest_s
        if earliest_s > now_s:
            return None
        if from_heap:
            return heappop(heap)
        return chosen.popleft() if chosen else None
