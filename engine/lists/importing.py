"""An import from the first octet to batches that can be stored, one atomic step at a time (B7).

The caller moves data along: ``ListImport.feed`` cuts octets into chunks, ``workers.parse_chunk``
turns each into columns (in worker processes, several at once), and ``BatchBuilder.add`` takes
them in order and gives batches. The limits of batches depend on the file alone, so that a file
sent again after a break gives the same batches, and those already stored are passed over.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np

from engine.domain.ids import ListId
from engine.domain.number_set import NumberSet
from engine.domain.refusals import InvalidRequestError, InvalidZoneError
from engine.domain.specs import ListSpec
from engine.lists.columns import BatchColumns, decode, encode, join, select
from engine.lists.csv_split import BATCH_RECORDS, Chunk, CsvSplitter
from engine.lists.header import map_header
from engine.lists.workers import ImportPlan, ParsedChunk, parse_chunk, read_header, zone_names
from engine.ports import ImportBatch

DUPLICATE = "a record of this key or first number is in the list already"


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """What the importer may say about a file.

    Attributes:
        roles: By column name, what its name does not tell (see ``header.map_header``).
        keep_duplicates: Whether a record with a known key or first number is added all the same.
        zones_together: Whether zones of numbers are candidates beside a record's own zone.
    """

    roles: Mapping[str, str] = field(default_factory=dict)
    keep_duplicates: bool = False
    zones_together: bool = False


class ListImport:
    """Cuts one file into chunks of work and knows how they are to be read.

    Attributes:
        done_batches: Batches already stored; their chunks are left out.
    """

    def __init__(self, spec: ListSpec, options: ImportOptions, done_batches: int = 0) -> None:
        """Begin an import, or go on with one whose file is sent again."""
        self._plan: ImportPlan | None = None
        self.done_batches = done_batches
        self._spec = spec
        self._options = options
        self._splitter = CsvSplitter()

    def feed(self, data: bytes) -> list[Chunk]:
        """Take octets of the file, cut anywhere; return chunks to parse, in order.

        Raises:
            InvalidRequestError: The file as a whole cannot be read; the text says why.
        """
        return self._take(self._splitter.feed(data))

    def finish(self) -> list[Chunk]:
        """Take the end of the file; return the last chunks.

        Raises:
            InvalidRequestError: The file is empty or has no header.
        """
        return self._take(self._splitter.finish())

    def get_plan(self) -> ImportPlan:
        """Return how records are read; known as soon as there is a chunk.

        Raises:
            InvalidRequestError: The header is not there yet.
        """
        if self._plan is None:
            raise InvalidRequestError("the header has not been read yet", slug="no-header-yet")
        return self._plan

    def _take(self, chunks: list[Chunk]) -> list[Chunk]:
        header = self._splitter.header
        if self._plan is None and header is not None:
            self._plan = make_plan(header, self._splitter.delimiter, self._spec, self._options)
        return [chunk for chunk in chunks if chunk.batch >= self.done_batches]


def make_plan(header: bytes, delimiter: str, spec: ListSpec, options: ImportOptions) -> ImportPlan:
    """Return how the records under a header are read.

    Raises:
        InvalidRequestError: The header is not UTF-8, or does not say what is needed.
        InvalidZoneError: The list's default zone is unknown.
    """
    try:
        cells = read_header(header, delimiter)
    except UnicodeDecodeError:
        raise InvalidRequestError(
            "the file is not UTF-8 text; save it as CSV in UTF-8", slug="wrong-encoding"
        ) from None
    if spec.default_zone:
        check_zone(spec.default_zone)
    return ImportPlan(
        fields=map_header(cells, options.roles),
        delimiter=delimiter,
        region=spec.region,
        default_zone=spec.default_zone,
        zones_together=options.zones_together,
    )


def check_zone(name: str) -> str:
    """Return an IANA time zone's name unchanged.

    Raises:
        InvalidZoneError: There is no such zone.
    """
    if name not in zone_names():
        raise InvalidZoneError(f"{name[:64]!r} is not an IANA time zone")
    return name


def known_keys(batches: Iterable[ImportBatch]) -> NumberSet:
    """Return the keys of all records of stored batches."""
    parts = [decode(batch.columns).keys for batch in batches]
    return NumberSet(np.concatenate(parts) if parts else ())


class BatchBuilder:
    """Puts parsed chunks together to batches, and refuses records that the list has already.

    Attributes:
        accepted: Records accepted so far. [records]
        rejected: Lines refused so far. [lines]
        warnings: Lines of which something was left out, the newest thousand.
    """

    def __init__(
        self,
        list_id: ListId,
        import_id: str,
        first_row: int,
        keys: NumberSet,
        *,
        done_batches: int = 0,
        done_lines: int = 0,
        keep_duplicates: bool = False,
    ) -> None:
        """Begin or go on.

        Args:
            list_id: The list.
            import_id: The import; with the batch's number it makes a repeat harmless.
            first_row: Records the list holds now.
            keys: Keys of these records; grows with each batch.
            done_batches: Batches of this import that are stored already.
            done_lines: Lines of the file these consumed (``ImportBatch.source_lines``).
            keep_duplicates: Whether records of a known key are added all the same.
        """
        self.accepted = 0
        self.rejected = 0
        self.warnings: list[tuple[int, str]] = []
        self._list_id = list_id
        self._import_id = import_id
        self._row = first_row
        self._keys = keys
        self._batch = done_batches
        self._record = done_batches * BATCH_RECORDS
        self._lines = done_lines
        self._keep_duplicates = keep_duplicates
        self._parts: list[BatchColumns] = []
        self._extras: list[bytes] = []
        self._refused: list[tuple[int, str]] = []

    def add(self, parsed: ParsedChunk) -> list[ImportBatch]:
        """Take the next chunk; return the batch that is full now, if one is.

        Raises:
            ValueError: Chunks do not come in order.
        """
        if parsed.first_record != self._record:
            raise ValueError(f"chunk at {parsed.first_record} where {self._record} was expected")
        self._record += parsed.records
        self._lines += parsed.lines_read
        self._refused += parsed.rejected
        self.warnings = (self.warnings + parsed.warnings)[-1_000:]
        self._take_new(parsed)
        return [self._close()] if self._record % BATCH_RECORDS == 0 else []

    def finish(self) -> list[ImportBatch]:
        """Return the last batch, if anything is left for it."""
        return [self._close()] if self._record > self._batch * BATCH_RECORDS else []

    def _take_new(self, parsed: ParsedChunk) -> None:
        """Keep records whose keys are new, to the list and within the chunk."""
        columns, extras = parsed.columns, parsed.extras
        if not self._keep_duplicates and len(columns):
            keep = ~self._keys.contains_each(columns.keys)
            _, first = np.unique(columns.keys, return_index=True)
            only = np.zeros(len(columns), bool)
            only[first] = True
            keep &= only
            if not keep.all():
                lines = parsed.lines[~keep].tolist()
                self._refused += [(line, DUPLICATE) for line in lines]
                extras = [extra for extra, kept in zip(extras, keep, strict=True) if kept]
                columns = select(columns, keep)
        self._keys.extend(columns.keys)
        self._parts.append(columns)
        self._extras += extras

    def _close(self) -> ImportBatch:
        columns = join(self._parts)
        batch = ImportBatch(
            list_id=self._list_id,
            import_id=self._import_id,
            batch=self._batch,
            first_row=self._row,
            count=len(columns),
            columns=encode(columns),
            extras=self._extras,
            rejected=sorted(self._refused),
            source_lines=self._lines,
        )
        self._batch += 1
        self._row += batch.count
        self.accepted += batch.count
        self.rejected += len(batch.rejected)
        self._parts, self._extras, self._refused = [], [], []
        return batch


def import_all(
    pieces: Iterable[bytes],
    spec: ListSpec,
    import_id: str,
    options: ImportOptions | None = None,
) -> list[ImportBatch]:
    """Return a whole small file as batches, without worker processes.

    Raises:
        InvalidRequestError: The file as a whole cannot be read; the text says why.
    """
    options = options or ImportOptions()
    source = ListImport(spec, options)
    builder = BatchBuilder(
        spec.list_id, import_id, 0, NumberSet(), keep_duplicates=options.keep_duplicates
    )
    chunks = [chunk for piece in pieces for chunk in source.feed(piece)] + source.finish()
    batches: list[ImportBatch] = []
    for chunk in chunks:
        batches += builder.add(parse_chunk(chunk, source.get_plan()))
    return batches + builder.finish()
