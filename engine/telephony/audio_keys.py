"""Answer for the keys of encrypted audio and the suites they belong to; none is ever shown."""

from enum import StrEnum
from typing import Final

import msgspec

KEY_OCTETS: Final = 16
"""A master key of every suite spoken here. [octets]"""

HIDDEN: Final = "<hidden>"


class Suite(StrEnum):
    """A crypto suite by its name in SDP (RFC 4568 §6.2, RFC 7714 §14.2), the best first."""

    AES_CM_80 = "AES_CM_128_HMAC_SHA1_80"
    AES_GCM = "AEAD_AES_128_GCM"
    AES_CM_32 = "AES_CM_128_HMAC_SHA1_32"

    @property
    def salt_octets(self) -> int:
        """Length of the master salt (RFC 3711 §8.2, RFC 7714 §12). [octets]"""
        return 12 if self is Suite.AES_GCM else 14

    @property
    def master_octets(self) -> int:
        """Length of master key and salt together. [octets]"""
        return KEY_OCTETS + self.salt_octets

    @property
    def tag_octets(self) -> int:
        """Length of the authentication tag of RTP. [octets]"""
        return _TAGS[self]

    @property
    def rtcp_tag_octets(self) -> int:
        """Length of that of RTCP; a short tag is for RTP alone (RFC 4568 §6.2.2). [octets]"""
        return 16 if self is Suite.AES_GCM else 10


_TAGS: Final = {Suite.AES_CM_80: 10, Suite.AES_CM_32: 4, Suite.AES_GCM: 16}


class AudioKeys(msgspec.Struct, frozen=True, gc=False):
    """What the audio of a leg is encrypted by, as negotiated.

    Attributes:
        suite: The suite of both directions.
        ours: Master key and salt of what we send.
        theirs: Master key and salt of what the far end sends.
    """

    suite: Suite
    ours: bytes
    theirs: bytes

    def __repr__(self) -> str:
        """Show the suite alone."""
        return f"AudioKeys({self.suite.value}, {HIDDEN})"
