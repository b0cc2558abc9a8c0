from collections.abc import Sequence
from typing import Any

import pytest

from engine.actors.agent import LAST_ACW_S, AgentBehavior
from engine.actors.desk import (
    CallFinished,
    CallHeld,
    CallJoined,
    CallOfferedToDesk,
    OfferGone,
    PreviewGone,
    PreviewShown,
    StateShown,
)
from engine.actors.kernel.effects import Effect, Refuse, Reply
from engine.actors.kernel.ref import Ref
from engine.actors.messages import (
    AcceptOffer,
    AcwExpired,
    AgentLeft,
    AgentMessage,
    AgentMoved,
    AgentView,
    CallDeclined,
    CallOver,
    CallTaken,
    CampaignMessage,
    ChangeSupervision,
    ChooseState,
    ConfigureAgent,
    DecidePreview,
    DescribeAgent,
    DisposeCall,
    EndCall,
    ForceState,
    HangUpCall,
    HoldCall,
    JoinSupervision,
    Journal,
    Journaled,
    LeaveSupervision,
    LogIn,
    OfferExpired,
    PreviewDecided,
    PreviewDialing,
    PreviewExpired,
    PreviewOver,
    PublishGauges,
    RejectOffer,
    RouterMessage,
    SampleGauges,
    SetDisposition,
    SupervisedCallEnded,
    SupervisionJoined,
    SupervisionMessage,
    SupervisionRefused,
    TakeCall,
    TakePreview,
    WithdrawCall,
    WorkFinished,
)
from engine.domain.causes import HUNG_UP, NO_ANSWER, RELEASED, Cause
from engine.domain.e164 import E164
from engine.domain.facts import (
    AgentChanged,
    AgentLegClosed,
    AgentLegIntended,
    AgentLegOpened,
    CallEnded,
)
from engine.domain.ids import (
    AgentId,
    AttemptId,
    CampaignId,
    IdSource,
    LegId,
    ListId,
    RecordRef,
    SessionId,
    SupervisorId,
    TeamId,
)
from engine.domain.refusals import JournalError
from engine.domain.specs import AgentLeg, AgentSpec
from engine.machines.agent import AgentPhase, AgentState
from engine.machines.mix import SupervisionMode
from engine.metrics.gauges import AgentGauges
from engine.ports import (
    CallPhone,
    HangUp,
    LegAnswered,
    LegEnded,
    PlayPrompt,
    SetMix,
    StopPrompt,
)
from tests.unit.actors.reading import (
    Answers,
    cancelled,
    desk,
    done,
    facts,
    seed_of,
    timers,
    told,
)

ANN = AgentId("ann")
SPRING = CampaignId("spring")
CALL, OTHER_CALL = AttemptId("a1-0001-000000aa"), AttemptId("a1-0001-000000bb")
CUSTOMER = LegId("customer")
REF = RecordRef(ListId("people"), 7)
NUMBER = E164("+14155550100")
READY, NOT_READY = AgentState.READY, AgentState.NOT_READY
LOGGED_OUT, SUPERVISING = AgentState.LOGGED_OUT, AgentState.SUPERVISING


class Rig:
    """One agent under test, with its clock and everybody it speaks to."""

    def __init__(self, leg: AgentLeg = AgentLeg.NAILED_UP) -> None:
        self.router: Ref[RouterMessage] = Ref("router")
        self.campaign: Ref[CampaignMessage] = Ref("campaign")
        self.session: Ref[SupervisionMessage] = Ref("session")
        self.spec = AgentSpec(agent_id=ANN, team_id=TeamId("red"), leg=leg)
        self.agent = AgentBehavior(self.spec, IdSource("a1", 1), seed_of, self.router)
        self.now_s = 1000.0
        self.caller = Answers()
        self.phone = LegId("")
        self.effects: Sequence[Effect] = ()

    def hear(self, message: AgentMessage, after_s: float = 0.0) -> Sequence[Effect]:
        """Let the agent answer a message, and callers get their answers."""
        self.now_s += after_s
        self.effects = self.agent.on(message, self.now_s)
        for effect in self.effects:
            if isinstance(effect, Reply):
                effect.reply_to.resolve(effect.value, None)
            elif isinstance(effect, Refuse):
                effect.reply_to.resolve(None, effect.error)
        for fact in facts(self.effects, AgentLegIntended):
            self.phone = fact.leg_id
        return self.effects

    @property
    def view(self) -> AgentView:
        """How the agent stands."""
        asked = Answers()
        for effect in self.agent.on(DescribeAgent(asked.place()), self.now_s):
            if isinstance(effect, Reply):
                effect.reply_to.resolve(effect.value, None)
        view = asked.values[-1]
        assert isinstance(view, AgentView)
        return view

    def phase(self) -> AgentPhase:
        return self.view.phase

    def log_in(self) -> None:
        self.hear(LogIn(self.caller.place()))

    def phone_durable(self, error: JournalError | None = None) -> Sequence[Effect]:
        return self.hear(Journaled(("leg", self.phone), error))

    def phone_up(self) -> None:
        self.phone_durable()
        self.hear(LegAnswered(self.phone, b"dialog"))

    def phone_ends(self, cause: Cause = HUNG_UP) -> Sequence[Effect]:
        return self.hear(LegEnded(self.phone, cause))

    def choose(self, state: AgentState, reason: str = "") -> Sequence[Effect]:
        return self.hear(ChooseState(state, reason, self.caller.place()))

    def force(self, state: AgentState) -> Sequence[Effect]:
        return self.hear(ForceState(SupervisorId("sue"), state, "", self.caller.place()))

    def take(self, **changes: Any) -> Sequence[Effect]:
        values: dict[str, Any] = {
            "attempt_id": CALL,
            "campaign_id": SPRING,
            "campaign": self.campaign,
            "ref": REF,
            "number": NUMBER,
            "customer_leg": CUSTOMER,
            "automatic": True,
            "offer_s": 15.0,
            "acw_limit_s": 0.0,
            "hold_prompt": "hold-music",
            **changes,
        }
        return self.hear(TakeCall(**values))

    def preview(self, limit_s: float = 0.0, acw_limit_s: float = 0.0) -> Sequence[Effect]:
        return self.hear(TakePreview(SPRING, self.campaign, REF, NUMBER, limit_s, acw_limit_s))

    def decide(self, decision: str, number_index: int = -1) -> Sequence[Effect]:
        place = self.caller.place()
        return self.hear(DecidePreview(decision, number_index, "bad-record", "", place))

    def join(self, mode: SupervisionMode = SupervisionMode.MONITOR) -> Sequence[Effect]:
        return self.hear(JoinSupervision(SessionId("s1"), self.session, LegId("sup"), mode))

    def mix(self) -> dict[LegId, tuple[LegId, ...]]:
        """Return the last mix asked for."""
        return dict(done(self.effects, SetMix)[-1].rows)


