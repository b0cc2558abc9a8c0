"""One group: what is asked to be made durable together, and the rows it comes to."""

from collections.abc import Mapping, Sequence

import msgspec

from engine.domain.facts import AnyFact
from engine.domain.ids import CampaignId, ListId
from engine.domain.refusals import JournalError
from engine.ports import ImportBatch, RecordState, StoredFact
from engine.store import schema
from engine.store.codec import checksum, encode_value
from engine.store.projection import ForgetCampaign, ForgetList, Table, Value

Row = tuple[int, str, str | int, int, bytes]
"""Operation, kind, key, checksum and body, as the view ``intake`` takes them."""


_KINDS = {table: table.value for table in Table}
"""Plain strings: SQLite takes others by a longer way."""


class FactsToCommit(msgspec.Struct, frozen=True):
    """Facts of one commit, and their octets."""

    facts: Sequence[AnyFact]
    bodies: Sequence[bytes]


class BatchToCommit(msgspec.Struct, frozen=True):
    """An import batch."""

    batch: ImportBatch
    at_s: float


class PacingToKeep(msgspec.Struct, frozen=True):
    """Learned laws by campaign."""

    laws: Mapping[CampaignId, bytes]


Item = FactsToCommit | BatchToCommit | PacingToKeep


class Durable(msgspec.Struct, frozen=True):
    """What a group came to.

    Attributes:
        stored: Its facts with their places.
        refused: Items that were left out because they can never be right, by their index.
    """

    stored: list[StoredFact]
    refused: dict[int, JournalError]


class Group:
    """What one transaction writes."""

    def __init__(self, last_sequence: int) -> None:
        self.last_sequence = last_sequence
        self.stored: list[StoredFact] = []
        self.refused: dict[int, JournalError] = {}
        self.rows: dict[tuple[Table, str], Value | None] = {}
        self.batches: dict[tuple[ListId, str, int], ImportBatch] = {}
        self.laws: dict[CampaignId, bytes] = {}
        self.forgotten: list[ForgetList | ForgetCampaign] = []
        self._log: list[Row] = []

    def append(self, fact: AnyFact, body: bytes) -> None:
        """Give a fact its place in the log."""
        self.last_sequence += 1
        sequence = self.last_sequence
        self.stored.append(StoredFact(sequence, fact))
        crc = checksum(f"facts/{sequence}", body)
        self._log.append((schema.FACT, "", sequence, crc, body))

    def forget(self, change: ForgetList | ForgetCampaign) -> None:
        """Take back what this group wrote so far, and remember to delete what is stored."""
        self.forgotten.append(change)
        for name, value in list(self.rows.items()):
            if isinstance(value, RecordState) and _concerns(change, value):
                del self.rows[name]
        if isinstance(change, ForgetList):
            for batch in [key for key in self.batches if key[0] == change.list_id]:
                del self.batches[batch]

    def intake(self) -> list[Row]:
        """Return the rows for the view ``intake``."""
        rows = list(self._log)
        for (table, key), value in self.rows.items():
            kind = _KINDS[table]
            if value is None:
                rows.append((schema.DROP, kind, key, 0, b""))
            else:
                body = encode_value(value)
                rows.append((schema.PUT, kind, key, checksum(f"{kind}/{key}", body), body))
        for campaign_id, law in self.laws.items():
            crc = checksum(f"pacing/{campaign_id}", law)
            rows.append((schema.PUT, "pacing", campaign_id, crc, law))
        if self._log:
            rows.append((schema.LAST, "", self.last_sequence, 0, b""))
        return rows


def _concerns(change: ForgetList | ForgetCampaign, record: RecordState) -> bool:
    match change:
        case ForgetList(list_id):
            return record.list_id == list_id
        case ForgetCampaign(campaign_id):
            return record.campaign_id == campaign_id
