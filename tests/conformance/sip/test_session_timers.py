"""RFC 4028: sessions that are refreshed by one end, and that end when nobody does."""

import pytest

from engine.telephony.sip.digest import Credentials
from engine.telephony.sip.events import Answered, Ended, MediaChanged, ReofferRefused
from engine.telephony.sip.message import Request
from engine.telephony.sip.sdp import Direction
from tests.unit.telephony.sip.harness import ANSWER, MEDIA, TRUNK, Bench

LEG = "a1-0001-00000001"
ALLOW = "Allow: INVITE, ACK, BYE, CANCEL, UPDATE"
OURS = "Session-Expires: 120;refresher=uac"
THEIRS = "Session-Expires: 120;refresher=uas"


@pytest.fixture
def bench() -> Bench:
    return Bench()


def up(
    bench: Bench, *headers: str, session_s: int = 120, credentials: Credentials | None = None
) -> Request:
    """Let a call be answered with some headers; returns its INVITE."""
    invite = bench.call(session_s=session_s, credentials=credentials)
    bench.respond(invite, 200, *headers, body=ANSWER)
    return invite


def agree(bench: Bench, request: Request, *headers: str, body: bytes = b"") -> None:
    """Let the far end answer a request in the dialog."""
    bench.respond(request, 200, *headers, tag="", body=body)


def test_7_1_an_invite_says_the_interval_it_wishes(bench: Bench) -> None:
    invite = bench.call(session_s=1800)
    assert invite.first("session-expires") == "1800"
    assert invite.first("min-se") == "90"
    assert invite.first("supported") == "timer"


def test_without_an_interval_nothing_is_said_of_it(bench: Bench) -> None:
    invite = bench.call()
    assert "session-expires" not in invite.headers
    assert "timer" not in invite.first("supported")


def test_7_3_a_422_is_answered_by_a_longer_interval(bench: Bench) -> None:
    invite = bench.call(session_s=90)
    bench.respond(invite, 422, "Min-SE: 600")
    again = bench.last("INVITE")
    assert again.first("session-expires") == again.first("min-se") == "600"
    assert (again.call_id, again.cseq) == (invite.call_id, invite.cseq + 1)
    assert again.branch != invite.branch


@pytest.mark.parametrize("minimum", ["", "Min-SE: 90", "Min-SE: soon", "Min-SE: 4000000000"])
def test_7_3_a_422_that_helps_nothing_is_a_refusal(bench: Bench, minimum: str) -> None:
    bench.respond(bench.call(session_s=90), 422, *([minimum] if minimum else []))
    assert (bench.ended.why, bench.ended.status) == ("refused", 422)


def test_7_3_ever_more_422_end_the_call(bench: Bench) -> None:
    bench.call(session_s=90)
    for minimum in (200, 300, 400, 500):
        bench.respond(bench.last("INVITE"), 422, f"Min-SE: {minimum}")
    assert len(bench.all("INVITE")) == 3
    assert bench.ended.status == 422


def test_10_we_refresh_by_update_at_half_the_interval(bench: Bench) -> None:
    up(bench, OURS, ALLOW)
    bench.wait(59)
    assert bench.all("UPDATE") == []
    bench.wait(1)
    update = bench.last("UPDATE")
    assert update.first("session-expires") == "120;refresher=uac"
    assert update.first("supported") == "timer"
    assert update.body == b""
    agree(bench, update, OURS)
    bench.wait(59)
    assert len(bench.all("UPDATE")) == 1
    bench.wait(1)
    assert len(bench.all("UPDATE")) == 2


def test_7_4_we_refresh_by_the_same_offer_where_update_is_unknown(bench: Bench) -> None:
    first = up(bench, OURS)
    bench.wait(60)
    again = bench.last("INVITE")
    assert again.first("session-expires") == "120;refresher=uac"
    assert again.body == first.body
    agree(bench, again, OURS, body=ANSWER)
    assert bench.last("ACK").cseq == again.cseq
    assert not [event for event in bench.events if isinstance(event, MediaChanged)]
    bench.wait(60)
    assert len(bench.all("INVITE")) == 3


