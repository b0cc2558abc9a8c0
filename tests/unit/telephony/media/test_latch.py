"""A leg's packets are its own: invariants P5 and C8, in the core."""

import pytest

from engine.telephony.media import messages
from engine.telephony.media.latch import DEAD_TICKS, LEARN_TICKS
from tests.unit.telephony.media.rig import Far, Rig

FOREIGN = 0x0A000001


def bridge() -> tuple[Rig, Far, Far]:
    rig = Rig()
    one, two = rig.add(Far(1, 400)), rig.add(Far(2, 500, port=1))
    rig.do(messages.Mix({1: (2,), 2: (1,)}))
    return rig, one, two


def stranger(of: Far, hz: float = 900) -> Far:
    far = Far(of.leg, hz, of.law, of.port)
    far.ip, far.udp_port = FOREIGN, 666
    return far


@pytest.mark.parametrize("same_ssrc", [True, False], ids=["right SSRC", "wrong SSRC"])
def test_a_foreign_source_changes_nothing(same_ssrc: bool) -> None:
    rig, one, two = bridge()
    intruder = stranger(one)
    intruder.ssrc = one.ssrc if same_ssrc else 99
    for _ in range(20):
        rig.work([intruder.packet(), one.packet(), two.packet(), intruder.packet()])
    assert rig.hears(two) == {400}
    assert rig.hears(one) == {500}
    assert rig.core.counters.foreign == 40


def test_a_source_behind_nat_is_learnt_and_answered_where_it_is() -> None:
    rig = Rig()
    natted = rig.add(Far(1, 400), learn_ip=0)
    natted.ip, natted.udp_port = FOREIGN, 4444
    rig.run(3)
    assert rig.told(messages.Heard) == [messages.Heard(1, FOREIGN, 4444)]
    assert natted.heard


def test_only_the_host_named_is_learnt() -> None:
    rig = Rig()
    leg = rig.add(Far(1, 400), learn_ip=0x0A000002)
    rig.work([stranger(leg).packet()])
    assert not rig.told(messages.Heard)


def test_the_negotiated_source_takes_over_from_one_that_was_learnt() -> None:
    rig = Rig()
    leg = rig.add(Far(1, 400), learn_ip=0)
    thief = stranger(leg)
    rig.work([thief.packet()])
    rig.work([leg.packet(), thief.packet()])
    assert rig.told(messages.Heard)[-1] == messages.Heard(1, leg.ip, leg.udp_port)
    rig.work([thief.packet()])
    assert rig.core.counters.foreign == 2


def test_nothing_is_learnt_while_two_unheard_legs_share_a_port() -> None:
    rig = Rig()
    one = rig.add(Far(1, 400), learn_ip=0)
    rig.add(Far(2, 500), learn_ip=0)
    rig.work([stranger(one).packet()])
    assert not rig.told(messages.Heard)
    assert rig.core.counters.foreign == 1


def test_nothing_is_learnt_after_the_learning_time() -> None:
    rig = Rig()
    leg = rig.add(Far(1, 400), learn_ip=0)
    for _ in range(LEARN_TICKS + 1):
        rig.work()
    rig.work([stranger(leg).packet()])
    assert not rig.told(messages.Heard)


def test_a_leg_heard_is_not_learnt_anew() -> None:
    rig = Rig()
    leg = rig.add(Far(1, 400), learn_ip=0)
    rig.run(2)
    rig.work([stranger(leg).packet()])
    assert len(rig.told(messages.Heard)) == 1


def test_late_packets_of_a_released_leg_are_not_learnt_by_the_next() -> None:
    rig = Rig()
    old = rig.add(Far(1, 400), learn_ip=0)
    rig.run(3)
    rig.do(messages.Release(1))
    rig.add(Far(2, 500), learn_ip=0)
    rig.work([old.packet()])
    assert len(rig.told(messages.Heard)) == 1
    assert DEAD_TICKS > LEARN_TICKS


def test_a_reinvite_with_a_new_address_moves_the_leg() -> None:
    rig, one, two = bridge()
    rig.run(5)
    old = stranger(one)
    old.ip, old.udp_port, old.ssrc = one.ip, one.udp_port, one.ssrc
    one.udp_port, one.ssrc = 31_000, 777
    rig.connect(one)
    for _ in range(10):
        rig.work([one.packet(), two.packet(), old.packet()])
    assert rig.hears(two) == {400}
    assert rig.hears(one) == {500}


def test_a_reinvite_with_the_same_address_keeps_the_source() -> None:
    rig, one, _ = bridge()
    rig.run(5)
    rig.connect(one)
    rig.run(5)
    assert len(rig.told(messages.Heard)) == 2


def test_what_is_no_rtp_is_counted_and_dropped() -> None:
    rig, one, two = bridge()
    junk = [(b"", one.ip, one.udp_port, 0), (b"OPTIONS sip:x", one.ip, one.udp_port, 0)]
    rig.work(junk)
    rig.run(10)
    assert rig.core.counters.malformed == 2
    assert rig.hears(two) == {400}


def test_a_leg_behind_nat_is_heard_again_after_hold() -> None:
    rig = Rig()
    natted = rig.add(Far(1, 400), learn_ip=0)
    inside = (natted.ip, natted.udp_port)
    natted.ip, natted.udp_port = FOREIGN, 4444
    rig.run(3)
    rig.do(messages.Connect(1, 0, 4444, 0, 0, 101, True, 0, 0, 0))
    rig.run(3)
    rig.do(messages.Connect(1, *inside, 0, 0, 101, True, 0, 0, 0))
    before = rig.core.counters.foreign, len(natted.heard)
    rig.run(3)
    assert (rig.core.counters.foreign, len(natted.heard)) == (before[0], before[1] + 3)


def test_a_leg_may_learn_its_own_old_source_again() -> None:
    rig = Rig()
    natted = rig.add(Far(1, 400), learn_ip=0)
    rig.run(2)
    rig.do(messages.Connect(1, 0x0A020304, 9, 0, 0, 101, True, 0, 0, 0))
    rig.work([natted.packet()])
    assert rig.told(messages.Heard)[1:] == [messages.Heard(1, natted.ip, natted.udp_port)]
