"""Ticks of the core: who hears whom, what leaves, and what is told."""

import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.telephony.media import g711, messages, tones
from engine.telephony.media.g711 import FRAME, Law
from tests.unit.telephony.media.rig import Far, Rig, batch_of, tones_in

LAWS = pytest.mark.parametrize(
    ("first", "second"),
    [(Law.MU, Law.MU), (Law.A, Law.A), (Law.MU, Law.A)],
    ids=["mu-mu", "a-a", "mu-a"],
)


@LAWS
def test_two_bridged_legs_hear_each_other_and_not_themselves(first: Law, second: Law) -> None:
    rig = Rig()
    one, two = rig.add(Far(1, 400, first)), rig.add(Far(2, 500, second))
    rig.do(messages.Mix({1: (2,), 2: (1,)}))
    rig.run(10)
    assert rig.hears(one) == {500}
    assert rig.hears(two) == {400}


@pytest.mark.parametrize(
    ("rows", "agent", "customer", "supervisor"),
    [
        pytest.param({3: (1, 2)}, {500}, {400}, {400, 500}, id="monitor"),
        pytest.param({1: (2, 3), 3: (1, 2)}, {500, 600}, {400}, {400, 500}, id="coach"),
        pytest.param(
            {1: (2, 3), 2: (1, 3), 3: (1, 2)},
            {500, 600},
            {400, 600},
            {400, 500},
            id="barge in",
        ),
    ],
)
@pytest.mark.parametrize("law", [Law.MU, Law.A], ids=["mu", "a"])
def test_each_party_hears_exactly_whom_it_should(
    rows: dict[int, tuple[int, ...]],
    agent: set[int],
    customer: set[int],
    supervisor: set[int],
    law: Law,
) -> None:
    rig = Rig()
    legs = [rig.add(Far(1, 400)), rig.add(Far(2, 500, law)), rig.add(Far(3, 600))]
    rig.do(messages.Mix({1: (2,), 2: (1,)}))
    rig.run(5)
    rig.do(messages.Mix(rows))
    rig.run(8)
    assert [rig.hears(leg) for leg in legs] == [agent, customer, supervisor]


def test_a_change_of_the_mix_acts_at_the_next_tick_and_misses_no_frame() -> None:
    rig = Rig()
    legs = [rig.add(Far(1, 400)), rig.add(Far(2, 500)), rig.add(Far(3, 600))]
    rig.do(messages.Mix({1: (2,), 2: (1,)}))
    rig.run(5)
    for heard in ((2,), (2, 3), (2,), (3, 2)):
        rig.do(messages.Mix({1: heard}))
        rig.run(1)
        expected = {500, 600} if 3 in heard else {500}
        assert tones_in(legs[0].heard[-1][np.newaxis]) == expected


def test_a_released_leg_is_heard_by_nobody() -> None:
    rig = Rig()
    one, two = rig.add(Far(1, 400)), rig.add(Far(2, 500))
    rig.do(messages.Mix({1: (2,), 2: (1,)}))
    rig.run(5)
    rig.do(messages.Release(2))
    rig.run(3)
    assert rig.hears(one, 1) == set()
    before = len(two.heard)
    rig.run(3)
    assert len(two.heard) == before
    rig.add(Far(2, 700, port=2))
    rig.run(12)
    assert rig.hears(one) == set()


def test_nobody_hears_itself() -> None:
    rig = Rig()
    one, _ = rig.add(Far(1, 400)), rig.add(Far(2, 500))
    rig.do(messages.Mix({1: (1, 2, 2)}))
    rig.run(10)
    assert rig.hears(one) == {500}


def test_a_stream_has_its_own_ssrc_and_unbroken_numbers() -> None:
    rig = Rig()
    rig.add(Far(1, 400))
    sent = [rig.work().sending.packets[0].copy() for _ in range(5)]
    assert {int(packet["ssrc"]) for packet in sent} == {7919}
    assert np.diff([int(packet["seq"]) for packet in sent]).tolist() == [1] * 4
    assert np.diff([int(packet["ts"]) for packet in sent]).tolist() == [FRAME] * 4
    assert [int(packet["b1"]) >> 7 for packet in sent] == [1, 0, 0, 0, 0]


