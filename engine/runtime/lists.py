"""Lists and their records as the gateway asks for them."""

from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

from engine.actors.messages import (
    DescribeList,
    ExplainRecord,
    ListView,
    RecordView,
    ResetRecord,
)
from engine.domain.ids import CampaignId, ListId, RecordRef
from engine.domain.refusals import UnknownRecordError
from engine.ports import Store
from engine.runtime.asker import Asker, told


@dataclass(frozen=True, slots=True)
class Extras:
    """A record's name and custom fields."""

    name: str
    fields: Mapping[str, str]


class Lists:
    """Tells of lists and records, and makes records callable again.

    Args:
        asker: Asks lists.
        store: Has names and custom fields.
    """

    def __init__(self, asker: Asker, store: Store) -> None:
        self._asker = asker
        self._store = store

    async def describe(self, list_id: ListId) -> ListView:
        """Tell how many records a list has."""
        return await self._asker.ask(self._asker.list(list_id), DescribeList)

    async def describe_record(self, ref: RecordRef, campaign_id: CampaignId | None) -> RecordView:
        """Say where a record stands, and whether it may be called now.

        Raises:
            UnknownRecordError: There is no such record.
        """
        return await self._asker.ask(
            self._asker.list(ref.list_id), lambda r: ExplainRecord(ref.row, campaign_id, r)
        )

    async def read_extras(self, ref: RecordRef) -> Extras:
        """Return a record's name and custom fields.

        Raises:
            UnknownRecordError: There is no such record.
        """
        self._asker.list(ref.list_id)
        packed: bytes | None = await told(
            lambda done: self._store.read_extras(ref.list_id, ref.row, done)
        )
        if packed is None:
            raise UnknownRecordError(f"there is no {ref}")
        fields = msgspec.msgpack.decode(packed, type=dict[str, str])
        return Extras(fields.pop("name", ""), fields)

    async def reset_record(self, ref: RecordRef, campaign_id: CampaignId, *, by: str) -> None:
        """Make a final or waiting record callable again; its counts stay."""
        del by  # the fact names the operator; finer names come with permissions
        await self._asker.ask(
            self._asker.list(ref.list_id), lambda r: ResetRecord(campaign_id, ref.row, r)
        )
