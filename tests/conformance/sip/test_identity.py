"""RFC 3323, RFC 3325, RFC 5806: who calls, as the trunk and the called party are told."""

import pytest

from engine.telephony.sip.message import Request
from engine.telephony.sip.uri import parse_address
from tests.unit.telephony.sip.harness import ANSWER, Bench

LEG = "a1-0001-00000001"
CALLER = "sip:+14155550199@192.0.2.1"
DIVERTED = "sip:+14155550177@192.0.2.10"


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_without_wishes_only_from_tells(bench: Bench) -> None:
    invite = bench.call(caller_name="Acme")
    assert parse_address(invite.first("from"))[:2] == ("Acme", CALLER)
    assert not {"p-asserted-identity", "privacy", "diversion"} & set(invite.headers)


def test_rfc_3325_9_1_the_caller_is_asserted_to_the_trunk(bench: Bench) -> None:
    invite = bench.call(caller_name="Acme", asserted=True)
    assert invite.headers["p-asserted-identity"] == [f'"Acme" <{CALLER}>']
    assert parse_address(invite.first("from")).uri == CALLER
    assert "privacy" not in invite.headers


@pytest.mark.parametrize("asserted", [True, False])
def test_rfc_3323_4_1_1_3_who_is_private_is_anonymous_but_known_to_the_trunk(
    bench: Bench, asserted: bool
) -> None:
    invite = bench.call(caller_name="Acme", asserted=asserted, private=True)
    shown = parse_address(invite.first("from"))
    assert shown[:2] == ("Anonymous", "sip:anonymous@anonymous.invalid")
    assert invite.first("privacy") == "id"
    assert invite.headers["p-asserted-identity"] == [f'"Acme" <{CALLER}>']
    assert "4155550199" not in invite.first("contact")


def test_the_dialog_stays_anonymous_to_its_end(bench: Bench) -> None:
    invite = bench.call(private=True)
    bench.respond(invite, 200, body=ANSWER)
    bench.ua.hang_up(LEG, bench.now_s)
    assert all(b"4155550199" not in octets for octets, _ in bench.sent[1:])
    assert bench.last("BYE").first("from") == invite.first("from")


@pytest.mark.parametrize(("private", "word"), [(False, "off"), (True, "full")])
def test_rfc_5806_a_diversion_names_where_the_call_was_meant_to_go(
    bench: Bench, private: bool, word: str
) -> None:
    invite = bench.call(diverted_from=DIVERTED, private=private)
    address = parse_address(invite.first("diversion"))
    assert address.uri == DIVERTED
    assert address.params == {"reason": "unconditional", "counter": "1", "privacy": word}


@pytest.mark.parametrize(
    "name",
    [
        'Acme"\r\nX-Evil: 1\r\nY: "',
        'a" <sip:thief@198.51.100.9>, "b',
        "a\\",
        "a\0b\u202ec",
        "Ünïcode; Ltd, <x>",
    ],
)
@pytest.mark.parametrize("private", [True, False])
def test_x7_no_name_becomes_protocol(bench: Bench, name: str, private: bool) -> None:
    invite: Request = bench.call(
        caller_name=name, asserted=True, private=private, diverted_from=DIVERTED
    )
    assert "x-evil" not in invite.headers
    (asserted,) = invite.every("p-asserted-identity")
    assert parse_address(asserted).uri == CALLER
    assert len(invite.every("from")) == 1
    octets = bench.sent[-1][0].partition(b"\r\n\r\n")[0]
    assert b"\0" not in octets
    assert "\u202e".encode() not in octets
