"""Answer for the packets we send: one row a leg, ordered by local port, headers of our own.

Sequence numbers and timestamps of a leg follow from its SSRC and the tick, which is the machine's
monotonic clock: a switch that is restarted goes on where the dead one was, and to the far end the
gap is packet loss and no more (RFC 3550 §5.1).
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from engine.telephony.media.g711 import FRAME, U8
from engine.telephony.media.jitter import Bools, Index
from engine.telephony.media.packets import PACKET_BYTES, RTP_OUT, Ints
from engine.telephony.media.srtp.sending import Protector

SOCKADDR: Final = np.dtype(
    {
        "names": ["family", "udp_port", "ip"],
        "formats": ["=u2", ">u2", ">u4"],
        "offsets": [0, 2, 4],
        "itemsize": 16,
    }
)
"""``struct sockaddr_in`` of Linux."""

_TAG_BYTES: Final = 16

PACKET: Final = np.dtype(
    {
        "names": [*(RTP_OUT.names or ()), "tag"],
        "formats": [*(RTP_OUT[name] for name in RTP_OUT.names or ()), ("u1", (_TAG_BYTES,))],
        "offsets": [
            *(RTP_OUT.fields[name][1] for name in (RTP_OUT.names or ()) if RTP_OUT.fields),
            PACKET_BYTES,
        ],
        "itemsize": PACKET_BYTES + _TAG_BYTES,
    }
)
"""A packet with room for the tag of an encrypted one."""

_AF_INET: Final = 2
_MARKER: Final = 0x80


@dataclass(frozen=True, slots=True)
class Sending:
    """What is to be sent in a tick.

    Attributes:
        packets: One packet a row, shape (N,) of PACKET or RTP_OUT.
        addresses: Destination of each, shape (N,) of SOCKADDR.
        counts: How many of the rows, in order, leave from each local port, shape (ports,).
        lengths: Octets of each row that are sent, shape (N,), the same array while nothing changes;
            None: those of plain packets. [octets]
    """

    packets: npt.NDArray[np.void]
    addresses: npt.NDArray[np.void]
    counts: Ints
    lengths: Ints | None = None


class Outbound:
    """The packets of all sending legs, kept from tick to tick; only what changes is rewritten.

    Attributes:
        connected: Legs with a destination, sending or not, as of the last ``arrange``.
        ssrc: Our source of each leg, shape (legs,).
        port: Index of the local port of each.
        payload_type: RTP payload type of each.
        ip: Destination of each as a host-order number, 0 without.
        udp_port: Destination port of each.
        sends: Whether we send, shape (legs,).
        sent: Packets sent to each, shape (legs,).
    """

    def __init__(self, legs: int, ports: int, protector: Protector) -> None:
        self._protector = protector
        self._secured: Index = np.zeros(0, dtype=np.intp)
        self._lengths: Ints | None = None
        self._packets = np.zeros(legs, dtype=PACKET)
        self._packets["b0"] = 0x80
        self._addresses = np.zeros(legs, dtype=SOCKADDR)
        self._addresses["family"] = _AF_INET
        self._ports = ports
        self._counts: Ints = np.zeros(ports, dtype=np.int64)
        self._legs: Index = np.zeros(0, dtype=np.intp)
        self.connected: Index = np.zeros(0, dtype=np.intp)
        self.ssrc: Ints = np.zeros(legs, dtype=np.int64)
        self._seq: Ints = np.zeros(legs, dtype=np.int64)
        self._phase: Ints = np.zeros(legs, dtype=np.int64)
        self._begins: Bools = np.zeros(legs, dtype=np.bool_)
        self._any_begins = False
        self.port: Ints = np.zeros(legs, dtype=np.int64)
        self.payload_type: Ints = np.zeros(legs, dtype=np.int64)
        self.ip: Ints = np.zeros(legs, dtype=np.int64)
        self.udp_port: Ints = np.zeros(legs, dtype=np.int64)
        self.sends: Bools = np.zeros(legs, dtype=np.bool_)
        self.sent: Ints = np.zeros(legs, dtype=np.int64)

    def open(self, leg: int, port: int, ssrc: int, tick: int) -> None:
        """Begin a leg; it sends nothing yet."""
        self.port[leg], self.ssrc[leg] = port, ssrc
        self._phase[leg] = ssrc * 2654435761 & 0xFFFFFFFF
        self._seq[leg] = (ssrc ^ (ssrc >> 16)) + tick
        self.sends[leg] = False
        self.sent[leg] = self.ip[leg] = self.udp_port[leg] = 0
        self._begins[leg] = True

    def go_on_from(self, leg: int, index: int) -> None:
        """Send a leg's next packet under an index; its low bits are the sequence number."""
        self._seq[leg] = index

    @property
    def legs(self) -> Index:
        """Return the legs that send, in the order of their packets."""
        return self._legs

    def timestamp(self, leg: int, tick: int) -> int:
        """Return the RTP timestamp of a leg's packet of a tick."""
        return int(self._phase[leg] + tick * FRAME) & 0xFFFFFFFF

    def close(self, leg: int) -> None:
        """Send nothing more for a leg, reports included."""
        self.sends[leg] = False
        self.ip[leg] = 0

    def arrange(self) -> Index:
        """Lay the rows out anew after a leg began, ended or moved; return the legs in order."""
        self.connected = np.flatnonzero((self.ip != 0) & (self.udp_port != 0))
        legs = self.connected[self.sends[self.connected]]
        legs = legs[np.argsort(self.port[legs], kind="stable")]
        rows = slice(0, legs.size)
        self._packets["ssrc"][rows] = self.ssrc[legs]
        self._packets["b1"][rows] = self.payload_type[legs]
        self._addresses["udp_port"][rows] = self.udp_port[legs]
        self._addresses["ip"][rows] = self.ip[legs]
        self._counts = np.bincount(self.port[legs], minlength=self._ports)
        self._legs = legs
        tags = self._protector.tag_octets[legs]
        self._secured = np.flatnonzero(tags)
        self._lengths = PACKET_BYTES + tags if self._secured.size else None
        self._any_begins = bool(self._begins[legs].any())
        return legs

    def fill(self, tick: int, heard: U8) -> Sending:
        """Return the packets of a tick.

        Args:
            tick: The tick now being worked on.
            heard: What each leg in order hears, shape (N, FRAME).
        """
        legs = self._legs
        packets = self._packets[: legs.size]
        seq = self._seq[legs]
        packets["seq"] = seq & 0xFFFF
        packets["ts"] = (self._phase[legs] + tick * FRAME) & 0xFFFFFFFF
        packets["payload"] = heard
        self._seq[legs] = seq + 1
        self.sent[legs] += 1
        if self._any_begins:
            self._mark(packets)
        if self._secured.size:
            rows = self._secured
            self._protector.protect(packets, rows, legs[rows], seq[rows])
        return Sending(packets, self._addresses[: legs.size], self._counts, self._lengths)

    def _mark(self, packets: npt.NDArray[np.void]) -> None:
        """Mark the first packet of each stream, and unmark it at the next tick (RFC 3551 §4.1)."""
        begins = self._begins[self._legs]
        packets["b1"] = self.payload_type[self._legs] | np.where(begins, _MARKER, 0)
        self._begins[self._legs] = False
        self._any_begins = bool(begins.any())
