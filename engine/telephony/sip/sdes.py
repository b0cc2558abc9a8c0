"""Answer for keys in SDP: ``a=crypto`` lines written, read, and one of them agreed on (RFC 4568).

A line with a master key identifier, with several keys, or with a session parameter that weakens or
changes the protection is passed over: another line, or none, is agreed on (RFC 4568 §6.3).
"""

import base64
import binascii
import re
from collections.abc import Callable
from typing import Final

import msgspec

from engine.domain.specs import Need
from engine.telephony.audio_keys import HIDDEN, AudioKeys, Suite

MOST_LINES: Final = 16
"""Crypto lines of one description that are read."""

_LINE: Final = re.compile(
    r"(?P<tag>[1-9]\d{0,8})[ \t]+(?P<suite>\w+)[ \t]+inline:(?P<key>[A-Za-z0-9+/]+={0,2})"
    r"(?:\|(?:2\^\d{1,2}|\d{1,15}))?(?P<session>(?:[ \t]+\S+)*)[ \t]*",
    re.ASCII,
)
_HARMLESS: Final = re.compile(r"WSH=\d{2,4}", re.ASCII)
"""The far end's own replay window; ours is no smaller than any it may ask for (§6.3.5)."""


class CryptoLine(msgspec.Struct, frozen=True, gc=False):
    """One crypto attribute.

    Attributes:
        tag: Names it in the answer.
        suite: The suite.
        master: Master key and salt of who wrote it.
    """

    tag: int
    suite: Suite
    master: bytes

    def __repr__(self) -> str:
        """Show no key."""
        return f"CryptoLine({self.tag}, {self.suite.value}, {HIDDEN})"

    def written(self, tag: int = 0) -> str:
        """Return it as a line of SDP, under a tag of the far end's if that is above 0."""
        key = base64.b64encode(self.master).decode()
        return f"a=crypto:{tag or self.tag} {self.suite.value} inline:{key}\r\n"


class Security(msgspec.Struct, frozen=True, gc=False):
    """How our end of a leg's audio is to be encrypted.

    Attributes:
        need: Whether it is offered, or the leg cannot be without.
        lines: Our keys, one for each suite, the one we like best first.
        draw: Draws other keys.
    """

    need: Need = Need.OFF
    lines: tuple[CryptoLine, ...] = ()
    draw: "Callable[[], tuple[CryptoLine, ...]] | None" = None

    @property
    def wanted(self) -> bool:
        """Whether encrypted audio is spoken at all."""
        return self.need is not Need.OFF

    def renewed(self) -> "Security":
        """Return the same with other keys."""
        return Security(self.need, self.draw(), self.draw) if self.draw else self

    def choose(self, theirs: tuple[CryptoLine, ...]) -> tuple[CryptoLine, CryptoLine] | None:
        """Return the first line of theirs whose suite we speak, and ours of that suite."""
        own = {line.suite: line for line in self.lines}
        return next(((own[each.suite], each) for each in theirs if each.suite in own), None)

    def agree(self, theirs: tuple[CryptoLine, ...]) -> AudioKeys | None:
        """Return the keys of both directions, None if nothing was agreed on.

        An answer names our line by its tag; the suite says the same, and errs in no phone.
        """
        chosen = self.choose(theirs)
        if chosen is None:
            return None
        ours, other = chosen
        return AudioKeys(ours.suite, ours.master, other.master)


def open_security(need: Need, random_octets: Callable[[int], bytes]) -> Security:
    """Return the security of a new leg, with keys of its own.

    Args:
        need: Whether it is offered, required, or neither.
        random_octets: Returns so many octets of the system's randomness.
    """
    if need is Need.OFF:
        return Security()

    def draw() -> tuple[CryptoLine, ...]:
        return tuple(
            CryptoLine(tag, suite, random_octets(suite.master_octets))
            for tag, suite in enumerate(Suite, 1)
        )

    return Security(need, draw(), draw)


def parse_crypto(value: str) -> CryptoLine | None:
    """Read what follows ``a=crypto:`` (RFC 4568 §9.2); None: it is malformed or not for us.

    A lifetime binds who wrote it: the far end must renew its key in time.
    """
    found = _LINE.fullmatch(value)
    if found is None or not all(map(_HARMLESS.fullmatch, found["session"].split())):
        return None
    try:
        suite = Suite(found["suite"].upper())
        master = base64.b64decode(found["key"], validate=True)
    except (ValueError, binascii.Error):
        return None
    fits = len(master) == suite.master_octets
    return CryptoLine(int(found["tag"]), suite, master) if fits else None
