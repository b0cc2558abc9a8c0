"""RFC 4568 and RFC 8643: keys in SDP, offered, answered, repeated, renewed, and never shown."""

import base64
from collections.abc import Callable
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.domain.specs import Need
from engine.telephony.audio_keys import AudioKeys, Suite
from engine.telephony.sip import sdp
from engine.telephony.sip.events import Answered, MediaChanged
from engine.telephony.sip.sdes import CryptoLine, Security, open_security, parse_crypto
from engine.telephony.sip.sdp import Direction, LocalMedia
from tests.unit.telephony.sip.harness import ANSWER, Bench

LEG = "a1-0001-00000001"
MASTER = bytes(range(30))
KEY = base64.b64encode(MASTER).decode()
CM_80, CM_32, GCM = Suite.AES_CM_80, Suite.AES_CM_32, Suite.AES_GCM


def counted() -> Callable[[int], bytes]:
    """Return a source of octets that gives others each time."""
    numbers = count(1)
    return lambda octets: bytes([next(numbers)]) * octets


def ours(need: Need) -> LocalMedia:
    """Return our end of a leg."""
    return LocalMedia("192.0.2.1", 4000, security=open_security(need, counted()))


def theirs(*lines: str, profile: str = "RTP/AVP", base: bytes = ANSWER) -> bytes:
    """Return a description of the far end's with crypto lines."""
    keys = "".join(f"a=crypto:{line}\r\n" for line in lines).encode()
    return base.replace(b"RTP/AVP", profile.encode()) + keys


def crypto_of(body: bytes) -> list[str]:
    """Return the crypto lines of a description."""
    return [line for line in body.decode().splitlines() if line.startswith("a=crypto:")]


# --- lines -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(f"1 {CM_80} inline:{KEY}", id="plain"),
        pytest.param(f"1 {CM_80} inline:{KEY}|2^31", id="lifetime as a power"),
        pytest.param(f"1 {CM_80} inline:{KEY}|1048576", id="lifetime in packets"),
        pytest.param(f"1 {CM_80} inline:{KEY} WSH=128", id="window size"),
        pytest.param(f"1  {CM_80.lower()} inline:{KEY} ", id="spaces and small letters"),
    ],
)
def test_a_line_is_read(value: str) -> None:
    assert parse_crypto(value) == CryptoLine(1, CM_80, MASTER)


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(f"1 {CM_80} inline:{KEY}|2^20|1:4", id="master key identifier"),
        pytest.param(f"1 {CM_80} inline:{KEY}|1:4", id="identifier without lifetime"),
        pytest.param(f"1 {CM_80} inline:{KEY}|2^20|1:4;inline:{KEY}|2^20|2:4", id="two keys"),
        pytest.param(f"1 {CM_80} inline:{KEY} UNENCRYPTED_SRTP", id="unencrypted"),
        pytest.param(f"1 {CM_80} inline:{KEY} UNENCRYPTED_SRTCP", id="unencrypted reports"),
        pytest.param(f"1 {CM_80} inline:{KEY} UNAUTHENTICATED_SRTP", id="unauthenticated"),
        pytest.param(f"1 {CM_80} inline:{KEY} KDR=3", id="key derivation rate"),
        pytest.param(f"1 {CM_80} inline:{KEY} FEC_ORDER=FEC_SRTP", id="order of correction"),
        pytest.param(f"1 {CM_80} inline:{KEY} NEW=1", id="a parameter nobody knows"),
        pytest.param(f"1 AES_256_CM_HMAC_SHA1_80 inline:{KEY}", id="a suite that is not ours"),
        pytest.param(f"1 {GCM} inline:{KEY}", id="a key too long"),
        pytest.param(f"1 {CM_80} inline:{KEY[:-4]}", id="a key too short"),
        pytest.param(f"1 {CM_80} inline:{KEY[:-1]}", id="no base64"),
        pytest.param(f"1 {CM_80} uri:{KEY}", id="another key method"),
        pytest.param(f"x {CM_80} inline:{KEY}", id="no number"),
        pytest.param("", id="empty"),
    ],
)
def test_a_line_that_is_not_for_us_is_passed_over(value: str) -> None:
    assert parse_crypto(value) is None


@given(st.text(max_size=80))
def test_no_line_raises(text: str) -> None:
    parse_crypto(text)
    parse_crypto(f"1 {CM_80} inline:{text}")


@given(st.sampled_from(Suite), st.integers(1, 999), st.data())
def test_a_line_is_read_back_as_it_was_written(suite: Suite, tag: int, data: st.DataObject) -> None:
    octets = data.draw(st.binary(min_size=suite.master_octets, max_size=suite.master_octets))
    line = CryptoLine(tag, suite, octets)
    assert parse_crypto(line.written().strip().removeprefix("a=crypto:")) == line


