"""Both stores, behind one fixture."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.store.lives import Life, MemoryLife, SqliteLife


@pytest.fixture(params=["memory", "sqlite"])
def life(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Life]:
    made: Life = MemoryLife() if request.param == "memory" else SqliteLife(tmp_path / "journal.db")
    yield made
    made.store.close()