@pytest.fixture
def rig() -> Rig:
    """Return an agent with a nailed-up phone, ready."""
    rig = Rig()
    rig.log_in()
    rig.phone_up()
    rig.choose(READY)
    return rig


@pytest.fixture
def talking(rig: Rig) -> Rig:
    rig.take()
    return rig


def at(rig: Rig, phase: AgentPhase) -> Rig:
    """Bring a ready agent into a phase of handling."""
    match phase:
        case AgentPhase.PREVIEWING:
            rig.preview()
        case AgentPhase.DIALING:
            rig.preview()
            rig.decide("call")
            rig.hear(PreviewDialing(CALL))
        case AgentPhase.OFFERED:
            rig.take(automatic=False)
        case AgentPhase.TALKING:
            rig.take()
        case AgentPhase.HOLDING:
            rig.take()
            rig.hear(HoldCall(CALL, True, rig.caller.place()))
        case AgentPhase.ACW:
            rig.take()
            rig.hear(CallOver(CALL, "customer"))
        case _:
            raise AssertionError(phase)
    assert rig.phase() is phase
    return rig


HANDLING = [
    AgentPhase.PREVIEWING,
    AgentPhase.DIALING,
    AgentPhase.OFFERED,
    AgentPhase.TALKING,
    AgentPhase.HOLDING,
]

# --- login ---------------------------------------------------------------------------------


def test_no_phone_rings_before_its_intent_is_durable() -> None:
    rig = Rig()
    rig.log_in()
    intended = facts(rig.effects, AgentLegIntended)
    assert [fact.call_id for fact in intended] == [f"{rig.phone}@test"]
    assert not done(rig.effects, CallPhone)
    assert [call.leg_id for call in done(rig.phone_durable(), CallPhone)] == [rig.phone]


def test_login_is_answered_when_the_phone_is_up() -> None:
    rig = Rig()
    rig.log_in()
    rig.phone_durable()
    assert rig.caller.values == []
    rig.hear(LegAnswered(rig.phone, b"dialog"))
    assert [view.phase for view in rig.caller.values] == [AgentPhase.NOT_READY]
    assert rig.caller.values[0].phone_up
    assert [fact.dialog for fact in facts(rig.effects, AgentLegOpened)] == [b"dialog"]


def test_login_without_a_phone_is_refused_and_leaves_the_agent_logged_out() -> None:
    rig = Rig()
    rig.log_in()
    rig.phone_durable()
    rig.phone_ends(NO_ANSWER)
    assert rig.caller.slugs == ["phone-unreachable"]
    assert rig.phase() is AgentPhase.LOGGED_OUT
    assert [fact.cause for fact in facts(rig.effects, AgentLegClosed)] == ["no-answer"]


def test_login_is_refused_when_the_journal_cannot_be_written() -> None:
    rig = Rig()
    rig.log_in()
    effects = rig.phone_durable(JournalError("disk full"))
    assert rig.caller.slugs == ["phone-unreachable"]
    assert rig.phase() is AgentPhase.LOGGED_OUT
    assert not done(effects, CallPhone)


def test_a_per_call_phone_is_not_rung_at_login() -> None:
    rig = Rig(AgentLeg.PER_CALL)
    rig.log_in()
    assert [view.phase for view in rig.caller.values] == [AgentPhase.NOT_READY]
    assert not done(rig.effects, Journal)[0].token


def test_two_logins_at_once_are_both_answered() -> None:
    rig = Rig()
    rig.log_in()
    rig.log_in()
    rig.phone_up()
    assert len(rig.caller.values) == 2


