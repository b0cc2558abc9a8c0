"""What the parts of one campaign share: its settings, whom it speaks to, and small wordings."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from engine.actors.kernel.effects import Do, Effect, Tell
from engine.actors.kernel.ref import Ref
from engine.actors.messages import (
    AgentMessage,
    CampaignMessage,
    Journal,
    ListMessage,
    PacerMessage,
    TrunkMessage,
)
from engine.actors.registry import Registry
from engine.domain.dispositions import PREDEFINED, Disposition
from engine.domain.facts import AnyFact
from engine.domain.ids import AgentId, CampaignId, IdSource, LegId, ListId, TrunkId
from engine.domain.specs import CampaignSpec
from engine.machines.campaign import CampaignPhase
from engine.ports import DialogSeed


@dataclass(slots=True)
class CampaignContext:
    """One campaign's surroundings.

    Attributes:
        spec: Its settings.
        me: Its own address.
        registry: Everybody else's.
        ids: Source of attempt and leg ids.
        identify: How an INVITE of a leg will be known on the wire.
        zone: The contact centre's zone.
        phase: Run state.
        generation: Grows with each start and stop.
        open: Whether the run is durable and calls may start.
        recovered: Whether it knows how an earlier life left it.
    """

    spec: CampaignSpec
    me: Ref[CampaignMessage]
    registry: Registry
    ids: IdSource
    identify: Callable[[LegId], DialogSeed]
    zone: str
    phase: CampaignPhase = CampaignPhase.IDLE
    generation: int = 0
    open: bool = False
    recovered: bool = False

    @property
    def campaign_id(self) -> CampaignId:
        """The campaign."""
        return self.spec.campaign_id

    @property
    def dialing(self) -> bool:
        """Whether new attempts may be made."""
        return self.open and self.phase is CampaignPhase.RUNNING

    def find_disposition(self, slug: str) -> Disposition | None:
        """Return a disposition of this campaign, its own ones first."""
        for own in self.spec.dispositions:
            if own.slug == slug:
                return own
        return PREDEFINED.get(slug)

    def journal(self, facts: Iterable[AnyFact], token: object = None) -> Effect:
        """Make wanted facts durable, or be told that they are not."""
        return Do(Journal(tuple(facts), token))

    def note(self, *facts: AnyFact) -> Effect:
        """Make facts durable that have happened in any case."""
        return Do(Journal(facts, keep=True))

    def tell_pacer(self, message: PacerMessage) -> Effect:
        """Tell the pacer."""
        return Tell(self.registry.pacer, message)

    def tell_list(self, list_id: ListId, message: ListMessage) -> list[Effect]:
        """Tell a list, if it exists."""
        ref = self.registry.lists.find(list_id)
        return [] if ref is None else [Tell(ref, message)]

    def tell_trunk(self, trunk_id: TrunkId, message: TrunkMessage) -> list[Effect]:
        """Tell a trunk, if it exists."""
        ref = self.registry.trunks.find(trunk_id)
        return [] if ref is None else [Tell(ref, message)]

    def tell_agent(self, agent_id: AgentId, message: AgentMessage) -> list[Effect]:
        """Tell an agent, if it exists."""
        ref = self.registry.agents.find(agent_id)
        return [] if ref is None else [Tell(ref, message)]
