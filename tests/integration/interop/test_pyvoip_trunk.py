"""Trunks over pyVoIP to a PBX it can cope with, and to one it cannot: every leg ends, once."""

import asyncio
import os
import signal
import time
from pathlib import Path

import pytest

from engine.domain.analysis import AnalysisSpec, Verdict
from engine.domain.causes import (
    CANCELLED,
    GATE_CLOSED,
    HUNG_UP,
    LOST,
    NO_ANSWER,
    RELEASED,
    TIMED_OUT,
    UNREACHABLE,
)
from engine.domain.ids import LegId
from engine.ports import (
    AnalyseLeg,
    DropTrunk,
    EndOldLeg,
    LegAnalysed,
    LegAnswered,
    LegEnded,
    OpenAudioLeg,
    PlayPrompt,
    SetMix,
    TrunkLost,
    TrunkReached,
)
from tests.integration.interop.rig import LAB, rig, until
from tests.support import lab_pbx
from tests.support.lab_pbx import LabPbx
from tests.support.load import Load

pytestmark = [pytest.mark.asyncio, pytest.mark.timeout(300)]


@pytest.fixture(autouse=True)
def _extra() -> None:
    pytest.importorskip("pyVoIP", reason="the extra pyvoip is not installed", exc_type=ImportError)


async def test_calls_are_placed_heard_and_ended_by_both_sides() -> None:
    async with LabPbx() as pbx, rig() as own:
        own.lab_trunk(pbx)
        assert (await own.wait_for(TrunkReached)).trunk_id == LAB
        first = own.place(lab_pbx.ANSWERS, "a1-0001-00000001")
        await own.wait_for(LegAnswered, first)
        call = pbx.of(lab_pbx.ANSWERS)[0]
        assert own.asked == [first]
        own.perform(PlayPrompt(first, f"tone:{lab_pbx.HEARS_HZ}:-16", loop=True))
        voice = call.voice
        assert voice is not None
        await until(lambda: voice.heard, "the called party hears what is played")
        own.hang_up(first)
        assert await own.wait_for(LegEnded, first) == LegEnded(first, RELEASED)
        await until(lambda: call.state == "released", "BYE")
        second = own.place(lab_pbx.HANGS_UP, "a1-0001-00000002")
        assert await own.wait_for(LegEnded, second) == LegEnded(second, HUNG_UP)
        third = own.place(lab_pbx.CHALLENGES, "a1-0001-00000003")
        await own.wait_for(LegAnswered, third)
        fourth = own.place(lab_pbx.NOT_FOUND, "a1-0001-00000004")
        assert (await own.wait_for(LegEnded, fourth)).cause.slug == "refused"
        assert not own.told(LegAnswered, fourth)
    assert [len(own.told(LegEnded, leg)) for leg in (first, second, fourth)] == [1, 1, 1]
    assert pbx.of(lab_pbx.CHALLENGES)[0].state == "released"  # by the end of its process


async def test_both_sides_of_a_bridged_call_are_heard() -> None:
    async with LabPbx() as pbx, rig() as own:
        own.lab_trunk(pbx)
        customer = own.place(lab_pbx.ANSWERS, "a1-0001-00000001")
        await own.wait_for(LegAnswered, customer)
        agent = LegId("a1-0001-00000009")
        own.perform(OpenAudioLeg(agent))
        await own.wait_for(LegAnswered, agent)
        own.perform(SetMix({customer: (agent,), agent: (customer,)}))
        tones = own.listen(agent, lab_pbx.SPEAKS_HZ)
        own.speak(agent, lab_pbx.HEARS_HZ)
        voice = pbx.of(lab_pbx.ANSWERS)[0].voice
        assert voice is not None
        await until(lambda: voice.heard, "the agent is heard")
        await until(lambda: sum(tones[-50:]) > 40, "the called party is heard")


