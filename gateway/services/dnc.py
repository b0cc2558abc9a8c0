"""DncService: the internal do-not-call list."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.domain.e164 import parse_e164
from gateway.convert.names import clean_text
from gateway.identity import caller_of
from gateway.paging import page
from gateway.pb.paceline.v1 import dnc_pb2 as pb
from gateway.pb.paceline.v1 import dnc_pb2_grpc

if TYPE_CHECKING:
    from engine.runtime import DoNotCall
    from gateway.interceptors import Context


class DncService(dnc_pb2_grpc.DncServiceServicer):
    """Keeps the internal do-not-call list."""

    def __init__(self, dnc: DoNotCall) -> None:
        self._dnc = dnc

    async def AddDncNumbers(
        self, request: pb.AddDncNumbersRequest, context: Context
    ) -> pb.AddDncNumbersResponse:
        numbers = [parse_e164(number) for number in request.numbers]
        note = clean_text("note", request.note)
        added = await self._dnc.add(numbers, by=caller_of(context), note=note)
        return pb.AddDncNumbersResponse(added=added)

    async def RemoveDncNumbers(
        self, request: pb.RemoveDncNumbersRequest, context: Context
    ) -> pb.RemoveDncNumbersResponse:
        numbers = [parse_e164(number) for number in request.numbers]
        removed = await self._dnc.remove(numbers, by=caller_of(context))
        return pb.RemoveDncNumbersResponse(removed=removed)

    async def CheckDncNumber(
        self, request: pb.CheckDncNumberRequest, context: Context
    ) -> pb.CheckDncNumberResponse:
        return pb.CheckDncNumberResponse(listed=self._dnc.has(parse_e164(request.number)))

    async def ListDncNumbers(
        self, request: pb.ListDncNumbersRequest, context: Context
    ) -> pb.ListDncNumbersResponse:
        items = [(number, number) for number in self._dnc.numbers()]
        numbers, following = page(items, request.page_size, request.page_token)
        return pb.ListDncNumbersResponse(numbers=numbers, next_page_token=following)
