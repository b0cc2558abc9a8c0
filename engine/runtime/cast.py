"""The actors of what users configured: all brought up at the start, each changed as its spec is."""

from collections.abc import Callable
from typing import Any

from engine.actors.kernel import Ref
from engine.actors.messages import CampaignMessage, RecorderSampled, Recover
from engine.domain.ids import CampaignId, LegId
from engine.domain.specs import AnySpec, CampaignSpec
from engine.runtime.kinds import Kind, Stage
from engine.runtime.live import LiveState
from engine.runtime.ownership import LegOwners

_ORDER = ("trunk", "list", "agent", "campaign")
"""What campaigns lean on comes first. Teams are no actors: they are their members' field."""


class Cast:
    """Starts, configures, rebuilds and removes actors of resources.

    Args:
        stage: What they stand among.
        kinds: How each kind becomes an actor.
        live: What campaigns begin from.
        legs: Whose end with their actor.
        recorder_up: Whether calls can be recorded now.
    """

    def __init__(
        self,
        stage: Stage,
        kinds: dict[str, Kind[Any]],  # Any: each takes specs of its own kind
        live: LiveState,
        legs: LegOwners,
        recorder_up: Callable[[], bool],
    ) -> None:
        self._stage = stage
        self._kinds = kinds
        self._live = live
        self._legs = legs
        self._recorder_up = recorder_up

    def start(self) -> None:
        """Bring up all that is configured, campaigns as they ran."""
        for kind in _ORDER:
            for spec in self._stage.resources.all(kind):
                self._begin(kind, spec, new_life=True)

    def install(self, kind: str, known: str, spec: AnySpec | None) -> None:
        """Put a durable change of what users configured into effect; None: it was deleted."""
        actors = self._kinds.get(kind)
        if actors is None:
            return
        if spec is None:
            self._remove(actors, known)
        elif not actors.configure(spec):
            self._begin(kind, spec, new_life=False)

    def spawn_again(self, kind: str, known: str) -> Ref[Any]:
        """Start an actor that was given up anew, at a new address; a campaign is not recovered."""
        return self._kinds[kind].spawn(self._stage.resources.get(kind, known))

    def recover_campaign(
        self,
        campaign_id: CampaignId,
        ref: Ref[CampaignMessage],
        *,
        new_life: bool,
        open_legs: frozenset[LegId] = frozenset(),
    ) -> None:
        """Let a campaign begin from durable facts (see ``Recover``)."""
        run, attempts = self._live.run_of(campaign_id), self._live.attempts_of(campaign_id)
        self._stage.kernel.tell(ref, Recover(run, attempts, new_life, open_legs))
        if not self._recorder_up():
            self._stage.kernel.tell(ref, RecorderSampled(up=False))

    def _begin(self, kind: str, spec: AnySpec, *, new_life: bool) -> None:
        ref = self._kinds[kind].spawn(spec)
        if isinstance(spec, CampaignSpec):
            self.recover_campaign(spec.campaign_id, ref, new_life=new_life)

    def _remove(self, actors: Kind[Any], known: str) -> None:
        ref = actors.drop(known)
        if ref is not None:
            self._legs.end_legs_of(ref, self._stage.now_s())
            self._stage.kernel.stop(ref)
