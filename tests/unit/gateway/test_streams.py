"""A slow reader gets the newest value; a dead one is given up."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from gateway.streams import Outbox, Recent, Slot, SlowReaderError, write_all


async def count(limit: int, closed: list[bool]) -> AsyncIterator[int]:
    try:
        for number in range(limit):
            yield number
    finally:
        closed.append(True)


@pytest.mark.asyncio
async def test_a_reader_who_was_away_gets_the_newest_value_and_how_many_it_missed() -> None:
    slot: Slot[int] = Slot()
    for number in (1, 2, 3):
        slot.put(number)
    assert await slot.get(1) == (3, 2)
    slot.put(4)
    assert await slot.get(1) == (4, 0)


@pytest.mark.asyncio
async def test_nothing_new_is_told_as_nothing() -> None:
    assert await Slot[int]().get(0) == (None, 0)


@pytest.mark.asyncio
async def test_a_closed_slot_is_read_to_its_end() -> None:
    slot: Slot[str] = Slot()
    slot.put("last")
    slot.close()
    assert await slot.get(1) == ("last", 0)
    assert await slot.get(1) is None


@pytest.mark.asyncio
async def test_every_message_is_written_in_order() -> None:
    written: list[int] = []
    closed: list[bool] = []

    async def write(message: int) -> None:
        written.append(message)

    await write_all(count(3, closed), write, write_s=1)
    assert (written, closed) == ([0, 1, 2], [True])


@pytest.mark.asyncio
async def test_a_reader_who_takes_nothing_is_given_up_and_its_source_closed() -> None:
    closed: list[bool] = []

    async def write(_: int) -> None:
        await asyncio.Event().wait()

    with pytest.raises(SlowReaderError, match="not read within"):
        await write_all(count(3, closed), write, write_s=0.01)
    assert closed == [True]


@pytest.mark.asyncio
async def test_a_source_that_times_out_is_not_taken_for_a_slow_reader() -> None:
    async def source() -> AsyncIterator[int]:
        yield 1
        raise TimeoutError

    async def write(_: int) -> None:
        return

    with pytest.raises(TimeoutError):
        await write_all(source(), write, write_s=1)


@pytest.mark.asyncio
async def test_a_slot_knows_whether_its_value_was_read() -> None:
    slot: Slot[int] = Slot()
    known = [slot.unread]
    slot.put(1)
    known.append(slot.unread)
    await slot.get(1)
    known.append(slot.unread)
    assert known == [False, True, False]


@pytest.mark.asyncio
async def test_messages_come_in_order_and_before_frames_of_sound() -> None:
    outbox: Outbox[str] = Outbox(frames=2)
    for frame in ("f1", "f2", "f3"):
        outbox.put_frame(frame)
    outbox.put("m1")
    outbox.put("m2")
    got = [await outbox.get(1) for _ in range(4)]
    assert got == ["m1", "m2", "f2", "f3"], "the late frame was kept"


@pytest.mark.asyncio
async def test_a_peer_that_lets_messages_pile_up_is_given_up() -> None:
    outbox: Outbox[int] = Outbox(room=2)
    outbox.put(1)
    outbox.put(2)
    with pytest.raises(SlowReaderError):
        outbox.put(3)


@pytest.mark.asyncio
async def test_a_closed_outbox_is_read_to_its_end() -> None:
    outbox: Outbox[int] = Outbox()
    assert await outbox.get(0) is None
    outbox.put(1)
    outbox.close()
    assert await outbox.get(1) == 1
    with pytest.raises(EOFError):
        await outbox.get(1)


@pytest.mark.asyncio
async def test_closing_wakes_a_reader_who_waits() -> None:
    outbox: Outbox[int] = Outbox()
    waiting = asyncio.create_task(outbox.get(60))
    await asyncio.sleep(0)
    outbox.close()
    with pytest.raises(EOFError):
        await waiting


@pytest.mark.asyncio
async def test_the_last_values_are_read_in_order_and_the_oldest_give_way() -> None:
    recent: Recent[int] = Recent(room=3)
    for value in range(5):
        recent.put(value)
    assert await recent.get(1.0) == [2, 3, 4]
    assert await recent.get(0.0) == []
    recent.put(9)
    assert await recent.get(1.0) == [9]
