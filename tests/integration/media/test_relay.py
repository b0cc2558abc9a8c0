"""The relay that other tests trust: what it loses, doubles, delays, and to whom it passes."""

import random
import socket
import time
from collections.abc import Iterator

import pytest

from tests.support.load import PATIENCE_S
from tests.support.relay import Faults, Relay

COUNT = 2000


def bound() -> socket.socket:
    one = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    one.bind(("127.0.0.1", 0))
    one.settimeout(PATIENCE_S)
    return one


@pytest.fixture
def ends() -> Iterator[tuple[socket.socket, socket.socket]]:
    with bound() as near, bound() as far:
        yield near, far


def fates(faults: Faults, seed: int = 3) -> list[list[float]]:
    chance = random.Random(seed)
    return [faults.fate(chance) for _ in range(COUNT)]


def test_one_seed_has_one_fate() -> None:
    faults = Faults(loss=0.1, duplicates=0.1, jitter_s=0.05)
    assert fates(faults) == fates(faults)
    assert fates(faults) != fates(faults, seed=4)


def test_without_faults_everything_passes_once_and_at_once() -> None:
    assert fates(Faults()) == [[0.0]] * COUNT


def test_shares_are_what_was_asked_for() -> None:
    found = fates(Faults(loss=0.1, duplicates=0.2, reorder=0.3, hold_s=1, delay_s=2, jitter_s=0.5))
    copies = [len(delays) for delays in found]
    assert copies.count(0) / COUNT == pytest.approx(0.1, abs=0.03)
    assert copies.count(2) / (COUNT - copies.count(0)) == pytest.approx(0.2, abs=0.04)
    first_s = [delays[0] for delays in found if delays]
    held_s = [delay_s for delay_s in first_s if delay_s >= 3]
    assert len(held_s) / len(first_s) == pytest.approx(0.3, abs=0.04)
    assert 2 <= min(first_s) < max(first_s) <= 3.5


def test_each_party_takes_the_relay_for_the_other(
    ends: tuple[socket.socket, socket.socket],
) -> None:
    near, far = ends
    with bound() as second, Relay(far.getsockname()) as relay:
        near.sendto(b"one", relay.near_side)
        assert far.recvfrom(99) == (b"one", relay.far_side)
        second.sendto(b"two", relay.near_side)
        datagram, of_second = far.recvfrom(99)
        assert (datagram, of_second == relay.far_side) == (b"two", False)
        far.sendto(b"to second", of_second)
        assert second.recvfrom(99) == (b"to second", relay.near_side)
        far.sendto(b"to first", relay.far_side)
        assert near.recvfrom(99) == (b"to first", relay.near_side)


def test_the_far_party_may_speak_first_to_a_near_party_that_is_known(
    ends: tuple[socket.socket, socket.socket],
) -> None:
    near, far = ends
    with Relay(far.getsockname(), near=near.getsockname()) as relay:
        far.sendto(b"first", relay.far_side)
        assert near.recvfrom(99) == (b"first", relay.near_side)


def test_what_is_delayed_comes_later_and_what_is_held_is_overtaken(
    ends: tuple[socket.socket, socket.socket],
) -> None:
    near, far = ends
    held = Faults(reorder=1.0, hold_s=1.5, delay_s=0.05)
    with Relay(far.getsockname(), to_far=held) as relay:
        began_s = time.monotonic()
        near.sendto(b"held", relay.near_side)
        while not relay.to_far.counts["copies"]:
            time.sleep(0.005)
        relay.to_far.faults = Faults()
        near.sendto(b"quick", relay.near_side)
        assert [far.recvfrom(99)[0] for _ in range(2)] == [b"quick", b"held"]
        assert time.monotonic() - began_s >= 1.55


def test_what_is_lost_is_counted_and_does_not_come(
    ends: tuple[socket.socket, socket.socket],
) -> None:
    near, far = ends
    with Relay(far.getsockname(), to_far=Faults(loss=1.0)) as relay:
        near.sendto(b"lost", relay.near_side)
        while not relay.to_far.counts["lost"]:
            time.sleep(0.005)
        relay.to_far.faults = Faults(duplicates=1.0)
        near.sendto(b"twice", relay.near_side)
        assert [far.recvfrom(99)[0] for _ in range(2)] == [b"twice", b"twice"]
        assert relay.to_far.counts == {"came": 2, "lost": 1, "copies": 2}
