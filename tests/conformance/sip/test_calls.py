"""Outgoing calls and their dialogs, clause by clause (RFC 3261 §9, §12, §13, §14, §15, §22)."""

import pytest

from engine.telephony.sip.destination import Destination
from engine.telephony.sip.digest import Credentials
from engine.telephony.sip.events import (
    Answered,
    DigitPressed,
    Ended,
    MediaChanged,
    ReofferRefused,
    Ringing,
    Trying,
)
from engine.telephony.sip.message import Request
from engine.telephony.sip.sdp import Direction
from engine.telephony.sip.sdp import parse as parse_sdp
from tests.unit.telephony.sip.harness import ANSWER, TRUNK, Bench

LEG = "a1-0001-00000001"
CREDENTIALS = Credentials("carrier", "user", "secret")
CHALLENGE = 'Proxy-Authenticate: Digest realm="carrier", nonce="n1", qop="auth", algorithm=MD5'


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_names_of_an_invite_are_known_before_it_is_sent(bench: Bench) -> None:
    names = bench.ua.identify(LEG)
    invite = bench.call()
    assert (invite.call_id, invite.branch, invite.from_tag) == (
        names.call_id,
        names.branch(0),
        names.tag,
    )
    assert Bench(life="2").ua.identify(LEG) == names


def test_a_call_is_told_from_trying_to_its_end(bench: Bench) -> None:
    invite = bench.call()
    bench.respond(invite, 100, contact="")
    bench.respond(invite, 180)
    bench.respond(invite, 200, body=ANSWER)
    bench.ua.hang_up(LEG, bench.now_s, "Q.850;cause=16")
    bye = bench.last("BYE")
    bench.respond(bye, 200)
    assert [type(event) for event in bench.events] == [Trying, Ringing, Answered, Ended]
    assert bench.ended.why == "released"
    assert bye.first("reason") == "Q.850;cause=16"
    assert bench.ua.open_legs == 0


def test_x7_no_name_becomes_protocol(bench: Bench) -> None:
    name = 'Eve" <sip:evil@x>;tag=1\r\nX-Injected: yes\r\n\r\nINVITE \0'
    invite = bench.call(caller_name=name)
    assert "x-injected" not in invite.headers
    assert invite.from_tag == bench.ua.identify(LEG).tag
    assert invite.headers["from"][0].endswith(f"<sip:+14155550199@192.0.2.1>;tag={invite.from_tag}")


@pytest.mark.parametrize("status", [404, 486, 500, 603])
def test_13_2_2_3_a_refusal_ends_the_leg_with_its_status(bench: Bench, status: int) -> None:
    bench.respond(bench.call(), status, 'Reason: Q.850;cause=17;text="User busy"')
    ended = bench.ended
    assert (ended.why, ended.status, ended.q850, ended.reason) == (
        "refused",
        status,
        17,
        "User busy",
    )


def test_20_33_retry_after_is_told(bench: Bench) -> None:
    bench.respond(bench.call(), 503, "Retry-After: 18000;duration=3600")
    assert bench.ended.retry_after_s == 18000.0


def test_21_3_a_redirect_is_never_followed(bench: Bench) -> None:
    bench.respond(bench.call(), 302, contact="<sip:premium@198.51.100.1>")
    assert (len(bench.all("INVITE")), bench.ended.status) == (1, 302)


def test_13_2_2_1_early_media_is_told_with_183(bench: Bench) -> None:
    bench.respond(bench.call(), 183, body=ANSWER)
    event = bench.events[-1]
    assert isinstance(event, Ringing)
    assert event.remote is not None
    assert (event.status, event.remote.port) == (183, 6000)


def test_9_1_cancel_waits_for_a_provisional_response(bench: Bench) -> None:
    invite = bench.call()
    bench.ua.hang_up(LEG, bench.now_s)
    assert bench.all("CANCEL") == []
    bench.respond(invite, 100, contact="")
    cancel = bench.last("CANCEL")
    assert (cancel.branch, cancel.cseq, cancel.uri) == (invite.branch, 1, invite.uri)
    assert cancel.headers["to"] == invite.headers["to"]
    bench.respond(cancel, 200)
    assert [type(event) for event in bench.events] == []
    bench.respond(invite, 487)
    assert (bench.ended.why, bench.ended.status) == ("cancelled", 487)
    assert len(bench.all("ACK")) == 1


