"""A clock that a test winds, and a far end that keeps what it is sent."""

import heapq
import itertools
from collections.abc import Callable

from clients.demo import sip


class Handle:
    def __init__(self, action: Callable[[], None]) -> None:
        self.action: Callable[[], None] | None = action

    def cancel(self) -> None:
        self.action = None


class Clock:
    def __init__(self) -> None:
        self.now_s = 0.0
        self._order = itertools.count()
        self._due: list[tuple[float, int, Handle]] = []

    def later(self, delay_s: float, action: Callable[[], None]) -> Handle:
        handle = Handle(action)
        heapq.heappush(self._due, (self.now_s + delay_s, next(self._order), handle))
        return handle

    def pass_time(self, span_s: float) -> None:
        until_s = self.now_s + span_s
        while self._due and self._due[0][0] <= until_s:
            self.now_s, _, handle = heapq.heappop(self._due)
            if handle.action is not None:
                handle.action()
        self.now_s = until_s


class FarEnd:
    def __init__(self) -> None:
        self.sent: list[sip.Message] = []

    def send(self, datagram: bytes, destination: tuple[str, int]) -> None:
        self.sent.append(sip.parse(datagram))

    @property
    def starts(self) -> list[str]:
        return [message.start for message in self.sent]
