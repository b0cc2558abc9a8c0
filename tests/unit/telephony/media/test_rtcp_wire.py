"""RTCP as it leaves: compound packets read by the RFC's own layout, not by our parser."""

import struct
from dataclasses import dataclass

from engine.telephony.media import messages
from engine.telephony.media.rtcp import REPORT_TICKS, goodbye, receiver_report
from tests.unit.telephony.media.rig import Far, Rig

NOW_S = 1_700_000_000.25
SSRC = 7919
SENDER, RECEIVER, SOURCES, GOODBYE = 200, 201, 202, 203


@dataclass(frozen=True)
class Part:
    """One packet of a compound one."""

    kind: int
    count: int
    body: bytes

    @property
    def ssrc(self) -> int:
        return int.from_bytes(self.body[:4], "big")


def parts_of(octets: bytes) -> list[Part]:
    """Take a compound packet apart; nothing may be left over (RFC 3550 §6.1)."""
    parts = []
    while octets:
        first, kind, words = struct.unpack_from("!BBH", octets)
        assert first >> 6 == 2
        assert not first & 0x20
        end = 4 * (words + 1)
        assert end <= len(octets)
        parts.append(Part(kind, first & 0x1F, octets[4:end]))
        octets = octets[end:]
    return parts


def cname_of(part: Part) -> str:
    """Return the canonical name of a description's only chunk (RFC 3550 §6.5)."""
    item, length = part.body[4:6]
    assert item == 1
    assert part.body[6 + length] == 0
    assert len(part.body) % 4 == 0
    return part.body[6 : 6 + length].decode()


def reported(rig: Rig, *, speaks: bool = True) -> list[Part]:
    """Return the parts of the next report."""
    for _ in range(REPORT_TICKS + 1):
        rig.work([far.packet() for far in rig.fars] if speaks else [])
        reports = rig.core.reports(rig.tick, NOW_S)
        if reports:
            return parts_of(reports[0].octets)
    raise AssertionError("no report in five seconds")


def hold(rig: Rig, far: Far) -> None:
    at = (far.ip, far.udp_port, int(far.law), far.law.payload_type)
    rig.do(messages.Connect(far.leg, *at, -1, False, -1, 0, 0))


def test_a_leg_that_sends_reports_as_a_sender_with_what_it_sent() -> None:
    rig = Rig()
    far = rig.add(Far(1, 400))
    report, description = reported(rig)
    assert (report.kind, report.count, report.ssrc) == (SENDER, 1, SSRC)
    ntp, timestamp, packets, octets = struct.unpack_from("!QIII", report.body, 4)
    assert ntp >> 32 == int(NOW_S) + 2_208_988_800
    assert ntp >> 30 & 3 == 1  # a quarter of a second
    last = rig.work([]).sending.packets[0]
    assert (int(last["ts"]) - timestamp) & 0xFFFFFFFF == 160
    assert octets == 160 * packets
    about, _, highest = struct.unpack_from("!III", report.body, 24)
    assert (about, highest) == (far.ssrc, far.seq - 1)
    assert (description.kind, description.ssrc) == (SOURCES, SSRC)


def test_a_leg_that_does_not_send_any_more_reports_as_a_receiver() -> None:
    rig = Rig()
    far = rig.add(Far(1, 400))
    assert reported(rig)[0].kind == SENDER
    hold(rig, far)
    kinds = [reported(rig)[0].kind for _ in range(3)]
    assert kinds == [SENDER, RECEIVER, RECEIVER]  # one more: something was sent since the last


def test_a_leg_that_only_listens_reports_what_it_hears() -> None:
    rig = Rig()
    far = rig.add(Far(1, 400))
    hold(rig, far)
    report, description = reported(rig)
    assert (report.kind, report.count, report.ssrc) == (RECEIVER, 1, SSRC)
    assert int.from_bytes(report.body[4:8], "big") == far.ssrc
    assert description.kind == SOURCES


def test_without_a_stream_there_is_no_block() -> None:
    rig = Rig()
    rig.add(Far(1, 400))
    report, _ = reported(rig, speaks=False)
    assert (report.kind, report.count, len(report.body)) == (SENDER, 0, 24)


def test_each_leg_has_a_name_of_its_own_that_lasts() -> None:
    names = {cname_of(parts_of(receiver_report(ssrc, None))[1]) for ssrc in (7, 8, 7, 1 << 31)}
    assert len(names) == 3
    assert all(name.endswith("@paceline") for name in names)


def test_the_end_of_a_leg_is_said_once_to_where_its_reports_went() -> None:
    rig = Rig()
    far = rig.add(Far(1, 400))
    rig.run(3)
    rig.do(messages.Release(1))
    rig.work()
    (last,) = rig.core.reports(rig.tick, NOW_S)
    assert (last.ip, last.udp_port, last.port) == (far.ip, far.udp_port + 1, far.port)
    report, description, end = parts_of(last.octets)
    assert (report.kind, description.kind) == (RECEIVER, SOURCES)
    assert (end.kind, end.count, end.body) == (GOODBYE, 1, struct.pack("!I", SSRC))
    rig.run(REPORT_TICKS)
    assert not rig.core.reports(rig.tick, NOW_S)


def test_who_never_sent_says_no_goodbye() -> None:
    rig = Rig()
    rig.do(messages.Open(1, 0, SSRC))
    rig.work()
    rig.do(messages.Release(1))
    rig.work()
    assert not rig.core.reports(rig.tick, NOW_S)  # RFC 3550 §6.3.7
    assert len(parts_of(goodbye(1))) == 3
