"""RFC 3264 §8.4 and RFC 3261 §14: the far end holds, resumes, and moves its audio, at any time."""

import pytest

from engine.telephony.sip.events import Ended, MediaChanged
from engine.telephony.sip.sdp import PCMA, PCMU, Direction
from engine.telephony.sip.sdp import parse as parse_sdp
from tests.unit.telephony.sip.harness import ANSWER, Bench

LEG = "a1-0001-00000001"
NOWHERE = ANSWER.replace(b"c=IN IP4 192.0.2.10", b"c=IN IP4 0.0.0.0")


@pytest.fixture
def bench() -> Bench:
    return Bench()


def changed(bench: Bench) -> list[MediaChanged]:
    """Return what was told of the audio."""
    return [event for event in bench.events if isinstance(event, MediaChanged)]


@pytest.mark.parametrize("method", ["INVITE", "UPDATE"])
@pytest.mark.parametrize(
    ("offer", "answer", "held"),
    [
        pytest.param(ANSWER + b"a=sendonly\r\n", Direction.RECVONLY, True, id="sendonly"),
        pytest.param(ANSWER + b"a=inactive\r\n", Direction.INACTIVE, True, id="inactive"),
        pytest.param(NOWHERE, None, True, id="0.0.0.0"),
        pytest.param(ANSWER + b"a=recvonly\r\n", Direction.SENDONLY, False, id="recvonly"),
        pytest.param(ANSWER + b"a=sendrecv\r\n", Direction.SENDRECV, False, id="sendrecv"),
        pytest.param(
            ANSWER.replace(b"t=0 0\r\n", b"t=0 0\r\na=inactive\r\n"),
            Direction.INACTIVE,
            True,
            id="inactive for the session",
        ),
    ],
)
def test_every_way_to_hold_is_understood_and_answered(
    bench: Bench, method: str, offer: bytes, answer: Direction | None, held: bool
) -> None:
    invite = bench.answered()
    bench.request(invite, method, 1, body=offer)
    described = parse_sdp(bench.last_response().body)
    assert changed(bench)[-1].remote.held is held
    assert answer is None or described.direction is answer
    if method == "INVITE":
        bench.request(invite, "ACK", 1, branch="ack")
    bench.request(invite, method, 2, body=ANSWER)
    assert not changed(bench)[-1].remote.held
    assert parse_sdp(bench.last_response().body).direction is Direction.SENDRECV


@pytest.mark.parametrize("method", ["INVITE", "UPDATE"])
def test_a_new_address_and_codec_are_taken(bench: Bench, method: str) -> None:
    invite = bench.answered()
    moved = ANSWER.replace(b"c=IN IP4 192.0.2.10", b"c=IN IP4 192.0.2.99")
    moved = moved.replace(b"audio 6000 RTP/AVP 0 101", b"audio 7000 RTP/AVP 8 101")
    bench.request(invite, method, 1, body=moved)
    remote = changed(bench)[-1].remote
    assert (remote.host, remote.port, remote.codecs) == ("192.0.2.99", 7000, (PCMA,))
    assert parse_sdp(bench.last_response().body).codecs == (PCMA,)


def test_our_offer_may_be_answered_from_a_new_address_with_another_codec(bench: Bench) -> None:
    bench.answered()
    bench.ua.offer(LEG, Direction.SENDRECV, bench.now_s)
    moved = ANSWER.replace(b"c=IN IP4 192.0.2.10", b"c=IN IP4 192.0.2.99")
    bench.respond(bench.last("INVITE"), 200, tag="", body=moved.replace(b"AVP 0 101", b"AVP 8 101"))
    remote = changed(bench)[-1].remote
    assert (remote.host, remote.codecs) == ("192.0.2.99", (PCMA,))


def test_each_of_our_descriptions_has_a_version_of_its_own(bench: Bench) -> None:
    invite = bench.answered()
    versions = [parse_version(invite.body)]
    for number, offer in enumerate((ANSWER + b"a=sendonly\r\n", ANSWER)):
        bench.request(invite, "UPDATE", number + 1, body=offer)
        versions.append(parse_version(bench.last_response().body))
    assert versions == sorted(set(versions))


def parse_version(body: bytes) -> int:
    """Return the version of a description."""
    return int(body.split(b"\r\n")[1].split()[2])


def test_while_we_hold_their_resume_keeps_our_hold(bench: Bench) -> None:
    invite = bench.answered()
    bench.ua.offer(LEG, Direction.SENDONLY, bench.now_s)
    bench.respond(bench.last("INVITE"), 200, tag="", body=ANSWER + b"a=recvonly\r\n")
    bench.request(invite, "UPDATE", 1, body=ANSWER + b"a=inactive\r\n")
    assert parse_sdp(bench.last_response().body).direction is Direction.INACTIVE
    bench.request(invite, "UPDATE", 2, body=ANSWER)
    assert parse_sdp(bench.last_response().body).direction is Direction.SENDONLY


def test_glare_of_holds_is_settled_by_time(bench: Bench) -> None:
    invite = bench.answered()
    bench.ua.offer(LEG, Direction.SENDONLY, bench.now_s)
    ours = bench.last("INVITE")
    bench.request(invite, "INVITE", 1, body=ANSWER + b"a=sendonly\r\n")
    assert bench.last_response().status == 491
    bench.request(invite, "ACK", 1, branch="INVITE1")
    bench.respond(ours, 491, tag="")
    bench.request(invite, "INVITE", 2, body=ANSWER + b"a=sendonly\r\n")
    assert bench.last_response().status == 200
    bench.request(invite, "ACK", 2, branch="ack2")
    assert 2.1 <= bench.times("INVITE", 4.0)[0] <= 4.0
    bench.respond(bench.last("INVITE"), 200, tag="", body=ANSWER + b"a=inactive\r\n")
    assert changed(bench)[-1].remote.held
    assert not [event for event in bench.events if isinstance(event, Ended)]


def test_an_offer_with_nothing_in_common_leaves_the_audio_as_it_was(bench: Bench) -> None:
    invite = bench.answered()
    bench.request(invite, "UPDATE", 1, body=ANSWER.replace(b"AVP 0 101", b"AVP 18"))
    assert bench.last_response().status == 488
    assert changed(bench) == []
    bench.request(invite, "UPDATE", 2, body=ANSWER.replace(b"AVP 0 101", b"AVP 18 0"))
    assert changed(bench)[-1].remote.codecs == (PCMU,)
