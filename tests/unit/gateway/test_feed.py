"""Readers of metrics end in the same state, however slowly they read (invariants G1, G2)."""

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.domain.refusals import InvalidRequestError
from engine.metrics.board import MetricsBoard
from engine.metrics.catalogue import CATALOGUE, METRICS, Scope
from engine.metrics.gauges import CampaignGauges
from gateway.convert import metrics as convert
from gateway.convert.metrics import Query, from_query
from gateway.feed import Feed, Reader
from gateway.pb.paceline.v1 import metrics_pb2 as pb

QUERY = Query(Scope.CAMPAIGN, "", (), ("running", "calls_active", "records_remaining"))


class Screen:
    """What a client shows after the messages it has read."""

    def __init__(self) -> None:
        self.rows: dict[str, list[bytes]] = {}
        self.sequence = 0
        self.kinds: list[str] = []

    async def read(self, reader: Reader) -> None:
        got = await reader.get(0)
        if got is None or got[0] is None:
            return
        message = got[0]
        part = message.WhichOneof("part")
        assert part is not None
        assert part == "snapshot" or message.sequence == self.sequence + 1, "an unmarked gap"
        self.sequence = message.sequence
        self.kinds.append(part)
        if part == "snapshot":
            self.rows = {row.name: _values(row) for row in message.snapshot.rows}
        for row in message.changes.added:
            self.rows[row.name] = _values(row)
        for name in message.changes.removed:
            self.rows.pop(name, None)
        for change in message.changes.changes:
            self.rows[change.name][change.column] = change.value.SerializeToString()


def _values(row: pb.MetricRow) -> list[bytes]:
    return [value.SerializeToString() for value in row.values]


def board_with(**active: int) -> MetricsBoard:
    board = MetricsBoard()
    for campaign, count in active.items():
        board.put(campaign, CampaignGauges(running="running", calls_active=count))
    board.tick(0.0)
    return board


steps = st.lists(
    st.tuples(
        st.sampled_from(["a", "b", "c"]),
        st.one_of(st.none(), st.integers(0, 3)),  # None: the campaign is deleted
        st.booleans(),  # whether the slow reader reads
        st.sampled_from([0.5, 6.0]),  # time that passes
    ),
    max_size=20,
)


@settings(deadline=None)
@given(steps)
def test_a_slow_reader_ends_in_the_state_of_one_who_lost_nothing(
    changes: list[tuple[str, int | None, bool, float]],
) -> None:
    async def run() -> None:
        board = board_with(a=1)
        feed = Feed(QUERY, board)
        fast, slow = feed.join(0.0), feed.join(0.0)
        quick, late = Screen(), Screen()
        now_s = 0.0
        for campaign, count, reads, passed_s in changes:
            await quick.read(fast)
            if reads:
                await late.read(slow)
            if count is None:
                board.drop(Scope.CAMPAIGN, campaign)
            else:
                board.put(campaign, CampaignGauges(running="running", calls_active=count))
            now_s += passed_s
            board.tick(now_s)
            list(feed.tick(now_s))
        await quick.read(fast)
        await late.read(slow)
        assert quick.rows == late.rows
        whole = {row.name: _values(row) for row in feed.snapshot().rows}
        assert quick.rows == whole

    asyncio.run(run())


@pytest.mark.asyncio
async def test_all_readers_get_the_very_same_message() -> None:
    board = board_with(a=1)
    feed = Feed(QUERY, board)
    readers = [feed.join(0.0) for _ in range(3)]
    for reader in readers:
        await reader.get(0)
    board.put("a", CampaignGauges(running="running", calls_active=2))
    board.tick(1.0)
    list(feed.tick(1.0))
    got = [await reader.get(0) for reader in readers]
    messages = {id(item[0]) for item in got if item is not None}
    assert len(messages) == 1


@pytest.mark.asyncio
async def test_nothing_new_is_told_by_a_heartbeat_alone() -> None:
    board = board_with(a=1)
    feed = Feed(QUERY, board, heartbeat_s=5.0)
    reader, screen = feed.join(0.0), Screen()
    await screen.read(reader)
    for now_s in (1.0, 2.0, 5.0, 6.0, 10.0):
        board.tick(now_s)
        list(feed.tick(now_s))
        await screen.read(reader)
    assert screen.kinds == ["snapshot", "heartbeat", "heartbeat"]


