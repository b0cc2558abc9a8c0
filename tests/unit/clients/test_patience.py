import itertools
import random
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

import anyio
import anyio.lowlevel
import pytest

from clients.patience import Backoff, Tally, drive, first_within, resumed

pytestmark = pytest.mark.anyio

STEADY = Backoff(first_s=0.01, factor=2.0, longest_s=0.04, jitter_ratio=0.0)


class BrokenError(Exception):
    """The stream broke; it may be tried again."""


class RefusedError(Exception):
    """The stream was refused, and will be again."""


class Log:
    """A server of numbered events whose streams end or break as scripted.

    Args:
        *lives: For each time the stream is opened: how many events it sends, then how it ends.
    """

    def __init__(self, *lives: tuple[int, type[Exception] | None]) -> None:
        self._lives = list(lives)
        self.opened_after: list[int] = []
        self.opened_s: list[float] = []
        self.closed = 0

    async def events(self, after: int) -> AsyncGenerator[int, None]:
        self.opened_after.append(after)
        self.opened_s.append(anyio.current_time())
        count, end = self._lives.pop(0)
        try:
            for sequence in range(after + 1, after + 1 + count):
                await anyio.lowlevel.checkpoint()
                yield sequence
            if end is not None:
                raise end
        finally:
            self.closed += 1

    def resumed(
        self, backoff: Backoff = STEADY, draw: random.Random | None = None
    ) -> AsyncGenerator[int, None]:
        return resumed(
            self.events,
            0,
            position_of=lambda sequence, _: sequence,
            passing=lambda error: isinstance(error, BrokenError),
            backoff=backoff,
            draw=draw or random.Random(1),
        )

    def gaps_s(self) -> list[float]:
        return [later - sooner for sooner, later in itertools.pairwise(self.opened_s)]


@pytest.fixture
def virtual(anyio_backend_name: str) -> bool:
    return anyio_backend_name == "trio"


def assert_lasted(lasted_s: Sequence[float], wanted_s: Sequence[float], *, virtual: bool) -> None:
    """Real time may last longer than asked for, virtual time lasts exactly so."""
    if virtual:
        assert lasted_s == pytest.approx(wanted_s)
    else:
        assert len(lasted_s) == len(wanted_s)
        assert all(got >= 0.95 * wanted for got, wanted in zip(lasted_s, wanted_s, strict=True))


async def take(stream: AsyncGenerator[int, None], count: int) -> list[int]:
    async with aclosing(stream):
        return [await anext(stream) for _ in range(count)]


async def read_all(stream: AsyncGenerator[int, None], seen: list[int]) -> None:
    async for item in stream:
        seen.append(item)  # noqa: PERF401 - what came before an error is wanted too


# --- reconnect and back-off ----------------------------------------------------------------


async def test_a_broken_stream_goes_on_after_the_last_event_without_gap_or_double() -> None:
    log = Log((3, BrokenError), (0, BrokenError), (2, None), (1, BrokenError), (9, None))
    assert await take(log.resumed(), 10) == [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]
    assert log.opened_after == [0, 3, 3, 5, 6]


async def test_each_wait_is_longer_than_the_one_before_up_to_the_longest(virtual: bool) -> None:
    log = Log(*[(0, BrokenError)] * 4, (1, None))
    assert await take(log.resumed(), 1) == [1]
    assert_lasted(log.gaps_s(), [0.01, 0.02, 0.04, 0.04], virtual=virtual)


async def test_an_event_begins_the_waits_anew(virtual: bool) -> None:
    log = Log((0, BrokenError), (0, BrokenError), (1, BrokenError), (0, BrokenError), (1, None))
    assert await take(log.resumed(), 2) == [1, 2]
    assert_lasted(log.gaps_s(), [0.01, 0.02, 0.01, 0.02], virtual=virtual)


async def test_a_stream_that_ends_without_an_error_is_opened_again(virtual: bool) -> None:
    log = Log((1, None), (1, None))
    assert await take(log.resumed(), 2) == [1, 2]
    assert_lasted(log.gaps_s(), [0.01], virtual=virtual)


async def test_waits_follow_the_seed_of_the_jitter(virtual: bool) -> None:
    jittery = Backoff(first_s=0.02, factor=2.0, longest_s=0.04, jitter_ratio=0.5)
    log = Log(*[(0, BrokenError)] * 3, (1, None))
    await take(log.resumed(jittery, random.Random(7)), 1)
    wanted_s = list(itertools.islice(jittery.waits(random.Random(7)), 3))
    assert_lasted(log.gaps_s(), wanted_s, virtual=virtual)


async def test_a_refusal_is_raised_at_once() -> None:
    log = Log((2, RefusedError), (1, None))
    seen: list[int] = []
    with pytest.raises(RefusedError):
        await read_all(log.resumed(), seen)
    assert seen == [1, 2]
    assert len(log.opened_after) == 1


