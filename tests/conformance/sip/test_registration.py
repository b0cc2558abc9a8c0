"""RFC 3261 §10.2: we register at a carrier, stay registered, and leave."""

from itertools import pairwise

import pytest

from engine.telephony.sip.account import Account
from engine.telephony.sip.authorize import Authorizer
from engine.telephony.sip.destination import Destination
from engine.telephony.sip.digest import Credentials
from engine.telephony.sip.events import RegistrationChanged, RegistrationOver
from engine.telephony.sip.message import Request, Response, parse
from tests.unit.telephony.sip.harness import TRUNK, Bench, make_response

CREDENTIALS = Credentials("carrier", "user", "secret")
ACCOUNT = Account("t1", "carrier.example", "user", CREDENTIALS, 600)
SECOND = Destination("192.0.2.11", 5060)
STREAM = Destination("192.0.2.10", 5060, "TCP")
CHALLENGE = 'WWW-Authenticate: Digest realm="carrier", nonce="{}", algorithm={}, qop="auth"'


@pytest.fixture
def bench() -> Bench:
    return Bench()


def register(
    bench: Bench, account: Account = ACCOUNT, destinations: tuple[Destination, ...] = (TRUNK,)
) -> Request:
    """Begin a registration; returns its REGISTER."""
    bench.ua.register(account, lambda: destinations, bench.now_s)
    return bench.last("REGISTER")


def grant(bench: Bench, *headers: str) -> None:
    """Let the registrar accept the last REGISTER."""
    request = bench.last("REGISTER")
    bench.respond(request, 200, *headers, contact=request.first("contact"))


def changes(bench: Bench) -> list[tuple[bool, str]]:
    """Return what was told of the registration."""
    return [(e.registered, e.reason) for e in bench.events if isinstance(e, RegistrationChanged)]


def wait_for_register(bench: Bench, longest_s: float = 2000.0) -> float:
    """Let time pass until another REGISTER is sent; returns how long that took."""
    before, begun_s = len({each.branch for each in bench.all("REGISTER")}), bench.now_s
    while len({each.branch for each in bench.all("REGISTER")}) == before:
        assert bench.now_s - begun_s < longest_s
        bench.now_s = max(bench.now_s, bench.ua.next_deadline())
        bench.ua.advance(bench.now_s)
    return bench.now_s - begun_s


def test_10_2_a_register_names_the_record_and_our_contact(bench: Bench) -> None:
    request = register(bench)
    assert request.uri == "sip:carrier.example"
    assert request.first("to") == "<sip:user@carrier.example>"
    assert request.first("contact") == "<sip:user@192.0.2.1:5060>"
    assert request.first("expires") == "600"
    assert bench.sent[-1][1] == TRUNK
    grant(bench, "Expires: 600")
    assert changes(bench) == [(True, "")]


@pytest.mark.parametrize("algorithm", ["SHA-256", "MD5"])
def test_22_a_challenge_is_answered_and_the_nonce_used_on(bench: Bench, algorithm: str) -> None:
    first = register(bench)
    bench.respond(first, 401, CHALLENGE.format("n1", algorithm))
    second = bench.last("REGISTER")
    assert f"algorithm={algorithm}" in second.first("authorization")
    assert "nc=00000001" in second.first("authorization")
    assert (second.call_id, second.cseq, second.from_tag) == (
        first.call_id,
        first.cseq + 1,
        first.from_tag,
    )
    grant(bench)
    wait_for_register(bench)
    assert "nc=00000002" in bench.last("REGISTER").first("authorization")
    bench.respond(bench.last("REGISTER"), 401, CHALLENGE.format("n2", algorithm) + ", stale=true")
    assert 'nonce="n2"' in bench.last("REGISTER").first("authorization")


@pytest.mark.parametrize(
    "challenge",
    [
        'WWW-Authenticate: Digest realm="elsewhere", nonce="n1", qop="auth"',
        'WWW-Authenticate: Basic realm="carrier"',
    ],
)
def test_x6_a_foreign_challenge_is_not_answered(bench: Bench, challenge: str) -> None:
    bench.respond(register(bench), 401, challenge)
    assert len(bench.all("REGISTER")) == 1
    assert changes(bench) == [(False, "401 Status")]


def test_x6_a_registrar_that_challenges_for_ever_learns_little(bench: Bench) -> None:
    register(bench)
    for number in range(10):
        challenge = CHALLENGE.format(f"n{number}", "MD5") + ", stale=true"
        bench.respond(bench.last("REGISTER"), 401, challenge)
    assert len(bench.all("REGISTER")) == 4
    assert changes(bench) == [(False, "401 Status")]


