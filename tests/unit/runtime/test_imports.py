"""Imports into long lists: what goes through a list does so beside the loop, never on it."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
import pytest_asyncio

from engine.actors.kernel import Ref
from engine.actors.messages import AppendRecords, ListMessage
from engine.domain.ids import ListId
from engine.domain.number_set import NumberSet
from engine.domain.refusals import DrainingError, JournalError, NotNowError
from engine.domain.specs import ListSpec
from engine.lists import importing
from engine.lists.columns import decode
from engine.lists.importing import ImportOptions, import_all
from engine.ports import ImportBatch
from engine.runtime import Imports
from engine.runtime.asker import Asker

pytestmark = pytest.mark.asyncio

LIST = ListSpec(list_id=ListId("people"))
HELD = 20
"""Records in the list before, in two batches."""


def file_of(first: int, count: int) -> bytes:
    """Return a file of records that differ from those of other places."""
    numbers = range(2_000_000 + first, 2_000_000 + first + count)
    return b"phone\n" + b"".join(b"+1415%07d\n" % number for number in numbers)


class Disk:
    """Keeps batches, and knows on which thread it was gone through."""

    def __init__(self) -> None:
        self.batches: list[ImportBatch] = []
        self.readers: list[int] = []
        self.held: asyncio.Queue[Callable[[], None]] | None = None

    def load_batches(self, _list_id: ListId) -> list[ImportBatch]:
        self.readers.append(threading.get_ident())
        return list(self.batches)

    def commit_batch(
        self, batch: ImportBatch, _at_s: float, done: Callable[[JournalError | None], None]
    ) -> None:
        def commit() -> None:
            self.batches.append(batch)
            done(None)

        if self.held is None:
            asyncio.get_running_loop().call_soon(commit)
        else:
            self.held.put_nowait(commit)


class Kernel:
    """Notes what lists are told."""

    def __init__(self) -> None:
        self.told: list[AppendRecords] = []

    def tell(self, _ref: Ref[ListMessage], message: AppendRecords) -> None:
        self.told.append(message)


class Directory:
    """Finds the list."""

    def __init__(self) -> None:
        self._ref: Ref[ListMessage] = Ref("lists/people")

    def find(self, list_id: ListId) -> Ref[ListMessage] | None:
        return self._ref if list_id == LIST.list_id else None


class Place:
    """Imports over a list that is there already."""

    def __init__(self) -> None:
        self.disk, self.kernel, self.draining = Disk(), Kernel(), False
        registry: Any = type("Registry", (), {"lists": Directory()})()
        kernel: Any = self.kernel
        store: Any = self.disk
        self.imports = Imports(
            Asker(kernel, registry, lambda: self.draining), store, lambda: 1_000.0
        )
        self.imports._workers = ThreadPoolExecutor(1)  # no processes for a few lines

    async def take(self, import_id: str, file: bytes) -> int:
        """Import a whole file; return how many records were new."""
        run = await self.imports.open(LIST, import_id, ImportOptions())
        try:
            await run.feed(file)
            return (await run.finish()).records_added
        finally:
            run.close()


@pytest_asyncio.fixture
async def place() -> AsyncIterator[Place]:
    place = Place()
    (first,) = import_all([file_of(0, 10)], LIST, "before")
    (second,) = import_all([file_of(10, 10)], LIST, "after that")
    second = ImportBatch(
        LIST.list_id,
        "after that",
        0,
        10,
        10,
        second.columns,
        second.extras,
        [],
        second.source_lines,
    )
    place.disk.batches += [first, second]
    yield place
    await place.imports.stop()


async def test_nothing_goes_through_a_list_on_the_loop(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads: list[tuple[str, int]] = []

    def watched(name: str, method: Callable[..., Any]) -> Callable[..., Any]:
        def called(*args: Any, **words: Any) -> Any:
            threads.append((name, threading.get_ident()))
            return method(*args, **words)

        return called

    monkeypatch.setattr(importing, "decode", watched("decode", decode))
    for name in ("__init__", "extend", "contains_each"):
        monkeypatch.setattr(NumberSet, name, watched(name, getattr(NumberSet, name)))
    assert await place.take("june", file_of(HELD, 2_100)) == 2_100
    loop = threading.get_ident()
    assert loop not in place.disk.readers
    assert [name for name, thread in threads if thread == loop] == []
    counted = [name for name, _ in threads]
    assert counted.count("decode") == 2  # each batch once, and it was seen
    assert counted.count("contains_each") == 2  # once a chunk of 2 000 records
    assert len(place.disk.readers) == 1


async def test_the_errors_of_an_earlier_life_are_looked_for_beside_the_loop(place: Place) -> None:
    place.disk.batches = import_all([file_of(0, 3) + b"12\n"], LIST, "before")
    ((line, _reason),) = await place.imports.errors(LIST.list_id, "before")
    assert line == 5
    assert threading.get_ident() not in place.disk.readers


async def test_new_records_follow_those_that_are_there_and_are_no_repeats_of_them(
    place: Place,
) -> None:
    assert await place.take("june", file_of(HELD - 5, 10)) == 5
    (appended,) = place.kernel.told
    assert appended.batch.first_row == HELD
    keys = NumberSet(np.zeros(0, np.uint64))
    for batch in place.disk.batches:
        new = decode(batch.columns).keys
        assert not keys.contains_each(new).any()
        keys.extend(new)


async def test_two_imports_into_a_list_at_once_are_one_too_many(place: Place) -> None:
    first = asyncio.create_task(place.imports.open(LIST, "june", ImportOptions()))
    await asyncio.sleep(0)  # it looks through the list
    with pytest.raises(NotNowError):
        await place.imports.open(LIST, "july", ImportOptions())
    (await first).close()
    assert await place.take("july", file_of(HELD, 1)) == 1


async def test_a_list_is_free_again_when_its_import_could_not_begin(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_list_id: ListId) -> list[ImportBatch]:
        raise JournalError("a page is damaged")

    with monkeypatch.context() as patched:
        patched.setattr(place.disk, "load_batches", broken)
        with pytest.raises(JournalError):
            await place.imports.open(LIST, "june", ImportOptions())
    assert await place.take("june", file_of(HELD, 1)) == 1


async def test_nothing_is_imported_while_the_engine_goes_down(place: Place) -> None:
    place.draining = True
    with pytest.raises(DrainingError):
        await place.imports.open(LIST, "june", ImportOptions())


async def test_a_list_hears_of_a_durable_batch_that_nobody_waits_for_any_more(
    place: Place,
) -> None:
    place.disk.held = asyncio.Queue()
    waiting = asyncio.create_task(place.take("june", file_of(HELD, 3)))
    commit = await place.disk.held.get()  # the batch is on its way to the store
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    assert place.kernel.told == []
    commit()
    assert [told.batch.count for told in place.kernel.told] == [3]
