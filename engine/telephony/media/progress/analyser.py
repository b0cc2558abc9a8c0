"""Answer for verdicts: what every leg that is listened to turns out to be, tick by tick.

Pure: frames in, findings out. All legs go through the same array expressions; Python looks at a leg
alone only when its verdict is there.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

import numpy as np

from engine.domain.analysis import AnalysisSpec, Verdict
from engine.telephony.media.g711 import FRAME, I16
from engine.telephony.media.progress import signals
from engine.telephony.media.progress.columns import Slots
from engine.telephony.media.progress.features import Bools, Ints, describe
from engine.telephony.media.progress.tones import Tones
from engine.telephony.media.progress.voice import PAUSE, Voice

FRAME_S: Final = 0.02

LATE_SHARE: Final = 0.64
"""At the limit, this share of ``machine_speech_s`` is enough if speech still goes on."""

STILL_SPEAKS: Final = 8
"""Speech goes on if it paused for no longer. [frames]"""

AFTER_BEEP: Final = 7
"""Quiet after a tone that shows that it was the last. [frames]"""

LINGER: Final = 50
"""A leg is heard on after its verdict: a tone may come before it is waited for. [frames]"""


@dataclass(frozen=True, slots=True)
class Analysed:
    """A verdict on a leg."""

    leg: int
    verdict: Verdict
    after_s: float
    reason: str


@dataclass(frozen=True, slots=True)
class Waited:
    """A machine's tone is over, or did not come in time."""

    leg: int
    heard: bool


Finding = Analysed | Waited


class _Mode(IntEnum):
    VERDICT = 0
    LINGERS = 1
    BEEP = 2


