"""Makes the corpus of benchmark ``cpa``: answered calls as they sound at the switch, by one seed.

Speech comes from espeak-ng. Each item has the line's own troubles: level, noise of some kind,
comfort noise in pauses, clicks, a late beginning, and G.711 of either law.
"""

import io
import shutil
import subprocess
import wave
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np
import numpy.typing as npt

from benchmarks.cpa_texts import TEST, TEST_VOICES, TRAINING, TRAINING_VOICES, Language
from engine.telephony.media import g711
from engine.telephony.media.g711 import FRAME, I16, SAMPLES_PER_S

Wave = npt.NDArray[np.float64]
Random = np.random.Generator

TOTAL_S: Final = 9.0
"""Length of people's and other items. [s]"""
MACHINE_S: Final = 24.0
"""Length of machines' items, so that greeting and tone fit. [s]"""

PEOPLE_WPM: Final = (165, 221)
MACHINE_WPM: Final = (145, 196)
"""Pace of speech: a phone is answered more quickly than a greeting is recorded. [words a minute]"""

SHARES: Final = {
    "person-short": 0.22,
    "person-named": 0.13,
    "person-repeated": 0.05,
    "person-business": 0.025,
    "person-after-ringing": 0.02,
    "machine-home": 0.18,
    "machine-network": 0.10,
    "machine-brief": 0.01,
    "fax-calling": 0.025,
    "fax-answer": 0.025,
    "sit-invalid": 0.025,
    "sit-congestion": 0.02,
    "busy": 0.04,
    "noise": 0.05,
    "silence": 0.04,
    "music": 0.05,
}
"""Share of each kind in a corpus."""


@dataclass(frozen=True, slots=True)
class Item:
    """One answered call.

    Attributes:
        kind: What it is, a key of ``SHARES``.
        detail: Which one, to find it again.
        frames: What is heard, shape (frames, FRAME).
        begins_s: When the first word begins. [s]
        silent_s: When who answered first falls silent and waits. [s]
        beep_s: When the tone of a machine is over, negative without. [s]
    """

    kind: str
    detail: str
    frames: I16
    begins_s: float = 0.0
    silent_s: float = 0.0
    beep_s: float = -1.0


class NoSpeechError(RuntimeError):
    """espeak-ng is not installed."""


def make_corpus(count: int, seed: int, *, training: bool = False) -> list[Item]:
    """Return about ``count`` items, the same for the same seed and release of espeak-ng.

    Raises:
        NoSpeechError: espeak-ng is missing.
    """
    if shutil.which("espeak-ng") is None:
        raise NoSpeechError("espeak-ng is not installed (Debian: apt-get install espeak-ng)")
    languages, voices = (TRAINING, TRAINING_VOICES) if training else (TEST, TEST_VOICES)
    items = []
    for kind, share in SHARES.items():
        for place in range(max(1, round(count * share))):
            random = np.random.default_rng([seed, place, *kind.encode()])
            items.append(_make(kind, languages[place % len(languages)], voices, random))
    return items


def _make(kind: str, language: Language, voices: tuple[str, ...], random: Random) -> Item:
    group, _, part = kind.partition("-")
    if group == "person":
        clean, detail, marks = _person(part, language, voices, random)
    elif group == "machine":
        clean, detail, marks = _machine(part, language, voices, random)
    else:
        clean, detail = _other(kind, random)
        marks = (0.0, 0.0, -1.0)
    quiet = kind in {"silence", "noise"}
    heard = _line(clean, random, loud_noise=kind == "noise", quiet=quiet)
    return Item(kind, detail, heard, *marks)


# --- speech --------------------------------------------------------------------------------

_Spoken = tuple[Wave, str, tuple[float, float, float]]


def _person(part: str, language: Language, voices: tuple[str, ...], random: Random) -> _Spoken:
    texts = {"named": language.named, "business": language.business}.get(part, language.short)
    voice = _voice(language, voices, PEOPLE_WPM, random)
    text = str(random.choice(texts))
    speech = voice(text)
    before_s = _latency_s(random)
    out = np.zeros(round(TOTAL_S * SAMPLES_PER_S))
    if part == "after-ringing":
        ringing = _ringback(random)
        before_s += ringing.size / SAMPLES_PER_S
        _put(out, 0.0, ringing)
    ends_s = _put(out, before_s, speech)
    again_s = ends_s + float(
        random.uniform(0.35, 1.2) if part == "repeated" else random.uniform(2, 4)
    )
    again = voice(str(random.choice(language.short)))
    again_ends_s = _put(out, again_s, again)
    silent_s = again_ends_s if part == "repeated" and again_s < ends_s + 0.6 else ends_s
    return out, f"{voice.name}: {text}", (before_s, silent_s, -1.0)


