"""Names of things: typed ids, and the source of the generated ones."""

import re
from dataclasses import dataclass
from typing import NewType

from engine.domain.refusals import InvalidRequestError

CampaignId = NewType("CampaignId", str)
ListId = NewType("ListId", str)
AgentId = NewType("AgentId", str)
TeamId = NewType("TeamId", str)
TrunkId = NewType("TrunkId", str)
SupervisorId = NewType("SupervisorId", str)
AttemptId = NewType("AttemptId", str)
LegId = NewType("LegId", str)
CallId = NewType("CallId", str)
SessionId = NewType("SessionId", str)
"""A supervision session."""
RecordingId = NewType("RecordingId", str)
"""A recording of a call."""

RESOURCE_ID = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")


def check_resource_id(kind: str, value: str) -> str:
    """Return a user-chosen id unchanged if it is well formed (AIP-122).

    Args:
        kind: What the id names, for the refusal's text.
        value: Candidate: 1 to 63 of lower-case letters, digits and inner hyphens.

    Raises:
        InvalidRequestError: The id is malformed.
    """
    if not RESOURCE_ID.fullmatch(value):
        raise InvalidRequestError(
            f"{kind} id {value[:80]!r} is not 1 to 63 lower-case letters, digits and inner hyphens",
            slug="invalid-id",
        )
    return value


@dataclass(frozen=True, slots=True, order=True)
class RecordRef:
    """One record: a row of a list.

    Attributes:
        list_id: The list that holds it.
        row: Its position in the list, from 0, never reused.
    """

    list_id: ListId
    row: int

    def __str__(self) -> str:
        return f"lists/{self.list_id}/records/{self.row}"


class IdSource:
    """Makes ids that are unique over cells and restarts, and sort by the order of making.

    The form is ``<cell>-<epoch>-<counter>`` with epoch (4) and counter (8) in hexadecimal. The
    epoch is durable and grows with every start, so no clock and no randomness is needed.
    """

    __slots__ = ("_count", "_prefix")

    def __init__(self, cell: str, epoch: int) -> None:
        self._prefix = f"{cell}-{epoch:04x}-"
        self._count = 0

    def _next(self) -> str:
        self._count += 1
        return f"{self._prefix}{self._count:08x}"

    def attempt(self) -> AttemptId:
        """Return a fresh attempt id."""
        return AttemptId(self._next())

    def leg(self) -> LegId:
        """Return a fresh leg id."""
        return LegId(self._next())

    def session(self) -> SessionId:
        """Return a fresh supervision session id."""
        return SessionId(self._next())

    def recording(self) -> RecordingId:
        """Return a fresh recording id."""
        return RecordingId(self._next())
