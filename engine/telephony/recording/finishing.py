"""Answer for a recording whose call is over: from the file that grew to the one that is kept.

The kept file is a FLAC or WAV document, sealed in pieces if there is a key. It is written beside
the live one under a name of its own, synced, renamed, and only then the live one goes: a crash at
any step leaves at least one of the two, and doing it again gives the same.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import msgspec

from engine.telephony.recording.disk import Disk
from engine.telephony.recording.documents import Summary, summary_of, write_document
from engine.telephony.recording.live import LIVE, read_live
from engine.telephony.recording.notes import Span
from engine.telephony.recording.pieces import Pieces, PlainPieces, SealedPieces
from engine.telephony.recording.sealing import Content, Kind, SealedReader, SealError

SEALED: Final = ".sealed"
PART: Final = ".part"
"""Endings of names: a sealed document, and one not finished."""

_READ: Final = 1 << 20
"""Octets that are read at once."""


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
        recording_id = span.notes.recording_id
        if recording_id != live.name.removesuffix(LIVE):
            raise SealError(f"{live.name} is of another recording")
        form = form if span.ticks else "wav"  # of no samples the encoder makes no file at all
        path = live.with_name(f"{recording_id}.{form}{SEALED if key is not None else ''}")
        done = _keep(disk, path, span, key, form)
    disk.rename(_part_of(path), path)
    disk.unlink(live)
    return done


def _keep(disk: Disk, path: Path, span: Span, key: bytes | None, form: str) -> Finished:
    """Write the document of a recording, until it is on the medium; it has no name yet."""
    disk.unlink(_part_of(path))
    file = disk.create(_part_of(path))
    try:
        pieces: Pieces = PlainPieces(disk, file)
        if key is not None:
            pieces = SealedPieces(disk, file, key, span.notes.recording_id)
        summary = write_document(pieces, span, form)
        disk.sync(file)
        return Finished(path, summary, disk.size(file), _digest(disk, file))
    finally:
        disk.close(file)


def _part_of(path: Path) -> Path:
    return path.with_name(path.name + PART)


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
            summary = summary_of(read_live(disk, file, None), "wav", size)
        else:
            summary = _flac_summary(path)
        return Finished(path, summary, size, _digest(disk, file))


def _digest(disk: Disk, file: int) -> str:
    digest = sha256()
    for at in range(0, disk.size(file), _READ):
        digest.update(disk.read(file, _READ, at))
    return digest.hexdigest()


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


def _flac_summary(path: Path) -> Summary:
    import soundfile

    try:
        with soundfile.SoundFile(path) as file:
            comment: str = file.comment
    except soundfile.LibsndfileError as error:
        raise SealError(f"{path.name} is damaged: {error}") from None
    return msgspec.structs.replace(_decode(comment), size=path.stat().st_size)


@contextmanager
def _opened(disk: Disk, path: Path) -> Iterator[int]:
    file = disk.open(path)
    try:
        yield file
    finally:
        disk.close(file)