def _machine(part: str, language: Language, voices: tuple[str, ...], random: Random) -> _Spoken:
    texts = {"network": language.network, "brief": language.brief}.get(part, language.machine)
    voice = _voice(language, voices, MACHINE_WPM, random)
    text = str(random.choice(texts))
    before_s = _latency_s(random)
    out = np.zeros(round(MACHINE_S * SAMPLES_PER_S))
    ends_s = _put(out, before_s, voice(text))
    beep_s = -1.0
    if part == "brief" or random.random() < 0.85:
        beep_s = ends_s + float(random.uniform(0.15, 0.5 if part == "brief" else 1.2))
        beep_s = _put(out, beep_s, _beep(random))
    return out, f"{voice.name}: {text}", (before_s, ends_s, beep_s)


@dataclass(frozen=True, slots=True)
class _Voice:
    """A voice of espeak-ng with its pace and pitch."""

    name: str
    words_per_minute: int
    pitch: int

    def __call__(self, text: str) -> Wave:
        return _speak(self.name, self.words_per_minute, self.pitch, text)


def _voice(
    language: Language, voices: tuple[str, ...], pace: tuple[int, int], random: Random
) -> _Voice:
    name = f"{language.voice}+{random.choice(voices)}"
    return _Voice(name, int(random.integers(*pace)), int(random.integers(30, 71)))


@cache
def _speak(voice: str, words_per_minute: int, pitch: int, text: str) -> Wave:
    """Return speech at 8 kHz in the band of the telephone, peak 1, silence cut off the ends."""
    words = ["espeak-ng", "-v", voice, "-s", str(words_per_minute), "-p", str(pitch), "--stdout"]
    made = subprocess.run([*words, text], capture_output=True, check=True, timeout=20).stdout
    with wave.open(io.BytesIO(made)) as file:
        rate, raw = file.getframerate(), file.readframes(10_000_000)
    samples = np.frombuffer(raw[: len(raw) & ~1], dtype="<i2").astype(np.float64)
    narrow = _resample(samples, rate)
    loud = np.flatnonzero(np.abs(narrow) > 0.02 * np.abs(narrow).max())
    cut: Wave = narrow[loud[0] : loud[-1] + 1]
    cut /= np.abs(cut).max()
    return cut


