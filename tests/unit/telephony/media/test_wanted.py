"""What is wanted of legs is enough to make them anew."""

import pytest

from engine.domain.analysis import AnalysisSpec, Verdict
from engine.domain.ids import LegId
from engine.telephony.media import (
    BeepAwaited,
    LegAnalysed,
    PromptEnded,
    PromptFailed,
    UnusableAddressError,
    messages,
)
from engine.telephony.media.allocation import Place
from engine.telephony.media.wanted import (
    WantedLeg,
    end_ask,
    end_play,
    everything,
    give_up_analysis,
    ip_number,
    keep_source,
    with_source,
)

AGENT, BOSS, GONE = LegId("agent"), LegId("boss"), LegId("gone")
CONNECT = messages.Connect(1, 10, 4000, 0, 0, 101, True, 0, 0, 0)


def test_everything_is_told_in_an_order_that_works() -> None:
    play = messages.Play(1, 5, "hold-music", True, False)
    legs = {
        AGENT: WantedLeg(Place(1, 3, learns=True), 99, CONNECT, play, (BOSS, GONE), opened=True),
        BOSS: WantedLeg(Place(2, -1, learns=False), 98, hears=(AGENT,), opened=True),
    }
    assert everything(legs) == [
        messages.Open(1, 3, 99),
        CONNECT,
        play,
        messages.OpenAudio(2),
        messages.Mix({1: (2,), 2: (1,)}),
    ]


def test_a_switch_hears_of_a_leg_by_the_first_word_about_it() -> None:
    said: list[messages.Command] = []
    leg = WantedLeg(Place(1, 3, learns=True), 99, say=said.append)
    assert everything({AGENT: leg}) == [messages.Mix({})]
    leg.tell(CONNECT)
    leg.stop_forward(1)
    leg.tell(messages.StopPlay(1))
    assert said == [messages.Open(1, 3, 99), CONNECT, messages.StopPlay(1)]
    assert everything({AGENT: leg}) == [messages.Open(1, 3, 99), messages.Mix({1: ()})]


def test_a_known_source_is_kept_while_the_negotiated_address_stays() -> None:
    known = with_source(CONNECT, 77, 88)
    assert keep_source(known, CONNECT) == known
    moved = messages.Connect(1, 11, 4000, 0, 0, 101, True, 0, 0, 0)
    assert keep_source(known, moved) == moved
    assert keep_source(None, CONNECT) == CONNECT


def test_the_end_of_an_older_playing_is_not_told() -> None:
    leg = WantedLeg(Place(1, 0, learns=False), 1, play=messages.Play(1, 6, "beep", False, False))
    assert end_play(AGENT, leg, messages.PlayEnded(1, 5)) is None
    assert end_play(AGENT, leg, messages.PlayEnded(1, 6)) == PromptEnded(AGENT, "beep")
    assert end_play(AGENT, leg, messages.PlayEnded(1, 6)) is None
    leg.play = messages.Play(1, 7, "x.wav", False, False)
    failed = end_play(AGENT, leg, messages.PlayFailed(1, 7, "why"))
    assert failed == PromptFailed(AGENT, "x.wav", "why")


@pytest.mark.parametrize("host", ["", "::1", "example.net", "1.2.3", "1.2.3.4.5", "256.1.1.1"])
def test_what_is_no_ipv4_address_is_refused(host: str) -> None:
    with pytest.raises(UnusableAddressError):
        ip_number(host)


def test_the_answer_to_an_older_question_is_not_told() -> None:
    asked = messages.AwaitBeep(1, 8, 30.0)
    leg = WantedLeg(Place(1, 0, learns=False), 1, asked=asked, opened=True)
    assert asked in everything({AGENT: leg})
    late = messages.LegAnalysed(1, 7, Verdict.MACHINE, 2.0, "long speech")
    assert end_ask(AGENT, leg, late) is None
    assert end_ask(AGENT, leg, messages.BeepAwaited(1, 8, heard=True)) == BeepAwaited(AGENT, True)
    assert end_ask(AGENT, leg, messages.BeepAwaited(1, 8, heard=True)) is None
    assert asked not in everything({AGENT: leg})


def test_an_analysis_dies_with_its_switch_and_a_tone_is_waited_for_in_the_time_left() -> None:
    leg = WantedLeg(Place(1, 0, learns=False), 1, opened=True)
    assert give_up_analysis(AGENT, leg, 100.0) is None
    leg.asked, leg.asked_until_s = messages.Analyse(1, 5, AnalysisSpec(limit_s=3.0)), 102.0
    lost = LegAnalysed(AGENT, Verdict.UNDECIDED, 1.0, "media switch lost")
    assert give_up_analysis(AGENT, leg, 100.0) == lost
    assert everything({AGENT: leg}) == [leg.opening, messages.Mix({1: ()})]
    leg.asked, leg.asked_until_s = messages.AwaitBeep(1, 6, 30.0), 110.0
    assert give_up_analysis(AGENT, leg, 100.0) is None
    assert leg.asked == messages.AwaitBeep(1, 6, 10.0)