def test_logging_out_while_the_phone_rings_ends_it_and_refuses_the_login() -> None:
    rig = Rig()
    rig.log_in()
    rig.phone_durable()
    effects = rig.choose(LOGGED_OUT)
    assert [hang_up.leg_id for hang_up in done(effects, HangUp)] == [rig.phone]
    assert rig.caller.slugs == ["logged-out"]
    assert rig.caller.values[-1].phase is AgentPhase.LOGGED_OUT


def test_logging_out_before_the_intent_is_durable_rings_no_phone() -> None:
    rig = Rig()
    rig.log_in()
    assert not done(rig.choose(LOGGED_OUT), HangUp)
    effects = rig.phone_durable()
    assert not done(effects, CallPhone)
    assert [fact.cause for fact in facts(effects, AgentLegClosed)] == ["cancelled"]


def test_the_first_word_of_a_life_says_logged_out() -> None:
    rig = Rig()
    rig.hear(SampleGauges())
    assert [moved.phase for moved in told(rig.effects, rig.router, AgentMoved)] == [
        AgentPhase.LOGGED_OUT
    ]
    assert [fact.state for fact in facts(rig.effects, AgentChanged)] == ["logged-out"]
    rig.hear(SampleGauges())
    assert told(rig.effects, rig.router, AgentMoved) == []


# --- states --------------------------------------------------------------------------------


def test_each_state_chosen_while_idle_is_entered_told_and_written_down(rig: Rig) -> None:
    effects = rig.choose(NOT_READY, "lunch")
    (fact,) = facts(effects, AgentChanged)
    assert (fact.state, fact.reason, fact.by) == ("not-ready", "lunch", "agent")
    (moved,) = told(effects, rig.router, AgentMoved)
    assert (moved.phase, moved.since_s) == (AgentPhase.NOT_READY, rig.now_s)
    assert [shown.view.reason for shown in desk(effects, StateShown)] == ["lunch"]
    rig.choose(SUPERVISING)
    assert rig.phase() is AgentPhase.SUPERVISING
    rig.choose(READY)
    assert rig.phase() is AgentPhase.READY


def test_choosing_the_present_state_again_changes_nothing(rig: Rig) -> None:
    since_s = rig.view.since_s
    rig.now_s += 5.0
    effects = rig.choose(READY)
    assert rig.view.since_s == since_s
    assert not told(effects, rig.router, AgentMoved)


def test_another_not_ready_reason_begins_a_new_span(rig: Rig) -> None:
    rig.choose(NOT_READY, "lunch")
    rig.now_s += 60.0
    rig.choose(NOT_READY, "meeting")
    assert rig.view.since_s == rig.now_s


def test_a_state_that_comes_with_work_cannot_be_chosen(rig: Rig) -> None:
    rig.choose(AgentState.BUSY)
    assert rig.caller.slugs == ["invalid-state"]


def test_nothing_can_be_chosen_while_logged_out() -> None:
    rig = Rig()
    rig.choose(READY)
    assert rig.caller.slugs == ["not-logged-in"]
    rig.choose(LOGGED_OUT)
    assert rig.caller.values[-1].phase is AgentPhase.LOGGED_OUT


def test_logout_ends_the_nailed_up_phone(rig: Rig) -> None:
    assert [hang_up.leg_id for hang_up in done(rig.choose(LOGGED_OUT), HangUp)] == [rig.phone]
    effects = rig.phone_ends(RELEASED)
    assert rig.phase() is AgentPhase.LOGGED_OUT
    assert [fact.cause for fact in facts(effects, AgentLegClosed)] == ["released"]


@pytest.mark.parametrize("phase", HANDLING, ids=lambda phase: phase.value)
def test_a_forced_state_is_refused_while_an_interaction_is_handled(
    rig: Rig, phase: AgentPhase
) -> None:
    at(rig, phase)
    for state in (READY, NOT_READY, LOGGED_OUT):
        rig.force(state)
    assert rig.caller.slugs == ["agent-busy"] * 3
    assert rig.phase() is phase


@pytest.mark.parametrize("phase", HANDLING, ids=lambda phase: phase.value)
def test_supervising_cannot_be_chosen_while_busy(rig: Rig, phase: AgentPhase) -> None:
    at(rig, phase)
    rig.choose(SUPERVISING)
    assert rig.caller.slugs == ["agent-busy"]


@pytest.mark.parametrize("phase", HANDLING, ids=lambda phase: phase.value)
def test_not_ready_chosen_while_busy_waits_and_is_told_as_leaving(
    rig: Rig, phase: AgentPhase
) -> None:
    at(rig, phase)
    effects = rig.choose(NOT_READY, "lunch")
    assert rig.phase() is phase
    assert [rig.view.pending] == [NOT_READY]
    assert [moved.leaving for moved in told(effects, rig.router, AgentMoved)] == [True]
    effects = rig.choose(READY)
    assert [rig.view.pending] == [None]
    assert [moved.leaving for moved in told(effects, rig.router, AgentMoved)] == [False]