async def test_a_bridged_call_is_analysed_like_any_other() -> None:
    async with LabPbx() as pbx, rig() as own:
        own.lab_trunk(pbx)
        leg = own.place(lab_pbx.ANSWERS, "a1-0001-00000001")
        await own.wait_for(LegAnswered, leg)
        own.perform(AnalyseLeg(leg, AnalysisSpec()))
        assert (await own.wait_for(LegAnalysed, leg)).verdict is not Verdict.SILENCE
        own.hang_up(leg)


async def test_a_call_that_hangs_is_over_at_its_deadline_and_others_go_on() -> None:
    async with LabPbx() as pbx, rig(call_s=1.5) as own:
        own.lab_trunk(pbx)
        good = own.place(lab_pbx.ANSWERS, "a1-0001-00000001")
        await own.wait_for(LegAnswered, good)
        for number, name in (
            (lab_pbx.EARLY_MEDIA, "a1-0001-00000002"),
            (lab_pbx.BUSY, "a1-0001-00000003"),
            (lab_pbx.SILENT, "a1-0001-00000004"),
        ):
            hung = own.place(number, name)
            assert await own.wait_for(LegEnded, hung) == LegEnded(hung, TIMED_OUT)
        assert not own.told(LegEnded, good)
        later = own.place(lab_pbx.ANSWERS, "a1-0001-00000005")
        await own.wait_for(LegAnswered, later)
        assert not own.told(TrunkLost)
        own.hang_up(good)
        assert await own.wait_for(LegEnded, good) == LegEnded(good, RELEASED)
        await until(lambda: pbx.of(lab_pbx.ANSWERS)[0].state == "released", "BYE")
        await until(lambda: len(own.telephony.pyvoip.pids) == 1, "replaced processes end")
        own.hang_up(later)


async def test_a_call_without_answer_is_over_in_time_and_let_go_when_answered_late() -> None:
    async with LabPbx() as pbx, rig() as own:
        own.lab_trunk(pbx)
        await own.wait_for(TrunkReached)
        late = own.place(lab_pbx.ANSWERS_LATE, "a1-0001-00000001", no_answer_s=0.4)
        rings = own.place(lab_pbx.RINGS, "a1-0001-00000002")
        assert await own.wait_for(LegEnded, late) == LegEnded(late, NO_ANSWER)
        await until(lambda: pbx.of(lab_pbx.RINGS), "the second call rings")
        own.hang_up(rings, CANCELLED)
        assert await own.wait_for(LegEnded, rings) == LegEnded(rings, CANCELLED)
        await until(lambda: pbx.of(lab_pbx.ANSWERS_LATE)[0].state == "released", "BYE")
        assert not own.told(LegAnswered)


async def test_a_process_that_dies_takes_its_legs_with_it_and_is_replaced() -> None:
    async with LabPbx() as pbx, rig() as own:
        own.lab_trunk(pbx)
        legs = [own.place(lab_pbx.ANSWERS, f"a1-0001-0000000{n}") for n in (1, 2)]
        for leg in legs:
            await own.wait_for(LegAnswered, leg)
        (pid,) = own.telephony.pyvoip.pids
        os.kill(pid, signal.SIGKILL)
        for leg in legs:
            assert await own.wait_for(LegEnded, leg) == LegEnded(leg, LOST)
        assert (await own.wait_for(TrunkLost)).reason == "its process died"
        refused = own.place(lab_pbx.ANSWERS, "a1-0001-00000003")
        assert await own.wait_for(LegEnded, refused) == LegEnded(refused, UNREACHABLE)
        await until(lambda: len(own.told(TrunkReached)) == 2, "a new process registers")
        again = own.place(lab_pbx.ANSWERS, "a1-0001-00000004")
        await own.wait_for(LegAnswered, again)
        own.hang_up(again)
    assert all(len(own.told(LegEnded, leg)) == 1 for leg in (*legs, refused, again))


