"""RFC 3262, and what RFC 3311 says of early dialogs: provisional responses that must arrive."""

import pytest

from engine.domain.specs import Need
from engine.telephony.sip.digest import Credentials
from engine.telephony.sip.events import Answered, Ringing
from engine.telephony.sip.message import Request
from tests.unit.telephony.sip.harness import ANSWER, TRUNK, Bench

LEG = "a1-0001-00000001"
RELIABLE = "Require: 100rel"


@pytest.fixture
def bench() -> Bench:
    return Bench()


def rings(bench: Bench) -> list[int]:
    """Return the statuses told as ringing."""
    return [event.status for event in bench.events if isinstance(event, Ringing)]


def progress(bench: Bench, invite: Request, rseq: int, tag: str = "far", **more: object) -> None:
    """Let a reliable 183 come."""
    bench.respond(invite, 183, RELIABLE, f"RSeq: {rseq}", tag=tag, **more)  # type: ignore[arg-type]


def test_3_and_4_what_is_offered_and_required_is_said(bench: Bench) -> None:
    offered = bench.call("a1-0001-00000001", reliable=Need.OFFERED)
    required = bench.call("a1-0001-00000002", reliable=Need.REQUIRED, session_s=90)
    off = bench.call("a1-0001-00000003")
    assert (offered.first("supported"), offered.first("require")) == ("100rel", "")
    assert (required.first("supported"), required.first("require")) == ("timer, 100rel", "100rel")
    assert (off.first("supported"), off.first("require")) == ("", "")


def test_4_each_reliable_response_is_acknowledged_in_its_early_dialog(bench: Bench) -> None:
    invite = bench.call(reliable=Need.OFFERED)
    progress(bench, invite, 41, body=ANSWER)
    first = bench.last("PRACK")
    assert first.first("rack") == "41 1 INVITE"
    assert (first.uri, first.cseq, first.to_tag) == ("sip:far@192.0.2.10:5060", 2, "far")
    bench.respond(first, 200, tag="")
    bench.respond(invite, 180, RELIABLE, "RSeq: 42")
    assert bench.last("PRACK").first("rack") == "42 1 INVITE"
    assert bench.last("PRACK").cseq == 3
    assert rings(bench) == [183, 180]


def test_4_one_again_or_out_of_order_is_not_acknowledged_nor_taken(bench: Bench) -> None:
    invite = bench.call(reliable=Need.OFFERED)
    for rseq in (1, 1, 3):
        progress(bench, invite, rseq)
    assert [prack.headers["rack"][0] for prack in bench.all("PRACK")] == ["1 1 INVITE"]
    assert rings(bench) == [183]
    progress(bench, invite, 2)
    progress(bench, invite, 3)
    assert len(bench.all("PRACK")) == 3


def test_4_each_fork_counts_for_itself(bench: Bench) -> None:
    invite = bench.call(reliable=Need.OFFERED)
    progress(bench, invite, 10, tag="one")
    progress(bench, invite, 70, tag="two")
    progress(bench, invite, 11, tag="one")
    seen = [(each.to_tag, each.headers["rack"][0], each.cseq) for each in bench.all("PRACK")]
    assert seen == [
        ("one", "10 1 INVITE", 2),
        ("two", "70 1 INVITE", 2),
        ("one", "11 1 INVITE", 3),
    ]
    assert len({prack.branch for prack in bench.all("PRACK")}) == 3


def test_a_lost_prack_is_sent_again_and_its_loss_ends_nothing(bench: Bench) -> None:
    invite = bench.call(reliable=Need.OFFERED)
    progress(bench, invite, 1)
    assert bench.times("PRACK", 40)[:3] == [0.5, 1.5, 3.5]
    bench.respond(invite, 200, body=ANSWER)
    assert isinstance(bench.events[-1], Answered)


def test_13_2_2_4_the_ack_has_the_invites_number_and_bye_a_later_one(bench: Bench) -> None:
    invite = bench.call(reliable=Need.OFFERED)
    for rseq in (1, 2):
        progress(bench, invite, rseq)
    bench.respond(invite, 200, body=ANSWER)
    assert bench.last("ACK").cseq == 1
    bench.respond(invite, 200, body=ANSWER)
    assert [ack.cseq for ack in bench.all("ACK")] == [1, 1]
    bench.ua.hang_up(LEG, bench.now_s)
    assert bench.last("BYE").cseq == 4


