"""Which numbers may be tried at all: claims, rests between attempts, do-not-call (D2, D5)."""

from collections import deque
from collections.abc import Iterable, Sequence

import numpy as np

from engine.domain.e164 import E164
from engine.domain.number_set import NumberSet

DNC = "on-dnc"
IN_USE = "number-in-use"
RESTING = "number-resting"

_LEAST_KEPT_S = 900.0


def digits_of(number: E164 | str) -> int:
    """Return an E.164 number as an integer, the form in which all questions are asked."""
    return int(number[1:])


class NumberLedger:
    """Knows every number of the engine that is under an attempt, rests, or must not be called.

    One ledger serves all lists and campaigns, so that a number written in three lists is one
    number. Attempts end by ``release``; what is never released is never called again.

    Attributes:
        removals: Grows when numbers leave the do-not-call list: who kept records back looks again.
    """

    __slots__ = ("_claimed", "_dnc", "_ended_s", "_kept_s", "_order", "removals")

    def __init__(self, dnc: Iterable[str] = ()) -> None:
        """Take the do-not-call numbers, in E.164 form."""
        self.removals = 0
        self._claimed: set[int] = set()
        self._ended_s: dict[int, float] = {}
        self._order: deque[tuple[float, int]] = deque()
        self._kept_s = _LEAST_KEPT_S
        self._dnc = NumberSet(np.fromiter((digits_of(number) for number in dnc), np.uint64))

    def claim(self, numbers: Sequence[int], gap_s: float, now_s: float) -> list[str]:
        """Claim numbers for attempts, each on its own, in order.

        Args:
            numbers: E.164 digits.
            gap_s: Least time since the last attempt on the number, whoever made it. [s]
            now_s: Now. [s since the epoch]

        Returns:
            For each an empty text (it is claimed) or the reason why not.
        """
        self._kept_s = max(self._kept_s, gap_s)
        claimed, ended_s, latest_s = self._claimed, self._ended_s, now_s - gap_s
        listed = self._dnc.contains_each(np.array(numbers, np.uint64))
        wanted = set(numbers)
        if (
            len(wanted) == len(numbers)
            and claimed.isdisjoint(wanted)
            and (not ended_s or ended_s.keys().isdisjoint(wanted))
            and not listed.any()
        ):
            claimed |= wanted
            return [""] * len(numbers)
        answers = []
        for number, on_dnc in zip(numbers, listed.tolist(), strict=True):
            if on_dnc:
                answers.append(DNC)
            elif number in claimed:
                answers.append(IN_USE)
            elif ended_s and ended_s.get(number, latest_s) > latest_s:
                answers.append(RESTING)
            else:
                claimed.add(number)
                answers.append("")
        return answers

    def refusal(self, number: int, gap_s: float, now_s: float) -> str:
        """Return why a number could not be claimed now, or an empty text; claims nothing."""
        if number in self._dnc:
            return DNC
        if number in self._claimed:
            return IN_USE
        if self._ended_s.get(number, now_s - gap_s) > now_s - gap_s:
            return RESTING
        return ""

    def hold(self, number: int) -> None:
        """Claim a number whatever stands against it: an attempt of an earlier life is open."""
        self._claimed.add(number)

    def release(self, number: int, now_s: float, dialed: bool) -> None:
        """End a claim; the number rests from now if it was dialed. An unknown claim is nothing."""
        self._claimed.discard(number)
        if dialed:
            self.note_attempt(number, now_s)

    def note_attempt(self, number: int, ended_s: float) -> None:
        """Let a number rest from the end of an attempt. [s since the epoch]"""
        self._ended_s[number] = ended_s
        self._order.append((ended_s, number))
        while self._order and self._order[0][0] < ended_s - self._kept_s:
            old_s, old = self._order.popleft()
            if self._ended_s.get(old) == old_s:
                del self._ended_s[old]

    def free_from_s(self, number: int, gap_s: float) -> float:
        """Return when a resting number may be tried again, or 0. [s since the epoch]"""
        ended_s = self._ended_s.get(number)
        return 0.0 if ended_s is None else ended_s + gap_s

    def add_dnc(self, numbers: Iterable[E164]) -> None:
        """Put numbers on the do-not-call list, from this very instant."""
        added = np.fromiter((digits_of(number) for number in numbers), np.uint64)
        self._dnc.extend(added)

    def remove_dnc(self, number: E164) -> bool:
        """Take a number off the do-not-call list; return whether it was on it."""
        removed = self._dnc.remove(digits_of(number))
        self.removals += removed
        return removed

    def on_dnc(self, number: E164) -> bool:
        """Say whether a number must not be called."""
        return digits_of(number) in self._dnc

    def dnc_numbers(self) -> list[str]:
        """Return the do-not-call list, in the order of the numbers."""
        return [f"+{number}" for number in self._dnc.to_column().tolist()]

    @property
    def dnc_count(self) -> int:
        """Numbers on the do-not-call list."""
        return len(self._dnc)

    @property
    def open_claims(self) -> int:
        """Numbers under an attempt."""
        return len(self._claimed)
