"""What happens on the customer's leg, and what that means for the attempt."""

from engine.actors.campaign.attempt import UNANSWERED, WAITING, Attempt, AttemptTable
from engine.actors.campaign.closing import Closing
from engine.actors.campaign.context import CampaignContext
from engine.actors.campaign.handover import Handover
from engine.actors.kernel.effects import Do, Effect
from engine.actors.messages import CallMoved, ChannelFreed
from engine.domain.causes import CANCELLED, GATE_CLOSED, RELEASED, Cause, Fault, Redial
from engine.domain.dispositions import (
    ABANDONED,
    MESSAGE_CUT,
    NETWORK_FAILURE,
    NO_AGENT,
    NOT_PLACED,
    PLAYED,
    Disposition,
    disposition_of,
)
from engine.domain.facts import AttemptAnswered, CallQueued
from engine.domain.ids import AttemptId, LegId
from engine.domain.specs import Mode
from engine.machines.attempt import Answered, AttemptPhase, Rang, Rerouted, Treated
from engine.ports import HangUp, LegAnswered, LegEnded, PlayPrompt


class CustomerLegs:
    """The customers' legs of one campaign."""

    __slots__ = ("_closing", "_context", "_handover", "_table")

    def __init__(
        self,
        context: CampaignContext,
        table: AttemptTable,
        closing: Closing,
        handover: Handover,
    ) -> None:
        self._context = context
        self._table = table
        self._closing = closing
        self._handover = handover

    def rang(self, leg_id: LegId) -> None:
        """Note that the far end rings."""
        attempt = self._table.find_leg(leg_id)
        if attempt is not None:
            attempt.step(Rang)

    # --- answered --------------------------------------------------------------------------

    def answered(self, event: LegAnswered, now_s: float) -> list[Effect]:
        """A person answered: to the previewing agent, to a message, or into the queue."""
        attempt = self._table.find_leg(event.leg_id)
        if attempt is None or attempt.phase not in UNANSWERED:
            return []
        attempt.step(Answered)
        attempt.answered_s = attempt.waits_s = now_s
        attempt.sip_status = 200
        answered = self._answered(attempt, event.dialog, now_s)
        if self._context.spec.mode is Mode.AUTOMATIC:
            return [self._context.note(answered), *self._treat(attempt)]
        queued = CallQueued(
            at_s=now_s,
            attempt_id=attempt.attempt_id,
            campaign_id=self._context.campaign_id,
            list_id=attempt.record.ref.list_id,
            row=attempt.record.ref.row,
        )
        noted = self._context.note(answered, queued)
        return [noted, self._handover.watch(attempt), *self._to_agent(attempt)]

    def _to_agent(self, attempt: Attempt) -> list[Effect]:
        if attempt.previewer is not None:
            return self._handover.offer(attempt, attempt.previewer)
        return [*self._closing.moved(attempt, "answered"), self._handover.queue(attempt)]

    def _treat(self, attempt: Attempt) -> list[Effect]:
        """Play the campaign's message: automatic mode has no agents."""
        attempt.step(Treated)
        moved = CallMoved(self._context.campaign_id, "treated", attempt.launched_s)
        play = PlayPrompt(attempt.leg_id, self._context.spec.prompt)
        return [self._context.tell_pacer(moved), Do(play)]

    def _answered(self, attempt: Attempt, dialog: bytes, now_s: float) -> AttemptAnswered:
        return AttemptAnswered(
            at_s=now_s,
            attempt_id=attempt.attempt_id,
            campaign_id=self._context.campaign_id,
            list_id=attempt.record.ref.list_id,
            row=attempt.record.ref.row,
            leg_id=attempt.leg_id,
            dialog=dialog,
            ring_s=now_s - attempt.launched_s,
        )

    # --- ended -----------------------------------------------------------------------------

    def ended(self, event: LegEnded, now_s: float) -> tuple[list[Effect], Attempt | None]:
        """The leg is over: what that means depends on how far the attempt was.

        Returns:
            What follows, and the attempt if it waits for another trunk: its own failed it before
            anything rang.
        """
        attempt = self._table.close_leg(event.leg_id)
        if attempt is None:
            return [], None
        freed = self._freed(attempt, event)
        attempt.sip_status = event.sip_status or attempt.sip_status
        attempt.q850 = event.q850 or attempt.q850
        if attempt.phase is AttemptPhase.DIALING and self._may_reroute(event.cause):
            attempt.cause = event.cause
            attempt.step(Rerouted)
            attempt.tried = (*attempt.tried, attempt.trunk_id)
            return freed, attempt
        if event.cause.slug == GATE_CLOSED.slug and attempt.phase is AttemptPhase.DIALING:
            return freed + self._kept_back(attempt, event.cause, now_s), None
        attempt.cause = event.cause
        return freed + self._over(attempt, now_s), None

    def _freed(self, attempt: Attempt, event: LegEnded) -> list[Effect]:
        freed = ChannelFreed(
            failed=event.cause.fault is Fault.CARRIER and attempt.phase in UNANSWERED,
            sip_status=event.sip_status,
            retry_after_s=event.retry_after_s,
            launched_s=attempt.placed_s,
        )
        return self._context.tell_trunk(attempt.trunk_id, freed)

    def _may_reroute(self, cause: Cause) -> bool:
        """Say whether a cause before any ringing is worth another trunk."""
        soon = cause.fault is Fault.CARRIER and cause.redial is Redial.SOON
        return soon and self._context.dialing

    def _kept_back(self, attempt: Attempt, cause: Cause, now_s: float) -> list[Effect]:
        """The gate held the INVITE back; one over another trunk may have left before (D3)."""
        if attempt.tried:
            return self._closing.close(attempt, NETWORK_FAILURE, now_s)
        attempt.cause = cause
        return self._closing.close(attempt, NOT_PLACED, now_s)

    def _over(self, attempt: Attempt, now_s: float) -> list[Effect]:
        if attempt.phase is AttemptPhase.CONNECTED:
            return self._handover.wrap_up(attempt)
        if attempt.phase is AttemptPhase.TREATED:
            return self._closing.close(attempt, _heard(attempt), now_s)
        if attempt.phase in WAITING:
            gone = self._handover.unheard(attempt)
            return gone + self._closing.close(attempt, ABANDONED, now_s)
        return self._closing.close(attempt, disposition_of(attempt.cause), now_s)

    # --- we end it -------------------------------------------------------------------------

    def prompt_ended(self, leg_id: LegId) -> list[Effect]:
        """The message was heard: that is all."""
        attempt = self._table.find_leg(leg_id)
        if attempt is None or attempt.phase is not AttemptPhase.TREATED:
            return []
        return [Do(HangUp(leg_id, RELEASED))]

    def end_call(self, attempt_id: AttemptId, by: str) -> list[Effect]:
        """End a call; ``ended`` follows."""
        attempt = self._table.find(attempt_id)
        if attempt is None or not self._table.has_leg(attempt):
            return []
        attempt.ended_by = by
        cause = CANCELLED if attempt.phase in UNANSWERED else RELEASED
        return [Do(HangUp(attempt.leg_id, cause))]


def _heard(attempt: Attempt) -> Disposition:
    """Return what a treated call came to: only one that we ended heard its message out."""
    if attempt.unattended:
        return NO_AGENT
    return PLAYED if attempt.cause.slug == RELEASED.slug else MESSAGE_CUT
