"""Prompts: what is built in, what a file may be, and what is refused with a reason."""

import io
import struct
import wave
from pathlib import Path

import numpy as np
import pytest

from engine.telephony.media import g711, tones
from engine.telephony.media.g711 import FRAME, Law
from engine.telephony.media.prompts import (
    PromptBank,
    PromptError,
    load_prompt,
    parse_wav,
    tone_name,
)
from tests.support.tone_bank import ToneBank, energy_db


def wav(samples: np.ndarray, rate: int = 8000, channels: int = 1) -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(channels)
        out.setsampwidth(2)
        out.setframerate(rate)
        out.writeframes(samples.astype("<i2").tobytes())
    return file.getvalue()


def g711_wav(codes: bytes, kind: int) -> bytes:
    fmt = struct.pack("<HHIIHH", kind, 1, 8000, 8000, 1, 8)
    body = b"WAVEfmt " + struct.pack("<I", len(fmt)) + fmt
    body += b"LIST\x03\x00\x00\x00abc\x00data" + struct.pack("<I", len(codes)) + codes
    return b"RIFF" + struct.pack("<I", len(body)) + body


def test_a_pcm_file_is_read_and_its_last_frame_filled(tmp_path: Path) -> None:
    samples = np.arange(500, dtype=np.int16)
    path = tmp_path / "prompt.wav"
    path.write_bytes(wav(samples))
    frames = load_prompt(str(path))
    assert frames.shape == (4, FRAME)
    assert frames.reshape(-1)[:500].tolist() == samples.tolist()
    assert not frames.reshape(-1)[500:].any()


@pytest.mark.parametrize(("law", "kind"), [(Law.MU, 7), (Law.A, 6)], ids=["mu", "a"])
def test_a_g711_file_is_read(law: Law, kind: int) -> None:
    codes = g711.encode(tones.tone(500, -16)[0], law)
    frames = parse_wav(g711_wav(codes.tobytes(), kind))
    assert np.array_equal(frames[0], g711.decode(codes, law))


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        pytest.param(b"ID3 not a wave", "not a WAV", id="another format"),
        pytest.param(wav(np.zeros(80), rate=44100), "44100 Hz", id="another rate"),
        pytest.param(wav(np.zeros(80), channels=2), "2 channel", id="stereo"),
        pytest.param(g711_wav(b"x", 49), "format 49", id="another codec"),
        pytest.param(wav(np.zeros(80))[:20], "without format", id="cut"),
    ],
)
def test_a_file_that_cannot_be_played_says_why(content: bytes, reason: str) -> None:
    with pytest.raises(PromptError, match=reason):
        parse_wav(content)


def test_a_cut_file_never_breaks_the_reader() -> None:
    whole = wav(np.arange(400, dtype=np.int16))
    for length in range(len(whole)):
        try:
            parse_wav(whole[:length])
        except PromptError:
            continue


@pytest.mark.parametrize("name", ["tone:0:-10", "tone:900", "tone:x:y", "tone:900:40"])
def test_a_tone_that_makes_no_sense_is_refused(name: str) -> None:
    with pytest.raises(PromptError):
        load_prompt(name)


@pytest.mark.parametrize("name", sorted(tones.BUILT_IN))
def test_built_in_prompts_are_whole_frames_that_do_not_clip(name: str) -> None:
    frames = load_prompt(name)
    assert frames.shape[1] == FRAME
    assert np.abs(frames.astype(int)).max() < 20000
    assert frames.any() == (name != "silence")


def test_a_tone_repeats_without_a_seam_at_the_level_asked_for() -> None:
    frames = load_prompt(tone_name(440, -10))
    around = np.concatenate([frames[-1], frames[0]])[80:240].reshape(1, -1)
    level = ToneBank([440.0]).levels(around)[0, 0]
    assert level * 32768 == pytest.approx(tones.amplitude(-10), rel=0.05)


def test_ringback_is_two_seconds_of_two_tones_and_four_of_silence() -> None:
    levels = ToneBank([440.0, 480.0], 800).levels(tones.ringback().reshape(-1, 800))
    on = (levels > 0.02).all(axis=1)
    assert on.tolist() == [True] * 20 + [False] * 40


def test_music_and_noise_are_soft() -> None:
    assert -50 < energy_db(tones.hold_music()).mean() < -20
    assert energy_db(tones.comfort_noise()).mean() == pytest.approx(-66.2, abs=2)


def test_the_bank_grows_and_keeps_what_it_has() -> None:
    bank = PromptBank(frames=2)
    first = bank.add("first", tones.tone(400, -16))
    bank.add("second", tones.tone(500, -16))
    place, count = bank.find("first") or (-1, -1)
    assert (place, count) == first
    assert np.array_equal(bank.samples(np.arange(place, place + count)), tones.tone(400, -16))
    assert bank.find("third") is None
