"""The SQLite journal, without threads: opens, recovers, and makes one group durable at a time.

Not safe for two threads at once; ``SqliteStore`` calls it from its writer thread only.
"""

import sqlite3
from collections.abc import Iterable, Sequence
from contextlib import closing
from pathlib import Path

from engine.domain.facts import AnyFact, RecordPhase, RecordsImported, encode
from engine.domain.ids import CampaignId, ListId, RecordingId
from engine.domain.refusals import JournalError
from engine.ports import ImportBatch, RecordingRow, RecordState, StoredFact, StoredState
from engine.store import schema
from engine.store.codec import (
    checksum,
    damaged,
    decode_fact,
    decode_value,
    encode_batch,
    encode_extras,
    overlaps,
)
from engine.store.group import BatchToCommit, Durable, FactsToCommit, Group, Item, PacingToKeep, Row
from engine.store.projection import (
    Drop,
    ForgetCampaign,
    ForgetList,
    Put,
    State,
    Table,
    advance,
    key_of_record,
    key_of_recording,
)

ROWS_PER_STATEMENT = 512
RECORDS_KEPT = 65_536
"""Settled records whose standing stays in memory, beside those under an attempt. [records]"""
VERIFIED_AT_OPEN = 100_000
"""Newest facts whose checksums are checked at open; older ones are when they are read. [facts]"""

_PADDING: Row = (schema.SKIP, "", "", 0, b"")


