"""Signals of the network, of faxes and of machines are known by their tones."""

import numpy as np
import pytest

from engine.domain.analysis import AnalysisSpec, Verdict
from tests.unit.telephony.media.progress.sounds import Wave, analyse, frames, quiet, tone, voice


def answer_tone(seconds: float) -> Wave:
    """Return ANSam: 2100 Hz, reversed each 450 ms, modulated with 15 Hz (ITU-T V.8)."""
    wave = tone(seconds, 2100.0)
    at_s = np.arange(wave.size) / 8000
    flipped = np.where(np.floor(at_s / 0.45) % 2, -wave, wave)
    return flipped * (1 + 0.2 * np.sin(2 * np.pi * 15 * at_s))


def sit(*parts: tuple[float, float]) -> Wave:
    return np.concatenate([tone(seconds, hz) for hz, seconds in parts])


def cadence(on_s: float, *hz: float) -> Wave:
    return np.concatenate([tone(on_s, *hz), quiet(on_s)] * int(3 / on_s))


@pytest.mark.parametrize(
    ("sound", "verdict"),
    [
        pytest.param(answer_tone(3.0), Verdict.FAX, id="ANSam"),
        pytest.param(tone(3.0, 2100.0), Verdict.FAX, id="CED"),
        pytest.param(tone(0.5, 1100.0), Verdict.FAX, id="CNG"),
        pytest.param(
            sit((913.8, 0.274), (1370.6, 0.274), (1776.7, 0.38)), Verdict.INVALID, id="intercept"
        ),
        pytest.param(
            sit((985.2, 0.38), (1370.6, 0.274), (1776.7, 0.38)), Verdict.INVALID, id="vacant code"
        ),
        pytest.param(
            sit((950.0, 0.33), (1400.0, 0.33), (1800.0, 0.33)), Verdict.INVALID, id="E.180"
        ),
        pytest.param(
            sit((913.8, 0.274), (1428.5, 0.38), (1776.7, 0.38)), Verdict.BUSY, id="reorder"
        ),
        pytest.param(
            sit((985.2, 0.38), (1428.5, 0.38), (1776.7, 0.38)), Verdict.BUSY, id="no circuit"
        ),
        pytest.param(cadence(0.5, 480.0, 620.0), Verdict.BUSY, id="busy, North America"),
        pytest.param(cadence(0.25, 480.0, 620.0), Verdict.BUSY, id="congestion, North America"),
        pytest.param(cadence(0.5, 425.0), Verdict.BUSY, id="busy, Europe"),
        pytest.param(cadence(0.25, 425.0), Verdict.BUSY, id="congestion, Europe"),
        pytest.param(cadence(0.375, 400.0), Verdict.BUSY, id="busy, United Kingdom"),
    ],
)
@pytest.mark.parametrize("before_s", [0.0, 0.33])
def test_a_signal_has_its_verdict(sound: Wave, verdict: Verdict, before_s: float) -> None:
    assert analyse(frames(quiet(before_s), sound, noise=0.004, total_s=4.0)).verdict is verdict


@pytest.mark.parametrize(
    "sound",
    [
        pytest.param(tone(4.0, 440.0, 480.0), id="ringing, North America"),
        pytest.param(np.concatenate([tone(1.0, 425.0), quiet(3.0)]), id="ringing, Europe"),
        pytest.param(tone(4.0, 350.0, 440.0), id="dial tone"),
    ],
)
def test_ringing_after_the_answer_decides_nothing(sound: Wave) -> None:
    finding = analyse(frames(sound, total_s=4.0))
    assert (finding.verdict, finding.after_s) == (Verdict.UNDECIDED, 3.0)


def test_a_person_who_speaks_after_ringing_is_a_person() -> None:
    ringing = np.concatenate([tone(0.8, 440.0, 480.0), quiet(0.3), voice(0.5)])
    assert analyse(frames(ringing, total_s=4.0)).verdict is Verdict.PERSON


@pytest.mark.parametrize("hz", [440.0, 850.0, 1400.0, 2000.0])
def test_a_tone_after_few_words_is_a_machine(hz: float) -> None:
    sound = np.concatenate([voice(0.9), quiet(0.3), tone(0.4, hz)])
    finding = analyse(frames(sound, total_s=4.0))
    assert (finding.verdict, finding.reason) == (Verdict.MACHINE, "tone after speech")


def test_tones_decide_nothing_about_machines_when_nobody_asks() -> None:
    spec = AnalysisSpec(detect_machines=False)
    sound = np.concatenate([tone(0.4, 850.0), quiet(0.2), voice(2.5)])
    assert analyse(frames(sound), spec).verdict is Verdict.PERSON