def test_9_1_a_cancel_never_answered_gives_up_after_64_t1(bench: Bench) -> None:
    invite = bench.call()
    bench.respond(invite, 180)
    bench.ua.hang_up(LEG, bench.now_s)
    bench.respond(bench.last("CANCEL"), 200)
    bench.wait(31.9)
    assert not [event for event in bench.events if isinstance(event, Ended)]
    bench.wait(0.2)
    assert bench.ended.why == "cancelled"
    assert bench.ua.open_transactions == bench.ua.open_legs == 0
    bench.respond(invite, 200, body=ANSWER)
    assert (len(bench.all("ACK")), len(bench.all("BYE"))) == (1, 1)


def test_d10_a_call_that_nobody_answers_is_cancelled_in_time(bench: Bench) -> None:
    invite = bench.call(ring_s=15.0)
    bench.respond(invite, 100, contact="")
    assert bench.times("CANCEL", 16)[:1] == [15.0]
    answered = Bench()
    answered.respond(answered.call(ring_s=15.0), 200, body=ANSWER)
    answered.wait(100)
    assert answered.ua.open_legs == 1


def test_15_an_answer_that_crosses_the_cancel_gets_ack_and_bye(bench: Bench) -> None:
    invite = bench.call()
    bench.respond(invite, 180)
    bench.ua.hang_up(LEG, bench.now_s)
    bench.respond(invite, 200, body=ANSWER)
    assert (len(bench.all("ACK")), len(bench.all("BYE"))) == (1, 1)
    assert bench.ended.why == "crossed"
    bench.respond(bench.last("BYE"), 200)
    assert bench.ua.open_legs == 0


def test_13_2_2_4_of_forked_answers_the_first_wins_and_others_get_ack_and_bye(bench: Bench) -> None:
    invite = bench.answered()
    for _ in range(2):
        bench.respond(invite, 200, tag="fork", contact="<sip:f@192.0.2.11:5070>", body=ANSWER)
    strays = [each for each in bench.all("ACK") if each.to_tag == "fork"]
    assert len(strays) == 2
    (bye,) = bench.all("BYE")
    assert (bye.to_tag, bye.cseq) == ("fork", 101)  # beyond any PRACK that was sent in it
    assert bench.sent[-2][1] == Destination("192.0.2.11", 5070)
    assert bench.ua.open_legs == 1
    assert not [event for event in bench.events if isinstance(event, Ended)]


def test_12_1_2_and_12_2_1_1_a_loose_route_set_is_reversed_and_followed(bench: Bench) -> None:
    invite = bench.call()
    routes = "Record-Route: <sip:192.0.2.31;lr>, <sip:192.0.2.32:5070;lr>"
    bench.respond(invite, 200, routes, body=ANSWER, contact="<sip:far@198.51.100.9>")
    ack = bench.last("ACK")
    assert ack.every("route") == ["<sip:192.0.2.32:5070;lr>", "<sip:192.0.2.31;lr>"]
    assert ack.uri == "sip:far@198.51.100.9"
    assert bench.sent[-1][1] == Destination("192.0.2.32", 5070)


def test_12_2_1_1_a_strict_router_takes_the_request_uri(bench: Bench) -> None:
    bench.respond(bench.call(), 200, "Record-Route: <sip:192.0.2.31>", body=ANSWER)
    ack = bench.last("ACK")
    assert ack.uri == "sip:192.0.2.31"
    assert ack.every("route") == ["<sip:far@192.0.2.10:5060>"]


def test_a_phone_behind_nat_is_spoken_to_where_it_was_called(bench: Bench) -> None:
    bench.respond(bench.call(pinned=True), 200, body=ANSWER, contact="<sip:far@10.0.0.7:5060>")
    assert bench.sent[-1][1] == TRUNK
    assert bench.last("ACK").uri == "sip:far@10.0.0.7:5060"


def test_15_1_2_a_bye_ends_the_leg(bench: Bench) -> None:
    invite = bench.answered()
    bench.request(invite, "BYE", 1, 'Reason: Q.850;cause=16;text="Normal"')
    assert (bench.ended.why, bench.ended.q850) == ("hung-up", 16)
    assert len(bench.all("200")) == 1
    assert bench.ua.open_legs == 0


