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
    counters = _count(_derivation(master, label), octets)
    return _blocks(master[:KEY_OCTETS]).update(counters)[:octets]


def _derivation(master: bytes, label: int) -> int:
    """Return the first counter block of a session key."""
    return int.from_bytes(master[KEY_OCTETS:].ljust(_BLOCK, b"\0"), "big") ^ label << 64


def _derive_all(master: bytes, label: int) -> tuple[bytes, bytes, bytes]:
    """Return key, authentication key and salt, from one context: 1,600 legs may begin at once."""
    starts = [_derivation(master, label + each) for each in range(3)]
    stream = _blocks(master[:KEY_OCTETS]).update(
        b"".join(_count(start, 2 * _BLOCK) for start in starts)
    )
    key, auth, salt = (stream[at : at + 2 * _BLOCK] for at in range(0, 6 * _BLOCK, 2 * _BLOCK))
    return key[:KEY_OCTETS], auth[:_AUTH_OCTETS], salt


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
    """

    __slots__ = ("_blocks", "_gcm", "_key", "_salt", "mac", "salt", "suite")

    def __init__(self, suite: Suite, master: bytes, label: int) -> None:
        self._key, auth, salt = _derive_all(master, label)
        self.suite = suite
        self.salt = salt[: suite.salt_octets]
        self.mac = hmac.HMAC(auth, hashes.SHA1())  # noqa: S303 - what RFC 3711 §4.2.1 asks for
        self._gcm: AESGCM | None = None
        self._blocks = _blocks(self._key)
        self._salt = int.from_bytes(self.salt, "big") << 16

    @property
    def gcm(self) -> AESGCM:
        """The cipher of AES-GCM."""
        if self._gcm is None:
            self._gcm = AESGCM(self._key)
        return self._gcm

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
