"""How long a list file takes from octets to batches ready for the store, on two cores."""

import resource
import time
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from multiprocessing import get_context

import numpy as np

from benchmarks.harness import Figure
from engine.domain.ids import ListId
from engine.domain.number_set import NumberSet
from engine.domain.specs import ListSpec
from engine.lists.csv_split import Chunk
from engine.lists.importing import BatchBuilder, ImportOptions, ListImport
from engine.lists.workers import ParsedChunk, parse_chunk

WORKERS = 2
WINDOW = 4 * WORKERS
PIECE_OCTETS = 65_536
AREAS = (206, 212, 213, 303, 305, 312, 404, 415, 512, 602, 617, 702, 713, 808, 907)


def run(short: bool) -> list[Figure]:
    """Measure with 50,000 rows, or with a million."""
    rows = 50_000 if short else 1_000_000
    began = time.perf_counter()
    accepted, first_s = _import(rows)
    took_s = time.perf_counter() - began
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    worker = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    method = (
        f"{rows:,} rows of two numbers, name, city and key through {WORKERS} worker processes: "
        f"parsed, deduplicated, encoded; {accepted:,} accepted; the store is not included"
    )
    name = f"{rows // 1_000_000}m" if rows >= 1_000_000 else f"{rows // 1_000}k"
    goal = 60.0 * rows / 1_000_000
    return [
        Figure(f"import_s_{name}", took_s, "s", goal, None, None, method),
        Figure("import_rows_per_s", rows / took_s, "rows/s", None, None, None, method),
        Figure(
            "import_first_batch_s",
            first_s,
            "s",
            None,
            None,
            None,
            "from the first octet to the first batch of 10,000, start of the workers included",
        ),
        Figure(
            "import_memory_mb",
            own + WORKERS * worker,
            "MB",
            None,
            None,
            None,
            "peak resident memory of the driver and of both workers together",
        ),
    ]


def _import(rows: int) -> tuple[int, float]:
    """Import a made-up file; return records accepted and when the first batch was there. [s]"""
    spec = ListSpec(list_id=ListId("people"), region="US")
    source = ListImport(spec, ImportOptions())
    builder = BatchBuilder(spec.list_id, "i", 0, NumberSet())
    began, first_s = time.perf_counter(), 0.0
    waiting: deque[Future[ParsedChunk]] = deque()

    def take(most: int) -> None:
        nonlocal first_s
        while len(waiting) > most:
            batches = builder.add(waiting.popleft().result())
            if batches and not first_s:
                first_s = time.perf_counter() - began

    with ProcessPoolExecutor(WORKERS, mp_context=get_context("spawn")) as pool:
        for chunk in _chunks(source, rows):
            waiting.append(pool.submit(parse_chunk, chunk, source.get_plan()))
            take(WINDOW)
        take(0)
    builder.finish()
    return builder.accepted, first_s or time.perf_counter() - began


def _chunks(source: ListImport, rows: int) -> Iterator[Chunk]:
    for piece in made_up_file(rows):
        yield from source.feed(piece)
    yield from source.finish()


def made_up_file(rows: int) -> Iterator[bytes]:
    """Yield a file of American people, in pieces as a stream would bring them."""
    generator = np.random.default_rng(1)
    yield b"Phone,Mobile,Name,City,External ID\n"
    for first in range(0, rows, 1_000):
        areas = generator.choice(AREAS, 2_000).tolist()
        lines = generator.integers(2_000_000, 9_999_999, 2_000).tolist()
        text = "".join(
            f"({areas[n]}) {lines[n] // 10_000:03d}-{lines[n] % 10_000:04d},"
            f"+1{areas[n + 1_000]}{lines[n + 1_000]},Person {first + n},City {n},k{first + n}\n"
            for n in range(min(1_000, rows - first))
        ).encode()
        for at in range(0, len(text), PIECE_OCTETS):
            yield text[at : at + PIECE_OCTETS]
