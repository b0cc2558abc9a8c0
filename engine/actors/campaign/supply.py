"""Which list the next records come from, and which trunk the next calls go over."""

from collections.abc import Iterable

from engine.actors.messages import ListSampled, TrunkSampled
from engine.actors.trunk_groups import Tier, TrunkGroups, TrunkPlace
from engine.domain.ids import ListId, TrunkId
from engine.domain.specs import CampaignSpec, ListLink


class Supply:
    """A campaign's lists and trunks as last heard of.

    Lists of lower order come first; lists of equal order take turns by their ratio (guide: Lists
    Tab). Trunks come by preference; those of a group by priority, and by weight among equals.
    """

    __slots__ = (
        "_credit",
        "_groups",
        "_in_tiers",
        "_lists",
        "_spec",
        "_tiered",
        "_trunk_credit",
        "_trunks",
    )

    def __init__(self, spec: CampaignSpec, groups: TrunkGroups) -> None:
        self._spec = spec
        self._groups = groups
        self._tiered: tuple[int, tuple[TrunkId, ...]] = (-1, ())
        self._in_tiers: tuple[Tier, ...] = ()
        self._trunk_credit: dict[TrunkId, int] = {}
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

    # --- trunks ----------------------------------------------------------------------------

    @property
    def trunks(self) -> tuple[TrunkId, ...]:
        """Trunks that calls may go over, by preference; of groups, their members."""
        return tuple(place.trunk_id for tier in self._tiers() for place in tier)

    def next_trunk(self, tried: Iterable[TrunkId] = ()) -> TrunkId | None:
        """Return the trunk of the next call, or None if no other than those tried takes calls."""
        return next(iter(self.next_trunks(1, tried)), None)

    def next_trunks(self, count: int, tried: Iterable[TrunkId] = ()) -> dict[TrunkId, int]:
        """Divide calls over the trunks that take some: by preference, priority, then weight.

        What has no free channel goes to the first trunk that is up: it may have one by now, and
        else it refuses. Nothing is divided where no trunk is up.
        """
        free = self._free(tried)
        shares: dict[TrunkId, int] = {}
        for tier in self._tiers():
            while count and (ready := [each for each in tier if free.get(each.trunk_id, 0) > 0]):
                trunk_id = self._trunk_turn(ready)
                shares[trunk_id] = shares.get(trunk_id, 0) + 1
                free[trunk_id] -= 1
                count -= 1
        first = next(iter(free), None)
        if count and first is not None:
            shares[first] = shares.get(first, 0) + count
        return shares

    def _trunk_turn(self, ready: list[TrunkPlace]) -> TrunkId:
        """Return whose turn it is: smooth weighted round robin, the first id among equals."""
        credit = self._trunk_credit
        for each in ready:
            credit[each.trunk_id] = credit.get(each.trunk_id, 0) + each.weight
        chosen = max(ready, key=lambda each: credit[each.trunk_id]).trunk_id
        credit[chosen] -= sum(each.weight for each in ready)
        return chosen

    def _free(self, tried: Iterable[TrunkId] = ()) -> dict[TrunkId, int]:
        """Return the free channels of the trunks that are up, by preference. [calls]"""
        return {
            trunk_id: self._trunks[trunk_id].free_channels
            for trunk_id in self.trunks
            if trunk_id not in tried and trunk_id in self._trunks and self._trunks[trunk_id].up
        }

    def _tiers(self) -> tuple[Tier, ...]:
        """Return the trunks in order of use, as groups and settings are now."""
        if self._tiered != (self._groups.revision, self._spec.trunks):
            self._tiered = (self._groups.revision, self._spec.trunks)
            self._in_tiers = self._groups.tiers(self._spec.trunks)
            known = set(self.trunks)
            self._trunk_credit = {t: c for t, c in self._trunk_credit.items() if t in known}
        return self._in_tiers

    @property
    def trunk_up(self) -> bool:
        """Whether any trunk takes calls."""
        return bool(self._free())

    @property
    def trunk_free(self) -> int:
        """Free channels on trunks that are up. [calls]"""
        return sum(self._free().values())

    def trunk_hindrances(self) -> tuple[tuple[str, str], ...]:
        """Say why no call leaves, trunk by trunk: a reason, and what it is about.

        Nothing is said while any trunk has a free channel.
        """
        if any(self._free().values()):
            return ()
        return tuple(self._hindrance(trunk_id) for trunk_id in self.trunks)

    def _hindrance(self, trunk_id: TrunkId) -> tuple[str, str]:
        sample = self._trunks.get(trunk_id)
        if sample is None:  # neither a trunk nor a group that has any
            return "no-such-trunk", trunk_id
        if sample.up:
            return sample.reason if sample.reason == "media-full" else "trunk-full", trunk_id
        return "trunk-down", f"{trunk_id}: {sample.reason}" if sample.reason else trunk_id