def test_12_2_1_2_a_refresh_answered_without_words_still_moves_the_far_end(bench: Bench) -> None:
    up(bench, OURS)
    bench.wait(61)
    moved = "<sip:elsewhere@192.0.2.10:5099>"
    bench.respond(bench.last("INVITE"), 200, OURS, tag="", contact=moved)
    bench.ua.hang_up(LEG, bench.now_s)
    assert bench.last("BYE").uri == "sip:elsewhere@192.0.2.10:5099"


@pytest.mark.parametrize("status", [405, 501])
def test_an_update_that_is_refused_as_unknown_becomes_a_reinvite(bench: Bench, status: int) -> None:
    up(bench, OURS, ALLOW)
    bench.wait(60)
    bench.respond(bench.last("UPDATE"), status, tag="")
    assert bench.last("INVITE").first("session-expires") == "120;refresher=uac"


def test_10_a_refresh_refused_is_tried_again_and_then_the_session_ends(bench: Bench) -> None:
    up(bench, OURS, ALLOW)
    bench.wait(60.5)
    tries = 0
    while bench.all("UPDATE")[tries:] and not bench.all("BYE"):
        bench.respond(bench.last("UPDATE"), 500, tag="")
        tries += 1
        bench.wait(4.5)
    assert tries > 2
    assert bench.now_s <= 1000 + 120 - 32 + 4.5
    assert bench.last("BYE").first("reason").startswith("Q.850;cause=102")
    assert bench.ended.why == "timed-out"


@pytest.mark.parametrize("status", [408, 481])
def test_10_a_refresh_that_finds_no_dialog_ends_ours(bench: Bench, status: int) -> None:
    up(bench, OURS, ALLOW)
    bench.wait(60)
    bench.respond(bench.last("UPDATE"), status, tag="")
    assert len(bench.all("BYE")) == 1


def test_10_a_refresh_never_answered_ends_the_session(bench: Bench) -> None:
    up(bench, OURS, ALLOW)
    assert bench.times("BYE", 100)[0] == 88.0
    assert bench.ended.why == "timed-out"


def test_7_4_a_422_to_a_refresh_lengthens_the_interval(bench: Bench) -> None:
    up(bench, OURS, ALLOW)
    bench.wait(60)
    bench.respond(bench.last("UPDATE"), 422, "Min-SE: 300", tag="")
    again = bench.last("UPDATE")
    assert again.first("session-expires") == "300;refresher=uac"
    assert again.first("min-se") == "300"


def test_10_who_waits_for_a_refresh_ends_the_session_32_s_before_its_end(bench: Bench) -> None:
    up(bench, THEIRS)
    assert bench.times("BYE", 200)[0] == 88.0
    assert bench.all("UPDATE") == []


def test_10_a_short_session_ends_by_a_third_before_its_end(bench: Bench) -> None:
    up(bench, "Session-Expires: 90;refresher=uas", session_s=90)
    assert bench.times("BYE", 100)[0] == 60.0


def test_9_their_update_refreshes_and_is_told_the_terms(bench: Bench) -> None:
    invite = up(bench, THEIRS)
    for number in range(1, 4):
        bench.wait(60)
        bench.request(invite, "UPDATE", number, "Supported: timer", OURS)
        answer = bench.last_response()
        assert (answer.status, answer.first("session-expires")) == (200, OURS[17:])
        assert answer.first("require") == "timer"
    assert bench.all("BYE") == []


def test_9_their_reinvite_refreshes_too(bench: Bench) -> None:
    invite = up(bench, THEIRS)
    bench.wait(60)
    bench.request(invite, "INVITE", 1, "Supported: timer", OURS, body=ANSWER)
    assert bench.last_response().first("session-expires") == OURS[17:]
    bench.request(invite, "ACK", 1, branch="ack")
    bench.wait(60)
    assert bench.all("BYE") == []