def test_wrong_credentials_are_refused_once_and_tried_again_later(bench: Bench) -> None:
    register(bench)
    bench.respond(bench.last("REGISTER"), 401, CHALLENGE.format("n1", "MD5"))
    bench.respond(bench.last("REGISTER"), 401, CHALLENGE.format("n2", "MD5"))
    assert len(bench.all("REGISTER")) == 2
    assert changes(bench) == [(False, "401 Status")]
    wait_for_register(bench)
    assert 'nonce="n1"' in bench.last("REGISTER").first("authorization")


@pytest.mark.parametrize(
    ("granted", "wait_s"),
    [
        pytest.param("expires=3600", 3540, id="a minute before the end"),
        pytest.param("expires=60", 30, id="a short one at its half"),
    ],
)
def test_10_2_4_it_is_refreshed_before_its_end(bench: Bench, granted: str, wait_s: float) -> None:
    request = register(bench)
    others = "Contact: <sip:user@198.51.100.1>;expires=7"
    bench.respond(request, 200, others, contact=f"{request.first('contact')};{granted}")
    assert wait_for_register(bench, 4000) == pytest.approx(wait_s)
    grant(bench)
    assert changes(bench) == [(True, ""), (True, "")]


def test_10_2_8_an_interval_too_brief_is_lengthened(bench: Bench) -> None:
    bench.respond(register(bench), 423, "Min-Expires: 1800")
    assert bench.last("REGISTER").first("expires") == "1800"
    grant(bench, "Expires: 1800")
    assert changes(bench) == [(True, "")]


@pytest.mark.parametrize("minimum", ["", "Min-Expires: 60", "Min-Expires: never"])
def test_10_2_8_a_423_that_helps_nothing_is_a_refusal(bench: Bench, minimum: str) -> None:
    bench.respond(register(bench), 423, *([minimum] if minimum else []))
    assert len(bench.all("REGISTER")) == 1
    assert changes(bench) == [(False, "423 Status")]


def test_a_refused_registration_waits_longer_each_time(bench: Bench) -> None:
    register(bench)
    waits = []
    for _ in range(12):
        bench.respond(bench.last("REGISTER"), 403)
        waits.append(wait_for_register(bench))
    assert 5 <= waits[0] <= 10
    assert all(0.9 < later / earlier < 4.1 for earlier, later in pairwise(waits[:6]))
    assert all(300 <= wait_s <= 600 for wait_s in waits[-4:])
    grant(bench)
    assert changes(bench)[-1] == (True, "")


def test_20_33_retry_after_is_kept(bench: Bench) -> None:
    bench.respond(register(bench), 503, "Retry-After: 120")
    assert wait_for_register(bench) == pytest.approx(120)


def test_rfc_3263_4_3_the_next_server_is_tried_at_once(bench: Bench) -> None:
    bench.respond(register(bench, destinations=(TRUNK, SECOND)), 503)
    assert wait_for_register(bench) < 0.1
    assert bench.sent[-1][1] == SECOND
    assert changes(bench) == []  # nothing is lost while a server is left to ask
    bench.respond(bench.last("REGISTER"), 503, source=SECOND)
    assert changes(bench) == [(False, "503 Status")]
    assert wait_for_register(bench) >= 5
    assert bench.sent[-1][1] == TRUNK


def test_silence_and_no_address_are_told(bench: Bench) -> None:
    bench.ua.register(ACCOUNT, lambda: (), bench.now_s)
    assert changes(bench) == [(False, "no address")]
    other = Bench()
    register(other)
    other.wait(33)
    assert changes(other) == [(False, "no answer")]


def test_what_cannot_be_sent_is_tried_again(bench: Bench) -> None:
    bench.sendable = False
    bench.ua.register(ACCOUNT, lambda: (TRUNK,), bench.now_s)
    bench.wait(0)
    assert changes(bench) == [(False, "not sent")]
    bench.sendable = True
    assert wait_for_register(bench) <= 10


def test_a_registrar_that_keeps_nothing_is_no_registrar(bench: Bench) -> None:
    request = register(bench)
    bench.respond(request, 200, contact=f"{request.first('contact')};expires=0")
    assert changes(bench) == [(False, "contact not kept")]


def test_10_2_2_leaving_takes_our_contact_alone_back(bench: Bench) -> None:
    first = register(bench)
    grant(bench)
    bench.ua.unregister("t1", bench.now_s)
    leave = bench.last("REGISTER")
    assert (leave.first("expires"), leave.first("contact")) == ("0", first.first("contact"))
    assert (leave.call_id, leave.cseq) == (first.call_id, first.cseq + 1)
    bench.respond(leave, 401, CHALLENGE.format("n1", "MD5"))
    assert bench.last("REGISTER").first("expires") == "0"
    bench.respond(bench.last("REGISTER"), 200)
    assert bench.events[-1] == RegistrationOver("t1")
    bench.wait(10_000)
    assert bench.ua.open_transactions == 0
    assert bench.last("REGISTER").cseq == 3


