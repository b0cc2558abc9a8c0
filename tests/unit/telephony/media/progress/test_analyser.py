"""Every rule of a campaign has its effect, and legs do not disturb each other."""

import numpy as np
import pytest

from engine.domain.analysis import AnalysisSpec, Verdict
from engine.telephony.media.g711 import FRAME
from engine.telephony.media.progress import Analysed, Analyser, Waited
from tests.unit.telephony.media.progress.sounds import analyse, frames, listen, quiet, tone, voice

HELLO = frames(quiet(0.3), voice(0.5), total_s=5.0)
GREETING = frames(quiet(0.3), voice(6.0))
BEEP = tone(0.4, 1000.0)


@pytest.mark.parametrize("silence_s", [0.4, 0.608, 1.2])
def test_a_person_is_told_after_the_silence_asked_for(silence_s: float) -> None:
    finding = analyse(HELLO, AnalysisSpec(greeting_silence_s=silence_s))
    assert finding.verdict is Verdict.PERSON
    assert finding.after_s == pytest.approx(0.8 + silence_s, abs=0.1)


@pytest.mark.parametrize("speech_s", [1.0, 1.8, 2.4])
def test_a_machine_is_told_after_the_speech_asked_for(speech_s: float) -> None:
    finding = analyse(GREETING, AnalysisSpec(machine_speech_s=speech_s, limit_s=5.0))
    assert finding.verdict is Verdict.MACHINE
    assert finding.after_s == pytest.approx(0.3 + speech_s, abs=0.1)


def test_speech_that_goes_on_at_the_limit_is_a_machine_if_it_is_long_enough() -> None:
    long, short = (AnalysisSpec(machine_speech_s=speech_s, limit_s=2.0) for speech_s in (2.2, 3.2))
    assert analyse(GREETING, long) == Analysed(1, Verdict.MACHINE, 2.0, "speech up to the limit")
    assert analyse(GREETING, short).verdict is Verdict.UNDECIDED


def test_any_speech_is_a_person_when_machines_are_not_looked_for() -> None:
    finding = analyse(GREETING, AnalysisSpec(detect_machines=False))
    assert finding.verdict is Verdict.PERSON
    assert finding.after_s < 0.6


@pytest.mark.parametrize(("minimum_s", "heard"), [(0.112, True), (0.6, False)])
def test_sounds_shorter_than_speech_are_noise(minimum_s: float, heard: bool) -> None:
    spec = AnalysisSpec(minimum_speech_s=minimum_s, detect_machines=False)
    finding = analyse(HELLO, spec)
    assert (finding.verdict is Verdict.PERSON) is heard


@pytest.mark.parametrize("silence_s", [1.0, 2.5])
def test_silence_is_told_when_it_has_lasted(silence_s: float) -> None:
    finding = analyse(frames(total_s=4.0), AnalysisSpec(initial_silence_s=silence_s))
    assert (finding.verdict, finding.after_s) == (Verdict.SILENCE, silence_s)


@pytest.mark.parametrize("noise", [0.0, 0.001, 0.01, 0.05])
def test_noise_is_silence_however_loud(noise: float) -> None:
    assert analyse(frames(total_s=4.0, noise=noise)).verdict is Verdict.SILENCE


@pytest.mark.parametrize("gain", [0.03, 0.2, 1.0])
def test_a_person_is_heard_however_faint(gain: float) -> None:
    heard = frames(quiet(0.3), gain * voice(0.5), noise=0.0002, total_s=4.0)
    assert analyse(heard).verdict is Verdict.PERSON


def test_a_person_who_speaks_from_the_first_frame_on_is_heard() -> None:
    assert analyse(frames(voice(0.4), total_s=4.0)).verdict is Verdict.PERSON


def test_clicks_are_silence() -> None:
    clicks = quiet(4.0)
    clicks[[5000, 9000, 9100, 20000]] = 0.8
    assert analyse(frames(clicks)).verdict is Verdict.SILENCE


def test_nobody_is_held_beyond_the_limit() -> None:
    hums = frames(*[np.concatenate([voice(0.3), quiet(0.4)])] * 8)
    finding = analyse(hums, AnalysisSpec(limit_s=2.0, greeting_silence_s=0.6, machine_speech_s=9.0))
    assert (finding.verdict, finding.after_s) == (Verdict.UNDECIDED, 2.0)


