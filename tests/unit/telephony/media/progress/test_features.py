"""Frames are described by what is in them."""

import numpy as np
import pytest

from engine.telephony.media.progress.features import BIN_HZ, WINDOW, Features, describe
from tests.unit.telephony.media.progress.sounds import frames, tone, voice


def features(*parts: np.ndarray, noise: float = 0.0, at: int = 10) -> Features:
    heard = frames(*parts, noise=noise)
    return describe(heard[at - 1 : at], heard[at : at + 1])


def test_the_spectrum_is_that_of_fourier() -> None:
    samples = np.random.default_rng(3).normal(0, 3000, (7, WINDOW)).astype(np.int16)
    found = describe(samples[:, : WINDOW // 2], samples[:, WINDOW // 2 :])
    window = np.hanning(WINDOW + 2)[1:-1] / (np.sqrt(0.375) * WINDOW / 2 * 32768)
    bins = np.abs(np.fft.rfft(samples * window, axis=1)[:, 6:146]) ** 2
    np.testing.assert_allclose(found.power, bins.sum(axis=1), rtol=1e-3)
    lobes = np.stack([bins[:, place : 136 + place] for place in range(5)]).sum(axis=0)
    np.testing.assert_allclose(found.first_power, lobes.max(axis=1), rtol=1e-3)


def test_a_full_scale_sine_is_at_zero_decibels() -> None:
    assert features(tone(1.0, 1000.0, level=1.0)).level_db[0] == pytest.approx(0.0, abs=0.3)


@pytest.mark.parametrize("hz", [425.0, 913.8, 1100.0, 1776.7, 2100.0])
def test_a_tone_is_found_to_a_tenth_of_a_bin(hz: float) -> None:
    found = features(tone(1.0, hz), noise=0.003)
    assert found.first_hz[0] == pytest.approx(hz, abs=BIN_HZ / 10)
    assert found.first_power[0] / found.power[0] > 0.95


def test_two_tones_are_told_apart() -> None:
    found = features(tone(1.0, 480.0, 620.0))
    assert sorted([found.first_hz[0], found.second_hz[0]]) == pytest.approx([480, 620], abs=5)


def test_voices_are_uneven_and_noise_of_any_colour_is_even() -> None:
    spoken = [features(voice(1.0), at=at).flatness_db[0] for at in range(5, 45)]
    white = np.random.default_rng(5).normal(0.0, 0.05, 16000)
    low = np.cumsum(white) / 8  # 6 dB an octave
    noise = [
        features(one - one.mean(), at=at).flatness_db[0]
        for one in (white, low)
        for at in range(5, 90)
    ]
    assert np.percentile(spoken, 90) < -6.0
    assert np.percentile(noise, 5) > -5.5
