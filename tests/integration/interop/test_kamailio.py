"""Calls through Kamailio: digest, Record-Route and loose routing, sipp the carrier behind it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trustme

from engine.domain.causes import CANCELLED, HUNG_UP, NO_ANSWER, RELEASED
from engine.domain.specs import Transport, TrunkSpec
from engine.ports import LegAnswered, LegEnded, LegRinging, SetTrunk, TrunkReached
from tests.integration.interop.kamailio import PASSWORD, REALM, USER, Kamailio
from tests.integration.interop.rig import CARRIER, Rig, rig
from tests.integration.sip.peer import SCENARIOS, Sipp

pytestmark = [pytest.mark.peer, pytest.mark.asyncio]

OWN = Path(__file__).parent / "scenarios"
NUMBER, LEG = "+14155550100", "a1-0001-00000001"


ways = pytest.mark.parametrize("transport", list(Transport), ids=str)


def issue(folder: Path) -> tuple[tuple[Path, Path], str]:
    """Write the proxy's certificate and key, and the file of their authority."""
    authority = trustme.CA()
    issued = authority.issue_cert(REALM)
    chain, key = folder / "proxy.pem", folder / "proxy.key"
    chain.write_bytes(b"".join(blob.bytes() for blob in issued.cert_chain_pems))
    key.write_bytes(issued.private_key_pem.bytes())
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    return (chain, key), str(folder / "ca.pem")


@asynccontextmanager
async def network(folder: Path, scenario: Path, **more: object) -> AsyncIterator[tuple[Rig, Sipp]]:
    """Run dialer, proxy and carrier; the trunk leads to the proxy and answers OPTIONS."""
    sipp = Sipp(folder, "-sf", str(scenario), "-m", "1")
    certificate = None
    if more.get("transport") is Transport.TLS:
        certificate, more["tls_ca"] = issue(folder)
        more["tls_name"] = REALM
    async with sipp, Kamailio(folder, sipp.port, certificate) as proxy, rig() as own:
        values = {
            "trunk_id": CARRIER,
            "address": proxy.tls_address if certificate else proxy.address,
            "username": USER,
            "password": PASSWORD,
            "realm": REALM,
        }
        own.perform(SetTrunk(TrunkSpec(**(values | more))))  # type: ignore[arg-type]
        await own.wait_for(TrunkReached)
        yield own, sipp


@ways
async def test_a_call_with_digest_goes_through_and_bye_takes_its_route(
    tmp_path: Path, transport: Transport
) -> None:
    async with network(tmp_path, OWN / "answer.xml", transport=transport) as (own, sipp):
        leg = own.place(NUMBER, LEG, CARRIER)
        await own.wait_for(LegRinging, leg)
        await own.wait_for(LegAnswered, leg)
        own.hang_up(leg)
        assert await own.wait_for(LegEnded, leg) == LegEnded(leg, RELEASED)
        assert await sipp.result() == 0


@ways
async def test_hold_and_bye_from_behind_the_proxy_find_us(
    tmp_path: Path, transport: Transport
) -> None:
    async with network(tmp_path, OWN / "reinvite.xml", transport=transport) as (own, sipp):
        leg = own.place(NUMBER, LEG, CARRIER)
        await own.wait_for(LegAnswered, leg)
        ended = await own.wait_for(LegEnded, leg)
        assert await sipp.result() == 0
    assert ended.cause == HUNG_UP


@pytest.mark.parametrize("by_us", [True, False], ids=["hang-up", "no-answer timeout"])
async def test_a_ringing_call_is_cancelled_through_the_proxy(tmp_path: Path, by_us: bool) -> None:
    async with network(tmp_path, OWN / "no-answer.xml") as (own, sipp):
        leg = own.place(NUMBER, LEG, CARRIER, no_answer_s=15.0 if by_us else 0.5)
        await own.wait_for(LegRinging, leg)
        if by_us:
            own.hang_up(leg, CANCELLED)
        ended = await own.wait_for(LegEnded, leg)
        assert await sipp.result() == 0
    assert ended.cause == (CANCELLED if by_us else NO_ANSWER)


@pytest.mark.parametrize(
    ("name", "status", "slug"),
    [
        ("refuse-486", 486, "busy"),
        ("refuse-404", 404, "no-such-number"),
        # A proxy makes 500 of a 503 of a server behind it, lest the whole proxy be shunned
        # (RFC 3261 §16.7 item 6).
        ("refuse-503", 500, "carrier-failed"),
    ],
)
async def test_a_refusal_comes_back_through_the_proxy(
    tmp_path: Path, name: str, status: int, slug: str
) -> None:
    async with network(tmp_path, SCENARIOS / f"{name}.xml") as (own, sipp):
        leg = own.place(NUMBER, LEG, CARRIER)
        ended = await own.wait_for(LegEnded, leg)
        assert await sipp.result() == 0
    assert (ended.sip_status, ended.cause.slug) == (status, slug)


async def test_a_wrong_password_is_offered_once_and_ends_the_call(tmp_path: Path) -> None:
    async with network(tmp_path, OWN / "answer.xml", password="wrong") as (own, _):
        leg = own.place(NUMBER, LEG, CARRIER)
        ended = await own.wait_for(LegEnded, leg)
    assert (ended.sip_status, ended.cause.slug) == (407, "credentials-refused")


async def test_a_foreign_realm_gets_no_digest(tmp_path: Path) -> None:
    async with network(tmp_path, OWN / "answer.xml", realm="elsewhere") as (own, _):
        leg = own.place(NUMBER, LEG, CARRIER)
        assert (await own.wait_for(LegEnded, leg)).sip_status == 407
