"""SIP over UDP on a running loop, and what feeds the user agent whatever the transport.

``Waker`` is the user agent's end of the loop: octets in, and its next deadline as one timer.
"""

import asyncio
import socket
from collections.abc import Callable
from math import inf
from typing import Final, Protocol, cast

from engine.telephony.sip.destination import Destination
from engine.telephony.sip.police import Police

_SOCKET_OCTETS: Final = 4 * 1024 * 1024
"""Receive buffer asked for: half a second of a thousand calls a second. [octets]"""


class Receiver(Protocol):
    """What a datagram transport feeds: the user agent."""

    def receive(self, octets: bytes, source: Destination, now_s: float) -> None:
        """Take a message."""
        ...

    def next_deadline(self) -> float:
        """Return when ``advance`` is worth calling. [s]"""
        ...

    def advance(self, now_s: float) -> None:
        """Let time pass."""
        ...


class StreamReceiver(Receiver, Protocol):
    """What streams need of the user agent besides: connections fail, and let requests wait."""

    def lose(self, destination: Destination, now_s: float, *, asked: bool, again: bool) -> None:
        """Learn that a connection is gone, or never came."""
        ...

    def may_still_leave(self, invite: bytes, now_s: float, congested: bool) -> bool:
        """Say whether an INVITE that waited for its connection may leave."""
        ...


class Waker:
    """Feeds a user agent and wakes it in time."""

    def __init__(self, now: Callable[[], float]) -> None:
        """Set up; ``attach`` begins.

        Args:
            now: The engine's time. [s]
        """
        self._now = now
        self._receiver: Receiver | None = None
        self._streams: StreamReceiver | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._armed_s = inf

    def attach(self, receiver: Receiver, streams: StreamReceiver | None = None) -> None:
        """Feed a user agent from now on.

        Args:
            receiver: It.
            streams: The same, if there are transports other than UDP.
        """
        self._receiver = receiver
        self._streams = streams
        self._loop = asyncio.get_running_loop()

    def receive(self, octets: bytes, source: Destination) -> None:
        """Hand a message over."""
        if self._receiver is not None:
            self._receiver.receive(octets, source, self._now())
            self.rearm()

    def lose(self, destination: Destination, *, asked: bool, again: bool) -> None:
        """Tell that a connection is gone."""
        if self._streams is not None:
            self._streams.lose(destination, self._now(), asked=asked, again=again)
            self.rearm()

    def may_still_leave(self, invite: bytes, congested: bool) -> bool:
        """Ask about an INVITE that waited for its connection."""
        if self._streams is None:
            return False
        allowed = self._streams.may_still_leave(invite, self._now(), congested)
        self.rearm()
        return allowed

    def rearm(self) -> None:
        """Wake up in time for the next deadline; call it after giving the user agent commands."""
        receiver, loop = self._receiver, self._loop
        if receiver is None or loop is None:
            return
        deadline_s = receiver.next_deadline()
        if deadline_s >= self._armed_s:
            return  # waking up early is cheap, moving the timer at each datagram is not
        if self._timer is not None:
            self._timer.cancel()
        self._armed_s = deadline_s
        wait_s = max(0.0, deadline_s - self._now())
        self._timer = loop.call_later(wait_s, self._wake)

    def stop(self) -> None:
        """Feed nobody, and wake nobody."""
        self._receiver = self._streams = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _wake(self) -> None:
        self._armed_s = inf
        self._timer = None
        if self._receiver is not None:
            self._receiver.advance(self._now())
            self.rearm()


class UdpTransport(asyncio.DatagramProtocol):
    """A UDP socket that feeds a user agent and sends for it.

    Attributes:
        address: Host and port bound.
        received: Datagrams received.
        sent: Datagrams sent.
    """

    def __init__(
        self,
        now: Callable[[], float],
        waker: Waker | None = None,
        police: Police | None = None,
    ) -> None:
        """Set up; ``open`` binds.

        Args:
            now: The engine's time. [s]
            waker: Feeds the user agent, where it has other transports too.
            police: Says what is read; None: everything.
        """
        self._now = now
        self._waker = waker or Waker(now)
        self._police = police
        self._transport: asyncio.DatagramTransport | None = None
        self.address = ("", 0)
        self.received = 0
        self.sent = 0

    async def open(self, host: str, port: int) -> tuple[str, int]:
        """Bind; port 0 takes any free one.

        Returns:
            The address bound.
        """
        loop = asyncio.get_running_loop()
        await loop.create_datagram_endpoint(lambda: self, local_addr=(host, port))
        return self.address

    def attach(self, receiver: Receiver) -> None:
        """Feed a user agent from now on."""
        self._waker.attach(receiver)

    def close(self) -> None:
        """Close the socket and stop the timer."""
        self._waker.stop()
        if self._transport is not None:
            self._transport.close()
            self._transport = None

    def send(self, octets: bytes, destination: Destination) -> bool:
        """Send a datagram; False says that it could not leave.

        Full buffers are not told from loss: SIP sends again.
        """
        transport = self._transport
        if transport is None or transport.is_closing() or destination.transport != "UDP":
            return False
        try:
            transport.sendto(octets, destination[:2])
        except (OSError, ValueError, OverflowError):
            return False
        self.sent += 1
        return True

    def rearm(self) -> None:
        """Wake up in time for the user agent's next deadline; call it after giving it commands."""
        self._waker.rearm()

    # --- asyncio.DatagramProtocol --------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the socket; ask for room for bursts."""
        # Neither asyncio's nor uvloop's transport is an instance of the class it stands for.
        self._transport = cast("asyncio.DatagramTransport", transport)
        self.address = transport.get_extra_info("sockname")[:2]
        sock = transport.get_extra_info("socket")
        if sock is not None:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _SOCKET_OCTETS)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        """Feed the user agent."""
        self.received += 1
        if self._police is not None and not self._police.admits(data, addr[:2], self._now()):
            return
        self._waker.receive(data, Destination(addr[0], addr[1]))

    def error_received(self, _: Exception) -> None:
        """Take an ICMP error for what it is worth: retransmission and Timer B decide."""

    def connection_lost(self, _: Exception | None) -> None:
        """Forget the socket."""
        self._transport = None
