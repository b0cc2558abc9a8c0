"""Answer for a recording whose call is over: from the file that grew to the one that is kept.

The kept file is a FLAC or WAV document, sealed in pieces if there is a key. It is written beside
the live one under a name of its own, synced, renamed, and only then the live one goes: a crash at
any step leaves at least one of the two, and doing it again gives the same.
"""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import msgspec

from engine.telephony.recording.disk import Disk
from engine.telephony.recording.live import LIVE, Span, read_live, wav_header
from engine.telephony.recording.sealing import Content, Kind, SealedReader, Sealer, SealError

PIECE: Final = 16_384
"""Octets of a document in one slot."""

SEALED: Final = ".sealed"
PART: Final = ".part"
"""Endings of names: a sealed document, and one not finished."""

TICK_S: Final = 0.02


class Summary(msgspec.Struct, frozen=True):
    """What a kept file says of itself.

    Attributes:
        recording_id: The recording.
        started_s: When it began. [s since the epoch]
        ticks: Its length. [ticks]
        lost: Of its length, what was not kept. [ticks]
        paused: Of its length, what was paused. [ticks]
        form: ``flac`` or ``wav``.
        size: Octets of the document.
        notes: As given when it began.
    """

    recording_id: str
    started_s: float
    ticks: int
    lost: int
    paused: int
    form: str
    size: int
    notes: dict[str, str] = {}


@dataclass(frozen=True, slots=True)
class Finished:
    """A kept file.

    Attributes:
        path: Where it is.
        summary: What it says of itself.
        octets: Its size. [octets]
        sha256: Of its octets, in hex.
    """

    path: Path
    summary: Summary
    octets: int
    sha256: str


def may_compress() -> bool:
    """Say whether there is a FLAC encoder (the extra ``audio``)."""
    return find_spec("soundfile") is not None


def finish(disk: Disk, live: Path, key: bytes | None, form: str) -> Finished:
    """Make the kept file of a live one, and remove that.

    Args:
        disk: The file system.
        live: The live file; it may be cut.
        key: The installation's key, None: nothing is sealed.
        form: ``flac`` or ``wav``.

    Raises:
        OSError: The disk does not work; try again later.
        SealError: There is no recording in the file, or it needs another key.
    """
    with _opened(disk, live) as file:
        span = read_live(disk, file, key)
        if span.notes.recording_id != live.name.removesuffix(LIVE):
            raise SealError(f"{live.name} is of another recording")
        document = _document(span, form)
    if key is not None:
        path = live.with_name(f"{span.notes.recording_id}.{form}{SEALED}")
        octets = _seal(document, _summary(span, form, len(document)), key)
    else:
        path = live.with_name(f"{span.notes.recording_id}.{form}")
        octets = document
    part = path.with_name(path.name + PART)
    disk.unlink(part)
    _write(disk, part, octets)
    disk.rename(part, path)
    disk.unlink(live)
    return Finished(
        path, _summary(span, form, len(document)), len(octets), sha256(octets).hexdigest()
    )


def find_finished(
    disk: Disk, folder: Path, recording_id: str, key: bytes | None
) -> Finished | None:
    """Return the kept file of a recording, None if there is none.

    Raises:
        OSError: The disk does not work.
        SealError: It is damaged, or of another key.
    """
    for path in files_of(folder, recording_id):
        if path.suffix != PART:
            return describe(disk, path, key)
    return None


def files_of(folder: Path, recording_id: str, only: Path | None = None) -> Iterator[Path]:
    """Yield the files of a recording, but one that grows; folders are not read, however full.

    Args:
        folder: Where recordings are, each in the folder of its day.
        recording_id: The recording.
        only: The day's folder, if it is known.
    """
    for day in [only] if only else sorted(path for path in folder.glob("*") if path.is_dir()):
        for form in ("flac", "wav"):
            for sealed in ("", SEALED):
                for part in ("", PART):
                    path = day / f"{recording_id}.{form}{sealed}{part}"
                    if path.exists():
                        yield path


