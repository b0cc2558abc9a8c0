"""What agents say reaches the engine, and what happens reaches their desktops."""

from typing import Any

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from engine.actors import desk, messages
from engine.actors.kernel.ref import ReplyTo
from engine.compliance.recording import RecordingAction
from engine.domain.dispositions import Disposition, DispositionKind
from engine.domain.e164 import E164
from engine.domain.ids import AgentId, AttemptId, CampaignId, ListId, RecordRef
from engine.domain.refusals import InvalidRequestError, UnknownCallError, UnknownRecordError
from engine.domain.specs import CampaignSpec
from engine.machines.agent import AgentPhase, AgentState
from gateway.convert.sessions import agent_dispositions, to_command, to_desk_message
from gateway.pb.paceline.v1 import agent_session_pb2 as pb
from gateway.pb.paceline.v1 import lists_pb2

CALL = AttemptId("a1-0001-0000002a")
REF = RecordRef(ListId("l1"), 7)
Request = pb.AgentSessionRequest
REPLY: ReplyTo[Any] = ReplyTo(lambda value, error: None)


def view(attempt_id: AttemptId | None = CALL, record: RecordRef | None = REF) -> messages.AgentView:
    return messages.AgentView(
        agent_id=AgentId("alice"),
        phase=AgentPhase.TALKING,
        state=AgentState.BUSY,
        reason="",
        since_s=1_764_000_000.0,
        pending=AgentState.NOT_READY,
        phone_up=True,
        campaign_id=CampaignId("c1"),
        attempt_id=attempt_id,
        record=record,
    )


COMMANDS = [
    pytest.param(
        Request(set_state=Request.SetState(state=pb.AGENT_STATE_NOT_READY, reason="lunch")),
        messages.ChooseState(AgentState.NOT_READY, "lunch", REPLY),
        id="state",
    ),
    pytest.param(
        Request(accept_offer=Request.AcceptOffer(call=f"calls/{CALL}")),
        messages.AcceptOffer(CALL, REPLY),
        id="accept",
    ),
    pytest.param(
        Request(reject_offer=Request.RejectOffer()), messages.RejectOffer(CALL, REPLY), id="reject"
    ),
    pytest.param(Request(hang_up=Request.HangUp()), messages.HangUpCall(CALL, REPLY), id="hang up"),
    pytest.param(
        Request(hold=Request.Hold()), messages.HoldCall(CALL, on=True, reply_to=REPLY), id="hold"
    ),
    pytest.param(
        Request(resume=Request.Resume()),
        messages.HoldCall(CALL, on=False, reply_to=REPLY),
        id="resume",
    ),
    pytest.param(
        Request(
            request_id="r1",
            set_disposition=Request.SetDisposition(
                disposition="call-back",
                notes="after\nfive",
                callback=pb.CallbackWindow(
                    start_time=Timestamp(seconds=1_764_003_600),
                    end_time=Timestamp(seconds=1_764_007_200),
                ),
            ),
        ),
        messages.SetDisposition(
            CALL, "call-back", "after\nfive", 1_764_003_600.0, 1_764_007_200.0, "r1", REPLY
        ),
        id="disposition",
    ),
    pytest.param(
        Request(
            control_recording=Request.ControlRecording(
                action=Request.ControlRecording.ACTION_PAUSE, automated=True
            )
        ),
        messages.ControlOwnRecording(CALL, RecordingAction.PAUSE, automated=True, reply_to=REPLY),
        id="pause the recording",
    ),
    pytest.param(
        Request(call_preview=Request.CallPreview(record=str(REF), number_index=0)),
        messages.DecidePreview("call", 0, "", "", REPLY),
        id="call the first number",
    ),
    pytest.param(
        Request(call_preview=Request.CallPreview()),
        messages.DecidePreview("call", -1, "", "", REPLY),
        id="call the number shown",
    ),
    pytest.param(
        Request(complete_preview=Request.CompletePreview(notes="gone")),
        messages.DecidePreview("complete", -1, "bad-record", "gone", REPLY),
        id="complete",
    ),
    pytest.param(
        Request(skip_preview=Request.SkipPreview()),
        messages.DecidePreview("skip", -1, "", "", REPLY),
        id="skip",
    ),
    pytest.param(
        Request(reject_preview=Request.RejectPreview()),
        messages.DecidePreview("reject", -1, "", "", REPLY),
        id="reject the record",
    ),
]


