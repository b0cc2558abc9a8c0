"""Which list the next records come from, and which trunk the next calls go over."""

from collections.abc import Iterable

from engine.actors.messages import ListSampled, TrunkSampled
from engine.domain.ids import ListId, TrunkId
from engine.domain.specs import CampaignSpec, ListLink


class Supply:
    """A campaign's lists and trunks as last heard of.

    Lists of lower order come first; lists of equal order take turns by their ratio (guide: Lists
    Tab). Trunks come by preference.
    """

    __slots__ = ("_credit", "_lists", "_spec", "_trunks")

    def __init__(self, spec: CampaignSpec) -> None:
        self._spec = spec
        self._lists: dict[ListId, ListSampled] = {}
        self._trunks: dict[TrunkId, TrunkSampled] = {}
        self._credit: dict[ListId, float] = {}

    def configure(self, spec: CampaignSpec) -> None:
        """Take changed settings."""
        self._spec = spec

    def heard_of_list(self, sample: ListSampled) -> None:
        """Note what a list has."""
        self._lists[sample.list_id] = sample

    def heard_of_trunk(self, sample: TrunkSampled) -> None:
        """Note how a trunk stands."""
        self._trunks[sample.trunk_id] = sample

    def exhausted(self, list_id: ListId) -> None:
        """Note that a list handed out less than it was asked for."""
        known = self._lists.get(list_id)
        if known is not None:
            self._lists[list_id] = ListSampled(list_id, 0, known.remaining)

    @property
    def callable_now(self) -> int:
        """Records that may be attempted at this instant, over the enabled lists. [records]"""
        return sum(sample.callable_now for sample in self._enabled_samples())

    @property
    def remaining(self) -> int:
        """Records not final, over the enabled lists. [records]"""
        return sum(sample.remaining for sample in self._enabled_samples())

    def _enabled_samples(self) -> Iterable[ListSampled]:
        for link in self._spec.lists:
            if link.enabled and link.list_id in self._lists:
                yield self._lists[link.list_id]

    def next_lists(self, count: int) -> dict[ListId, int]:
        """Divide ``count`` records over the lists that have some, by order and ratio.

        Fewer are divided where the lists have fewer.
        """
        shares: dict[ListId, int] = {}
        left = {
            link.list_id: self._lists[link.list_id].callable_now
            for link in self._spec.lists
            if link.enabled and link.list_id in self._lists
        }
        for order in sorted({link.order for link in self._spec.lists}):
            tier = [link for link in self._spec.lists if link.order == order and link.enabled]
            while count and (ready := [link for link in tier if left.get(link.list_id, 0) > 0]):
                list_id = self._turn(ready)
                shares[list_id] = shares.get(list_id, 0) + 1
                left[list_id] -= 1
                count -= 1
        return shares

    def _turn(self, ready: list[ListLink]) -> ListId:
        """Return whose turn it is: smooth weighted round robin."""
        total = 0
        for link in ready:
            weight = max(link.ratio, 1)
            total += weight
            self._credit[link.list_id] = self._credit.get(link.list_id, 0.0) + weight
        chosen = max(ready, key=lambda link: self._credit[link.list_id]).list_id
        self._credit[chosen] -= total
        return chosen

    def next_trunk(self, tried: Iterable[TrunkId] = ()) -> TrunkId | None:
        """Return the first usable trunk by preference; one with a free channel if there is any."""
        usable = [
            trunk_id
            for trunk_id in self._spec.trunks
            if trunk_id not in tried
            and (sample := self._trunks.get(trunk_id)) is not None
            and sample.up
        ]
        free = [trunk_id for trunk_id in usable if self._trunks[trunk_id].free_channels > 0]
        return next(iter(free or usable), None)

    @property
    def trunk_up(self) -> bool:
        """Whether any trunk takes calls."""
        return self.next_trunk() is not None

    @property
    def trunk_free(self) -> int:
        """Free channels on trunks that are up. [calls]"""
        return sum(
            self._trunks[trunk_id].free_channels
            for trunk_id in self._spec.trunks
            if trunk_id in self._trunks and self._trunks[trunk_id].up
        )
