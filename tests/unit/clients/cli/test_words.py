"""Reasons in words: none that the engine gives is left out."""

from clients.cli.words import PACING, RECORDS, words
from engine.compliance.gate import REASONS
from engine.domain.facts import RecordPhase
from engine.lists.asking import PARKED
from engine.lists.supply import LOADING, OUTSIDE_HOURS, STOPPED, UNKNOWN_ZONE
from engine.pacing import Reason


def test_every_reason_of_pacing_is_explained() -> None:
    slugs = {reason.name.lower().replace("_", "-") for reason in Reason} - {"not-running"}
    assert slugs | {"starting"} == set(PACING)


def test_every_reason_of_records_is_explained() -> None:
    phases = {phase.value for phase in RecordPhase} - {"ready"}
    slugs = {*PARKED, LOADING, OUTSIDE_HOURS, STOPPED, UNKNOWN_ZONE, *phases} - {""}
    assert slugs == set(RECORDS)


def test_a_campaign_that_must_be_recorded_says_so_in_words() -> None:
    assert "recorder-down" in REASONS
    assert "recorded" in words("recorder-down")


def test_a_reason_of_a_newer_engine_speaks_for_itself() -> None:
    assert words("from-the-future") == ""