@pytest.mark.parametrize(("request_", "message"), COMMANDS)
def test_a_command_reaches_the_engine(request_: Request, message: object) -> None:
    assert to_command(request_, view())(REPLY) == message


def test_every_command_of_the_wire_is_understood() -> None:
    said = {case.values[0].WhichOneof("command") for case in COMMANDS}  # type: ignore[union-attr]
    known = {field.name for field in Request.DESCRIPTOR.oneofs_by_name["command"].fields}
    assert said == known - {"login"}


def test_a_second_login_is_refused() -> None:
    with pytest.raises(InvalidRequestError):
        to_command(Request(login=Request.Login(agent="agents/alice")), view())


def test_without_a_call_in_hand_one_must_be_named() -> None:
    with pytest.raises(UnknownCallError):
        to_command(Request(hang_up=Request.HangUp()), view(attempt_id=None))


@pytest.mark.parametrize("record", [None, RecordRef(ListId("l1"), 8)])
def test_only_the_record_in_review_can_be_decided_on(record: RecordRef | None) -> None:
    with pytest.raises(UnknownRecordError):
        to_command(Request(skip_preview=Request.SkipPreview(record=str(REF))), view(record=record))


def test_a_callback_that_ends_before_it_starts_is_refused() -> None:
    window = pb.CallbackWindow(start_time=Timestamp(seconds=9), end_time=Timestamp(seconds=9))
    command = Request.SetDisposition(disposition="call-back", callback=window)
    with pytest.raises(InvalidRequestError, match="before it starts"):
        to_command(Request(set_disposition=command), view())


NUMBER = E164("+14155550100")
RECORD = lists_pb2.Record(name=str(REF), display_name="Ada")
CAMPAIGN = CampaignSpec(
    campaign_id=CampaignId("c1"),
    dispositions=(
        Disposition("maybe", DispositionKind.CONTINUE),
        Disposition("busy", DispositionKind.CONTINUE, agent_visible=False),
    ),
)
EVENTS = [
    pytest.param(desk.StateShown(view()), "state_changed", id="state"),
    pytest.param(
        desk.CallOfferedToDesk(CALL, CampaignId("c1"), REF, NUMBER, True, 1_764_000_015.0),
        "call_offered",
        id="offer",
    ),
    pytest.param(desk.OfferGone(CALL, "abandoned"), "offer_withdrawn", id="offer gone"),
    pytest.param(
        desk.CallJoined(CALL, CampaignId("c1"), REF, NUMBER), "call_connected", id="connected"
    ),
    pytest.param(desk.CallHeld(CALL, on=True), "hold_changed", id="held"),
    pytest.param(desk.CallFinished(CALL, "customer"), "call_ended", id="ended"),
    pytest.param(
        desk.PreviewShown(CampaignId("c1"), REF, NUMBER, 1_764_000_030.0),
        "preview_offered",
        id="preview",
    ),
    pytest.param(desk.PreviewGone(REF, "skip"), "preview_ended", id="preview gone"),
]


@pytest.mark.parametrize(("event", "told"), EVENTS)
def test_an_event_reaches_the_desktop_whole(event: desk.DeskEvent, told: str) -> None:
    message = to_desk_message(event, 1_764_000_000.5, RECORD, CAMPAIGN)
    assert message.WhichOneof("event") == told
    assert message.event_time.ToMilliseconds() == 1_764_000_000_500
    part = getattr(message, told)
    described = {field.name for field in part.DESCRIPTOR.fields}
    assert {field.name for field, _ in part.ListFields()} == described


def test_agents_choose_among_visible_dispositions() -> None:
    slugs = agent_dispositions(CAMPAIGN)
    assert "maybe" in slugs
    assert "success" in slugs
    assert not {"busy", "no-agent"} & set(slugs)
