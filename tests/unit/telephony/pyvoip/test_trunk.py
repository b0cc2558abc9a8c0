"""A trunk over pyVoIP with processes made of nothing: deadlines, replacements, books of legs."""

import asyncio
from collections.abc import Callable
from typing import TypeVar

import pytest

from engine.domain.causes import (
    CANCELLED,
    GATE_CLOSED,
    HUNG_UP,
    LOST,
    NO_ANSWER,
    NO_ROOM,
    RELEASED,
    TIMED_OUT,
    UNREACHABLE,
)
from engine.domain.e164 import E164
from engine.domain.ids import AttemptId, CampaignId, LegId, TrunkId
from engine.domain.specs import TrunkKind, TrunkSpec
from engine.ports import (
    LegAnswered,
    LegDigit,
    LegEnded,
    Licence,
    PlaceCall,
    TelephonyEvent,
    TrunkLost,
    TrunkReached,
)
from engine.telephony.pyvoip import messages, trunk
from tests.support.load import PATIENCE_S

pytestmark = pytest.mark.asyncio

E = TypeVar("E")
LAB, NUMBER = TrunkId("lab"), E164("+14155550100")
ONE, TWO, THREE = (LegId(f"a1-0001-0000000{n}") for n in (1, 2, 3))
SOON_S = 0.05


class FakeLink:
    """A process that does what the test says."""

    pid = 1

    def __init__(
        self,
        begin: messages.Begin,
        tell: Callable[[messages.Event], None],
        lose: Callable[[], None],
    ) -> None:
        self.begin, self.tell, self.lose = begin, tell, lose
        self.got: list[messages.Command] = []
        self.closed = False

    def send(self, command: messages.Command) -> None:
        self.got.append(command)

    async def close(self) -> None:
        self.closed = True


