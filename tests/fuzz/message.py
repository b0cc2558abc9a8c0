"""A datagram to a user agent that lets everybody in: read or refused, and the next one served."""

from contextlib import suppress

from engine.telephony.sip.grammar import ParseError
from engine.telephony.sip.message import parse
from tests.conformance.sip.test_rfc4475 import EVERY, OPTIONS, message
from tests.unit.telephony.sip.harness import Bench

SEEDS = [entry.values[0] for entry in EVERY if isinstance(entry.values[0], bytes)]
_AFTER = message(OPTIONS, Via="SIP/2.0/UDP 192.0.2.10;branch=z9hG4bKafter;rport")


def check(octets: bytes) -> None:
    """What is read can be written and read again, and no state is left of what was refused."""
    with suppress(ParseError):
        first = parse(octets)
        again = parse(first.to_bytes())
        assert (again.headers["via"], again.body) == (first.headers["via"], first.body)
        assert (again.call_id, again.cseq, again.method) == (
            first.call_id,
            first.cseq,
            first.method,
        )
    bench = Bench(screen=200)
    bench.receive(octets)
    bench.receive(_AFTER)
    assert bench.last_response().status == 200
    for leg_id in list(bench.ua._core.legs):
        bench.ua.hang_up(leg_id, bench.now_s, status=486)
    bench.wait(100)
    assert (bench.ua.open_legs, bench.ua.open_transactions) == (0, 0)
