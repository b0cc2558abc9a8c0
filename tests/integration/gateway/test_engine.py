"""The gateway over the real engine: what a new user does first, and what survives."""

import asyncio
from collections.abc import AsyncIterator

import grpc
import grpc.aio
import pytest
import pytest_asyncio
from google.protobuf.duration_pb2 import Duration
from google.protobuf.field_mask_pb2 import FieldMask

from engine.config import EngineSettings, SipSettings, StoreSettings
from engine.domain.ids import AgentId
from engine.domain.specs import AgentSpec
from engine.runtime import Engine
from gateway.pb.paceline.v1 import (
    agents_pb2,
    agents_pb2_grpc,
    campaigns_pb2,
    campaigns_pb2_grpc,
    engine_pb2,
    engine_pb2_grpc,
    events_pb2,
    events_pb2_grpc,
    lists_pb2,
    lists_pb2_grpc,
    metrics_pb2,
    metrics_pb2_grpc,
    teams_pb2,
    teams_pb2_grpc,
    trunks_pb2,
    trunks_pb2_grpc,
)
from gateway.server import Gateway
from gateway.services import all_services
from tests.integration.gateway.test_edge import refusal

pytestmark = [pytest.mark.asyncio, pytest.mark.timeout(300)]

FILE = b"name,phone,city\nAda,+14155550100,Ulm\nBad,12,Bonn\nEve,+14155550101,Kiel\n"


@pytest_asyncio.fixture
async def engine() -> AsyncIterator[Engine]:
    settings = EngineSettings(
        sip=SipSettings(port=0), store=StoreSettings(url="memory:"), drain_s=0.0
    )
    engine = Engine(settings)
    await engine.start()
    yield engine
    await engine.stop()


@pytest_asyncio.fixture
async def channel(engine: Engine) -> AsyncIterator[grpc.aio.Channel]:
    gateway = Gateway(all_services(engine), listen="127.0.0.1:0")
    port = await gateway.start()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        yield channel
    await gateway.stop(0)


async def import_file(channel: grpc.aio.Channel) -> lists_pb2.ImportProgress:
    stub = lists_pb2_grpc.ListServiceStub(channel)
    await stub.CreateList(lists_pb2.CreateListRequest(list_id="l1", list=lists_pb2.List()))
    header = lists_pb2.ImportHeader(list="lists/l1", import_id="june")
    parts = [
        lists_pb2.ImportListRequest(header=header),
        lists_pb2.ImportListRequest(chunk=FILE),
        lists_pb2.ImportListRequest(end=lists_pb2.ImportEnd()),
    ]
    told = [part async for part in stub.ImportList(iter(parts))]
    return told[-1].result


async def test_a_list_a_trunk_and_a_campaign_run_and_are_explained(
    channel: grpc.aio.Channel,
) -> None:
    result = await import_file(channel)
    assert (result.records_added, result.lines_rejected) == (2, 1)
    lists = lists_pb2_grpc.ListServiceStub(channel)
    errors = await lists.ListImportErrors(
        lists_pb2.ListImportErrorsRequest(parent="lists/l1/imports/june")
    )
    assert [error.line for error in errors.errors] == [3]
    record = (await lists.GetRecord(lists_pb2.GetRecordRequest(name="lists/l1/records/1"))).record
    assert (record.display_name, dict(record.custom_fields)) == ("Eve", {"city": "Kiel"})
    assert record.phone_numbers[0].number == "+14155550101"
    trunks = trunks_pb2_grpc.TrunkServiceStub(channel)
    trunk = trunks_pb2.Trunk(address="127.0.0.1:9", options_period=Duration(seconds=0))
    await trunks.CreateTrunk(trunks_pb2.CreateTrunkRequest(trunk_id="t1", trunk=trunk))
    campaigns = campaigns_pb2_grpc.CampaignServiceStub(channel)
    day = campaigns_pb2.CallingHours(opens=Duration(seconds=0), closes=Duration(seconds=86_400))
    campaign = campaigns_pb2.Campaign(
        mode=campaigns_pb2.MODE_PROGRESSIVE,
        lists=[campaigns_pb2.CampaignList(name="lists/l1", enabled=True)],
        trunks=["trunks/t1"],
        caller_id="+14155550199",
        calling_hours=[day],
    )
    await campaigns.CreateCampaign(
        campaigns_pb2.CreateCampaignRequest(campaign_id="c1", campaign=campaign)
    )
    name = "campaigns/c1"
    refused = campaigns.StartCampaign(campaigns_pb2.StartCampaignRequest(name=name))
    assert await refusal(refused) == (grpc.StatusCode.FAILED_PRECONDITION, "campaign-incomplete")
    preview = campaigns_pb2.SetPacingRequest(name=name, mode=campaigns_pb2.MODE_PREVIEW)
    await campaigns.SetPacing(preview)
    told = await campaigns.ExplainCampaign(campaigns_pb2.ExplainCampaignRequest(name=name))
    assert told.run_state == campaigns_pb2.RUN_STATE_IDLE
    assert told.supplies[0].record_count == 2
    stop = await campaigns.StopCampaign(campaigns_pb2.StopCampaignRequest(name=name))
    assert stop.result == campaigns_pb2.COMMAND_RESULT_ALREADY
    why = await lists.ExplainRecord(
        lists_pb2.ExplainRecordRequest(name="lists/l1/records/0", campaign=name)
    )
    assert why.numbers[0].phone_number.zones


