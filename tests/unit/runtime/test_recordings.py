"""Shelf and books of recordings: who reads is logged, what is deleted goes, rows follow files."""

import asyncio
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.config import EngineSettings, RecordingSettings, StoreSettings
from engine.domain.facts import (
    RecorderChanged,
    RecordingAccessed,
    RecordingDeleted,
    RecordingStarted,
)
from engine.domain.ids import RecordingId
from engine.domain.refusals import InvalidRequestError, NotNowError, UnknownRecordingError
from engine.ports import (
    FinishRecordings,
    RecorderFailed,
    RecorderRestored,
    RecordingEnded,
    RecordingQuery,
)
from engine.runtime.recording_books import RecordingBooks
from engine.runtime.recording_setup import prepare, setup_of
from engine.telephony.recording.client import RecorderSetup
from engine.telephony.recording.sealing import load_key
from tests.support.load import PATIENCE_S
from tests.support.recording_house import NOW_S, House, shelf_of

DAY_S = 86_400.0
TAKE = RecordingId("a1-0001-00000001")


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


def books_of(house: House) -> RecordingBooks:
    runtime: Any = house
    return RecordingBooks(runtime)


def test_who_reads_is_in_the_log_before_anything_is_read(house: House) -> None:
    async def scenario() -> None:
        shelf, recording_id = shelf_of(house), house.make(1, NOW_S)
        reading = await shelf.open(recording_id, by="sue", how="play", from_s=1.5)
        (accessed,) = house.facts(RecordingAccessed)
        assert (accessed.by, accessed.how, accessed.from_s) == ("sue", "play", 1.5)
        assert len(np.concatenate(list(reading.pcm(0, 100)))) == 16_000
        reading.close()

    asyncio.run(scenario())


def test_what_is_deleted_is_gone_and_marked(house: House) -> None:
    async def scenario() -> None:
        shelf, recording_id = shelf_of(house), house.make(1, NOW_S)
        row = await shelf.delete(recording_id, by="sue")
        assert row.deleted_s == NOW_S
        assert house.files() == []
        assert [fact.by for fact in house.facts(RecordingDeleted)] == ["sue"]
        await shelf.delete(recording_id, by="sue")
        assert len(house.facts(RecordingDeleted)) == 1
        with pytest.raises(UnknownRecordingError):
            await shelf.open(recording_id, by="sue", how="play")
        assert await shelf.find(RecordingQuery()) == []

    asyncio.run(scenario())


def test_what_goes_on_is_neither_read_nor_deleted(house: House) -> None:
    async def scenario() -> None:
        shelf, recording_id = shelf_of(house), house.make(1, NOW_S, complete=False)
        with pytest.raises(NotNowError):
            await shelf.delete(recording_id, by="sue")
        with pytest.raises(NotNowError):
            await shelf.open(recording_id, by="sue", how="play")

    asyncio.run(scenario())


def test_what_is_past_its_time_is_deleted_and_nothing_else(house: House) -> None:
    async def scenario() -> None:
        for number, days in enumerate((100, 31, 29, 0), start=1):
            house.make(number, NOW_S - days * DAY_S)
        shelf = shelf_of(house, retention_days=30)
        shelf.start()
        await _until(lambda: len(house.facts(RecordingDeleted)) == 2 and len(house.files()) == 2)
        await shelf.stop()
        assert {fact.by for fact in house.facts(RecordingDeleted)} == {"retention"}
        assert [name[15] for name in house.files()] == ["3", "4"]

    asyncio.run(scenario())


def test_a_deletion_cut_by_a_crash_is_finished_at_the_next_start(house: House) -> None:
    async def scenario() -> None:
        recording_id = house.make(1, NOW_S)
        house.note(RecordingDeleted(at_s=NOW_S, recording_id=recording_id, by="sue"))
        assert house.files()
        shelf = shelf_of(house)
        shelf.start()
        await _until(lambda: not house.files())
        await shelf.stop()

    asyncio.run(scenario())


def test_what_is_of_another_campaign_is_as_if_it_were_not(house: House) -> None:
    async def scenario() -> None:
        shelf, recording_id = shelf_of(house), house.make(1, NOW_S, campaign="spring")
        for others in (frozenset({"autumn"}), frozenset[str]()):
            with pytest.raises(UnknownRecordingError, match="there is no recordings/a1"):
                await shelf.get(recording_id, others)
            with pytest.raises(UnknownRecordingError, match="there is no recordings/a1"):
                await shelf.open(recording_id, by="sue", how="play", campaigns=others)
            with pytest.raises(UnknownRecordingError, match="there is no recordings/a1"):
                await shelf.delete(recording_id, by="sue", campaigns=others)
        assert house.files()
        assert not house.facts(RecordingAccessed)
        row = await shelf.get(recording_id, frozenset({"autumn", "spring"}))
        assert row.recording_id == recording_id

    asyncio.run(scenario())


