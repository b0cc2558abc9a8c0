"""Attempts under way: rows with a state machine, from the reserved record to the one outcome."""

from collections.abc import Sequence
from dataclasses import dataclass

from engine.actors.campaign.context import CampaignContext
from engine.actors.kernel.effects import CancelTimer, Do, Effect, StartTimer, Tell
from engine.actors.messages import (
    AgentFound,
    AgentLeft,
    BlockNumber,
    CallDeclined,
    CallMoved,
    CallOver,
    CallsLaunched,
    CallTaken,
    ChannelFreed,
    CloseRecord,
    PreviewDialing,
    QueueCall,
    ReservedRecord,
    ReturnAgent,
    ReturnPermits,
    TakeCall,
    UnattendedDue,
    UnqueueCall,
    WithdrawCall,
    WorkFinished,
)
from engine.compliance.dial_rules import after_attempt
from engine.domain.causes import CANCELLED, RELEASED, Cause, Fault, Redial
from engine.domain.dispositions import (
    ABANDONED,
    NO_AGENT,
    NO_DISPOSITION,
    NOT_PLACED,
    PLAYED,
    Disposition,
    disposition_of,
)
from engine.domain.facts import (
    AttemptAnswered,
    AttemptClosed,
    AttemptIntended,
    AttemptRerouted,
    CallConnected,
    CallQueued,
    DncAdded,
)
from engine.domain.ids import AgentId, AttemptId, LegId, TrunkId
from engine.domain.specs import Mode
from engine.machines.attempt import (
    ATTEMPT,
    AgentChosen,
    AgentFailed,
    Answered,
    AttemptPhase,
    Disposed,
    Joined,
    LegGone,
    Placed,
    Rang,
    Rerouted,
    Treated,
)
from engine.ports import HangUp, LegAnswered, LegEnded, Licence, PlaceCall, PlayPrompt

_HEARD = frozenset({AttemptPhase.QUEUED, AttemptPhase.OFFERED, AttemptPhase.CONNECTED})
_UNANSWERED = frozenset({AttemptPhase.RESERVED, AttemptPhase.DIALING, AttemptPhase.RINGING})


@dataclass(frozen=True, slots=True)
class IntentToken:
    """Intents that wait to be durable before their INVITEs leave."""

    attempt_ids: tuple[AttemptId, ...]


@dataclass(slots=True)
class Attempt:
    """One attempt under way.

    Attributes:
        attempt_id: Its id.
        record: What it is made on.
        leg_id: The customer's leg (the newest, after a reroute).
        trunk_id: Trunk of that leg.
        previewer: Agent who has it called after a preview, or None.
        phase: Where it stands.
        launched_s: When its first INVITE left, 0 before. [s since the epoch]
        answered_s: When it was answered, 0 before. [s since the epoch]
        waits_s: Since when the person waits for an agent. [s since the epoch]
        agent_id: Agent reserved or connected.
        disposition: What an agent said it came to.
        callback_s: When an agent promised to call again, or 0. [s since the epoch]
        unattended: Whether it counts as unattended.
        ended_by: Who asked for its end, or empty.
        tried: Trunks that failed it.
        cause: Why its leg ended.
        sip_status: Final status of its INVITE, or 0.
    """

    attempt_id: AttemptId
    record: ReservedRecord
    leg_id: LegId
    trunk_id: TrunkId
    previewer: AgentId | None = None
    phase: AttemptPhase = ATTEMPT.initial
    launched_s: float = 0.0
    answered_s: float = 0.0
    waits_s: float = 0.0
    agent_id: AgentId | None = None
    disposition: Disposition | None = None
    callback_s: float = 0.0
    unattended: bool = False
    connected: bool = False
    ended_by: str = ""
    tried: tuple[TrunkId, ...] = ()
    cause: Cause = CANCELLED
    sip_status: int = 0

    def step(self, event: type) -> None:
        """Go where the table says."""
        self.phase = ATTEMPT.step(self.phase, event)


