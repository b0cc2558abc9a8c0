"""Nothing that comes in stops anything: bad files, requests and phones, garbage on the wire."""

import asyncio
import random
import socket
import time
from collections.abc import Awaitable
from pathlib import Path

import pytest

from clients import PacelineError
from clients.demo.phones import Account, RegistrationError
from gateway.pb.paceline.v1 import agent_session_pb2 as desk_pb
from gateway.pb.paceline.v1 import agents_pb2, campaigns_pb2, lists_pb2
from tests.support.world import (
    CAMPAIGN,
    LIST,
    Plan,
    Seat,
    World,
    around_the_clock,
    number,
    seconds,
    until,
)

pytestmark = [pytest.mark.asyncio, pytest.mark.timeout(300)]

GARBAGE_S = 2.0
GARBAGE_PER_S = 1000


async def refused(command: Awaitable[object]) -> tuple[str, str]:
    """Return the code and the slug of a refusal."""
    with pytest.raises(PacelineError) as caught:
        await command
    assert caught.value.message
    return caught.value.code, caught.value.slug


async def test_bad_files_cost_their_bad_lines_alone(tmp_path: Path) -> None:
    async with World(tmp_path) as world:
        await world.client.lists.create(LIST)
        lines = [
            "id,name,phone,time zone",
            f"1,Anna,{number(1)},",
            "2,Ben,not a number,",
            f"3,Cleo,{number(3)},Mars/Olympus",
            "4,Dan,,",
            f'5,"Eve, said,{number(5)},',
            f"6,Fay,{number(6)},America/Chicago",
        ]
        added, rejected = await world.import_text("\n".join(lines[:5] + lines[6:]) + "\n")
        assert (added, rejected) == (2, 3)
        added, rejected = await world.import_text("\n".join([lines[0], lines[5]]) + "\n")
        assert added == 0
        assert (await refused(world.import_text("")))[0] == "INVALID_ARGUMENT"
        assert (await refused(world.import_text("colour,shape\nred,round\n")))[0] == (
            "INVALID_ARGUMENT"
        )
        path = tmp_path / "binary.csv"
        path.write_bytes(b"id,phone\n1,\xff\xfe\x00\n" + random.Random(1).randbytes(5000))
        last = lists_pb2.ImportProgress()
        try:
            async for progress in world.client.lists.import_file(LIST, path):
                last = progress
        except PacelineError as error:
            assert error.code == "INVALID_ARGUMENT"  # noqa: PT017 - either is a clear answer
        assert last.records_added == 0
        assert (await world.client.lists.get(LIST)).record_count == 2
        assert not world.server.faults()


async def test_bad_requests_get_clear_errors(tmp_path: Path) -> None:
    async with World(tmp_path) as world:
        client = world.client
        invalid, missing, not_now = "INVALID_ARGUMENT", "NOT_FOUND", "FAILED_PRECONDITION"
        await world.add_list(3)
        await world.add_trunk()
        await world.add_agents(["anna"])
        await world.add_campaign()
        name = f"campaigns/{CAMPAIGN}"
        zone = lists_pb2.List(default_zone="Mars/Olympus")
        assert await refused(client.lists.create("elsewhere", zone)) == (invalid, "invalid-zone")
        assert await refused(client.campaigns.start("none")) == (missing, "unknown-campaign")
        assert await refused(client.agents.get("nobody")) == (missing, "unknown-agent")
        assert (await refused(client.agents.create("An Na", agents_pb2.Agent())))[0] == invalid
        assert (await refused(client.dnc.add(["12"])))[0] == invalid
        assert (await refused(client.agents.create("anna", agents_pb2.Agent())))[0] == (
            "ALREADY_EXISTS"
        )
        assert (await refused(client.lists.get_record(f"lists/{LIST}/records/99")))[1] == (
            "unknown-record"
        )
        backwards = campaigns_pb2.CallingHours(opens=seconds(7200), closes=seconds(3600))
        wrong = campaigns_pb2.Campaign(name=name, calling_hours=[backwards])
        assert (await refused(client.campaigns.update(wrong, ["calling_hours"])))[0] == invalid
        stale = campaigns_pb2.Campaign(name=name, etag="0", display_name="x")
        assert (await refused(client.campaigns.update(stale, ["display_name"])))[0] == "ABORTED"
        empty = campaigns_pb2.Campaign(calling_hours=[around_the_clock()])
        await client.campaigns.create("empty", empty)
        assert await refused(client.campaigns.start("empty")) == (not_now, "campaign-incomplete")
        assert (await refused(client.lists.delete(LIST)))[0] == not_now
        assert (
            await refused(client.agents.set_state("anna", desk_pb.AGENT_STATE_READY))
        )[0] == not_now  # fmt: skip
        await world.start()
        assert (await refused(client.campaigns.delete(CAMPAIGN)))[0] == not_now
        huge = campaigns_pb2.Campaign(display_name="x" * (2 << 20))
        assert (await refused(client.campaigns.create("huge", huge)))[0] == "RESOURCE_EXHAUSTED"
        assert (await client.engine.get()).journal_trusted
        assert not world.server.faults()


