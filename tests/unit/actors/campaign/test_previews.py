"""Preview mode: records on agents' desktops, called or closed without a call."""

import pytest

from engine.actors.messages import (
    AgentForPreview,
    AgentLost,
    CallMoved,
    CallOver,
    CallsLaunched,
    CloseRecord,
    ListSampled,
    PermitsGranted,
    PermitsRefused,
    PreviewDecided,
    PreviewDialing,
    PreviewOver,
    RecordsReserved,
    Rejoin,
    ReleaseRecord,
    RequestPermits,
    ReserveNumber,
    ReserveRecords,
    ReturnAgent,
    ReturnPermits,
    TakeCall,
    TakePreview,
    TrunkSampled,
    WantPreviewers,
)
from engine.domain.causes import NO_ANSWER
from engine.domain.facts import AttemptClosed, RecordChanged, RecordPreviewed
from engine.domain.ids import AgentId
from engine.domain.refusals import JournalError
from engine.domain.specs import Mode
from engine.ports import LegAnswered, LegEnded, PlaceCall
from tests.unit.actors.campaign.rig import (
    ANN,
    BOB,
    CAMPAIGN,
    NORTH,
    PEOPLE,
    SOUTH,
    Rig,
    record_of,
)


@pytest.fixture
def rig() -> Rig:
    rig = Rig(mode=Mode.PREVIEW)
    rig.start()
    return rig


def review(rig: Rig, row: int = 1, agent_id: AgentId = ANN) -> None:
    """Come as far as a record on an agent's desktop."""
    (asked,) = rig.told_by(rig.tell(AgentForPreview(agent_id)), PEOPLE, ReserveRecords)
    rig.tell(RecordsReserved(PEOPLE, 1, (record_of(row),), asked.purpose))


def decided(
    decision: str, number_index: int = -1, disposition: str = "", row: int = 1
) -> PreviewDecided:
    return PreviewDecided(ANN, record_of(row).ref, decision, number_index, disposition, "", 4.0)


def called(rig: Rig) -> PlaceCall:
    """Come as far as the INVITE of a reviewed record."""
    review(rig)
    rig.tell(decided("call"))
    rig.tell(PermitsGranted(NORTH, 1))
    return rig.done_by(rig.journal(), PlaceCall)[-1]


def test_agents_are_wanted_while_there_are_records(rig: Rig) -> None:
    rig.tell(ListSampled(PEOPLE, 0, 5))
    rig.tell(ListSampled(PEOPLE, 3, 5))
    rig.stop()
    wanted = [each.wanted for each in rig.told("router", WantPreviewers)]
    assert wanted == [True, False, True, False]


def test_a_router_that_began_anew_is_told_what_is_wanted(rig: Rig) -> None:
    effects = rig.tell(Rejoin())
    assert rig.told_by(effects, "router", WantPreviewers) == [WantPreviewers(CAMPAIGN, True)]


def test_an_agent_for_whom_there_is_no_record_goes_back(rig: Rig) -> None:
    (asked,) = rig.told_by(rig.tell(AgentForPreview(ANN)), PEOPLE, ReserveRecords)
    effects = rig.tell(RecordsReserved(PEOPLE, 1, (), asked.purpose))
    assert rig.told_by(effects, "router", ReturnAgent) == [ReturnAgent(ANN)]
    effects = rig.tell(AgentForPreview(ANN))
    assert rig.told_by(effects, "router", ReturnAgent) == [ReturnAgent(ANN)]


def test_a_stop_before_the_review_gives_record_and_agent_back(rig: Rig) -> None:
    (asked,) = rig.told_by(rig.tell(AgentForPreview(ANN)), PEOPLE, ReserveRecords)
    rig.stop()
    effects = rig.tell(RecordsReserved(PEOPLE, 1, (record_of(1),), asked.purpose))
    assert rig.told_by(effects, PEOPLE, ReleaseRecord) == [ReleaseRecord(CAMPAIGN, 1)]
    assert rig.told_by(effects, "router", ReturnAgent) == [ReturnAgent(ANN)]


def test_a_call_is_made_as_the_agents_own_and_joined_without_asking(rig: Rig) -> None:
    call = called(rig)
    assert rig.told(ANN, PreviewDialing) == [PreviewDialing(call.attempt_id)]
    effects = rig.tell(LegAnswered(call.leg_id, b"dialog"))
    (take,) = rig.told_by(effects, ANN, TakeCall)
    assert take.automatic


def test_the_pacer_hears_nothing_of_previewed_calls(rig: Rig) -> None:
    call = called(rig)
    rig.tell(LegEnded(call.leg_id, NO_ANSWER))
    assert rig.told("pacer", CallsLaunched) == []
    assert rig.told("pacer", CallMoved) == []


def test_an_unanswered_call_frees_the_agent(rig: Rig) -> None:
    call = called(rig)
    effects = rig.tell(LegEnded(call.leg_id, NO_ANSWER))
    assert rig.told_by(effects, ANN, CallOver) == [CallOver(call.attempt_id, "no-answer")]


@pytest.mark.parametrize("how", ["stopped", "not durable"])
def test_a_call_that_never_left_frees_the_agent_by_its_record(rig: Rig, how: str) -> None:
    review(rig)
    rig.tell(decided("call"))
    rig.tell(PermitsGranted(NORTH, 1))
    if how == "stopped":
        rig.stop()
    effects = rig.journal(JournalError("disk full") if how == "not durable" else None)
    assert rig.told_by(effects, ANN, PreviewOver) == [PreviewOver(record_of(1).ref, "not-placed")]
    assert rig.told_by(effects, NORTH, ReturnPermits) == [ReturnPermits(1)]
    assert [fact.counted for fact in rig.facts(AttemptClosed)] == [False]


