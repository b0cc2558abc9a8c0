"""What was acknowledged before a ``kill -9`` is there after it (invariants B1, B4, A1)."""

import subprocess
import sys
from pathlib import Path
from random import Random

from engine.domain.facts import (
    AnyFact,
    AttemptClosed,
    AttemptIntended,
    DispositionSet,
    RecordsImported,
)
from engine.store import StoredFact
from tests.unit.store.lives import SqliteLife

LIVES = 12


def _live_and_die(path: Path, seed: int, acknowledgements: int) -> list[str]:
    """Let a child acknowledge so many commits, kill it, and return all it said."""
    command = [sys.executable, "-m", "tests.integration.store.child", str(path), str(seed)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        said = [child.stdout.readline() for _ in range(acknowledgements)]
        child.kill()
        said += child.stdout.readlines()
        child.wait(timeout=60)
    return [line.decode().strip() for line in said if line.endswith(b"\n")]


def _names(fact: AnyFact) -> str:
    match fact:
        case AttemptIntended(attempt_id=name):
            return f"intended {name}"
        case AttemptClosed(attempt_id=name):
            return f"closed {name}"
        case DispositionSet(attempt_id=name):
            return f"disposed {name}"
        case RecordsImported(import_id=name, batch=number):
            return f"batch {name} {number}"
        case _:
            raise AssertionError(f"nobody committed {fact}")


def _fold_of(log: list[StoredFact]) -> set[str]:
    """Return the open attempts as the log alone tells them."""
    opened: set[str] = set()
    for stored in log:
        if isinstance(stored.fact, AttemptIntended):
            opened.add(stored.fact.attempt_id)
        elif isinstance(stored.fact, AttemptClosed):
            opened.discard(stored.fact.attempt_id)
    return opened


def test_no_acknowledged_commit_is_lost_over_many_deaths(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    random = Random(20_261_123)
    acknowledged: list[str] = []
    for life in range(1, LIVES + 1):
        said = _live_and_die(path, seed=life, acknowledgements=random.randint(1, 400))
        assert said[0] == f"open {life}"
        acknowledged += said[1:]
    after = SqliteLife(path)
    log = list(after.read(0, limit=1_000_000))
    assert [stored.sequence for stored in log] == list(range(1, len(log) + 1))
    durable = [_names(stored.fact) for stored in log]
    assert len(acknowledged) > 500
    assert set(acknowledged) <= set(durable)
    closings = [name for name in durable if name.startswith("closed")]
    assert len(closings) == len(set(closings)), "an attempt has two outcomes"
    recovered = after.store.recovered
    assert recovered.epoch == LIVES + 1
    assert {attempt.attempt_id for attempt in recovered.open_attempts} == _fold_of(log)
    after.store.close()


def test_a_death_right_after_opening_costs_only_an_epoch(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    for life in (1, 2, 3):
        assert _live_and_die(path, seed=life, acknowledgements=1)[0] == f"open {life}"
