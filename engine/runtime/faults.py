"""Makes whole what a failed actor left: its legs end, others hear of it, it begins anew."""

from typing import TYPE_CHECKING, Any

from engine.actors.desk import SessionOver
from engine.actors.kernel import Fault, Ref
from engine.actors.messages import (
    AgentLost,
    AgentMoved,
    CampaignMessage,
    Rejoin,
    TrunkRestarted,
    WithdrawRequests,
)
from engine.domain.causes import LOST
from engine.domain.facts import AgentChanged, AgentLegClosed, CampaignStopped
from engine.domain.ids import AgentId, CampaignId, LegId, ListId, SessionId, TeamId, TrunkId
from engine.domain.specs import AgentSpec
from engine.machines.agent import AgentPhase

if TYPE_CHECKING:
    from engine.runtime.assembly import Runtime


class Repair:
    """What is done when the kernel says that a behavior raised; it was rebuilt, or given up.

    A failed behavior knows nothing. What was under way is taken from durable facts, and not before
    those on their way to the store have arrived there: else an outcome could be written twice.
    """

    def __init__(self, runtime: "Runtime") -> None:
        """Take the engine whose parts fail."""
        self._runtime = runtime
        self._lost_legs: dict[CampaignId, frozenset[LegId]] = {}

    def failed(self, fault: Fault) -> None:
        """Find out who failed, and make good for it."""
        registry = self._runtime.registry
        self._runtime.listeners.fault(fault)
        if (campaign_id := registry.campaigns.key_of(fault.ref)) is not None:
            self._campaign(campaign_id, fault)
        elif (agent_id := registry.agents.key_of(fault.ref)) is not None:
            self._agent(agent_id, fault)
        elif (session_id := registry.sessions.key_of(fault.ref)) is not None:
            self._session(session_id, fault.ref)
        elif (list_id := registry.lists.key_of(fault.ref)) is not None:
            self._list(list_id, fault)
        elif (trunk_id := registry.trunks.key_of(fault.ref)) is not None:
            self._trunk(trunk_id, fault)
        else:
            self._matcher(fault)

    # --- campaigns -------------------------------------------------------------------------

    def _campaign(self, campaign_id: CampaignId, fault: Fault) -> None:
        runtime, now_s = self._runtime, self._runtime.now_s()
        runtime.gate.close(campaign_id)
        legs = frozenset(runtime.legs.legs_of(fault.ref))
        runtime.legs.end_legs_of(fault.ref, now_s)
        for trunk in runtime.registry.trunks.refs():
            runtime.kernel.tell(trunk, WithdrawRequests(fault.ref))
        if fault.gave_up:
            runtime.note(self._stopped(campaign_id, fault.error, now_s))
        waits = campaign_id in self._lost_legs
        self._lost_legs[campaign_id] = self._lost_legs.get(campaign_id, frozenset()) | legs
        if not waits:
            runtime.outbox.when_durable(lambda: self._recover(campaign_id))

    def _stopped(self, campaign_id: CampaignId, error: Exception, now_s: float) -> CampaignStopped:
        return CampaignStopped(
            at_s=now_s,
            campaign_id=campaign_id,
            generation=self._runtime.live.run_of(campaign_id).generation + 1,
            by="engine",
            reason=f"{type(error).__name__} too often",
        )

    def _recover(self, campaign_id: CampaignId) -> None:
        legs = self._lost_legs.pop(campaign_id)
        ref: Ref[CampaignMessage] | None = self._runtime.registry.campaigns.find(campaign_id)
        if ref is None:
            return  # deleted meanwhile
        if not self._runtime.kernel.alive(ref):
            ref = self._runtime.cast.spawn_again("campaign", campaign_id)
        self._runtime.cast.recover_campaign(campaign_id, ref, new_life=False, open_legs=legs)

    # --- agents and supervisors ------------------------------------------------------------

    def _agent(self, agent_id: AgentId, fault: Fault) -> None:
        """An agent begins logged out; the customer in hand is given to another (C4)."""
        runtime, now_s = self._runtime, self._runtime.now_s()
        for leg_id in runtime.legs.legs_of(fault.ref):
            closed = AgentLegClosed(at_s=now_s, agent_id=agent_id, leg_id=leg_id, cause=LOST.slug)
            runtime.note(closed)
        runtime.legs.end_legs_of(fault.ref, now_s)
        runtime.note(AgentChanged(at_s=now_s, agent_id=agent_id, state="logged-out", by="engine"))
        spec = runtime.resources.find("agent", agent_id)
        team_id = spec.team_id if isinstance(spec, AgentSpec) else TeamId("")
        gone = AgentMoved(agent_id, team_id, AgentPhase.LOGGED_OUT, now_s, None, leaving=True)
        runtime.kernel.tell(runtime.registry.router, gone)
        if fault.gave_up:
            runtime.cast.spawn_again("agent", agent_id)
        self._tell_campaigns(AgentLost(agent_id))

    def _session(self, session_id: SessionId, ref: Ref[Any]) -> None:
        runtime = self._runtime
        runtime.legs.end_legs_of(ref, runtime.now_s())
        runtime.registry.sessions.drop(session_id)
        runtime.kernel.stop(ref)
        runtime.listeners.supervisor(session_id, SessionOver("failed"))

    # --- what campaigns lean on ------------------------------------------------------------

    def _list(self, list_id: ListId, fault: Fault) -> None:
        if fault.gave_up:
            self._runtime.cast.spawn_again("list", list_id)
        self._tell_campaigns(Rejoin())

    def _trunk(self, trunk_id: TrunkId, fault: Fault) -> None:
        if fault.gave_up:
            self._runtime.cast.spawn_again("trunk", trunk_id)
        self._tell_campaigns(TrunkRestarted(trunk_id))

    def _matcher(self, fault: Fault) -> None:
        """The router or the pacer: everybody says again how they stand."""
        matchers = self._runtime.matchers
        if matchers.is_pacer(fault.ref):
            matchers.begin_pacer(gave_up=fault.gave_up)
            self._runtime.statistics.recall_calls(matchers.saved_at_s)
        else:
            matchers.begin_router(gave_up=fault.gave_up)
        self._tell_campaigns(Rejoin())
        for agent in self._runtime.registry.agents.refs():
            self._runtime.kernel.tell(agent, Rejoin())

    def _tell_campaigns(self, message: CampaignMessage) -> None:
        for campaign in self._runtime.registry.campaigns.refs():
            self._runtime.kernel.tell(campaign, message)
