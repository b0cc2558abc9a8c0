"""What is wanted of legs is enough to make them anew."""

import pytest

from engine.domain.ids import LegId
from engine.telephony.media import PromptEnded, PromptFailed, UnusableAddressError, messages
from engine.telephony.media.allocation import Place
from engine.telephony.media.wanted import (
    WantedLeg,
    end_play,
    everything,
    ip_number,
    keep_source,
    with_source,
)

AGENT, BOSS, GONE = LegId("agent"), LegId("boss"), LegId("gone")
CONNECT = messages.Connect(1, 10, 4000, 0, 0, 101, True, 0, 0, 0)


def test_everything_is_told_in_an_order_that_works() -> None:
    play = messages.Play(1, 5, "hold-music", True, False)
    legs = {
        AGENT: WantedLeg(Place(1, 3, learns=True), 99, CONNECT, play, (BOSS, GONE)),
        BOSS: WantedLeg(Place(2, -1, learns=False), 98, hears=(AGENT,)),
    }
    assert everything(legs) == [
        messages.Open(1, 3, 99),
        CONNECT,
        play,
        messages.OpenAudio(2),
        messages.Mix({1: (2,), 2: (1,)}),
    ]


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