@pytest.mark.parametrize(
    ("state", "allowed"),
    [
        pytest.param(READY, True, id="ready"),
        pytest.param(NOT_READY, True, id="not ready"),
        pytest.param(LOGGED_OUT, False, id="logged out"),
        pytest.param(SUPERVISING, False, id="supervising"),
    ],
)
def test_forced_moves_out_of_after_call_work(rig: Rig, state: AgentState, allowed: bool) -> None:
    at(rig, AgentPhase.ACW)
    effects = rig.force(state)
    if not allowed:
        assert rig.caller.slugs == ["illegal-transition"]
        assert rig.phase() is AgentPhase.ACW
        return
    assert rig.view.state is state
    assert [fact.by for fact in facts(effects, AgentChanged)] == ["supervisor:sue"]
    assert len(told(effects, rig.campaign, WorkFinished)) == 1


def test_a_supervisor_may_log_an_idle_agent_out(rig: Rig) -> None:
    rig.choose(SUPERVISING)
    rig.force(READY)
    assert rig.caller.slugs == ["illegal-transition"]
    assert done(rig.force(LOGGED_OUT), HangUp)
    assert rig.phase() is AgentPhase.LOGGED_OUT


def test_forcing_the_present_state_is_answered(rig: Rig) -> None:
    before = len(rig.caller.values)
    rig.force(READY)
    assert len(rig.caller.values) == before + 1


# --- the phone is lost ---------------------------------------------------------------------


def test_a_lost_phone_makes_a_ready_agent_not_ready(rig: Rig) -> None:
    rig.phone_ends()
    assert (rig.phase(), rig.view.reason) == (AgentPhase.NOT_READY, "phone-lost")
    assert not rig.view.phone_up


def test_a_lost_phone_leaves_the_reason_of_one_who_was_not_ready(rig: Rig) -> None:
    rig.choose(NOT_READY, "lunch")
    rig.phone_ends()
    assert rig.view.reason == "lunch"
    assert not rig.view.phone_up


def test_ready_after_a_lost_phone_calls_it_and_waits_for_it(rig: Rig) -> None:
    rig.phone_ends()
    answered = len(rig.caller.values)
    rig.choose(READY)
    assert rig.phase() is AgentPhase.CONNECTING
    assert len(rig.caller.values) == answered
    rig.phone_up()
    assert rig.phase() is AgentPhase.READY
    assert rig.caller.values[-1].phase is AgentPhase.READY


def test_ready_is_refused_when_the_lost_phone_does_not_answer(rig: Rig) -> None:
    rig.phone_ends()
    rig.choose(READY)
    rig.phone_durable()
    rig.phone_ends(NO_ANSWER)
    assert rig.caller.slugs == ["phone-unreachable"]
    assert (rig.phase(), rig.view.reason) == (AgentPhase.NOT_READY, "phone-unreachable")


@pytest.mark.parametrize("phase", [AgentPhase.TALKING, AgentPhase.HOLDING], ids=lambda p: p.value)
def test_a_phone_lost_in_a_call_gives_the_customer_back(rig: Rig, phase: AgentPhase) -> None:
    at(rig, phase)
    rig.now_s += 30.0
    effects = rig.phone_ends()
    (left,) = told(effects, rig.campaign, AgentLeft)
    assert left.talk_s + left.hold_s == pytest.approx(30.0)
    assert (left.hold_s > 0) is (phase is AgentPhase.HOLDING)
    assert bool(done(effects, StopPrompt)) is (phase is AgentPhase.HOLDING)
    assert rig.mix()[CUSTOMER] == ()
    assert (rig.phase(), rig.view.reason) == (AgentPhase.NOT_READY, "phone-lost")
    assert rig.view.attempt_id is None


def test_a_phone_lost_while_offered_declines_the_call(rig: Rig) -> None:
    at(rig, AgentPhase.OFFERED)
    effects = rig.phone_ends()
    assert [each.reason for each in told(effects, rig.campaign, CallDeclined)] == ["phone-lost"]
    assert rig.phase() is AgentPhase.NOT_READY


def test_a_phone_lost_in_review_lets_the_record_go(rig: Rig) -> None:
    at(rig, AgentPhase.PREVIEWING)
    effects = rig.phone_ends()
    assert [each.decision for each in told(effects, rig.campaign, PreviewDecided)] == ["skip"]
    assert rig.phase() is AgentPhase.NOT_READY


def test_a_phone_lost_while_dialing_ends_the_call_nobody_would_take(rig: Rig) -> None:
    at(rig, AgentPhase.DIALING)
    effects = rig.phone_ends()
    assert [each.by for each in told(effects, rig.campaign, EndCall)] == ["engine"]
    assert rig.phase() is AgentPhase.NOT_READY


def test_a_phone_lost_in_after_call_work_lets_the_work_go_on(rig: Rig) -> None:
    at(rig, AgentPhase.ACW)
    rig.phone_ends()
    assert rig.phase() is AgentPhase.ACW
    rig.hear(AcwExpired(CALL))
    assert (rig.phase(), rig.view.reason) == (AgentPhase.NOT_READY, "phone-lost")


def test_a_logout_wished_for_follows_a_lost_phone(talking: Rig) -> None:
    talking.choose(LOGGED_OUT)
    talking.phone_ends()
    assert talking.phase() is AgentPhase.LOGGED_OUT


# --- offers --------------------------------------------------------------------------------


