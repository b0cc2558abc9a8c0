"""Encrypted legs in a core beside plain ones: heard, hearing, pressing keys, and not taken over."""

import numpy as np
import pytest

from engine.telephony.audio_keys import Suite
from engine.telephony.media import messages
from engine.telephony.media.core import Tick
from engine.telephony.media.outbound import PACKET
from engine.telephony.media.packets import PACKET_BYTES
from engine.telephony.media.rtcp import parse_reports, receiver_report
from engine.telephony.media.srtp.rtcp import ReportOpener, ReportSealer
from engine.telephony.media.srtp.sending import Protector
from tests.unit.telephony.media.rig import Datagram, Far, Rig
from tests.unit.telephony.media.srtp.flow import SSRC, master_of, opened, opener

OURS, THEIRS = 0, 100
"""First octets of the master keys of the two directions."""


class SecureFar(Far):
    """A far end that encrypts what it says."""

    def __init__(self, leg: int, hz: float, suite: Suite = Suite.AES_CM_80) -> None:
        super().__init__(leg, hz)
        self.suite, self.ssrc = suite, SSRC
        self._protector = Protector(1)
        self._protector.set(0, suite, master_of(suite, THEIRS))
        self.opener = opener(suite, first=OURS)

    def packet(
        self,
        payload: bytes | None = None,
        payload_type: int | None = None,
        *,
        first: int = 0x80,
        samples: int = 160,
    ) -> Datagram:
        index = self.seq
        plain, *where = super().packet(payload, payload_type, first=first, samples=samples)
        packets = np.zeros(1, dtype=PACKET)
        packets.view(np.uint8)[:PACKET_BYTES] = np.frombuffer(
            plain.ljust(PACKET_BYTES, b"\0"), dtype=np.uint8
        )
        self._protector.protect(packets, np.array([0]), np.array([0]), np.array([index]))
        octets = packets.tobytes()[: PACKET_BYTES + self.suite.tag_octets]
        return octets, where[0], where[1], where[2]

    @property
    def keys(self) -> messages.Secure:
        ours, theirs = master_of(self.suite, OURS), master_of(self.suite, THEIRS)
        return messages.Secure(self.leg, self.suite.value, ours, theirs, 1000, 2000)


def secured(rig: Rig, far: SecureFar, learn_ip: int = -1) -> SecureFar:
    rig.do(messages.Open(far.leg, far.port, far.leg * 7919), far.keys)
    rig.connect(far, learn_ip=learn_ip)
    rig.fars.append(far)
    return far


def sent_to(worked: Tick, far: Far) -> bytes:
    """Return what leaves for a far end."""
    at = worked.sending.addresses["udp_port"].tolist().index(far.udp_port)
    lengths = worked.sending.lengths
    size = PACKET_BYTES if lengths is None else int(lengths[at])
    octets: bytes = worked.sending.packets[at].tobytes()
    return octets[:size]


def lost_at_far_end(rig: Rig) -> int:
    """Release the leg and return what its far end was last understood to have lost."""
    rig.do(messages.Release(1))
    rig.work([])
    last = rig.told(messages.Quality)[-1]
    assert isinstance(last, messages.Quality)
    return last.far_lost


@pytest.mark.parametrize("suite", Suite)
def test_an_encrypted_and_a_plain_leg_hear_each_other(suite: Suite) -> None:
    rig = Rig()
    phone, carrier = secured(rig, SecureFar(1, 500, suite)), rig.add(Far(2, 900))
    rig.do(messages.Mix({1: (2,), 2: (1,)}))
    rig.run(20)
    assert rig.hears(carrier) == {500}
    heard = []
    for _ in range(5):
        worked = rig.work([phone.packet(), carrier.packet()])
        packet = sent_to(worked, phone)
        assert len(packet) == PACKET_BYTES + suite.tag_octets
        assert len(sent_to(worked, carrier)) == PACKET_BYTES
        heard += opened(phone.opener, packet)
    plain = carrier.frame()
    assert all(frame is not None and len(frame) == len(plain) for frame in heard)
    assert rig.core.unauthentic == 0


