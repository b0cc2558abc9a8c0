"""What happens on the customer's leg, and what that means for the attempt."""

from engine.actors.campaign.attempt import UNANSWERED, WAITING, Attempt, AttemptTable
from engine.actors.campaign.closing import Closing
from engine.actors.campaign.context import CampaignContext
from engine.actors.campaign.handover import Handover
from engine.actors.campaign.screening import Screening
from engine.actors.campaign.treating import Treatments
from engine.actors.kernel.effects import Do, Effect
from engine.actors.messages import ChannelFreed, ReturnPermits
from engine.domain.causes import (
    CANCELLED,
    NEVER_LEFT,
    NO_ROOM,
    RELEASED,
    Cause,
    Fault,
    Redial,
)
from engine.domain.dispositions import (
    ABANDONED,
    NETWORK_FAILURE,
    NOT_PLACED,
    disposition_of,
)
from engine.domain.facts import AttemptAnswered
from engine.domain.ids import AttemptId, LegId
from engine.machines.attempt import Answered, AttemptPhase, Rang, Rerouted
from engine.ports import HangUp, LegAnswered, LegEnded

_TREATED = frozenset({AttemptPhase.AWAITING_TONE, AttemptPhase.TREATED})


class CustomerLegs:
    """The customers' legs of one campaign."""

    __slots__ = ("_closing", "_context", "_handover", "_screening", "_table", "_treatments")

    def __init__(
        self,
        context: CampaignContext,
        table: AttemptTable,
        closing: Closing,
        handover: Handover,
        screening: Screening,
        treatments: Treatments,
    ) -> None:
        self._context = context
        self._table = table
        self._closing = closing
        self._handover = handover
        self._screening = screening
        self._treatments = treatments

    def rang(self, leg_id: LegId) -> None:
        """Note that the far end rings."""
        attempt = self._table.find_leg(leg_id)
        if attempt is not None:
            attempt.step(Rang)

    # --- answered --------------------------------------------------------------------------

    def answered(self, event: LegAnswered, now_s: float) -> list[Effect]:
        """Somebody or something answered: who, is found out first, if the campaign wants that."""
        attempt = self._table.find_leg(event.leg_id)
        if attempt is None or attempt.phase not in UNANSWERED:
            return []
        attempt.step(Answered)
        attempt.answered_s = attempt.waits_s = now_s
        attempt.sip_status = 200
        analysis = self._screening.wanted(attempt)
        attempt.screened = analysis is not None
        answered = self._answered(attempt, event.dialog, now_s)
        if analysis is None:
            return self._screening.pass_on(attempt, now_s, answered)
        return self._screening.begin(attempt, analysis, answered)

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
            screened=attempt.screened,
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
        held_back = event.cause.slug in NEVER_LEFT and attempt.phase is AttemptPhase.DIALING
        freed = self._returned(attempt, event) if held_back else self._freed(attempt, event)
        attempt.sip_status = event.sip_status or attempt.sip_status
        attempt.q850 = event.q850 or attempt.q850
        if attempt.phase is AttemptPhase.DIALING and self._may_reroute(event.cause):
            attempt.cause = event.cause
            attempt.step(Rerouted)
            attempt.tried = (*attempt.tried, attempt.trunk_id)
            return freed, attempt
        if held_back:
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

    def _returned(self, attempt: Attempt, event: LegEnded) -> list[Effect]:
        no_room = event.cause.slug == NO_ROOM.slug
        return self._context.tell_trunk(attempt.trunk_id, ReturnPermits(1, no_room=no_room))

    def _may_reroute(self, cause: Cause) -> bool:
        """Say whether a cause before any ringing is worth another trunk."""
        soon = cause.fault is Fault.CARRIER and cause.redial is Redial.SOON
        return soon and self._context.dialing

    def _kept_back(self, attempt: Attempt, cause: Cause, now_s: float) -> list[Effect]:
        """We held the INVITE back; one over another trunk may have left before (D3)."""
        if attempt.tried:
            return self._closing.close(attempt, NETWORK_FAILURE, now_s)
        attempt.cause = cause
        return self._closing.close(attempt, NOT_PLACED, now_s)

    def _over(self, attempt: Attempt, now_s: float) -> list[Effect]:
        if attempt.phase is AttemptPhase.CONNECTED:
            return self._handover.wrap_up(attempt)
        if attempt.phase in _TREATED:
            return self._treatments.over(attempt, now_s)
        if attempt.phase in WAITING:
            gone = self._handover.unheard(attempt)
            return gone + self._abandoned(attempt, now_s)
        if attempt.phase is AttemptPhase.SCREENING:
            return self._screening.dismiss(attempt) + self._abandoned(attempt, now_s)
        return self._closing.close(attempt, disposition_of(attempt.cause), now_s)

    def _abandoned(self, attempt: Attempt, now_s: float) -> list[Effect]:
        """The called party hung up before an agent came; a machine was never waiting for one."""
        outcome = None if attempt.person else attempt.outcome
        return self._closing.close(attempt, outcome or ABANDONED, now_s)

    # --- we end it -------------------------------------------------------------------------

    def end_call(self, attempt_id: AttemptId, by: str) -> list[Effect]:
        """End a call; ``ended`` follows."""
        attempt = self._table.find(attempt_id)
        if attempt is None or not self._table.has_leg(attempt):
            return []
        attempt.ended_by = by
        cause = CANCELLED if attempt.phase in UNANSWERED else RELEASED
        return [Do(HangUp(attempt.leg_id, cause))]
