"""What the engine and a pyVoIP process say to each other: msgpack, a list of messages a datagram.

Audio is 20 ms of PCM16 at 8 kHz (320 octets) both ways. A datagram without messages is a sign of
life.
"""

from typing import Final

import msgspec

MOST_BYTES: Final = 1 << 18
"""Longest datagram. [octets]"""
MESSAGES_A_BATCH: Final = 200
"""Messages in one datagram; more make several."""


class Message(msgspec.Struct, frozen=True, array_like=True, tag=True):
    """Base of them all."""


class Begin(Message, frozen=True):
    """Register as a phone; the first message of all.

    Attributes:
        host: Host of the PBX.
        port: Its UDP port.
        username: Account.
        password: Its password.
    """

    host: str
    port: int
    username: str
    password: str

    def __repr__(self) -> str:
        return f"Begin({self.host!r}, {self.port!r}, {self.username!r}, '•••')"


class Call(Message, frozen=True):
    """Call a number; only ever one at a time, until ``Called`` or ``CallFailed``."""

    leg: str
    number: str


class Leave(Message, frozen=True):
    """End a leg: hang up, or, while it rings, as soon as it is answered."""

    leg: str


class Audio(Message, frozen=True):
    """Twenty milliseconds that a leg is to say, or that it heard."""

    leg: str
    pcm: bytes


class Retire(Message, frozen=True):
    """Make no further call; end after the last one."""


Command = Begin | Call | Leave | Audio | Retire


class Up(Message, frozen=True):
    """The phone is registered."""


class Down(Message, frozen=True):
    """The phone is not, or no longer, registered."""

    reason: str


class Called(Message, frozen=True):
    """``call()`` returned: the far end tries, or rings."""

    leg: str


class CallFailed(Message, frozen=True):
    """``call()`` raised; there is no call."""

    leg: str
    reason: str


class Answered(Message, frozen=True):
    """The far end answered."""

    leg: str


class Over(Message, frozen=True):
    """The far end ended a leg, or refused it (404 or 503: the library does not tell which)."""

    leg: str
    answered: bool


class Digit(Message, frozen=True):
    """A key was pressed (RFC 4733)."""

    leg: str
    digit: str


Event = Up | Down | Called | CallFailed | Answered | Over | Digit | Audio
