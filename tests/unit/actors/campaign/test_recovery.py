"""Attempts that an earlier life, or a failed behavior, left open: closed as made, once."""

import pytest
from msgspec.structs import replace

from engine.actors.campaign.placing import Intent, IntentToken
from engine.actors.messages import (
    BlockNumber,
    CallMoved,
    CallOver,
    CallsLaunched,
    CallsLost,
    CampaignMoved,
    ChannelFreed,
    CloseRecord,
    Journaled,
    LinkCampaign,
    QueueCall,
    Recover,
    Rejoin,
    ReleaseRecord,
    ReturnPermits,
    WatchTrunk,
)
from engine.domain.facts import AttemptClosed, DncAdded
from engine.domain.ids import AgentId, AttemptId, LegId
from engine.domain.refusals import JournalError
from engine.ports import EndOldLeg, OpenAttempt, RunState
from tests.unit.actors.campaign.rig import ANN, CAMPAIGN, NOON_S, NORTH, PEOPLE, Rig, record_of

LOST = OpenAttempt(
    attempt_id=AttemptId("a1-0001-00000001"),
    campaign_id=CAMPAIGN,
    list_id=PEOPLE,
    row=3,
    number_index=1,
    number="+14155550003",
    leg_id=LegId("a1-0001-00000002"),
    trunk_id=NORTH,
    call_id="call",
    branch="branch",
    dialog=b"",
    disposition="",
    agent_id=AgentId(""),
    callback_s=0.0,
    retry=False,
    connected=False,
)
ANSWERED = replace(LOST, dialog=b"dialog")
CONNECTED = replace(ANSWERED, connected=True, agent_id=ANN)
CASES = [
    pytest.param(LOST, "system-failure", False, False, id="dialing or ringing"),
    pytest.param(replace(LOST, agent_id=ANN), "system-failure", False, False, id="previewed"),
    pytest.param(ANSWERED, "no-agent", True, True, id="queued, offered or treated"),
    pytest.param(replace(ANSWERED, machine=True), "answering-machine", True, False, id="machine"),
    pytest.param(CONNECTED, "no-disposition", True, False, id="talking"),
    pytest.param(replace(CONNECTED, disposition="success"), "success", True, False, id="disposed"),
    pytest.param(replace(CONNECTED, disposition="gone"), "no-disposition", True, False),
]


@pytest.mark.parametrize("new_life", [True, False])
@pytest.mark.parametrize(("lost", "disposition", "answered", "unattended"), CASES)
def test_a_lost_attempt_closes_as_made(
    lost: OpenAttempt, disposition: str, answered: bool, unattended: bool, new_life: bool
) -> None:
    rig = Rig(lost=[lost], new_life=new_life)
    (fact,) = rig.facts(AttemptClosed)
    (close,) = rig.told(PEOPLE, CloseRecord)
    assert (fact.attempt_id, fact.disposition) == (lost.attempt_id, disposition)
    assert (fact.answered, fact.unattended, fact.counted) == (answered, unattended, True)
    assert fact.agent_id == (lost.agent_id if lost.connected else "")
    assert (close.row, close.number_index, close.phase, close.next_s, close.counted) == (
        fact.row,
        fact.number_index,
        fact.phase,
        fact.next_s,
        fact.counted,
    )
    assert rig.open_attempts == 0


@pytest.mark.parametrize(
    ("lost", "counted"),
    [
        pytest.param(ANSWERED, 1, id="a person"),
        pytest.param(replace(ANSWERED, agent_id=ANN), 0, id="reviewed"),
        pytest.param(replace(ANSWERED, machine=True), 0, id="machine"),
        pytest.param(CONNECTED, 0, id="talking"),
        pytest.param(LOST, 0, id="ringing"),
    ],
)
def test_a_person_who_is_lost_counts_for_pacing_once_it_knows_the_campaign(
    lost: OpenAttempt, counted: int
) -> None:
    rig = Rig(lost=[lost], new_life=True)
    messages = [*rig.told("pacer", object)]
    kinds = [type(each) for each in messages if isinstance(each, CampaignMoved | CallMoved)]
    assert kinds == [CampaignMoved, *[CallMoved] * counted]
    assert all(each.stage == "unattended" for each in messages if isinstance(each, CallMoved))