def test_a_cancel_has_the_invites_number_and_branch(bench: Bench) -> None:
    invite = bench.call(reliable=Need.OFFERED)
    progress(bench, invite, 1)
    bench.ua.hang_up(LEG, bench.now_s)
    cancel = bench.last("CANCEL")
    assert (cancel.cseq, cancel.branch, cancel.uri) == (1, invite.branch, invite.uri)
    assert cancel.to_tag == ""


def test_5_an_answer_that_came_reliably_is_the_answer(bench: Bench) -> None:
    invite = bench.call(reliable=Need.OFFERED)
    progress(bench, invite, 1, body=ANSWER)
    bench.respond(invite, 200)
    answered = bench.events[-1]
    assert isinstance(answered, Answered)
    assert answered.remote.port == 6000


def test_5_what_the_2xx_repeats_changes_nothing(bench: Bench) -> None:
    invite = bench.call(reliable=Need.OFFERED)
    progress(bench, invite, 1, body=ANSWER)
    bench.respond(invite, 200, body=ANSWER.replace(b"6000", b"7000"))
    answered = bench.events[-1]
    assert isinstance(answered, Answered)
    assert answered.remote.port == 6000


def test_the_answer_of_the_fork_that_wins_counts(bench: Bench) -> None:
    invite = bench.call(reliable=Need.OFFERED)
    progress(bench, invite, 1, tag="one", body=ANSWER)
    progress(bench, invite, 1, tag="two", body=ANSWER.replace(b"6000", b"7000"))
    bench.respond(invite, 200, tag="one")
    answered = bench.events[-1]
    assert isinstance(answered, Answered)
    assert answered.remote.port == 6000


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param([], id="not reliable"),
        pytest.param([RELIABLE], id="without RSeq"),
        pytest.param([RELIABLE, "RSeq: one"], id="RSeq no number"),
        pytest.param(["RSeq: 1"], id="not required"),
    ],
)
def test_a_response_that_is_not_reliable_needs_no_prack(bench: Bench, headers: list[str]) -> None:
    bench.respond(bench.call(reliable=Need.OFFERED), 183, *headers)
    assert bench.all("PRACK") == []
    assert rings(bench) == [183]


def test_what_was_not_offered_is_not_acknowledged(bench: Bench) -> None:
    progress(bench, bench.call(), 1)
    assert bench.all("PRACK") == []
    assert rings(bench) == [183]


def test_a_malformed_contact_makes_no_early_dialog(bench: Bench) -> None:
    invite = bench.call(reliable=Need.OFFERED)
    progress(bench, invite, 1, contact="<sip:>")
    assert bench.all("PRACK") == []
    assert bench.ua.counts["bad-early-dialog"] == 1


def test_a_prack_follows_the_route_and_the_contact(bench: Bench) -> None:
    invite = bench.call(reliable=Need.OFFERED)
    bench.respond(
        invite,
        183,
        RELIABLE,
        "RSeq: 1",
        "Record-Route: <sip:192.0.2.20;lr>, <sip:192.0.2.21;lr>",
    )
    prack, destination = bench.sent[-1]
    assert prack.startswith(b"PRACK sip:far@192.0.2.10:5060 ")
    assert b"Route: <sip:192.0.2.21;lr>, <sip:192.0.2.20;lr>\r\n" in prack
    assert destination.host == "192.0.2.21"


def test_a_challenged_prack_is_answered(bench: Bench) -> None:
    invite = bench.call(reliable=Need.OFFERED, credentials=Credentials("carrier", "user", "secret"))
    progress(bench, invite, 1)
    challenge = 'Proxy-Authenticate: Digest realm="carrier", nonce="n1", qop="auth"'
    bench.respond(bench.last("PRACK"), 407, challenge, tag="")
    again = bench.last("PRACK")
    assert (again.first("rack"), again.cseq) == ("1 1 INVITE", 3)
    assert again.first("proxy-authorization")


def test_x6_a_prack_that_leads_elsewhere_takes_no_credentials_along(bench: Bench) -> None:
    invite = bench.call(reliable=Need.OFFERED, credentials=Credentials("carrier", "user", "secret"))
    challenge = 'Proxy-Authenticate: Digest realm="carrier", nonce="n1", qop="auth"'
    bench.respond(invite, 407, challenge)
    again = bench.last("INVITE")
    assert again.first("proxy-authorization")
    progress(bench, again, 1, contact="<sip:thief@198.51.100.9>")
    prack, destination = bench.sent[-1]
    assert destination.host == "198.51.100.9"
    assert b"Authorization" not in prack


