"""Answer for which signals the network and machines mean by their tones."""

from typing import Final

import numpy as np

from engine.telephony.media.progress.features import F32, Bools
from engine.telephony.media.progress.tones import SURE_FRAMES, Tones

FRAME_S: Final = 0.02

CALLING_HZ: Final = (1062.0, 1138.0)
"""Fax calling tone, CNG (ITU-T T.30 §4.2: 1100 ± 38 Hz, 0.5 s every 3 s). [Hz]"""
CALLING_FRAMES: Final = 17

ANSWER_HZ: Final = (2080.0, 2120.0)
"""Fax and modem answer tone, CED and ANSam (ITU-T T.30 §4.3.3.2, V.8: 2100 ± 15 Hz). [Hz]"""
ANSWER_FRAMES: Final = 22

SIT_HZ: Final = ((895.0, 1005.0), (1345.0, 1455.0), (1745.0, 1855.0))
"""Special information tones in their order: ITU-T E.180 §7, 950, 1400, 1800 ± 50 Hz. [Hz]"""
SIT_FRAMES: Final = (10.5, 22.5)
"""Length of each of the first two: 330 ± 70 ms, and the edges of frames. [frames]"""
SIT_GAP: Final = 4
SIT_SURE: Final = 8
"""Length of the third at which the three are sure. [frames]"""
CODED_HZ: Final = 1788.0
"""A third tone below is 1776.7 Hz, and the second's length a code (Telcordia GR-1162): short for
vacant code and intercept, long for reorder and no circuit. [Hz]"""
LONG_FRAMES: Final = 16.4

BUSY_LOW_HZ: Final = (385.0, 500.0)
"""Busy and congestion: 400, 425, 440, 450, or the lower of 480 + 620 Hz (E.180 Suppl. 2). [Hz]"""
BUSY_HIGH_HZ: Final = (600.0, 640.0)
BUSY_FRAMES: Final = (9.0, 36.0)
"""On and off, each 0.2 to 0.7 s. [frames]"""
BUSY_SLACK: Final = 4

BEEP_HZ: Final = (300.0, 2600.0)
"""Any single tone of a machine. [Hz]"""
BEEP_FRAMES: Final = 6
SHORT_TONE: Final = 3
"""A tone of so many frames may become a signal. [frames]"""
LONGEST_BEEP: Final = 100
"""A tone of 2 s is no beep but a dial tone. [frames]"""


def is_calling(tones: Tones, count: int) -> Bools:
    """Say where a fax calls, shape (count,)."""
    return _single(tones, count, CALLING_HZ, CALLING_FRAMES)


def is_answering(tones: Tones, count: int) -> Bools:
    """Say where a fax or modem answers, shape (count,)."""
    return _single(tones, count, ANSWER_HZ, ANSWER_FRAMES)


def is_beep(tones: Tones, count: int) -> Bools:
    """Say where a single tone sounds that may be a machine's, shape (count,)."""
    return _single(tones, count, BEEP_HZ, BEEP_FRAMES)


def was_beep(tones: Tones, count: int) -> Bools:
    """Say where the last tone that ended may have been a machine's, shape (count,)."""
    last = tones.past[:count, 0]
    beep: Bools = (last[:, 2] >= BEEP_FRAMES) & (last[:, 2] <= LONGEST_BEEP)
    beep &= (last[:, 1] == 0) & _within(last[:, 0], BEEP_HZ)
    return beep


def is_steady(tones: Tones, count: int) -> Bools:
    """Say where a tone is sure, and so is not speech, shape (count,)."""
    steady: Bools = tones.length[:count] >= SURE_FRAMES
    return steady


def special_information(tones: Tones, count: int) -> tuple[Bools, Bools]:
    """Say where special information tones are heard, and where they mean congestion.

    Returns:
        Shape (count,) each; the second is a part of the first.
    """
    third = tones.length[:count]
    sure: Bools = (third == SIT_SURE) & (tones.high_hz[:count] == 0)
    sure &= _within(tones.low_hz[:count], SIT_HZ[2]) & (tones.gap[:count] <= SIT_GAP)
    if not sure.any():
        return sure, sure
    second, first = tones.past[:count, 0], tones.past[:count, 1]
    for part, hz in ((second, SIT_HZ[1]), (first, SIT_HZ[0])):
        sure &= _within(part[:, 0], hz) & (part[:, 1] == 0) & _within(part[:, 2], SIT_FRAMES)
    sure &= second[:, 3] <= SIT_GAP
    coded = (tones.low_hz[:count] < CODED_HZ) & (second[:, 2] > LONG_FRAMES)
    return sure, sure & coded


def is_busy(tones: Tones, count: int, ended: Bools) -> Bools:
    """Say where the second of two equal bursts ended, shape (count,).

    Args:
        tones: The tones.
        count: Legs, in the first slots.
        ended: Where a segment just ended, shape (count,).
    """
    if not ended.any():
        return ended
    last, before = tones.past[:count, 0], tones.past[:count, 1]
    pair = (last[:, 1] == 0) | _within(last[:, 1], BUSY_HIGH_HZ)
    same = np.abs(last[:, :2] - before[:, :2]).max(axis=1) < 20
    regular = np.abs(last[:, 2] - last[:, 3]) <= BUSY_SLACK
    # The first burst may have begun before the answer.
    regular &= before[:, 2] <= last[:, 2] + BUSY_SLACK
    busy: Bools = ended & _within(last[:, 0], BUSY_LOW_HZ) & pair & same & regular
    return busy & _within(last[:, 2], BUSY_FRAMES) & _within(last[:, 3], BUSY_FRAMES)


def _single(tones: Tones, count: int, hz: tuple[float, float], frames: int) -> Bools:
    long: Bools = (tones.length[:count] >= frames) & (tones.high_hz[:count] == 0)
    return long & _within(tones.low_hz[:count], hz)


def _within(values: F32, limits: tuple[float, float]) -> Bools:
    inside: Bools = (values >= limits[0]) & (values <= limits[1])
    return inside
