"""Current state as a fold of facts: what each fact changes, the same for every store.

``changes`` is pure; ``advance`` applies what it answers. Repeated or late facts change nothing: an
attempt that is not open can neither be answered, disposed nor closed again (invariants A1, A2).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import msgspec
from msgspec.structs import replace

from engine.domain.facts import (
    AgentLegClosed,
    AgentLegIntended,
    AgentLegOpened,
    AnyFact,
    AttemptAnswered,
    AttemptClosed,
    AttemptIntended,
    AttemptRerouted,
    CallAnalysed,
    CallConnected,
    CampaignStarted,
    CampaignStopped,
    DialogMoved,
    DispositionSet,
    DncAdded,
    DncRemoved,
    RecordChanged,
    RecordingCompleted,
    RecordingDeleted,
    RecordingStarted,
    RecordPhase,
    ResourceDeleted,
    ResourcePut,
    ScheduleEdgePassed,
)
from engine.domain.ids import AgentId, AttemptId, CampaignId, LegId, ListId, RecordingId
from engine.ports import (
    OpenAgentLeg,
    OpenAttempt,
    RecordingRow,
    RecordState,
    RunState,
    StoredState,
)

MOST_ATTEMPTS = 254
"""Highest count one number's octet can hold; above it the count stays."""
STOPPED = 255
"""A number that is not to be tried again."""

# Names: an enumeration's member and its value are looked up in Python, each time.
_READY, _IN_PROGRESS = RecordPhase.READY.value, RecordPhase.IN_PROGRESS.value


class Table(StrEnum):
    """The state tables.

    Hashed as the strings they are: ``Enum`` does it in Python, several times for each fact.
    """

    __hash__ = str.__hash__

    RESOURCE = "resource"
    RUN = "run"
    ATTEMPT = "attempt"
    LEG = "leg"
    DNC = "dnc"
    RECORD = "record"
    RECORDING = "recording"


_FIELDS = {
    Table.RESOURCE: "resources",
    Table.RUN: "runs",
    Table.ATTEMPT: "attempts",
    Table.LEG: "legs",
    Table.DNC: "dnc",
    Table.RECORD: "records",
    Table.RECORDING: "recordings",
}

Value = bytes | RunState | OpenAttempt | OpenAgentLeg | RecordState | RecordingRow


class Put(msgspec.Struct, frozen=True):
    """A row is added or replaced."""

    table: Table
    key: str
    value: Value


class Drop(msgspec.Struct, frozen=True):
    """A row goes."""

    table: Table
    key: str


class ForgetList(msgspec.Struct, frozen=True):
    """All records, batches and custom fields of a list go."""

    list_id: ListId


class ForgetCampaign(msgspec.Struct, frozen=True):
    """All that records went through in a campaign goes."""

    campaign_id: CampaignId


Change = Put | Drop | ForgetList | ForgetCampaign


@dataclass(slots=True)
class State:
    """The state tables in memory.

    Attributes:
        resources: Spec in msgpack, by ``kind/id``.
        runs: By campaign.
        attempts: Open attempts.
        legs: Agents' open legs.
        dnc: Internal do-not-call list; the values are empty.
        records: Touched records by ``record_key``; a store may hold only some of them here.
        recordings: Recordings; a store may hold only those here whose end is not known.
    """

    resources: dict[str, bytes] = field(default_factory=dict)
    runs: dict[CampaignId, RunState] = field(default_factory=dict)
    attempts: dict[AttemptId, OpenAttempt] = field(default_factory=dict)
    legs: dict[LegId, OpenAgentLeg] = field(default_factory=dict)
    dnc: dict[str, bytes] = field(default_factory=dict)
    records: dict[str, RecordState] = field(default_factory=dict)
    recordings: dict[RecordingId, RecordingRow] = field(default_factory=dict)

    # The tables differ in their types, and a change names one at run time.
    def table(self, table: Table) -> dict[Any, Any]:
        """Return one table by its name."""
        found: dict[Any, Any] = getattr(self, _FIELDS[table])
        return found

    def stored(
        self, epoch: int, last_sequence: int, pacing: dict[CampaignId, bytes]
    ) -> StoredState:
        """Return what a start needs, in a stable order."""
        return StoredState(
            epoch=epoch,
            last_sequence=last_sequence,
            resources=[
                (kind, name, self.resources[f"{kind}/{name}"])
                for kind, _, name in (key.partition("/") for key in sorted(self.resources))
            ],
            runs=dict(sorted(self.runs.items())),
            open_attempts=[self.attempts[key] for key in sorted(self.attempts)],
            open_agent_legs=[self.legs[key] for key in sorted(self.legs)],
            dnc=sorted(self.dnc),
            pacing=dict(sorted(pacing.items())),
            open_recordings=[
                self.recordings[key]
                for key in sorted(self.recordings)
                if not self.recordings[key].complete
            ],
        )