def describe(disk: Disk, path: Path, key: bytes | None) -> Finished:
    """Return what a kept file says of itself.

    Raises:
        OSError: The disk does not work.
        SealError: It is damaged, or of another key.
    """
    with _opened(disk, path) as file:
        size = disk.size(file)
        if path.name.endswith(SEALED):
            summary = read_summary(sealed_reader(disk, file, key))
        elif path.suffix == ".wav":
            summary = _summary(read_live(disk, file, None), "wav", size)
        else:
            summary = _flac_summary(path)
        digest = sha256()
        for at in range(0, size, 1 << 20):
            digest.update(disk.read(file, 1 << 20, at))
    return Finished(path, summary, size, digest.hexdigest())


def sealed_reader(disk: Disk, file: int, key: bytes | None) -> SealedReader:
    """Return the reader of a sealed document.

    Raises:
        SealError: It is none, or of another key.
    """
    if key is None:
        raise SealError("the recording is sealed and there is no key")
    return SealedReader(key, lambda count, at: disk.read(file, count, at), disk.size(file))


def read_summary(reader: SealedReader) -> Summary:
    """Return what a sealed document says of itself.

    Raises:
        SealError: It is damaged.
    """
    kind, payload = reader.open(0)
    if kind is not Kind.NOTES or reader.prelude.content is not Content.DOCUMENT:
        raise SealError("this is no finished recording")
    return _decode(payload)


def _decode(octets: bytes | str) -> Summary:
    try:
        return msgspec.json.decode(octets, type=Summary)
    except msgspec.MsgspecError:
        raise SealError("what the recording says of itself is damaged") from None


def _summary(span: Span, form: str, size: int) -> Summary:
    notes = span.notes
    return Summary(
        notes.recording_id, notes.started_s, span.ticks, span.lost, span.paused, form, size,
        dict(notes.notes),
    )  # fmt: skip


def _document(span: Span, form: str) -> bytes:
    if form == "flac":
        return _flac(span)
    header = wav_header(span.notes, span.ticks, span.lost, span.paused, complete=True)
    return header + b"".join(block.astype("<i2").tobytes() for block in span.blocks)


def _flac(span: Span) -> bytes:
    import soundfile  # an extra

    to = io.BytesIO()
    with soundfile.SoundFile(to, "w", 8000, 2, "PCM_16", format="FLAC") as file:
        file.comment = msgspec.json.encode(_summary(span, "flac", 0)).decode()
        for block in span.blocks:
            file.write(block)
    return to.getvalue()


def _flac_summary(path: Path) -> Summary:
    import soundfile

    try:
        with soundfile.SoundFile(path) as file:
            comment: str = file.comment
    except soundfile.LibsndfileError as error:
        raise SealError(f"{path.name} is damaged: {error}") from None
    return msgspec.structs.replace(_decode(comment), size=path.stat().st_size)


def _seal(document: bytes, summary: Summary, key: bytes) -> bytes:
    sealer = Sealer.begin(key, summary.recording_id, Content.DOCUMENT, PIECE)
    parts = [sealer.octets, sealer.seal(0, Kind.NOTES, msgspec.json.encode(summary).ljust(PIECE))]
    last = max(0, len(document) - 1) // PIECE
    for number in range(last + 1):
        piece = document[number * PIECE : (number + 1) * PIECE]
        kind = Kind.LAST if number == last else Kind.DATA
        parts.append(sealer.seal(number + 1, kind, piece))
    return b"".join(parts)


def _write(disk: Disk, path: Path, octets: bytes) -> None:
    file = disk.create(path)
    try:
        for at in range(0, len(octets), 1 << 20):
            disk.write(file, octets[at : at + (1 << 20)], at)
        disk.sync(file)
    finally:
        disk.close(file)


@contextmanager
def _opened(disk: Disk, path: Path) -> Iterator[int]:
    file = disk.open(path)
    try:
        yield file
    finally:
        disk.close(file)