def test_an_automatic_call_is_joined_at_once(rig: Rig) -> None:
    effects = rig.take()
    (taken,) = told(effects, rig.campaign, CallTaken)
    assert (taken.attempt_id, taken.leg_id) == (CALL, rig.phone)
    assert rig.mix() == {rig.phone: (CUSTOMER,), CUSTOMER: (rig.phone,)}
    assert [joined.number for joined in desk(effects, CallJoined)] == [NUMBER]
    (fact,) = facts(effects, AgentChanged)
    assert (fact.state, fact.campaign_id) == ("busy", SPRING)


def test_an_offered_call_waits_for_the_agent_and_is_joined_when_accepted(rig: Rig) -> None:
    effects = rig.take(automatic=False)
    assert [offer.expires_s for offer in desk(effects, CallOfferedToDesk)] == [rig.now_s + 15.0]
    assert timers(effects) == [(15.0, OfferExpired(CALL))]
    assert not done(effects, SetMix)
    effects = rig.hear(AcceptOffer(CALL, rig.caller.place()))
    assert len(told(effects, rig.campaign, CallTaken)) == 1
    assert cancelled(effects) == ["offer"]
    assert rig.phase() is AgentPhase.TALKING


def test_an_agent_who_is_not_ready_declines(rig: Rig) -> None:
    rig.choose(NOT_READY)
    effects = rig.take()
    assert told(effects, rig.campaign, CallDeclined) == [CallDeclined(CALL, ANN, "not-ready")]


def test_a_second_call_is_declined(talking: Rig) -> None:
    effects = talking.take(attempt_id=OTHER_CALL)
    declined = told(effects, talking.campaign, CallDeclined)
    assert [each.attempt_id for each in declined] == [OTHER_CALL]
    assert talking.view.attempt_id == CALL


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        pytest.param(OfferExpired(CALL), "missed-call", id="too late"),
        pytest.param(None, "rejected", id="rejected"),
    ],
)
def test_an_offer_not_taken_makes_the_agent_not_ready(
    rig: Rig, message: AgentMessage | None, reason: str
) -> None:
    rig.take(automatic=False)
    effects = rig.hear(message or RejectOffer(CALL, rig.caller.place()))
    assert [each.reason for each in told(effects, rig.campaign, CallDeclined)] == [reason]
    assert [gone.reason for gone in desk(effects, OfferGone)] == [reason]
    assert (rig.phase(), rig.view.reason) == (AgentPhase.NOT_READY, reason)


def test_a_withdrawn_offer_makes_the_agent_ready_again(rig: Rig) -> None:
    rig.take(automatic=False)
    effects = rig.hear(WithdrawCall(CALL, "customer"))
    assert [gone.reason for gone in desk(effects, OfferGone)] == ["customer"]
    assert rig.phase() is AgentPhase.READY
    assert not told(effects, rig.campaign, CallDeclined)


def test_what_was_chosen_meanwhile_follows_a_withdrawn_offer(rig: Rig) -> None:
    rig.take(automatic=False)
    rig.choose(NOT_READY, "lunch")
    rig.hear(WithdrawCall(CALL, "customer"))
    assert (rig.phase(), rig.view.reason) == (AgentPhase.NOT_READY, "lunch")


def test_a_withdrawal_that_crosses_the_taking_leaves_no_work(talking: Rig) -> None:
    effects = talking.hear(WithdrawCall(CALL, "customer"))
    assert talking.phase() is AgentPhase.READY
    assert talking.mix() == {talking.phone: (), CUSTOMER: ()}
    assert not told(effects, talking.campaign, WorkFinished)
    assert not talking.hear(CallOver(CALL, "customer"))


@pytest.mark.parametrize(
    "message",
    [
        WithdrawCall(OTHER_CALL, "x"),
        CallOver(OTHER_CALL, "x"),
        OfferExpired(OTHER_CALL),
        AcwExpired(CALL),
        PreviewExpired(REF),
        PreviewOver(REF, "x"),
        PreviewDialing(OTHER_CALL),
    ],
    ids=lambda message: type(message).__name__,
)
def test_words_about_other_work_change_nothing(talking: Rig, message: AgentMessage) -> None:
    before = talking.view
    assert not talking.hear(message)
    assert talking.view == before


def test_accepting_twice_or_another_call_is_refused(talking: Rig) -> None:
    talking.hear(AcceptOffer(CALL, talking.caller.place()))
    talking.hear(AcceptOffer(OTHER_CALL, talking.caller.place()))
    assert talking.caller.slugs == ["illegal-transition", "unknown-call"]


# --- per-call legs -------------------------------------------------------------------------


@pytest.fixture
def per_call() -> Rig:
    rig = Rig(AgentLeg.PER_CALL)
    rig.log_in()
    rig.choose(READY)
    return rig


def test_a_per_call_phone_rings_for_the_call_and_answering_takes_it(per_call: Rig) -> None:
    per_call.take(offer_s=12.0)
    (call,) = done(per_call.phone_durable(), CallPhone)
    assert call.no_answer_s == 12.0
    per_call.hear(AcceptOffer(CALL, per_call.caller.place()))
    assert per_call.caller.slugs == ["phone-rings"]
    effects = per_call.hear(LegAnswered(per_call.phone, b"d"))
    assert len(told(effects, per_call.campaign, CallTaken)) == 1
    assert per_call.phase() is AgentPhase.TALKING