def record_key(campaign_id: CampaignId, list_id: ListId, row: int) -> str:
    """Return the key of a record's standing; keys of a list stand together, in row order."""
    return f"{list_id}/{row:010d}/{campaign_id}"


def key_of_record(fact: AnyFact) -> str | None:
    """Return the key of the record whose standing ``changes`` will look up, if any."""
    match fact:
        case AttemptIntended() | AttemptClosed() | RecordChanged():
            return record_key(fact.campaign_id, fact.list_id, fact.row)
        case _:
            return None


def key_of_recording(fact: AnyFact) -> RecordingId | None:
    """Return the recording whose row ``changes`` will look up, if any."""
    if isinstance(fact, RecordingStarted | RecordingCompleted | RecordingDeleted):
        return fact.recording_id
    return None


def changes(fact: AnyFact, state: State) -> Sequence[Change]:
    """Return how a fact changes the state; a pure question.

    Args:
        fact: What happened.
        state: As it is before; for facts with ``key_of_record`` or ``key_of_recording`` it holds
            that row if the store does.
    """
    rule = _RULES.get(type(fact))
    return () if rule is None else rule(fact, state)


def advance(state: State, fact: AnyFact) -> Sequence[Change]:
    """Apply a fact to ``state`` and return what it changed."""
    made = changes(fact, state)
    for change in made:
        match change:
            case Put(table, key, value):
                state.table(table)[key] = value
            case Drop(table, key):
                state.table(table).pop(key, None)
            case ForgetList() | ForgetCampaign():
                _forget(state, change)
    return made


def _forget(state: State, change: ForgetList | ForgetCampaign) -> None:
    match change:
        case ForgetList(list_id):
            gone = [key for key, record in state.records.items() if record.list_id == list_id]
        case ForgetCampaign(campaign_id):
            gone = [
                key for key, record in state.records.items() if record.campaign_id == campaign_id
            ]
    for key in gone:
        del state.records[key]


# --- resources and runs --------------------------------------------------------------------


def _resource_put(fact: ResourcePut, _: State) -> Sequence[Change]:
    return (Put(Table.RESOURCE, f"{fact.kind}/{fact.id}", fact.body),)


def _resource_deleted(fact: ResourceDeleted, _: State) -> Sequence[Change]:
    gone = Drop(Table.RESOURCE, f"{fact.kind}/{fact.id}")
    if fact.kind == "list":
        return (gone, ForgetList(ListId(fact.id)))
    if fact.kind == "campaign":
        return (gone, Drop(Table.RUN, fact.id), ForgetCampaign(CampaignId(fact.id)))
    return (gone,)


def _run(state: State, campaign_id: CampaignId) -> RunState:
    return state.runs.get(campaign_id) or RunState(running=False, generation=0, edges_done_s=0.0)


def _started(fact: CampaignStarted, state: State) -> Sequence[Change]:
    run = replace(_run(state, fact.campaign_id), running=True, generation=fact.generation)
    return (Put(Table.RUN, fact.campaign_id, run),)


def _stopped(fact: CampaignStopped, state: State) -> Sequence[Change]:
    run = replace(_run(state, fact.campaign_id), running=False, generation=fact.generation)
    return (Put(Table.RUN, fact.campaign_id, run),)


def _edge_passed(fact: ScheduleEdgePassed, state: State) -> Sequence[Change]:
    run = _run(state, fact.campaign_id)
    done_s = max(run.edges_done_s, fact.edge_s)
    return (Put(Table.RUN, fact.campaign_id, replace(run, edges_done_s=done_s)),)


# --- attempts and records ------------------------------------------------------------------


