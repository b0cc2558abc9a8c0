"""Attempts that an earlier life left open: their legs end, they close as made, once."""

from dataclasses import dataclass

from engine.actors.campaign.context import CampaignContext
from engine.actors.kernel.effects import Do, Effect
from engine.actors.messages import BlockNumber, ChannelFreed, CloseRecord
from engine.compliance.dial_rules import after_attempt
from engine.domain.causes import LOST
from engine.domain.dispositions import NO_AGENT, NO_DISPOSITION, SYSTEM_FAILURE, Disposition
from engine.domain.e164 import E164
from engine.domain.facts import AttemptClosed, DncAdded
from engine.ports import EndOldLeg, HangUp, OpenAttempt

_KEEP_DAY = -1


@dataclass(frozen=True, slots=True)
class _Tried:
    """The record of a lost attempt: what is not known is taken so that nothing is tried sooner."""

    number_index: int
    attempts: int
    number_attempts: bytes
    retries: int


def close_lost(
    context: CampaignContext, lost: OpenAttempt, *, new_life: bool, now_s: float
) -> list[Effect]:
    """Close an attempt of an earlier life as made, and end its leg (C2, D3).

    An outcome that was lost counts as an attempt; an answered call without an agent counts as
    unattended; a disposition that was acknowledged holds.
    """
    answered = bool(lost.dialog)
    disposition = _disposition(context, lost, answered=answered)
    tried = _Tried(lost.number_index, 0, bytes(lost.number_index + 1), retries=255)
    outcome = after_attempt(context.spec, tried, disposition, now_s, lost.callback_s)
    closed = AttemptClosed(
        at_s=now_s,
        attempt_id=lost.attempt_id,
        campaign_id=lost.campaign_id,
        list_id=lost.list_id,
        row=lost.row,
        number_index=lost.number_index,
        number=lost.number,
        disposition=disposition.slug,
        kind=disposition.kind,
        cause=LOST.slug,
        phase=outcome.phase,
        answered=answered,
        unattended=answered and not lost.connected,
        agent_id=lost.agent_id,
        next_s=outcome.next_s,
        stop_number=outcome.stop_number,
    )
    close = CloseRecord(
        campaign_id=lost.campaign_id,
        row=lost.row,
        number_index=lost.number_index,
        phase=outcome.phase,
        next_s=outcome.next_s,
        counted=True,
        retries=0,
        stop_number=outcome.stop_number,
        disposition=outcome.disposition,
        day=_KEEP_DAY,
    )
    effects: list[Effect] = []
    if disposition.adds_to_dnc:
        added = DncAdded(at_s=now_s, number=lost.number, by=f"agent:{lost.agent_id}")
        effects += [Do(BlockNumber(E164(lost.number))), context.note(added, closed)]
    else:
        effects.append(context.note(closed))
    return [
        *_end_leg(context, lost, new_life=new_life),
        *effects,
        *context.tell_list(lost.list_id, close),
    ]


def _disposition(context: CampaignContext, lost: OpenAttempt, *, answered: bool) -> Disposition:
    known = context.find_disposition(lost.disposition) if lost.disposition else None
    if known is not None:
        return known
    if lost.connected:
        return NO_DISPOSITION
    return NO_AGENT if answered else SYSTEM_FAILURE


def _end_leg(context: CampaignContext, lost: OpenAttempt, *, new_life: bool) -> list[Effect]:
    if new_life:
        return [Do(EndOldLeg(lost.leg_id, lost.dialog, lost.number, lost.trunk_id))]
    freed = context.tell_trunk(lost.trunk_id, ChannelFreed())
    return [Do(HangUp(lost.leg_id, LOST)), *freed]