@pytest.mark.parametrize(
    ("headers", "said", "requires"),
    [
        pytest.param(["Session-Expires: 120"], "120;refresher=uas", "", id="no support, none"),
        pytest.param(
            ["Supported: timer", "Session-Expires: 120"], "120;refresher=uac", "timer", id="none"
        ),
        pytest.param(["Supported: timer", OURS], "120;refresher=uac", "timer", id="uac"),
        pytest.param(["Supported: timer", THEIRS], "120;refresher=uas", "timer", id="uas"),
        pytest.param([], "120;refresher=uas", "", id="no word of it keeps the interval, by us"),
        pytest.param(["k: timer", "x: 200"], "200;refresher=uac", "timer", id="compact forms"),
    ],
)
def test_9_table_2_says_who_refreshes(
    bench: Bench, headers: list[str], said: str, requires: str
) -> None:
    invite = up(bench, THEIRS)
    bench.request(invite, "UPDATE", 1, *headers)
    answer = bench.last_response()
    assert (answer.first("session-expires"), answer.first("require")) == (said, requires)


def test_9_we_refresh_when_we_said_that_we_do(bench: Bench) -> None:
    invite = up(bench, THEIRS, ALLOW)
    bench.request(invite, "UPDATE", 1, "Supported: timer", THEIRS)
    bench.wait(60)
    assert bench.last("UPDATE").first("session-expires") == "120;refresher=uac"


def test_9_an_interval_too_brief_gets_422(bench: Bench) -> None:
    invite = up(bench, THEIRS)
    bench.request(invite, "UPDATE", 1, "Supported: timer", "Session-Expires: 60")
    answer = bench.last_response()
    assert (answer.status, answer.first("min-se")) == (422, "90")


def test_9_who_knows_no_session_timer_gets_no_422(bench: Bench) -> None:
    invite = up(bench, THEIRS)
    bench.request(invite, "UPDATE", 1, "Session-Expires: 60")
    assert bench.last_response().status == 200


def test_a_malformed_interval_is_a_bad_request_and_in_an_answer_passed_over(bench: Bench) -> None:
    invite = up(bench, "Session-Expires: soon")
    assert isinstance(bench.events[-1], Answered)
    bench.request(invite, "UPDATE", 1, "Supported: timer", "Session-Expires: soon")
    assert bench.last_response().status == 400
    bench.wait(1000)
    assert bench.all("BYE") == []


def test_7_2_an_answer_without_an_interval_has_none(bench: Bench) -> None:
    up(bench, ALLOW)
    bench.wait(10_000)
    assert bench.all("UPDATE") == bench.all("BYE") == []


def test_an_interval_nobody_asked_for_is_kept_all_the_same(bench: Bench) -> None:
    up(bench, OURS, ALLOW, session_s=0)
    bench.wait(60)
    assert len(bench.all("UPDATE")) == 1


def test_a_hold_refreshes_as_well(bench: Bench) -> None:
    up(bench, OURS, ALLOW)
    bench.wait(50)
    bench.ua.offer(LEG, Direction.SENDONLY, bench.now_s)
    hold = bench.last("INVITE")
    assert hold.first("session-expires") == "120;refresher=uac"
    agree(bench, hold, OURS, body=ANSWER)
    bench.wait(59)
    assert bench.all("UPDATE") == []


def test_an_interval_may_begin_with_a_hold(bench: Bench) -> None:
    up(bench, session_s=0)
    bench.ua.offer(LEG, Direction.SENDONLY, bench.now_s)
    agree(bench, bench.last("INVITE"), OURS, ALLOW, body=ANSWER)
    bench.wait(60)
    assert len(bench.all("UPDATE")) == 1


