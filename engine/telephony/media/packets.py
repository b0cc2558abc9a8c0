"""Answer for the layout of RTP packets in byte matrices (RFC 3550 §5.1, RFC 4733 §2.3).

A batch is a matrix with one datagram a row. Every function reads or rewrites whole columns; none
loops over packets, and none trusts a length that a packet claims.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from engine.telephony.media.g711 import FRAME, U8

Ints = npt.NDArray[np.int64]
Keys = npt.NDArray[np.uint64]

ROW_BYTES: Final = 512
"""Room for one received datagram; 60 ms of G.711 with its header fits. [bytes]"""

HEADER_BYTES: Final = 12
PACKET_BYTES: Final = HEADER_BYTES + FRAME

RTP_IN: Final = np.dtype(
    {
        "names": ["b0", "b1", "seq", "ts", "ssrc"],
        "formats": ["u1", "u1", ">u2", ">u4", ">u4"],
        "offsets": [0, 1, 2, 4, 8],
        "itemsize": ROW_BYTES,
    }
)
RTP_OUT: Final = np.dtype(
    [
        ("b0", "u1"),
        ("b1", "u1"),
        ("seq", ">u2"),
        ("ts", ">u4"),
        ("ssrc", ">u4"),
        ("payload", "u1", (FRAME,)),
    ]
)


@dataclass(frozen=True, slots=True)
class Batch:
    """Datagrams received in one tick, in order of arrival within each port.

    Attributes:
        data: One datagram a row, shape (N, ROW_BYTES).
        lengths: Bytes of each datagram, shape (N,). [bytes]
        ips: IPv4 source address of each as a host-order number, shape (N,).
        udp_ports: UDP source port of each, shape (N,).
        ports: Index of the local port each came in on, shape (N,).
    """

    data: U8
    lengths: Ints
    ips: Ints
    udp_ports: Ints
    ports: Ints


@dataclass(frozen=True, slots=True)
class Headers:
    """Header columns of a batch, each of shape (N,)."""

    payload_type: Ints
    seq: Ints
    timestamp: Ints
    ssrc: Ints


def without(batch: Batch, rows: npt.NDArray[np.intp]) -> Batch:
    """Return a batch without some of its datagrams."""
    kept = np.ones(batch.lengths.size, dtype=np.bool_)
    kept[rows] = False
    return Batch(
        batch.data[kept],
        batch.lengths[kept],
        batch.ips[kept],
        batch.udp_ports[kept],
        batch.ports[kept],
    )


def source_keys(ips: Ints, udp_ports: Ints, ports: Ints) -> Keys:
    """Return the 64-bit name of each (source address, source port, local port)."""
    return ((ips << 32) | (udp_ports << 16) | ports).astype(np.uint64)


def valid(batch: Batch) -> npt.NDArray[np.bool_]:
    """Say which datagrams are RTP of version 2 and of a length that fits (RFC 3550 §A.1)."""
    good: npt.NDArray[np.bool_] = (batch.data[:, 0] >> 6 == 2) & (batch.lengths >= HEADER_BYTES)
    return good


def headers(data: U8) -> Headers:
    """Return the header columns of RTP packets, shape (N, ROW_BYTES)."""
    view = data.view(RTP_IN)[:, 0]
    return Headers(
        (view["b1"] & 0x7F).astype(np.int64),
        view["seq"].astype(np.int64),
        view["ts"].astype(np.int64),
        view["ssrc"].astype(np.int64),
    )


def payload_lengths(data: U8, lengths: Ints) -> Ints:
    """Return the payload length of each packet and move odd payloads behind a plain header.

    CSRCs, a header extension and padding are cut away (RFC 3550 §5.1, §5.3.1); what claims more
    than the datagram holds has length 0.

    Args:
        data: RTP packets, shape (N, ROW_BYTES), changed in place.
        lengths: Bytes of each datagram, shape (N,). [bytes]
    """
    result = lengths - HEADER_BYTES
    odd = np.flatnonzero(data[:, 0] != 0x80)
    if odd.size:
        result[odd] = _straighten(data, odd, lengths[odd])
    return result


def _straighten(data: U8, odd: npt.NDArray[np.intp], lengths: Ints) -> Ints:
    first = data[odd, 0].astype(np.int64)
    start = HEADER_BYTES + 4 * (first & 0x0F)
    words_at = np.minimum(start + 2, ROW_BYTES - 2)
    words = (data[odd, words_at].astype(np.int64) << 8) | data[odd, words_at + 1]
    start = start + np.where(first & 0x10, 4 + 4 * words, 0)
    last = data[odd, np.clip(lengths - 1, 0, ROW_BYTES - 1)]
    size = lengths - start - np.where(first & 0x20, last, 0)
    columns = start[:, np.newaxis] + np.arange(ROW_BYTES - HEADER_BYTES)
    data[odd, HEADER_BYTES:] = data[odd[:, np.newaxis], np.minimum(columns, ROW_BYTES - 1)]
    fits: Ints = np.where((size > 0) & (start + size <= ROW_BYTES), size, 0)
    return fits
