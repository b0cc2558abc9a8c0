"""The log of facts as the gateway reads it: from any point on, and as it grows."""

import asyncio
from collections.abc import Callable, Sequence

from engine.ports import Store, StoredFact
from engine.runtime.asker import told


class Events:
    """Durable facts, in order.

    Args:
        store: Has them.
        last: Tells the sequence number of the newest one.
    """

    def __init__(self, store: Store, last: Callable[[], int]) -> None:
        self._store = store
        self._last = last
        self._grown = asyncio.Event()

    @property
    def last_sequence(self) -> int:
        """Sequence number of the newest durable fact."""
        return self._last()

    def grew(self) -> None:
        """Wake those who wait: there are new ones."""
        self._grown.set()

    async def read(self, after: int, limit: int) -> Sequence[StoredFact]:
        """Return durable facts with a sequence above ``after``, at most ``limit``."""
        return await told(lambda done: self._store.read(after, limit, done))

    async def wait(self, after: int, timeout_s: float) -> None:
        """Return when there is a fact above ``after``, or the time is over. [s]"""
        try:
            async with asyncio.timeout(timeout_s):
                while self.last_sequence <= after:
                    self._grown.clear()
                    await self._grown.wait()
        except TimeoutError:
            return