def _intended(fact: AttemptIntended, state: State) -> Sequence[Change]:
    attempt = OpenAttempt(
        attempt_id=fact.attempt_id,
        campaign_id=fact.campaign_id,
        list_id=fact.list_id,
        row=fact.row,
        number_index=fact.number_index,
        number=fact.number,
        leg_id=fact.leg_id,
        trunk_id=fact.trunk_id,
        call_id=fact.call_id,
        branch=fact.branch,
        dialog=b"",
        disposition="",
        agent_id=AgentId(""),
        callback_s=0.0,
        retry=fact.retry,
        connected=False,
    )
    key = record_key(fact.campaign_id, fact.list_id, fact.row)
    record = _record(state, key, fact)
    if record.retries and not fact.retry:
        record = _without_series(record)
    same_day = record.day == fact.day
    record = replace(
        record,
        phase=_IN_PROGRESS,
        day=fact.day,
        day_attempts=record.day_attempts if same_day else 0,
    )
    return (Put(Table.ATTEMPT, fact.attempt_id, attempt), Put(Table.RECORD, key, record))


def _without_series(record: RecordState) -> RecordState:
    """Count the attempt of a series of quick retries that another attempt puts an end to."""
    index = record.retry_index
    counts = record.number_attempts
    if index >= 0:
        counts = _count_at(counts, index, 1)
    return replace(
        record,
        attempts=record.attempts + 1,
        number_attempts=counts,
        day_attempts=record.day_attempts + 1,
        retries=0,
        retry_index=-1,
    )


def _record(
    state: State, key: str, fact: AttemptIntended | AttemptClosed | RecordChanged
) -> RecordState:
    return state.records.get(key) or RecordState(
        campaign_id=fact.campaign_id,
        list_id=fact.list_id,
        row=fact.row,
        phase=_READY,
        attempts=0,
        number_attempts=b"",
        retries=0,
        next_s=0.0,
        day=0,
        day_attempts=0,
        disposition="",
    )


def _rerouted(fact: AttemptRerouted, state: State) -> Sequence[Change]:
    attempt = state.attempts.get(fact.attempt_id)
    if attempt is None:
        return ()
    attempt = replace(
        attempt,
        trunk_id=fact.trunk_id,
        leg_id=fact.leg_id,
        call_id=fact.call_id,
        branch=fact.branch,
        dialog=b"",
    )
    return (Put(Table.ATTEMPT, fact.attempt_id, attempt),)


def _answered(fact: AttemptAnswered, state: State) -> Sequence[Change]:
    attempt = state.attempts.get(fact.attempt_id)
    if attempt is None:
        return ()
    attempt = replace(attempt, leg_id=fact.leg_id, dialog=fact.dialog)
    return (Put(Table.ATTEMPT, fact.attempt_id, attempt),)


def _analysed(fact: CallAnalysed, state: State) -> Sequence[Change]:
    attempt = state.attempts.get(fact.attempt_id)
    if attempt is None or fact.person:
        return ()
    return (Put(Table.ATTEMPT, fact.attempt_id, replace(attempt, machine=True)),)


def _connected(fact: CallConnected, state: State) -> Sequence[Change]:
    attempt = state.attempts.get(fact.attempt_id)
    if attempt is None:
        return ()
    attempt = replace(attempt, agent_id=fact.agent_id, connected=True)
    return (Put(Table.ATTEMPT, fact.attempt_id, attempt),)


def _disposed(fact: DispositionSet, state: State) -> Sequence[Change]:
    attempt = state.attempts.get(fact.attempt_id)
    if attempt is None:
        return ()
    attempt = replace(
        attempt,
        disposition=fact.disposition,
        agent_id=fact.agent_id or attempt.agent_id,
        callback_s=fact.callback_s,
    )
    return (Put(Table.ATTEMPT, fact.attempt_id, attempt),)


def _closed(fact: AttemptClosed, state: State) -> Sequence[Change]:
    if fact.attempt_id not in state.attempts:
        return ()
    key = record_key(fact.campaign_id, fact.list_id, fact.row)
    record = _record(state, key, fact)
    made = 1 if fact.counted else 0
    record = replace(
        record,
        phase=fact.phase.value,
        attempts=record.attempts + made,
        number_attempts=_count_number(record.number_attempts, fact, made),
        retries=fact.retries,
        next_s=fact.next_s,
        day_attempts=record.day_attempts + made,
        disposition=fact.disposition,
        retry_index=fact.number_index if fact.retries else -1,
    )
    return (Drop(Table.ATTEMPT, fact.attempt_id), Put(Table.RECORD, key, record))


def _count_number(counts: bytes, fact: AttemptClosed, made: int) -> bytes:
    if not fact.stop_number:
        return _count_at(counts, fact.number_index, made)
    counts = counts.ljust(fact.number_index + 1, b"\0")
    return counts[: fact.number_index] + bytes((STOPPED,)) + counts[fact.number_index + 1 :]