def test_a_new_life_ends_the_leg_by_its_dialog() -> None:
    rig = Rig(lost=[CONNECTED])
    assert rig.all_done(EndOldLeg) == [
        EndOldLeg(CONNECTED.leg_id, b"dialog", CONNECTED.number, NORTH)
    ]
    assert rig.told(NORTH, ChannelFreed) == []


@pytest.mark.parametrize(
    ("lost", "leg_open", "freed"),
    [
        pytest.param(LOST, True, 1, id="dialing"),
        pytest.param(LOST, False, 1, id="permit not used yet"),
        pytest.param(CONNECTED, True, 1, id="talking"),
        pytest.param(CONNECTED, False, 0, id="the customer had hung up"),
    ],
)
def test_the_same_life_frees_each_channel_once(
    lost: OpenAttempt, leg_open: bool, freed: int
) -> None:
    rig = Rig()
    legs = frozenset({lost.leg_id}) if leg_open else frozenset()
    rig.tell(Recover(RunState(True, 3, 1.0), (lost,), new_life=False, open_legs=legs))
    assert len(rig.told(NORTH, ChannelFreed)) == freed
    assert rig.all_done(EndOldLeg) == []
    over = [CallOver(lost.attempt_id, "engine")] if lost.connected else []
    assert rig.told(ANN, CallOver) == over
    assert rig.told("pacer", CallsLost) == [CallsLost(CAMPAIGN)]


def test_a_callback_that_was_promised_holds() -> None:
    due_s = NOON_S + 7_200.0
    rig = Rig(lost=[replace(CONNECTED, disposition="call-back", callback_s=due_s)])
    assert rig.facts(AttemptClosed)[0].next_s == due_s


def test_a_number_that_was_not_to_be_called_again_is_blocked() -> None:
    rig = Rig(lost=[replace(CONNECTED, disposition="add-to-dnc")])
    assert [each.number for each in rig.all_done(BlockNumber)] == [CONNECTED.number]
    assert [(each.number, each.by) for each in rig.facts(DncAdded)] == [
        (CONNECTED.number, "agent:ann")
    ]


@pytest.mark.parametrize("durable", [True, False])
def test_an_intent_of_a_failed_behavior_gives_back_what_it_held_unless_it_is_recovered(
    durable: bool,
) -> None:
    rig = Rig()
    token = IntentToken((Intent(AttemptId("gone"), record_of(4).ref, NORTH),))
    rig.tell(Journaled(token, None if durable else JournalError("disk full")))
    assert rig.told(NORTH, ReturnPermits) == ([] if durable else [ReturnPermits(1)])
    assert rig.told(PEOPLE, ReleaseRecord) == ([] if durable else [ReleaseRecord(CAMPAIGN, 4)])


def test_who_began_anew_is_told_of_everything() -> None:
    rig = Rig()
    rig.start()
    flying, waiting = rig.placed(1), rig.answered(2)
    launched_s = rig.now_s
    rig.now_s += 1.0
    effects = rig.tell(Rejoin())
    assert rig.told_by(effects, "router", QueueCall) == [
        QueueCall(CAMPAIGN, waiting.attempt_id, launched_s)
    ]
    assert rig.told_by(effects, "pacer", CallsLaunched) == [
        CallsLaunched(CAMPAIGN, 0, 1, launched_s)
    ]
    assert [each.running for each in rig.told_by(effects, "pacer", CampaignMoved)] == [True]
    assert len(rig.told_by(effects, PEOPLE, LinkCampaign)) == 1
    assert len(rig.told_by(effects, NORTH, WatchTrunk)) == 1
    assert flying.attempt_id != waiting.attempt_id