def test_15_1_2_byes_that_cross_are_both_answered(bench: Bench) -> None:
    invite = bench.answered()
    bench.ua.hang_up(LEG, bench.now_s)
    bench.request(invite, "BYE", 1)
    assert len(bench.all("200")) == 1
    assert bench.ended.why == "released"


def test_12_2_2_a_request_with_a_wrong_tag_belongs_to_no_dialog(bench: Bench) -> None:
    invite = bench.answered()
    bench.request(invite, "BYE", 1, tag="forged")
    assert len(bench.all("481")) == 1
    assert bench.ua.open_legs == 1


def test_12_2_2_a_request_out_of_order_gets_500(bench: Bench) -> None:
    invite = bench.answered()
    bench.request(invite, "INFO", 5)
    bench.request(invite, "BYE", 4)
    assert len(bench.all("500")) == 1
    assert bench.ua.open_legs == 1


def test_8_1_1_a_broken_answer_is_acknowledged_and_ended(bench: Bench) -> None:
    bench.respond(bench.call(), 200, body=ANSWER.replace(b"RTP/AVP 0 101", b"RTP/AVP 18"))
    assert (len(bench.all("ACK")), len(bench.all("BYE"))) == (1, 1)
    assert bench.ended.why == "broken"


def test_12_1_2_a_malformed_contact_in_an_answer_is_ended_where_it_came_from(bench: Bench) -> None:
    bench.respond(bench.call(), 200, body=ANSWER, contact="<garbage>")
    assert (len(bench.all("ACK")), len(bench.all("BYE"))) == (1, 1)
    assert bench.sent[-1][1] == TRUNK


# --- credentials -------------------------------------------------------------------------------


def test_22_3_a_challenge_of_the_realm_is_answered_by_a_new_invite(bench: Bench) -> None:
    invite = bench.call(credentials=CREDENTIALS)
    bench.respond(invite, 407, CHALLENGE)
    again = bench.last("INVITE")
    assert (again.cseq, again.call_id, again.from_tag) == (2, invite.call_id, invite.from_tag)
    assert again.branch == bench.ua.identify(LEG).branch(1)
    assert 'username="user"' in again.first("proxy-authorization")
    assert bench.asked == [LEG, LEG]
    bench.respond(again, 200, body=ANSWER)
    assert isinstance(bench.events[-1], Answered)
    assert bench.last("ACK").cseq == 2


def test_a_closed_gate_holds_back_the_answer_to_a_challenge(bench: Bench) -> None:
    invite = bench.call(credentials=CREDENTIALS)
    bench.gate = False
    bench.respond(invite, 407, CHALLENGE)
    assert len(bench.all("INVITE")) == 1
    assert bench.ended.why == "gate-closed"


def test_a_closed_gate_holds_back_the_first_invite_and_its_repetition() -> None:
    closed = Bench()
    closed.gate = False
    closed.ua.invite(make_call(closed), closed.now_s)
    assert closed.sent == []
    assert closed.ended.why == "gate-closed"
    bench = Bench()
    bench.call()
    bench.gate = False
    assert bench.times("INVITE", 40) == []
    assert bench.ended.why == "timed-out"


def make_call(bench: Bench):  # type: ignore[no-untyped-def]
    from engine.telephony.sip.outgoing_call import OutgoingCall
    from tests.unit.telephony.sip.harness import MEDIA

    return OutgoingCall(LEG, "sip:1@192.0.2.10", "sip:2@192.0.2.1", TRUNK, MEDIA)


@pytest.mark.parametrize(
    ("challenge", "source"),
    [
        pytest.param(CHALLENGE.replace("carrier", "other"), TRUNK, id="foreign realm"),
        pytest.param(CHALLENGE, Destination("198.51.100.1", 5060), id="another host"),
    ],
)
def test_x6_credentials_go_nowhere_else(bench: Bench, challenge: str, source: Destination) -> None:
    bench.respond(bench.call(credentials=CREDENTIALS), 407, challenge, source=source)
    assert len(bench.all("INVITE")) == 1
    assert bench.ended.status == 407


