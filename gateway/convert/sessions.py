"""An agent's session between the wire and the engine: commands in, events of the desk out."""

from collections.abc import Callable
from typing import Any

from engine.actors.desk import (
    CallFinished,
    CallHeld,
    CallJoined,
    CallOfferedToDesk,
    DeskEvent,
    OfferGone,
    PreviewGone,
    PreviewShown,
    RecordingShown,
    StateShown,
)
from engine.actors.kernel.ref import ReplyTo
from engine.actors.messages import (
    AcceptOffer,
    AgentMessage,
    AgentView,
    ChooseState,
    ControlOwnRecording,
    DecidePreview,
    HangUpCall,
    HoldCall,
    RejectOffer,
    SetDisposition,
)
from engine.compliance.recording import RecordingAction
from engine.domain.dispositions import PREDEFINED
from engine.domain.ids import AttemptId, RecordRef
from engine.domain.refusals import InvalidRequestError, UnknownCallError, UnknownRecordError
from engine.domain.specs import CampaignSpec
from gateway.convert import names
from gateway.convert.recordings import to_call_recording
from gateway.convert.units import from_timestamp, some_time, to_timestamp
from gateway.convert.views import AGENT_STATE_OF, to_agent_status
from gateway.pb.paceline.v1 import lists_pb2
from gateway.pb.paceline.v1.agent_session_pb2 import (
    AgentSessionRequest,
    AgentSessionResponse,
    CallbackWindow,
)

# Any: each command is answered with a type of its own, which the session does not look at.
Make = Callable[[ReplyTo[Any]], AgentMessage]
"""Makes a command once it is known where its answer goes."""


def to_command(request: AgentSessionRequest, view: AgentView) -> Make:
    """Return the command that a message of an agent stands for.

    Args:
        request: Any but the login.
        view: The agent as it stands: calls and records that are not named are those in hand.

    Raises:
        InvalidRequestError: The message is not a command of a session that has begun.
        UnknownCallError: It is about the call in hand, and there is none.
        UnknownRecordError: It is about a record that is not the one in hand.
    """
    kind = request.WhichOneof("command")
    match kind:
        case "set_state":
            return _set_state(request.set_state)
        case "accept_offer":
            call = _call(request.accept_offer.call, view)
            return lambda reply_to: AcceptOffer(call, reply_to)
        case "reject_offer":
            call = _call(request.reject_offer.call, view)
            return lambda reply_to: RejectOffer(call, reply_to)
        case "hang_up":
            call = _call(request.hang_up.call, view)
            return lambda reply_to: HangUpCall(call, reply_to)
        case "hold":
            call = _call(request.hold.call, view)
            return lambda reply_to: HoldCall(call, on=True, reply_to=reply_to)
        case "resume":
            call = _call(request.resume.call, view)
            return lambda reply_to: HoldCall(call, on=False, reply_to=reply_to)
        case "set_disposition":
            return _set_disposition(request, view)
        case "call_preview" | "complete_preview" | "skip_preview" | "reject_preview":
            return _decide_preview(request, view)
        case "control_recording":
            return _control_recording(request.control_recording, view)
        case "login" | None:
            raise InvalidRequestError("the session has begun already", slug="already-logged-in")


def to_desk_message(
    event: DeskEvent, now_s: float, record: lists_pb2.Record, campaign: CampaignSpec | None
) -> AgentSessionResponse:
    """Return what an agent's desktop is told.

    Args:
        event: What happened.
        now_s: When. [s since the epoch]
        record: The record it is about; empty where there is none.
        campaign: The campaign it is about, if there is one.
    """
    message = AgentSessionResponse(event_time=to_timestamp(now_s))
    dispositions = [] if campaign is None else agent_dispositions(campaign)
    match event:
        case StateShown(view):
            message.state_changed.status.CopyFrom(to_agent_status(view))
        case CallOfferedToDesk():
            message.call_offered.MergeFrom(
                AgentSessionResponse.CallOffered(
                    call=names.name_of("calls", event.attempt_id),
                    campaign=names.name_of("campaigns", event.campaign_id),
                    record=record,
                    number=event.number,
                    automatic_answer=event.automatic,
                    expire_time=some_time(event.expires_s),
                    dispositions=dispositions,
                )
            )
        case OfferGone(attempt_id, reason):
            message.offer_withdrawn.call = names.name_of("calls", attempt_id)
            message.offer_withdrawn.reason = reason
        case CallJoined():
            message.call_connected.MergeFrom(
                AgentSessionResponse.CallConnected(
                    call=names.name_of("calls", event.attempt_id),
                    campaign=names.name_of("campaigns", event.campaign_id),
                    record=record,
                    number=event.number,
                    dispositions=dispositions,
                )
            )
        case CallHeld(attempt_id, on):
            message.hold_changed.call = names.name_of("calls", attempt_id)
            message.hold_changed.held = on
        case CallFinished(attempt_id, ended_by):
            message.call_ended.call = names.name_of("calls", attempt_id)
            message.call_ended.ended_by = ended_by
        case PreviewShown():
            message.preview_offered.MergeFrom(
                AgentSessionResponse.PreviewOffered(
                    campaign=names.name_of("campaigns", event.campaign_id),
                    record=record,
                    number=event.number,
                    expire_time=some_time(event.expires_s),
                    dispositions=dispositions,
                )
            )
        case RecordingShown(shown):
            message.recording_changed.call_recording.CopyFrom(to_call_recording(shown))
        case PreviewGone(ref, reason):
            message.preview_ended.record = str(ref)
            message.preview_ended.reason = reason
    return message


