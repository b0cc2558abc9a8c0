"""The way to the journal: in order, held when it fails, and nothing wanted past what is held."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from engine.actors.kernel import Kernel, Ref, VirtualScheduler
from engine.actors.messages import Journal, Journaled
from engine.domain.facts import AnyFact, EngineStopped
from engine.domain.refusals import JournalError
from engine.runtime.outbox import RETRY_S, Outbox

DOWN = JournalError("disk full")


class Disk:
    """A store that answers when it is told to."""

    def __init__(self) -> None:
        self.waiting: list[tuple[Sequence[AnyFact], Callable[[JournalError | None], None]]] = []
        self.log: list[float] = []

    def commit(self, facts: Sequence[AnyFact], done: Callable[[JournalError | None], None]) -> None:
        self.waiting.append((facts, done))

    def answer(self, error: JournalError | None = None) -> None:
        waiting, self.waiting = self.waiting, []
        for facts, done in waiting:
            if error is None:
                self.log += [fact.at_s for fact in facts]
            done(error)


class Listener:
    """An actor that keeps what it is told."""

    def __init__(self) -> None:
        self.told: list[Journaled] = []

    def on(self, message: Journaled, _now_s: float) -> Sequence[Any]:
        self.told.append(message)
        return ()


class Rig:
    def __init__(self) -> None:
        self.scheduler = VirtualScheduler(0.0)
        kernel = Kernel(self.scheduler, on_fault=lambda fault: None)
        self.disk, self.listener = Disk(), Listener()
        self.trust: list[bool] = []
        self.sender: Ref[Journaled] = kernel.spawn("sender", lambda _: self.listener)
        self.outbox = Outbox(kernel, self.disk, self.trust.append)  # type: ignore[arg-type]

    def journal(self, number: float, token: object = None, *, keep: bool = False) -> None:
        entry = Journal((EngineStopped(at_s=number),), token, keep)
        self.outbox.journal(entry, self.sender, 0.0)

    def answer(self, error: JournalError | None = None) -> list[tuple[object, str]]:
        self.disk.answer(error)
        self.scheduler.run_for(0.0)
        told, self.listener.told = self.listener.told, []
        return [(each.token, each.error.slug if each.error else "") for each in told]


@pytest.fixture
def rig() -> Rig:
    return Rig()


def test_entries_become_durable_in_order_and_only_tokens_are_answered(rig: Rig) -> None:
    rig.journal(1, "a")
    rig.journal(2, keep=True)
    rig.journal(3, "c")
    assert rig.answer() == [("a", ""), ("c", "")]
    assert rig.disk.log == [1, 2, 3]
    assert rig.trust == []


def test_a_wanted_entry_is_refused_and_one_that_happened_is_held(rig: Rig) -> None:
    rig.journal(1, "wanted")
    rig.journal(2, "happened", keep=True)
    assert rig.answer(DOWN) == [("wanted", "journal-unwritable")]
    assert (rig.outbox.held, rig.outbox.trusted, rig.trust) == (1, False, [False])


def test_nothing_wanted_passes_what_is_held(rig: Rig) -> None:
    rig.journal(1, keep=True)
    rig.answer(DOWN)
    rig.journal(2, "wanted")
    rig.journal(3, keep=True)
    assert rig.answer() == [("wanted", "journal-unwritable")]
    assert (rig.disk.log, rig.outbox.held) == ([], 2)


def test_what_is_held_is_tried_again_in_order_until_it_is_durable(rig: Rig) -> None:
    rig.journal(1, "a", keep=True)
    rig.journal(2, "b", keep=True)
    rig.answer(DOWN)
    rig.scheduler.run_for(RETRY_S)
    assert rig.answer(DOWN) == []
    rig.scheduler.run_for(RETRY_S)
    assert rig.answer() == [("a", "")]
    assert rig.trust == [False]
    assert rig.answer() == [("b", "")]
    assert (rig.disk.log, rig.trust, rig.outbox.held) == ([1, 2], [False, True], 0)
    rig.journal(3, "c")
    assert rig.answer() == [("c", "")]


def test_who_waits_is_called_once_all_before_is_durable_and_nothing_after(rig: Rig) -> None:
    called: list[str] = []
    rig.outbox.when_durable(lambda: called.append("nothing before"))
    assert called == []
    rig.scheduler.run_for(0.0)
    rig.journal(1)
    rig.outbox.when_durable(lambda: called.append("one"))
    rig.scheduler.run_for(1.0)
    assert called == ["nothing before"]
    rig.answer()
    assert called == ["nothing before", "one"]


def test_who_waits_also_waits_for_what_is_held(rig: Rig) -> None:
    called: list[str] = []
    rig.journal(1, keep=True)
    rig.outbox.when_durable(lambda: called.append("one"))
    rig.answer(DOWN)
    assert called == []
    rig.scheduler.run_for(RETRY_S)
    rig.answer()
    assert called == ["one"]
