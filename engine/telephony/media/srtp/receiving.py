"""Answer for what encrypted packets are let in: authentic ones, each once (RFC 3711 §3.3).

All packets of a tick are worked on together; only their tags are made one by one. What is not
authentic changes nothing. A source that was heard before keeps its index while another is heard.
"""

from collections import OrderedDict
from typing import Final

import numpy as np
from cryptography.exceptions import InvalidTag

from engine.telephony.audio_keys import Suite
from engine.telephony.media.g711 import FRAME, U8
from engine.telephony.media.jitter import Bools, Index
from engine.telephony.media.packets import HEADER_BYTES, ROW_BYTES, Ints
from engine.telephony.media.srtp.sending import ROC_OCTETS, Keystreams, big_endian
from engine.telephony.media.srtp.session import RTP_LABEL, Session

WINDOW: Final = 64
"""Packets before the newest that are still told apart from repeated ones (§3.3.2). [packets]"""

MOST_SOURCES: Final = 8
"""Sources of one leg whose index is kept."""

LOST_TICKS: Final = 25
"""Without an authentic packet for so long, a leg's roll-over counter is searched for. [ticks]"""

PACKETS_A_TICK: Final = 2
"""A far end that sends every 10 ms; bounds how far its counter can have come."""

_NEW: Final = -1