def test_keys_are_not_shown_and_differ_by_line_and_leg() -> None:
    media = ours(Need.OFFERED)
    keys = {line.master for line in media.security.lines}
    assert len(keys) == len(Suite)
    remote = sdp.parse(theirs(f"1 {CM_80} inline:{KEY}"), secured=True)
    for shown in (repr(media), repr(remote), repr(media.security.agree(remote.crypto))):
        assert KEY not in shown
        assert repr(MASTER) not in shown
        assert not any(repr(key) in shown for key in keys)


# --- offers and answers ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("need", "profile", "lines"),
    [
        pytest.param(Need.OFF, "RTP/AVP", 0, id="off"),
        pytest.param(Need.OFFERED, "RTP/AVP", 3, id="offered beside plain audio, RFC 8643 §3"),
        pytest.param(Need.REQUIRED, "RTP/SAVP", 3, id="required"),
    ],
)
def test_an_offer_says_what_is_needed(need: Need, profile: str, lines: int) -> None:
    body = sdp.offer(ours(need), 7, 1)
    assert f"m=audio 4000 {profile} 0 8 101" in body.decode()
    assert [line.split()[1] for line in crypto_of(body)] == [CM_80, GCM, CM_32][:lines]
    assert [line.split()[0] for line in crypto_of(body)] == [
        f"a=crypto:{tag}" for tag in range(1, lines + 1)
    ]


@pytest.mark.parametrize(
    ("need", "offer", "answered"),
    [
        pytest.param(Need.OFF, theirs(), "RTP/AVP", id="off, plain"),
        pytest.param(Need.OFF, theirs(f"1 {CM_80} inline:{KEY}"), "RTP/AVP", id="off, offered"),
        pytest.param(
            Need.OFF, theirs(f"1 {CM_80} inline:{KEY}", profile="RTP/SAVP"), "", id="off, required"
        ),
        pytest.param(Need.OFFERED, theirs(), "RTP/AVP", id="offered, plain"),
        pytest.param(
            Need.OFFERED,
            theirs(f"5 {CM_80} inline:{KEY}"),
            f"RTP/AVP a=crypto:5 {CM_80}",
            id="offered by both",
        ),
        pytest.param(
            Need.OFFERED,
            theirs(f"5 {CM_80} inline:{KEY}", profile="RTP/SAVP"),
            f"RTP/SAVP a=crypto:5 {CM_80}",
            id="offered, required by them",
        ),
        pytest.param(
            Need.OFFERED,
            theirs("1 AES_256_CM_HMAC_SHA1_80 inline:AAAA", profile="RTP/SAVP"),
            "",
            id="no suite of ours",
        ),
        pytest.param(
            Need.OFFERED,
            theirs(
                "1 AES_256_CM_HMAC_SHA1_80 inline:AAAA",
                f"2 {CM_32} inline:{KEY}",
                f"3 {CM_80} inline:{KEY}",
                profile="RTP/SAVPF",
            ),
            f"RTP/SAVPF a=crypto:2 {CM_32}",
            id="their first that is ours, one alone",
        ),
        pytest.param(Need.REQUIRED, theirs(), "", id="required, plain"),
        pytest.param(
            Need.REQUIRED,
            theirs(f"1 {CM_80} inline:{KEY}|2^20|1:4"),
            "",
            id="required, and no line for us",
        ),
        pytest.param(
            Need.REQUIRED,
            theirs(f"4 {CM_32} inline:{KEY}"),
            f"RTP/AVP a=crypto:4 {CM_32}",
            id="required, offered by them",
        ),
    ],
)
def test_an_offer_is_answered_by_the_rules(need: Need, offer: bytes, answered: str) -> None:
    media = ours(need)
    body = sdp.answer(media, sdp.parse(offer, secured=media.security.wanted), 7, 1)
    if not answered:
        assert body is None
        return
    assert body is not None
    profile, *crypto = answered.split(" ", 1)
    assert f" {profile} 0 101\r\n" in body.decode()
    assert [line.split(" inline:")[0] for line in crypto_of(body)] == crypto


def test_keys_of_other_media_and_of_the_session_are_not_the_audios() -> None:
    line = f"a=crypto:1 {CM_80} inline:{KEY}\r\n".encode()
    body = ANSWER.replace(b"m=audio", line + b"m=audio")
    body += b"m=video 7000 RTP/SAVP 97\r\n" + line
    assert sdp.parse(body, secured=True).crypto == ()


# --- dialogs -----------------------------------------------------------------------------------


@pytest.fixture
def bench() -> Bench:
    return Bench()


def agreed(bench: Bench) -> list[AudioKeys | None]:
    """Return the keys that were told with each description."""
    return [e.keys for e in bench.events if isinstance(e, Answered | MediaChanged)]


