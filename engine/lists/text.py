"""Text from list files, made harmless: what people typed never becomes protocol (X7)."""

import re

_BIDI = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
_CONTROLS = "".join(map(chr, (*range(0x20), *range(0x7F, 0xA0)))) + "\u2028\u2029\ufeff" + _BIDI
_SPACES = "\t\r\n\x0b\x0c\x85\u2028\u2029"
_TABLE = {ord(char): " " if char in _SPACES else None for char in _CONTROLS}
_HARMFUL = re.compile(f"[{re.escape(_CONTROLS)}]")


def clean(text: str) -> str:
    """Return text without control and direction marks, line ends as spaces, ends trimmed."""
    if _HARMFUL.search(text):
        text = text.translate(_TABLE)
    return text.strip()
