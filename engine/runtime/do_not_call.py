"""The do-not-call list as the gateway changes it: at once, and durable when it returns (D5)."""

from collections.abc import Callable, Sequence

from engine.compliance.ledger import NumberLedger
from engine.domain.e164 import E164
from engine.domain.facts import DncAdded, DncRemoved
from engine.ports import Store
from engine.runtime.asker import carried_out


class DoNotCall:
    """Numbers that nobody may call.

    Args:
        ledger: Asked before each call.
        store: Where changes are made durable.
        now: The engine's time.
    """

    def __init__(self, ledger: NumberLedger, store: Store, now: Callable[[], float]) -> None:
        self._ledger = ledger
        self._store = store
        self._now = now
        self._unsaved: set[E164] = set()

    async def add(self, numbers: Sequence[E164], *, by: str, note: str = "") -> int:
        """Put numbers on the list: at once, and durable when it returns.

        Returns:
            How many were not on it.
        """
        new = [number for number in dict.fromkeys(numbers) if not self.has(number)]
        self._ledger.add_dnc(new)
        # One that is listed but not durable yet is written again, or a repeat would be
        # acknowledged before the first request is.
        write = [n for n in dict.fromkeys(numbers) if n in new or n in self._unsaved]
        self._unsaved.update(write)
        now_s = self._now()
        await self._commit([DncAdded(at_s=now_s, number=n, by=by, note=note) for n in write])
        self._unsaved.difference_update(write)
        return len(new)

    async def remove(self, numbers: Sequence[E164], *, by: str) -> int:
        """Take numbers off the list, once that is durable.

        Returns:
            How many were on it.
        """
        listed = [number for number in dict.fromkeys(numbers) if self.has(number)]
        now_s = self._now()
        await self._commit([DncRemoved(at_s=now_s, number=n, by=by) for n in listed])
        for number in listed:
            self._ledger.remove_dnc(number)
        return len(listed)

    def has(self, number: E164) -> bool:
        """Say whether a number is on the list."""
        return self._ledger.on_dnc(number)

    def numbers(self) -> Sequence[str]:
        """Return the list, sorted."""
        return self._ledger.dnc_numbers()

    async def _commit(self, facts: Sequence[DncAdded | DncRemoved]) -> None:
        if facts:
            await carried_out(lambda done: self._store.commit(facts, done))
