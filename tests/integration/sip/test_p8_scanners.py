"""Invariants P8 and X6 on real sockets: scanners learn nothing, and nothing is placed for them."""

import asyncio
import re
from collections.abc import Iterator

import pytest

from engine.domain.ids import AgentId, LegId
from engine.domain.specs import AgentSpec
from engine.ports import LegAnswered, LegEnded, SetPhone
from tests.integration.sip.carrier import Carrier, carrier, set_carrier
from tests.integration.sip.peer import LONGEST_S
from tests.integration.sip.test_adapter import LEG, Station, station
from tests.support.prober import Prober, prober

pytestmark = pytest.mark.asyncio

STRANGER, DECOY = "127.0.0.66", "127.0.0.77"
METHODS = (
    *("INVITE", "OPTIONS", "SUBSCRIBE", "REFER", "MESSAGE", "NOTIFY", "PUBLISH", "INFO", "UPDATE"),
    *("PRACK", "BYE", "CANCEL", "XYZZY"),
)
TELLING = (b"server:", b"user-agent:", b"allow:", b"supported:", b"warning:", b"paceline/")


def ask(method: str, user: str, number: int, *headers: str, tags: str = "") -> bytes:
    """Return a request of a scanner."""
    lines = (
        f"{method} sip:{user}@127.0.0.1 SIP/2.0",
        f"Via: SIP/2.0/UDP {STRANGER}:9;branch=z9hG4bKs{method}{number};rport",
        f"From: <sip:scan@{STRANGER}>;tag=1",
        f"To: <sip:{user}@127.0.0.1>{tags}",
        f"Call-ID: scan{number}",
        f"CSeq: 1 {method}",
        f"Contact: <sip:scan@{DECOY}>",
        *headers,
        "Content-Length: 0",
    )
    return "\r\n".join(lines).encode() + b"\r\n\r\n"


def shape(answer: bytes) -> bytes:
    """Return an answer without what differs between any two: who asked, names, nonces."""
    text = re.sub(rb'(tag|nonce|branch)="?[^;"\r]*"?', rb"\1=x", answer)
    return text.replace(b"anna", b"user").replace(b"nobody", b"user")


def added(user: str) -> AgentSpec:
    return AgentSpec(agent_id=AgentId(user), phone_password="secret")


def sent_elsewhere(own: Station, decoy: Prober) -> bool:
    """Say whether anything was placed for a scanner."""
    return bool(decoy.heard) or own.telephony._user_agent.open_legs > 0


async def test_every_method_from_a_stranger_is_refused_alike_whoever_it_is_for() -> None:
    async with station() as own, prober(STRANGER) as scanner, prober(DECOY) as decoy:
        own.telephony.perform(SetPhone(added("anna")), own.now())
        there = own.telephony.address
        for number, method in enumerate(METHODS):
            answers = [
                await scanner.ask(ask(method, user, number), there) for user in ("anna", "nobody")
            ]
            status = b"481" if method == "CANCEL" else b"403"
            for answer in answers:
                assert answer.startswith(b"SIP/2.0 " + status), (method, answer)
                assert not [word for word in TELLING if word in answer.lower()]
            assert shape(answers[0]) == shape(answers[1])
        assert not sent_elsewhere(own, decoy)
        assert own.events == []
        assert own.media is not None
        assert own.media.open == {}


async def test_a_registering_stranger_cannot_tell_who_has_a_phone() -> None:
    claim = (
        'Authorization: Digest username="{0}", realm="paceline", nonce="1.2.3", qop=auth, '
        'uri="sip:paceline", nc=00000001, cnonce="c", response="00", algorithm=MD5'
    )
    async with station() as own, prober(STRANGER) as scanner:
        own.telephony.perform(SetPhone(added("anna")), own.now())
        there = own.telephony.address
        for headers in ((), (claim,)):
            answers = [
                await scanner.ask(
                    ask("REGISTER", user, number, *(each.format(user) for each in headers)), there
                )
                for number, user in enumerate(("anna", "nobody"))
            ]
            assert {answer[:11] for answer in answers} == {b"SIP/2.0 401"}
            first, second = (shape(answer).replace(b"scan1", b"scan0") for answer in answers)
            assert first.replace(b"REGISTER1", b"REGISTER0") == second.replace(
                b"REGISTER1", b"REGISTER0"
            )
            assert not [word for word in TELLING if word in answers[0].lower()]
        assert own.events == []


