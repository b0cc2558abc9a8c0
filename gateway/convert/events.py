"""Facts as events of the wire, one function each, found by the fact's type."""

from collections.abc import Callable
from typing import TypeVar

from engine.domain import facts
from engine.domain.dispositions import DispositionKind
from engine.domain.facts import RecordPhase
from engine.machines.agent import AgentState
from engine.machines.mix import SupervisionMode
from engine.ports import StoredFact
from gateway.convert.campaigns import DISPOSITION_KINDS
from gateway.convert.names import name_of, record_name
from gateway.convert.units import some_time, to_duration, to_timestamp
from gateway.convert.views import AGENT_STATES, RECORD_PHASES, SUPERVISION_MODES
from gateway.pb.paceline.v1 import agent_session_pb2
from gateway.pb.paceline.v1.events_pb2 import Event

F = TypeVar("F", bound=facts.Fact)

_COLLECTIONS = {
    "campaign": "campaigns",
    "list": "lists",
    "agent": "agents",
    "team": "teams",
    "trunk": "trunks",
}

_WRITERS: dict[type[facts.Fact], Callable[[Event, facts.Fact], None]] = {}


def to_event(stored: StoredFact) -> Event:
    """Return a durable fact as an event.

    Args:
        stored: The fact with its place in the log.
    """
    event = Event(sequence=stored.sequence, event_time=to_timestamp(stored.fact.at_s))
    _WRITERS[type(stored.fact)](event, stored.fact)
    return event


def _writes(kind: type[F]) -> Callable[[Callable[[Event, F], None]], Callable[[Event, F], None]]:
    def note(writer: Callable[[Event, F], None]) -> Callable[[Event, F], None]:
        def write(event: Event, fact: facts.Fact) -> None:
            if isinstance(fact, kind):
                writer(event, fact)

        _WRITERS[kind] = write
        return writer

    return note


@_writes(facts.EngineStarted)
def _engine_started(event: Event, fact: facts.EngineStarted) -> None:
    event.engine_started.epoch = fact.epoch
    event.engine_started.version = fact.version


@_writes(facts.EngineStopped)
def _engine_stopped(event: Event, fact: facts.EngineStopped) -> None:
    del fact
    event.engine_stopped.SetInParent()


@_writes(facts.ResourcePut)
def _resource_put(event: Event, fact: facts.ResourcePut) -> None:
    event.resource_changed.name = name_of(_COLLECTIONS[fact.kind], fact.id)
    event.resource_changed.etag = str(fact.revision)
    event.resource_changed.by = fact.by


@_writes(facts.ResourceDeleted)
def _resource_deleted(event: Event, fact: facts.ResourceDeleted) -> None:
    event.resource_deleted.name = name_of(_COLLECTIONS[fact.kind], fact.id)
    event.resource_deleted.by = fact.by


@_writes(facts.CampaignStarted)
def _campaign_started(event: Event, fact: facts.CampaignStarted) -> None:
    event.campaign_started.campaign = name_of("campaigns", fact.campaign_id)
    event.campaign_started.by = fact.by


@_writes(facts.CampaignStopped)
def _campaign_stopped(event: Event, fact: facts.CampaignStopped) -> None:
    event.campaign_stopped.campaign = name_of("campaigns", fact.campaign_id)
    event.campaign_stopped.by = fact.by
    event.campaign_stopped.reason = fact.reason


@_writes(facts.ScheduleEdgePassed)
def _schedule_edge_passed(event: Event, fact: facts.ScheduleEdgePassed) -> None:
    event.schedule_edge_passed.campaign = name_of("campaigns", fact.campaign_id)
    event.schedule_edge_passed.edge_time.CopyFrom(to_timestamp(fact.edge_s))
    event.schedule_edge_passed.starts = fact.start


