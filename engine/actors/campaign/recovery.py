"""Attempts that an earlier life left open: their legs end, they close as made, once."""

from dataclasses import dataclass

from engine.actors.campaign.context import CampaignContext
from engine.actors.kernel.effects import Do, Effect
from engine.actors.messages import (
    BlockNumber,
    CallMoved,
    CallOver,
    ChannelFreed,
    CloseRecord,
    Recover,
)
from engine.compliance.dial_rules import RecordOutcome, after_attempt
from engine.domain.causes import LOST
from engine.domain.dispositions import (
    ANSWERING_MACHINE,
    NO_AGENT,
    NO_DISPOSITION,
    SYSTEM_FAILURE,
    Disposition,
)
from engine.domain.e164 import E164
from engine.domain.facts import AttemptClosed, DncAdded
from engine.domain.ids import AgentId, LegId
from engine.ports import EndOldLeg, OpenAttempt

_KEEP_DAY = -1


@dataclass(frozen=True, slots=True)
class _Tried:
    """The record of a lost attempt: what is not known is taken so that nothing is tried sooner."""

    number_index: int
    attempts: int
    number_attempts: bytes
    retries: int


def close_lost(
    context: CampaignContext, lost: OpenAttempt, message: Recover, now_s: float
) -> list[Effect]:
    """Close an attempt that an earlier life, or a failed behavior, left open, as made (C2, D3).

    An outcome that was lost counts as an attempt; an answered call without an agent counts as
    unattended; a disposition that was acknowledged holds.
    """
    answered = bool(lost.dialog)
    disposition = _disposition(context, lost, answered=answered)
    tried = _Tried(lost.number_index, 0, bytes(lost.number_index + 1), retries=255)
    outcome = after_attempt(context.spec, tried, disposition, now_s, lost.callback_s)
    ending = _end_old_leg(lost) if message.new_life else _end_leg(context, lost, message.open_legs)
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
    return [
        *ending,
        *_note(context, lost, disposition, _closed(lost, disposition, outcome, now_s)),
        *context.tell_list(lost.list_id, close),
    ]


def _closed(
    lost: OpenAttempt, disposition: Disposition, outcome: RecordOutcome, now_s: float
) -> AttemptClosed:
    answered = bool(lost.dialog)
    return AttemptClosed(
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
        unattended=_is_unattended(lost),
        agent_id=lost.agent_id if lost.connected else AgentId(""),
        next_s=outcome.next_s,
        stop_number=outcome.stop_number,
    )


def count_lost(context: CampaignContext, lost: OpenAttempt) -> list[Effect]:
    """Tell the pacer of a person whom nobody will answer any more; it must know the campaign.

    Calls of records that an agent reviewed are none of its own.
    """
    if not _is_unattended(lost) or lost.agent_id:
        return []
    return [context.tell_pacer(CallMoved(context.campaign_id, "unattended", 0.0))]


def _is_unattended(lost: OpenAttempt) -> bool:
    return bool(lost.dialog) and not lost.connected and not lost.machine


def _note(
    context: CampaignContext, lost: OpenAttempt, disposition: Disposition, closed: AttemptClosed
) -> list[Effect]:
    if not disposition.adds_to_dnc:
        return [context.note(closed)]
    added = DncAdded(at_s=closed.at_s, number=lost.number, by=f"agent:{lost.agent_id}")
    return [Do(BlockNumber(E164(lost.number))), context.note(added, closed)]


def _disposition(context: CampaignContext, lost: OpenAttempt, *, answered: bool) -> Disposition:
    known = context.find_disposition(lost.disposition) if lost.disposition else None
    if known is not None:
        return known
    if lost.connected:
        return NO_DISPOSITION
    if lost.machine:
        return ANSWERING_MACHINE
    return NO_AGENT if answered else SYSTEM_FAILURE


def _end_old_leg(lost: OpenAttempt) -> list[Effect]:
    return [Do(EndOldLeg(lost.leg_id, lost.dialog, lost.number, lost.trunk_id))]


def _end_leg(
    context: CampaignContext, lost: OpenAttempt, open_legs: frozenset[LegId]
) -> list[Effect]:
    """Free what an attempt of this life held: its leg is ended already, its agent knows nothing."""
    effects: list[Effect] = []
    if lost.leg_id in open_legs or not lost.dialog:  # else the customer had hung up
        effects += context.tell_trunk(lost.trunk_id, ChannelFreed())
    if lost.connected:
        effects += context.tell_agent(lost.agent_id, CallOver(lost.attempt_id, "engine"))
    return effects
