"""Two campaigns on one list, against a model that scans every record each time (D2 to D5)."""

from dataclasses import dataclass, field

import numpy as np
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from engine.compliance.dial_rules import after_attempt
from engine.compliance.hours import CallingHours, allowed, local_day
from engine.compliance.ledger import NumberLedger
from engine.domain.dispositions import PREDEFINED
from engine.domain.e164 import E164
from engine.domain.facts import RecordPhase
from engine.domain.ids import CampaignId
from engine.domain.specs import CampaignSpec, HoursRow, NumberChoice
from engine.lists.asking import DNC, IN_USE, PARKED_CODES, Pick
from engine.lists.columns import BatchColumns, ListColumns, decode, encode
from engine.lists.selection import Selection
from engine.lists.standing import PHASE_CODES
from engine.lists.supply import explain, survey

TYPES = ("mobile", "home")
ZONE_SETS = (
    ("America/New_York",),
    ("America/New_York", "America/Los_Angeles"),
    ("Asia/Kolkata",),
    (),
)
START_S = 1_780_300_800.0
ROWS = (
    HoursRow(opens_s=28_800, closes_s=64_800, phone_types=("mobile",)),
    HoursRow(opens_s=61_200, closes_s=79_200, phone_types=("home",)),
)
RESULTS = ("busy", "no-answer", "invalid-number", "success", "silence", "not-placed", "abandoned")


@dataclass
class Record:
    """What the model knows of one record in one campaign."""

    phase: RecordPhase = RecordPhase.READY
    attempts: int = 0
    counts: list[int] = field(default_factory=list)
    next_s: float = 0.0
    days: list[float] = field(default_factory=list)
    touched: bool = False
    series: int = -1
    series_day: float = 0.0


