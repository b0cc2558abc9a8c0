"""Invariant C10: after many short calls, a third of them failing in each way, all is as before.

``C10_CALLS=20000`` in the environment makes many of it.
"""

import asyncio
import gc
import os
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pytest

from engine.domain.ids import LegId
from engine.ports import LegAnswered, LegEnded
from engine.telephony.media.client import MediaClient
from tests.integration.sip.carrier import Carrier, carrier, set_carrier
from tests.integration.sip.test_adapter import Station, station

pytestmark = pytest.mark.asyncio

CALLS = int(os.environ.get("C10_CALLS", "1000"))
"""Calls before the first look, and again before the second: the most that is held at once, which
is half a minute's transactions, is then the same in both, and so is the memory that it took.
"""
AT_ONCE = 20
PARTS_MOST = 3
"""Times that as many calls are made again, at most: on a crowded machine fewer are held at once in
one than in another, and the larger one takes more memory.
"""
LONGEST_S = 200.0 + CALLS / 20
PARTS = (
    *("answers", "hangs up", "answers", "answers", "hangs up", "answers", "answers"),
    *("486", "503", "404", "rings", "junk", "no audio", "603", "488"),
)
"""What called parties do, by turns."""


@dataclass(frozen=True, slots=True)
class Holdings:
    """What is held at one moment."""

    tasks: int
    files: int
    switch_files: int
    legs: int
    switch_legs: int
    places: int
    transactions: int
    dialogs: int
    merged: int
    timers: int


def files_of(pid: int) -> int:
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


def resident_kb(pid: int) -> int:
    lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
    return int(next(line for line in lines if line.startswith("VmRSS")).split()[1])


async def look(own: Station) -> tuple[Holdings, list[int]]:
    """Return what is held, once all timers had their time, and the memory of both processes."""
    telephony = own.telephony
    ua, client = telephony._user_agent, telephony._media
    assert isinstance(client, MediaClient)
    ua.advance(own.now() + 100)
    own.events.clear()
    gc.collect()
    stats = await client.stats()
    core = ua._core
    timers = core.timers
    live = [*timers._heap, *(timer for line in timers._lines.values() for timer in line)]
    assert client.pid is not None
    pids = [os.getpid(), client.pid]
    holdings = Holdings(
        tasks=len(asyncio.all_tasks()),
        files=files_of(pids[0]),
        switch_files=files_of(pids[1]),
        legs=len(telephony._legs) + ua.open_legs,
        switch_legs=stats.legs,
        places=len(client._legs),
        transactions=ua.open_transactions,
        dialogs=len(core.by_tag),
        merged=len(core.transactions._merges),
        timers=sum(timer.owner is not None for timer in live),
    )
    return holdings, [resident_kb(pid) for pid in pids]


async def call(own: Station, far: Carrier, first: int, count: int) -> Counter[str]:
    """Place calls, hang up those that are answered, and return how they ended."""
    ends: Counter[str] = Counter()
    placed = 0
    async with asyncio.timeout(LONGEST_S):
        while ends.total() < count:
            while placed < min(count, ends.total() + AT_ONCE):
                own.place(LegId(f"a1-0001-{first + placed:08x}"), no_answer_s=0.1)
                placed += 1
            own._changed.clear()
            await own._changed.wait()
            events, own.events[:] = list(own.events), []
            for event in events:
                if isinstance(event, LegAnswered):
                    own.hang_up(event.leg_id)
                elif isinstance(event, LegEnded):
                    ends[event.cause.slug] += 1
        await far.idle.wait()
    return ends


async def test_many_short_calls_leave_nothing_behind() -> None:
    async with station(MediaClient) as own, carrier(_part) as far:
        far.keeps = False
        set_carrier(own, far)
        await call(own, far, 0, CALLS)
        looks = [await look(own)]
        for part in range(1, PARTS_MOST + 1):
            ends = await call(own, far, part * CALLS, CALLS)
            assert ends.total() == CALLS
            assert len(ends) >= 6  # each way to fail was gone
            looks.append(await look(own))
            print(looks[-1], ends)
            assert looks[-1][0] == looks[0][0]
            if has_settled(looks[-2][1], looks[-1][1]):
                break
        assert has_settled(looks[-2][1], looks[-1][1])


def has_settled(before_kb: list[int], after_kb: list[int]) -> bool:
    """Say whether no process has grown by more than a twentieth; one that leaks does each time."""
    return all(after <= before * 1.05 for before, after in zip(before_kb, after_kb, strict=True))


def _part(number: int) -> str:
    return PARTS[number % len(PARTS)]
