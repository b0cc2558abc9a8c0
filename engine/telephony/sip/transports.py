"""Every way that SIP travels behind one ``send``: UDP, TCP and TLS (RFC 3261 §18)."""

from collections.abc import Callable, Mapping
from functools import cache
from typing import Final

from engine.config import SipSettings
from engine.domain.refusals import InvalidRequestError
from engine.telephony.sip.destination import Destination
from engine.telephony.sip.door import Door
from engine.telephony.sip.police import Police
from engine.telephony.sip.streams import Streams
from engine.telephony.sip.tls import TlsFiles, TlsFilesError, TlsProfile
from engine.telephony.sip.transport import StreamReceiver, UdpTransport, Waker

_TRIES: Final = 16
"""Free UDP ports tried until one is free for TCP too."""


class SipTransports:
    """The sockets of one engine.

    Attributes:
        address: Host and port of UDP, and of TCP if that is spoken.
        tls_port: Port of TLS, 0 if nobody may connect by it.
    """

    def __init__(
        self,
        settings: SipSettings,
        now: Callable[[], float],
        is_known: Callable[[Destination], bool],
        is_known_host: Callable[[str], bool] = lambda _: False,
    ) -> None:
        """Set up; ``open`` binds.

        Args:
            settings: Where SIP is spoken.
            now: The engine's time. [s]
            is_known: Says whether a trunk or a registered phone is at an address: such a peer may
                keep its connection open.
            is_known_host: Says whether one is at a host, at whatever port.
        """
        self._settings = settings
        self._waker = Waker(now)
        self._police = Police(lambda source: is_known(Destination(*source)))
        self._udp = UdpTransport(now, self._waker, self._police)
        self._default = cache(self._default_profile)
        self._streams = Streams(
            settings.host,
            self._waker,
            is_known,
            self._default,
            Door(
                is_known,
                is_known_host,
                most=settings.connections,
                most_per_source=settings.connections_per_source,
            ),
        )
        self.tls_port = 0

    async def open(self) -> tuple[str, int]:
        """Bind all; returns the address of UDP.

        Raises:
            OSError: An address cannot be bound.
            InvalidRequestError: A file of TLS is missing or wrong.
        """
        own = self._server_profile()
        try:
            await self._open_plain()
            if own is not None:
                self.tls_port = await self._streams.listen(self._settings.tls_port or 0, own)
        except BaseException:
            await self.close()
            raise
        return self._udp.address

    async def _open_plain(self) -> None:
        """Bind UDP, and TCP at the same port."""
        host, port = self._settings.host, self._settings.port
        for left in reversed(range(_TRIES)):
            _, bound = await self._udp.open(host, port)
            try:
                if self._settings.tcp:
                    await self._streams.listen(bound)
                return
            except OSError:
                self._udp.close()
                if port or not left:
                    raise

    def attach(self, receiver: StreamReceiver) -> None:
        """Feed a user agent from now on."""
        self._waker.attach(receiver, receiver)

    async def close(self) -> None:
        """Close everything."""
        self._waker.stop()
        self._udp.close()
        await self._streams.close()

    def send(self, octets: bytes, destination: Destination) -> bool:
        """Send a message; False says that it could not leave."""
        if destination.transport == "UDP":
            return self._udp.send(octets, destination)
        if destination.transport in ("TCP", "TLS"):
            return self._streams.send(octets, destination)
        return False

    def is_open(self, destination: Destination) -> bool:
        """Say whether a connection to a destination is there."""
        return self._streams.is_open(destination)

    def rearm(self) -> None:
        """Wake up in time for the user agent's next deadline; call it after giving it commands."""
        self._waker.rearm()

    def trust(self, key: str, profile: TlsProfile) -> None:
        """Set how TLS peers are met whose destinations carry a key as their link."""
        self._streams.trust(key, profile)

    @property
    def address(self) -> tuple[str, int]:
        """Host and port of UDP and TCP."""
        return self._udp.address

    @property
    def counts(self) -> Mapping[str, int]:
        """What connections were refused or given up for, and what was dropped, by name."""
        return {**self._streams.counts, "strangers-dropped": self._police.dropped}

    @property
    def open_connections(self) -> int:
        """Connections that are opening, open or closing. [connections]"""
        return self._streams.open_connections

    def _server_profile(self) -> TlsProfile | None:
        settings = self._settings
        try:
            if settings.tls_certificate:
                self._default()
            if settings.tls_port is None:
                return None
            own = settings.tls_certificate, settings.tls_key
            return TlsProfile.of(TlsFiles(settings.tls_client_ca, *own, serves=True))
        except TlsFilesError as error:
            raise InvalidRequestError(f"sip: TLS: {error}", slug="invalid-config") from error

    def _default_profile(self) -> TlsProfile:
        """Return how phones with a TLS URI are met: trusted by those who may sign phones here."""
        settings = self._settings
        own = settings.tls_certificate, settings.tls_key
        return TlsProfile.of(TlsFiles(settings.tls_client_ca, *own))
