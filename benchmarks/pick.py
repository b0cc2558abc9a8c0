"""How long it takes to pick the next records that may be called, and how much a record costs."""

import gc
import os
import time
from pathlib import Path

import numpy as np

from benchmarks.harness import Figure, percentile
from engine.actors.kernel.ref import Ref
from engine.actors.messages import CampaignMessage, LinkCampaign, ReserveRecords, SupplyChecked
from engine.actors.record_list import RecordListBehavior
from engine.compliance.hours import CallingHours
from engine.compliance.ledger import NumberLedger
from engine.domain.ids import CampaignId, ListId
from engine.domain.number_set import NumberSet
from engine.domain.specs import CampaignSpec, HoursRow, ListLink, ListSpec
from engine.lists.columns import BatchColumns, ListColumns, encode
from engine.lists.selection import Selection
from engine.ports import ImportBatch

NOW_S = 1_780_000_000.0
AT_ONCE = 100
BATCH = 10_000
ZONES = (
    "America/New_York",
    "America/Chicago",
    "America/Denver",
    "America/Los_Angeles",
    "America/Phoenix",
    "America/Toronto",
    "America/Sao_Paulo",
    "Europe/London",
    "Europe/Madrid",
    "Asia/Kolkata",
)
ZONE_SETS = tuple((zone,) for zone in ZONES) + tuple(
    (left, right) for left in ZONES for right in ZONES if left < right
)
LIST = ListId("people")
SPEC = CampaignSpec(
    campaign_id=CampaignId("spring"),
    hours=(HoursRow(opens_s=28_800, closes_s=75_600),),
    lists=(ListLink(LIST, enabled=True),),
)


def run(short: bool) -> list[Figure]:
    """Measure with 100 k and 1 M records, or 1 M and 10 M."""
    sizes = (100_000, 1_000_000) if short else (1_000_000, 10_000_000)
    figures = [_reservation(sizes[0])]
    for size in sizes:
        figures += _one_size(size)
    return figures


def batch_of(first: int, count: int, numbers: np.random.Generator) -> BatchColumns:
    """Return records of one or two numbers in 55 zone sets, as an import would give them."""
    counts = numbers.integers(1, 3, count).astype(np.uint8)
    total = int(counts.sum())
    return BatchColumns(
        counts=counts,
        numbers=np.arange(total, dtype=np.uint64) + np.uint64(14_000_000_000 + 2 * first),
        types=numbers.integers(0, 3, total).astype(np.uint8),
        zones=numbers.integers(0, len(ZONE_SETS), count).astype(np.uint32),
        priority=np.zeros(count, np.uint8),
        keys=np.arange(first, first + count, dtype=np.uint64),
        type_names=("mobile", "home", "work"),
        zone_sets=ZONE_SETS,
    )


def _one_size(size: int) -> list[Figure]:
    before = _resident_octets()
    generator = np.random.default_rng(1)
    columns = ListColumns()
    for first in range(0, size, BATCH):
        columns.append(batch_of(first, BATCH, generator))
    hours = CallingHours(SPEC.hours, SPEC.end_guard_s)
    selection = Selection(columns, SPEC, hours, NumberLedger())
    slices = []
    more = True
    while more:
        began = time.perf_counter()
        more = selection.admit(NOW_S)
        slices.append(time.perf_counter() - began)
    keys = NumberSet(columns.keys)
    per_record = (_resident_octets() - before) / len(keys)
    times = []
    selection.pick(AT_ONCE, NOW_S)
    for turn in range(400):
        began = time.perf_counter()
        found = selection.pick(AT_ONCE, NOW_S + turn * 0.01)
        times.append((time.perf_counter() - began) / len(found) * 1e6)
    scan_us = _scan(columns)
    median = percentile(times, 0.5)
    name = _short_name(size)
    return [
        Figure(
            f"pick_us_per_record_{name}",
            median,
            "µs",
            2.0,
            scan_us,
            scan_us / median,
            f"median over 400 picks of {AT_ONCE} from {size:,} records in 330 buckets, claims "
            "included; reference: numpy masks over the whole list, phases and hours only",
        ),
        Figure(
            f"pick_us_per_record_p99_{name}",
            percentile(times, 0.99),
            "µs",
            None,
            None,
            None,
            "99th percentile of the same picks",
        ),
        Figure(
            f"octets_per_record_{name}",
            per_record,
            "octets",
            100.0,
            None,
            None,
            "growth of resident memory over list, one campaign's standing and buckets, and keys",
        ),
        Figure(
            f"admit_slice_ms_p99_{name}",
            percentile(slices, 0.99) * 1e3,
            "ms",
            None,
            None,
            None,
            "longest the loop is held while records join their buckets, slice by slice",
        ),
    ]


def _scan(columns: ListColumns) -> float:
    """Return what finding the next records by looking at all of them costs. [µs per record]"""
    hours = CallingHours(SPEC.hours, SPEC.end_guard_s)
    phase = np.zeros(columns.count, np.uint8)
    times = []
    for _ in range(5):
        began = time.perf_counter()
        allowed = np.array(
            [hours.opening("home", zones, NOW_S).open for zones in columns.zone_sets.values]
        )
        rows = np.flatnonzero((phase == 0) & allowed[columns.zones])[:AT_ONCE]
        phase[rows] = 1
        times.append((time.perf_counter() - began) / AT_ONCE * 1e6)
    return percentile(times, 0.5)


def _reservation(size: int) -> Figure:
    generator = np.random.default_rng(1)
    batches = [
        ImportBatch(LIST, "i", first // BATCH, first, BATCH, encode(columns), (), (), 0)
        for first in range(0, size, BATCH)
        for columns in [batch_of(first, BATCH, generator)]
    ]
    campaign: Ref[CampaignMessage] = Ref("campaign")
    behavior = RecordListBehavior(ListSpec(list_id=LIST), NumberLedger(), batches=batches)
    behavior.on(LinkCampaign(SPEC, campaign), NOW_S)
    for _ in range(size // BATCH):
        behavior.on(SupplyChecked(), NOW_S)
    times = []
    for turn in range(200):
        message = ReserveRecords(SPEC.campaign_id, AT_ONCE, campaign)
        began = time.perf_counter()
        behavior.on(message, NOW_S + turn * 0.01)
        times.append((time.perf_counter() - began) / AT_ONCE * 1e6)
    return Figure(
        "reserve_us_per_record",
        percentile(times, 0.5),
        "µs",
        None,
        None,
        None,
        f"the list's actor answers ReserveRecords for {AT_ONCE}, the verdict in words included",
    )


def _resident_octets() -> int:
    gc.collect()
    statm = Path("/proc/self/statm")
    if not statm.exists():
        return 0
    return int(statm.read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")


def _short_name(size: int) -> str:
    return f"{size // 1_000_000}m" if size >= 1_000_000 else f"{size // 1_000}k"
