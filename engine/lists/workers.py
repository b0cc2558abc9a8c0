"""Turns a chunk of a file into columns; runs in worker processes, with nothing but the chunk."""

import csv
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from hashlib import blake2b
from zoneinfo import available_timezones

import msgspec
import numpy as np
import phonenumbers
from phonenumbers import timezone

from engine.domain.e164 import mask
from engine.lists.columns import BatchColumns, Interned
from engine.lists.csv_split import Chunk, record_pattern
from engine.lists.header import FieldMap
from engine.lists.text import clean

MOST_FIELD_CHARS = 4_096
_UNKNOWN_ZONE = "Etc/Unknown"
_YES = frozenset({"1", "y", "yes", "true", "x", "high"})
_MOST_PHONE_CHARS = 40
_encode = msgspec.msgpack.Encoder().encode


@dataclass(frozen=True, slots=True)
class ImportPlan:
    """How the records of a file are to be read.

    Attributes:
        fields: Which column holds what.
        delimiter: What separates the columns.
        region: ISO 3166 region that numbers in national form belong to.
        default_zone: IANA zone for records whose number tells none; empty: none.
        zones_together: Whether the zones of a record's numbers are candidates beside the zone
            that its own column names; else that one stands alone.
    """

    fields: FieldMap
    delimiter: str
    region: str
    default_zone: str = ""
    zones_together: bool = False


@dataclass(frozen=True, slots=True)
class ParsedChunk:
    """What came of a chunk.

    Attributes:
        first_record: Position of its first record in the file, from 0.
        records: Records of the file in it.
        columns: Those that were accepted.
        lines: Line of the file of each accepted one, shape (R,).
        extras: Name and custom fields of each accepted one, a msgpack map.
        rejected: Lines refused, as (line, reason).
        warnings: Lines accepted of which something was left out, as (line, what).
        lines_read: Lines of the file in it.
    """

    first_record: int
    records: int
    columns: BatchColumns
    lines: "np.ndarray[tuple[int], np.dtype[np.uint32]]"
    extras: list[bytes]
    rejected: list[tuple[int, str]]
    warnings: list[tuple[int, str]]
    lines_read: int


class _RejectedError(Exception):
    """A row cannot become a record; the text says why."""


def parse_chunk(chunk: Chunk, plan: ImportPlan) -> ParsedChunk:
    """Return the records of a chunk as columns; a row that is wrong costs itself only."""
    parser = _Parser(plan)
    rejected = list(chunk.rejected)
    warnings: list[tuple[int, str]] = []
    for line, row in _rows(chunk, plan.delimiter, rejected):
        try:
            warning = parser.add(line, row)
        except _RejectedError as error:
            rejected.append((line, str(error)))
        else:
            if warning:
                warnings.append((line, warning))
    rejected.sort()
    return ParsedChunk(
        first_record=chunk.first_record,
        records=chunk.records,
        columns=parser.columns(),
        lines=np.array(parser.lines, np.uint32),
        extras=parser.extras,
        rejected=rejected,
        warnings=warnings,
        lines_read=chunk.lines,
    )


def read_header(header: bytes, delimiter: str) -> list[str]:
    """Return the names in a header.

    Raises:
        UnicodeDecodeError: It is not UTF-8.
    """
    return next(csv.reader([header.decode("utf-8")], delimiter=delimiter))


def _rows(
    chunk: Chunk, delimiter: str, rejected: list[tuple[int, str]]
) -> Iterator[tuple[int, list[str]]]:
    """Yield the rows of a chunk with their lines; blank ones are passed over."""
    records = list(_records(chunk, delimiter, rejected))
    reader = csv.reader((text for _, text in records), delimiter=delimiter)
    for line, text in records:
        try:
            row = next(reader, [])
        except csv.Error as error:
            rejected.append((line, f"not CSV: {error}"))
            continue
        if "\0" in text:
            rejected.append((line, "the row holds a NUL"))
        elif any(row):
            yield line, row


def _records(
    chunk: Chunk, delimiter: str, rejected: list[tuple[int, str]]
) -> Iterator[tuple[int, str]]:
    """Yield the text of each record with its line."""
    line = chunk.first_line
    for octets in _octets(chunk.data, delimiter):
        try:
            yield line, octets.decode("utf-8")
        except UnicodeDecodeError:
            rejected.append((line, "the row is not UTF-8"))
        line += octets.count(b"\n")


def _octets(data: bytes, delimiter: str) -> Sequence[bytes]:
    if b'"' not in data:
        return data.splitlines(keepends=True) if b"\r" not in data else _lines(data)
    return [found.group() for found in record_pattern(delimiter).finditer(data)]


def _lines(data: bytes) -> list[bytes]:
    return [line + b"\n" for line in data.split(b"\n")[:-1]]


