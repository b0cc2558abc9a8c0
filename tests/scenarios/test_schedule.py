"""The schedule is edges that act once, never a level: through manual control, crashes and DST."""

from dataclasses import replace
from datetime import date, datetime, timedelta
from datetime import time as clock

import msgspec
import pytest

from clients.checker import check_evidence
from engine.domain.facts import CampaignStarted, CampaignStopped
from engine.domain.specs import CampaignSpec, RunWindow
from engine.simulation import Script, Simulation, set_scene
from engine.simulation.scene import CENTRE, MAIN

DAY = timedelta(days=1)


class Day:
    """A simulation whose campaign is scheduled 14:00 to 18:00; the engine is up when it matters."""

    def __init__(self, first: date) -> None:
        self.first = first
        starts_s = self.instant(0, "13:25")
        scene = set_scene(Script(seed=7, agents=2, hours=0.1, starts_s=starts_s, tick_s=1.0))
        window = RunWindow(starts_s=14 * 3600, stops_s=18 * 3600)
        specs = [
            (kind, msgspec.structs.replace(spec, schedule=(window,)))
            if isinstance(spec, CampaignSpec)
            else (kind, spec)
            for kind, spec in scene.specs
        ]
        self.simulation = Simulation(replace(scene, specs=specs))
        self.simulation.begin()

    def instant(self, day: int, time: str) -> float:
        at = datetime.combine(self.first + day * DAY, clock.fromisoformat(time), CENTRE)
        return at.timestamp()

    def until(self, day: int, time: str) -> None:
        self.simulation.scheduler.run_until(self.instant(day, time))

    def down_until(self, day: int, time: str) -> None:
        """Kill the engine, and start it again at an instant."""
        up_s = self.instant(day, time)
        self.simulation.crash(up_s - self.simulation.scheduler.now_s())
        self.simulation.scheduler.run_until(up_s)

    def changes(self) -> list[tuple[int, str, str, str]]:
        """Day, local time, change and by whom, of every start and stop so far."""
        told = []
        for fact in self.simulation.facts:
            if isinstance(fact, CampaignStarted | CampaignStopped) and fact.campaign_id == MAIN:
                at = datetime.fromtimestamp(fact.at_s, CENTRE)
                change = "start" if isinstance(fact, CampaignStarted) else "stop"
                told.append(((at.date() - self.first).days, f"{at:%H:%M}", change, fact.by))
        return told

    def invites(self, since_s: float) -> int:
        return sum(
            row["kind"] == "invite"
            and row["side"] == "customer"
            and float(str(row["at_s"])) > since_s
            for row in self.simulation.witness.rows
        )


@pytest.mark.parametrize(
    "first",
    [
        pytest.param(date(2026, 6, 1), id="ordinary days"),
        pytest.param(date(2026, 3, 7), id="clocks go forward on the second day"),
        pytest.param(date(2026, 10, 31), id="clocks go back on the second day"),
    ],
)
def test_started_early_it_stops_by_itself_and_stopped_by_hand_it_starts_the_next_day(
    first: date,
) -> None:
    day = Day(first)
    operators = day.simulation.operators
    day.until(0, "13:30")
    assert day.invites(0.0) == 0
    operators.start(MAIN)
    day.until(0, "13:33")
    assert day.invites(0.0) > 0
    day.down_until(0, "17:57")  # the Start edge passes while the engine is down
    day.until(0, "18:02")
    assert day.invites(day.instant(0, "18:00")) == 0
    day.simulation.operators.forget()
    day.down_until(1, "13:58")
    day.until(1, "14:02")
    assert day.invites(day.instant(1, "14:00")) > 0
    day.down_until(1, "14:59")
    day.until(1, "15:00")
    operators.stop(MAIN)
    day.until(1, "15:03")
    assert day.invites(day.instant(1, "15:00")) == 0
    day.down_until(1, "17:59")
    day.until(1, "18:01")
    operators.forget()
    day.down_until(2, "13:59")
    day.until(2, "14:01")
    assert day.changes() == [
        (0, "13:30", "start", "operator"),
        (0, "18:00", "stop", "schedule"),
        (1, "14:00", "start", "schedule"),
        (1, "15:00", "stop", "operator"),
        (2, "14:00", "start", "schedule"),
    ]
    day.simulation.settle()
    result = day.simulation.result(check_evidence)
    assert not result.faults


def test_edges_missed_while_the_engine_was_down_are_replayed_to_the_last() -> None:
    day = Day(date(2026, 6, 1))
    day.until(0, "13:26")
    day.down_until(0, "16:00")  # missed: Start
    day.until(0, "16:01")
    day.down_until(1, "12:00")  # missed: Stop
    day.until(1, "12:01")
    day.down_until(2, "12:00")  # missed: Start and Stop, which changes nothing
    day.until(2, "12:01")
    assert day.changes() == [(0, "16:00", "start", "schedule"), (1, "12:00", "stop", "schedule")]


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_without_a_restart_the_schedule_does_the_same() -> None:
    day = Day(date(2026, 6, 1))
    day.until(0, "13:30")
    day.simulation.operators.start(MAIN)
    day.until(0, "18:01")
    assert day.changes() == [
        (0, "13:30", "start", "operator"),
        (0, "18:00", "stop", "schedule"),
    ]
    assert day.invites(day.instant(0, "17:30")) > 0
    assert day.invites(day.instant(0, "18:00")) == 0
