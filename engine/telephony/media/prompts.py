"""Answer for prompts: read and encoded once, then shared by every leg that hears them."""

import struct
from pathlib import Path
from typing import Final

import numpy as np

from engine.telephony.media import g711, tones
from engine.telephony.media.g711 import FRAME, I16, SAMPLES_PER_S, U8, Law
from engine.telephony.media.jitter import Index

TONE_PREFIX: Final = "tone:"
"""A prompt named ``tone:HZ:DBM0`` is that sine."""

MOST_FRAMES: Final = 180_000
"""All prompts of a switch together, one hour. [frames]"""

MOST_FILE_BYTES: Final = 16 * 1024 * 1024

_PCM, _A_LAW, _MU_LAW, _EXTENSIBLE = 1, 6, 7, 0xFFFE


class PromptError(ValueError):
    """A prompt that cannot be played; the message says why and what would do."""


def tone_name(hz: float, level_dbm0: float) -> str:
    """Return the prompt name of a sine, rounded to whole hertz and decibels."""
    return f"{TONE_PREFIX}{round(hz)}:{round(level_dbm0)}"


def load_prompt(name: str) -> I16:
    """Return a prompt's frames, shape (frames, FRAME).

    Args:
        name: A built-in name, ``tone:HZ:DBM0``, or the path of a WAV file.

    Raises:
        PromptError: It is none of these, or not mono at 8 kHz in 16-bit PCM or G.711.
    """
    if name in tones.BUILT_IN:
        return tones.BUILT_IN[name]()
    if name.startswith(TONE_PREFIX):
        return _tone(name)
    try:
        if not Path(name).is_file():
            raise PromptError("there is no such file")
        with Path(name).open("rb") as file:
            content = file.read(MOST_FILE_BYTES + 1)
    except OSError as error:
        raise PromptError(f"cannot be read: {error.strerror}") from error
    if len(content) > MOST_FILE_BYTES:
        raise PromptError(f"longer than {MOST_FILE_BYTES} bytes")
    return parse_wav(content)


def _tone(name: str) -> I16:
    try:
        hz, level = (int(part) for part in name.removeprefix(TONE_PREFIX).split(":"))
    except ValueError as error:
        raise PromptError("not tone:HZ:DBM0") from error
    if not (0 < hz < SAMPLES_PER_S // 2 and -90 <= level <= 3):
        raise PromptError("outside 1-3999 Hz or -90-3 dBm0")
    return tones.tone(hz, level)


def parse_wav(content: bytes) -> I16:
    """Return the frames of a WAV file: mono, 8 kHz, 16-bit PCM or G.711 of either law.

    Raises:
        PromptError: It is something else.
    """
    if content[:4] != b"RIFF" or content[8:12] != b"WAVE":
        raise PromptError("not a WAV file")
    chunks = _chunks(content)
    if len(chunks.get(b"fmt ", b"")) < 16 or b"data" not in chunks:
        raise PromptError("a WAV file without format or data")
    kind, channels, rate, _, _, bits = struct.unpack_from("<HHIIHH", chunks[b"fmt "])
    if kind == _EXTENSIBLE and len(chunks[b"fmt "]) >= 26:
        kind = struct.unpack_from("<H", chunks[b"fmt "], 24)[0]
    if channels != 1 or rate != SAMPLES_PER_S:
        raise PromptError(f"a WAV file of {channels} channel(s) at {rate} Hz; give mono at 8000 Hz")
    return tones.as_frames(_samples(kind, bits, chunks[b"data"]))


def _chunks(content: bytes) -> dict[bytes, bytes]:
    chunks: dict[bytes, bytes] = {}
    at = 12
    while at + 8 <= len(content):
        name, size = content[at : at + 4], int.from_bytes(content[at + 4 : at + 8], "little")
        chunks.setdefault(name, content[at + 8 : at + 8 + size])
        at += 8 + size + (size & 1)
    return chunks


def _samples(kind: int, bits: int, data: bytes) -> I16:
    if kind == _PCM and bits == 16:
        return np.frombuffer(data[: len(data) & ~1], dtype="<i2").astype(np.int16)
    if kind in (_A_LAW, _MU_LAW) and bits == 8:
        law = Law.A if kind == _A_LAW else Law.MU
        return g711.decode(np.frombuffer(data, dtype=np.uint8), law).reshape(-1)
    raise PromptError(f"a WAV file of format {kind} with {bits} bits; give 16-bit PCM or G.711")


class PromptBank:
    """Every prompt's frames one after another, as samples and in both laws."""

    def __init__(self, frames: int = 4096) -> None:
        self._pcm: I16 = np.empty((frames, FRAME), dtype=np.int16)
        self._codes: U8 = np.empty((2, frames, FRAME), dtype=np.uint8)
        self._places: dict[str, tuple[int, int]] = {}
        self._used = 0

    def find(self, name: str) -> tuple[int, int] | None:
        """Return the first frame and the count of frames of a prompt, None if not yet there."""
        return self._places.get(name)

    def add(self, name: str, frames: I16) -> tuple[int, int]:
        """Keep a prompt and return its place.

        Raises:
            PromptError: There is no room for it.
        """
        end = self._used + len(frames)
        if end > MOST_FRAMES:
            raise PromptError(f"no room for prompt {name!r}: {MOST_FRAMES} frames are in use")
        if end > len(self._pcm):
            self._grow(max(end, 2 * len(self._pcm)))
        self._pcm[self._used : end] = frames
        for law in Law:
            self._codes[law, self._used : end] = g711.encode(frames, law)
        place = self._places[name] = (self._used, len(frames))
        self._used = end
        return place

    def samples(self, frames: Index) -> I16:
        """Return frames by their place, shape (N, FRAME)."""
        return self._pcm.take(frames, axis=0)

    def codes(self, frames: Index, laws: Index) -> U8:
        """Return frames by their place, each in a law, shape (N, FRAME)."""
        return self._codes[laws, frames]

    def _grow(self, frames: int) -> None:
        pcm = np.empty((frames, FRAME), dtype=np.int16)
        codes = np.empty((2, frames, FRAME), dtype=np.uint8)
        pcm[: self._used] = self._pcm[: self._used]
        codes[:, : self._used] = self._codes[:, : self._used]
        self._pcm, self._codes = pcm, codes
