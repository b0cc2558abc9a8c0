"""How each kind of resource becomes an actor: started, told of new settings, dropped."""

from dataclasses import dataclass
from random import Random
from typing import Any, Protocol, TypeVar

from engine.actors.agent import AgentBehavior
from engine.actors.campaign import CampaignBehavior
from engine.actors.kernel import Kernel, Ref
from engine.actors.messages import (
    AgentMessage,
    CampaignGone,
    CampaignMessage,
    ConfigureAgent,
    ConfigureCampaign,
    ConfigureList,
    ConfigureTrunk,
    ListMessage,
    TrunkMessage,
    TrunkPlaced,
    TrunkRestarted,
)
from engine.actors.record_list import RecordListBehavior
from engine.actors.registry import Registry
from engine.actors.trunk import TrunkBehavior
from engine.compliance.ledger import NumberLedger
from engine.compliance.recording import RecordingPolicy
from engine.domain.ids import AgentId, CampaignId, IdSource, ListId, TrunkId
from engine.domain.specs import AgentSpec, AnySpec, CampaignSpec, ListSpec, TrunkSpec
from engine.ports import DropPhone, DropTrunk, SetPhone, SetTrunk, Store, Telephony
from engine.runtime.resources import Resources, id_of

S = TypeVar("S", CampaignSpec, ListSpec, AgentSpec, TrunkSpec)
S_contra = TypeVar("S_contra", bound=AnySpec, contravariant=True)


class Kind(Protocol[S_contra]):
    """The actors of one kind of resource."""

    def spawn(self, spec: S_contra) -> Ref[Any]:
        """Start an actor; one that fails begins anew with its newest settings."""
        ...

    def configure(self, spec: S_contra) -> bool:
        """Tell the actor that runs of its new settings; False if there is none."""
        ...

    def drop(self, known: str) -> Ref[Any] | None:
        """Forget an actor, and let the others know; return where it was."""
        ...


@dataclass(frozen=True, slots=True)
class Stage:
    """What all actors of resources stand among.

    Attributes:
        kernel: Runs them.
        registry: Where they are found.
        resources: What users configured.
        telephony: Knows trunks and phones.
        ids: Makes ids.
    """

    kernel: Kernel
    registry: Registry
    resources: Resources
    telephony: Telephony
    ids: IdSource

    def newest(self, kind: str, spec: S) -> S:
        """Return a resource as it is configured now; as it was if it is being deleted."""
        found = self.resources.find(kind, id_of(kind, spec))
        return found if isinstance(found, type(spec)) else spec

    def now_s(self) -> float:
        """Return the engine's time. [s since the epoch]"""
        return self.kernel.scheduler.now_s()


class CampaignActors:
    """One actor a campaign.

    Args:
        stage: What it stands among.
        zone: The contact centre's.
        policy: What the contact centre says of recording.
    """

    def __init__(self, stage: Stage, zone: str, policy: RecordingPolicy) -> None:
        self._stage, self._zone, self._policy = stage, zone, policy

    def spawn(self, spec: CampaignSpec) -> Ref[CampaignMessage]:
        """Start a campaign's actor; ``Recover`` then lets it begin."""
        stage = self._stage
        ref: Ref[CampaignMessage] = Ref(f"campaigns/{spec.campaign_id}")
        stage.registry.campaigns.put(spec.campaign_id, ref)

        def make(_now_s: float) -> CampaignBehavior:
            return CampaignBehavior(
                stage.newest("campaign", spec),
                ref,
                stage.registry,
                stage.ids,
                stage.telephony.identify,
                self._zone,
                self._policy,
            )

        stage.kernel.spawn_at(ref, make)
        return ref

    def configure(self, spec: CampaignSpec) -> bool:
        """Tell a campaign of its new settings."""
        ref = self._stage.registry.campaigns.find(spec.campaign_id)
        if ref is not None:
            self._stage.kernel.tell(ref, ConfigureCampaign(spec))
        return ref is not None

    def drop(self, known: str) -> Ref[CampaignMessage] | None:
        """Forget a campaign; router and pacer do, too."""
        registry, gone = self._stage.registry, CampaignGone(CampaignId(known))
        ref = registry.campaigns.drop(CampaignId(known))
        self._stage.kernel.tell(registry.router, gone)
        self._stage.kernel.tell(registry.pacer, gone)
        return ref


