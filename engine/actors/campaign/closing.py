"""The one outcome of an attempt: who is told what it came to, and what becomes of the record."""

from engine.actors.campaign.attempt import UNANSWERED, WAITING, Attempt, AttemptTable
from engine.actors.campaign.context import CampaignContext
from engine.actors.kernel.effects import Do, Effect
from engine.actors.messages import (
    BlockNumber,
    CallMoved,
    CallOver,
    CallsLaunched,
    CloseRecord,
    PreviewOver,
)
from engine.compliance.dial_rules import RecordOutcome, after_attempt
from engine.domain.dispositions import NO_DISPOSITION, Disposition, disposition_of
from engine.domain.facts import AttemptClosed, DncAdded
from engine.domain.ids import AgentId
from engine.machines.attempt import AttemptPhase, Disposed


class Closing:
    """Closes the attempts of one campaign."""

    __slots__ = ("_context", "_table")

    def __init__(self, context: CampaignContext, table: AttemptTable) -> None:
        self._context = context
        self._table = table

    def close(
        self, attempt: Attempt, disposition: Disposition, now_s: float, acw_s: float = 0.0
    ) -> list[Effect]:
        """Give an attempt its one outcome, and its record back to the list (A1)."""
        context, record = self._context, attempt.record
        before = attempt.phase
        attempt.step(Disposed)
        self._table.remove(attempt)
        outcome = after_attempt(context.spec, record, disposition, now_s, attempt.callback_s)
        close = CloseRecord(
            campaign_id=context.campaign_id,
            row=record.ref.row,
            number_index=record.number_index,
            phase=outcome.phase,
            next_s=outcome.next_s,
            counted=outcome.counted,
            retries=outcome.retries,
            stop_number=outcome.stop_number,
            disposition=outcome.disposition,
            day=record.day,
        )
        return [
            *self._note(
                attempt, disposition, self._closed(attempt, disposition, outcome, acw_s, now_s)
            ),
            *context.tell_list(record.ref.list_id, close),
            *self._tell_pacer(attempt, before),
            *self._tell_previewer(attempt, disposition),
        ]

    def give_up(self, attempt: Attempt, now_s: float) -> list[Effect]:
        """Close an attempt by the cause that ended its leg."""
        return self.close(attempt, disposition_of(attempt.cause), now_s)

    def finish(self, attempt: Attempt, acw_s: float, now_s: float) -> list[Effect]:
        """Close an attempt whose agent has finished, with what disposition there is."""
        disposition = attempt.disposition or attempt.noted or NO_DISPOSITION
        return self.close(attempt, disposition, now_s, acw_s)

    def treated(self, attempt: Attempt) -> list[Effect]:
        """Tell the pacer that an answered call is for no agent."""
        moved = self.moved(attempt, "treated")
        attempt.treated = True
        return moved

    def moved(self, attempt: Attempt, stage: str) -> list[Effect]:
        """Tell the pacer, unless the attempt was none of its calls.

        To pacing a call is over once an agent had it, or it was for none: what follows when that
        agent is lost, or the person asks for one after all, counts, but names no launch, so that
        it cannot be taken for another call of the same instant.
        """
        if attempt.previewer is not None:
            return []
        settled = attempt.connected or attempt.treated
        moved = CallMoved(
            campaign_id=self._context.campaign_id,
            stage=stage,
            launched_s=0.0 if settled else attempt.launched_s,
            screened=attempt.screened,
            person=attempt.person,
        )
        return [self._context.tell_pacer(moved)]

    def in_flight(self) -> list[Effect]:
        """Tell a pacer that began anew of the calls that are on their way."""
        campaign_id = self._context.campaign_id
        effects: list[Effect] = []
        for attempt in self._table:
            screening = attempt.phase is AttemptPhase.SCREENING
            coming = attempt.phase in UNANSWERED or screening
            if coming and attempt.launched_s and not attempt.previewer:
                launched = CallsLaunched(campaign_id, 0, 1, attempt.launched_s)
                effects.append(self._context.tell_pacer(launched))
                effects += self.moved(attempt, "screening") if screening else []
        return effects

    def _closed(
        self,
        attempt: Attempt,
        disposition: Disposition,
        outcome: RecordOutcome,
        acw_s: float,
        now_s: float,
    ) -> AttemptClosed:
        record = attempt.record
        return AttemptClosed(
            at_s=now_s,
            attempt_id=attempt.attempt_id,
            campaign_id=self._context.campaign_id,
            list_id=record.ref.list_id,
            row=record.ref.row,
            number_index=record.number_index,
            number=record.number,
            disposition=disposition.slug,
            kind=disposition.kind,
            cause=attempt.cause.slug,
            phase=outcome.phase,
            sip_status=attempt.sip_status,
            q850=attempt.q850,
            answered=attempt.answered_s > 0.0,
            unattended=attempt.unattended,
            counted=outcome.counted,
            agent_id=attempt.agent_id or AgentId(""),
            acw_s=acw_s,
            next_s=outcome.next_s,
            stop_number=outcome.stop_number,
            retries=outcome.retries,
        )

    def _note(
        self, attempt: Attempt, disposition: Disposition, closed: AttemptClosed
    ) -> list[Effect]:
        """Write the outcome down; a number that must not be called again is blocked with it."""
        if not disposition.adds_to_dnc or attempt.opted_out:
            return [self._context.note(closed)]
        number = attempt.record.number
        by = f"agent:{attempt.agent_id}" if attempt.agent_id else "engine"
        added = DncAdded(at_s=closed.at_s, number=number, by=by)
        return [Do(BlockNumber(number)), self._context.note(added, closed)]

    def _tell_pacer(self, attempt: Attempt, before: AttemptPhase) -> list[Effect]:
        """Tell the pacer of an end that it has not been told of by what came before it."""
        if attempt.treated:
            return self.moved(attempt, "over")
        if attempt.launched_s and (before in UNANSWERED or before is AttemptPhase.SCREENING):
            return self.moved(attempt, "ended")
        if before in WAITING:
            return self.moved(attempt, "abandoned")
        return []

    def _tell_previewer(self, attempt: Attempt, disposition: Disposition) -> list[Effect]:
        """Free the agent who wanted the call; before an INVITE it knows the record alone."""
        if attempt.previewer is None or attempt.connected:
            return []
        if not attempt.launched_s:
            over = PreviewOver(attempt.record.ref, disposition.slug)
            return self._context.tell_agent(attempt.previewer, over)
        called = CallOver(attempt.attempt_id, disposition.slug)
        return self._context.tell_agent(attempt.previewer, called)
