"""Rule windows over crashes of the very engine: what the log says is what pacing counts."""

from collections import Counter
from dataclasses import replace
from typing import Any

import msgspec
import numpy as np
import pytest

from clients.checker import check_evidence
from engine.actors.pacer import PacerBehavior, Saved, saved_at_s
from engine.domain.facts import (
    AgentChanged,
    AnyFact,
    AttemptClosed,
    CallAnalysed,
    CallQueued,
    PacingSummed,
)
from engine.domain.specs import Mode
from engine.pacing import DAY, ROLLING_24H, ROLLING_30D, Budgets
from engine.simulation import Script, Simulation, set_scene, simulate
from engine.simulation.result import busy_share
from engine.simulation.scene import MAIN


def counted(simulation: Simulation) -> tuple[float, float]:
    """Answered and unattended calls of 24 hours, as the pacer would keep them now."""
    runtime = simulation._runtime()
    assert runtime is not None
    pacer = runtime.kernel.behavior_of(runtime.registry.pacer)
    assert isinstance(pacer, PacerBehavior)
    laws = pacer.laws(simulation.scheduler.now_s())
    saved = msgspec.msgpack.decode(next(iter(laws.values())), type=Saved)
    budgets = Budgets.from_bytes(saved.budgets, (DAY, ROLLING_24H, ROLLING_30D))
    row = saved.rows[MAIN]
    return tuple(float(part[row, 1]) for part in budgets.counts())  # type: ignore[return-value]


def in_log(facts: list[AnyFact]) -> Counter[str]:
    counts: Counter[str] = Counter()
    machines = {fact.attempt_id for fact in facts if isinstance(fact, CallAnalysed)}
    machines -= {
        fact.attempt_id for fact in facts if isinstance(fact, CallAnalysed) and fact.person
    }
    for fact in facts:
        if isinstance(fact, CallQueued) and fact.attempt_id in machines:
            continue
        counts["passed"] += isinstance(fact, CallAnalysed) and fact.person
        counts["answered"] += isinstance(fact, CallQueued)
        counts["unattended"] += isinstance(fact, AttemptClosed) and fact.unattended
    return counts


@pytest.mark.parametrize("crash_s", [30.0, 95.0, 200.0])
def test_a_crash_loses_no_call_of_a_rule(crash_s: float) -> None:
    """Crashes fall before the first save of laws, between two, and after the third."""
    script = Script(seed=3, agents=6, hours=0.2, answer_ratio=0.5, mode=Mode.PREDICTIVE)
    simulation = Simulation(set_scene(script))
    simulation.begin()
    simulation.scheduler.call_later(0.5, simulation.operators.start_all)
    simulation.scheduler.run_for(crash_s)
    before = in_log(simulation.facts)
    assert before["answered"] > 0
    simulation.crash(2.0)
    simulation.scheduler.run_for(4.0)
    now = in_log(simulation.facts)
    answered, unattended = counted(simulation)
    assert answered == now["answered"] >= before["answered"]
    assert unattended >= now["unattended"] >= before["unattended"]
    assert not simulation.faults


@pytest.mark.parametrize("crash_s", [30.0, 95.0])
def test_persons_cut_off_are_counted_from_the_log_over_a_crash(crash_s: float) -> None:
    """With one estimated cut off for 99 passed on, in both numbers of a window that counts them."""
    script = Script(
        seed=3, agents=6, hours=0.2, answer_ratio=0.5, mode=Mode.PREDICTIVE,
        analysis=True, false_machines=True,
    )  # fmt: skip
    simulation = Simulation(set_scene(script))
    simulation.begin()
    simulation.scheduler.call_later(0.5, simulation.operators.start_all)
    simulation.scheduler.run_for(crash_s)
    assert in_log(simulation.facts)["passed"] > 0
    simulation.crash(2.0)
    simulation.scheduler.run_for(4.0)
    now = in_log(simulation.facts)
    cut_off = now["passed"] / 99
    answered, unattended = counted(simulation)
    assert answered == pytest.approx(now["answered"] + cut_off)
    assert (unattended - cut_off) % 1.0 == pytest.approx(0.0, abs=1e-9)
    assert not simulation.faults