def test_22_1_a_second_refusal_of_the_same_credentials_is_final(bench: Bench) -> None:
    bench.respond(bench.call(credentials=CREDENTIALS), 407, CHALLENGE)
    bench.respond(bench.last("INVITE"), 407, CHALLENGE.replace("n1", "n2"))
    assert len(bench.all("INVITE")) == 2
    assert bench.ended.status == 407


def test_22_1_a_stale_nonce_is_answered_once_more(bench: Bench) -> None:
    bench.respond(bench.call(credentials=CREDENTIALS), 407, CHALLENGE)
    bench.respond(bench.last("INVITE"), 407, CHALLENGE.replace("n1", "n2") + ", stale=true")
    assert len(bench.all("INVITE")) == 3


def test_a_realm_left_open_is_the_first_one_met(bench: Bench) -> None:
    open_realm = Credentials("", "user", "secret")
    bench.respond(bench.call(credentials=open_realm), 407, CHALLENGE)
    bench.respond(bench.last("INVITE"), 486)
    other = bench.call("a1-0001-00000002", credentials=open_realm)
    bench.respond(other, 407, CHALLENGE.replace("carrier", "evil"))
    assert len(bench.all("INVITE")) == 3 - 0
    assert bench.all("INVITE")[-1].call_id == other.call_id


def test_x6_a_challenge_to_a_bye_is_not_answered(bench: Bench) -> None:
    bench.respond(bench.call(credentials=CREDENTIALS), 407, CHALLENGE)
    bench.respond(bench.last("INVITE"), 200, body=ANSWER)
    bench.ua.hang_up(LEG, bench.now_s)
    bye = bench.last("BYE")
    bench.respond(bye, 407, CHALLENGE.replace("n1", "n9"))
    assert len(bench.all("BYE")) == 1
    assert "proxy-authorization" not in bye.headers
    assert bench.ua.open_legs == 0


# --- failover ----------------------------------------------------------------------------------


def test_rfc_3263_4_3_503_and_silence_go_to_the_next_address(bench: Bench) -> None:
    second, third = Destination("192.0.2.11", 5060), Destination("192.0.2.12", 5060)
    invite = bench.call(alternatives=(second, third))
    bench.respond(invite, 503)
    assert bench.sent[-1][1] == second
    bench.wait(33)
    last = bench.last("INVITE")
    assert bench.sent[-1][1] == third
    assert last.call_id == invite.call_id
    assert len({each.branch for each in bench.all("INVITE")}) == 3
    bench.respond(last, 503)
    assert bench.ended.status == 503


# --- offers inside the dialog ------------------------------------------------------------------


def test_rfc_3264_8_4_we_hold_and_resume(bench: Bench) -> None:
    bench.answered()
    for direction in (Direction.SENDONLY, Direction.SENDRECV):
        bench.ua.offer(LEG, direction, bench.now_s)
        again = bench.last("INVITE")
        assert parse_sdp(again.body).direction is direction
        assert again.to_tag == "far"
        bench.respond(again, 200, body=ANSWER)
        assert isinstance(bench.events[-1], MediaChanged)
        assert bench.last("ACK").cseq == again.cseq


def test_rfc_3264_6_1_their_hold_is_answered_in_kind(bench: Bench) -> None:
    invite = bench.answered()
    bench.request(invite, "INVITE", 1, body=ANSWER + b"a=sendonly\r\n")
    answer = bench.last_response()
    assert parse_sdp(answer.body).direction is Direction.RECVONLY
    event = bench.events[-1]
    assert isinstance(event, MediaChanged)
    assert event.remote.held
    assert bench.times("200", 2) == [0.5, 1.5]
    bench.request(invite, "ACK", 1, branch="ack")
    assert bench.times("200", 20) == []


def test_14_2_a_2xx_to_a_reinvite_never_acknowledged_ends_the_leg(bench: Bench) -> None:
    invite = bench.answered()
    bench.request(invite, "INVITE", 1, body=ANSWER)
    bench.wait(33)
    assert len(bench.all("BYE")) >= 1
    assert bench.ended.why == "timed-out"


def test_14_2_their_offer_during_ours_gets_491(bench: Bench) -> None:
    invite = bench.answered()
    bench.ua.offer(LEG, Direction.SENDONLY, bench.now_s)
    bench.request(invite, "INVITE", 1, body=ANSWER)
    assert len(bench.all("491")) == 1


