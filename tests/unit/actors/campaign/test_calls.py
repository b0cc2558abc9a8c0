"""A call's way through its campaign: what each event leads to, and who is told."""

import pytest

from engine.actors.messages import (
    AgentFound,
    AgentLeft,
    AgentLost,
    BlockNumber,
    CallDeclined,
    CallMoved,
    CallOver,
    CallsLaunched,
    CallTaken,
    ChannelFreed,
    CloseRecord,
    DisposeCall,
    EndCall,
    ListSampled,
    PermitsGranted,
    PermitsRefused,
    QueueCall,
    RecordsReserved,
    ReleaseRecord,
    RequestPermits,
    ReserveRecords,
    ReturnAgent,
    ReturnPermits,
    StartCalls,
    TakeCall,
    TrunkRestarted,
    TrunkSampled,
    UnattendedDue,
    UnqueueCall,
    WithdrawCall,
    WorkFinished,
)
from engine.domain.causes import (
    GATE_CLOSED,
    HUNG_UP,
    NO_ANSWER,
    NO_ROOM,
    RELEASED,
    UNREACHABLE,
    Cause,
    cause_of_status,
)
from engine.domain.facts import (
    AttemptClosed,
    AttemptIntended,
    AttemptRerouted,
    CallConnected,
    CallQueued,
    DncAdded,
    RecordPhase,
)
from engine.domain.ids import AttemptId, LegId
from engine.domain.refusals import JournalError
from engine.domain.specs import ListLink, Mode
from engine.ports import (
    HangUp,
    LegAnswered,
    LegEnded,
    LegRinging,
    PlaceCall,
    PlayPrompt,
    PromptEnded,
)
from tests.unit.actors.campaign.rig import (
    ANN,
    BOB,
    CAMPAIGN,
    NORTH,
    OTHERS,
    PEOPLE,
    SOUTH,
    Rig,
    record_of,
)
from tests.unit.actors.reading import Answers


@pytest.fixture
def rig() -> Rig:
    rig = Rig()
    rig.start()
    return rig


# --- from the pacer to the INVITE ---------------------------------------------------------------


def test_no_invite_leaves_before_its_intent_is_durable(rig: Rig) -> None:
    rig.intended(1)
    (fact,) = rig.facts(AttemptIntended)
    assert rig.all_done(PlaceCall) == []
    (call,) = rig.done_by(rig.journal(), PlaceCall)
    assert (call.attempt_id, call.leg_id) == (fact.attempt_id, fact.leg_id)
    assert (call.number, call.trunk_id, call.generation) == (fact.number, NORTH, 1)
    launched = CallsLaunched(CAMPAIGN, 1, 1, rig.now_s)
    assert rig.told("pacer", CallsLaunched) == [launched]


def test_an_intent_that_is_not_durable_gives_everything_back(rig: Rig) -> None:
    rig.intended(1, 2)
    effects = rig.journal(JournalError("disk full"))
    assert rig.all_done(PlaceCall) == []
    assert rig.told_by(effects, NORTH, ReturnPermits) == [ReturnPermits(1)] * 2
    assert rig.told_by(effects, "pacer", CallsLaunched) == [CallsLaunched(CAMPAIGN, 1, 0)] * 2
    closes = rig.told_by(effects, PEOPLE, CloseRecord)
    assert [(each.phase, each.counted, each.disposition) for each in closes] == [
        ("ready", False, "")
    ] * 2
    assert [fact.disposition for fact in rig.facts(AttemptClosed)] == ["not-placed"] * 2


def test_a_trunk_that_refuses_settles_what_the_pacer_asked(rig: Rig) -> None:
    rig.tell(StartCalls(5))
    rig.tell(PermitsRefused(NORTH, 2, "trunk-full"))
    assert rig.told("pacer", CallsLaunched) == [CallsLaunched(CAMPAIGN, 2, 0)]


@pytest.mark.parametrize("up", [pytest.param(False, id="down"), pytest.param(True, id="up")])
def test_calls_are_asked_of_a_trunk_that_is_up_or_of_none(rig: Rig, up: bool) -> None:
    for trunk_id in (NORTH, SOUTH):
        rig.tell(TrunkSampled(trunk_id, up, 10))
    effects = rig.tell(StartCalls(3))
    assert rig.told_by(effects, NORTH, RequestPermits) == [RequestPermits(3, rig.me)] * up
    assert len(rig.told_by(effects, "pacer", CallsLaunched)) == (not up)


