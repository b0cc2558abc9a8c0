"""The faults of the twin for virtual time."""

from random import Random

import pytest

from engine.actors.kernel.virtual import VirtualScheduler
from engine.domain.refusals import JournalError
from engine.ports import StoredFact
from engine.store import MemoryStore, StoreFaults
from tests.unit.store.makers import dnc


class _World:
    """A scheduler and the lives of one store on it."""

    def __init__(self, faults: StoreFaults | None = None) -> None:
        self.scheduler = VirtualScheduler()
        self.told: list[StoredFact] = []
        self.answers: list[JournalError | None] = []
        self.store = MemoryStore(
            self.scheduler.call_later,
            self.told.extend,
            latency_s=(0.001, 0.001),
            faults=faults,
        )

    def commit(self, number: int) -> None:
        self.store.commit([dnc(number)], self.answers.append)


@pytest.mark.parametrize(
    ("crash_s", "durable", "answered"),
    [
        pytest.param(0.0005, 0, 0, id="before it is durable"),
        pytest.param(0.0015, 1, 0, id="durable and not acknowledged"),
        pytest.param(0.0025, 1, 1, id="acknowledged"),
    ],
)
def test_a_crash_keeps_what_is_durable(crash_s: float, durable: int, answered: int) -> None:
    world = _World()
    world.commit(1)
    world.scheduler.run_until(crash_s)
    told: list[StoredFact] = []
    after = world.store.survivors(told.extend)
    world.scheduler.run_for(1.0)
    assert (len(world.answers), len(world.told)) == (answered, answered)
    assert (after.recovered.last_sequence, after.recovered.epoch) == (durable, 2)
    after.commit([dnc(2)], lambda _: None)
    world.scheduler.run_for(1.0)
    assert [stored.sequence for stored in told] == [durable + 1]


def test_a_dead_store_takes_nothing_more() -> None:
    world = _World()
    world.store.crash()
    world.commit(1)
    world.scheduler.run_for(1.0)
    assert world.answers == []
    assert world.store.log == []


def test_the_nth_group_fails_whole_and_the_next_one_works() -> None:
    world = _World(StoreFaults(failing_groups=(2,)))
    for number in range(4):
        world.commit(number)
        if number != 1:
            world.scheduler.run_for(1.0)
    failed = [isinstance(answer, JournalError) for answer in world.answers]
    assert failed == [False, True, True, False]
    assert [stored.fact for stored in world.told] == [dnc(0), dnc(3)]
    assert [stored.sequence for stored in world.told] == [1, 2]


def test_while_down_every_commit_is_refused() -> None:
    world = _World(StoreFaults(failing_groups=(1,), down_s=10.0))
    world.commit(1)
    world.scheduler.run_until(5.0)
    world.commit(2)
    world.scheduler.run_until(11.0)
    world.commit(3)
    world.scheduler.run_until(20.0)
    assert [answer is None for answer in world.answers] == [False, False, True]


def test_commits_of_one_instant_are_one_group() -> None:
    world = _World(StoreFaults(failing_groups=(1,)))
    for number in range(3):
        world.commit(number)
    world.scheduler.run_for(1.0)
    assert [answer is None for answer in world.answers] == [False] * 3


def test_latencies_come_from_the_seed_alone() -> None:
    def answered_at(seed: int) -> list[float]:
        scheduler = VirtualScheduler()
        store = MemoryStore(scheduler.call_later, lambda _: None, random=Random(seed))
        instants: list[float] = []
        for number in range(5):
            store.commit([dnc(number)], lambda _: instants.append(scheduler.now_s()))
            scheduler.run_for(1.0)
        return instants

    assert answered_at(3) == answered_at(3)
    assert answered_at(3) != answered_at(4)
