"""A live leg in each of its phases against whatever its peer, or a stranger, may send.

An input is a state and steps. A step is a response to something of ours, a request in or out of the
dialog, something of ours thrown back with a hole in it, or time that passes.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from engine.domain.specs import Need
from engine.telephony.sip.account import Account
from engine.telephony.sip.destination import Destination
from engine.telephony.sip.digest import Credentials
from engine.telephony.sip.events import Answered, Ended, Incoming
from engine.telephony.sip.grammar import ParseError
from engine.telephony.sip.message import Request, Response, parse
from engine.telephony.sip.sdp import Direction
from tests.conformance.sip.test_rfc4475 import OPTIONS, message
from tests.unit.telephony.sip.harness import ANSWER, MEDIA, TRUNK, Bench

LEG: Final = "a1-0001-00000001"
MOST_S: Final = 0.3
"""An input is up to thirty steps and six minutes of timers."""
_WHO: Final = Credentials("carrier", "user", "secret")
_STRANGER: Final = Destination("203.0.113.9", 5060)
_MOST_STEPS: Final = 30
METHODS: Final = (
    *("INVITE", "ACK", "BYE", "CANCEL", "OPTIONS", "REGISTER", "UPDATE", "PRACK", "INFO", "REFER"),
    *("SUBSCRIBE", "NOTIFY", "MESSAGE", "PUBLISH"),
)
STATUSES: Final = (100, 180, 183, 200, 202, 301, 302, 400, 401, 407, 408, 420, 422, 423, 481, 486)
STATUSES_TOO: Final = (487, 488, 491, 500, 503, 600, 603, 699)
HEADERS: Final = (
    *("", "Require: 100rel\r\nRSeq: 1", "Require: 100rel\r\nRSeq: 4294967295", "Require: x-new"),
    *("Session-Expires: 90;refresher=uas", "Session-Expires: 90;refresher=uac", "Min-SE: 3600"),
    *("Record-Route: <sip:192.0.2.10;lr>", "Record-Route: <sip:192.0.2.10>", "RAck: 1 1 INVITE"),
    *(
        "Contact: <sip:[2001:db8::1]>",
        "Contact: <sip:far@192.0.2.99:9;transport=tcp>",
        "Contact: *",
    ),
    *(
        'WWW-Authenticate: Digest realm="carrier", nonce="1", qop="auth"',
        "Supported: timer, 100rel",
    ),
    *('Proxy-Authenticate: Digest realm="carrier", nonce="2"', "Retry-After: 1", "Expires: 0"),
    *("Replaces: a;to-tag=b;from-tag=c", "Refer-To: <sip:+1900@192.0.2.66>", "Unsupported: timer"),
    *(
        "Contact: <sip:a@b\udcff>",
        'Reason: Q.850;cause=17;text="\udcff"',
        "Join: a;to-tag=b;from-tag=c",
    ),
)
BODIES: Final = (
    b"",
    ANSWER,
    ANSWER.replace(b"6000", b"0"),
    ANSWER + b"a=sendonly\r\n",
    ANSWER.replace(b"IP4 192.0.2.10", b"IP6 2001:db8::1"),
    b"v=0\r\nm=audio 1 RTP/AVP 0\r\n",
    b"\xff\x00",
)


def _calling() -> Bench:
    bench = Bench(screen=200)
    bench.call(credentials=_WHO, session_s=90, reliable=Need.OFFERED)
    return bench


def _after(*steps: Callable[[Bench], object]) -> Callable[[], Bench]:
    def make() -> Bench:
        bench = _calling()
        for step in steps:
            step(bench)
        return bench

    return make


def _ring(bench: Bench) -> None:
    bench.respond(bench.last("INVITE"), 180)


def _answer(bench: Bench) -> None:
    bench.respond(bench.last("INVITE"), 200, "Session-Expires: 90;refresher=uac", body=ANSWER)


def _hang_up(bench: Bench) -> None:
    bench.ua.hang_up(LEG, bench.now_s)


def _hold(bench: Bench) -> None:
    bench.ua.offer(LEG, Direction.SENDONLY, bench.now_s)


def _come_in(*steps: str) -> Callable[[], Bench]:
    def make() -> Bench:
        bench = Bench(screen=200)
        bench.incoming()
        leg_id = next(each.leg_id for each in bench.events if isinstance(each, Incoming))
        if "ring" in steps:
            bench.ua.ring(leg_id, bench.now_s)
        if "answer" in steps:
            bench.ua.answer(leg_id, MEDIA, bench.now_s)
        return bench

    return make


def _register() -> Bench:
    bench = Bench(screen=200)
    account = Account("t1", "carrier.example", "user", _WHO, 600)
    bench.ua.register(account, lambda: (TRUNK,), bench.now_s)
    return bench


STATES: Final[dict[str, Callable[[], Bench]]] = {
    "calling": _calling,
    "ringing": _after(_ring),
    "cancelled before an answer": _after(_ring, _hang_up),
    "cancel wanted": _after(_hang_up),
    "up": _after(_ring, _answer),
    "offering": _after(_answer, _hold),
    "leaving": _after(_answer, _hang_up),
    "come in": _come_in(),
    "ringing here": _come_in("ring"),
    "answered here": _come_in("ring", "answer"),
    "registering": _register,
}


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that the far end does; numbers choose from the lists above, modulo their length."""

    kind: int = 0
    what: int = 0
    header: int = 0
    body: int = 0
    number: int = 0
    raw: bytes = b""


