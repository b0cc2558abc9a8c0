import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from engine.actors.kernel import (
    CancelTimer,
    DeadlockError,
    Do,
    Effect,
    Fault,
    Kernel,
    Ref,
    Refuse,
    Reply,
    ReplyTo,
    Sample,
    StartTimer,
    Stop,
    Tell,
    VirtualScheduler,
)
from engine.actors.kernel.loop import LoopScheduler
from engine.actors.messages import ListSampled, SupplySampled, TrunkSampled
from engine.domain.ids import CampaignId, ListId, TrunkId
from engine.domain.refusals import DialerError, NotNowError
from tests.support.load import PATIENCE_S


@dataclass(frozen=True, slots=True)
class Say:
    """Answer with these effects."""

    effects: tuple[Effect, ...] = ()
    word: str = ""


@dataclass(frozen=True, slots=True)
class Ask:
    """A question from outside."""

    reply_to: ReplyTo[str]


class Level(Sample, frozen=True):
    """A sample that replaces an older one of its key."""

    name: str
    value: int

    @property
    def sample_key(self) -> str:
        return self.name


class Tick(Sample, frozen=True):
    """A sample of one key for all."""

    value: int


class Boom(Exception):  # noqa: N818 - what a bug raises
    pass


Message = Say | Ask | Level | Tick | str


class Echo:
    """Keeps what it heard and when; does what a message says; raises at ``boom``."""

    def __init__(self, answer: Callable[[Ask], Sequence[Effect]] | None = None) -> None:
        self.heard: list[tuple[Message, float]] = []
        self.answer = answer

    def on(self, message: Message, now_s: float) -> Sequence[Effect]:
        if message == "boom":
            raise Boom
        self.heard.append((message, now_s))
        match message:
            case Say(effects):
                return effects
            case Ask() if self.answer is not None:
                return self.answer(message)
            case _:
                return ()

    @property
    def messages(self) -> list[Message]:
        return [message for message, _ in self.heard]


class Rig:
    """A kernel in virtual time, with its faults."""

    def __init__(self, limit: int = 1000) -> None:
        self.scheduler = VirtualScheduler(100.0)
        self.faults: list[Fault] = []
        self.traced: list[tuple[str, object, float]] = []
        self.kernel = Kernel(
            self.scheduler,
            mailbox_limit=limit,
            on_fault=self.faults.append,
            trace=lambda name, message, now_s: self.traced.append((name, message, now_s)),
        )

    def echo(self, name: str = "echo") -> tuple[Ref[Message], Echo]:
        echo = Echo()
        return self.kernel.spawn(name, lambda _: echo), echo

    def run(self, duration_s: float = 0.0) -> None:
        self.scheduler.run_for(duration_s)

    def say(self, ref: Ref[Message], *effects: Effect) -> None:
        self.kernel.tell(ref, Say(effects))
        self.run()


@pytest.fixture
def rig() -> Rig:
    return Rig()


# --- messages and effects ------------------------------------------------------------------


def test_messages_are_handled_in_the_order_told(rig: Rig) -> None:
    ref, echo = rig.echo()
    for word in ("one", "two", "three"):
        rig.kernel.tell(ref, word)
    assert echo.messages == []
    rig.run()
    assert echo.messages == ["one", "two", "three"]


def test_effects_are_carried_out_in_order(rig: Rig) -> None:
    first, _ = rig.echo("first")
    second, heard = rig.echo("second")
    done: list[str] = []
    rig.kernel.register({str: lambda command, _ref, _now_s: done.append(command)})
    rig.say(first, Do("a"), Tell(second, "x"), Do("b"), Tell(second, "y"), Do("c"))
    assert done == ["a", "b", "c"]
    assert heard.messages == ["x", "y"]


def test_a_performer_learns_who_asked_and_when(rig: Rig) -> None:
    ref, _ = rig.echo()
    asked: list[tuple[object, Ref[Any], float]] = []
    rig.kernel.register({int: lambda command, by, now_s: asked.append((command, by, now_s))})
    rig.say(ref, Do(7))
    assert asked == [(7, ref, 100.0)]


def test_a_command_without_a_performer_is_a_fault_of_the_actor(rig: Rig) -> None:
    ref, _ = rig.echo()
    rig.say(ref, Do(object()))
    assert [type(fault.error) for fault in rig.faults] == [KeyError]


def test_what_is_no_effect_is_a_fault_of_the_actor(rig: Rig) -> None:
    ref, _ = rig.echo()
    rig.say(ref, "not an effect")  # type: ignore[arg-type]
    assert [type(fault.error) for fault in rig.faults] == [TypeError]