class Attempts:
    """The attempts of one campaign that have no outcome yet."""

    __slots__ = ("_by_id", "_by_leg", "_context")

    def __init__(self, context: CampaignContext) -> None:
        self._context = context
        self._by_id: dict[AttemptId, Attempt] = {}
        self._by_leg: dict[LegId, Attempt] = {}

    def __len__(self) -> int:
        return len(self._by_id)

    def find(self, attempt_id: AttemptId) -> Attempt | None:
        """Return an attempt without an outcome, if it is one."""
        return self._by_id.get(attempt_id)

    def count(self, *phases: AttemptPhase) -> int:
        """Return how many stand in one of the phases."""
        return sum(attempt.phase in phases for attempt in self._by_id.values())

    def longest_wait_s(self, now_s: float) -> float:
        """Return how long the first of those who wait for an agent has waited. [s]"""
        waiting = (AttemptPhase.QUEUED, AttemptPhase.OFFERED)
        since = (a.waits_s for a in self._by_id.values() if a.phase in waiting)
        return now_s - min(since, default=now_s)

    # --- intent and INVITE -----------------------------------------------------------------

    def intend(
        self,
        records: Sequence[ReservedRecord],
        trunk_id: TrunkId,
        now_s: float,
        previewer: AgentId | None = None,
    ) -> list[Effect]:
        """Write down what is about to be called; the INVITEs wait until that is durable (D1)."""
        facts = []
        for record in records:
            attempt = Attempt(
                self._context.ids.attempt(),
                record,
                self._context.ids.leg(),
                trunk_id,
                previewer,
            )
            self._by_id[attempt.attempt_id] = attempt
            facts.append(self._intended(attempt, now_s))
        token = IntentToken(tuple(fact.attempt_id for fact in facts))
        return [self._context.journal(facts, token)] if facts else []

    def _intended(self, attempt: Attempt, now_s: float) -> AttemptIntended:
        seed = self._context.identify(attempt.leg_id)
        record = attempt.record
        return AttemptIntended(
            at_s=now_s,
            attempt_id=attempt.attempt_id,
            campaign_id=self._context.campaign_id,
            list_id=record.ref.list_id,
            row=record.ref.row,
            number_index=record.number_index,
            number=record.number,
            caller_id=self._context.spec.caller_id or "",
            trunk_id=attempt.trunk_id,
            leg_id=attempt.leg_id,
            call_id=seed.call_id,
            branch=seed.branch,
            verdict=record.verdict,
            retry=record.retries > 0,
            by_agent=attempt.previewer or AgentId(""),
            day=record.day,
        )

    def intended(self, token: IntentToken, *, durable: bool, now_s: float) -> list[Effect]:
        """Let the INVITEs of durable intents leave; the others, and those of a Stop, are closed."""
        effects: list[Effect] = []
        for attempt_id in token.attempt_ids:
            attempt = self._by_id.get(attempt_id)
            if attempt is None or attempt.phase is not AttemptPhase.RESERVED:
                continue
            if durable and self._context.dialing:
                effects += self._place(attempt, now_s)
            elif attempt.launched_s:  # its first INVITE was out; the one over another trunk is not
                returned = self._context.tell_trunk(attempt.trunk_id, ReturnPermits(1))
                effects += [*returned, *self.give_up(attempt, now_s)]
            else:
                effects += self._not_placed(attempt, now_s)
        return effects

    def _place(self, attempt: Attempt, now_s: float) -> list[Effect]:
        context = self._context
        record, spec = attempt.record, context.spec
        if spec.caller_id is None:
            return self._not_placed(attempt, now_s)
        attempt.step(Placed)
        self._by_leg[attempt.leg_id] = attempt
        first = attempt.launched_s == 0.0
        attempt.launched_s = attempt.launched_s or now_s
        licence = Licence(record.number, record.zones, record.phone_type, record.closes_s)
        effects: list[Effect] = [
            Do(
                PlaceCall(
                    leg_id=attempt.leg_id,
                    attempt_id=attempt.attempt_id,
                    campaign_id=context.campaign_id,
                    generation=context.generation,
                    number=record.number,
                    caller_id=spec.caller_id,
                    caller_name=spec.caller_name,
                    trunk_id=attempt.trunk_id,
                    no_answer_s=spec.no_answer_timeout_s,
                    licence=licence,
                )
            )
        ]
        if attempt.previewer is not None:
            dialing = PreviewDialing(attempt.attempt_id)
            return effects + (context.tell_agent(attempt.previewer, dialing) if first else [])
        if first:
            launched = CallsLaunched(context.campaign_id, 1, 1, now_s)
            effects.append(context.tell_pacer(launched))
        return effects

    def _not_placed(self, attempt: Attempt, now_s: float) -> list[Effect]:
        """Close an attempt whose INVITE never left; its record is untouched."""
        context = self._context
        effects: list[Effect] = [*context.tell_trunk(attempt.trunk_id, ReturnPermits(1))]
        if attempt.previewer is None and attempt.launched_s == 0.0:
            effects.append(context.tell_pacer(CallsLaunched(context.campaign_id, 1, 0)))
        return effects + self._close(attempt, NOT_PLACED, now_s)

    def reroute(self, attempt: Attempt, trunk_id: TrunkId, now_s: float) -> list[Effect]:
        """Try a failed attempt over another trunk, under a new leg and a durable intent."""
        attempt.trunk_id = trunk_id
        attempt.leg_id = self._context.ids.leg()
        seed = self._context.identify(attempt.leg_id)
        fact = AttemptRerouted(
            at_s=now_s,
            attempt_id=attempt.attempt_id,
            campaign_id=self._context.campaign_id,
            trunk_id=trunk_id,
            leg_id=attempt.leg_id,
            call_id=seed.call_id,
            branch=seed.branch,
        )
        return [self._context.journal([fact], IntentToken((attempt.attempt_id,)))]

    def give_up(self, attempt: Attempt, now_s: float) -> list[Effect]:
        """Close an attempt whose trunk failed it and for which there is no other."""
        return self._close(attempt, disposition_of(attempt.cause), now_s)

    # --- the customer's leg ----------------------------------------------------------------

    def rang(self, leg_id: LegId) -> None:
        """Note that the far end rings."""
        attempt = self._by_leg.get(leg_id)
        if attempt is not None:
            attempt.step(Rang)

    def answered(self, event: LegAnswered, now_s: float) -> list[Effect]:
        """A person answered: to the previewing agent, to a message, or into the queue."""
        attempt = self._by_leg.get(event.leg_id)
        if attempt is None or attempt.phase not in {AttemptPhase.DIALING, AttemptPhase.RINGING}:
            return []
        context = self._context
        attempt.step(Answered)
        attempt.answered_s = attempt.waits_s = now_s
        fact = AttemptAnswered(
            at_s=now_s,
            attempt_id=attempt.attempt_id,
            campaign_id=context.campaign_id,
            list_id=attempt.record.ref.list_id,
            row=attempt.record.ref.row,
            leg_id=attempt.leg_id,
            dialog=event.dialog,
            ring_s=now_s - attempt.launched_s,
        )
        if context.spec.mode is Mode.AUTOMATIC:
            attempt.step(Treated)
            play = Do(PlayPrompt(attempt.leg_id, context.spec.prompt))
            moved = CallMoved(context.campaign_id, "treated", attempt.launched_s)
            return [context.note(fact), context.tell_pacer(moved), play]
        queued = CallQueued(
            at_s=now_s,
            attempt_id=attempt.attempt_id,
            campaign_id=context.campaign_id,
            list_id=attempt.record.ref.list_id,
            row=attempt.record.ref.row,
        )
        effects: list[Effect] = [context.note(fact, queued), self._watch(attempt)]
        if attempt.previewer is not None:
            return effects + self._offer(attempt, attempt.previewer)
        moved = CallMoved(context.campaign_id, "answered", attempt.launched_s)
        return [*effects, context.tell_pacer(moved), self._queue(attempt)]

    def _watch(self, attempt: Attempt) -> Effect:
        """Begin the time within which an agent must come."""
        due = UnattendedDue(attempt.attempt_id)
        limit_s = self._context.spec.unattended_timeout_s
        return StartTimer(("unattended", attempt.attempt_id), limit_s, due)

    def _queue(self, attempt: Attempt) -> Effect:
        call = QueueCall(self._context.campaign_id, attempt.attempt_id, attempt.waits_s)
        return Tell(self._context.registry.router, call)

    def leg_ended(self, event: LegEnded, now_s: float) -> list[Effect]:
        """The customer's leg is over: what that means depends on how far the attempt was.

        A trunk's failure before anything rang leaves the attempt open for another trunk;
        ``waiting_for_trunk`` then returns it.
        """
        attempt = self._by_leg.pop(event.leg_id, None)
        if attempt is None:
            return []
        attempt.cause, attempt.sip_status = event.cause, event.sip_status
        freed = ChannelFreed(
            failed=event.cause.fault is Fault.CARRIER and attempt.phase in _UNANSWERED,
            sip_status=event.sip_status,
            retry_after_s=event.retry_after_s,
        )
        effects: list[Effect] = [*self._context.tell_trunk(attempt.trunk_id, freed)]
        phase = attempt.phase
        if phase is AttemptPhase.DIALING and event.cause.slug == "gate-closed":
            return effects + self._close(attempt, NOT_PLACED, now_s)
        if phase is AttemptPhase.DIALING and self.may_reroute(event.cause):
            attempt.step(Rerouted)
            attempt.tried = (*attempt.tried, attempt.trunk_id)
            return effects
        if phase is AttemptPhase.CONNECTED:
            return effects + self._wrap_up(attempt)
        if phase is AttemptPhase.TREATED:
            played = PLAYED if self._context.spec.mode is Mode.AUTOMATIC else NO_AGENT
            return effects + self._close(attempt, played, now_s)
        if phase in _HEARD:
            return effects + self._unheard(attempt) + self._close(attempt, ABANDONED, now_s)
        return effects + self._close(attempt, disposition_of(event.cause), now_s)

    def may_reroute(self, cause: Cause) -> bool:
        """Say whether a cause before any ringing is worth another trunk."""
        soon = cause.fault is Fault.CARRIER and cause.redial is Redial.SOON
        return soon and self._context.dialing

    def waiting_for_trunk(self, leg_id: LegId) -> Attempt | None:
        """Return the attempt whose leg just ended and that waits for another trunk."""
        for attempt in self._by_id.values():
            if attempt.leg_id == leg_id and attempt.tried:
                return attempt if attempt.phase is AttemptPhase.RESERVED else None
        return None

    def _wrap_up(self, attempt: Attempt) -> list[Effect]:
        attempt.step(LegGone)
        over = CallOver(attempt.attempt_id, attempt.ended_by or "customer")
        return self._context.tell_agent(attempt.agent_id or AgentId(""), over)

    def _unheard(self, attempt: Attempt) -> list[Effect]:
        """Take a call without an agent out of the queue, or off the agent it is offered to."""
        context = self._context
        timer = CancelTimer(("unattended", attempt.attempt_id))
        if attempt.phase is AttemptPhase.OFFERED and attempt.agent_id is not None:
            gone = WithdrawCall(attempt.attempt_id, attempt.ended_by or "customer")
            return [timer, *context.tell_agent(attempt.agent_id, gone)]
        unqueue = UnqueueCall(context.campaign_id, attempt.attempt_id)
        return [timer, Tell(context.registry.router, unqueue)]

    # --- the agent -------------------------------------------------------------------------

    def agent_found(self, message: AgentFound) -> list[Effect]:
        """Give a waiting call to the agent the router reserved; give back one not needed."""
        attempt = self._by_id.get(message.attempt_id)
        if attempt is None or attempt.phase is not AttemptPhase.QUEUED:
            return [Tell(self._context.registry.router, ReturnAgent(message.agent_id))]
        return self._offer(attempt, message.agent_id)

    def _offer(self, attempt: Attempt, agent_id: AgentId) -> list[Effect]:
        attempt.step(AgentChosen)
        attempt.agent_id = agent_id
        spec = self._context.spec
        take = TakeCall(
            attempt_id=attempt.attempt_id,
            campaign_id=spec.campaign_id,
            campaign=self._context.me,
            ref=attempt.record.ref,
            number=attempt.record.number,
            customer_leg=attempt.leg_id,
            automatic=spec.automatic_answer or attempt.previewer == agent_id,
            offer_s=spec.offer_timeout_s,
            acw_limit_s=spec.acw_limit_s,
        )
        return self._context.tell_agent(agent_id, take)

    def taken(self, message: CallTaken, now_s: float) -> list[Effect]:
        """Customer and agent hear each other."""
        attempt = self._by_id.get(message.attempt_id)
        offered = attempt is not None and attempt.phase is AttemptPhase.OFFERED
        if attempt is None or not offered or attempt.agent_id != message.agent_id:
            gone = CallOver(message.attempt_id, "customer")
            return self._context.tell_agent(message.agent_id, gone)
        attempt.step(Joined)
        wait_s = now_s - attempt.answered_s
        late = not attempt.connected and wait_s > self._context.spec.unattended_timeout_s
        attempt.unattended = attempt.unattended or late
        attempt.connected = True
        fact = CallConnected(
            at_s=now_s,
            attempt_id=attempt.attempt_id,
            campaign_id=self._context.campaign_id,
            list_id=attempt.record.ref.list_id,
            row=attempt.record.ref.row,
            agent_id=message.agent_id,
            wait_s=wait_s,
            late=late,
        )
        return [
            CancelTimer(("unattended", attempt.attempt_id)),
            self._context.note(fact),
            *self._moved(attempt, "connected"),
        ]

    def declined(self, message: CallDeclined) -> list[Effect]:
        """The agent does not take the call: it waits for another, with its old place."""
        attempt = self._by_id.get(message.attempt_id)
        offered = attempt is not None and attempt.phase is AttemptPhase.OFFERED
        if attempt is None or not offered or attempt.agent_id != message.agent_id:
            return []
        attempt.step(AgentFailed)
        attempt.agent_id = None
        return [self._queue(attempt)]

    def agent_left(self, message: AgentLeft, now_s: float) -> list[Effect]:
        """The agent's phone was lost: another agent, or the message, within the limit (C4)."""
        attempt = self._by_id.get(message.attempt_id)
        if attempt is None or attempt.agent_id != message.agent_id:
            return []
        if attempt.phase is AttemptPhase.WRAP_UP:
            return self._finish(attempt, 0.0, now_s)
        if attempt.phase is not AttemptPhase.CONNECTED:
            return []
        attempt.step(AgentFailed)
        attempt.agent_id = None
        attempt.waits_s = now_s
        return [self._watch(attempt), self._queue(attempt)]

    def unattended_due(self, attempt_id: AttemptId) -> list[Effect]:
        """No agent came in time: the message, if there is one, or the end."""
        attempt = self._by_id.get(attempt_id)
        if attempt is None or attempt.phase not in {AttemptPhase.QUEUED, AttemptPhase.OFFERED}:
            return []
        attempt.ended_by = "engine"
        effects = self._unheard(attempt)
        attempt.step(Treated)
        attempt.unattended = True
        attempt.agent_id = None
        effects += self._moved(attempt, "unattended")
        if prompt := self._context.spec.unattended_prompt:
            return [*effects, Do(PlayPrompt(attempt.leg_id, prompt))]
        return [*effects, Do(HangUp(attempt.leg_id, RELEASED))]

    def prompt_ended(self, leg_id: LegId) -> list[Effect]:
        """The message was heard: that is all."""
        attempt = self._by_leg.get(leg_id)
        if attempt is None or attempt.phase is not AttemptPhase.TREATED:
            return []
        return [Do(HangUp(leg_id, RELEASED))]

    def end_call(self, attempt_id: AttemptId, by: str) -> list[Effect]:
        """End the customer's leg; ``leg_ended`` follows."""
        attempt = self._by_id.get(attempt_id)
        if attempt is None or attempt.leg_id not in self._by_leg:
            return []
        attempt.ended_by = by
        cause = CANCELLED if attempt.phase in _UNANSWERED else RELEASED
        return [Do(HangUp(attempt.leg_id, cause))]

    def finished(self, message: WorkFinished, now_s: float) -> list[Effect]:
        """The agent's work is over: the attempt closes with what disposition there is."""
        attempt = self._by_id.get(message.attempt_id)
        if attempt is None or attempt.agent_id != message.agent_id:
            return []
        if attempt.phase is AttemptPhase.CONNECTED:
            # The agent was logged out in the middle of it; the customer's leg goes, too.
            self._by_leg.pop(attempt.leg_id, None)
            end = [Do(HangUp(attempt.leg_id, RELEASED))]
            freed = self._context.tell_trunk(attempt.trunk_id, ChannelFreed())
            return [*end, *freed, *self._finish(attempt, message.acw_s, now_s)]
        if attempt.phase is AttemptPhase.WRAP_UP:
            return self._finish(attempt, message.acw_s, now_s)
        return []

    def _finish(self, attempt: Attempt, acw_s: float, now_s: float) -> list[Effect]:
        return self._close(attempt, attempt.disposition or NO_DISPOSITION, now_s, acw_s)

    # --- outcome ---------------------------------------------------------------------------

    def _moved(self, attempt: Attempt, stage: str) -> list[Effect]:
        """Tell the pacer, unless the attempt was none of its calls."""
        if attempt.previewer is not None:
            return []
        moved = CallMoved(self._context.campaign_id, stage, attempt.launched_s)
        return [self._context.tell_pacer(moved)]

    def _close(
        self, attempt: Attempt, disposition: Disposition, now_s: float, acw_s: float = 0.0
    ) -> list[Effect]:
        """Give an attempt its one outcome, and its record back to the list (A1)."""
        context, record = self._context, attempt.record
        answered_before = attempt.answered_s > 0.0
        previewer = attempt.previewer
        attempt.step(Disposed)
        del self._by_id[attempt.attempt_id]
        outcome = after_attempt(context.spec, record, disposition, now_s, attempt.callback_s)
        closed = AttemptClosed(
            at_s=now_s,
            attempt_id=attempt.attempt_id,
            campaign_id=context.campaign_id,
            list_id=record.ref.list_id,
            row=record.ref.row,
            number_index=record.number_index,
            number=record.number,
            disposition=disposition.slug,
            kind=disposition.kind,
            cause=attempt.cause.slug,
            phase=outcome.phase,
            sip_status=attempt.sip_status,
            answered=answered_before,
            unattended=attempt.unattended,
            counted=outcome.counted,
            agent_id=attempt.agent_id or AgentId(""),
            acw_s=acw_s,
            next_s=outcome.next_s,
            stop_number=outcome.stop_number,
            retries=outcome.retries,
        )
        effects: list[Effect] = []
        if disposition.adds_to_dnc:
            by = f"agent:{attempt.agent_id}" if attempt.agent_id else "engine"
            effects.append(Do(BlockNumber(record.number)))
            effects.append(context.note(DncAdded(at_s=now_s, number=record.number, by=by), closed))
        else:
            effects.append(context.note(closed))
        effects += context.tell_list(
            record.ref.list_id,
            CloseRecord(
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
            ),
        )
        if attempt.launched_s and not answered_before:
            effects += self._moved(attempt, "ended")
        elif disposition is ABANDONED:
            effects += self._moved(attempt, "abandoned")
        if previewer is not None and not attempt.connected:
            reason = disposition.slug if attempt.launched_s else "not-placed"
            effects += context.tell_agent(previewer, CallOver(attempt.attempt_id, reason))
        return effects
