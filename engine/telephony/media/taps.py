"""Answer for who listens to legs without being in the call: analysis, recording, other switches.

A tap is called once a tick, when everything that is said and heard at that tick is known, and asks
for the rows it is interested in; rows that nobody asks for cost nothing.
"""

from collections.abc import Sequence
from typing import Final, Protocol

import numpy as np

from engine.telephony.media import g711, messages
from engine.telephony.media.g711 import FRAME, I16, SILENCE, U8, Laws
from engine.telephony.media.jitter import Index

_UNSENT: Final = -1
_NOBODY: Final[Index] = np.zeros(0, dtype=np.intp)
_NOTHING: Final[I16] = np.zeros((0, FRAME), dtype=np.int16)


class Frames:
    """What legs say and hear at one tick; holds until the next tick is worked.

    Args:
        legs: Most legs at once.
        laws: Law of every leg, shape (legs or more,); read anew at each question.
    """

    def __init__(self, legs: int, laws: Laws) -> None:
        self.tick = 0
        self._laws = laws
        self._place: Index = np.full(legs, _UNSENT, dtype=np.intp)
        self._audio: Index = np.full(legs, _UNSENT, dtype=np.intp)
        self._said: U8 = np.zeros((legs, FRAME), dtype=np.uint8)
        self._heard: U8 = np.zeros((0, FRAME), dtype=np.uint8)
        self._samples = _NOTHING

    def arrange(self, listeners: Index, audio: Index = _NOBODY) -> None:
        """Say whose frames the rows of ``heard`` are from now on, and those of ``samples``."""
        self._place[:] = self._audio[:] = _UNSENT
        self._place[listeners] = np.arange(listeners.size)
        self._audio[audio] = np.arange(audio.size)
        self._heard = np.zeros((0, FRAME), dtype=np.uint8)
        self._samples = _NOTHING

    def set(self, tick: int, said: U8, heard: U8, samples: I16 = _NOTHING) -> None:
        """Take a tick.

        Args:
            tick: Which it is.
            said: What every leg says, shape (legs or more, FRAME).
            heard: What listeners with phones are sent, shape (N, FRAME).
            samples: What those without phones are given, shape (M, FRAME).
        """
        self.tick, self._said, self._heard, self._samples = tick, said, heard, samples

    def laws(self, legs: Index) -> Laws:
        """Return the law in which the codes of some legs are, shape (N,)."""
        return self._laws[legs]

    def said_codes(self, legs: Index) -> U8:
        """Return what legs say in their own law, gaps covered, shape (N, FRAME)."""
        return self._said.take(legs, axis=0)

    def said(self, legs: Index) -> I16:
        """Return what legs say as samples, gaps covered, shape (N, FRAME)."""
        return g711.decode(self.said_codes(legs), self._laws[legs])

    def heard_codes(self, legs: Index) -> U8:
        """Return what is sent to legs, in their own law, shape (N, FRAME).

        That is the mix with its prompts, to the octet, or, for a leg without a phone, the samples
        it is given; silence for a leg that is sent nothing (not connected, or on hold).
        """
        place = self._place[legs]
        sent = place >= 0
        if sent.all() and self._heard.size:
            return self._heard.take(place, axis=0)
        codes = np.broadcast_to(SILENCE[self._laws[legs], np.newaxis], (legs.size, FRAME)).copy()
        if self._heard.size:
            codes[sent] = self._heard[place[sent]]
        if self._samples.size:
            given = np.flatnonzero(self._audio[legs] >= 0)
            own = self._laws[legs[given]]
            codes[given] = g711.encode_rows(self._samples[self._audio[legs[given]]], own)
        return codes

    def heard(self, legs: Index) -> I16:
        """Return what is sent to legs as samples, shape (N, FRAME)."""
        return g711.decode(self.heard_codes(legs), self._laws[legs])


class Tap(Protocol):
    """Listens to legs; pure like the core that calls it."""

    def listen(self, frames: Frames) -> Sequence[messages.Event]:
        """Take a tick's frames, and return what there is to tell the engine."""
        ...

    def release(self, leg: int) -> Sequence[messages.Event]:
        """Forget a leg that ends now; called for every leg, and before its row is cleared."""
        ...
