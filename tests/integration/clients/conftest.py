"""A gateway over a small engine on loopback, and a client of it."""

from collections.abc import AsyncIterator
from typing import Any, cast

import pytest_asyncio

from clients import PacelineClient
from gateway.server import Gateway
from gateway.services import all_services
from tests.integration.gateway.double import EngineDouble


@pytest_asyncio.fixture
async def engine() -> EngineDouble:
    return EngineDouble()


@pytest_asyncio.fixture
async def server(engine: EngineDouble) -> AsyncIterator[str]:
    gateway = Gateway(all_services(cast("Any", engine)), listen="127.0.0.1:0")
    port = await gateway.start()
    await gateway.ready()
    yield f"127.0.0.1:{port}"
    await gateway.stop(0)


@pytest_asyncio.fixture
async def client(server: str) -> AsyncIterator[PacelineClient]:
    async with PacelineClient(server) as client:
        yield client
