"""Answer for how well a stream arrives, here and at the far end (RTCP, RFC 3550 §6).

Each connected leg is reported to every five seconds, in turn: with a sender report while we send,
else with a receiver report, and with one reception block once something came (§6.4). A leg's end
is said with BYE (§6.6). What the far end reports of our stream is read. Arrival is known to a tick,
and so is jitter.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from engine.telephony.media.g711 import FRAME, SAMPLES_PER_S
from engine.telephony.media.jitter import Index
from engine.telephony.media.packets import Ints

REPORT_TICKS: Final = 250
"""Ticks between reports of a leg, 5 s (RFC 3550 §6.2). [ticks]"""

NTP_EPOCH_S: Final = 2_208_988_800
"""From 1900, where NTP begins, to 1970. [s]"""

MOST_LOST: Final = 0x7FFFFF

_SENDER, _RECEIVER, _SOURCES, _GOODBYE = 200, 201, 202, 203
_SAMPLES_A_MS: Final = SAMPLES_PER_S / 1000
_CNAME_ITEM: Final = 1


@dataclass(frozen=True, slots=True)
class Block:
    """What somebody reports of the stream of one SSRC (RFC 3550 §6.4.1).

    Attributes:
        sender: SSRC of who reports.
        about: SSRC of the stream.
        fraction_lost: Share lost since the report before, of 256.
        lost: Packets lost since the start; below 0 with duplicates.
        highest: Highest sequence number, with its cycles.
        jitter: Interarrival jitter. [samples]
        last_report: Middle 32 bits of the NTP time of our last report, 0 for none.
        delay: From then to this report. [1/65536 s]
    """

    sender: int
    about: int
    fraction_lost: int
    lost: int
    highest: int
    jitter: int
    last_report: int
    delay: int


@dataclass(frozen=True, slots=True)
class Reports:
    """What one RTCP datagram says.

    Attributes:
        blocks: What it reports of streams.
        sent: Middle NTP bits by SSRC of those who sent a sender report.
    """

    blocks: list[Block]
    sent: dict[int, int]


def middle_ntp(now_s: float) -> int:
    """Return the middle 32 bits of an instant's NTP time (RFC 3550 §4)."""
    return int((now_s + NTP_EPOCH_S) * 65536) & 0xFFFFFFFF


def parse_reports(datagram: bytes) -> Reports:
    """Return the reports in a datagram; what is cut, foreign or nonsense is passed over."""
    reports = Reports([], {})
    for kind, count, body in _packets(datagram):
        head = {_SENDER: 24, _RECEIVER: 4}.get(kind)
        if head is None or len(body) < head:
            continue
        sender = int.from_bytes(body[:4], "big")
        if kind == _SENDER:
            reports.sent[sender] = int.from_bytes(body[6:10], "big")
        for at in range(head, min(head + 24 * count, len(body) - 23), 24):
            reports.blocks.append(_block(sender, body[at : at + 24]))
    return reports


def _packets(datagram: bytes) -> Iterator[tuple[int, int, bytes]]:
    at = 0
    while at + 4 <= len(datagram):
        first, kind, words = struct.unpack_from("!BBH", datagram, at)
        if first >> 6 != 2:
            return
        yield kind, first & 0x1F, datagram[at + 4 : at + 4 + 4 * words]
        at += 4 + 4 * words


def _block(sender: int, data: bytes) -> Block:
    about, losses, highest, jitter, last, delay = struct.unpack("!IIIIII", data)
    lost = losses & 0xFFFFFF
    signed = lost - (1 << 24) if lost > MOST_LOST else lost
    return Block(sender, about, losses >> 24, signed, highest, jitter, last, delay)


def sender_report(
    ssrc: int, now_s: float, timestamp: int, packets: int, block: Block | None
) -> bytes:
    """Return a compound packet: sender report and source description (RFC 3550 §6.1).

    Args:
        ssrc: Our SSRC.
        now_s: The wall-clock instant. [s since 1970]
        timestamp: RTP timestamp of that instant.
        packets: Packets sent.
        block: What we report of the far end's stream, None if there is none.
    """
    ntp = int((now_s + NTP_EPOCH_S) * (1 << 32)) & 0xFFFFFFFFFFFFFFFF
    counts = (packets & 0xFFFFFFFF, packets * FRAME & 0xFFFFFFFF)
    body = struct.pack("!IQIII", ssrc, ntp, timestamp, *counts) + _written(block)
    return _packet(_SENDER, block is not None, body) + _description(ssrc)


def receiver_report(ssrc: int, block: Block | None) -> bytes:
    """Return a compound packet for a leg we do not send to: receiver report and description."""
    body = struct.pack("!I", ssrc) + _written(block)
    return _packet(_RECEIVER, block is not None, body) + _description(ssrc)


