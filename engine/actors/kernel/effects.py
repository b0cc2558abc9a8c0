"""Effects: what a behavior wants done; the kernel carries them out in order."""

from collections.abc import Hashable
from typing import Any

import msgspec

from engine.actors.kernel.ref import Ref, ReplyTo
from engine.domain.refusals import DialerError

# Any: an effect is built by the behavior that knows the type and undone by the kernel, which
# hands the value on without looking; the constructors' callers are checked through Ref and ReplyTo.


class Tell(msgspec.Struct, frozen=True, gc=False):
    """Put a message into another actor's mailbox."""

    ref: Ref[Any]
    message: object


class Reply(msgspec.Struct, frozen=True, gc=False):
    """Answer a caller outside."""

    reply_to: ReplyTo[Any]
    value: object = None


class Refuse(msgspec.Struct, frozen=True, gc=False):
    """Refuse a caller outside."""

    reply_to: ReplyTo[Any]
    error: DialerError


class StartTimer(msgspec.Struct, frozen=True, gc=False):
    """Send the message to oneself after a delay; a timer of the same key is replaced. [s]"""

    key: Hashable
    delay_s: float
    message: object


class CancelTimer(msgspec.Struct, frozen=True, gc=False):
    """Forget the timer of this key; its message is never delivered."""

    key: Hashable


class Do(msgspec.Struct, frozen=True, gc=False):
    """Have an adapter carry out a command; its answer comes as a message."""

    command: object


class Stop(msgspec.Struct, frozen=True, gc=False):
    """End this actor: timers and waiting messages are dropped."""


Effect = Tell | Reply | Refuse | StartTimer | CancelTimer | Do | Stop


class Sample(msgspec.Struct, frozen=True):
    """A message of which only the newest counts: in a full mailbox it replaces an older one."""

    @property
    def sample_key(self) -> Hashable:
        """What it is about: samples of one type and key say the same at different times."""
        return ""
