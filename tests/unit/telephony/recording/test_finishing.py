"""Kept files: bounded memory however long the call, pieces of one size, and full disks."""

import gc
import io
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile

from engine.telephony.media.g711 import U8
from engine.telephony.recording import messages
from engine.telephony.recording.disk import RealDisk
from engine.telephony.recording.documents import write_document
from engine.telephony.recording.finisher import Finisher
from engine.telephony.recording.finishing import finish, sealed_reader
from engine.telephony.recording.live import create_live
from engine.telephony.recording.live_wav import wav_header
from engine.telephony.recording.notes import LiveNotes, Span
from engine.telephony.recording.pieces import PIECE, Document
from engine.telephony.recording.recorder import Take
from engine.telephony.recording.sealing import Kind
from engine.telephony.recording.tracks import CHUNK_TICKS, Chunk, Status
from tests.support.disks import FULL, FaultyDisk
from tests.unit.telephony.recording.stage import KEY, Stage

MOST_MB = 16
"""What finishing a recording of any length may need beside what is there already. [MB]"""
CHUNKS = 20 * 60 * 5 // 2
"""Twenty minutes: 38 MB of samples. [chunks]"""


class Kept:
    """Pieces in memory."""

    def __init__(self) -> None:
        self.pieces: dict[int, tuple[bytes, bool]] = {}
        self.said = b""

    def put(self, number: int, piece: bytes, *, last: bool) -> None:
        assert number not in self.pieces, "a piece is written once"
        self.pieces[number] = (piece, last)

    def end(self, said: bytes) -> None:
        self.said = said

    def whole(self) -> bytes:
        return b"".join(self.pieces[number][0] for number in sorted(self.pieces))

    def lasts(self) -> list[int]:
        return [number for number, (_, last) in self.pieces.items() if last]