def test_records_that_lists_do_not_have_give_their_permits_back(rig: Rig) -> None:
    asked = rig.ordered(3)
    effects = rig.tell(RecordsReserved(PEOPLE, 3, (record_of(1),), asked.purpose))
    assert rig.told_by(effects, NORTH, ReturnPermits) == [ReturnPermits(2)]
    assert rig.told_by(effects, "pacer", CallsLaunched) == [CallsLaunched(CAMPAIGN, 2, 0)]
    assert len(rig.facts(AttemptIntended)) == 1


def test_another_list_fills_in_for_one_that_ran_dry() -> None:
    links = (ListLink(PEOPLE, enabled=True, order=1), ListLink(OTHERS, enabled=True, order=2))
    rig = Rig(lists=links)
    rig.start()
    rig.tell(ListSampled(OTHERS, 10, 10))
    asked = rig.ordered(2)
    effects = rig.tell(RecordsReserved(PEOPLE, 2, (), asked.purpose))
    (again,) = rig.told_by(effects, OTHERS, ReserveRecords)
    rig.tell(RecordsReserved(OTHERS, 2, (record_of(1, OTHERS),), again.purpose))
    assert [fact.list_id for fact in rig.facts(AttemptIntended)] == [OTHERS]
    assert rig.told(NORTH, ReturnPermits) == [ReturnPermits(1)]


def test_a_permit_left_over_in_preview_mode_dials_nobody() -> None:
    rig = Rig(mode=Mode.PREVIEW)
    rig.start()
    effects = rig.tell(PermitsGranted(NORTH, 1))
    assert rig.told_by(effects, PEOPLE, ReserveRecords) == []
    assert rig.told_by(effects, NORTH, ReturnPermits) == [ReturnPermits(1)]


def test_an_answer_to_an_order_of_a_failed_behavior_gives_records_and_permits_back(
    rig: Rig,
) -> None:
    effects = rig.tell(RecordsReserved(PEOPLE, 2, (record_of(7),), f"order:{SOUTH}:4"))
    assert rig.told_by(effects, PEOPLE, ReleaseRecord) == [ReleaseRecord(CAMPAIGN, 7)]
    assert rig.told_by(effects, SOUTH, ReturnPermits) == [ReturnPermits(2)]
    assert rig.told_by(effects, "pacer", CallsLaunched) == [CallsLaunched(CAMPAIGN, 2, 0)]


def test_what_a_trunk_that_began_anew_does_not_know_is_settled(rig: Rig) -> None:
    rig.tell(StartCalls(5))
    rig.tell(PermitsGranted(NORTH, 2))
    effects = rig.tell(TrunkRestarted(NORTH))
    assert rig.told_by(effects, "pacer", CallsLaunched) == [CallsLaunched(CAMPAIGN, 3, 0)]
    assert rig.tell(TrunkRestarted(NORTH))[1:] == []


# --- how calls end ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cause", "status", "rings", "disposition", "counted", "failed"),
    [
        pytest.param(cause_of_status(486), 486, False, "busy", False, False, id="486 Busy Here"),
        pytest.param(NO_ANSWER, 0, True, "no-answer", True, False, id="no answer"),
        pytest.param(cause_of_status(404), 404, False, "invalid-number", True, False, id="404"),
        pytest.param(cause_of_status(503), 503, True, "network-failure", False, True, id="503"),
        pytest.param(cause_of_status(403), 403, False, "network-failure", False, True, id="403"),
        pytest.param(cause_of_status(607), 607, False, "add-to-dnc", True, False, id="607"),
    ],
)
def test_an_unanswered_call_ends_with_the_disposition_of_its_cause(
    rig: Rig,
    cause: Cause,
    status: int,
    rings: bool,
    disposition: str,
    counted: bool,
    failed: bool,
) -> None:
    call = rig.placed()
    if rings:
        rig.tell(LegRinging(call.leg_id))
    effects = rig.tell(LegEnded(call.leg_id, cause, status))
    (fact,) = rig.facts(AttemptClosed)
    (close,) = rig.told_by(effects, PEOPLE, CloseRecord)
    assert (fact.disposition, fact.counted, fact.answered) == (disposition, counted, False)
    assert (close.phase, close.next_s, close.counted, close.retries, close.stop_number) == (
        fact.phase,
        fact.next_s,
        fact.counted,
        fact.retries,
        fact.stop_number,
    )
    (freed,) = rig.told_by(effects, NORTH, ChannelFreed)
    assert (freed.failed, freed.sip_status, freed.launched_s) == (failed, status, rig.now_s)
    assert [each.stage for each in rig.told_by(effects, "pacer", CallMoved)] == ["ended"]
    blocked = disposition == "add-to-dnc"
    assert [e.number for e in rig.done_by(effects, BlockNumber)] == [call.number] * blocked
    assert [e.number for e in rig.facts(DncAdded)] == [call.number] * blocked
    assert rig.tell(LegEnded(call.leg_id, cause, status)) == []


