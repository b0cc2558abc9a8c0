"""Answer for what a leg's packets are: audio, a pressed key, comfort noise, or nothing of ours."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from engine.telephony.media import messages, noise
from engine.telephony.media.g711 import TRANSCODED, U8, Law
from engine.telephony.media.jitter import Bools, Index, JitterRing
from engine.telephony.media.latch import Latch, Tie, source_key
from engine.telephony.media.packets import (
    HEADER_BYTES,
    Batch,
    Headers,
    Ints,
    headers,
    payload_lengths,
    source_keys,
    valid,
    without,
)
from engine.telephony.media.rtcp import Reception
from engine.telephony.media.srtp.receiving import Unprotector

SSRC_QUIET_TICKS: Final = 3
"""A new SSRC from a leg's source is taken when the old one was quiet for this long. [ticks]"""

_DIGITS: Final = "0123456789*#ABCD"


@dataclass(slots=True)
class Counters:
    """What came since the start, as ``messages.Stats`` names it."""

    received: int = 0
    foreign: int = 0
    malformed: int = 0


class Receiver:
    """Takes datagrams in: finds their legs, and writes audio into the jitter ring.

    Args:
        legs: Most legs at once.
        ports: Count of local ports.
        silent_ticks: Silence of a connected leg that is told of. [ticks]
        ring: Where audio is kept until it is due.
        unprotector: Opens the packets of legs that are encrypted.
    """

    def __init__(
        self,
        legs: int,
        ports: int,
        silent_ticks: int,
        ring: JitterRing,
        unprotector: Unprotector,
    ) -> None:
        self.counters = Counters()
        self._unprotector = unprotector
        self._ring = ring
        self._latch = Latch(legs, ports)
        self._silent_ticks = silent_ticks
        self._payload_type: Ints = np.full(legs, -1, dtype=np.int64)
        self._event_type: Ints = np.full(legs, -1, dtype=np.int64)
        self._event_ts: Ints = np.full(legs, -1, dtype=np.int64)
        self.reception = Reception(legs)
        self.ssrc: Ints = np.full(legs, -1, dtype=np.int64)
        self._since: Ints = np.zeros(legs, dtype=np.int64)
        self._watched: Bools = np.zeros(legs, dtype=np.bool_)
        self._silent: Bools = np.zeros(legs, dtype=np.bool_)

    def open(self, leg: int, port: int) -> None:
        """Begin a leg on a local port."""
        self._latch.open(leg, port)
        self._payload_type[leg] = self._event_type[leg] = self._event_ts[leg] = -1
        self.ssrc[leg] = -1
        self.reception.reset(np.array([leg]))
        self._watched[leg] = self._silent[leg] = False

    def connect(self, wanted: messages.Connect, port: int, tick: int) -> tuple[int, int] | None:
        """Tie a leg to what was negotiated.

        Returns:
            Where its packets are to be sent, None if that has not changed.
        """
        leg = wanted.leg
        tie = Tie(port, wanted.ip, wanted.udp_port, wanted.learn_ip)
        self._payload_type[leg] = wanted.payload_type
        self._event_type[leg] = wanted.event_type
        self._since[leg], self.ssrc[leg] = tick, -1
        self._watched[leg], self._silent[leg] = wanted.ip != 0, False
        # On hold (no address) the source stays the leg's own, to be heard again afterwards.
        if not wanted.ip or not self._latch.connect(leg, tie, tick):
            return None
        if not wanted.heard_ip:
            return wanted.ip, wanted.udp_port
        self._latch.lock(leg, source_key(wanted.heard_ip, wanted.heard_port, port))
        return wanted.heard_ip, wanted.heard_port

    def release(self, leg: int, tick: int) -> None:
        """End a leg."""
        self._latch.release(leg, tick)
        self._watched[leg] = False

    def receive(self, tick: int, batch: Batch) -> list[messages.Event]:
        """Take in the datagrams of a tick and return what they tell."""
        if self._unprotector.any:
            batch = self._open_encrypted(tick, batch)
        good = valid(batch)
        types = batch.data[:, 1] & 0x7F
        audio = good & ((types == Law.MU.payload_type) | (types == Law.A.payload_type))
        keys = source_keys(batch.ips, batch.udp_ports, batch.ports)
        legs, heard = self._latch.locate(tick, keys, batch.ports, audio)
        events: list[messages.Event] = [self._first_heard(leg) for leg in heard]
        known = legs >= 0
        taken = known & good
        self.counters.foreign += int(np.count_nonzero(~known))
        self.counters.malformed += int(np.count_nonzero(known & ~good))
        if taken.all():
            self._take(tick, legs, batch.data, batch.lengths, events)
        else:
            self._take(tick, legs[taken], batch.data[taken], batch.lengths[taken], events)
        return events

    def _open_encrypted(self, tick: int, batch: Batch) -> Batch:
        """Return a batch in which the packets of encrypted legs are plain, those forged left out.

        It is done before a source is learnt: nobody without the key takes an encrypted leg over.
        """
        keys = source_keys(batch.ips, batch.udp_ports, batch.ports)
        legs = self._latch.candidates(tick, keys, batch.ports)
        rows = np.flatnonzero((legs >= 0) & self._unprotector.secured[legs] & valid(batch))
        if not rows.size:
            return batch
        whole = rows.size == legs.size
        data, lengths = (
            (batch.data, batch.lengths) if whole else (batch.data[rows], batch.lengths[rows])
        )
        good = self._unprotector.open(tick, legs[rows], data, lengths)
        if not whole:
            batch.data[rows], batch.lengths[rows] = data, lengths
        return batch if good.all() else without(batch, rows[~good])

    def watch_silence(self, tick: int) -> list[messages.Event]:
        """Return which legs have fallen silent, or are heard again, by this tick."""
        arrived = self._ring.arrived[: self._since.size]
        quiet = tick - np.maximum(arrived, self._since) > self._silent_ticks
        events: list[messages.Event] = []
        for leg in np.flatnonzero(self._watched & (quiet != self._silent)).tolist():
            self._silent[leg] = quiet[leg]
            events.append(messages.FellSilent(leg) if quiet[leg] else messages.Resumed(leg))
        return events

    def _first_heard(self, leg: int) -> messages.Heard:
        key = int(self._latch.source[leg])
        self.ssrc[leg] = -1
        return messages.Heard(leg, key >> 32, key >> 16 & 0xFFFF)

    def _take(
        self, tick: int, legs: Index, data: U8, lengths: Ints, events: list[messages.Event]
    ) -> None:
        """Take packets that are a leg's own."""
        head = headers(data)
        sizes = payload_lengths(data, lengths)
        other = head.ssrc != self.ssrc[legs]
        mine = self._admit(tick, legs, head.ssrc, other) if other.any() else ~other
        self.counters.received += legs.size
        if mine.all():
            self.reception.note(tick, legs, head.seq, head.timestamp)
        else:
            rows = np.flatnonzero(mine)
            self.reception.note(tick, legs[rows], head.seq[rows], head.timestamp[rows])
        expected = head.payload_type == self._payload_type[legs]
        audio = expected & mine
        if not expected.all():
            self._take_digits(tick, legs, data, sizes, head, mine, events)
            audio |= self._take_others(tick, legs, data, sizes, head, mine)
        payloads = data[:, HEADER_BYTES:]
        if audio.all():
            self._ring.write(tick, legs, head.timestamp, payloads, sizes)
        elif audio.any():
            self._ring.write(
                tick, legs[audio], head.timestamp[audio], payloads[audio], sizes[audio]
            )

    def _admit(self, tick: int, legs: Index, ssrc: Ints, other: Bools) -> Bools:
        """Say which packets count, when some come from an SSRC that is new to their leg."""
        quiet = (tick - self._ring.arrived[legs] > SSRC_QUIET_TICKS) | (self.ssrc[legs] < 0)
        new = np.flatnonzero(other & quiet)
        leg, first = np.unique(legs[new], return_index=True)
        self.ssrc[leg] = ssrc[new[first]]
        self._event_ts[leg] = -1
        self._ring.restart(leg)
        self.reception.reset(leg)
        same: Bools = ssrc == self.ssrc[legs]
        return same

    def _take_others(
        self, tick: int, legs: Index, data: U8, sizes: Ints, head: Headers, mine: Bools
    ) -> Bools:
        """Recode audio of the other law than negotiated in place; return which rows it is."""
        types = head.payload_type
        pause = types == noise.PAYLOAD_TYPE
        rows = np.flatnonzero(pause & mine & (sizes > 0))
        if rows.size:
            levels = data[rows, HEADER_BYTES].astype(np.int64) & 0x7F
            self._ring.pause(tick, legs[rows], head.timestamp[rows], levels)
        static = (types == Law.MU.payload_type) | (types == Law.A.payload_type)
        negotiated = types == self._payload_type[legs]
        recode: Bools = static & mine & ~negotiated
        rows = np.flatnonzero(recode)
        if rows.size:
            law = np.where(types[rows] == Law.A.payload_type, Law.A, Law.MU)[:, np.newaxis]
            own = self._ring.laws[legs[rows]][:, np.newaxis]
            data[rows, HEADER_BYTES:] = TRANSCODED[law, own, data[rows, HEADER_BYTES:]]
        strange = ~static & ~pause & ~negotiated & (types != self._event_type[legs])
        self.counters.malformed += int(np.count_nonzero(strange))
        return recode

    def _take_digits(
        self,
        tick: int,
        legs: Index,
        data: U8,
        sizes: Ints,
        head: Headers,
        mine: Bools,
        events: list[messages.Event],
    ) -> None:
        """Tell each key press once, at its first packet (RFC 4733 §2.5.1.2).

        A press is named by its timestamp; a packet of an earlier press that was overtaken tells
        nothing.
        """
        pressed = mine & (head.payload_type == self._event_type[legs]) & (sizes >= 4)
        self._ring.arrived[legs[pressed]] = tick
        digits = data[:, HEADER_BYTES]
        before = self._event_ts[legs]
        later = (head.timestamp - before - 1 & 0xFFFFFFFF) < 1 << 31
        fresh = np.flatnonzero(pressed & (later | (before < 0)) & (digits < len(_DIGITS)))
        leg, first = np.unique(legs[fresh], return_index=True)
        for row, at in zip(leg.tolist(), fresh[first].tolist(), strict=True):
            self._event_ts[row] = head.timestamp[at]
            events.append(messages.Digit(row, _DIGITS[digits[at]]))
