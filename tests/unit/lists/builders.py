"""Small lists, campaigns and selections for tests of this room."""

from collections.abc import Sequence

import numpy as np

from engine.compliance.hours import CallingHours
from engine.compliance.ledger import NumberLedger
from engine.domain.ids import CampaignId, ListId
from engine.domain.specs import CampaignSpec, HoursRow, ListLink
from engine.lists.asking import Pick
from engine.lists.columns import BatchColumns, ListColumns
from engine.lists.selection import Selection
from engine.lists.standing import DONE, READY, WAITING

NOON_S = 1_780_315_200.0
"""2026-06-01 12:00 UTC, a Monday."""
ALWAYS = (HoursRow(opens_s=0, closes_s=86_400),)
FIRST_NUMBER = 14155550000
LIST = ListId("people")
CAMPAIGN = CampaignId("spring")

Numbers = Sequence[tuple[int, str]]


def columns_of(
    records: Sequence[Numbers],
    zones: Sequence[tuple[str, ...]] | tuple[str, ...] = ("UTC",),
    priority: Sequence[int] = (),
) -> BatchColumns:
    """Return columns of records given as (number above the first, phone type) each.

    Args:
        records: Numbers of each record.
        zones: Zones of each record, or the zones of all.
        priority: Rows that go first.
    """
    of_all = [zones] * len(records) if not zones or isinstance(zones[0], str) else list(zones)
    sets = list(dict.fromkeys(tuple(map(str, each)) for each in of_all))
    types = sorted({kind for record in records for _, kind in record})
    return BatchColumns(
        counts=np.array([len(record) for record in records], np.uint8),
        numbers=np.array([FIRST_NUMBER + n for each in records for n, _ in each], np.uint64),
        types=np.array([types.index(kind) for each in records for _, kind in each], np.uint8),
        zones=np.array([sets.index(tuple(map(str, each))) for each in of_all], np.uint32),
        priority=np.array([row in priority for row in range(len(records))], np.uint8),
        keys=np.arange(len(records), dtype=np.uint64),
        type_names=tuple(types),
        zone_sets=tuple(sets),
    )


def plain(count: int, begin: int = 0) -> list[Numbers]:
    """Return records of one number each."""
    return [[(n, "phone")] for n in range(begin, begin + count)]


def spec_of(**changes: object) -> CampaignSpec:
    """Return a campaign that may always call, changed as asked."""
    values: dict[str, object] = {
        "campaign_id": CAMPAIGN,
        "hours": ALWAYS,
        "lists": (ListLink(LIST, enabled=True),),
        "min_gap_s": 0.0,
        **changes,
    }
    return CampaignSpec(**values)  # type: ignore[arg-type]  # values by field name


def selection_of(
    batch: BatchColumns,
    spec: CampaignSpec | None = None,
    ledger: NumberLedger | None = None,
    now_s: float = NOON_S,
) -> Selection:
    """Return a selection with all records of a batch admitted."""
    columns = ListColumns()
    columns.append(batch)
    spec = spec or spec_of()
    hours = CallingHours(spec.hours, spec.end_guard_s)
    selection = Selection(columns, spec, hours, ledger or NumberLedger())
    while selection.admit(now_s):
        pass
    return selection


def close(
    selection: Selection,
    pick: Pick,
    now_s: float,
    *,
    next_s: float = 0.0,
    done: bool = False,
    counted: bool = True,
    stop_number: bool = False,
) -> None:
    """End a pick's attempt: ready again, waiting until ``next_s``, or done."""
    selection.close(
        pick.row,
        pick.number_index,
        DONE if done else WAITING if next_s else READY,
        next_s,
        counted=counted,
        retries=0,
        stop_number=stop_number,
        disposition="no-answer",
        day=pick.day,
        dialed=True,
        now_s=now_s,
    )
