"""The scheduler port: what the kernel needs of time. Its twins are ``loop`` and ``virtual``."""

from collections.abc import Callable
from typing import Protocol


class TimerHandle(Protocol):
    """A call that has not happened yet."""

    def cancel(self) -> None:
        """Make it never happen; harmless when it has."""
        ...


class Scheduler(Protocol):
    """Calls functions soon or later, on one thread."""

    def now_s(self) -> float:
        """Return the engine's time: seconds since the Unix epoch, never going back. [s]"""
        ...

    def call_soon(self, function: Callable[[], None]) -> None:
        """Call after what runs now."""
        ...

    def call_later(self, delay_s: float, function: Callable[[], None]) -> TimerHandle:
        """Call after a delay. [s]"""
        ...
