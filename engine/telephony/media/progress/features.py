"""Answer for what a frame sounds like: level, how even its spectrum is, and its strongest tones.

Everything comes from one spectrum of the last two frames (40 ms, Hann): bins of 25 Hz are narrow
enough to tell 480 from 620 Hz, and two frames are short enough for the cadence of busy tones.

The spectrum is a matrix product. Folded twice by the symmetry of sine and cosine it is four of
80 by 70, which for many legs on one thread costs a third of numpy's FFT of each.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from engine.telephony.media.g711 import FRAME, I16, SAMPLES_PER_S

F32 = npt.NDArray[np.float32]
Bools = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int32]

WINDOW: Final = 2 * FRAME
"""Samples looked at. [samples]"""

BIN_HZ: Final = SAMPLES_PER_S / WINDOW
"""Width of a bin of the spectrum. [Hz]"""

LOWEST_BIN: Final = 6
HIGHEST_BIN: Final = 146
"""The telephone's band, 150 to 3650 Hz: hum and what lies outside do not count."""

_SIDE: Final = 2
"""Bins on each side of a peak that belong to a tone (main lobe of the window)."""

_CLEAR: Final = 4
"""Bins on each side of the first peak where no second tone is looked for."""

_LOBE: Final = np.arange(2 * _SIDE + 1)

_TINY: Final = np.float32(1e-12)


@dataclass(frozen=True, slots=True)
class Features:
    """What N frames sound like.

    Attributes:
        level_db: Power in the band relative to a full-scale sine, shape (N,). [dB]
        flatness_db: Geometric over arithmetic mean of the spectrum times frequency, shape (N,);
            noise is near -3 dB whether white, pink or low, voices and music below -6 dB. [dB]
        power: Power in the band, shape (N,).
        first_hz: Frequency of the strongest tone, shape (N,). [Hz]
        first_power: Its power, shape (N,).
        second_hz: Frequency of the strongest other tone, 0 where not looked for, shape (N,). [Hz]
        second_power: Its power, shape (N,).
    """

    level_db: F32
    flatness_db: F32
    power: F32
    first_hz: F32
    first_power: F32
    second_hz: F32
    second_power: F32


def _window() -> F32:
    hann = np.hanning(WINDOW + 2)[1:-1]
    # With this scale the bins of a full-scale sine add up to about 1.
    scaled: F32 = (hann / (np.sqrt(0.375) * WINDOW / 2 * 32768)).astype(np.float32)
    return scaled


_WINDOW: Final = _window()


def _tilt() -> F32:
    """Return weights whose sum with the bins is their arithmetic mean over the geometric one."""
    hz = np.arange(LOWEST_BIN, HIGHEST_BIN) * BIN_HZ
    tilt: F32 = (hz / np.exp(np.log(hz).mean()) / hz.size).astype(np.float32)
    return tilt


_TILT: Final = _tilt()


def describe(before: I16, samples: I16) -> Features:
    """Return the features of frames.

    Args:
        before: The frame before each, shape (N, FRAME).
        samples: The frames, shape (N, FRAME).
    """
    bins = _spectrum(np.concatenate([before, samples], axis=1) * _WINDOW)
    power: F32 = bins.sum(axis=1)
    evenness = np.log10(bins).mean(axis=1) - np.log10(bins @ _TILT)
    lobes = bins[:, :-4] + bins[:, 1:-3]
    for side in (bins[:, 2:-2], bins[:, 3:-1], bins[:, 4:]):
        lobes += side
    first = lobes.argmax(axis=1)
    rows = np.arange(len(bins))
    first_power = lobes[rows, first]
    second_hz, second_power = _second(bins, lobes, first, first_power, power)
    return Features(
        level_db=np.float32(10) * np.log10(power),
        flatness_db=np.float32(10) * evenness,
        power=power,
        first_hz=_hz(bins, rows, first),
        first_power=first_power,
        second_hz=second_hz,
        second_power=second_power,
    )


def _waves() -> tuple[F32, F32, F32, F32]:
    """Return cosines and sines of the even bins, then of the odd, shape (FRAME / 2, bins / 2)."""
    at = np.arange(FRAME // 2)[:, np.newaxis] + 0.5
    even = 2 * np.pi * at * np.arange(LOWEST_BIN, HIGHEST_BIN, 2) / WINDOW
    odd = 2 * np.pi * at * np.arange(LOWEST_BIN + 1, HIGHEST_BIN, 2) / WINDOW
    waves = (np.cos(even), np.sin(even), np.cos(odd), np.sin(odd))
    first, second, third, fourth = (wave.astype(np.float32) for wave in waves)
    return first, second, third, fourth


_WAVES: Final = _waves()


def _spectrum(windowed: F32) -> F32:
    """Return the power of each bin of the band.

    With t = n - 159.5 the window's middle is 0: cosines see x(t) + x(-t), sines x(t) - x(-t). And
    by cos(πk - θ) = ±cos θ, sin(πk - θ) = ∓sin θ, even and odd bins see sums and differences of
    the half with itself turned round.
    """
    later, earlier = windowed[:, FRAME:], windowed[:, FRAME - 1 :: -1]
    whole, rest = later + earlier, later - earlier
    near, far = slice(0, FRAME // 2), slice(FRAME - 1, FRAME // 2 - 1, -1)
    quarters = (
        whole[:, near] + whole[:, far],
        rest[:, near] - rest[:, far],
        whole[:, near] - whole[:, far],
        rest[:, near] + rest[:, far],
    )
    cosines, sines, odd_cosines, odd_sines = (
        np.square(quarter @ wave) for quarter, wave in zip(quarters, _WAVES, strict=True)
    )
    bins = np.empty((len(windowed), HIGHEST_BIN - LOWEST_BIN), dtype=np.float32)
    bins[:, 0::2] = cosines + sines
    bins[:, 1::2] = odd_cosines + odd_sines
    bins += _TINY
    return bins


def _second(
    bins: F32, lobes: F32, first: npt.NDArray[np.intp], first_power: F32, power: F32
) -> tuple[F32, F32]:
    """Find the second tone, only where one could explain what the first leaves over."""
    hz, found = np.zeros_like(power), np.zeros_like(power)
    share = first_power / power
    rows = np.flatnonzero((share > 0.35) & (share < 0.95))
    if rows.size:
        some = lobes[rows]
        far = np.abs(np.arange(some.shape[1]) - first[rows, np.newaxis]) > _CLEAR
        some *= far
        at = some.argmax(axis=1)
        found[rows] = some[np.arange(rows.size), at]
        hz[rows] = _hz(bins, rows, at)
    return hz, found


def _hz(bins: F32, rows: npt.NDArray[np.intp], at: npt.NDArray[np.intp]) -> F32:
    """Return the centre of power of the five bins of a peak. [Hz]"""
    places = (rows * bins.shape[1] + at)[:, np.newaxis] + _LOBE
    around = bins.ravel().take(places)
    offset = around @ _LOBE.astype(np.float32) / around.sum(axis=1)
    centre: F32 = ((LOWEST_BIN + at + offset) * np.float32(BIN_HZ)).astype(np.float32)
    return centre
