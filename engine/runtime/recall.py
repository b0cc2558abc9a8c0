"""Calls that rules count and saved budgets have not: taken from the log."""

import math
from collections.abc import Iterable

from engine.actors.messages import RecalledCall
from engine.domain.facts import (
    AttemptClosed,
    AttemptIntended,
    CallAnalysed,
    CallConnected,
    CallQueued,
)
from engine.domain.ids import AttemptId
from engine.ports import StoredFact


class CallRecall:
    """Reads facts in order and tells each answer, and each unattended call, once.

    Calls of records that an agent reviewed, and of automatic campaigns, are none of the pacer's,
    unless the person asked for an agent. Machines that an agent is to hear count for nothing.
    """

    def __init__(self, after_s: float, until_s: float = math.inf) -> None:
        """Tell only of what was later than an instant, and not later than another.

        Args:
            after_s: The first, excluded. [s since the epoch]
            until_s: The second. [s since the epoch]
        """
        self._after_s, self._until_s = after_s, until_s
        self._reviewed: set[AttemptId] = set()
        self._machines: set[AttemptId] = set()
        self._passed: set[AttemptId] = set()
        self._late: set[AttemptId] = set()

    def take(self, facts: Iterable[StoredFact]) -> list[RecalledCall]:
        """Return the calls that these facts, which follow those before, are to be counted for."""
        calls = (self._call(stored) for stored in facts)
        return [call for call in calls if call and self._after_s < call.at_s <= self._until_s]

    def _call(self, stored: StoredFact) -> RecalledCall | None:
        match stored.fact:
            case AttemptIntended(attempt_id=attempt_id, by_agent=agent_id) if agent_id:
                self._reviewed.add(attempt_id)
            case CallAnalysed(attempt_id=attempt_id, person=False):
                self._machines.add(attempt_id)
            case CallAnalysed(attempt_id=attempt_id):
                self._passed.add(attempt_id)
            case CallQueued(at_s=at_s, attempt_id=attempt_id, campaign_id=campaign_id):
                if attempt_id not in self._reviewed | self._machines:
                    passed = attempt_id in self._passed
                    return RecalledCall(campaign_id, at_s, unattended=False, passed=passed)
            case CallConnected(attempt_id=attempt_id, late=True) as fact:
                if attempt_id not in self._late | self._reviewed:
                    self._late.add(attempt_id)
                    return RecalledCall(fact.campaign_id, fact.at_s, unattended=True)
            case AttemptClosed(attempt_id=attempt_id) as fact:
                told = attempt_id in self._late or attempt_id in self._reviewed
                self._late.discard(attempt_id)
                self._reviewed.discard(attempt_id)
                self._machines.discard(attempt_id)
                self._passed.discard(attempt_id)
                if fact.unattended and not told:
                    return RecalledCall(fact.campaign_id, fact.at_s, unattended=True)
            case _:
                pass
        return None
