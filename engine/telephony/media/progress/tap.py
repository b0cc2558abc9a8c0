"""Answer for analysis inside a switch: a tap that listens to the legs it was told to."""

from collections.abc import Sequence

import numpy as np

from engine.telephony.media import messages
from engine.telephony.media.jitter import Index
from engine.telephony.media.progress.analyser import Analysed, Analyser, Finding
from engine.telephony.media.taps import Frames


class AnalysisTap:
    """Listens to legs for call progress analysis; legs that nobody asks about cost nothing."""

    def __init__(self) -> None:
        self._analyser = Analyser()
        self._asks: dict[int, int] = {}
        self._legs: Index = np.zeros(0, dtype=np.intp)

    def perform(self, command: messages.Analyse | messages.AwaitBeep) -> None:
        """Begin to listen, in place of what the leg was listened to for."""
        self._asks[command.leg] = command.ask
        if isinstance(command, messages.Analyse):
            self._analyser.begin(command.leg, command.spec)
        else:
            self._analyser.await_beep(command.leg, command.limit_s)
        self._arrange()

    def listen(self, frames: Frames) -> Sequence[messages.Event]:
        """Take a tick's frames, and return what was found."""
        if not self._legs.size:
            return []
        findings = self._analyser.listen(frames.said(self._legs))
        if len(self._analyser) != self._legs.size:
            self._arrange()
        return [self._event(finding) for finding in findings]

    def release(self, leg: int) -> Sequence[messages.Event]:
        """Forget a leg that ends now."""
        if self._asks.pop(leg, None) is not None:
            self._analyser.stop(leg)
            self._arrange()
        return []

    def _arrange(self) -> None:
        self._legs = np.array(self._analyser.legs, dtype=np.intp)

    def _event(self, finding: Finding) -> messages.Event:
        ask = self._asks[finding.leg]
        if isinstance(finding, Analysed):
            return messages.LegAnalysed(
                finding.leg, ask, finding.verdict, finding.after_s, finding.reason
            )
        return messages.BeepAwaited(finding.leg, ask, finding.heard)