@pytest.mark.parametrize(
    ("cause", "no_room"),
    [
        pytest.param(GATE_CLOSED, False, id="the gate was closed"),
        pytest.param(NO_ROOM, True, id="our switch had no room"),
    ],
)
def test_a_call_that_never_left_costs_neither_the_record_nor_the_carrier(
    rig: Rig, cause: Cause, no_room: bool
) -> None:
    call = rig.placed()
    effects = rig.tell(LegEnded(call.leg_id, cause))
    (fact,) = rig.facts(AttemptClosed)
    (close,) = rig.told_by(effects, PEOPLE, CloseRecord)
    assert (fact.disposition, fact.cause, fact.counted) == ("not-placed", cause.slug, False)
    assert (close.phase, close.next_s, close.counted) == (RecordPhase.READY, 0.0, False)
    assert rig.told_by(effects, NORTH, ReturnPermits) == [ReturnPermits(1, no_room=no_room)]
    assert rig.told_by(effects, NORTH, ChannelFreed) == []
    assert [each.stage for each in rig.told_by(effects, "pacer", CallMoved)] == ["ended"]
    assert rig.tell(LegEnded(call.leg_id, cause)) == []


def test_a_503_is_tried_over_the_second_trunk_under_a_new_durable_intent(rig: Rig) -> None:
    call = rig.placed()
    congested = LegEnded(call.leg_id, cause_of_status(503), 503, 3.0)
    effects = rig.tell(congested)
    assert rig.told_by(effects, SOUTH, RequestPermits) == [RequestPermits(1, rig.me)]
    assert rig.facts(AttemptClosed) == []
    rig.now_s += 1.0
    rig.tell(PermitsGranted(SOUTH, 1))
    (rerouted,) = rig.facts(AttemptRerouted)
    assert (rerouted.attempt_id, rerouted.trunk_id) == (call.attempt_id, SOUTH)
    (again,) = rig.done_by(rig.journal(), PlaceCall)
    assert (again.leg_id, again.trunk_id) == (rerouted.leg_id, SOUTH)
    assert len(rig.told("pacer", CallsLaunched)) == 1
    effects = rig.tell(LegEnded(again.leg_id, cause_of_status(503), 503))
    assert [fact.disposition for fact in rig.facts(AttemptClosed)] == ["network-failure"]
    assert rig.told_by(effects, SOUTH, ChannelFreed)[0].launched_s == rig.now_s


def test_a_call_is_given_up_when_the_second_trunk_refuses(rig: Rig) -> None:
    call = rig.placed()
    rig.tell(LegEnded(call.leg_id, UNREACHABLE))
    rig.tell(PermitsRefused(SOUTH, 1, "trunk-full"))
    (fact,) = rig.facts(AttemptClosed)
    assert (fact.disposition, fact.cause) == ("network-failure", "carrier-unreachable")
    assert rig.told("pacer", CallsLaunched) == [CallsLaunched(CAMPAIGN, 1, 1, rig.now_s)]


def test_a_call_held_back_on_the_second_trunk_counts_for_the_first(rig: Rig) -> None:
    call = rig.placed()
    rig.tell(LegEnded(call.leg_id, cause_of_status(503), 503))
    rig.tell(PermitsGranted(SOUTH, 1))
    (again,) = rig.done_by(rig.journal(), PlaceCall)
    rig.tell(LegEnded(again.leg_id, GATE_CLOSED))
    (fact,) = rig.facts(AttemptClosed)
    assert (fact.disposition, fact.cause, fact.sip_status) == (
        "network-failure",
        "carrier-congested",
        503,
    )


def test_a_reroute_whose_intent_is_not_durable_is_given_up(rig: Rig) -> None:
    call = rig.placed()
    rig.tell(LegEnded(call.leg_id, cause_of_status(503), 503))
    rig.tell(PermitsGranted(SOUTH, 1))
    effects = rig.journal(JournalError("disk full"))
    assert rig.told_by(effects, SOUTH, ReturnPermits) == [ReturnPermits(1)]
    assert [fact.disposition for fact in rig.facts(AttemptClosed)] == ["network-failure"]


