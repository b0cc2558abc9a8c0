"""The dispatcher: mailboxes, bursts, timers, effects and supervision, on one scheduler."""

from collections import deque
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from engine.actors.kernel.effects import (
    CancelTimer,
    Do,
    Effect,
    Refuse,
    Reply,
    Sample,
    StartTimer,
    Stop,
    Tell,
)
from engine.actors.kernel.ref import Ref, ReplyTo
from engine.actors.kernel.scheduler import Scheduler, TimerHandle
from engine.domain.refusals import DialerError, MailboxFullError, UnavailableError

M = TypeVar("M")
R = TypeVar("R")
M_contra = TypeVar("M_contra", contravariant=True)

BURST = 256
"""Messages one actor may take in a row before others have their turn."""
MAX_RESTARTS = 3
RESTART_WINDOW_S = 60.0


class Behavior(Protocol[M_contra]):
    """Decides: takes a message and the time, returns effects, does nothing itself."""

    def on(self, message: M_contra, now_s: float, /) -> Sequence[Effect]:
        """Answer one message."""
        ...


# Any: the table maps each command type to its performer, which the registering code pairs rightly.
Performer = Callable[[Any, Ref[Any], float], None]


@dataclass(frozen=True, slots=True)
class Fault:
    """A behavior raised, or its mailbox overflowed.

    Attributes:
        ref: The actor.
        message: What it was handling, if anything.
        error: What it raised.
        gave_up: Whether the actor is not restarted any more.
    """

    ref: Ref[Any]
    message: object
    error: Exception
    gave_up: bool


class _Timer:
    __slots__ = ("handle", "key", "message")

    def __init__(self, key: Hashable, message: object) -> None:
        self.key = key
        self.message = message
        self.handle: TimerHandle | None = None


class _Actor:
    """What the kernel knows of one actor."""

    __slots__ = ("behavior", "mailbox", "make", "ref", "restarts", "scheduled", "timers")

    def __init__(self, ref: Ref[Any], make: Callable[[float], Behavior[Any]], now_s: float) -> None:
        self.ref = ref
        self.make = make
        self.behavior = make(now_s)
        self.mailbox: deque[object] = deque()
        self.scheduled = False
        self.timers: dict[Hashable, _Timer] = {}
        self.restarts: deque[float] = deque(maxlen=MAX_RESTARTS)


