"""The actor of one list: hands out records that are lawful to call now, and takes them back."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar, assert_never

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
    NumberView,
    PublishGauges,
    ReasonCount,
    RecordsReserved,
    RecordView,
    ReleaseRecord,
    ReservedRecord,
    ReserveNumber,
    ReserveRecords,
    ResetRecord,
    SampleGauges,
    SupplyChecked,
    SupplyView,
    UnlinkCampaign,
)
from engine.compliance.hours import CallingHours
from engine.compliance.ledger import NumberLedger
from engine.domain.dispositions import NOT_PLACED
from engine.domain.facts import RecordChanged, RecordPhase
from engine.domain.ids import CampaignId, RecordRef
from engine.domain.refusals import (
    DialerError,
    InvalidRequestError,
    UnknownCampaignError,
    UnknownRecordError,
)
from engine.domain.specs import CampaignSpec, ListLink, ListSpec
from engine.lists.asking import Pick
from engine.lists.columns import ListColumns, decode
from engine.lists.selection import Selection
from engine.lists.standing import DONE, PHASE_CODES, PHASES
from engine.lists.supply import base_data, explain, survey
from engine.machines.record import RECORD, Reopened
from engine.metrics.gauges import ListGauges
from engine.ports import ImportBatch, RecordState

_TIMER = "supply"
_SOON_S = 0.05
_NOTHING_TOLD = (-1, -1)
V = TypeVar("V")


@dataclass(slots=True)
class _Link:
    """A campaign that dials the list.

    Attributes:
        spec: The campaign.
        campaign: Whom to tell of supply.
        selection: Its view of the records.
        told: Callable and remaining records as last told.
    """

    spec: CampaignSpec
    campaign: Ref[CampaignMessage]
    selection: Selection
    told: tuple[int, int] = _NOTHING_TOLD


@dataclass(frozen=True, slots=True)
class _Reset:
    """A reset that waits for its fact to be durable."""

    campaign_id: CampaignId
    row: int
    reply_to: ReplyTo[None]


class RecordListBehavior:
    """Owns the records of one list and where they stand in each campaign that dials it."""

    __slots__ = (
        "_columns",
        "_ledger",
        "_links",
        "_removals",
        "_selections",
        "_spec",
        "_states",
        "_timer_s",
        "_zone_data",
    )

    def __init__(
        self,
        spec: ListSpec,
        ledger: NumberLedger,
        *,
        batches: Sequence[ImportBatch] = (),
        states: Sequence[RecordState] = (),
        zone_data: str = "",
    ) -> None:
        """Take a list as it is stored.

        Args:
            spec: The list.
            ledger: Numbers under attempt and on do-not-call, shared by all lists.
            batches: Its records, in row order.
            states: Records touched by campaigns in an earlier life.
            zone_data: Version of the time-zone data, for verdicts.
        """
        self._spec = spec
        self._ledger = ledger
        self._zone_data = zone_data
        self._columns = ListColumns()
        for batch in batches:
            self._append(batch)
        self._states: dict[CampaignId, list[RecordState]] = {}
        for state in states:
            self._states.setdefault(state.campaign_id, []).append(state)
        self._selections: dict[CampaignId, Selection] = {}
        self._links: dict[CampaignId, _Link] = {}
        self._removals = ledger.removals
        self._timer_s = float("inf")

    def on(self, message: ListMessage, now_s: float) -> Sequence[Effect]:  # noqa: C901 - one case each
        """Answer one message."""
        match message:
            case ReserveRecords():
                return self._reserve(message, now_s)
            case CloseRecord():
                return self._close(message, now_s)
            case ReleaseRecord(campaign_id, row):
                return self._release(campaign_id, row, now_s)
            case ReserveNumber():
                return self._reserve_number(message, now_s)
            case AppendRecords(batch):
                self._append(batch)
                return self._supply_changed(now_s)
            case LinkCampaign(spec, campaign):
                self._link(spec, campaign, now_s)
                return self._supply_changed(now_s)
            case UnlinkCampaign(campaign_id):
                self._links.pop(campaign_id, None)
                return ()
            case SupplyChecked():
                self._timer_s = float("inf")
                return self._supply_changed(now_s)
            case SampleGauges():
                return [*self._gauges(), *self._supply_changed(now_s)]
            case ExplainSupply(asked_for, reply_to):
                return self._answer(reply_to, lambda: self._explain_supply(asked_for, now_s))
            case ExplainRecord(row, campaign_id, reply_to):
                return self._answer(reply_to, lambda: self._explain_record(row, campaign_id, now_s))
            case ResetRecord(campaign_id, row, reply_to):
                return self._reset(_Reset(campaign_id, row, reply_to), now_s)
            case Journaled(token, error):
                return self._journaled(token, error, now_s)
            case ConfigureList(spec):
                self._spec = spec
                return ()
            case DescribeList(reply_to):
                count = self._columns.count
                return [Reply(reply_to, ListView(self._spec.list_id, count, count))]
            case _:
                assert_never(message)

    # --- records join ----------------------------------------------------------------------

    def _append(self, batch: ImportBatch) -> None:
        """Add a batch; one that is there already changes nothing."""
        have = self._columns.count
        if not batch.count or batch.first_row + batch.count <= have:
            return
        columns = decode(batch.columns)
        if batch.first_row != have or batch.count != len(columns):
            raise InvalidRequestError(
                f"batch {batch.batch} of import {batch.import_id} holds {len(columns)} records "
                f"from row {batch.first_row}; list {self._spec.list_id} goes on at row {have}",
                slug="batch-out-of-order",
            )
        self._columns.append(columns)

    def _link(self, spec: CampaignSpec, campaign: Ref[CampaignMessage], now_s: float) -> None:
        hours = CallingHours(spec.hours, spec.end_guard_s, self._zone_data)
        selection = self._selections.get(spec.campaign_id)
        if selection is None:
            selection = Selection(self._columns, spec, hours, self._ledger)
            selection.restore(self._states.pop(spec.campaign_id, ()))
            self._selections[spec.campaign_id] = selection
        else:
            selection.configure(spec, hours, now_s)
        self._links[spec.campaign_id] = _Link(spec, campaign, selection)

    # --- records go out and come back ------------------------------------------------------

    def _reserve(self, message: ReserveRecords, now_s: float) -> Sequence[Effect]:
        link = self._links.get(message.campaign_id)
        records: tuple[ReservedRecord, ...] = ()
        if link is not None and self._enabled(link.spec):
            picks = link.selection.pick(message.count, now_s)
            records = tuple(self._reserved(link, pick, now_s) for pick in picks)
            if len(records) < message.count:
                # The campaign takes the list for empty until it hears of it again.
                link.told = _NOTHING_TOLD
        answer = RecordsReserved(self._spec.list_id, message.count, records, message.purpose)
        told = self._tell(link) if link is not None else ()
        return [Tell(message.campaign, answer), *told, *self._timer(now_s)]

    def _reserve_number(self, message: ReserveNumber, now_s: float) -> Sequence[Effect]:
        link = self._links.get(message.campaign_id)
        records: tuple[ReservedRecord, ...] = ()
        if link is not None and self._known(message.row, message.number_index):
            pick = link.selection.repick(message.row, message.number_index, now_s)
            records = (self._reserved(link, pick, now_s),) if pick is not None else ()
        elif link is not None:
            link.selection.release(message.row, now_s)
        answer = RecordsReserved(self._spec.list_id, 1, records, message.purpose)
        return [Tell(message.campaign, answer), *self._timer(now_s)]

    def _reserved(self, link: _Link, pick: Pick, now_s: float) -> ReservedRecord:
        return ReservedRecord(
            ref=RecordRef(self._spec.list_id, pick.row),
            number_index=pick.number_index,
            number=pick.number,
            phone_type=pick.phone_type,
            zones=pick.zones,
            closes_s=pick.closes_s,
            attempts=pick.attempts,
            number_attempts=pick.number_attempts,
            retries=pick.retries,
            day=pick.day,
            verdict=_verdict(link, pick, now_s),
        )

    def _release(self, campaign_id: CampaignId, row: int, now_s: float) -> Sequence[Effect]:
        selection = self._selections.get(campaign_id)
        if selection is not None and self._known(row):
            selection.release(row, now_s)
        return [*self._tell_if_crossed(campaign_id), *self._timer(now_s)]

    def _close(self, message: CloseRecord, now_s: float) -> Sequence[Effect]:
        selection = self._selections.get(message.campaign_id)
        if selection is None or not self._known(message.row, message.number_index):
            return ()
        selection.close(
            message.row,
            message.number_index,
            PHASE_CODES[message.phase],
            message.next_s,
            counted=message.counted,
            retries=message.retries,
            stop_number=message.stop_number,
            disposition="" if message.disposition == NOT_PLACED.slug else message.disposition,
            day=message.day,
            dialed=message.counted or message.disposition not in {"", NOT_PLACED.slug},
            now_s=now_s,
        )
        return [*self._tell_if_crossed(message.campaign_id), *self._timer(now_s)]

    def _reset(self, reset: _Reset, now_s: float) -> Sequence[Effect]:
        """Make a record callable again once that is durable."""
        try:
            selection = self._selection(reset.campaign_id, reset.row)
            RECORD.step(PHASES[selection.standing.phase[reset.row]], Reopened)
        except DialerError as error:
            return [Refuse(reset.reply_to, error)]
        fact = RecordChanged(
            at_s=now_s,
            campaign_id=reset.campaign_id,
            list_id=self._spec.list_id,
            row=reset.row,
            phase=RecordPhase.READY,
            by="operator",
        )
        return [Do(Journal((fact,), reset))]

    def _journaled(
        self, token: object, error: DialerError | None, now_s: float
    ) -> Sequence[Effect]:
        if not isinstance(token, _Reset):
            return ()
        if error is not None:
            return [Refuse(token.reply_to, error)]
        selection = self._selections[token.campaign_id]
        phase = PHASES[selection.standing.phase[token.row]]
        if RECORD.may(phase, Reopened):
            selection.change(token.row, PHASE_CODES[RecordPhase.READY], 0.0, now_s)
        return [
            Reply(token.reply_to),
            *self._tell_if_crossed(token.campaign_id),
            *self._timer(now_s),
        ]

    # --- supply ----------------------------------------------------------------------------

    def _supply_changed(self, now_s: float) -> list[Effect]:
        """Let time and new records take effect in every campaign, and tell those concerned."""
        removals = self._ledger.removals
        effects: list[Effect] = []
        for link in self._links.values():
            link.selection.advance(now_s)
            link.selection.admit(now_s)
            if removals != self._removals:
                link.selection.recheck_dnc(now_s)
            effects += self._tell(link)
        self._removals = removals
        return [*effects, *self._timer(now_s)]

    def _tell(self, link: _Link) -> Sequence[Effect]:
        """Tell a campaign how much there is for it, if that has changed."""
        selection = link.selection
        remaining = self._columns.count - selection.standing.tally[DONE]
        callable_now = selection.callable_now if self._enabled(link.spec) else 0
        if (callable_now, remaining) == link.told:
            return ()
        link.told = (callable_now, remaining)
        return (Tell(link.campaign, ListSampled(self._spec.list_id, callable_now, remaining)),)

    def _tell_if_crossed(self, campaign_id: CampaignId) -> Sequence[Effect]:
        """Tell a campaign when it has run out of records, or has some again."""
        link = self._links.get(campaign_id)
        if link is None or (link.selection.callable_now > 0) == (link.told[0] > 0):
            return ()
        return self._tell(link)

    def _timer(self, now_s: float) -> Sequence[Effect]:
        """Come back when a bucket opens or closes, a record is due, or more are to be admitted."""
        next_s = float("inf")
        for link in self._links.values():
            if link.selection.admitted < self._columns.count:
                next_s = now_s
            next_s = min(next_s, link.selection.next_change_s())
        if next_s >= self._timer_s:
            return ()
        self._timer_s = next_s
        loading = next_s <= now_s
        delay_s = 0.0 if loading else max(next_s - now_s, _SOON_S)
        return (StartTimer(_TIMER, delay_s, SupplyChecked()),)

    def _gauges(self) -> list[Effect]:
        """Return the gauges of the list in each campaign, under ``campaign/list``."""
        effects: list[Effect] = []
        for campaign_id, link in self._links.items():
            tally, total = link.selection.standing.tally, self._columns.count
            placed = self._place(link.spec)
            gauges = ListGauges(
                list_name=self._spec.display_name or self._spec.list_id,
                status="enabled" if placed.enabled else "disabled",
                order=placed.order,
                dialing_ratio=placed.ratio,
                records_total=total,
                records_imported=total,
                completed_pct=100.0 * tally[DONE] / total if total else 0.0,
                records_remaining=total - tally[DONE],
                records_untouched=link.selection.untouched,
                records_callable_now=link.selection.callable_now,
                records_rescheduled=tally[PHASE_CODES[RecordPhase.WAITING]],
                records_in_progress=tally[PHASE_CODES[RecordPhase.IN_PROGRESS]],
            )
            effects.append(Do(PublishGauges(f"{campaign_id}/{self._spec.list_id}", gauges)))
        return effects

    def _place(self, spec: CampaignSpec) -> ListLink:
        """Return the list's place in a campaign."""
        mine = (link for link in spec.lists if link.list_id == self._spec.list_id)
        return next(mine, ListLink(self._spec.list_id))

    def _enabled(self, spec: CampaignSpec) -> bool:
        return self._place(spec).enabled

    # --- questions -------------------------------------------------------------------------

    def _answer(self, reply_to: ReplyTo[V], build: Callable[[], V]) -> Sequence[Effect]:
        try:
            return [Reply(reply_to, build())]
        except DialerError as error:
            return [Refuse(reply_to, error)]

    def _explain_supply(self, campaign_id: CampaignId, now_s: float) -> SupplyView:
        selection = self._selection(campaign_id)
        supply = survey(selection, now_s)
        reasons = tuple(
            ReasonCount(
                reason=shortage.reason,
                detail=shortage.detail,
                count=shortage.count,
                samples=tuple(RecordRef(self._spec.list_id, row) for row in shortage.rows),
                next_s=shortage.next_s,
            )
            for shortage in supply.shortages
        )
        return SupplyView(
            list_id=self._spec.list_id,
            total=supply.total,
            untouched=supply.untouched,
            callable_now=supply.callable_now,
            waiting=supply.waiting,
            in_progress=supply.in_progress,
            done=supply.done,
            reasons=reasons,
        )

    def _explain_record(self, row: int, campaign_id: CampaignId | None, now_s: float) -> RecordView:
        if campaign_id is None:
            return self._base_view(row)
        answer = explain(self._selection(campaign_id, row), row, now_s)
        return RecordView(
            ref=RecordRef(self._spec.list_id, row),
            phase=answer.phase,
            attempts=answer.attempts,
            disposition=answer.disposition,
            next_s=answer.next_s,
            numbers=tuple(
                NumberView(
                    number=number.number,
                    phone_type=number.phone_type,
                    zones=answer.zones,
                    attempts=number.attempts,
                    stopped=number.stopped,
                    callable_now=number.callable_now,
                    reason=number.reason,
                    next_s=number.next_s,
                )
                for number in answer.numbers
            ),
            callable_now=answer.callable_now,
            reason=answer.reason,
            next_callable_s=answer.next_callable_s,
        )

    def _base_view(self, row: int) -> RecordView:
        self._check_row(row)
        zones, numbers = base_data(self._columns, row)
        views = tuple(
            NumberView(each.number, each.phone_type, zones, 0, False, False, "", 0.0)
            for each in numbers
        )
        ref = RecordRef(self._spec.list_id, row)
        return RecordView(ref, RecordPhase.READY, 0, "", 0.0, views, False, "", 0.0)

    def _selection(self, campaign_id: CampaignId, row: int = -1) -> Selection:
        """Return a campaign's view, whose records up to ``row`` have joined.

        Raises:
            UnknownCampaignError: The campaign does not dial this list.
            UnknownRecordError: The list has no such row.
        """
        selection = self._selections.get(campaign_id)
        if selection is None:
            raise UnknownCampaignError(
                f"campaign {campaign_id} does not dial list {self._spec.list_id}"
            )
        if row != -1:
            self._check_row(row)
            if row >= selection.admitted:
                raise UnknownRecordError(
                    f"record {row} of list {self._spec.list_id} is still being loaded"
                )
        return selection

    def _check_row(self, row: int) -> None:
        if not 0 <= row < self._columns.count:
            raise UnknownRecordError(f"list {self._spec.list_id} has no record {row}")

    def _known(self, row: int, number_index: int = 0) -> bool:
        first = self._columns.first
        return 0 <= row < self._columns.count and 0 <= number_index < first[row + 1] - first[row]


def _verdict(link: _Link, pick: Pick, now_s: float) -> str:
    """Return why a record may be called now, for its intent (A6)."""
    spec = link.spec
    hours = link.selection.hours.describe(pick.phone_type, pick.zones, now_s)
    on_number = pick.number_attempts[pick.number_index]
    return (
        f"{pick.phone_type}: {hours}; attempts {pick.attempts}/{spec.max_attempts_per_record}, "
        f"on this number {on_number}/{spec.max_attempts_per_number}; not on do-not-call, "
        f"not in use, rested {spec.min_gap_s:g} s"
    )
