"""Records as the wire tells them: numbers and standing from the list, names from the store."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.convert.views import to_record, to_standing

if TYPE_CHECKING:
    from collections.abc import Iterable

    from engine.domain.ids import CampaignId, RecordRef
    from engine.runtime import Lists
    from gateway.pb.paceline.v1 import lists_pb2


async def tell_record(
    lists: Lists, ref: RecordRef, campaigns: Iterable[CampaignId]
) -> lists_pb2.Record:
    """Return a record with its custom fields and its standing in some campaigns.

    Raises:
        UnknownRecordError: There is none.
    """
    base = await lists.describe_record(ref, None)
    extras = await lists.read_extras(ref)
    record = to_record(base, extras.fields, extras.name)
    for campaign_id in campaigns:
        view = await lists.describe_record(ref, campaign_id)
        record.standings.append(to_standing(campaign_id, view))
    return record