def test_a_per_call_phone_is_hung_up_after_the_call(per_call: Rig) -> None:
    per_call.take()
    per_call.phone_up()
    effects = per_call.hear(CallOver(CALL, "customer"))
    assert [hang_up.leg_id for hang_up in done(effects, HangUp)] == [per_call.phone]
    per_call.phone_ends(RELEASED)
    assert (per_call.phase(), per_call.view.pending) == (AgentPhase.ACW, None)
    per_call.choose(READY)
    assert per_call.phase() is AgentPhase.READY


def test_a_per_call_phone_not_answered_is_a_missed_call(per_call: Rig) -> None:
    per_call.take()
    per_call.phone_durable()
    effects = per_call.phone_ends(NO_ANSWER)
    assert [e.reason for e in told(effects, per_call.campaign, CallDeclined)] == ["missed-call"]
    assert (per_call.phase(), per_call.view.reason) == (AgentPhase.NOT_READY, "missed-call")


def test_an_offer_withdrawn_stops_the_ringing_phone(per_call: Rig) -> None:
    per_call.take()
    per_call.phone_durable()
    effects = per_call.hear(WithdrawCall(CALL, "customer"))
    assert len(done(effects, HangUp)) == 1
    assert per_call.phase() is AgentPhase.READY
    assert not told(per_call.phone_ends(), per_call.campaign, CallDeclined)


# --- the call ------------------------------------------------------------------------------


def test_hold_cuts_both_ways_and_plays_music_to_the_customer(talking: Rig) -> None:
    effects = talking.hear(HoldCall(CALL, True, talking.caller.place()))
    assert talking.mix() == {talking.phone: (), CUSTOMER: ()}
    assert done(effects, PlayPrompt) == [PlayPrompt(CUSTOMER, "hold-music", loop=True)]
    assert [held.on for held in desk(effects, CallHeld)] == [True]
    effects = talking.hear(HoldCall(CALL, False, talking.caller.place()), 5.0)
    assert talking.mix() == {talking.phone: (CUSTOMER,), CUSTOMER: (talking.phone,)}
    assert done(effects, StopPrompt) == [StopPrompt(CUSTOMER)]
    assert talking.caller.values[-2:] == [None, None]


def test_a_repeated_hold_is_answered_and_changes_nothing(talking: Rig) -> None:
    talking.hear(HoldCall(CALL, True, talking.caller.place()))
    effects = talking.hear(HoldCall(CALL, True, talking.caller.place()))
    assert not done(effects, PlayPrompt)
    assert talking.phase() is AgentPhase.HOLDING


def test_talk_and_hold_count_as_one_phase_for_the_pacer(talking: Rig) -> None:
    began_s = talking.now_s
    effects = talking.hear(HoldCall(CALL, True, talking.caller.place()), 10.0)
    (moved,) = told(effects, talking.router, AgentMoved)
    assert (moved.phase, moved.since_s) == (AgentPhase.HOLDING, began_s)


def test_the_end_of_a_call_tells_its_times_and_begins_after_call_work(talking: Rig) -> None:
    talking.hear(HoldCall(CALL, True, talking.caller.place()), 20.0)
    talking.hear(HoldCall(CALL, False, talking.caller.place()), 5.0)
    effects = talking.hear(CallOver(CALL, "customer"), 10.0)
    (ended,) = facts(effects, CallEnded)
    assert (ended.ended_by, ended.talk_s, ended.hold_s) == ("customer", 30.0, 5.0)
    assert talking.mix() == {talking.phone: (), CUSTOMER: ()}
    assert [finished.ended_by for finished in desk(effects, CallFinished)] == ["customer"]
    assert timers(effects) == []
    assert talking.phase() is AgentPhase.ACW


def test_a_call_ended_on_hold_counts_the_hold(talking: Rig) -> None:
    talking.hear(HoldCall(CALL, True, talking.caller.place()), 20.0)
    effects = talking.hear(CallOver(CALL, "customer"), 7.0)
    assert [(fact.talk_s, fact.hold_s) for fact in facts(effects, CallEnded)] == [(20.0, 7.0)]


def test_hanging_up_asks_the_campaign(talking: Rig) -> None:
    effects = talking.hear(HangUpCall(CALL, talking.caller.place()))
    assert told(effects, talking.campaign, EndCall) == [EndCall(CALL, "agent")]
    talking.hear(CallOver(CALL, "agent"))
    talking.hear(HangUpCall(CALL, talking.caller.place()))
    assert talking.caller.slugs == ["illegal-transition"]


@pytest.mark.parametrize("phase", [AgentPhase.TALKING, AgentPhase.HOLDING, AgentPhase.ACW],
                         ids=lambda phase: phase.value)  # fmt: skip
def test_a_disposition_goes_to_the_campaign_with_its_place_of_answer(
    rig: Rig, phase: AgentPhase
) -> None:
    at(rig, phase)
    place = rig.caller.place()
    effects = rig.hear(SetDisposition(CALL, "success", "fine", 0.0, 0.0, "r1", place))
    assert told(effects, rig.campaign, DisposeCall) == [
        DisposeCall(CALL, ANN, "success", "fine", 0.0, 0.0, "r1", place)
    ]
    assert place.open


