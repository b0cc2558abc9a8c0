"""What searching found once, so that it stays mended."""

import msgspec
import pytest

from engine.domain.specs import Need
from engine.telephony.sip.account import Account
from engine.telephony.sip.digest import Authenticator, Credentials
from engine.telephony.sip.events import Answered, Ended, RegistrationChanged
from engine.telephony.sip.grammar import ParseError
from engine.telephony.sip.uri import parse_uri
from tests.unit.telephony.sip.harness import ANSWER, TRUNK, Bench, make_response

LEG = "a1-0001-00000001"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param(b";tag=far", b";tag=f\xffr", id="tag"),
        pytest.param(b"\r\nTo: <", b'\r\nTo: "\xff\xc3" <', id="display name"),
        pytest.param(b"192.0.2.10:5060>", b"192.0.2.10:5060;x=\xff>", id="Contact"),
        pytest.param(
            b"\r\nContact", b"\r\nRecord-Route: <sip:192.0.2.10;lr;x=\xe9>\r\nContact", id="route"
        ),
    ],
)
def test_a_dialog_of_any_octets_is_stored_and_ended_by_a_later_life(
    before: bytes, after: bytes
) -> None:
    bench = Bench()
    octets = make_response(bench.call(), 200, body=ANSWER)
    assert before in octets
    bench.receive(octets.replace(before, after))
    assert isinstance(bench.events[-1], Answered)
    state = bench.ua.dialog_state(LEG)
    bench.ua.hang_up(LEG, bench.now_s)
    new = Bench(life="2")
    new.ua.end_old_leg(LEG, state, "", TRUNK, new.now_s)
    ours, theirs = (each.sent[-1][0].split(b"\r\n") for each in (bench, new))
    pick = (b"BYE", b"To:", b"From:", b"Route:", b"Call-ID:")
    assert [x for x in ours if x.startswith(pick)] == [x for x in theirs if x.startswith(pick)]


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param(("Require: 100rel", "RSeq: 1", "Record-Route: <sip:"), id="a broken route"),
        pytest.param(('Require: "100rel, x', "RSeq: 1"), id="an unclosed quote"),
    ],
)
def test_a_call_whose_progress_cannot_be_read_is_cancelled_all_the_same(
    headers: tuple[str, ...],
) -> None:
    bench = Bench()
    bench.respond(bench.call(reliable=Need.OFFERED), 183, *headers)
    bench.ua.hang_up(LEG, bench.now_s)
    assert bench.all("CANCEL")
    bench.wait(100)
    assert isinstance(bench.ended, Ended)
    assert bench.ua.open_legs == 0
    assert bench.ua.open_transactions == 0


def test_an_offer_of_any_octets_is_answered_line_by_line() -> None:
    bench = Bench()
    invite = bench.answered()
    bench.request(invite, "INVITE", 1, body=ANSWER + b"m=x\xff 9 RTP/AVP\xde 31\r\n")
    assert bench.last_response().status == 200
    assert b"m=x\xff 0 RTP/AVP\xde 31\r\n" in bench.last_response().body


def test_no_tag_that_a_stranger_is_given_signs_a_nonce() -> None:
    bench = Bench(screen=403)
    stamp = f"{int(bench.now_s * 1000):x}.x"
    bench.receive(
        f"OPTIONS sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\nFrom: <sip:a@b>\r\n"
        f"To: <sip:a@b>\r\nCall-ID: nonce {stamp}\r\nCSeq: 1 OPTIONS\r\n\r\n".encode()
    )
    sent = bench.sent[-1][0].decode()
    tag = sent.partition("\r\nTo: ")[2].partition(";tag=")[2].partition("\r\n")[0]
    guard: Authenticator = bench.ua._registrar._authenticator
    via = "SIP/2.0/UDP h;branch=z9hG4bK1"
    for signed in (f"{stamp} {via}", f"nonce {stamp} {via}"):
        assert guard._sign(signed) != tag
        assert not guard._spend(f"{signed}.{tag}", "00000001", bench.now_s)


def test_what_carriers_say_can_be_stored_whatever_it_is() -> None:
    bench = Bench()
    account = Account("t1", "carrier.example", "user", Credentials("", "user", "secret"), 600)
    bench.ua.register(account, lambda: (TRUNK,), bench.now_s)
    octets = make_response(bench.last("REGISTER"), 403)
    bench.receive(octets.replace(b"403 Status", b"403 \xff\x07"))
    (told,) = [each for each in bench.events if isinstance(each, RegistrationChanged)]
    assert msgspec.msgpack.encode(told.reason).endswith("\ufffd\ufffd".encode())
    invite = bench.call()
    bench.receive(make_response(invite, 486).replace(b"486 Status", b"486 \xff"))
    assert bench.ended.reason == "\ufffd"


def test_no_address_hides_behind_the_parameters_of_another() -> None:
    with pytest.raises(ParseError):
        parse_uri("sip:trusted:5060;@[2001:db8::66]:5070")
    assert parse_uri("sip:u;x@192.0.2.66").host == "192.0.2.66"
