"""From the reserved record to the INVITE: the intent first, durably; then the call (D1)."""

from collections.abc import Sequence
from dataclasses import dataclass

from engine.actors.campaign.attempt import Attempt, AttemptTable
from engine.actors.campaign.closing import Closing
from engine.actors.campaign.context import CampaignContext
from engine.actors.kernel.effects import Do, Effect
from engine.actors.messages import (
    CallsLaunched,
    PreviewDialing,
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


class Placing:
    """Makes the calls of one campaign."""

    __slots__ = ("_closing", "_context", "_table")

    def __init__(self, context: CampaignContext, table: AttemptTable, closing: Closing) -> None:
        self._context = context
        self._table = table
        self._closing = closing

    def intend(
        self,
        records: Sequence[ReservedRecord],
        trunk_id: TrunkId,
        now_s: float,
        previewer: AgentId | None = None,
    ) -> list[Effect]:
        """Write down what is about to be called; the INVITEs wait until that is durable."""
        ids = self._context.ids
        attempts = [
            Attempt(ids.attempt(), record, ids.leg(), trunk_id, previewer) for record in records
        ]
        for attempt in attempts:
            self._table.add(attempt)
        facts = [self._intended(attempt, now_s) for attempt in attempts]
        return [self._context.journal(facts, _token(attempts))] if facts else []

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
        caller_id = self._context.spec.caller_id
        effects: list[Effect] = []
        for intent in token.intents:
            attempt = self._table.find(intent.attempt_id, AttemptPhase.RESERVED)
            if attempt is None:
                effects += self._forgotten(intent, durable=durable)
            elif durable and self._context.dialing and caller_id is not None:
                effects += self._place(attempt, caller_id, now_s)
            else:
                effects += self._hold_back(attempt, now_s)
        return effects

    def _forgotten(self, intent: Intent, *, durable: bool) -> list[Effect]:
        """Give back what an intent held that a failed behavior left; durable ones are recovered."""
        if durable:
            return []
        release = ReleaseRecord(self._context.campaign_id, intent.ref.row)
        return [
            *self._context.tell_trunk(intent.trunk_id, ReturnPermits(1)),
            *self._context.tell_list(intent.ref.list_id, release),
        ]

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
            caller_id=self._context.spec.caller_id or "",
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
