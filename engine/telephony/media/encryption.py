"""Answer for where the packet index of an encrypted leg stands, whichever switch it is in."""

from dataclasses import dataclass
from typing import Final

from engine.telephony.audio_keys import AudioKeys
from engine.telephony.media import messages

LOWEST_INDEX: Final = 1 << 10
HIGHEST_INDEX: Final = 1 << 15
"""Where an index may begin: above what a switch that is behind with its ticks takes away, and so
low that a far end that misses the first packets guesses right (RFC 3711 §3.3.1).
"""

SURELY_UNSENT: Final = 100
"""A pause counts for so much less: a switch that hangs or dies may learn of it late. [ticks]"""


@dataclass(slots=True)
class Encryption:
    """How a leg is encrypted, and where its packet index would be in a switch made anew.

    The index grows by one a tick at most, so it is told as if it had grown by one each tick since
    the start: above all that were used, for a keystream must never be used twice. Pauses are taken
    away, lest the far end see a jump that its guess of the roll-over counter does not survive.

    Attributes:
        secure: What the switch was told.
        paused_at: Tick since which nothing is sent, -1 while something is.
    """

    secure: messages.Secure
    paused_at: int = -1

    def note(self, *, sends: bool, tick: int) -> None:
        """Learn whether we send from a tick on."""
        if sends and self.paused_at >= 0:
            self.secure = self.resumed_at(tick)
            self.paused_at = -1
        elif not sends and self.paused_at < 0:
            self.paused_at = tick

    def resumed_at(self, tick: int) -> messages.Secure:
        """Return what to tell a switch that is made anew at a tick."""
        unsent = tick - self.paused_at - SURELY_UNSENT if self.paused_at >= 0 else 0
        wanted = self.secure
        return messages.Secure(
            wanted.leg,
            wanted.suite,
            wanted.ours,
            wanted.theirs,
            wanted.since,
            wanted.start - max(0, unsent),
        )


def encrypt(
    before: Encryption | None, row: int, keys: AudioKeys, first: int, tick: int
) -> Encryption:
    """Return how a leg is encrypted from a tick on.

    A key of ours that stands goes on with its index; a new one begins with a roll-over counter of
    0, as a far end expects that knows it from now on only (RFC 3711 §3.3.1).

    Args:
        before: How it was, None if it was not.
        row: Its row.
        keys: What was negotiated.
        first: Index of our first packet with a new key, below 32768.
        tick: The tick now.
    """
    if before is None:
        return Encryption(
            messages.Secure(row, keys.suite.value, keys.ours, keys.theirs, tick, first)
        )
    wanted = before.secure
    stands = (wanted.suite, wanted.ours) == (keys.suite.value, keys.ours)
    start = wanted.start if stands else first - (tick - wanted.since)
    secure = messages.Secure(row, keys.suite.value, keys.ours, keys.theirs, wanted.since, start)
    return Encryption(secure, before.paused_at if stands else -1)