# --- a person answers ---------------------------------------------------------------------------


def test_an_answer_waits_for_an_agent_and_the_clock_runs(rig: Rig) -> None:
    call = rig.answered()
    queued = rig.told("router", QueueCall)
    assert queued == [QueueCall(CAMPAIGN, call.attempt_id, rig.now_s)]
    assert len(rig.facts(CallQueued)) == 1
    timer = rig.timer(("unattended", call.attempt_id))
    assert timer is not None
    assert timer.delay_s == 2.0
    assert rig.tell(LegAnswered(call.leg_id, b"again")) == []


def test_the_agent_found_gets_the_call_and_one_not_needed_goes_back(rig: Rig) -> None:
    call = rig.answered()
    effects = rig.tell(AgentFound(call.attempt_id, ANN))
    (take,) = rig.told_by(effects, ANN, TakeCall)
    assert (take.attempt_id, take.customer_leg, take.automatic) == (
        call.attempt_id,
        call.leg_id,
        False,
    )
    effects = rig.tell(AgentFound(call.attempt_id, BOB))
    assert rig.told_by(effects, "router", ReturnAgent) == [ReturnAgent(BOB)]


@pytest.mark.parametrize(
    ("waited_s", "late"), [pytest.param(1.9, False, id="in time"), pytest.param(2.1, True)]
)
def test_a_connection_later_than_the_limit_counts_as_unattended(
    rig: Rig, waited_s: float, late: bool
) -> None:
    call = rig.answered()
    rig.tell(AgentFound(call.attempt_id, ANN))
    rig.now_s += waited_s
    rig.tell(CallTaken(call.attempt_id, ANN, LegId("agent-leg")))
    (fact,) = rig.facts(CallConnected)
    assert fact.late is late
    assert fact.wait_s == pytest.approx(waited_s)
    rig.tell(LegEnded(call.leg_id, HUNG_UP))
    rig.tell(WorkFinished(call.attempt_id, ANN, 5.0))
    (closed,) = rig.facts(AttemptClosed)
    assert (closed.unattended, closed.answered, closed.agent_id, closed.acw_s) == (
        late,
        True,
        ANN,
        5.0,
    )
    assert closed.disposition == "no-disposition"


def test_a_declined_call_waits_for_another_agent_with_its_old_place(rig: Rig) -> None:
    call = rig.answered()
    answered_s = rig.now_s
    rig.tell(AgentFound(call.attempt_id, ANN))
    rig.now_s += 1.0
    assert rig.tell(CallDeclined(call.attempt_id, BOB, "not-ready")) == []
    effects = rig.tell(CallDeclined(call.attempt_id, ANN, "rejected"))
    assert rig.told_by(effects, "router", QueueCall) == [
        QueueCall(CAMPAIGN, call.attempt_id, answered_s)
    ]


@pytest.mark.parametrize("prompt", ["", "sorry.wav"])
@pytest.mark.parametrize("offered", [False, True])
def test_nobody_in_time_is_an_unattended_call(offered: bool, prompt: str) -> None:
    rig = Rig(unattended_prompt=prompt)
    rig.start()
    call = rig.answered()
    if offered:
        rig.tell(AgentFound(call.attempt_id, ANN))
    effects = rig.tell(UnattendedDue(call.attempt_id))
    assert len(rig.told_by(effects, ANN, WithdrawCall)) == offered
    assert len(rig.told_by(effects, "router", UnqueueCall)) == (not offered)
    assert [each.stage for each in rig.told_by(effects, "pacer", CallMoved)] == ["unattended"]
    if prompt:
        assert [each.prompt for each in rig.done_by(effects, PlayPrompt)] == [prompt]
        effects = rig.tell(PromptEnded(call.leg_id))
    assert rig.done_by(effects, HangUp) == [HangUp(call.leg_id, RELEASED)]
    rig.tell(LegEnded(call.leg_id, RELEASED))
    (closed,) = rig.facts(AttemptClosed)
    assert (closed.disposition, closed.unattended) == ("no-agent", True)
    assert rig.tell(UnattendedDue(call.attempt_id)) == []


