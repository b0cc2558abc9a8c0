"""Answer for legs that are heard in another switch than their own: their frames on the way there.

A leg that somebody hears in another switch has a ghost there: a row without a port, whose frames
come over a local socket between the two processes, all of a tick in few datagrams. A frame said at
one tick is heard at the next, because both processes count the same ticks of the same clock.
"""

import struct
from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from engine.telephony.media import messages
from engine.telephony.media.g711 import FRAME, U8, Laws
from engine.telephony.media.jitter import Index
from engine.telephony.media.packets import Ints
from engine.telephony.media.taps import Frames

FRAMES_A_DATAGRAM: Final = 200
"""Frames in one datagram, 34 kB."""

GHOST: Final = np.dtype(
    [("key", "<u4"), ("row", "<u2"), ("law", "u1"), ("spare", "u1"), ("codes", "u1", (FRAME,))]
)
"""A frame on its way: which ghost it is for, by row and key, and what is said in which law."""

_TICK: Final = struct.Struct("<q")


class Outlets:
    """The legs of this switch that others hear; a tap of the core.

    Args:
        peers: How many other switches there are.
        send: Takes a peer and a datagram for it; it may be lost, and must not wait.
    """

    def __init__(self, peers: int, send: Callable[[int, bytes], None]) -> None:
        self._send = send
        self._wanted: list[dict[int, tuple[int, int]]] = [{} for _ in range(peers)]
        self._legs: list[Index] = [np.zeros(0, dtype=np.intp) for _ in range(peers)]
        self._frames: list[npt.NDArray[np.void]] = [np.zeros(0, dtype=GHOST) for _ in range(peers)]

    def perform(self, command: messages.Forward | messages.StopForward) -> None:
        """Begin or end to send a leg's frames to a peer."""
        if isinstance(command, messages.Forward):
            self._wanted[command.peer][command.leg] = (command.row, command.key)
        else:
            self._wanted[command.peer].pop(command.leg, None)
        self._arrange(command.peer)

    def listen(self, frames: Frames) -> Sequence[messages.Event]:
        """Send what was said at this tick to those who want it."""
        for peer, legs in enumerate(self._legs):
            if legs.size:
                rows = self._frames[peer]
                rows["law"] = frames.laws(legs)
                rows["codes"] = frames.said_codes(legs)
                head = _TICK.pack(frames.tick)
                for at in range(0, legs.size, FRAMES_A_DATAGRAM):
                    self._send(peer, head + rows[at : at + FRAMES_A_DATAGRAM].tobytes())
        return ()

    def release(self, leg: int) -> Sequence[messages.Event]:
        """Send nothing more of a leg."""
        for peer, wanted in enumerate(self._wanted):
            if wanted.pop(leg, None):
                self._arrange(peer)
        return ()

    def _arrange(self, peer: int) -> None:
        wanted = self._wanted[peer]
        self._legs[peer] = np.array(list(wanted), dtype=np.intp)
        self._frames[peer] = np.zeros(len(wanted), dtype=GHOST)
        if wanted:
            row, key = zip(*wanted.values(), strict=True)
            self._frames[peer]["row"], self._frames[peer]["key"] = row, key


class Inlets:
    """The ghosts of this switch.

    Args:
        legs: Most legs at once.
    """

    def __init__(self, legs: int) -> None:
        self._key: Ints = np.zeros(legs, dtype=np.int64)

    @property
    def count(self) -> int:
        """Return how many ghosts there are."""
        return int(np.count_nonzero(self._key))

    def open(self, leg: int, key: int) -> None:
        """Begin a ghost; frames with another key are those of one that had its row before."""
        self._key[leg] = key

    def release(self, leg: int) -> None:
        """End a ghost; a leg that is none is no fault."""
        self._key[leg] = 0

    def read(self, datagram: bytes) -> tuple[int, Index, Laws, U8] | None:
        """Return what a peer sent: its tick, and row, law and codes of each frame for a ghost.

        None is returned for a datagram that no switch of this version sends.
        """
        size = len(datagram) - _TICK.size
        if size < 0 or size % GHOST.itemsize:
            return None
        (tick,) = _TICK.unpack_from(datagram)
        frames = np.frombuffer(datagram, dtype=GHOST, offset=_TICK.size)
        rows = frames["row"].astype(np.intp)
        mine = (rows < self._key.size) & (frames["key"] > 0) & (frames["law"] < 2)
        mine &= self._key[np.minimum(rows, self._key.size - 1)] == frames["key"]
        law = frames["law"].astype(np.intp)
        return tick, rows[mine], law[mine], frames["codes"][mine]