def test_what_rules_count_changes_the_pace_and_no_budget_is_too_large() -> None:
    script = Script(
        seed=9, agents=8, hours=0.2, answer_ratio=0.5, mode=Mode.PREDICTIVE, tick_s=1.0,
        analysis=True,
    )  # fmt: skip
    plain = simulate(script, check_evidence)
    counting = simulate(replace(script, false_machines=True), check_evidence)
    assert plain.violations == counting.violations == ()
    assert plain.trace_hash != counting.trace_hash
    assert counting.unattended <= plain.unattended


def test_a_budget_without_the_persons_cut_off_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Budgets, "set_false_machines", lambda self, row, ratios: None)
    script = Script(
        seed=9, agents=8, hours=0.2, answer_ratio=0.5, mode=Mode.PREDICTIVE, tick_s=1.0,
        analysis=True, false_machines=True,
    )  # fmt: skip
    found = simulate(script, check_evidence).violations
    assert found
    assert {what[:2] for what in found} == {"A3"}


@pytest.mark.parametrize("fault_s", [30.0, 95.0])
def test_a_pacer_that_fails_counts_on_where_it_was(fault_s: float) -> None:
    script = Script(seed=4, agents=6, hours=0.2, answer_ratio=0.5, mode=Mode.PREDICTIVE)
    simulation = Simulation(set_scene(script))
    simulation.begin()
    simulation.scheduler.call_later(0.5, simulation.operators.start_all)
    simulation.scheduler.run_for(fault_s)
    runtime = simulation._runtime()
    assert runtime is not None
    unknown: Any = "no message"
    runtime.kernel.tell(runtime.registry.pacer, unknown)
    before = in_log(simulation.facts)["answered"]
    simulation.scheduler.run_for(1.0)
    assert [fault.split(" on ")[1] for fault in simulation.faults] == ["str"]
    simulation.scheduler.run_for(120.0)
    now = in_log(simulation.facts)["answered"]
    answered, _ = counted(simulation)
    assert now > before > 0
    assert abs(answered - now) <= 1  # a call on its way to the log at this very instant


def test_an_orderly_end_keeps_laws_and_the_minute_as_they_are_then() -> None:
    script = Script(seed=3, agents=6, hours=0.2, answer_ratio=0.5, mode=Mode.PREDICTIVE)
    simulation = Simulation(set_scene(script))
    simulation.begin()
    simulation.scheduler.call_later(0.5, simulation.operators.start_all)
    simulation.scheduler.run_for(100.0)
    runtime, now_s = simulation._runtime(), simulation.scheduler.now_s()
    assert runtime is not None
    runtime.close()
    assert saved_at_s(simulation._disk.recovered.pacing) == now_s
    assert [fact.at_s for fact in simulation.facts if isinstance(fact, PacingSummed)][-1] == now_s


def test_agents_idle_time_is_explained_to_the_last_minute() -> None:
    script = Script(seed=5, agents=8, hours=0.25, answer_ratio=0.3, mode=Mode.PREDICTIVE)
    scene = set_scene(script)
    simulation = Simulation(scene)
    simulation.begin()
    simulation.scheduler.call_later(0.5, simulation.operators.start_all)
    simulation.scheduler.run_until(scene.ends_s)
    facts = simulation.facts
    minutes = [fact for fact in facts if isinstance(fact, PacingSummed)]
    first_s, last_s = minutes[0].at_s, minutes[-1].at_s
    told_s = sum(sum(fact.idle_s.values()) for fact in minutes[1:])
    spent_s = _ready_s(facts, first_s, last_s)
    assert told_s == pytest.approx(spent_s, rel=0.02)
    assert np.diff([fact.at_s for fact in minutes]) == pytest.approx(60.0, abs=1.1)
    assert 0.3 < busy_share(facts, first_s, last_s) < 1.0


def _ready_s(facts: list[AnyFact], begins_s: float, ends_s: float) -> float:
    """Agents' time in Ready between two instants. [agent seconds]"""
    since: dict[str, float] = {}
    total_s = 0.0
    for fact in facts:
        if not isinstance(fact, AgentChanged):
            continue
        if (ready_s := since.pop(fact.agent_id, None)) is not None:
            total_s += max(min(fact.at_s, ends_s) - max(ready_s, begins_s), 0.0)
        if fact.state == "ready":
            since[fact.agent_id] = fact.at_s
    return total_s + sum(max(ends_s - max(ready_s, begins_s), 0.0) for ready_s in since.values())