class Analyser:
    """Listens to many legs at once."""

    def __init__(self) -> None:
        self._slots = Slots()
        room = self._slots.room
        self._voice = Voice(self._slots)
        self._tones = Tones(self._slots)
        self._before: I16 = np.zeros((room, FRAME), dtype=np.int16)
        self._age: Ints = np.zeros(room, dtype=np.int32)
        self._mode: Ints = np.zeros(room, dtype=np.int32)
        self._heard_sound: Bools = np.zeros(room, dtype=np.bool_)
        self._detects: Bools = np.zeros(room, dtype=np.bool_)
        self._limit: Ints = np.zeros(room, dtype=np.int32)
        self._initial: Ints = np.zeros(room, dtype=np.int32)
        self._pause: Ints = np.zeros(room, dtype=np.int32)
        self._minimum: Ints = np.zeros(room, dtype=np.int32)
        self._machine: Ints = np.zeros(room, dtype=np.int32)
        self._slots.keep(self)

    def __len__(self) -> int:
        return len(self._slots)

    @property
    def legs(self) -> Sequence[int]:
        """Return the legs listened to, in the order of the rows that ``listen`` takes."""
        return list(self._slots)

    def begin(self, leg: int, spec: AnalysisSpec) -> None:
        """Begin the analysis of a leg, anew if it goes on already."""
        slot = self._slots.take(leg)
        self._voice.begin(slot)
        self._mode[slot] = _Mode.VERDICT
        self._detects[slot] = spec.detect_machines
        self._limit[slot] = _frames(spec.limit_s)
        self._initial[slot] = _frames(spec.initial_silence_s)
        self._pause[slot] = _frames(spec.greeting_silence_s)
        self._minimum[slot] = max(1, int(spec.minimum_speech_s / FRAME_S))
        self._machine[slot] = _frames(spec.machine_speech_s)

    def await_beep(self, leg: int, limit_s: float) -> None:
        """Wait for a machine's tone; what was heard since a verdict just told counts."""
        slot = self._slots.find(leg)
        if slot is None:
            slot = self._slots.take(leg)
            self._voice.begin(slot)
        self._mode[slot] = _Mode.BEEP
        self._age[slot], self._limit[slot] = 0, _frames(limit_s)
        self._pause[slot], self._minimum[slot] = 30, 6

    def stop(self, leg: int) -> None:
        """Listen to a leg no more; one that is not listened to is no fault."""
        self._slots.give_back(leg)

    def listen(self, samples: I16) -> list[Finding]:
        """Take 20 ms of each leg, in the order of ``legs``, and return what was found.

        Args:
            samples: Shape (legs, FRAME), at 8 kHz.
        """
        count = len(self._slots)
        if count == 0:
            return []
        self._age[:count] += 1
        heard = describe(self._before[:count], samples)
        self._before[:count] = samples
        voice, tones = self._voice, self._tones
        ended = tones.listen(count, heard, voice.floor_db[:count])
        # The edges of a sure tone are uneven as a voice is.
        tonal = tones.sounds(count) | signals.is_steady(tones, count)
        voice.listen(count, heard, tonal, self._pause[:count])
        return self._judge(count, ended)

    # --- rules ---------------------------------------------------------------------------------

    def _judge(self, count: int, ended: Bools) -> list[Finding]:
        speech = self._voice.is_speech(count, self._minimum[:count])
        self._heard_sound[:count] |= speech | signals.is_steady(self._tones, count)
        mode = self._mode[:count]
        judged = mode == _Mode.VERDICT
        findings: list[Finding] = []
        decided = np.zeros(count, dtype=np.bool_)
        for verdict, reason, where in self._rules(count, ended, speech):
            new = where & judged & ~decided
            if new.any():
                decided |= new
                findings += self._tell(new, verdict, reason)
        findings += self._wait_for_beep(count, mode == _Mode.BEEP)
        over = (mode == _Mode.LINGERS) & (self._age[:count] > self._limit[:count])
        self._end(findings, over)
        return findings

    def _rules(
        self, count: int, ended: Bools, speech: Bools
    ) -> Iterator[tuple[Verdict, str, Bools]]:
        """Give verdicts with their conditions, the surest first."""
        voice, tones = self._voice, self._tones
        age, run, quiet = self._age[:count], voice.run[:count], voice.quiet[:count]
        detects = self._detects[:count]
        yield Verdict.FAX, "answer tone 2100 Hz", signals.is_answering(tones, count)
        yield Verdict.FAX, "calling tone 1100 Hz", signals.is_calling(tones, count) & ~speech
        special, congestion = signals.special_information(tones, count)
        yield Verdict.BUSY, "special information tones: congestion", congestion
        yield Verdict.INVALID, "special information tones", special
        yield Verdict.BUSY, "busy tone", signals.is_busy(tones, count, ended)
        length = tones.length[:count]
        # A tone by itself: not a vowel of a word, whose first frames are voiced as any other's.
        alone = (quiet >= length + PAUSE) | ((voice.burst[:count] <= 2) & (quiet >= length - 1))
        beep = signals.is_beep(tones, count) & alone
        yield Verdict.MACHINE, "tone after speech", beep & speech & detects
        yield Verdict.PERSON, "speech", speech & ~detects
        machine = self._machine[:count]
        yield Verdict.MACHINE, "long speech", speech & detects & (run >= machine)
        waits = (quiet >= self._pause[:count]) & (length < signals.SHORT_TONE)
        waits &= ~voice.is_music(count)
        yield Verdict.PERSON, "short speech, then silence", speech & waits
        sound = self._heard_sound[:count] | (voice.voiced[:count] > 0)
        yield Verdict.SILENCE, "nothing was said", ~sound & (age >= self._initial[:count])
        late = age >= self._limit[:count]
        goes_on = speech & detects & (quiet <= STILL_SPEAKS) & (run >= LATE_SHARE * machine)
        yield Verdict.MACHINE, "speech up to the limit", late & goes_on
        yield Verdict.UNDECIDED, "no verdict within the limit", late & self._heard_sound[:count]
        yield Verdict.SILENCE, "nothing was said within the limit", late

    def _tell(self, where: Bools, verdict: Verdict, reason: str) -> Iterator[Finding]:
        for slot in np.flatnonzero(where).tolist():
            after_s = round(float(self._age[slot]) * FRAME_S, 3)
            self._mode[slot] = _Mode.LINGERS
            self._age[slot], self._limit[slot] = 0, LINGER
            yield Analysed(self._slots.leg(slot), verdict, after_s, reason)

    def _wait_for_beep(self, count: int, waiting: Bools) -> list[Finding]:
        if not waiting.any():
            return []
        tones, voice = self._tones, self._voice
        gap = tones.gap[:count]
        quiet = (tones.length[:count] == 0) & (gap >= AFTER_BEEP) & (voice.quiet[:count] >= gap - 1)
        heard = waiting & quiet & signals.was_beep(tones, count)
        missed = waiting & ~heard & (self._age[:count] >= self._limit[:count])
        return [
            Waited(self._slots.leg(slot), bool(heard[slot]))
            for slot in np.flatnonzero(heard | missed).tolist()
        ]

    def _end(self, findings: list[Finding], over: Bools) -> None:
        """Let go of legs of which nothing more is to be told."""
        done = [self._slots.leg(slot) for slot in np.flatnonzero(over).tolist()]
        done += [finding.leg for finding in findings if isinstance(finding, Waited)]
        for leg in done:
            self._slots.give_back(leg)


def _frames(seconds: float) -> int:
    return max(1, round(seconds / FRAME_S))
