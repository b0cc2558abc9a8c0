"""How state rows, batches and custom fields become octets, each with a checksum over its place.

The checksum covers the key as well, so an intact entry in the wrong place is noticed too
(invariant B5). Rows are msgpack arrays in field order; a new field goes last, with a default.
Recordings are JSON arrays, because SQLite can index those (see ``schema``).
"""

import zlib
from collections.abc import Sequence
from typing import Any

import msgspec

from engine.domain.facts import AnyFact, decode
from engine.domain.ids import ListId
from engine.domain.refusals import JournalError
from engine.ports import (
    ImportBatch,
    OpenAgentLeg,
    OpenAttempt,
    RecordingRow,
    RecordState,
    RunState,
    StoredFact,
)
from engine.store.projection import Table, Value

EXTRAS_PER_ROW = 256
"""Custom fields of so many records share one row: a lookup reads at most that. [records]"""

_ROW_TYPES: dict[Table, type[Any]] = {
    Table.RUN: RunState,
    Table.ATTEMPT: OpenAttempt,
    Table.LEG: OpenAgentLeg,
    Table.RECORD: RecordState,
    Table.RECORDING: RecordingRow,
}
_encode = msgspec.msgpack.Encoder().encode
_encode_json = msgspec.json.Encoder().encode
_decode_recording = msgspec.json.Decoder(RecordingRow).decode
_decode_row = msgspec.msgpack.Decoder(list[Any]).decode
_decode_fields = msgspec.msgpack.Decoder(dict[str, str]).decode
_decode_extras = msgspec.msgpack.Decoder(list[bytes]).decode
_BatchBody = tuple[str, int, int, int, bytes, list[tuple[int, str]], int]
_decode_batch = msgspec.msgpack.Decoder(_BatchBody).decode


def checksum(place: str, body: object) -> int:
    """Return the checksum (CRC-32, ISO/IEC 13239) of an entry in its place; -1 if it is no blob."""
    if not isinstance(body, bytes):
        return -1
    return zlib.crc32(body, zlib.crc32(place.encode()))


def damaged(place: str) -> JournalError:
    """Return the refusal for an entry whose checksum does not hold."""
    return JournalError(
        f"the journal is damaged at {place}: its checksum does not hold; restore a copy",
        slug="journal-damaged",
    )


def overlaps(batch: ImportBatch, end: int) -> JournalError:
    """Return the refusal for a batch whose rows are taken, up to ``end``, by other batches."""
    return JournalError(
        f"list {batch.list_id}: rows from {batch.first_row} on are taken up to {end}",
        slug="batch-overlaps",
    )


def encode_value(value: Value) -> bytes:
    """Return a state row as octets."""
    if isinstance(value, bytes):
        return value
    if isinstance(value, RecordingRow):
        return _encode_json(value)
    return _encode(value)


def decode_value(table: Table, key: str, crc: int, body: bytes) -> Value:
    """Return the state row that ``body`` holds.

    Raises:
        JournalError: The entry is damaged.
    """
    place = f"{table}/{key}"
    if checksum(place, body) != crc:
        raise damaged(place)
    if table not in _ROW_TYPES:
        return body
    if table is Table.RECORDING:
        return _decode_recording(body)
    row: Value = _ROW_TYPES[table](*_decode_row(body))
    return row


def decode_fact(sequence: int, crc: int, body: bytes) -> StoredFact:
    """Return a fact of the log.

    Raises:
        JournalError: The entry is damaged, or of a kind this version does not know.
    """
    if checksum(f"facts/{sequence}", body) != crc:
        raise damaged(f"facts/{sequence}")
    fact: AnyFact
    try:
        fact = decode(body)
    except msgspec.ValidationError as error:
        raise JournalError(f"fact {sequence} is not of this version: {error}") from error
    return StoredFact(sequence, fact)


def encode_batch(batch: ImportBatch) -> bytes:
    """Return an import batch without its custom fields as octets."""
    rejected = [tuple(item) for item in batch.rejected]
    head = (batch.import_id, batch.batch, batch.first_row, batch.count)
    return _encode((*head, batch.columns, rejected, batch.source_lines))


def decode_batch(list_id: ListId, crc: int, body: bytes, first_row: int) -> ImportBatch:
    """Return an import batch, custom fields left out.

    Raises:
        JournalError: The entry is damaged.
    """
    place = f"batches/{list_id}/{first_row}"
    if checksum(place, body) != crc:
        raise damaged(place)
    import_id, number, row, count, columns, rejected, lines = _decode_batch(body)
    return ImportBatch(
        list_id=list_id,
        import_id=import_id,
        batch=number,
        first_row=row,
        count=count,
        columns=columns,
        extras=(),
        rejected=rejected,
        source_lines=lines,
    )


def encode_extras(batch: ImportBatch) -> list[tuple[int, bytes]]:
    """Return custom fields in runs of ``EXTRAS_PER_ROW``, as (first row, octets)."""
    return [
        (batch.first_row + at, _encode(list(batch.extras[at : at + EXTRAS_PER_ROW])))
        for at in range(0, len(batch.extras), EXTRAS_PER_ROW)
    ]


def field_of(extras: bytes | None, field: str) -> str:
    """Return one custom field of a record's, empty if there is none."""
    return _decode_fields(extras).get(field, "") if extras else ""


def decode_extras(place: str, crc: int, body: bytes) -> Sequence[bytes]:
    """Return one run of custom fields.

    Raises:
        JournalError: The entry is damaged.
    """
    if checksum(place, body) != crc:
        raise damaged(place)
    return _decode_extras(body)
