"""Messages, keys and scenarios over real SIP and RTP: what is heard is what the engine decided."""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from gateway.pb.paceline.v1 import campaigns_pb2 as pb
from gateway.pb.paceline.v1 import events_pb2
from tests.support.callees import Callee, Callees, silence, speech, tone, write_prompt
from tests.support.load import Load
from tests.support.world import Seen, World, seconds, until

pytestmark = [pytest.mark.asyncio, pytest.mark.timeout(300)]
CUSTOMER_HZ, AGENT_HZ = 450, 650  # as ``World`` has them
MENU_HZ, BYE_HZ, SORRY_HZ, DONE_HZ, MESSAGE_HZ = 700, 900, 1100, 1300, 1500


def humming() -> Callee:
    """Return a party that hums."""
    return Callee(silence(0.0), CUSTOMER_HZ)


def world_of(folder: Path, make: Callable[[], Callee] = humming) -> World:
    """Return a world whose called parties say what they are to say, and can press keys."""
    world = World(folder)
    callees = Callees(make)
    world.voices = callees
    world.carrier.voices = callees
    return world


def callee_of(world: World, number: str) -> Callee:
    """Return the party of a number that has answered."""
    ear = next(seen.ear for seen in world.carrier.seen if seen.number == number and seen.ear)
    assert isinstance(ear, Callee)
    return ear


def menu(folder: Path) -> pb.Scenario:
    """Return: 1 for an agent, 9 for never again."""
    step = pb.Scenario.Step
    prompts = {
        name: write_prompt(folder / f"{name}.wav", tone(hz, length_s))
        for name, hz, length_s in (("menu", MENU_HZ, 6.0), ("bye", BYE_HZ, 1.5))
    }
    return pb.Scenario(
        first="menu",
        steps={
            "menu": step(
                collect=pb.Scenario.Collect(
                    prompt=prompts["menu"],
                    choices={"1": "agent", "9": "never"},
                    otherwise="bye",
                    within=seconds(5),
                    tries=3,
                )
            ),
            "agent": step(transfer=pb.Scenario.Transfer()),
            "never": step(add_to_dnc=pb.Scenario.AddToDnc(then="bye")),
            "bye": step(play=pb.Scenario.Play(prompt=prompts["bye"], then="end")),
            "end": step(hang_up=pb.Scenario.HangUp()),
        },
    )


def closed_by_number(events: list[events_pb2.Event]) -> dict[str, events_pb2.Event.AttemptClosed]:
    """Return the outcomes in a log."""
    closed = [event.attempt_closed for event in events if event.HasField("attempt_closed")]
    return {each.number: each for each in closed}


async def test_one_brings_an_agent_and_nine_is_never_called_again(tmp_path: Path) -> None:
    async with world_of(tmp_path) as world:
        await world.add_list(2)
        await world.add_trunk()
        await world.staff(1, talk_s=0)
        await world.add_campaign(pb.Campaign(mode=pb.MODE_AUTOMATIC, scenario=menu(tmp_path)))
        await world.start()
        await until(lambda: len(world.voices.ears) == 2, what="both are answered")
        one, nine = (callee_of(world, seen.number) for seen in world.carrier.seen)
        await until(lambda: one.heard_hz(MENU_HZ) and nine.heard_hz(MENU_HZ), what="the menu")
        one.press("1")
        nine.press("9")
        await until(lambda: world.seats[0].connected, what="the agent has the call")
        await until(lambda: one.heard_hz(AGENT_HZ), what="the caller hears the agent")
        assert not one.heard_hz(MENU_HZ)
        await until(lambda: nine.heard_hz(BYE_HZ), what="the goodbye")
        gone = world.carrier.seen[1]
        await until(lambda: gone.ended_s, what="the end of the call")
        assert not gone.by_us
        world.carrier.hang_up_all()
        await until(lambda: world.seats[0].acknowledged, what="a disposition")
        await world.idle()
        events = await world.events()
        closed = closed_by_number(events)
        added = [e.dnc_number_added for e in events if e.HasField("dnc_number_added")]
        treated = [e.call_treated.treatment for e in events if e.HasField("call_treated")]
        assert [(each.number, each.by) for each in added] == [(gone.number, "called-party")]
        assert closed[gone.number].disposition == "add-to-dnc"
        assert closed[world.carrier.seen[0].number].disposition == "success"
        assert not any(each.unattended for each in closed.values())
        assert treated == ["scenario"] * 2
        assert not world.server.faults()


