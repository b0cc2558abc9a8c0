"""The engine's telephony, combined as in production: what it told, and what audio legs heard."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TypeVar

import numpy as np

from engine.config import SipSettings
from engine.domain.causes import RELEASED, Cause
from engine.domain.e164 import E164
from engine.domain.ids import AttemptId, CampaignId, LegId, TrunkId
from engine.domain.specs import TrunkKind, TrunkSpec
from engine.ports import HangUp, Licence, PlaceCall, SetTrunk, TelephonyCommand, TelephonyEvent
from engine.telephony.combined import CombinedTelephony
from engine.telephony.sip.adapter import SipTelephony
from tests.support import lab_pbx
from tests.support.load import PATIENCE_S

LONGEST_S = PATIENCE_S
LAB, CARRIER = TrunkId("lab"), TrunkId("carrier")
CALLER = E164("+14155550199")
E = TypeVar("E")
T = TypeVar("T")


class Rig:
    """A station with a combined telephony; it is the gate, too.

    Attributes:
        events: What was told, in order.
        reason: Why the gate is closed, None: it is open.
        asked: Legs that the gate was asked for.
    """

    def __init__(self, call_s: float) -> None:
        self.events: list[TelephonyEvent] = []
        self.reason: str | None = None
        self.asked: list[LegId] = []
        self.now = asyncio.get_running_loop().time
        self._changed = asyncio.Event()
        self.telephony = CombinedTelephony(
            self._take, self, self._hear, self.now, self._make_sip, call_s
        )
        self._listening: dict[LegId, tuple[int, list[bool]]] = {}
        self._speaking: set[asyncio.Task[None]] = set()

    def _make_sip(
        self,
        sink: Callable[[TelephonyEvent], None],
        on_audio: Callable[[LegId, bytes], None],
    ) -> SipTelephony:
        self.sip = SipTelephony(
            SipSettings(port=0), sink, self, on_audio, self.now, b"a secret of the tests", "1"
        )
        return self.sip

    def may_leave(self, call: PlaceCall, now_s: float) -> str | None:
        """Be the gate."""
        self.asked.append(call.leg_id)
        return self.reason

    def _take(self, event: TelephonyEvent) -> None:
        self.events.append(event)
        self._changed.set()

    def _hear(self, leg_id: LegId, pcm: bytes) -> None:
        if leg_id in self._listening:
            hz, tones = self._listening[leg_id]
            tones.append(has_tone(pcm, hz))

    def listen(self, leg_id: LegId, hz: int) -> list[bool]:
        """Return a list that grows with each frame an audio leg hears: whether a tone is in it."""
        tones: list[bool] = []
        self._listening[leg_id] = (hz, tones)
        return tones

    def speak(self, leg_id: LegId, hz: int) -> None:
        """Let an audio leg speak a tone from now on."""
        turns = np.arange(160) * (2 * np.pi * hz / 8000)
        pcm = (8000 * np.sin(turns)).astype(np.int16).tobytes()

        async def go_on() -> None:
            due_s = self.now()
            while True:
                self.telephony.send_audio(leg_id, pcm)
                due_s = max(due_s + 0.02, self.now() - 0.1)
                await asyncio.sleep(max(0.0, due_s - self.now()))

        self._speaking.add(asyncio.create_task(go_on()))

    async def close(self) -> None:
        """Speak no more, and end."""
        for task in self._speaking:
            task.cancel()
        await asyncio.gather(*self._speaking, return_exceptions=True)
        await self.telephony.stop()
        await self.sip.stop()

    def perform(self, command: TelephonyCommand) -> None:
        """Carry out a command."""
        self.telephony.perform(command, self.now())

    def lab_trunk(self, pbx: lab_pbx.LabPbx, **more: object) -> None:
        """Make the stand-in the trunk, over pyVoIP."""
        values = {
            "trunk_id": LAB,
            "kind": TrunkKind.PYVOIP,
            "address": pbx.address,
            "username": lab_pbx.USER,
            "password": lab_pbx.PASSWORD,
        }
        self.perform(SetTrunk(TrunkSpec(**(values | more))))  # type: ignore[arg-type]

    def place(
        self, number: str, leg_id: str, trunk_id: TrunkId = LAB, no_answer_s: float = 15.0
    ) -> LegId:
        """Call a number."""
        leg = LegId(leg_id)
        licence = Licence(E164(number), ("America/Los_Angeles",), "mobile", 0.0)
        self.perform(
            PlaceCall(
                leg, AttemptId("a1-0001-00000002"), CampaignId("spring"), 1, E164(number),
                CALLER, "", trunk_id, no_answer_s, licence,
            )
        )  # fmt: skip
        return leg

    def hang_up(self, leg_id: LegId, cause: Cause = RELEASED) -> None:
        """End a leg as the engine does."""
        self.perform(HangUp(leg_id, cause))

    def told(self, kind: type[E], leg_id: LegId | None = None) -> list[E]:
        """Return the events of a kind, of one leg."""
        return [
            event
            for event in self.events
            if isinstance(event, kind)
            and (leg_id is None or getattr(event, "leg_id", None) == leg_id)
        ]

    async def wait_for(self, kind: type[E], leg_id: LegId | None = None) -> E:
        """Return the first event of a kind, of one leg."""
        async with asyncio.timeout(LONGEST_S):
            while not (found := self.told(kind, leg_id)):
                self._changed.clear()
                await self._changed.wait()
        return found[0]


@asynccontextmanager
async def rig(call_s: float = 30.0) -> AsyncIterator[Rig]:
    """Run a telephony.

    Args:
        call_s: Deadline of each ``call()`` of pyVoIP. [s]
    """
    made = Rig(call_s)
    await made.sip.start()
    try:
        yield made
    finally:
        await made.close()


def has_tone(pcm: bytes, hz: int) -> bool:
    """Say whether most of a frame is a tone."""
    samples = np.frombuffer(pcm, np.int16).astype(float)
    energy = float(samples @ samples)
    wave = np.exp(-2j * np.pi * hz / 8000 * np.arange(160))
    return energy > 1e6 and abs(samples @ wave) ** 2 / (energy * 80) > 0.5


async def until(found: Callable[[], T | None], what: str) -> T:
    """Return what is found once it is.

    Raises:
        AssertionError: It is not found in time.
    """
    try:
        async with asyncio.timeout(LONGEST_S):
            while not (value := found()):  # noqa: ASYNC110 - another process, no event
                await asyncio.sleep(0.02)
            return value
    except TimeoutError:
        raise AssertionError(f"never: {what}") from None