def test_a_busy_actor_lets_others_have_their_turn(rig: Rig) -> None:
    busy, busy_echo = rig.echo("busy")
    other, other_echo = rig.echo("other")
    for _ in range(1000):
        rig.kernel.tell(busy, "x")
    rig.kernel.tell(other, "y")
    rig.run()
    order = [name for name, _, _ in rig.traced]
    assert order.index("other") == 256
    assert len(busy_echo.messages) == 1000
    assert other_echo.messages == ["y"]


def test_a_message_to_an_actor_that_is_gone_is_dropped(rig: Rig) -> None:
    ref, echo = rig.echo()
    teller, _ = rig.echo("teller")
    rig.kernel.stop(ref)
    rig.kernel.tell(ref, "x")
    rig.say(teller, Tell(ref, "y"))
    assert echo.messages == []
    assert not rig.kernel.alive(ref)
    assert rig.kernel.behavior_of(ref) is None


def test_an_actor_that_stops_hears_nothing_more(rig: Rig) -> None:
    ref, echo = rig.echo()
    rig.kernel.tell(ref, Say((StartTimer("t", 1.0, "late"), Stop())))
    rig.kernel.tell(ref, "after")
    rig.run(5.0)
    assert len(echo.messages) == 1
    assert rig.faults == []


# --- timers --------------------------------------------------------------------------------


def test_a_timer_sends_its_message_after_its_delay(rig: Rig) -> None:
    ref, echo = rig.echo()
    rig.say(ref, StartTimer("t", 2.5, "due"))
    rig.run(2.4)
    assert len(echo.heard) == 1
    rig.run(0.2)
    assert echo.heard[1] == ("due", 102.5)


def test_a_cancelled_timer_is_not_delivered(rig: Rig) -> None:
    ref, echo = rig.echo()
    rig.say(ref, StartTimer("t", 1.0, "due"), CancelTimer("t"), CancelTimer("other"))
    rig.run(5.0)
    assert len(echo.heard) == 1


def test_a_timer_of_the_same_key_replaces_the_first(rig: Rig) -> None:
    ref, echo = rig.echo()
    rig.say(ref, StartTimer("t", 1.0, "first"), StartTimer("t", 2.0, "second"))
    rig.run(5.0)
    assert echo.heard[1:] == [("second", 102.0)]


@pytest.mark.parametrize(
    "effect",
    [CancelTimer("t"), StartTimer("t", 9.0, "new")],
    ids=["cancelled", "replaced"],
)
def test_a_fired_timer_that_waits_in_the_mailbox_can_still_be_cancelled(
    rig: Rig, effect: Effect
) -> None:
    ref, echo = rig.echo()
    rig.say(ref, StartTimer("t", 1.0, "due"))
    # Its message stands behind the one that cancels it.
    rig.kernel.tell(ref, Say((effect,)))
    actor = rig.kernel._actors[ref]
    rig.kernel._fire(actor, actor.timers["t"])
    rig.run(1.0)
    assert "due" not in echo.messages


def test_timers_die_with_a_restart(rig: Rig) -> None:
    made: list[Echo] = []

    def make(_now_s: float) -> Echo:
        made.append(Echo())
        return made[-1]

    ref: Ref[Message] = rig.kernel.spawn("echo", make)
    rig.say(ref, StartTimer("t", 1.0, "due"))
    rig.kernel.tell(ref, "boom")
    rig.run(5.0)
    assert made[1].heard == []


# --- faults --------------------------------------------------------------------------------


def test_a_behavior_that_raises_is_rebuilt_and_goes_on_with_its_mailbox(rig: Rig) -> None:
    made: list[Echo] = []

    def make(_now_s: float) -> Echo:
        made.append(Echo())
        return made[-1]

    ref: Ref[Message] = rig.kernel.spawn("echo", make)
    other, other_echo = rig.echo("other")
    for word in ("one", "boom", "two"):
        rig.kernel.tell(ref, word)
    rig.kernel.tell(other, "x")
    rig.run()
    assert [echo.messages for echo in made] == [["one"], ["two"]]
    assert other_echo.messages == ["x"]
    (fault,) = rig.faults
    assert (fault.ref, fault.message, type(fault.error), fault.gave_up) == (
        ref, "boom", Boom, False,
    )  # fmt: skip


def test_the_fourth_fault_within_a_minute_gives_up(rig: Rig) -> None:
    ref, _ = rig.echo()
    for _ in range(4):
        rig.kernel.tell(ref, "boom")
        rig.run(15.0)
    assert [fault.gave_up for fault in rig.faults] == [False, False, False, True]
    assert not rig.kernel.alive(ref)