def test_a_switch_made_anew_goes_on_with_the_numbers_of_the_old() -> None:
    numbers: list[tuple[int, int]] = []
    for rig in (Rig(), Rig()):
        rig.add(Far(1, 400))
        if numbers:
            rig.tick += 30
            rig.do(messages.Release(1))
            rig.add(Far(1, 400))
        packet = rig.work().sending.packets[0]
        numbers.append((int(packet["seq"]), int(packet["ts"])))
    (seq, timestamp), (seq_after, timestamp_after) = numbers
    assert seq_after - seq == 30
    assert timestamp_after - timestamp == 30 * FRAME


def test_nothing_is_sent_to_a_leg_on_hold_or_not_connected() -> None:
    rig = Rig()
    rig.do(messages.Open(1, 0, 1))
    assert not len(rig.work().sending.packets)
    rig.do(messages.Connect(1, 0, 4000, 0, 0, -1, True, -1, 0, 0))
    assert not len(rig.work().sending.packets)
    rig.do(messages.Connect(1, 1, 4000, 0, 0, -1, False, -1, 0, 0))
    assert not len(rig.work().sending.packets)


@pytest.mark.parametrize("law", [Law.MU, Law.A], ids=["mu", "a"])
def test_a_prompt_is_heard_alone_or_mixed_and_its_end_is_told(law: Law) -> None:
    rig = Rig()
    one, _ = rig.add(Far(1, 400, law)), rig.add(Far(2, 500))
    rig.run(2)
    rig.do(messages.Play(1, 7, "beep", False, False))
    rig.run(10)
    assert rig.hears(one) == {1000}
    rig.do(messages.Mix({1: (2,)}))
    rig.run(3)
    assert rig.hears(one, 2) == {500, 1000}
    rig.run(len(tones.beep()))
    assert rig.told(messages.PlayEnded) == [messages.PlayEnded(1, 7)]
    assert rig.hears(one) == {500}


def test_a_prompt_instead_of_a_call_is_heard_alone() -> None:
    rig = Rig()
    one, _ = rig.add(Far(1, 400)), rig.add(Far(2, 500))
    rig.do(messages.Mix({1: (2,)}), messages.Play(1, 7, "tone:800:-16", True, True))
    rig.run(120)
    assert rig.hears(one) == {800}
    rig.do(messages.StopPlay(1))
    rig.run(3)
    assert rig.hears(one, 2) == {500}
    assert not rig.told(messages.PlayEnded)


def test_a_prompt_that_cannot_be_read_is_told_with_the_reason() -> None:
    rig = Rig()
    rig.add(Far(1, 400))
    rig.do(messages.Play(1, 7, "/nowhere/at-all.wav", False, False))
    rig.run(2)
    (failed,) = rig.told(messages.PlayFailed)
    assert isinstance(failed, messages.PlayFailed)
    assert failed.play == 7
    assert "no such file" in failed.reason


def test_an_audio_leg_speaks_and_hears_samples() -> None:
    rig = Rig()
    one = rig.add(Far(1, 400))
    rig.do(messages.OpenAudio(9), messages.Mix({9: (1,), 1: (9,)}))
    wave = tones.tone(700, -16)
    for frame in range(20):
        rig.do(messages.Audio(9, wave[frame].astype("<i2").tobytes()))
        rig.run(1)
    audio = [event for event in rig.events if isinstance(event, messages.Audio)]
    assert len(audio) == 20
    samples = np.stack([np.frombuffer(event.pcm, dtype="<i2") for event in audio[-5:]])
    assert tones_in(samples.astype(np.int16)) == {400}
    assert rig.hears(one) == {700}


def test_a_digit_is_told_once_however_often_its_packets_come() -> None:
    rig = Rig()
    far = rig.add(Far(1, 400))
    rig.run(3)
    for digit in (5, 11):
        started = far.timestamp
        for duration in range(160, 1600, 160):
            far.timestamp = started
            event = struct.pack("!BBH", digit, 0x0A | (0x80 if duration > 1200 else 0), duration)
            rig.work([far.packet(event, 101, samples=0), far.packet(event, 101, samples=0)])
        far.timestamp = started + 1600
    assert rig.told(messages.Digit) == [messages.Digit(1, "5"), messages.Digit(1, "#")]