class Lab:
    """A trunk, its fake processes, and what it told."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *, refusing: int = 0) -> None:
        self.links: list[FakeLink] = []
        self.told: list[TelephonyEvent] = []
        self.heard: list[tuple[LegId, bytes]] = []
        self.reason: str | None = None
        self._refusing = refusing
        self._changed = asyncio.Event()
        monkeypatch.setattr(trunk, "PhoneLink", self)
        monkeypatch.setattr(trunk, "RETRY_S", 0.01)
        spec = TrunkSpec(
            trunk_id=LAB, address="192.0.2.1", kind=TrunkKind.PYVOIP, username="u", password="p"
        )
        self.trunk = trunk.PyVoipTrunk(
            spec, ("192.0.2.1", 5060), self, lambda: 1.0, self._take, self._hear, SOON_S
        )

    async def open(
        self,
        begin: messages.Begin,
        tell: Callable[[messages.Event], None],
        lose: Callable[[], None],
    ) -> FakeLink:
        """Be the class of links."""
        if self._refusing:
            self._refusing -= 1
            raise OSError("too many processes")
        self.links.append(FakeLink(begin, tell, lose))
        self._changed.set()
        return self.links[-1]

    def may_leave(self, call: PlaceCall, now_s: float) -> str | None:
        """Be the gate."""
        return self.reason

    def _take(self, event: TelephonyEvent) -> None:
        self.told.append(event)
        self._changed.set()

    def _hear(self, leg_id: LegId, pcm: bytes) -> None:
        self.heard.append((leg_id, pcm))

    async def until(self, found: Callable[[], E | None]) -> E:
        """Return what is found, after some event."""
        async with asyncio.timeout(PATIENCE_S):
            while not (value := found()):
                self._changed.clear()
                await self._changed.wait()
            return value

    async def up(self, number: int = 1) -> FakeLink:
        """Let the process that came as number so-and-so register."""
        await self.until(lambda: len(self.links) >= number)
        await asyncio.sleep(0)  # it is told who has it
        self.links[number - 1].tell(messages.Up())
        return self.links[number - 1]

    def place(self, leg_id: LegId, no_answer_s: float = 15.0) -> None:
        """Call the number."""
        licence = Licence(NUMBER, ("America/Los_Angeles",), "mobile", 0.0)
        self.trunk.place(
            PlaceCall(
                leg_id, AttemptId("a"), CampaignId("c"), 1, NUMBER, NUMBER, "", LAB, no_answer_s,
                licence,
            )
        )  # fmt: skip

    async def ended(self, leg_id: LegId) -> LegEnded:
        """Return the end of a leg."""
        return await self.until(
            lambda: next(
                (e for e in self.told if isinstance(e, LegEnded) and e.leg_id == leg_id), None
            )
        )


async def test_calls_are_made_one_after_another(monkeypatch: pytest.MonkeyPatch) -> None:
    lab = Lab(monkeypatch)
    lab.place(ONE)
    lab.place(TWO)
    link = await lab.up()
    assert link.begin == messages.Begin("192.0.2.1", 5060, "u", "p")
    assert link.got == [messages.Call(ONE, NUMBER)]
    link.tell(messages.Called(ONE))
    assert link.got == [messages.Call(ONE, NUMBER), messages.Call(TWO, NUMBER)]
    link.tell(messages.CallFailed(TWO, "NoPortsAvailableError: none"))
    link.tell(messages.Answered(ONE))
    link.tell(messages.Digit(ONE, "1"))
    link.tell(messages.Audio(ONE, b"said"))
    lab.trunk.say(ONE, b"heard")
    link.tell(messages.Over(ONE, answered=True))
    link.tell(messages.Audio(ONE, b"late"))
    lab.trunk.say(ONE, b"late")
    assert lab.told == [
        TrunkReached(LAB),
        LegEnded(TWO, NO_ROOM),
        LegAnswered(ONE, b""),
        LegDigit(ONE, "1"),
        LegEnded(ONE, HUNG_UP),
    ]
    assert lab.heard == [(ONE, b"said")]
    assert link.got[2:] == [messages.Audio(ONE, b"heard")]
    await lab.trunk.close()
    assert link.closed


async def test_a_hanging_call_costs_its_process_but_not_its_calls(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lab = Lab(monkeypatch)
    old = await lab.up()
    lab.place(ONE)
    old.tell(messages.Called(ONE))
    old.tell(messages.Answered(ONE))
    lab.place(TWO)
    lab.place(THREE)
    assert await lab.ended(TWO) == LegEnded(TWO, TIMED_OUT)
    assert old.got[-2:] == [messages.Leave(TWO), messages.Retire()]
    new = await lab.up(2)
    assert new.got == [messages.Call(THREE, NUMBER)]
    old.tell(messages.Called(TWO))  # after all; nobody wants it, and nothing more is called there
    lab.trunk.hang_up(ONE, RELEASED)
    assert old.got[-1] == messages.Leave(ONE)
    old.lose()
    assert [e for e in lab.told if isinstance(e, LegEnded | TrunkLost)] == [
        LegEnded(TWO, TIMED_OUT),
        LegEnded(ONE, RELEASED),
    ]
    await lab.trunk.close()


async def test_a_call_rings_no_longer_than_it_may(monkeypatch: pytest.MonkeyPatch) -> None:
    lab = Lab(monkeypatch)
    link = await lab.up()
    lab.place(ONE, no_answer_s=SOON_S)
    link.tell(messages.Called(ONE))
    assert await lab.ended(ONE) == LegEnded(ONE, NO_ANSWER)
    assert link.got[-1] == messages.Leave(ONE)
    link.tell(messages.Answered(ONE))  # crossed
    lab.place(TWO)
    link.tell(messages.Called(TWO))
    link.tell(messages.Over(TWO, answered=False))
    assert (await lab.ended(TWO)).cause.slug == "refused"
    assert not any(isinstance(event, LegAnswered) for event in lab.told)
    await lab.trunk.close()


async def test_a_call_that_waits_can_be_given_up_and_is_not_made(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lab = Lab(monkeypatch)
    lab.place(ONE)
    lab.place(TWO, no_answer_s=SOON_S)
    lab.trunk.hang_up(ONE, CANCELLED)
    assert await lab.ended(TWO) == LegEnded(TWO, UNREACHABLE)
    lab.place(THREE)
    lab.reason = "stopped"
    link = await lab.up()
    assert await lab.ended(THREE) == LegEnded(THREE, GATE_CLOSED)
    assert lab.told[0] == LegEnded(ONE, CANCELLED)
    assert not link.got
    await lab.trunk.close()


async def test_a_dead_process_ends_its_calls_and_the_next_one_begins(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lab = Lab(monkeypatch)
    link = await lab.up()
    for leg in (ONE, TWO):
        lab.place(leg)
    link.tell(messages.Called(ONE))
    link.lose()
    assert {(await lab.ended(leg)).cause for leg in (ONE, TWO)} == {LOST}
    lab.place(THREE)
    assert await lab.ended(THREE) == LegEnded(THREE, UNREACHABLE)
    await lab.up(2)
    reached = [type(e) for e in lab.told if isinstance(e, TrunkReached | TrunkLost)]
    assert reached == [TrunkReached, TrunkLost, TrunkReached]
    await lab.trunk.close()


async def test_a_process_that_cannot_be_started_or_register_is_tried_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lab = Lab(monkeypatch, refusing=1)
    lost = await lab.until(lambda: next((e for e in lab.told if isinstance(e, TrunkLost)), None))
    assert "too many processes" in lost.reason
    await lab.until(lambda: lab.links)
    await asyncio.sleep(0)
    lab.links[0].tell(messages.Down("no"))
    lab.links[0].lose()
    await lab.up(2)
    assert [type(event) for event in lab.told] == [TrunkLost, TrunkReached]
    await lab.trunk.close()


async def test_a_process_is_replaced_before_it_remembers_too_much(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(trunk, "CALLS_A_PROCESS", 1)
    lab = Lab(monkeypatch)
    old = await lab.up()
    lab.place(ONE)
    lab.place(TWO)
    old.tell(messages.Called(ONE))
    assert old.got == [messages.Call(ONE, NUMBER), messages.Retire()]
    new = await lab.up(2)
    assert new.got == [messages.Call(TWO, NUMBER)]
    old.tell(messages.Answered(ONE))
    assert lab.told == [TrunkReached(LAB), LegAnswered(ONE, b"")]
    await lab.trunk.close()


async def test_a_trunk_that_is_dropped_as_it_begins_leaves_no_process(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lab = Lab(monkeypatch)
    lab.place(ONE)
    lab.trunk.drop()
    assert lab.told == [LegEnded(ONE, UNREACHABLE)]
    await lab.trunk.close()
    assert all(link.closed for link in lab.links)