async def test_who_hears_the_unattended_message_may_ask_for_no_more_calls(tmp_path: Path) -> None:
    sorry = write_prompt(tmp_path / "sorry.wav", tone(SORRY_HZ, 90.0))
    done = write_prompt(tmp_path / "done.wav", tone(DONE_HZ, 1.0))
    campaign = pb.Campaign(
        progressive_rate=3.0,
        max_unattended_ratio=1.0,
        unattended_timeout=seconds(3),
        unattended_prompt=sorry,
        opt_out_key="9",
        opt_out_prompt=done,
    )
    async with world_of(tmp_path) as world:
        await world.add_list(3)
        await world.add_trunk()
        await world.staff(1, talk_s=0)
        await world.add_campaign(campaign)
        await world.start()
        await until(lambda: len(world.voices.ears) == 3, what="three answer")
        left: list[Seen] = []

        def alone() -> bool:
            left[:] = [
                s for s in world.carrier.seen if callee_of(world, s.number).heard_hz(SORRY_HZ)
            ]
            return len(left) == 2

        await until(alone, what="two hear the message")
        wants_none = callee_of(world, left[0].number)
        callee_of(world, left[1].number).press("5")  # means nothing
        wants_none.press("9")
        await until(lambda: wants_none.heard_hz(DONE_HZ), what="the confirmation")
        await until(lambda: left[0].ended_s, what="the end of the call")
        assert not left[0].by_us
        assert not left[1].ended_s
        world.carrier.hang_up_all()
        await world.stop()
        await until(lambda: world.seats[0].acknowledged, what="a disposition")
        await world.idle()
        events = await world.events()
        closed = closed_by_number(events)
        added = [e.dnc_number_added.number for e in events if e.HasField("dnc_number_added")]
        assert added == [left[0].number]
        first, second = (closed[seen.number] for seen in left)
        assert (first.disposition, first.unattended) == ("add-to-dnc", True)
        assert (second.disposition, second.unattended) == ("no-agent", True)
        assert not world.server.faults()


@pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="nobody can speak here")
async def test_a_machine_gets_its_message_after_the_tone_and_a_person_an_agent(
    tmp_path: Path, load: Load
) -> None:
    message = write_prompt(tmp_path / "message.wav", tone(MESSAGE_HZ, 2.0))
    said = speech(
        "Hello, you have reached the office of Smith and Partners which is closed at the moment, "
        "please leave your name and number after the tone",
        tmp_path,
    )
    greeting = np.concatenate([silence(0.3), said, silence(0.4), tone(1000, 0.5), silence(0.2)])
    hello = np.concatenate([silence(0.4), speech("Hello?", tmp_path)])
    parties = iter([Callee(greeting, 0), Callee(hello, 0)])
    campaign = pb.Campaign(
        analysis=pb.Analysis(
            limit=seconds(5),
            machine=pb.TREATMENT_MESSAGE,
            machine_prompt=message,
            beep_limit=seconds(20),
        ),
        opt_out_key="9",
    )
    async with world_of(tmp_path, lambda: next(parties)) as world:
        await world.add_list(2)
        await world.add_trunk()
        await world.staff(2, talk_s=0)
        await world.add_campaign(campaign)
        await world.start()
        await until(lambda: len(world.voices.ears) == 2, what="both answer")
        machine, person = world.voices.ears
        assert isinstance(machine, Callee)
        assert isinstance(person, Callee)
        await until(lambda: person.heard_hz(AGENT_HZ), what="the person hears an agent")
        await until(lambda: machine.has_spoken, what="the machine has said all")
        assert not machine.heard_hz(MESSAGE_HZ)
        await until(lambda: machine.heard_hz(MESSAGE_HZ), what="the machine hears the message")
        dialed = {seen.ear: seen for seen in world.carrier.seen}
        await until(lambda: dialed[machine].ended_s, what="the end of the message")
        assert not dialed[machine].by_us
        world.carrier.hang_up_all()
        await world.stop()
        await until(lambda: any(seat.acknowledged for seat in world.seats), what="a disposition")
        await world.idle()
        events = await world.events()
        closed = closed_by_number(events)
        verdicts = [event.call_analysed for event in events if event.HasField("call_analysed")]
        connected = [event.call_connected for event in events if event.HasField("call_connected")]
        print([(each.verdict, each.after.ToMilliseconds(), each.reason) for each in verdicts])
        assert sorted((each.verdict, each.person) for each in verdicts) == [
            ("machine", False),
            ("person", True),
        ]
        assert closed[dialed[machine].number].disposition == "message-left"
        assert closed[dialed[person].number].disposition == "success"
        assert not any(each.unattended for each in closed.values())
        (joined,) = connected
        assert joined.wait.ToTimedelta().total_seconds() < load.allow(2.0)
        assert not world.server.faults()
