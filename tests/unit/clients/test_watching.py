"""A metric table kept up to date by messages."""

from clients import MetricTable
from gateway.pb.paceline.v1 import metrics_pb2 as pb


def number(value: float) -> pb.MetricValue:
    return pb.MetricValue(number=value)


def snapshot(*rows: tuple[str, float, float]) -> pb.WatchMetricsResponse:
    return pb.WatchMetricsResponse(
        snapshot=pb.MetricsSnapshot(
            columns=["a", "b"],
            rows=[pb.MetricRow(name=name, values=[number(x), number(y)]) for name, x, y in rows],
        )
    )


def test_changes_additions_and_removals_are_applied() -> None:
    table = MetricTable()
    table.take(snapshot(("x", 1, 2), ("y", 3, 4)))
    changes = pb.MetricsChanges(
        changes=[
            pb.MetricChange(name="x", column=1, value=number(9)),
            pb.MetricChange(name="gone", column=1, value=number(9)),
        ],
        added=[pb.MetricRow(name="z", values=[number(5), pb.MetricValue(text="t")])],
        removed=["y"],
    )
    table.take(pb.WatchMetricsResponse(changes=changes))
    assert table.rows == {"x": [1.0, 9.0], "z": [5.0, "t"]}
    assert (table.number("x", "b"), table.number("z", "b"), table.get("no", "a")) == (
        9.0,
        0.0,
        None,
    )


def test_a_snapshot_takes_the_place_of_all() -> None:
    table = MetricTable()
    table.take(snapshot(("x", 1, 2)))
    table.take(snapshot(("y", 3, 4)))
    table.take(pb.WatchMetricsResponse(heartbeat=pb.MetricsHeartbeat()))
    assert list(table.rows) == ["y"]


def test_unknown_values_are_none_and_counts_are_a_dict() -> None:
    table = MetricTable()
    counts = pb.MetricValue(counts=pb.CountsByKey(counts={"busy": 2}))
    row = pb.MetricRow(name="x", values=[pb.MetricValue(), counts])
    table.replace(pb.MetricsSnapshot(columns=["a", "b"], rows=[row]))
    assert table.rows["x"] == [None, {"busy": 2}]