class Unprotector:
    """Checks and decrypts what comes from the legs that have keys.

    Attributes:
        secured: Legs that have keys, shape (legs,).
        any: Whether any has.
        refused: Packets that were not authentic, or came again, or too late to tell. [packets]
    """

    def __init__(self, legs: int) -> None:
        self.secured: Bools = np.zeros(legs, dtype=np.bool_)
        self.any = False
        self.refused = 0
        self._sessions: list[Session | None] = [None] * legs
        self._streams = Keystreams(legs)
        self._tags: Ints = np.zeros(legs, dtype=np.int64)
        self._since: Ints = np.zeros(legs, dtype=np.int64)
        self._good: Ints = np.zeros(legs, dtype=np.int64)
        self._tried: Ints = np.zeros(legs, dtype=np.int64)
        self._ssrc: Ints = np.full(legs, _NEW, dtype=np.int64)
        self._highest: Ints = np.full(legs, _NEW, dtype=np.int64)
        self._seen = np.zeros(legs, dtype=np.uint64)
        self._others: dict[int, OrderedDict[int, tuple[int, int]]] = {}

    def set(self, leg: int, suite: Suite, master: bytes, since: int) -> None:
        """Let in what was encrypted with a key.

        Args:
            leg: Row of the leg.
            suite: The suite.
            master: The far end's master key and salt.
            since: Tick when the leg was first encrypted, which bounds its roll-over counter.
        """
        self.clear(leg)
        self._sessions[leg] = Session(suite, master, RTP_LABEL)
        self.secured[leg] = self.any = True
        self._tags[leg] = suite.tag_octets
        self._since[leg] = since
        self._good[leg] = self._tried[leg] = 0

    def clear(self, leg: int) -> None:
        """Let in plain packets of a leg again, and forget its key."""
        self.secured[leg] = False
        self.any = bool(self.secured.any())
        self._sessions[leg] = None
        self._streams.forget(leg)
        self._ssrc[leg] = self._highest[leg] = _NEW
        self._seen[leg] = 0
        self._others.pop(leg, None)

    def open(self, tick: int, legs: Index, data: U8, lengths: Ints) -> Bools:
        """Decrypt packets in place; say which of them are authentic and new.

        Args:
            tick: The tick in which they came.
            legs: Leg of each, all with keys, shape (N,).
            data: The packets, contiguous, shape (N, ROW_BYTES); what is let in is made plain RTP.
            lengths: Bytes of each, shape (N,); what is let in loses its tag. [bytes]
        """
        ssrc = data[:, 8:12].copy().view(">u4")[:, 0].astype(np.int64)
        seq = data[:, 2].astype(np.int64) << 8 | data[:, 3]
        rows: Index = np.arange(legs.size)
        heads, ends = _header_lengths(data, rows), lengths - self._tags[legs]
        found = _Packets(rows, legs, heads, ends, ssrc, guess(self._highest[legs], seq))
        left = np.flatnonzero(self._authentic(tick, found, seq, data, lengths))
        _, first = np.unique(legs[left] << 48 | found.index[left], return_index=True)
        left = left[np.sort(first)]
        good: Bools = np.zeros(legs.size, dtype=np.bool_)
        while left.size:  # a round holds one packet of each leg, and all are authentic
            _, first = np.unique(legs[left], return_index=True)
            self._follow(found.some(left[first]))
            taken = left[first][self._is_new(legs[left[first]], found.index[left[first]])]
            self._take(tick, found.some(taken), data, lengths)
            good[taken] = True
            left = np.delete(left, first)
        self.refused += int(np.count_nonzero(~good))
        return good

    def _authentic(self, tick: int, found: "_Packets", seq: Ints, data: U8, lengths: Ints) -> Bools:
        """Say which packets are authentic; all of them at once, for most may be forged.

        Their index is set where it is not what the leg's newest packet makes likely.
        """
        legs = found.legs
        fits = (found.heads <= found.ends) & (lengths < ROW_BYTES)
        known = (self._ssrc[legs] == found.ssrc) | (self._ssrc[legs] == _NEW)
        worth = fits & known & self._is_new(legs, found.index)
        for at in np.flatnonzero(fits & ~known).tolist():
            worth[at] = self._may_be_other(found, at, int(seq[at]))
        good: Bools = np.zeros(legs.size, dtype=np.bool_)
        tried = np.flatnonzero(worth)
        good[tried] = self._check(found.some(tried), data)
        for at in np.flatnonzero(fits & known & ~good).tolist():
            if self._may_search(tick, int(legs[at])):
                good[at] = self._search(tick, found, at, int(seq[at]), data)
        return good

    def _may_be_other(self, found: "_Packets", at: int, seq: int) -> bool:
        """Set the index of a packet of another source than the leg's; False if it is repeated."""
        others = self._others.get(int(found.legs[at]), OrderedDict())
        highest, seen = others.get(int(found.ssrc[at]), (_NEW, 0))
        index = int(guess(np.array([highest]), np.array([seq]))[0])
        found.index[at] = index
        behind = highest - index
        return index >= 0 and (behind < 0 or (behind < WINDOW and not seen >> behind & 1))

    def _follow(self, found: "_Packets") -> None:
        """Let legs have the source of their authentic packets; the one before is kept."""
        mine = self._ssrc[found.legs]
        for at in np.flatnonzero((mine != found.ssrc) & (mine != _NEW)).tolist():
            leg, ssrc = int(found.legs[at]), int(found.ssrc[at])
            others = self._others.setdefault(leg, OrderedDict())
            before = int(self._highest[leg]), int(self._seen[leg])
            self._highest[leg], self._seen[leg] = others.pop(ssrc, (_NEW, 0))
            others[int(self._ssrc[leg])] = before
            while len(others) > MOST_SOURCES:
                others.popitem(last=False)
            self._ssrc[leg] = ssrc
            self._streams.forget(leg)

    def _is_new(self, legs: Index, index: Ints) -> Bools:
        """Say which packets are neither repeated nor too old to tell (§3.3.2)."""
        behind = self._highest[legs] - index
        bit = self._seen[legs] >> np.clip(behind, 0, WINDOW - 1).astype(np.uint64) & np.uint64(1)
        new: Bools = (index >= 0) & ((behind < 0) | ((behind < WINDOW) & (bit == 0)))
        return new

    def _check(self, found: "_Packets", data: U8) -> Bools:
        """Say which packets are authentic; those of AES-GCM are plain then."""
        good: Bools = np.zeros(found.rows.size, dtype=np.bool_)
        tags = self._tags[found.legs]
        sealed = tags == Suite.AES_GCM.tag_octets
        for at in np.flatnonzero(sealed).tolist():
            good[at] = self._unseal(found, at, data)
        for tag_octets in (Suite.AES_CM_80.tag_octets, Suite.AES_CM_32.tag_octets):
            signed = np.flatnonzero(tags == tag_octets)
            if signed.size:
                good[signed] = self._verify(found.some(signed), tag_octets, data)
        return good

    def _verify(self, found: "_Packets", tag_octets: int, data: U8) -> Bools:
        """Compare tags; the roll-over counter stands in their place while that is hashed."""
        columns = found.ends[:, np.newaxis] + np.arange(tag_octets)
        places = found.rows[:, np.newaxis], columns
        told = data[places]
        data[found.rows[:, np.newaxis], columns[:, :ROC_OCTETS]] = big_endian(
            found.index >> 16, ROC_OCTETS
        )
        octets, tags = data.reshape(-1).data, []
        starts = (found.rows * ROW_BYTES).tolist()
        ends = (found.rows * ROW_BYTES + found.ends + ROC_OCTETS).tolist()
        for start, end, leg in zip(starts, ends, found.legs.tolist(), strict=True):
            session = self._sessions[leg]
            if session is not None:
                mac = session.mac.copy()
                mac.update(octets[start:end])
                tags.append(mac.finalize())
        made = np.frombuffer(b"".join(tags), dtype=np.uint8).reshape(-1, 20)[:, :tag_octets]
        data[places] = told
        same: Bools = ~(made ^ told).any(axis=1)
        return same

    def _unseal(self, found: "_Packets", at: int, data: U8) -> bool:
        octets, start = data.reshape(-1).data, int(found.rows[at]) * ROW_BYTES
        head, end = start + int(found.heads[at]), start + int(found.ends[at])
        session = self._sessions[found.legs[at]]
        if session is None:
            return False
        nonce = session.nonce(int(found.ssrc[at]), int(found.index[at]))
        sealed = octets[head : end + Suite.AES_GCM.tag_octets]
        text = unseal(session, nonce, sealed, octets[start:head])
        if text is None:
            return False
        octets[head:end] = text
        return True

    def _may_search(self, tick: int, leg: int) -> bool:
        """Say whether a leg has been without an authentic packet for long; once a tick at most."""
        if tick - self._good[leg] <= LOST_TICKS or self._tried[leg] == tick:
            return False
        self._tried[leg] = tick
        return True

    def _search(self, tick: int, found: "_Packets", one: int, seq: int, data: U8) -> bool:
        """Find the roll-over counter of a source that was heard long ago, or before a restart.

        Only later ones are tried, so an old packet that is repeated stays out.
        """
        row = found.some(np.array([one]))
        leg = int(row.legs[0])
        highest = int(self._highest[leg])
        last = (tick - int(self._since[leg])) * PACKETS_A_TICK + (1 << 16) >> 16
        for roc in range(max(0, highest >> 16), last + 1):
            index = roc << 16 | seq
            if index <= highest or index == found.index[one]:
                continue
            row.index[0] = index
            if self._check(row, data)[0]:
                found.index[one] = index
                return True
        return False

    def _take(self, tick: int, found: "_Packets", data: U8, lengths: Ints) -> None:
        """Note packets that are authentic, and make them plain."""
        legs, index = found.legs, found.index
        ahead = index - self._highest[legs]
        moved = np.clip(ahead, 0, WINDOW - 1).astype(np.uint64)
        kept = np.where(ahead >= WINDOW, np.uint64(0), self._seen[legs] << moved)
        bit = np.uint64(1) << np.clip(-ahead, 0, WINDOW - 1).astype(np.uint64)
        self._seen[legs] = kept | bit
        self._highest[legs] = np.maximum(self._highest[legs], index)
        self._ssrc[legs] = found.ssrc
        self._good[legs] = tick
        lengths[found.rows] = found.ends
        plain = self._tags[legs] != Suite.AES_GCM.tag_octets
        if plain.any():
            self._decrypt(found if plain.all() else found.some(np.flatnonzero(plain)), data)

    def _decrypt(self, found: "_Packets", data: U8) -> None:
        usual = (found.heads == HEADER_BYTES) & (found.ends <= HEADER_BYTES + FRAME)
        many = found if usual.all() else found.some(np.flatnonzero(usual))
        if many.rows.size:
            stream = self._streams.take(self._sessions, many.legs, many.ssrc, many.index)
            data[many.rows, HEADER_BYTES : HEADER_BYTES + FRAME] ^= stream
        for at in np.flatnonzero(~usual).tolist():
            row, head, end = int(found.rows[at]), int(found.heads[at]), int(found.ends[at])
            session = self._sessions[found.legs[at]]
            if session is not None:
                source, index = int(found.ssrc[at]), int(found.index[at])
                stream = np.frombuffer(session.keystream(source, index, end - head), np.uint8)
                data[row, head:end] ^= stream


