"""What the network does to a leg's packets, in virtual ticks: the far end still hears the call."""

import math
import random
import struct

import numpy as np
import pytest

from engine.telephony.media import messages
from engine.telephony.media.g711 import FRAME, Law
from engine.telephony.media.rtcp import sender_report
from tests.support.relay import Faults
from tests.unit.telephony.media.rig import BANK, Datagram, Far, Rig

TICK_S = 0.02


class Network:
    """Brings a far end's packets to the switch with faults, and counts what it did."""

    def __init__(self, rig: Rig, faults: Faults, seed: int = 5) -> None:
        self.rig, self.faults = rig, faults
        self.sent = self.lost = self.copies = 0
        self._chance = random.Random(seed)
        self._arriving: dict[int, list[tuple[float, Datagram]]] = {}

    def carry(self, packet: Datagram) -> None:
        """Take a packet that is sent in this tick."""
        delays_s = self.faults.fate(self._chance)
        self.sent, self.lost = self.sent + 1, self.lost + (not delays_s)
        self.copies += len(delays_s)
        for delay_s in delays_s:
            due = self.rig.tick + math.ceil(delay_s / TICK_S)
            self._arriving.setdefault(due, []).append((delay_s % TICK_S, packet))

    def due(self) -> list[Datagram]:
        """Return what arrives in this tick, in order of arrival."""
        return [packet for _, packet in sorted(self._arriving.pop(self.rig.tick, []))]


def bridged(rig: Rig) -> tuple[Far, Far]:
    listener, speaker = rig.add(Far(1, 400)), rig.add(Far(2, 500))
    rig.do(messages.Mix({1: (2,), 2: (1,)}))
    return listener, speaker


def talk(rig: Rig, network: Network, listener: Far, speaker: Far, ticks: int) -> None:
    """Let the speaker speak over the network and the listener at once."""
    for _ in range(ticks):
        network.carry(speaker.packet())
        rig.work([listener.packet(), *network.due()])


def heard_shares(far: Far, frames: int) -> tuple[float, float]:
    """Return in what share of its last frames a far end hears 500 Hz, and other tones."""
    levels = BANK.levels(np.stack(far.heard[-frames:])) > 1000 / 32768
    tone = levels[:, BANK.hz.tolist().index(500.0)]
    others = np.delete(levels, BANK.hz.tolist().index(500.0), axis=1).any(axis=1)
    # A seam between two frames of a tone that were not neighbours sounds at other frequencies too.
    return float(tone.mean()), float((others & ~tone).mean())


def quality_of(rig: Rig, leg: int) -> messages.Quality:
    rig.do(messages.Release(leg))
    rig.work()
    quality = rig.told(messages.Quality)[-1]
    assert isinstance(quality, messages.Quality)
    return quality


@pytest.mark.parametrize(
    ("faults", "least"),
    [
        pytest.param(Faults(loss=0.05), 0.99, id="5 % loss"),
        pytest.param(Faults(jitter_s=0.05), 0.99, id="50 ms of jitter"),
        pytest.param(Faults(duplicates=0.2), 1.0, id="duplicates"),
        pytest.param(Faults(reorder=0.1, hold_s=0.05), 0.99, id="reordering"),
        pytest.param(Faults(0.05, 0.05, 0.05, 0.05, 0.08, 0.05), 0.98, id="all of it"),
    ],
)
def test_a_call_is_heard_through_a_bad_network(faults: Faults, least: float) -> None:
    rig = Rig()
    listener, speaker = bridged(rig)
    network = Network(rig, faults)
    talk(rig, network, listener, speaker, 1500)
    tone, other = heard_shares(listener, 1400)
    assert tone >= least
    assert other <= 0.01
    for _ in range(20):
        rig.work(network.due())
    quality = quality_of(rig, 2)
    # What came last may be missing without a later packet to tell.
    assert quality.lost == pytest.approx(network.sent - network.copies, abs=2)
    assert quality.received == network.copies
    assert (quality.jitter_ms > 5) == bool(faults.jitter_s or faults.reorder)
    assert quality.jitter_ms < 40


def test_jitter_costs_delay_only_while_it_lasts() -> None:
    rig = Rig()
    listener, speaker = bridged(rig)
    network = Network(rig, Faults(jitter_s=0.05))
    talk(rig, network, listener, speaker, 300)
    network.faults = Faults()
    talk(rig, network, listener, speaker, 600)
    speaker.hz = 900
    talk(rig, network, listener, speaker, 6)
    levels = BANK.levels(np.stack(listener.heard[-6:])) > 1000 / 32768
    there = levels[:, BANK.hz.tolist().index(900.0)].tolist()
    assert there.index(True) <= 3


