"""The SQLite file: its tables, its version, and the checks before anything is believed.

Rows of one group enter through the view ``intake``, whose triggers deal them out to the tables. So
a group is one statement and one release of the interpreter lock, however many rows it has: beside a
busy loop each further call into SQLite costs the writer a wait of up to the switch interval.
"""

import sqlite3
from pathlib import Path

from engine.domain.refusals import JournalError

VERSION = 2
"""Version of the tables; a file with a higher one is refused (invariant B6)."""
APPLICATION_ID = 0x50434C4E
"""``PCLN``, in the header of the file."""
CHECKED_AT_OPEN = 256 * 2**20
"""Files up to this size are checked whole at each open. [octets]"""

UNREADABLE = (sqlite3.Error, ValueError, TypeError)
"""What reading a damaged file may raise: SQLite's errors, or values of a wrong type or coding."""

_READER = ("cell_size_check = ON",)
_WRITER = (*_READER, "journal_mode = WAL", "synchronous = FULL", "wal_autocheckpoint = 4000")

FACT, PUT, DROP, LAST, SKIP = range(5)
"""What ``intake.op`` says a row is."""

_TABLES = """
CREATE TABLE facts (sequence INTEGER PRIMARY KEY, crc INTEGER NOT NULL, body BLOB NOT NULL);
CREATE TABLE state (
    kind TEXT NOT NULL, key TEXT NOT NULL, crc INTEGER NOT NULL, body BLOB NOT NULL,
    PRIMARY KEY (kind, key)
) WITHOUT ROWID;
CREATE TABLE batches (
    list_id TEXT NOT NULL, first_row INTEGER NOT NULL, import_id TEXT NOT NULL,
    batch INTEGER NOT NULL, count INTEGER NOT NULL, crc INTEGER NOT NULL, body BLOB NOT NULL,
    PRIMARY KEY (list_id, import_id, batch)
);
CREATE TABLE extras (
    list_id TEXT NOT NULL, first_row INTEGER NOT NULL, crc INTEGER NOT NULL, body BLOB NOT NULL,
    PRIMARY KEY (list_id, first_row)
);
CREATE TABLE meta (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
INSERT INTO meta VALUES ('epoch', 0), ('last_sequence', 0);
CREATE VIEW intake AS SELECT 0 AS op, '' AS kind, '' AS key, 0 AS crc, x'' AS body;
CREATE TRIGGER intake_fact INSTEAD OF INSERT ON intake WHEN NEW.op = 0 BEGIN
    INSERT INTO facts VALUES (NEW.key, NEW.crc, NEW.body);
END;
CREATE TRIGGER intake_put INSTEAD OF INSERT ON intake WHEN NEW.op = 1 BEGIN
    INSERT OR REPLACE INTO state VALUES (NEW.kind, NEW.key, NEW.crc, NEW.body);
END;
CREATE TRIGGER intake_drop INSTEAD OF INSERT ON intake WHEN NEW.op = 2 BEGIN
    DELETE FROM state WHERE kind = NEW.kind AND key = NEW.key;
END;
CREATE TRIGGER intake_last INSTEAD OF INSERT ON intake WHEN NEW.op = 3 BEGIN
    UPDATE meta SET value = NEW.key WHERE name = 'last_sequence';
END;
"""

_RECORDINGS = """
CREATE INDEX recordings_open ON state (key)
    WHERE kind = 'recording' AND json_extract(CAST(body AS TEXT), '$[5]') = 0;
CREATE INDEX recordings_attempt ON state (json_extract(CAST(body AS TEXT), '$[1]'), key)
    WHERE kind = 'recording';
CREATE INDEX recordings_campaign ON state (json_extract(CAST(body AS TEXT), '$[2]'), key)
    WHERE kind = 'recording';
CREATE INDEX recordings_agent ON state (json_extract(CAST(body AS TEXT), '$[3]'), key)
    WHERE kind = 'recording';
CREATE INDEX recordings_started ON state (json_extract(CAST(body AS TEXT), '$[4]'), key)
    WHERE kind = 'recording';
"""
"""What version 2 adds: rows of kind ``recording`` are JSON arrays (``ports.RecordingRow``)."""

_MIGRATIONS = {1: _RECORDINGS}
"""What brings a file from a version to the next one."""


def connect(path: Path, *, read_only: bool = False) -> sqlite3.Connection:
    """Open a connection that makes every commit durable (FULL: it survives loss of power too)."""
    uri = f"{path.absolute().as_uri()}?mode={'ro' if read_only else 'rwc'}"
    connection = sqlite3.connect(
        uri,
        uri=True,
        timeout=5.0,
        isolation_level=None,
        check_same_thread=False,
        cached_statements=64,
    )
    try:
        for pragma in _READER if read_only else _WRITER:
            connection.execute(f"PRAGMA {pragma}")
    except BaseException:
        connection.close()
        raise
    return connection


def prepare(connection: sqlite3.Connection, path: Path, *, may_be_new: bool) -> None:
    """Create the tables in a new file, or make sure that a present one may be trusted.

    Args:
        connection: To the file.
        path: The file.
        may_be_new: Whether an empty file is what to expect.

    Raises:
        JournalError: The file is of a newer version, of another program, or damaged.
    """
    version = _pragma(connection, "user_version")
    tables = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]
    if version == 0 and tables == 0 and _pragma(connection, "application_id") == 0:
        if not may_be_new:
            raise JournalError(f"{path} is damaged: it is empty", slug="journal-damaged")
        _create(connection)
        return
    if _pragma(connection, "application_id") != APPLICATION_ID:
        raise JournalError(f"{path} is not a journal of this program", slug="journal-foreign")
    if version > VERSION:
        raise JournalError(
            f"{path} has version {version}; this program knows up to {VERSION}: use a newer one",
            slug="journal-newer",
        )
    if version < 1:
        raise JournalError(f"{path} has no known version ({version})", slug="journal-damaged")
    if path.stat().st_size <= CHECKED_AT_OPEN:
        check(connection, path)
    for old in range(version, VERSION):
        connection.executescript(
            f"BEGIN IMMEDIATE; {_MIGRATIONS[old]} PRAGMA user_version = {old + 1}; COMMIT;"
        )


def check(connection: sqlite3.Connection, path: Path) -> None:
    """Check the structure of the whole file.

    Raises:
        JournalError: It is damaged.
    """
    found = connection.execute("PRAGMA integrity_check(3)").fetchall()
    if found != [("ok",)]:
        text = "; ".join(str(row[0]).replace("\n", " ") for row in found)
        raise JournalError(f"{path} is damaged: {text}", slug="journal-damaged")


def _create(connection: sqlite3.Connection) -> None:
    connection.executescript(
        f"BEGIN IMMEDIATE;{_TABLES}{_RECORDINGS}"
        f"PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {VERSION}; COMMIT;"
    )


def _pragma(connection: sqlite3.Connection, name: str) -> int:
    return int(connection.execute(f"PRAGMA {name}").fetchone()[0])
