"""The log as it is read: what a reader was given has happened."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from engine.domain.facts import EngineStarted
from engine.ports import StoredFact
from engine.runtime import Events


class Ahead:
    """A store whose reader sees facts before the engine is told of them."""

    def read(self, after: int, _limit: int, done: Callable[[Sequence[StoredFact]], None]) -> None:
        fact = EngineStarted(at_s=1.0, epoch=1, version="x")
        done([StoredFact(sequence, fact) for sequence in range(after + 1, 28)])


@pytest.mark.asyncio
async def test_what_was_read_has_happened_also_before_the_engine_is_told_of_it() -> None:
    store: Any = Ahead()
    events = Events(store, lambda: 25)
    assert events.last_sequence == 25
    assert (await events.read(0, 100))[-1].sequence == 27
    assert events.last_sequence == 27
    assert await events.read(27, 100) == []
    assert events.last_sequence == 27
