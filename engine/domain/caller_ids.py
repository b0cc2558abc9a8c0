"""Which of several numbers is nearest to the number called, and what a field of a record says."""

import re
from collections.abc import Iterable

from engine.domain.e164 import E164, parse_e164
from engine.domain.refusals import InvalidNumberError

_LONGEST_FIELD = 32
_SEPARATORS = re.compile(r"[ ().\-/]", re.ASCII)
"""What people write between digits (ITU-T E.123 §4), and nothing else."""
_TWO_DIGITS = re.compile(r"2[07]|3[0-469]|4[013-9]|5[1-8]|6[0-6]|8[1246]|9[0-58]", re.ASCII)
"""Country codes of two digits; those of zones 1 and 7 have one, all others three (ITU-T E.164)."""


def find_e164(text: str) -> E164 | None:
    """Return the number that a field of a record holds, or None if it is none in E.164 form.

    Spaces and the signs that people put between digits are passed over; national forms are not
    understood, since nothing tells their country.
    """
    if len(text) > _LONGEST_FIELD:
        return None
    try:
        return parse_e164(_SEPARATORS.sub("", text))
    except InvalidNumberError:
        return None


def country_of(number: E164) -> str:
    """Return the plus sign and country code that a number begins with (ITU-T E.164 §6.2)."""
    digits = number[1:3]
    if digits[0] in "17":
        return number[:2]
    return number[:3] if _TWO_DIGITS.fullmatch(digits) else number[:4]


class NearestNumbers:
    """Numbers, prepared to be asked for the nearest one.

    Args:
        numbers: To choose from, in the order that decides among equals.
    """

    __slots__ = ("_first", "_longest")

    def __init__(self, numbers: Iterable[E164]) -> None:
        self._first: dict[str, E164] = {}
        for number in numbers:
            for length in range(len(country_of(number)), len(number) + 1):
                self._first.setdefault(number[:length], number)
        self._longest = max(map(len, self._first), default=0)

    def find(self, called: E164) -> E164 | None:
        """Return the number of the called country that shares most leading digits, if there is one.

        At most fifteen look-ups, however many numbers there are.
        """
        shortest = len(country_of(called))
        for length in range(min(len(called), self._longest), shortest - 1, -1):
            nearest = self._first.get(called[:length])
            if nearest is not None:
                return nearest
        return None
