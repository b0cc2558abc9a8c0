"""RTCP: what is reported, what is read, and whose reports count."""

import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.telephony.media import messages
from engine.telephony.media.rtcp import (
    REPORT_TICKS,
    Block,
    Reception,
    middle_ntp,
    parse_reports,
    sender_report,
)
from tests.unit.telephony.media.rig import Far, Rig

LEG = np.array([1], dtype=np.intp)
NOW_S = 1_700_000_000.25
BLOCK = Block(0, 77, 64, 1000, 70_000, 40, 123, 456)


def note(reception: Reception, tick: int, number: int) -> None:
    reception.note(tick, LEG, np.array([number & 0xFFFF]), np.array([number * 160 & 0xFFFFFFFF]))


def test_a_report_is_read_as_it_was_written() -> None:
    reports = parse_reports(sender_report(99, NOW_S, 1234, 50, BLOCK))
    (block,) = reports.blocks
    assert block == Block(99, 77, 64, 1000, 70_000, 40, 123, 456)
    assert reports.sent == {99: middle_ntp(NOW_S)}


def test_a_report_is_a_compound_packet_with_a_name() -> None:
    octets = sender_report(99, NOW_S, 1234, 50, None)
    assert octets[:4] == bytes([0x80, 200, 0, 6])
    assert struct.unpack_from("!II", octets, 20) == (50, 50 * 160)
    assert octets[28:30] == bytes([0x81, 202])
    assert b"paceline" in octets
    assert len(octets) % 4 == 0


def test_more_packets_than_were_due_are_a_loss_below_zero() -> None:
    octets = sender_report(99, NOW_S, 0, 0, Block(0, 7, 0, -3, 1, 0, 0, 0))
    assert parse_reports(octets).blocks[0].lost == -3


@given(st.binary(max_size=300))
def test_no_datagram_breaks_the_parser(datagram: bytes) -> None:
    parse_reports(datagram)
    parse_reports(b"\x9f\xc8" + datagram)


def test_every_cut_of_a_report_is_read_or_passed_over() -> None:
    octets = sender_report(99, NOW_S, 1234, 50, BLOCK)
    for length in range(len(octets)):
        assert len(parse_reports(octets[:length]).blocks) == (length >= 52)


def test_loss_is_counted_over_the_wrap_of_sequence_numbers() -> None:
    reception = Reception(2)
    for number in range(65_500, 65_600):
        if number % 10:
            note(reception, number, number)
    assert reception.lost(1) == 9  # the first one missing was never begun with
    assert reception.received[1] == 90
    assert reception.jitter_ms(1) == 0


def test_a_report_says_what_was_lost_since_the_one_before() -> None:
    reception = Reception(2)
    for number in range(100):
        note(reception, number, number)
    assert reception.report(1, 5, None, NOW_S).fraction_lost == 0
    for number in range(100, 200, 2):
        note(reception, number, number)
    block = reception.report(1, 5, (42, NOW_S - 1), NOW_S)
    assert block.fraction_lost == pytest.approx(128, abs=3)
    assert (block.last_report, block.delay) == (42, 65536)


def test_uneven_arrival_is_jitter() -> None:
    reception = Reception(2)
    for number in range(200):
        note(reception, number + number % 2, number)
    assert reception.jitter_ms(1) == pytest.approx(20, rel=0.1)


def test_each_leg_reports_once_in_five_seconds_to_the_port_above() -> None:
    rig = Rig()
    far = rig.add(Far(1, 400))
    reports = []
    for _ in range(2 * REPORT_TICKS):
        rig.run(1)
        reports += rig.core.reports(rig.tick, NOW_S)
    assert [(report.ip, report.udp_port) for report in reports] == [(far.ip, far.udp_port + 1)] * 2
    (block,) = parse_reports(reports[1].octets).blocks
    assert (block.about, block.lost) == (far.ssrc, 0)


@pytest.mark.parametrize(
    ("stranger", "far_lost", "round_trip_ms"),
    [pytest.param(0, 1000, 250, id="the far end"), pytest.param(1, 0, 0, id="somebody else")],
)
def test_only_the_far_ends_report_counts(
    stranger: int, far_lost: int, round_trip_ms: float
) -> None:
    rig = Rig()
    far = rig.add(Far(1, 400))
    rig.run(5)
    sent_s, delay = NOW_S - 0.5, 65536 // 4
    block = Block(0, 7919, 0, 1000, 1, 80, middle_ntp(sent_s), delay)
    octets = sender_report(far.ssrc, NOW_S, 0, 5, block)
    rig.core.quality.take(octets, far.ip + stranger, NOW_S)
    rig.do(messages.Release(1))
    rig.work()
    (quality,) = rig.told(messages.Quality)
    assert isinstance(quality, messages.Quality)
    assert (quality.received, quality.sent, quality.lost) == (5, 5, 0)
    assert quality.far_lost == far_lost
    assert quality.round_trip_ms == pytest.approx(round_trip_ms, abs=0.1)
