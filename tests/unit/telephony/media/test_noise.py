"""Comfort noise: heard at its level while a far end pauses, and by who hears nobody."""

import numpy as np
import pytest

from engine.telephony.media import messages, noise
from engine.telephony.media.g711 import FRAME, SILENCE, Law, decode
from tests.support.tone_bank import energy_db
from tests.unit.telephony.media.rig import Far, Rig

LAWS = pytest.mark.parametrize("law", [Law.MU, Law.A], ids=["mu", "a"])


def level_of(far: Far, frames: int = 20) -> float:
    """Return the mean level of the last frames that a far end got. [dBov]"""
    return float(energy_db(np.concatenate(far.heard[-frames:])[np.newaxis])[0])


def bridged(law: Law = Law.MU) -> tuple[Rig, Far, Far]:
    rig = Rig()
    listener, speaker = rig.add(Far(1, 400, law)), rig.add(Far(2, 500, law))
    rig.do(messages.Mix({1: (2,), 2: (1,)}))
    rig.run(20)
    return rig, listener, speaker


def pause(rig: Rig, listener: Far, speaker: Far, level: int | None, ticks: int) -> None:
    """Let the speaker say comfort noise once and then nothing, while its clock goes on."""
    for tick in range(ticks):
        mine = listener.packet()
        if tick == 0 and level is not None:
            rig.work([mine, speaker.packet(bytes([level, 77, 99]), noise.PAYLOAD_TYPE)])
            continue
        rig.work([mine])
        speaker.timestamp = speaker.timestamp + FRAME & 0xFFFFFFFF


@LAWS
@pytest.mark.parametrize(
    ("level", "heard_dbov"), [(40, -40), (55, -55), (62, -62), (0, -30)], ids=str
)
def test_a_paused_far_end_is_heard_as_noise_of_its_level(
    law: Law, level: int, heard_dbov: float
) -> None:
    rig, listener, speaker = bridged(law)
    pause(rig, listener, speaker, level, 40)
    assert level_of(listener, 30) == pytest.approx(heard_dbov, abs=2)
    assert rig.hears(listener) == set()


def test_noise_too_soft_for_the_law_is_as_good_as_silence() -> None:
    rig, listener, speaker = bridged()
    pause(rig, listener, speaker, 127, 40)
    assert level_of(listener) < -70


def test_speech_before_the_pause_is_heard_out_and_the_pause_is_no_loss() -> None:
    rig, listener, speaker = bridged()
    last = len(listener.heard)
    pause(rig, listener, speaker, 50, 10)
    loud = [float(energy_db(frame[np.newaxis])[0]) > -30 for frame in listener.heard[last:]]
    assert loud == [True] + [False] * 9
    rig.run(10)
    assert rig.hears(listener) == {500}
    assert rig.core.concealed == 0


def test_a_far_end_that_stops_without_a_word_is_heard_as_soft_noise() -> None:
    rig, listener, speaker = bridged()
    pause(rig, listener, speaker, None, 40)
    assert level_of(listener, 30) == pytest.approx(noise.SOFT_DBOV, abs=2)
    rig.run(5)
    assert rig.hears(listener, 3) == {500}


def test_a_level_lasts_over_the_next_pause() -> None:
    rig, listener, speaker = bridged()
    pause(rig, listener, speaker, 45, 10)
    rig.run(10)
    pause(rig, listener, speaker, None, 40)
    assert level_of(listener, 30) == pytest.approx(-45, abs=2)


def test_who_has_not_spoken_yet_is_silent() -> None:
    rig = Rig()
    listener = rig.add(Far(1, 400))
    rig.do(messages.Open(2, 0, 99), messages.Mix({1: (2,)}))
    rig.run(10)
    assert set(np.concatenate(listener.heard[-5:]).tolist()) == {0}


@LAWS
def test_who_hears_nobody_hears_soft_noise_without_a_pause(law: Law) -> None:
    rig = Rig()
    alone = rig.add(Far(1, 400, law))
    rig.run(60)
    assert len(alone.heard) == 60
    assert level_of(alone, 50) == pytest.approx(noise.SOFT_DBOV, abs=2)
    assert len({frame.tobytes() for frame in alone.heard}) > 40


def test_a_mix_gains_no_noise_from_who_is_not_in_it() -> None:
    rig = Rig()
    one = rig.add(Far(1, 400))
    rig.do(*(messages.Open(leg, 0, leg) for leg in (2, 3, 4)))
    rig.do(messages.Mix({1: (2, 3)}))
    rig.run(10)
    assert set(np.concatenate(one.heard[-5:]).tolist()) == {0}


def test_comfort_noise_first_of_all_is_heard_too() -> None:
    rig = Rig()
    listener, speaker = rig.add(Far(1, 400)), rig.add(Far(2, 500))
    rig.do(messages.Mix({1: (2,)}))
    pause(rig, listener, speaker, 48, 30)
    assert level_of(listener) == pytest.approx(-48, abs=2)
    rig.run(10)
    assert rig.hears(listener) == {500}


def test_an_empty_packet_of_comfort_noise_changes_nothing() -> None:
    rig, listener, speaker = bridged()
    rig.work([listener.packet(), speaker.packet(b"", noise.PAYLOAD_TYPE)])
    rig.run(10)
    assert rig.hears(listener) == {500}


def test_neighbours_do_not_sound_alike() -> None:
    rows = np.arange(20)
    steps = np.full(20, noise.SOFT)
    made = noise.frames(7, rows, steps, np.zeros(20, dtype=np.intp))
    assert len({frame.tobytes() for frame in made}) == 20
    silent = noise.frames(7, rows, np.full(20, noise.SILENT), np.ones(20, dtype=np.intp))
    assert (silent == SILENCE[Law.A]).all()
    assert decode(noise.soft_frame(3)[np.newaxis], Law.MU).any()
