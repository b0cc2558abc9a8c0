"""How a client waits: before it tries again, for a first answer, and for work under way to end.

Knows neither gRPC nor one particular event loop, so that its tests own the clock.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import anyio

if TYPE_CHECKING:
    import random
    from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator

_Item = TypeVar("_Item")
_Position = TypeVar("_Position")


@dataclass(frozen=True, slots=True)
class Backoff:
    """Waits between tries: each longer than the one before, and none quite like another's.

    Chance shortens each wait, so that clients which lost a server together do not come back
    together.

    Attributes:
        first_s: Longest first wait. [s]
        factor: By what each next one is longer, at least 1.
        longest_s: No wait is longer. [s]
        jitter_ratio: Share of a wait that chance may take away, in [0, 1].
    """

    first_s: float = 0.2
    factor: float = 2.0
    longest_s: float = 5.0
    jitter_ratio: float = 0.5

    def waits(self, draw: random.Random) -> Iterator[float]:
        """Yield the wait before each next try, without end. [s]

        Args:
            draw: Seeded; decides by how much each wait is shortened.
        """
        full_s = min(self.first_s, self.longest_s)
        while True:
            yield full_s * (1.0 - self.jitter_ratio * draw.random())
            full_s = min(full_s * self.factor, self.longest_s)


@asynccontextmanager
async def closing(stream: AsyncIterator[_Item]) -> AsyncIterator[AsyncIterator[_Item]]:
    """Close a stream at the end, if it is one that can be closed, however it is left."""
    try:
        yield stream
    finally:
        close = getattr(stream, "aclose", None)
        if close is not None:
            await close()


async def resumed(
    open_stream: Callable[[_Position], AsyncIterator[_Item]],
    after: _Position,
    *,
    position_of: Callable[[_Item, _Position], _Position],
    passing: Callable[[Exception], bool],
    backoff: Backoff,
    draw: random.Random,
) -> AsyncGenerator[_Item, None]:
    """Yield a stream's items over any number of breaks, each time from where it broke.

    Args:
        open_stream: Opens the stream after a position.
        after: Position to begin after.
        position_of: Position that an item leads to from the one before.
        passing: Whether a failure may pass by itself; any other is raised.
        backoff: Waits between tries, which begin anew with every item.
        draw: For the waits' jitter.
    """
    waits = backoff.waits(draw)
    while True:
        failing = True
        try:
            async with closing(open_stream(after)) as stream:
                async for item in stream:
                    failing = False
                    after = position_of(item, after)
                    yield item
        except Exception as error:
            if not passing(error):
                raise
        waits = waits if failing else backoff.waits(draw)
        await anyio.sleep(next(waits))


async def first_within(
    stream: AsyncIterator[_Item], deadline_s: float
) -> AsyncGenerator[_Item, None]:
    """Yield a stream's items; only the first one has a deadline.

    Args:
        stream: Closed when this ends.
        deadline_s: Longest wait for its first item. [s]

    Raises:
        TimeoutError: The first item did not come in time.
    """
    async with closing(stream):
        try:
            with anyio.fail_after(deadline_s):
                first = await anext(stream)
        except StopAsyncIteration:
            return
        yield first
        async for item in stream:
            yield item


@dataclass(slots=True)
class Tally:
    """What became of a load's pieces of work.

    Attributes:
        begun: How many were begun.
        ended: How many came to their own end.
    """

    begun: int = 0
    ended: int = 0

    @property
    def cut(self) -> int:
        """How many were still under way when the drain's time was over."""
        return self.begun - self.ended


async def drive(
    work: Callable[[], Awaitable[object]], *, per_s: float, stop: anyio.Event, drain_s: float
) -> Tally:
    """Begin pieces of work at a steady pace until told to stop, then let them end.

    A start that is late does not delay the next ones: the pace holds over the whole run.

    Args:
        work: One piece; what it raises ends the load.
        per_s: How many to begin. [1/s]
        stop: Set when no further one may begin.
        drain_s: Longest wait for those under way after that; then they are cancelled. [s]

    Returns:
        How many were begun, and how many came to their end.
    """
    tally = Tally()

    async def one() -> None:
        await work()
        tally.ended += 1

    async with anyio.create_task_group() as tasks:
        began_s = anyio.current_time()
        while not stop.is_set():
            tasks.start_soon(one)
            tally.begun += 1
            with anyio.CancelScope(deadline=began_s + tally.begun / per_s):
                await stop.wait()
        tasks.cancel_scope.deadline = anyio.current_time() + drain_s
    return tally
