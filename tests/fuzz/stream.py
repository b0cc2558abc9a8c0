"""A TCP stream however it is cut: the same messages, little kept, and a broken stream stays so."""

from engine.telephony.sip.destination import Destination
from engine.telephony.sip.framing import MAX_BODY, MAX_HEAD, Framer
from tests.fuzz.message import SEEDS as TORTURE
from tests.unit.telephony.sip.harness import Bench

_FLOW = Destination("198.51.100.7", 40_000, "TCP", "#1")
SEEDS = [b"\x05" + octets for octets in TORTURE] + [b"\x01\r\n\r\n\r\n\r\nBYE"]


def check(octets: bytes) -> None:
    """Whole and cut in pieces of the first octet's length gives the same."""
    if not octets:
        return
    size, data = octets[0] or 1, octets[1:]
    whole, cut = Framer(), Framer()
    expected = list(whole.feed(data))
    got = [each for at in range(0, len(data), size) for each in cut.feed(data[at : at + size])]
    assert got == expected
    assert (cut.broken, cut.pings) == (whole.broken, whole.pings)
    assert len(cut._rest) <= MAX_HEAD + MAX_BODY
    bench = Bench(screen=200)
    for each in expected:
        bench.receive(each, _FLOW)