def play(state: int, steps: list[Step]) -> None:
    """Let steps happen in a state; then end everything, and expect that nothing is left."""
    bench = list(STATES.values())[state % len(STATES)]()
    for step in steps[:_MOST_STEPS]:
        _KINDS[step.kind % len(_KINDS)](bench, step)
    _expect_life(bench)
    _expect_nothing_left(bench)


def check(octets: bytes) -> None:
    """Read octets as a state and steps, and play them."""
    if octets:
        play(octets[0], list(_read_steps(octets[1:])))


def _read_steps(data: bytes) -> Iterator[Step]:
    while len(data) >= 6:
        kind, what, header, body, number, size = data[:6]
        yield Step(kind, what, header, body, number, data[6 : 6 + size])
        data = data[6 + size :]


def _respond(bench: Bench, step: Step) -> None:
    ours = [octets for octets, _ in bench.sent if not octets.startswith(b"SIP/")]
    if not ours:
        return
    request = _read(ours[-1 - step.number % min(len(ours), 4)])
    if not isinstance(request, Request):
        return
    statuses = (*STATUSES, *STATUSES_TOO)
    status = statuses[step.what % len(statuses)]
    tag = ("far", "fork", "")[step.number // 4 % 3]
    header = HEADERS[step.header % len(HEADERS)]
    body = BODIES[step.body % len(BODIES)]
    to_value = request.headers["to"][0]
    lines = [
        f"SIP/2.0 {status} Status",
        *(f"Via: {via}" for via in request.headers["via"]),
        f"From: {request.headers['from'][0]}",
        f"To: {to_value}" if not tag or ";tag=" in to_value else f"To: {to_value};tag={tag}",
        f"Call-ID: {request.call_id}",
        f"CSeq: {request.cseq} {request.method}",
        *([] if header.startswith("Contact") else ["Contact: <sip:far@192.0.2.10:5060>"]),
    ]
    bench.receive(_octets(lines, header, body, step))


def _request(bench: Bench, step: Step) -> None:
    method = METHODS[step.what % len(METHODS)]
    header = HEADERS[step.header % len(HEADERS)]
    body = BODIES[step.body % len(BODIES)]
    ours = next((_read(each) for each, _ in bench.sent if b"\r\nFrom:" in each), None)
    if ours is None:
        return
    us, them = ours.headers["from"][0], ours.headers["to"][0] + ";tag=far"
    if ours.start_line().startswith("SIP/"):
        us, them = ours.headers["to"][0], ours.headers["from"][0]
    lines = [
        f"{method} sip:192.0.2.1:5060 SIP/2.0",
        f"Via: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bK{method}{step.number % 8};rport",
        f"From: {them}",
        f"To: {us}",
        f"Call-ID: {ours.call_id}",
        f"CSeq: {step.number % 16} {method}",
    ]
    octets = _octets(lines, header, body, step)
    bench.receive(octets, TRUNK if step.number < 128 else _STRANGER)


def _throw_back(bench: Bench, step: Step) -> None:
    octets, _ = bench.sent[step.what % len(bench.sent)] if bench.sent else (b"", TRUNK)
    bench.receive(_splice(octets, step))


def _wait(bench: Bench, step: Step) -> None:
    bench.wait((0.0, 0.5, 4.0, 33.0)[step.number % 4])


def _act(bench: Bench, step: Step) -> None:
    (_hold, _hang_up)[step.number % 2](bench)


_KINDS: Final = (_respond, _request, _throw_back, _wait, _respond, _request, _act)


def _read(octets: bytes) -> Request | Response | None:
    """Read what was sent; where it repeats the far end's own nonsense it cannot be."""
    try:
        return parse(octets)
    except ParseError:
        return None


def _octets(lines: list[str], header: str, body: bytes, step: Step) -> bytes:
    more = [header] if header else []
    kind = ["Content-Type: application/sdp"] if body else []
    text = "\r\n".join([*lines, *more, *kind, f"Content-Length: {len(body)}"])
    return _splice(text.encode("utf-8", "surrogateescape") + b"\r\n\r\n" + body, step)


def _splice(octets: bytes, step: Step) -> bytes:
    """Put raw octets over a place in a message, if there are any."""
    if not step.raw:
        return octets
    at = (step.what * 251 + step.header * 7 + step.number) % (len(octets) + 1)
    return octets[:at] + step.raw + octets[at + step.body % 16 :]


def _expect_life(bench: Bench) -> None:
    after = message(OPTIONS, Via="SIP/2.0/UDP 192.0.2.10;branch=z9hG4bKafter;rport", Call_ID="a@b")
    bench.sent.clear()
    bench.receive(after)
    assert bench.last_response().status == 200
    again = bench.call("a1-0001-000000ff")
    bench.respond(again, 200, tag="again", body=ANSWER)
    assert any(isinstance(e, Answered) and e.leg_id.endswith("ff") for e in bench.events)


def _expect_nothing_left(bench: Bench) -> None:
    ua = bench.ua
    for leg_id in list(ua._core.legs):
        ua.hang_up(leg_id, bench.now_s, status=486)
    ua.unregister_all(bench.now_s)
    bench.wait(400)
    core = ua._core
    assert not core.legs
    assert not core.by_tag
    assert ua.open_transactions == 0
    assert not core.transactions._merges
    assert ua.open_registrations == 0
    ends = [event.leg_id for event in bench.events if isinstance(event, Ended)]
    assert len(ends) == len(set(ends))
    assert len(core.counts) < 40


SEEDS = [
    bytes([state, kind, what, header, 1, number, 0]) * 2
    for state in range(len(STATES))
    for kind, what, header, number in ((0, 1, 1, 0), (0, 3, 4, 0), (1, 0, 0, 2), (2, 1, 0, 3))
]
