"""The way from behaviors to the journal: what happened is held until it is durable."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from engine.actors.kernel import Kernel, Ref
from engine.actors.messages import Journal, Journaled
from engine.domain.refusals import JournalError
from engine.ports import Store

RETRY_S = 0.5
"""How soon a journal that could not be written is tried again. [s]"""


@dataclass(slots=True)
class _Held:
    entry: Journal
    sender: Ref[Any]


class Outbox:
    """Hands journal entries to the store, in order.

    A wanted entry is refused at once when the journal cannot be written; one that has happened is
    held, and those after it behind it, until it is durable (B2). While anything is held, nothing
    wanted is let past it, so no intent can overtake an outcome.
    """

    def __init__(self, kernel: Kernel, store: Store, on_trust: Callable[[bool], None]) -> None:
        """Begin with an empty box.

        Args:
            kernel: Where answers go.
            store: Where facts go.
            on_trust: Told whether the journal can be written, when that changes.
        """
        self._kernel = kernel
        self._store = store
        self._on_trust = on_trust
        self._held: deque[_Held] = deque()
        self._trusted = True
        self._retrying = False
        self._handed = 0
        self._settled = 0
        self._waiting: deque[tuple[int, Callable[[], None]]] = deque()

    @property
    def trusted(self) -> bool:
        """Whether the last entry could be written."""
        return self._trusted

    @property
    def held(self) -> int:
        """Entries that have happened and are not durable. [entries]"""
        return len(self._held)

    def journal(self, entry: Journal, sender: Ref[Any], _now_s: float) -> None:
        """Make an entry durable (performer of ``Journal``)."""
        if self._held:
            if entry.keep:
                self._held.append(_Held(entry, sender))
            else:
                self._answer(entry, sender, JournalError("earlier facts are not durable yet"))
            return
        self._commit(entry, sender)

    def when_durable(self, call: Callable[[], None]) -> None:
        """Call, later, once everything journaled so far is durable or refused."""
        self._waiting.append((self._handed, call))
        self._kernel.scheduler.call_soon(self._call_waiting)

    def _call_waiting(self) -> None:
        """The store answers in order, so that what was asked for first is settled first."""
        while self._waiting and not self._held and self._waiting[0][0] <= self._settled:
            self._waiting.popleft()[1]()

    def _commit(self, entry: Journal, sender: Ref[Any]) -> None:
        self._handed += 1
        self._store.commit(entry.facts, lambda error: self._committed(entry, sender, error))

    def _committed(self, entry: Journal, sender: Ref[Any], error: JournalError | None) -> None:
        self._settled += 1
        self._settle(entry, sender, error)
        self._call_waiting()

    def _settle(self, entry: Journal, sender: Ref[Any], error: JournalError | None) -> None:
        if error is None:
            self._trust(trusted=True)
            self._answer(entry, sender, None)
            return
        self._trust(trusted=False)
        if entry.keep:
            self._held.append(_Held(entry, sender))
            self._retry_later()
        else:
            self._answer(entry, sender, error)

    def _retry_later(self) -> None:
        if not self._retrying:
            self._retrying = True
            self._kernel.scheduler.call_later(RETRY_S, self._retry)

    def _retry(self) -> None:
        """Try the oldest held entry; the others follow when it is through."""
        held = self._held[0]
        self._store.commit(held.entry.facts, self._retried)

    def _retried(self, error: JournalError | None) -> None:
        self._retrying = False
        if error is not None:
            self._retry_later()
            return
        held = self._held.popleft()
        self._answer(held.entry, held.sender, None)
        if self._held:
            self._retrying = True
            self._retry()
        else:
            self._trust(trusted=True)
            self._call_waiting()

    def _answer(self, entry: Journal, sender: Ref[Any], error: JournalError | None) -> None:
        if entry.token is not None:
            self._kernel.tell(sender, Journaled(entry.token, error))

    def _trust(self, *, trusted: bool) -> None:
        if trusted != self._trusted and not (trusted and self._held):
            self._trusted = trusted
            self._on_trust(trusted)