def _resample(samples: Wave, rate: int) -> Wave:
    """Return samples at 8 kHz, 250-3500 Hz with soft edges, by the spectrum of the whole."""
    size = round(samples.size * SAMPLES_PER_S / rate)
    spectrum = np.fft.rfft(samples)[: size // 2 + 1]
    hz = np.arange(spectrum.size) * SAMPLES_PER_S / size
    band = np.clip((hz - 150) / 100, 0, 1) * np.clip((3600 - hz) / 200, 0, 1)
    narrow: Wave = np.fft.irfft(spectrum * band, size)
    return narrow


def _latency_s(random: Random) -> float:
    """Return the time from answer to first word. [s]"""
    return float(random.choice([0.0, random.uniform(0.0, 0.6), random.uniform(0.3, 1.5)]))


# --- signals -------------------------------------------------------------------------------


def _other(kind: str, random: Random) -> tuple[Wave, str]:
    total = np.zeros(round(TOTAL_S * SAMPLES_PER_S))
    begins_s = float(random.uniform(0.0, 0.5))
    if kind in {"silence", "noise"}:
        return total, kind
    make = {
        "fax-calling": _calling,
        "fax-answer": _answer_tone,
        "sit-invalid": _sit_invalid,
        "sit-congestion": _sit_congestion,
        "busy": _busy,
        "music": _music,
    }[kind]
    sound, detail = make(random)
    _put(total, begins_s, sound)
    return total, detail


def sine(hz: float, seconds: float, phase: float = 0.0) -> Wave:
    """Return a sine of amplitude 1."""
    at_s = np.arange(round(seconds * SAMPLES_PER_S)) / SAMPLES_PER_S
    made: Wave = np.sin(2 * np.pi * hz * at_s + phase)
    return made


def _quiet(seconds: float) -> Wave:
    return np.zeros(round(seconds * SAMPLES_PER_S))


def _beep(random: Random) -> Wave:
    hz = float(random.choice([425, 440, 480, 523, 600, 800, 941, 1000, 1200, 1400, 1633, 2000]))
    return 0.7 * sine(hz * float(random.uniform(0.98, 1.02)), float(random.uniform(0.14, 0.9)))


def _ringback(random: Random) -> Wave:
    north_american = random.random() < 0.5
    on_s = float(random.uniform(0.3, 1.0))
    tone = sine(440, on_s) + sine(480, on_s) if north_american else 1.5 * sine(425, on_s)
    return np.concatenate([0.2 * tone, _quiet(0.2)])


def _calling(random: Random) -> tuple[Wave, str]:
    """Return CNG: 1100 ± 38 Hz, 0.5 s on and 3 s off (ITU-T T.30 §4.2)."""
    hz = float(random.uniform(1068, 1132))
    once = np.concatenate([0.4 * sine(hz, float(random.uniform(0.43, 0.57))), _quiet(3.0)])
    return np.tile(once, 2), f"{hz:.0f} Hz"


def _answer_tone(random: Random) -> tuple[Wave, str]:
    """Return CED or ANSam: 2100 ± 15 Hz, reversed each 450 ms, 15 Hz (ITU-T T.30, V.25, V.8)."""
    hz, seconds = float(random.uniform(2088, 2112)), float(random.uniform(2.6, 4.0))
    tone = sine(hz, seconds)
    at_s = np.arange(tone.size) / SAMPLES_PER_S
    kind = str(random.choice(["CED", "reversed", "ANSam"]))
    if kind != "CED":
        tone = tone * np.where(np.floor(at_s / 0.45) % 2, -1.0, 1.0)
    if kind == "ANSam":
        tone = tone * (1 + 0.2 * np.sin(2 * np.pi * 15 * at_s))
    return 0.4 * tone, f"{kind} {hz:.0f} Hz"


def _sit_invalid(random: Random) -> tuple[Wave, str]:
    """Return the tones before "not in service": intercept, vacant code, ITU-T E.180 §7."""
    kinds = {
        "intercept": ((913.8, 0.274), (1370.6, 0.274), (1776.7, 0.380)),
        "vacant code": ((985.2, 0.380), (1370.6, 0.274), (1776.7, 0.380)),
        "E.180": ((950.0, 0.330), (1400.0, 0.330), (1800.0, 0.330)),
    }
    kind = str(random.choice(list(kinds)))
    return _sit(kinds[kind], random), kind


def _sit_congestion(random: Random) -> tuple[Wave, str]:
    """Return the tones before "all circuits are busy": reorder, no circuit."""
    kinds = {
        "reorder": ((913.8, 0.274), (1428.5, 0.380), (1776.7, 0.380)),
        "reorder between carriers": ((985.2, 0.274), (1370.6, 0.380), (1776.7, 0.380)),
        "no circuit": ((913.8, 0.380), (1370.6, 0.380), (1776.7, 0.380)),
    }
    kind = str(random.choice(list(kinds)))
    return _sit(kinds[kind], random), kind


def _sit(parts: tuple[tuple[float, float], ...], random: Random) -> Wave:
    gap = _quiet(float(random.uniform(0.0, 0.03)))
    detune = float(random.uniform(0.997, 1.003))
    tones = [np.concatenate([0.4 * sine(hz * detune, seconds), gap]) for hz, seconds in parts]
    return np.concatenate(tones)


def _busy(random: Random) -> tuple[Wave, str]:
    """Return busy or congestion: ITU-T E.180 Supplement 2, several countries."""
    name = str(random.choice(["480+620", "425", "400"]))
    on_s = float(random.choice([0.25, 0.375, 0.5] if name != "425" else [0.25, 0.48, 0.5]))
    tone = sum(sine(float(hz) * float(random.uniform(0.99, 1.01)), on_s) for hz in name.split("+"))
    once = np.concatenate([0.25 * np.asarray(tone), _quiet(on_s)])
    return np.tile(once, int(8.0 / (2 * on_s)))[: 8 * SAMPLES_PER_S], f"{name} {on_s}"


def _music(random: Random) -> tuple[Wave, str]:
    """Return chords or an arpeggio with overtones."""
    kind = str(random.choice(["chords", "arpeggio"]))
    step_s = float(random.uniform(0.18, 0.35) if kind == "arpeggio" else random.uniform(0.8, 2.0))
    root = float(random.uniform(180, 320))
    out = np.zeros(8 * SAMPLES_PER_S)
    for step in range(int(7.5 / step_s)):
        chord = random.choice([(0, 4, 7), (5, 9, 12), (7, 11, 14), (9, 12, 16)])
        notes = chord if kind == "chords" else (chord[step % 3],)
        for note in notes:
            hz = root * 2 ** (int(note) / 12)
            length_s = step_s * (1.6 if kind == "arpeggio" else 1.1)
            body = sum(sine(hz * over, length_s) / over**1.3 for over in range(1, 6))
            at_s = np.arange(np.asarray(body).size) / SAMPLES_PER_S
            swell = np.minimum(1, at_s / 0.02) * np.exp(-at_s / (0.9 * length_s))
            _put(out, step * step_s, 0.3 * np.asarray(body) * swell)
    return out / np.abs(out).max(), kind


def _put(out: Wave, at_s: float, sound: Wave) -> float:
    """Add a sound; return when it ends. [s]"""
    begin = round(at_s * SAMPLES_PER_S)
    end = min(out.size, begin + sound.size)
    out[begin:end] += sound[: end - begin]
    return end / SAMPLES_PER_S


# --- the line ------------------------------------------------------------------------------


def _line(clean: Wave, random: Random, *, loud_noise: bool, quiet: bool) -> I16:
    """Return what a switch hears of a sound: level, noise, clicks, G.711."""
    active = np.abs(clean) > 0.02
    rms = float(np.sqrt(np.mean(clean[active] ** 2))) if active.any() else 1.0
    level_db = float(random.uniform(-33, -13))
    speech = clean / rms * 10 ** (level_db / 20)
    above_db = float(random.uniform(10, 40))
    noise_db = float(random.uniform(-60, -30)) if loud_noise else max(level_db - above_db, -72)
    if quiet and not loud_noise:
        noise_db = float(random.uniform(-90, -62))
    heard = speech + _noise(clean.size, random) * 10 ** (noise_db / 20)
    if random.random() < 0.2:  # the far end sends nothing in pauses (DTX): comfort noise instead
        heard = _without_pauses(heard, clean, random, noise_db)
    for _ in range(int(random.integers(0, 4)) if random.random() < 0.4 else 0):
        at = int(random.integers(0, min(clean.size, 4 * SAMPLES_PER_S) - 100))
        width = int(random.integers(2, 60))
        heard[at : at + width] += random.uniform(-0.3, 0.3) * np.exp(-np.arange(width) / 12)
    whole = np.clip(np.rint(heard * 32767), -32768, 32767).astype(np.int16)
    law = int(random.integers(0, 2))
    frames = whole[: whole.size // FRAME * FRAME].reshape(-1, FRAME)
    return g711.decode(g711.encode(frames, law), np.full(len(frames), law))


def _noise(size: int, random: Random) -> Wave:
    """Return white, pink or low noise, or that of many voices, of effective value 1."""
    white = random.normal(size=size)
    colour = str(random.choice(["white", "pink", "low", "voices"]))
    spectrum = np.fft.rfft(white)
    hz = np.arange(spectrum.size) * SAMPLES_PER_S / size + 1
    band = np.clip((hz - 100) / 150, 0, 1) * np.clip((3700 - hz) / 200, 0, 1)
    slope = {"white": 0.0, "pink": -0.5, "low": -1.0, "voices": -0.7}[colour]
    made: Wave = np.fft.irfft(spectrum * band * hz**slope, size)
    if colour == "voices":
        knots = random.normal(size=size // 800 + 2) * 0.35
        made = made * np.exp(np.interp(np.arange(size) / 800, np.arange(knots.size), knots))
    made /= made.std()
    return made


def _without_pauses(heard: Wave, clean: Wave, random: Random, noise_db: float) -> Wave:
    hang = SAMPLES_PER_S // 5
    loud = np.convolve(np.abs(clean) > 0.02, np.ones(hang), mode="full")[: clean.size] > 0
    comfort_db = noise_db - float(random.uniform(0, 10))
    comfort = _noise(clean.size, random) * 10 ** (comfort_db / 20)
    return np.where(loud, heard, comfort)


def batches(items: list[Item], rows: int) -> Iterator[tuple[list[Item], I16]]:
    """Give items in batches as one array, shape (frames, rows, FRAME), padded with their end."""
    for at in range(0, len(items), rows):
        some = items[at : at + rows]
        longest = max(len(item.frames) for item in some)
        stacked = np.zeros((longest, len(some), FRAME), dtype=np.int16)
        for row, item in enumerate(some):
            stacked[: len(item.frames), row] = item.frames
        yield some, stacked
