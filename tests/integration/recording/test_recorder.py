"""Recording as it runs: a switch, a recorder, two phones whose every frame says its number."""

import asyncio
import os
import signal
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
import uvloop

from engine.domain.ids import LegId
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
from tests.support.load import Load
from tests.support.rtp import FRAME, FRAME_S, Phones, decode

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
    tmp_path: Path, load: Load, sealed: bool, form: str, a_law: bool
) -> None:
    async def scenario() -> None:
        async with studio(tmp_path / "calls", sealed=sealed, form=form) as at:
            phones = call(at, a_law=a_law)
            with Phones(phones):
                await until(lambda: all(len(phone.frames) > 10 for phone in phones))
                at.record()
                before = [phone.count for phone in phones]
                await asyncio.sleep(2.0)
                await until(
                    lambda: all(p.count > n + 90 for p, n in zip(phones, before, strict=True))
                )
                at.end()
                await until(lambda: bool(at.ended()))
            (ended,) = at.ended()
            samples = at.listen(ended)
            assert len(samples) == round(ended.length_s * 8000)
            assert 1.8 <= ended.length_s <= load.allow(3.5)
            assert ended.lost_s <= load.allow(0.3)
            assert ended.octets == (tmp_path / "calls" / ended.file_name).stat().st_size
            said, heard = numbers(samples[:, 0], SAYS), numbers(samples[:, 1], HEARS)
            assert len([number for number in said if number >= 0]) >= 80
            assert len([number for number in heard if number >= 0]) >= 80
            most = load.allow(5 * FRAME_S) / FRAME_S
            assert missing(said) <= most
            assert missing(heard) <= most
            later = at.listen(ended, 1000)
            assert (later == samples[8000:]).all()

    on_uvloop(scenario)


@pytest.mark.parametrize("without", [CUSTOMER, AGENT], ids=["customer", "agent"])
def test_who_has_no_phone_is_on_both_tracks_all_the_same(tmp_path: Path, without: LegId) -> None:
    """A called party of a trunk that hands us its audio, or an agent at a stream of audio."""

    async def scenario() -> None:
        async with studio(tmp_path / "calls") as at:
            lowest = {CUSTOMER: SAYS, AGENT: HEARS}
            (other,) = {CUSTOMER, AGENT} - {without}
            phone = CountingPhone(lowest[other])
            at.join(other, phone)
            at.media.open_audio(without)
            at.media.mix({AGENT: (CUSTOMER,), CUSTOMER: (AGENT,)})
            with Phones([phone]):
                speaking = asyncio.create_task(at.speak(without, lowest[without]))
                at.record()
                await asyncio.sleep(2.0)
                at.end()
                await until(lambda: bool(at.ended()))
                speaking.cancel()
            (ended,) = at.ended()
            samples = at.listen(ended)
            for track, tones in ((0, SAYS), (1, HEARS)):
                known = {number for number in numbers(samples[:, track], tones) if number >= 0}
                assert len(known) >= 25, "who speaks by a task is late on a crowded machine"

    on_uvloop(scenario)


@pytest.mark.parametrize("victim", ["recorder", "switch"])
def test_a_death_on_the_way_costs_less_than_a_second(
    tmp_path: Path, load: Load, victim: str
) -> None:
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
            assert ended.lost_s < load.allow(1.0)
            for track, lowest in ((0, SAYS), (1, HEARS)):
                found = numbers(samples[:, track], lowest)
                assert missing(found) < load.allow(1.0) / FRAME_S
                kept_s = FRAME_S * len([n for n in found if n >= 0])
                assert kept_s > ended.length_s - load.allow(1.3)

    on_uvloop(scenario)


def test_a_recorder_that_hangs_is_told_of_within_five_seconds_and_costs_nothing(
    tmp_path: Path, load: Load
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
                assert time.monotonic() - began_s < load.allow(5.0)
                with suppress(ProcessLookupError):  # it may have been replaced by now
                    os.kill(pid, signal.SIGCONT)
                await until(lambda: RecorderRestored in map(type, at.events))
                at.end()
                await until(lambda: bool(at.ended()))
            (ended,) = at.ended()
            assert ended.lost_s < load.allow(0.5)
            found = numbers(at.listen(ended)[:, 0], SAYS)
            assert missing(found) < load.allow(0.5) / FRAME_S

    on_uvloop(scenario)


def test_what_is_paused_is_not_in_the_file_nor_in_memory_shared(tmp_path: Path) -> None:
    """The phones' tones change while it is paused; no frame of them may be anywhere (R4)."""

    async def scenario() -> None:
        async with studio(tmp_path / "calls", sealed=False, form="wav") as at:
            phones = call(at)
            with Phones(phones):
                at.record()
                await heard(phones, 60)
                at.media.pause_recording(CUSTOMER, paused=True)
                await at.media.stats()
                await heard(phones, 5)  # after some ticks the command has acted
                usual = [phone.says for phone in phones]
                for phone, lowest in zip(phones, (SAYS, HEARS), strict=True):
                    phone.says = spoken(lowest, peak=SECRET)
                await heard(phones, 55)
                for phone, frames in zip(phones, usual, strict=True):
                    phone.says = frames
                await heard(phones, 50)  # what was in jitter buffers and on the way is gone
                at.media.pause_recording(CUSTOMER, paused=False)
                await at.media.stats()
                await heard(phones, 30)
                at.end()
                await until(lambda: bool(at.ended()))
                _never_seen(at)
            (ended,) = at.ended()
            samples = at.listen(ended)
            assert (numbers(samples[:, 0], SAYS).count(-1)) >= 50
            assert len([n for n in numbers(samples[:, 0], SAYS) if n >= 0]) >= 50
            assert ended.length_s >= 2.5

    on_uvloop(scenario)


async def heard(phones: Sequence[CountingPhone], count: int) -> None:
    """Wait until each phone has heard so many frames more: as many ticks of the switch."""
    before = [len(phone.frames) for phone in phones]
    await until(
        lambda: all(len(p.frames) >= n + count for p, n in zip(phones, before, strict=True))
    )


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