class Selections(RuleBasedStateMachine):
    """Random campaigns' lives; the model is asked after every step."""

    @initialize(
        choice=st.sampled_from(NumberChoice),
        per_day=st.integers(0, 2),
        gap_s=st.sampled_from([0.0, 60.0]),
        data=st.data(),
    )
    def begin(self, choice: NumberChoice, per_day: int, gap_s: float, data: st.DataObject) -> None:
        self.now_s = START_S
        self.columns = ListColumns()
        self.ledger = NumberLedger()
        self.zones: list[tuple[str, ...]] = []
        self.numbers: list[list[tuple[int, str]]] = []
        self.dnc: set[int] = set()
        self.ended_s: dict[int, float] = {}
        self.open: dict[int, tuple[int, Pick]] = {}
        self.gap_s = gap_s
        self.hours = CallingHours(ROWS, 60.0)
        self.specs = [
            CampaignSpec(
                campaign_id=CampaignId(name),
                hours=ROWS,
                max_attempts_per_record=3,
                max_attempts_per_number=2,
                max_attempts_per_day=per_day,
                min_gap_s=gap_s,
                number_choice=choice,
            )
            for name in ("a", "b")
        ]
        self.selections = [
            Selection(self.columns, spec, CallingHours(ROWS, spec.end_guard_s), self.ledger)
            for spec in self.specs
        ]
        self.records: list[list[Record]] = [[], []]
        self.append(data)

    @rule(data=st.data())
    def append(self, data: st.DataObject) -> None:
        made = data.draw(
            st.lists(
                st.tuples(
                    st.integers(0, len(ZONE_SETS) - 1),
                    st.lists(
                        st.tuples(st.integers(0, 9), st.sampled_from(TYPES)),
                        min_size=1,
                        max_size=3,
                        unique_by=lambda number: number[0],
                    ),
                    st.booleans(),
                ),
                max_size=5,
            )
        )
        flat = [(14155550100 + n, kind) for _, numbers, _ in made for n, kind in numbers]
        batch = BatchColumns(
            counts=np.array([len(numbers) for _, numbers, _ in made], np.uint8),
            numbers=np.array([number for number, _ in flat], np.uint64),
            types=np.array([TYPES.index(kind) for _, kind in flat], np.uint8),
            zones=np.array([zones for zones, _, _ in made], np.uint32),
            priority=np.array([priority for _, _, priority in made], np.uint8),
            keys=np.arange(len(made), dtype=np.uint64),
            type_names=TYPES,
            zone_sets=ZONE_SETS,
        )
        self.columns.append(decode(encode(batch)))
        for zones, numbers, _ in made:
            self.zones.append(ZONE_SETS[zones])
            self.numbers.append([(14155550100 + n, kind) for n, kind in numbers])
            for records in self.records:
                records.append(Record(counts=[0] * len(numbers)))
        for selection in self.selections:
            while selection.admit(self.now_s, limit=2):
                pass

    @rule(hours=st.sampled_from([0.001, 0.01, 0.05, 1.0, 5.0, 13.0, 24.0]))
    def wait(self, hours: float) -> None:
        self.now_s += hours * 3_600
        for records in self.records:
            for record in records:
                if record.phase is RecordPhase.WAITING and record.next_s <= self.now_s:
                    record.phase = RecordPhase.READY

    @rule(campaign=st.integers(0, 1), count=st.integers(1, 6))
    def pick(self, campaign: int, count: int) -> None:
        picks = self.selections[campaign].pick(count, self.now_s)
        assert len(picks) <= count
        self.end_series(campaign)
        for pick in picks:
            self.check(campaign, pick)
            self.open[int(pick.number[1:])] = (campaign, pick)
            self.records[campaign][pick.row].phase = RecordPhase.IN_PROGRESS
        if len(picks) < count:
            self.check_nothing_is_left(campaign)

    @rule(campaign=st.integers(0, 1), data=st.data(), result=st.sampled_from(RESULTS))
    def close(self, campaign: int, data: st.DataObject, result: str) -> None:
        mine = [number for number, (owner, _) in self.open.items() if owner == campaign]
        if not mine:
            return
        number = data.draw(st.sampled_from(sorted(mine)))
        _, pick = self.open.pop(number)
        spec, record = self.specs[campaign], self.records[campaign][pick.row]
        outcome = after_attempt(spec, pick, PREDEFINED[result], self.now_s)
        dialed = result != "not-placed"
        self.selections[campaign].close(
            pick.row,
            pick.number_index,
            PHASE_CODES[outcome.phase],
            outcome.next_s,
            counted=outcome.counted,
            retries=outcome.retries,
            stop_number=outcome.stop_number,
            disposition=outcome.disposition,
            day=pick.day,
            dialed=dialed,
            now_s=self.now_s,
        )
        if outcome.counted:
            record.attempts += 1
            record.counts[pick.number_index] += 1
            record.days.append(self.now_s if not pick.day else pick.day)
        if outcome.stop_number:
            record.counts[pick.number_index] = 255
        record.series = pick.number_index if outcome.retries else -1
        record.series_day = pick.day or self.now_s
        record.touched |= dialed
        record.phase, record.next_s = outcome.phase, outcome.next_s
        if dialed:
            self.ended_s[number] = self.now_s

    @rule(campaign=st.integers(0, 1), data=st.data())
    def release(self, campaign: int, data: st.DataObject) -> None:
        mine = [number for number, (owner, _) in self.open.items() if owner == campaign]
        if mine:
            number = data.draw(st.sampled_from(sorted(mine)))
            _, pick = self.open.pop(number)
            assert self.selections[campaign].release(pick.row, self.now_s)
            assert not self.selections[campaign].release(pick.row, self.now_s)
            self.records[campaign][pick.row].phase = RecordPhase.READY

    @rule(campaign=st.integers(0, 1), data=st.data(), index=st.integers(0, 2))
    def swap_number(self, campaign: int, data: st.DataObject, index: int) -> None:
        mine = [number for number, (owner, _) in self.open.items() if owner == campaign]
        if not mine:
            return
        number = data.draw(st.sampled_from(sorted(mine)))
        _, pick = self.open.pop(number)
        index = min(index, len(self.numbers[pick.row]) - 1)
        self.records[campaign][pick.row].phase = RecordPhase.READY
        swapped = self.selections[campaign].repick(pick.row, index, self.now_s)
        self.end_series(campaign, left=(pick.row, index))
        if swapped is None:
            assert not self.lawful_number(campaign, pick.row, index)
        else:
            assert swapped.number_index == index
            self.check(campaign, swapped)
            self.open[int(swapped.number[1:])] = (campaign, swapped)
            self.records[campaign][pick.row].phase = RecordPhase.IN_PROGRESS

    @rule(campaign=st.integers(0, 1), data=st.data())
    def reset(self, campaign: int, data: st.DataObject) -> None:
        records = self.records[campaign]
        rows = [
            row
            for row, record in enumerate(records)
            if record.phase in {RecordPhase.WAITING, RecordPhase.DONE}
        ]
        if rows:
            row = data.draw(st.sampled_from(rows))
            ready = PHASE_CODES[RecordPhase.READY]
            self.selections[campaign].change(row, ready, 0.0, self.now_s)
            records[row].phase = RecordPhase.READY

    @rule(number=st.integers(0, 9), listed=st.booleans())
    def do_not_call(self, number: int, listed: bool) -> None:
        digits = 14155550100 + number
        e164 = E164(f"+{digits}")
        if listed:
            self.ledger.add_dnc([e164])
            self.dnc.add(digits)
        else:
            self.ledger.remove_dnc(e164)
            self.dnc.discard(digits)
            for selection in self.selections:
                selection.recheck_dnc(self.now_s)

    # --- the model -------------------------------------------------------------------------

    def end_series(self, campaign: int, left: tuple[int, int] = (-1, -1)) -> None:
        """Count series of quick retries that are over: their number was left, for good reason."""
        for row, record in enumerate(self.records[campaign]):
            index = record.series
            if index < 0 or self.selections[campaign].standing.retries[row]:
                continue
            number, kind = self.numbers[row][index]
            shut = not self.hours.opening(kind, self.zones[row], self.now_s).open
            swapped = left[0] == row and left[1] != index
            assert shut or number in self.dnc or record.counts[index] >= 2 or swapped
            record.attempts += 1
            record.counts[index] += record.counts[index] < 254
            record.days.append(record.series_day)
            record.series = -1

    def lawful_number(self, campaign: int, row: int, index: int) -> bool:
        spec, record = self.specs[campaign], self.records[campaign][row]
        number, kind = self.numbers[row][index]
        rested = self.now_s - self.ended_s.get(number, -1e12) >= self.gap_s
        return (
            record.phase is RecordPhase.READY
            and record.attempts < spec.max_attempts_per_record
            and record.counts[index] < spec.max_attempts_per_number
            and number not in self.dnc
            and number not in self.open
            and rested
            and not self.day_spent(campaign, row)
            and self.hours.opening(kind, self.zones[row], self.now_s).open
        )

    def day_spent(self, campaign: int, row: int) -> bool:
        cap, record = self.specs[campaign].max_attempts_per_day, self.records[campaign][row]
        if not cap or not record.days or not self.zones[row]:
            return False
        earliest = min(local_day(zone, self.now_s) for zone in self.zones[row])
        return sum(day >= earliest for day in record.days) >= cap

    def check(self, campaign: int, pick: Pick) -> None:
        number, kind = self.numbers[pick.row][pick.number_index]
        record = self.records[campaign][pick.row]
        assert self.lawful_number(campaign, pick.row, pick.number_index)
        assert (pick.number, pick.phone_type) == (f"+{number}", kind)
        assert pick.zones == self.zones[pick.row]
        assert pick.attempts == record.attempts
        if pick.retries:
            assert record.series in (-1, pick.number_index), "a quick retry of another number"
        assert pick.number_attempts == bytes(record.counts)
        assert self.now_s < pick.closes_s
        last_s = pick.closes_s - 0.001
        guard_s = self.specs[campaign].end_guard_s
        assert allowed(ROWS, kind, pick.zones, last_s, guard_s)
        assert not allowed(ROWS, kind, pick.zones, pick.closes_s, guard_s)

    def check_nothing_is_left(self, campaign: int) -> None:
        selection = self.selections[campaign]
        rechecked = selection.parked[PARKED_CODES[IN_USE]]
        for row, numbers in enumerate(self.numbers):
            lawful = [i for i in range(len(numbers)) if self.lawful_number(campaign, row, i)]
            if not lawful or (row in rechecked and selection.standing.next_s[row] > self.now_s):
                continue
            # A number that is called or rests is worth waiting for: its person is at it.
            counts = self.records[campaign][row].counts
            busy = [
                number
                for (number, _), count in zip(numbers, counts, strict=True)
                if count < 2
                and number not in self.dnc
                and (
                    number in self.open or self.now_s - self.ended_s.get(number, -1e12) < self.gap_s
                )
            ]
            assert busy, f"row {row} could be called and was not handed out"

    @invariant()
    def counts_agree(self) -> None:
        for campaign, selection in enumerate(getattr(self, "selections", [])):
            records = self.records[campaign]
            supply = survey(selection, self.now_s)
            others = sum(
                shortage.count
                for shortage in supply.shortages
                if shortage.reason not in {"waiting", "done"}
            )
            assert supply.total == len(records)
            open_now = sum(bucket.size for bucket in selection.buckets if bucket.open)
            assert supply.callable_now == open_now
            in_phase = [record.phase for record in records]
            assert supply.waiting == in_phase.count(RecordPhase.WAITING)
            assert supply.done == in_phase.count(RecordPhase.DONE)
            assert supply.in_progress == in_phase.count(RecordPhase.IN_PROGRESS)
            parts = supply.callable_now + supply.waiting + supply.in_progress + supply.done
            assert parts + others == supply.total
            assert supply.untouched == sum(
                record.phase is not RecordPhase.IN_PROGRESS and not record.touched
                for record in records
            )

    @invariant()
    def explanations_agree(self) -> None:
        for campaign, selection in enumerate(getattr(self, "selections", [])):
            for row in range(len(self.numbers)):
                answer = explain(selection, row, self.now_s)
                lawful = [
                    self.lawful_number(campaign, row, index)
                    for index in range(len(self.numbers[row]))
                ]
                assert answer.callable_now == any(lawful), answer
                assert bool(answer.reason) != answer.callable_now
                assert answer.phase is self.records[campaign][row].phase
                if answer.reason == DNC:
                    assert not any(lawful)


TestSelections = Selections.TestCase
TestSelections.settings = settings(
    max_examples=60,
    stateful_step_count=30,
    deadline=None,
    phases=(Phase.explicit, Phase.generate, Phase.shrink),
)
