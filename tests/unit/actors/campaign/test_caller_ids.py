"""Which number a campaign's calls show, and that it is written down before it is shown."""

from collections.abc import Sequence
from typing import Any

import pytest

from engine.actors.kernel.effects import Effect
from engine.actors.messages import (
    AgentForPreview,
    CallsLaunched,
    ConfigureCampaign,
    FieldsRead,
    PermitsGranted,
    PreviewDecided,
    PreviewOver,
    ReadFields,
    RecordsReserved,
    ReleaseRecord,
    RequestPermits,
    ReserveRecords,
    ReturnPermits,
    StartCalls,
)
from engine.domain.causes import cause_of_status
from engine.domain.e164 import E164
from engine.domain.facts import AttemptClosed, AttemptIntended, AttemptRerouted
from engine.domain.specs import Mode
from engine.machines.campaign import CampaignPhase
from engine.ports import LegEnded, PlaceCall
from tests.unit.actors.campaign.rig import (
    ANN,
    CAMPAIGN,
    NORTH,
    PEOPLE,
    SOUTH,
    Rig,
    record_of,
    spec_of,
)

OWN, NEAR, FAR = E164("+14155550000"), E164("+14155559999"), E164("+12125550100")
SHOWN = E164("+442071838750")


def started(**changes: Any) -> Rig:
    rig = Rig(**changes)
    rig.start()
    return rig


def read(rig: Rig, *values: str) -> list[Effect]:
    """Answer the newest question for fields."""
    asked = rig.all_done(ReadFields)[-1]
    return rig.tell(FieldsRead(asked.token, values))


def shown(rig: Rig) -> Sequence[tuple[str, str]]:
    """Return the numbers written down, and those that calls then show."""
    calls = rig.done_by(rig.journal(), PlaceCall)
    intended = rig.facts(AttemptIntended)
    return [(fact.caller_id, call.caller_id) for fact, call in zip(intended, calls, strict=True)]


@pytest.mark.parametrize(
    ("changes", "number"),
    [
        pytest.param({}, OWN, id="its own"),
        pytest.param({"caller_ids": (FAR, NEAR)}, NEAR, id="nearest before its own"),
        pytest.param({"caller_ids": (SHOWN,)}, OWN, id="none of that country"),
        pytest.param({"caller_ids": (SHOWN, FAR), "caller_id": None}, FAR, id="nearest of two"),
        pytest.param({"caller_ids": (SHOWN,), "caller_id": None}, SHOWN, id="better than none"),
    ],
)
def test_a_call_shows_the_nearest_number_or_the_campaigns_own(
    changes: dict[str, Any], number: str
) -> None:
    rig = started(**changes)
    rig.intended(1)
    assert rig.all_done(ReadFields) == []
    assert shown(rig) == [(number, number)]


def test_the_field_of_the_record_goes_before_the_other_rules() -> None:
    rig = started(caller_id_field="show", caller_ids=(NEAR,))
    rig.intended(1, 2, 3)
    (asked,) = rig.all_done(ReadFields)
    assert (asked.list_id, asked.rows, asked.field) == (PEOPLE, (1, 2, 3), "show")
    assert rig.facts(AttemptIntended) == []
    read(rig, "+44 20 7183 8750", "", "+1\r\nVia: x")
    assert shown(rig) == [(SHOWN, SHOWN), (NEAR, NEAR), (NEAR, NEAR)]
    assert rig.view().caller_ids_refused == 1


def test_changed_numbers_hold_from_the_next_intent_on() -> None:
    rig = started()
    rig.intended(1)
    rig.tell(ConfigureCampaign(spec_of(caller_id=FAR)))
    assert shown(rig) == [(OWN, OWN)]
    rig.intended(2)
    (call,) = rig.done_by(rig.journal(), PlaceCall)
    assert call.caller_id == FAR


