"""The list's actor: what campaigns, operators and the metrics tick hear from it."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import pytest
from msgspec.structs import replace

from engine.actors.kernel.effects import Do, Effect, Refuse, Reply, StartTimer, Tell
from engine.actors.kernel.ref import Ref, ReplyTo
from engine.actors.messages import (
    AppendRecords,
    CampaignMessage,
    CloseRecord,
    ConfigureList,
    DescribeList,
    ExplainRecord,
    ExplainSupply,
    Journal,
    Journaled,
    LinkCampaign,
    ListMessage,
    ListSampled,
    ListView,
    PublishGauges,
    RecordsReserved,
    RecordView,
    ReleaseRecord,
    ReserveNumber,
    ReserveRecords,
    ResetRecord,
    SampleGauges,
    SupplyChecked,
    SupplyView,
    UnlinkCampaign,
)
from engine.actors.record_list import RecordListBehavior
from engine.compliance.ledger import NumberLedger
from engine.domain.e164 import E164
from engine.domain.facts import RecordChanged, RecordPhase
from engine.domain.ids import CampaignId
from engine.domain.refusals import (
    IllegalTransitionError,
    InvalidRequestError,
    JournalError,
    UnknownCampaignError,
    UnknownRecordError,
)
from engine.domain.specs import CampaignSpec, HoursRow, ListLink, ListSpec
from engine.lists.columns import encode
from engine.metrics.gauges import ListGauges
from engine.ports import ImportBatch, RecordState
from tests.unit.lists.builders import (
    CAMPAIGN,
    FIRST_NUMBER,
    LIST,
    NOON_S,
    Numbers,
    columns_of,
    plain,
    spec_of,
)

ME: Ref[CampaignMessage] = Ref("campaign")


def batch_of(records: Sequence[Numbers], first_row: int = 0, number: int = 0) -> ImportBatch:
    columns = encode(columns_of(records))
    return ImportBatch(LIST, "i", number, first_row, len(records), columns, (), (), 0)


class Desk:
    """Sends messages to one list and sorts what comes back."""

    def __init__(
        self,
        count: int = 4,
        ledger: NumberLedger | None = None,
        states: Sequence[RecordState] = (),
    ) -> None:
        self.ledger = ledger or NumberLedger()
        self.behavior = RecordListBehavior(
            ListSpec(list_id=LIST),
            self.ledger,
            batches=[batch_of(plain(count))] if count else [],
            states=states,
            zone_data="2026a",
        )

    def link(self, spec: CampaignSpec | None = None) -> list[Effect]:
        return self.send(LinkCampaign(spec or spec_of(), ME))

    def send(self, message: ListMessage, now_s: float = NOON_S) -> list[Effect]:
        return list(self.behavior.on(message, now_s))

    def reserve(self, count: int, now_s: float = NOON_S) -> RecordsReserved:
        effects = self.send(ReserveRecords(CAMPAIGN, count, ME, "pace"), now_s)
        assert isinstance(effects[0], Tell)
        answer = effects[0].message
        assert isinstance(answer, RecordsReserved)
        return answer

    def close(self, row: int, phase: RecordPhase, next_s: float = 0.0) -> list[Effect]:
        return self.send(
            CloseRecord(CAMPAIGN, row, 0, phase, next_s, True, 0, False, "no-answer", 20_605)
        )

    def ask(self, make: Callable[[ReplyTo[Any]], ListMessage]) -> object:
        effect = self.send(make(ReplyTo(lambda _value, _error: None)))[0]
        assert isinstance(effect, Reply | Refuse)
        return effect.value if isinstance(effect, Reply) else effect.error


def samples(effects: Sequence[Effect]) -> list[tuple[int, int]]:
    return [
        (effect.message.callable_now, effect.message.remaining)
        for effect in effects
        if isinstance(effect, Tell) and isinstance(effect.message, ListSampled)
    ]


def timers(effects: Sequence[Effect]) -> list[float]:
    return [effect.delay_s for effect in effects if isinstance(effect, StartTimer)]


def test_a_campaign_hears_at_once_what_a_list_has_for_it() -> None:
    assert samples(Desk(4).link()) == [(4, 4)]


def test_records_reserved_carry_licence_and_verdict() -> None:
    desk = Desk(4)
    desk.link()
    answer = desk.reserve(2)
    assert (answer.asked, answer.purpose, len(answer.records)) == (2, "pace", 2)
    record = answer.records[1]
    assert (record.ref.row, record.number, record.zones) == (1, f"+{FIRST_NUMBER + 1}", ("UTC",))
    assert record.closes_s > NOON_S
    assert record.verdict == (
        "phone: UTC Mon 12:00:00 in 00:00-24:00 (tzdata 2026a); attempts 0/5, "
        "on this number 0/3; not on do-not-call, not in use, rested 0 s"
    )


def test_a_disabled_list_or_an_unlinked_campaign_gets_nothing() -> None:
    desk = Desk(4)
    assert desk.reserve(2).records == ()
    desk.link(spec_of(lists=(ListLink(LIST, enabled=False),)))
    assert desk.reserve(2).records == ()
    assert samples(desk.link()) == [(4, 4)]
    assert len(desk.reserve(2).records) == 2
    desk.send(UnlinkCampaign(CAMPAIGN))
    assert desk.reserve(2).records == ()
    desk.link()
    assert [record.ref.row for record in desk.reserve(9).records] == [2, 3]


def test_what_a_record_came_to_is_kept_and_the_end_of_supply_is_told() -> None:
    desk = Desk(2)
    desk.link()
    assert samples(desk.send(ReserveRecords(CAMPAIGN, 2, ME))) == [(0, 2)]
    assert samples(desk.close(0, RecordPhase.DONE)) == []
    effects = desk.close(1, RecordPhase.WAITING, NOON_S + 60)
    assert timers(effects)[0] <= 60.0
    due = desk.send(SupplyChecked(), NOON_S + 60)
    assert samples(due) == [(1, 1)]
    assert desk.ledger.open_claims == 0


def test_a_list_that_had_less_than_asked_says_what_is_left() -> None:
    desk = Desk(2)
    desk.link()
    assert samples(desk.send(ReserveRecords(CAMPAIGN, 5, ME))) == [(0, 2)]
    assert samples(desk.send(ReserveRecords(CAMPAIGN, 5, ME))) == [(0, 2)]


def test_a_released_record_is_told_when_it_is_the_first_again() -> None:
    desk = Desk(1)
    desk.link()
    desk.reserve(1)
    assert samples(desk.send(ReleaseRecord(CAMPAIGN, 0))) == [(1, 1)]
    assert desk.send(ReleaseRecord(CAMPAIGN, 77)) == []
    assert desk.send(ReleaseRecord(CampaignId("other"), 0)) == []


def test_a_call_never_placed_does_not_make_its_number_rest() -> None:
    desk = Desk(1)
    desk.link(spec_of(min_gap_s=600.0))
    desk.reserve(1)
    ready = RecordPhase.READY
    for slug in ("", "not-placed"):
        desk.send(CloseRecord(CAMPAIGN, 0, 0, ready, 0.0, False, 0, False, slug, 20_605))
        assert len(desk.reserve(1).records) == 1


def test_another_number_can_be_taken_in_preview() -> None:
    desk = Desk(0)
    desk.send(AppendRecords(batch_of([[(0, "home"), (1, "mobile")]])))
    desk.link()
    desk.reserve(1)
    effect = desk.send(ReserveNumber(CAMPAIGN, 0, 1, ME, "preview"))[0]
    assert isinstance(effect, Tell)
    assert isinstance(effect.message, RecordsReserved)
    assert [r.number for r in effect.message.records] == [f"+{FIRST_NUMBER + 1}"]
    wrong = desk.send(ReserveNumber(CAMPAIGN, 0, 5, ME, "preview"))[0]
    assert isinstance(wrong, Tell)
    assert isinstance(wrong.message, RecordsReserved)
    assert wrong.message.records == ()
    assert desk.ledger.open_claims == 0


def test_a_list_grows_while_it_is_dialed_and_a_repeated_batch_changes_nothing() -> None:
    desk = Desk(2)
    desk.link()
    more = batch_of(plain(3, begin=2), first_row=2, number=1)
    assert samples(desk.send(AppendRecords(more))) == [(5, 5)]
    assert samples(desk.send(AppendRecords(more))) == []
    assert desk.ask(DescribeList) == ListView(LIST, 5, 5)


def test_a_batch_out_of_order_is_a_fault() -> None:
    desk = Desk(2)
    with pytest.raises(InvalidRequestError, match="goes on at row 2"):
        desk.send(AppendRecords(batch_of(plain(3), first_row=4)))


def test_a_long_list_joins_in_slices() -> None:
    desk = Desk(40_000)
    effects = desk.link()
    told = samples(effects)[-1][0]
    assert told < 40_000
    while 0.0 in timers(effects):
        effects = desk.send(SupplyChecked())
    assert samples(effects) == [(40_000, 40_000)]


def test_an_earlier_life_is_taken_over() -> None:
    state = RecordState(CAMPAIGN, LIST, 0, "done", 5, b"\5", 0, 0.0, 0, 0, "success")
    desk = Desk(2, states=[state])
    assert samples(desk.link()) == [(1, 1)]


def test_supply_is_explained_by_reason_with_samples() -> None:
    desk = Desk(4, ledger=NumberLedger([f"+{FIRST_NUMBER}"]))
    desk.link()
    desk.reserve(1)
    desk.close(1, RecordPhase.DONE)
    view = desk.ask(lambda to: ExplainSupply(CAMPAIGN, to))
    assert isinstance(view, SupplyView)
    assert (view.total, view.untouched, view.callable_now, view.done) == (4, 3, 2, 1)
    by_reason = {(reason.reason, reason.detail): reason for reason in view.reasons}
    assert by_reason["on-dnc", ""].samples[0].row == 0
    assert by_reason["done", "no-answer"].samples[0].row == 1
    unknown = desk.ask(lambda to: ExplainSupply(CampaignId("other"), to))
    assert isinstance(unknown, UnknownCampaignError)


def test_a_record_is_explained_within_and_without_a_campaign() -> None:
    desk = Desk(2)
    desk.link(spec_of(hours=(HoursRow(opens_s=0, closes_s=3_600),)))
    view = desk.ask(lambda to: ExplainRecord(1, CAMPAIGN, to))
    assert isinstance(view, RecordView)
    assert (view.callable_now, view.reason) == (False, "outside-hours")
    assert view.next_callable_s == NOON_S + 12 * 3_600
    assert view.numbers[0].zones == ("UTC",)
    base = desk.ask(lambda to: ExplainRecord(1, None, to))
    assert isinstance(base, RecordView)
    assert base.numbers[0].number == f"+{FIRST_NUMBER + 1}"
    for campaign_id in (CAMPAIGN, None):
        missing = desk.ask(partial(ExplainRecord, 2, campaign_id))
        assert isinstance(missing, UnknownRecordError)


def test_a_reset_is_durable_before_it_is_done() -> None:
    desk = Desk(1)
    desk.link()
    desk.reserve(1)
    desk.close(0, RecordPhase.DONE)
    reply_to: ReplyTo[None] = ReplyTo(lambda _value, _error: None)
    (effect,) = desk.send(ResetRecord(CAMPAIGN, 0, reply_to))
    assert isinstance(effect, Do)
    journal = effect.command
    assert isinstance(journal, Journal)
    assert isinstance(journal.facts[0], RecordChanged)
    assert desk.reserve(1).records == ()
    refused = desk.send(Journaled(journal.token, JournalError("disk full")))
    assert isinstance(refused[0], Refuse)
    done = desk.send(Journaled(journal.token, None))
    assert isinstance(done[0], Reply)
    assert samples(done) == [(1, 1)]
    assert len(desk.reserve(1).records) == 1


def test_a_record_under_an_attempt_cannot_be_reset() -> None:
    desk = Desk(1)
    desk.link()
    desk.reserve(1)
    assert isinstance(desk.ask(lambda to: ResetRecord(CAMPAIGN, 0, to)), IllegalTransitionError)
    assert isinstance(desk.ask(lambda to: ResetRecord(CAMPAIGN, 9, to)), UnknownRecordError)
    assert desk.send(Journaled("other", None)) == []


def test_the_metrics_tick_gives_gauges_and_lets_numbers_back_off_do_not_call() -> None:
    desk = Desk(2, ledger=NumberLedger([f"+{FIRST_NUMBER}"]))
    desk.link()
    assert len(desk.reserve(9).records) == 1
    desk.ledger.remove_dnc(E164(f"+{FIRST_NUMBER}"))
    effects = desk.send(SampleGauges())
    assert samples(effects) == [(1, 2)]
    published = effects[0]
    assert isinstance(published, Do)
    assert isinstance(published.command, PublishGauges)
    object_id, gauges = published.command.object_id, published.command.gauges
    assert isinstance(gauges, ListGauges)
    assert object_id == f"{CAMPAIGN}/{LIST}"
    assert (gauges.status, gauges.records_total, gauges.records_in_progress) == ("enabled", 2, 1)


def test_a_changed_name_shows_in_the_gauges() -> None:
    desk = Desk(1)
    desk.link()
    desk.send(ConfigureList(ListSpec(list_id=LIST, display_name="People")))
    (published, *_) = desk.send(SampleGauges())
    assert isinstance(published, Do)
    assert isinstance(published.command, PublishGauges)
    assert isinstance(published.command.gauges, ListGauges)
    assert published.command.gauges.list_name == "People"


def test_changed_settings_of_a_campaign_act_at_once() -> None:
    desk = Desk(2)
    desk.link()
    assert samples(desk.link(spec_of(hours=()))) == [(0, 2)]


def test_a_batch_of_another_length_than_it_says_is_a_fault() -> None:
    desk = Desk(0)
    with pytest.raises(InvalidRequestError, match="holds 2 records"):
        desk.send(AppendRecords(replace(batch_of(plain(2)), count=3)))
