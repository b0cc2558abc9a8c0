"""What the SQLite store does about faults, versions, damage and other processes."""

import resource
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from engine.domain.facts import AnyFact, encode
from engine.domain.refusals import JournalError
from engine.ports import StoredState
from engine.store import schema
from engine.store.group import FactsToCommit
from engine.store.journal import Journal
from engine.store.sqlite import SqliteStore
from tests.unit.store.lives import SqliteLife
from tests.unit.store.makers import LIST, batch, closed, dnc, intended


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.db"


@contextmanager
def _disk_full(path: Path) -> Iterator[None]:
    """No file may grow: writes past the present size fail as on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    wal = path.with_name(path.name + "-wal")
    resource.setrlimit(resource.RLIMIT_FSIZE, (wal.stat().st_size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def _after_the_probe_time(life: SqliteLife) -> None:
    """Commit until the store tries its file again; each refusal comes at once."""
    while life.answers[-1] is not None:
        life.commit(dnc(999))


def test_every_commit_is_synced_and_the_log_is_ahead(path: Path) -> None:
    with closing(schema.connect(path)) as connection:
        assert connection.execute("PRAGMA synchronous").fetchone() == (2,)
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_a_second_engine_is_refused_until_the_first_is_gone(path: Path) -> None:
    life = SqliteLife(path)
    with pytest.raises(JournalError, match="in use") as refusal:
        SqliteLife(path)
    assert refusal.value.slug == "journal-in-use"
    life.store.close()
    SqliteLife(path).store.close()


def test_a_newer_version_is_refused(path: Path) -> None:
    SqliteLife(path).store.close()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA user_version = {schema.VERSION + 1}")
    with pytest.raises(JournalError, match="use a newer one") as refusal:
        SqliteLife(path)
    assert refusal.value.slug == "journal-newer"


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"no database at all, but a text of some length " * 40, id="text"),
        pytest.param(b"SQLite format 3\0" + bytes(4_000), id="a broken header"),
    ],
)
def test_a_foreign_file_is_refused(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with pytest.raises(JournalError):
        SqliteLife(path)
    assert path.read_bytes() == content


def test_another_programs_database_is_refused_and_left_alone(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE precious (value)")
    with pytest.raises(JournalError, match="not a journal"):
        SqliteLife(path)
    with closing(sqlite3.connect(path)) as connection:
        tables = connection.execute("SELECT name FROM sqlite_schema").fetchall()
    assert tables == [("precious",)]


def test_a_full_disk_refuses_commits_and_heals_without_a_restart(path: Path) -> None:
    life = SqliteLife(path)
    life.commit(dnc(1), intended("a1"))
    with _disk_full(path):
        life.commit(*(dnc(number) for number in range(100, 400)))
        assert isinstance(life.answers[-1], JournalError)
        life.commit(dnc(2))
        assert isinstance(life.answers[-1], JournalError)
        assert life.answers[-1].slug == "journal-unwritable"
    _after_the_probe_time(life)
    life.commit(closed("a1"), dnc(3))
    again = life.reborn()
    facts = [stored.fact for stored in again.read(0)]
    assert facts == [stored.fact for stored in life.told]
    assert facts == [dnc(1), intended("a1"), dnc(999), closed("a1"), dnc(3)]
    assert [stored.sequence for stored in life.told] == [1, 2, 3, 4, 5]
    assert again.store.recovered.open_attempts == []
    assert again.store.load_records(LIST)[0].attempts == 1
    again.store.close()


def test_a_failed_group_leaves_no_trace_in_the_state(path: Path) -> None:
    journal = Journal(path)

    def group(*facts: AnyFact) -> list[FactsToCommit]:
        return [FactsToCommit(facts, [encode(fact) for fact in facts])]

    journal.commit(group(dnc(1)))
    before = journal.recovered
    with _disk_full(path), pytest.raises(JournalError, match="cannot be written"):
        journal.commit(group(*(dnc(number) for number in range(2, 400)), intended("a1")))
    assert journal.reopen() == []
    assert _without_epoch(journal.recovered) == _without_epoch(before)
    assert [stored.sequence for stored in journal.commit(group(dnc(2))).stored] == [2]
    journal.close()


def _without_epoch(state: StoredState) -> tuple[object, ...]:
    return (state.last_sequence, state.resources, state.runs, state.open_attempts, state.dnc)


def test_a_closed_store_refuses(path: Path) -> None:
    life = SqliteLife(path)
    life.store.close()
    life.commit(dnc(1))
    assert isinstance(life.answers[0], JournalError)


def test_a_fact_that_cannot_be_encoded_is_its_callers_fault(path: Path) -> None:
    life = SqliteLife(path)
    with pytest.raises(TypeError):
        life.begin(object())  # type: ignore[arg-type]
    life.answers.append(None)
    life.commit(dnc(1))
    assert [stored.sequence for stored in life.told] == [1]
    life.store.close()


def test_a_group_of_many_rows_is_whole(path: Path) -> None:
    life = SqliteLife(path)
    life.commit(*(intended(f"a{number}", number) for number in range(1_500)))
    again = life.reborn()
    assert len(again.store.recovered.open_attempts) == 1_500
    assert len(again.store.load_records(LIST)) == 1_500
    again.store.close()


def test_standings_that_left_the_memory_come_back_when_needed(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.store.journal.RECORDS_KEPT", 4)
    life = SqliteLife(path)
    for turn in range(3):
        for row in range(20):
            life.commit(intended(f"a{turn}-{row}", row), closed(f"a{turn}-{row}", row))
    assert {record.attempts for record in life.store.load_records(LIST)} == {3}
    life.store.close()


def test_a_damaged_fact_is_found_when_it_is_read(path: Path) -> None:
    life = SqliteLife(path)
    life.commit(dnc(1), dnc(2))
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("UPDATE facts SET body = zeroblob(40) WHERE sequence = 2")
        connection.commit()
    life.store.close()
    with pytest.raises(JournalError, match="facts/2") as refusal:
        SqliteLife(path)
    assert refusal.value.slug == "journal-damaged"


def test_damage_met_by_a_read_is_told_and_guessed_at_by_nobody(path: Path) -> None:
    life = SqliteLife(path)
    damage: list[JournalError] = []
    life.commit(dnc(1))
    life.store.close()
    store = SqliteStore(
        path, call_soon=life.calls.put, on_committed=life.told.extend, on_damage=damage.append
    )
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("DELETE FROM facts WHERE sequence = 1")
        connection.execute("INSERT INTO facts VALUES (2, 0, x'00')")
        connection.commit()
    pages: list[object] = []
    store.read(0, 10, pages.append)
    life.run_while(lambda: not damage)
    assert pages == []
    assert "missing" in damage[0].message
    store.close()


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE state SET body = x'' WHERE kind = 'attempt'",
        "UPDATE state SET key = 'other' WHERE kind = 'attempt'",
        "UPDATE state SET kind = 'leg' WHERE kind = 'attempt'",
        "UPDATE facts SET sequence = 99 WHERE sequence = 2",
        "DELETE FROM facts WHERE sequence = 3",
        "DELETE FROM facts WHERE sequence = 1",
        "DELETE FROM meta",
        "DROP TABLE state",
    ],
)
def test_a_damaged_journal_is_not_opened(path: Path, damage: str) -> None:
    life = SqliteLife(path)
    life.commit(intended("a1"), dnc(1), dnc(2))
    life.store.close()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(damage)
        connection.commit()
    with pytest.raises(JournalError, match=r"damaged|missing"):
        SqliteLife(path)


def test_a_damaged_batch_is_refused_when_the_list_is_loaded(path: Path) -> None:
    life = SqliteLife(path)
    life.commit_batch(batch(0))
    life.store.close()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("UPDATE batches SET first_row = 5")
        connection.commit()
    again = SqliteLife(path)
    with pytest.raises(JournalError, match="batches"):
        again.store.load_batches(LIST)
    again.store.close()
