"""Selection: order of picking, limits, hours, do-not-call, and records that come back."""

import pytest

from engine.compliance.hours import CallingHours
from engine.compliance.ledger import NumberLedger
from engine.domain.e164 import E164
from engine.domain.specs import HoursRow, NumberChoice
from engine.lists.asking import ATTEMPT_CAP, DAY_CAP, DNC, IN_USE, PARKED_CODES, RESTING, Pick
from engine.lists.columns import ListColumns
from engine.lists.selection import RECHECK_S, Selection
from engine.lists.standing import READY, WAITING
from engine.lists.supply import explain, survey
from engine.ports import RecordState
from tests.unit.lists.builders import (
    CAMPAIGN,
    FIRST_NUMBER,
    LIST,
    NOON_S,
    close,
    columns_of,
    plain,
    selection_of,
    spec_of,
)

DAY_S = 86_400.0


def rows(picks: list[Pick]) -> list[int]:
    return [pick.row for pick in picks]


def parked(selection: Selection, reason: str) -> list[int]:
    return list(selection.parked[PARKED_CODES[reason]])


def test_records_are_picked_in_list_order_over_all_buckets() -> None:
    zones = [("UTC",), ("Europe/Madrid",), ("UTC", "Europe/Madrid")]
    batch = columns_of(plain(30), [zones[n % 3] for n in range(30)])
    selection = selection_of(batch)
    assert rows(selection.pick(7, NOON_S)) == list(range(7))
    assert rows(selection.pick(100, NOON_S)) == list(range(7, 30))
    assert selection.pick(1, NOON_S) == []


def test_priority_goes_first_then_rescheduled_then_list_order() -> None:
    selection = selection_of(columns_of(plain(6), priority=[4]))
    first = selection.pick(2, NOON_S)
    assert rows(first) == [4, 0]
    for pick in first:
        close(selection, pick, NOON_S, next_s=NOON_S + 60)
    assert rows(selection.pick(1, NOON_S + 30)) == [1]
    assert rows(selection.pick(9, NOON_S + 60)) == [0, 4, 2, 3, 5]


def test_records_of_the_next_pass_come_after_all_untried_ones() -> None:
    selection = selection_of(columns_of(plain(4)))
    for pick in selection.pick(2, NOON_S):
        close(selection, pick, NOON_S)
    assert rows(selection.pick(9, NOON_S)) == [2, 3, 0, 1]


def test_a_released_record_has_its_place_again() -> None:
    selection = selection_of(columns_of(plain(4)))
    selection.pick(3, NOON_S)
    assert selection.release(1, NOON_S)
    assert rows(selection.pick(9, NOON_S)) == [1, 3]
    assert survey(selection, NOON_S).untouched == 0


def test_a_released_number_was_not_called_and_so_does_not_rest() -> None:
    selection = selection_of(columns_of(plain(1)), spec_of(min_gap_s=60.0))
    selection.pick(1, NOON_S)
    selection.release(0, NOON_S)
    assert rows(selection.pick(1, NOON_S)) == [0]


def test_a_record_that_went_to_another_bucket_is_counted_there_alone() -> None:
    hours = (
        HoursRow(opens_s=8 * 3_600, closes_s=14 * 3_600, phone_types=("home",)),
        HoursRow(opens_s=8 * 3_600, closes_s=18 * 3_600, phone_types=("mobile",)),
    )
    batch = columns_of([[(0, "home"), (1, "mobile")], [(2, "home"), (3, "mobile")]])
    selection = selection_of(batch, spec_of(hours=hours, end_guard_s=0))
    ghost = Pick(0, 1, E164(f"+{FIRST_NUMBER + 1}"), "mobile", (), 0.0, 0, b"\0\0", 0, 1)
    close(selection, ghost, NOON_S, stop_number=True)
    evening_s = NOON_S + 3 * 3_600
    assert rows(selection.pick(9, evening_s)) == [1]
    assert [bucket.size for bucket in selection.buckets] == [0, 1]
    assert survey(selection, evening_s).callable_now == 0
    assert rows(selection.pick(9, NOON_S + DAY_S)) == [0]


def test_a_released_rescheduled_record_stays_before_regular_ones() -> None:
    selection = selection_of(columns_of(plain(3)))
    close(selection, selection.pick(1, NOON_S)[0], NOON_S, next_s=NOON_S + 10)
    assert rows(selection.pick(1, NOON_S + 10)) == [0]
    selection.release(0, NOON_S + 10)
    assert rows(selection.pick(1, NOON_S + 10)) == [0]