def _count_at(counts: bytes, index: int, made: int) -> bytes:
    """Count attempts on one number; one that was stopped stays so."""
    counts = counts.ljust(index + 1, b"\0")
    if counts[index] == STOPPED:
        return counts
    value = min(counts[index] + made, MOST_ATTEMPTS)
    return counts[:index] + bytes((value,)) + counts[index + 1 :]


def _record_changed(fact: RecordChanged, state: State) -> Sequence[Change]:
    key = record_key(fact.campaign_id, fact.list_id, fact.row)
    record = _record(state, key, fact)
    record = replace(
        record,
        phase=fact.phase.value,
        next_s=fact.next_s,
        disposition=fact.disposition or record.disposition,
    )
    return (Put(Table.RECORD, key, record),)


# --- agents' legs and do-not-call ----------------------------------------------------------


def _leg_intended(fact: AgentLegIntended, _: State) -> Sequence[Change]:
    leg = OpenAgentLeg(fact.leg_id, fact.agent_id, fact.call_id, fact.branch, dialog=b"")
    return (Put(Table.LEG, fact.leg_id, leg),)


def _leg_opened(fact: AgentLegOpened, state: State) -> Sequence[Change]:
    leg = state.legs.get(fact.leg_id)
    if leg is None:
        return ()
    return (Put(Table.LEG, fact.leg_id, replace(leg, dialog=fact.dialog)),)


def _leg_closed(fact: AgentLegClosed, _: State) -> Sequence[Change]:
    return (Drop(Table.LEG, fact.leg_id),)


def _moved(fact: DialogMoved, state: State) -> Sequence[Change]:
    attempt = state.attempts.get(fact.attempt_id)
    if attempt is not None and attempt.leg_id == fact.leg_id:
        return (Put(Table.ATTEMPT, fact.attempt_id, replace(attempt, dialog=fact.dialog)),)
    leg = state.legs.get(fact.leg_id)
    return () if leg is None else (Put(Table.LEG, fact.leg_id, replace(leg, dialog=fact.dialog)),)


def _dnc_added(fact: DncAdded, _: State) -> Sequence[Change]:
    return (Put(Table.DNC, fact.number, b""),)


def _dnc_removed(fact: DncRemoved, _: State) -> Sequence[Change]:
    return (Drop(Table.DNC, fact.number),)


# --- recordings ----------------------------------------------------------------------------


def _recording_started(fact: RecordingStarted, state: State) -> Sequence[Change]:
    if fact.recording_id in state.recordings:
        return ()
    row = RecordingRow(
        fact.recording_id,
        fact.attempt_id,
        fact.campaign_id,
        fact.agent_id,
        fact.at_s,
        reason=fact.reason,
    )
    return (Put(Table.RECORDING, fact.recording_id, row),)


def _recording_completed(fact: RecordingCompleted, state: State) -> Sequence[Change]:
    row = state.recordings.get(fact.recording_id)
    if row is None or (row.complete and row.sha256):
        return ()
    row = replace(
        row,
        complete=True,
        length_s=fact.length_s,
        octets=fact.octets,
        sha256=fact.sha256,
        lost_s=fact.lost_s,
        file_name=fact.file_name,
    )
    return (Put(Table.RECORDING, fact.recording_id, row),)


def _recording_deleted(fact: RecordingDeleted, state: State) -> Sequence[Change]:
    row = state.recordings.get(fact.recording_id)
    if row is None or row.deleted_s:
        return ()
    return (Put(Table.RECORDING, fact.recording_id, replace(row, deleted_s=fact.at_s)),)


# Each rule takes the one fact type it stands under; a mapping cannot say so in types.
_RULES: dict[type[Any], Callable[[Any, State], Sequence[Change]]] = {
    ResourcePut: _resource_put,
    ResourceDeleted: _resource_deleted,
    CampaignStarted: _started,
    CampaignStopped: _stopped,
    ScheduleEdgePassed: _edge_passed,
    AttemptIntended: _intended,
    AttemptRerouted: _rerouted,
    AttemptAnswered: _answered,
    CallAnalysed: _analysed,
    CallConnected: _connected,
    DispositionSet: _disposed,
    AttemptClosed: _closed,
    RecordChanged: _record_changed,
    AgentLegIntended: _leg_intended,
    AgentLegOpened: _leg_opened,
    AgentLegClosed: _leg_closed,
    DialogMoved: _moved,
    DncAdded: _dnc_added,
    DncRemoved: _dnc_removed,
    RecordingStarted: _recording_started,
    RecordingCompleted: _recording_completed,
    RecordingDeleted: _recording_deleted,
}