def test_a_leg_is_judged_alone_as_it_is_among_others() -> None:
    sounds = [HELLO, GREETING, frames(total_s=5.0), frames(tone(3.0, 2100.0), total_s=5.0)]
    alone = [analyse(sound) for sound in sounds]
    analyser, found = Analyser(), dict[int, Analysed]()
    for leg in range(200):  # more than there is room for at first; they end at different times
        analyser.begin(leg, AnalysisSpec())
    for at in range(200):
        rows = np.stack([sounds[leg % 4][at] for leg in analyser.legs] or [np.zeros(FRAME)])
        for finding in analyser.listen(rows.astype(np.int16)):
            assert isinstance(finding, Analysed)
            found[finding.leg] = finding
    assert len(found) == 200
    for leg, finding in found.items():
        assert (finding.verdict, finding.after_s) == (
            alone[leg % 4].verdict,
            alone[leg % 4].after_s,
        )
    assert len(analyser) == 0


def test_a_leg_that_is_stopped_or_begun_anew_gives_one_verdict() -> None:
    analyser = Analyser()
    for leg in (1, 2, 3):
        analyser.begin(leg, AnalysisSpec())
    listen(analyser, HELLO[:20])
    analyser.stop(1)
    analyser.stop(9)
    analyser.begin(3, AnalysisSpec())
    verdicts = [finding.leg for finding in listen(analyser, HELLO[20:])]
    assert sorted(verdicts) == [2, 3]


# --- the tone of a machine -----------------------------------------------------------------


def await_beep(*parts: np.ndarray, limit_s: float = 8.0) -> tuple[bool, float]:
    analyser = Analyser()
    analyser.begin(1, AnalysisSpec())
    assert [type(one) for one in listen(analyser, GREETING[:160])] == [Analysed]
    analyser.await_beep(1, limit_s)
    for at, frame in enumerate(frames(*parts, total_s=12.0), 1):
        for finding in analyser.listen(frame[np.newaxis]):
            assert isinstance(finding, Waited)
            assert len(analyser) == 0
            return finding.heard, at * 0.02
    raise AssertionError("nothing was told")


@pytest.mark.parametrize("hz", [400.0, 800.0, 1000.0, 1400.0, 2000.0])
@pytest.mark.parametrize("lasts_s", [0.15, 0.5, 1.0])
def test_the_end_of_a_tone_is_told_when_it_is_over(hz: float, lasts_s: float) -> None:
    heard, at_s = await_beep(voice(1.0), quiet(0.4), tone(lasts_s, hz))
    assert heard
    assert at_s == pytest.approx(1.4 + lasts_s + 0.15, abs=0.06)


@pytest.mark.parametrize(
    "sound",
    [
        pytest.param(voice(5.0), id="speech"),
        pytest.param(quiet(5.0), id="silence"),
        pytest.param(tone(0.06, 1000.0), id="too short"),
        pytest.param(tone(5.0, 425.0), id="dial tone"),
        pytest.param(tone(0.4, 697.0, 1209.0), id="a key"),
    ],
)
def test_what_is_no_tone_of_a_machine_is_told_at_the_limit(sound: np.ndarray) -> None:
    heard, at_s = await_beep(quiet(0.5), sound, limit_s=4.0)
    assert not heard
    assert at_s == pytest.approx(4.0, abs=0.03)


def test_a_tone_between_words_is_not_the_last() -> None:
    heard, at_s = await_beep(BEEP, voice(3.0), quiet(0.3), BEEP)
    assert heard
    assert at_s > 4.0


def test_a_tone_that_gave_the_verdict_away_is_not_missed() -> None:
    analyser = Analyser()
    analyser.begin(1, AnalysisSpec())
    sound = frames(voice(0.9), quiet(0.3), tone(0.3, 1000.0), total_s=3.0)
    for at, frame in enumerate(sound):
        for finding in analyser.listen(frame[np.newaxis]):
            if isinstance(finding, Analysed):
                told_at = at
            else:
                assert finding == Waited(1, heard=True)
                return
        if "told_at" in locals() and at == told_at + 5:
            analyser.await_beep(1, 10.0)
    raise AssertionError("the tone was missed")
