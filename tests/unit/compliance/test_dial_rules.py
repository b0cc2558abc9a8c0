"""Dial rules: retries, caps, callbacks and actions, and that no series of results beats a cap."""

from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from engine.compliance.dial_rules import STOPPED_NUMBER, RecordOutcome, after_attempt, rule_of
from engine.domain.dispositions import (
    ADD_TO_DNC,
    BUSY,
    CALL_BACK,
    INVALID_NUMBER,
    NETWORK_FAILURE,
    NO_AGENT,
    NO_ANSWER,
    NOT_PLACED,
    PREDEFINED,
    SUCCESS,
    Action,
    DialRule,
    Disposition,
    DispositionKind,
)
from engine.domain.facts import RecordPhase
from engine.domain.ids import CampaignId
from engine.domain.specs import CampaignSpec

SPEC = CampaignSpec(campaign_id=CampaignId("c"))


@dataclass(frozen=True)
class Record:
    number_index: int = 0
    attempts: int = 0
    number_attempts: bytes = b"\0"
    retries: int = 0


def test_a_final_disposition_finishes_the_record() -> None:
    outcome = after_attempt(SPEC, Record(), SUCCESS, 10.0)
    assert outcome == RecordOutcome(RecordPhase.DONE, 0.0, False, True, 0, "success")
    assert after_attempt(SPEC, Record(), ADD_TO_DNC, 10.0).stop_number


def test_a_call_never_placed_leaves_the_record_as_it_was() -> None:
    outcome = after_attempt(SPEC, Record(retries=1), NOT_PLACED, 10.0)
    assert outcome == RecordOutcome(RecordPhase.READY, 0.0, False, False, 1, "")


def test_quick_retries_belong_to_one_attempt() -> None:
    first = after_attempt(SPEC, Record(), BUSY, 10.0)
    assert (first.phase, first.next_s, first.counted, first.retries) == (
        RecordPhase.WAITING,
        310.0,
        False,
        1,
    )
    last = after_attempt(SPEC, Record(retries=2), BUSY, 10.0)
    assert (last.next_s, last.counted, last.retries) == (3_610.0, True, 0)


def test_another_result_ends_the_series_and_counts() -> None:
    outcome = after_attempt(SPEC, Record(retries=2), NO_ANSWER, 10.0)
    assert (outcome.counted, outcome.retries) == (True, 0)


def test_a_retry_waits_for_the_minimum_gap_at_least() -> None:
    rules = (DialRule("busy", max_retries=1, retry_delay_s=1.0),)
    spec = CampaignSpec(campaign_id=CampaignId("c"), dial_rules=rules, min_gap_s=60.0)
    assert after_attempt(spec, Record(), BUSY, 10.0).next_s == 70.0


def test_the_agents_callback_beats_the_rule_but_not_the_caps() -> None:
    outcome = after_attempt(SPEC, Record(), CALL_BACK, 10.0, callback_s=5_000.0)
    assert (outcome.phase, outcome.next_s) == (RecordPhase.WAITING, 5_000.0)
    spent = Record(attempts=4)
    assert after_attempt(SPEC, spent, CALL_BACK, 10.0, 5_000.0).phase is RecordPhase.DONE


def test_the_record_cap_finishes_with_the_last_disposition_or_no_numbers_left() -> None:
    single = after_attempt(SPEC, Record(attempts=4), NO_ANSWER, 10.0)
    assert (single.phase, single.disposition) == (RecordPhase.DONE, "no-answer")
    several = Record(attempts=4, number_attempts=b"\2\2")
    assert after_attempt(SPEC, several, NO_ANSWER, 10.0).disposition == "no-numbers-left"


def test_a_stopped_number_leaves_the_others() -> None:
    two = after_attempt(SPEC, Record(number_attempts=b"\0\0"), INVALID_NUMBER, 10.0)
    assert (two.phase, two.stop_number) == (RecordPhase.READY, True)
    last = Record(number_index=1, number_attempts=bytes((STOPPED_NUMBER, 0)))
    outcome = after_attempt(SPEC, last, INVALID_NUMBER, 10.0)
    assert (outcome.phase, outcome.disposition) == (RecordPhase.DONE, "no-numbers-left")


def test_after_an_unattended_call_the_record_rests_for_three_days() -> None:
    assert after_attempt(SPEC, Record(), NO_AGENT, 0.0).next_s == 72 * 3_600


def test_an_unknown_disposition_waits_a_day() -> None:
    assert rule_of(SPEC, "left-with-neighbour").delay_s == 86_400.0


def test_each_action_has_its_phase() -> None:
    own = Disposition("own", DispositionKind.CONTINUE)
    phases = {}
    for action in Action:
        spec = CampaignSpec(
            campaign_id=CampaignId("c"), dial_rules=(DialRule("own", action=action),)
        )
        phases[action] = after_attempt(spec, Record(number_attempts=b"\0\0"), own, 0.0).phase
    assert phases == {
        Action.RESCHEDULE: RecordPhase.WAITING,
        Action.NEXT_PASS: RecordPhase.READY,
        Action.STOP_NUMBER: RecordPhase.READY,
        Action.STOP_RECORD: RecordPhase.DONE,
    }


@given(
    results=st.lists(
        st.sampled_from([d for d in PREDEFINED.values() if d is not NOT_PLACED]), max_size=60
    ),
    numbers=st.integers(1, 4),
    per_record=st.integers(1, 8),
    per_number=st.integers(1, 4),
)
def test_no_series_of_results_beats_a_cap(
    results: list[Disposition], numbers: int, per_record: int, per_number: int
) -> None:
    spec = CampaignSpec(
        campaign_id=CampaignId("c"),
        max_attempts_per_record=per_record,
        max_attempts_per_number=per_number,
    )
    counts, attempts, retries, dials = [0] * numbers, 0, 0, 0
    for result in results:
        live = [index for index, count in enumerate(counts) if count < per_number]
        assert live, "a record without numbers must be done"
        tried = Record(live[0], attempts, bytes(counts), retries)
        outcome = after_attempt(spec, tried, result, 0.0)
        dials += 1
        retries = outcome.retries
        if outcome.counted:
            attempts += 1
            counts[live[0]] += 1
        if outcome.stop_number:
            counts[live[0]] = STOPPED_NUMBER
        if outcome.phase is RecordPhase.DONE:
            break
    assert attempts <= per_record
    assert all(count <= per_number or count == STOPPED_NUMBER for count in counts)
    most = max(rule_of(spec, d.slug).max_retries for d in (BUSY, NETWORK_FAILURE))
    assert dials <= per_record * (1 + most)
