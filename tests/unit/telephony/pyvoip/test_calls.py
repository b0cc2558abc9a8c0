"""Calls of a phone that hangs, answers late and ends, without the library."""

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from engine.telephony.pyvoip import messages
from engine.telephony.pyvoip.calls import (
    LINGER_S,
    MOST_BEHIND,
    Calls,
    PhoneCall,
    to_8_bit,
    to_16_bit,
)

LEG = "a1-0001-00000001"
FRAME = np.full(160, 8192, np.int16).tobytes()


@dataclass
class FakeStream:
    outSequence: int = 7  # noqa: N815 - as the library names it


@dataclass
class FakeCall:
    """A call whose state the test sets."""

    state: Any = field(default_factory=lambda: SimpleNamespace(name="DIALING"))
    RTPClients: list[FakeStream] = field(default_factory=list)
    digits: str = ""
    written: list[bytes] = field(default_factory=list)
    hung_up: int = 0

    def answer(self) -> None:
        self.state = SimpleNamespace(name="ANSWERED")
        self.RTPClients = [FakeStream()]

    def end(self) -> None:
        self.state = SimpleNamespace(name="ENDED")

    def hangup(self) -> None:
        self.hung_up += 1
        if self.state.name != "ANSWERED":
            raise RuntimeError("not answered")
        self.end()

    def read_audio(self, length: int, blocking: bool) -> bytes:
        assert not blocking
        return b"\xc0" * length

    def write_audio(self, data: bytes) -> None:
        self.written.append(data)

    def get_dtmf(self, length: int) -> str:
        digit, self.digits = self.digits[:length], self.digits[length:]
        return digit


class FakePhone:
    """A phone that makes the calls it was given, or raises."""

    def __init__(self, *calls: FakeCall | Exception) -> None:
        self.calls = list(calls)

    def call(self, number: str) -> PhoneCall:
        made = self.calls.pop(0)
        if isinstance(made, Exception):
            raise made
        return made


def calls_of(*made: FakeCall | Exception) -> tuple[Calls, list[messages.Event]]:
    """Return calls that were wanted and made, and what is told."""
    told: list[messages.Event] = []
    calls = Calls(FakePhone(*made), told.append)
    for _ in made:
        calls.call(LEG, "+14155550100")
        calls.dial_next()
    return calls, told


def test_a_call_is_told_from_its_first_response_to_its_end() -> None:
    call = FakeCall(digits="4")
    calls, told = calls_of(call)
    calls.tick(1.0)
    call.answer()
    calls.tick(1.02)
    call.end()
    calls.tick(1.04)
    calls.tick(1.06)
    heard = np.full(160, 64 << 8, np.int16).tobytes()
    assert told == [
        messages.Called(LEG),
        messages.Answered(LEG),
        messages.Audio(LEG, heard),
        messages.Digit(LEG, "4"),
        messages.Over(LEG, answered=True),
    ]
    assert calls.idle


def test_a_refusal_is_over_without_an_answer() -> None:
    call = FakeCall()
    calls, told = calls_of(call)
    call.end()
    calls.tick(1.0)
    assert told == [messages.Called(LEG), messages.Over(LEG, answered=False)]


def test_what_the_library_raises_ends_the_call() -> None:
    calls, told = calls_of(OSError("no way"))
    calls.tick(1.0)
    assert told == [messages.CallFailed(LEG, "OSError: no way")]


@pytest.mark.parametrize("early", [True, False], ids=["before call() returns", "while it rings"])
def test_a_call_that_was_left_ringing_is_hung_up_when_answered(early: bool) -> None:
    call = FakeCall()
    told: list[messages.Event] = []
    calls = Calls(FakePhone(call), told.append)
    calls.call(LEG, "+14155550100")
    if early:
        calls.leave(LEG, 1.0)
    calls.dial_next()
    calls.tick(1.0)
    if not early:
        calls.leave(LEG, 1.0)
    calls.tick(2.0)
    assert (call.hung_up, calls.idle) == (0, False)
    call.answer()
    calls.tick(3.0)
    assert (call.hung_up, calls.idle) == (1, True)
    assert told == [messages.Called(LEG)]


def test_a_call_that_was_left_ringing_is_forgotten_in_the_end() -> None:
    calls, _ = calls_of(FakeCall())
    calls.tick(1.0)
    calls.leave(LEG, 1.0)
    calls.tick(1.0 + LINGER_S)
    assert not calls.idle
    calls.tick(1.1 + LINGER_S)
    assert calls.idle


def test_a_call_that_hangs_keeps_a_phone_only_while_somebody_wants_it() -> None:
    calls = Calls(FakePhone(), lambda _event: None)
    calls.call(LEG, "+14155550100")  # and ``call()`` never returns
    calls.tick(1.0)
    assert not calls.idle
    calls.leave(LEG, 1.0)
    assert calls.idle


def test_leaving_a_call_that_just_ended_is_no_fault() -> None:
    call = FakeCall()
    calls, _ = calls_of(call)
    call.answer()
    calls.tick(1.0)
    call.end()
    calls.leave(LEG, 1.0)
    assert calls.idle


def test_no_more_waits_to_be_sent_than_a_tenth_of_a_second() -> None:
    call = FakeCall()
    calls, _ = calls_of(call)
    call.answer()
    calls.tick(1.0)
    for _ in range(20):
        calls.say(LEG, FRAME)
    assert call.written == [bytes([128 + 32]) * 160] * MOST_BEHIND
    call.RTPClients[0].outSequence += 3
    for _ in range(20):
        calls.say(LEG, FRAME)
    assert len(call.written) == MOST_BEHIND + 3


def test_both_forms_of_audio_agree_within_a_step() -> None:
    pcm = np.arange(-32768, 32768, 409, dtype=np.int16)
    back = np.frombuffer(to_16_bit(to_8_bit(pcm.tobytes())), np.int16)
    assert int(np.abs(back.astype(int) - pcm.astype(int)).max()) < 256
