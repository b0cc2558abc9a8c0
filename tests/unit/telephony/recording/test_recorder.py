"""What the recorder keeps, over faults and crashes at every step (R1 to R4)."""

import os
from pathlib import Path

import numpy as np
import pytest

from engine.telephony.media.g711 import DECODED, FRAME, I16
from engine.telephony.recording import messages
from engine.telephony.recording.finishing import Finished
from engine.telephony.recording.library import Library
from engine.telephony.recording.recorder import PROBE_TICKS
from engine.telephony.recording.sealing import SealError
from tests.support.disks import BROKEN, FULL, CrashError, FaultyDisk
from tests.unit.telephony.recording.stage import FIRST, KEY, Stage, code


@pytest.fixture(params=[KEY, None], ids=["sealed", "plain"])
def stage(request: pytest.FixtureRequest, tmp_path: Path) -> Stage:
    return Stage(tmp_path / "calls", FaultyDisk(), key=request.param)


def listen(stage: Stage, done: Finished) -> I16:
    """Return the samples of a kept file, one a tick, both tracks, shape (ticks, 2)."""
    key_file = None
    if stage.key is not None:
        key_file = stage.folder.parent / "key"
        key_file.write_text(stage.key.hex())
        key_file.chmod(0o600)
    with Library(stage.folder, key_file).open(str(done.path.relative_to(stage.folder))) as reading:
        samples = np.concatenate([np.zeros((0, 2), np.int16), *reading.pcm(0, 200)])
    ticks = samples.reshape(-1, FRAME, 2)
    assert (ticks == ticks[:, :1]).all()
    return ticks[:, 0]


def spoken(tick: int) -> tuple[int, int]:
    said = code(1, tick)
    return int(DECODED[said]), int(DECODED[said ^ 0x40])


def kept(found: I16) -> list[bool]:
    """Say of each tick from the first on whether what was said is there, on both tracks."""
    return [tuple(each.tolist()) == spoken(FIRST + at) for at, each in enumerate(found)]


def test_every_tick_is_in_its_place_on_both_tracks(stage: Stage) -> None:
    stage.open()
    stage.run(205)
    done = stage.finish(stage.end())
    assert (done.summary.ticks, done.summary.lost) == (205, 0)
    assert all(kept(listen(stage, done)))
    assert done.summary.notes == {"attempt_id": "a"}


def test_a_gap_is_silence_of_its_length_and_counted(stage: Stage) -> None:
    stage.open()
    stage.run(63)
    stage.run(90, keys=())
    stage.run(50)
    done = stage.finish(stage.end())
    assert (done.summary.ticks, done.summary.lost) == (203, 90)
    assert kept(listen(stage, done)) == [True] * 63 + [False] * 90 + [True] * 50


def test_of_a_pause_nothing_is_written_and_time_goes_on(stage: Stage) -> None:
    stage.open()
    stage.run(40)
    stage.pause(60)
    stage.run(40)
    done = stage.finish(stage.end())
    assert (done.summary.ticks, done.summary.lost, done.summary.paused) == (140, 0, 60)


def test_a_recorder_that_dies_loses_nothing(stage: Stage) -> None:
    opened = stage.open()
    stage.run(87)
    second = Stage(stage.folder, stage.disk, stage.ring, stage.key)  # the first one is gone
    second.tick = stage.tick
    second.recorder.perform(messages.Begin(1, [opened]))
    second.run(70)
    done = second.finish(second.end())
    assert (done.summary.ticks, done.summary.lost) == (157, 0)
    assert all(kept(listen(second, done)))


def test_a_file_cut_anywhere_opens_up_to_the_cut(stage: Stage) -> None:
    stage.open()
    stage.run(130)
    (live,) = stage.folder.glob("*/*.live")
    whole = live.read_bytes()
    for size in range(len(whole) - 9000, len(whole), 700):
        live.write_bytes(whole[:size])
        done = stage.finish(stage.recorder.takes[0])
        found = listen(stage, done)
        assert len(found) >= 70  # of 113 written, the two chunks that were cut are missing
        assert all(kept(found))
        done.path.unlink()


