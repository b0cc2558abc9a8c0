"""The connection to a server: one channel, deadlines, and errors in Paceline's own words."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, TypeVar

import grpc
import grpc.aio

from clients.errors import PacelineError, error_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

DEFAULT_SERVER = "127.0.0.1:50051"
"""Where ``paceline serve`` listens if nothing else is said."""

_OPTIONS = [
    ("grpc.max_receive_message_length", 4 << 20),
    ("grpc.keepalive_time_ms", 10_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    ("grpc.use_local_subchannel_pool", 1),
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 2_000),
]

_Request = TypeVar("_Request")
_Response = TypeVar("_Response")


class Connection:
    """One channel to one server.

    Attributes:
        server: Its address.
        channel: The gRPC channel, for stubs.
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
        self.server = server
        self._deadline_s = deadline_s
        said = (("authorization", f"Bearer {token}" if token else ""), ("x-paceline-user", user))
        self._metadata = tuple((key, value) for key, value in said if value)
        if root_ca is None:
            self.channel = grpc.aio.insecure_channel(server, options=_OPTIONS)
            return
        chain, key = certificate or (None, None)
        credentials = grpc.ssl_channel_credentials(root_ca, key, chain)
        self.channel = grpc.aio.secure_channel(server, credentials, options=_OPTIONS)

    async def close(self) -> None:
        """Close the channel; open calls end."""
        await self.channel.close()

    async def call(
        self,
        method: grpc.aio.UnaryUnaryMultiCallable[_Request, _Response],
        request: _Request,
        *,
        deadline_s: float | None = None,
    ) -> _Response:
        """Call a method and return its answer.

        Args:
            method: Of a stub.
            request: What to send.
            deadline_s: Longest wait, in place of the connection's. [s]

        Raises:
            PacelineError: The request was not carried out.
        """
        try:
            return await method(
                request, timeout=deadline_s or self._deadline_s, metadata=self._metadata
            )
        except grpc.aio.AioRpcError as error:
            raise error_of(error, self.server) from error

    async def stream(
        self, method: grpc.aio.UnaryStreamMultiCallable[_Request, _Response], request: _Request
    ) -> AsyncIterator[_Response]:
        """Call a method and yield what it sends, until it ends or the caller stops reading.

        Raises:
            PacelineError: The request was not carried out, or the stream broke.
        """
        call = method(request, metadata=self._metadata)
        try:
            async for response in call:
                yield response
        except grpc.aio.AioRpcError as error:
            raise error_of(error, self.server) from error
        finally:
            call.cancel()

    def converse(
        self, method: grpc.aio.StreamStreamMultiCallable[_Request, _Response]
    ) -> grpc.aio.StreamStreamCall[_Request, _Response]:
        """Open a stream both ways."""
        return method(metadata=self._metadata)

    async def end_of(self, call: grpc.aio.Call) -> PacelineError:
        """Return how a call ended, as an error."""
        code, details = await call.code(), await call.details()
        trailing = await call.trailing_metadata()
        initial = await call.initial_metadata()
        return error_of(grpc.aio.AioRpcError(code, initial, trailing, details), self.server)


def new_request_id() -> str:
    """Return a new id that makes one command idempotent."""
    return uuid.uuid4().hex
