"""Adding to do-not-call is acknowledged only when it is durable, also when it is asked twice."""

import asyncio
from collections.abc import Sequence
from typing import cast

import pytest

from engine.compliance.ledger import NumberLedger
from engine.domain.e164 import E164
from engine.domain.facts import AnyFact
from engine.domain.refusals import JournalError
from engine.ports import Committed, Store
from engine.runtime import DoNotCall

NUMBER = E164("+12025550123")


class SlowStore:
    """Keeps commits until they are let through or refused."""

    def __init__(self) -> None:
        self.waiting: list[tuple[Sequence[AnyFact], Committed]] = []

    def commit(self, facts: Sequence[AnyFact], done: Committed) -> None:
        self.waiting.append((facts, done))


def list_over(store: SlowStore) -> DoNotCall:
    return DoNotCall(NumberLedger(), cast("Store", store), lambda: 1.0)


@pytest.mark.asyncio
async def test_a_repeat_waits_until_the_number_is_durable() -> None:
    store = SlowStore()
    dnc = list_over(store)
    first = asyncio.create_task(dnc.add([NUMBER], by="operator"))
    again = asyncio.create_task(dnc.add([NUMBER], by="operator"))
    await asyncio.sleep(0)
    assert dnc.has(NUMBER)
    assert len(store.waiting) == 2
    assert not again.done()
    for _, done in store.waiting:
        done(None)
    assert (await first, await again) == (1, 0)


@pytest.mark.asyncio
async def test_a_repeat_of_a_refused_add_is_written_again() -> None:
    store = SlowStore()
    dnc = list_over(store)
    first = asyncio.create_task(dnc.add([NUMBER], by="operator"))
    await asyncio.sleep(0)
    store.waiting.pop()[1](JournalError("disk full"))
    with pytest.raises(JournalError):
        await first
    again = asyncio.create_task(dnc.add([NUMBER], by="operator"))
    await asyncio.sleep(0)
    (facts, done) = store.waiting.pop()
    assert [fact.number for fact in facts if hasattr(fact, "number")] == [NUMBER]
    done(None)
    await again
    assert await dnc.add([NUMBER], by="operator") == 0
    assert not store.waiting