@pytest.mark.parametrize("size", [0, 5, PIECE, PIECE + 1, 3 * PIECE, 3 * PIECE + 7])
def test_a_document_is_its_pieces_whatever_its_size(size: int) -> None:
    octets = np.random.default_rng(size).bytes(size)
    kept = Kept()
    document = Document(kept)
    for at in range(0, size, 1000):
        document.add(octets[at : at + 1000])
    assert kept.pieces.keys() <= set(range(1, 1 + size // PIECE)), "one is held, and the first"
    document.seek(0)
    document.add(octets[:7])
    document.end()
    assert kept.whole() == octets
    assert kept.lasts() == [max(0, size - 1) // PIECE]
    assert document.size == size


def test_what_is_written_beyond_the_first_piece_is_final() -> None:
    document = Document(Kept())
    document.add(bytes(3 * PIECE))
    document.seek(2 * PIECE)
    with pytest.raises(io.UnsupportedOperation):
        document.add(b"x")


def test_a_flac_document_knows_its_length_and_samples() -> None:
    samples = np.random.default_rng(1).integers(-9000, 9000, (100_000, 2)).astype(np.int16)
    notes = LiveNotes("r1", 1e9, 0, {"attempt_id": "a"})
    span = Span(notes, 625, True, 0, 0, iter(np.array_split(samples, 40)))
    kept = Kept()
    summary = write_document(kept, span, "flac")
    assert summary.size == len(kept.whole()) > 5 * PIECE
    assert b'"attempt_id":"a"' in kept.said
    with soundfile.SoundFile(io.BytesIO(kept.whole())) as file:
        assert len(file) == 100_000
        assert (file.read(dtype="int16") == samples).all()


@pytest.mark.parametrize("form", ["flac", "wav"])
def test_a_disk_that_is_full_while_it_is_encoded_is_told_and_costs_nothing(
    tmp_path: Path, form: str
) -> None:
    class FullLater(FaultyDisk):
        def write(self, file: int, octets: bytes, at: int) -> None:
            self.writes_fail = FULL if at > 2 * PIECE else 0
            super().write(file, octets, at)

    stage = Stage(tmp_path / "calls", FaultyDisk())
    stage.open()
    stage.run(600)
    take = stage.end()
    stage.disk = FullLater()
    with pytest.raises(OSError, match="No space left"):
        stage.finish(take, form)
    assert take.path.exists()
    stage.disk = FaultyDisk()
    assert stage.finish(take, form).summary.ticks == 600
    assert [path.suffix for path in (tmp_path / "calls").glob("*/*")] == [".sealed"]


@pytest.mark.parametrize("form", ["flac", "wav"])
@pytest.mark.parametrize("key", [KEY, None], ids=["sealed", "plain"])
def test_a_long_recording_is_finished_in_little_memory(
    tmp_path: Path, key: bytes | None, form: str
) -> None:
    live = tmp_path / "t1-0001-00000001.live"
    _write_long(live, key)
    _finish_short(tmp_path, key, form)  # what encoder and cipher need once
    before_mb = _reset_peak()
    done = finish(RealDisk(), live, key, form)
    assert _peak_mb() - before_mb < MOST_MB
    assert done.summary.ticks == CHUNKS * CHUNK_TICKS
    assert done.octets == done.path.stat().st_size > MOST_MB << 20
    if key is not None:
        disk, file = RealDisk(), RealDisk().open(done.path)
        reader = sealed_reader(disk, file, key)
        assert reader.open(reader.slots - 1)[0] is Kind.LAST
        disk.close(file)


def test_frames_are_taken_in_while_a_long_recording_is_finished(tmp_path: Path) -> None:
    stage = Stage(tmp_path / "calls", FaultyDisk())
    stage.open()
    live = tmp_path / "calls" / "day" / "t1-0001-00000009.live"
    live.parent.mkdir()
    _write_long(live, KEY, 750)
    finisher = Finisher(tmp_path / "calls", RealDisk(), KEY, "flac")
    finisher.finish(_take_of(live, 750 * CHUNK_TICKS))
    rounds = 0
    while finisher.done.empty():
        stage.run(4)
        rounds += 1
        time.sleep(0.005)  # as the recorder rests between its looks
    assert rounds > 3
    ended = finisher.done.get()
    assert isinstance(ended, messages.Ended)
    assert ended.length_s == 5 * 60
    done = stage.finish(stage.end())
    assert (done.summary.ticks, done.summary.lost) == (4 * rounds, 0)


def test_a_recording_that_cannot_be_finished_is_told_and_others_are(tmp_path: Path) -> None:
    class Odd(RealDisk):
        def open(self, path: Path) -> int:
            if path.name.startswith("t1-0001-00000001"):
                raise ValueError("an encoder's own fault")
            return super().open(path)

    finisher = Finisher(tmp_path, Odd(), KEY, "flac")
    for number in (1, 2):
        live = tmp_path / "day" / f"t1-0001-0000000{number}.live"
        live.parent.mkdir(exist_ok=True)
        _write_long(live, KEY, 10)
        finisher.finish(_take_of(live, 200))
    told = [finisher.done.get(timeout=30) for _ in range(3)]
    assert [isinstance(each, messages.Ended) for each in told] == [False, True, True]
    assert "an encoder's own fault" in str(told[0])
    lengths_s = [each.length_s for each in told if isinstance(each, messages.Ended)]
    assert lengths_s == [0.0, 4.0]
    assert live.with_name("t1-0001-00000001.live").exists()


def test_a_header_tells_of_no_more_than_it_can() -> None:
    header = wav_header(LiveNotes("r1", 1e9, 0), 50 * 3600 * 100)
    assert int.from_bytes(header[-4:], "little") == 0xFFFF_0000


def _take_of(live: Path, ticks: int) -> Take:
    recording_id = live.name.removesuffix(".live")
    opened = messages.Open(9, recording_id, 1e9, 0, {})
    return Take(opened, live, end_tick=ticks)


def _write_long(live: Path, key: bytes | None, chunks: int = CHUNKS) -> None:
    disk = RealDisk()
    file = create_live(disk, live, key, LiveNotes(live.stem, 1e9, 0))
    codes: U8 = np.random.default_rng(1).integers(0, 256, (64, 20, 160)).astype(np.uint8)
    status = np.full(CHUNK_TICKS, Status.KEPT, dtype=np.uint8)
    for number in range(chunks):
        said, heard = codes[number % 64], codes[number * 7 % 64]
        file.append(Chunk(1, number, 0, status, said, heard))
    file.end(chunks * CHUNK_TICKS)
    disk.close(file.file)


def _finish_short(folder: Path, key: bytes | None, form: str) -> None:
    live = folder / "t1-0001-00000002.live"
    _write_long(live, key, 60)
    finish(RealDisk(), live, key, form)


def _reset_peak() -> float:
    """Forget the peak of this process' memory (proc(5), clear_refs); return what it has. [MB]"""
    gc.collect()
    Path("/proc/self/clear_refs").write_text("5")
    return _status_mb("VmRSS")


def _peak_mb() -> float:
    return _status_mb("VmHWM")


def _status_mb(name: str) -> float:
    lines: Iterator[str] = iter(Path("/proc/self/status").read_text().splitlines())
    line = next(line for line in lines if line.startswith(name))
    return int(line.split()[1]) / 1024
