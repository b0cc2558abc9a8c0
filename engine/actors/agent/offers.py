"""Calls offered to an agent: taken, lost, or withdrawn."""

from engine.actors.agent.calls import Calls
from engine.actors.agent.context import IN_CALL, AgentContext
from engine.actors.agent.states import States
from engine.actors.agent.work import Work
from engine.actors.desk import CallFinished, CallJoined, CallOfferedToDesk, OfferGone
from engine.actors.kernel.effects import CancelTimer, Effect, Reply, StartTimer, Tell
from engine.actors.messages import (
    AcceptOffer,
    CallDeclined,
    CallTaken,
    OfferExpired,
    RejectOffer,
    TakeCall,
)
from engine.domain.ids import AttemptId
from engine.domain.refusals import IllegalTransitionError, NotNowError
from engine.machines.agent import (
    AGENT,
    AgentPhase,
    CallGone,
    CallOffered,
    MadeNotReady,
    PreviewGiven,
)
from engine.machines.agent import CallTaken as Taken

_TIMER = "offer"


class Offers:
    """The calls that come to one agent."""

    __slots__ = ("_agent", "_calls", "_states")

    def __init__(self, agent: AgentContext, states: States, calls: Calls) -> None:
        self._agent = agent
        self._states = states
        self._calls = calls

    def take(self, take: TakeCall, now_s: float) -> list[Effect]:
        """Take a call from its campaign: joined at once, or offered."""
        dialed = self._agent.phase is AgentPhase.DIALING and self._agent.has(take.attempt_id)
        if not dialed and not AGENT.may(self._agent.phase, PreviewGiven):
            answer = CallDeclined(take.attempt_id, self._agent.agent_id, "not-ready")
            return [Tell(take.campaign, answer)]
        self._agent.work = Work.of_call(take, now_s)
        direct = self._agent.phone.up and (take.automatic or dialed)
        if direct and dialed:
            return self.join(now_s)
        self._agent.move(CallOffered, now_s)
        return self.join(now_s) if direct else self._offer(take, now_s)

    def _offer(self, take: TakeCall, now_s: float) -> list[Effect]:
        offered = CallOfferedToDesk(
            attempt_id=take.attempt_id,
            campaign_id=take.campaign_id,
            ref=take.ref,
            number=take.number,
            automatic=take.automatic,
            expires_s=now_s + take.offer_s,
        )
        effects = [
            self._agent.tell_desk(offered),
            StartTimer(_TIMER, take.offer_s, OfferExpired(take.attempt_id)),
        ]
        if self._agent.phone.up:
            return effects
        return effects + self._agent.phone.call(
            self._agent.spec.phone, kept=self._agent.nailed_up, ring_s=take.offer_s, now_s=now_s
        )

    def _offered(self, attempt_id: AttemptId) -> None:
        """Make sure that the call is on offer.

        Raises:
            UnknownCallError: The agent has no such call.
            IllegalTransitionError: The call is not on offer any more.
        """
        self._agent.call(attempt_id)
        AGENT.step(self._agent.phase, Taken)

    def accept(self, message: AcceptOffer, now_s: float) -> list[Effect]:
        """Take the offered call."""
        self._offered(message.attempt_id)
        if not self._agent.phone.up:
            raise NotNowError("the phone rings: answering it takes the call", slug="phone-rings")
        return [*self.join(now_s), Reply(message.reply_to)]

    def reject(self, message: RejectOffer, now_s: float) -> list[Effect]:
        """Refuse the offered call."""
        self._offered(message.attempt_id)
        return [Reply(message.reply_to), *self.lose(MadeNotReady, "rejected", now_s)]

    def expired(self, attempt_id: AttemptId, now_s: float) -> list[Effect]:
        """End an offer that has waited too long."""
        if self._agent.phase is not AgentPhase.OFFERED or not self._agent.has(attempt_id):
            return []
        return self.lose(MadeNotReady, "missed-call", now_s)

    def join(self, now_s: float) -> list[Effect]:
        """Let agent and customer hear each other."""
        work = self._agent.in_hand()
        self._agent.move(Taken, now_s)
        work.joined_s = now_s
        attempt_id, leg_id = work.attempt_id, self._agent.phone.leg_id
        if attempt_id is None or leg_id is None:
            raise IllegalTransitionError("a call is joined without its legs")
        joined = CallJoined(attempt_id, work.campaign_id, work.ref, work.number)
        return [
            CancelTimer(_TIMER),
            *self._calls.remix(),
            Tell(
                work.campaign,
                CallTaken(attempt_id, self._agent.agent_id, leg_id, self._agent.spec.recording),
            ),
            self._agent.tell_desk(joined),
        ]

    def lose(self, event: type, reason: str, now_s: float) -> list[Effect]:
        """The agent does not take the offered call, which goes to another one."""
        work = self._agent.in_hand()
        attempt_id = work.attempt_id or AttemptId("")
        self._agent.work = None
        self._agent.move(event, now_s, reason)
        return [
            CancelTimer(_TIMER),
            *self._agent.phone.release(),
            Tell(work.campaign, CallDeclined(attempt_id, self._agent.agent_id, reason)),
            self._agent.tell_desk(OfferGone(attempt_id, reason)),
            *self._states.follow_logout(now_s),
        ]

    def withdrawn(self, reason: str, now_s: float) -> list[Effect]:
        """The customer is gone before, or in the very instant in which, the call was taken."""
        work = self._agent.in_hand()
        attempt_id = work.attempt_id or AttemptId("")
        if self._agent.phase in IN_CALL:
            effects = [
                *self._calls.silence(now_s),
                self._agent.tell_desk(CallFinished(attempt_id, reason)),
            ]
            self._agent.move(CallGone, now_s)
        elif self._agent.phase is AgentPhase.OFFERED:
            effects = [CancelTimer(_TIMER), self._agent.tell_desk(OfferGone(attempt_id, reason))]
        else:
            return []
        return [*effects, *self._agent.phone.release(), *self._states.settle(now_s)]
