"""Answer for whose packet it is: demultiplexing, latching, and nobody else's packets.

A leg is tied to its negotiated address. Where that address is not what its packets come from (NAT),
the first source heard within the learning time is taken, but only while no other unheard leg shares
the local port, so that two calls can never be confused; the negotiated address still takes over
within that time. Then only the leg's one source is heard, until a new address is negotiated.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from engine.telephony.media.jitter import Bools, Index
from engine.telephony.media.packets import Ints, Keys

LEARN_TICKS: Final = 250
"""How long after it was connected a leg may learn its source, 5 s. [ticks]"""

DEAD_TICKS: Final = 3000
"""How long a released leg's source cannot be learnt by another, 60 s. [ticks]"""

NOBODY: Final = -1


@dataclass(frozen=True, slots=True)
class Tie:
    """What a leg may be heard from.

    Attributes:
        port: Index of its local port.
        ip: Negotiated address, 0 for none.
        udp_port: Negotiated port.
        learn_ip: Who may be learnt: -1 nobody, 0 anybody, else this address.
    """

    port: int
    ip: int
    udp_port: int
    learn_ip: int

    @property
    def key(self) -> int:
        """Return the name of the negotiated source, as ``packets.source_keys`` gives it."""
        return source_key(self.ip, self.udp_port, self.port)


def source_key(ip: int, udp_port: int, port: int) -> int:
    """Return the name of one (source address, source port, local port)."""
    return (ip << 32) | (udp_port << 16) | port


