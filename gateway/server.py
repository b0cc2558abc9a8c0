"""The gRPC server: its port, its limits, health, reflection, TLS, and its orderly end."""

import ipaddress
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import grpc
import grpc.aio
import structlog
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from engine.domain.refusals import InvalidRequestError
from gateway.access import EveryoneMay, Policy
from gateway.interceptors import Deadlines, EdgeInterceptor
from gateway.permissions import PERMISSIONS, SERVICES, missing_permissions

_log = structlog.get_logger("gateway")

Register = Callable[[grpc.aio.Server], None]
"""Adds one service to a server."""


@dataclass(frozen=True, slots=True)
class Tls:
    """Files of the server's identity, in PEM.

    Attributes:
        certificate: Chain, leaf first.
        key: Private key of the leaf.
        client_ca: Who signs clients; None: clients show no certificate.
    """

    certificate: Path
    key: Path
    client_ca: Path | None = None


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of what a client may cost (invariant X4).

    Attributes:
        message_bytes: Largest message. [octets]
        metadata_bytes: Largest metadata. [octets]
        streams_per_connection: Calls open at once on one connection.
        keepalive_s: Silence after which a peer is asked whether it lives. [s]
        keepalive_timeout_s: Time it has to answer. [s]
        deadlines: Longest waits.
    """

    message_bytes: int = 1 << 20
    metadata_bytes: int = 8 << 10
    streams_per_connection: int = 200
    keepalive_s: float = 5.0
    keepalive_timeout_s: float = 5.0
    deadlines: Deadlines = Deadlines()

    def options(self) -> list[tuple[str, int]]:
        """Return them as gRPC takes them."""
        return [
            ("grpc.max_receive_message_length", self.message_bytes),
            ("grpc.max_send_message_length", 4 * self.message_bytes),
            ("grpc.max_metadata_size", self.metadata_bytes),
            ("grpc.absolute_max_metadata_size", self.metadata_bytes),
            ("grpc.max_concurrent_streams", self.streams_per_connection),
            ("grpc.keepalive_time_ms", round(self.keepalive_s * 1_000)),
            ("grpc.keepalive_timeout_ms", round(self.keepalive_timeout_s * 1_000)),
            # Without this one a peer has 60 s to answer a ping, whatever the keep-alive says.
            ("grpc.http2.ping_timeout_ms", round(self.keepalive_timeout_s * 1_000)),
            ("grpc.keepalive_permit_without_calls", 1),
            ("grpc.http2.max_pings_without_data", 0),
            ("grpc.http2.min_ping_interval_without_data_ms", 1_000),
            ("grpc.so_reuseport", 0),
        ]


class Gateway:
    """Serves the API on one address."""

    def __init__(
        self,
        services: Iterable[Register],
        *,
        listen: str,
        tls: Tls | None = None,
        limits: Limits | None = None,
        policy: Policy | None = None,
    ) -> None:
        """Prepare a server.

        Args:
            services: Each adds one service.
            listen: ``host:port``; port 0 takes any free one.
            tls: The server's identity; None: plain text, on loopback only.
            limits: What a client may cost.
            policy: Who may do what; None: whoever reaches the listener may do everything.

        Raises:
            InvalidRequestError: Plain text was asked for on an address others can reach.
            RuntimeError: A method has no permission.
        """
        missing = missing_permissions(SERVICES, PERMISSIONS)
        if missing:
            raise RuntimeError(f"methods without a permission: {', '.join(missing)}")
        if tls is None and not is_loopback(listen):
            raise InvalidRequestError(
                f"{listen} can be reached from outside; that needs TLS", slug="tls-required"
            )
        limits = limits or Limits()
        self._listen = listen
        self._tls = tls
        self._health = health.aio.HealthServicer()
        self._server = grpc.aio.server(
            interceptors=[EdgeInterceptor(policy or EveryoneMay(), limits.deadlines)],
            options=limits.options(),
        )
        for register in services:
            register(self._server)
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._server)
        names = [service.full_name for service in SERVICES]
        reflection.enable_server_reflection(
            [*names, health.SERVICE_NAME, reflection.SERVICE_NAME], self._server
        )
        self._names = ["", *names]

    async def start(self) -> int:
        """Listen; return the port. The health service says NOT_SERVING until ``ready``.

        Raises:
            InvalidRequestError: The address cannot be listened on.
        """
        await self._say(health_pb2.HealthCheckResponse.NOT_SERVING)
        try:
            if self._tls is None:
                port = self._server.add_insecure_port(self._listen)
            else:
                port = self._server.add_secure_port(self._listen, _credentials(self._tls))
        except RuntimeError as error:
            raise InvalidRequestError(
                f"cannot listen on {self._listen}: {error}", slug="cannot-listen"
            ) from error
        await self._server.start()
        if self._tls is None:
            _log.warning("plain_text_listener", listen=self._listen, port=port, use="development")
        else:
            _log.info("listener", listen=self._listen, port=port)
        return port

    async def ready(self) -> None:
        """Say SERVING: the engine takes commands."""
        await self._say(health_pb2.HealthCheckResponse.SERVING)

    async def unready(self) -> None:
        """Say NOT_SERVING: the engine is going down, or is not up yet."""
        await self._say(health_pb2.HealthCheckResponse.NOT_SERVING)

    async def stop(self, grace_s: float) -> None:
        """Take no new calls and end those there are.

        Args:
            grace_s: Time they have. [s]
        """
        await self._health.enter_graceful_shutdown()
        await self._server.stop(grace_s)

    async def _say(self, status: health_pb2.HealthCheckResponse.ServingStatus) -> None:
        for name in self._names:
            await self._health.set(name, status)


def is_loopback(listen: str) -> bool:
    """Return whether only this machine can reach ``host:port``."""
    host = listen.rpartition(":")[0].strip("[]")
    if host == "localhost" or listen.startswith("unix:"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _credentials(tls: Tls) -> grpc.ServerCredentials:
    try:
        pair = (tls.key.read_bytes(), tls.certificate.read_bytes())
        ca = None if tls.client_ca is None else tls.client_ca.read_bytes()
    except OSError as error:
        raise InvalidRequestError(f"TLS files: {error}", slug="invalid-config") from error
    return grpc.ssl_server_credentials([pair], ca, require_client_auth=ca is not None)
