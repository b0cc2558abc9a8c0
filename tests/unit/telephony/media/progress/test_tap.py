"""Analysis inside a switch listens to the legs it was asked about, and answers what was asked."""

import numpy as np
import pytest

from engine.domain.analysis import AnalysisSpec, Verdict
from engine.telephony.media import messages
from engine.telephony.media.g711 import FRAME, SILENCE, Law, encode
from engine.telephony.media.progress.tap import AnalysisTap
from engine.telephony.media.taps import Frames
from tests.unit.telephony.media.progress.sounds import frames, tone

CALLER, MACHINE = 3, 5
FAX = frames(tone(2.0, 2100.0), total_s=4.0)


class Studio:
    """A tap, and the frames of a switch with eight legs of which two speak."""

    def __init__(self) -> None:
        self.tap = AnalysisTap()
        self.laws = np.zeros(8, dtype=np.intp)
        self.laws[MACHINE] = Law.A
        self.events: list[messages.Event] = []
        self._frames = Frames(8, self.laws)

    def hear(self, ticks: int) -> None:
        for at in range(ticks):
            said = np.full((8, FRAME), SILENCE[Law.MU], dtype=np.uint8)
            said[CALLER] = encode(FAX[at], Law.MU)
            said[MACHINE] = encode(FAX[at], Law.A)
            self._frames.set(at, said, said)
            self.events += self.tap.listen(self._frames)


@pytest.mark.parametrize("leg", [CALLER, MACHINE])
def test_a_leg_is_heard_in_its_own_law(leg: int) -> None:
    studio = Studio()
    studio.tap.perform(messages.Analyse(leg, 7, AnalysisSpec()))
    studio.hear(100)
    (event,) = studio.events
    assert event == messages.LegAnalysed(leg, 7, Verdict.FAX, 0.44, "answer tone 2100 Hz")


def test_an_answer_names_the_last_question() -> None:
    studio = Studio()
    studio.tap.perform(messages.Analyse(CALLER, 1, AnalysisSpec()))
    studio.hear(5)
    studio.tap.perform(messages.AwaitBeep(CALLER, 2, 1.0))
    studio.hear(100)
    assert studio.events == [messages.BeepAwaited(CALLER, 2, heard=False)]


def test_a_leg_that_ended_is_heard_no_more() -> None:
    studio = Studio()
    for leg in (CALLER, MACHINE):
        studio.tap.perform(messages.Analyse(leg, leg, AnalysisSpec()))
    studio.hear(5)
    assert list(studio.tap.release(CALLER)) == []
    assert list(studio.tap.release(1)) == []
    studio.hear(100)
    assert [getattr(event, "leg", 0) for event in studio.events] == [MACHINE]
