"""Answer for G.711: both laws by table, for whole batches of frames at once (ITU-T G.711).

A law is an index into the tables, 0 for µ-law and 1 for A-law, so a batch of legs of both laws is
decoded, transcoded or concealed with one table look-up and no branch per leg.
"""

from enum import IntEnum
from typing import Final

import numpy as np
import numpy.typing as npt

U8 = npt.NDArray[np.uint8]
I16 = npt.NDArray[np.int16]
I32 = npt.NDArray[np.int32]
Laws = npt.NDArray[np.intp]

FRAME: Final = 160
"""Samples of one frame, 20 ms at 8 kHz. [samples]"""

SAMPLES_PER_S: Final = 8000
"""Sample rate of G.711. [1/s]"""


class Law(IntEnum):
    """A law of G.711; the value is its row in every table here."""

    MU = 0
    A = 1

    @property
    def payload_type(self) -> int:
        """Return the static RTP payload type (RFC 3551 §6, table 4)."""
        return 0 if self is Law.MU else 8


def _decoded_mu() -> I16:
    code = ~np.arange(256, dtype=np.int32) & 0xFF
    magnitude = (((code & 0x0F) << 3) + 0x84 << ((code & 0x70) >> 4)) - 0x84
    return np.where(code & 0x80, -magnitude, magnitude).astype(np.int16)


def _decoded_a() -> I16:
    code = np.arange(256, dtype=np.int32) ^ 0x55
    exponent, mantissa = (code & 0x70) >> 4, (code & 0x0F) << 4
    high = mantissa + 0x108 << np.maximum(exponent - 1, 0)
    magnitude = np.where(exponent == 0, mantissa + 8, high)
    return np.where(code & 0x80, magnitude, -magnitude).astype(np.int16)


def _encoder(decoded: I16) -> U8:
    """Return the nearest code of every 16-bit sample, indexed by the sample as uint16."""
    order = np.argsort(decoded, kind="stable")
    levels = decoded[order].astype(np.int32)
    edges = (levels[1:] + levels[:-1] + 1) // 2
    samples = np.arange(65536, dtype=np.uint16).view(np.int16).astype(np.int32)
    codes: U8 = order[np.searchsorted(edges, samples, side="right")].astype(np.uint8)
    return codes


DECODED: Final[I16] = np.concatenate([_decoded_mu(), _decoded_a()])
"""Sample of `law * 256 + code`, shape (512,)."""

ENCODED: Final[tuple[U8, U8]] = (_encoder(DECODED[:256]), _encoder(DECODED[256:]))
"""Per law, the code of a sample seen as uint16, each of shape (65536,)."""


def _recoded(gain: float) -> U8:
    """Return the code in law `to` of `gain` times the code in law `at`, as (at, to, code)."""
    scaled = np.rint(DECODED.reshape(2, 256) * gain).astype(np.int16).view(np.uint16)
    return np.stack([np.stack([ENCODED[to][scaled[at]] for to in (0, 1)]) for at in (0, 1)])


TRANSCODED: Final[U8] = _recoded(1.0)
"""Code in another law, shape (2, 2, 256): from law, to law, code."""

HALVED: Final[U8] = _recoded(0.5)[(0, 1), (0, 1)].reshape(512)
"""Code of half the amplitude in the same law, at `law * 256 + code`, shape (512,)."""

SILENCE: Final[U8] = np.array([0xFF, 0xD5], dtype=np.uint8)
"""Code of the quietest sample of each law."""


def law_rows(laws: npt.ArrayLike) -> npt.NDArray[np.uint16]:
    """Return the table offset of each law as a column that broadcasts over a frame."""
    return (np.asarray(laws, dtype=np.uint16) << np.uint16(8))[..., np.newaxis]


def decode(codes: U8, laws: npt.ArrayLike) -> I16:
    """Return the samples of frames.

    Args:
        codes: G.711 codes, shape (N, samples).
        laws: Law of each frame, shape (N,), or one law for all.

    Returns:
        Samples, shape (N, samples).
    """
    return DECODED.take(codes + law_rows(laws))


def encode(samples: I16, law: int) -> U8:
    """Return the nearest codes of samples in one law, in the shape of the samples."""
    return ENCODED[law].take(samples.view(np.uint16))


def encode_rows(samples: I16, laws: Laws) -> U8:
    """Return the codes of frames, each in its own law.

    Args:
        samples: Shape (N, samples).
        laws: Law of each frame, shape (N,).
    """
    codes = encode(samples, Law.MU)
    a_law = np.flatnonzero(laws == Law.A)
    if a_law.size:
        codes[a_law] = encode(samples[a_law], Law.A)
    return codes


def saturate(total: I32) -> I16:
    """Return sums of samples held within 16 bits; a loud mix is clipped, never wrapped."""
    return np.clip(total, -32768, 32767).astype(np.int16)
