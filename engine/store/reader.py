"""Reads of the SQLite journal beside its writer: pages of the log, batches, custom fields.

What may be asked while the engine runs comes back as one row, so that a busy loop is waited for
once and not for every fact (see ``schema``). Rows are fetched before they are decoded: a statement
left open by a damaged one would keep its connection, and so hold up the writer.
"""

import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import TypeVar

from engine.domain.ids import ListId
from engine.domain.refusals import JournalError
from engine.ports import ImportBatch, RecordingQuery, RecordingRow, RecordState, StoredFact
from engine.store import schema
from engine.store.codec import (
    EXTRAS_PER_ROW,
    decode_batch,
    decode_extras,
    decode_fact,
    decode_value,
    field_of,
)
from engine.store.projection import Table

T = TypeVar("T")

_PAGE = """
SELECT group_concat(sequence || ' ' || crc || ' ' || hex(body), ',') FROM
    (SELECT sequence, crc, body FROM facts WHERE sequence > ? ORDER BY sequence LIMIT ?)
"""
_EXTRAS = """
SELECT first_row, crc, body FROM extras
    WHERE list_id = ? AND first_row <= ? AND first_row > ? ORDER BY first_row DESC LIMIT 1
"""


def read_facts(connection: sqlite3.Connection, after: int, limit: int) -> Sequence[StoredFact]:
    """Return facts above a place in the log, in order.

    Raises:
        JournalError: One of them is damaged, or missing.
    """
    joined = connection.execute(_PAGE, (after, limit)).fetchone()[0]
    found = []
    for due, entry in enumerate(joined.split(",") if joined else (), start=after + 1):
        sequence, crc, body = entry.split(" ")
        if int(sequence) != due:
            raise JournalError(f"fact {due} is missing from the journal", slug="journal-damaged")
        found.append(decode_fact(due, int(crc), bytes.fromhex(body)))
    return found


def read_extras(connection: sqlite3.Connection, list_id: ListId, row: int) -> bytes | None:
    """Return one record's name and custom fields, or None if there is no such record.

    Raises:
        JournalError: They are damaged.
    """
    found = connection.execute(_EXTRAS, (list_id, row, row - EXTRAS_PER_ROW)).fetchone()
    if found is None:
        return None
    first_row, crc, body = found
    extras = decode_extras(f"extras/{list_id}/{first_row}", crc, body)
    return extras[row - first_row] if row - first_row < len(extras) else None


def read_field(
    connection: sqlite3.Connection, list_id: ListId, rows: Sequence[int], field: str
) -> list[str]:
    """Return one custom field of records, in the order of the rows; empty where it is not.

    Raises:
        JournalError: The fields are damaged.
    """
    runs: dict[int, tuple[int, Sequence[bytes]]] = {}
    values = []
    for row in rows:
        run = runs.get(row // EXTRAS_PER_ROW)
        if run is None or not run[0] <= row < run[0] + len(run[1]):
            run = runs[row // EXTRAS_PER_ROW] = _run_of(connection, list_id, row)
        first_row, extras = run
        at = row - first_row
        values.append(field_of(extras[at], field) if at < len(extras) else "")
    return values


def _run_of(
    connection: sqlite3.Connection, list_id: ListId, row: int
) -> tuple[int, Sequence[bytes]]:
    """Return the run of custom fields that holds a record's, and its first row."""
    found = connection.execute(_EXTRAS, (list_id, row, row - EXTRAS_PER_ROW)).fetchone()
    if found is None:
        return row, ()
    first_row, crc, body = found
    return first_row, decode_extras(f"extras/{list_id}/{first_row}", crc, body)


def find_recordings(connection: sqlite3.Connection, query: RecordingQuery) -> list[RecordingRow]:
    """Return recordings, newest first; indices serve what is asked for (see ``schema``).

    Raises:
        JournalError: One of them is damaged.
    """
    at = "json_extract(CAST(body AS TEXT), '$[{}]')"
    wanted: list[tuple[str, str | float]] = [
        ("key = ?", query.recording_id),
        (f"{at.format(1)} = ?", query.attempt_id),
        (f"{at.format(2)} = ?", query.campaign_id),
        (f"{at.format(3)} = ?", query.agent_id),
        (f"{at.format(4)} >= ?", query.from_s),
        (f"{at.format(4)} < ?", query.until_s),
        (f"{at.format(12)} >= ?", query.deleted_from_s),
        ("key < ?", query.before),
    ]
    indices = {"attempt": query.attempt_id, "campaign": query.campaign_id,
               "agent": query.agent_id, "started": query.until_s}  # fmt: skip
    index = next((f"INDEXED BY recordings_{name}" for name, by in indices.items() if by), "")
    used = [(sql, [value]) for sql, value in wanted if value]
    if not query.deleted:
        used.append((f"{at.format(12)} = ?", [0.0]))
    if query.campaigns is not None:
        places = ", ".join("?" * len(query.campaigns))
        used.append((f"{at.format(2)} IN ({places})", list(query.campaigns)))
    where = " AND ".join(["kind = 'recording'", *(sql for sql, _ in used)])
    rows = connection.execute(
        f"SELECT key, crc, body FROM state {index} WHERE {where} ORDER BY key DESC LIMIT ?",  # noqa: S608
        [*(value for _, values in used for value in values), query.limit],
    ).fetchall()
    values = [decode_value(Table.RECORDING, key, crc, body) for key, crc, body in rows]
    return [value for value in values if isinstance(value, RecordingRow)]


def load_batches(connection: sqlite3.Connection, list_id: ListId) -> list[ImportBatch]:
    """Return a list's batches in row order, extras left out.

    Raises:
        JournalError: One of them is damaged.
    """
    rows = connection.execute(
        "SELECT first_row, crc, body FROM batches WHERE list_id = ? ORDER BY first_row, rowid",
        (list_id,),
    ).fetchall()
    return [decode_batch(list_id, crc, body, first_row) for first_row, crc, body in rows]


def load_records(connection: sqlite3.Connection, list_id: ListId) -> list[RecordState]:
    """Return the touched records of a list over all campaigns, in row order.

    Raises:
        JournalError: One of them is damaged.
    """
    rows = connection.execute(
        "SELECT key, crc, body FROM state WHERE kind = 'record' AND key >= ? AND key < ?"
        " ORDER BY key",
        (f"{list_id}/", f"{list_id}0"),
    ).fetchall()
    values = [decode_value(Table.RECORD, key, crc, body) for key, crc, body in rows]
    return [value for value in values if isinstance(value, RecordState)]


def ask(path: Path, question: Callable[[sqlite3.Connection], T]) -> T:
    """Ask on a connection of its own.

    Raises:
        JournalError: The file cannot be read, or is damaged.
    """
    try:
        with closing(schema.connect(path, read_only=True)) as connection:
            return question(connection)
    except schema.UNREADABLE as error:
        raise JournalError(f"{path} cannot be read: {error}") from error
