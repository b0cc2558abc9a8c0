"""Rows of legs come back when the switch has let them go, and not before."""

import asyncio
from collections.abc import Sequence

import pytest

from engine.telephony.media import messages
from engine.telephony.media.allocation import Place
from engine.telephony.media.outbox import Outbox

FIRST, SECOND = Place(1, 0, learns=False), Place(2, -1, learns=False)


class Desk:
    """Takes what is sent, and the places that come back."""

    def __init__(self) -> None:
        self.sent: list[list[messages.Command]] = []
        self.free: list[Place] = []
        self.outbox = Outbox(self._send, self.free.append)

    def _send(self, commands: Sequence[messages.Command]) -> int:
        self.sent.append(list(commands))
        return len(self.sent)


@pytest.mark.asyncio
async def test_commands_of_a_turn_go_together() -> None:
    desk = Desk()
    desk.outbox.tell(messages.OpenAudio(1))
    desk.outbox.release(FIRST)
    assert desk.sent == []
    await asyncio.sleep(0)
    assert desk.sent == [[messages.OpenAudio(1), messages.Release(1)]]


@pytest.mark.asyncio
async def test_a_place_comes_back_with_the_acknowledgement_of_its_release() -> None:
    desk = Desk()
    desk.outbox.release(FIRST)
    await asyncio.sleep(0)
    desk.outbox.release(SECOND)
    await asyncio.sleep(0)
    desk.outbox.acknowledged(0)
    assert desk.free == []
    desk.outbox.acknowledged(1)
    assert desk.free == [FIRST]
    desk.outbox.acknowledged(2)
    assert desk.free == [FIRST, SECOND]


@pytest.mark.asyncio
async def test_a_new_switch_has_every_place_free_at_once_and_hears_nothing_old() -> None:
    desk = Desk()
    desk.outbox.release(FIRST)
    await asyncio.sleep(0)
    desk.outbox.release(SECOND)
    desk.outbox.clear()
    await asyncio.sleep(0)
    assert sorted(place.row for place in desk.free) == [1, 2]
    assert desk.sent == [[messages.Release(1)], []]
    desk.outbox.acknowledged(9)
    assert len(desk.free) == 2