@_writes(facts.RecordsImported)
def _records_imported(event: Event, fact: facts.RecordsImported) -> None:
    event.records_imported.MergeFrom(
        Event.RecordsImported(
            list=name_of("lists", fact.list_id),
            import_id=fact.import_id,
            batch=fact.batch,
            first_row=fact.first_row,
            record_count=fact.count,
            rejected_count=fact.rejected,
        )
    )


@_writes(facts.AttemptIntended)
def _attempt_intended(event: Event, fact: facts.AttemptIntended) -> None:
    event.attempt_started.MergeFrom(
        Event.AttemptStarted(
            call=name_of("calls", fact.attempt_id),
            campaign=name_of("campaigns", fact.campaign_id),
            record=record_name(fact.list_id, fact.row),
            number_index=fact.number_index,
            number=fact.number,
            caller_id=fact.caller_id,
            trunk=name_of("trunks", fact.trunk_id),
            sip_call_id=fact.call_id,
            verdict=fact.verdict,
            retry=fact.retry,
            agent=name_of("agents", fact.by_agent),
        )
    )


@_writes(facts.AttemptRerouted)
def _attempt_rerouted(event: Event, fact: facts.AttemptRerouted) -> None:
    event.attempt_rerouted.call = name_of("calls", fact.attempt_id)
    event.attempt_rerouted.campaign = name_of("campaigns", fact.campaign_id)
    event.attempt_rerouted.trunk = name_of("trunks", fact.trunk_id)
    event.attempt_rerouted.sip_call_id = fact.call_id


@_writes(facts.AttemptAnswered)
def _attempt_answered(event: Event, fact: facts.AttemptAnswered) -> None:
    event.attempt_answered.call = name_of("calls", fact.attempt_id)
    event.attempt_answered.campaign = name_of("campaigns", fact.campaign_id)
    event.attempt_answered.record = record_name(fact.list_id, fact.row)
    event.attempt_answered.ring.CopyFrom(to_duration(fact.ring_s))
    event.attempt_answered.screened = fact.screened


@_writes(facts.CallAnalysed)
def _call_analysed(event: Event, fact: facts.CallAnalysed) -> None:
    event.call_analysed.call = name_of("calls", fact.attempt_id)
    event.call_analysed.campaign = name_of("campaigns", fact.campaign_id)
    event.call_analysed.record = record_name(fact.list_id, fact.row)
    event.call_analysed.verdict = fact.verdict
    event.call_analysed.after.CopyFrom(to_duration(fact.after_s))
    event.call_analysed.reason = fact.reason
    event.call_analysed.person = fact.person


@_writes(facts.CallTreated)
def _call_treated(event: Event, fact: facts.CallTreated) -> None:
    event.call_treated.call = name_of("calls", fact.attempt_id)
    event.call_treated.campaign = name_of("campaigns", fact.campaign_id)
    event.call_treated.record = record_name(fact.list_id, fact.row)
    event.call_treated.treatment = fact.treatment


@_writes(facts.CallQueued)
def _call_queued(event: Event, fact: facts.CallQueued) -> None:
    event.call_queued.call = name_of("calls", fact.attempt_id)
    event.call_queued.campaign = name_of("campaigns", fact.campaign_id)
    event.call_queued.record = record_name(fact.list_id, fact.row)


@_writes(facts.CallConnected)
def _call_connected(event: Event, fact: facts.CallConnected) -> None:
    event.call_connected.call = name_of("calls", fact.attempt_id)
    event.call_connected.campaign = name_of("campaigns", fact.campaign_id)
    event.call_connected.record = record_name(fact.list_id, fact.row)
    event.call_connected.agent = name_of("agents", fact.agent_id)
    event.call_connected.wait.CopyFrom(to_duration(fact.wait_s))
    event.call_connected.late = fact.late


@_writes(facts.CallEnded)
def _call_ended(event: Event, fact: facts.CallEnded) -> None:
    event.call_ended.call = name_of("calls", fact.attempt_id)
    event.call_ended.campaign = name_of("campaigns", fact.campaign_id)
    event.call_ended.agent = name_of("agents", fact.agent_id)
    event.call_ended.ended_by = fact.ended_by
    event.call_ended.talk.CopyFrom(to_duration(fact.talk_s))
    event.call_ended.hold.CopyFrom(to_duration(fact.hold_s))