class _Parser:
    """Collects the records of one chunk, column by column."""

    def __init__(self, plan: ImportPlan) -> None:
        self.lines: list[int] = []
        self.extras: list[bytes] = []
        self._plan = plan
        self._counts: list[int] = []
        self._numbers: list[int] = []
        self._types: list[int] = []
        self._zones: list[int] = []
        self._priority: list[int] = []
        self._keys: list[int] = []
        self._type_names: Interned[str] = Interned()
        self._zone_sets: Interned[tuple[str, ...]] = Interned()

    def add(self, line: int, row: list[str]) -> str:
        """Add a row; return what of it was left out, or an empty text.

        Raises:
            _RejectedError: It cannot become a record.
        """
        fields = self._plan.fields
        if len(row) > fields.columns:
            raise _RejectedError(f"{len(row)} columns where the header has {fields.columns}")
        row += [""] * (fields.columns - len(row))
        if max(map(len, row)) > MOST_FIELD_CHARS:
            raise _RejectedError(f"a field is longer than {MOST_FIELD_CHARS} characters")
        numbers, zones, warnings = self._numbers_of(row)
        zone_code = self._zone_sets.code(self._place(row, zones))
        self.extras.append(_encode(self._extras(row)))
        for number, kind in numbers.items():
            self._numbers.append(number)
            self._types.append(self._type_names.code(kind))
        self._counts.append(len(numbers))
        self._zones.append(zone_code)
        self._priority.append(fields.priority >= 0 and row[fields.priority].strip().lower() in _YES)
        self._keys.append(self._key(row, next(iter(numbers))))
        self.lines.append(line)
        return "; ".join(warnings)

    def _numbers_of(self, row: list[str]) -> tuple[dict[int, str], set[str], list[str]]:
        """Return numbers with their phone types, the zones they may be in, and what is wrong."""
        numbers: dict[int, str] = {}
        zones: set[str] = set()
        wrong: list[str] = []
        for column, kind in self._plan.fields.phones:
            text = row[column].strip()
            if not text:
                continue
            number, of_number = read_number(text, self._plan.region)
            if number:
                numbers.setdefault(number, kind)
                zones.update(of_number)
            else:
                wrong.append(f"{_masked(text)} is no telephone number")
        if not numbers:
            raise _RejectedError("; ".join(wrong) or "no telephone number")
        return numbers, zones, wrong

    def _place(self, row: list[str], of_numbers: set[str]) -> tuple[str, ...]:
        """Return every zone the person may be in."""
        fields = self._plan.fields
        own = row[fields.zone].strip() if fields.zone >= 0 else ""
        if own and own not in zone_names():
            raise _RejectedError(f"{clean(own)[:64]!r} is not an IANA time zone")
        if own and not self._plan.zones_together:
            return (own,)
        zones = of_numbers | {own} if own else of_numbers
        if not zones and self._plan.default_zone:
            return (self._plan.default_zone,)
        return tuple(sorted(zones))

    def _extras(self, row: list[str]) -> dict[str, str]:
        fields = self._plan.fields
        extras: dict[str, str] = {}
        name = " ".join(filter(None, (clean(row[column]) for column in fields.names)))
        if name:
            extras["name"] = name
        for column, title in fields.fields:
            value = clean(row[column])
            if value:
                extras[title] = value
        return extras

    def _key(self, row: list[str], number: int) -> int:
        """Return what tells the record apart: its unique key, else its first number."""
        column = self._plan.fields.key
        text = clean(row[column]) if column >= 0 else ""
        if not text:
            return number
        digest = blake2b(text.encode(), digest_size=8).digest()
        return int.from_bytes(digest, "little") | _KEY_BIT

    def columns(self) -> BatchColumns:
        """Return what was collected."""
        return BatchColumns(
            counts=np.array(self._counts, np.uint8),
            numbers=np.array(self._numbers, np.uint64),
            types=np.array(self._types, np.uint8),
            zones=np.array(self._zones, np.uint32),
            priority=np.array(self._priority, np.uint8),
            keys=np.array(self._keys, np.uint64),
            type_names=tuple(self._type_names.values),
            zone_sets=tuple(self._zone_sets.values),
        )


_KEY_BIT = 1 << 63  # E.164 has at most 15 digits: a hashed key never equals a number
_IDD = re.compile(r"\s*00[1-9(\s]")


def read_number(text: str, region: str) -> tuple[int, tuple[str, ...]]:
    """Return the E.164 digits of a number as people write it, and the zones it may be in.

    National, international and ``00`` forms are understood; an extension is left out.

    Args:
        text: The number.
        region: ISO 3166 region that a national form belongs to.

    Returns:
        Digits and zones; 0 and none if it is no valid number; no zones if they are unknown.
    """
    if len(text) > _MOST_PHONE_CHARS:
        return 0, ()
    forms = (text, "+" + text.strip()[2:]) if _IDD.match(text) else (text,)
    for form in forms:
        try:
            number = phonenumbers.parse(form, region)
        except phonenumbers.NumberParseException:
            continue
        # The type answers three questions at the cost of one: a number of no type is not valid,
        # and only those of some types are tied to a place (the library asks it again for each).
        kind = phonenumbers.number_type(number)
        if kind != phonenumbers.PhoneNumberType.UNKNOWN:
            digits = f"{number.country_code}{phonenumbers.national_significant_number(number)}"
            return int(digits), _zones_of(number, kind)
    return 0, ()


def _zones_of(number: phonenumbers.PhoneNumber, kind: int) -> tuple[str, ...]:
    if phonenumbers.is_number_type_geographical(kind, number.country_code or 0):
        zones = timezone.time_zones_for_geographical_number(number)
    else:
        zones = timezone.time_zones_for_number(number)
    return tuple(zone for zone in zones if zone != _UNKNOWN_ZONE)


def _masked(text: str) -> str:
    """Return what stood in a phone column so that its row can be found, but not the number."""
    text = clean(text)
    return repr(mask(text) if len(text) >= 12 else "•" * (len(text) - 2) + text[-2:])


@cache
def zone_names() -> frozenset[str]:
    """Return the names of all IANA time zones."""
    return frozenset(available_timezones())
