"""Records an agent reviews before they are called."""

from engine.actors.agent.after_call import AfterCallWork
from engine.actors.agent.context import AgentContext
from engine.actors.agent.states import States
from engine.actors.agent.work import Work
from engine.actors.desk import CallFinished, PreviewGone, PreviewShown
from engine.actors.kernel.effects import CancelTimer, Effect, Reply, StartTimer, Tell
from engine.actors.messages import (
    DecidePreview,
    EndCall,
    PreviewDecided,
    PreviewExpired,
    TakePreview,
)
from engine.domain.ids import AttemptId, RecordRef
from engine.domain.refusals import InvalidRequestError, UnknownRecordError
from engine.machines.agent import AGENT, AgentPhase, MadeNotReady, PreviewCalled, PreviewGiven

_DECISIONS = frozenset({"call", "complete", "skip", "reject"})
_TIMER = "preview"


class Previews:
    """The record one agent has in review, until its call is answered."""

    __slots__ = ("_after_call", "_agent", "_states")

    def __init__(self, agent: AgentContext, states: States, after_call: AfterCallWork) -> None:
        self._agent = agent
        self._states = states
        self._after_call = after_call

    def take(self, take: TakePreview, now_s: float) -> list[Effect]:
        """Show a record for review."""
        if not AGENT.may(self._agent.phase, PreviewGiven):
            return [Tell(take.campaign, self._decided(take.ref, "skip", 0.0))]
        self._agent.work = Work.of_preview(take, now_s)
        self._agent.move(PreviewGiven, now_s)
        expires_s = now_s + take.limit_s if take.limit_s > 0 else 0.0
        shown = PreviewShown(take.campaign_id, take.ref, take.number, expires_s)
        effects = [self._agent.tell_desk(shown)]
        if take.limit_s > 0:
            effects.append(StartTimer(_TIMER, take.limit_s, PreviewExpired(take.ref)))
        return effects

    def _decided(self, ref: RecordRef, decision: str, preview_s: float) -> PreviewDecided:
        return PreviewDecided(
            agent_id=self._agent.agent_id,
            ref=ref,
            decision=decision,
            number_index=-1,
            disposition="",
            notes="",
            preview_s=preview_s,
        )

    def decide(self, message: DecidePreview, now_s: float) -> list[Effect]:
        """Carry out what the agent decided on the record in review."""
        work = self._agent.work
        if message.decision not in _DECISIONS:
            raise InvalidRequestError(f"{message.decision!r} is no decision", slug="bad-decision")
        if work is None or self._agent.phase is not AgentPhase.PREVIEWING:
            raise UnknownRecordError(f"{self._agent.agent_id} has no record in review")
        decided = PreviewDecided(
            agent_id=self._agent.agent_id,
            ref=work.ref,
            decision=message.decision,
            number_index=message.number_index,
            disposition=message.disposition,
            notes=message.notes,
            preview_s=now_s - work.began_s,
        )
        told: list[Effect] = [CancelTimer(_TIMER), Tell(work.campaign, decided)]
        if message.decision == "call":
            self._agent.move(PreviewCalled, now_s)
            return [*told, Reply(message.reply_to)]
        told += [
            self._agent.tell_desk(PreviewGone(work.ref, message.decision)),
            Reply(message.reply_to),
        ]
        if message.decision != "reject":
            return [*told, *self._states.settle(now_s)]
        self._agent.work = None
        self._agent.move(MadeNotReady, now_s, "rejected")
        return [*told, *self._states.follow_logout(now_s)]

    def end(self, decision: str, reason: str, now_s: float) -> list[Effect]:
        """End the review for a reason of the engine."""
        work = self._agent.in_hand()
        decided = self._decided(work.ref, decision, now_s - work.began_s)
        gone = self._agent.tell_desk(PreviewGone(work.ref, reason))
        return [CancelTimer(_TIMER), Tell(work.campaign, decided), gone]

    def end_dialing(self, reason: str) -> list[Effect]:
        """Nobody will be there for the called party: end the call, if it has begun."""
        work = self._agent.in_hand()
        gone = self._agent.tell_desk(PreviewGone(work.ref, reason))
        if work.attempt_id is None:
            return [gone]
        return [Tell(work.campaign, EndCall(work.attempt_id, "engine")), gone]

    def call_over(self, ended_by: str, now_s: float) -> list[Effect]:
        """Go on after a call that was not answered, or could not be placed."""
        work = self._agent.in_hand()
        if ended_by == "not-placed":
            gone = self._agent.tell_desk(PreviewGone(work.ref, ended_by))
            return [gone, *self._states.settle(now_s)]
        work.ended_s = now_s
        finished = self._agent.tell_desk(CallFinished(work.attempt_id or AttemptId(""), ended_by))
        return [finished, *self._after_call.begin(now_s)]

    def expired(self, ref: RecordRef, now_s: float) -> list[Effect]:
        """End a review that has lasted too long."""
        work = self._agent.work
        if self._agent.phase is not AgentPhase.PREVIEWING or work is None or work.ref != ref:
            return []
        effects = self.end("timeout", "timeout", now_s)
        self._agent.work = None
        self._agent.move(MadeNotReady, now_s, "missed-preview")
        return effects + self._states.follow_logout(now_s)

    def dialing(self, attempt_id: AttemptId) -> list[Effect]:
        """Note which call the reviewed record has become."""
        if self._agent.phase is AgentPhase.DIALING and self._agent.work is not None:
            self._agent.work.attempt_id = attempt_id
        return []

    def over(self, ref: RecordRef, reason: str, now_s: float) -> list[Effect]:
        """End a review that its campaign has ended."""
        work = self._agent.work
        reviewing = self._agent.phase in {AgentPhase.PREVIEWING, AgentPhase.DIALING}
        if not reviewing or work is None or work.ref != ref:
            return []
        gone = self._agent.tell_desk(PreviewGone(ref, reason))
        return [CancelTimer(_TIMER), gone, *self._states.settle(now_s)]
