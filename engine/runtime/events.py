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
        self._seen = 0
        self._grown = asyncio.Event()

    @property
    def last_sequence(self) -> int:
        """Sequence number of the newest durable fact.

        One that was read counts, also while the store has not told of it: whoever goes on from it
        must not hear that it has not happened.
        """
        return max(self._last(), self._seen)

    def grew(self) -> None:
        """Wake those who wait: there are new ones."""
        self._grown.set()

    async def read(self, after: int, limit: int) -> Sequence[StoredFact]:
        """Return durable facts with a sequence above ``after``, at most ``limit``."""
        facts: Sequence[StoredFact] = await told(lambda done: self._store.read(after, limit, done))
        if facts:
            self._seen = max(self._seen, facts[-1].sequence)
        return facts

    async def wait(self, after: int, timeout_s: float) -> None:
        """Return when there is a fact above ``after``, or the time is over. [s]"""
        try:
            async with asyncio.timeout(timeout_s):
                while self.last_sequence <= after:
                    self._grown.clear()
                    await self._grown.wait()
        except TimeoutError:
            return
