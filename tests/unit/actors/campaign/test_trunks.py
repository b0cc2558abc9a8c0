"""How a campaign follows the trunks of the groups that it names."""

import pytest

from engine.actors.kernel.ref import Ref
from engine.actors.messages import (
    CallsLaunched,
    ConfigureCampaign,
    PermitsGranted,
    RequestPermits,
    StartCalls,
    TrunkPlaced,
    TrunkRestarted,
    TrunkSampled,
    WatchTrunk,
)
from engine.domain.causes import cause_of_status
from engine.domain.facts import AttemptClosed
from engine.domain.ids import TrunkId
from engine.domain.specs import TrunkSpec
from engine.ports import LegEnded, PlaceCall
from tests.unit.actors.campaign.rig import CAMPAIGN, NORTH, SOUTH, Rig, spec_of

WEST, THIRD = TrunkId("west"), TrunkId("third")


def place(rig: Rig, trunk_id: TrunkId, group: str = "west", priority: int = 1) -> None:
    """Configure a trunk, as the runtime does it."""
    if rig.registry.trunks.find(trunk_id) is None:
        rig.registry.trunks.put(trunk_id, Ref(trunk_id))
    spec = TrunkSpec(trunk_id=trunk_id, address="x", group=group, priority=priority)
    rig.registry.groups.put(spec)
    rig.tell(TrunkPlaced(trunk_id))


@pytest.fixture
def rig() -> Rig:
    rig = Rig(trunks=(WEST,))
    place(rig, NORTH)
    place(rig, SOUTH)
    rig.start()
    return rig


def test_trunks_of_the_group_are_watched_as_they_join(rig: Rig) -> None:
    assert rig.told(NORTH, WatchTrunk) == [WatchTrunk(rig.me)]
    place(rig, THIRD, group="east")
    assert rig.told(THIRD, WatchTrunk) == []
    place(rig, THIRD)
    assert rig.told(THIRD, WatchTrunk) == [WatchTrunk(rig.me)]
    effects = rig.tell(ConfigureCampaign(spec_of(trunks=(WEST, NORTH))))
    assert rig.told_by(effects, THIRD, WatchTrunk) == [WatchTrunk(rig.me)]


def test_calls_are_asked_of_several_trunks_at_once(rig: Rig) -> None:
    rig.tell(TrunkSampled(NORTH, up=True, free_channels=2))
    effects = rig.tell(StartCalls(6))
    assert rig.told_by(effects, NORTH, RequestPermits) == [RequestPermits(2, rig.me)]
    assert rig.told_by(effects, SOUTH, RequestPermits) == [RequestPermits(4, rig.me)]


def test_a_call_that_failed_goes_over_each_trunk_once_at_most(rig: Rig) -> None:
    place(rig, THIRD, priority=2)
    rig.tell(TrunkSampled(THIRD, up=True, free_channels=1))
    call = rig.placed()
    used = [call.trunk_id]
    for trunk_id in (SOUTH, THIRD):
        effects = rig.tell(LegEnded(call.leg_id, cause_of_status(503), 503))
        assert rig.told_by(effects, trunk_id, RequestPermits) == [RequestPermits(1, rig.me)]
        rig.tell(PermitsGranted(trunk_id, 1))
        (call,) = rig.done_by(rig.journal(), PlaceCall)
        used.append(call.trunk_id)
    rig.tell(LegEnded(call.leg_id, cause_of_status(503), 503))
    assert used == [NORTH, SOUTH, THIRD]
    assert [fact.disposition for fact in rig.facts(AttemptClosed)] == ["network-failure"]


def test_what_a_deleted_trunk_was_asked_is_settled(rig: Rig) -> None:
    rig.tell(TrunkSampled(SOUTH, up=False, free_channels=0))
    rig.tell(StartCalls(3))
    rig.registry.trunks.drop(NORTH)
    rig.registry.groups.drop(NORTH)
    effects = rig.tell(TrunkRestarted(NORTH))
    assert rig.told_by(effects, "pacer", CallsLaunched) == [CallsLaunched(CAMPAIGN, 3, 0)]
    assert rig.view().why_idle[0] == "trunk-down"


def test_what_keeps_each_trunk_from_calling_is_told(rig: Rig) -> None:
    assert rig.view().trunk_hindrances == ()
    rig.tell(TrunkSampled(NORTH, up=False, free_channels=0, reason="failing"))
    assert rig.view().trunk_hindrances == ()
    rig.tell(TrunkSampled(SOUTH, up=True, free_channels=0))
    assert rig.view().trunk_hindrances == (
        ("trunk-down", "north: failing"),
        ("trunk-full", "south"),
    )
    rig.tell(TrunkSampled(SOUTH, up=True, free_channels=0, reason="media-full"))
    assert rig.view().trunk_hindrances[1] == ("media-full", "south")
    rig.tell(ConfigureCampaign(spec_of(trunks=(TrunkId("east"),))))
    assert rig.view().trunk_hindrances == (("no-such-trunk", "east"),)