@_writes(facts.CallMeasured)
def _call_measured(event: Event, fact: facts.CallMeasured) -> None:
    event.call_measured.MergeFrom(
        Event.CallMeasured(
            call=name_of("calls", fact.attempt_id),
            campaign=name_of("campaigns", fact.campaign_id),
            packets_received=fact.received,
            packets_lost=fact.lost,
            jitter=to_duration(fact.jitter_ms / 1000),
            packets_sent=fact.sent,
            far_packets_lost=fact.far_lost,
            far_jitter=to_duration(fact.far_jitter_ms / 1000),
        )
    )
    if fact.round_trip_ms:
        event.call_measured.round_trip.CopyFrom(to_duration(fact.round_trip_ms / 1000))


@_writes(facts.DispositionSet)
def _disposition_set(event: Event, fact: facts.DispositionSet) -> None:
    told = event.disposition_set
    told.call = name_of("calls", fact.attempt_id)
    told.campaign = name_of("campaigns", fact.campaign_id)
    told.agent = name_of("agents", fact.agent_id)
    told.disposition = fact.disposition
    told.notes = fact.notes
    if fact.callback_s:
        told.callback.CopyFrom(
            agent_session_pb2.CallbackWindow(
                start_time=to_timestamp(fact.callback_s), end_time=some_time(fact.callback_until_s)
            )
        )


@_writes(facts.AttemptClosed)
def _attempt_closed(event: Event, fact: facts.AttemptClosed) -> None:
    event.attempt_closed.MergeFrom(
        Event.AttemptClosed(
            call=name_of("calls", fact.attempt_id),
            campaign=name_of("campaigns", fact.campaign_id),
            record=record_name(fact.list_id, fact.row),
            number_index=fact.number_index,
            number=fact.number,
            disposition=fact.disposition,
            kind=DISPOSITION_KINDS[DispositionKind(fact.kind)],
            cause=fact.cause,
            sip_status=fact.sip_status,
            q850_cause=fact.q850,
            answered=fact.answered,
            unattended=fact.unattended,
            counted=fact.counted,
            agent=name_of("agents", fact.agent_id),
            acw=to_duration(fact.acw_s),
            record_phase=RECORD_PHASES[RecordPhase(fact.phase)],
            next_time=some_time(fact.next_s),
            number_stopped=fact.stop_number,
        )
    )


@_writes(facts.RecordPreviewed)
def _record_previewed(event: Event, fact: facts.RecordPreviewed) -> None:
    event.record_previewed.campaign = name_of("campaigns", fact.campaign_id)
    event.record_previewed.record = record_name(fact.list_id, fact.row)
    event.record_previewed.agent = name_of("agents", fact.agent_id)
    event.record_previewed.decision = fact.decision
    event.record_previewed.preview.CopyFrom(to_duration(fact.preview_s))


@_writes(facts.RecordChanged)
def _record_changed(event: Event, fact: facts.RecordChanged) -> None:
    event.record_changed.MergeFrom(
        Event.RecordChanged(
            campaign=name_of("campaigns", fact.campaign_id),
            record=record_name(fact.list_id, fact.row),
            record_phase=RECORD_PHASES[RecordPhase(fact.phase)],
            disposition=fact.disposition,
            next_time=some_time(fact.next_s),
            by=fact.by,
        )
    )


@_writes(facts.AgentChanged)
def _agent_changed(event: Event, fact: facts.AgentChanged) -> None:
    event.agent_changed.agent = name_of("agents", fact.agent_id)
    event.agent_changed.state = AGENT_STATES[AgentState(fact.state)]
    event.agent_changed.reason = fact.reason
    event.agent_changed.by = fact.by
    event.agent_changed.campaign = name_of("campaigns", fact.campaign_id)