async def test_a_process_that_is_stopped_counts_as_dead(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.telephony.pyvoip.link.LOOK_S", 0.5)
    async with LabPbx() as pbx, rig() as own:
        own.lab_trunk(pbx)
        leg = own.place(lab_pbx.ANSWERS, "a1-0001-00000001")
        await own.wait_for(LegAnswered, leg)
        (pid,) = own.telephony.pyvoip.pids
        os.kill(pid, signal.SIGSTOP)
        assert await own.wait_for(LegEnded, leg) == LegEnded(leg, LOST)


async def test_the_gate_is_asked_when_the_call_would_leave() -> None:
    async with LabPbx() as pbx, rig() as own:
        own.lab_trunk(pbx)
        waits = own.place(lab_pbx.ANSWERS, "a1-0001-00000001")
        own.reason = "stopped"  # after the wish, before the phone is registered
        assert await own.wait_for(LegEnded, waits) == LegEnded(waits, GATE_CLOSED)
    assert own.asked == [waits]
    assert not pbx.calls


async def test_a_dropped_trunk_lets_its_calls_go_on_and_its_process_ends_after_them() -> None:
    async with LabPbx() as pbx, rig() as own:
        own.lab_trunk(pbx)
        leg = own.place(lab_pbx.ANSWERS, "a1-0001-00000001")
        await own.wait_for(LegAnswered, leg)
        own.perform(DropTrunk(LAB))
        refused = own.place(lab_pbx.ANSWERS, "a1-0001-00000002")
        assert await own.wait_for(LegEnded, refused) == LegEnded(refused, UNREACHABLE)
        assert not own.told(LegEnded, leg)
        own.hang_up(leg)
        await own.wait_for(LegEnded, leg)
        await until(lambda: not own.telephony.pyvoip.pids, "its process ends")


async def test_a_trunk_that_cannot_work_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with LabPbx() as pbx, rig() as own:
        own.lab_trunk(pbx, username="")
        assert "must register" in (await own.wait_for(TrunkLost)).reason
    absent = tmp_path / "pyVoIP" / "__init__.py"
    absent.parent.mkdir()
    absent.write_text("raise ModuleNotFoundError(\"No module named 'pyVoIP'\")\n", "ascii")
    with monkeypatch.context() as patch:
        patch.setenv("PYTHONPATH", str(tmp_path))
        async with LabPbx() as pbx, rig() as own:
            own.lab_trunk(pbx)
            assert "the extra pyvoip is not installed" in (await own.wait_for(TrunkLost)).reason
    async with LabPbx() as pbx, rig() as own:
        pbx.refuses = True
        own.lab_trunk(pbx)
        assert "register" in (await own.wait_for(TrunkLost)).reason


async def test_a_leg_of_an_earlier_life_is_no_fault_and_its_call_ends_with_its_engine(
    load: Load,
) -> None:
    async with LabPbx() as pbx:
        async with rig() as old:
            old.lab_trunk(pbx)
            leg = old.place(lab_pbx.ANSWERS, "a1-0001-00000001")
            assert (await old.wait_for(LegAnswered, leg)).dialog == b""
            began_s = time.monotonic()
        assert time.monotonic() - began_s < load.allow(10.0)
        assert pbx.of(lab_pbx.ANSWERS)[0].state == "released"
        async with rig() as new:
            new.perform(EndOldLeg(leg, b"", lab_pbx.ANSWERS, LAB))
            new.lab_trunk(pbx)
            await new.wait_for(TrunkReached)
    assert new.events[0] == TrunkReached(LAB)


async def test_thirty_calls_at_once_lose_none() -> None:
    async with LabPbx() as pbx, rig() as own:
        own.lab_trunk(pbx)
        await own.wait_for(TrunkReached)
        legs = [own.place(lab_pbx.ANSWERS, f"a1-0001-{n:08x}") for n in range(30)]
        await asyncio.gather(*(own.wait_for(LegAnswered, leg) for leg in legs))
        for leg in legs:
            own.hang_up(leg)
        await until(lambda: all(own.told(LegEnded, leg) for leg in legs), "all end")
        await until(
            lambda: {call.state for call in pbx.calls.values()} == {"released"}, "every BYE"
        )
    assert len(own.told(LegEnded)) == len(legs)