def test_14_2_their_second_offer_before_the_ack_gets_500(bench: Bench) -> None:
    invite = bench.answered()
    bench.request(invite, "INVITE", 1, body=ANSWER)
    bench.request(invite, "INVITE", 2, body=ANSWER)
    (refused,) = bench.all("500")
    assert 0 <= int(refused.first("retry-after")) <= 10


def test_14_1_ours_is_offered_again_after_glare(bench: Bench) -> None:
    bench.answered()
    bench.ua.offer(LEG, Direction.SENDONLY, bench.now_s)
    first = bench.last("INVITE")
    bench.respond(first, 491)
    (when_s,) = set(bench.times("INVITE", 4.0)[:1])
    assert 2.1 <= when_s <= 4.0
    again = bench.last("INVITE")
    assert again.cseq > first.cseq
    bench.respond(again, 200, body=ANSWER)
    assert isinstance(bench.events[-1], MediaChanged)


def test_14_1_a_refused_offer_changes_nothing(bench: Bench) -> None:
    bench.answered()
    bench.ua.offer(LEG, Direction.SENDONLY, bench.now_s)
    bench.respond(bench.last("INVITE"), 488)
    assert bench.events[-1] == ReofferRefused(LEG, 488)
    assert bench.ua.open_legs == 1


@pytest.mark.parametrize("status", [408, 481])
def test_12_2_1_2_a_dialog_unknown_to_the_far_end_is_left(bench: Bench, status: int) -> None:
    bench.answered()
    bench.ua.offer(LEG, Direction.SENDONLY, bench.now_s)
    bench.respond(bench.last("INVITE"), status)
    assert len(bench.all("BYE")) == 1
    assert bench.ended.status == status


def test_14_2_an_unusable_offer_gets_488_and_the_session_stays(bench: Bench) -> None:
    invite = bench.answered()
    bench.request(invite, "INVITE", 1, body=ANSWER.replace(b"0 101", b"18"))
    assert len(bench.all("488")) == 1
    assert not [event for event in bench.events if isinstance(event, MediaChanged)]


def test_12_2_2_a_reinvite_moves_the_remote_target(bench: Bench) -> None:
    invite = bench.answered()
    moved = ANSWER
    bench.request(invite, "INVITE", 1, "Subject: y", body=moved)
    bench.request(invite, "ACK", 1, branch="ack")
    octets, _ = bench.sent[-1]
    bench.ua.hang_up(LEG, bench.now_s)
    assert bench.last("BYE").uri == "sip:far@192.0.2.10:5060"
    assert octets.startswith(b"SIP/2.0 200")


def test_rfc_3311_5_2_an_update_with_an_offer_is_answered(bench: Bench) -> None:
    invite = bench.answered()
    bench.request(invite, "UPDATE", 1, body=ANSWER + b"a=inactive\r\n")
    assert parse_sdp(bench.last_response().body).direction is Direction.INACTIVE
    assert isinstance(bench.events[-1], MediaChanged)


def test_a_digit_by_info_is_told(bench: Bench) -> None:
    invite = bench.answered()
    octets = bench.sent
    bench.request(invite, "INFO", 1)
    body = b"Signal=5\r\nDuration=160\r\n"
    request = make_info(invite, body)
    bench.receive(request)
    assert bench.events[-1] == DigitPressed(LEG, "5", 160)
    assert octets[-1][0].startswith(b"SIP/2.0 200")