def test_another_number_of_the_record_may_be_chosen(rig: Rig) -> None:
    review(rig)
    (swap,) = rig.told_by(rig.tell(decided("call", 1)), PEOPLE, ReserveNumber)
    assert (swap.row, swap.number_index) == (1, 1)
    swapped = record_of(1, number_index=1)
    effects = rig.tell(RecordsReserved(PEOPLE, 1, (swapped,), swap.purpose))
    assert rig.told_by(effects, NORTH, RequestPermits) == [RequestPermits(1, rig.me)]


def test_a_number_that_may_not_be_called_ends_the_review_and_the_list_keeps_the_record(
    rig: Rig,
) -> None:
    review(rig)
    (swap,) = rig.told_by(rig.tell(decided("call", 1)), PEOPLE, ReserveNumber)
    effects = rig.tell(RecordsReserved(PEOPLE, 1, (), swap.purpose))
    assert rig.told_by(effects, PEOPLE, ReleaseRecord) == []
    assert rig.told_by(effects, ANN, PreviewOver) == [
        PreviewOver(record_of(1).ref, "not-callable-now")
    ]


def test_a_stop_while_the_number_is_swapped_dials_nobody(rig: Rig) -> None:
    review(rig)
    (swap,) = rig.told_by(rig.tell(decided("call", 1)), PEOPLE, ReserveNumber)
    rig.stop()
    effects = rig.tell(RecordsReserved(PEOPLE, 1, (record_of(1),), swap.purpose))
    assert rig.told_by(effects, NORTH, RequestPermits) == []
    assert rig.told_by(effects, PEOPLE, ReleaseRecord) == [ReleaseRecord(CAMPAIGN, 1)]
    assert rig.told_by(effects, ANN, PreviewOver) == [PreviewOver(record_of(1).ref, "stopped")]


@pytest.mark.parametrize(
    ("decision", "disposition", "phase", "rests"),
    [
        pytest.param("skip", "", "waiting", True, id="skip"),
        pytest.param("reject", "", "waiting", True, id="reject"),
        pytest.param("timeout", "", "waiting", True, id="timeout"),
        pytest.param("complete", "success", "done", False, id="complete"),
        pytest.param("complete", "wrong-person", "waiting", True, id="complete for later"),
    ],
)
def test_a_review_without_a_call_closes_the_record(
    rig: Rig, decision: str, disposition: str, phase: str, rests: bool
) -> None:
    review(rig)
    effects = rig.tell(decided(decision, disposition=disposition))
    (close,) = rig.told_by(effects, PEOPLE, CloseRecord)
    (changed,) = rig.facts(RecordChanged)
    (previewed,) = rig.facts(RecordPreviewed)
    assert (close.phase, close.disposition, close.counted) == (phase, disposition, False)
    assert close.next_s == (rig.now_s + 300.0 if rests else 0.0)
    assert (changed.phase, changed.next_s, changed.disposition) == (
        close.phase,
        close.next_s,
        close.disposition,
    )
    assert (previewed.decision, previewed.agent_id, previewed.preview_s) == (decision, ANN, 4.0)
    assert rig.tell(decided(decision)) == []


def test_no_trunk_ends_the_review(rig: Rig) -> None:
    review(rig)
    for trunk_id in (NORTH, SOUTH):
        rig.tell(TrunkSampled(trunk_id, up=False, free_channels=0))
    effects = rig.tell(decided("call"))
    assert rig.told_by(effects, ANN, PreviewOver) == [PreviewOver(record_of(1).ref, "no-trunk")]
    assert rig.told_by(effects, PEOPLE, ReleaseRecord) == [ReleaseRecord(CAMPAIGN, 1)]


@pytest.mark.parametrize("how", ["refused", "stopped"])
def test_a_permit_that_does_not_come_ends_the_review(rig: Rig, how: str) -> None:
    review(rig)
    rig.tell(decided("call"))
    effects = rig.stop() if how == "stopped" else rig.tell(PermitsRefused(NORTH, 1, "trunk-full"))
    reason = "stopped" if how == "stopped" else "no-trunk"
    assert rig.told_by(effects, ANN, PreviewOver) == [PreviewOver(record_of(1).ref, reason)]
    assert rig.told_by(effects, PEOPLE, ReleaseRecord) == [ReleaseRecord(CAMPAIGN, 1)]


def test_a_stop_lets_an_agent_finish_the_review_but_not_call(rig: Rig) -> None:
    review(rig)
    rig.stop()
    effects = rig.tell(decided("call"))
    assert rig.told_by(effects, ANN, PreviewOver) == [PreviewOver(record_of(1).ref, "stopped")]


def test_the_record_of_a_failed_agent_goes_back(rig: Rig) -> None:
    review(rig)
    effects = rig.tell(AgentLost(ANN))
    assert rig.told_by(effects, PEOPLE, ReleaseRecord) == [ReleaseRecord(CAMPAIGN, 1)]
    assert rig.tell(AgentLost(BOB)) == []


def test_a_second_review_of_an_agent_gives_the_first_record_back(rig: Rig) -> None:
    review(rig, 1)
    review(rig, 2)
    assert rig.told(PEOPLE, ReleaseRecord) == [ReleaseRecord(CAMPAIGN, 1)]
    assert [each.ref.row for each in rig.told(ANN, TakePreview)] == [1, 2]
