"""What a name stands for: a trunk, or the trunks of a group in the order of their use."""

from engine.actors.trunk_groups import TrunkGroups
from engine.domain.ids import TrunkId
from engine.domain.specs import TrunkSpec


def groups_of(*places: tuple[str, str, int]) -> TrunkGroups:
    groups = TrunkGroups()
    for trunk_id, group, priority in places:
        groups.put(trunk(trunk_id, group, priority))
    return groups


def trunk(trunk_id: str, group: str = "", priority: int = 1) -> TrunkSpec:
    return TrunkSpec(trunk_id=TrunkId(trunk_id), address="x", group=group, priority=priority)


def told(groups: TrunkGroups, *names: str) -> list[list[str]]:
    tiers = groups.tiers(map(TrunkId, names))
    return [[place.trunk_id for place in tier] for tier in tiers]


def test_a_group_is_used_by_priority_and_listed_by_id() -> None:
    groups = groups_of(("c", "west", 1), ("b", "west", 2), ("a", "west", 1), ("d", "east", 1))
    assert told(groups, "west") == [["a", "c"], ["b"]]
    assert told(groups, "east", "west") == [["d"], ["a", "c"], ["b"]]


def test_a_name_that_is_no_group_is_a_trunk() -> None:
    assert told(groups_of(("a", "", 1)), "a", "b") == [["a"], ["b"]]


def test_a_trunk_named_twice_stands_where_it_is_named_first() -> None:
    groups = groups_of(("a", "west", 1), ("b", "west", 1))
    assert told(groups, "b", "west", "a") == [["b"], ["a"]]


def test_a_change_moves_a_trunk_and_grows_the_revision() -> None:
    groups = groups_of(("a", "west", 1), ("b", "west", 1))
    before = groups.revision
    groups.put(trunk("a", "east"))
    assert told(groups, "west", "east") == [["b"], ["a"]]
    groups.drop(TrunkId("b"))
    assert told(groups, "west") == [["west"]]
    assert groups.revision > before