def make_info(invite: Request, body: bytes) -> bytes:
    return (
        "INFO sip:192.0.2.1:5060 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.10;branch=z9hG4bKinfo\r\n"
        f"From: {invite.headers['to'][0]};tag=far\r\nTo: {invite.headers['from'][0]}\r\n"
        f"Call-ID: {invite.call_id}\r\nCSeq: 9 INFO\r\nContent-Type: application/dtmf-relay\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    ).encode() + body


# --- legs of an earlier life -------------------------------------------------------------------


def test_c2_an_answered_leg_of_an_earlier_life_gets_bye() -> None:
    old = Bench()
    routes = "Record-Route: <sip:192.0.2.31;lr>"
    old.respond(old.call(), 200, routes, body=ANSWER)
    state = old.ua.dialog_state(LEG)
    new = Bench(life="2")
    new.ua.end_old_leg(LEG, state, "", TRUNK, new.now_s)
    bye, ack = new.last("BYE"), old.last("ACK")
    assert (bye.call_id, bye.from_tag, bye.to_tag, bye.uri) == (
        ack.call_id,
        ack.from_tag,
        "far",
        ack.uri,
    )
    assert bye.headers["route"] == ack.headers["route"]
    assert bye.cseq > ack.cseq
    assert new.sent[-1][1] == Destination("192.0.2.31", 5060)


def test_c2_a_ringing_leg_of_an_earlier_life_is_cancelled_from_its_id_alone() -> None:
    old, new = Bench(), Bench(life="2")
    invite = old.call()
    new.ua.end_old_leg(LEG, b"", invite.uri, TRUNK, new.now_s)
    cancel = new.last("CANCEL")
    assert (cancel.branch, cancel.cseq, cancel.call_id, cancel.from_tag, cancel.uri) == (
        invite.branch,
        invite.cseq,
        invite.call_id,
        invite.from_tag,
        invite.uri,
    )
    assert cancel.headers["via"] == invite.headers["via"]
    new.respond(invite, 487)
    assert new.last("ACK").branch == invite.branch


def test_c2_the_invite_after_a_challenge_is_cancelled_when_the_first_is_unknown() -> None:
    old, new = Bench(), Bench(life="2")
    old.respond(old.call(credentials=CREDENTIALS), 407, CHALLENGE)
    live = old.last("INVITE")
    new.ua.end_old_leg(LEG, b"", live.uri, TRUNK, new.now_s)
    new.respond(new.last("CANCEL"), 481)
    cancel = new.last("CANCEL")
    assert (cancel.branch, cancel.cseq) == (live.branch, live.cseq)


def test_c2_a_late_answer_to_an_earlier_lifes_invite_gets_ack_and_bye() -> None:
    old, new = Bench(), Bench(life="2")
    invite = old.call()
    for _ in range(2):
        new.respond(invite, 200, body=ANSWER)
    assert len(new.all("ACK")) == 2
    (bye,) = new.all("BYE")
    assert (bye.call_id, bye.to_tag) == (invite.call_id, "far")


def test_a_forged_answer_to_no_invite_of_ours_gets_nothing() -> None:
    old, new = Bench(), Bench(life="2")
    forged = old.call().to_bytes().replace(b";tag=", b";tag=0")
    head = b"SIP/2.0 200 OK" + forged[forged.index(b"\r\n") :]
    new.receive(head)
    assert new.sent == []
    assert new.ua.counts["stray-responses"] == 1


def test_c2_an_ack_that_is_held_back_leaves_when_the_answer_is_durable(bench: Bench) -> None:
    invite = bench.call(holds_ack=True)
    bench.respond(invite, 200, body=ANSWER)
    assert isinstance(bench.events[-1], Answered)
    assert bench.all("ACK") == []
    for _ in range(2):
        bench.ua.confirm(LEG)
    (ack,) = bench.all("ACK")
    assert (ack.cseq, ack.to_tag) == (invite.cseq, "far")
    bench.respond(invite, 200, body=ANSWER)
    assert len(bench.all("ACK")) == 2


def test_c2_an_answer_that_is_repeated_gets_its_ack_whether_durable_or_not(bench: Bench) -> None:
    invite = bench.call(holds_ack=True)
    for _ in range(2):
        bench.respond(invite, 200, body=ANSWER)
    assert len(bench.all("ACK")) == 1


def test_an_ack_that_is_held_back_leaves_before_bye(bench: Bench) -> None:
    invite = bench.call(holds_ack=True)
    bench.respond(invite, 200, body=ANSWER)
    bench.ua.hang_up(LEG, bench.now_s)
    (ack,), (bye,) = bench.all("ACK"), bench.all("BYE")
    assert (ack.cseq, bye.cseq) == (invite.cseq, invite.cseq + 1)


def test_an_answer_that_crosses_cancel_gets_ack_and_bye_though_acks_are_held_back(
    bench: Bench,
) -> None:
    invite = bench.call(holds_ack=True)
    bench.respond(invite, 180)
    bench.ua.hang_up(LEG, bench.now_s)
    bench.respond(invite, 200, body=ANSWER)
    assert (len(bench.all("ACK")), len(bench.all("BYE"))) == (1, 1)
