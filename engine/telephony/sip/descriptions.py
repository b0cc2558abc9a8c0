"""What the two ends of a leg say of its audio: offers and answers (RFC 3264)."""

import msgspec

from engine.telephony.audio_keys import AudioKeys
from engine.telephony.sip import sdp
from engine.telephony.sip.sdp import Direction, LocalMedia, RemoteMedia


class Descriptions:
    """Descriptions of one leg's audio, ours by version and the far end's as it stands.

    Attributes:
        media: Our end of its audio.
        reached: Where the far end's audio last was, with a key of ours given to it.
        remote: The far end's, once known.
        direction: Our direction: whether we hold the far end.
        session: Session id of our descriptions.
        version: Version of our last description.
        offer_version: Version of our last offer that stands, 0: none does.
    """

    __slots__ = (
        "direction",
        "media",
        "offer_version",
        "reached",
        "remote",
        "session",
        "version",
    )

    def __init__(self, media: LocalMedia, session: int) -> None:
        """Begin with nothing said.

        Args:
            media: Our end.
            session: Session id of our descriptions.
        """
        self.media = media
        self.session = session
        self.version = 0
        self.offer_version = 0
        self.remote: RemoteMedia | None = None
        self.reached: tuple[str, int] | None = None
        self.direction = Direction.SENDRECV

    def describe(self, direction: Direction | None = None) -> bytes:
        """Return an offer of our end; each has a new version (RFC 3264 §8)."""
        self.version += 1
        self.offer_version = self.version
        return self._offer(direction or self.direction)

    def describe_again(self) -> bytes:
        """Return the offer that stands, unchanged if it was our last word (RFC 4028 §7.4)."""
        if self.offer_version != self.version:
            return self.describe()
        return self._offer(self.direction)

    def _offer(self, direction: Direction) -> bytes:
        encrypted = self.remote is not None and self.remote.encrypted
        return sdp.offer(self.media, self.session, self.version, direction, encrypted=encrypted)

    def describe_answer(self, remote: RemoteMedia) -> bytes | None:
        """Return the answer to an offer, None if nothing of it can be used."""
        self.version += 1
        media = self._media_for(remote)
        body = sdp.answer(media, remote, self.session, self.version, self.direction)
        if body is not None:
            self.media = media
        return body

    def _media_for(self, remote: RemoteMedia) -> LocalMedia:
        """Return our end with a key of its own for an address that is new: it may be another's."""
        if not self.secured or self.reached in (None, (remote.host, remote.port)) or remote.held:
            return self.media
        return msgspec.structs.replace(self.media, security=self.media.security.renewed())

    @property
    def secured(self) -> bool:
        """Whether encrypted audio is spoken on it."""
        return self.media.security.wanted

    def parse(self, body: bytes) -> RemoteMedia:
        """Read a description of the far end's.

        Raises:
            ParseError: It is malformed.
        """
        return sdp.parse(body, secured=self.secured)

    def agree(self, remote: RemoteMedia) -> AudioKeys | None:
        """Return what the audio is encrypted by from now on, None if it is not."""
        if not remote.held:
            self.reached = (remote.host, remote.port)
        return self.media.security.agree(remote.crypto)
