"""A process that commits until it is killed, and says on its output what was acknowledged.

Each line is one acknowledged commit: ``attempt sequence``. Started as
``python -m tests.integration.store.child PATH SEED``.
"""

import os
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from queue import SimpleQueue
from random import Random

from engine.domain.facts import AnyFact
from engine.domain.refusals import JournalError
from engine.store import SqliteStore
from tests.unit.store.makers import LIST, batch, closed, disposed, intended

LIFETIME_S = 250.0
"""A child whom nobody kills ends by itself."""


def main(path: Path, seed: int) -> None:
    """Commit for ever; intents, dispositions and outcomes of many attempts, and batches."""
    lifetime = threading.Timer(LIFETIME_S, os._exit, (1,))
    lifetime.daemon = True
    lifetime.start()
    random = Random(seed)
    calls: SimpleQueue[Callable[[], None]] = SimpleQueue()
    store = SqliteStore(path, call_soon=calls.put, on_committed=lambda _: None)
    epoch, number, rows = store.recovered.epoch, 0, len(store.load_batches(LIST))
    os.write(1, f"open {epoch}\n".encode())
    for attempt in store.recovered.open_attempts:
        _commit(store, [closed(attempt.attempt_id, attempt.row)], f"closed {attempt.attempt_id}")
    while True:
        for _ in range(random.randint(1, 20)):
            name = f"a{epoch}-{number}"
            _commit(store, [intended(name, number)], f"intended {name}")
            if random.random() < 0.7:
                facts: list[AnyFact] = [disposed(name), closed(name, number, disposition="success")]
                _commit(store, facts, f"closed {name}")
            number += 1
        if random.random() < 0.1:
            made = batch(rows, import_id=f"i{epoch}", count=20)
            rows += 1
            store.commit_batch(made, 1.0, _tell(f"batch {made.import_id} {made.batch}"))
        calls.get()()
        while not calls.empty() and random.random() < 0.9:
            calls.get()()


def _commit(store: SqliteStore, facts: list[AnyFact], text: str) -> None:
    store.commit(facts, _tell(text))


def _tell(text: str) -> Callable[[JournalError | None], None]:
    def done(error: JournalError | None) -> None:
        if error is not None:
            raise error
        os.write(1, f"{text}\n".encode())

    return done


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
