"""What the recorder tells: ends are written down, and nothing begins that could not be recorded."""

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import structlog

from engine.actors.messages import RecorderSampled
from engine.compliance.recording import must_record
from engine.domain.facts import RecorderChanged, RecordingCompleted, RecordingStarted
from engine.domain.ids import AgentId, AttemptId, CampaignId, RecordingId
from engine.domain.specs import CampaignSpec
from engine.ports import (
    FinishRecordings,
    RecorderEvent,
    RecorderFailed,
    RecorderRestored,
    RecordingEnded,
    RecordingQuery,
    RecordingRow,
    StoredFact,
)
from engine.runtime.recording_setup import policy_of

if TYPE_CHECKING:
    from engine.runtime.assembly import Runtime

log = structlog.get_logger()


class RecordingBooks:
    """Writes down what the recorder tells, and lets nothing begin that could not be recorded.

    Args:
        runtime: What it belongs to.
    """

    def __init__(self, runtime: "Runtime") -> None:
        self._runtime = runtime
        self._policy = policy_of(runtime.settings.recording)
        self._known: set[RecordingId] = set()
        self.up = True

    def start(self, open_rows: Iterable[RecordingRow]) -> None:
        """Have completed what earlier lives left."""
        self._known.update(row.recording_id for row in open_rows)
        finish = FinishRecordings(tuple(sorted(self._known)))
        self._runtime.telephony.perform(finish, self._runtime.now_s())

    def committed(self, facts: Sequence[StoredFact]) -> None:
        """Learn from durable facts which recordings have rows."""
        for stored in facts:
            if isinstance(stored.fact, RecordingStarted):
                self._known.add(stored.fact.recording_id)

    def heard(self, event: RecorderEvent) -> None:
        """Take what the recorder tells."""
        match event:
            case RecordingEnded():
                self._ended(event)
            case RecorderFailed(reason):
                self._changed(up=False, reason=reason)
            case RecorderRestored():
                self._changed(up=True, reason="")

    def configured(self) -> None:
        """Hold back, or let go, the campaigns whose calls must be recorded (R3)."""
        held: set[CampaignId] = set()
        for spec in self._runtime.resources.all("campaign") if not self.up else ():
            if isinstance(spec, CampaignSpec) and must_record(self._policy, spec.recording):
                held.add(spec.campaign_id)
        self._runtime.gate.hold_unrecorded(frozenset(held))

    def _changed(self, *, up: bool, reason: str) -> None:
        if up is self.up:
            return
        self.up = up
        runtime = self._runtime
        runtime.note(RecorderChanged(at_s=runtime.now_s(), up=up, reason=reason[:500]))
        if not up:
            log.error("calls cannot be recorded", reason=reason)
        self.configured()
        for ref in runtime.registry.campaigns.refs():
            runtime.kernel.tell(ref, RecorderSampled(up))

    def _ended(self, event: RecordingEnded) -> None:
        if event.recording_id in self._known:
            self._known.discard(event.recording_id)
            self._runtime.note(self._completed(event))
            return
        query = RecordingQuery(recording_id=event.recording_id, deleted=True, limit=1)

        def done(rows: Sequence[RecordingRow]) -> None:
            facts = [] if rows else [_begun(event, self._runtime.now_s())]
            self._runtime.note(*facts, self._completed(event))

        self._runtime.store.find_recordings(query, done)

    def _completed(self, event: RecordingEnded) -> RecordingCompleted:
        return RecordingCompleted(
            at_s=self._runtime.now_s(),
            recording_id=event.recording_id,
            length_s=event.length_s,
            octets=event.octets,
            sha256=event.sha256,
            lost_s=event.lost_s,
            file_name=event.file_name,
        )


def _begun(event: RecordingEnded, now_s: float) -> RecordingStarted:
    """Return the beginning of a recording of which only its file tells (R2)."""
    notes: Mapping[str, str] = event.notes
    return RecordingStarted(
        at_s=now_s - event.length_s,
        recording_id=event.recording_id,
        attempt_id=AttemptId(notes.get("attempt_id", "")),
        campaign_id=CampaignId(notes.get("campaign_id", "")),
        agent_id=AgentId(notes.get("agent_id", "")),
        by="engine",
        reason="found",
    )
