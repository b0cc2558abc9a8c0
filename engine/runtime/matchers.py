"""The two actors that there is one of each: the pacer, with its learned laws, and the router."""

from collections.abc import Mapping
from typing import Any

from engine.actors.kernel import Kernel, Ref
from engine.actors.messages import RestoreLaws
from engine.actors.pacer import PacerBehavior, saved_at_s
from engine.actors.registry import Registry
from engine.actors.router import RouterBehavior
from engine.compliance.hours import local_day
from engine.domain.ids import CampaignId
from engine.ports import Store


class Matchers:
    """Starts pacer and router, keeps the pacer's laws, and lets either begin anew.

    Args:
        kernel: Runs them.
        registry: Has their addresses, which stay the same.
        store: Keeps laws.
        laws: As saved by earlier lives.
        tick_s: How often the pacer decides. [s]
        zone: The contact centre's, whose days budgets are counted by.
    """

    def __init__(
        self,
        kernel: Kernel,
        registry: Registry,
        store: Store,
        laws: Mapping[CampaignId, bytes],
        tick_s: float,
        zone: str,
    ) -> None:
        self._kernel = kernel
        self._registry = registry
        self._store = store
        self._laws = dict(laws)
        self._tick_s = tick_s
        self._zone = zone

    @property
    def saved_at_s(self) -> float:
        """When the newest laws were saved, 0 if none are. [s since the epoch]"""
        return saved_at_s(self._laws) or 0.0

    def start(self) -> None:
        """Start both; the pacer goes on with the laws there are, and is told of newer calls."""
        self._spawn_pacer()
        self._spawn_router()
        self._restore()

    def begin_pacer(self, *, gave_up: bool) -> None:
        """Let the pacer begin anew after it failed; it is to be told of calls since its laws."""
        if gave_up:
            self._spawn_pacer()
        self._restore()

    def begin_router(self, *, gave_up: bool) -> None:
        """Let the router begin anew after it failed; all others say again how they stand."""
        if gave_up:
            self._spawn_router()

    def save(self, laws: Mapping[CampaignId, bytes]) -> None:
        """Keep laws that the pacer has learned."""
        self._laws.update(laws)
        self._store.save_pacing(laws)

    def save_last(self, now_s: float) -> None:
        """Keep what the pacer knows now: nothing is decided any more."""
        pacer = self._kernel.behavior_of(self._registry.pacer)
        if isinstance(pacer, PacerBehavior) and (laws := pacer.laws(now_s)):
            self._store.save_pacing(laws)

    def is_pacer(self, ref: Ref[Any]) -> bool:
        """Say whether the pacer is at an address."""
        return ref is self._registry.pacer

    def _restore(self) -> None:
        self._kernel.tell(self._registry.pacer, RestoreLaws(self._laws, recalling=True))

    def _spawn_pacer(self) -> None:
        tick_s, zone = self._tick_s, self._zone
        self._kernel.spawn_at(
            self._registry.pacer,
            lambda _now_s: PacerBehavior(tick_s, lambda at_s: local_day(zone, at_s)),
        )

    def _spawn_router(self) -> None:
        pacer = self._registry.pacer
        self._kernel.spawn_at(self._registry.router, lambda _now_s: RouterBehavior(pacer))
