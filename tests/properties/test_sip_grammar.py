"""Whatever the grammar, or what is nearly it, lets a peer say: it is read or refused, and soon.

Text is made from the pieces of SIP, so that it comes far into the parsers, and pumped up to the
longest datagram, so that what takes more than linear time shows (invariant P1).
"""

import re
from contextlib import suppress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.telephony.sip import framing
from engine.telephony.sip.grammar import ParseError
from engine.telephony.sip.message import parse
from tests.conformance.sip.test_rfc4475 import OPTIONS, message
from tests.fuzz import TARGETS, address, dialog, digest, media, reports, sdp, stream
from tests.fuzz import message as datagram
from tests.fuzz.dialog import Step
from tests.fuzz.runner import WORDS, timed
from tests.unit.telephony.sip.harness import Bench

LONGEST = 60_000
WORDS_READ = tuple(
    re.sub(r"\\x(..)|\\(.)", lambda m: chr(int(m[1], 16)) if m[1] else m[2], word) for word in WORDS
)
PIECES = st.sampled_from((*WORDS_READ, " ", "\t", "a", "1", "=", ";", '"', "é", "\udcff", "/"))
TEXT = st.lists(PIECES, max_size=30).map("".join)
OCTETS = st.one_of(TEXT.map(lambda text: text.encode("utf-8", "surrogateescape")), st.binary())
HEADERS = (
    *("Via", "From", "To", "Call-ID", "CSeq", "Contact", "Max-Forwards", "Require", "Date"),
    *("Authorization", "Reason", "Session-Expires", "Content-Length", "Expires", "X"),
)
SEEDED = {target: vars(target)["SEEDS"] for target in (address, digest, sdp, stream, datagram)}


@pytest.mark.parametrize("target", SEEDED, ids=lambda target: target.__name__.rpartition(".")[2])
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_what_is_made_from_the_pieces_of_sip_breaks_no_promise(
    target: object, data: st.DataObject
) -> None:
    seeds = SEEDED[target]  # type: ignore[index]
    octets = data.draw(st.one_of(OCTETS, st.sampled_from(seeds)))
    at = data.draw(st.integers(0, len(octets)))
    more = octets[:at] + data.draw(OCTETS) + octets[at + data.draw(st.integers(0, 9)) :]
    timed(target.check)(more)  # type: ignore[attr-defined]


@pytest.mark.parametrize("target", [media, reports], ids=["media", "reports"])
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_no_packet_breaks_the_switch(target: object, data: st.DataObject) -> None:
    octets = data.draw(st.one_of(st.binary(max_size=600), st.sampled_from(target.SEEDS)))  # type: ignore[attr-defined]
    target.check(octets + data.draw(st.binary(max_size=40)))  # type: ignore[attr-defined]


STEPS = st.builds(
    Step,
    kind=st.integers(0, 6),
    what=st.integers(0, 40),
    header=st.integers(0, len(dialog.HEADERS) - 1),
    body=st.integers(0, len(dialog.BODIES) - 1),
    number=st.integers(0, 255),
    raw=st.one_of(st.just(b""), st.just(b""), OCTETS),
)


@pytest.mark.parametrize("state", range(len(dialog.STATES)), ids=list(dialog.STATES))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(steps=st.lists(STEPS, max_size=8))
def test_in_no_state_does_anything_stop_a_call_or_leave_something_behind(
    state: int, steps: list[Step]
) -> None:
    dialog.play(state, steps)


@pytest.mark.parametrize("name", HEADERS)
@settings(max_examples=8, deadline=None)
@given(head=TEXT, pump=PIECES, tail=TEXT)
def test_the_longest_header_takes_no_longer_than_any_message_may(
    name: str, head: str, pump: str, tail: str
) -> None:
    value = head + pump * (LONGEST // len(pump.encode("utf-8", "surrogateescape"))) + tail
    octets = message(OPTIONS, f"{name}: {value}")[: framing.MAX_HEAD * 2 - 1]

    def read(octets: bytes) -> None:
        bench = Bench(screen=200)
        bench.receive(octets)

    timed(read)(octets)
    with suppress(ParseError):
        parse(octets)


BLANKS = " " * LONGEST


@pytest.mark.parametrize(
    "octets",
    [
        pytest.param(message(OPTIONS, f"X: a{BLANKS}b", "Y: a\r\n b"), id="folding"),
        pytest.param(message(OPTIONS, From=f"a{BLANKS}b"), id="a name without an address"),
        pytest.param(message(OPTIONS, f"Contact: a{BLANKS}b"), id="Contact"),
        pytest.param(message(OPTIONS, Via=f"SIP/2.0/UDP 192.0.2.1{BLANKS}x"), id="Via's host"),
        pytest.param(message(OPTIONS, Via=f"SIP/2.0/UDP h;a{BLANKS}\x01"), id="Via's parameters"),
        pytest.param(message(OPTIONS, Via=f"SIP/2.0/UDP h;a={BLANKS}\x01"), id="Via's value"),
        pytest.param(message(OPTIONS, f"Require: {',' * LONGEST}"), id="commas"),
        pytest.param(message(OPTIONS, From='"\\' * (LONGEST // 2)), id="quotes"),
    ],
)
def test_p1_blanks_that_fit_nowhere_are_given_up_at_once(octets: bytes) -> None:
    def read(octets: bytes) -> None:
        Bench(screen=200).receive(octets)

    timed(read)(octets)


def test_every_target_is_searched_here() -> None:
    mine = {target.__name__.rpartition(".")[2] for target in (*SEEDED, media, reports, dialog)}
    assert mine == set(TARGETS)
