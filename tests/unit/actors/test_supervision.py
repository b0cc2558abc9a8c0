from collections.abc import Sequence

import pytest

from engine.actors.desk import SessionOver, SessionShown
from engine.actors.kernel.effects import Effect, Refuse, Reply, Stop
from engine.actors.kernel.ref import Ref
from engine.actors.messages import (
    AgentMessage,
    BeginSupervision,
    ChangeSupervision,
    DescribeSession,
    EndSupervision,
    ForgetSession,
    JoinSupervision,
    Journaled,
    LeaveSupervision,
    SetSupervisionMode,
    SupervisedCallEnded,
    SupervisionJoined,
    SupervisionMessage,
    SupervisionRefused,
)
from engine.actors.supervision import JOIN_S, RING_S, SupervisionBehavior
from engine.domain.causes import HUNG_UP, NO_ANSWER
from engine.domain.facts import (
    AgentLegClosed,
    AgentLegIntended,
    AgentLegOpened,
    SupervisionEnded,
    SupervisionModeChanged,
    SupervisionStarted,
)
from engine.domain.ids import AgentId, AttemptId, IdSource, LegId, SessionId, SupervisorId
from engine.domain.refusals import JournalError, NotNowError
from engine.machines.mix import SupervisionMode
from engine.ports import CallPhone, HangUp, LegAnswered, LegEnded, OpenAudioLeg
from tests.unit.actors.reading import Answers, desk, done, facts, seed_of, timers, told

CALL = AttemptId("a1-0001-000000aa")
LEG = LegId("a1-0001-00000001")
MONITOR, COACH = SupervisionMode.MONITOR, SupervisionMode.COACH


class Rig:
    """One session under test; ``phone`` as in the behavior."""

    def __init__(self, phone: str | None = None) -> None:
        self.agent: Ref[AgentMessage] = Ref("agent")
        self.me: Ref[SupervisionMessage] = Ref("session")
        self.session = SupervisionBehavior(
            SessionId("s1"),
            SupervisorId("sue"),
            self.agent,
            AgentId("ann"),
            MONITOR,
            phone,
            IdSource("a1", 1),
            seed_of,
            me=self.me,
        )
        self.caller = Answers()

    def hear(self, message: SupervisionMessage) -> Sequence[Effect]:
        effects = self.session.on(message, 1000.0)
        for effect in effects:
            if isinstance(effect, Reply):
                effect.reply_to.resolve(effect.value, None)
            elif isinstance(effect, Refuse):
                effect.reply_to.resolve(None, effect.error)
        return effects

    def begin(self) -> Sequence[Effect]:
        return self.hear(BeginSupervision(self.caller.place()))

    def answered(self) -> Sequence[Effect]:
        return self.hear(LegAnswered(LEG, b"dialog"))

    def change(self, mode: SupervisionMode) -> Sequence[Effect]:
        return self.hear(SetSupervisionMode(mode, self.caller.place()))


@pytest.fixture
def joined() -> Rig:
    """Return a session by audio stream, in the agent's call."""
    rig = Rig()
    rig.begin()
    rig.answered()
    rig.hear(SupervisionJoined(CALL))
    return rig


def ends(effects: Sequence[Effect], reason: str) -> bool:
    """Say whether the session told everybody that it is over, and stopped."""
    over = [event.reason for event in desk(effects, SessionOver)]
    forgotten = done(effects, ForgetSession)
    return over == [reason] and len(forgotten) == 1 and isinstance(effects[-1], Stop)


def test_a_stream_needs_no_phone() -> None:
    rig = Rig()
    assert done(rig.begin(), OpenAudioLeg) == [OpenAudioLeg(LEG)]
    effects = rig.answered()
    assert told(effects, rig.agent, JoinSupervision) == [
        JoinSupervision(SessionId("s1"), rig.me, LEG, MONITOR, SupervisorId("sue"))
    ]
    assert not facts(effects, AgentLegOpened)


@pytest.mark.parametrize("address", ["", "sip:sue@desk"])
def test_a_phone_is_called_once_its_leg_is_durable(address: str) -> None:
    rig = Rig(phone=address)
    effects = rig.begin()
    assert [fact.agent_id for fact in facts(effects, AgentLegIntended)] == ["sue"]
    assert not done(effects, CallPhone)
    effects = rig.hear(Journaled(("leg", LEG), None))
    assert done(effects, CallPhone) == [CallPhone(LEG, AgentId("sue"), address, RING_S)]
    effects = rig.answered()
    assert [fact.dialog for fact in facts(effects, AgentLegOpened)] == [b"dialog"]


def test_begin_is_answered_when_the_call_is_joined_and_that_is_written_down() -> None:
    rig = Rig()
    rig.begin()
    rig.answered()
    assert rig.caller.values == []
    effects = rig.hear(SupervisionJoined(CALL))
    (view,) = rig.caller.values
    assert (view.attempt_id, view.leg_up, view.mode) == (CALL, True, MONITOR)
    (fact,) = facts(effects, SupervisionStarted)
    assert (fact.supervisor_id, fact.agent_id, fact.mode) == ("sue", "ann", "monitor")
    assert [shown.view for shown in desk(effects, SessionShown)] == [view]


