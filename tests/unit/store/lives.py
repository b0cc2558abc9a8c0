"""A store with the engine's thread played by the test: what it was told, and what comes next."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from pathlib import Path
from queue import SimpleQueue
from random import Random

from engine.actors.kernel.virtual import VirtualScheduler
from engine.domain.facts import AnyFact
from engine.domain.refusals import JournalError
from engine.ports import ImportBatch, StoredFact
from engine.store import EngineStore, MemoryStore, SqliteStore
from tests.support.load import PATIENCE_S
from tests.unit.store.makers import LIST


class Life(ABC):
    """One life of an engine that has only a store.

    Attributes:
        store: The store.
        told: What ``on_committed`` got.
        answers: What the commits were answered, in order of the answers.
    """

    store: EngineStore

    def __init__(self) -> None:
        self.told: list[StoredFact] = []
        self.answers: list[JournalError | None] = []
        self._due = 0

    @abstractmethod
    def run_while(self, waiting: Callable[[], bool]) -> None:
        """Run the engine's thread; fails if nothing comes any more."""

    @abstractmethod
    def reborn(self) -> "Life":
        """Close the store in order and open it again."""

    def commit(self, *facts: AnyFact) -> None:
        """Commit and wait for the answer."""
        self.begin(*facts)
        self.settle()

    def begin(self, *facts: AnyFact) -> None:
        self._due += 1
        self.store.commit(facts, self.answers.append)

    def commit_batch(self, batch: ImportBatch, at_s: float = 5.0) -> None:
        self._due += 1
        self.store.commit_batch(batch, at_s, self.answers.append)
        self.settle()

    def settle(self) -> None:
        """Run callbacks until every commit is answered."""
        self.run_while(lambda: len(self.answers) < self._due)

    def read(self, after: int, limit: int = 1_000) -> Sequence[StoredFact]:
        found: list[Sequence[StoredFact]] = []
        self.store.read(after, limit, found.append)
        self.run_while(lambda: not found)
        return found[0]

    def read_extras(self, row: int) -> bytes | None:
        found: list[bytes | None] = []
        self.store.read_extras(LIST, row, found.append)
        self.run_while(lambda: not found)
        return found[0]

    def read_field(self, rows: Sequence[int], field: str) -> Sequence[str]:
        found: list[Sequence[str]] = []
        self.store.read_field(LIST, rows, field, found.append)
        self.run_while(lambda: not found)
        return found[0]


class SqliteLife(Life):
    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path = path
        self.calls: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self.store = SqliteStore(path, call_soon=self.calls.put, on_committed=self.told.extend)

    def run_while(self, waiting: Callable[[], bool]) -> None:
        while waiting():
            self.calls.get(timeout=PATIENCE_S)()

    def reborn(self) -> "SqliteLife":
        self.store.close()
        return SqliteLife(self.path)


class MemoryLife(Life):
    def __init__(
        self, scheduler: VirtualScheduler | None = None, store: MemoryStore | None = None
    ) -> None:
        super().__init__()
        self.scheduler = scheduler or VirtualScheduler()
        self.memory = store or MemoryStore(
            self.scheduler.call_later, self.told.extend, random=Random(1)
        )
        self.store = self.memory

    def run_while(self, waiting: Callable[[], bool]) -> None:
        self.scheduler.run_while(waiting)

    def reborn(self) -> "MemoryLife":
        self.store.close()
        life = MemoryLife(self.scheduler, self.memory)
        life.memory = self.memory.survivors(life.told.extend)
        life.store = life.memory
        return life
