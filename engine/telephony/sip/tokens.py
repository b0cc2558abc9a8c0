"""Names that cannot be guessed and need no randomness: tags, branches, Call-IDs, nonces.

All follow from a secret of the installation. Those of a leg follow from its id too, so they are
known before its INVITE is sent, and again after a restart; the others from a counter and the
process's life.
"""

from hashlib import blake2s
from typing import Final, NamedTuple

from engine.telephony.sip.message import MAGIC

SECRET_OCTETS: Final = 16
"""Shortest secret taken."""


class LegNames(NamedTuple):
    """How a leg of ours is known on the wire.

    Attributes:
        call_id: Call-ID of an INVITE that we send.
        tag: Our tag.
        salt: What all its branches begin with.
        session: Session id of its descriptions.
    """

    call_id: str
    tag: str
    salt: str
    session: int

    def branch(self, number: int) -> str:
        """Return the branch of the leg's request number ``number``, from 0."""
        return f"{self.salt}{number}"


class Tokens:
    """Makes names from a secret.

    Attributes:
        realm: What Call-IDs end with.
    """

    def __init__(self, secret: bytes, life: str, realm: str = "paceline") -> None:
        """Start a life.

        Args:
            secret: Of the installation, at least 16 octets, the same in every life.
            life: Of this process, never used before with this secret.
            realm: What Call-IDs end with, the same in every life.
        """
        if len(secret) < SECRET_OCTETS:
            raise ValueError(f"a secret of {len(secret)} octets can be guessed")
        self._secret = secret[:32]
        self._life = life
        self._counter = 0
        self.realm = realm

    def leg(self, leg_id: str) -> LegNames:
        """Return the names of a leg; a pure function of the secret and the id."""
        digest = self._digest(f"leg {leg_id}")
        return LegNames(
            f"{leg_id}@{self.realm}",
            digest[:16],
            f"{MAGIC}{digest[16:32]}.",
            int(digest[32:39], 16),
        )

    def of(self, text: str) -> str:
        """Return the token that belongs to a text, the same each time."""
        return self._digest(f"of {text}")[:16]

    def next(self) -> str:
        """Return a token never returned before, in this life or another."""
        self._counter += 1
        return self._digest(f"next {self._life} {self._counter}")[:16]

    def share(self, text: str) -> float:
        """Return a share in [0, 1) that belongs to a text: for waits that should differ."""
        return int(self._digest(f"share {text}")[:8], 16) / (1 << 32)

    def _digest(self, text: str) -> str:
        return blake2s(text.encode("utf-8", "surrogateescape"), key=self._secret).hexdigest()
