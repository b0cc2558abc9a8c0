"""Whatever headers of the extensions hold, the user agent lives, and the call can be ended."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.domain.specs import Need
from engine.telephony.sip.account import Account
from engine.telephony.sip.digest import Credentials
from engine.telephony.sip.events import Ended
from tests.unit.telephony.sip.harness import ANSWER, TRUNK, Bench

LEG = "a1-0001-00000001"
NAMES = (
    *("Session-Expires", "Min-SE", "Supported", "Require", "Allow", "RSeq", "RAck", "Reason"),
    *("Retry-After", "Unsupported", "Contact", "Expires", "Min-Expires", "WWW-Authenticate"),
    *("Proxy-Authenticate", "Record-Route", "Info-Package", "Content-Disposition"),
)
PIECES = (
    *("timer", "100rel", "UPDATE", "90", "120", "1", "99999999999999", "-1", ";", ",", "=", '"'),
    *("refresher", "uac", "uas", "<", ">", "sip:a@192.0.2.10", "Q.850", "cause", "17", " ", "\t"),
    *("Digest realm", '"carrier"', "nonce", "qop", "é", "\\", ";refresher=uac", ";cause=17"),
)
VALUES = st.lists(st.sampled_from(PIECES), max_size=6).map("".join)
HEADERS = st.lists(
    st.tuples(st.sampled_from(NAMES), VALUES).map(lambda pair: f"{pair[0]}: {pair[1]}"), max_size=4
)
STATUSES = st.sampled_from([180, 183, 200, 401, 407, 420, 422, 423, 480, 481, 491, 500, 503])
METHODS = st.sampled_from(["INVITE", "UPDATE", "PRACK", "INFO", "OPTIONS", "REFER"])


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(STATUSES, HEADERS), max_size=4), st.lists(HEADERS, max_size=3), METHODS)
def test_no_header_of_an_extension_stops_a_call_from_ending(
    answers: list[tuple[int, list[str]]], requests: list[list[str]], method: str
) -> None:
    bench = Bench()
    credentials = Credentials("carrier", "user", "secret")
    bench.call(credentials=credentials, session_s=90, reliable=Need.OFFERED)
    for status, headers in answers:
        bench.respond(bench.last("INVITE"), status, *headers, body=ANSWER)
    first = bench.last("INVITE")
    for number, headers in enumerate(requests):
        bench.request(first, method, number + 1, *headers, body=ANSWER if number % 2 else b"")
        bench.wait(31)
    bench.ua.hang_up(LEG, bench.now_s)
    bench.wait(200)
    assert len([event for event in bench.events if isinstance(event, Ended)]) == 1
    assert bench.ua.open_legs == 0
    bench.wait(40)
    assert bench.ua.open_transactions == 0


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(STATUSES, HEADERS), max_size=5))
def test_no_registrar_stops_us_from_leaving(answers: list[tuple[int, list[str]]]) -> None:
    bench = Bench()
    account = Account("t1", "carrier.example", "user", Credentials("", "user", "secret"), 600)
    bench.ua.register(account, lambda: (TRUNK,), bench.now_s)
    for status, headers in answers:
        bench.respond(bench.last("REGISTER"), status, *headers)
        bench.wait(7)
    bench.ua.unregister("t1", bench.now_s)
    bench.wait(100)
    assert bench.ua.open_registrations == 0
    assert bench.ua.open_transactions == 0


@pytest.mark.parametrize("name", NAMES)
def test_an_unclosed_quote_in_an_answer_is_no_reason_to_lose_the_call(name: str) -> None:
    if name in ("Contact", "Record-Route"):
        return  # without these no dialog can be kept: it is ended
    bench = Bench()
    bench.respond(bench.call(session_s=90), 200, f'{name}: "a, b', body=ANSWER)
    assert len(bench.all("ACK")) == 1
    assert not [event for event in bench.events if isinstance(event, Ended)]
