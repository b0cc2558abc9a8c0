"""The Python client against a real gateway: what it sends, what it gives back, what it raises."""

import asyncio
from pathlib import Path

import pytest
from google.protobuf.duration_pb2 import Duration

from clients import PacelineClient, PacelineError
from engine.actors import desk
from engine.domain.refusals import IllegalTransitionError
from gateway.pb.paceline.v1 import agent_session_pb2, agents_pb2, campaigns_pb2, lists_pb2
from gateway.pb.paceline.v1.metrics_pb2 import METRIC_SCOPE_CAMPAIGN
from tests.integration.gateway.double import EngineDouble
from tests.support.load import PATIENCE_S

pytestmark = pytest.mark.asyncio

HOURS = campaigns_pb2.CallingHours(opens=Duration(seconds=0), closes=Duration(seconds=86_400))


async def test_a_campaign_is_made_started_and_stopped_by_its_id(client: PacelineClient) -> None:
    created = await client.campaigns.create("c1", campaigns_pb2.Campaign(calling_hours=[HOURS]))
    assert created.name == "campaigns/c1"
    started = await client.campaigns.start("c1")
    assert started.run_state == campaigns_pb2.RUN_STATE_RUNNING
    assert started.result == campaigns_pb2.COMMAND_RESULT_DONE
    again = await client.campaigns.start("campaigns/c1")
    assert again.result == campaigns_pb2.COMMAND_RESULT_ALREADY
    stopped = await client.campaigns.stop("c1")
    assert stopped.run_state == campaigns_pb2.RUN_STATE_IDLE


async def test_lists_join_a_campaign_disabled_and_are_enabled(client: PacelineClient) -> None:
    await client.lists.create("l1")
    await client.campaigns.create("c1", campaigns_pb2.Campaign(calling_hours=[HOURS]))
    added = await client.campaigns.add_list("c1", "l1", order=2)
    assert (added.name, added.enabled, added.order) == ("campaigns/c1/lists/l1", False, 2)
    enabled = await client.campaigns.enable_list("c1", "l1")
    assert enabled.campaign_list.enabled
    explained = await client.campaigns.explain("c1")
    assert explained.supplies[0].record_count == 100


async def test_a_refusal_is_an_error_with_its_slug(client: PacelineClient) -> None:
    with pytest.raises(PacelineError) as caught:
        await client.campaigns.get("nowhere")
    assert (caught.value.slug, caught.value.code) == ("unknown-campaign", "NOT_FOUND")
    assert not caught.value.passing


async def test_wrong_fields_are_an_error_that_names_them(client: PacelineClient) -> None:
    with pytest.raises(PacelineError, match=r"invalid-fields: .*progressive_rate"):
        await client.campaigns.create("c1", campaigns_pb2.Campaign(progressive_rate=9))


async def test_no_server_is_an_error_that_may_pass() -> None:
    async with PacelineClient("127.0.0.1:1", deadline_s=PATIENCE_S) as client:
        with pytest.raises(PacelineError) as caught:
            await client.engine.get()
    assert caught.value.slug == "unreachable"
    assert caught.value.passing


async def test_a_file_is_imported_with_progress_and_errors(
    client: PacelineClient, tmp_path: Path
) -> None:
    file = tmp_path / "people.csv"
    file.write_text("name,phone\n" + "a,+14155550100\n" * 60_000 + "bad,1\n")
    await client.lists.create("l1")
    seen = [progress async for progress in client.lists.import_file("l1", file)]
    assert len(seen) > 2
    assert [each.bytes_read for each in seen] == sorted(each.bytes_read for each in seen)
    assert seen[-1].lines_rejected == 1
    assert seen[-1].bytes_read == file.stat().st_size


async def test_the_same_file_has_the_same_import_id(
    client: PacelineClient, engine: EngineDouble, tmp_path: Path
) -> None:
    file = tmp_path / "people.csv"
    file.write_text("phone\nbad\n")
    await client.lists.create("l1")
    for _ in range(2):
        async for _progress in client.lists.import_file("l1", file):
            pass
    ((_, import_id),) = engine.imports.refused
    errors = [each async for each in client.lists.import_errors("l1", import_id)]
    assert [each.message for each in errors] == ["no number", "no number"]


async def test_who_acts_is_told_and_is_the_operator_if_nobody_says(
    server: str, engine: EngineDouble, client: PacelineClient
) -> None:
    await client.dnc.add(["+14155550100"])
    async with PacelineClient(server, user="eve@night") as eve:
        await eve.dnc.remove(["+14155550100"])
        await eve.agents.create("ada", agents_pb2.Agent())
        await eve.agents.set_state("ada", agent_session_pb2.AGENT_STATE_NOT_READY)
        await eve.agents.set_state("ada", agent_session_pb2.AGENT_STATE_READY, supervisor="mallory")
    assert engine.callers == ["operator", "eve@night", "eve@night", "mallory"]
    async with PacelineClient(server, user="engine") as engine_itself:
        with pytest.raises(PacelineError, match="invalid-user"):
            await engine_itself.dnc.add(["+14155550101"])
    assert len(engine.callers) == 4