def test_a_pick_tells_what_the_attempt_needs() -> None:
    hours = (HoursRow(opens_s=8 * 3_600, closes_s=21 * 3_600),)
    batch = columns_of([[(0, "home"), (1, "mobile")]], ("Europe/Madrid",))
    selection = selection_of(batch, spec_of(hours=hours, end_guard_s=60))
    assert selection.pick(1, NOON_S) == [
        Pick(
            row=0,
            number_index=0,
            number=E164(f"+{FIRST_NUMBER}"),
            phone_type="home",
            zones=("Europe/Madrid",),
            closes_s=NOON_S + 7 * 3_600 - 60,
            attempts=0,
            number_attempts=b"\0\0",
            retries=0,
            day=int(NOON_S // DAY_S),
        )
    ]


def test_the_first_number_is_tried_until_its_attempts_are_used_up() -> None:
    batch = columns_of([[(0, "home"), (1, "mobile")]])
    selection = selection_of(batch, spec_of(max_attempts_per_number=2))
    tried = []
    for _ in range(4):
        pick = selection.pick(1, NOON_S)[0]
        tried.append(pick.number_index)
        close(selection, pick, NOON_S)
    assert tried == [0, 0, 1, 1]
    assert selection.pick(1, NOON_S) == []
    assert parked(selection, ATTEMPT_CAP) == [0]


def test_least_attempted_takes_turns() -> None:
    batch = columns_of([[(0, "home"), (1, "mobile")]])
    selection = selection_of(batch, spec_of(number_choice=NumberChoice.LEAST_ATTEMPTED))
    tried = []
    for _ in range(4):
        pick = selection.pick(1, NOON_S)[0]
        tried.append(pick.number_index)
        close(selection, pick, NOON_S)
    assert tried == [0, 1, 0, 1]


def test_hours_of_a_phone_type_let_the_next_number_take_its_place() -> None:
    hours = (
        HoursRow(opens_s=8 * 3_600, closes_s=10 * 3_600, phone_types=("home",)),
        HoursRow(opens_s=8 * 3_600, closes_s=20 * 3_600, phone_types=("mobile",)),
    )
    batch = columns_of([[(0, "home"), (1, "mobile")], [(2, "home")], [(3, "mobile")]])
    selection = selection_of(batch, spec_of(hours=hours, end_guard_s=0))
    picks = selection.pick(9, NOON_S)
    assert [(pick.row, pick.phone_type) for pick in picks] == [(0, "mobile"), (2, "mobile")]
    morning_s = NOON_S + 20.5 * 3_600
    assert rows(selection.pick(9, morning_s)) == [1]


def test_buckets_open_and_close_with_the_hours() -> None:
    hours = (HoursRow(opens_s=8 * 3_600, closes_s=20 * 3_600),)
    zones = [("UTC",), ("Asia/Kolkata",), ("America/New_York",), ()]
    selection = selection_of(columns_of(plain(4), zones), spec_of(hours=hours, end_guard_s=60))
    assert survey(selection, NOON_S).callable_now == 3
    assert rows(selection.pick(9, NOON_S)) == [0, 1, 2]
    for row in range(3):
        selection.release(row, NOON_S)
    assert selection.next_change_s() == NOON_S + 2.5 * 3_600 - 60
    assert rows(selection.pick(9, NOON_S + 2.5 * 3_600 - 60)) == [0, 2]
    supply = survey(selection, NOON_S + 3 * 3_600)
    closed = {shortage.reason: shortage for shortage in supply.shortages}
    assert closed["outside-hours"].detail == "Asia/Kolkata phone"
    assert closed["outside-hours"].next_s == NOON_S + 14.5 * 3_600
    assert closed["unknown-zone"].rows == (3,)


@pytest.mark.parametrize("cap", [1, 2, 3])
def test_the_cap_per_day_holds_until_the_day_is_over_at_every_place(cap: int) -> None:
    zones = ("Pacific/Kiritimati", "Pacific/Pago_Pago")  # 25 hours apart
    spec = spec_of(max_attempts_per_day=cap, max_attempts_per_number=90, max_attempts_per_record=90)
    # A quarter before midnight on Kiritimati, where it is 11 o'clock at night on Pago Pago.
    made, now_s = [], NOON_S - 8_100
    selection = selection_of(columns_of(plain(1), zones), spec, now_s=now_s)
    while now_s < NOON_S + 9 * DAY_S:
        for pick in selection.pick(1, now_s):
            made.append(now_s)
            close(selection, pick, now_s)
        now_s += 900
    for zone_shift_h in (14, -11):
        days = [int((at_s + zone_shift_h * 3_600) // DAY_S) for at_s in made]
        assert all(days.count(day) <= cap for day in days)
    assert len(made) >= 2 * cap


def test_a_record_kept_back_by_the_day_says_so() -> None:
    spec = spec_of(max_attempts_per_day=1)
    selection = selection_of(columns_of(plain(1)), spec)
    close(selection, selection.pick(1, NOON_S)[0], NOON_S)
    assert selection.pick(1, NOON_S + 60) == []
    assert parked(selection, DAY_CAP) == [0]
    answer = explain(selection, 0, NOON_S + 60)
    assert (answer.reason, answer.next_callable_s) == (DAY_CAP, NOON_S + DAY_S / 2)
    assert rows(selection.pick(1, NOON_S + DAY_S / 2)) == [0]


def test_a_reset_does_not_lift_the_cap_of_the_record() -> None:
    selection = selection_of(columns_of(plain(1)), spec_of(max_attempts_per_record=1))
    close(selection, selection.pick(1, NOON_S)[0], NOON_S, done=True)
    selection.change(0, READY, 0.0, NOON_S)
    assert selection.pick(1, NOON_S) == []
    assert explain(selection, 0, NOON_S).reason == ATTEMPT_CAP
    spec = spec_of(max_attempts_per_record=2)
    selection.configure(spec, CallingHours(spec.hours, 0.0), NOON_S)
    assert rows(selection.pick(1, NOON_S)) == [0]


def test_a_number_in_two_records_is_called_once_at_a_time() -> None:
    selection = selection_of(columns_of([[(0, "phone")], [(0, "phone")]]))
    first = selection.pick(9, NOON_S)
    assert rows(first) == [0]
    assert parked(selection, IN_USE) == [1]
    close(selection, first[0], NOON_S + 1, done=True)
    assert rows(selection.pick(9, NOON_S + RECHECK_S)) == [1]


def test_a_number_just_called_rests_and_its_person_is_not_called_elsewhere() -> None:
    batch = columns_of([[(0, "home"), (1, "mobile")]])
    selection = selection_of(batch, spec_of(min_gap_s=60.0))
    close(selection, selection.pick(1, NOON_S)[0], NOON_S + 10)
    assert selection.pick(1, NOON_S + 20) == []
    assert parked(selection, RESTING) == [0]
    assert selection.pick(1, NOON_S + 69.9) == []
    assert rows(selection.pick(1, NOON_S + 70)) == [0]


def test_do_not_call_passes_to_the_next_number_or_keeps_the_record_back() -> None:
    ledger = NumberLedger([f"+{FIRST_NUMBER}", f"+{FIRST_NUMBER + 2}"])
    batch = columns_of([[(0, "home"), (1, "mobile")], [(2, "home")], [(3, "home")]])
    selection = selection_of(batch, ledger=ledger)
    picks = selection.pick(9, NOON_S)
    assert [(pick.row, pick.number_index) for pick in picks] == [(0, 1), (2, 0)]
    assert parked(selection, DNC) == [1]
    ledger.remove_dnc(E164(f"+{FIRST_NUMBER + 2}"))
    selection.recheck_dnc(NOON_S)
    assert rows(selection.pick(9, NOON_S)) == [1]


def test_the_other_number_of_a_do_not_call_one_waits_for_its_own_hours() -> None:
    hours = (
        HoursRow(opens_s=8 * 3_600, closes_s=18 * 3_600, phone_types=("home",)),
        HoursRow(opens_s=18 * 3_600, closes_s=20 * 3_600, phone_types=("mobile",)),
    )
    ledger = NumberLedger([f"+{FIRST_NUMBER}"])
    batch = columns_of([[(0, "home"), (1, "mobile")]])
    selection = selection_of(batch, spec_of(hours=hours, end_guard_s=0), ledger)
    assert selection.pick(1, NOON_S) == []
    assert survey(selection, NOON_S).shortages[0].detail == "UTC mobile"
    ledger.remove_dnc(E164(f"+{FIRST_NUMBER}"))
    picks = selection.pick(1, NOON_S + 6 * 3_600)
    assert [pick.number_index for pick in picks] == [1]


def test_many_records_in_a_row_that_cannot_be_called_do_not_hold_up_the_loop() -> None:
    ledger = NumberLedger(f"+{FIRST_NUMBER + n}" for n in range(5_000))
    selection = selection_of(columns_of(plain(6_000)), ledger=ledger)
    asked = 0
    found: list[Pick] = []
    while not found:
        found = selection.pick(10, NOON_S)
        asked += 1
    assert found[0].row == 5_000
    assert asked > 5
    assert survey(selection, NOON_S).shortages[0].count == 5_000


def test_the_end_of_an_attempt_that_began_in_an_earlier_life_is_taken() -> None:
    ledger = NumberLedger()
    ledger.hold(FIRST_NUMBER + 1)
    columns = ListColumns()
    columns.append(columns_of([[(0, "home"), (1, "mobile")], [(2, "home")], [(3, "home")]]))
    selection = Selection(columns, spec_of(), CallingHours(spec_of().hours, 0.0), ledger)
    selection.restore(
        [
            RecordState(CAMPAIGN, LIST, 0, "in-progress", 1, b"\0\1", 0, 0.0, 7, 1, "busy"),
            RecordState(CAMPAIGN, LIST, 1, "waiting", 2, b"\2", 1, NOON_S + 5, 0, 0, "busy"),
            RecordState(CAMPAIGN, LIST, 2, "done", 5, b"\xff", 0, 0.0, 0, 0, "success"),
            RecordState(CAMPAIGN, LIST, 9, "done", 5, b"\5", 0, 0.0, 0, 0, "success"),
        ]
    )
    selection.admit(NOON_S)
    supply = survey(selection, NOON_S)
    assert (supply.in_progress, supply.waiting, supply.done, supply.untouched) == (1, 1, 1, 0)
    assert selection.pick(9, NOON_S) == []
    held = Pick(0, 1, E164("+1"), "mobile", (), 0.0, 1, b"\0\1", 0, 7)
    close(selection, held, NOON_S)
    assert ledger.open_claims == 0
    picks = selection.pick(9, NOON_S + 5)
    assert [(pick.row, pick.attempts, pick.number_attempts) for pick in picks] == [
        (1, 2, b"\2"),
        (0, 2, b"\0\2"),
    ]
    assert picks[0].retries == 1


def test_a_series_of_quick_retries_stays_on_its_number_and_counts_once_that_is_left() -> None:
    ledger = NumberLedger()
    columns = ListColumns()
    columns.append(columns_of([[(0, "home"), (1, "mobile")], [(2, "home"), (3, "mobile")]]))
    selection = Selection(columns, spec_of(), CallingHours(spec_of().hours, 0.0), ledger)
    selection.restore(
        [
            RecordState(CAMPAIGN, LIST, 0, "ready", 0, b"", 1, 0.0, 0, 0, "busy", 1),
            RecordState(CAMPAIGN, LIST, 1, "ready", 0, b"", 1, 0.0, 0, 0, "busy", 0),
        ]
    )
    selection.admit(NOON_S)
    ledger.add_dnc([E164(f"+{FIRST_NUMBER + 2}")])
    picks = {pick.row: pick for pick in selection.pick(9, NOON_S)}
    assert (picks[0].number_index, picks[0].retries, picks[0].attempts) == (1, 1, 0)
    assert (picks[1].number_index, picks[1].retries, picks[1].attempts) == (1, 0, 1)
    assert picks[1].number_attempts == b"\1\0"


def test_an_attempt_of_an_earlier_life_counts_on_the_day_it_was_intended_on() -> None:
    columns = ListColumns()
    columns.append(columns_of(plain(1)))
    spec = spec_of(max_attempts_per_day=1)
    selection = Selection(columns, spec, CallingHours(spec.hours, 0.0), NumberLedger())
    today = int(NOON_S // DAY_S)
    selection.restore([RecordState(CAMPAIGN, LIST, 0, "in-progress", 0, b"", 0, 0.0, today, 0, "")])
    selection.admit(NOON_S)
    close(selection, Pick(0, 0, E164("+1"), "phone", (), 0.0, 0, b"\0", 0, -1), NOON_S)
    assert selection.pick(1, NOON_S) == []
    assert parked(selection, DAY_CAP) == [0]


def test_a_record_never_dialed_in_an_earlier_life_is_untouched_in_this_one() -> None:
    columns = ListColumns()
    columns.append(columns_of(plain(1)))
    selection = Selection(columns, spec_of(), CallingHours(spec_of().hours, 0.0), NumberLedger())
    selection.restore([RecordState(CAMPAIGN, LIST, 0, "ready", 0, b"", 0, 0.0, 0, 0, "not-placed")])
    selection.admit(NOON_S)
    assert survey(selection, NOON_S).untouched == 1


def test_an_end_without_a_beginning_is_taken_and_the_record_is_not_called_twice() -> None:
    selection = selection_of(columns_of(plain(2)))
    ghost = Pick(0, 0, E164(f"+{FIRST_NUMBER}"), "phone", (), 0.0, 0, b"\0", 0, 1)
    close(selection, ghost, NOON_S, next_s=NOON_S + 100)
    assert survey(selection, NOON_S).callable_now == 1
    assert rows(selection.pick(9, NOON_S)) == [1]
    assert rows(selection.pick(9, NOON_S + 100)) == [0]
    assert selection.pick(9, NOON_S + 200) == []
    assert survey(selection, NOON_S + 200).callable_now == 0


def test_a_record_that_left_its_bucket_twice_is_handed_out_once() -> None:
    selection = selection_of(columns_of(plain(1)))
    selection.change(0, WAITING, NOON_S + 50, NOON_S)
    selection.change(0, READY, 0.0, NOON_S)
    assert rows(selection.pick(9, NOON_S + 60)) == [0]
    assert selection.pick(9, NOON_S + 60) == []
    assert survey(selection, NOON_S + 60).callable_now == 0


def test_new_records_join_while_the_list_is_dialed() -> None:
    selection = selection_of(columns_of(plain(2)))
    assert rows(selection.pick(9, NOON_S)) == [0, 1]
    selection.columns.append(columns_of(plain(3, begin=2)))
    assert selection.pick(9, NOON_S) == []
    assert survey(selection, NOON_S).shortages[-1].reason == "loading"
    assert selection.admit(NOON_S, limit=2)
    assert not selection.admit(NOON_S, limit=2)
    assert rows(selection.pick(9, NOON_S)) == [2, 3, 4]


def test_changed_hours_open_and_close_buckets_at_once() -> None:
    selection = selection_of(columns_of(plain(2)))
    shut = spec_of(hours=())
    selection.configure(shut, CallingHours(shut.hours, 0.0), NOON_S)
    assert selection.pick(9, NOON_S) == []
    spec = spec_of()
    selection.configure(spec, CallingHours(spec.hours, 0.0), NOON_S)
    assert rows(selection.pick(9, NOON_S)) == [0, 1]


@pytest.mark.parametrize("waiting", [10, 3_000])
def test_all_that_is_due_comes_even_if_it_is_much(waiting: int) -> None:
    selection = selection_of(columns_of(plain(waiting)))
    for pick in selection.pick(waiting, NOON_S):
        close(selection, pick, NOON_S, next_s=NOON_S + 60 + pick.row % 7)
    assert selection.pick(waiting, NOON_S + 59.9) == []
    first = selection.pick(waiting, NOON_S + 70)
    assert first[0].row % 7 == 0
    rest = selection.pick(waiting, NOON_S + 70)
    assert len(first) + len(rest) == waiting


def test_an_explanation_names_each_number() -> None:
    ledger = NumberLedger([f"+{FIRST_NUMBER + 1}"])
    hours = (HoursRow(opens_s=13 * 3_600, closes_s=14 * 3_600, phone_types=("home",)),)
    batch = columns_of([[(0, "home"), (1, "home"), (2, "mobile")]])
    selection = selection_of(batch, spec_of(hours=hours, end_guard_s=0), ledger)
    answer = explain(selection, 0, NOON_S)
    reasons = [number.reason for number in answer.numbers]
    assert reasons == ["outside-hours", "on-dnc", "outside-hours"]
    assert (answer.callable_now, answer.reason) == (False, "outside-hours")
    assert answer.next_callable_s == NOON_S + 3_600
    assert explain(selection, 0, NOON_S + 3_600).callable_now


def test_a_waiting_record_is_next_callable_when_its_hours_open_after_its_time() -> None:
    hours = (HoursRow(opens_s=8 * 3_600, closes_s=20 * 3_600),)
    selection = selection_of(columns_of(plain(1)), spec_of(hours=hours, end_guard_s=0))
    close(selection, selection.pick(1, NOON_S)[0], NOON_S, next_s=NOON_S + 10 * 3_600)
    answer = explain(selection, 0, NOON_S)
    assert (answer.reason, answer.next_s) == ("waiting", NOON_S + 10 * 3_600)
    assert answer.next_callable_s == NOON_S + 20 * 3_600
