"""Call progress analysis: what answered, told from 20 ms frames of all legs at once."""

from engine.telephony.media.progress.analyser import Analysed, Analyser, Finding, Waited

__all__ = ["Analysed", "Analyser", "Finding", "Waited"]