@pytest.mark.asyncio
async def test_a_reader_who_left_gets_nothing() -> None:
    board = board_with(a=1)
    feed = Feed(QUERY, board)
    reader = feed.join(0.0)
    feed.leave(reader)
    assert feed.readers == []
    await reader.get(0)
    board.put("a", CampaignGauges(running="idle"))
    board.tick(9.0)
    list(feed.tick(9.0))
    assert await reader.get(0) == (None, 0)


def test_without_columns_every_metric_that_is_computed_is_told() -> None:
    query = from_query(pb.GetMetricsRequest(scope=pb.METRIC_SCOPE_CAMPAIGN))
    fed = {item.id for item in CATALOGUE if item.scope is Scope.CAMPAIGN and item.fed}
    assert set(query.columns) == fed
    assert fed


@pytest.mark.parametrize(
    ("scope", "name", "board_id"),
    [
        (Scope.CAMPAIGN, "campaigns/c1", "c1"),
        (Scope.LIST, "campaigns/c1/lists/l1", "c1/l1"),
        (Scope.TEAM, "campaigns/c1/teams/t1", "c1/t1"),
        (Scope.AGENT, "agents/a1", "a1"),
    ],
)
def test_objects_have_resource_names(scope: Scope, name: str, board_id: str) -> None:
    assert convert.object_id(scope, name) == board_id
    assert convert.object_name(scope, board_id) == name


@pytest.mark.parametrize(
    ("scope", "name"),
    [
        (Scope.CAMPAIGN, "agents/a1"),
        (Scope.CAMPAIGN, "campaigns/c1/lists/l1"),
        (Scope.LIST, "lists/l1"),
        (Scope.AGENT, "agents/"),
        (Scope.SKILL, "skills/s1"),
    ],
)
def test_a_name_of_another_scope_is_refused(scope: Scope, name: str) -> None:
    with pytest.raises(InvalidRequestError):
        convert.object_id(scope, name)


def test_a_metric_of_another_scope_is_refused() -> None:
    with pytest.raises(InvalidRequestError, match="has no metric"):
        from_query(pb.GetMetricsRequest(scope=pb.METRIC_SCOPE_AGENT, columns=["dialing_rate"]))


def test_dispositions_are_told_together() -> None:
    row: dict[str, int | float | str] = {
        "disposition_count": 3,
        "disposition_count/busy": 1,
        "disposition_count/success": 2,
    }
    value = convert.value_at(row, "disposition_count")
    assert dict(value.counts.counts) == {"busy": 1, "success": 2}
    assert convert.changed_columns(
        ["running", "disposition_count"], {}, ["disposition_count/x"]
    ) == [1]


def test_a_parent_is_the_whole_id_and_not_its_beginning() -> None:
    query = Query(Scope.LIST, "c1", (), ("status",))
    assert query.wants("c1/l1")
    assert not query.wants("c10/l1")


@pytest.mark.parametrize("metric", CATALOGUE, ids=lambda item: f"{item.scope}/{item.id}")
def test_every_metric_of_the_catalogue_is_told(metric: object) -> None:
    item = next(known for known in METRICS.values() if known is metric)
    told = convert.to_metric(item)
    assert (told.id, told.display_name, told.computed) == (item.id, item.name, item.fed)
    assert told.scope
    assert told.kind
    assert told.window


def test_many_readers_are_woken_in_slices() -> None:
    board = board_with(a=1)
    feed = Feed(QUERY, board)
    readers = [feed.join(0.0) for _ in range(100)]
    board.put("a", CampaignGauges(running="idle"))
    board.tick(1.0)
    assert len(list(feed.tick(1.0))) == 4
    assert len(readers) == 100


def test_a_snapshot_is_built_once_for_all_who_join_at_one_tick() -> None:
    board = board_with(a=1)
    feed = Feed(QUERY, board)
    asyncio.run(_same(feed.join(0.0), feed.join(0.0)))


async def _same(first: Reader, second: Reader) -> None:
    one, two = await first.get(0), await second.get(0)
    assert one is not None
    assert two is not None
    assert one[0] is two[0]