async def test_an_import_into_no_list_is_refused(client: PacelineClient, tmp_path: Path) -> None:
    file = tmp_path / "people.csv"
    file.write_text("phone\n")
    with pytest.raises(PacelineError, match="unknown-list"):
        async for _ in client.lists.import_file("l1", file):
            pass


async def test_a_header_of_wrong_columns_is_refused(client: PacelineClient, tmp_path: Path) -> None:
    file = tmp_path / "people.csv"
    file.write_text("x\n" * 400_000)
    await client.lists.create("l1")
    column = lists_pb2.ColumnMapping(column="x", role=lists_pb2.COLUMN_ROLE_IGNORED)
    with pytest.raises(PacelineError, match="invalid-header"):
        async for _ in client.lists.import_file(
            "l1", file, lists_pb2.ImportHeader(mapping=[column])
        ):
            pass


async def test_records_come_page_by_page(client: PacelineClient) -> None:
    await client.lists.create("l1")
    names = [record.name async for record in client.lists.records("l1", page_size=100)]
    assert len(names) == 250
    assert names[-1] == "lists/l1/records/249"


async def test_numbers_go_on_the_do_not_call_list_once(client: PacelineClient) -> None:
    assert await client.dnc.add(["+14155550100", "+14155550101"]) == 2
    assert await client.dnc.add(["+14155550100"]) == 0
    assert await client.dnc.check("+14155550101")
    assert await client.dnc.remove(["+14155550101"]) == 1
    assert [number async for number in client.dnc.list()] == ["+14155550100"]


async def test_a_desk_commands_and_is_told(client: PacelineClient, engine: EngineDouble) -> None:
    await client.agents.create("a1", agents_pb2.Agent(team="teams/t1"))
    session = client.agents.open_desk()
    await session.login("a1")
    await session.set_state(agent_session_pb2.AGENT_STATE_READY)
    link = engine.desks[0]
    assert link.said
    link.refuse = IllegalTransitionError("no call in hand")
    with pytest.raises(PacelineError, match="illegal-transition: no call in hand"):
        await session.set_state(agent_session_pb2.AGENT_STATE_READY)
    with pytest.raises(PacelineError, match="unknown-call"):
        await session.hang_up()
    link.queue.put_nowait(desk.StateShown(link.view))
    link.queue.put_nowait(None)
    kinds = [event.WhichOneof("event") async for event in session.events()]
    assert kinds == ["state_changed", "state_changed", "session_ended"]
    await session.close()
    assert link.closed


async def test_a_login_without_an_agent_is_refused(client: PacelineClient) -> None:
    session = client.agents.open_desk()
    with pytest.raises(PacelineError, match="unknown-agent"):
        await session.login("nobody")
    await session.close()


async def test_events_go_on_where_a_reader_left(
    client: PacelineClient, engine: EngineDouble
) -> None:
    engine.events.happen(5)
    assert [event.sequence for event in await client.events.read(2)] == [3, 4, 5]
    seen = []
    async for event in client.events.watch(1):
        seen.append(event.sequence)
        if len(seen) == 4:
            asyncio.get_running_loop().call_soon(engine.events.happen, 1)
        if len(seen) == 5:
            break
    assert seen == [2, 3, 4, 5, 6]


async def test_metrics_are_a_table_with_named_columns(client: PacelineClient) -> None:
    catalogue = await client.metrics.catalogue(METRIC_SCOPE_CAMPAIGN)
    assert "calls_attempted" in {metric.id for metric in catalogue}
    table = await client.metrics.get(METRIC_SCOPE_CAMPAIGN, columns=["calls_attempted"])
    assert table.columns == ["calls_attempted"]
    async for watched in client.metrics.watch(METRIC_SCOPE_CAMPAIGN, columns=["running"]):
        assert watched.columns == ["running"]
        break


async def test_pacing_tells_its_decision(client: PacelineClient) -> None:
    await client.campaigns.create("c1", campaigns_pb2.Campaign(calling_hours=[HOURS]))
    async for decision in client.pacing.watch("c1"):
        assert decision.reason == "risk"
        break


async def test_a_server_is_waited_for_until_it_serves(client: PacelineClient) -> None:
    await client.wait_serving(PATIENCE_S)
    async with PacelineClient("127.0.0.1:1") as nowhere:
        with pytest.raises(PacelineError, match="does not serve after"):
            await nowhere.wait_serving(0.2)


async def test_a_record_is_explained_in_a_campaign(client: PacelineClient) -> None:
    await client.lists.create("l1", lists_pb2.List(region="US"))
    await client.campaigns.create("c1", campaigns_pb2.Campaign(calling_hours=[HOURS]))
    explained = await client.lists.explain_record("lists/l1/records/7", "c1")
    assert explained.reason == "waiting"
    assert explained.numbers[0].reason == "on-dnc"
