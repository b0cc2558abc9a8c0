"""The checker finds each kind of violation in a log made by hand, and none where none is."""

from collections.abc import Callable
from copy import deepcopy
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from clients.checker import Rules, World, check

NUMBER, OTHER = "+12125550001", "+14155550002"
NOON_S = datetime(2026, 6, 1, 12, tzinfo=ZoneInfo("America/New_York")).timestamp()
WEEK = (0, 1, 2, 3, 4, 5, 6)
RULES = Rules(
    hours=((9 * 3600, 21 * 3600, (), WEEK),), guard_s=60.0, record_cap=2, number_cap=2, retries=1,
    false_machine_windows=("rolling-24h",),
)  # fmt: skip
WORLD = World(
    zones={NUMBER: ("America/New_York",), OTHER: ("America/New_York", "America/Los_Angeles")},
    types={NUMBER: "home", OTHER: "mobile"},
    rules={"spring": RULES},
)
Row = dict[str, Any]


class Story:
    """Rows and facts of one orderly call after another, to be spoilt by a test."""

    def __init__(self) -> None:
        self.rows: list[Row] = []
        self.facts: list[Row] = []

    def row(self, at_s: float, kind: str, **details: object) -> Row:
        row: Row = {"at_s": NOON_S + at_s, "kind": kind, **details}
        self.rows.append(row)
        return row

    def intend(self, at_s: float, name: str, number: str = NUMBER, row: int = 0) -> Row:
        fact: Row = {
            "type": "AttemptIntended",
            "at_s": NOON_S + at_s,
            "attempt_id": f"attempt-{name}",
            "campaign_id": "spring",
            "list_id": "people",
            "row": row,
            "number_index": 0,
            "number": number,
            "caller_id": "+12125550100",
            "trunk_id": "north",
            "call_id": f"{name}@paceline",
            "retry": False,
        }
        self.facts.append(fact)
        return fact

    def invite(self, at_s: float, name: str, number: str = NUMBER) -> Row:
        return self.row(
            at_s,
            "invite",
            leg=name,
            side="customer",
            number=number,
            caller_id="+12125550100",
            trunk="north",
            call_id=f"{name}@paceline",
            durable=len(self.facts),
        )

    def phone(self, at_s: float, name: str, agent: str) -> Row:
        call_id = f"{name}@paceline"
        self.facts.append({"type": "AgentLegIntended", "at_s": NOON_S + at_s, "call_id": call_id})
        return self.row(
            at_s,
            "invite",
            leg=name,
            side="agent",
            number=agent,
            caller_id="paceline",
            trunk="",
            call_id=call_id,
            durable=len(self.facts),
        )

    def close(self, at_s: float, name: str, disposition: str = "no-answer") -> Row:
        fact: Row = {
            "type": "AttemptClosed",
            "at_s": NOON_S + at_s,
            "attempt_id": f"attempt-{name}",
            "disposition": disposition,
        }
        self.facts.append(fact)
        return fact

    def screen(self, name: str, at_s: float) -> None:
        """A person whom analysis passed on waits for an agent; told before the last fact."""
        attempt = {"attempt_id": f"attempt-{name}", "campaign_id": "spring"}
        analysed: Row = {"type": "CallAnalysed", "at_s": at_s, "person": True, **attempt}
        self.facts[-1:-1] = [analysed, {"type": "CallQueued", "at_s": at_s, **attempt}]

    def sum_up(self, at_s: float, budget: float) -> None:
        """A minute of pacing that believed in so many calls to lose."""
        minute: Row = {"type": "PacingSummed", "at_s": at_s, "campaign_id": "spring"}
        self.facts.append({**minute, "budget_calls": budget})

    def call(self, at_s: float, name: str, number: str = NUMBER, row: int = 0) -> None:
        """An attempt from intent to outcome, ten seconds long."""
        self.intend(at_s, name, number, row)
        self.invite(at_s + 0.01, name, number)
        self.row(at_s + 10.0, "end", leg=name, how="cancelled", status=487)
        self.close(at_s + 10.0, name)


def orderly() -> Story:
    """Two calls, a talk, a crash: everything as it should be."""
    story = Story()
    story.phone(0.0, "phone", "agent-1")
    story.row(1.0, "answer", leg="phone")
    story.call(10.0, "a")
    story.call(100.0, "b", OTHER, row=1)
    story.intend(200.0, "c")
    story.invite(200.01, "c")
    story.row(205.0, "answer", leg="c")
    story.row(205.1, "mix", rows={"c": ["phone"], "phone": ["c"]})
    story.facts.append(
        {"type": "DispositionSet", "attempt_id": "attempt-c", "disposition": "success"}
    )
    story.row(230.0, "disposed", attempt="attempt-c", disposition="success")
    story.row(240.0, "end", leg="c", how="hung-up", status=0)
    story.close(241.0, "c", "success")
    story.row(300.0, "crash")
    story.row(310.0, "restart")
    story.row(312.0, "end", leg="phone", how="bye", status=0)
    story.row(400.0, "stopped", campaign="spring")
    story.row(500.0, "starting", campaign="spring")
    story.row(600.0, "finished")
    return story