async def test_a_desk_of_nobody_or_without_a_phone_is_refused(tmp_path: Path) -> None:
    async with World(tmp_path) as world:
        await world.add_agents(["anna", "ben"])
        for agent, phone, code in (
            ("nobody", "", "NOT_FOUND"),
            ("anna", "no uri at all", "INVALID_ARGUMENT"),
        ):
            desk = world.client.agents.open_desk()
            assert (await refused(desk.login(agent, phone=phone)))[0] == code
            await desk.close()
        await world.add_phone("anna", 650)
        wrong = Account("ben", "a wrong password", world.server.sip)
        with pytest.raises(RegistrationError, match="401"):
            await world.phones["anna"].register(wrong)
        desk = world.client.agents.open_desk()
        await desk.login("anna")
        for command in (desk.accept("calls/none"), desk.hang_up(), desk.dispose("success")):
            assert (await refused(command))[0] == "FAILED_PRECONDITION"
        await desk.set_state(desk_pb.AGENT_STATE_READY)
        await desk.close()
        assert not world.server.faults()


async def test_garbage_on_the_sip_port_disturbs_no_call(tmp_path: Path) -> None:
    async with World(tmp_path, lambda _: Plan(), customer_hz=450) as world:
        await world.add_list(30)
        await world.add_trunk()
        await world.add_agents(["anna", "ben"])
        await world.add_phone("anna", 650)
        await world.add_phone("ben", 750)
        await world.seat(Seat("anna", talk_s=0), Seat("ben", talk_s=0.3))
        await world.add_campaign()
        await world.start()
        await until(lambda: world.seats[0].connected and world.seats[1].connected, what="calls")
        talks = len(world.seats[1].connected)
        began_s = time.time()
        sent = await pour_garbage(world.server.sip)
        ear = world.ears["anna"].last
        assert ear.hears(began_s, 30) == {450}
        assert sent >= GARBAGE_PER_S * GARBAGE_S
        await until(lambda: len(world.seats[1].connected) > talks + 2, what="new calls go on")
        assert len(world.seats[0].connected) == 1
        assert world.server.alive
        assert not world.server.faults()


async def pour_garbage(target: tuple[str, int]) -> int:
    """Send what is no SIP, or nearly SIP; return how many datagrams."""
    draw = random.Random(3)
    head = b"INVITE sip:x@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:9;branch=z9hG4bKx"
    kinds = (
        lambda: draw.randbytes(draw.randrange(1, 1400)),
        lambda: head[: draw.randrange(1, len(head))],
        lambda: head + b"\r\nContent-Length: 99999\r\n\r\n",
        lambda: b"SIP/2.0 200 OK\r\nCSeq: -1 BYE\r\n\r\n",
        lambda: b"BYE sip:x SIP/2.0\r\n" + b"X: y\r\n" * 2000 + b"\r\n",
        lambda: b"\r\n" * draw.randrange(1, 9),
        lambda: b"x" * 60_000,
    )
    sent = 0
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
        stranger.bind(("127.0.0.1", 0))
        began_s = time.monotonic()
        while (spent_s := time.monotonic() - began_s) < GARBAGE_S or sent < 2000:
            while sent < spent_s * GARBAGE_PER_S:
                stranger.sendto(kinds[sent % len(kinds)](), target)
                sent += 1
            await asyncio.sleep(0.005)
    return sent