def test_a_disposition_of_another_call_or_too_early_is_refused(rig: Rig) -> None:
    rig.take(automatic=False)
    for call in (OTHER_CALL, CALL):
        rig.hear(SetDisposition(call, "success", "", 0.0, 0.0, "", rig.caller.place()))
    assert rig.caller.slugs == ["unknown-call", "illegal-transition"]


# --- after-call work -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("state", "phase"),
    [
        pytest.param(READY, AgentPhase.READY, id="ready"),
        pytest.param(NOT_READY, AgentPhase.NOT_READY, id="not ready"),
        pytest.param(SUPERVISING, AgentPhase.SUPERVISING, id="supervising"),
        pytest.param(LOGGED_OUT, AgentPhase.LOGGED_OUT, id="logged out"),
    ],
)
def test_a_state_chosen_in_after_call_work_ends_it(
    rig: Rig, state: AgentState, phase: AgentPhase
) -> None:
    at(rig, AgentPhase.ACW)
    rig.now_s += 12.0
    effects = rig.choose(state)
    assert told(effects, rig.campaign, WorkFinished) == [WorkFinished(CALL, ANN, 12.0)]
    assert rig.phase() is phase
    assert rig.view.attempt_id is None


def test_after_call_work_ends_at_its_limit(rig: Rig) -> None:
    rig.take(acw_limit_s=20.0)
    effects = rig.hear(CallOver(CALL, "customer"))
    assert timers(effects) == [(20.0, AcwExpired(CALL))]
    effects = rig.hear(AcwExpired(CALL), 20.0)
    assert told(effects, rig.campaign, WorkFinished) == [WorkFinished(CALL, ANN, 20.0)]
    assert rig.phase() is AgentPhase.READY


def test_not_ready_chosen_in_the_call_follows_after_call_work(talking: Rig) -> None:
    talking.choose(NOT_READY, "lunch")
    talking.hear(CallOver(CALL, "customer"))
    assert talking.phase() is AgentPhase.ACW
    effects = talking.hear(AcwExpired(CALL))
    assert (talking.phase(), talking.view.reason) == (AgentPhase.NOT_READY, "lunch")
    assert [fact.by for fact in facts(effects, AgentChanged)] == ["agent"]


def test_an_agent_who_leaves_during_a_call_is_logged_out_after_bounded_work(talking: Rig) -> None:
    talking.choose(LOGGED_OUT)
    effects = talking.hear(CallOver(CALL, "customer"))
    assert timers(effects) == [(LAST_ACW_S, AcwExpired(CALL))]
    effects = talking.hear(AcwExpired(CALL))
    assert len(done(effects, HangUp)) == 1
    assert talking.phase() is AgentPhase.LOGGED_OUT


# --- previews ------------------------------------------------------------------------------


def test_a_record_for_review_makes_busy_and_is_shown(rig: Rig) -> None:
    effects = rig.preview(limit_s=40.0)
    assert [shown.expires_s for shown in desk(effects, PreviewShown)] == [rig.now_s + 40.0]
    assert timers(effects) == [(40.0, PreviewExpired(REF))]
    assert rig.view.state is AgentState.BUSY


def test_an_agent_who_is_not_ready_lets_a_record_go(rig: Rig) -> None:
    rig.choose(NOT_READY)
    effects = rig.preview()
    assert [each.decision for each in told(effects, rig.campaign, PreviewDecided)] == ["skip"]


def test_a_previewed_record_is_called_joined_and_worked_on(rig: Rig) -> None:
    rig.preview()
    rig.now_s += 8.0
    effects = rig.decide("call", 2)
    (decided,) = told(effects, rig.campaign, PreviewDecided)
    assert (decided.decision, decided.number_index, decided.preview_s) == ("call", 2, 8.0)
    rig.hear(PreviewDialing(CALL))
    assert (rig.phase(), rig.view.attempt_id) == (AgentPhase.DIALING, CALL)
    effects = rig.take(automatic=False)
    assert len(told(effects, rig.campaign, CallTaken)) == 1
    rig.hear(CallOver(CALL, "customer"))
    assert rig.phase() is AgentPhase.ACW


def test_another_call_is_declined_while_a_previewed_one_is_dialed(rig: Rig) -> None:
    at(rig, AgentPhase.DIALING)
    effects = rig.take(attempt_id=OTHER_CALL)
    assert len(told(effects, rig.campaign, CallDeclined)) == 1
    assert rig.phase() is AgentPhase.DIALING


def test_a_previewed_call_not_answered_leaves_work(rig: Rig) -> None:
    at(rig, AgentPhase.DIALING)
    effects = rig.hear(CallOver(CALL, "busy"))
    assert [finished.ended_by for finished in desk(effects, CallFinished)] == ["busy"]
    assert rig.phase() is AgentPhase.ACW
    assert not facts(effects, CallEnded)
    effects = rig.choose(READY)
    assert len(told(effects, rig.campaign, WorkFinished)) == 1


def test_a_previewed_call_that_never_left_leaves_no_work(rig: Rig) -> None:
    at(rig, AgentPhase.DIALING)
    effects = rig.hear(CallOver(CALL, "not-placed"))
    assert [gone.reason for gone in desk(effects, PreviewGone)] == ["not-placed"]
    assert rig.phase() is AgentPhase.READY


