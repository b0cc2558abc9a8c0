"""Calls are shared over the trunks of groups by weight, and never over one that takes none."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from engine.actors.campaign.supply import Supply
from engine.actors.messages import TrunkSampled
from engine.actors.trunk_groups import TrunkGroups
from engine.domain.ids import CampaignId, TrunkId
from engine.domain.specs import CampaignSpec, TrunkSpec

WEST = TrunkId("west")
weights = st.lists(st.integers(1, 50), min_size=1, max_size=6)
trunks = st.lists(
    st.tuples(st.integers(1, 3), st.integers(1, 20), st.integers(0, 12), st.booleans()),
    min_size=1,
    max_size=6,
)


def supply_of(*places: tuple[int, int, int, bool]) -> Supply:
    """Return a campaign's view of one group: priority, weight, free channels, up."""
    groups = TrunkGroups()
    supply = Supply(CampaignSpec(campaign_id=CampaignId("c"), trunks=(WEST,)), groups)
    for at, (priority, weight, free, up) in enumerate(places):
        trunk_id = TrunkId(f"t{at}")
        spec = TrunkSpec(
            trunk_id=trunk_id, address="x", group="west", priority=priority, weight=weight
        )
        groups.put(spec)
        supply.heard_of_trunk(TrunkSampled(trunk_id, up, free))
    return supply


@given(weights, st.lists(st.integers(1, 40), min_size=1, max_size=20))
def test_shares_are_by_weight_however_calls_come_in_batches(
    shares: list[int], batches: list[int]
) -> None:
    supply = supply_of(*((1, weight, 10_000, True) for weight in shares))
    taken = Counter[TrunkId]()
    for batch in batches:
        taken.update(supply.next_trunks(batch))
    total = sum(taken.values())
    assert total == sum(batches)
    for at, weight in enumerate(shares):
        due = total * weight / sum(shares)
        assert abs(taken[TrunkId(f"t{at}")] - due) <= len(shares)


@given(weights)
def test_a_round_gives_each_trunk_just_its_weight_and_no_trunk_waits_for_long(
    shares: list[int],
) -> None:
    supply = supply_of(*((1, weight, 10_000, True) for weight in shares))
    turns = [supply.next_trunk() for _ in range(sum(shares))]
    assert Counter(turns) == {TrunkId(f"t{at}"): weight for at, weight in enumerate(shares)}


@given(trunks, st.integers(1, 60))
def test_no_trunk_gets_more_than_it_has_while_another_has_some(
    places: list[tuple[int, int, int, bool]], count: int
) -> None:
    supply = supply_of(*places)
    up = {TrunkId(f"t{at}"): place for at, place in enumerate(places) if place[3]}
    shares = supply.next_trunks(count)
    assert set(shares) <= set(up)
    assert sum(shares.values()) == (count if up else 0)
    room = sum(free for _, _, free, _ in up.values())
    over = {t: shares.get(t, 0) - up[t][2] for t in up}
    assert sum(more for more in over.values() if more > 0) == (max(count - room, 0) if up else 0)
    for trunk_id, share in shares.items():
        if share and count <= room:
            better = [t for t in up if up[t][0] < up[trunk_id][0]]
            assert all(shares.get(t, 0) == up[t][2] for t in better)


@given(trunks, st.sets(st.integers(0, 5)))
def test_a_trunk_that_failed_a_call_does_not_get_it_again(
    places: list[tuple[int, int, int, bool]], failed: set[int]
) -> None:
    supply = supply_of(*places)
    tried = tuple(TrunkId(f"t{at}") for at in failed)
    assert not set(supply.next_trunks(3, tried)) & set(tried)


def test_a_new_weight_and_a_new_priority_hold_from_the_next_choice_on() -> None:
    groups = TrunkGroups()
    supply = Supply(CampaignSpec(campaign_id=CampaignId("c"), trunks=(WEST,)), groups)
    spec = TrunkSpec(trunk_id=TrunkId("a"), address="x", group="west")
    groups.put(spec)
    groups.put(TrunkSpec(trunk_id=TrunkId("b"), address="x", group="west", weight=3))
    for trunk_id in ("a", "b"):
        supply.heard_of_trunk(TrunkSampled(TrunkId(trunk_id), True, 100))
    assert supply.next_trunks(8) == {"a": 2, "b": 6}
    groups.put(TrunkSpec(trunk_id=TrunkId("b"), address="x", group="west", weight=1))
    assert supply.next_trunks(8) == {"a": 4, "b": 4}
    groups.put(TrunkSpec(trunk_id=TrunkId("b"), address="x", group="west", priority=2))
    assert supply.next_trunks(8) == {"a": 8}
    groups.put(TrunkSpec(trunk_id=TrunkId("a"), address="x", group="east"))
    assert supply.next_trunks(8) == {"b": 8}
