"""From the reserved record to the INVITE: the intent first, durably; then the call (D1).

A campaign that shows a number by a field of the record reads that field in between. The fields stay
in the store, where lists of millions leave them: one read serves all records that a list handed out
together, off the engine's thread, and campaigns without the rule pay nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from engine.actors.campaign.attempt import Attempt, AttemptTable
from engine.actors.campaign.closing import Closing
from engine.actors.campaign.context import CampaignContext
from engine.actors.campaign.showing import Showing
from engine.actors.kernel.effects import Do, Effect
from engine.actors.messages import (
    CallsLaunched,
    FieldsRead,
    PreviewDialing,
    PreviewOver,
    ReadFields,
    ReleaseRecord,
    ReservedRecord,
    ReturnPermits,
)
from engine.domain.dispositions import NOT_PLACED
from engine.domain.e164 import E164
from engine.domain.facts import AttemptIntended, AttemptRerouted
from engine.domain.ids import AgentId, AttemptId, RecordRef, TrunkId
from engine.machines.attempt import AttemptPhase, Placed
from engine.ports import Licence, PlaceCall


@dataclass(frozen=True, slots=True)
class Intent:
    """An attempt whose next INVITE waits for the journal."""

    attempt_id: AttemptId
    ref: RecordRef
    trunk_id: TrunkId


@dataclass(frozen=True, slots=True)
class IntentToken:
    """Intents that wait to be durable before their INVITEs leave."""

    intents: tuple[Intent, ...]


@dataclass(frozen=True, slots=True, eq=False)
class FieldToken:
    """Records whose field is being read, before they are intended."""

    records: tuple[ReservedRecord, ...]
    trunk_id: TrunkId
    previewer: AgentId | None


class Placing:
    """Makes the calls of one campaign."""

    __slots__ = ("_closing", "_context", "_reading", "_showing", "_table")

    def __init__(
        self, context: CampaignContext, table: AttemptTable, closing: Closing, showing: Showing
    ) -> None:
        self._context = context
        self._table = table
        self._closing = closing
        self._showing = showing
        self._reading: set[FieldToken] = set()

    def intend(
        self,
        records: Sequence[ReservedRecord],
        trunk_id: TrunkId,
        now_s: float,
        previewer: AgentId | None = None,
    ) -> list[Effect]:
        """Write down what is about to be called; the INVITEs wait until that is durable.

        Args:
            records: Of one list.
            trunk_id: Whose permits they have.
            now_s: The time.
            previewer: Agent who chose to call, or None.
        """
        token = FieldToken(tuple(records), trunk_id, previewer)
        field = self._context.spec.caller_id_field
        if not field or not records:
            return self._write(token, [""] * len(records), now_s)
        self._reading.add(token)
        rows = tuple(record.ref.row for record in records)
        return [Do(ReadFields(records[0].ref.list_id, rows, field, token))]

    def fields_read(self, token: FieldToken, message: FieldsRead, now_s: float) -> list[Effect]:
        """Go on with records whose field is known; after a Stop, or a failure, give them back."""
        known = token in self._reading
        self._reading.discard(token)
        if known and self._context.dialing:
            return self._write(token, message.values, now_s)
        effects: list[Effect] = []
        for record in token.records:
            effects += self._give_back(record.ref, token.trunk_id)
            if known and token.previewer is not None:
                over = PreviewOver(record.ref, "stopped")
                effects += self._context.tell_agent(token.previewer, over)
        if known and token.previewer is None:
            unlaunched = CallsLaunched(self._context.campaign_id, len(token.records), 0)
            effects.append(self._context.tell_pacer(unlaunched))
        return effects

    def _write(self, token: FieldToken, fields: Sequence[str], now_s: float) -> list[Effect]:
        ids = self._context.ids
        attempts = []
        for record, field in zip(token.records, fields, strict=True):
            attempt = Attempt(
                ids.attempt(), record, ids.leg(), token.trunk_id, token.previewer,
                caller_id=self._showing.choose(record.number, field),
            )  # fmt: skip
            self._table.add(attempt)
            attempts.append(attempt)
        facts = [self._intended(attempt, now_s) for attempt in attempts]
        return [self._context.journal(facts, _token(attempts))] if facts else []

    def _give_back(self, ref: RecordRef, trunk_id: TrunkId) -> list[Effect]:
        release = ReleaseRecord(self._context.campaign_id, ref.row)
        return [
            *self._context.tell_trunk(trunk_id, ReturnPermits(1)),
            *self._context.tell_list(ref.list_id, release),
        ]

    def reroute(self, attempt: Attempt, trunk_id: TrunkId, now_s: float) -> list[Effect]:
        """Try a failed attempt over another trunk, under a new leg and a durable intent."""
        attempt.trunk_id = trunk_id
        attempt.leg_id = self._context.ids.leg()
        seed = self._context.identify(attempt.leg_id)
        fact = AttemptRerouted(
            at_s=now_s,
            attempt_id=attempt.attempt_id,
            campaign_id=self._context.campaign_id,
            trunk_id=trunk_id,
            leg_id=attempt.leg_id,
            call_id=seed.call_id,
            branch=seed.branch,
        )
        return [self._context.journal([fact], _token([attempt]))]

    def journaled(self, token: IntentToken, *, durable: bool, now_s: float) -> list[Effect]:
        """Let the INVITEs of durable intents leave; the others, and those of a Stop, do not."""
        effects: list[Effect] = []
        for intent in token.intents:
            attempt = self._table.find(intent.attempt_id, AttemptPhase.RESERVED)
            if attempt is None:
                effects += self._forgotten(intent, durable=durable)
            elif durable and self._context.dialing and attempt.caller_id is not None:
                effects += self._place(attempt, attempt.caller_id, now_s)
            else:
                effects += self._hold_back(attempt, now_s)
        return effects

    def _forgotten(self, intent: Intent, *, durable: bool) -> list[Effect]:
        """Give back what an intent held that a failed behavior left; durable ones are recovered."""
        return [] if durable else self._give_back(intent.ref, intent.trunk_id)

    def _hold_back(self, attempt: Attempt, now_s: float) -> list[Effect]:
        """Close an attempt whose INVITE does not leave; if none ever did, it is as never made."""
        context = self._context
        effects: list[Effect] = [*context.tell_trunk(attempt.trunk_id, ReturnPermits(1))]
        if attempt.launched_s:  # the one over another trunk had left
            return effects + self._closing.give_up(attempt, now_s)
        if attempt.previewer is None:
            effects.append(context.tell_pacer(CallsLaunched(context.campaign_id, 1, 0)))
        return effects + self._closing.close(attempt, NOT_PLACED, now_s)

    def _place(self, attempt: Attempt, caller_id: E164, now_s: float) -> list[Effect]:
        context = self._context
        attempt.step(Placed)
        self._table.open_leg(attempt)
        first = not attempt.launched_s
        attempt.placed_s = now_s
        attempt.launched_s = attempt.launched_s or now_s
        place = Do(self._call(attempt, caller_id))
        if not first:
            return [place]
        if attempt.previewer is not None:
            dialing = PreviewDialing(attempt.attempt_id)
            return [place, *context.tell_agent(attempt.previewer, dialing)]
        return [place, context.tell_pacer(CallsLaunched(context.campaign_id, 1, 1, now_s))]

    def _call(self, attempt: Attempt, caller_id: E164) -> PlaceCall:
        context, record = self._context, attempt.record
        return PlaceCall(
            leg_id=attempt.leg_id,
            attempt_id=attempt.attempt_id,
            campaign_id=context.campaign_id,
            generation=context.generation,
            number=record.number,
            caller_id=caller_id,
            caller_name=context.spec.caller_name,
            trunk_id=attempt.trunk_id,
            no_answer_s=context.spec.no_answer_timeout_s,
            licence=Licence(record.number, record.zones, record.phone_type, record.closes_s),
        )

    def _intended(self, attempt: Attempt, now_s: float) -> AttemptIntended:
        seed = self._context.identify(attempt.leg_id)
        record = attempt.record
        return AttemptIntended(
            at_s=now_s,
            attempt_id=attempt.attempt_id,
            campaign_id=self._context.campaign_id,
            list_id=record.ref.list_id,
            row=record.ref.row,
            number_index=record.number_index,
            number=record.number,
            caller_id=attempt.caller_id or "",
            trunk_id=attempt.trunk_id,
            leg_id=attempt.leg_id,
            call_id=seed.call_id,
            branch=seed.branch,
            verdict=record.verdict,
            retry=record.retries > 0,
            by_agent=attempt.previewer or AgentId(""),
            day=record.day,
        )


def _token(attempts: Sequence[Attempt]) -> IntentToken:
    return IntentToken(
        tuple(Intent(each.attempt_id, each.record.ref, each.trunk_id) for each in attempts)
    )
