"""Answer for the sounds we make ourselves: tones, ringback, music on hold, beep, comfort noise."""

from typing import Final

import numpy as np
import numpy.typing as npt

from engine.telephony.media.g711 import FRAME, I16, SAMPLES_PER_S

Wave = npt.NDArray[np.float64]

FULL_SCALE_DBM0: Final = 3.17
"""Level of the loudest sine that µ-law can carry (ITU-T G.711 §4). [dBm0]"""

_NOISE_SEED: Final = 711

_CHORDS_HZ: Final = (
    (220.0, 261.6, 329.6, 392.0),
    (174.6, 220.0, 261.6, 329.6),
    (196.0, 246.9, 293.7, 392.0),
    (164.8, 196.0, 246.9, 293.7),
)


def amplitude(level_dbm0: float) -> float:
    """Return the peak of a sine at a level. [16-bit samples]"""
    return float(32124 * 10 ** ((level_dbm0 - FULL_SCALE_DBM0) / 20))


def sine(hz: float, seconds: float, level_dbm0: float) -> Wave:
    """Return a sine that begins at zero."""
    time_s = np.arange(round(seconds * SAMPLES_PER_S)) / SAMPLES_PER_S
    wave: Wave = amplitude(level_dbm0) * np.sin(2 * np.pi * hz * time_s)
    return wave


def as_frames(wave: npt.ArrayLike) -> I16:
    """Return samples as frames of 20 ms, shape (frames, FRAME); the last is filled with silence."""
    samples = np.clip(np.rint(np.asarray(wave, dtype=np.float64)), -32768, 32767).astype(np.int16)
    count = max(1, -(-samples.size // FRAME))
    frames = np.zeros(count * FRAME, dtype=np.int16)
    frames[: samples.size] = samples
    return frames.reshape(count, FRAME)


def tone(hz: int, level_dbm0: float) -> I16:
    """Return one second of a sine of whole hertz: it repeats without a seam."""
    return as_frames(sine(hz, 1.0, level_dbm0))


def silence() -> I16:
    """Return one second of nothing."""
    return np.zeros((SAMPLES_PER_S // FRAME, FRAME), dtype=np.int16)


def ringback() -> I16:
    """Return one cadence of the North American ringing tone: 440 + 480 Hz, 2 s on, 4 s off."""
    on = sine(440, 2.0, -19) + sine(480, 2.0, -19)
    return as_frames(np.concatenate([on, np.zeros(4 * SAMPLES_PER_S)]))


def beep() -> I16:
    """Return the tone after which a message is left: 1 kHz for 0.5 s, with soft edges."""
    wave = sine(1000, 0.5, -13)
    edge = np.minimum(1.0, np.arange(wave.size) / 80)
    return as_frames(wave * edge * edge[::-1])


def comfort_noise() -> I16:
    """Return 4 s of soft noise, about -60 dBm0, the same on every machine."""
    noise = np.random.default_rng(_NOISE_SEED).normal(size=4 * SAMPLES_PER_S)
    smooth = np.convolve(np.concatenate([noise[-7:], noise]), np.ones(8) / 8, mode="valid")
    return as_frames(smooth / smooth.std() * amplitude(-60) / np.sqrt(2))


def hold_music() -> I16:
    """Return 16 s of soft chords that fade into each other; it repeats without a click."""
    return as_frames(np.concatenate([_chord(hz, 4.0) for hz in _CHORDS_HZ]))


def _chord(pitches_hz: tuple[float, ...], seconds: float) -> Wave:
    time_s = np.arange(round(seconds * SAMPLES_PER_S)) / SAMPLES_PER_S
    swell = np.sin(np.pi * time_s / seconds) ** 0.6
    notes: Wave = np.zeros(time_s.size)
    for note, hz in enumerate(pitches_hz):
        enters_s = 0.25 * note
        fade = np.clip((time_s - enters_s) / 0.3, 0, 1) * np.exp(-np.maximum(time_s - enters_s, 0))
        body = np.sin(2 * np.pi * hz * time_s) + 0.3 * np.sin(4 * np.pi * hz * time_s)
        notes = notes + body * (0.5 + fade)
    chord: Wave = notes * swell * amplitude(-26) / len(pitches_hz) ** 0.5
    return chord


BUILT_IN: Final = {
    "ringback": ringback,
    "hold-music": hold_music,
    "beep": beep,
    "silence": silence,
    "comfort-noise": comfort_noise,
}
"""Prompts that need no file, by name."""
