"""Invariant P7: floods of 5,000 datagrams a second leave bridged audio whole and timers on time.

The flood is a process of its own. The machine may be busy with other things, so each flood may be
tried again: what would be heard because of it would be heard each time.
"""

import asyncio
import gc
import os
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from engine.domain.ids import LegId
from engine.ports import LegAnswered, LegEnded
from engine.telephony.media import Law
from engine.telephony.media.client import MediaClient
from tests.integration.media.test_switch import settle
from tests.integration.sip.carrier import Carrier, carrier, set_carrier
from tests.integration.sip.test_adapter import Station, station
from tests.support.load import Load
from tests.support.rtp import Phones, RtpPhone

pytestmark = pytest.mark.asyncio

RATE, SECONDS, TRIES = 5000, 2.5, 3
MOST_GAP_S = 0.06
MOST_LATE_S = 0.1
MOST_GROWTH_KB = 8_000
AGENT, CUSTOMER = LegId("agent"), LegId("customer")


@dataclass(frozen=True, slots=True)
class Figures:
    """What a flood did.

    Attributes:
        sent: Datagrams of the flood.
        gap_s: Longest time that either party did not hear the other. [s]
        late_s: Latest wake-up of the engine's loop, the worst of a hundred left out. [s]
        answer_s: From placing a call during the flood to its answer. [s]
        ring_s: From placing one that nobody answers, for half a second, to its CANCEL. [s]
        grown_kb: Memory more than before. [kB]
    """

    sent: int
    gap_s: float
    late_s: float
    answer_s: float
    ring_s: float
    grown_kb: int

    def is_harmless(self, load: Load) -> bool:
        """Say whether nobody would have noticed."""
        return (
            self.gap_s <= load.allow(MOST_GAP_S)
            and self.late_s <= load.allow(MOST_LATE_S)
            and self.answer_s <= load.allow(1.5)
            and self.ring_s <= load.allow(1.5)
            and self.grown_kb <= MOST_GROWTH_KB
        )


class Talk:
    """A bridged call on a station, and calls placed beside it."""

    def __init__(self, own: Station, far: Carrier, phones: Sequence[RtpPhone]) -> None:
        self.own, self.far, self.phones = own, far, phones
        client = own.telephony._media
        assert isinstance(client, MediaClient)
        self.client = client
        self.ports: list[int] = []
        self._calls = 0
        for leg_id, phone in zip((AGENT, CUSTOMER), phones, strict=True):
            there = client.allocate(leg_id)
            phone.call(there.host, there.port)
            self.ports.append(there.port)
            client.connect(leg_id, phone.host, phone.port, law=Law.MU, event_type=101)
        client.mix({AGENT: (CUSTOMER,), CUSTOMER: (AGENT,)})

    async def call(self, no_answer_s: float) -> float:
        """Place a call and end it; return how long it took to be answered or given up. [s]"""
        self._calls += 1
        leg_id, own = LegId(f"a1-0001-{self._calls:08x}"), self.own
        own.events.clear()
        began_s = asyncio.get_running_loop().time()
        own.place(leg_id, no_answer_s=no_answer_s)
        if no_answer_s > 1:
            await own.wait_for(LegAnswered)
            took_s = asyncio.get_running_loop().time() - began_s
            own.hang_up(leg_id)
            await own.wait_for(LegEnded)
            return took_s
        await own.wait_for(LegEnded)
        return self.far.cancelled_s - began_s

    async def under(self, kind: str, port_list: Sequence[int], sources: int) -> Figures:
        """Flood, and return what came of it."""
        gc.collect()
        before_kb = _resident_kb()
        ports = ",".join(map(str, port_list))
        numbers = map(str, (RATE, SECONDS, sources))
        flood = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "tests.support.flood", kind, "127.0.0.1", ports, *numbers),
            stdout=asyncio.subprocess.PIPE,
        )
        await asyncio.sleep(0.3)
        since_s = time.monotonic()
        lateness = asyncio.create_task(_lateness(flood))
        answer_s = await self.call(15.0)
        ring_s = await self.call(0.5)
        late_s = await lateness
        sent, _ = await flood.communicate()
        gaps = [
            phone.longest_gap_s(hz, since_s)
            for phone, hz in zip(self.phones, (500, 400), strict=True)
        ]
        gc.collect()
        grown_kb = _resident_kb() - before_kb
        return Figures(int(sent), max(gaps), late_s, answer_s, ring_s, grown_kb)


async def _lateness(flood: asyncio.subprocess.Process) -> float:
    late: list[float] = []
    while flood.returncode is None:
        due_s = time.monotonic() + 0.01
        await asyncio.sleep(0.01)
        late.append(time.monotonic() - due_s)
    return sorted(late)[int(len(late) * 0.99)]


def _resident_kb() -> int:
    lines = Path(f"/proc/{os.getpid()}/status").read_text(encoding="ascii").splitlines()
    return int(next(line for line in lines if line.startswith("VmRSS")).split()[1])


@asynccontextmanager
async def talk() -> AsyncIterator[Talk]:
    phones = [RtpPhone(400), RtpPhone(500)]
    async with station(MediaClient) as own, carrier(_part) as far:
        far.keeps = False
        set_carrier(own, far)
        made = Talk(own, far, phones)
        with Phones(phones):
            await settle(phones, [{500}, {400}])
            yield made


def _part(number: int) -> str:
    return "rings" if number % 2 == 0 else "answers"


@pytest.mark.parametrize(
    ("kind", "sources"),
    [
        pytest.param("sip", 1, id="SIP from one address"),
        pytest.param("sip", 300, id="SIP from 300 addresses"),
        pytest.param("rtp", 300, id="RTP from 300 addresses"),
    ],
)
async def test_a_flood_is_not_heard(load: Load, kind: str, sources: int) -> None:
    async with talk() as live:
        ports = [live.own.telephony.address[1]] if kind == "sip" else live.ports
        for _ in range(TRIES):
            figures = await live.under(kind, ports, sources)
            print(figures)
            if figures.is_harmless(load):
                break
        assert figures.sent * load.slowness >= RATE * SECONDS / 2
        assert figures.is_harmless(load), figures
        assert live.own.telephony._user_agent.open_legs <= 1
        stats = await live.client.stats()
        assert stats.foreign > 1000 or kind == "sip"
