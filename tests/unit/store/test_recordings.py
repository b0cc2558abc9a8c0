"""Recordings in the store: rows follow from facts, are found by index, and old files open."""

import sqlite3
from collections.abc import Sequence
from pathlib import Path

import pytest

from engine.domain.e164 import E164
from engine.domain.facts import (
    AnyFact,
    DncAdded,
    RecordingCompleted,
    RecordingDeleted,
    RecordingStarted,
    encode,
)
from engine.domain.ids import AgentId, AttemptId, CampaignId, RecordingId
from engine.ports import RecordingQuery, RecordingRow
from engine.store import schema
from engine.store.group import FactsToCommit
from engine.store.journal import Journal
from engine.store.memory import MemoryStore
from engine.store.reader import ask, find_recordings


def started(number: int) -> RecordingStarted:
    return RecordingStarted(
        at_s=1000.0 + number,
        recording_id=RecordingId(f"a1-0001-{number:08x}"),
        attempt_id=AttemptId(f"call-{number}"),
        campaign_id=CampaignId("spring" if number % 2 else "autumn"),
        agent_id=AgentId("ann" if number % 3 else ""),
        by="engine",
        reason="campaign",
    )


def completed(number: int) -> RecordingCompleted:
    return RecordingCompleted(
        at_s=2000.0,
        recording_id=RecordingId(f"a1-0001-{number:08x}"),
        length_s=12.5,
        octets=4000,
        sha256="ab" * 32,
        lost_s=0.5,
        file_name=f"day/{number}.flac",
    )


FACTS: list[AnyFact] = [
    *(started(number) for number in range(10)),
    *(completed(number) for number in range(8)),
    RecordingDeleted(at_s=3000.0, recording_id=RecordingId("a1-0001-00000004"), by="sue"),
]
QUERIES = [
    RecordingQuery(),
    RecordingQuery(limit=3),
    RecordingQuery(before="a1-0001-00000005", limit=2),
    RecordingQuery(campaign_id="spring"),
    RecordingQuery(agent_id="ann", campaign_id="autumn"),
    RecordingQuery(campaigns=frozenset({"autumn"})),
    RecordingQuery(campaigns=frozenset({"autumn", "spring", "winter"}), agent_id="ann", limit=4),
    RecordingQuery(campaign_id="spring", campaigns=frozenset({"spring"}), until_s=1006.0),
    RecordingQuery(attempt_id="call-5"),
    RecordingQuery(attempt_id="call-4", deleted=True),
    RecordingQuery(recording_id="a1-0001-00000002"),
    RecordingQuery(from_s=1003.0, until_s=1006.0, deleted=True),
    RecordingQuery(deleted=True, deleted_from_s=2500.0),
]


def commit(journal: Journal, facts: Sequence[AnyFact]) -> None:
    journal.commit([FactsToCommit(tuple(facts), [encode(fact) for fact in facts])])


@pytest.fixture
def rows() -> list[RecordingRow]:
    """Every row, as the facts make them, newest first."""
    found: list[Sequence[RecordingRow]] = []
    store = MemoryStore(lambda _delay_s, action: action(), lambda _facts: None)
    store.commit(FACTS, lambda error: None)
    store.find_recordings(RecordingQuery(deleted=True), found.append)
    return list(found[0])


@pytest.mark.parametrize("query", QUERIES)
def test_both_stores_find_the_same(
    tmp_path: Path, rows: list[RecordingRow], query: RecordingQuery
) -> None:
    path = tmp_path / "a.db"
    journal = Journal(path)
    for fact in FACTS:  # one group each: complete rows are looked up again
        commit(journal, [fact])
    found = ask(path, lambda base: find_recordings(base, query))
    wanted = [row for row in rows if query.wants(row)]
    if query.before:
        wanted = [row for row in wanted if row.recording_id < query.before]
    assert found == wanted[: query.limit]
    assert found
    journal.close()


@pytest.mark.parametrize(
    "query",
    [
        RecordingQuery(campaigns=frozenset()),
        RecordingQuery(campaigns=frozenset({"autumn"}), campaign_id="spring"),
        RecordingQuery(campaigns=frozenset({"autumn"}), recording_id="a1-0001-00000003"),
    ],
    ids=str,
)
def test_outside_the_campaigns_allowed_nothing_is_found(
    tmp_path: Path, rows: list[RecordingRow], query: RecordingQuery
) -> None:
    path = tmp_path / "a.db"
    journal = Journal(path)
    commit(journal, FACTS)
    assert ask(path, lambda base: find_recordings(base, query)) == []
    assert not [row for row in rows if query.wants(row)]
    journal.close()


def test_a_start_finds_what_is_not_complete(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    journal = Journal(path)
    commit(journal, FACTS)
    journal.close()
    again = Journal(path)
    open_rows = again.recovered.open_recordings
    assert [row.recording_id[-1] for row in open_rows] == ["8", "9"]
    again.close()


def test_complete_rows_do_not_stay_in_memory(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "a.db")
    commit(journal, FACTS)
    assert len(journal._state.recordings) == 2
    journal.close()


def test_a_file_of_the_first_version_opens_and_takes_recordings(tmp_path: Path) -> None:
    path = tmp_path / "old.db"
    with sqlite3.connect(path) as base:
        base.executescript(
            f"{schema._TABLES} PRAGMA application_id = {schema.APPLICATION_ID};"
            "PRAGMA user_version = 1;"
        )
    base.close()
    journal = Journal(path)
    commit(journal, [DncAdded(at_s=1.0, number=E164("+14155550100"), by="sue"), *FACTS])
    journal.close()
    again = Journal(path)
    assert again.recovered.dnc == ["+14155550100"]
    assert len(again.recovered.open_recordings) == 2
    again.close()
    with sqlite3.connect(path) as base:
        assert base.execute("PRAGMA user_version").fetchone() == (schema.VERSION,)
    base.close()
