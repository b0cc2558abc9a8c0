"""Answer for which legs of a switch are encrypted, and with which keys (RFC 3711)."""

from engine.telephony.audio_keys import Suite
from engine.telephony.media import messages
from engine.telephony.media.srtp.receiving import Unprotector
from engine.telephony.media.srtp.rtcp import ReportOpener, ReportSealer
from engine.telephony.media.srtp.sending import Protector


class Securing:
    """The keys of all legs.

    Attributes:
        protector: Encrypts what is sent.
        unprotector: Opens what comes.
    """

    def __init__(self, legs: int) -> None:
        self.protector = Protector(legs)
        self.unprotector = Unprotector(legs)
        self._wanted: dict[int, messages.Secure] = {}
        self._sealers: dict[int, ReportSealer] = {}
        self._openers: dict[int, ReportOpener] = {}

    def perform(self, wanted: messages.Secure, tick: int) -> int | None:
        """Take a leg's keys; one that it has already goes on as it was.

        Args:
            wanted: The keys, or that there are none.
            tick: The tick now being worked on.

        Returns:
            The index that our packets go on from, None if that does not change.
        """
        leg = wanted.leg
        if not wanted.suite:
            self.release(leg)
            return None
        suite, before = Suite(wanted.suite), self._wanted.get(leg)
        self._wanted[leg] = wanted
        same = before is not None and before.suite == wanted.suite
        if before is None or not same or before.theirs != wanted.theirs:
            self.unprotector.set(leg, suite, wanted.theirs, wanted.since)
            self._openers[leg] = ReportOpener(suite, wanted.theirs)
        if before is not None and same and before.ours == wanted.ours:
            return None
        self.protector.set(leg, suite, wanted.ours)
        self._sealers[leg] = ReportSealer(suite, wanted.ours, tick - wanted.since)
        return wanted.start + tick - wanted.since

    def release(self, leg: int) -> None:
        """Forget a leg's keys; one without is no fault."""
        if self._wanted.pop(leg, None):
            self.protector.clear(leg)
            self.unprotector.clear(leg)
            del self._sealers[leg], self._openers[leg]

    def seal(self, leg: int, report: bytes) -> bytes:
        """Return a report as it is sent to a leg: encrypted if the leg has keys."""
        sealer = self._sealers.get(leg)
        return sealer.seal(report) if sealer else report

    def open(self, leg: int, datagram: bytes) -> bytes | None:
        """Return a leg's report in the clear, None if it is not authentic."""
        opener = self._openers.get(leg)
        return opener.open(datagram) if opener else None
