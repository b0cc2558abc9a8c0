"""What the parts of one agent share: where it stands, its phone, its work, whom it tells."""

from dataclasses import dataclass

from engine.actors.agent.phone import AgentPhone
from engine.actors.agent.work import Work
from engine.actors.desk import DeskEvent, StateShown
from engine.actors.kernel.effects import Do, Effect, Tell
from engine.actors.kernel.ref import Ref
from engine.actors.messages import (
    AgentMoved,
    AgentView,
    Journal,
    NotifyDesk,
    RouterMessage,
)
from engine.domain.facts import AgentChanged
from engine.domain.ids import AgentId, AttemptId, CampaignId
from engine.domain.refusals import IllegalTransitionError, UnknownCallError
from engine.domain.specs import AgentLeg, AgentSpec
from engine.machines.agent import AGENT, STATE_OF, AgentPhase, AgentState
from engine.metrics.gauges import AgentGauges

IN_CALL = frozenset({AgentPhase.TALKING, AgentPhase.HOLDING})
"""Phases in which agent and customer are joined."""
HANDLING = IN_CALL | {AgentPhase.PREVIEWING, AgentPhase.DIALING, AgentPhase.OFFERED}
"""Phases in which an interaction is in hand that the agent must see through."""


@dataclass(frozen=True, slots=True)
class Wish:
    """A state that follows when the work ends, or when the phone is up."""

    state: AgentState
    reason: str
    by: str


class AgentContext:
    """One agent's standing.

    Attributes:
        spec: The agent's settings.
        phone: Its leg.
        phase: Where it stands.
        reason: Not Ready reason, or empty.
        pending: The state that follows, or None.
        work: The interaction in hand, or None.
    """

    __slots__ = (
        "_by",
        "_noted",
        "_phase_since_s",
        "_placed",
        "_router",
        "_shown",
        "_since_s",
        "pending",
        "phase",
        "phone",
        "reason",
        "spec",
        "work",
    )

    def __init__(
        self,
        spec: AgentSpec,
        phone: AgentPhone,
        router: Ref[RouterMessage],
    ) -> None:
        self.spec = spec
        self.phone = phone
        self.phase = AGENT.initial
        self.reason = ""
        self.pending: Wish | None = None
        self.work: Work | None = None
        self._router = router
        self._by = "engine"
        self._since_s: float | None = None
        self._phase_since_s = 0.0
        self._noted: tuple[AgentState, str, str] | None = None
        self._placed: AgentMoved | None = None
        self._shown: AgentView | None = None

    @property
    def agent_id(self) -> AgentId:
        """The agent."""
        return self.spec.agent_id

    def begin(self, now_s: float) -> None:
        """Note when this life began, at its first message."""
        if self._since_s is None:
            self._since_s = self._phase_since_s = now_s

    def forget_router(self) -> None:
        """Have the router told again where the agent stands."""
        self._placed = None

    def move(self, event: type, now_s: float, reason: str = "", by: str = "engine") -> None:
        """Go where the table says; talk and hold count as one phase for how long it lasts."""
        before, after = self.phase, AGENT.step(self.phase, event)
        if STATE_OF[after] is not STATE_OF[before] or reason != self.reason:
            self._since_s, self._by = now_s, by
        if after is not before and not {before, after} <= IN_CALL:
            self._phase_since_s = now_s
        self.phase, self.reason = after, reason

    def announce(self, now_s: float) -> list[Effect]:
        """Tell log, router and desktop what has changed since they were last told."""
        effects: list[Effect] = []
        view = self.view()
        noted = (view.state, view.reason, view.campaign_id or "")
        if noted != self._noted:
            self._noted = noted
            fact = AgentChanged(
                at_s=now_s,
                agent_id=view.agent_id,
                state=view.state.value,
                reason=view.reason,
                by=self._by,
                campaign_id=view.campaign_id or CampaignId(""),
            )
            effects.append(Do(Journal((fact,), keep=True)))
        placed = AgentMoved(
            agent_id=view.agent_id,
            team_id=self.spec.team_id,
            phase=self.phase,
            since_s=self._phase_since_s,
            campaign_id=view.campaign_id,
            leaving=view.pending in {AgentState.NOT_READY, AgentState.LOGGED_OUT},
        )
        if placed != self._placed:
            self._placed = placed
            effects.append(Tell(self._router, placed))
        if view != self._shown:
            self._shown = view
            effects.append(self.tell_desk(StateShown(view)))
        return effects

    def view(self) -> AgentView:
        """Return the agent as people and desktops see it."""
        work = self.work
        return AgentView(
            agent_id=self.agent_id,
            phase=self.phase,
            state=STATE_OF[self.phase],
            reason=self.reason,
            since_s=self._since_s or 0.0,
            pending=None if self.pending is None else self.pending.state,
            phone_up=self.phone.up,
            campaign_id=None if work is None else work.campaign_id,
            attempt_id=None if work is None else work.attempt_id,
            record=None if work is None else work.ref,
        )

    def gauges(self, now_s: float) -> AgentGauges:
        """Return what the metrics board shows of the agent."""
        work = self.work
        if work is None:
            return AgentGauges(active=0)
        reviewing = self.phase is AgentPhase.PREVIEWING
        icons = {AgentPhase.HOLDING: "hold", AgentPhase.ACW: "acw"}
        return AgentGauges(
            active=1,
            hold=work.hold_total_s(now_s),
            interaction=work.number,
            interaction_direction=icons.get(self.phase, "outbound"),
            preview_duration=now_s - work.began_s if reviewing else None,
            service=work.campaign_id,
            talk=work.talk_s(now_s),
        )

    def tell_desk(self, event: DeskEvent) -> Effect:
        """Tell the agent's desktop something."""
        return Do(NotifyDesk(self.agent_id, event))

    @property
    def nailed_up(self) -> bool:
        """Whether the phone stays connected between calls."""
        return self.spec.leg is AgentLeg.NAILED_UP

    @property
    def reachable(self) -> bool:
        """Whether a call could be joined: the nailed-up phone is up, or none is needed yet."""
        return self.phone.up or not self.nailed_up

    def has(self, attempt_id: AttemptId) -> bool:
        """Whether this call is the one in hand."""
        return self.work is not None and self.work.attempt_id == attempt_id

    def call(self, attempt_id: AttemptId) -> Work:
        """Return the work in hand, if it is this call.

        Raises:
            UnknownCallError: It is not.
        """
        if self.work is None or self.work.attempt_id != attempt_id:
            raise UnknownCallError(f"{self.agent_id} has no call {attempt_id}")
        return self.work

    def in_hand(self) -> Work:
        """Return the work in hand.

        Raises:
            IllegalTransitionError: There is none.
        """
        if self.work is None:
            raise IllegalTransitionError(f"{self.agent_id} has no work in hand")
        return self.work
