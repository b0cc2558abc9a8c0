"""Answer for the document of a kept recording: FLAC or WAV, and what is said of it.

Samples come in blocks and go out in pieces, so eight hours cost as much memory as eight seconds.
"""

from collections.abc import Iterator
from typing import Final

import msgspec
import numpy as np

from engine.telephony.media.g711 import I16
from engine.telephony.recording.live_wav import wav_header
from engine.telephony.recording.notes import Span
from engine.telephony.recording.pieces import Document, Pieces

_BLOCK: Final = 16_000
"""Samples of a track that are encoded at once: two seconds."""


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


def summary_of(span: Span, form: str, size: int) -> Summary:
    """Return what is to be said of a recording that is kept in a form."""
    notes = span.notes
    return Summary(
        notes.recording_id, notes.started_s, span.ticks, span.lost, span.paused, form, size,
        dict(notes.notes),
    )  # fmt: skip


def write_document(pieces: Pieces, span: Span, form: str) -> Summary:
    """Write the document of a recording; return what is said of it.

    Raises:
        OSError: The disk does not work.
    """
    document = Document(pieces)
    if form == "flac":
        _write_flac(document, span)
    else:
        document.add(wav_header(span.notes, span.ticks, span.lost, span.paused, complete=True))
        for block in _larger(span.blocks):
            document.add(block.astype("<i2").tobytes())
    document.end()
    summary = summary_of(span, form, document.size)
    pieces.end(msgspec.json.encode(summary))
    return summary


def _write_flac(document: Document, span: Span) -> None:
    import soundfile  # an extra

    try:
        with soundfile.SoundFile(document, "w", 8000, 2, "PCM_16", format="FLAC") as file:
            file.comment = msgspec.json.encode(summary_of(span, "flac", 0)).decode()
            for block in _larger(span.blocks):
                file.write(block)
                document.check()
    except Exception:
        document.check()  # what the disk said comes first
        raise
    document.check()


def _larger(blocks: Iterator[I16]) -> Iterator[I16]:
    """Yield samples in fewer blocks: each costs an encoder's call."""
    held: list[I16] = []
    for block in blocks:
        held.append(block)
        if sum(map(len, held)) >= _BLOCK:
            yield np.concatenate(held)
            held.clear()
    if held:
        yield np.concatenate(held)