def begin(bench: Bench, need: Need, answer: bytes) -> tuple[Security, AudioKeys | None]:
    """Place a call that is answered; return our keys and those agreed on."""
    media = ours(need)
    invite = bench.call(media=media)
    bench.respond(invite, 180)
    bench.respond(invite, 200, body=answer)
    return media.security, agreed(bench)[-1]


@pytest.mark.parametrize("suite", Suite)
def test_an_answer_chooses_our_key_of_its_suite(bench: Bench, suite: Suite) -> None:
    key = bytes(range(suite.master_octets))
    line = f"{list(Suite).index(suite) + 1} {suite} inline:{base64.b64encode(key).decode()}"
    security, keys = begin(bench, Need.REQUIRED, theirs(line, profile="RTP/SAVP"))
    assert keys == AudioKeys(suite, security.lines[list(Suite).index(suite)].master, key)


@pytest.mark.parametrize("reliable", [False, True], ids=["early", "reliable"])
def test_keys_of_early_media_are_those_of_the_answer(bench: Bench, reliable: bool) -> None:
    media = ours(Need.OFFERED)
    need = Need.OFFERED if reliable else Need.OFF
    invite = bench.call(media=media, reliable=need)
    headers = ("Require: 100rel", "RSeq: 7") if reliable else ()
    bench.respond(invite, 183, *headers, body=theirs(f"1 {CM_80} inline:{KEY}"))
    bench.respond(invite, 200)
    assert agreed(bench) == [AudioKeys(CM_80, media.security.lines[0].master, MASTER)]


def test_an_answer_without_keys_is_told_as_such(bench: Bench) -> None:
    assert begin(bench, Need.OFFERED, ANSWER)[1] is None


@pytest.mark.parametrize("method", ["INVITE", "UPDATE"])
def test_our_key_stands_while_they_hold_and_resume_and_is_new_for_a_new_address(
    bench: Bench, method: str
) -> None:
    line = f"1 {CM_80} inline:{KEY}"
    _, first = begin(bench, Need.OFFERED, theirs(line))
    assert first is not None
    invite = bench.last("INVITE")
    moved = theirs(line).replace(b"audio 6000", b"audio 7000")
    held = theirs(line + "\r\na=sendonly")
    nowhere = theirs(line).replace(b"c=IN IP4 192.0.2.10", b"c=IN IP4 0.0.0.0")
    for number, offer in enumerate((held, theirs(line), nowhere, theirs(line), moved), 1):
        bench.request(invite, method, number, body=offer)
        told = parse_crypto(crypto_of(bench.last_response().body)[0].removeprefix("a=crypto:"))
        keys = agreed(bench)[-1]
        assert keys is not None
        assert told == CryptoLine(1, CM_80, keys.ours)
        if method == "INVITE":
            bench.request(invite, "ACK", number, branch=f"ack{number}")
    stood, renewed = agreed(bench)[:-1], agreed(bench)[-1]
    assert {keys.ours for keys in stood if keys} == {first.ours}
    assert renewed is not None
    assert renewed.ours != first.ours
    assert renewed.theirs == MASTER


def test_an_offer_that_is_refused_changes_no_key(bench: Bench) -> None:
    line = f"1 {CM_80} inline:{KEY}"
    begin(bench, Need.REQUIRED, theirs(line, profile="RTP/SAVP"))
    invite = bench.last("INVITE")
    before = crypto_of(invite.body)
    bench.request(invite, "UPDATE", 1, body=ANSWER.replace(b"audio 6000", b"audio 7000"))
    assert bench.last_response().status == 488
    bench.ua.offer(LEG, Direction.SENDRECV, bench.now_s)
    assert crypto_of(bench.last("INVITE").body) == before
    assert b"RTP/SAVP " in bench.last("INVITE").body


def test_a_far_end_may_renew_its_key_in_its_answer(bench: Bench) -> None:
    security, _ = begin(bench, Need.OFFERED, theirs(f"1 {CM_80} inline:{KEY}"))
    other = base64.b64encode(bytes(30)).decode()
    bench.ua.offer(LEG, Direction.SENDRECV, bench.now_s)
    answer = theirs(f"1 {CM_80} inline:{other}")
    bench.respond(bench.last("INVITE"), 200, tag="", body=answer)
    assert agreed(bench)[-1] == AudioKeys(CM_80, security.lines[0].master, bytes(30))


def test_a_leg_without_encryption_reads_no_keys(bench: Bench) -> None:
    bench.answered()
    line = f"1 {CM_80} inline:{KEY}"
    bench.request(bench.last("INVITE"), "UPDATE", 1, body=theirs(line, profile="RTP/SAVP"))
    assert bench.last_response().status == 488
    bench.request(bench.last("INVITE"), "UPDATE", 2, body=theirs(line))
    assert crypto_of(bench.last_response().body) == []
    assert agreed(bench) == [None, None]