class ListActors:
    """One actor a list.

    Args:
        stage: What it stands among.
        store: Has its records.
        ledger: Knows which numbers may not be called.
        zone_data: Version of the time-zone data, for verdicts.
    """

    def __init__(self, stage: Stage, store: Store, ledger: NumberLedger, zone_data: str) -> None:
        self._stage, self._store, self._ledger = stage, store, ledger
        self._zone_data = zone_data

    def spawn(self, spec: ListSpec) -> Ref[ListMessage]:
        """Start a list's actor with all its records."""
        stage, list_id = self._stage, spec.list_id

        def make(_now_s: float) -> RecordListBehavior:
            return RecordListBehavior(
                stage.newest("list", spec),
                self._ledger,
                batches=self._store.load_batches(list_id),
                states=self._store.load_records(list_id),
                zone_data=self._zone_data,
            )

        ref: Ref[ListMessage] = stage.kernel.spawn(f"lists/{list_id}", make)
        stage.registry.lists.put(list_id, ref)
        return ref

    def configure(self, spec: ListSpec) -> bool:
        """Tell a list of its new settings."""
        ref = self._stage.registry.lists.find(spec.list_id)
        if ref is not None:
            self._stage.kernel.tell(ref, ConfigureList(spec))
        return ref is not None

    def drop(self, known: str) -> Ref[ListMessage] | None:
        """Forget a list."""
        return self._stage.registry.lists.drop(ListId(known))


class AgentActors:
    """One actor an agent, and the phone that telephony knows.

    Args:
        stage: What it stands among.
    """

    def __init__(self, stage: Stage) -> None:
        self._stage = stage

    def spawn(self, spec: AgentSpec) -> Ref[AgentMessage]:
        """Start an agent's actor, logged out."""
        stage = self._stage

        def make(_now_s: float) -> AgentBehavior:
            return AgentBehavior(
                stage.newest("agent", spec),
                stage.ids,
                stage.telephony.identify,
                stage.registry.router,
            )

        ref: Ref[AgentMessage] = stage.kernel.spawn(f"agents/{spec.agent_id}", make)
        stage.registry.agents.put(spec.agent_id, ref)
        stage.telephony.perform(SetPhone(spec), stage.now_s())
        return ref

    def configure(self, spec: AgentSpec) -> bool:
        """Tell an agent, and telephony, of new settings."""
        stage = self._stage
        ref = stage.registry.agents.find(spec.agent_id)
        if ref is not None:
            stage.kernel.tell(ref, ConfigureAgent(spec))
            stage.telephony.perform(SetPhone(spec), stage.now_s())
        return ref is not None

    def drop(self, known: str) -> Ref[AgentMessage] | None:
        """Forget an agent and the phone."""
        agent_id = AgentId(known)
        ref = self._stage.registry.agents.drop(agent_id)
        self._stage.telephony.perform(DropPhone(agent_id), self._stage.now_s())
        return ref


class TrunkActors:
    """One actor a trunk, and what telephony knows of it.

    Args:
        stage: What it stands among.
        seed: Of jitter, with the trunk's id.
    """

    def __init__(self, stage: Stage, seed: int) -> None:
        self._stage, self._seed = stage, seed

    def spawn(self, spec: TrunkSpec) -> Ref[TrunkMessage]:
        """Start a trunk's actor."""
        stage, trunk_id = self._stage, spec.trunk_id
        seed = Random(f"{self._seed}/{trunk_id}").randrange(1 << 32)  # noqa: S311 - jitter

        def make(_now_s: float) -> TrunkBehavior:
            return TrunkBehavior(stage.newest("trunk", spec), seed)

        ref: Ref[TrunkMessage] = stage.kernel.spawn(f"trunks/{trunk_id}", make)
        stage.registry.trunks.put(trunk_id, ref)
        self._place(spec)
        return ref

    def configure(self, spec: TrunkSpec) -> bool:
        """Tell a trunk, telephony and campaigns of new settings."""
        ref = self._stage.registry.trunks.find(spec.trunk_id)
        if ref is not None:
            self._stage.kernel.tell(ref, ConfigureTrunk(spec))
            self._place(spec)
        return ref is not None

    def drop(self, known: str) -> Ref[TrunkMessage] | None:
        """Forget a trunk; campaigns ask others for what they wait for."""
        stage, trunk_id = self._stage, TrunkId(known)
        ref = stage.registry.trunks.drop(trunk_id)
        stage.registry.groups.drop(trunk_id)
        stage.telephony.perform(DropTrunk(trunk_id), stage.now_s())
        for campaign in stage.registry.campaigns.refs():
            stage.kernel.tell(campaign, TrunkRestarted(trunk_id))
        return ref

    def _place(self, spec: TrunkSpec) -> None:
        """Let telephony know it, and the next choice heed its group, priority and weight."""
        stage = self._stage
        stage.telephony.perform(SetTrunk(spec), stage.now_s())
        stage.registry.groups.put(spec)
        for campaign in stage.registry.campaigns.refs():
            stage.kernel.tell(campaign, TrunkPlaced(spec.trunk_id))
