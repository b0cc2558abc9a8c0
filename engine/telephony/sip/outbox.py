"""Events on their way to the engine: in order, and never from inside the call that causes them."""

import asyncio
from collections import deque
from collections.abc import Callable

from engine.ports import TelephonyEvent


class EventOutbox:
    """Hands events over at the next turn of the loop.

    Args:
        sink: Takes them.
    """

    def __init__(self, sink: Callable[[TelephonyEvent], None]) -> None:
        self._sink = sink
        self._queue: deque[TelephonyEvent] = deque()

    def put(self, event: TelephonyEvent) -> None:
        """Hand an event over soon."""
        if not self._queue:
            asyncio.get_running_loop().call_soon(self._flush)
        self._queue.append(event)

    def _flush(self) -> None:
        events, self._queue = self._queue, deque()
        for event in events:
            self._sink(event)