async def _until(true: Callable[[], bool]) -> None:
    deadline_s = time.monotonic() + PATIENCE_S
    while not true():
        assert time.monotonic() < deadline_s, "did not happen in time"
        await asyncio.sleep(0.01)


def ended(recording_id: RecordingId, **more: Any) -> RecordingEnded:
    values = {"length_s": 3.0, "octets": 10, "sha256": "ab", "file_name": "day/x.flac", **more}
    return RecordingEnded(recording_id, **values)


def test_the_end_of_a_recording_is_written_to_its_row(house: House) -> None:
    house.make(1, NOW_S, complete=False)
    books = books_of(house)
    rows = _rows(house)
    books.start(rows)
    assert house.performed == [FinishRecordings((TAKE,))]
    books.heard(ended(TAKE))
    (row,) = _rows(house)
    assert (row.complete, row.sha256) == (True, "ab")
    assert len(house.facts(RecordingStarted)) == 1


def test_a_file_without_a_row_gets_one_from_its_notes(house: House) -> None:
    notes = {"attempt_id": "a9", "campaign_id": "spring", "agent_id": "ann"}
    books_of(house).heard(ended(TAKE, notes=notes))
    (row,) = _rows(house)
    assert (row.attempt_id, row.campaign_id, row.agent_id) == ("a9", "spring", "ann")
    assert row.complete


def test_campaigns_that_must_be_recorded_are_held_while_nothing_can_be(house: House) -> None:
    books = books_of(house)
    books.heard(RecorderFailed("disk full"))
    books.heard(RecorderFailed("disk full"))
    assert house.held == {"spring"}
    books.heard(RecorderRestored())
    assert house.held == frozenset()
    assert [(f.up, f.reason) for f in house.facts(RecorderChanged)] == [
        (False, "disk full"),
        (True, ""),
    ]


def _rows(house: House) -> Sequence[Any]:
    found: list[Sequence[Any]] = []
    house.store.find_recordings(RecordingQuery(deleted=True), found.append)
    return found[0]


@pytest.mark.parametrize(
    ("url", "recording", "folder", "key_file"),
    [
        ("sqlite:/srv/p.db", {}, "/srv/p.recordings", "/srv/p.recording-key"),
        ("sqlite:/srv/p.db", {"encrypt": False}, "/srv/p.recordings", None),
        ("sqlite:/srv/p.db", {"directory": "/big", "key_file": "/k"}, "/big", "/k"),
        ("memory:", {"directory": "/big/calls"}, "/big/calls", "/big/calls.recording-key"),
    ],
)
def test_folder_and_key_lie_beside_the_store_unless_said(
    url: str, recording: dict[str, Any], folder: str, key_file: str | None
) -> None:
    settings = EngineSettings(
        store=StoreSettings(url=url), recording=RecordingSettings(**recording)
    )
    setup = setup_of(settings)
    assert setup is not None
    assert str(setup.folder) == folder
    assert (str(setup.key_file) if setup.key_file else None) == key_file


def setup_at(folder: Path, key_file: Path) -> RecorderSetup:
    return RecorderSetup(folder=folder, key_file=key_file, form="wav", ring_octets=1 << 20, rings=1)


def test_folder_and_key_are_there_from_the_start(tmp_path: Path) -> None:
    setup = setup_at(tmp_path / "kept" / "calls", tmp_path / "key")
    prepare(setup)
    key = load_key(tmp_path / "key")
    prepare(setup)
    assert setup.folder.is_dir()
    assert load_key(tmp_path / "key") == key


@pytest.mark.parametrize("wrong", ["folder", "key"])
def test_what_nothing_can_be_recorded_with_stops_the_start(tmp_path: Path, wrong: str) -> None:
    (tmp_path / "file").write_text("neither a folder nor a key")
    (tmp_path / "file").chmod(0o600)
    folder = tmp_path / ("file" if wrong == "folder" else "calls")
    key_file = tmp_path / ("file" if wrong == "key" else "key")
    with pytest.raises(InvalidRequestError, match=r"recording: .*file"):
        prepare(setup_at(folder, key_file))


def test_a_store_in_memory_has_no_folder() -> None:
    assert setup_of(EngineSettings(store=StoreSettings(url="memory:"))) is None
