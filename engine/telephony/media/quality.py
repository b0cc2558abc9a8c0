"""Answer for the quality of each leg's streams: RTCP both ways, and what came of it."""

from dataclasses import dataclass

import numpy as np

from engine.telephony.media import messages
from engine.telephony.media.g711 import SAMPLES_PER_S
from engine.telephony.media.jitter import Index, JitterRing
from engine.telephony.media.outbound import Outbound
from engine.telephony.media.packets import Ints
from engine.telephony.media.rtcp import (
    REPORT_TICKS,
    Block,
    Reception,
    goodbye,
    middle_ntp,
    parse_reports,
    receiver_report,
    sender_report,
)
from engine.telephony.media.securing import Securing


@dataclass(frozen=True, slots=True)
class Report:
    """A report to be sent.

    Attributes:
        port: Index of the local port.
        ip: Where to, as a host-order number.
        udp_port: The far end's RTCP port.
        octets: The datagram.
    """

    port: int
    ip: int
    udp_port: int
    octets: bytes


@dataclass(slots=True)
class _Far:
    """What the far end of a leg said by RTCP, and what we had sent at our last two reports."""

    heard: tuple[int, float] | None = None
    block: Block | None = None
    round_trip_ms: float = 0.0
    sent_then: tuple[int, int] = (0, 0)


class Quality:
    """The RTCP of all legs.

    Args:
        outbound: What we send.
        reception: How what we receive arrives.
        ring: What was missing or late when it was due.
        far_ssrc: SSRC of each leg's received stream, below 0 for none, shape (legs,).
        securing: The keys of legs that are encrypted.
    """

    def __init__(
        self,
        outbound: Outbound,
        reception: Reception,
        ring: JitterRing,
        far_ssrc: Ints,
        securing: Securing,
    ) -> None:
        self._securing = securing
        self._outbound, self._reception, self._ring = outbound, reception, ring
        self._far_ssrc = far_ssrc
        self._leg: dict[int, int] = {}
        self._far: dict[int, _Far] = {}
        self._goodbyes: list[Report] = []

    def open(self, leg: int, ssrc: int) -> None:
        """Begin a leg that sends under an SSRC."""
        self._leg[ssrc] = leg
        self._far[leg] = _Far()

    def close(self, leg: int) -> messages.Quality | None:
        """End a leg and return how its streams were; None for one without streams."""
        far = self._far.pop(leg, None)
        if far is None:
            return None
        self._leg.pop(int(self._outbound.ssrc[leg]), None)
        if self._outbound.sent[leg]:
            self._goodbyes.append(self._to(leg, goodbye(int(self._outbound.ssrc[leg]))))
        block = far.block
        return messages.Quality(
            leg=leg,
            received=int(self._reception.received[leg]),
            lost=self._reception.lost(leg),
            late=int(self._ring.late[leg]),
            concealed=int(self._ring.concealed[leg]),
            jitter_ms=self._reception.jitter_ms(leg),
            sent=int(self._outbound.sent[leg]),
            far_lost=block.lost if block else 0,
            far_jitter_ms=block.jitter / (SAMPLES_PER_S / 1000) if block else 0.0,
            round_trip_ms=far.round_trip_ms,
        )

    def take(self, datagram: bytes, ip: int, now_s: float) -> None:
        """Take in a far end's report; who does not know our SSRC and is not the leg's is ignored.

        Args:
            datagram: What came to an RTCP port.
            ip: Where from.
            now_s: The wall-clock instant. [s since 1970]
        """
        secured = self._securing.unprotector.secured
        opened_for = -1
        if self._securing.unprotector.any:
            opened_for, datagram = self._open(datagram, ip)
        reports = parse_reports(datagram)
        for block in reports.blocks:
            leg = self._leg.get(block.about)
            if leg is None or int(self._outbound.ip[leg]) != ip:
                continue
            if secured[leg] and leg != opened_for:
                continue
            far = self._far[leg]
            far.block = block
            if block.sender in reports.sent:
                far.heard = (reports.sent[block.sender], now_s)
            if block.last_report:
                turn = middle_ntp(now_s) - block.last_report - block.delay & 0xFFFFFFFF
                far.round_trip_ms = turn / 65.536 if turn < 1 << 31 else 0.0

    def _open(self, datagram: bytes, ip: int) -> tuple[int, bytes]:
        """Return whose encrypted report it is and what it says; -1 for nobody's, as it came.

        It is found by its sender, which is the leg's source of audio.
        """
        sender = int.from_bytes(datagram[4:8], "big")
        secured = self._securing.unprotector.secured
        mine = secured & (self._far_ssrc == sender) & (self._outbound.ip == ip)
        for leg in np.flatnonzero(mine).tolist():
            opened = self._securing.open(leg, datagram)
            if opened is not None:
                return leg, opened
        return -1, datagram

    def due(self, tick: int, now_s: float, legs: Index) -> list[Report]:
        """Return the reports whose turn it is, and the last ones of legs that have ended.

        Args:
            tick: The tick now being worked on.
            now_s: The wall-clock instant. [s since 1970]
            legs: Legs that are connected, whether we send to them or not.
        """
        turn = legs[legs % REPORT_TICKS == tick % REPORT_TICKS]
        streams = set(self._reception.streams(turn).tolist())
        over, self._goodbyes = self._goodbyes, []
        return [*over, *(self._report(leg, tick, now_s, leg in streams) for leg in turn.tolist())]

    def _report(self, leg: int, tick: int, now_s: float, hears: bool) -> Report:
        out, far, block = self._outbound, self._far[leg], None
        if hears:
            about = int(self._far_ssrc[leg]) & 0xFFFFFFFF
            block = self._reception.report(leg, about, far.heard, now_s)
        ssrc, sent = int(out.ssrc[leg]), int(out.sent[leg])
        earlier, far.sent_then = far.sent_then[0], (far.sent_then[1], sent)
        if sent == earlier:  # nothing since the report before the last (RFC 3550 §6.4)
            return self._to(leg, receiver_report(ssrc, block))
        return self._to(leg, sender_report(ssrc, now_s, out.timestamp(leg, tick), sent, block))

    def _to(self, leg: int, octets: bytes) -> Report:
        out, sealed = self._outbound, self._securing.seal(leg, octets)
        return Report(int(out.port[leg]), int(out.ip[leg]), int(out.udp_port[leg]) + 1, sealed)
