"""Stop means stop: at any instant, pressed by the impatient, and over a crash."""

import pytest

from clients.checker import check_evidence
from engine.domain.specs import Mode
from engine.simulation import Script, Simulation, set_scene
from engine.simulation.scene import MAIN


def busy_day(seed: int = 3) -> Simulation:
    """A campaign in full swing."""
    simulation = Simulation(
        set_scene(Script(seed, 10, 0.5, mode=Mode.AUTOMATIC, answer_ratio=0.1, tick_s=1.0))
    )
    simulation.begin()
    simulation.scheduler.run_for(2.0)
    simulation.operators.start(MAIN)
    simulation.scheduler.run_for(60.0)
    assert simulation.network.open_calls > 0
    return simulation


def violations(simulation: Simulation) -> list[str]:
    return list(check_evidence(simulation.evidence()))


def test_no_call_leaves_after_any_of_a_hundred_stops() -> None:
    simulation = busy_day()
    for _ in range(100):
        simulation.operators.stop(MAIN)
        simulation.scheduler.run_for(simulation.random.uniform(0.001, 3.0))
        simulation.operators.start(MAIN)
        simulation.scheduler.run_for(simulation.random.uniform(0.001, 6.0))
    simulation.settle()
    stops = sum(row["kind"] == "stopped" for row in simulation.witness.rows)
    assert stops > 80
    assert violations(simulation) == []


@pytest.mark.parametrize("presses", [1, 2], ids=["pressed once", "pressed twice"])
@pytest.mark.parametrize("delay_s", [0.0, 0.0005, 0.002, 0.01, 0.1])
def test_an_acknowledged_stop_survives_a_crash(presses: int, delay_s: float) -> None:
    simulation = busy_day()
    for _ in range(presses):
        simulation.operators.stop(MAIN)
    simulation.operators.forget()
    simulation.witness.alert(
        lambda: simulation.scheduler.call_later(delay_s, lambda: simulation.crash(1.0))
    )
    simulation.scheduler.run_for(60.0)
    assert simulation.crashes == 1
    assert violations(simulation) == []
