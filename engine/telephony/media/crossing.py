"""Answer for legs that are heard in another switch than their own: their ghosts there.

A ghost is there for as long as anybody in that switch hears the leg.
"""

import itertools
from collections.abc import Iterable, Mapping, Sequence

from engine.domain.ids import LegId
from engine.telephony.media.allocation import NoRoomError
from engine.telephony.media.client import MediaClient


class Crossing:
    """Who hears whom across switches.

    Args:
        clients: The switches.
        homes: Which of them each leg lives in; kept by the pool.
    """

    def __init__(self, clients: Sequence[MediaClient], homes: Mapping[LegId, int]) -> None:
        self._clients, self._homes = clients, homes
        self._hears: dict[LegId, tuple[LegId, ...]] = {}
        self._ghosts: dict[LegId, dict[int, set[LegId]]] = {}
        self._keys = itertools.count(1)

    @property
    def ghosts(self) -> int:
        """How many legs are heard in another switch than their own, in each of them. [ghosts]"""
        return sum(map(len, self._ghosts.values()))

    def hear(self, listener: LegId, sources: tuple[LegId, ...]) -> list[tuple[LegId, int]]:
        """Let a leg hear others from now on, none of those it heard before but these.

        Returns:
            The ghosts that might be heard by nobody now, for ``end_unheard``.
        """
        at = self._homes[listener]
        left = self._unhear(listener, at)
        self._hears[listener] = sources
        for source in sources:
            home = self._homes[source]
            if home != at:
                there = self._ghosts.setdefault(source, {})
                if at in there or self._open_ghost(source, home, at):
                    there.setdefault(at, set()).add(listener)
        return left

    def end_unheard(self, ghosts: Iterable[tuple[LegId, int]]) -> None:
        """End those of some ghosts that nobody hears."""
        for source, at in ghosts:
            there = self._ghosts.get(source, {})
            if at in there and not there[at]:
                del there[at]
                home = self._homes[source]
                self._clients[home].get(source).stop_forward(_peer(home, at))
                self._clients[at].release(source)

    def release(self, leg_id: LegId, at: int) -> None:
        """End the ghosts of a leg that is gone, and those that only it heard."""
        for there in self._ghosts.pop(leg_id, {}):
            self._clients[there].release(leg_id)
        self.end_unheard(self._unhear(leg_id, at))

    def _open_ghost(self, source: LegId, home: int, at: int) -> bool:
        """Let a leg be heard in another switch; False if every row there is in use."""
        key = next(self._keys)
        try:
            row = self._clients[at].open_ghost(source, key)
        except NoRoomError:
            return False
        self._clients[home].get(source).forward(_peer(home, at), row, key)
        return True

    def _unhear(self, listener: LegId, at: int) -> list[tuple[LegId, int]]:
        """Forget whom a leg hears; return the ghosts that might be heard by nobody now."""
        left = []
        for source in self._hears.pop(listener, ()):
            listeners = self._ghosts.get(source, {}).get(at)
            if listeners is not None:
                listeners.discard(listener)
                left.append((source, at))
        return left


def _peer(home: int, at: int) -> int:
    """Return which peer of a switch another one is: all but itself are counted from 0."""
    return at - (at > home)
