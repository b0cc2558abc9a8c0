"""A day with a media switch that is too small: no carrier is blamed, and no record pays for it."""

from dataclasses import replace

from clients.checker import check_evidence
from engine.actors.trunk_room import ROOM_S
from engine.domain.causes import NO_ROOM
from engine.domain.facts import AttemptAnswered, AttemptClosed, TrunkChanged
from engine.domain.specs import Mode
from engine.simulation import Script, Simulation, set_scene

HOURS, AGENTS = 0.25, 12


def test_a_switch_that_is_too_small_costs_calls_and_nothing_else() -> None:
    scene = set_scene(Script(5, AGENTS, HOURS, mode=Mode.PROGRESSIVE, tick_s=1.0))
    scene = replace(scene, faults=replace(scene.faults, most_legs=AGENTS + 4))
    simulation = Simulation(scene)
    simulation.run()
    result = simulation.result(check_evidence)
    assert (*result.violations, *result.faults) == ()
    facts = [stored.fact for stored in simulation._disk.log]
    closed = [fact for fact in facts if isinstance(fact, AttemptClosed)]
    full = [fact for fact in closed if fact.cause == NO_ROOM.slug]
    assert full
    assert {(fact.disposition, fact.counted, fact.next_s) for fact in full} == {
        ("not-placed", False, 0.0)
    }
    # The trunk learns how many find a place, so the log does not fill with calls that never left.
    assert len(full) < 2 * 3600 * HOURS / ROOM_S
    assert any(isinstance(fact, AttemptAnswered) for fact in facts)
    assert not any(isinstance(fact, TrunkChanged) and not fact.up for fact in facts)
