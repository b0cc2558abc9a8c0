"""Answer for what the engine and its recorder say to each other: msgpack, a message a datagram."""

from typing import Final

import msgspec


class _Message(msgspec.Struct, frozen=True, array_like=True, tag=True):
    """A tagged array."""


class Open(_Message, frozen=True):
    """A recording begins.

    Attributes:
        key: What its frames carry; keys grow.
        recording_id: Its name.
        started_s: When it began. [s since the epoch]
        first_tick: The same as a tick of the switch.
        notes: Written into it.
        end_tick: When it ended, if it has by now, else -1.
    """

    key: int
    recording_id: str
    started_s: float
    first_tick: int
    notes: dict[str, str]
    end_tick: int = -1


class Close(_Message, frozen=True):
    """A recording ends."""

    key: int
    end_tick: int


class Begin(_Message, frozen=True):
    """First words to a process: keys up to this one are known, and those that follow are open."""

    last_key: int
    opened: list[Open]


class Finish(_Message, frozen=True):
    """Complete what earlier lives left: what is known by name, and what is found."""

    recording_ids: list[str]


Command = Begin | Open | Close | Finish


class Ended(_Message, frozen=True):
    """A recording is complete.

    Attributes:
        key: Its key; 0: it was an earlier life's.
        recording_id: Its name.
        length_s: Its length. [s]
        lost_s: How much of it was not kept. [s]
        octets: Size of its file, 0 without one.
        sha256: Of the file, in hex; empty without one.
        file_name: Name of the file within the folder; empty without one.
        notes: What was written into it.
    """

    key: int
    recording_id: str
    length_s: float
    lost_s: float
    octets: int
    sha256: str
    file_name: str
    notes: dict[str, str]


class Failed(_Message, frozen=True):
    """Nothing can be recorded now."""

    reason: str


class Restored(_Message, frozen=True):
    """Recording works again."""


class Alive(_Message, frozen=True):
    """A sign of life.

    Attributes:
        open: Recordings that go on.
        lost_ticks: Ticks for which the rings had no room, since the start.
        cpu_s: Processor time used. [s]
        leg_ticks: Frames of legs taken.
    """

    open: int
    lost_ticks: int
    cpu_s: float
    leg_ticks: int


Event = Ended | Failed | Restored | Alive

MOST_BYTES: Final = 65_536
"""Largest datagram either way; what is open goes in parts. [octets]"""
