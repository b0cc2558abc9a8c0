"""How many live dialogs does one process hold, what does each take, and are its timers on time?

The far end is sipp, which answers, holds the call and answers refreshes; its own memory for each
of the same dialogs is the reference.
"""

from typing import Any

from benchmarks.dialogs_world import resident_bytes
from benchmarks.harness import Figure
from benchmarks.path import Child
from benchmarks.path_sipp import HOLDING, HOST, sipp

GOAL_KB = 8.0
_SESSION_S = 90
"""The shortest session interval there is (RFC 4028 §4): as many refreshes as can be. [s]"""
_CALLS_PER_S = 400
_ENDS_PER_S = 1_000
_SETTLED_S = 34.0
"""After so long the transactions of a set-up are over. [s]"""


def run(short: bool) -> list[Figure]:
    """Measure 10,000 dialogs, in about three minutes; short: 1,500."""
    count = 1_500 if short else 10_000
    return [*_core(count), *_shares(min(count, 2_000)), *_live(count)]


def _core(count: int) -> list[Figure]:
    with Child("benchmarks.dialogs_world") as world:
        plain = world.do("core", count=count, session_s=0)
    with Child("benchmarks.dialogs_world") as world:
        timed = world.do("core", count=count, session_s=_SESSION_S)
    how = f"core alone, far end in memory, {count} answered calls at once"
    return [
        _kb("core_traced_kb", plain["traced_bytes"], f"{how}, traced, within 32 s of their answer"),
        _kb("core_settled_kb", plain["settled_bytes"], f"{how}, traced, once set up for 40 s"),
        _kb("core_resident_kb", plain["resident_bytes"], f"{how}, growth of resident memory"),
        _kb("core_session_traced_kb", timed["traced_bytes"], f"{how}, traced, with session timers"),
    ]


def _shares(count: int) -> list[Figure]:
    """Trace the core with the adapter around it, then with the media client too."""
    seen = []
    for media in (False, True):
        with sipp(HOLDING) as far, Child("benchmarks.dialogs_world") as world:
            _open(world, far.port, media=media, traced=True)
            up = world.do("dial", count=count, calls_per_s=_CALLS_PER_S / 2)
            _check(up, count)
            settled = world.do("rest", seconds=_SETTLED_S)
            world.do("end", calls_per_s=_ENDS_PER_S / 2)
        seen.append((up["traced_bytes"], settled["traced_bytes"] / count))
    (adapter, adapter_later), (media_too, media_later) = seen
    how = f"traced, {count} calls held by sipp, session timers agreed"
    return [
        _kb("adapter_traced_kb", adapter, f"core and adapter, {how}, as they were set up", None),
        _kb("adapter_settled_kb", adapter_later, f"the same {_SETTLED_S:.0f} s later", None),
        _kb("media_traced_kb", media_too, f"with the media client, {how}, as they were set up"),
        _kb("media_settled_kb", media_later, f"the same {_SETTLED_S:.0f} s later"),
    ]


def _live(count: int) -> list[Figure]:
    """Set all up, let each be refreshed, and end them."""
    with sipp(HOLDING) as far, Child("benchmarks.dialogs_world") as world:
        _open(world, far.port, media=True, traced=False)
        before = resident_bytes(far.pid)
        up = world.do("dial", count=count, calls_per_s=_CALLS_PER_S)
        _check(up, count)
        theirs = (resident_bytes(far.pid) - before) / count
        kept = world.do("rest", seconds=_SESSION_S / 2 + 5)
        ended = world.do("end", calls_per_s=_ENDS_PER_S)
    kb, sipp_kb = up["resident_bytes"] / 1e3, theirs / 1e3
    how = f"{count} calls over UDP on loopback, held by sipp, with core, adapter and media client"
    return [
        Figure(
            "dialogs/resident_kb", kb, "kB", GOAL_KB, sipp_kb, sipp_kb / kb,
            f"{how}: growth of resident memory per dialog; reference: the same of sipp, which "
            "holds the other end",
        ),
        _plain("live", kept["up"], "dialogs", f"{how}: still up when all were refreshed", count),
        _plain("set_up_per_s", count / up["seconds"], "calls/s", f"at {_CALLS_PER_S}/s asked"),
        _plain("set_up_cpu_ms", up["cpu_s"] / count * 1e3, "ms", "processor time per set-up"),
        _plain("refreshes", kept["refreshes"], "UPDATEs", f"sent within {_SESSION_S / 2 + 5:.0f} "
               f"s after the set-up, with an interval of {_SESSION_S} s (RFC 4028)"),
        _plain("refresh_cpu_ms", kept["cpu_s"] / max(1, kept["refreshes"]) * 1e3, "ms",
               "processor time per refresh, the watching included"),
        _plain("refresh_late_p50_ms", kept["late_ms_p50"], "ms", "from when a refresh was due"),
        Figure(
            "dialogs/refresh_late_p99_ms", kept["late_ms_p99"], "ms", 100.0, kept["lag_ms_p99"],
            kept["lag_ms_p99"] / max(1e-3, kept["late_ms_p99"]), "the same, 99th percentile; "
            "reference: how late a plain sleep of 20 ms ended in the same loop: what the machine "
            "takes",
        ),
        _plain("refresh_late_max_ms", kept["late_ms_max"], "ms", "the same, the latest"),
        _plain("ended_per_s", kept["up"] / ended["seconds"], "calls/s", f"at {_ENDS_PER_S}/s"),
        _plain("end_cpu_ms", ended["cpu_s"] / max(1, kept["up"]) * 1e3, "ms",
               "processor time per BYE"),
    ]  # fmt: skip


def _open(world: Child, port: int, *, media: bool, traced: bool) -> None:
    world.do(
        "open", trunk=f"{HOST}:{port}", session_s=_SESSION_S, media=media, traced=traced
    )  # fmt: skip


def _check(seen: dict[str, Any], count: int) -> None:
    if seen["up"] != count:
        raise RuntimeError(f"{seen['up']} of {count} dialogs are up")


def _kb(name: str, octets: float, method: str, goal: float | None = GOAL_KB) -> Figure:
    return Figure(f"dialogs/{name}", octets / 1e3, "kB", goal, None, None, method)


def _plain(name: str, value: float, unit: str, method: str, goal: float | None = None) -> Figure:
    return Figure(f"dialogs/{name}", value, unit, goal, None, None, method)
