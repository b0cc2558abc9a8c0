"""Answer for encrypted RTCP: one datagram at a time, for there are few (RFC 3711 §3.4)."""

from typing import Final

from cryptography.hazmat.primitives.constant_time import bytes_eq

from engine.telephony.audio_keys import Suite
from engine.telephony.media.srtp.receiving import WINDOW, unseal
from engine.telephony.media.srtp.session import RTCP_LABEL, Session

CLEAR_OCTETS: Final = 8
"""Header and sender of a compound packet stay readable. [octets]"""

_INDEX_OCTETS: Final = 4
_ENCRYPTED: Final = 1 << 31


class _Keys:
    """Session keys that are made with the first report: legs that begin together need no more."""

    __slots__ = ("_master", "_session", "suite")

    def __init__(self, suite: Suite, master: bytes) -> None:
        self.suite, self._master = suite, master
        self._session: Session | None = None

    @property
    def session(self) -> Session:
        """Return them."""
        if self._session is None:
            self._session = Session(self.suite, self._master, RTCP_LABEL)
        return self._session


class ReportSealer:
    """Encrypts our reports to one leg.

    Args:
        suite: The suite.
        master: Our master key and salt.
        index: Index of the first report, above that of any before with this key.
    """

    def __init__(self, suite: Suite, master: bytes, index: int) -> None:
        self._keys = _Keys(suite, master)
        self._index = index

    def seal(self, report: bytes) -> bytes:
        """Return a report encrypted and authenticated (RFC 3711 §3.4, RFC 7714 §9.2)."""
        session, index = self._keys.session, self._index & _ENCRYPTED - 1
        self._index += 1
        head, text = report[:CLEAR_OCTETS], report[CLEAR_OCTETS:]
        ssrc = int.from_bytes(head[4:8], "big")
        word = (_ENCRYPTED | index).to_bytes(_INDEX_OCTETS, "big")
        if session.suite is Suite.AES_GCM:
            sealed = session.gcm.encrypt(session.nonce(ssrc, index), text, head + word)
            return head + sealed + word
        body = head + _xor(text, session.keystream(ssrc, index, len(text))) + word
        return body + session.tag(body)[: session.suite.rtcp_tag_octets]


class ReportOpener:
    """Checks and decrypts the reports of one leg's far end.

    Args:
        suite: The suite.
        master: The far end's master key and salt.
    """

    def __init__(self, suite: Suite, master: bytes) -> None:
        self._keys = _Keys(suite, master)
        self._highest = -1
        self._seen = 0

    def open(self, datagram: bytes) -> bytes | None:
        """Return a report in the clear, None if it is not authentic, came again or too late.

        A report that is authentic but not encrypted is refused: that was not agreed on.
        """
        suite = self._keys.suite
        tag_octets = suite.rtcp_tag_octets
        behind = 0 if suite is Suite.AES_GCM else tag_octets
        if len(datagram) < CLEAR_OCTETS + _INDEX_OCTETS + tag_octets:
            return None
        at = len(datagram) - behind - _INDEX_OCTETS
        word = int.from_bytes(datagram[at : at + _INDEX_OCTETS], "big")
        index = word & _ENCRYPTED - 1
        if not word & _ENCRYPTED or not self._is_new(index):
            return None
        text = self._decrypt(datagram, at, index)
        if text is None:
            return None
        self._note(index)
        return datagram[:CLEAR_OCTETS] + text

    def _decrypt(self, datagram: bytes, at: int, index: int) -> bytes | None:
        session = self._keys.session
        head, text = datagram[:CLEAR_OCTETS], datagram[CLEAR_OCTETS:at]
        ssrc = int.from_bytes(head[4:8], "big")
        if session.suite is Suite.AES_GCM:
            return unseal(session, session.nonce(ssrc, index), text, head + datagram[at:])
        covered, tag = datagram[: at + _INDEX_OCTETS], datagram[at + _INDEX_OCTETS :]
        if not bytes_eq(session.tag(covered)[: len(tag)], tag):
            return None
        return _xor(text, session.keystream(ssrc, index, len(text)))

    def _is_new(self, index: int) -> bool:
        behind = self._highest - index
        return behind < 0 or (behind < WINDOW and not self._seen >> behind & 1)

    def _note(self, index: int) -> None:
        ahead = index - self._highest
        if ahead > 0:
            self._seen = self._seen << min(ahead, WINDOW) & (1 << WINDOW) - 1
            self._highest = index
        self._seen |= 1 << self._highest - index


def _xor(text: bytes, stream: bytes) -> bytes:
    size = len(text)
    return (int.from_bytes(text, "big") ^ int.from_bytes(stream, "big")).to_bytes(size, "big")