def test_leaving_is_over_though_nobody_answers(bench: Bench) -> None:
    register(bench)
    grant(bench)
    bench.ua.unregister_all(bench.now_s)
    assert bench.ua.open_registrations == 1
    bench.wait(33)
    assert bench.ua.open_registrations == 0
    assert bench.events[-1] == RegistrationOver("t1")


def test_leaving_before_any_answer_stops_the_first_and_takes_it_back(bench: Bench) -> None:
    first = register(bench)
    bench.ua.unregister("t1", bench.now_s)
    grant(bench)
    bench.respond(first, 200)
    assert changes(bench) == []
    assert bench.events[-1] == RegistrationOver("t1")
    assert bench.ua.open_registrations == 0


def test_the_same_account_again_changes_nothing(bench: Bench) -> None:
    register(bench)
    grant(bench)
    register(bench)
    assert len(bench.all("REGISTER")) == 1


def test_a_registrar_that_moved_is_followed(bench: Bench) -> None:
    found = [TRUNK]
    bench.ua.register(ACCOUNT, lambda: tuple(found), bench.now_s)
    grant(bench)
    found[:] = [SECOND]
    bench.ua.register(ACCOUNT, lambda: tuple(found), bench.now_s)
    assert bench.sent[-1][1] == SECOND
    request = bench.last("REGISTER")
    bench.respond(request, 200, contact=request.first("contact"), source=SECOND)
    bench.ua.register(ACCOUNT, lambda: tuple(found), bench.now_s)
    assert len(bench.all("REGISTER")) == 2
    assert changes(bench) == [(True, ""), (True, ""), (True, "")]


def test_rfc_5626_4_5_a_lost_connection_is_a_reason_to_register_again(bench: Bench) -> None:
    register(bench, destinations=(STREAM,))
    waits = []
    for _ in range(8):
        request = bench.last("REGISTER")
        bench.respond(request, 200, contact=request.first("contact"), source=STREAM)
        bench.ua.lose(SECOND, bench.now_s, asked=True)
        bench.ua.lose(STREAM, bench.now_s, asked=True, again=True)
        waits.append(wait_for_register(bench))
    assert 5 <= waits[0] <= 10
    assert 300 <= waits[-1] <= 600  # never later than the refresh that was due
    assert {registered for registered, _ in changes(bench)} == {True}


def test_a_registration_that_leaves_does_not_come_back_with_its_connection(bench: Bench) -> None:
    register(bench, destinations=(STREAM,))
    request = bench.last("REGISTER")
    bench.respond(request, 200, contact=request.first("contact"), source=STREAM)
    bench.ua.unregister("t1", bench.now_s)
    bench.ua.lose(STREAM, bench.now_s, asked=True)
    bench.wait(10_000)
    assert [each.first("expires") for each in bench.all("REGISTER")] == ["600", "0"]


def test_nonces_of_long_ago_are_not_kept(bench: Bench) -> None:
    authorizer = Authorizer(CREDENTIALS, {})
    request = register(bench)
    for number in range(100):
        authorizer.reset()
        challenge = make_response(request, 401, CHALLENGE.format(f"n{number}", "MD5"))
        response = parse(challenge)
        assert isinstance(response, Response)
        response.source = TRUNK[:2]
        assert authorizer.take(response, TRUNK)
        assert "nc=00000001" in authorizer.header("REGISTER", "sip:x", "c", TRUNK.host)
    kept = [getattr(authorizer, name) for name in Authorizer.__slots__]
    assert max(len(each) for each in kept if isinstance(each, dict)) <= 2


def test_another_password_goes_on_under_the_same_call_id(bench: Bench) -> None:
    first = register(bench)
    grant(bench)
    changed = Account("t1", "carrier.example", "user", Credentials("carrier", "user", "new"), 300)
    again = register(bench, changed)
    assert (again.call_id, again.cseq, again.first("expires")) == (first.call_id, 2, "300")


def test_another_record_leaves_the_old_one(bench: Bench) -> None:
    register(bench)
    grant(bench)
    register(bench, Account("t1", "carrier.example", "other", CREDENTIALS, 600))
    leave, enter = bench.all("REGISTER")[1:]
    assert (leave.first("to"), leave.first("expires")) == ("<sip:user@carrier.example>", "0")
    assert (enter.first("to"), enter.first("expires")) == ("<sip:other@carrier.example>", "600")


def test_x7_no_username_becomes_protocol(bench: Bench) -> None:
    hostile = 'u"\r\nX-Evil: 1;<@>'
    request = register(bench, Account("t1", "carrier.example", hostile, CREDENTIALS, 600))
    assert "x-evil" not in request.headers
    assert request.first("to").count("@") == 1
