"""How many attempts a second does the whole path carry, what does one cost, and what limits it?

The path is: list, permit, reservation, durable intent, gate, INVITE, answer or failure, accounting.
The engine runs in a process of its own with SQLite on a disk; sipp is the carrier.
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from benchmarks.harness import Figure, percentile
from benchmarks.path_sipp import ANSWERING, CALLER, HOST, REFUSING, caller_cpu_ms, carrier

GOAL_PER_S, GOAL_CPU_MS = 300.0, 0.4
LONGEST_SETUP_MS = 250.0
_KEPT_UP = 0.95
"""Share of the rate asked for that counts as kept."""
_SETTLE_S = 2.0
_TRIES = 2
"""A rate that does not hold is tried again: the machine may be shared."""
_FILL_S = 10.0
"""Until the agents are at work. [s]"""
_ANSWERED = 0.6


class Child:
    """A process of ours that obeys lines of JSON."""

    def __init__(self, module: str, *arguments: str) -> None:
        """Start ``python -m module``."""
        self._process = subprocess.Popen(
            [sys.executable, "-m", module, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=Path(__file__).parent.parent,
            text=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        if self._process.stdin is not None:
            self._process.stdin.close()
        try:
            self._process.wait(30)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    # What a child answers is read by its keys; the values' types are those of its docstring.
    def do(self, verb: str, **values: object) -> dict[str, Any]:
        """Give a command and return its answer."""
        stdin, stdout = self._process.stdin, self._process.stdout
        if stdin is None or stdout is None:
            raise RuntimeError("the child has no pipes")
        stdin.write(json.dumps({"do": verb, **values}) + "\n")
        stdin.flush()
        line = stdout.readline()
        if not line:
            raise RuntimeError(f"the child ended during {verb!r}")
        answer: dict[str, Any] = json.loads(line)
        return answer


def run(short: bool) -> list[Figure]:
    """Measure it with calls refused, answered, and taken by agents; short: about 90 seconds."""
    rates = (300, 500) if short else (300, 600, 1000, 1200, 1400, 1600, 1800, 2000)
    figures = refused("path/", rates, 5.0 if short else 10.0)
    answered = (100,) if short else (100, 200, 300, 400)
    figures += _path(
        "path/answered/",
        ANSWERING,
        None,
        "200, a beep played, BYE by us",
        answered,
        5.0 if short else 10.0,
    )
    return figures + _agents(*((50, 20.0) if short else (200, 300.0)))


def _agents(count: int, seconds: float) -> list[Figure]:
    """Let agents take calls, progressive, over SIP and RTP; nobody and nothing may be lost."""
    with tempfile.TemporaryDirectory() as folder, Child("benchmarks.path_people") as far:
        where = far.do("where")
        with Child("benchmarks.path_world") as world:
            records = int(count * (seconds + 60) / 5) + 1_000
            world.do("open", folder=folder, trunk=where["trunk"], records=records)
            phones = [f"sip:desk-{number:03d}@{where['phones']}" for number in range(count)]
            ready = world.do("staff", phones=phones)["ready"]
            world.do("start", calls_per_s=50, mode="progressive")
            world.do("measure", seconds=_FILL_S)
            world.do("book")
            first = far.do("count")
            seen = world.do("measure", seconds=seconds)
            book, heard = world.do("book"), far.do("count")
            left = world.do("stop")["open"]
            last = far.do("count")
    unheard = sum(part["answered"] - part["heard"] for part in (first, heard, last))
    rest = (ready, left, unheard, last["most_per_number"], seconds)
    return _agent_figures(f"path/agents_{count}/", seen, book, heard, rest)


def _agent_figures(
    prefix: str,
    seen: dict[str, Any],
    book: dict[str, Any],
    heard: dict[str, Any],
    rest: tuple[int, int, int, int, float],
) -> list[Figure]:
    ready, left, unheard, most, seconds = rest
    spent, waits = book["spent_s"], book["waits_s"] or [0.0]
    idle = spent.get("ready", 0.0) / sum(spent.values())
    closed = ", ".join(f"{count} {name}" for name, count in sorted(seen["closed"].items()))
    how = (
        f"{ready} agents ready, progressive, automatic answer, {seconds:.0f} s over SIP and RTP on "
        f"loopback, people answer {_ANSWERED:.0%}, talk 10-20 s, after-call work 1-2 s: {closed}"
    )

    def figure(name: str, value: float, unit: str, goal: float | None, method: str) -> Figure:
        return Figure(prefix + name, value, unit, goal, None, None, method)

    return [
        figure("calls", book["joined"], "calls", None, how),
        figure("attempts", heard["invites"], "attempts", None, "INVITEs that the carrier saw"),
        figure("idle_share", idle, "share", None, "of the agents' time, ready for a call"),
        figure("idle_p50_s", percentile(waits, 0.5), "s", None, "from ready to the next call"),
        figure("idle_p90_s", percentile(waits, 0.9), "s", None, "the same, 90th percentile"),
        figure("engine_cpu", seen["cpu_s"] / seconds, "cores", None, "the engine's process"),
        figure("media_cpu", seen["media_cpu_s"] / seconds, "cores", None, "the media switch"),
        figure("unheard", unheard, "calls", 0.0, "answered calls in which the person did not hear "
               "the agent's tone, among them those who hung up first"),
        figure("left_open", left, "attempts", 0.0, "attempts without an outcome after Stop"),
        figure("most_per_number", most, "calls", 1.0, "INVITEs to one number"),
        figure("setup_p99_ms", seen["setup_ms_p99"], "ms", None, "intent handed over to INVITE"),
    ]  # fmt: skip


def refused(
    prefix: str, rates: Sequence[int], seconds: float, goal_per_s: float = GOAL_PER_S
) -> list[Figure]:
    """Measure attempts that a carrier refuses, from list to accounting.

    Args:
        prefix: Of the figures' names.
        rates: Rates to try, rising. [attempts/s]
        seconds: How long each is measured. [s]
        goal_per_s: Rate that should be held. [attempts/s]
    """
    return _path(prefix, REFUSING, CALLER, "486 or 404 after ringing", rates, seconds, goal_per_s)


def _path(
    prefix: str,
    scenario: str,
    caller: str | None,
    course: str,
    rates: Sequence[int],
    seconds: float,
    goal_per_s: float = GOAL_PER_S,
) -> list[Figure]:
    """Raise the rate until the path no longer keeps up; return what held."""
    with tempfile.TemporaryDirectory() as folder, carrier(scenario) as port:
        reference_ms = caller_cpu_ms(port, caller, 2_000, 500)
        with Child("benchmarks.path_world") as world:
            records = int(sum(rates) * 2 * (seconds + _SETTLE_S)) + 1_000
            world.do("open", folder=folder, trunk=f"{HOST}:{port}", records=records)
            world.do("start", calls_per_s=rates[0])
            held, limit = _ramp(world, rates, seconds)
            left = world.do("stop")["open"]
    return _figures(prefix, held, reference_ms, left, f"{course}; {limit}", goal_per_s)


def _ramp(world: Child, rates: Sequence[int], seconds: float) -> tuple[dict[str, Any], str]:
    """Return what was measured at the highest rate that held, and what ended the ramp."""
    held: dict[str, Any] | None = None
    for rate in rates:
        world.do("rate", calls_per_s=rate)
        for _ in range(_TRIES):
            world.do("measure", seconds=_SETTLE_S)
            seen = world.do("measure", seconds=seconds)
            if kept := _kept_up(rate, seen):
                break
        print(_limit(rate, seen), file=sys.stderr)
        if not kept:
            return held or seen, _limit(rate, seen)
        held = seen
    return seen, "the highest rate tried was held"


def _kept_up(rate: int, seen: dict[str, Any]) -> bool:
    ended = sum(seen["closed"].values()) / seen["seconds"]
    return ended >= _KEPT_UP * rate and bool(seen["setup_ms_p99"] <= LONGEST_SETUP_MS)


def _limit(rate: int, seen: dict[str, Any]) -> str:
    share = seen["main_s"] / seen["seconds"]
    return (
        f"at {rate}/s asked, {sum(seen['closed'].values()) / seen['seconds']:.0f}/s ended, "
        f"p99 set-up {seen['setup_ms_p99']:.0f} ms, loop {share:.0%} and process "
        f"{seen['cpu_s'] / seen['seconds']:.0%} of a core"
    )


def _figures(
    prefix: str,
    seen: dict[str, Any],
    reference_ms: float,
    left: int,
    course: str,
    goal_per_s: float,
) -> list[Figure]:
    attempts = sum(seen["closed"].values())
    per_s, cpu_ms = attempts / seen["seconds"], seen["cpu_s"] / attempts * 1e3
    main_ms = seen["main_s"] / attempts * 1e3
    how = f"engine with SQLite on disk, sipp as the carrier over loopback, {course}"

    def plain(name: str, value: float, unit: str, method: str) -> Figure:
        return Figure(prefix + name, value, unit, None, None, None, method)

    return [
        Figure(prefix + "attempts_per_s", per_s, "attempts/s", goal_per_s, None, None, how),
        Figure(
            prefix + "cpu_ms_per_attempt", cpu_ms, "ms", GOAL_CPU_MS, reference_ms,
            reference_ms / cpu_ms,
            f"processor time of the engine's process, threads included, {main_ms:.2f} ms of it on "
            "the loop; reference: sipp as caller of the same calls",
        ),
        plain("commit_p50_ms", seen["commit_ms_p50"], "ms", "from facts handed to the store to the "
              "answer on the loop"),
        plain("commit_p99_ms", seen["commit_ms_p99"], "ms", "the same, 99th percentile"),
        plain("setup_p99_ms", seen["setup_ms_p99"], "ms", "from intent handed over to INVITE sent, "
              "99th percentile"),
        plain("media_cpu_ms_per_attempt", seen["media_cpu_s"] / attempts * 1e3, "ms", "processor "
              "time of the media switch, a process of its own"),
        plain("left_open", left, "attempts", "attempts without an outcome after Stop"),
        plain("rss_mb", seen["rss_mb"], "MB", "resident memory of the engine's process"),
    ]  # fmt: skip
