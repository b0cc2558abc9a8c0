"""Answer for encrypting all packets of a tick in place (RFC 3711 §3.3, RFC 7714 §8)."""

from typing import Final

import numpy as np
import numpy.typing as npt

from engine.telephony.audio_keys import Suite
from engine.telephony.media.g711 import FRAME, U8
from engine.telephony.media.jitter import Bools, Index
from engine.telephony.media.packets import HEADER_BYTES, PACKET_BYTES, Ints
from engine.telephony.media.srtp.session import AHEAD, RTP_LABEL, Session

ROC_OCTETS: Final = 4


class Keystreams:
    """Keystream made ahead for the next packets of each leg.

    A leg's turn to have more made comes with its index, which starts at random: the work is spread
    over the ticks. Memory is taken as legs use it, 5 kB each.
    """

    def __init__(self, legs: int) -> None:
        self._stream: U8 = np.zeros((legs, AHEAD, FRAME), dtype=np.uint8)
        self._chunk: Ints = np.full(legs, -1, dtype=np.int64)

    def forget(self, leg: int) -> None:
        """Take nothing of a leg for its next packets."""
        self._chunk[leg] = -1
        self._stream[leg] = 0

    def take(self, sessions: list[Session | None], legs: Index, ssrc: Ints, index: Ints) -> U8:
        """Return the keystream of one packet of each leg, shape (N, FRAME)."""
        chunk = index // AHEAD
        for at in np.flatnonzero(chunk != self._chunk[legs]).tolist():
            leg, session = int(legs[at]), sessions[legs[at]]
            if session is not None:
                self._stream[leg] = session.ahead(int(ssrc[at]), int(chunk[at]))
                self._chunk[leg] = chunk[at]
        found: U8 = self._stream[legs, index % AHEAD]
        return found


class Protector:
    """Encrypts what is sent to the legs that have keys.

    Attributes:
        tag_octets: Octets that a leg's packets grow by, 0 without keys, shape (legs,).
    """

    def __init__(self, legs: int) -> None:
        self.tag_octets: Ints = np.zeros(legs, dtype=np.int64)
        self._gcm: Bools = np.zeros(legs, dtype=np.bool_)
        self._sessions: list[Session | None] = [None] * legs
        self._streams = Keystreams(legs)

    def set(self, leg: int, suite: Suite, master: bytes) -> None:
        """Encrypt what is sent to a leg."""
        self._sessions[leg] = Session(suite, master, RTP_LABEL)
        self._streams.forget(leg)
        self.tag_octets[leg] = suite.tag_octets
        self._gcm[leg] = suite is Suite.AES_GCM

    def clear(self, leg: int) -> None:
        """Send plain packets to a leg, and forget its key."""
        if self._sessions[leg] is not None:
            self._sessions[leg] = None
            self._streams.forget(leg)
            self.tag_octets[leg] = 0
            self._gcm[leg] = False

    def protect(self, packets: npt.NDArray[np.void], rows: Index, legs: Index, index: Ints) -> None:
        """Encrypt packets and write their tags behind them.

        Args:
            packets: Rows of ``outbound.PACKET``, contiguous.
            rows: Which of them.
            legs: The leg of each, all with keys.
            index: The packet index of each: roll-over counter and sequence number.
        """
        gcm = self._gcm[legs]
        if gcm.any():
            self._seal(packets, rows[gcm], legs[gcm], index[gcm])
            rows, legs, index = rows[~gcm], legs[~gcm], index[~gcm]
        if rows.size:
            ssrc = packets["ssrc"][rows].astype(np.int64)
            packets["payload"][rows] ^= self._streams.take(self._sessions, legs, ssrc, index)
            self._authenticate(packets, rows, legs, index)

    def _authenticate(
        self, packets: npt.NDArray[np.void], rows: Index, legs: Index, index: Ints
    ) -> None:
        """Write the tags; the roll-over counter stands where they will, to be hashed along."""
        packets["tag"][rows, :ROC_OCTETS] = big_endian(index >> 16, ROC_OCTETS)
        octets = packets.view(np.uint8).data
        size, sessions, tags = packets.itemsize, self._sessions, []
        for start, leg in zip((rows * size).tolist(), legs.tolist(), strict=True):
            session = sessions[leg]
            if session is not None:
                mac = session.mac.copy()
                mac.update(octets[start : start + PACKET_BYTES + ROC_OCTETS])
                tags.append(mac.finalize())
        made = np.frombuffer(b"".join(tags), dtype=np.uint8).reshape(-1, 20)
        packets["tag"][rows] = made[:, :16]

    def _seal(self, packets: npt.NDArray[np.void], rows: Index, legs: Index, index: Ints) -> None:
        ssrc = packets["ssrc"][rows].astype(np.int64).tolist()
        octets = packets.view(np.uint8).data
        size = packets.itemsize
        each = zip((rows * size).tolist(), legs.tolist(), ssrc, index.tolist(), strict=True)
        for start, leg, source, number in each:
            session = self._sessions[leg]
            if session is not None:
                head, end = start + HEADER_BYTES, start + PACKET_BYTES
                octets[head : start + size] = session.gcm.encrypt(
                    session.nonce(source, number), octets[head:end], octets[start:head]
                )


def big_endian(numbers: Ints, octets: int) -> U8:
    """Return numbers as octets, shape (N, octets)."""
    wide: U8 = numbers.astype(">u8").view(np.uint8).reshape(-1, 8)
    return wide[:, 8 - octets :]