class _Packets:
    """Packets of one round, by columns of equal length."""

    __slots__ = ("ends", "heads", "index", "legs", "rows", "ssrc")

    def __init__(
        self, rows: Index, legs: Index, heads: Ints, ends: Ints, ssrc: Ints, index: Ints
    ) -> None:
        self.rows, self.legs = rows, legs
        self.heads, self.ends = heads, ends
        self.ssrc, self.index = ssrc, index

    def some(self, at: Index) -> "_Packets":
        """Return some of them."""
        return _Packets(
            self.rows[at], self.legs[at], self.heads[at], self.ends[at], self.ssrc[at],
            self.index[at],
        )  # fmt: skip


def guess(highest: Ints, seq: Ints) -> Ints:
    """Return the index that a sequence number most likely stands for (RFC 3711 App. A).

    Args:
        highest: Highest index so far, -1 for none: the first packet has a counter of 0.
        seq: Sequence number.
    """
    step = (seq - highest + 0x8000 & 0xFFFF) - 0x8000
    index: Ints = np.where(highest < 0, seq, highest + step).astype(np.int64)
    return index


def _header_lengths(data: U8, rows: Index) -> Ints:
    """Return where the payload of each begins, after CSRCs and extension (RFC 3550 §5.1)."""
    first = data[rows, 0].astype(np.int64)
    heads: Ints = HEADER_BYTES + 4 * (first & 0x0F)
    extended = np.flatnonzero(first & 0x10)
    if extended.size:
        at, row = heads[extended] + 2, rows[extended]
        heads[extended] += 4 + 4 * (data[row, at].astype(np.int64) << 8 | data[row, at + 1])
    return heads


def unseal(
    session: Session, nonce: bytes, sealed: bytes | memoryview, beside: bytes | memoryview
) -> bytes | None:
    """Return what AES-GCM sealed, None if it is not authentic."""
    try:
        return session.gcm.decrypt(nonce, sealed, beside)
    except InvalidTag:
        return None
