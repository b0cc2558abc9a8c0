"""Telephone numbers in the form of ITU-T E.164, made at the edge and never checked again."""

import re
from typing import NewType

from engine.domain.refusals import InvalidNumberError

E164 = NewType("E164", str)

_E164 = re.compile(r"\+[1-9][0-9]{6,14}", re.ASCII)


def parse_e164(text: str) -> E164:
    """Return the number if it is in E.164 form: a plus sign and 7 to 15 digits.

    National forms need a region and belong to the import (``engine.lists``).

    Raises:
        InvalidNumberError: The text has another form (ITU-T E.164 §6.1).
    """
    if not _E164.fullmatch(text):
        raise InvalidNumberError(f"{mask(text)!r} is not in E.164 form, such as +14155550100")
    return E164(text)


def mask(number: str) -> str:
    """Return the number as logs and errors may show it: ``+1415•••0100``."""
    number = number[:24]
    if len(number) < 8:
        return "•" * len(number)
    return f"{number[:5]}•••{number[-4:]}"