def test_faults_spread_over_more_than_a_minute_are_forgiven(rig: Rig) -> None:
    ref, _ = rig.echo()
    for _ in range(12):
        rig.kernel.tell(ref, "boom")
        rig.run(20.1)
    assert rig.kernel.alive(ref)


def test_an_actor_that_cannot_be_rebuilt_is_given_up(rig: Rig) -> None:
    lives: list[int] = []

    def make(_now_s: float) -> Echo:
        if lives:
            raise NotNowError("no durable state")
        lives.append(1)
        return Echo()

    ref: Ref[Message] = rig.kernel.spawn("echo", make)
    rig.kernel.tell(ref, "boom")
    rig.run()
    assert [(fault.gave_up, type(fault.error)) for fault in rig.faults] == [(True, NotNowError)]


# --- bounded mailboxes ---------------------------------------------------------------------


def test_an_actor_that_cannot_keep_up_is_stopped_and_named() -> None:
    rig = Rig(limit=3)
    ref, _ = rig.echo("slow")
    for _ in range(4):
        rig.kernel.tell(ref, "x")
    (fault,) = rig.faults
    assert fault.gave_up
    assert "slow cannot keep up" in str(fault.error)
    assert not rig.kernel.alive(ref)


def test_in_a_full_mailbox_a_sample_replaces_the_older_one_of_its_key() -> None:
    rig = Rig(limit=3)
    ref, echo = rig.echo()
    for message in (Level("a", 1), "x", Level("b", 1), Level("b", 2), Level("a", 3)):
        rig.kernel.tell(ref, message)
    rig.run()
    assert echo.messages == [Level("a", 3), "x", Level("b", 2)]
    assert rig.faults == []


def test_samples_of_the_engine_replace_their_own_kind_of_the_same_object_only() -> None:
    lists, trunks = ListId("one"), TrunkId("one")
    assert ListSampled(lists, 1, 2).sample_key != ListSampled(ListId("two"), 1, 2).sample_key
    assert TrunkSampled(trunks, True, 1).sample_key == TrunkSampled(trunks, False, 0).sample_key
    keys = {SupplySampled(CampaignId(name), 1, 1, True).sample_key for name in ("a", "b")}
    assert keys == {"a", "b"}


def test_samples_are_all_kept_while_there_is_room() -> None:
    rig = Rig(limit=3)
    ref, echo = rig.echo()
    for value in range(3):
        rig.kernel.tell(ref, Tick(value))
    rig.run()
    assert echo.messages == [Tick(0), Tick(1), Tick(2)]


# --- questions from outside ----------------------------------------------------------------


class Caller:
    def __init__(self) -> None:
        self.got: list[tuple[str | None, str | None]] = []

    def done(self, value: str | None, error: DialerError | None) -> None:
        self.got.append((value, None if error is None else error.slug))


@pytest.mark.parametrize(
    ("answer", "got"),
    [
        pytest.param(lambda ask: [Reply(ask.reply_to, "yes")], ("yes", None), id="answered"),
        pytest.param(
            lambda ask: [Refuse(ask.reply_to, NotNowError("no"))], (None, "not-now"), id="refused"
        ),
        pytest.param(
            lambda ask: [Reply(ask.reply_to, "1"), Reply(ask.reply_to, "2")], ("1", None),
            id="only once",
        ),
    ],
)  # fmt: skip
def test_a_question_is_answered_once(
    rig: Rig, answer: Callable[[Ask], Sequence[Effect]], got: tuple[str | None, str | None]
) -> None:
    ref: Ref[Message] = rig.kernel.spawn("echo", lambda _: Echo(answer))
    caller = Caller()
    rig.kernel.request(ref, Ask, caller.done)
    rig.run()
    assert caller.got == [got]


def test_an_answer_after_the_deadline_is_dropped(rig: Rig) -> None:
    ref: Ref[Message] = rig.kernel.spawn(
        "echo", lambda _: Echo(lambda ask: [Reply(ask.reply_to, "late")])
    )
    caller = Caller()
    reply_to = rig.kernel.request(ref, Ask, caller.done)
    reply_to.close()
    rig.run()
    assert caller.got == []


def test_nobody_there_a_full_mailbox_a_fault_and_a_stop_are_refusals() -> None:
    rig = Rig(limit=2)
    caller = Caller()
    rig.kernel.request(Ref("nobody"), Ask, caller.done)
    ref, _ = rig.echo("full")
    rig.kernel.tell(ref, "x")
    rig.kernel.tell(ref, "y")
    rig.kernel.request(ref, Ask, caller.done)

    def explode(_ask: Ask) -> Sequence[Effect]:
        raise Boom

    raising: Ref[Message] = rig.kernel.spawn("raising", lambda _: Echo(explode))
    rig.kernel.request(raising, Ask, caller.done)
    rig.run()
    stopped, _ = rig.echo("stopped")
    rig.kernel.request(stopped, Ask, caller.done)
    rig.kernel.stop(stopped)
    assert [slug for _, slug in caller.got] == [
        "unavailable", "mailbox-full", "internal", "unavailable",
    ]  # fmt: skip


