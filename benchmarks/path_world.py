"""The engine of the path benchmark, in a process of its own, told what to do line by line.

``python -m benchmarks.path_world`` reads one JSON object a line and answers each with one line; it
ends with its input, so that it never outlives who started it.

    {"do": "open", "folder": F, "trunk": "HOST:PORT", "records": N}  ->  {"records": N}
    {"do": "staff", "phones": ["sip:1@HOST:PORT", ...]}              ->  {"ready": N}
    {"do": "start", "calls_per_s": R}                                ->  {}
    {"do": "rate", "calls_per_s": R}                                 ->  {}
    {"do": "measure", "seconds": S}                                  ->  what was measured
    {"do": "book"}                                                   ->  the agents' hours
    {"do": "stop"}                                                   ->  {"open": N}
    {"do": "quit"}                                                   ->  ends
"""

import asyncio
import json
import os
import resource
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import uvloop
from msgspec import structs

from benchmarks.harness import percentile
from benchmarks.path_desks import Desks
from engine.config import EngineSettings, SipSettings, StoreSettings
from engine.domain.dispositions import DialRule
from engine.domain.e164 import E164
from engine.domain.facts import AnyFact, AttemptClosed, AttemptIntended
from engine.domain.ids import AttemptId, CampaignId, ListId, TeamId, TrunkId
from engine.domain.refusals import JournalError
from engine.domain.specs import (
    AgentSpec,
    CampaignSpec,
    HoursRow,
    ListLink,
    ListSpec,
    Mode,
    TeamSpec,
    TrunkSpec,
)  # fmt: skip
from engine.lists.importing import ImportOptions
from engine.ports import PlaceCall, TelephonyCommand
from engine.runtime.engine import Engine

CAMPAIGN, LIST, TRUNK, TEAM = CampaignId("load"), ListId("load"), TrunkId("load"), TeamId("load")
_ALL_DAY = (HoursRow(opens_s=0, closes_s=86_400),)
_AREAS = ("212", "312", "404", "415", "512", "602", "617", "702", "713", "818")
_LAG_EVERY_S = 0.05
_PLAIN = CampaignSpec(
    campaign_id=CAMPAIGN,
    mode=Mode.AUTOMATIC,
    lists=(ListLink(LIST, enabled=True),),
    trunks=(TRUNK,),
    caller_id=E164("+12125550199"),
    hours=_ALL_DAY,
    end_guard_s=0,
    max_calls=20_000,
    max_attempts_per_record=1,
    dial_rules=(DialRule("busy", delay_s=86_400.0),),  # no quick retries: each number once
    prompt="beep",
)


@dataclass(slots=True)
class Samples:
    """What was measured since the last question.

    Attributes:
        commit_s: From a commit asked for until the answer is on the loop. [s]
        setup_s: From the decision (permit and record at hand) until the INVITE leaves. [s]
        lag_s: How late the loop woke a sleeper. [s]
        closed: Attempts with an outcome, by disposition.
        intents: Attempts intended.
    """

    commit_s: list[float] = field(default_factory=list)
    setup_s: list[float] = field(default_factory=list)
    lag_s: list[float] = field(default_factory=list)
    closed: dict[str, int] = field(default_factory=dict)
    intents: int = 0


