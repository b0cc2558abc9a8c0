"""Taps hear what is said and what is sent, tick by tick, in whatever law a leg has."""

from collections.abc import Sequence

import numpy as np
import pytest

from engine.telephony.media import messages, tones
from engine.telephony.media.g711 import I16, SILENCE, Law
from engine.telephony.media.taps import Frames
from tests.unit.telephony.media.rig import Far, Rig, tones_in


class Listener:
    """Keeps what some legs say and hear."""

    def __init__(self, *legs: int) -> None:
        self.legs = np.array(legs, dtype=np.intp)
        self.ticks: list[int] = []
        self.said: list[I16] = []
        self.heard: list[I16] = []
        self.released: list[int] = []

    def listen(self, frames: Frames) -> Sequence[messages.Event]:
        self.ticks.append(frames.tick)
        self.said.append(frames.said(self.legs))
        self.heard.append(frames.heard(self.legs))
        return [messages.Digit(9, "*")] if len(self.ticks) == 3 else []

    def release(self, leg: int) -> Sequence[messages.Event]:
        self.released.append(leg)
        return []


@pytest.mark.parametrize("law", [Law.MU, Law.A], ids=["mu", "a"])
def test_a_tap_hears_what_legs_say_and_what_they_are_sent(law: Law) -> None:
    rig, tap = Rig(), Listener(2, 1)
    one, _ = rig.add(Far(1, 400)), rig.add(Far(2, 500, law))
    rig.core.add_tap(tap)
    rig.do(messages.Mix({1: (2,), 2: (1,)}), messages.Play(2, 1, "tone:900:-16", True, False))
    rig.run(10)
    assert [tones_in(np.stack([frame[row] for frame in tap.said[-4:]])) for row in (0, 1)] == [
        {500},
        {400},
    ]
    assert [tones_in(np.stack([frame[row] for frame in tap.heard[-4:]])) for row in (0, 1)] == [
        {400, 900},
        {500},
    ]
    assert tap.ticks == list(range(1001, 1011))
    assert np.array_equal(tap.heard[-1][1], one.heard[-1])


def test_what_a_tap_tells_goes_to_the_engine_in_the_same_tick() -> None:
    rig = Rig()
    rig.core.add_tap(Listener())
    assert [rig.work().events for _ in range(3)][1:] == [[], [messages.Digit(9, "*")]]


def test_a_leg_that_is_sent_nothing_hears_silence_in_its_law() -> None:
    rig = Rig()
    rig.add(Far(1, 400))
    far = rig.add(Far(2, 500, Law.A))
    rig.do(messages.Mix({2: (1,)}))
    rig.run(8)
    rows = np.array([2, 1])
    assert tones_in(rig.core.frames.heard(rows)[:1]) == {400}
    rig.do(messages.Connect(2, 0, far.udp_port, 1, 8, -1, False, -1, 0, 0))
    rig.run(2)
    assert (rig.core.frames.heard_codes(rows)[0] == SILENCE[Law.A]).all()


@pytest.mark.parametrize("law", [Law.MU, Law.A], ids=["mu", "a"])
def test_a_leg_without_a_phone_hears_what_it_is_given(law: Law) -> None:
    rig, tap = Rig(), Listener(9, 1, 8)
    rig.core.add_tap(tap)
    rig.add(Far(1, 400, law))
    rig.do(messages.OpenAudio(8), messages.OpenAudio(9))
    rig.do(messages.Mix({9: (1, 8), 8: (9,), 1: (8, 9)}))
    rig.do(messages.Play(9, 1, "tone:900:-16", True, False))
    for _ in range(12):
        for leg, hz in ((8, 600), (9, 700)):
            frame = tones.tone(hz, -16)[rig.tick % 50]
            rig.do(messages.Audio(leg, frame.astype("<i2").tobytes()))
        rig.run(1)
    heard = [tones_in(np.stack([frame[row] for frame in tap.heard[-4:]])) for row in range(3)]
    assert heard == [{400, 600, 900}, {600, 700}, {700}]
    given = [event for event in rig.events if isinstance(event, messages.Audio) and event.leg == 8]
    sample = np.frombuffer(given[-1].pcm, dtype="<i2").astype(np.int16)
    assert np.array_equal(tap.heard[-1][2], sample), "to the octet, of one source"


def test_a_tap_is_told_of_every_end() -> None:
    rig, tap = Rig(), Listener()
    rig.core.add_tap(tap)
    rig.add(Far(1, 400))
    rig.do(messages.OpenAudio(5), messages.Release(5), messages.Release(1))
    assert tap.released == [5, 1]
