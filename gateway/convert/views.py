"""What is going on, for people: run states, agents, records, sessions, pacing."""

from collections.abc import Mapping

from engine.actors.messages import (
    AgentView,
    NumberView,
    PacingView,
    RecordView,
    SessionView,
    SupplyView,
    TrunkView,
)
from engine.domain.facts import RecordPhase
from engine.domain.ids import CampaignId
from engine.domain.specs import ListLink, Mode
from engine.machines.agent import AgentState
from engine.machines.campaign import CampaignPhase
from engine.machines.mix import SupervisionMode
from gateway.convert.campaigns import MODES, to_campaign_list
from gateway.convert.names import name_of, record_name
from gateway.convert.units import some_time, to_timestamp
from gateway.pb.paceline.v1 import (
    agent_session_pb2,
    campaigns_pb2,
    lists_pb2,
    pacing_pb2,
    supervision_pb2,
    trunks_pb2,
)

RUN_STATES: dict[CampaignPhase, campaigns_pb2.RunState.ValueType] = {
    CampaignPhase.IDLE: campaigns_pb2.RUN_STATE_IDLE,
    CampaignPhase.RUNNING: campaigns_pb2.RUN_STATE_RUNNING,
    CampaignPhase.STOPPING: campaigns_pb2.RUN_STATE_STOPPING,
}
AGENT_STATES: dict[AgentState, agent_session_pb2.AgentState.ValueType] = {
    AgentState.LOGGED_OUT: agent_session_pb2.AGENT_STATE_LOGGED_OUT,
    AgentState.READY: agent_session_pb2.AGENT_STATE_READY,
    AgentState.NOT_READY: agent_session_pb2.AGENT_STATE_NOT_READY,
    AgentState.BUSY: agent_session_pb2.AGENT_STATE_BUSY,
    AgentState.ACW: agent_session_pb2.AGENT_STATE_ACW,
    AgentState.SUPERVISING: agent_session_pb2.AGENT_STATE_SUPERVISING,
}
AGENT_STATE_OF = {wire: state for state, wire in AGENT_STATES.items()}
RECORD_PHASES: dict[RecordPhase, lists_pb2.RecordPhase.ValueType] = {
    RecordPhase.READY: lists_pb2.RECORD_PHASE_READY,
    RecordPhase.IN_PROGRESS: lists_pb2.RECORD_PHASE_IN_PROGRESS,
    RecordPhase.WAITING: lists_pb2.RECORD_PHASE_WAITING,
    RecordPhase.DONE: lists_pb2.RECORD_PHASE_DONE,
}
SUPERVISION_MODES: dict[SupervisionMode, supervision_pb2.SupervisionMode.ValueType] = {
    SupervisionMode.MONITOR: supervision_pb2.SUPERVISION_MODE_MONITOR,
    SupervisionMode.COACH: supervision_pb2.SUPERVISION_MODE_COACH,
    SupervisionMode.BARGE_IN: supervision_pb2.SUPERVISION_MODE_BARGE_IN,
}
SUPERVISION_MODE_OF = {wire: mode for mode, wire in SUPERVISION_MODES.items()}


def to_agent_status(view: AgentView) -> agent_session_pb2.AgentStatus:
    """Return what an agent is doing."""
    return agent_session_pb2.AgentStatus(
        state=AGENT_STATES[view.state],
        reason=view.reason,
        since_time=some_time(view.since_s),
        next_state=(
            agent_session_pb2.AGENT_STATE_UNSPECIFIED
            if view.pending is None
            else AGENT_STATES[view.pending]
        ),
        activity=view.phase.value,
        phone_up=view.phone_up,
        campaign=name_of("campaigns", view.campaign_id or ""),
        call=name_of("calls", view.attempt_id or ""),
        record="" if view.record is None else str(view.record),
    )


def to_trunk_state(view: TrunkView) -> trunks_pb2.TrunkState:
    """Return what a trunk is doing."""
    return trunks_pb2.TrunkState(
        up=view.up,
        reason=view.reason,
        channels_used=view.channels_used,
        waiting_calls=view.waiting,
    )


def to_session(view: SessionView) -> supervision_pb2.SupervisionSession:
    """Return a supervision session."""
    return supervision_pb2.SupervisionSession(
        name=name_of("supervisionSessions", view.session_id),
        supervisor=view.supervisor_id,
        agent=name_of("agents", view.agent_id),
        mode=SUPERVISION_MODES[view.mode],
        call=name_of("calls", view.attempt_id or ""),
        leg_up=view.leg_up,
    )


def to_decision(view: PacingView) -> pacing_pb2.PacingDecision:
    """Return what pacing saw and decided."""
    return pacing_pb2.PacingDecision(
        event_time=to_timestamp(view.at_s),
        effective_mode=MODES[Mode(view.effective_mode)],
        ready_agents=view.ready,
        idle_agents=view.idle,
        freeing_agents=view.freeing,
        asking_calls=view.asking,
        calls_in_flight=view.in_flight,
        calls_started=view.started,
        answer_ratio=view.answer_ratio,
        answer_ratio_error=view.answer_ratio_error,
        tau=view.tau,
        budget_calls=view.budget,
        dial_level=view.level,
        reason=view.reason,
    )


def to_supply(
    campaign_id: CampaignId, link: ListLink, view: SupplyView
) -> campaigns_pb2.ListSupply:
    """Return what a list has for a campaign."""
    return campaigns_pb2.ListSupply(
        campaign_list=to_campaign_list(campaign_id, link),
        record_count=view.total,
        untouched_count=view.untouched,
        callable_count=view.callable_now,
        waiting_count=view.waiting,
        in_progress_count=view.in_progress,
        done_count=view.done,
    )


def to_record(
    view: RecordView, custom_fields: Mapping[str, str] | None = None, display_name: str = ""
) -> lists_pb2.Record:
    """Return a record without its standings."""
    return lists_pb2.Record(
        name=record_name(view.ref.list_id, view.ref.row),
        display_name=display_name,
        phone_numbers=[to_phone_number(number) for number in view.numbers],
        custom_fields=custom_fields or {},
    )


def to_phone_number(view: NumberView) -> lists_pb2.PhoneNumber:
    """Return one number of a record."""
    return lists_pb2.PhoneNumber(number=view.number, phone_type=view.phone_type, zones=view.zones)


def to_standing(campaign_id: CampaignId, view: RecordView) -> lists_pb2.RecordStanding:
    """Return a record's standing in a campaign."""
    return lists_pb2.RecordStanding(
        campaign=name_of("campaigns", campaign_id),
        phase=RECORD_PHASES[view.phase],
        attempts=view.attempts,
        numbers=[
            lists_pb2.NumberStanding(attempts=number.attempts, stopped=number.stopped)
            for number in view.numbers
        ],
        disposition=view.disposition,
        next_time=some_time(view.next_s),
    )


def to_explanation(campaign_id: CampaignId, view: RecordView) -> lists_pb2.ExplainRecordResponse:
    """Return whether a record may be called now, and if not why."""
    return lists_pb2.ExplainRecordResponse(
        callable=view.callable_now,
        reason=view.reason,
        next_time=some_time(view.next_callable_s),
        standing=to_standing(campaign_id, view),
        numbers=[
            lists_pb2.NumberVerdict(
                phone_number=to_phone_number(number),
                standing=lists_pb2.NumberStanding(attempts=number.attempts, stopped=number.stopped),
                callable=number.callable_now,
                reason=number.reason,
                next_time=some_time(number.next_s),
            )
            for number in view.numbers
        ],
    )