@pytest.mark.parametrize("offered", [False, True])
def test_who_hangs_up_in_the_queue_has_abandoned(rig: Rig, offered: bool) -> None:
    call = rig.answered()
    if offered:
        rig.tell(AgentFound(call.attempt_id, ANN))
    effects = rig.tell(LegEnded(call.leg_id, HUNG_UP))
    assert [fact.disposition for fact in rig.facts(AttemptClosed)] == ["abandoned"]
    assert len(rig.told_by(effects, ANN, WithdrawCall)) == offered
    assert [each.stage for each in rig.told_by(effects, "pacer", CallMoved)] == ["abandoned"]
    late = rig.tell(CallTaken(call.attempt_id, ANN, LegId("agent-leg")))
    assert rig.told_by(late, ANN, CallOver) == [CallOver(call.attempt_id, "customer")]


def test_a_lost_agent_phone_gives_the_customer_to_another(rig: Rig) -> None:
    call = rig.connected()
    rig.now_s += 60.0
    effects = rig.tell(AgentLeft(call.attempt_id, ANN, 60.0, 0.0))
    assert rig.told_by(effects, "router", QueueCall) == [
        QueueCall(CAMPAIGN, call.attempt_id, rig.now_s)
    ]
    rig.now_s += 1.0
    rig.tell(AgentFound(call.attempt_id, BOB))
    rig.tell(CallTaken(call.attempt_id, BOB, LegId("another-leg")))
    second = rig.facts(CallConnected)[-1]
    assert (second.agent_id, second.wait_s, second.late) == (BOB, 1.0, False)


def test_what_happens_after_the_first_agent_names_no_launch_to_the_pacer(rig: Rig) -> None:
    call = rig.connected()
    rig.tell(AgentLeft(call.attempt_id, ANN, 60.0, 0.0))
    effects = rig.tell(UnattendedDue(call.attempt_id))
    (moved,) = rig.told_by(effects, "pacer", CallMoved)
    assert (moved.stage, moved.launched_s) == ("unattended", 0.0)


@pytest.mark.parametrize("phase", ["offered", "connected", "wrap-up"])
def test_a_failed_agent_keeps_no_call(rig: Rig, phase: str) -> None:
    call = rig.answered()
    rig.tell(AgentFound(call.attempt_id, ANN))
    if phase != "offered":
        rig.tell(CallTaken(call.attempt_id, ANN, LegId("agent-leg")))
    if phase == "wrap-up":
        rig.tell(LegEnded(call.leg_id, HUNG_UP))
    effects = rig.tell(AgentLost(ANN))
    assert len(rig.told_by(effects, "router", QueueCall)) == (phase != "wrap-up")
    assert len(rig.facts(AttemptClosed)) == (phase == "wrap-up")


def test_an_agent_logged_out_in_a_call_takes_the_customers_leg_along(rig: Rig) -> None:
    call = rig.connected()
    effects = rig.tell(WorkFinished(call.attempt_id, ANN, 0.0))
    assert rig.done_by(effects, HangUp) == [HangUp(call.leg_id, RELEASED)]
    assert len(rig.told_by(effects, NORTH, ChannelFreed)) == 1
    assert rig.tell(LegEnded(call.leg_id, RELEASED)) == []
    assert len(rig.facts(AttemptClosed)) == 1


def test_who_ends_a_call_is_told_to_the_agent(rig: Rig) -> None:
    call = rig.connected()
    assert rig.done_by(rig.tell(EndCall(call.attempt_id, "agent")), HangUp) != []
    effects = rig.tell(LegEnded(call.leg_id, RELEASED))
    assert rig.told_by(effects, ANN, CallOver) == [CallOver(call.attempt_id, "agent")]
    assert rig.tell(EndCall(call.attempt_id, "agent")) == []


def test_automatic_mode_plays_its_message_and_hangs_up() -> None:
    rig = Rig(mode=Mode.AUTOMATIC, prompt="news.wav", teams=())
    rig.start()
    call = rig.placed()
    effects = rig.tell(LegAnswered(call.leg_id, b"dialog"))
    assert [each.prompt for each in rig.done_by(effects, PlayPrompt)] == ["news.wav"]
    assert [each.stage for each in rig.told_by(effects, "pacer", CallMoved)] == ["treated"]
    rig.tell(PromptEnded(call.leg_id))
    rig.tell(LegEnded(call.leg_id, RELEASED))
    (closed,) = rig.facts(AttemptClosed)
    assert (closed.disposition, closed.unattended) == ("message-played", False)


# --- dispositions -------------------------------------------------------------------------------


