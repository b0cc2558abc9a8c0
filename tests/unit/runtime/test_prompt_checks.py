"""Which prompts of a campaign cannot be played, and what is said of them."""

import threading
import wave
from pathlib import Path
from typing import Any

import pytest

from engine.domain.analysis import AnalysisSpec, Treatment
from engine.domain.e164 import E164
from engine.domain.ids import CampaignId
from engine.domain.scenario import Collect, End, Play, Scenario
from engine.domain.specs import CampaignSpec
from engine.runtime import prompt_checks
from engine.runtime.prompt_checks import find_fault
from engine.telephony.media.prompts import load_prompt

pytestmark = pytest.mark.asyncio


def _campaign(**values: Any) -> CampaignSpec:
    return CampaignSpec(campaign_id=CampaignId("spring"), caller_id=E164("+14155550100"), **values)


def _wav(path: Path, rate: int = 8000) -> str:
    with wave.open(str(path), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(rate)
        out.writeframes(bytes(640))
    return str(path)


async def test_what_is_built_in_or_a_right_file_is_no_fault(tmp_path: Path) -> None:
    good = _wav(tmp_path / "good.wav")
    assert await find_fault(_campaign()) is None
    assert await find_fault(_campaign(unattended_prompt=good, opt_out_prompt="beep")) is None
    assert await find_fault(_campaign(hold_prompt="", prompt="tone:440:-20")) is None


def _menu(prompt: str) -> Scenario:
    ask = Collect(choices={"1": "end"}, otherwise="end", prompt=prompt)
    return Scenario(first="ask", steps={"ask": ask, "end": End()})


def _machine(prompt: str) -> AnalysisSpec:
    return AnalysisSpec(machine=Treatment.MESSAGE, machine_prompt=prompt)


@pytest.mark.parametrize(
    ("field", "make"),
    [
        ("unattended_prompt", lambda path: _campaign(unattended_prompt=path)),
        ("opt_out_prompt", lambda path: _campaign(opt_out_prompt=path)),
        ("hold_prompt", lambda path: _campaign(hold_prompt=path)),
        ("prompt", lambda path: _campaign(prompt=path)),
        ("analysis.machine_prompt", lambda path: _campaign(analysis=_machine(path))),
        ("scenario: step 'ask': prompt", lambda path: _campaign(scenario=_menu(path))),
    ],
)
async def test_a_file_that_is_not_there_is_named_with_its_field(
    tmp_path: Path, field: str, make: Any
) -> None:
    path = str(tmp_path / "absent.wav")
    assert await find_fault(make(path)) == (
        f"campaigns/spring: {field} {path!r}: there is no such file"
    )
    _wav(tmp_path / "absent.wav")
    assert await find_fault(make(path)) is None


async def test_a_file_of_another_form_says_what_would_do(tmp_path: Path) -> None:
    music = _wav(tmp_path / "music.wav", rate=44100)
    fault = await find_fault(_campaign(hold_prompt=music))
    assert fault is not None
    assert "44100 Hz; give mono at 8000 Hz" in fault
    play = Play(prompt="tone:0:0", then="end")
    scenario = Scenario(first="play", steps={"play": play, "end": End()})
    fault = await find_fault(_campaign(scenario=scenario))
    assert fault is not None
    assert "step 'play'" in fault
    (tmp_path / "folder.wav").mkdir()
    assert await find_fault(_campaign(prompt=str(tmp_path / "folder.wav")))


async def test_what_was_named_before_is_not_looked_at_again(tmp_path: Path) -> None:
    gone, absent = str(tmp_path / "gone.wav"), str(tmp_path / "absent.wav")
    before = _campaign(hold_prompt=gone)
    assert await find_fault(_campaign(hold_prompt=gone, priority=2), before) is None
    fault = await find_fault(_campaign(hold_prompt=gone, prompt=absent), before)
    assert fault is not None
    assert absent in fault
    # The same file for another purpose is looked at.
    assert await find_fault(_campaign(prompt=gone), before) is not None


async def test_files_are_read_on_a_thread_and_not_waited_for_without_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    readers: list[threading.Thread] = []
    free = threading.Event()

    def read_slowly(name: str) -> Any:
        readers.append(threading.current_thread())
        free.wait()
        return load_prompt(name)

    monkeypatch.setattr(prompt_checks, "load_prompt", read_slowly)
    monkeypatch.setattr(prompt_checks, "READ_S", 0.05)
    try:
        fault = await find_fault(_campaign(hold_prompt="tone:440:-20"))
    finally:
        free.set()
    assert fault is not None
    assert "could not be read" in fault
    assert readers != [threading.main_thread()]
