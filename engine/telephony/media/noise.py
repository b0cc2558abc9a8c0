"""Answer for comfort noise: what is heard where nobody speaks (RFC 3389).

A far end that sends comfort noise instead of silence (payload type 13) is heard as noise of the
level it gave; its spectrum, which it may leave out (§3), is not followed. A far end that just
pauses is heard as soft noise, so that a line never sounds dead. We ourselves send G.711 without a
pause, and so neither offer nor send type 13: NAT bindings stay open, nobody takes us for gone, and
who hears nobody hears soft noise.
"""

from typing import Final

import numpy as np
import numpy.typing as npt

from engine.telephony.media.g711 import FRAME, SILENCE, U8, Law, Laws, encode
from engine.telephony.media.packets import Ints

PAYLOAD_TYPE: Final = 13
"""Payload type of comfort noise (RFC 3389 §4)."""

LOUDEST_DBOV: Final = -30
"""Louder noise is not made, whatever a far end asks for. [dBov]"""

QUIETEST_DBOV: Final = -78
"""Softer noise is silence in G.711. [dBov]"""

SOFT_DBOV: Final = -66
"""Noise where nobody gave a level, about -60 dBm0. [dBov]"""

_STEP_DB: Final = 2
_FRAMES: Final = 64
_STRIDE: Final = 29
_SEED: Final = 3389
_FULL_SCALE: Final = 32124.0
"""Overload point of µ-law as 16-bit samples: the square wave of 0 dBov (RFC 3389 §3.1)."""

_DBOV: Final = np.arange(LOUDEST_DBOV, QUIETEST_DBOV - 1, -_STEP_DB)

SILENT: Final = len(_DBOV)
"""Step of those from whom nothing has come yet: silence."""


def step_of(levels: npt.ArrayLike) -> Ints:
    """Return the step of noise levels as a packet gives them, 0 to 127. [-dBov]"""
    held = np.clip(np.asarray(levels, dtype=np.int64), -LOUDEST_DBOV, -QUIETEST_DBOV)
    return (held + LOUDEST_DBOV) // _STEP_DB


SOFT: Final = int(step_of(-SOFT_DBOV))
"""Step of soft noise."""


def _table() -> U8:
    """Return frames of noise in both laws at every step, and of silence after the last."""
    white = np.random.default_rng(_SEED).normal(size=_FRAMES * FRAME)
    dull = np.convolve(np.concatenate([white[-2:], white]), (0.25, 0.5, 0.25), mode="valid")
    dull = (dull / dull.std()).reshape(_FRAMES, FRAME)
    table = np.empty((len(Law), SILENT + 1, _FRAMES, FRAME), dtype=np.uint8)
    for law in Law:
        table[law, SILENT] = SILENCE[law]
        for step, level in enumerate(_DBOV.tolist()):
            wave = np.clip(np.rint(dull * _FULL_SCALE * 10 ** (level / 20)), -32767, 32767)
            table[law, step] = encode(wave.astype(np.int16), law)
    return table


_TABLE: Final[U8] = _table()


def frames(tick: int, rows: npt.NDArray[np.intp], steps: Ints, laws: Laws) -> U8:
    """Return what some rows sound like at a tick, each different from its neighbours.

    Args:
        tick: The tick now being worked on.
        rows: Rows of the legs, shape (N,).
        steps: Step of noise of each, shape (N,).
        laws: Law of each, shape (N,).

    Returns:
        Codes, shape (N, FRAME).
    """
    return _TABLE[laws, steps, (tick * _STRIDE + rows * (_STRIDE - 2)) % _FRAMES]


def soft_frame(tick: int) -> U8:
    """Return soft noise in µ-law for those who hear nobody, shape (FRAME,)."""
    row: U8 = _TABLE[Law.MU, SOFT, tick * _STRIDE % _FRAMES]
    return row