def no_intent(story: Story) -> None:
    story.invite(550.0, "x")
    story.row(551.0, "end", leg="x", how="cancelled", status=487)


def intent_too_late(story: Story) -> None:
    story.rows[2]["durable"] -= 1


def another_call_than_intended(story: Story) -> None:
    story.rows[2]["trunk"] = "south"


def phone_without_intent(story: Story) -> None:
    story.facts[0]["call_id"] = "other@paceline"


def overlap(story: Story) -> None:
    story.intend(15.0, "x", row=5)
    story.invite(15.01, "x")
    story.row(18.0, "end", leg="x", how="cancelled", status=487)
    story.close(18.0, "x")


def third_attempt(story: Story) -> None:
    story.call(520.0, "x")


def third_attempt_whose_outcome_a_crash_lost(story: Story) -> None:
    story.intend(299.0, "x")
    story.invite(299.5, "x")
    story.row(311.0, "end", leg="x", how="cancelled", status=487)
    story.close(311.0, "x", "system-failure")


def too_many_quick_retries(story: Story) -> None:
    for place in range(2):
        story.call(520.0 + 20.0 * place, f"x{place}")
        retried = [fact for fact in story.facts if fact["type"] == "AttemptIntended"]
        retried[-1]["retry"] = True


def night(story: Story) -> None:
    for row in story.rows:
        row["at_s"] += 9.5 * 3600.0


def one_zone_of_two_still_asleep(story: Story) -> None:
    for row in story.rows:
        row["at_s"] -= 2 * 3600.0


def within_the_closing_guard(story: Story) -> None:
    story.call(9 * 3600.0 - 30.0, "x", row=7)


def called_though_listed(story: Story) -> None:
    story.row(510.0, "dnc-added", number=OTHER)
    story.call(520.0, "x", OTHER, row=1)


def called_though_stopped(story: Story) -> None:
    story.call(450.0, "x", OTHER, row=1)


def leg_without_end(story: Story) -> None:
    story.rows = [row for row in story.rows if row.get("how") != "hung-up"]


def old_leg_left(story: Story) -> None:
    next(row for row in story.rows if row.get("how") == "bye")["at_s"] += 5.0


def two_customers(story: Story) -> None:
    story.intend(204.0, "x", OTHER, row=2)
    story.invite(204.0, "x", OTHER)
    story.row(205.0, "answer", leg="x")
    story.row(206.0, "mix", rows={"phone": ["c", "x"]})
    story.row(207.0, "end", leg="x", how="hung-up", status=0)
    story.close(207.0, "x")


def two_agents(story: Story) -> None:
    story.phone(204.0, "phone-2", "agent-2")
    story.row(205.0, "answer", leg="phone-2")
    story.row(206.0, "mix", rows={"phone-2": ["c"]})
    story.row(207.0, "end", leg="phone-2", how="bye", status=0)


def a_person_in_silence(story: Story) -> None:
    del next(row for row in story.rows if row["kind"] == "mix")["rows"]["c"]


def heard_too_late(story: Story) -> None:
    next(row for row in story.rows if row["kind"] == "mix")["at_s"] += 2.5


def a_greeting_and_then_silence(story: Story) -> None:
    at = next(place for place, row in enumerate(story.rows) if row["kind"] == "mix")
    row = {"at_s": NOON_S + 205.05, "kind": "greeting", "leg": "c", "ends_s": NOON_S + 206.5}
    story.rows.insert(at, row)
    story.rows[at + 1]["at_s"] = NOON_S + 208.7


def a_machine_counted(story: Story) -> None:
    analysed = {"type": "CallAnalysed", "attempt_id": "attempt-c", "person": False}
    story.facts.insert(-1, analysed)
    story.facts[-1]["unattended"] = True


def a_budget_too_large(story: Story) -> None:
    """Two persons, one of them lost: at 3 % there is less than nothing to lose."""
    story.screen("c", NOON_S + 206.0)
    story.screen("x", NOON_S + 306.0)
    story.facts[-1] |= {"unattended": True, "at_s": NOON_S + 310.0, "campaign_id": "spring"}
    story.sum_up(NOON_S + 400.0, 2 * 0.03 - 1.0 + 0.01)


def a_budget_without_the_persons_cut_off(story: Story) -> None:
    """Of 600 persons passed on six more were cut off, and the rule counts them."""
    for place in range(600):
        story.screen(f"x{place}", NOON_S + 300.0)
    story.sum_up(NOON_S + 400.0, 600 * 0.03)