async def test_a_reader_who_stops_closes_the_stream() -> None:
    log = Log((3, BrokenError))
    assert await take(log.resumed(), 1) == [1]
    assert log.closed == 1


async def test_a_wait_for_the_next_try_can_be_cancelled() -> None:
    log = Log((0, BrokenError))
    never = Backoff(first_s=3600.0, longest_s=3600.0)
    with anyio.move_on_after(0.01) as scope:
        await take(log.resumed(never), 1)
    assert scope.cancelled_caught
    assert log.closed == 1


def test_jitter_only_shortens_and_never_beyond_its_share() -> None:
    backoff = Backoff(first_s=1.0, factor=3.0, longest_s=5.0, jitter_ratio=0.4)
    waits_s = list(itertools.islice(backoff.waits(random.Random(3)), 5_000))
    full_s = [1.0, 3.0, *[5.0] * 4_998]
    assert all(0.6 * full <= got <= full for got, full in zip(waits_s, full_s, strict=True))
    assert max(waits_s[2:]) - min(waits_s[2:]) > 1.9


def test_two_clients_do_not_come_back_together() -> None:
    ours, theirs = (Backoff().waits(random.Random(seed)) for seed in (1, 2))
    assert all(a != b for a, b in itertools.islice(zip(ours, theirs, strict=False), 10))


# --- deadlines -----------------------------------------------------------------------------


async def slow(*delays_s: float) -> AsyncGenerator[int, None]:
    for index, delay_s in enumerate(delays_s):
        await anyio.sleep(delay_s)
        yield index


async def test_a_first_answer_that_is_late_is_a_timeout(virtual: bool) -> None:
    began_s = anyio.current_time()
    with pytest.raises(TimeoutError):
        await take(first_within(slow(3600.0), 0.02), 1)
    assert_lasted([anyio.current_time() - began_s], [0.02], virtual=virtual)


async def test_only_the_first_answer_has_a_deadline() -> None:
    assert await take(first_within(slow(0.0, 0.6, 0.0), 0.5), 3) == [0, 1, 2]


async def test_a_stream_without_an_answer_ends_as_it_does() -> None:
    assert [item async for item in first_within(slow(), 0.02)] == []


async def test_a_silent_server_is_left_and_tried_again(virtual: bool) -> None:
    began_s = anyio.current_time()
    delays_s = iter([3600.0, 0.0])
    stream = resumed(
        lambda _: first_within(slow(next(delays_s)), 0.5),
        0,
        position_of=lambda sequence, _: sequence,
        passing=lambda error: isinstance(error, TimeoutError),
        backoff=STEADY,
        draw=random.Random(1),
    )
    assert await take(stream, 1) == [0]
    assert_lasted([anyio.current_time() - began_s], [0.51], virtual=virtual)


# --- drain ---------------------------------------------------------------------------------


async def stop_after(stop: anyio.Event, wait_s: float) -> None:
    await anyio.sleep(wait_s)
    stop.set()


async def driven(work_s: float, *, per_s: float, run_s: float, drain_s: float) -> Tally:
    stop = anyio.Event()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(stop_after, stop, run_s)
        tally = await drive(lambda: anyio.sleep(work_s), per_s=per_s, stop=stop, drain_s=drain_s)
    return tally  # noqa: RET504 - the group may end otherwise


async def test_a_load_begins_its_work_at_a_steady_pace(virtual: bool) -> None:
    tally = await driven(0.0, per_s=200.0, run_s=0.0475, drain_s=1.0)
    assert tally.begun == 10 if virtual else tally.begun >= 1
    assert tally.cut == 0


async def test_work_under_way_ends_after_the_stop_and_none_begins(virtual: bool) -> None:
    began_s = anyio.current_time()
    tally = await driven(0.06, per_s=100.0, run_s=0.025, drain_s=5.0)
    assert tally.begun == 3 if virtual else tally.begun >= 1
    assert tally.ended == tally.begun
    if virtual:
        assert anyio.current_time() - began_s == pytest.approx(0.08)


async def test_work_that_outlives_the_drain_is_cut_and_counted(virtual: bool) -> None:
    began_s = anyio.current_time()
    tally = await driven(3600.0, per_s=100.0, run_s=0.015, drain_s=0.03)
    assert tally.ended == 0
    assert tally.cut == tally.begun >= 1
    assert_lasted([anyio.current_time() - began_s], [0.045], virtual=virtual)


async def test_a_load_that_is_stopped_before_it_begins_does_nothing() -> None:
    stop = anyio.Event()
    stop.set()
    assert await drive(anyio.lowlevel.checkpoint, per_s=1.0, stop=stop, drain_s=1.0) == Tally()


async def test_a_fault_in_the_work_ends_the_load() -> None:
    async def fault() -> None:
        raise BrokenError

    with pytest.raises(ExceptionGroup) as caught:
        await drive(fault, per_s=1.0, stop=anyio.Event(), drain_s=1.0)
    assert caught.group_contains(BrokenError)
