"""A gateway over doubles of services, on loopback."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import grpc
import grpc.aio
import pytest_asyncio

from engine.domain.refusals import DrainingError
from gateway.interceptors import Deadlines
from gateway.pb.paceline.v1 import dnc_pb2, dnc_pb2_grpc, events_pb2, events_pb2_grpc
from gateway.server import Gateway, Limits

Context = Any
"""gRPC's context type takes parameters in its stubs alone."""


class Dnc(dnc_pb2_grpc.DncServiceServicer):
    """Answers, refuses, fails and hangs, as the number asked for says."""

    async def CheckDncNumber(
        self, request: dnc_pb2.CheckDncNumberRequest, context: Context
    ) -> dnc_pb2.CheckDncNumberResponse:
        match request.number:
            case "refuse":
                raise DrainingError("going down")
            case "fail":
                raise ZeroDivisionError("+14155550100")
            case "hang":
                await asyncio.Event().wait()
        return dnc_pb2.CheckDncNumberResponse(listed=True)

    async def AddDncNumbers(
        self, request: dnc_pb2.AddDncNumbersRequest, context: Context
    ) -> dnc_pb2.AddDncNumbersResponse:
        return dnc_pb2.AddDncNumbersResponse(added=len(request.numbers))

    async def RemoveDncNumbers(
        self, request: dnc_pb2.RemoveDncNumbersRequest, context: Context
    ) -> dnc_pb2.RemoveDncNumbersResponse:
        return dnc_pb2.RemoveDncNumbersResponse(removed=len(request.numbers))

    async def ListDncNumbers(
        self, request: dnc_pb2.ListDncNumbersRequest, context: Context
    ) -> dnc_pb2.ListDncNumbersResponse:
        return dnc_pb2.ListDncNumbersResponse()


class Events(events_pb2_grpc.EventServiceServicer):
    """Sends messages without end, large ones as a rule, and notes when a reader is gone."""

    def __init__(self, version_octets: int = 60_000, pause_s: float = 0.0) -> None:
        self.version_octets = version_octets
        self.pause_s = pause_s
        self.open = 0
        self.sent = 0
        self.peer = ""
        self.closed = asyncio.Event()

    async def WatchEvents(
        self, request: events_pb2.WatchEventsRequest, context: Context
    ) -> AsyncIterator[events_pb2.WatchEventsResponse]:
        self.open += 1
        self.peer = context.peer()
        event = events_pb2.Event()
        event.engine_started.version = "x" * self.version_octets
        try:
            while True:
                self.sent += 1
                yield events_pb2.WatchEventsResponse(events=[event], last_sequence=self.sent)
                if self.pause_s:
                    await asyncio.sleep(self.pause_s)
        finally:
            self.open -= 1
            self.closed.set()

    async def ListEvents(
        self, request: events_pb2.ListEventsRequest, context: Context
    ) -> events_pb2.ListEventsResponse:
        return events_pb2.ListEventsResponse()


@pytest_asyncio.fixture
async def events() -> Events:
    return Events()


@pytest_asyncio.fixture
async def gateway(events: Events) -> AsyncIterator[Gateway]:
    limits = Limits(deadlines=Deadlines(call_s=60.0, write_s=2.0))
    gateway = Gateway(
        [
            lambda server: dnc_pb2_grpc.add_DncServiceServicer_to_server(Dnc(), server),
            lambda server: events_pb2_grpc.add_EventServiceServicer_to_server(events, server),
        ],
        listen="127.0.0.1:0",
        limits=limits,
    )
    yield gateway
    await gateway.stop(0)


@pytest_asyncio.fixture
async def port(gateway: Gateway) -> int:
    return await gateway.start()


@pytest_asyncio.fixture
async def channel(port: int) -> AsyncIterator[grpc.aio.Channel]:
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        yield channel