def two_outcomes(story: Story) -> None:
    story.close(560.0, "a")


def no_outcome(story: Story) -> None:
    story.facts = [fact for fact in story.facts if fact.get("disposition") != "success"]
    story.rows = [row for row in story.rows if row["kind"] != "disposed"]


def outcome_without_intent(story: Story) -> None:
    story.close(560.0, "x", "no-answer")


def disposition_lost(story: Story) -> None:
    said = next(fact for fact in story.facts if fact["type"] == "DispositionSet")
    said["disposition"] = "wrong-person"


def disposition_not_kept_at_the_close(story: Story) -> None:
    story.facts[-1]["disposition"] = "no-disposition"


def test_an_orderly_log_has_no_violation() -> None:
    story = orderly()
    assert check(story.rows, story.facts, WORLD) == []


@pytest.mark.parametrize(
    ("invariant", "spoil"),
    [
        pytest.param("D1", no_intent, id="an INVITE without intent"),
        pytest.param("D1", intent_too_late, id="an intent not yet durable"),
        pytest.param("D1", another_call_than_intended, id="another call than intended"),
        pytest.param("D1", phone_without_intent, id="an agent's phone called without intent"),
        pytest.param("D2", overlap, id="two open attempts on one number"),
        pytest.param("D3", third_attempt, id="one attempt too many"),
        pytest.param("D3", third_attempt_whose_outcome_a_crash_lost, id="one lost in a crash"),
        pytest.param("D3", too_many_quick_retries, id="too many quick retries"),
        pytest.param("D4", night, id="at night"),
        pytest.param("D4", one_zone_of_two_still_asleep, id="one zone of two still asleep"),
        pytest.param("D4", within_the_closing_guard, id="within the closing guard"),
        pytest.param("D5", called_though_listed, id="on the do-not-call list"),
        pytest.param("D6", called_though_stopped, id="after Stop"),
        pytest.param("C1", leg_without_end, id="a leg without end"),
        pytest.param("C1", old_leg_left, id="a leg of a dead life 7 s after the restart"),
        pytest.param("C5", two_customers, id="an agent with two customers"),
        pytest.param("C5", two_agents, id="a customer with two agents"),
        pytest.param("C6", a_person_in_silence, id="a person who hears nobody"),
        pytest.param("C6", heard_too_late, id="an agent who comes too late"),
        pytest.param("C6", a_greeting_and_then_silence, id="silence after the greeting"),
        pytest.param("A3", a_machine_counted, id="a machine counted as unattended"),
        pytest.param("A3", a_budget_too_large, id="a budget larger than the log's"),
        pytest.param("A3", a_budget_without_the_persons_cut_off, id="persons cut off forgotten"),
        pytest.param("A1", two_outcomes, id="two outcomes"),
        pytest.param("A1", no_outcome, id="no outcome"),
        pytest.param("A1", outcome_without_intent, id="an outcome without intent"),
        pytest.param("A1", disposition_lost, id="an acknowledged disposition lost"),
        pytest.param("A1", disposition_not_kept_at_the_close, id="closed as something else"),
    ],
)
def test_a_violation_is_found(invariant: str, spoil: Callable[[Story], None]) -> None:
    story = orderly()
    spoil(story)
    rows = sorted(deepcopy(story.rows), key=lambda row: float(row["at_s"]))
    found = check(rows, story.facts, WORLD)
    assert found
    assert invariant in {violation[:2] for violation in found}, found


def test_a_budget_that_the_log_bears_out_is_none_too_large() -> None:
    story = orderly()
    for place in range(600):
        story.screen(f"x{place}", NOON_S + 300.0)
    story.sum_up(NOON_S + 400.0, 600 * 0.03 - 600 * 0.97 / 99)
    assert not [what for what in check(story.rows, story.facts, WORLD) if "A3" in what]


def machine_heard_nobody(story: Story) -> None:
    a_person_in_silence(story)
    answer = next(row for row in story.rows if row["kind"] == "answer" and row["leg"] == "c")
    answer["by"] = "machine"


def message_in_place_of_an_agent(story: Story) -> None:
    heard_too_late(story)
    story.row(206.9, "prompt", leg="c")


def agent_in_time_after_the_greeting(story: Story) -> None:
    a_greeting_and_then_silence(story)
    next(row for row in story.rows if row["kind"] == "mix")["at_s"] = NOON_S + 208.4


@pytest.mark.parametrize(
    "vary", [machine_heard_nobody, message_in_place_of_an_agent, agent_in_time_after_the_greeting]
)
def test_what_is_lawful_is_no_violation(vary: Callable[[Story], None]) -> None:
    story = orderly()
    vary(story)
    rows = sorted(story.rows, key=lambda row: float(row["at_s"]))
    assert check(rows, story.facts, WORLD) == []