def test_packets_of_a_leg_are_in_the_order_of_their_index() -> None:
    rig = Rig()
    phone = secured(rig, SecureFar(1, 500))
    first = int.from_bytes(sent_to(rig.work([]), phone)[2:4], "big")
    second = int.from_bytes(sent_to(rig.work([]), phone)[2:4], "big")
    assert (first, second) == (2000, 2001)


def test_nobody_without_the_key_is_learnt_and_the_phone_behind_a_nat_is() -> None:
    rig = Rig()
    phone = secured(rig, SecureFar(1, 500), learn_ip=0)
    elsewhere = Far(1, 700)
    elsewhere.udp_port = 20_001
    for _ in range(5):
        rig.work([elsewhere.packet()])
    assert rig.told(messages.Heard) == []
    phone.udp_port = 20_002
    rig.work([elsewhere.packet(), phone.packet()])
    assert rig.told(messages.Heard) == [messages.Heard(1, phone.ip, 20_002)]
    assert rig.core.unauthentic == 6


def test_forged_packets_from_the_legs_own_source_are_dropped_and_counted() -> None:
    rig = Rig()
    phone, carrier = secured(rig, SecureFar(1, 500)), rig.add(Far(2, 900))
    rig.do(messages.Mix({1: (2,), 2: (1,)}))
    forger = Far(1, 700)
    for _ in range(20):
        again = phone.packet()
        rig.work([forger.packet(), again, again, carrier.packet()])
    assert rig.hears(carrier) == {500}
    assert rig.core.unauthentic == 40


def test_keys_pressed_on_an_encrypted_phone_are_told_once() -> None:
    rig = Rig()
    phone = secured(rig, SecureFar(1, 500))
    rig.run(5)
    event = bytes([5, 0x0A, 0, 160])
    rig.work([phone.packet(event, 101)])
    assert rig.told(messages.Digit) == [messages.Digit(1, "5")]


def test_reports_are_encrypted_both_ways() -> None:
    rig = Rig()
    phone = secured(rig, SecureFar(1, 500))
    told: list[bytes] = []
    while not told:
        rig.work([phone.packet()])
        told = [report.octets for report in rig.core.reports(rig.tick, 1_700_000_000.0)]
    own = ReportOpener(phone.suite, master_of(phone.suite, OURS))
    said = own.open(told[0])
    assert said is not None
    assert parse_reports(said).blocks[0].about == SSRC
    block = parse_reports(said).blocks[0]
    theirs = receiver_report(SSRC, block.__class__(SSRC, 7919, 0, 12, 0, 80, 0, 0))
    sealed = ReportSealer(phone.suite, master_of(phone.suite, THEIRS), 1).seal(theirs)
    rig.core.quality.take(theirs, phone.ip, 1_700_000_000.0)
    assert lost_at_far_end(rig) == 0  # it was plain
    rig.fars.clear()
    phone = secured(rig, SecureFar(1, 500))
    rig.run(3)
    rig.core.quality.take(sealed, phone.ip, 1_700_000_000.0)
    assert lost_at_far_end(rig) == 12
    over = [report.octets for report in rig.core.reports(rig.tick, 1_700_000_000.0)]
    last = ReportOpener(phone.suite, master_of(phone.suite, OURS))
    assert last.open(over[-1]) is not None


def test_a_row_used_again_is_plain() -> None:
    rig = Rig()
    secured(rig, SecureFar(1, 500))
    rig.run(3)
    rig.do(messages.Release(1))
    rig.work([])
    rig.fars.clear()
    plain, other = rig.add(Far(1, 600, port=1)), rig.add(Far(2, 900))
    rig.do(messages.Mix({1: (2,), 2: (1,)}))
    rig.run(20)
    assert rig.hears(other) == {600}
    assert rig.hears(plain) == {900}
    assert rig.work([]).sending.lengths is None
