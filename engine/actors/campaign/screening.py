"""Who answered: call progress analysis of one campaign's answers, and what follows from it.

Two seconds count from the end of the called person's greeting (47 CFR 64.1200(a)(7),
16 CFR 310.4(b)(1)(iv)). Analysis calls a person when the silence after the greeting has lasted
``greeting_silence_s``, so the greeting ended so long before the verdict, and the person's time
waiting begins there and not with the verdict. Where nobody was heard to stop speaking (no verdict
in time, silence, any speech taken for a person) it begins with the verdict; without analysis, with
the answer, which is the strictest reading.
"""

from engine.actors.campaign.attempt import Attempt, AttemptTable
from engine.actors.campaign.closing import Closing
from engine.actors.campaign.context import CampaignContext
from engine.actors.campaign.handover import Handover
from engine.actors.campaign.treating import LATE_S, Treatments
from engine.actors.kernel.effects import CancelTimer, Do, Effect, StartTimer
from engine.actors.messages import VerdictDue
from engine.domain.analysis import PEOPLE, AnalysisSpec, Treatment, Verdict
from engine.domain.dispositions import (
    ANSWERING_MACHINE,
    BUSY,
    FAX,
    INVALID_NUMBER,
    SILENCE,
    Disposition,
)
from engine.domain.facts import AnyFact, CallAnalysed
from engine.domain.ids import AttemptId
from engine.domain.specs import Mode
from engine.machines.attempt import AttemptPhase
from engine.ports import AnalyseLeg, LegAnalysed

_OUTCOMES: dict[Verdict, Disposition] = {
    Verdict.MACHINE: ANSWERING_MACHINE,
    Verdict.FAX: FAX,
    Verdict.SILENCE: SILENCE,
    Verdict.BUSY: BUSY,
    Verdict.INVALID: INVALID_NUMBER,
}
"""What a call came to that is for nobody."""


class Screening:
    """Finds out who answered, and brings each call to whom it is for."""

    __slots__ = ("_closing", "_context", "_handover", "_table", "_treatments")

    def __init__(
        self,
        context: CampaignContext,
        table: AttemptTable,
        closing: Closing,
        handover: Handover,
        treatments: Treatments,
    ) -> None:
        self._context = context
        self._table = table
        self._closing = closing
        self._handover = handover
        self._treatments = treatments

    def wanted(self, attempt: Attempt) -> AnalysisSpec | None:
        """Return how an answer is to be analysed; agents who previewed hear for themselves."""
        return None if attempt.previewer is not None else self._context.spec.analysis

    def begin(self, attempt: Attempt, analysis: AnalysisSpec, *facts: AnyFact) -> list[Effect]:
        """Listen to an answered leg, for no longer than the limit and what media may be late."""
        attempt.screened = True
        due = VerdictDue(attempt.attempt_id)
        return [
            self._context.note(*facts),
            Do(AnalyseLeg(attempt.leg_id, analysis)),
            StartTimer(_timer(attempt), analysis.limit_s + LATE_S, due),
            *self._closing.moved(attempt, "screening"),
        ]

    def pass_on(self, attempt: Attempt, now_s: float, *facts: AnyFact) -> list[Effect]:
        """Bring a call to whom the campaign has for people."""
        automatic = self._context.spec.mode is Mode.AUTOMATIC and attempt.previewer is None
        if automatic:
            return self._treatments.begin_scenario(attempt, now_s, *facts)
        return self._handover.receive(attempt, now_s, *facts)

    def judged(self, event: LegAnalysed, now_s: float) -> list[Effect]:
        """Act on a verdict."""
        attempt = self._table.find_leg(event.leg_id)
        if attempt is None or attempt.phase is not AttemptPhase.SCREENING:
            return []
        return self._judge(attempt, event.verdict, event.reason, now_s)

    def verdict_due(self, attempt_id: AttemptId, now_s: float) -> list[Effect]:
        """Nothing was heard of the analysis: a person, who must not be held in silence."""
        attempt = self._table.find(attempt_id, AttemptPhase.SCREENING)
        if attempt is None:
            return []
        return self._judge(attempt, Verdict.UNDECIDED, "no verdict in time", now_s)

    @staticmethod
    def dismiss(attempt: Attempt) -> list[Effect]:
        """Forget the watch over an analysis."""
        return [CancelTimer(_timer(attempt))]

    def _judge(self, attempt: Attempt, verdict: Verdict, reason: str, now_s: float) -> list[Effect]:
        analysis = self._context.spec.analysis or AnalysisSpec()
        treatment = _treatment(analysis, verdict)
        silent = verdict is Verdict.SILENCE and treatment is Treatment.CONNECT
        attempt.person = verdict in PEOPLE or silent
        attempt.outcome = _OUTCOMES.get(verdict)
        heard_out = verdict is Verdict.PERSON and analysis.detect_machines
        since_s = now_s - (analysis.greeting_silence_s if heard_out else 0.0)
        attempt.waits_s = max(attempt.answered_s, since_s)
        fact = self._analysed(attempt, verdict, reason, now_s)
        done = self.dismiss(attempt)
        match treatment:
            case Treatment.CONNECT:
                return [*done, *self.pass_on(attempt, now_s, fact)]
            case Treatment.MESSAGE:
                noted = self._context.note(fact)
                limit_s = analysis.beep_limit_s
                return [*done, noted, *self._treatments.leave_message(attempt, limit_s)]
            case Treatment.END:
                noted = self._context.note(fact)
                return [*done, noted, *self._treatments.end(attempt, _OUTCOMES[verdict])]

    def _analysed(
        self, attempt: Attempt, verdict: Verdict, reason: str, now_s: float
    ) -> CallAnalysed:
        return CallAnalysed(
            at_s=now_s,
            attempt_id=attempt.attempt_id,
            campaign_id=self._context.campaign_id,
            list_id=attempt.record.ref.list_id,
            row=attempt.record.ref.row,
            verdict=verdict.value,
            after_s=now_s - attempt.answered_s,
            reason=reason,
            person=attempt.person,
        )


def _treatment(analysis: AnalysisSpec, verdict: Verdict) -> Treatment:
    """Return what is done with a call; people are connected, tones of the network are the end."""
    match verdict:
        case Verdict.PERSON | Verdict.UNDECIDED:
            return Treatment.CONNECT
        case Verdict.MACHINE:
            return analysis.machine
        case Verdict.FAX:
            return analysis.fax
        case Verdict.SILENCE:
            return analysis.silence
        case Verdict.BUSY | Verdict.INVALID:
            return Treatment.END


def _timer(attempt: Attempt) -> tuple[str, AttemptId]:
    return ("screening", attempt.attempt_id)
