"""Groups of trunks and caller ids over real SIP: from the import and the API to the INVITE."""

import re
from collections import Counter
from pathlib import Path

import pytest

from clients import PacelineError
from gateway.pb.paceline.v1 import campaigns_pb2, trunks_pb2
from tests.support.world import CAMPAIGN, LIST, Plan, World, number, until

pytestmark = [pytest.mark.asyncio, pytest.mark.timeout(300)]

RECORDS = 40
SHOWN = "+442071838750"
NEAR, FAR = "+12125550199", "+13105550199"
_INVITE = re.compile(rb"INVITE sip:(\+\d+)@([\w.-]+)[^\r]* SIP/2\.0\r\n")
_FROM = re.compile(rb"\r\nFrom: [^\r]*<?sip:(\+?\w+)@")


class Tap:
    """What INVITEs say, as they arrive at the carrier: called number, host, and number shown."""

    def __init__(self, world: World) -> None:
        self.seen: dict[str, tuple[str, str]] = {}
        endpoint = world.carrier._endpoint
        receive = endpoint.receive

        def listen(datagram: bytes, source: tuple[str, int]) -> None:
            invite, shown = _INVITE.match(datagram), _FROM.search(datagram)
            if invite is not None and shown is not None:
                called, host = invite[1].decode(), invite[2].decode()
                self.seen[called] = (host, shown[1].decode())
            receive(datagram, source)

        endpoint.receive = listen  # type: ignore[method-assign]  # the carrier asks it anew


def people() -> str:
    """Return a file in which every second record says which number it is shown."""
    rows = []
    for row in range(RECORDS):
        own = ("+44 20 7183 8750", "", "<sip:evil@x>;q=1", "")[row % 4]
        rows.append(f"p{row},{number(row)},{own}")
    return "\n".join(["id,phone,show", *rows, ""])


async def test_calls_are_shared_by_weight_and_show_the_number_of_their_record(
    tmp_path: Path,
) -> None:
    async with World(tmp_path, lambda _: Plan(talk_s=0.1)) as world:
        tap = Tap(world)
        for trunk_id, weight in (("west-1", 3), ("west-2", 1)):
            trunk = trunks_pb2.Trunk(
                address=world.carrier.address, domain=f"{trunk_id}.example", group="west",
                weight=weight,
            )  # fmt: skip
            await world.client.trunks.create(trunk_id, trunk)
        await world.client.lists.create(LIST)
        assert await world.import_text(people()) == (RECORDS, 0)
        await world.add_trunk()
        await world.add_campaign(
            campaigns_pb2.Campaign(mode=campaigns_pb2.MODE_AUTOMATIC, max_calls=8)
        )
        changed = campaigns_pb2.Campaign(
            name=f"campaigns/{CAMPAIGN}",
            trunks=["trunks/west"],
            caller_id_field="show",
            caller_ids=[FAR, NEAR],
        )
        await world.client.campaigns.update(changed)
        await world.start()
        await until(lambda: len(tap.seen) == RECORDS, what="all are called")
        hosts = Counter(host for host, _ in tap.seen.values())
        assert set(hosts) == {"west-1.example", "west-2.example"}
        assert hosts["west-2.example"] == pytest.approx(RECORDS / 4, abs=4)
        for row in range(RECORDS):
            assert tap.seen[number(row)][1] == (SHOWN if row % 4 == 0 else NEAR)
        intended = [
            e.attempt_started for e in await world.events() if e.HasField("attempt_started")
        ]
        assert {e.number: e.caller_id for e in intended} == {
            called: shown for called, (_, shown) in tap.seen.items()
        }
        explained = await world.client.campaigns.explain(CAMPAIGN)
        refused = [h.record_count for h in explained.hindrances if h.reason == "caller-id-refused"]
        assert refused == [RECORDS / 4]
        with pytest.raises(PacelineError, match="trunk-like-group"):
            await world.client.trunks.create("west", trunks_pb2.Trunk(address="192.0.2.1"))
        await world.stop()
        await world.client.trunks.delete("west-1")
        with pytest.raises(PacelineError, match="in-use"):
            await world.client.trunks.delete("west-2")
        assert not world.server.faults()