class World:
    """One engine with a list, a trunk and a campaign, watched from its ports."""

    def __init__(self) -> None:
        self._samples = Samples()
        self._intended_s: dict[AttemptId, float] = {}
        self._engine: Engine
        self._desks: Desks | None = None
        self._trunk: TrunkSpec
        self._watch: asyncio.Task[None] | None = None

    async def obey(self, command: dict[str, Any]) -> dict[str, object]:
        """Carry out a command and return the answer."""
        match command:
            case {"do": "open", "folder": str(folder), "trunk": str(trunk), "records": int(count)}:
                return await self._open(Path(folder), trunk, count)
            case {"do": "start", "calls_per_s": rate, **others}:
                return await self._start(float(rate), others)
            case {"do": "rate", "calls_per_s": rate}:
                self._trunk = _trunk(self._trunk.address, float(rate))
                await self._engine.configuration.put("trunk", self._trunk)
                return {}
            case {"do": "measure", "seconds": seconds}:
                return await self._measure(float(seconds))
            case {"do": "staff", "phones": list(phones)}:
                return await self._staff(phones)
            case {"do": "book"}:
                return self._desks.book() if self._desks else {}
            case {"do": "stop"}:
                return await self._stop()
            case _:
                raise ValueError(f"unknown command {command}")

    async def _open(self, folder: Path, trunk: str, records: int) -> dict[str, object]:
        settings = EngineSettings(
            sip=SipSettings(port=0, media_ports=64),
            store=StoreSettings(url=f"sqlite:{folder / 'path.db'}"),
            drain_s=5.0,
        )
        self._engine = Engine(settings)
        await self._engine.start()
        self._trunk = _trunk(trunk, 1.0)
        await self._engine.configuration.put("trunk", self._trunk)
        await self._engine.configuration.put("team", TeamSpec(team_id=TEAM))
        await self._engine.configuration.put("list", ListSpec(list_id=LIST))
        run = await self._engine.imports.open(ListSpec(list_id=LIST), "load", ImportOptions())
        await run.feed(_csv(records))
        await run.finish()
        self._tap()
        self._watch = asyncio.create_task(self._watch_loop())
        return {"records": run.progress.records_added}

    def _tap(self) -> None:
        """Listen at the ports of the store and of telephony."""
        runtime, samples = self._engine.runtime, self
        commit, perform = runtime.store.commit, runtime.telephony.perform
        clock = time.monotonic

        def timed_commit(
            facts: Sequence[AnyFact], done: Callable[[JournalError | None], None]
        ) -> None:
            begun_s = clock()
            for fact in facts:
                if type(fact) is AttemptIntended:
                    samples._intended_s[fact.attempt_id] = begun_s
                    samples._samples.intents += 1
                elif type(fact) is AttemptClosed:
                    closed = samples._samples.closed
                    closed[fact.disposition] = closed.get(fact.disposition, 0) + 1

            def timed(error: JournalError | None) -> None:
                samples._samples.commit_s.append(clock() - begun_s)
                done(error)

            commit(facts, timed)

        def timed_perform(command: TelephonyCommand, now_s: float) -> None:
            perform(command, now_s)
            if type(command) is PlaceCall:
                intended_s = samples._intended_s.pop(command.attempt_id, None)
                if intended_s is not None:
                    samples._samples.setup_s.append(clock() - intended_s)

        runtime.store.commit = timed_commit  # type: ignore[method-assign]
        runtime.telephony.perform = timed_perform  # type: ignore[method-assign]

    async def _watch_loop(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            due_s = loop.time() + _LAG_EVERY_S
            await asyncio.sleep(_LAG_EVERY_S)
            self._samples.lag_s.append(loop.time() - due_s)

    async def _start(self, calls_per_s: float, others: dict[str, Any]) -> dict[str, object]:
        spec = _PLAIN
        if others.get("mode") == "progressive":
            spec = structs.replace(
                spec,
                mode=Mode.PROGRESSIVE,
                teams=(TEAM,),
                automatic_answer=True,
                max_calls=0,
                no_answer_timeout_s=15.0,
            )
        await self._engine.configuration.put("campaign", spec)
        self._trunk = _trunk(self._trunk.address, calls_per_s)
        await self._engine.configuration.put("trunk", self._trunk)
        await self._engine.campaigns.start(CAMPAIGN, by="benchmark")
        return {}

    async def _staff(self, phones: list[str]) -> dict[str, object]:
        names = [f"desk-{number:03d}" for number in range(len(phones))]
        for name, phone in zip(names, phones, strict=True):
            spec = AgentSpec(agent_id=name, team_id=TEAM, phone=phone)  # type: ignore[arg-type]
            await self._engine.configuration.put("agent", spec)
        self._desks = Desks(self._engine, names, Random(1))
        return {"ready": await self._desks.open()}

    async def _measure(self, seconds: float) -> dict[str, object]:
        self._samples = Samples()
        before = resource.getrusage(resource.RUSAGE_SELF)
        media_s = _children_cpu_s()
        main_s, begun_s = time.thread_time(), time.monotonic()
        await asyncio.sleep(seconds)
        took_s = time.monotonic() - begun_s
        main_s = time.thread_time() - main_s
        after = resource.getrusage(resource.RUSAGE_SELF)
        samples = self._samples
        cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        return {
            "seconds": took_s,
            "intents": samples.intents,
            "invites": len(samples.setup_s),
            "closed": samples.closed,
            "cpu_s": cpu_s,
            "main_s": main_s,
            "media_cpu_s": _children_cpu_s() - media_s,
            "rss_mb": _resident_mb(),
            "open": self._engine.runtime.live.open_attempts,
            **_spread("commit_ms", samples.commit_s),
            **_spread("setup_ms", samples.setup_s),
            **_spread("lag_ms", samples.lag_s),
        }

    async def _stop(self) -> dict[str, object]:
        await self._engine.campaigns.stop(CAMPAIGN, by="benchmark")
        engine, deadline_s = self._engine, time.monotonic() + 40
        while (left := engine.runtime.live.open_attempts) and time.monotonic() < deadline_s:
            await engine.events.wait(engine.events.last_sequence, 0.5)
        return {"open": left}

    async def close(self) -> None:
        """End the engine."""
        if self._watch is not None:
            self._watch.cancel()
            await self._engine.stop()


def _trunk(address: str, calls_per_s: float) -> TrunkSpec:
    return TrunkSpec(
        trunk_id=TRUNK, address=address, channels=20_000, calls_per_s=calls_per_s, options_s=0.0
    )


def _csv(count: int) -> bytes:
    """Return a list file of valid numbers, all different."""
    areas = len(_AREAS)
    rows = [
        f"+1{_AREAS[at % areas]}{200 + at // areas % 700:03d}{1000 + at // areas // 700:04d},p{at}"
        for at in range(count)
    ]
    return "\n".join(["phone,name", *rows, ""]).encode()


def _spread(name: str, values_s: list[float]) -> dict[str, object]:
    if not values_s:
        return {}
    shares = {"p50": 0.5, "p99": 0.99, "max": 1.0}
    return {f"{name}_{key}": percentile(values_s, share) * 1e3 for key, share in shares.items()}


def _children_cpu_s() -> float:
    """Return the processor time of the processes we have started: the media switches. [s]"""
    folder = Path("/proc/self/task")
    ticks = 0
    for task in folder.iterdir():
        for child in (task / "children").read_text(encoding="ascii").split():
            fields = Path(f"/proc/{child}/stat").read_text(encoding="ascii").rpartition(")")[2]
            ticks += sum(int(field) for field in fields.split()[11:13])
    return ticks / os.sysconf("SC_CLK_TCK")


def _resident_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * resource.getpagesize() / 1e6


async def serve() -> None:
    """Obey commands from standard input until it ends or says quit."""
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    world = World()
    try:
        while line := await reader.readline():
            command = json.loads(line)
            if command.get("do") == "quit":
                break
            print(json.dumps(await world.obey(command)), flush=True)
    finally:
        await world.close()


if __name__ == "__main__":
    uvloop.run(serve())
