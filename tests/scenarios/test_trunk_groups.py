"""Days over two groups of trunks, some of which fail: shares hold, caps hold, no rule is broken."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from random import Random
from typing import Any

import msgspec
import pytest

from clients.checker import check_evidence
from engine.domain.facts import AttemptIntended, AttemptRerouted, TrunkChanged
from engine.domain.ids import TrunkId
from engine.domain.specs import CampaignSpec, Mode, TrunkSpec
from engine.simulation import Script, Simulation, set_scene
from engine.simulation.scene import Scene
from engine.telephony.simulated.laws import draw_windows
from engine.telephony.simulated.witness import Row

WEST = {"west-1": (1, 3), "west-2": (1, 1), "west-3": (2, 1)}
"""Priority and weight by trunk."""
EAST = {"east-1": (1, 1), "east-2": (1, 1)}


def grouped(script: Script, *, failing: Sequence[str] = (), channels: int = 0) -> Scene:
    """Return a scene whose campaigns name two groups in place of trunks."""
    scene = set_scene(script)
    specs: list[tuple[str, Any]] = []
    like = next(spec for _, spec in scene.specs if isinstance(spec, TrunkSpec))
    for group, members in (("west", WEST), ("east", EAST)):
        for trunk_id, (priority, weight) in members.items():
            changed = msgspec.structs.replace(
                like, trunk_id=TrunkId(trunk_id), address=f"{trunk_id}.invalid", group=group,
                priority=priority, weight=weight, channels=channels or like.channels,
            )  # fmt: skip
            specs.append(("trunk", changed))
    for kind, spec in scene.specs:
        if isinstance(spec, CampaignSpec):
            named = (TrunkId("west"), TrunkId("east"))
            specs.append((kind, msgspec.structs.replace(spec, trunks=named)))
        elif kind != "trunk":
            specs.append((kind, spec))
    random = Random(script.seed)
    windows = draw_windows(random, tuple(map(TrunkId, failing)), scene.starts_s, scene.ends_s)
    return replace(scene, specs=specs, faults=replace(scene.faults, windows=windows))


def day(scene: Scene, rows: list[Row] | None = None) -> list[Any]:
    """Live through a day, with the checker as its judge; return what was written down.

    Args:
        scene: Of the day.
        rows: Gets what a tap on the wire saw.
    """
    simulation = Simulation(scene)
    simulation.run()
    result = simulation.result(check_evidence)
    assert (*result.violations, *result.faults) == ()
    if rows is not None:
        rows += simulation.witness.rows
    return [stored.fact for stored in simulation._disk.log]


def most_at_once(rows: Sequence[Row]) -> dict[str, int]:
    """Return the most calls that were on each trunk at one time, as seen on the wire."""
    trunk_of: dict[object, str] = {}
    now, most = Counter[str](), Counter[str]()
    for row in rows:
        if row["kind"] == "invite" and row["side"] == "customer":
            trunk = trunk_of[row["leg"]] = str(row["trunk"])
            now[trunk] += 1
            most[trunk] = max(most[trunk], now[trunk])
        elif row["kind"] == "end" and row["leg"] in trunk_of:
            now[trunk_of.pop(row["leg"])] -= 1
    return dict(most)


def test_on_a_good_day_the_first_group_shares_by_weight_and_the_second_rests() -> None:
    facts = day(grouped(Script(5, 12, 0.25, mode=Mode.PROGRESSIVE, tick_s=1.0)))
    used = Counter(str(fact.trunk_id) for fact in facts if isinstance(fact, AttemptIntended))
    assert set(used) == {"west-1", "west-2"}
    assert used["west-1"] > 60
    assert used["west-1"] == pytest.approx(3 * used["west-2"], rel=0.1)


def test_what_the_first_group_cannot_carry_goes_over_the_second() -> None:
    scene = grouped(Script(5, 12, 0.25, mode=Mode.PROGRESSIVE, tick_s=1.0), channels=2)
    rows: list[Row] = []
    facts = day(scene, rows)
    used = Counter(str(fact.trunk_id) for fact in facts if isinstance(fact, AttemptIntended))
    assert set(used) == {*WEST, *EAST}
    assert most_at_once(rows) == dict.fromkeys([*WEST, *EAST], 2)


@pytest.mark.parametrize("seed", range(1, 7))
def test_on_a_bad_day_no_rule_is_broken_and_no_call_goes_over_a_trunk_twice(seed: int) -> None:
    script = Script(seed, 6, 1 / 6, mode=Mode.PREDICTIVE, faults=True, tick_s=1.0)
    facts = day(grouped(script, failing=("west-1", "west-2", "east-1")))
    assert any(isinstance(fact, TrunkChanged) and not fact.up for fact in facts)
    tried: dict[str, list[str]] = {}
    for fact in facts:
        if isinstance(fact, AttemptIntended | AttemptRerouted):
            tried.setdefault(fact.attempt_id, []).append(fact.trunk_id)
    assert all(len(set(trunks)) == len(trunks) for trunks in tried.values())
    assert len({trunk for trunks in tried.values() for trunk in trunks}) >= 3