class Journal:
    """One open SQLite file.

    Args:
        path: The file.
        least: Epoch and sequence it is known to have reached.

    Attributes:
        epoch: Of this life, durable.
        last_sequence: Of the last durable fact.

    Raises:
        JournalError: The file cannot be opened, is damaged, foreign, or of a newer version.
    """

    def __init__(self, path: Path, least: tuple[int, int] = (0, 0)) -> None:
        self._path = path
        self._least = least
        self.epoch = 0
        self.last_sequence = 0
        self._told = 0
        self._pacing: dict[CampaignId, bytes] = {}
        self._ends: dict[ListId, int] = {}
        self._state = State()
        self._connection = self._open()
        self._begin_epoch()
        self._told = self.last_sequence

    @property
    def recovered(self) -> StoredState:
        """Everything a start needs, as it stands now."""
        return self._state.stored(self.epoch, self.last_sequence, self._pacing)

    def commit(self, items: Sequence[Item]) -> Durable:
        """Make a group durable, all or none.

        Raises:
            JournalError: Nothing of it may be relied upon; ``reopen`` before the next one.
        """
        try:
            return self._commit(items)
        except sqlite3.Error as error:
            raise JournalError(f"{self._path} cannot be written: {error}") from error

    def reopen(self) -> list[StoredFact]:
        """Open the file anew after a failure and return facts that turned out to be durable.

        A failed sync may leave pages in the cache that never reached the disk, so all of them are
        written once more, to the main file.

        Raises:
            JournalError: It still does not work.
        """
        try:
            self._connection.close()
            self._connection = self._open()
            self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            self._set_meta("epoch", self.epoch)
        except (sqlite3.Error, OSError) as error:
            raise JournalError(f"{self._path} cannot be opened again: {error}") from error
        found = list(self._facts(self._told))
        self._told = self.last_sequence
        return found

    def close(self) -> None:
        """Move all to the main file and close it."""
        try:
            self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        finally:
            self._connection.close()

    # --- opening -----------------------------------------------------------------------------

    def _open(self) -> sqlite3.Connection:
        try:
            connection = schema.connect(self._path)
        except schema.UNREADABLE as error:
            raise JournalError(f"{self._path} cannot be opened: {error}") from error
        try:
            schema.prepare(connection, self._path, may_be_new=self._least == (0, 0))
            self._recover(connection)
        except schema.UNREADABLE as error:
            connection.close()
            raise JournalError(
                f"{self._path} is damaged: {error}", slug="journal-damaged"
            ) from error
        except BaseException:
            connection.close()
            raise
        return connection

    def _recover(self, connection: sqlite3.Connection) -> None:
        meta = dict(connection.execute("SELECT name, value FROM meta"))
        if not {"epoch", "last_sequence"} <= meta.keys():
            raise JournalError(f"{self._path} is damaged: no epoch", slug="journal-damaged")
        self.epoch, self.last_sequence = meta["epoch"], meta["last_sequence"]
        if self.epoch < self._least[0] or self.last_sequence < self._least[1]:
            raise JournalError(
                f"{self._path} is damaged: it ends at fact {self.last_sequence} of epoch "
                f"{self.epoch}, and was acknowledged up to {self._least[1]} of {self._least[0]}; "
                "restore it, or if it is a copy put back on purpose remove its .lock file",
                slug="journal-damaged",
            )
        self._verify_log(connection)
        self._state = State()
        self._pacing = {}
        self._ends = dict(
            connection.execute(
                "SELECT list_id, max(first_row + count) FROM batches GROUP BY list_id"
            )
        )
        for kind, key, crc, body in connection.execute(
            "SELECT kind, key, crc, body FROM state WHERE kind NOT IN ('record', 'recording')"
            " UNION ALL SELECT kind, key, crc, body FROM state WHERE kind = 'recording'"
            " AND json_extract(CAST(body AS TEXT), '$[5]') = 0"
        ).fetchall():
            self._restore(str(kind), str(key), crc, body)
        _verify_records(connection)

    def _restore(self, kind: str, key: str, crc: int, body: bytes) -> None:
        if kind == "pacing":
            self._pacing[CampaignId(key)] = body if checksum(f"pacing/{key}", body) == crc else b""
            return
        try:
            table = Table(kind)
        except ValueError as error:
            raise JournalError(
                f"{self._path}: no table {kind!r}", slug="journal-damaged"
            ) from error
        self._state.table(table)[key] = decode_value(table, key, crc, body)

    def _verify_log(self, connection: sqlite3.Connection) -> None:
        last = connection.execute("SELECT max(sequence) FROM facts").fetchone()[0] or 0
        if last != self.last_sequence:
            raise JournalError(
                f"{self._path} is damaged: the log ends at {last}, not at {self.last_sequence}",
                slug="journal-damaged",
            )
        first = max(0, last - VERIFIED_AT_OPEN)
        due = first + 1
        with closing(_log(connection, first)) as rows:
            for sequence, crc, body in rows:
                if sequence != due:
                    break
                decode_fact(sequence, crc, body)
                due += 1
        if due != last + 1:
            raise JournalError(f"{self._path}: fact {due} is missing", slug="journal-damaged")

    def _begin_epoch(self) -> None:
        self.epoch += 1
        try:
            self._set_meta("epoch", self.epoch)
        except schema.UNREADABLE as error:
            self._connection.close()
            raise JournalError(f"{self._path} cannot be written: {error}") from error

    def _set_meta(self, name: str, value: int) -> None:
        self._connection.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (name, value))

    def _facts(self, after: int) -> Iterable[StoredFact]:
        for sequence, crc, body in _log(self._connection, after).fetchall():
            yield decode_fact(sequence, crc, body)

    # --- committing --------------------------------------------------------------------------

    def _commit(self, items: Sequence[Item]) -> Durable:
        group = Group(self.last_sequence)
        self._fetch_records(items)
        self._fetch_recordings(items)
        for index, item in enumerate(items):
            match item:
                case FactsToCommit(facts, bodies):
                    for fact, body in zip(facts, bodies, strict=True):
                        self._add(group, fact, body)
                case BatchToCommit(batch, at_s):
                    refusal = self._add_batch(group, batch, at_s)
                    if refusal is not None:
                        group.refused[index] = refusal
                case PacingToKeep(laws):
                    group.laws.update(laws)
        self._write(group)
        self.last_sequence = self._told = group.last_sequence
        self._pacing.update(group.laws)
        self._forget_settled(group)
        return Durable(group.stored, group.refused)

    def _add(self, group: Group, fact: AnyFact, body: bytes) -> None:
        group.append(fact, body)
        for change in advance(self._state, fact):
            match change:
                case Put(table, key, value):
                    group.rows[table, key] = value
                case Drop(table, key):
                    group.rows[table, key] = None
                case ForgetList(list_id):
                    self._ends.pop(list_id, None)
                    group.forget(change)
                case ForgetCampaign():
                    group.forget(change)

    def _add_batch(self, group: Group, batch: ImportBatch, at_s: float) -> JournalError | None:
        name = (batch.list_id, batch.import_id, batch.batch)
        gone = ForgetList(batch.list_id) in group.forgotten
        if name in group.batches or (not gone and self._has_batch(name)):
            return None
        end = self._ends.get(batch.list_id, 0)
        if batch.first_row < end:
            return overlaps(batch, end)
        self._ends[batch.list_id] = batch.first_row + batch.count
        group.batches[name] = batch
        fact = RecordsImported(
            at_s=at_s,
            list_id=batch.list_id,
            import_id=batch.import_id,
            batch=batch.batch,
            first_row=batch.first_row,
            count=batch.count,
            rejected=len(batch.rejected),
            source_lines=batch.source_lines,
        )
        group.append(fact, encode(fact))
        return None

    def _has_batch(self, name: tuple[ListId, str, int]) -> bool:
        sql = "SELECT 1 FROM batches WHERE list_id = ? AND import_id = ? AND batch = ?"
        return self._connection.execute(sql, name).fetchone() is not None

    def _write(self, group: Group) -> None:
        rows = group.intake()
        if not rows and not group.forgotten:
            return
        if not group.forgotten and not group.batches and len(rows) <= ROWS_PER_STATEMENT:
            self._insert(rows)
            return
        self._connection.execute("BEGIN IMMEDIATE")
        for change in group.forgotten:
            _delete(self._connection, change)
        for at in range(0, len(rows), ROWS_PER_STATEMENT):
            self._insert(rows[at : at + ROWS_PER_STATEMENT])
        for batch in group.batches.values():
            _insert_batch(self._connection, batch)
        self._connection.execute("COMMIT")

    def _insert(self, rows: Sequence[Row]) -> None:
        size = 1 << (len(rows) - 1).bit_length() if rows else 0
        padded = [*rows, *([_PADDING] * (size - len(rows)))]
        values = ",".join(["(?,?,?,?,?)"] * size)
        sql = f"INSERT INTO intake VALUES {values}"  # noqa: S608  # marks only
        self._connection.execute(sql, [value for row in padded for value in row])

    # --- records in memory -------------------------------------------------------------------

    def _fetch_records(self, items: Sequence[Item]) -> None:
        known = self._state.records
        wanted = {
            key
            for item in items
            if isinstance(item, FactsToCommit)
            for key in map(key_of_record, item.facts)
            if key is not None and key not in known
        }
        for key, crc, body in _find(self._connection, sorted(wanted)):
            record = decode_value(Table.RECORD, key, crc, body)
            assert isinstance(record, RecordState)
            known[key] = record

    def _fetch_recordings(self, items: Sequence[Item]) -> None:
        """Look up the recordings whose rows change; few do at a time."""
        known = self._state.recordings
        for item in items:
            for fact in item.facts if isinstance(item, FactsToCommit) else ():
                key = key_of_recording(fact)
                if key is not None and key not in known:
                    self._fetch_recording(key)

    def _fetch_recording(self, key: RecordingId) -> None:
        sql = "SELECT crc, body FROM state WHERE kind = 'recording' AND key = ?"
        found = self._connection.execute(sql, (key,)).fetchone()
        if found is not None:
            row = decode_value(Table.RECORDING, key, *found)
            assert isinstance(row, RecordingRow)
            self._state.recordings[key] = row

    def _forget_settled(self, group: Group) -> None:
        for table, key in group.rows:
            if table is Table.RECORDING:
                recording = self._state.recordings.get(RecordingId(key))
                if recording is not None and recording.complete:
                    del self._state.recordings[RecordingId(key)]
        records = self._state.records
        if len(records) <= RECORDS_KEPT:
            return
        for table, key in group.rows:
            record = records.get(key) if table is Table.RECORD else None
            if record is not None and record.phase != RecordPhase.IN_PROGRESS.value:
                del records[key]


