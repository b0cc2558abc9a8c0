"""Calls over real packets: sipp is the carrier, and judges each call by its own scenario."""

import asyncio
from functools import partial
from pathlib import Path

import pytest

from engine.telephony.sip.digest import Credentials
from engine.telephony.sip.events import Answered, Ended, OptionsAnswered, Ringing
from tests.integration.sip.peer import Phone, Sipp, scenario

pytestmark = [pytest.mark.peer, pytest.mark.asyncio]


async def test_an_answered_call_is_ended_by_us(tmp_path: Path) -> None:
    async with Phone() as phone, Sipp(tmp_path, *scenario("answer")) as sipp:
        phone.call(sipp.destination)
        answered = await phone.wait_for(Answered)
        phone.hang_up()
        assert await sipp.result() == 0
    assert answered.remote.port == 16000
    assert (await phone.wait_for(Ended)).why == "released"
    assert any(isinstance(event, Ringing) for event in phone.events)


@pytest.mark.parametrize(
    ("name", "status", "q850", "retry_after_s"),
    [
        ("refuse-486", 486, 17, 0.0),
        ("refuse-404", 404, 0, 0.0),
        ("refuse-503", 503, 0, 17.0),
        ("refuse-503-busy", 503, 17, 0.0),
    ],
)
async def test_a_refusal_is_acknowledged_and_told(
    tmp_path: Path, name: str, status: int, q850: int, retry_after_s: float
) -> None:
    async with Phone() as phone, Sipp(tmp_path, *scenario(name)) as sipp:
        phone.call(sipp.destination)
        ended = await phone.wait_for(Ended)
        assert await sipp.result() == 0
    assert (ended.status, ended.q850, ended.retry_after_s) == (status, q850, retry_after_s)


async def test_early_media_is_told_before_the_answer(tmp_path: Path) -> None:
    async with Phone() as phone, Sipp(tmp_path, *scenario("early-media")) as sipp:
        phone.call(sipp.destination)
        ringing = await phone.wait_for(Ringing)
        await phone.wait_for(Answered)
        phone.hang_up()
        assert await sipp.result() == 0
    assert ringing.status == 183
    assert ringing.remote is not None


async def test_a_call_without_answer_is_cancelled(tmp_path: Path) -> None:
    async with Phone() as phone, Sipp(tmp_path, *scenario("no-answer")) as sipp:
        phone.call(sipp.destination)
        await phone.wait_for(Ringing)
        phone.hang_up()
        ended = await phone.wait_for(Ended)
        assert await sipp.result() == 0
    assert (ended.why, ended.status) == ("cancelled", 487)


async def test_an_answer_that_crosses_our_cancel_gets_ack_and_bye(tmp_path: Path) -> None:
    async with Phone() as phone, Sipp(tmp_path, *scenario("crossing")) as sipp:
        phone.call(sipp.destination)
        await phone.wait_for(Ringing)
        phone.hang_up()
        ended = await phone.wait_for(Ended)
        assert await sipp.result() == 0
    assert ended.why == "crossed"


@pytest.mark.parametrize("name", ["challenge-401", "challenge-407"])
async def test_a_challenge_is_answered_with_the_right_response(tmp_path: Path, name: str) -> None:
    async with Phone() as phone, Sipp(tmp_path, *scenario(name)) as sipp:
        phone.call(sipp.destination, credentials=Credentials("carrier", "user", "secret"))
        await phone.wait_for(Answered)
        phone.hang_up()
        assert await sipp.result() == 0


async def test_an_answer_that_comes_three_times_is_one_call(tmp_path: Path) -> None:
    async with Phone() as phone, Sipp(tmp_path, *scenario("answer-thrice"), "-nr") as sipp:
        phone.call(sipp.destination)
        await phone.wait_for(Answered)
        sent = 2  # INVITE and the first ACK
        while phone.transport.sent < sent + 2:
            await phone_step()
        phone.hang_up()
        assert await sipp.result() == 0
    assert len([event for event in phone.events if isinstance(event, Answered)]) == 1


async def phone_step() -> None:
    """Let the loop run."""
    await asyncio.sleep(0.002)


async def test_a_called_party_may_hang_up(tmp_path: Path) -> None:
    async with Phone() as phone, Sipp(tmp_path, *scenario("hang-up")) as sipp:
        phone.call(sipp.destination)
        ended = await phone.wait_for(Ended)
        assert await sipp.result() == 0
    assert (ended.why, ended.q850) == ("hung-up", 16)


async def test_options_of_ours_are_answered_by_a_living_trunk(tmp_path: Path) -> None:
    async with Phone() as phone, Sipp(tmp_path, *scenario("options")) as sipp:
        phone.ua.options("trunk", "sip:127.0.0.1", sipp.destination, phone.now())
        phone.transport.rearm()
        answered = await phone.wait_for(OptionsAnswered)
        assert await sipp.result() == 0
    assert answered == OptionsAnswered("trunk", 200)


async def test_three_hundred_calls_a_second_lose_none(tmp_path: Path) -> None:
    async with Phone() as phone, Sipp(tmp_path, *scenario("answer", calls=300)) as sipp:
        for number in range(300):
            phone.call(sipp.destination, f"a1-0001-{number:08x}")
            if number % 30 == 29:
                await phone.wait_until(partial(more_than, phone, number - 29))
            for event in [e for e in phone.events if isinstance(e, Answered)]:
                phone.hang_up(event.leg_id)
        while count(phone, Ended) < 300:
            for event in [e for e in phone.events if isinstance(e, Answered)]:
                phone.hang_up(event.leg_id)
            await phone_step()
        assert await sipp.result() == 0
    assert {e.why for e in phone.events if isinstance(e, Ended)} == {"released"}


def more_than(phone: Phone, wanted: int) -> bool | None:
    """Return True once more calls than wanted are answered."""
    return count(phone, Answered) > wanted or None


def count(phone: Phone, kind: type) -> int:
    """Return how many events of a kind have come."""
    return sum(isinstance(event, kind) for event in phone.events)