def test_420_ends_a_call_that_requires_what_the_far_end_lacks(bench: Bench) -> None:
    bench.respond(bench.call(reliable=Need.REQUIRED), 420, "Unsupported: 100rel")
    assert (bench.ended.why, bench.ended.status) == ("refused", 420)


def test_421_for_what_we_do_not_offer_is_a_refusal(bench: Bench) -> None:
    bench.respond(bench.call(), 421, RELIABLE)
    assert bench.ended.status == 421


# --- RFC 3311 in early dialogs -----------------------------------------------------------------


def test_rfc_3311_5_2_an_early_update_after_the_answer_is_taken(bench: Bench) -> None:
    invite = bench.call(reliable=Need.OFFERED)
    progress(bench, invite, 1, body=ANSWER)
    bench.request(invite, "UPDATE", 1, body=ANSWER.replace(b"6000", b"7000"))
    assert bench.last_response().status == 200
    assert bench.last_response().body.startswith(b"v=0")
    bench.respond(invite, 200)
    answered = bench.events[-1]
    assert isinstance(answered, Answered)
    assert answered.remote.port == 7000


def test_rfc_3311_5_2_an_early_offer_that_crosses_ours_gets_491(bench: Bench) -> None:
    invite = bench.call(reliable=Need.OFFERED)
    bench.respond(invite, 180)
    bench.request(invite, "UPDATE", 1, body=ANSWER)
    assert bench.last_response().status == 491
    bench.request(invite, "UPDATE", 2)
    assert bench.last_response().status == 200


def test_early_requests_keep_their_order_and_bye_is_not_among_them(bench: Bench) -> None:
    invite = bench.call()
    bench.respond(invite, 180)
    bench.request(invite, "UPDATE", 5)
    bench.request(invite, "UPDATE", 4)
    assert bench.last_response().status == 500
    bench.request(invite, "BYE", 6)
    assert bench.last_response().status == 481
    bench.request(invite, "UPDATE", 7, tag="other")
    assert bench.last_response().status == 481
    bench.respond(invite, 200, body=ANSWER)
    bench.request(invite, "UPDATE", 5, branch="late")
    assert bench.last_response().status == 500


def test_an_early_update_that_cannot_be_used_gets_488_and_garbage_400(bench: Bench) -> None:
    invite = bench.call(reliable=Need.OFFERED)
    progress(bench, invite, 1, body=ANSWER)
    bench.request(invite, "UPDATE", 1, body=ANSWER.replace(b"AVP 0 101", b"AVP 96"))
    assert bench.last_response().status == 488
    bench.request(invite, "UPDATE", 2, body=b"no description")
    assert bench.last_response().status == 400


# --- as the server -----------------------------------------------------------------------------


def test_3_a_call_to_us_that_requires_100rel_gets_420() -> None:
    bench = Bench(screen=200)
    octets = bench.incoming()
    before = len(bench.events)
    bench.receive(
        octets.replace(b"in1", b"in2")
        .replace(b"inbound@", b"second@")
        .replace(b"Max-Forwards: 70", b"Max-Forwards: 70\r\nRequire: 100rel, timer"),
        TRUNK,
    )
    assert (bench.last_response().status, bench.last_response().first("unsupported")) == (
        420,
        "100rel",
    )
    assert len(bench.events) == before


def test_p8_a_stranger_is_told_nothing_of_extensions() -> None:
    bench = Bench(screen=403)
    octets = bench.incoming()
    bench.receive(
        octets.replace(b"in1", b"in2").replace(
            b"Max-Forwards: 70", b"Require: x\r\nMax-Forwards: 7"
        )
    )
    assert bench.last_response().status == 403


def test_3_a_prack_for_nothing_of_ours_gets_481(bench: Bench) -> None:
    invite = bench.answered()
    bench.request(invite, "PRACK", 1, "RAck: 1 1 INVITE")
    assert bench.last_response().status == 481


def test_3_a_reinvite_may_require_what_it_will_not_see(bench: Bench) -> None:
    invite = bench.answered()
    bench.request(invite, "INVITE", 1, "Require: 100rel, timer", body=ANSWER)
    assert bench.last_response().status == 200