class Latch:
    """Finds the leg of each packet.

    Attributes:
        source: Name of the source each leg is locked to, 0 while unheard, shape (legs,).
    """

    def __init__(self, legs: int, ports: int) -> None:
        self.source: Keys = np.zeros(legs, dtype=np.uint64)
        self._open: Bools = np.zeros(legs, dtype=np.bool_)
        self._port: Ints = np.zeros(legs, dtype=np.int64)
        self._until: Ints = np.zeros(legs, dtype=np.int64)
        self._tie: dict[int, Tie] = {}
        self._owner: dict[int, int] = {}
        self._dead: dict[int, tuple[int, int]] = {}
        self._learnt: dict[int, int] = {}
        self._ports = ports
        self._stale = True
        self._keys: Keys = np.zeros(0, dtype=np.uint64)
        self._legs: Index = np.zeros(0, dtype=np.intp)
        self._learner: Index = np.full(ports, NOBODY, dtype=np.intp)

    def open(self, leg: int, port: int) -> None:
        """Begin a leg: until it is heard nobody else on its port can learn."""
        self._open[leg] = True
        self._port[leg] = port
        self._until[leg] = self.source[leg] = 0
        self._stale = True

    def connect(self, leg: int, tie: Tie, tick: int) -> bool:
        """Tie a leg to a negotiated address.

        Returns:
            True if that is new to the leg, which is then unheard; False if nothing changed.
        """
        if self._tie.get(leg) == tie:
            return False
        self._forget(leg, tick, leg)
        self._tie[leg] = tie
        self._until[leg] = tick + LEARN_TICKS
        if tie.ip and tie.udp_port:
            self._owner[tie.key] = leg
            self._dead.pop(tie.key, None)
        return True

    def lock(self, leg: int, key: int) -> None:
        """Take a leg's packets from one source only."""
        tie, before = self._tie[leg], int(self.source[leg])
        if before not in (0, key) and self._disown(leg, before):
            self._dead[before] = (int(self._until[leg]) + DEAD_TICKS, NOBODY)
        self.source[leg] = key
        self._owner[key] = leg
        if key == tie.key:
            self._learnt.pop(leg, None)
        else:
            self._learnt[leg] = int(self._until[leg])
        self._stale = True

    def release(self, leg: int, tick: int) -> None:
        """End a leg; what its source still sends is nobody's."""
        self._forget(leg, tick, NOBODY)
        self._tie.pop(leg, None)
        self._open[leg] = False

    def locate(self, tick: int, keys: Keys, ports: Ints, audio: Bools) -> tuple[Index, list[int]]:
        """Find the leg of each packet.

        Args:
            tick: The tick now being worked on.
            keys: Source of each packet, shape (N,).
            ports: Local port of each, shape (N,).
            audio: Which of them are RTP audio, and so may be learnt from.

        Returns:
            The leg of each, -1 for nobody's; and the legs that were first heard now.
        """
        self._expire(tick)
        legs = self._find(tick, keys)
        unknown = audio & (legs < 0)
        unknown &= self._learner[ports] >= 0
        learnt = self._learn(keys, ports, np.flatnonzero(unknown)) if unknown.any() else []
        if learnt:
            legs = self._find(tick, keys)
        changed = np.flatnonzero((legs >= 0) & (self.source[legs] != keys))
        for leg, at in zip(*np.unique(legs[changed], return_index=True), strict=True):
            self.lock(int(leg), int(keys[changed[at]]))
            learnt.append(int(leg))
        if changed.size:
            legs = np.where(self.source[legs] == keys, legs, NOBODY)
        return legs, learnt

    def candidates(self, tick: int, keys: Keys, ports: Ints) -> Index:
        """Return whose each packet can be, known source or not; -1 for nobody. Changes nothing.

        Args:
            tick: The tick now being worked on.
            keys: Source of each packet, shape (N,).
            ports: Local port of each, shape (N,).
        """
        legs = self._find(tick, keys)
        return np.where(legs >= 0, legs, self._learner[ports])

    def _find(self, tick: int, keys: Keys) -> Index:
        if self._stale:
            self._rebuild(tick)
        at = np.searchsorted(self._keys[:-1], keys)
        return np.where(self._keys[at] == keys, self._legs[at], NOBODY)

    def _learn(self, keys: Keys, ports: Ints, unknown: Index) -> list[int]:
        learnt = []
        for port in np.unique(ports[unknown]):
            leg = int(self._learner[port])
            wanted = self._tie[leg].learn_ip
            for key in dict.fromkeys(keys[unknown[ports[unknown] == port]][:8].tolist()):
                _, last = self._dead.get(key, (0, leg))
                if last == leg and wanted in (0, key >> 32):
                    self.lock(leg, key)
                    learnt.append(leg)
                    break
        return learnt

    def _rebuild(self, tick: int) -> None:
        """Sort the table and find each port's one unheard leg, if it may learn."""
        keys = np.fromiter(self._owner.keys(), dtype=np.uint64, count=len(self._owner))
        legs = np.fromiter(self._owner.values(), dtype=np.intp, count=len(self._owner))
        order = np.argsort(keys)
        self._keys = np.append(keys[order], np.uint64(0))
        self._legs = np.append(legs[order], NOBODY)
        unheard = np.flatnonzero(self._open & (self.source == 0))
        ports = self._port[unheard]
        alone = np.bincount(ports, minlength=self._ports)[ports] == 1
        able = alone & (self._until[unheard] > tick)
        self._learner[:] = NOBODY
        for leg in unheard[able].tolist():
            if self._tie[leg].learn_ip >= 0:
                self._learner[self._port[leg]] = leg
                self._learnt.setdefault(leg, int(self._until[leg]))
        self._stale = False

    def _expire(self, tick: int) -> None:
        """End learning times, and with them a negotiated address that was never the source."""
        for leg in [leg for leg, until in self._learnt.items() if until <= tick]:
            del self._learnt[leg]
            key = self._tie[leg].key
            if self.source[leg] and int(self.source[leg]) != key:
                self._disown(leg, key)
            self._stale = True
        if tick % 50 == 0 and self._dead:
            self._dead = {key: dead for key, dead in self._dead.items() if dead[0] > tick}

    def _forget(self, leg: int, tick: int, heir: int) -> None:
        """Take a leg's sources from it; for a while nobody but the heir can learn them."""
        tie = self._tie.get(leg)
        keys = {int(self.source[leg])} | ({tie.key} if tie else set())
        for key in keys:
            if self._disown(leg, key):
                self._dead[key] = (tick + DEAD_TICKS, heir)
        self.source[leg] = 0
        self._learnt.pop(leg, None)
        self._stale = True

    def _disown(self, leg: int, key: int) -> bool:
        if self._owner.get(key) != leg:
            return False
        del self._owner[key]
        return True