def _verify_records(connection: sqlite3.Connection) -> None:
    """Check all records' standings and recordings: a damaged key would be missed by nobody."""
    sql = "SELECT kind, key, crc, body FROM state WHERE kind IN ('record', 'recording')"
    with closing(connection.execute(sql)) as rows:
        for kind, key, crc, body in rows:
            place = f"{kind}/{key}"
            if checksum(place, body) != crc:
                raise damaged(place)


def _delete(connection: sqlite3.Connection, change: ForgetList | ForgetCampaign) -> None:
    match change:
        case ForgetList(list_id):
            # "0" is the character after "/": all keys that begin with "list/".
            connection.execute(
                "DELETE FROM state WHERE kind = 'record' AND key >= ? AND key < ?",
                (f"{list_id}/", f"{list_id}0"),
            )
            connection.execute("DELETE FROM batches WHERE list_id = ?", (list_id,))
            connection.execute("DELETE FROM extras WHERE list_id = ?", (list_id,))
        case ForgetCampaign(campaign_id):
            connection.execute(
                "DELETE FROM state WHERE kind = 'record' AND key LIKE ?", (f"%/{campaign_id}",)
            )


def _insert_batch(connection: sqlite3.Connection, batch: ImportBatch) -> None:
    body = encode_batch(batch)
    crc = checksum(f"batches/{batch.list_id}/{batch.first_row}", body)
    connection.execute(
        "INSERT INTO batches VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            batch.list_id,
            batch.first_row,
            batch.import_id,
            batch.batch,
            batch.count,
            crc,
            body,
        ),
    )
    for first_row, extras in encode_extras(batch):
        crc = checksum(f"extras/{batch.list_id}/{first_row}", extras)
        connection.execute(
            "INSERT INTO extras VALUES (?, ?, ?, ?)", (batch.list_id, first_row, crc, extras)
        )


def _log(connection: sqlite3.Connection, after: int) -> sqlite3.Cursor:
    return connection.execute(
        "SELECT sequence, crc, body FROM facts WHERE sequence > ? ORDER BY sequence", (after,)
    )


def _find(connection: sqlite3.Connection, keys: Sequence[str]) -> Iterable[tuple[str, int, bytes]]:
    """Look up records' standings; one row comes back, however many there are (see ``schema``)."""
    for at in range(0, len(keys), ROWS_PER_STATEMENT):
        some = list(keys[at : at + ROWS_PER_STATEMENT])
        size = 1 << (len(some) - 1).bit_length()
        marks = ",".join("?" * size)
        sql = (
            "SELECT group_concat(key || ' ' || crc || ' ' || hex(body), ',') FROM state "  # noqa: S608
            f"WHERE kind = 'record' AND key IN ({marks})"  # marks only
        )
        found = connection.execute(sql, some + [""] * (size - len(some))).fetchone()[0]
        for entry in found.split(",") if found else ():
            key, crc, body = entry.split(" ")
            yield key, int(crc), bytes.fromhex(body)
