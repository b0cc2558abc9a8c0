"""What users configure: kept by id and revision, changed durably, one change after another."""

from collections import OrderedDict
from collections.abc import Callable, Sequence

import msgspec

from engine.domain.facts import AnyFact, ResourceDeleted, ResourcePut
from engine.domain.ids import check_resource_id
from engine.domain.refusals import (
    AlreadyExistsError,
    DialerError,
    DuplicateListError,
    JournalError,
    NotFoundError,
    RevisionChangedError,
    UnknownAgentError,
    UnknownCampaignError,
    UnknownListError,
    UnknownTeamError,
    UnknownTrunkError,
)
from engine.domain.specs import SPEC_TYPES, AnySpec, Spec

Done = Callable[[DialerError | None], None]
Commit = Callable[[Sequence[AnyFact], Callable[[JournalError | None], None]], None]

_REMEMBERED = 10_000
"""Request ids that are known to have been carried out. [requests]"""
_UNKNOWN: dict[str, type[NotFoundError]] = {
    "campaign": UnknownCampaignError,
    "list": UnknownListError,
    "agent": UnknownAgentError,
    "team": UnknownTeamError,
    "trunk": UnknownTrunkError,
}


def id_of(kind: str, spec: Spec) -> str:
    """Return the id of a spec of a kind."""
    return str(getattr(spec, f"{kind}_id"))


class Resources:
    """Campaigns, lists, agents, teams and trunks as configured.

    Args:
        stored: (kind, id, spec in msgpack) as recovered.
        commit: Makes facts durable.
        install: Puts a durable change into effect (the spec, or None for a deletion).
        now: The engine's time.
    """

    def __init__(
        self,
        stored: Sequence[tuple[str, str, bytes]],
        commit: Commit,
        install: Callable[[str, str, AnySpec | None], None],
        now: Callable[[], float],
    ) -> None:
        self._commit = commit
        self._install = install
        self._now = now
        self._specs: dict[tuple[str, str], AnySpec] = {
            (kind, known): msgspec.msgpack.decode(body, type=SPEC_TYPES[kind])
            for kind, known, body in stored
        }
        self._changing: set[tuple[str, str]] = set()
        self._carried_out: OrderedDict[str, None] = OrderedDict()

    def find(self, kind: str, known: str) -> AnySpec | None:
        """Return a resource, or None."""
        return self._specs.get((kind, known))

    def get(self, kind: str, known: str) -> AnySpec:
        """Return a resource.

        Raises:
            NotFoundError: There is none of that id.
        """
        spec = self._specs.get((kind, known))
        if spec is None:
            raise _UNKNOWN[kind](f"there is no {kind}s/{known[:80]}")
        return spec

    def all(self, kind: str) -> list[AnySpec]:
        """Return the resources of a kind."""
        return [spec for (known, _), spec in self._specs.items() if known == kind]

    def put(
        self,
        kind: str,
        spec: AnySpec,
        done: Done,
        *,
        expected_revision: int | None = None,
        request_id: str = "",
        by: str = "",
    ) -> None:
        """Create or replace a resource; ``done`` is told when that is durable and in effect.

        Args:
            kind: ``campaign``, ``list``, ``agent``, ``team`` or ``trunk``.
            spec: The new value; its revision is set here.
            done: Gets None, or why not.
            expected_revision: 0: it must be new; else the present one; None: whatever it is.
            request_id: Idempotency key; a repeated one changes nothing.
            by: Who wants it, for the log.
        """
        known = id_of(kind, spec)
        key = (kind, known)
        request = f"put/{kind}/{known}/{request_id}" if request_id else ""
        if request in self._carried_out:
            done(None)
            return
        try:
            check_resource_id(kind, known)
            present = self._specs[key].revision if key in self._specs else 0
            self._check_revision(key, present, expected_revision)
        except DialerError as error:
            done(error)
            return
        new: AnySpec = msgspec.structs.replace(spec, revision=present + 1)
        fact = ResourcePut(
            at_s=self._now(),
            kind=kind,
            id=known,
            revision=present + 1,
            body=msgspec.msgpack.encode(new),
            request_id=request_id,
            by=by,
        )
        self._change(key, fact, new, request, done)

    def delete(
        self, kind: str, known: str, done: Done, *, request_id: str = "", by: str = ""
    ) -> None:
        """Delete a resource; the caller has checked that nothing needs it."""
        key = (kind, known)
        request = f"delete/{kind}/{known}/{request_id}" if request_id else ""
        if request in self._carried_out:
            done(None)
            return
        try:
            self.get(kind, known)
            self._check_revision(key, 0, None)
        except DialerError as error:
            done(error)
            return
        fact = ResourceDeleted(at_s=self._now(), kind=kind, id=known, by=by)
        self._change(key, fact, None, request, done)

    def _check_revision(self, key: tuple[str, str], present: int, expected: int | None) -> None:
        if key in self._changing:
            raise RevisionChangedError(f"{key[0]}s/{key[1]} is being changed")
        if expected is None or expected == present:
            return
        if expected == 0:
            duplicate = DuplicateListError if key[0] == "list" else AlreadyExistsError
            raise duplicate(f"{key[0]}s/{key[1]} exists", slug=f"duplicate-{key[0]}")
        raise RevisionChangedError(f"{key[0]}s/{key[1]} has revision {present}, not {expected}")

    def _change(
        self, key: tuple[str, str], fact: AnyFact, new: AnySpec | None, request: str, done: Done
    ) -> None:
        self._changing.add(key)

        def committed(error: JournalError | None) -> None:
            self._changing.discard(key)
            if error is not None:
                done(error)
                return
            if new is None:
                self._specs.pop(key, None)
            else:
                self._specs[key] = new
            self._remember(request)
            self._install(key[0], key[1], new)
            done(None)

        self._commit([fact], committed)

    def _remember(self, request: str) -> None:
        if request:
            self._carried_out[request] = None
            if len(self._carried_out) > _REMEMBERED:
                self._carried_out.popitem(last=False)