class Kernel:
    """Runs actors: a deque of ready ones, a flag per actor, one ``call_soon`` per burst.

    Args:
        scheduler: Time, real or virtual.
        mailbox_limit: Messages that may wait for one actor.
        on_fault: Told of each fault, after the actor was restarted or given up.
        trace: Told of each message before it is handled (for replay checks); None: nobody.
    """

    def __init__(
        self,
        scheduler: Scheduler,
        *,
        mailbox_limit: int = 10_000,
        on_fault: Callable[[Fault], None],
        trace: Callable[[str, object, float], None] | None = None,
    ) -> None:
        self.scheduler = scheduler
        self._limit = mailbox_limit
        self._on_fault = on_fault
        self._trace = trace
        self._actors: dict[Ref[Any], _Actor] = {}
        self._ready: deque[_Actor] = deque()
        self._running = False
        self._performers: dict[type, Performer] = {}

    def register(self, performers: Mapping[type, Performer]) -> None:
        """Say who carries out which commands of ``Do``, by the command's type."""
        self._performers.update(performers)

    def spawn(self, name: str, make: Callable[[float], Behavior[M]]) -> Ref[M]:
        """Start an actor.

        Args:
            name: For logs.
            make: Builds its behavior from durable state; called again after a fault.
        """
        ref: Ref[M] = Ref(name)
        self.spawn_at(ref, make)
        return ref

    def spawn_at(self, ref: Ref[M], make: Callable[[float], Behavior[M]]) -> None:
        """Start an actor at an address made before, so that others can know it first."""
        self._actors[ref] = _Actor(ref, make, self.scheduler.now_s())

    def stop(self, ref: Ref[Any]) -> None:
        """End an actor: its timers and waiting messages are dropped."""
        actor = self._actors.pop(ref, None)
        if actor is not None:
            self._clear(actor)

    def alive(self, ref: Ref[Any]) -> bool:
        """Say whether the actor runs."""
        return ref in self._actors

    def behavior_of(self, ref: Ref[Any]) -> Behavior[Any] | None:
        """Return the behavior at an address, for inspection by tests and checkers only."""
        actor = self._actors.get(ref)
        return actor.behavior if actor else None

    def tell(self, ref: Ref[M], message: M) -> None:
        """Put a message into a mailbox; to an actor that is gone it is dropped.

        Adapters and actors use it. A full mailbox drops an older sample, or ends the actor.
        """
        actor = self._actors.get(ref)
        if actor is not None:
            self._put(actor, message)

    def request(
        self,
        ref: Ref[M],
        make: Callable[[ReplyTo[R]], M],
        done: Callable[[R | None, DialerError | None], None],
    ) -> ReplyTo[R]:
        """Ask from outside; ``done`` gets the answer or the refusal, once.

        Args:
            ref: Whom to ask.
            make: Builds the message around the place of the answer.
            done: Called with (answer, None) or (None, refusal).

        Returns:
            The place of the answer; close it when the deadline has passed.
        """
        reply_to: ReplyTo[R] = ReplyTo(done)
        actor = self._actors.get(ref)
        if actor is None:
            reply_to.resolve(None, UnavailableError(f"{ref.name} is not running"))
        elif len(actor.mailbox) >= self._limit:
            reply_to.resolve(
                None, MailboxFullError(f"{ref.name} has {self._limit} messages waiting")
            )
        else:
            self._put(actor, make(reply_to))
        return reply_to

    def _put(self, actor: _Actor, message: object) -> None:
        mailbox = actor.mailbox
        if len(mailbox) >= self._limit and not self._make_room(actor, message):
            return
        mailbox.append(message)
        if not actor.scheduled:
            actor.scheduled = True
            self._ready.append(actor)
            if not self._running:
                self._running = True
                self.scheduler.call_soon(self._burst)

    def _make_room(self, actor: _Actor, message: object) -> bool:
        """Replace an older sample of the same key, or end the overflowing actor."""
        if isinstance(message, Sample):
            for place, waiting in enumerate(actor.mailbox):
                if type(waiting) is type(message) and waiting.sample_key == message.sample_key:
                    actor.mailbox[place] = message
                    return False
        self._give_up(actor, message, MailboxFullError(f"{actor.ref.name} cannot keep up"))
        return False

    def _burst(self) -> None:
        ready = self._ready
        now_s = self.scheduler.now_s()
        for _ in range(len(ready)):
            self._turn(ready.popleft(), now_s)
        if ready:
            self.scheduler.call_soon(self._burst)
        else:
            self._running = False

    def _turn(self, actor: _Actor, now_s: float) -> None:
        mailbox = actor.mailbox
        on = actor.behavior.on
        carry_out = self._carry_out
        trace = self._trace
        left = BURST
        while mailbox and left:
            left -= 1
            message = mailbox.popleft()
            if type(message) is _Timer:
                if actor.timers.get(message.key) is not message:
                    continue
                del actor.timers[message.key]
                message = message.message
            if trace is not None:
                trace(actor.ref.name, message, now_s)
            try:
                effects = on(message, now_s)
                if effects:
                    carry_out(actor, effects, now_s)
            except Exception as error:  # noqa: BLE001 - a bug must stop this actor alone
                self._restart(actor, message, error)
                break
        if mailbox:
            self._ready.append(actor)
        else:
            actor.scheduled = False

    def _carry_out(self, actor: _Actor, effects: Sequence[Effect], now_s: float) -> None:
        actors, limit = self._actors, self._limit
        for effect in effects:
            kind = type(effect)
            if kind is Tell:
                receiver = actors.get(effect.ref)  # type: ignore[union-attr]
                if receiver is None:
                    continue
                # As ``_put``, in place: within a burst the next one is on its way already.
                if len(receiver.mailbox) >= limit:
                    self._put(receiver, effect.message)  # type: ignore[union-attr]
                    continue
                receiver.mailbox.append(effect.message)  # type: ignore[union-attr]
                if not receiver.scheduled:
                    receiver.scheduled = True
                    self._ready.append(receiver)
            elif kind is Do:
                command = effect.command  # type: ignore[union-attr]
                self._performers[type(command)](command, actor.ref, now_s)
            else:
                self._carry_out_other(actor, effect)

    def _carry_out_other(self, actor: _Actor, effect: Effect) -> None:
        match effect:
            case StartTimer(key, delay_s, message):
                self._start_timer(actor, key, delay_s, message)
            case CancelTimer(key):
                self._cancel_timer(actor, key)
            case Reply(reply_to, value):
                reply_to.resolve(value, None)
            case Refuse(reply_to, error):
                reply_to.resolve(None, error)
            case Stop():
                self.stop(actor.ref)
            case _:
                raise TypeError(f"{actor.ref.name} returned {effect!r}, which is no effect")

    def _start_timer(self, actor: _Actor, key: Hashable, delay_s: float, message: object) -> None:
        self._cancel_timer(actor, key)
        timer = _Timer(key, message)
        timer.handle = self.scheduler.call_later(delay_s, lambda: self._fire(actor, timer))
        actor.timers[key] = timer

    def _fire(self, actor: _Actor, timer: _Timer) -> None:
        # The timer itself is the message: if it is cancelled while it waits, it is not delivered.
        self._put(actor, timer)

    def _cancel_timer(self, actor: _Actor, key: Hashable) -> None:
        timer = actor.timers.pop(key, None)
        if timer is not None and timer.handle is not None:
            timer.handle.cancel()

    def _clear(self, actor: _Actor) -> None:
        for key in list(actor.timers):
            self._cancel_timer(actor, key)
        for message in actor.mailbox:
            _refuse(message, UnavailableError(f"{actor.ref.name} stopped"))
        actor.mailbox.clear()

    def _restart(self, actor: _Actor, message: object, error: Exception) -> None:
        """Rebuild a behavior that raised, or give it up when it does so too often."""
        now_s = self.scheduler.now_s()
        _refuse(message, UnavailableError(f"{actor.ref.name} failed", slug="internal"))
        often = (
            len(actor.restarts) == MAX_RESTARTS and now_s - actor.restarts[0] <= RESTART_WINDOW_S
        )
        if often:
            self._give_up(actor, message, error)
            return
        actor.restarts.append(now_s)
        for key in list(actor.timers):
            self._cancel_timer(actor, key)
        try:
            actor.behavior = actor.make(now_s)
        except Exception as again:  # noqa: BLE001 - it cannot be rebuilt either
            self._give_up(actor, message, again)
            return
        self._on_fault(Fault(actor.ref, message, error, gave_up=False))

    def _give_up(self, actor: _Actor, message: object, error: Exception) -> None:
        self.stop(actor.ref)
        self._on_fault(Fault(actor.ref, message, error, gave_up=True))


def _refuse(message: object, error: DialerError) -> None:
    """Tell whoever waits for the answer to a message that there will be none."""
    reply_to = getattr(message, "reply_to", None)
    if isinstance(reply_to, ReplyTo):
        reply_to.resolve(None, error)
