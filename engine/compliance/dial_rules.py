"""What becomes of a record when an attempt ends (guide: Dial Rules, Attempt Limits)."""

from dataclasses import dataclass
from typing import Protocol

from engine.domain.dispositions import (
    DEFAULT_RULES,
    NO_NUMBERS_LEFT,
    NOT_PLACED,
    Action,
    DialRule,
    Disposition,
    DispositionKind,
)
from engine.domain.facts import RecordPhase
from engine.domain.specs import CampaignSpec

STOPPED_NUMBER = 255
"""Count of attempts that stands for: never try this number again."""


class Tried(Protocol):
    """What is known of the record an attempt was made on (``ReservedRecord`` is one)."""

    @property
    def number_index(self) -> int:
        """Which of its numbers was tried, from 0."""
        ...

    @property
    def attempts(self) -> int:
        """Counted attempts on the record before this one."""
        ...

    @property
    def number_attempts(self) -> bytes:
        """Counted attempts by number before this one; 255 is a stopped number."""
        ...

    @property
    def retries(self) -> int:
        """Quick retries made in the running series."""
        ...


@dataclass(frozen=True, slots=True)
class RecordOutcome:
    """What became of a record.

    Attributes:
        phase: Ready, waiting or done.
        next_s: For waiting: not before. [s since the epoch]
        stop_number: Whether the number is not to be tried again.
        counted: Whether the attempt counts against the caps.
        retries: Quick retries in the running series.
        disposition: Slug to show for the record.
    """

    phase: RecordPhase
    next_s: float
    stop_number: bool
    counted: bool
    retries: int
    disposition: str


def rule_of(spec: CampaignSpec, disposition: str) -> DialRule:
    """Return the dial rule for a disposition: the campaign's, the default, else 24 hours."""
    for rule in spec.dial_rules:
        if rule.disposition == disposition:
            return rule
    return DEFAULT_RULES.get(disposition, DialRule(disposition))


def after_attempt(
    spec: CampaignSpec,
    tried: Tried,
    disposition: Disposition,
    now_s: float,
    callback_s: float = 0.0,
) -> RecordOutcome:
    """Return what becomes of a record after an attempt.

    A final disposition finishes it; then a quick retry, which belongs to the same attempt and is
    not counted; then caps; then the agent's own callback; then the rule's action.

    Args:
        spec: The campaign.
        tried: The record as it was reserved.
        disposition: What the attempt came to.
        now_s: When it ended. [s since the epoch]
        callback_s: When an agent promised to call again, or 0. [s since the epoch]
    """
    if disposition.slug == NOT_PLACED.slug:
        return RecordOutcome(RecordPhase.READY, 0.0, False, False, tried.retries, "")
    if disposition.kind is not DispositionKind.CONTINUE:
        return _done(disposition.slug, stop_number=disposition.adds_to_dnc)
    rule = rule_of(spec, disposition.slug)
    if callback_s <= 0 and tried.retries < rule.max_retries:
        next_s = now_s + max(rule.retry_delay_s, spec.min_gap_s)
        retries = tried.retries + 1
        return RecordOutcome(RecordPhase.WAITING, next_s, False, False, retries, disposition.slug)
    stop_number = callback_s <= 0 and rule.action is Action.STOP_NUMBER
    if not _may_go_on(spec, tried, stop_number):
        several = len(tried.number_attempts) > 1
        return _done(NO_NUMBERS_LEFT.slug if several else disposition.slug, stop_number)
    return _go_on(spec, rule, disposition.slug, now_s, callback_s)


def _go_on(
    spec: CampaignSpec, rule: DialRule, slug: str, now_s: float, callback_s: float
) -> RecordOutcome:
    if callback_s > 0:
        next_s = max(callback_s, now_s + spec.min_gap_s)
        return RecordOutcome(RecordPhase.WAITING, next_s, False, True, 0, slug)
    match rule.action:
        case Action.RESCHEDULE:
            next_s = now_s + max(rule.delay_s, spec.min_gap_s)
            return RecordOutcome(RecordPhase.WAITING, next_s, False, True, 0, slug)
        case Action.NEXT_PASS:
            return RecordOutcome(RecordPhase.READY, 0.0, False, True, 0, slug)
        case Action.STOP_NUMBER:
            return RecordOutcome(RecordPhase.READY, 0.0, True, True, 0, slug)
        case Action.STOP_RECORD:
            return _done(slug)


def _may_go_on(spec: CampaignSpec, tried: Tried, stop_number: bool) -> bool:
    """Say whether the caps leave a number to try, this attempt counted (D3)."""
    if tried.attempts + 1 >= spec.max_attempts_per_record:
        return False
    counts = list(tried.number_attempts)
    counts[tried.number_index] = (
        STOPPED_NUMBER if stop_number else min(counts[tried.number_index] + 1, STOPPED_NUMBER)
    )
    return any(count < spec.max_attempts_per_number for count in counts)


def _done(slug: str, stop_number: bool = False) -> RecordOutcome:
    return RecordOutcome(RecordPhase.DONE, 0.0, stop_number, True, 0, slug)
