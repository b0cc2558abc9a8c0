"""Legs heard in another switch: two cores, and datagrams carried between them by hand."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.telephony.media import messages
from engine.telephony.media.g711 import Law
from engine.telephony.media.ghosts import FRAMES_A_DATAGRAM, Inlets, Outlets
from tests.unit.telephony.media.rig import Far, Rig, tones_in

KEY = 77


class Two:
    """Two switches that work the same ticks; what one says reaches the other before its next."""

    def __init__(self, legs: int = 32) -> None:
        self.rigs = (Rig(legs), Rig(legs))
        self.under_way: list[tuple[int, bytes]] = []
        self.outlets = tuple(
            Outlets(1, lambda _peer, datagram, to=1 - at: self.under_way.append((to, datagram)))  # type: ignore[misc]
            for at in (0, 1)
        )
        for rig, outlet in zip(self.rigs, self.outlets, strict=True):
            rig.core.add_tap(outlet)

    def forward(self, at: int, leg: int, ghost: int, key: int = KEY) -> None:
        """Let the other switch hear a leg, under the row of its ghost."""
        self.rigs[1 - at].do(messages.OpenGhost(ghost, key))
        self.outlets[at].perform(messages.Forward(leg, 0, ghost, key))

    def run(self, ticks: int = 1, *, deaf: int = -1, silent: int = -1) -> None:
        """Let all far ends speak; one switch may read nothing, and one may not work."""
        for _ in range(ticks):
            arriving, self.under_way = self.under_way, []
            for to, datagram in arriving:
                if to == deaf:
                    self.under_way.append((to, datagram))
                else:
                    self.rigs[to].core.hear_peer(self.rigs[to].tick + 1, datagram)
            for at, rig in enumerate(self.rigs):
                if at != silent:
                    rig.run(1)
                else:
                    rig.tick += 1


@pytest.fixture
def two() -> Two:
    return Two()


@pytest.mark.parametrize("law", [Law.MU, Law.A], ids=["mu", "a"])
def test_a_call_across_two_switches_is_heard_both_ways(two: Two, law: Law) -> None:
    agent, customer = two.rigs[0].add(Far(1, 400)), two.rigs[1].add(Far(1, 500, law))
    two.forward(0, 1, 9)
    two.forward(1, 1, 8)
    two.rigs[0].do(messages.Mix({1: (8,)}))
    two.rigs[1].do(messages.Mix({1: (9,)}))
    two.run(12)
    assert two.rigs[0].hears(agent, 6) == {500}
    assert two.rigs[1].hears(customer, 6) == {400}
    assert [rig.core.concealed for rig in two.rigs] == [0, 0]
    assert [rig.core.legs for rig in two.rigs] == [1, 1]


def test_a_ghost_is_one_tick_behind(two: Two) -> None:
    listener = two.rigs[0].add(Far(1, 400))
    near = two.rigs[1].add(Far(1, 500))
    speaker = two.rigs[1].add(Far(2, 613))
    two.forward(1, 2, 8)
    two.rigs[0].do(messages.Mix({1: (8,)}))
    two.rigs[1].do(messages.Mix({1: (2,)}))
    two.run(10)
    assert speaker.seq == 11
    assert near.heard[-2].tobytes() == listener.heard[-1].tobytes()
    assert near.heard[-1].tobytes() != listener.heard[-1].tobytes()


def test_ghosts_are_mixed_coached_and_monitored_like_legs(two: Two) -> None:
    here, there = two.rigs
    agent, boss = here.add(Far(1, 400)), here.add(Far(2, 600))
    customer = there.add(Far(1, 500))
    two.forward(1, 1, 8)
    two.forward(0, 1, 8, key=2)
    two.forward(0, 2, 9, key=3)
    here.do(messages.Mix({1: (8, 2), 2: (1, 8)}))
    there.do(messages.Mix({1: (8, 9)}), messages.Play(1, 1, "tone:900:-16", True, False))
    two.run(12)
    assert here.hears(agent) == {500, 600}
    assert here.hears(boss) == {400, 500}
    assert there.hears(customer) == {400, 600, 900}


def test_a_peer_that_says_nothing_any_more_is_silence_and_returns(two: Two) -> None:
    listener = two.rigs[0].add(Far(1, 400))
    two.rigs[1].add(Far(1, 500))
    two.forward(1, 1, 8)
    two.rigs[0].do(messages.Mix({1: (8,)}))
    two.run(10)
    two.run(20, silent=1)
    assert two.rigs[0].hears(listener) == set()
    two.run(10)
    assert two.rigs[0].hears(listener) == {500}


def test_a_switch_that_was_held_up_hears_what_was_said_in_order(two: Two) -> None:
    listener = two.rigs[0].add(Far(1, 400))
    two.rigs[1].add(Far(1, 500))
    two.forward(1, 1, 8)
    two.rigs[0].do(messages.Mix({1: (8,)}))
    two.run(10)
    two.run(3, deaf=0)
    two.run(12)
    assert two.rigs[0].hears(listener) == {500}


def test_frames_for_a_row_that_is_somebody_elses_now_are_dropped(two: Two) -> None:
    here, there = two.rigs
    listener = here.add(Far(1, 400))
    there.add(Far(1, 500))
    two.forward(1, 1, 8)
    here.do(messages.Mix({1: (8,)}))
    two.run(5)
    here.do(messages.Release(8), messages.OpenGhost(8, KEY + 1), messages.Mix({1: (8,)}))
    two.run(10)
    assert here.hears(listener, 1) == set()
    here.do(messages.Release(8))
    here.add(Far(8, 700))
    here.do(messages.Mix({1: (8,)}))
    two.run(10)
    assert here.hears(listener) == {700}


def test_a_released_or_stopped_leg_is_sent_no_more(two: Two) -> None:
    two.rigs[1].add(Far(1, 500))
    two.rigs[1].add(Far(2, 600))
    two.forward(1, 1, 8)
    two.forward(1, 2, 9, key=5)
    two.run(2)
    assert two.under_way
    two.outlets[1].perform(messages.StopForward(1, 0))
    two.outlets[1].perform(messages.StopForward(1, 0))
    two.rigs[1].do(messages.Release(2))
    two.run(1)
    assert not two.under_way


def test_many_legs_take_few_datagrams(two: Two) -> None:
    count = FRAMES_A_DATAGRAM + 1
    two = Two(legs=count + 2)
    fars = [two.rigs[1].add(Far(leg, 300 + 100 * (leg % 31))) for leg in range(1, count + 1)]
    listener = two.rigs[0].add(Far(count + 1, 400))
    for far in fars:
        two.forward(1, far.leg, far.leg, key=far.leg)
    two.run(3)
    assert len(two.under_way) == 2
    for far in (fars[0], fars[-1]):
        two.rigs[0].do(messages.Mix({listener.leg: (far.leg,)}))
        two.run(6)
        assert tones_in(listener.heard[-1][None]) == {int(far.hz)}


@settings(deadline=None, max_examples=100)
@given(st.binary(max_size=400), st.booleans())
def test_no_datagram_of_a_peer_stops_a_switch(octets: bytes, whole: bool) -> None:
    inlets = Inlets(8)
    inlets.open(3, KEY)
    inlets.read(octets.ljust(8 + 168 * 2, b"\x00")[: 8 + 168 * 2] if whole else octets)
    rig = Rig()
    rig.core.hear_peer(rig.tick, octets)
    rig.work()
