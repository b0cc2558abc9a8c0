"""sipp as the carrier: agents talk with its echo, and its own log agrees with ours."""

import asyncio
import re
import time
from collections import Counter
from pathlib import Path

import pytest

from gateway.pb.paceline.v1 import campaigns_pb2, metrics_pb2
from tests.integration.sip.peer import Sipp
from tests.support.load import Load
from tests.support.world import CAMPAIGN, Seat, World, number, seconds, until

pytestmark = [pytest.mark.peer, pytest.mark.asyncio, pytest.mark.timeout(300)]

CALLS = 12
QUIET_S = 0.5
WITHIN_S = 2.0
READ_S = 0.1
"""So long after its arrival sipp has read an INVITE, on a machine at rest. [s]"""
SCENARIO = Path(__file__).parent / "scenarios" / "echo.xml"
CARRIERS = SCENARIO.parents[2] / "sip" / "scenarios"
NAMES = ("anna", "ben", "cleo")


async def test_sipp_answers_and_agents_hear_its_echo(tmp_path: Path, load: Load) -> None:
    async with World(tmp_path) as world:
        await world.add_list(CALLS)
        await world.add_agents(NAMES)
        for place, name in enumerate(NAMES):
            await world.add_phone(name, 650 + 100 * place)
        await world.seat(*(Seat(name, talk_s=0.8) for name in NAMES))
        log = tmp_path / "sipp.log"
        arguments = ("-sf", str(SCENARIO), "-m", str(CALLS), "-rtp_echo", "-timeout", "200s")
        trace = ("-trace_shortmsg", "-shortmessage_file", str(log))
        async with Sipp(tmp_path, *arguments, *trace) as sipp:
            await world.add_trunk(f"127.0.0.1:{sipp.port}", options_period=seconds(0))
            await world.add_campaign()
            await world.start()
            heard: set[str] = set()

            def all_talked() -> bool:
                for name in NAMES:
                    ears = world.ears[name]
                    if ears.last.hears(time.time() - 0.3, 10) == {ears.speaks_hz}:
                        heard.add(name)
                return sum(len(seat.acknowledged) for seat in world.seats) == CALLS

            await until(all_talked, what="all talks")
            assert await sipp.result() == 0
        events = await world.events()
        connected = [e.call_connected for e in events if e.HasField("call_connected")]
        started = {e.attempt_started.sip_call_id for e in events if e.HasField("attempt_started")}
        closed = [e.attempt_closed for e in events if e.HasField("attempt_closed")]
        table = await world.client.metrics.get(metrics_pb2.METRIC_SCOPE_CAMPAIGN)
        name = f"campaigns/{CAMPAIGN}"
        assert heard == set(NAMES)
        assert invites_in(log) == Counter(started)
        assert Counter(each.number for each in closed) == Counter(map(number, range(CALLS)))
        assert {each.disposition for each in closed} == {"success"}
        assert max(each.wait.ToTimedelta().total_seconds() for each in connected) < load.allow(
            WITHIN_S
        )
        for column in ("calls_attempted", "calls_answered", "calls_handled", "records_success"):
            assert table.number(name, column) == CALLS, column
        assert table.number(name, "calls_unattended") == 0
        assert not world.server.faults()


async def test_by_the_log_of_sipp_too_no_invite_follows_the_acknowledgement_of_stop(
    tmp_path: Path, load: Load
) -> None:
    campaign = campaigns_pb2.Campaign(
        mode=campaigns_pb2.MODE_AUTOMATIC, max_calls=200, max_calls_per_s=40
    )
    async with World(tmp_path) as world:
        await world.add_list(1000)
        log = tmp_path / "sipp.log"
        arguments = ("-sf", str(SCENARIO), "-rtp_echo", "-timeout", "200s")
        trace = ("-trace_shortmsg", "-shortmessage_file", str(log))
        async with Sipp(tmp_path, *arguments, *trace) as sipp:
            await world.add_trunk(f"127.0.0.1:{sipp.port}", options_period=seconds(0))
            await world.add_campaign(campaign)
            stopped_s: list[tuple[float, float]] = []
            for wait in range(5):
                before = invites_in(log).total()
                await world.start()
                wanted = before + 5 + 4 * wait
                await until(lambda wanted=wanted: invites_in(log).total() > wanted, what="calls")  # type: ignore[misc]
                await world.stop()
                acknowledged_s = time.time()
                await world.idle()
                await asyncio.sleep(QUIET_S)
                stopped_s.append((acknowledged_s, time.time()))
        seen_s = [at_s for at_s, _ in entries(log)]
        # Its log has the time at which it read each; the kernel's is in test_stop.py.
        read_s = load.allow(READ_S)
        late = [at_s for at_s in seen_s for since, to in stopped_s if since + read_s < at_s < to]
        assert len(seen_s) > 50
        assert late == []


def invites_in(log: Path) -> Counter[str]:
    """Return how often sipp saw an INVITE of each call; each should be one."""
    return Counter(call_id for _, call_id in entries(log))


def entries(log: Path) -> list[tuple[float, str]]:
    """Return the INVITEs in sipp's log, with the time [s since the epoch] and the Call-ID."""
    if not log.exists():
        return []
    lines = log.read_text(encoding="ascii", errors="replace").splitlines()
    found = (
        re.match(r"\S+\t\S+\t([\d.]+)\tR\t(\S+)\tCSeq:\d+ INVITE\tINVITE", line) for line in lines
    )
    return [(float(each[1]), each[2]) for each in found if each]


@pytest.mark.parametrize(
    ("scenario", "disposition", "sip_status"),
    [
        pytest.param("answer", "message-played", 200, id="200"),
        pytest.param("answer-thrice", "message-played", 200, id="200 sent three times"),
        pytest.param("challenge-407", "message-played", 200, id="407, then 200"),
        pytest.param("hang-up", "message-cut", 200, id="200, then BYE"),
        pytest.param("refuse-486", "busy", 486, id="486"),
        pytest.param("refuse-404", "invalid-number", 404, id="404"),
        pytest.param("refuse-503", "network-failure", 503, id="503"),
        pytest.param("refuse-503-busy", "busy", 503, id="503 with Q.850 cause 17"),
        pytest.param("no-answer", "no-answer", 0, id="no answer, 15 s"),
        pytest.param("crossing", "no-answer", 0, id="200 that crosses the CANCEL"),
    ],
)
async def test_what_a_carrier_does_becomes_the_outcome(
    tmp_path: Path, scenario: str, disposition: str, sip_status: int
) -> None:
    campaign = campaigns_pb2.Campaign(
        mode=campaigns_pb2.MODE_AUTOMATIC, no_answer_timeout=seconds(15)
    )
    async with World(tmp_path) as world:
        await world.add_list(1)
        # -nr: sipp takes the ACK to a repeated 200 for a repeated one, and repeats the 200.
        script = str(CARRIERS / f"{scenario}.xml")
        arguments = ("-sf", script, "-m", "1", "-nr", "-timeout", "200s")
        async with Sipp(tmp_path, *arguments) as sipp:
            address = f"127.0.0.1:{sipp.port}"
            keys = {"username": "user", "password": "secret", "realm": "carrier"}
            await world.add_trunk(address, options_period=seconds(0), **keys)
            await world.add_campaign(campaign)
            await world.start()
            assert await sipp.result() == 0
        await world.idle()
        closed = [e.attempt_closed for e in await world.events() if e.HasField("attempt_closed")]
        assert [each.number for each in closed] == [number(0)]
        assert closed[0].disposition == disposition or not disposition
        assert closed[0].sip_status == sip_status or not sip_status
        assert not world.server.faults()
