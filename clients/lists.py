"""Lists over the API: configure, import a file with progress, read, explain; and do-not-call."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
from typing import TYPE_CHECKING

import grpc.aio
from google.protobuf.field_mask_pb2 import FieldMask

from clients.channel import Connection, new_request_id
from clients.errors import error_of
from clients.naming import full
from gateway.pb.paceline.v1 import dnc_pb2
from gateway.pb.paceline.v1 import lists_pb2 as pb
from gateway.pb.paceline.v1.dnc_pb2_grpc import DncServiceStub
from gateway.pb.paceline.v1.lists_pb2_grpc import ListServiceStub

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Sequence
    from pathlib import Path

    _Import = grpc.aio.StreamStreamCall[pb.ImportListRequest, pb.ImportListResponse]

CHUNK_BYTES = 256 << 10
"""Octets of a file in one message, the most the API takes."""
_ACCEPTED_S = 10.0
"""How long an import's header may take to be accepted or refused. [s]"""


class Lists:
    """What ``ListService`` offers. Lists are named by id or full name."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._stub = ListServiceStub(connection.channel)

    async def create(
        self, list_id: str, list_: pb.List | None = None, *, request_id: str = ""
    ) -> pb.List:
        """Create an empty list and return it."""
        request = pb.CreateListRequest(
            list_id=list_id, list=list_ or pb.List(), request_id=request_id or new_request_id()
        )
        return (await self._connection.call(self._stub.CreateList, request)).list

    async def get(self, list_: str) -> pb.List:
        """Return a list."""
        request = pb.GetListRequest(name=full("lists", list_))
        return (await self._connection.call(self._stub.GetList, request)).list

    async def list(self) -> AsyncIterator[pb.List]:
        """Yield all lists, page by page."""
        request = pb.ListListsRequest(page_size=500)
        while True:
            page = await self._connection.call(self._stub.ListLists, request)
            for each in page.lists:
                yield each
            if not page.next_page_token:
                return
            request.page_token = page.next_page_token

    async def update(
        self, record_list: pb.List, fields: Iterable[str] = (), *, request_id: str = ""
    ) -> pb.List:
        """Change a list (fields: none: those that are set) and return it."""
        request = pb.UpdateListRequest(
            list=record_list,
            update_mask=FieldMask(paths=fields),
            request_id=request_id or new_request_id(),
        )
        return (await self._connection.call(self._stub.UpdateList, request)).list

    async def delete(self, list_: str, *, etag: str = "", request_id: str = "") -> None:
        """Delete a list that no campaign dials, with its records."""
        request = pb.DeleteListRequest(
            name=full("lists", list_), etag=etag, request_id=request_id or new_request_id()
        )
        await self._connection.call(self._stub.DeleteList, request)

    async def import_file(
        self, list_: str, path: Path, header: pb.ImportHeader | None = None
    ) -> AsyncIterator[pb.ImportProgress]:
        """Import a CSV file and yield how far it is; the last one is the result.

        The same file again under the same ``import_id`` adds only what is missing.

        Args:
            list_: The list; it exists.
            path: The file, UTF-8, its first line titles.
            header: Mapping and options; its list is ignored, an empty ``import_id`` is made from
                the file's contents.

        Raises:
            OSError: The file cannot be read.
            PacelineError: The import was refused or broke.
        """
        sent = pb.ImportHeader()
        sent.CopyFrom(header or pb.ImportHeader())
        sent.list = full("lists", list_)
        sent.import_id = sent.import_id or await asyncio.to_thread(import_id_of, path)
        call = self._connection.converse(self._stub.ImportList)
        try:
            await _begin(call, sent)
            with await asyncio.to_thread(path.open, "rb") as file:
                while chunk := await asyncio.to_thread(file.read, CHUNK_BYTES):
                    await call.write(pb.ImportListRequest(chunk=chunk))
                    yield _progress_in(await call.read())
            await call.write(pb.ImportListRequest(end=pb.ImportEnd()))
            await call.done_writing()
            while (response := await call.read()) is not grpc.aio.EOF:
                yield _progress_in(response)
        except grpc.aio.AioRpcError as error:
            raise error_of(error, self._connection.server) from error
        except asyncio.InvalidStateError:
            raise await self._connection.end_of(call) from None
        finally:
            call.cancel()

    async def import_errors(self, list_: str, import_id: str) -> AsyncIterator[pb.ImportError]:
        """Yield every line that an import refused, page by page."""
        parent = f"{full('lists', list_)}/imports/{import_id}"
        request = pb.ListImportErrorsRequest(parent=parent, page_size=1000)
        while True:
            page = await self._connection.call(self._stub.ListImportErrors, request)
            for each in page.errors:
                yield each
            if not page.next_page_token:
                return
            request.page_token = page.next_page_token

    async def records(self, list_: str, *, page_size: int = 500) -> AsyncIterator[pb.Record]:
        """Yield the records of a list, page by page, without custom fields."""
        request = pb.ListRecordsRequest(parent=full("lists", list_), page_size=page_size)
        while True:
            page = await self._connection.call(self._stub.ListRecords, request)
            for each in page.records:
                yield each
            if not page.next_page_token:
                return
            request.page_token = page.next_page_token

    async def get_record(self, record: str) -> pb.Record:
        """Return a record, ``lists/{list}/records/{row}``, with its standing in each campaign."""
        request = pb.GetRecordRequest(name=record)
        return (await self._connection.call(self._stub.GetRecord, request)).record

    async def explain_record(self, record: str, campaign: str) -> pb.ExplainRecordResponse:
        """Say whether a record may be called now in a campaign; if not, why, and when next."""
        request = pb.ExplainRecordRequest(name=record, campaign=full("campaigns", campaign))
        return await self._connection.call(self._stub.ExplainRecord, request)

    async def reset_record(
        self, record: str, campaign: str, *, request_id: str = ""
    ) -> pb.RecordStanding:
        """Let a final or waiting record be called again in a campaign."""
        request = pb.ResetRecordRequest(
            name=record,
            campaign=full("campaigns", campaign),
            request_id=request_id or new_request_id(),
        )
        return (await self._connection.call(self._stub.ResetRecord, request)).standing


class DoNotCall:
    """What ``DncService`` offers: numbers that no campaign calls, in E.164 form."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._stub = DncServiceStub(connection.channel)

    async def add(self, numbers: Sequence[str], *, note: str = "", request_id: str = "") -> int:
        """Add numbers, all or none; return how many were new."""
        request = dnc_pb2.AddDncNumbersRequest(
            numbers=numbers, note=note, request_id=request_id or new_request_id()
        )
        return (await self._connection.call(self._stub.AddDncNumbers, request)).added

    async def remove(self, numbers: Sequence[str], *, request_id: str = "") -> int:
        """Remove numbers, all or none; return how many there were."""
        request = dnc_pb2.RemoveDncNumbersRequest(
            numbers=numbers, request_id=request_id or new_request_id()
        )
        return (await self._connection.call(self._stub.RemoveDncNumbers, request)).removed

    async def check(self, number: str) -> bool:
        """Say whether a number is on the list."""
        request = dnc_pb2.CheckDncNumberRequest(number=number)
        return (await self._connection.call(self._stub.CheckDncNumber, request)).listed

    async def list(self) -> AsyncIterator[str]:
        """Yield all numbers in ascending order, page by page."""
        request = dnc_pb2.ListDncNumbersRequest(page_size=1000)
        while True:
            page = await self._connection.call(self._stub.ListDncNumbers, request)
            for each in page.numbers:
                yield each
            if not page.next_page_token:
                return
            request.page_token = page.next_page_token


def import_id_of(path: Path) -> str:
    """Return the import id of a file: the same for the same contents.

    Args:
        path: The file.
    """
    with path.open("rb") as file:
        return f"f-{hashlib.file_digest(file, 'sha256').hexdigest()[:32]}"


async def _begin(call: _Import, header: pb.ImportHeader) -> None:
    """Send the header, and wait until it is accepted or refused.

    A write to a call that the server has ended hides why it ended it. For the same reason each
    chunk waits for the progress of the one before.
    """
    await call.write(pb.ImportListRequest(header=header))
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_ACCEPTED_S):
            await call.initial_metadata()


def _progress_in(response: object) -> pb.ImportProgress:
    """Return the progress told.

    Raises:
        asyncio.InvalidStateError: The call is over.
    """
    if not isinstance(response, pb.ImportListResponse):
        raise asyncio.InvalidStateError
    part = response.WhichOneof("part")
    return response.result if part == "result" else response.progress