@_writes(facts.AgentLegIntended)
def _agent_leg_intended(event: Event, fact: facts.AgentLegIntended) -> None:
    event.agent_leg_started.agent = name_of("agents", fact.agent_id)
    event.agent_leg_started.leg_id = fact.leg_id
    event.agent_leg_started.sip_call_id = fact.call_id


@_writes(facts.AgentLegOpened)
def _agent_leg_opened(event: Event, fact: facts.AgentLegOpened) -> None:
    event.agent_leg_opened.agent = name_of("agents", fact.agent_id)
    event.agent_leg_opened.leg_id = fact.leg_id


@_writes(facts.DialogMoved)
def _dialog_moved(event: Event, fact: facts.DialogMoved) -> None:
    event.leg_moved.call = name_of("calls", fact.attempt_id)
    event.leg_moved.campaign = name_of("campaigns", fact.campaign_id)
    event.leg_moved.leg_id = fact.leg_id


@_writes(facts.AgentLegClosed)
def _agent_leg_closed(event: Event, fact: facts.AgentLegClosed) -> None:
    event.agent_leg_closed.agent = name_of("agents", fact.agent_id)
    event.agent_leg_closed.leg_id = fact.leg_id
    event.agent_leg_closed.cause = fact.cause


@_writes(facts.DncAdded)
def _dnc_added(event: Event, fact: facts.DncAdded) -> None:
    event.dnc_number_added.number = fact.number
    event.dnc_number_added.by = fact.by
    event.dnc_number_added.note = fact.note


@_writes(facts.DncRemoved)
def _dnc_removed(event: Event, fact: facts.DncRemoved) -> None:
    event.dnc_number_removed.number = fact.number
    event.dnc_number_removed.by = fact.by


@_writes(facts.SupervisionStarted)
def _supervision_started(event: Event, fact: facts.SupervisionStarted) -> None:
    event.supervision_started.session = name_of("supervisionSessions", fact.session_id)
    event.supervision_started.supervisor = fact.supervisor_id
    event.supervision_started.agent = name_of("agents", fact.agent_id)
    event.supervision_started.call = name_of("calls", fact.attempt_id)
    event.supervision_started.mode = SUPERVISION_MODES[SupervisionMode(fact.mode)]


@_writes(facts.SupervisionModeChanged)
def _supervision_mode_changed(event: Event, fact: facts.SupervisionModeChanged) -> None:
    event.supervision_mode_changed.session = name_of("supervisionSessions", fact.session_id)
    event.supervision_mode_changed.supervisor = fact.supervisor_id
    event.supervision_mode_changed.agent = name_of("agents", fact.agent_id)
    event.supervision_mode_changed.mode = SUPERVISION_MODES[SupervisionMode(fact.mode)]


@_writes(facts.SupervisionEnded)
def _supervision_ended(event: Event, fact: facts.SupervisionEnded) -> None:
    event.supervision_ended.session = name_of("supervisionSessions", fact.session_id)
    event.supervision_ended.supervisor = fact.supervisor_id
    event.supervision_ended.agent = name_of("agents", fact.agent_id)
    event.supervision_ended.reason = fact.reason


@_writes(facts.RecordingStarted)
def _recording_started(event: Event, fact: facts.RecordingStarted) -> None:
    event.recording_started.recording = name_of("recordings", fact.recording_id)
    event.recording_started.call = name_of("calls", fact.attempt_id)
    event.recording_started.campaign = name_of("campaigns", fact.campaign_id)
    event.recording_started.agent = name_of("agents", fact.agent_id)
    event.recording_started.by = fact.by
    event.recording_started.reason = fact.reason


@_writes(facts.RecordingPaused)
def _recording_paused(event: Event, fact: facts.RecordingPaused) -> None:
    event.recording_paused.recording = name_of("recordings", fact.recording_id)
    event.recording_paused.call = name_of("calls", fact.attempt_id)
    event.recording_paused.by = fact.by
    event.recording_paused.reason = fact.reason