def dispose(
    attempt_id: AttemptId,
    answers: Answers,
    disposition: str = "success",
    callback_s: float = 0.0,
    callback_until_s: float = 0.0,
    request_id: str = "",
) -> DisposeCall:
    return DisposeCall(
        attempt_id,
        ANN,
        disposition,
        "",
        callback_s,
        callback_until_s,
        request_id,
        answers.place(),
    )


def test_a_disposition_is_acknowledged_when_durable_and_the_last_one_holds(rig: Rig) -> None:
    call, answers = rig.connected(), Answers()
    for slug in ("wrong-person", "success"):
        rig.resolve(rig.tell(dispose(call.attempt_id, answers, slug)))
    assert answers.values == []
    rig.resolve(rig.journal())
    assert answers.values == [None, None]
    rig.tell(LegEnded(call.leg_id, HUNG_UP))
    rig.tell(WorkFinished(call.attempt_id, ANN, 1.0))
    assert [(fact.disposition, fact.phase) for fact in rig.facts(AttemptClosed)] == [
        ("success", "done")
    ]


def test_a_repeated_disposition_changes_nothing(rig: Rig) -> None:
    call, answers = rig.connected(), Answers()
    rig.tell(dispose(call.attempt_id, answers, request_id="r1"))
    rig.resolve(rig.journal())
    effects = rig.tell(dispose(call.attempt_id, answers, "wrong-person", request_id="r1"))
    rig.resolve(effects)
    assert answers.values == [None, None]
    assert len(effects) == 1


def test_a_disposition_that_is_not_durable_is_refused(rig: Rig) -> None:
    call, answers = rig.connected(), Answers()
    rig.tell(dispose(call.attempt_id, answers))
    rig.resolve(rig.journal(JournalError("disk full")))
    assert answers.slugs == ["journal-unwritable"]


@pytest.mark.parametrize(
    ("slug", "callback_in_s", "until_in_s", "refusal"),
    [
        pytest.param("no-such", 0, 0, "unknown-disposition", id="unknown"),
        pytest.param("no-agent", 0, 0, "unknown-disposition", id="not for agents"),
        pytest.param("success", 60, 0, "final-disposition", id="callback on a final one"),
        pytest.param("call-back", -1, 0, "invalid-callback", id="in the past"),
        pytest.param("call-back", 60, 30, "invalid-callback", id="ends before it begins"),
    ],
)
def test_a_disposition_is_checked(
    rig: Rig, slug: str, callback_in_s: float, until_in_s: float, refusal: str
) -> None:
    call, answers = rig.connected(), Answers()
    begins_s = rig.now_s + callback_in_s if callback_in_s else 0.0
    ends_s = rig.now_s + until_in_s if until_in_s else 0.0
    rig.resolve(rig.tell(dispose(call.attempt_id, answers, slug, begins_s, ends_s)))
    assert answers.slugs == [refusal]


def test_a_callback_is_when_the_record_is_called_again(rig: Rig) -> None:
    call, answers = rig.connected(), Answers()
    due_s = rig.now_s + 7_200.0
    rig.tell(dispose(call.attempt_id, answers, "call-back", due_s, due_s + 600.0))
    rig.journal()
    rig.tell(LegEnded(call.leg_id, HUNG_UP))
    effects = rig.tell(WorkFinished(call.attempt_id, ANN, 1.0))
    assert [each.next_s for each in rig.told_by(effects, PEOPLE, CloseRecord)] == [due_s]


def test_only_who_has_the_call_may_dispose_of_it(rig: Rig) -> None:
    call, answers = rig.answered(), Answers()
    rig.resolve(rig.tell(dispose(call.attempt_id, answers)))
    rig.tell(AgentFound(call.attempt_id, BOB))
    rig.tell(CallTaken(call.attempt_id, BOB, LegId("agent-leg")))
    rig.resolve(rig.tell(dispose(call.attempt_id, answers)))
    assert answers.slugs == ["unknown-call"] * 2


def test_a_person_who_hangs_up_has_not_heard_the_message_out() -> None:
    rig = Rig(mode=Mode.AUTOMATIC, prompt="news.wav", teams=())
    rig.start()
    call = rig.placed()
    rig.tell(LegAnswered(call.leg_id, b"dialog"))
    rig.tell(LegEnded(call.leg_id, HUNG_UP))
    (closed,) = rig.facts(AttemptClosed)
    assert (closed.disposition, closed.unattended, closed.sip_status) == ("message-cut", False, 200)
