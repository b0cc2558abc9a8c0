"""How many channels of a trunk our own media switch has places for, learnt from calls in vain."""

ROOM_S = 5.0
"""After a call found no place, one channel more is tried after this time, two after as much again,
then four, until all are given. [s]"""


class Room:
    """Keeps a trunk to the channels that found a place; the carrier is not to blame."""

    __slots__ = ("_most", "_step")

    def __init__(self) -> None:
        self._most: int | None = None
        self._step = 1

    @property
    def short(self) -> bool:
        """Whether a call found no place, and not all channels have been tried since."""
        return self._most is not None

    def of(self, channels: int) -> int:
        """Return how many of a trunk's channels can be used. [channels]"""
        return channels if self._most is None else min(channels, self._most)

    def lacked(self, used: int) -> None:
        """Learn that with so many channels in use another call found no place."""
        self._most, self._step = used, 1

    def widen(self, channels: int) -> None:
        """Let more channels be tried, after a while."""
        if self._most is not None:
            self._most, self._step = self._most + self._step, 2 * self._step
            if self._most >= channels:
                self._most = None
