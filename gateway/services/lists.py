"""ListService: lists, their records, imports, and why a record is not called."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import msgspec

from engine.domain.ids import CampaignId, ListId, RecordRef, check_resource_id
from engine.domain.refusals import InvalidRequestError
from engine.domain.specs import CampaignSpec, ListSpec
from gateway.convert import names
from gateway.convert.imports import to_errors, to_options
from gateway.convert.masks import merged
from gateway.convert.resources import check_zone, from_list, to_list
from gateway.convert.views import to_explanation, to_record, to_standing
from gateway.identity import caller_of
from gateway.interceptors import check_rules
from gateway.paging import encode_token, row_of, size_of
from gateway.pb.paceline.v1 import lists_pb2 as pb
from gateway.pb.paceline.v1 import lists_pb2_grpc
from gateway.records import tell_record
from gateway.services.resources import Resources

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from engine.runtime import Configuration, ImportRun, Imports, Lists
    from gateway.interceptors import Context

_PROGRESS_S = 0.5
"""How often progress is told while the end of a file is worked off."""
_RECENT = 100
"""Most refused lines told in one message; all of them are in ListImportErrors."""


class ListService(lists_pb2_grpc.ListServiceServicer):
    """Keeps lists of records and imports them."""

    def __init__(self, configuration: Configuration, kept: Lists, imports: Imports) -> None:
        self._kept = kept
        self._imports = imports
        self._lists = Resources(configuration, ListSpec, "list")
        self._campaigns = Resources(configuration, CampaignSpec, "campaign")

    async def CreateList(
        self, request: pb.CreateListRequest, context: Context
    ) -> pb.CreateListResponse:
        list_id = ListId(check_resource_id("list", request.list_id))
        spec = await self._lists.create(
            from_list(request.list, list_id), request.request_id, by=caller_of(context)
        )
        return pb.CreateListResponse(list=await self._told(spec))

    async def GetList(self, request: pb.GetListRequest, context: Context) -> pb.GetListResponse:
        spec = self._lists.get(names.list_id(request.name))
        return pb.GetListResponse(list=await self._told(spec))

    async def ListLists(
        self, request: pb.ListListsRequest, context: Context
    ) -> pb.ListListsResponse:
        specs, following = self._lists.page(request.page_size, request.page_token)
        return pb.ListListsResponse(
            lists=[await self._told(spec) for spec in specs], next_page_token=following
        )

    async def UpdateList(
        self, request: pb.UpdateListRequest, context: Context
    ) -> pb.UpdateListResponse:
        list_id = names.list_id(request.list.name)

        def changed(present: ListSpec) -> ListSpec:
            return from_list(
                merged(to_list(present, 0), request.list, request.update_mask), list_id
            )

        spec = await self._lists.change(
            list_id, changed, request.list.etag, request.request_id, by=caller_of(context)
        )
        return pb.UpdateListResponse(list=await self._told(spec))

    async def DeleteList(
        self, request: pb.DeleteListRequest, context: Context
    ) -> pb.DeleteListResponse:
        await self._lists.delete(
            names.list_id(request.name), request.etag, request.request_id, by=caller_of(context)
        )
        return pb.DeleteListResponse()

    async def ImportList(
        self, request_iterator: AsyncIterator[pb.ImportListRequest], context: Context
    ) -> AsyncIterator[pb.ImportListResponse]:
        first = await anext(request_iterator, None)
        if first is None:
            return
        run = await self._open(first)
        try:
            await context.send_initial_metadata(())  # the header is accepted
            async for request in request_iterator:
                check_rules(request)
                part = request.WhichOneof("part")
                if part == "end":
                    break
                if part != "chunk":
                    raise InvalidRequestError("the header comes once", slug="invalid-import")
                await run.feed(request.chunk)
                yield pb.ImportListResponse(progress=_progress(run))
            else:  # a client that is lost looks like one that has sent all
                raise InvalidRequestError("the file ended without its end", slug="import-broken")
            finishing = asyncio.create_task(run.finish())
            while not (await asyncio.wait([finishing], timeout=_PROGRESS_S))[0]:
                yield pb.ImportListResponse(progress=_progress(run))
            await finishing
            yield pb.ImportListResponse(result=_progress(run))
        finally:
            run.close()

    async def ListImportErrors(
        self, request: pb.ListImportErrorsRequest, context: Context
    ) -> pb.ListImportErrorsResponse:
        list_id, import_id = names.import_of(request.parent)
        errors = await self._imports.errors(list_id, import_id)
        start, size = row_of(request.page_token), size_of(request.page_size)
        more = start + size < len(errors)
        return pb.ListImportErrorsResponse(
            errors=to_errors(errors[start : start + size]),
            next_page_token=encode_token(str(start + size)) if more else "",
        )

    async def GetRecord(
        self, request: pb.GetRecordRequest, context: Context
    ) -> pb.GetRecordResponse:
        ref = names.record_ref(request.name)
        self._lists.get(ref.list_id)
        campaigns = [spec.campaign_id for spec in self._campaigns.all() if _dials(spec, ref)]
        record = await tell_record(self._kept, ref, sorted(campaigns))
        return pb.GetRecordResponse(record=record)

    async def ListRecords(
        self, request: pb.ListRecordsRequest, context: Context
    ) -> pb.ListRecordsResponse:
        list_id = names.list_id(request.parent)
        self._lists.get(list_id)
        view = await self._kept.describe(list_id)
        start, size = row_of(request.page_token), size_of(request.page_size)
        end = min(start + size, view.next_row)
        records = [
            to_record(await self._kept.describe_record(RecordRef(list_id, row), None))
            for row in range(start, end)
        ]
        following = encode_token(str(end)) if end < view.next_row else ""
        return pb.ListRecordsResponse(records=records, next_page_token=following)

    async def ExplainRecord(
        self, request: pb.ExplainRecordRequest, context: Context
    ) -> pb.ExplainRecordResponse:
        ref, campaign_id = self._pair(request.name, request.campaign)
        return to_explanation(campaign_id, await self._kept.describe_record(ref, campaign_id))

    async def ResetRecord(
        self, request: pb.ResetRecordRequest, context: Context
    ) -> pb.ResetRecordResponse:
        ref, campaign_id = self._pair(request.name, request.campaign)
        await self._kept.reset_record(ref, campaign_id, by=caller_of(context))
        view = await self._kept.describe_record(ref, campaign_id)
        return pb.ResetRecordResponse(standing=to_standing(campaign_id, view))

    async def _open(self, first: pb.ImportListRequest) -> ImportRun:
        check_rules(first)
        if first.WhichOneof("part") != "header":
            raise InvalidRequestError("an import begins with its header", slug="invalid-import")
        header = first.header
        spec = self._lists.get(names.list_id(header.list))
        spec = msgspec.structs.replace(
            spec,
            region=header.region or spec.region,
            default_zone=check_zone("default_zone", header.default_zone) or spec.default_zone,
        )
        return await self._imports.open(spec, header.import_id, to_options(header))

    def _pair(self, record: str, campaign: str) -> tuple[RecordRef, CampaignId]:
        ref, campaign_id = names.record_ref(record), names.campaign_id(campaign)
        self._lists.get(ref.list_id)
        self._campaigns.get(campaign_id)
        return ref, campaign_id

    async def _told(self, spec: ListSpec) -> pb.List:
        view = await self._kept.describe(spec.list_id)
        return to_list(spec, view.records)


def _dials(spec: CampaignSpec, ref: RecordRef) -> bool:
    return any(link.list_id == ref.list_id for link in spec.lists)


def _progress(run: ImportRun) -> pb.ImportProgress:
    progress = run.progress
    return pb.ImportProgress(
        lines_read=progress.lines_read,
        records_added=progress.records_added,
        lines_rejected=progress.lines_rejected,
        batches_durable=progress.batches_durable,
        bytes_read=progress.bytes_read,
        recent_errors=to_errors(run.take_errors()[:_RECENT]),
    )
