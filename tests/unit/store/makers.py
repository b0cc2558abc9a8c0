"""Facts and batches in few words."""

from engine.domain.facts import (
    AnyFact,
    AttemptClosed,
    AttemptIntended,
    DispositionSet,
    DncAdded,
    RecordPhase,
    RecordsImported,
)
from engine.domain.ids import AgentId, AttemptId, CampaignId, LegId, ListId, TrunkId
from engine.ports import ImportBatch

CAMPAIGN = CampaignId("c1")
LIST = ListId("l1")
AGENT = AgentId("ann")


def intended(
    attempt: str = "a1", row: int = 0, *, number: int = 0, day: int = 1, retry: bool = False
) -> AttemptIntended:
    return AttemptIntended(
        at_s=1.0,
        attempt_id=AttemptId(attempt),
        campaign_id=CAMPAIGN,
        list_id=LIST,
        row=row,
        number_index=number,
        number=f"+1415555{row:04d}",
        caller_id="+14155550000",
        trunk_id=TrunkId("t1"),
        leg_id=LegId(f"leg-{attempt}"),
        call_id=f"call-{attempt}",
        branch=f"z9hG4bK{attempt}",
        verdict="zones=America/Los_Angeles",
        day=day,
        retry=retry,
    )


def closed(
    attempt: str = "a1",
    row: int = 0,
    *,
    number: int = 0,
    counted: bool = True,
    stop: bool = False,
    phase: RecordPhase = RecordPhase.WAITING,
    disposition: str = "busy",
    retries: int = 0,
) -> AttemptClosed:
    return AttemptClosed(
        at_s=2.0,
        attempt_id=AttemptId(attempt),
        campaign_id=CAMPAIGN,
        list_id=LIST,
        row=row,
        number_index=number,
        number=f"+1415555{row:04d}",
        disposition=disposition,
        kind="continue",
        cause=disposition,
        phase=phase,
        counted=counted,
        next_s=900.0,
        stop_number=stop,
        retries=retries,
    )


def disposed(attempt: str = "a1", disposition: str = "success") -> DispositionSet:
    return DispositionSet(
        at_s=1.5,
        attempt_id=AttemptId(attempt),
        campaign_id=CAMPAIGN,
        agent_id=AGENT,
        disposition=disposition,
        callback_s=77.0,
    )


def dnc(number: int) -> AnyFact:
    return DncAdded(at_s=3.0, number=f"+1415555{number:04d}", by="test")


def batch(number: int = 0, *, import_id: str = "i1", count: int = 300) -> ImportBatch:
    return ImportBatch(
        list_id=LIST,
        import_id=import_id,
        batch=number,
        first_row=number * count,
        count=count,
        columns=b"columns %d" % number,
        extras=[b"extra %d" % (number * count + index) for index in range(count)],
        rejected=[(7, "no number")],
        source_lines=(number + 1) * (count + 1),
    )


def imported(made: ImportBatch, at_s: float) -> RecordsImported:
    return RecordsImported(
        at_s=at_s,
        list_id=made.list_id,
        import_id=made.import_id,
        batch=made.batch,
        first_row=made.first_row,
        count=made.count,
        rejected=len(made.rejected),
        source_lines=made.source_lines,
    )
