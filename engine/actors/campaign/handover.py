"""From the answer to the agent's last word: who gets a person on the line, and how soon."""

from engine.actors.campaign.attempt import Attempt, AttemptTable
from engine.actors.campaign.closing import Closing
from engine.actors.campaign.context import CampaignContext
from engine.actors.kernel.effects import CancelTimer, Do, Effect, StartTimer, Tell
from engine.actors.messages import (
    AgentFound,
    AgentLeft,
    CallDeclined,
    CallOver,
    CallTaken,
    ChannelFreed,
    QueueCall,
    ReturnAgent,
    TakeCall,
    UnattendedDue,
    UnqueueCall,
    WithdrawCall,
    WorkFinished,
)
from engine.domain.causes import RELEASED
from engine.domain.facts import AnyFact, CallConnected, CallQueued
from engine.domain.ids import AgentId
from engine.machines.attempt import (
    AgentChosen,
    AgentFailed,
    AttemptPhase,
    Joined,
    LegGone,
    Queued,
)
from engine.ports import HangUp


class Handover:
    """Gives the people who answer one campaign's calls to agents."""

    __slots__ = ("_closing", "_context", "_table")

    def __init__(self, context: CampaignContext, table: AttemptTable, closing: Closing) -> None:
        self._context = context
        self._table = table
        self._closing = closing

    # --- waiting ---------------------------------------------------------------------------

    def receive(self, attempt: Attempt, now_s: float, *facts: AnyFact) -> list[Effect]:
        """Take a person who is for an agent: the one who previewed, or the next of the queue.

        While a person waits nothing is played: an agent is nearly always there within one tick of
        media, and otherwise the unattended message within two seconds.
        """
        attempt.step(Queued)
        queued = CallQueued(
            at_s=now_s,
            attempt_id=attempt.attempt_id,
            campaign_id=self._context.campaign_id,
            list_id=attempt.record.ref.list_id,
            row=attempt.record.ref.row,
        )
        effects = [self._context.note(*facts, queued), self.watch(attempt, now_s)]
        if attempt.previewer is not None:
            return [*effects, *self.offer(attempt, attempt.previewer)]
        return [*effects, *self._closing.moved(attempt, "answered"), self.queue(attempt)]

    def watch(self, attempt: Attempt, now_s: float) -> Effect:
        """Begin the time within which an agent must come; what the person has waited is over."""
        due = UnattendedDue(attempt.attempt_id)
        left_s = attempt.waits_s + self._context.spec.unattended_timeout_s - now_s
        return StartTimer(("unattended", attempt.attempt_id), max(left_s, 0.0), due)

    def queue(self, attempt: Attempt) -> Effect:
        """Let a person wait for the next agent."""
        call = QueueCall(self._context.campaign_id, attempt.attempt_id, attempt.waits_s)
        return Tell(self._context.registry.router, call)

    def requeue_all(self) -> list[Effect]:
        """Tell a router that began anew of everybody who waits."""
        return [self.queue(each) for each in self._table if each.phase is AttemptPhase.QUEUED]

    def unheard(self, attempt: Attempt) -> list[Effect]:
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
        attempt = self._table.find(message.attempt_id, AttemptPhase.QUEUED)
        if attempt is None:
            return [Tell(self._context.registry.router, ReturnAgent(message.agent_id))]
        return self.offer(attempt, message.agent_id)

    def offer(self, attempt: Attempt, agent_id: AgentId) -> list[Effect]:
        """Let an agent take a waiting call."""
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
            hold_prompt=spec.hold_prompt,
        )
        return self._context.tell_agent(agent_id, take) or self._another(attempt)

    def taken(self, message: CallTaken, now_s: float) -> list[Effect]:
        """Customer and agent hear each other."""
        attempt = self._table.find(message.attempt_id, AttemptPhase.OFFERED)
        if attempt is None or attempt.agent_id != message.agent_id:
            gone = CallOver(message.attempt_id, "customer")
            return self._context.tell_agent(message.agent_id, gone)
        attempt.step(Joined)
        wait_s = now_s - attempt.waits_s
        in_time = wait_s <= self._context.spec.unattended_timeout_s
        late = attempt.person and not attempt.connected and not in_time
        attempt.unattended = attempt.unattended or late
        connected = self._closing.moved(attempt, "unattended" if late else "connected")
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
        timer = CancelTimer(("unattended", attempt.attempt_id))
        return [timer, self._context.note(fact), *connected]

    def declined(self, message: CallDeclined) -> list[Effect]:
        """The agent does not take the call: it waits for another, with its old place."""
        attempt = self._table.find(message.attempt_id, AttemptPhase.OFFERED)
        if attempt is None or attempt.agent_id != message.agent_id:
            return []
        return self._another(attempt)

    def _another(self, attempt: Attempt) -> list[Effect]:
        attempt.step(AgentFailed)
        attempt.agent_id = None
        return [self.queue(attempt)]

    def agent_left(self, message: AgentLeft, now_s: float) -> list[Effect]:
        """The agent's phone was lost: another agent, or the message, within the limit (C4)."""
        attempt = self._table.find(message.attempt_id)
        if attempt is None or attempt.agent_id != message.agent_id:
            return []
        if attempt.phase is AttemptPhase.WRAP_UP:
            return self._closing.finish(attempt, 0.0, now_s)
        if attempt.phase is not AttemptPhase.CONNECTED:
            return []
        attempt.waits_s = now_s
        return [self.watch(attempt, now_s), *self._another(attempt)]

    def agent_lost(self, agent_id: AgentId, now_s: float) -> list[Effect]:
        """The agent knows nothing of its work any more: its calls go to others, or close."""
        effects: list[Effect] = []
        for attempt in self._table:
            if attempt.agent_id != agent_id:
                continue
            if attempt.phase is AttemptPhase.OFFERED:
                effects += self._another(attempt)
            else:
                effects += self.agent_left(AgentLeft(attempt.attempt_id, agent_id, 0.0, 0.0), now_s)
        return effects

    def wrap_up(self, attempt: Attempt) -> list[Effect]:
        """The customer is gone; the agent's after-call work begins."""
        attempt.step(LegGone)
        over = CallOver(attempt.attempt_id, attempt.ended_by or "customer")
        return self._context.tell_agent(attempt.agent_id or AgentId(""), over)

    def finished(self, message: WorkFinished, now_s: float) -> list[Effect]:
        """The agent's work is over: the attempt closes with what disposition there is."""
        attempt = self._table.find(message.attempt_id, AttemptPhase.CONNECTED, AttemptPhase.WRAP_UP)
        if attempt is None or attempt.agent_id != message.agent_id:
            return []
        effects: list[Effect] = []
        if attempt.phase is AttemptPhase.CONNECTED:
            # The agent was logged out in the middle of it; the customer's leg goes, too.
            self._table.close_leg(attempt.leg_id)
            freed = ChannelFreed(launched_s=attempt.placed_s)
            effects.append(Do(HangUp(attempt.leg_id, RELEASED)))
            effects += self._context.tell_trunk(attempt.trunk_id, freed)
        return effects + self._closing.finish(attempt, message.acw_s, now_s)