async def test_x11_the_log_says_who_configured_what(channel: grpc.aio.Channel) -> None:
    teams = teams_pb2_grpc.TeamServiceStub(channel)
    me = (("x-paceline-user", "eve"),)
    made = await teams.CreateTeam(
        teams_pb2.CreateTeamRequest(team_id="west", team=teams_pb2.Team())
    )
    renamed = teams_pb2.UpdateTeamRequest(
        team=teams_pb2.Team(name=made.team.name, display_name="West"),
        update_mask=FieldMask(paths=["display_name"]),
    )
    await teams.UpdateTeam(renamed, metadata=me)
    await teams.DeleteTeam(teams_pb2.DeleteTeamRequest(name=made.team.name), metadata=me)
    events = events_pb2_grpc.EventServiceStub(channel)
    told = (await events.ListEvents(events_pb2.ListEventsRequest())).events
    assert [each.resource_changed.by for each in told if each.HasField("resource_changed")] == [
        "operator",
        "eve",
    ]
    assert [each.resource_deleted.by for each in told if each.HasField("resource_deleted")] == [
        "eve"
    ]


async def test_events_and_metrics_tell_what_was_done(channel: grpc.aio.Channel) -> None:
    await import_file(channel)
    events = events_pb2_grpc.EventServiceStub(channel)
    told = await events.ListEvents(events_pb2.ListEventsRequest())
    kinds = [event.WhichOneof("fact") for event in told.events]
    assert kinds[0] == "engine_started"
    assert {"resource_changed", "records_imported"} <= set(kinds)
    assert [event.sequence for event in told.events] == list(range(1, len(kinds) + 1))
    metrics = metrics_pb2_grpc.MetricsServiceStub(channel)
    scope = metrics_pb2.METRIC_SCOPE_CAMPAIGN
    answer = await metrics.GetMetrics(metrics_pb2.GetMetricsRequest(scope=scope))
    assert "calls_active" in answer.snapshot.columns
    engine = engine_pb2_grpc.EngineServiceStub(channel)
    view = (await engine.GetEngine(engine_pb2.GetEngineRequest())).engine
    assert (view.journal_trusted, view.draining) == (True, False)
    assert view.last_sequence == told.last_sequence


async def test_a_resource_in_use_stays_and_a_missing_one_is_named(
    channel: grpc.aio.Channel,
) -> None:
    await import_file(channel)
    campaigns = campaigns_pb2_grpc.CampaignServiceStub(channel)
    wrong = campaigns_pb2.Campaign(teams=["teams/none"])
    call = campaigns.CreateCampaign(
        campaigns_pb2.CreateCampaignRequest(campaign_id="c1", campaign=wrong)
    )
    assert await refusal(call) == (grpc.StatusCode.NOT_FOUND, "unknown-team")
    right = campaigns_pb2.Campaign(lists=[campaigns_pb2.CampaignList(name="lists/l1")])
    await campaigns.CreateCampaign(
        campaigns_pb2.CreateCampaignRequest(campaign_id="c1", campaign=right)
    )
    lists = lists_pb2_grpc.ListServiceStub(channel)
    used = lists.DeleteList(lists_pb2.DeleteListRequest(name="lists/l1"))
    assert await refusal(used) == (grpc.StatusCode.FAILED_PRECONDITION, "in-use")


async def test_a_create_is_idempotent_by_its_request_id(channel: grpc.aio.Channel) -> None:
    stub = agents_pb2_grpc.AgentServiceStub(channel)

    def create(request_id: str) -> agents_pb2.CreateAgentRequest:
        return agents_pb2.CreateAgentRequest(
            agent_id="alice", agent=agents_pb2.Agent(), request_id=request_id
        )

    first = await stub.CreateAgent(create("r1"))
    assert (await stub.CreateAgent(create("r1"))).agent.etag == first.agent.etag
    code, _ = await refusal(stub.CreateAgent(create("r2")))
    assert code is grpc.StatusCode.ALREADY_EXISTS


async def test_a_caller_who_goes_away_breaks_no_callback_of_the_store(engine: Engine) -> None:
    broken: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: broken.append(context))
    spec = AgentSpec(agent_id=AgentId("alice"))
    calls = [
        asyncio.create_task(
            engine.configuration.put("agent", spec, expected_revision=0, request_id="")
        ),
        asyncio.create_task(engine.events.read(0, 10)),
    ]
    await asyncio.sleep(0)  # both have asked, and wait
    for call in calls:
        call.cancel()
    await asyncio.gather(*calls, return_exceptions=True)
    while engine.runtime.resources.find("agent", "alice") is None:
        await engine.events.wait(engine.events.last_sequence, 0.1)
    await engine.events.read(0, 10)
    assert broken == []
