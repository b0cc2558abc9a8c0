"""Legs of an earlier life end as soon as their phone can be reached."""

import asyncio

import pytest

from engine.domain.ids import AgentId, LegId
from engine.ports import EndOldLeg, TelephonyEvent
from engine.telephony.sip.destination import Destination
from engine.telephony.sip.leftovers import Leftovers
from engine.telephony.sip.phones import Phones
from engine.telephony.sip.tls import TlsProfile
from engine.telephony.sip.trunks import Trunks
from tests.support.load import PATIENCE_S
from tests.unit.telephony.sip.harness import Bench
from tests.unit.telephony.sip.test_resolver import resolving

OLD = EndOldLeg(LegId("a1-0001-00000001"), b"", "sip:anna@plain.test")


@pytest.mark.asyncio
async def test_a_leg_of_a_fixed_phone_ends_once_its_name_is_known() -> None:
    bench = Bench()
    events: list[TelephonyEvent] = []
    found = asyncio.Event()

    def on_found(phone: str) -> None:
        leftovers.found_phone(phone, bench.now_s)
        found.set()

    def trust(_key: str, _profile: TlsProfile) -> None:
        """No trunk here."""

    async with resolving() as (resolver, _):
        phones = Phones(resolver, lambda: bench.ua, events.append, on_found)
        trunks = Trunks(resolver, lambda *_: None, events.append, trust, lambda _: None)
        leftovers = Leftovers(lambda: bench.ua, trunks, phones)
        leftovers.end(OLD, bench.now_s)
        assert not bench.sent
        phones.set(AgentId("anna"), "", "sip:anna@plain.test")
        async with asyncio.timeout(PATIENCE_S):
            await found.wait()
    (cancel,) = bench.all("CANCEL")
    assert cancel.call_id == bench.ua.identify(OLD.leg_id).call_id
    assert bench.sent[-1][1] == Destination("192.0.2.7", 5060)
