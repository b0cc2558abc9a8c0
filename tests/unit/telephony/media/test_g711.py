"""G.711 against values of ITU-T G.711 and against an encoder of another make."""

import numpy as np
import pytest

from engine.telephony.media import g711
from engine.telephony.media.g711 import Law
from tests.support import rtp

BOTH = pytest.mark.parametrize("law", [Law.MU, Law.A], ids=["mu", "a"])


@BOTH
def test_every_code_survives_decoding_and_encoding(law: Law) -> None:
    codes = np.arange(256, dtype=np.uint8)
    again = g711.encode(g711.decode(codes, law), law)
    same = g711.decode(again, law) == g711.decode(codes, law)  # µ-law has two zeros
    assert same.all()


@pytest.mark.parametrize(
    ("law", "code", "sample"),
    [
        pytest.param(Law.MU, 0x00, -32124, id="mu lowest"),
        pytest.param(Law.MU, 0x80, 32124, id="mu highest"),
        pytest.param(Law.MU, 0xFF, 0, id="mu silence"),
        pytest.param(Law.A, 0x2A, -32256, id="a lowest"),
        pytest.param(Law.A, 0xAA, 32256, id="a highest"),
        pytest.param(Law.A, 0xD5, 8, id="a silence"),
    ],
)
def test_the_ends_of_the_scale_are_those_of_the_standard(law: Law, code: int, sample: int) -> None:
    assert g711.decode(np.array([code], dtype=np.uint8), law)[0] == sample


@BOTH
def test_tables_agree_with_the_segment_rule(law: Law) -> None:
    codes = bytes(range(256))
    ours = g711.decode(np.frombuffer(codes, dtype=np.uint8), law)
    assert np.array_equal(ours, rtp.decode(codes, a_law=law is Law.A))


@BOTH
def test_an_encoded_sample_is_within_its_step(law: Law) -> None:
    samples = np.arange(-32768, 32768, dtype=np.int32).astype(np.int16)
    error = np.abs(g711.decode(g711.encode(samples, law), law).astype(int) - samples)
    assert (error <= np.maximum(16, np.abs(samples.astype(int)) / 16 + 16)).all()


def test_transcoding_keeps_the_sound() -> None:
    wave = np.rint(8000 * np.sin(np.arange(160) / 5)).astype(np.int16)
    a_codes = g711.TRANSCODED[Law.MU, Law.A][g711.encode(wave, Law.MU)]
    error = np.abs(g711.decode(a_codes, Law.A).astype(int) - wave)
    assert error.max() < 8000 / 12


def test_rows_of_both_laws_are_encoded_each_in_its_own() -> None:
    wave = np.rint(3000 * np.sin(np.arange(320) / 7)).astype(np.int16).reshape(2, 160)
    laws = np.array([Law.MU, Law.A], dtype=np.intp)
    codes = g711.encode_rows(wave, laws)
    assert np.array_equal(codes[0], g711.encode(wave[0], Law.MU))
    assert np.array_equal(codes[1], g711.encode(wave[1], Law.A))


def test_a_loud_mix_is_clipped_and_not_wrapped() -> None:
    assert g711.saturate(np.array([70000, -70000], dtype=np.int32)).tolist() == [32767, -32768]
