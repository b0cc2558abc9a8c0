"""How long streams are written: bounded for every reader, and newest values for the slow ones.

A reader that does not read costs one slot and one pending write, never a queue; its own write
deadline ends it, since keep-alive does not notice a peer that is frozen but reachable.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class SlowReaderError(Exception):
    """A reader did not take a message within the write deadline."""


class Slot(Generic[T]):
    """Holds the newest value for one reader; a newer one takes the place of an unread one."""

    __slots__ = ("_closed", "_missed", "_ready", "_value")

    def __init__(self) -> None:
        self._value: T | None = None
        self._ready = asyncio.Event()
        self._missed = 0
        self._closed = False

    @property
    def unread(self) -> bool:
        """Whether a value waits to be read."""
        return self._value is not None

    def put(self, value: T) -> None:
        """Set the newest value."""
        self._missed += self.unread
        self._value = value
        self._ready.set()

    def close(self) -> None:
        """Let the reader read what is there, and then end."""
        self._closed = True
        self._ready.set()

    async def get(self, timeout_s: float) -> tuple[T | None, int] | None:
        """Return the newest value and how many were missed before it.

        Args:
            timeout_s: Longest wait. [s]

        Returns:
            The value, or None if nothing came in time, and values missed since the last call;
            None in place of both when the slot is closed and read.
        """
        try:
            async with asyncio.timeout(timeout_s):
                await self._ready.wait()
        except TimeoutError:
            return None, 0
        value, missed = self._value, self._missed
        if value is None and self._closed:
            return None
        self._value, self._missed = None, 0
        if not self._closed:
            self._ready.clear()
        return value, missed


class Recent(Generic[T]):
    """Holds the last values for one reader, in order; beyond its room the oldest give way."""

    __slots__ = ("_ready", "_values")

    def __init__(self, room: int = 256) -> None:
        """Make an empty one.

        Args:
            room: Values that may wait.
        """
        self._values: deque[T] = deque(maxlen=room)
        self._ready = asyncio.Event()

    def put(self, value: T) -> None:
        """Add the newest value."""
        self._values.append(value)
        self._ready.set()

    async def get(self, timeout_s: float) -> list[T]:
        """Return the values that wait, oldest first; none if none came in time. [s]"""
        try:
            async with asyncio.timeout(timeout_s):
                await self._ready.wait()
        except TimeoutError:
            return []
        values = list(self._values)
        self._values.clear()
        self._ready.clear()
        return values


class Outbox(Generic[T]):
    """Messages to one peer of a two-way stream, in order; late frames give way to new ones."""

    __slots__ = ("_closed", "_frames", "_messages", "_ready", "_room")

    def __init__(self, room: int = 256, frames: int = 10) -> None:
        """Make an empty one.

        Args:
            room: Messages that may wait; one more ends the stream.
            frames: Frames that may wait; one more drops the oldest.
        """
        self._messages: deque[T] = deque()
        self._frames: deque[T] = deque(maxlen=frames)
        self._room = room
        self._ready = asyncio.Event()
        self._closed = False

    def put(self, message: T) -> None:
        """Add a message that must arrive.

        Raises:
            SlowReaderError: Too many wait.
        """
        if len(self._messages) >= self._room:
            raise SlowReaderError(f"{self._room} messages wait to be read")
        self._messages.append(message)
        self._ready.set()

    def put_frame(self, frame: T) -> None:
        """Add a frame, which is worth nothing once it is late."""
        self._frames.append(frame)
        self._ready.set()

    def close(self) -> None:
        """Let what waits be read, and then end."""
        self._closed = True
        self._ready.set()

    async def get(self, timeout_s: float) -> T | None:
        """Return the next message, or else the next frame; None if nothing came in time. [s]

        Raises:
            EOFError: It is closed and read.
        """
        if not self._messages and not self._frames:
            if self._closed:
                raise EOFError
            self._ready.clear()
            try:
                async with asyncio.timeout(timeout_s):
                    await self._ready.wait()
            except TimeoutError:
                return None
        if self._messages:
            return self._messages.popleft()
        if self._frames:
            return self._frames.popleft()
        raise EOFError


async def write_all(
    messages: AsyncIterator[T], write: Callable[[T], Awaitable[None]], write_s: float
) -> None:
    """Write every message, each within the deadline.

    Args:
        messages: What to write; closed in any case.
        write: Writes one message; waits while the reader's window is full.
        write_s: Longest wait for one write. [s]

    Raises:
        SlowReaderError: A write did not end in time.
    """
    try:
        async for message in messages:
            try:
                async with asyncio.timeout(write_s):
                    await write(message)
            except TimeoutError as error:
                raise SlowReaderError(f"a message was not read within {write_s:g} s") from error
    finally:
        close = getattr(messages, "aclose", None)
        if close is not None:
            await close()