def test_c2_a_later_life_says_goodbye_beyond_all_refreshes(bench: Bench) -> None:
    up(bench, OURS, ALLOW)
    state = bench.ua.dialog_state(LEG)  # as stored when it was answered
    for _ in range(30):
        bench.wait(60)
        agree(bench, bench.last("UPDATE"), OURS)
    later = Bench(life="2")
    later.ua.end_old_leg(LEG, state, "", TRUNK, later.now_s)
    bye = later.last("BYE")
    assert bye.cseq > bench.last("UPDATE").cseq
    assert bye.branch not in {each.branch for each in bench.all("UPDATE")}
    assert bye.first("reason").startswith("Q.850;cause=41")


def test_a_refresh_that_meets_a_refused_hold_is_made_later(bench: Bench) -> None:
    up(bench, OURS)
    bench.wait(59.9)
    bench.ua.offer(LEG, Direction.SENDONLY, bench.now_s)
    bench.wait(0.2)
    bench.respond(bench.last("INVITE"), 488, tag="")
    assert isinstance(bench.events[-1], ReofferRefused)
    bench.wait(4.1)
    again = bench.last("INVITE")
    assert b"a=sendrecv" in again.body
    assert again.first("session-expires") == "120;refresher=uac"


def test_a_wish_during_an_offer_is_offered_after_it(bench: Bench) -> None:
    up(bench)
    bench.ua.offer(LEG, Direction.SENDONLY, bench.now_s)
    hold = bench.last("INVITE")
    bench.ua.offer(LEG, Direction.SENDRECV, bench.now_s)
    agree(bench, hold, body=ANSWER)
    resumed = bench.last("INVITE")
    assert resumed is not hold
    assert b"a=sendrecv" in resumed.body


def test_a_challenged_refresh_is_answered_with_credentials(bench: Bench) -> None:
    challenge = 'Proxy-Authenticate: Digest realm="carrier", nonce="n1", qop="auth"'
    up(bench, OURS, ALLOW, credentials=Credentials("carrier", "user", "secret"))
    bench.wait(60)
    bench.respond(bench.last("UPDATE"), 407, challenge, tag="")
    assert 'uri="sip:far@192.0.2.10:5060"' in bench.last("UPDATE").first("proxy-authorization")
    bench.respond(bench.last("UPDATE"), 407, challenge, tag="")
    assert len(bench.all("UPDATE")) == 2


def test_a_call_that_comes_in_with_an_interval_is_watched() -> None:
    bench = Bench(screen=200)
    octets = bench.incoming()
    bench.receive(  # another call, with an interval
        octets.replace(b"in1", b"in2")
        .replace(b"inbound@", b"second@")
        .replace(
            b"Max-Forwards: 70", b"Supported: timer\r\nSession-Expires: 120\r\nMax-Forwards: 1"
        )
    )
    leg_id = bench.events[-1].leg_id  # type: ignore[union-attr]
    assert bench.ua.answer(leg_id, MEDIA, bench.now_s)
    answer = bench.last_response()
    assert answer.first("session-expires") == "120;refresher=uac"
    ack = (
        octets.split(b"\r\n\r\n")[0]
        .replace(b"INVITE", b"ACK")
        .replace(b"in1", b"in3")
        .replace(b"inbound@", b"second@")
        .replace(b"To: <sip:anna@192.0.2.1>", f"To: {answer.headers['to'][0]}".encode())
    )
    lines = [line for line in ack.split(b"\r\n") if not line.startswith(b"Content")]
    bench.receive(b"\r\n".join(lines) + b"\r\nContent-Length: 0\r\n\r\n")
    assert isinstance(bench.events[-1], Answered)
    assert bench.times("BYE", 100)[0] == 88.0
    assert isinstance(bench.events[-1], Ended)


def test_c2_what_ended_leaves_no_timer_behind(bench: Bench) -> None:
    up(bench, OURS, ALLOW)
    bench.ua.hang_up(LEG, bench.now_s)
    bench.respond(bench.last("BYE"), 200, tag="")
    bench.wait(500)
    assert bench.ua.open_legs == bench.ua.open_transactions == 0
    assert bench.all("UPDATE") == []
