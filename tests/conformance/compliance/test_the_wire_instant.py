"""D4, D5, D6 at the last instant: what was lawful when it was reserved is asked again."""

from collections.abc import Sequence

import pytest

from engine.compliance import gate as gate_reasons
from engine.compliance import ledger as ledger_reasons
from engine.compliance.gate import CallGate
from engine.compliance.hours import CallingHours
from engine.compliance.ledger import NumberLedger
from engine.domain.e164 import E164, parse_e164
from engine.domain.ids import AttemptId, LegId, TrunkId
from engine.domain.specs import HoursRow
from engine.lists import asking, supply
from engine.lists.asking import Pick
from engine.lists.selection import Selection
from engine.lists.workers import read_number
from engine.ports import Licence, PlaceCall
from tests.unit.lists.builders import CAMPAIGN, NOON_S, columns_of, plain, selection_of, spec_of

HOURS = (HoursRow(opens_s=9 * 3_600, closes_s=18 * 3_600),)
CLOSE_S = NOON_S + 6 * 3_600
GUARD_S = 60


def call_of(pick: Pick) -> PlaceCall:
    return PlaceCall(
        leg_id=LegId("l"),
        attempt_id=AttemptId("a"),
        campaign_id=CAMPAIGN,
        generation=1,
        number=pick.number,
        caller_id=E164("+14155550999"),
        caller_name="",
        trunk_id=TrunkId("t"),
        no_answer_s=25.0,
        licence=Licence(pick.number, pick.zones, pick.phone_type, pick.closes_s),
    )


def set_up(zones: Sequence[str] = ("UTC",)) -> tuple[Selection, CallGate, NumberLedger]:
    ledger = NumberLedger()
    spec = spec_of(hours=HOURS, end_guard_s=GUARD_S)
    selection = selection_of(columns_of(plain(500), tuple(zones)), spec, ledger, NOON_S - 4 * 3_600)
    gate = CallGate(ledger)
    gate.open(CAMPAIGN, 1)
    return selection, gate, ledger


@pytest.mark.parametrize("edge_s", [NOON_S - 3 * 3_600, CLOSE_S - GUARD_S])
def test_a_sweep_over_an_edge_second_by_second(edge_s: float) -> None:
    selection, gate, _ = set_up()
    for step in range(-30, 31):
        now_s = edge_s + step
        may = NOON_S - 3 * 3_600 <= now_s < CLOSE_S - GUARD_S
        picks = selection.pick(1, now_s)
        assert bool(picks) == may
        assert all(gate.may_leave(call_of(pick), now_s) is None for pick in picks)


@pytest.mark.parametrize("held_s", [0.0, 0.5, 0.999, 1.0, 2.0])
def test_a_record_reserved_just_before_the_close_and_held_does_not_leave(held_s: float) -> None:
    selection, gate, _ = set_up()
    reserved_s = CLOSE_S - GUARD_S - 1.0
    (pick,) = selection.pick(1, reserved_s)
    answer = gate.may_leave(call_of(pick), reserved_s + held_s)
    assert answer == (None if held_s < 1.0 else gate_reasons.OUTSIDE_HOURS)


def test_an_acknowledged_do_not_call_stops_what_was_reserved_before() -> None:
    selection, gate, ledger = set_up()
    pick, other = selection.pick(2, NOON_S)
    ledger.add_dnc([pick.number])
    assert gate.may_leave(call_of(pick), NOON_S) == gate_reasons.ON_DNC
    assert gate.may_leave(call_of(other), NOON_S) is None


SPELLINGS = [
    f"{country}{open_}{area}{close}{gap}{left}{dash}{right}{extension}"
    for country in ("+1", "1 ", "+1 ", "001 ", "")
    for open_, close in (("", ""), ("(", ")"))
    for gap in ("", " ")
    for dash in ("", "-", " ", ".")
    for extension in ("", " ext. 7", " x99")
    for area, left, right in (("415", "555", "0100"),)
]


def test_a_number_written_in_any_way_is_the_number_that_must_not_be_called() -> None:
    ledger = NumberLedger()
    ledger.add_dnc([parse_e164("+14155550100")])
    assert len(SPELLINGS) >= 200
    for text in SPELLINGS:
        number, _ = read_number(text, "US")
        assert ledger.refusal(number, 0.0, 0.0) == ledger_reasons.DNC, text


def test_reasons_have_one_name_in_every_room() -> None:
    assert gate_reasons.ON_DNC == ledger_reasons.DNC == asking.DNC
    assert (ledger_reasons.IN_USE, ledger_reasons.RESTING) == (asking.IN_USE, asking.RESTING)
    assert gate_reasons.OUTSIDE_HOURS == supply.OUTSIDE_HOURS
    assert gate_reasons.UNKNOWN_ZONE == supply.UNKNOWN_ZONE
    hours: asking.Hours = CallingHours((), 0.0)
    claims: asking.Claims = NumberLedger()
    assert not hours.opening("phone", ("UTC",), 0.0).open
    assert claims.refusal(1, 0.0, 0.0) == ""