# --- schedulers ----------------------------------------------------------------------------


def _life(seed: int) -> list[tuple[str, object, float]]:
    """Return the trace of three actors that tell each other with delays drawn from a seed."""
    rig = Rig()
    names = ("a", "b", "c")
    refs: dict[str, Ref[str]] = {name: Ref(name) for name in names}
    state = [seed]

    class Player:
        def on(self, message: str, _now_s: float) -> Sequence[Effect]:
            state[0] = (state[0] * 1103515245 + 12345) % (1 << 31)
            whom = refs[names[state[0] % 3]]
            delay_s = (state[0] >> 8) % 100 / 100.0
            effects: list[Effect] = [Tell(whom, "ball"), StartTimer("t", delay_s, "tick")]
            return effects[state[0] >> 4 & 1 :]

    for ref in refs.values():
        rig.kernel.spawn_at(ref, lambda _: Player())
        rig.kernel.tell(ref, "start")
    for _ in range(200):
        rig.run(0.05)
        if len(rig.traced) > 5000:
            break
    return rig.traced[:5000]


def test_the_same_seed_replays_exactly() -> None:
    assert _life(7) == _life(7)
    assert _life(7) != _life(8)


def test_virtual_time_jumps_and_what_is_due_at_once_runs_in_the_order_asked() -> None:
    scheduler = VirtualScheduler(50.0)
    ran: list[tuple[str, float]] = []

    def note(word: str) -> Callable[[], None]:
        return lambda: ran.append((word, scheduler.now_s()))

    scheduler.call_later(3600.0, note("later"))
    scheduler.call_later(1.0, note("first"))
    scheduler.call_later(1.0, note("second"))
    scheduler.call_later(-1.0, note("overdue"))
    scheduler.call_later(2.0, note("never")).cancel()
    scheduler.call_soon(note("soon"))
    scheduler.run_for(7200.0)
    assert ran == [
        ("soon", 50.0), ("overdue", 50.0), ("first", 51.0), ("second", 51.0), ("later", 3650.0),
    ]  # fmt: skip
    assert scheduler.now_s() == 7250.0


def test_a_run_that_waits_for_nothing_is_a_deadlock() -> None:
    scheduler = VirtualScheduler()
    with pytest.raises(DeadlockError):
        scheduler.run_while(lambda: True)


def test_a_run_that_waits_beyond_its_limit_is_a_deadlock() -> None:
    scheduler = VirtualScheduler()
    scheduler.call_later(20.0, lambda: None)
    with pytest.raises(DeadlockError):
        scheduler.run_while(lambda: True, limit_s=10.0)


def test_a_run_stops_when_its_condition_no_longer_holds() -> None:
    scheduler = VirtualScheduler()
    ran: list[int] = []
    for number in range(5):
        scheduler.call_later(number, lambda number=number: ran.append(number))  # type: ignore[misc]
    scheduler.run_while(lambda: len(ran) < 3)
    assert ran == [0, 1, 2]


async def _on_the_loop() -> tuple[Echo, list[Fault], float]:
    scheduler = LoopScheduler(asyncio.get_running_loop())
    faults: list[Fault] = []
    kernel = Kernel(scheduler, on_fault=faults.append)
    echo, due = Echo(), asyncio.Event()
    kernel.register({str: lambda _command, _ref, _now_s: due.set()})
    ref: Ref[Message] = kernel.spawn("echo", lambda _: echo)
    never = StartTimer("n", 0.0, "never")
    kernel.tell(ref, Say((never, CancelTimer("n"), StartTimer("t", 0.001, Say((Do("due"),))))))
    await asyncio.wait_for(due.wait(), PATIENCE_S)
    return echo, faults, scheduler.wall_error_s()


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
def test_the_same_kernel_runs_on_a_real_loop(loop: str) -> None:
    factory = pytest.importorskip("uvloop").new_event_loop if loop == "uvloop" else None
    with asyncio.Runner(loop_factory=factory) as runner:
        echo, faults, wall_error_s = runner.run(_on_the_loop())
    assert [type(message) for message in echo.messages] == [Say, Say]
    assert echo.heard[1][1] >= echo.heard[0][1]
    assert faults == []
    assert abs(wall_error_s) < 5.0