@pytest.mark.parametrize("error", [FULL, BROKEN], ids=["disk full", "I/O error"])
def test_a_disk_that_fails_is_told_and_its_loss_counted(stage: Stage, error: int) -> None:
    stage.open()
    stage.run(100)
    stage.disk.writes_fail = error
    stage.run(100)
    (failed,) = stage.told
    assert isinstance(failed, messages.Failed)
    assert stage.recorder.failing
    stage.disk.writes_fail = 0
    stage.run(PROBE_TICKS + 50)
    assert isinstance(stage.told[-1], messages.Restored)
    done = stage.finish(stage.end())
    found = kept(listen(stage, done))
    assert len(found) == 300
    assert done.summary.lost == found.count(False) > 0
    assert all(found[:80])
    assert all(found[-80:])


def test_a_failed_sync_is_loss_and_is_not_tried_again(stage: Stage) -> None:
    stage.open()
    stage.run(100)
    files = stage.recorder.unsynced()
    assert [key for key, _ in files] == [1]
    assert stage.recorder.unsynced() == []
    stage.recorder.doubt([1], OSError(BROKEN, os.strerror(BROKEN)))
    assert isinstance(stage.told[-1], messages.Failed)
    stage.disk.syncs_fail = BROKEN
    stage.run(PROBE_TICKS * 2)
    assert stage.recorder.failing, "a disk that does not sync does not work"
    assert stage.end().doubted > 0


def test_a_recording_that_cannot_be_made_begins_when_the_disk_works(stage: Stage) -> None:
    stage.disk.writes_fail = FULL
    stage.open()
    stage.run(60)
    stage.disk.writes_fail = 0
    stage.run(100)
    done = stage.finish(stage.end())
    found = kept(listen(stage, done))
    assert len(found) == 160
    assert all(found[60:])


@pytest.mark.parametrize("form", ["wav", "flac"])
def test_a_crash_at_any_step_leaves_one_recording_that_opens(
    tmp_path: Path, stage: Stage, form: str
) -> None:
    """R2: crash at the Nth operation, N = 1, 2, 3 … until a run ends without one."""
    for crash_at in range(1, 200):
        folder, disk = tmp_path / f"run-{crash_at}", FaultyDisk()
        first = Stage(folder, disk, key=stage.key)
        disk.crash_at = crash_at
        crashed = _live_a_life(first, form)
        disk.crash_at = 0
        lives = list(folder.glob("*/*.live"))
        second = Stage(folder, disk, key=stage.key)
        take = first.over[-1] if first.over else None
        for live in lives:
            found = _finish_again(second, live, form)
            if found is not None:
                assert all(kept(listen(second, found)))
        kept_files = [path for path in folder.glob("*/*") if path.suffix not in (".part", ".live")]
        assert len(kept_files) <= 1
        if not crashed:
            assert take is not None
            assert len(kept_files) == 1
            return
    raise AssertionError("it never came to an end")


def _live_a_life(stage: Stage, form: str) -> bool:
    try:
        stage.open()
        stage.run(50)
        stage.finish(stage.end(), form)
    except CrashError:
        return True
    return False


def _finish_again(stage: Stage, live: Path, form: str) -> Finished | None:
    from engine.telephony.recording.finishing import finish

    try:
        return finish(stage.disk, live, stage.key, form)
    except SealError:
        return None  # it crashed before its beginning was written


def test_with_a_key_no_code_of_the_line_reaches_the_disk(tmp_path: Path) -> None:
    disk = FaultyDisk()
    stage = Stage(tmp_path / "calls", disk)
    stage.open()
    stage.run(100)
    done = stage.finish(stage.end())
    for tick in range(FIRST, FIRST + 100):
        codes = bytes([code(1, tick)]) * 16
        samples = np.full(16, spoken(tick)[0], dtype="<i2").tobytes()
        assert codes not in disk.written
        assert samples not in disk.written
    wrong = tmp_path / "wrong"
    wrong.write_text(bytes(32).hex())
    wrong.chmod(0o600)
    with pytest.raises(SealError, match="another key"):
        Library(tmp_path / "calls", wrong).open(str(done.path.relative_to(stage.folder)))


def test_deletion_leaves_nothing(stage: Stage) -> None:
    stage.open()
    stage.run(50)
    done = stage.finish(stage.end())
    assert done.path.exists()
    assert Library(stage.folder, None).delete(done.summary.recording_id) == 1
    assert not list(stage.folder.glob("*/*"))


def test_frames_of_a_recording_not_yet_told_of_wait(stage: Stage) -> None:
    stage.run(30, keys=(1,))
    stage.open()
    stage.run(30)
    done = stage.finish(stage.end())
    assert done.summary.lost == 0
    assert all(kept(listen(stage, done)))
