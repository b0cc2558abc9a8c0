"""The real scheduler: an asyncio loop (uvloop in production), its clock anchored once."""

import asyncio
import time
from collections.abc import Callable

from engine.actors.kernel.scheduler import TimerHandle


class LoopScheduler:
    """Runs the kernel on the running asyncio loop.

    The engine's time is the wall clock read once, plus what the monotonic clock has gone since;
    a step of the wall clock moves no timer (``wall_error_s`` shows it to the clock guard).
    """

    __slots__ = ("_anchor_s", "_loop")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._anchor_s = time.time() - loop.time()

    def now_s(self) -> float:
        """Return the engine's time. [s since the Unix epoch]"""
        return self._anchor_s + self._loop.time()

    def wall_error_s(self) -> float:
        """Return how far the wall clock has moved from the engine's time. [s]"""
        return time.time() - self.now_s()

    def call_soon(self, function: Callable[[], None]) -> None:
        """Call after what runs now."""
        self._loop.call_soon(function)

    def call_later(self, delay_s: float, function: Callable[[], None]) -> TimerHandle:
        """Call after a delay. [s]"""
        return self._loop.call_later(delay_s, function)
