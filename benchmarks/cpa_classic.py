"""The classic answering machine detection, from its documented behaviour and with its defaults.

Sound is what is louder than a fixed level; words and pauses are counted in time alone.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from engine.domain.analysis import Verdict
from engine.telephony.media.g711 import I16

FRAME_MS: Final = 20


@dataclass(frozen=True, slots=True)
class Classic:
    """Its parameters, with their defaults.

    Attributes:
        initial_silence_ms: So much silence at first is a machine. [ms]
        greeting_ms: So much voice is a machine. [ms]
        after_greeting_silence_ms: So much silence after voice is a person. [ms]
        total_ms: Nothing is known by then. [ms]
        minimum_word_ms: Voice for so long is a word. [ms]
        between_words_ms: Silence for so long ends a word. [ms]
        most_words: More words are a machine.
        silence_threshold: Mean of the absolute samples of a frame below which it is silence.
    """

    initial_silence_ms: int = 2500
    greeting_ms: int = 1500
    after_greeting_silence_ms: int = 800
    total_ms: int = 5000
    minimum_word_ms: int = 100
    between_words_ms: int = 50
    most_words: int = 3
    silence_threshold: int = 256

    def judge(self, frames: I16) -> tuple[Verdict, float]:
        """Return the verdict on a call, shape (frames, FRAME), and the time to it. [s]"""
        loud = np.abs(frames.astype(np.int32)).mean(axis=1) >= self.silence_threshold
        silence = voice = word = words = 0
        in_word = greets = False
        for at, voiced in enumerate(loud.tolist(), 1):
            if voiced:
                silence, voice, word = 0, voice + FRAME_MS, word + FRAME_MS
                if word >= self.minimum_word_ms and not in_word:
                    in_word, words, greets = True, words + 1, True
                if greets and (words > self.most_words or voice >= self.greeting_ms):
                    return Verdict.MACHINE, at * FRAME_MS / 1000
            else:
                silence += FRAME_MS
                if silence >= self.between_words_ms:
                    in_word, word = False, 0
                if not greets and silence >= self.initial_silence_ms:
                    return Verdict.MACHINE, at * FRAME_MS / 1000
                if greets and silence >= self.after_greeting_silence_ms:
                    return Verdict.PERSON, at * FRAME_MS / 1000
            if at * FRAME_MS >= self.total_ms:
                break
        return Verdict.UNDECIDED, self.total_ms / 1000