@_writes(facts.RecordingResumed)
def _recording_resumed(event: Event, fact: facts.RecordingResumed) -> None:
    event.recording_resumed.recording = name_of("recordings", fact.recording_id)
    event.recording_resumed.call = name_of("calls", fact.attempt_id)
    event.recording_resumed.by = fact.by
    event.recording_resumed.reason = fact.reason


@_writes(facts.RecordingStopped)
def _recording_stopped(event: Event, fact: facts.RecordingStopped) -> None:
    event.recording_stopped.recording = name_of("recordings", fact.recording_id)
    event.recording_stopped.call = name_of("calls", fact.attempt_id)
    event.recording_stopped.by = fact.by
    event.recording_stopped.reason = fact.reason


@_writes(facts.RecordingRefused)
def _recording_refused(event: Event, fact: facts.RecordingRefused) -> None:
    event.recording_refused.call = name_of("calls", fact.attempt_id)
    event.recording_refused.campaign = name_of("campaigns", fact.campaign_id)
    event.recording_refused.reason = fact.reason


@_writes(facts.RecordingCompleted)
def _recording_completed(event: Event, fact: facts.RecordingCompleted) -> None:
    event.recording_completed.recording = name_of("recordings", fact.recording_id)
    event.recording_completed.length.CopyFrom(to_duration(fact.length_s))
    event.recording_completed.lost.CopyFrom(to_duration(fact.lost_s))
    event.recording_completed.size_bytes = fact.octets
    event.recording_completed.sha256 = fact.sha256


@_writes(facts.RecordingAccessed)
def _recording_accessed(event: Event, fact: facts.RecordingAccessed) -> None:
    event.recording_accessed.recording = name_of("recordings", fact.recording_id)
    event.recording_accessed.by = fact.by
    event.recording_accessed.how = fact.how
    event.recording_accessed.start.CopyFrom(to_duration(fact.from_s))


@_writes(facts.RecordingDeleted)
def _recording_deleted(event: Event, fact: facts.RecordingDeleted) -> None:
    event.recording_deleted.recording = name_of("recordings", fact.recording_id)
    event.recording_deleted.by = fact.by


@_writes(facts.RecorderChanged)
def _recorder_changed(event: Event, fact: facts.RecorderChanged) -> None:
    event.recorder_changed.up = fact.up
    event.recorder_changed.reason = fact.reason


@_writes(facts.TrunkChanged)
def _trunk_changed(event: Event, fact: facts.TrunkChanged) -> None:
    event.trunk_changed.trunk = name_of("trunks", fact.trunk_id)
    event.trunk_changed.up = fact.up
    event.trunk_changed.reason = fact.reason


@_writes(facts.StatisticsReset)
def _statistics_reset(event: Event, fact: facts.StatisticsReset) -> None:
    del fact
    event.statistics_reset.SetInParent()


@_writes(facts.PacingSummed)
def _pacing_summed(event: Event, fact: facts.PacingSummed) -> None:
    event.pacing_summed.CopyFrom(to_pacing_summed(fact))


def to_pacing_summed(fact: facts.PacingSummed) -> Event.PacingSummed:
    """Return what pacing decided in a minute."""
    return Event.PacingSummed(
        campaign=name_of("campaigns", fact.campaign_id),
        duration=to_duration(fact.length_s),
        held_durations={reason: to_duration(held_s) for reason, held_s in fact.held_s.items()},
        idle_durations={reason: to_duration(idle_s) for reason, idle_s in fact.idle_s.items()},
        decision_count=fact.decisions,
        calls_started=fact.calls_started,
        ready_agents=fact.ready_agents,
        calls_in_flight=fact.calls_in_flight,
        answer_ratio=fact.answer_ratio,
        tau=fact.tau,
        budget_calls=fact.budget_calls,
        dial_level=fact.dial_level,
    )
