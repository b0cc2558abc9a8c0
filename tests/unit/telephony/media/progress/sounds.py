"""Sounds for tests of call progress analysis, at 8 kHz, amplitudes from 0 to 1."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from engine.domain.analysis import AnalysisSpec
from engine.telephony.media.g711 import FRAME, I16, Law, decode, encode
from engine.telephony.media.progress import Analysed, Analyser, Finding

Wave = npt.NDArray[np.float64]


def quiet(seconds: float) -> Wave:
    return np.zeros(round(seconds * 8000))


def tone(seconds: float, *hz: float, level: float = 0.3) -> Wave:
    at_s = np.arange(round(seconds * 8000)) / 8000
    waves: Wave = sum((np.sin(2 * np.pi * one * at_s) for one in hz), np.zeros(at_s.size))
    return level * waves / len(hz)


def voice(seconds: float, pitch_hz: float = 130.0) -> Wave:
    """Return something like speech: gliding harmonics, moving formants, four syllables a second."""
    at_s = np.arange(round(seconds * 8000)) / 8000
    pitch = pitch_hz * (1 + 0.15 * np.sin(2 * np.pi * 1.3 * at_s))
    phase = 2 * np.pi * np.cumsum(pitch) / 8000
    formant = 700 + 250 * np.sin(2 * np.pi * 2.1 * at_s)
    made = np.zeros(at_s.size)
    for over in range(1, 20):
        near = np.exp(-(((over * pitch - formant) / 350) ** 2)) + 0.2 / over
        made += near * np.sin(over * phase)
    syllables = 0.25 + 0.75 * np.abs(np.sin(2 * np.pi * 2.0 * at_s + 0.8))
    spoken: Wave = 0.12 * made * syllables
    return spoken


def frames(*parts: Wave, noise: float = 0.0005, seed: int = 1, total_s: float = 0.0) -> I16:
    """Return sounds one after another as a switch hears them, shape (frames, FRAME)."""
    whole = np.concatenate([*parts, quiet(0.0)])
    whole = np.concatenate([whole, quiet(max(0.0, total_s - whole.size / 8000))])
    whole = whole + np.random.default_rng(seed).normal(0.0, noise, whole.size)
    samples = np.clip(whole * 32767, -32768, 32767).astype(np.int16)
    cut = samples[: samples.size // FRAME * FRAME].reshape(-1, FRAME)
    return decode(encode(cut, Law.MU), np.zeros(len(cut), dtype=np.intp))


def analyse(heard: I16, spec: AnalysisSpec | None = None) -> Analysed:
    """Return the verdict on one leg."""
    analyser = Analyser()
    analyser.begin(1, spec or AnalysisSpec())
    (finding,) = listen(analyser, heard)
    assert isinstance(finding, Analysed)
    return finding


def listen(analyser: Analyser, heard: I16) -> Sequence[Finding]:
    """Let an analyser hear a sound on all its legs; return what it found."""
    found: list[Finding] = []
    for frame in heard:
        found += analyser.listen(np.tile(frame, (len(analyser), 1)))
    return found