_ACTIONS = {
    AgentSessionRequest.ControlRecording.ACTION_START: RecordingAction.START,
    AgentSessionRequest.ControlRecording.ACTION_STOP: RecordingAction.STOP,
    AgentSessionRequest.ControlRecording.ACTION_PAUSE: RecordingAction.PAUSE,
    AgentSessionRequest.ControlRecording.ACTION_RESUME: RecordingAction.RESUME,
}


def _control_recording(wanted: AgentSessionRequest.ControlRecording, view: AgentView) -> Make:
    call, action = _call(wanted.call, view), _ACTIONS[wanted.action]
    return lambda reply_to: ControlOwnRecording(call, action, wanted.automated, reply_to)


def agent_dispositions(campaign: CampaignSpec) -> list[str]:
    """Return slugs of the dispositions that agents may choose in a campaign."""
    known = PREDEFINED | {item.slug: item for item in campaign.dispositions}
    return [item.slug for item in known.values() if item.agent_visible]


def callback_of(window: CallbackWindow, *, asked: bool) -> tuple[float, float]:
    """Return start and end of a callback window, 0 for none. [s since the epoch]

    Raises:
        InvalidRequestError: It ends before it starts.
    """
    if not asked:
        return 0.0, 0.0
    start_s = from_timestamp(window.start_time)
    if not window.HasField("end_time"):
        return start_s, 0.0
    end_s = from_timestamp(window.end_time)
    if end_s <= start_s:
        raise InvalidRequestError(
            "the callback window ends before it starts", slug="invalid-window"
        )
    return start_s, end_s


def _set_state(command: AgentSessionRequest.SetState) -> Make:
    state = AGENT_STATE_OF[command.state]
    reason = names.clean_text("reason", command.reason)
    return lambda reply_to: ChooseState(state, reason, reply_to)


def _set_disposition(request: AgentSessionRequest, view: AgentView) -> Make:
    command = request.set_disposition
    call = _call(command.call, view)
    notes = names.clean_notes("notes", command.notes)
    start_s, end_s = callback_of(command.callback, asked=command.HasField("callback"))
    return lambda reply_to: SetDisposition(
        attempt_id=call,
        disposition=command.disposition,
        notes=notes,
        callback_s=start_s,
        callback_until_s=end_s,
        request_id=request.request_id,
        reply_to=reply_to,
    )


def _decide_preview(request: AgentSessionRequest, view: AgentView) -> Make:
    kind = request.WhichOneof("command")
    decision = str(kind).removesuffix("_preview")
    number_index, disposition, notes = -1, "", ""
    if kind == "call_preview":
        named = request.call_preview.record
        if request.call_preview.HasField("number_index"):
            number_index = request.call_preview.number_index
    elif kind == "complete_preview":
        named = request.complete_preview.record
        disposition = request.complete_preview.disposition or "bad-record"
        notes = names.clean_notes("notes", request.complete_preview.notes)
    elif kind == "skip_preview":
        named = request.skip_preview.record
    else:
        named = request.reject_preview.record
    _record(named, view)
    return lambda reply_to: DecidePreview(decision, number_index, disposition, notes, reply_to)


def _call(name: str, view: AgentView) -> AttemptId:
    if name:
        return names.attempt_id(name)
    if view.attempt_id is None:
        raise UnknownCallError(f"agents/{view.agent_id} has no call")
    return view.attempt_id


def _record(name: str, view: AgentView) -> RecordRef:
    if view.record is None or (name and names.record_ref(name) != view.record):
        raise UnknownRecordError(f"{name or 'no record'} is not in review")
    return view.record
