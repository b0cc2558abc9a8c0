"""How much processor does a call cost: the SIP core alone, on its sockets, and on the whole path?

Each is measured beside sipp as the caller of the same calls; sipp is the far end, too.
"""

import shutil
import time

from benchmarks import path
from benchmarks.harness import Figure
from benchmarks.sip_calls import against_sipp
from benchmarks.sip_far import FAR, Far, call, user_agent

_SESSION_S = 1800
"""What a trunk asks for unless it is told otherwise. [s]"""
_RATE = 1_000
_ROUNDS = 5


def run(short: bool) -> list[Figure]:
    """Measure core, sockets and whole path; short: about a minute."""
    calls = 500 if short else 4_000
    figures = _core_alone(calls)
    if shutil.which("sipp"):
        figures += against_sipp(1_000 if short else 5_000, _RATE, 1 if short else 3)
        figures += path.refused("sip/path/", (_RATE,), 5.0 if short else 15.0, float(_RATE))
    return figures


def _core_alone(calls: int) -> list[Figure]:
    """Measure calls without and with session timers by turns, each at its quietest."""
    plain, timed = [], []
    for turn in range(_ROUNDS):
        plain.append(_core_ms(calls, 0, turn))
        timed.append(_core_ms(calls, _SESSION_S, turn))
    how = (
        f"{_ROUNDS} times {calls} calls INVITE-180-200-ACK-BYE-200 at 1,000/s of virtual time, "
        "timers included, without sockets, the quietest of them"
    )
    return [
        Figure("sip/core_call_ms", min(plain), "ms", 0.15, None, None, how),
        Figure(
            "sip/core_call_with_session_timer_ms", min(timed), "ms", None, min(plain),
            min(plain) / min(timed), f"the same with an interval of {_SESSION_S} s agreed (RFC "
            "4028), as trunks ask by themselves; reference: without",
        ),
    ]  # fmt: skip


def _core_ms(calls: int, session_s: int, turn: int) -> float:
    """Return the processor time of a call in the core. [ms]"""
    far = Far(session_s)
    agent = user_agent(far.send, far.take)
    spent_s = 0.0
    clock = time.thread_time  # the machine is shared: others' time is not the core's
    for number in range(calls):
        now_s = turn * 1e6 + number / 1_000
        far.sent.clear()
        begun_s = clock()
        agent.invite(call(number, FAR, session_s), now_s)
        spent_s += clock() - begun_s
        ringing, answer = far.ring(), far.answer()
        begun_s = clock()
        agent.receive(ringing, FAR, now_s)
        agent.receive(answer, FAR, now_s)
        agent.hang_up(f"b1-0001-{number:08x}", now_s)
        spent_s += clock() - begun_s
        goodbye = far.respond(b"200 OK")
        begun_s = clock()
        agent.receive(goodbye, FAR, now_s)
        agent.advance(now_s)
        spent_s += clock() - begun_s
    if far.ended != calls:
        raise RuntimeError(f"{far.ended} of {calls} calls ended")
    return spent_s / calls * 1e3
