"""Which URLs name a store."""

from pathlib import Path

import pytest

from engine.domain.refusals import InvalidRequestError
from engine.store import EngineStore, MemoryStore, SqliteStore, open_store


def _open(url: str) -> EngineStore:
    return open_store(
        url,
        call_soon=lambda call: call(),
        call_later=lambda _, call: call(),
        on_committed=lambda _: None,
    )


def test_memory_is_the_twin() -> None:
    assert isinstance(_open("memory:"), MemoryStore)


def test_a_path_is_sqlite(tmp_path: Path) -> None:
    store = _open(f"sqlite:{tmp_path}/a.db")
    assert isinstance(store, SqliteStore)
    store.close()
    assert (tmp_path / "a.db").exists()


def test_a_path_may_stand_behind_slashes(tmp_path: Path) -> None:
    _open(f"sqlite://{tmp_path}/b.db").close()
    assert (tmp_path / "b.db").exists()


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        pytest.param("postgresql://u:secret@h/db", "not offered yet", id="later"),
        pytest.param("sqlite:", "no such store", id="no path"),
        pytest.param("sqlite:/no/such/folder/x.db", "no folder", id="no folder"),
        pytest.param("sqlite:/", "folder", id="a folder"),
        pytest.param("redis:x", "no such store", id="unknown"),
        pytest.param("", "no such store", id="empty"),
    ],
)
def test_other_urls_are_refused_with_a_reason_and_without_a_password(url: str, reason: str) -> None:
    with pytest.raises(InvalidRequestError, match=reason) as refusal:
        _open(url)
    assert "secret" not in refusal.value.message
