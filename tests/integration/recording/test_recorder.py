"""Recording as it runs: a switch, a recorder, two phones whose every frame says its number."""

import asyncio
import os
import signal
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import numpy as np
import pytest
import uvloop

from engine.ports import RecorderFailed, RecorderRestored
from tests.integration.recording.studio import (
    AGENT,
    CUSTOMER,
    CountingPhone,
    Studio,
    missing,
    numbers,
    spoken,
    studio,
    until,
)
from tests.support.rtp import FRAME, Phones, decode

SAYS, HEARS = 300.0, 2000.0
"""Lowest tones of customer and agent."""
SECRET = 3500.0
"""How loud both are while it is paused, when they change their tones."""


def on_uvloop(scenario: Callable[[], Awaitable[None]]) -> None:
    async def main() -> None:
        await scenario()

    uvloop.run(main())


def call(at: Studio, *, a_law: bool = False) -> list[CountingPhone]:
    phones = [CountingPhone(HEARS), CountingPhone(SAYS, a_law=a_law)]
    at.join(AGENT, phones[0])
    at.join(CUSTOMER, phones[1])
    at.media.mix({AGENT: (CUSTOMER,), CUSTOMER: (AGENT,)})
    return phones


@pytest.mark.parametrize(
    ("sealed", "form", "a_law"),
    [
        pytest.param(True, "flac", False, id="sealed flac"),
        pytest.param(True, "wav", True, id="sealed wav of A-law"),
        pytest.param(False, "flac", False, id="plain flac"),
        pytest.param(False, "wav", False, id="plain wav"),
    ],
)
def test_a_call_is_recorded_on_two_tracks(
    tmp_path: Path, sealed: bool, form: str, a_law: bool
) -> None:
    async def scenario() -> None:
        async with studio(tmp_path / "calls", sealed=sealed, form=form) as at:
            with Phones(call(at, a_law=a_law)):
                await asyncio.sleep(0.3)
                at.record()
                await asyncio.sleep(2.0)
                at.end()
                await until(lambda: bool(at.ended()))
            (ended,) = at.ended()
            samples = at.listen(ended)
            assert len(samples) == round(ended.length_s * 8000)
            assert 1.8 <= ended.length_s <= 3.5
            assert ended.lost_s <= 0.3
            assert ended.octets == (tmp_path / "calls" / ended.file_name).stat().st_size
            said, heard = numbers(samples[:, 0], SAYS), numbers(samples[:, 1], HEARS)
            assert len([number for number in said if number >= 0]) >= 80
            assert len([number for number in heard if number >= 0]) >= 80
            assert missing(said) <= 5
            assert missing(heard) <= 5
            later = at.listen(ended, 1000)
            assert (later == samples[8000:]).all()

    on_uvloop(scenario)


@pytest.mark.parametrize("victim", ["recorder", "switch"])
def test_a_death_on_the_way_costs_less_than_a_second(tmp_path: Path, victim: str) -> None:
    async def scenario() -> None:
        async with studio(tmp_path / "calls") as at:
            with Phones(call(at)):
                at.record()
                await until(lambda: at.recorder.alive is not None)
                await asyncio.sleep(0.77)
                before = at.recorder.pid if victim == "recorder" else at.media.pid
                assert before
                os.kill(before, signal.SIGKILL)
                await asyncio.sleep(2.5)
                at.end()
                await until(lambda: bool(at.ended()))
            (ended,) = at.ended()
            samples = at.listen(ended)
            assert ended.lost_s < 1.0
            for track, lowest in ((0, SAYS), (1, HEARS)):
                found = numbers(samples[:, track], lowest)
                assert missing(found) < 50
                assert len([n for n in found if n >= 0]) > 50 * (ended.length_s - 1.3)

    on_uvloop(scenario)


def test_a_recorder_that_hangs_is_told_of_within_five_seconds_and_costs_nothing(
    tmp_path: Path,
) -> None:
    async def scenario() -> None:
        async with studio(tmp_path / "calls") as at:
            with Phones(call(at)):
                at.record()
                await until(lambda: at.recorder.alive is not None)
                pid = at.recorder.pid
                assert pid
                os.kill(pid, signal.SIGSTOP)
                began_s = time.monotonic()
                await until(lambda: RecorderFailed in map(type, at.events))
                assert time.monotonic() - began_s < 5.0
                os.kill(pid, signal.SIGCONT)
                await until(lambda: RecorderRestored in map(type, at.events))
                at.end()
                await until(lambda: bool(at.ended()))
            (ended,) = at.ended()
            assert ended.lost_s < 0.5
            found = numbers(at.listen(ended)[:, 0], SAYS)
            assert missing(found) < 25

    on_uvloop(scenario)


def test_what_is_paused_is_not_in_the_file_nor_in_memory_shared(tmp_path: Path) -> None:
    """The phones' tones change while it is paused; no frame of them may be anywhere (R4)."""

    async def scenario() -> None:
        async with studio(tmp_path / "calls", sealed=False, form="wav") as at:
            phones = call(at)
            with Phones(phones):
                at.record()
                await asyncio.sleep(1.0)
                at.media.pause_recording(CUSTOMER, paused=True)
                await asyncio.sleep(0.06)  # two ticks: the command has acted
                usual = [phone.says for phone in phones]
                for phone, lowest in zip(phones, (SAYS, HEARS), strict=True):
                    phone.says = spoken(lowest, peak=SECRET)
                await asyncio.sleep(1.0)
                for phone, frames in zip(phones, usual, strict=True):
                    phone.says = frames
                await asyncio.sleep(0.3)  # what is in jitter buffers and on the way
                at.media.pause_recording(CUSTOMER, paused=False)
                await asyncio.sleep(0.6)
                at.end()
                await until(lambda: bool(at.ended()))
                _never_seen(at)
            (ended,) = at.ended()
            samples = at.listen(ended)
            assert (numbers(samples[:, 0], SAYS).count(-1)) >= 50
            assert len([n for n in numbers(samples[:, 0], SAYS) if n >= 0]) >= 50
            assert 2.5 <= ended.length_s <= 6.0

    on_uvloop(scenario)


def _never_seen(at: Studio) -> None:
    """Search shared memory for any frame said while paused, and files for their tones."""
    ring = os.pread(at.recorder.rings[0], 8 << 20, 0)
    assert any(frame in ring for frame in spoken(SAYS))  # what was not secret is found
    for lowest in (SAYS, HEARS):
        assert not any(frame in ring for frame in spoken(lowest, peak=SECRET))
    (ended,) = at.ended()
    samples = at.listen(ended)
    for track, own, other in ((0, SAYS, HEARS), (1, HEARS, SAYS)):
        assert set(numbers(samples[:, track], other)) == {-1}
        kept = {frame.tobytes() for frame in samples[:, track].reshape(-1, FRAME)}
        usual, secret = (
            {decode(frame, a_law=False).astype(np.int16).tobytes() for frame in said}
            for said in (spoken(own), spoken(own, peak=SECRET))
        )
        assert kept & usual
        assert not kept & secret