def test_an_agent_without_a_call_refuses_and_the_session_ends() -> None:
    rig = Rig()
    rig.begin()
    rig.answered()
    effects = rig.hear(SupervisionRefused(NotNowError("none", slug="no-call")))
    assert rig.caller.slugs == ["no-call"]
    assert ends(effects, "no-call")
    assert [hang_up.leg_id for hang_up in done(effects, HangUp)] == [LEG]
    assert not facts(effects, SupervisionEnded)


def test_a_phone_that_does_not_answer_ends_the_session() -> None:
    rig = Rig(phone="")
    rig.begin()
    rig.hear(Journaled(("leg", LEG), None))
    effects = rig.hear(LegEnded(LEG, NO_ANSWER))
    assert rig.caller.slugs == ["phone-unreachable"]
    assert ends(effects, "phone-unreachable")
    assert [fact.cause for fact in facts(effects, AgentLegClosed)] == ["no-answer"]
    assert not done(effects, HangUp)


def test_a_journal_that_cannot_be_written_rings_no_phone() -> None:
    rig = Rig(phone="")
    rig.begin()
    effects = rig.hear(Journaled(("leg", LEG), JournalError("full")))
    assert rig.caller.slugs == ["journal-unwritable"]
    assert not done(effects, CallPhone)
    assert not done(effects, HangUp)


def test_an_agent_that_never_answers_ends_the_session_in_time() -> None:
    rig = Rig()
    rig.begin()
    ((delay_s, message),) = timers(rig.answered())
    assert delay_s == JOIN_S
    assert isinstance(message, EndSupervision)
    assert ends(rig.hear(message), "agent-unreachable")
    assert rig.caller.slugs == ["agent-unreachable"]


def test_a_mode_change_is_told_to_the_agent_and_written_down(joined: Rig) -> None:
    effects = joined.change(COACH)
    assert told(effects, joined.agent, ChangeSupervision) == [
        ChangeSupervision(SessionId("s1"), COACH)
    ]
    assert [fact.mode for fact in facts(effects, SupervisionModeChanged)] == ["coach"]
    assert joined.caller.values[-1].mode is COACH
    assert not facts(joined.change(COACH), SupervisionModeChanged)


def test_a_mode_chosen_before_the_call_is_joined_is_the_one_it_starts_in() -> None:
    rig = Rig()
    rig.begin()
    assert not told(rig.change(COACH), rig.agent, ChangeSupervision)
    (join,) = told(rig.answered(), rig.agent, JoinSupervision)
    assert join.mode is COACH


def test_the_supervisor_ends_the_session_and_the_call_goes_on(joined: Rig) -> None:
    effects = joined.hear(EndSupervision("ended", joined.caller.place()))
    assert told(effects, joined.agent, LeaveSupervision) == [LeaveSupervision(SessionId("s1"))]
    assert [hang_up.leg_id for hang_up in done(effects, HangUp)] == [LEG]
    assert [fact.reason for fact in facts(effects, SupervisionEnded)] == ["ended"]
    assert joined.caller.values[-1] is None
    assert ends(effects, "ended")


def test_the_session_ends_with_the_agents_call(joined: Rig) -> None:
    assert ends(joined.hear(SupervisedCallEnded(CALL)), "call-ended")


def test_the_session_ends_with_the_supervisors_leg(joined: Rig) -> None:
    effects = joined.hear(LegEnded(LEG, HUNG_UP))
    assert told(effects, joined.agent, LeaveSupervision)
    assert ends(effects, "phone-lost")
    assert not done(effects, HangUp)


def test_a_phones_leg_is_closed_in_the_log_as_it_is_hung_up() -> None:
    rig = Rig(phone="")
    rig.begin()
    rig.hear(Journaled(("leg", LEG), None))
    rig.answered()
    rig.hear(SupervisionJoined(CALL))
    effects = rig.hear(EndSupervision("ended"))
    assert [fact.leg_id for fact in facts(effects, AgentLegClosed)] == [LEG]


def test_a_second_begin_is_refused(joined: Rig) -> None:
    joined.begin()
    assert joined.caller.slugs == ["already-begun"]


def test_words_of_other_legs_and_late_ones_change_nothing(joined: Rig) -> None:
    assert not joined.hear(LegAnswered(LegId("other"), b""))
    assert not joined.hear(LegEnded(LegId("other"), HUNG_UP))
    assert not joined.hear(SupervisionJoined(CALL))
    assert not joined.answered()


def test_a_session_can_be_described(joined: Rig) -> None:
    joined.hear(DescribeSession(joined.caller.place()))
    assert joined.caller.values[-1].session_id == "s1"
