"""Each service over the wire: what it takes, what it answers, what it refuses."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any, cast

import grpc
import grpc.aio
import pytest
import pytest_asyncio
from google.protobuf.duration_pb2 import Duration
from google.protobuf.field_mask_pb2 import FieldMask
from msgspec.structs import replace

from engine.actors import desk
from engine.actors.messages import HangUpCall
from engine.domain.e164 import E164
from engine.domain.facts import PacingSummed
from engine.domain.ids import CampaignId, ListId, RecordRef
from engine.domain.refusals import IllegalTransitionError
from engine.machines.agent import AgentState
from engine.ports import StoredFact
from gateway.pb.paceline.v1 import (
    agent_session_pb2,
    agents_pb2,
    agents_pb2_grpc,
    campaigns_pb2,
    campaigns_pb2_grpc,
    dnc_pb2,
    dnc_pb2_grpc,
    engine_pb2,
    engine_pb2_grpc,
    events_pb2,
    events_pb2_grpc,
    lists_pb2,
    lists_pb2_grpc,
    pacing_pb2,
    pacing_pb2_grpc,
    supervision_pb2,
    supervision_pb2_grpc,
    teams_pb2,
    teams_pb2_grpc,
    trunks_pb2,
    trunks_pb2_grpc,
)
from gateway.server import Gateway
from gateway.services import all_services
from tests.integration.gateway.double import CALL, ROWS, EngineDouble
from tests.integration.gateway.test_edge import refusal
from tests.support.load import PATIENCE_S

pytestmark = pytest.mark.asyncio

HOURS = campaigns_pb2.CallingHours(opens=Duration(seconds=0), closes=Duration(seconds=86_400))


@pytest_asyncio.fixture
async def engine() -> EngineDouble:
    return EngineDouble()


@pytest_asyncio.fixture
async def channel(engine: EngineDouble) -> AsyncIterator[grpc.aio.Channel]:
    gateway = Gateway(all_services(cast("Any", engine)), listen="127.0.0.1:0")
    port = await gateway.start()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        yield channel
    await gateway.stop(0)


@pytest_asyncio.fixture
async def campaigns(channel: grpc.aio.Channel) -> campaigns_pb2_grpc.CampaignServiceStub:
    stub = campaigns_pb2_grpc.CampaignServiceStub(channel)
    await stub.CreateCampaign(
        campaigns_pb2.CreateCampaignRequest(
            campaign_id="c1",
            campaign=campaigns_pb2.Campaign(
                display_name="June",
                mode=campaigns_pb2.MODE_PROGRESSIVE,
                calling_hours=[HOURS],
                lists=[campaigns_pb2.CampaignList(name="lists/l1")],
            ),
        )
    )
    return stub


async def test_a_campaign_is_created_read_changed_and_deleted(
    campaigns: campaigns_pb2_grpc.CampaignServiceStub,
) -> None:
    got = await campaigns.GetCampaign(campaigns_pb2.GetCampaignRequest(name="campaigns/c1"))
    assert (got.campaign.name, got.campaign.etag) == ("campaigns/c1", "1")
    assert got.campaign.run_state == campaigns_pb2.RUN_STATE_IDLE
    changed = await campaigns.UpdateCampaign(
        campaigns_pb2.UpdateCampaignRequest(
            campaign=campaigns_pb2.Campaign(name="campaigns/c1", display_name="July", etag="1"),
            update_mask=FieldMask(paths=["display_name"]),
        )
    )
    assert (changed.campaign.display_name, changed.campaign.etag) == ("July", "2")
    assert changed.campaign.mode == campaigns_pb2.MODE_PROGRESSIVE
    await campaigns.DeleteCampaign(campaigns_pb2.DeleteCampaignRequest(name="campaigns/c1"))
    gone = campaigns.GetCampaign(campaigns_pb2.GetCampaignRequest(name="campaigns/c1"))
    assert await refusal(gone) == (grpc.StatusCode.NOT_FOUND, "unknown-campaign")


async def test_a_stale_etag_changes_nothing(
    campaigns: campaigns_pb2_grpc.CampaignServiceStub,
) -> None:
    stale = campaigns_pb2.Campaign(name="campaigns/c1", display_name="x", etag="9")
    call = campaigns.UpdateCampaign(campaigns_pb2.UpdateCampaignRequest(campaign=stale))
    assert await refusal(call) == (grpc.StatusCode.ABORTED, "revision-changed")
    delete = campaigns.DeleteCampaign(
        campaigns_pb2.DeleteCampaignRequest(name="campaigns/c1", etag="9")
    )
    assert await refusal(delete) == (grpc.StatusCode.ABORTED, "revision-changed")


async def test_a_change_without_an_etag_is_made_anew_when_another_came_between(
    campaigns: campaigns_pb2_grpc.CampaignServiceStub, engine: EngineDouble
) -> None:
    engine.conflicts = 2
    answer = await campaigns.SetPacing(
        campaigns_pb2.SetPacingRequest(name="campaigns/c1", progressive_rate=2.5)
    )
    assert (answer.campaign.progressive_rate, answer.campaign.etag) == (2.5, "4")


async def test_a_second_create_is_refused_and_a_repeated_one_is_not(
    campaigns: campaigns_pb2_grpc.CampaignServiceStub,
) -> None:
    def create(request_id: str) -> Any:
        return campaigns.CreateCampaign(
            campaigns_pb2.CreateCampaignRequest(
                campaign_id="c2", campaign=campaigns_pb2.Campaign(), request_id=request_id
            )
        )

    first = await create("r1")
    again = await create("r1")
    assert first == again
    assert await refusal(create("r2")) == (grpc.StatusCode.ALREADY_EXISTS, "duplicate-campaign")


async def test_pages_cover_all_campaigns(
    campaigns: campaigns_pb2_grpc.CampaignServiceStub,
) -> None:
    for name in ("c3", "c2", "b1"):
        await campaigns.CreateCampaign(
            campaigns_pb2.CreateCampaignRequest(campaign_id=name, campaign=campaigns_pb2.Campaign())
        )
    seen, token = [], ""
    while True:
        answer = await campaigns.ListCampaigns(
            campaigns_pb2.ListCampaignsRequest(page_size=3, page_token=token)
        )
        seen += [campaign.name for campaign in answer.campaigns]
        token = answer.next_page_token
        if not token:
            break
    assert seen == ["campaigns/b1", "campaigns/c1", "campaigns/c2", "campaigns/c3"]


async def test_start_and_stop_say_whether_they_did_anything(
    campaigns: campaigns_pb2_grpc.CampaignServiceStub,
) -> None:
    start = campaigns_pb2.StartCampaignRequest(name="campaigns/c1")
    stop = campaigns_pb2.StopCampaignRequest(name="campaigns/c1")
    done, already = campaigns_pb2.COMMAND_RESULT_DONE, campaigns_pb2.COMMAND_RESULT_ALREADY
    assert (await campaigns.StartCampaign(start)).result == done
    again = await campaigns.StartCampaign(start)
    assert (again.result, again.run_state) == (already, campaigns_pb2.RUN_STATE_RUNNING)
    assert (await campaigns.StopCampaign(stop)).result == done
    assert (await campaigns.StopCampaign(stop)).result == already


async def test_an_incomplete_campaign_does_not_start(
    campaigns: campaigns_pb2_grpc.CampaignServiceStub,
) -> None:
    await campaigns.CreateCampaign(
        campaigns_pb2.CreateCampaignRequest(campaign_id="c2", campaign=campaigns_pb2.Campaign())
    )
    call = campaigns.StartCampaign(campaigns_pb2.StartCampaignRequest(name="campaigns/c2"))
    assert await refusal(call) == (grpc.StatusCode.FAILED_PRECONDITION, "campaign-incomplete")


async def test_why_nothing_is_dialed_is_told_with_counts_and_samples(
    campaigns: campaigns_pb2_grpc.CampaignServiceStub,
) -> None:
    request = campaigns_pb2.ExplainCampaignRequest(name="campaigns/c1")
    idle = await campaigns.ExplainCampaign(request)
    assert "idle" in idle.summary
    await campaigns.StartCampaign(campaigns_pb2.StartCampaignRequest(name="campaigns/c1"))
    told = await campaigns.ExplainCampaign(request)
    assert [(item.reason, item.record_count) for item in told.hindrances] == [
        ("no-agent-ready", 0),
        ("outside-hours", 40),
    ]
    assert told.hindrances[1].sample_records == ["lists/l1/records/7"]
    assert told.summary == "Nothing is dialed now: no-agent-ready."
    assert (told.supplies[0].callable_count, told.ready_agents) == (10, 3)
    assert told.effective_mode == campaigns_pb2.MODE_PROGRESSIVE
    assert told.next_edge_starts


async def test_a_list_is_enabled_disabled_and_moved(
    campaigns: campaigns_pb2_grpc.CampaignServiceStub,
) -> None:
    name = "campaigns/c1/lists/l1"
    enable = campaigns_pb2.EnableListRequest(name=name)
    first = await campaigns.EnableList(enable)
    assert (first.result, first.campaign_list.enabled) == (
        campaigns_pb2.COMMAND_RESULT_DONE,
        True,
    )
    assert (await campaigns.EnableList(enable)).result == campaigns_pb2.COMMAND_RESULT_ALREADY
    moved = await campaigns.UpdateCampaignList(
        campaigns_pb2.UpdateCampaignListRequest(
            campaign_list=campaigns_pb2.CampaignList(name=name, ratio=3)
        )
    )
    assert (moved.campaign_list.enabled, moved.campaign_list.order) == (True, 1)
    assert moved.campaign_list.ratio == 3
    off = await campaigns.DisableList(campaigns_pb2.DisableListRequest(name=name))
    assert not off.campaign_list.enabled


async def test_a_list_that_the_campaign_does_not_dial_is_added_only_when_asked(
    campaigns: campaigns_pb2_grpc.CampaignServiceStub,
) -> None:
    other = campaigns_pb2.CampaignList(name="campaigns/c1/lists/l2", order=5)
    call = campaigns.UpdateCampaignList(
        campaigns_pb2.UpdateCampaignListRequest(campaign_list=other)
    )
    assert await refusal(call) == (grpc.StatusCode.NOT_FOUND, "unknown-campaign-list")
    added = await campaigns.UpdateCampaignList(
        campaigns_pb2.UpdateCampaignListRequest(campaign_list=other, allow_missing=True)
    )
    assert (added.campaign_list.enabled, added.campaign_list.order) == (False, 5)


async def test_teams_are_added_and_removed(
    campaigns: campaigns_pb2_grpc.CampaignServiceStub,
) -> None:
    add = campaigns_pb2.AddTeamRequest(name="campaigns/c1", team="teams/t1")
    remove = campaigns_pb2.RemoveTeamRequest(name="campaigns/c1", team="teams/t1")
    assert list((await campaigns.AddTeam(add)).campaign.teams) == ["teams/t1"]
    assert (await campaigns.AddTeam(add)).result == campaigns_pb2.COMMAND_RESULT_ALREADY
    assert list((await campaigns.RemoveTeam(remove)).campaign.teams) == []
    assert (await campaigns.RemoveTeam(remove)).result == campaigns_pb2.COMMAND_RESULT_ALREADY


@pytest_asyncio.fixture
async def lists(channel: grpc.aio.Channel) -> lists_pb2_grpc.ListServiceStub:
    stub = lists_pb2_grpc.ListServiceStub(channel)
    await stub.CreateList(lists_pb2.CreateListRequest(list_id="l1", list=lists_pb2.List()))
    return stub


def header(**values: Any) -> lists_pb2.ImportListRequest:
    return lists_pb2.ImportListRequest(
        header=lists_pb2.ImportHeader(list="lists/l1", import_id="june", **values)
    )


async def test_a_file_is_imported_with_progress_and_its_errors_are_kept(
    lists: lists_pb2_grpc.ListServiceStub, engine: EngineDouble
) -> None:
    chunks = [lists_pb2.ImportListRequest(chunk=b"good\nbad\ngo"),
              lists_pb2.ImportListRequest(chunk=b"od\n")]  # fmt: skip
    told = [part async for part in lists.ImportList(iter([header(), *chunks, END]))]
    assert [part.WhichOneof("part") for part in told] == ["progress", "progress", "result"]
    assert [(item.line, item.message) for item in told[0].progress.recent_errors] == [
        (2, "no number")
    ]
    result = told[-1].result
    assert (result.lines_read, result.records_added, result.lines_rejected) == (3, 2, 1)
    assert (result.bytes_read, result.batches_durable) == (14, 1)
    assert engine.runs[0].closed
    errors = await lists.ListImportErrors(
        lists_pb2.ListImportErrorsRequest(parent="lists/l1/imports/june")
    )
    assert [error.line for error in errors.errors] == [2]


async def test_the_header_is_accepted_before_any_chunk_is_sent(
    lists: lists_pb2_grpc.ListServiceStub,
) -> None:
    call = lists.ImportList()
    await call.write(header())
    async with asyncio.timeout(PATIENCE_S):
        await call.initial_metadata()
    assert not call.done()
    for chunk in (b"good\n", b"bad\n"):  # each is answered before the next is sent
        await call.write(lists_pb2.ImportListRequest(chunk=chunk))
        part = await call.read()
        assert isinstance(part, lists_pb2.ImportListResponse)
        assert part.HasField("progress")
    call.cancel()


async def test_an_import_that_breaks_off_is_closed_and_not_finished(
    lists: lists_pb2_grpc.ListServiceStub, engine: EngineDouble
) -> None:
    call = lists.ImportList()
    await call.write(header())
    await call.write(lists_pb2.ImportListRequest(chunk=b"good\n"))
    await call.read()
    call.cancel()
    async with asyncio.timeout(PATIENCE_S):
        while not engine.runs[0].closed:  # noqa: ASYNC110 - the server sees a cancel when it does
            await asyncio.sleep(0.01)
    assert not engine.runs[0].finished


END = lists_pb2.ImportListRequest(end=lists_pb2.ImportEnd())
BAD_IMPORTS = [
    pytest.param(
        [header(), lists_pb2.ImportListRequest(chunk=b"go")], "import-broken", id="broken off"
    ),
    pytest.param([lists_pb2.ImportListRequest(chunk=b"x")], "invalid-import", id="no header"),
    pytest.param([header(), header()], "invalid-import", id="two headers"),
    pytest.param([lists_pb2.ImportListRequest()], "invalid-fields", id="nothing"),
    pytest.param([header(default_zone="Mars/Base")], "invalid-zone", id="unknown zone"),
    pytest.param([header(region="Germany")], "invalid-fields", id="a region in words"),
    pytest.param(
        [header(), lists_pb2.ImportListRequest(chunk=bytes(300_000))],
        "invalid-fields",
        id="a chunk too large",
    ),
    pytest.param(
        [
            header(
                mapping=[
                    lists_pb2.ColumnMapping(column="a", role=lists_pb2.COLUMN_ROLE_PHONE),
                    lists_pb2.ColumnMapping(column="a", role=lists_pb2.COLUMN_ROLE_NAME),
                ]
            )
        ],
        "invalid-header",
        id="a column mapped twice",
    ),
    pytest.param(
        [header(mapping=[lists_pb2.ColumnMapping(column="x", role=lists_pb2.COLUMN_ROLE_IGNORED)])],
        "invalid-header",
        id="refused by the engine",
    ),
]


@pytest.mark.parametrize(("parts", "slug"), BAD_IMPORTS)
async def test_a_malformed_import_is_refused(
    lists: lists_pb2_grpc.ListServiceStub, parts: list[lists_pb2.ImportListRequest], slug: str
) -> None:
    async def drain() -> None:
        async for _ in lists.ImportList(iter(parts)):
            pass

    assert await refusal(drain()) == (grpc.StatusCode.INVALID_ARGUMENT, slug)


async def test_records_are_read_with_their_standing(
    lists: lists_pb2_grpc.ListServiceStub, campaigns: campaigns_pb2_grpc.CampaignServiceStub
) -> None:
    got = await lists.GetRecord(lists_pb2.GetRecordRequest(name="lists/l1/records/7"))
    assert (got.record.display_name, dict(got.record.custom_fields)) == ("Ada", {"city": "Ulm"})
    assert [standing.campaign for standing in got.record.standings] == ["campaigns/c1"]
    assert got.record.standings[0].phase == lists_pb2.RECORD_PHASE_WAITING
    unknown = lists.GetRecord(lists_pb2.GetRecordRequest(name=f"lists/l1/records/{ROWS}"))
    assert await refusal(unknown) == (grpc.StatusCode.NOT_FOUND, "unknown-record")
    why = await lists.ExplainRecord(
        lists_pb2.ExplainRecordRequest(name="lists/l1/records/7", campaign="campaigns/c1")
    )
    assert (why.callable, why.reason, why.numbers[0].reason) == (False, "waiting", "on-dnc")
    reset = await lists.ResetRecord(
        lists_pb2.ResetRecordRequest(name="lists/l1/records/7", campaign="campaigns/c1")
    )
    assert reset.standing.campaign == "campaigns/c1"


async def test_pages_cover_all_records(lists: lists_pb2_grpc.ListServiceStub) -> None:
    rows, token = [], ""
    while True:
        answer = await lists.ListRecords(
            lists_pb2.ListRecordsRequest(parent="lists/l1", page_token=token)
        )
        rows += [int(record.name.rpartition("/")[2]) for record in answer.records]
        token = answer.next_page_token
        if not token:
            break
    assert rows == list(range(ROWS))


async def test_the_do_not_call_list_is_kept(channel: grpc.aio.Channel) -> None:
    stub = dnc_pb2_grpc.DncServiceStub(channel)
    numbers = ["+14155550101", "+14155550100"]
    added = await stub.AddDncNumbers(dnc_pb2.AddDncNumbersRequest(numbers=numbers))
    assert added.added == 2
    assert (await stub.CheckDncNumber(dnc_pb2.CheckDncNumberRequest(number=numbers[0]))).listed
    told = await stub.ListDncNumbers(dnc_pb2.ListDncNumbersRequest(page_size=1))
    assert list(told.numbers) == ["+14155550100"]
    removed = await stub.RemoveDncNumbers(dnc_pb2.RemoveDncNumbersRequest(numbers=numbers[:1]))
    assert removed.removed == 1
    wrong = stub.AddDncNumbers(dnc_pb2.AddDncNumbersRequest(numbers=["415-555-0100"]))
    assert await refusal(wrong) == (grpc.StatusCode.INVALID_ARGUMENT, "invalid-number")


async def test_teams_and_trunks_are_kept_and_passwords_are_not_told(
    channel: grpc.aio.Channel, engine: EngineDouble
) -> None:
    teams, trunks = (
        teams_pb2_grpc.TeamServiceStub(channel),
        trunks_pb2_grpc.TrunkServiceStub(channel),
    )
    await teams.CreateTeam(teams_pb2.CreateTeamRequest(team_id="t1", team=teams_pb2.Team()))
    renamed = await teams.UpdateTeam(
        teams_pb2.UpdateTeamRequest(team=teams_pb2.Team(name="teams/t1", display_name="Sales"))
    )
    assert renamed.team.display_name == "Sales"
    trunk = trunks_pb2.Trunk(address="192.0.2.1", username="u", password="hush")
    made = await trunks.CreateTrunk(trunks_pb2.CreateTrunkRequest(trunk_id="k1", trunk=trunk))
    assert (made.trunk.password, made.trunk.state.channels_used) == ("", 4)
    await trunks.UpdateTrunk(
        trunks_pb2.UpdateTrunkRequest(trunk=trunks_pb2.Trunk(name="trunks/k1", channels=3))
    )
    kept = engine.configuration.get("trunk", "k1")
    assert (getattr(kept, "password", ""), getattr(kept, "channels", 0)) == ("hush", 3)


@pytest_asyncio.fixture
async def agents(channel: grpc.aio.Channel) -> agents_pb2_grpc.AgentServiceStub:
    stub = agents_pb2_grpc.AgentServiceStub(channel)
    for name, team in (("alice", "teams/t1"), ("bob", "")):
        await stub.CreateAgent(
            agents_pb2.CreateAgentRequest(agent_id=name, agent=agents_pb2.Agent(team=team))
        )
    return stub


async def test_agents_are_listed_by_team(agents: agents_pb2_grpc.AgentServiceStub) -> None:
    all_ = await agents.ListAgents(agents_pb2.ListAgentsRequest())
    assert [agent.name for agent in all_.agents] == ["agents/alice", "agents/bob"]
    some = await agents.ListAgents(agents_pb2.ListAgentsRequest(team="teams/t1"))
    assert [agent.name for agent in some.agents] == ["agents/alice"]


async def test_a_state_is_forced_unless_the_agent_is_busy(
    agents: agents_pb2_grpc.AgentServiceStub, engine: EngineDouble
) -> None:
    request = agents_pb2.SetAgentStateRequest(
        name="agents/alice", state=agent_session_pb2.AGENT_STATE_READY, supervisor="sue"
    )
    first = await agents.SetAgentState(request)
    assert first.status.state == agent_session_pb2.AGENT_STATE_READY
    assert (await agents.SetAgentState(request)).result == campaigns_pb2.COMMAND_RESULT_ALREADY
    engine.busy.add("alice")
    request.state = agent_session_pb2.AGENT_STATE_NOT_READY
    assert await refusal(agents.SetAgentState(request)) == (
        grpc.StatusCode.FAILED_PRECONDITION,
        "agent-busy",
    )


Said = agent_session_pb2.AgentSessionRequest


async def test_an_agent_works_in_a_session(
    agents: agents_pb2_grpc.AgentServiceStub,
    engine: EngineDouble,
    campaigns: campaigns_pb2_grpc.CampaignServiceStub,
) -> None:
    call = agents.AgentSession()
    await call.write(Said(request_id="1", login=Said.Login(agent="agents/alice")))
    told = [await call.read(), await call.read()]
    assert [cast("Any", part).WhichOneof("event") for part in told] == ["ack", "state_changed"]
    link = engine.desks[0]
    link.queue.put_nowait(
        desk.CallJoined(CALL, CampaignId("c1"), RecordRef(ListId("l1"), 7), E164("+14155550100"))
    )
    joined = cast("agent_session_pb2.AgentSessionResponse", await call.read()).call_connected
    assert (joined.record.display_name, joined.number) == ("Ada", "+14155550100")
    assert "success" in joined.dispositions
    await call.write(Said(request_id="2", hang_up=Said.HangUp(call=f"calls/{CALL}")))
    ack = cast("agent_session_pb2.AgentSessionResponse", await call.read())
    assert ack.ack.request_id == "2"
    assert isinstance(link.said[0], HangUpCall)
    call.cancel()
    async with asyncio.timeout(PATIENCE_S):
        while not link.closed:  # noqa: ASYNC110 - the server sees a cancel when it does
            await asyncio.sleep(0.01)


async def test_a_login_may_say_the_state_to_begin_in(
    agents: agents_pb2_grpc.AgentServiceStub, engine: EngineDouble
) -> None:
    call = agents.AgentSession()
    ready = Said.Login(agent="agents/alice", state=agent_session_pb2.AGENT_STATE_READY)
    await call.write(Said(request_id="1", login=ready))
    await call.write(Said(request_id="2", set_state=Said.SetState(state=ready.state)))
    acks = [cast("Any", await call.read()) for _ in range(3)]
    assert [part.WhichOneof("event") for part in acks] == ["ack", "state_changed", "ack"]
    assert [getattr(item, "state", None) for item in engine.desks[0].said] == [
        AgentState.READY,
        AgentState.READY,
    ]
    call.cancel()


async def test_a_refused_command_ends_nothing(
    agents: agents_pb2_grpc.AgentServiceStub, engine: EngineDouble
) -> None:
    call = agents.AgentSession()
    await call.write(Said(request_id="1", login=Said.Login(agent="agents/alice")))
    await call.read()
    await call.read()
    await call.write(Said(request_id="2", hang_up=Said.HangUp()))
    await call.write(Said(request_id="3"))
    engine.desks[0].refuse = IllegalTransitionError("not from here")
    await call.write(Said(request_id="4", hold=Said.Hold(call=f"calls/{CALL}")))
    refused = [
        cast("agent_session_pb2.AgentSessionResponse", await call.read()).refusal for _ in range(3)
    ]
    assert [(item.request_id, item.reason) for item in refused] == [
        ("2", "unknown-call"),
        ("3", "invalid-fields"),
        ("4", "illegal-transition"),
    ]
    call.cancel()


async def test_a_session_that_is_replaced_says_so_and_ends(
    agents: agents_pb2_grpc.AgentServiceStub, engine: EngineDouble
) -> None:
    call = agents.AgentSession()
    await call.write(Said(request_id="1", login=Said.Login(agent="agents/alice")))
    await call.read()
    await call.read()
    engine.desks[0].queue.put_nowait(None)
    last = cast("agent_session_pb2.AgentSessionResponse", await call.read())
    assert last.session_ended.reason == "replaced"
    assert await call.read() is grpc.aio.EOF
    assert engine.desks[0].closed


@pytest.mark.parametrize(
    ("first", "code", "slug"),
    [
        pytest.param(
            Said(hang_up=Said.HangUp()),
            grpc.StatusCode.INVALID_ARGUMENT,
            "not-logged-in",
            id="no login",
        ),
        pytest.param(
            Said(login=Said.Login(agent="agents/nobody")),
            grpc.StatusCode.NOT_FOUND,
            "unknown-agent",
            id="missing agent",
        ),
        pytest.param(
            Said(login=Said.Login(agent="agents/alice", phone="tel:1")),
            grpc.StatusCode.INVALID_ARGUMENT,
            "invalid-address",
            id="wrong phone",
        ),
    ],
)
async def test_a_session_without_a_proper_login_is_refused(
    agents: agents_pb2_grpc.AgentServiceStub, first: Said, code: grpc.StatusCode, slug: str
) -> None:
    async def drain() -> None:
        async for _ in agents.AgentSession(iter([first])):
            pass

    assert await refusal(drain()) == (code, slug)


async def test_events_come_without_a_gap_from_where_they_are_asked(
    channel: grpc.aio.Channel, engine: EngineDouble
) -> None:
    engine.events.happen(1_200)
    stub = events_pb2_grpc.EventServiceStub(channel)
    call = stub.WatchEvents(events_pb2.WatchEventsRequest(after_sequence=100))
    seen: list[int] = []
    async for message in call:
        seen += [event.sequence for event in message.events]
        if seen[-1] == 1_200:
            engine.events.happen(5)
        if seen[-1] == 1_205:
            break
    assert seen == list(range(101, 1_206))
    call.cancel()


async def test_events_can_be_listed_and_the_future_cannot(
    channel: grpc.aio.Channel, engine: EngineDouble
) -> None:
    engine.events.happen(3)
    stub = events_pb2_grpc.EventServiceStub(channel)
    told = await stub.ListEvents(events_pb2.ListEventsRequest(after_sequence=1, page_size=1))
    assert ([event.sequence for event in told.events], told.last_sequence) == ([2], 3)
    future = stub.ListEvents(events_pb2.ListEventsRequest(after_sequence=4))
    assert await refusal(future) == (grpc.StatusCode.OUT_OF_RANGE, "events-expired")


async def test_without_a_number_only_new_events_come(
    channel: grpc.aio.Channel, engine: EngineDouble
) -> None:
    engine.events.happen(3)
    call = events_pb2_grpc.EventServiceStub(channel).WatchEvents(events_pb2.WatchEventsRequest())
    messages = aiter(call)
    first = await anext(messages)
    assert (list(first.events), first.last_sequence) == ([], 3)
    engine.events.happen(1)
    assert [event.sequence for event in (await anext(messages)).events] == [4]
    call.cancel()


async def test_a_supervisor_hears_speaks_and_changes_modes(
    channel: grpc.aio.Channel,
    agents: agents_pb2_grpc.AgentServiceStub,
    engine: EngineDouble,
) -> None:
    stub = supervision_pb2_grpc.SupervisionServiceStub(channel)
    call = stub.Supervise()
    asked = supervision_pb2.SuperviseRequest
    await call.write(
        asked(
            start_session=asked.StartSession(
                agent="agents/alice",
                supervisor="sue",
                encoding=supervision_pb2.AUDIO_ENCODING_PCMU,
            )
        )
    )
    state = cast("supervision_pb2.SuperviseResponse", await call.read()).session_state.session
    assert (state.mode, state.call) == (
        supervision_pb2.SUPERVISION_MODE_MONITOR,
        f"calls/{CALL}",
    )
    heard = cast("supervision_pb2.SuperviseResponse", await call.read()).audio_frame
    assert (heard.samples, heard.sequence) == (b"\xff" * 160, 1)
    listed = await stub.ListSupervisionSessions(supervision_pb2.ListSupervisionSessionsRequest())
    assert [session.supervisor for session in listed.sessions] == ["sue"]
    await call.write(asked(audio_frame=supervision_pb2.AudioFrame(samples=b"\xff" * 160)))
    await call.write(asked(audio_frame=supervision_pb2.AudioFrame(samples=b"\xff" * 80)))
    refused = cast("supervision_pb2.SuperviseResponse", await call.read()).refusal
    assert refused.reason == "invalid-frame"
    assert engine.links[0].spoken == [bytes(320)]
    coach = supervision_pb2.SUPERVISION_MODE_COACH
    await call.write(asked(set_mode=asked.SetMode(mode=coach)))
    changed = cast("supervision_pb2.SuperviseResponse", await call.read())
    assert changed.session_state.session.mode == coach
    await call.write(asked(end_session=asked.EndSession()))
    last = cast("supervision_pb2.SuperviseResponse", await call.read())
    assert last.session_ended.reason == "ended"
    assert await call.read() is grpc.aio.EOF
    assert engine.links[0].closed


async def test_a_session_ends_with_its_call(
    channel: grpc.aio.Channel, agents: agents_pb2_grpc.AgentServiceStub, engine: EngineDouble
) -> None:
    asked = supervision_pb2.SuperviseRequest
    call = supervision_pb2_grpc.SupervisionServiceStub(channel).Supervise()
    await call.write(
        asked(start_session=asked.StartSession(agent="agents/alice", supervisor="sue"))
    )
    await call.read()
    await call.read()
    engine.links[0].queue.put_nowait(desk.SessionOver("call-ended"))
    last = cast("supervision_pb2.SuperviseResponse", await call.read())
    assert last.session_ended.reason == "call-ended"
    assert await call.read() is grpc.aio.EOF


async def test_pacing_shows_the_newest_decision(
    channel: grpc.aio.Channel, campaigns: campaigns_pb2_grpc.CampaignServiceStub
) -> None:
    stub = pacing_pb2_grpc.PacingServiceStub(channel)
    call = stub.WatchPacing(pacing_pb2.WatchPacingRequest(campaign="campaigns/c1"))
    decision = (await anext(aiter(call))).decision
    assert (decision.calls_started, decision.reason, decision.tau) == (2, "risk", 0.02)
    seen = (decision.idle_agents, decision.freeing_agents, decision.asking_calls)
    assert seen == (4.0, 1.5, 2.5)
    call.cancel()


async def test_pacing_shows_every_decision_in_order(
    channel: grpc.aio.Channel,
    campaigns: campaigns_pb2_grpc.CampaignServiceStub,
    engine: EngineDouble,
) -> None:
    stub = pacing_pb2_grpc.PacingServiceStub(channel)
    call = stub.WatchPacing(pacing_pb2.WatchPacingRequest(campaign="campaigns/c1"))
    answers = aiter(call)
    await anext(answers)
    newest = await engine.pacing.describe(CampaignId("c1"))
    for started in range(3, 8):  # within one turn of the loop
        engine.pacing.watchers[0](replace(newest, started=started))
    assert [(await anext(answers)).decision.calls_started for _ in range(5)] == [3, 4, 5, 6, 7]
    call.cancel()


async def test_a_day_of_pacing_is_told_with_its_reasons(
    channel: grpc.aio.Channel,
    campaigns: campaigns_pb2_grpc.CampaignServiceStub,
    engine: EngineDouble,
) -> None:
    stub = pacing_pb2_grpc.PacingServiceStub(channel)
    morning_s = datetime(2026, 3, 9, 9, tzinfo=UTC).timestamp()
    engine.events.log += [
        StoredFact(at + 1, minute) for at, minute in enumerate(minutes(morning_s, 3))
    ]
    request = pacing_pb2.ReportPacingRequest(campaign="campaigns/c1", day="2026-03-09")
    report = await stub.ReportPacing(request)
    assert (report.day, report.time_zone, report.calls_started) == ("2026-03-09", "UTC", 21)
    assert report.duration.ToSeconds() == 180
    assert [(hold.reason, hold.idle_duration.ToSeconds()) for hold in report.holds] == [
        ("budget", 60),
        ("risk", 30),
    ]
    assert [minute.pacing.tau for minute in report.minutes] == [0.02, 0.02, 0.02]
    other = await stub.ReportPacing(
        pacing_pb2.ReportPacingRequest(campaign="campaigns/c1", day="2026-03-10")
    )
    assert not other.minutes
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await stub.ReportPacing(
            pacing_pb2.ReportPacingRequest(campaign="campaigns/c1", day="2026-13-45")
        )
    assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT


def minutes(begins_s: float, count: int) -> list[PacingSummed]:
    return [
        PacingSummed(
            at_s=begins_s + 60.0 * (place + 1),
            campaign_id=CampaignId("c1"),
            length_s=60.0,
            held_s={"risk": 40.0, "budget": 20.0},
            idle_s={"risk": 10.0, "budget": 20.0},
            decisions=240,
            calls_started=7,
            ready_agents=0.5,
            calls_in_flight=3.0,
            answer_ratio=0.3,
            tau=0.02,
            budget_calls=4.0,
            dial_level=1.5,
        )
        for place in range(count)
    ]


async def test_the_engine_tells_how_it_is_and_drains(channel: grpc.aio.Channel) -> None:
    stub = engine_pb2_grpc.EngineServiceStub(channel)
    told = (await stub.GetEngine(engine_pb2.GetEngineRequest())).engine
    assert (told.version, told.epoch, told.uptime.ToMilliseconds()) == ("0.1.0", 3, 60_500)
    assert not told.draining
    assert (await stub.DrainEngine(engine_pb2.DrainEngineRequest())).engine.draining