def test_silence_over_the_limit_is_told_once_and_so_is_its_end() -> None:
    rig = Rig(silent_ms=200)
    far = rig.add(Far(1, 400))
    rig.run(5)
    for _ in range(30):
        rig.work()
    assert rig.told(messages.FellSilent) == [messages.FellSilent(1)]
    rig.run(3)
    assert rig.told(messages.Resumed) == [messages.Resumed(1)]
    assert far.heard


def test_a_leg_that_is_never_heard_is_told_as_silent() -> None:
    rig = Rig(silent_ms=200)
    rig.add(Far(1, 400))
    for _ in range(12):
        rig.work()
    assert rig.told(messages.FellSilent) == [messages.FellSilent(1)]


def test_the_other_law_than_negotiated_is_understood() -> None:
    rig = Rig()
    one, two = rig.add(Far(1, 400)), rig.add(Far(2, 500))
    rig.do(messages.Mix({2: (1,)}))
    one.law = Law.A
    rig.run(8)
    assert rig.hears(two) == {400}


def test_extensions_contributors_and_padding_are_cut_away() -> None:
    rig = Rig()
    one, two = rig.add(Far(1, 400)), rig.add(Far(2, 500))
    rig.do(messages.Mix({2: (1,)}))
    for _ in range(8):
        octets, *source = one.packet(first=0x80 | 0x20 | 0x10 | 0x02)
        extension = b"\xbe\xde\x00\x01\x10\xff\x00\x00"
        whole = octets[:12] + bytes(8) + extension + octets[12:] + b"\x00\x00\x00\x04"
        rig.work([(whole, *source), two.packet()])  # type: ignore[list-item]  # as in Datagram
    assert rig.hears(two) == {400}


def test_a_new_ssrc_is_taken_when_the_old_one_is_gone_and_not_before() -> None:
    rig = Rig()
    one, two = rig.add(Far(1, 400)), rig.add(Far(2, 500))
    rig.do(messages.Mix({2: (1,)}))
    rig.run(5)
    other = Far(1, 900)
    other.ssrc = 4242
    for _ in range(5):
        rig.work([one.packet(), other.packet(), two.packet()])
    assert rig.hears(two, 3) == {400}
    for _ in range(10):
        rig.work([other.packet(), two.packet()])
    assert rig.hears(two, 3) == {900}


def test_five_hundred_calls_never_hear_each_other() -> None:
    rig = Rig(legs=1100, ports=8)
    hz = [300 + 100 * (index % 31) for index in range(1000)]
    legs = [rig.add(Far(index + 1, hz[index], port=index % 8)) for index in range(1000)]
    pairs: dict[int, tuple[int, ...]] = {
        leg: (leg + 1 if leg % 2 else leg - 1,) for leg in range(1, 1001)
    }
    rig.do(messages.Mix(pairs))
    for tick in range(5):
        worked = rig.core.work(rig.tick + tick, batch_of([leg.packet() for leg in legs]))
    sending = worked.sending
    assert len(sending.packets) == 1000
    udp_ports = sending.addresses["udp_port"].tolist()
    heard = dict(zip(udp_ports, sending.packets["payload"], strict=True))
    for leg in legs:
        partner = legs[pairs[leg.leg][0] - 1]
        samples = g711.decode(heard[leg.udp_port], Law.MU)
        assert tones_in(samples[np.newaxis]) == {int(partner.hz)}


@settings(deadline=None, max_examples=50)
@given(st.lists(st.tuples(st.binary(max_size=512), st.booleans()), max_size=20))
def test_no_datagram_stops_a_tick(datagrams: list[tuple[bytes, bool]]) -> None:
    rig = Rig()
    one, two = rig.add(Far(1, 400), learn_ip=0), rig.add(Far(2, 500, port=1))
    rig.do(messages.Mix({1: (2,), 2: (1,)}))
    rig.run(2)
    rig.work([(octets, one.ip, one.udp_port if own else 9, 0) for octets, own in datagrams])
    rig.run(40)
    assert rig.hears(two, 3) == {400}