def takeovers(far: Carrier) -> Iterator[bytes]:
    """Return what somebody says who knows all names of a live call, from outside it."""
    (call,) = far.calls.values()
    names = f"{call.call_id};to-tag={call.their_tag};from-tag={call.tag}"
    replaces = f"Replaces: {names}"
    yield ask("INVITE", "anna", 1, replaces)
    yield ask("INVITE", "anna", 2, replaces, "Require: replaces")
    yield ask("INVITE", "anna", 3, f"Join: {names}", "Require: join")
    yield ask("REFER", "anna", 4, f"Refer-To: <sip:+1900@{DECOY}>", f"Target-Dialog: {names}")
    yield ask("REFER", "anna", 5, f"Refer-To: <sip:a@{DECOY}?Replaces={names}%0d%0aX:%20y>")


async def test_no_replaces_join_or_refer_takes_a_call_over_or_places_one() -> None:
    async with station() as own, carrier() as far, prober(DECOY) as decoy:
        set_carrier(own, far)
        own.place()
        await own.wait_for(LegAnswered)
        for octets in takeovers(far):
            for host in ("127.0.0.1", STRANGER):  # the trunk's own address, and a stranger's
                async with prober(host) as asker:
                    answer = await asker.ask(octets, own.telephony.address)
                    assert answer.startswith((b"SIP/2.0 403", b"SIP/2.0 420")), answer
        assert not decoy.heard
        assert own.telephony._user_agent.open_legs == 1
        own.hang_up()
        await own.wait_for(LegEnded)


async def test_a_refer_inside_the_call_is_refused_and_leads_nowhere() -> None:
    async with station() as own, carrier() as far, prober(DECOY) as decoy:
        set_carrier(own, far)
        own.place()
        await own.wait_for(LegAnswered)
        for value in (
            f"<sip:+1900@{DECOY}>",
            f"<sip:+1900@{DECOY}?X=%0d%0aRoute:%20%3Csip:{DECOY}%3E>",
            f"<tel:+1900>\r\nRoute: <sip:{DECOY};lr>",
        ):
            answer = await far.request("REFER", f"Refer-To: {value}", f"Referred-By: {value}")
            assert answer.startswith(b"SIP/2.0 405")
            assert b"REFER" not in answer.partition(b"Allow: ")[2].partition(b"\r\n")[0]
        assert not decoy.heard
        own.hang_up()
        await own.wait_for(LegEnded)


async def test_a_redirect_leads_nowhere() -> None:
    async with station() as own, carrier(lambda _: "redirect") as far, prober(DECOY) as decoy:
        far.elsewhere = f"<sip:+1900@{DECOY}:{decoy.address[1]}>"
        set_carrier(own, far)
        own.place()
        assert (await own.wait_for(LegEnded)).sip_status == 302
        assert not decoy.heard


async def test_credentials_go_to_the_configured_realm_of_the_trunk_alone() -> None:
    async with station() as own, carrier(lambda _: "greedy") as far:
        set_carrier(own, far, username="u", password="p", realm="carrier")
        own.place()
        await own.wait_for(LegAnswered)
        await far.challenge_reinvite(own)
        own.hang_up()
        await own.wait_for(LegEnded)
        await asyncio.wait_for(far.idle.wait(), LONGEST_S)
        own.place(LegId("a1-0001-00000009"))
        await own.wait_for(LegAnswered, 2)
        own.hang_up(LegId("a1-0001-00000009"))
        await own.wait_for(LegEnded, 2)
    told = [each for each in far.heard if b"uthorization:" in each]
    assert {each.split()[0] for each in told} <= {b"INVITE", b"ACK"}
    assert told
    for each in told:
        assert b'realm="carrier"' in each
        assert b'realm="elsewhere"' not in each
    assert LEG
