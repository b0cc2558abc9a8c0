"""Metrics over the wire: the catalogue, a snapshot, changes, and many readers of one message."""

import asyncio
from collections.abc import AsyncIterator

import grpc
import grpc.aio
import pytest
import pytest_asyncio
from google.protobuf.duration_pb2 import Duration

from engine.metrics.board import MetricsBoard
from engine.metrics.catalogue import CATALOGUE
from engine.metrics.gauges import CampaignGauges
from gateway.pb.paceline.v1 import metrics_pb2 as pb
from gateway.pb.paceline.v1 import metrics_pb2_grpc
from gateway.server import Gateway
from gateway.services.metrics import MetricsService
from tests.support.load import PATIENCE_S

pytestmark = pytest.mark.asyncio


@pytest.fixture
def board() -> MetricsBoard:
    board = MetricsBoard()
    board.put("c1", CampaignGauges(running="running", calls_active=3))
    board.tick(1.0)
    return board


@pytest.fixture
def service(board: MetricsBoard) -> MetricsService:
    return MetricsService(board)


@pytest_asyncio.fixture
async def stub(service: MetricsService) -> AsyncIterator[metrics_pb2_grpc.MetricsServiceStub]:
    gateway = Gateway(
        [lambda server: metrics_pb2_grpc.add_MetricsServiceServicer_to_server(service, server)],
        listen="127.0.0.1:0",
    )
    port = await gateway.start()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        yield metrics_pb2_grpc.MetricsServiceStub(channel)
    await gateway.stop(0)


def watch() -> pb.WatchMetricsRequest:
    return pb.WatchMetricsRequest(
        scope=pb.METRIC_SCOPE_CAMPAIGN,
        columns=["running", "calls_active"],
        period=Duration(nanos=100_000_000),
    )


async def test_the_catalogue_tells_every_metric_with_its_definition(
    stub: metrics_pb2_grpc.MetricsServiceStub,
) -> None:
    answer = await stub.ListMetrics(pb.ListMetricsRequest())
    assert len(answer.metrics) == len(CATALOGUE)
    assert all(metric.definition and metric.display_name for metric in answer.metrics)
    only = await stub.ListMetrics(pb.ListMetricsRequest(scope=pb.METRIC_SCOPE_TEAM))
    assert {metric.scope for metric in only.metrics} == {pb.METRIC_SCOPE_TEAM}


async def test_a_snapshot_has_rows_in_the_order_of_the_columns(
    stub: metrics_pb2_grpc.MetricsServiceStub,
) -> None:
    answer = await stub.GetMetrics(
        pb.GetMetricsRequest(
            scope=pb.METRIC_SCOPE_CAMPAIGN, columns=["calls_active", "running", "max_wait"]
        )
    )
    (row,) = answer.snapshot.rows
    assert row.name == "campaigns/c1"
    assert (row.values[0].number, row.values[1].text) == (3, "running")
    assert row.values[2].WhichOneof("value") in {None, "number"}


async def test_an_unknown_metric_is_refused(stub: metrics_pb2_grpc.MetricsServiceStub) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await stub.GetMetrics(
            pb.GetMetricsRequest(scope=pb.METRIC_SCOPE_CAMPAIGN, columns=["nonsense"])
        )
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT


async def test_a_watch_tells_all_and_then_what_changes(
    stub: metrics_pb2_grpc.MetricsServiceStub, board: MetricsBoard
) -> None:
    call = stub.WatchMetrics(watch())
    messages = aiter(call)
    first = await anext(messages)
    assert first.snapshot.rows[0].values[1].number == 3
    board.put("c1", CampaignGauges(running="running", calls_active=4))
    board.put("c2", CampaignGauges(running="idle", calls_active=0))
    board.tick(2.0)
    second = await anext(messages)
    assert [(c.name, c.column, c.value.number) for c in second.changes.changes] == [
        ("campaigns/c1", 1, 4)
    ]
    assert [row.name for row in second.changes.added] == ["campaigns/c2"]
    call.cancel()


async def test_readers_of_one_query_share_a_feed_that_ends_with_the_last(
    stub: metrics_pb2_grpc.MetricsServiceStub, service: MetricsService, board: MetricsBoard
) -> None:
    calls = [stub.WatchMetrics(watch()) for _ in range(20)]
    for call in calls:
        await anext(aiter(call))
    assert len(service.feeds) == 1
    for call in calls:
        call.cancel()
    async with asyncio.timeout(PATIENCE_S):
        while service.feeds:  # noqa: ASYNC110 - the server sees a cancel when it sees it
            await asyncio.sleep(0.01)