def test_sequence_and_timestamp_wrap_without_loss_or_gap() -> None:
    rig = Rig()
    listener, speaker = bridged(rig)
    speaker.seq, speaker.timestamp = 65_500, (1 << 32) - 30 * FRAME
    rig.run(100)
    assert heard_shares(listener, 95) == (1.0, 0.0)
    assert quality_of(rig, 2).lost == 0


def test_a_reinvite_brings_a_new_ssrc_at_once() -> None:
    rig = Rig()
    listener, speaker = bridged(rig)
    rig.run(20)
    speaker.ssrc, speaker.seq, speaker.timestamp = 4242, 60_000, 77
    rig.connect(speaker)
    rig.run(5)
    assert rig.hears(listener, 3) == {500}
    rig.run(20)
    quality = quality_of(rig, 2)
    assert (quality.received, quality.lost) == (25, 0)


def test_packets_of_a_wrong_type_are_counted_and_disturb_nothing() -> None:
    rig = Rig()
    listener, speaker = bridged(rig)
    rig.run(10)
    before = rig.core.counters.malformed
    for _ in range(50):
        wrong = speaker.packet(bytes(20), 18, samples=0)
        rig.work([wrong, listener.packet(), speaker.packet()])
    assert rig.hears(listener, 40) == {500}
    assert rig.core.counters.malformed - before == 50


def test_a_key_press_that_is_overtaken_by_the_next_is_not_told_twice() -> None:
    rig = Rig()
    far = rig.add(Far(1, 400))
    rig.run(3)

    def press(digit: int, at: int) -> Datagram:
        far.timestamp = at & 0xFFFFFFFF
        return far.packet(struct.pack("!BBH", digit, 0x8A, 800), 101, samples=0)

    first, second = (1 << 32) - 800, (1 << 32) + 800
    rig.work([press(1, first)])
    rig.work([press(2, second), press(1, first), press(2, second)])
    rig.work([press(1, first)])
    assert rig.told(messages.Digit) == [messages.Digit(1, "1"), messages.Digit(1, "2")]
    far.ssrc = 999
    for _ in range(5):
        rig.work()
    rig.work([far.packet()])
    rig.work([press(3, 5)])
    assert rig.told(messages.Digit)[-1] == messages.Digit(1, "3")


@pytest.mark.parametrize("same_ssrc", [True, False], ids=["right SSRC", "wrong SSRC"])
def test_injected_packets_change_neither_audio_nor_destinations(same_ssrc: bool) -> None:
    rig = Rig()
    attackers = [Far(20 + port, 900, port=port) for port in range(4)]
    for attacker in attackers:
        attacker.ssrc = 1002 if same_ssrc else 5
    injected = [attacker.packet() for attacker in attackers]
    rig.work(injected)  # before the call
    listener, speaker = bridged(rig)
    sent_to: set[tuple[int, int]] = set()
    for _ in range(200):
        rig.fars[1:] = [speaker]
        injected = [attacker.packet() for attacker in attackers]
        worked = rig.work([*injected, listener.packet(), speaker.packet(), *injected])
        sent_to |= {(int(to["ip"]), int(to["udp_port"])) for to in worked.sending.addresses}
    assert sent_to == {(far.ip, far.udp_port) for far in (listener, speaker)}
    assert heard_shares(listener, 195) == (1.0, 0.0)
    assert rig.core.counters.foreign >= 200 * 8


def test_reports_from_elsewhere_change_nothing() -> None:
    rig = Rig()
    listener, _ = bridged(rig)
    rig.run(5)
    before = rig.core.reports(rig.tick, 1.7e9)
    for _ in range(50):
        rig.core.quality.take(sender_report(7919, 1.7e9, 0, 9, None), listener.ip + 9, 1.7e9)
    rig.run(5)
    assert rig.hears(listener, 3) == {500}
    assert not before


@pytest.mark.parametrize("law", [Law.MU, Law.A], ids=["mu", "a"])
def test_a_burst_of_loss_is_heard_as_a_pause_and_then_as_the_call(law: Law) -> None:
    rig = Rig()
    listener, speaker = rig.add(Far(1, 400, law)), rig.add(Far(2, 500, law))
    rig.do(messages.Mix({1: (2,), 2: (1,)}))
    rig.run(20)
    for _ in range(15):
        speaker.packet()
        rig.work([listener.packet()])
    assert rig.hears(listener, 5) == set()
    rig.run(10)
    assert rig.hears(listener, 5) == {500}
    assert rig.core.concealed == 15
