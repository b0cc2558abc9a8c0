"""What durable facts say is open right now: enough to rebuild an actor that failed."""

from collections.abc import Iterable

from msgspec.structs import replace

from engine.domain.facts import (
    AttemptAnswered,
    AttemptClosed,
    AttemptIntended,
    AttemptRerouted,
    CallAnalysed,
    CallConnected,
    CampaignStarted,
    CampaignStopped,
    DialogMoved,
    DispositionSet,
    ScheduleEdgePassed,
)
from engine.domain.ids import AttemptId, CampaignId
from engine.ports import OpenAttempt, RunState, StoredFact, StoredState

_IDLE = RunState(running=False, generation=0, edges_done_s=0.0)


class LiveState:
    """Open attempts and run states, folded from the log as it grows."""

    def __init__(self, stored: StoredState) -> None:
        self._attempts: dict[AttemptId, OpenAttempt] = {
            attempt.attempt_id: attempt for attempt in stored.open_attempts
        }
        self._runs: dict[CampaignId, RunState] = dict(stored.runs)

    def attempts_of(self, campaign_id: CampaignId) -> list[OpenAttempt]:
        """Return a campaign's attempts without an outcome."""
        return [a for a in self._attempts.values() if a.campaign_id == campaign_id]

    def run_of(self, campaign_id: CampaignId) -> RunState:
        """Return a campaign's run state."""
        return self._runs.get(campaign_id, _IDLE)

    def campaign_of(self, attempt_id: AttemptId) -> CampaignId | None:
        """Return whose attempt without an outcome it is, None if it is none."""
        attempt = self._attempts.get(attempt_id)
        return attempt.campaign_id if attempt is not None else None

    @property
    def open_attempts(self) -> int:
        """Attempts without an outcome. [attempts]"""
        return len(self._attempts)

    def apply(self, facts: Iterable[StoredFact]) -> None:
        """Fold durable facts, in order."""
        for stored in facts:
            self._apply(stored)

    def _apply(self, stored: StoredFact) -> None:
        match stored.fact:
            case AttemptIntended() as fact:
                self._attempts[fact.attempt_id] = _opened(fact)
            case AttemptClosed(attempt_id=attempt_id):
                self._attempts.pop(attempt_id, None)
            case AttemptRerouted() as fact:
                self._change(
                    fact.attempt_id,
                    leg_id=fact.leg_id,
                    trunk_id=fact.trunk_id,
                    call_id=fact.call_id,
                    branch=fact.branch,
                )
            case AttemptAnswered() | DialogMoved() as fact:
                self._change(fact.attempt_id, dialog=fact.dialog)
            case CallAnalysed(attempt_id=attempt_id, person=False):
                self._change(attempt_id, machine=True)
            case CallConnected() as fact:
                self._change(fact.attempt_id, agent_id=fact.agent_id, connected=True)
            case DispositionSet() as fact:
                self._change(
                    fact.attempt_id, disposition=fact.disposition, callback_s=fact.callback_s
                )
            case CampaignStarted() as fact:
                self._run(fact.campaign_id, running=True, generation=fact.generation)
            case CampaignStopped() as fact:
                self._run(fact.campaign_id, running=False, generation=fact.generation)
            case ScheduleEdgePassed() as fact:
                self._run(fact.campaign_id, edges_done_s=fact.edge_s)
            case _:
                return

    # The values are fields of the dataclass, given by name; ``replace`` refuses any other.
    def _change(self, attempt_id: AttemptId, **values: object) -> None:
        known = self._attempts.get(attempt_id)
        if known is not None:
            self._attempts[attempt_id] = replace(known, **values)

    def _run(self, campaign_id: CampaignId, **values: object) -> None:
        run = self.run_of(campaign_id)
        self._runs[campaign_id] = replace(run, **values)


def _opened(fact: AttemptIntended) -> OpenAttempt:
    return OpenAttempt(
        attempt_id=fact.attempt_id,
        campaign_id=fact.campaign_id,
        list_id=fact.list_id,
        row=fact.row,
        number_index=fact.number_index,
        number=fact.number,
        leg_id=fact.leg_id,
        trunk_id=fact.trunk_id,
        call_id=fact.call_id,
        branch=fact.branch,
        dialog=b"",
        disposition="",
        agent_id=fact.by_agent,
        callback_s=0.0,
        retry=fact.retry,
        connected=False,
    )
