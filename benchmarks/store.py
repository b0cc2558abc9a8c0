"""How fast facts become durable, how long a commit waits, and what that costs beside a busy loop.

The plain alternative is SQLite as most programs use it: one transaction for each fact.
"""

import os
import sqlite3
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from queue import Empty, SimpleQueue

from benchmarks.harness import Figure, percentile
from engine.domain.facts import AnyFact, AttemptClosed, AttemptIntended, RecordPhase, encode
from engine.domain.ids import AttemptId, CampaignId, LegId, ListId, TrunkId
from engine.store import SqliteStore

GOAL_FACTS_PER_S = 10_000.0
OFFERED_FACTS_PER_S = 10_000.0
GOAL_P50_MS = 5.0


def run(short: bool) -> list[Figure]:
    """Measure; the short form takes seconds."""
    duration_s = 1.0 if short else 8.0
    with tempfile.TemporaryDirectory(dir=_disk_folder()) as folder:
        naive = _naive(Path(folder) / "naive.db", duration_s / 2)
        most = _flat_out(Path(folder) / "most.db", 20_000 if short else 200_000)
        idle = _steady(Path(folder) / "idle.db", duration_s, busy_share=0.0)
        busy = _steady(Path(folder) / "busy.db", duration_s, busy_share=0.9)
        start_s = _start(Path(folder) / "most.db")
    return [*_throughput(naive, most), *_latency(idle, busy), start_s]


def _disk_folder() -> str | None:
    """Return a folder on a disk; temporary folders may be in memory, where fsync is free."""
    return os.environ.get("PACELINE_BENCH_FOLDER")


def _throughput(naive: float, most: "_Flat") -> list[Figure]:
    return [
        Figure(
            name="facts_per_s",
            value=most.facts_per_s,
            unit="facts/s",
            goal=GOAL_FACTS_PER_S,
            reference=naive,
            ratio=most.facts_per_s / naive,
            method="intent and outcome of attempts, committed two by two as fast as they are "
            "taken, synchronous=FULL; reference: one SQLite transaction for each fact, same way",
        ),
        Figure(
            name="cpu_per_fact",
            value=most.cpu_us,
            unit="us",
            goal=1e6 / GOAL_FACTS_PER_S,
            reference=None,
            ratio=None,
            method="CPU time of the whole process over facts, encoding, state and answers included",
        ),
    ]


def _latency(idle: "_Steady", busy: "_Steady") -> list[Figure]:
    def figure(name: str, value: float, goal: float | None, how: str) -> Figure:
        method = f"{OFFERED_FACTS_PER_S:.0f} facts/s offered evenly, commit to answer, {how}"
        return Figure(name, value, "ms", goal, None, None, method)

    spare, loaded = "loop otherwise idle", "loop 90 % busy with Python"
    return [
        figure("commit_p50", idle.p50_ms, GOAL_P50_MS, spare),
        figure("commit_p99", idle.p99_ms, None, spare),
        figure("commit_p50_busy", busy.p50_ms, None, loaded),
        figure("commit_p99_busy", busy.p99_ms, None, loaded),
        Figure(
            "cores_at_offered",
            idle.cores,
            "cores",
            1.0,
            None,
            None,
            f"CPU time of the whole process over wall time at {OFFERED_FACTS_PER_S:.0f} facts/s",
        ),
    ]


def _pair(number: int) -> tuple[AttemptIntended, AttemptClosed]:
    attempt, row = AttemptId(f"a1-0001-{number:08x}"), number
    intended = AttemptIntended(
        at_s=1.75e9 + number,
        attempt_id=attempt,
        campaign_id=CampaignId("spring"),
        list_id=ListId("people"),
        row=row,
        number_index=0,
        number="+14155550100",
        caller_id="+14155550000",
        trunk_id=TrunkId("carrier"),
        leg_id=LegId(f"a1-0001-{number:08x}"),
        call_id=f"a1-0001-{number:08x}@198.51.100.7",
        branch=f"z9hG4bK-a1-0001-{number:08x}",
        verdict="zones=America/Los_Angeles local=14:05 hours=0 attempts=0",
        day=20_000,
    )
    closed = AttemptClosed(
        at_s=1.75e9 + number,
        attempt_id=attempt,
        campaign_id=CampaignId("spring"),
        list_id=ListId("people"),
        row=row,
        number_index=0,
        number="+14155550100",
        disposition="no-answer",
        kind="continue",
        cause="no-answer",
        phase=RecordPhase.WAITING,
        next_s=1.75e9,
    )
    return intended, closed