def test_a_call_over_another_trunk_shows_the_same_number() -> None:
    rig = started(caller_id_field="show")
    rig.intended(1)
    read(rig, SHOWN)
    (call,) = rig.done_by(rig.journal(), PlaceCall)
    rig.tell(ConfigureCampaign(spec_of(caller_id=FAR)))
    rig.tell(LegEnded(call.leg_id, cause_of_status(503), 503))
    rig.tell(PermitsGranted(SOUTH, 1))
    (again,) = rig.done_by(rig.journal(), PlaceCall)
    assert len(rig.facts(AttemptRerouted)) == 1
    assert (again.trunk_id, again.caller_id) == (SOUTH, SHOWN)


def test_a_stop_while_the_field_is_read_gives_everything_back() -> None:
    rig = started(caller_id_field="show")
    rig.intended(1, 2)
    rig.stop()
    effects = read(rig, SHOWN, SHOWN)
    assert rig.facts(AttemptIntended) == []
    assert rig.told_by(effects, NORTH, ReturnPermits) == [ReturnPermits(1)] * 2
    assert rig.told_by(effects, PEOPLE, ReleaseRecord) == [
        ReleaseRecord(CAMPAIGN, 1),
        ReleaseRecord(CAMPAIGN, 2),
    ]
    assert rig.told_by(effects, "pacer", CallsLaunched) == [CallsLaunched(CAMPAIGN, 2, 0)]
    rig.journal()
    assert rig.view().phase is CampaignPhase.IDLE


def test_a_field_that_a_failed_behavior_asked_for_only_gives_back() -> None:
    """Its permits and records are nobody's; the pacer knows that its calls are lost."""
    first = started(caller_id_field="show")
    first.intended(1)
    asked = first.all_done(ReadFields)[-1]
    again = started(caller_id_field="show")
    effects = again.tell(FieldsRead(asked.token, (SHOWN,)))
    assert again.told_by(effects, NORTH, ReturnPermits) == [ReturnPermits(1)]
    assert again.told_by(effects, PEOPLE, ReleaseRecord) == [ReleaseRecord(CAMPAIGN, 1)]
    assert again.told_by(effects, "pacer", CallsLaunched) == []
    assert again.facts(AttemptIntended) == []


def review(rig: Rig) -> None:
    """Come as far as an agent's wish to call."""
    (asked,) = rig.told_by(rig.tell(AgentForPreview(ANN)), PEOPLE, ReserveRecords)
    rig.tell(RecordsReserved(PEOPLE, 1, (record_of(1),), asked.purpose))
    rig.tell(PreviewDecided(ANN, record_of(1).ref, "call", -1, "", "", 4.0))


def test_a_previewed_call_shows_the_field_too() -> None:
    rig = started(mode=Mode.PREVIEW, caller_id_field="show")
    review(rig)
    rig.tell(PermitsGranted(NORTH, 1))
    read(rig, SHOWN)
    assert shown(rig) == [(SHOWN, SHOWN)]


def test_a_stop_while_the_field_is_read_frees_the_agent() -> None:
    rig = started(mode=Mode.PREVIEW, caller_id_field="show")
    review(rig)
    rig.tell(PermitsGranted(NORTH, 1))
    rig.stop()
    effects = read(rig, SHOWN)
    assert rig.told_by(effects, ANN, PreviewOver) == [PreviewOver(record_of(1).ref, "stopped")]
    assert rig.told_by(effects, "pacer", CallsLaunched) == []


def test_a_campaign_that_lost_its_numbers_calls_nobody_and_says_why() -> None:
    rig = started()
    rig.tell(ConfigureCampaign(spec_of(caller_id=None, caller_id_field="show")))
    effects = rig.tell(StartCalls(3))
    assert rig.told_by(effects, NORTH, RequestPermits) == []
    assert rig.told_by(effects, "pacer", CallsLaunched) == [CallsLaunched(CAMPAIGN, 3, 0)]
    assert rig.view().why_idle == ("no-caller-id",)


def test_a_call_whose_number_was_lost_meanwhile_is_not_placed() -> None:
    rig = started()
    asked = rig.ordered(1)
    rig.tell(ConfigureCampaign(spec_of(caller_id=None)))
    rig.tell(RecordsReserved(PEOPLE, 1, (record_of(1),), asked.purpose))
    assert rig.done_by(rig.journal(), PlaceCall) == []
    assert [fact.counted for fact in rig.facts(AttemptClosed)] == [False]
