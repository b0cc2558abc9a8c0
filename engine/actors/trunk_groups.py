"""Which trunks a name stands for: one trunk, or a group of them in the order of their use."""

from collections.abc import Iterable
from dataclasses import dataclass

from engine.domain.ids import TrunkId
from engine.domain.specs import TrunkSpec


@dataclass(frozen=True, slots=True)
class TrunkPlace:
    """Where a trunk stands among others.

    Attributes:
        trunk_id: The trunk.
        group: Its group; empty: none.
        priority: Within the group, the lowest is used first.
        weight: Share of the calls among equals, at least 1.
    """

    trunk_id: TrunkId
    group: str = ""
    priority: int = 1
    weight: int = 1


Tier = tuple[TrunkPlace, ...]
"""Trunks that share calls by weight, in the order of their ids."""


class TrunkGroups:
    """Every trunk's place, as configured.

    Attributes:
        revision: Grows with each change, so that what was derived can be kept until then.
    """

    __slots__ = ("_places", "revision")

    def __init__(self) -> None:
        self._places: dict[TrunkId, TrunkPlace] = {}
        self.revision = 0

    def put(self, spec: TrunkSpec) -> None:
        """Note where a trunk stands now."""
        place = TrunkPlace(spec.trunk_id, spec.group, spec.priority, max(spec.weight, 1))
        self._places[spec.trunk_id] = place
        self.revision += 1

    def drop(self, trunk_id: TrunkId) -> None:
        """Forget a trunk that is gone."""
        self._places.pop(trunk_id, None)
        self.revision += 1

    def tiers(self, names: Iterable[TrunkId]) -> tuple[Tier, ...]:
        """Return what names stand for, in order of use; no trunk is in two tiers.

        Args:
            names: Trunks and groups by preference. A name that is no group stands for the trunk.
        """
        tiers: list[Tier] = []
        seen: set[TrunkId] = set()
        for name in names:
            for tier in self._tiers_of(name):
                fresh = tuple(place for place in tier if place.trunk_id not in seen)
                seen.update(place.trunk_id for place in fresh)
                tiers += [fresh] if fresh else []
        return tuple(tiers)

    def _tiers_of(self, name: TrunkId) -> list[Tier]:
        members = [place for place in self._places.values() if place.group == name]
        if not members:
            return [(TrunkPlace(name),)]
        members.sort(key=lambda place: place.trunk_id)
        return [
            tuple(place for place in members if place.priority == priority)
            for priority in sorted({place.priority for place in members})
        ]
