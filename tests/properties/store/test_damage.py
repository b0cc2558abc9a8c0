"""A flipped bit is found, or does no harm: never is something else believed (invariant B5)."""

from pathlib import Path
from random import Random

import pytest

from engine.domain.refusals import JournalError
from engine.ports import StoredState
from tests.unit.store.lives import SqliteLife
from tests.unit.store.makers import LIST, batch, closed, dnc, intended

FLIPS = 600


def _write(path: Path) -> SqliteLife:
    life = SqliteLife(path)
    for number in range(12):
        life.commit(intended(f"a{number}", number), dnc(number))
        if number % 2:
            life.commit(closed(f"a{number}", number))
    life.commit_batch(batch(0, count=20))
    return life


def _see(path: Path) -> tuple[object, ...]:
    """Return all that a start and its readers learn, apart from the epoch."""
    life = SqliteLife(path)
    damage: list[JournalError] = []
    life.store._on_damage = damage.append  # type: ignore[attr-defined]
    try:
        pages: list[object] = []
        life.store.read(0, 1_000, pages.append)
        life.run_while(lambda: not pages and not damage)
        extras: list[object] = []
        life.store.read_extras(LIST, 7, extras.append)
        life.run_while(lambda: not extras and not damage)
        if damage:
            raise damage[0]
        batches = life.store.load_batches(LIST)
        records = life.store.load_records(LIST)
        return (*_core(life.store.recovered), pages, extras, batches, records)
    finally:
        life.store.close()


def _core(state: StoredState) -> tuple[object, ...]:
    return (state.last_sequence, state.resources, state.runs, state.open_attempts, state.dnc)


def _flips(content: bytes, seed: int) -> list[tuple[int, int]]:
    """Choose places: the first page whole, the rest by chance, unused zeros seldom."""
    random = Random(seed)
    used = [place for place, octet in enumerate(content) if octet]
    places = random.sample(range(100), 40) + random.sample(used, min(len(used), FLIPS))
    return [(place, 1 << random.randrange(8)) for place in places]


def _flip(content: bytes, place: int, bit: int) -> bytes:
    return content[:place] + bytes((content[place] ^ bit,)) + content[place + 1 :]


def test_a_flipped_bit_in_the_main_file_is_found_or_harmless(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    _write(path).store.close()
    content = path.read_bytes()
    sound = _see(path)
    found = 0
    for place, bit in _flips(content, seed=5):
        path.write_bytes(_flip(content, place, bit))
        path.with_name("journal.db.lock").unlink()
        for other in ("-wal", "-shm"):
            path.with_name(path.name + other).unlink(missing_ok=True)
        try:
            assert _see(path) == sound, f"bit {bit} of octet {place} was believed"
        except JournalError:
            found += 1
    assert found > FLIPS / 4


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_flipped_bit_in_the_write_ahead_log_is_found_or_harmless(
    tmp_path: Path, seed: int
) -> None:
    """The files are those of a killed process: the log was never moved to the main file."""
    path, copy = tmp_path / "journal.db", tmp_path / "copy.db"
    wal = copy.with_name("copy.db-wal")
    life = _write(path)
    main, log = path.read_bytes(), path.with_name("journal.db-wal").read_bytes()
    mark = path.with_name("journal.db.lock").read_bytes()
    life.store.close()
    copy.write_bytes(main)
    wal.write_bytes(log)
    copy.with_name("copy.db.lock").write_bytes(mark)
    sound = _see(copy)
    refusals: set[str] = set()
    for place, bit in _flips(log, seed)[:120]:
        copy.write_bytes(main)
        wal_found = _flip(log, place, bit)
        wal.write_bytes(wal_found)
        copy.with_name("copy.db.lock").write_bytes(mark)
        copy.with_name("copy.db-shm").unlink(missing_ok=True)
        try:
            assert _see(copy) == sound, f"bit {bit} of octet {place} of {len(log)} was believed"
        except JournalError as error:
            refusals.add(error.slug)
            assert copy.with_name("copy.db-wal.kept").read_bytes() == wal_found, "evidence is lost"
    assert refusals == {"journal-damaged"}
