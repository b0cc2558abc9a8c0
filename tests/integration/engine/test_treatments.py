"""Messages, keys and scenarios over real SIP and RTP: what is heard is what the engine decided."""

from pathlib import Path

import pytest

from gateway.pb.paceline.v1 import campaigns_pb2 as pb
from gateway.pb.paceline.v1 import events_pb2
from tests.support.callees import Callee, Callees, silence, tone, write_prompt
from tests.support.world import Seen, World, seconds, until

pytestmark = [pytest.mark.asyncio, pytest.mark.timeout(120)]
MENU_HZ, BYE_HZ, SORRY_HZ, DONE_HZ, CUSTOMER_HZ, AGENT_HZ = 700, 900, 1100, 1300, 450, 650


def world_of(folder: Path) -> World:
    """Return a world whose called parties hum and can press keys."""
    world = World(folder)
    callees = Callees(lambda: Callee(silence(0.0), CUSTOMER_HZ))
    world.voices = callees
    world.carrier.voices = callees
    return world


def callee_of(world: World, number: str) -> Callee:
    """Return the party of a number that has answered."""
    ear = next(seen.ear for seen in world.carrier.seen if seen.number == number and seen.ear)
    assert isinstance(ear, Callee)
    return ear


def hears(callee: Callee, hz: int) -> bool:
    """Say whether a tone is among the last frames a party heard."""
    recent = [at_s for at_s, _ in callee.frames][-8:]
    return len(recent) == 8 and hz in (callee.hears(recent[0], 5) or ())


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
        await until(lambda: hears(one, MENU_HZ) and hears(nine, MENU_HZ), what="the menu")
        one.press("1")
        nine.press("9")
        await until(lambda: world.seats[0].connected, what="the agent has the call")
        await until(lambda: hears(one, AGENT_HZ), what="the caller hears the agent")
        assert not hears(one, MENU_HZ)
        await until(lambda: hears(nine, BYE_HZ), what="the goodbye")
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
    sorry = write_prompt(tmp_path / "sorry.wav", tone(SORRY_HZ, 20.0))
    done = write_prompt(tmp_path / "done.wav", tone(DONE_HZ, 1.0))
    campaign = pb.Campaign(
        progressive_rate=3.0,
        max_unattended_ratio=1.0,
        unattended_timeout=seconds(1),
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
            left[:] = [s for s in world.carrier.seen if hears(callee_of(world, s.number), SORRY_HZ)]
            return len(left) == 2

        await until(alone, what="two hear the message")
        wants_none = callee_of(world, left[0].number)
        callee_of(world, left[1].number).press("5")  # means nothing
        wants_none.press("9")
        await until(lambda: hears(wants_none, DONE_HZ), what="the confirmation")
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