def test_a_record_that_cannot_be_called_now_frees_the_agent(rig: Rig) -> None:
    rig.preview()
    rig.decide("call")
    rig.choose(NOT_READY, "lunch")
    effects = rig.hear(PreviewOver(REF, "outside-hours"))
    assert [gone.reason for gone in desk(effects, PreviewGone)] == ["outside-hours"]
    assert (rig.phase(), rig.view.reason) == (AgentPhase.NOT_READY, "lunch")


@pytest.mark.parametrize(
    ("decision", "phase", "reason"),
    [
        pytest.param("skip", AgentPhase.READY, "", id="skip"),
        pytest.param("complete", AgentPhase.READY, "", id="complete"),
        pytest.param("reject", AgentPhase.NOT_READY, "rejected", id="reject"),
    ],
)
def test_a_review_ends_without_a_call(
    rig: Rig, decision: str, phase: AgentPhase, reason: str
) -> None:
    rig.preview()
    answered = len(rig.caller.values)
    effects = rig.decide(decision)
    assert len(rig.caller.values) == answered + 1
    assert [each.decision for each in told(effects, rig.campaign, PreviewDecided)] == [decision]
    assert [gone.reason for gone in desk(effects, PreviewGone)] == [decision]
    assert (rig.phase(), rig.view.reason) == (phase, reason)


def test_a_review_that_lasts_too_long_makes_not_ready(rig: Rig) -> None:
    rig.preview(limit_s=40.0)
    effects = rig.hear(PreviewExpired(REF), 40.0)
    assert [each.decision for each in told(effects, rig.campaign, PreviewDecided)] == ["timeout"]
    assert (rig.phase(), rig.view.reason) == (AgentPhase.NOT_READY, "missed-preview")


def test_a_decision_without_a_record_or_of_no_kind_is_refused(rig: Rig) -> None:
    rig.decide("call")
    rig.decide("ponder")
    assert rig.caller.slugs == ["unknown-record", "bad-decision"]


# --- supervision ---------------------------------------------------------------------------


def test_supervision_is_refused_without_a_call(rig: Rig) -> None:
    (refused,) = told(rig.join(), rig.session, SupervisionRefused)
    assert refused.error.slug == "no-call"


def test_a_supervisor_joins_changes_and_leaves_by_the_mix_alone(talking: Rig) -> None:
    supervisor = LegId("sup")
    effects = talking.join()
    assert told(effects, talking.session, SupervisionJoined) == [SupervisionJoined(CALL)]
    assert talking.mix()[supervisor] == (CUSTOMER, talking.phone)
    assert talking.mix()[talking.phone] == (CUSTOMER,)
    assert not desk(effects, StateShown)
    talking.hear(ChangeSupervision(SessionId("s1"), SupervisionMode.BARGE_IN))
    assert talking.mix()[CUSTOMER] == (talking.phone, supervisor)
    talking.hear(LeaveSupervision(SessionId("s1")))
    assert talking.mix() == {talking.phone: (CUSTOMER,), CUSTOMER: (talking.phone,)}
    assert not talking.hear(LeaveSupervision(SessionId("s1")))
    assert not talking.hear(ChangeSupervision(SessionId("s1"), SupervisionMode.COACH))


def test_a_supervisor_stays_through_hold(talking: Rig) -> None:
    talking.join(SupervisionMode.COACH)
    talking.hear(HoldCall(CALL, True, talking.caller.place()))
    assert talking.mix()[talking.phone] == (LegId("sup"),)
    assert talking.mix()[CUSTOMER] == ()


@pytest.mark.parametrize("ends", ["customer", "phone"])
def test_supervisors_are_told_when_the_agent_leaves_the_call(talking: Rig, ends: str) -> None:
    talking.join()
    effects = (
        talking.hear(CallOver(CALL, "customer")) if ends == "customer" else talking.phone_ends()
    )
    assert told(effects, talking.session, SupervisedCallEnded) == [SupervisedCallEnded(CALL)]
    assert talking.mix()[LegId("sup")] == ()


# --- what else is told ---------------------------------------------------------------------


def test_gauges_tell_the_interaction_in_hand(talking: Rig) -> None:
    talking.hear(HoldCall(CALL, True, talking.caller.place()), 10.0)
    (published,) = done(talking.hear(SampleGauges(), 4.0), PublishGauges)
    assert published.object_id == ANN
    assert published.gauges == AgentGauges(
        active=1,
        hold=4.0,
        interaction=NUMBER,
        interaction_direction="hold",
        service=SPRING,
        talk=10.0,
    )


def test_an_idle_agent_has_nothing_in_hand(rig: Rig) -> None:
    (published,) = done(rig.hear(SampleGauges()), PublishGauges)
    assert published.gauges == AgentGauges(active=0)


def test_a_changed_team_is_told_to_the_router(rig: Rig) -> None:
    spec = AgentSpec(agent_id=ANN, team_id=TeamId("blue"))
    (moved,) = told(rig.hear(ConfigureAgent(spec)), rig.router, AgentMoved)
    assert moved.team_id == "blue"
