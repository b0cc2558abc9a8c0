"""Authentic packets are let in once each, whatever the network does to their order."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.telephony.audio_keys import Suite
from engine.telephony.media.srtp.receiving import LOST_TICKS, WINDOW, guess
from tests.unit.telephony.media.srtp.flow import SSRC, opened, opener, sealed

SAID = bytes([7]) * 160
CM = Suite.AES_CM_80


@pytest.mark.parametrize("suite", Suite)
@given(
    start=st.one_of(st.integers(0, 0x7FFF), st.integers(0xFFC0, 0xFFFF)),
    order=st.lists(st.integers(-WINDOW + 1, 6), max_size=25),
)
@settings(max_examples=30, deadline=None)
def test_each_packet_is_let_in_once_in_any_order(
    suite: Suite, start: int, order: list[int]
) -> None:
    unprotector, newest, taken = opener(suite), start, {start}
    assert opened(unprotector, sealed(suite, start)) == [SAID]
    for step in order:
        index = newest + step
        if index < 0:
            continue
        fresh = index not in taken
        assert opened(unprotector, sealed(suite, index)) == [SAID if fresh else None]
        taken.add(index)
        newest = max(newest, index)


@pytest.mark.parametrize("suite", Suite)
def test_packets_of_one_tick_are_told_apart(suite: Suite) -> None:
    packets = [sealed(suite, index, index) for index in (10, 12, 11, 12, 13)]
    assert opened(opener(suite), *packets) == [
        bytes([10]) * 160,
        bytes([12]) * 160,
        bytes([11]) * 160,
        None,
        bytes([13]) * 160,
    ]


@pytest.mark.parametrize("suite", Suite)
def test_a_stream_goes_on_over_the_end_of_its_sequence_numbers(suite: Suite) -> None:
    unprotector = opener(suite)
    for index in (0x7FFF, 0xFFFE, 0x10001, 0x0FFFF, 0x18000, 0x1F000, 0x20000):
        assert opened(unprotector, sealed(suite, index)) == [SAID]


@pytest.mark.parametrize("suite", Suite)
def test_what_is_not_authentic_is_dropped_and_counted(suite: Suite) -> None:
    unprotector = opener(suite)
    whole = sealed(suite, 5)
    damaged = [
        whole[:at] + bytes([whole[at] ^ 0x40]) + whole[at + 1 :] for at in (0, 1, 2, 9, 12, 171, -1)
    ]
    damaged = [each[: len(whole)] for each in damaged]
    wrong = [*damaged, whole[:-1], whole[:12], whole + b"x", sealed(suite, 5, first=1)]
    for each in wrong:
        assert opened(unprotector, each) == [None]
    assert unprotector.refused == len(wrong)
    assert opened(unprotector, whole) == [SAID]


def test_what_is_older_than_the_window_is_dropped() -> None:
    unprotector = opener(CM)
    assert opened(unprotector, sealed(CM, 1000)) == [SAID]
    assert opened(unprotector, sealed(CM, 1000 - WINDOW)) == [None]
    assert opened(unprotector, sealed(CM, 1001 - WINDOW)) == [SAID]


def test_a_source_that_comes_back_does_not_make_its_old_packets_new() -> None:
    unprotector = opener(CM)
    old, other = sealed(CM, 70_000 & 0xFFFF), sealed(CM, 9, ssrc=77)
    assert opened(unprotector, old, other) == [SAID, SAID]
    assert opened(unprotector, old, other) == [None, None]
    assert opened(unprotector, sealed(CM, 70_001 & 0xFFFF), sealed(CM, 10, ssrc=77)) == [SAID, SAID]


def test_a_counter_is_found_again_after_a_restart_and_not_by_old_packets() -> None:
    hours_4 = 4 * 3600 * 50
    unprotector = opener(CM, since=0)
    ahead, behind = sealed(CM, hours_4), sealed(CM, hours_4 - 65_536)
    assert opened(unprotector, ahead, tick=hours_4) == [SAID]
    later = hours_4 + LOST_TICKS + 1
    assert opened(unprotector, behind, tick=later) == [None]
    assert opened(unprotector, sealed(CM, hours_4 + 40_000), tick=later + 1) == [SAID]


def test_a_counter_is_searched_for_once_a_tick_at_most() -> None:
    tick = 10_000_000
    unprotector = opener(CM, since=0)
    forged = [sealed(CM, index, first=1) for index in range(5)]
    assert opened(unprotector, *forged, sealed(CM, 5_000_000), tick=tick) == [None] * 6
    assert opened(unprotector, sealed(CM, 5_000_001), tick=tick + 1) == [SAID]


def test_contributing_sources_and_extensions_stay_readable() -> None:
    """RFC 3711 §3.1: what is encrypted begins after them."""
    unprotector = opener(CM)
    session = unprotector._sessions[3]
    assert session is not None
    head = bytes([0x91, 0, 0, 5]) + bytes(4) + SSRC.to_bytes(4, "big") + b"CSRC"
    head += bytes([0xBE, 0xDE, 0, 1]) + b"ext."
    text = bytes(range(200))
    stream = session.keystream(SSRC, 5, len(text))
    packet = head + bytes(a ^ b for a, b in zip(text, stream, strict=True))
    packet += session.tag(packet, bytes(4))[:10]
    assert opened(unprotector, packet) == [head[12:] + text]


@given(st.integers(0, 1 << 40), st.integers(-0x8000, 0x7FFF))
def test_an_index_is_guessed_within_half_a_round(highest: int, step: int) -> None:
    index = highest + step
    assert guess(np.array([highest]), np.array([index & 0xFFFF]))[0] == index


def test_plain_packets_of_a_leg_are_let_in_once_its_key_is_gone() -> None:
    unprotector = opener(CM)
    assert unprotector.any
    unprotector.clear(3)
    assert not unprotector.any


@given(st.lists(st.binary(min_size=12, max_size=511), max_size=6))
@settings(deadline=None)
def test_no_octets_raise_or_are_let_in(packets: list[bytes]) -> None:
    for suite in Suite:
        assert opened(opener(suite), *packets) == [None] * len(packets)


def test_a_flood_costs_little_more_than_its_tags() -> None:
    """Forged and repeated packets are sorted out together, not one after the other."""
    unprotector, rounds = opener(CM), []
    take = unprotector._take
    unprotector._take = lambda *given: (rounds.append(1), take(*given))  # type: ignore[assignment,method-assign,func-returns-value]
    own, forged = sealed(CM, 5), [sealed(CM, at, first=1) for at in range(100)]
    others = [sealed(CM, at, first=1, ssrc=at) for at in range(1, 100)]
    let_in = opened(unprotector, *forged, *[own] * 50, *others)
    assert [each is not None for each in let_in].count(True) == 1
    assert let_in[100] == SAID
    assert len(rounds) == 1
