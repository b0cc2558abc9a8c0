"""The Python client: everything the API offers, async and typed, over one connection."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Self

import grpc.aio
from grpc_health.v1 import health_pb2, health_pb2_grpc

from clients.agents import Agents
from clients.campaigns import Campaigns
from clients.channel import DEFAULT_SERVER, Connection
from clients.errors import PacelineError
from clients.lists import DoNotCall, Lists
from clients.operations import EngineControl, Teams, Trunks
from clients.recordings import Recordings
from clients.watching import Events, Metrics, Pacing

if TYPE_CHECKING:
    from types import TracebackType

_POLL_S = 0.05


class PacelineClient:
    """A client of one Paceline server.

    Example::

        async with PacelineClient("127.0.0.1:50051") as client:
            await client.campaigns.start("spring")
            async for table in client.metrics.watch(METRIC_SCOPE_CAMPAIGN):
                print(table.get("campaigns/spring", "calls_attempted"))

    Attributes:
        agents: Agents and their sessions.
        campaigns: Campaigns.
        dnc: The internal do-not-call list.
        engine: The engine itself.
        events: What happened.
        lists: Lists, imports, records.
        metrics: Catalogue and values.
        pacing: Decisions of pacing.
        recordings: Recordings of calls.
        teams: Teams.
        trunks: Trunks.
    """

    def __init__(
        self,
        server: str = DEFAULT_SERVER,
        *,
        root_ca: bytes | None = None,
        certificate: tuple[bytes, bytes] | None = None,
        token: str = "",
        user: str = "",
        deadline_s: float = 10.0,
    ) -> None:
        """Open lazily; the first call connects.

        Args:
            server: ``host:port``.
            root_ca: PEM of who signed the server's certificate; None: plain text.
            certificate: PEM of our own, its chain after it, and of its key; it proves who we are
                to a server over TLS. None: none is shown.
            token: Bearer token; empty: none.
            user: Who acts, for the log of a server on this machine; empty: the operator.
            deadline_s: Longest wait for an answer that is no stream. [s]
        """
        self._connection = Connection(
            server,
            root_ca=root_ca,
            certificate=certificate,
            token=token,
            user=user,
            deadline_s=deadline_s,
        )
        self.agents = Agents(self._connection)
        self.campaigns = Campaigns(self._connection)
        self.dnc = DoNotCall(self._connection)
        self.engine = EngineControl(self._connection)
        self.events = Events(self._connection)
        self.lists = Lists(self._connection)
        self.metrics = Metrics(self._connection)
        self.pacing = Pacing(self._connection)
        self.recordings = Recordings(self._connection)
        self.teams = Teams(self._connection)
        self.trunks = Trunks(self._connection)

    @property
    def connection(self) -> Connection:
        """The connection, for stubs of one's own."""
        return self._connection

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connection; open streams end."""
        await self._connection.close()

    async def wait_serving(self, timeout_s: float = 30.0) -> None:
        """Wait until the health service says SERVING.

        Args:
            timeout_s: Longest wait. [s]

        Raises:
            PacelineError: It did not in that time.
        """
        stub = health_pb2_grpc.HealthStub(self._connection.channel)
        try:
            async with asyncio.timeout(timeout_s):
                while not await self._is_serving(stub):  # noqa: ASYNC110 - it is another process
                    await asyncio.sleep(_POLL_S)
        except TimeoutError as error:
            raise PacelineError(
                "unreachable",
                f"{self._connection.server} does not serve after {timeout_s:g} s",
                "UNAVAILABLE",
            ) from error

    async def _is_serving(self, stub: health_pb2_grpc.HealthStub) -> bool:
        try:
            answer = await stub.Check(health_pb2.HealthCheckRequest(), timeout=2.0)
        except grpc.aio.AioRpcError:
            return False
        return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)
