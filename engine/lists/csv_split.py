"""Cuts a stream of octets into chunks of whole CSV records, without looking into them (RFC 4180).

It holds at most a few hundred kilobytes whatever comes: a line without end, or a quote that is
never closed, costs that line and no more (X8).
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from engine.domain.refusals import InvalidRequestError

MOST_ROW_OCTETS = 65_536
CHUNK_RECORDS = 2_000
BATCH_RECORDS = 10_000
_READ_OCTETS = 262_144
_LINE_END = 10
_DELIMITERS = (",", ";", "\t", "|")

TOO_LONG = f"the row is longer than {MOST_ROW_OCTETS} octets"
UNCLOSED = "a quoted field has no end"


@dataclass(frozen=True, slots=True)
class Chunk:
    """Some whole records of a file, and where they stood.

    Attributes:
        first_record: Position of the first one, from 0, header excluded.
        records: How many, blank and unreadable ones included.
        first_line: Line of the file that the first one is on, from 1.
        lines: Lines of the file.
        data: The octets, an empty line in place of an unreadable one.
        rejected: Unreadable lines, as (line, reason).
    """

    first_record: int
    records: int
    first_line: int
    lines: int
    data: bytes
    rejected: tuple[tuple[int, str], ...]

    @property
    def batch(self) -> int:
        """The import batch it is part of, from 0; a chunk is part of one only."""
        return self.first_record // BATCH_RECORDS


def record_pattern(delimiter: str) -> re.Pattern[bytes]:
    """Return what a whole record looks like; a quote counts only where a field begins."""
    apart = re.escape(delimiter).encode()
    field = rb'(?:"[^"]*+(?:""[^"]*+)*+"[^' + apart + rb'\n]*+|(?!")[^' + apart + rb"\n]*+)"
    return re.compile(field + rb"(?:" + apart + field + rb")*+\n")


class CsvSplitter:
    """Takes octets cut anywhere, gives chunks; the first record is the header.

    Attributes:
        header: The header's octets, once it is there.
        delimiter: What separates its fields.
    """

    def __init__(self) -> None:
        self.header: bytes | None = None
        self.delimiter = ","
        self._incoming: list[bytes] = []
        self._last = b"\n"
        self._waiting = 0
        self._rest = b""
        self._record = 0
        self._line = 1
        self._skipping = False
        self._pattern = record_pattern(self.delimiter)

    def feed(self, data: bytes) -> list[Chunk]:
        """Take octets; return the chunks that are whole now.

        Raises:
            InvalidRequestError: The file is no text in UTF-8, or has no header.
        """
        self._incoming.append(data)
        self._last = data[-1:] or self._last
        self._waiting += len(data)
        if self.header is not None and self._waiting < _READ_OCTETS:
            return []
        return self._read(final=False)

    def finish(self) -> list[Chunk]:
        """Take the end of the file; return the last chunks.

        Raises:
            InvalidRequestError: The file is empty, or its header has no end.
        """
        if self._last != b"\n":
            self._incoming.append(b"\n")
        return self._read(final=True)

    def _read(self, *, final: bool) -> list[Chunk]:
        data = self._rest + b"".join(self._incoming)
        self._rest = b""
        self._incoming.clear()
        self._waiting = 0
        start = 0
        if self.header is None:
            start = self._read_header(data, final=final)
            if start == 0:
                self._rest = data
                return []
        if self._skipping:
            start = data.find(b"\n") + 1
            if start == 0:
                return []
            self._skipping = False
        return list(self._chunks(data, start, final=final))

    def _read_header(self, data: bytes, *, final: bool) -> int:
        """Take the header; return where it ends, 0 if it is not whole yet."""
        if data[:2] in {b"\xff\xfe", b"\xfe\xff"} or b"\0" in data[:64]:
            raise InvalidRequestError(
                "the file is not UTF-8 text; save it as CSV in UTF-8", slug="wrong-encoding"
            )
        begin = 3 if data.startswith(b"\xef\xbb\xbf") else 0
        if final and not data[begin:].strip():
            raise InvalidRequestError("the file is empty", slug="empty-file")
        first = data[begin : begin + MOST_ROW_OCTETS].split(b"\n", 1)[0]
        self.delimiter = max(_DELIMITERS, key=lambda each: first.count(each.encode()))
        self._pattern = record_pattern(self.delimiter)
        found = self._pattern.match(data, begin)
        if found is None or found.end() - begin > MOST_ROW_OCTETS:
            if final or len(data) > MOST_ROW_OCTETS:
                raise InvalidRequestError(
                    f"the header does not end within {MOST_ROW_OCTETS} octets",
                    slug="invalid-header",
                )
            return 0
        self.header = data[begin : found.end()]
        if not self.header.strip():
            raise InvalidRequestError(
                "the first line is blank; it must name the columns", slug="invalid-header"
            )
        self._line += self.header.count(b"\n")
        return found.end()

    def _chunks(self, data: bytes, start: int, *, final: bool) -> Iterator[Chunk]:
        """Yield chunks of the whole records from ``start`` on; keep what is left."""
        records: list[tuple[int, int, str]] = []
        end = start
        for end, reason in self._records(data, start, final=final):
            records.append((start, end, reason))
            start = end
            place = self._record + len(records)
            if len(records) == CHUNK_RECORDS or place % BATCH_RECORDS == 0:
                yield self._chunk(data, records)
                records = []
        if records:
            yield self._chunk(data, records)
        self._rest = b"" if self._skipping else data[end:]

    def _records(self, data: bytes, start: int, *, final: bool) -> Iterator[tuple[int, str]]:
        """Yield where each whole record ends, and why it cannot be read, or an empty text."""
        quoted = data.find(b'"', start) >= 0
        if not quoted:
            view = np.frombuffer(data, np.uint8)[start:]
            for end in (np.flatnonzero(view == _LINE_END) + start + 1).tolist():
                yield end, TOO_LONG if end - start > MOST_ROW_OCTETS else ""
                start = end
        while start < len(data):
            found = self._pattern.match(data, start) if quoted else None
            left = len(data) - start
            if found is not None and found.end() - start <= MOST_ROW_OCTETS:
                start = found.end()
                yield start, ""
                continue
            if found is None and left <= MOST_ROW_OCTETS and not final:
                return
            start, reason = self._unreadable(data, start, whole=found is not None)
            yield start, reason

    def _unreadable(self, data: bytes, start: int, *, whole: bool) -> tuple[int, str]:
        """Return where the line of a record that cannot be read ends, and why it cannot."""
        end = data.find(b"\n", start) + 1
        if end == 0:
            self._skipping = True  # the line goes on: all of it is passed over
            return len(data), TOO_LONG
        return end, TOO_LONG if whole else UNCLOSED

    def _chunk(self, data: bytes, records: list[tuple[int, int, str]]) -> Chunk:
        """Return some records as a chunk; those that cannot be read leave an empty line."""
        pieces: list[bytes] = []
        rejected: list[tuple[int, str]] = []
        first_record, first_line = self._record, self._line
        kept = records[0][0]
        begin, end = records[0][0], records[-1][1]
        for start, stop, reason in records:
            if reason:
                before = data.count(b"\n", begin, start)
                rejected.append((first_line + before, reason))
                pieces += (data[kept:start], b"\n")
                kept = stop
        pieces.append(data[kept:end])
        self._record += len(records)
        self._line += data.count(b"\n", begin, end) + (
            records[-1][2] == TOO_LONG and self._skipping
        )
        return Chunk(
            first_record,
            len(records),
            first_line,
            self._line - first_line,
            b"".join(pieces),
            tuple(rejected),
        )