def _naive(path: Path, duration_s: float) -> float:
    """Return facts a second with one transaction each."""
    base = sqlite3.connect(path, isolation_level=None)
    base.execute("PRAGMA journal_mode = WAL")
    base.execute("PRAGMA synchronous = FULL")
    base.execute("CREATE TABLE facts (sequence INTEGER PRIMARY KEY, body BLOB)")
    base.execute("CREATE TABLE attempts (attempt_id TEXT PRIMARY KEY, body BLOB)")
    begun_s, count, number = time.perf_counter(), 0, 0
    while time.perf_counter() - begun_s < duration_s:
        number += 1
        for fact in _pair(number):
            body = encode(fact)
            base.execute("BEGIN IMMEDIATE")
            base.execute("INSERT INTO facts (body) VALUES (?)", (body,))
            base.execute("INSERT OR REPLACE INTO attempts VALUES (?, ?)", (fact.attempt_id, body))
            base.execute("COMMIT")
            count += 1
    base.close()
    return count / (time.perf_counter() - begun_s)


class _Loop:
    """The engine's thread: runs answers, and keeps itself busy if told to."""

    def __init__(self, path: Path) -> None:
        self.calls: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self.told = 0
        self.store = SqliteStore(path, call_soon=self.calls.put, on_committed=self._tell)

    def _tell(self, facts: object) -> None:
        self.told += len(facts) if isinstance(facts, list) else 0

    def drain(self, wait_s: float) -> None:
        """Run what is there, waiting for the first at most so long. [s]"""
        try:
            self.calls.get(timeout=max(wait_s, 1e-6))()
            while True:
                self.calls.get_nowait()()
        except Empty:
            return


class _Flat:
    def __init__(self, facts_per_s: float, cpu_us: float) -> None:
        self.facts_per_s = facts_per_s
        self.cpu_us = cpu_us


def _flat_out(path: Path, count: int) -> _Flat:
    loop = _Loop(path)
    facts: list[tuple[AnyFact, AnyFact]] = [_pair(number) for number in range(count // 2)]
    answered = 0

    def done(error: object) -> None:
        nonlocal answered
        assert error is None
        answered += 1

    begun_s, cpu_s = time.perf_counter(), time.process_time()
    for number, pair in enumerate(facts):
        loop.store.commit(pair, done)
        while number - answered > 4_000:
            loop.drain(1.0)
    while answered < len(facts):
        loop.drain(1.0)
    wall_s, cpu_s = time.perf_counter() - begun_s, time.process_time() - cpu_s
    loop.store.close()
    return _Flat(2 * len(facts) / wall_s, cpu_s / (2 * len(facts)) * 1e6)


class _Steady:
    def __init__(self, waits_s: list[float], cores: float) -> None:
        self.p50_ms = percentile(waits_s, 0.5) * 1e3
        self.p99_ms = percentile(waits_s, 0.99) * 1e3
        self.cores = cores


def _steady(path: Path, duration_s: float, busy_share: float) -> _Steady:
    """Offer facts evenly, two a commit, a burst each millisecond as a loop would."""
    loop = _Loop(path)
    waits_s: list[float] = []
    begun_s, cpu_s, number = time.perf_counter(), time.process_time(), 0
    while (now_s := time.perf_counter()) - begun_s < duration_s:
        while number < (now_s - begun_s) * OFFERED_FACTS_PER_S / 2:
            loop.store.commit(_pair(number), _stopwatch(waits_s))
            number += 1
        _spin(busy_share * 0.001)
        loop.drain(0.001 * (1 - busy_share))
    cores = (time.process_time() - cpu_s) / (time.perf_counter() - begun_s)
    while len(waits_s) < number:
        loop.drain(1.0)
    loop.store.close()
    return _Steady(waits_s, cores)


def _stopwatch(waits_s: list[float]) -> Callable[[object], None]:
    begun_s = time.perf_counter()
    return lambda _: waits_s.append(time.perf_counter() - begun_s)


def _spin(duration_s: float) -> None:
    until_s, total = time.perf_counter() + duration_s, 0
    while time.perf_counter() < until_s:
        total += 1


def _start(path: Path) -> Figure:
    facts = sqlite3.connect(path).execute("SELECT count(*) FROM facts").fetchone()[0]
    begun_s = time.perf_counter()
    loop = _Loop(path)
    value = time.perf_counter() - begun_s
    loop.store.close()
    method = f"open and verify the journal of {facts} facts that the first measurement wrote"
    return Figure("start", value, "s", 30.0, None, None, method)
