"""Who is where: the addresses of actors by the id of what they answer for."""

from collections.abc import Iterator
from typing import Generic, TypeVar

from engine.actors.kernel.ref import Ref
from engine.actors.messages import (
    AgentMessage,
    CampaignMessage,
    ListMessage,
    PacerMessage,
    RouterMessage,
    SupervisionMessage,
    TrunkMessage,
)
from engine.actors.trunk_groups import TrunkGroups
from engine.domain.ids import AgentId, CampaignId, ListId, SessionId, TrunkId

K = TypeVar("K", bound=str)
M = TypeVar("M")


class Directory(Generic[K, M]):
    """Addresses of one kind of actor."""

    __slots__ = ("_refs",)

    def __init__(self) -> None:
        self._refs: dict[K, Ref[M]] = {}

    def find(self, key: K) -> Ref[M] | None:
        """Return the address, or None if there is no such actor."""
        return self._refs.get(key)

    def put(self, key: K, ref: Ref[M]) -> None:
        """Note an address."""
        self._refs[key] = ref

    def drop(self, key: K) -> Ref[M] | None:
        """Forget an address, and return it if there was one."""
        return self._refs.pop(key, None)

    def key_of(self, ref: Ref[M]) -> K | None:
        """Return the id whose actor is at an address; for rare uses, it looks at all."""
        return next((key for key, known in self._refs.items() if known is ref), None)

    def refs(self) -> list[Ref[M]]:
        """Return all addresses."""
        return list(self._refs.values())

    def items(self) -> Iterator[tuple[K, Ref[M]]]:
        """Yield ids and addresses."""
        return iter(list(self._refs.items()))


class Registry:
    """The addresses of all actors of a cell.

    Attributes:
        campaigns: By campaign.
        lists: By list.
        agents: By agent.
        trunks: By trunk.
        groups: Which trunks a name stands for.
        sessions: By supervision session.
        router: The router.
        pacer: The pacer.
    """

    __slots__ = ("agents", "campaigns", "groups", "lists", "pacer", "router", "sessions", "trunks")

    def __init__(self) -> None:
        self.campaigns: Directory[CampaignId, CampaignMessage] = Directory()
        self.lists: Directory[ListId, ListMessage] = Directory()
        self.agents: Directory[AgentId, AgentMessage] = Directory()
        self.trunks: Directory[TrunkId, TrunkMessage] = Directory()
        self.groups = TrunkGroups()
        self.sessions: Directory[SessionId, SupervisionMessage] = Directory()
        self.router: Ref[RouterMessage] = Ref("router")
        self.pacer: Ref[PacerMessage] = Ref("pacer")
