"""Answer for session keys and what they make: keystreams, authentication tags (RFC 3711 §4, §5).

OpenSSL does the work, by contexts that are kept: one AES context a direction turns counter blocks
of many packets into keystream in one call, and one HMAC context is copied for each packet. A
context made anew for each packet costs ten times as much.
"""

from typing import Final

import numpy as np
from cryptography.hazmat.primitives import hashes, hmac
from cryptography.hazmat.primitives.ciphers import Cipher, CipherContext, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from engine.telephony.audio_keys import KEY_OCTETS, Suite
from engine.telephony.media.g711 import FRAME, U8

AHEAD: Final = 32
"""Packets whose keystream is made in one call; a power of two up to 256. [packets]"""

RTP_LABEL: Final = 0
RTCP_LABEL: Final = 3
"""First of the three labels of RTP and of RTCP: key, authentication key, salt (§4.3.1, §4.3.2)."""

_AUTH_OCTETS: Final = 20
_BLOCK: Final = 16
_COUNTERS: U8 = np.zeros((AHEAD, FRAME // _BLOCK, _BLOCK), dtype=np.uint8)
_COUNTERS[:, :, 13] = np.arange(AHEAD)[:, np.newaxis]
_COUNTERS[:, :, 15] = np.arange(FRAME // _BLOCK)


def derive(master: bytes, label: int, octets: int) -> bytes:
    """Return a session key by the key derivation function without a rate (RFC 3711 §4.3).

    Args:
        master: Master key and salt; a salt of 96 bits is filled up with zeros (RFC 7714 §11).
        label: What the key is for.
        octets: Its length. [octets]
    """
    start = bytearray(master[KEY_OCTETS:].ljust(_BLOCK, b"\0"))
    start[7] ^= label
    stream = _blocks(master[:KEY_OCTETS]).update(_count(int.from_bytes(start, "big"), octets))
    return stream[:octets]


def _blocks(key: bytes) -> CipherContext:
    return Cipher(algorithms.AES(key), modes.ECB()).encryptor()  # noqa: S305 - blocks of a counter


def _count(first: int, octets: int) -> bytes:
    """Return consecutive counter blocks from one on, enough for so many octets."""
    return b"".join((first + at).to_bytes(_BLOCK, "big") for at in range(-(-octets // _BLOCK)))


class Session:
    """Session keys of RTP, or of RTCP, in one direction.

    Attributes:
        suite: The suite.
        salt: Session salt.
        mac: HMAC-SHA1 to be copied; for AES-GCM it stays unused.
        gcm: The cipher of AES-GCM; for the other suites it stays unused.
    """

    __slots__ = ("_blocks", "_salt", "gcm", "mac", "salt", "suite")

    def __init__(self, suite: Suite, master: bytes, label: int) -> None:
        key = derive(master, label, KEY_OCTETS)
        self.suite = suite
        self.salt = derive(master, label + 2, suite.salt_octets)
        self.mac = hmac.HMAC(derive(master, label + 1, _AUTH_OCTETS), hashes.SHA1())  # noqa: S303
        self.gcm = AESGCM(key)
        self._blocks = _blocks(key)
        self._salt = int.from_bytes(self.salt, "big") << 16

    def ahead(self, ssrc: int, chunk: int) -> U8:
        """Return the keystream of as many packets as AHEAD, shape (AHEAD, FRAME).

        Args:
            ssrc: Their source.
            chunk: Index of the first of them, divided by AHEAD.
        """
        first = (self._salt ^ ssrc << 64 ^ chunk * AHEAD << 16).to_bytes(_BLOCK, "big")
        counters = _COUNTERS ^ np.frombuffer(first, dtype=np.uint8)
        stream = self._blocks.update(counters.tobytes())
        return np.frombuffer(stream, dtype=np.uint8).reshape(AHEAD, FRAME)

    def keystream(self, ssrc: int, index: int, octets: int) -> bytes:
        """Return the keystream of one packet of any length (RFC 3711 §4.1.1)."""
        stream = self._blocks.update(_count(self._salt ^ ssrc << 64 ^ index << 16, octets))
        return stream[:octets]

    def tag(self, *parts: bytes) -> bytes:
        """Return the whole tag of what is authenticated, 20 octets (RFC 3711 §4.2.1)."""
        mac = self.mac.copy()
        for part in parts:
            mac.update(part)
        return mac.finalize()

    def nonce(self, ssrc: int, index: int) -> bytes:
        """Return the nonce of one packet (RFC 7714 §8.1, §9.1)."""
        return (int.from_bytes(self.salt, "big") ^ ssrc << 48 ^ index).to_bytes(12, "big")
