"""Invariant X6: who guesses waits, who listens learns nothing, and our own passwords stay ours."""

from collections.abc import Callable

import pytest

from engine.domain.specs import Need
from engine.telephony.sip import digest
from engine.telephony.sip.destination import Destination
from engine.telephony.sip.digest import Credentials
from engine.telephony.sip.events import Registered
from engine.telephony.sip.message import Request, Response, parse
from engine.telephony.sip.sdp import Direction
from tests.conformance.sip.test_requests_to_us import CONTACT, PHONE, register, sign
from tests.unit.telephony.sip.harness import ANSWER, TRUNK, Bench

LEG = "a1-0001-00000001"
STRANGER = Destination("203.0.113.9", 5060)
OTHER = Destination("203.0.113.10", 5060)


class Registrant:
    """Whoever tries to register."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.cseq = 0

    def send(self, *headers: str, user: str, source: Destination) -> Response:
        """Send a REGISTER; returns its answer."""
        self.cseq += 1
        self.bench.receive(register(self.cseq, CONTACT, *headers, user=user), source)
        return self.bench.last_response()

    def attempt(
        self, password: str, user: str = "anna", source: Destination = STRANGER
    ) -> Response:
        """Ask for a challenge and answer it."""
        challenged = self.send(user=user, source=source)
        assert challenged.status == 401
        return self.send(sign(challenged, password=password, user=user), user=user, source=source)


@pytest.fixture
def bench() -> Bench:
    return Bench()


@pytest.fixture
def guest(bench: Bench) -> Registrant:
    return Registrant(bench)


def guesses(bench: Bench, guest: Registrant, span_s: float, **who: object) -> int:
    """Guess each second; returns how many guesses were looked at."""
    heard = 0
    for number in range(int(span_s)):
        heard += guest.attempt(f"guess {number}", **who).status == 401  # type: ignore[arg-type]
        bench.wait(1)
    return heard


def test_guesses_at_an_account_are_looked_at_ever_more_rarely(
    bench: Bench, guest: Registrant
) -> None:
    assert guesses(bench, guest, 600) <= 12


def test_guesses_from_many_addresses_at_one_account_are_slowed_too(
    bench: Bench, guest: Registrant
) -> None:
    heard = 0
    for number in range(200):
        source = Destination(f"203.0.113.{number}", 5060)
        heard += guest.attempt(f"guess {number}", source=source).status == 401
        bench.wait(1)
    assert heard <= 11


def test_guesses_from_one_address_at_many_accounts_are_slowed_too(
    bench: Bench, guest: Registrant
) -> None:
    heard = 0
    for number in range(200):
        heard += guest.attempt("guess", user=f"user{number}").status == 401
        bench.wait(1)
    assert heard <= 18


def test_who_waits_is_told_how_long_and_nothing_is_computed(
    bench: Bench, guest: Registrant, monkeypatch: pytest.MonkeyPatch
) -> None:
    while guest.attempt("wrong").status == 401:
        pass
    challenged = guest.send(user="anna", source=STRANGER)
    signed = sign(challenged)
    monkeypatch.setattr(digest, "compute_response", None)
    refused = guest.send(signed, user="anna", source=STRANGER)
    assert refused.status == 503
    assert 1 <= int(refused.first("retry-after")) <= 300
    assert bench.ua.open_transactions == 0


def test_the_wait_hides_whether_the_password_was_right(bench: Bench, guest: Registrant) -> None:
    while guest.attempt("wrong").status == 401:
        pass
    right, wrong = guest.attempt("secret"), guest.attempt("wrong")
    unknown = [guest.attempt("wrong", user="nobody", source=OTHER) for _ in range(5)][-1]
    assert right.status == wrong.status == unknown.status == 503


def test_after_the_wait_the_right_password_is_let_in(bench: Bench, guest: Registrant) -> None:
    while guest.attempt("wrong").status == 401:
        pass
    bench.wait(300)
    assert guest.attempt("secret").status == 200


def test_a_stranger_cannot_lock_a_phone_out(bench: Bench, guest: Registrant) -> None:
    assert guest.attempt("secret", source=PHONE).status == 200
    guesses(bench, guest, 100)
    assert guest.attempt("secret").status == 503
    assert guest.attempt("secret", source=PHONE).status == 200


def test_one_phone_with_a_wrong_password_does_not_stop_its_neighbours() -> None:
    bench = Bench()
    guest = Registrant(bench)
    assert guest.attempt("secret", source=PHONE).status == 200
    for _ in range(100):
        guest.attempt("wrong", user="misconfigured", source=PHONE)
        bench.wait(1)
    assert guest.attempt("secret", source=PHONE).status == 200


def test_the_known_address_of_an_account_is_slowed_for_that_account(
    bench: Bench, guest: Registrant
) -> None:
    assert guest.attempt("secret", source=PHONE).status == 200
    assert guesses(bench, guest, 600, source=PHONE) <= 12


def test_stale_nonces_and_first_requests_are_no_failures(bench: Bench, guest: Registrant) -> None:
    signed = sign(guest.send(user="anna", source=STRANGER))
    assert guest.send(signed, user="anna", source=STRANGER).status == 200
    for _ in range(50):
        assert guest.send(signed, user="anna", source=STRANGER).status == 401
        assert guest.send(user="anna", source=STRANGER).status == 401
    assert guest.attempt("secret").status == 200
    assert len([event for event in bench.events if isinstance(event, Registered)]) == 2


def test_a_user_nobody_knows_costs_as_many_hashes_as_one_with_a_wrong_password(
    guest: Registrant, monkeypatch: pytest.MonkeyPatch
) -> None:
    hashed: list[int] = []

    def count(made: Callable[[bytes], str]) -> Callable[[bytes], str]:
        def make(data: bytes) -> str:
            hashed.append(1)
            return made(data)

        return make

    costs, answers = [], []
    for user in ("anna", "nobody"):
        challenged = guest.send(user=user, source=STRANGER)
        signed = sign(challenged, password="wrong", user=user)
        with monkeypatch.context() as patch:
            patch.setattr(digest, "_HASHES", {k: count(v) for k, v in digest._HASHES.items()})
            hashed.clear()
            answer = guest.send(signed, user=user, source=STRANGER)
        costs.append(len(hashed))
        answers.append((answer.status, set(answer.headers)))
    assert costs[0] == costs[1] > 0
    assert answers[0] == answers[1]


def test_sha_256_is_offered_before_md5(guest: Registrant) -> None:
    offered = guest.send(user="anna", source=STRANGER).every_line("www-authenticate")
    assert [line.partition("algorithm=")[2].split(",")[0] for line in offered] == ["SHA-256", "MD5"]


# --- our own credentials -----------------------------------------------------------------------

CREDENTIALS = Credentials("carrier", "user", "secret")


class Greedy:
    """A far end that challenges every request, each time with another nonce."""

    def __init__(self, bench: Bench, source: Destination = TRUNK, realm: str = "carrier") -> None:
        self.bench = bench
        self.source = source
        self.realm = realm
        self.read = 0
        self.nonces = 0

    def challenge_all(self) -> None:
        """Challenge what was sent since, and what comes of that, for some rounds."""
        for _ in range(20):
            fresh = [octets for octets, _ in self.bench.sent[self.read :]]
            self.read = len(self.bench.sent)
            for octets in fresh:
                if octets.startswith((b"SIP/2.0", b"ACK")):
                    continue
                request = parse(octets)
                assert isinstance(request, Request)
                self.nonces += 1
                value = f'Digest realm="{self.realm}", nonce="n{self.nonces}", qop="auth"'
                name = "WWW-Authenticate" if self.nonces % 2 else "Proxy-Authenticate"
                status = 401 if self.nonces % 2 else 407
                tag = "" if request.to_tag else "far"
                self.bench.respond(request, status, f"{name}: {value}", tag=tag, source=self.source)

    def learned(self) -> list[str]:
        """Return the methods of the requests that carried credentials."""
        return sorted(
            {
                octets.split(b" ", 1)[0].decode()
                for octets, _ in self.bench.sent
                if b"\r\nAuthorization:" in octets or b"\r\nProxy-Authorization:" in octets
            }
        )


def test_a_greedy_far_end_gets_nothing_for_bye_cancel_and_options(bench: Bench) -> None:
    greedy = Greedy(bench)
    bench.call(credentials=CREDENTIALS, session_s=120, reliable=Need.OFFERED)
    bench.respond(bench.last("INVITE"), 200, "Session-Expires: 120;refresher=uac", body=ANSWER)
    greedy.read = len(bench.sent)
    bench.ua.options("t1", "sip:192.0.2.10", TRUNK, bench.now_s)
    greedy.challenge_all()
    bench.ua.hang_up(LEG, bench.now_s)
    greedy.challenge_all()
    assert greedy.learned() == []
    assert len(bench.all("BYE")) == 1
    bench.call("a1-0001-00000002", credentials=CREDENTIALS)
    bench.respond(bench.last("INVITE"), 180)
    bench.ua.hang_up("a1-0001-00000002", bench.now_s)
    greedy.read = len(bench.sent) - 1
    greedy.challenge_all()
    assert greedy.learned() == []


def test_a_greedy_far_end_gets_a_bounded_number_of_answers(bench: Bench) -> None:
    greedy = Greedy(bench)
    bench.call(credentials=CREDENTIALS)
    greedy.challenge_all()
    assert len(bench.all("INVITE")) <= 4
    assert greedy.learned() == ["INVITE"]
    assert bench.ended.status in (401, 407)


def test_a_greedy_far_end_inside_the_dialog_gets_a_bounded_number_of_answers(bench: Bench) -> None:
    greedy = Greedy(bench)
    bench.answered(credentials=CREDENTIALS)
    greedy.read = len(bench.sent)
    bench.ua.offer(LEG, Direction.SENDONLY, bench.now_s)
    greedy.challenge_all()
    assert len(bench.all("INVITE")) <= 5
    assert set(greedy.learned()) == {"INVITE"}


def test_a_foreign_realm_inside_the_dialog_gets_nothing(bench: Bench) -> None:
    greedy = Greedy(bench, realm="elsewhere")
    bench.answered(credentials=CREDENTIALS)
    greedy.read = len(bench.sent)
    bench.ua.offer(LEG, Direction.SENDONLY, bench.now_s)
    greedy.challenge_all()
    assert greedy.learned() == []


def test_a_host_that_the_dialog_led_to_gets_nothing(bench: Bench) -> None:
    greedy = Greedy(bench, source=STRANGER)
    invite = bench.call(credentials=CREDENTIALS)
    challenge = 'Proxy-Authenticate: Digest realm="carrier", nonce="n", qop="auth"'
    bench.respond(invite, 407, challenge)
    bench.respond(bench.last("INVITE"), 200, body=ANSWER, contact="<sip:x@203.0.113.9>")
    before = len(bench.sent) - 1  # the ACK goes there already
    greedy.read = len(bench.sent)
    bench.ua.offer(LEG, Direction.SENDONLY, bench.now_s)
    greedy.challenge_all()
    to_thief = [octets for octets, destination in bench.sent[before:]]
    assert {destination.host for _, destination in bench.sent[before:]} == {STRANGER.host}
    assert all(b"uthorization:" not in octets for octets in to_thief)


def test_13_2_2_4_the_ack_carries_what_its_invite_did(bench: Bench) -> None:
    invite = bench.call(credentials=CREDENTIALS)
    challenge = 'Proxy-Authenticate: Digest realm="carrier", nonce="n", qop="auth"'
    bench.respond(invite, 407, challenge)
    again = bench.last("INVITE")
    bench.respond(again, 200, body=ANSWER)
    assert bench.last("ACK").first("proxy-authorization") == again.first("proxy-authorization")
    assert bench.last("ACK").first("proxy-authorization")
