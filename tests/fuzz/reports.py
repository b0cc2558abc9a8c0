"""RTCP: read, or passed over, and what is told of a call stays within what can be."""

import gc

from engine.telephony.media import messages
from engine.telephony.media.rtcp import (
    Block,
    goodbye,
    parse_reports,
    receiver_report,
    sender_report,
)
from tests.unit.telephony.media.rig import LOOPBACK, Far, Rig

_BLOCK = Block(0, 7919, 12, -3, 1 << 20, 77, 1 << 31, 65536)
SEEDS = [
    sender_report(1001, 1e9, 160, 5, _BLOCK),
    receiver_report(1001, _BLOCK),
    goodbye(1001),
    b"\x81\xc9\x00\x07" + bytes(28),
    b"\x80\xc8\xff\xff",
]


def check(octets: bytes) -> None:
    """No report ends a leg or changes where it sends."""
    reports = parse_reports(octets)
    assert len(reports.blocks) <= len(octets) // 24
    gc.collect(1)  # a core of the input before is a knot of few objects and large arrays
    rig = Rig(legs=4, ports=1)
    far = rig.add(Far(1, 400))
    rig.run(2)
    before = rig.core._outbound.udp_port[1]
    rig.core.quality.take(octets, LOOPBACK, 1e9)
    rig.run(1)
    assert rig.core._outbound.udp_port[1] == before
    rig.do(messages.Release(far.leg))
    rig.work()
    (told,) = rig.told(messages.Quality)
    assert isinstance(told, messages.Quality)
    assert abs(told.far_lost) <= 1 << 23
    assert 0 <= told.far_jitter_ms < 1 << 30
    assert told.round_trip_ms >= 0
