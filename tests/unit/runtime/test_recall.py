"""Calls that rules count, as the log has them: each answer and each unattended call once."""

import pytest

from engine.actors.messages import RecalledCall
from engine.domain.facts import (
    AnyFact,
    AttemptClosed,
    AttemptIntended,
    CallAnalysed,
    CallConnected,
    CallQueued,
    RecordPhase,
)
from engine.domain.ids import AgentId, AttemptId, CampaignId, LegId, ListId, TrunkId
from engine.ports import StoredFact
from engine.runtime.recall import CallRecall

SPRING, PEOPLE = CampaignId("spring"), ListId("people")


def intended(attempt: str, at_s: float, by_agent: str = "") -> AttemptIntended:
    return AttemptIntended(
        at_s=at_s, attempt_id=AttemptId(attempt), campaign_id=SPRING, list_id=PEOPLE, row=1,
        number_index=0, number="+12025550100", caller_id="", trunk_id=TrunkId("t"),
        leg_id=LegId("l"), call_id="c", branch="b", verdict="", by_agent=AgentId(by_agent),
    )  # fmt: skip


def queued(attempt: str, at_s: float) -> CallQueued:
    return CallQueued(
        at_s=at_s, attempt_id=AttemptId(attempt), campaign_id=SPRING, list_id=PEOPLE, row=1
    )


def analysed(attempt: str, *, person: bool) -> CallAnalysed:
    return CallAnalysed(
        at_s=1.0, attempt_id=AttemptId(attempt), campaign_id=SPRING, list_id=PEOPLE, row=1,
        verdict="", after_s=1.0, reason="", person=person,
    )  # fmt: skip


def connected(attempt: str, at_s: float, *, late: bool) -> CallConnected:
    return CallConnected(
        at_s=at_s, attempt_id=AttemptId(attempt), campaign_id=SPRING, list_id=PEOPLE, row=1,
        agent_id=AgentId("ann"), wait_s=1.0, late=late,
    )  # fmt: skip


def closed(attempt: str, at_s: float, *, unattended: bool) -> AttemptClosed:
    return AttemptClosed(
        at_s=at_s, attempt_id=AttemptId(attempt), campaign_id=SPRING, list_id=PEOPLE, row=1,
        number_index=0, number="+12025550100", disposition="success", kind="success", cause="x",
        phase=RecordPhase.DONE, answered=True, unattended=unattended,
    )  # fmt: skip


def recalled(*facts: AnyFact, after_s: float = 0.0, until_s: float = 1e9) -> list[RecalledCall]:
    recall = CallRecall(after_s, until_s)
    stored = [StoredFact(at, fact) for at, fact in enumerate(facts, 1)]
    return [call for one in stored for call in recall.take([one])]  # pages may end anywhere


def test_an_answer_counts_once_and_its_drop_once() -> None:
    told = recalled(intended("a", 1.0), queued("a", 2.0), closed("a", 5.0, unattended=True))
    assert told == [RecalledCall(SPRING, 2.0, unattended=False), RecalledCall(SPRING, 5.0, True)]


def test_a_late_connection_is_unattended_from_then_on_and_once() -> None:
    told = recalled(
        queued("a", 2.0), connected("a", 5.0, late=True), connected("a", 9.0, late=True),
        closed("a", 60.0, unattended=True),
    )  # fmt: skip
    assert told == [RecalledCall(SPRING, 2.0, unattended=False), RecalledCall(SPRING, 5.0, True)]


@pytest.mark.parametrize("unattended", [True, False])
def test_a_record_that_an_agent_reviewed_is_none_of_pacing(unattended: bool) -> None:
    assert not recalled(
        intended("a", 1.0, by_agent="ann"), queued("a", 2.0), connected("a", 3.0, late=unattended),
        closed("a", 9.0, unattended=unattended),
    )  # fmt: skip


def test_a_machine_that_an_agent_was_to_hear_counts_for_nothing() -> None:
    machine, person = analysed("a", person=False), analysed("b", person=True)
    told = recalled(machine, queued("a", 2.0), person, queued("b", 3.0))
    assert told == [RecalledCall(SPRING, 3.0, unattended=False, passed=True)]


def test_who_was_passed_on_by_analysis_is_told_from_who_was_never_analysed() -> None:
    told = recalled(analysed("a", person=True), queued("a", 2.0), queued("b", 3.0))
    assert [call.passed for call in told] == [True, False]


def test_only_what_the_saved_laws_do_not_have_is_told() -> None:
    facts = [queued(str(at_s), float(at_s)) for at_s in range(10)]
    assert [call.at_s for call in recalled(*facts, after_s=3.0, until_s=6.0)] == [4.0, 5.0, 6.0]


def test_who_reviewed_a_record_before_the_save_is_remembered_after_it() -> None:
    facts = (intended("a", 1.0, by_agent="ann"), queued("a", 8.0))
    assert not recalled(*facts, after_s=5.0)
