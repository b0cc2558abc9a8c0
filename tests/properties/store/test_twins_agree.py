"""Both stores come to the same state, log and records, whatever happens and wherever lives end."""

import tempfile
from collections.abc import Sequence
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from engine.domain.facts import (
    AnyFact,
    CampaignStarted,
    CampaignStopped,
    DncAdded,
    DncRemoved,
    RecordChanged,
    RecordPhase,
    ResourceDeleted,
)
from engine.ports import ImportBatch, StoredState
from tests.unit.store.lives import Life, MemoryLife, SqliteLife
from tests.unit.store.makers import CAMPAIGN, LIST, batch, closed, disposed, intended

_names = st.sampled_from(["a1", "a2", "a3"])
_rows = st.integers(0, 3)
_indices = st.integers(0, 4)
_FACTS: st.SearchStrategy[AnyFact] = st.one_of(
    st.builds(intended, _names, _rows, number=_indices, day=st.integers(0, 2)),
    st.builds(
        closed,
        _names,
        _rows,
        number=_indices,
        counted=st.booleans(),
        stop=st.booleans(),
        phase=st.sampled_from(RecordPhase),
    ),
    st.builds(disposed, _names, st.sampled_from(["success", "busy"])),
    st.builds(
        RecordChanged,
        at_s=st.just(1.0),
        campaign_id=st.just(CAMPAIGN),
        list_id=st.just(LIST),
        row=_rows,
        phase=st.sampled_from(RecordPhase),
    ),
    st.builds(DncAdded, at_s=st.just(1.0), number=st.sampled_from(["+1", "+2"]), by=st.just("x")),
    st.builds(DncRemoved, at_s=st.just(1.0), number=st.just("+1"), by=st.just("x")),
    st.builds(
        CampaignStarted,
        at_s=st.just(1.0),
        campaign_id=st.just(CAMPAIGN),
        generation=st.integers(0, 9),
        by=st.just("x"),
    ),
    st.builds(
        CampaignStopped,
        at_s=st.just(1.0),
        campaign_id=st.just(CAMPAIGN),
        generation=st.integers(0, 9),
        by=st.just("x"),
    ),
    st.sampled_from(
        [
            ResourceDeleted(at_s=1.0, kind="list", id=LIST),
            ResourceDeleted(at_s=1.0, kind="campaign", id=CAMPAIGN),
        ]
    ),
)
_BATCHES = st.builds(batch, st.integers(0, 2), count=st.just(3))
_LIFE_ENDS = None
_STEPS = st.lists(
    st.one_of(st.lists(_FACTS, max_size=6), _BATCHES, st.just(_LIFE_ENDS)), max_size=12
)
Step = list[AnyFact] | ImportBatch | None


def _live(life: Life, steps: Sequence[Step]) -> Life:
    for step in steps:
        if step is None:
            life = life.reborn()
        elif isinstance(step, ImportBatch):
            life.commit_batch(step)
        else:
            life.commit(*step)
    return life.reborn()


def _see(life: Life) -> tuple[object, ...]:
    state: StoredState = life.store.recovered
    batches = [(item.batch, item.columns) for item in life.store.load_batches(LIST)]
    extras = [life.read_extras(row) for row in range(10)]
    return (state, life.read(0), life.store.load_records(LIST), batches, extras)


@settings(max_examples=60, deadline=None)
@given(_STEPS)
def test_both_stores_agree(steps: list[Step]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        real = _live(SqliteLife(Path(folder) / "journal.db"), steps)
        twin = _live(MemoryLife(), steps)
        try:
            assert _see(real) == _see(twin)
        finally:
            real.store.close()