def goodbye(ssrc: int) -> bytes:
    """Return a compound packet that ends a stream of ours (RFC 3550 §6.6)."""
    return receiver_report(ssrc, None) + _packet(_GOODBYE, 1, struct.pack("!I", ssrc))


def _packet(kind: int, count: int, body: bytes) -> bytes:
    return struct.pack("!BBH", 0x80 | count, kind, len(body) // 4) + body


def _written(block: Block | None) -> bytes:
    if block is None:
        return b""
    losses = block.fraction_lost << 24 | min(block.lost, MOST_LOST) & 0xFFFFFF
    tail = (block.highest & 0xFFFFFFFF, block.jitter, block.last_report, block.delay)
    return struct.pack("!IIIIII", block.about, losses, *tail)


def _description(ssrc: int) -> bytes:
    """Return a source description with a canonical name of the leg's own (RFC 7022 §4.2).

    It follows from the SSRC, so a switch made anew goes by the same name.
    """
    name = f"{ssrc:08x}@paceline".encode()
    chunk = struct.pack("!IBB", ssrc, _CNAME_ITEM, len(name)) + name
    chunk += bytes(4 - len(chunk) % 4)  # at least one null ends the items (§6.5)
    return _packet(_SOURCES, 1, chunk)


class Reception:
    """How the streams of all legs arrive (RFC 3550 §A.3, §A.8).

    Attributes:
        received: Packets of each leg's stream, shape (legs,).
    """

    def __init__(self, legs: int) -> None:
        self.received: Ints = np.zeros(legs, dtype=np.int64)
        self._first: Ints = np.full(legs, -1, dtype=np.int64)
        self._highest: Ints = np.zeros(legs, dtype=np.int64)
        self._transit: Ints = np.zeros(legs, dtype=np.int64)
        self._jitter: npt.NDArray[np.float64] = np.zeros(legs)
        self._before: dict[int, tuple[int, int]] = {}

    def reset(self, legs: Index) -> None:
        """Begin anew for legs with another stream."""
        self.received[legs] = 0
        self._first[legs] = -1
        self._jitter[legs] = 0
        for leg in legs.tolist():
            self._before.pop(leg, None)

    def note(self, tick: int, legs: Index, seq: Ints, timestamps: Ints) -> None:
        """Take packets into account.

        Args:
            tick: The tick in which they came.
            legs: Leg of each, shape (N,).
            seq: Sequence number of each, shape (N,).
            timestamps: RTP timestamp of each, shape (N,).
        """
        transit = (tick * FRAME - timestamps) & 0xFFFFFFFF
        fresh = self._first[legs] < 0
        if fresh.any():
            new = legs[fresh]
            self._first[new] = self._highest[new] = seq[fresh]
            self._transit[new] = transit[fresh]
        step = (seq - self._highest[legs] + 0x8000 & 0xFFFF) - 0x8000
        np.maximum.at(self._highest, legs, self._highest[legs] + step)
        moved = (transit - self._transit[legs] + (1 << 31) & 0xFFFFFFFF) - (1 << 31)
        self._jitter[legs] += (np.abs(moved) - self._jitter[legs]) / 16
        self._transit[legs] = transit
        np.add.at(self.received, legs, 1)

    def jitter_ms(self, leg: int) -> float:
        """Return a leg's interarrival jitter. [ms]"""
        return float(self._jitter[leg]) / _SAMPLES_A_MS

    def lost(self, leg: int) -> int:
        """Return how many packets of a leg's stream did not come; below 0 with duplicates."""
        if self._first[leg] < 0:
            return 0
        return int(self._highest[leg] - self._first[leg] + 1 - self.received[leg])

    def report(self, leg: int, ssrc: int, heard: tuple[int, float] | None, now_s: float) -> Block:
        """Return what there is to report of a leg's stream since the report before.

        Args:
            leg: Its row.
            ssrc: SSRC of the stream.
            heard: The far end's last sender report: its middle NTP bits, and when it came.
            now_s: The instant, of the same clock.
        """
        expected = int(self._highest[leg] - self._first[leg] + 1)
        received = int(self.received[leg])
        expected_before, received_before = self._before.get(leg, (0, 0))
        self._before[leg] = (expected, received)
        due = expected - expected_before
        lost = due - (received - received_before)
        fraction = 0 if due <= 0 or lost <= 0 else min(255, lost * 256 // due)
        last, delay = (heard[0], int((now_s - heard[1]) * 65536)) if heard else (0, 0)
        total = max(-MOST_LOST, expected - received)
        highest = int(self._highest[leg])
        return Block(0, ssrc, fraction, total, highest, int(self._jitter[leg]), last, delay)

    def streams(self, legs: Index) -> Index:
        """Return which of some legs have a stream."""
        return legs[self._first[legs] >= 0]
