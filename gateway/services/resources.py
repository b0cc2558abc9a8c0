"""What all configured resources have in common: create, read, page, change by mask, delete."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

from engine.domain.refusals import RevisionChangedError
from engine.domain.specs import AgentSpec, CampaignSpec, ListSpec, TeamSpec, TrunkSpec
from gateway.paging import page

if TYPE_CHECKING:
    from collections.abc import Callable

    from engine.runtime import Configuration

S = TypeVar("S", CampaignSpec, ListSpec, AgentSpec, TeamSpec, TrunkSpec)

_TRIES = 5
"""How often a change without an etag is made anew because another came between."""


@dataclass(frozen=True, slots=True)
class Resources(Generic[S]):
    """The resources of one kind.

    Attributes:
        configuration: Keeps them.
        spec_type: The kind's spec.
        kind: The kind's name, as facts have it.
    """

    configuration: Configuration
    spec_type: type[S]
    kind: str

    def get(self, resource_id: str) -> S:
        """Return one as it is configured.

        Raises:
            NotFoundError: There is none.
        """
        spec = self.configuration.get(self.kind, resource_id)
        if not isinstance(spec, self.spec_type):
            raise TypeError(f"{self.kind} {resource_id} is kept as {type(spec).__name__}")
        return spec

    def all(self) -> list[S]:
        """Return all of them, in any order."""
        return [
            spec for spec in self.configuration.all(self.kind) if isinstance(spec, self.spec_type)
        ]

    def page(
        self, page_size: int, token: str, wants: Callable[[S], bool] = lambda _: True
    ) -> tuple[list[S], str]:
        """Return one page in the order of ids, and the token of the next."""
        items = [(id_of(spec), spec) for spec in self.all() if wants(spec)]
        return page(items, page_size, token)

    async def create(self, spec: S, request_id: str, *, by: str) -> S:
        """Create one; return it as it is kept.

        Args:
            spec: What it is.
            request_id: Makes the creation idempotent.
            by: Who creates it, for the log.

        Raises:
            AlreadyExistsError: There is one.
        """
        await self.configuration.put(
            self.kind, spec, expected_revision=0, request_id=request_id, by=by
        )
        return self.get(id_of(spec))

    async def change(
        self, resource_id: str, make: Callable[[S], S], etag: str, request_id: str, *, by: str
    ) -> S:
        """Replace one by what ``make`` makes of it; return it as it is kept.

        Args:
            resource_id: Which one.
            make: Gets the present value; called again if another change came between.
            etag: If not empty, the present value's; a change in between is then a refusal.
            request_id: Makes the change idempotent.
            by: Who changes it, for the log.

        Raises:
            RevisionChangedError: The etag is not the present one's.
        """
        for attempt in range(_TRIES):
            present = self.get(resource_id)
            check_etag(etag, present.revision)
            try:
                await self.configuration.put(
                    self.kind,
                    make(present),
                    expected_revision=present.revision,
                    request_id=request_id,
                    by=by,
                )
            except RevisionChangedError:
                if etag or attempt == _TRIES - 1:
                    raise
            else:
                break
        return self.get(resource_id)

    async def delete(self, resource_id: str, etag: str, request_id: str, *, by: str) -> None:
        """Delete one.

        Args:
            resource_id: Which one.
            etag: If not empty, the present value's.
            request_id: Makes the deletion idempotent.
            by: Who deletes it, for the log.

        Raises:
            RevisionChangedError: The etag is not the present one's.
        """
        check_etag(etag, self.get(resource_id).revision)
        await self.configuration.delete(self.kind, resource_id, request_id=request_id, by=by)


def id_of(spec: CampaignSpec | ListSpec | AgentSpec | TeamSpec | TrunkSpec) -> str:
    """Return the id of any resource."""
    match spec:
        case CampaignSpec():
            return spec.campaign_id
        case ListSpec():
            return spec.list_id
        case AgentSpec():
            return spec.agent_id
        case TeamSpec():
            return spec.team_id
        case TrunkSpec():
            return spec.trunk_id


def check_etag(etag: str, revision: int) -> None:
    """Check that an etag, if there is one, is that of a revision.

    Raises:
        RevisionChangedError: It is not.
    """
    if etag and etag != str(revision):
        raise RevisionChangedError(f"the etag is {revision} by now, not {etag[:20]!r}")
