"""One TCP or TLS connection: octets in, whole messages out, nothing too slow or too much."""

import asyncio
from typing import Final, Protocol, cast

from engine.telephony.sip.destination import Destination
from engine.telephony.sip.framing import Framer

MAX_QUEUED: Final = 256 * 1024
"""Most that waits for a connection to open. [octets]"""
MAX_UNSENT: Final = 1024 * 1024
"""Most that waits for a peer to read; beyond it the connection is given up. [octets]"""
CONGESTED: Final = 64 * 1024
"""From so much on nothing is read from the peer, and no INVITE goes there. [octets]"""
MESSAGE_S: Final = 10.0
"""Longest time from a message's first octet to its last, and to the first whole one. [s]"""
STRANGER_S: Final = 60.0
"""Longest life of a connection from a peer that is neither a trunk nor a registered phone. [s]"""
IDLE_S: Final = 3_900.0
"""Longest silence of any other: longer than a phone may wait to register again. [s]"""
DRAIN_S: Final = 200.0
"""Longest wait of one that is retired for another answer: an INVITE rings no longer than that, for
proxies give it three minutes (Timer C, RFC 3261 §16.6). [s]"""
CLOSING_S: Final = 5.0
"""Longest wait for a peer to take our last octets. [s]"""

DRAINED: Final = "drained"
"""Why one that was retired is closed in order."""
_NO_REQUEST: Final = (b"SIP/", b"\r\n")


class Owner(Protocol):
    """Who keeps the connections."""

    def on_message(self, octets: bytes, connection: "Connection", /) -> None:
        """Take a whole message."""
        ...

    def on_lost(self, connection: "Connection", /) -> None:
        """Learn that a connection is over."""
        ...

    def may_leave(self, invite: bytes, congested: bool, /) -> bool:
        """Say whether an INVITE that waited for its connection may leave now; False fails it.

        Over a congested connection none may: it would leave later than the gate was asked.
        """
        ...

    def note(self, what: str, /) -> None:
        """Count something."""
        ...


class Way(Protocol):
    """What a connection writes to: a socket's transport, or TLS before it."""

    def write(self, data: bytes, /) -> None:
        """Send."""
        ...

    def close(self) -> None:
        """Close, once all is read."""
        ...

    def abort(self) -> None:
        """Close at once."""
        ...

    def pause_reading(self) -> None:
        """Read no more for now."""
        ...

    def resume_reading(self) -> None:
        """Read again."""
        ...

    def get_write_buffer_size(self) -> int:
        """Return what waits for the peer to read. [octets]"""
        ...

    def set_write_buffer_limits(self, high: int | None = None) -> None:
        """Set from how much on the peer counts as not reading."""
        ...


class Connection(asyncio.Protocol):
    """A connection that is opening, open, or closing.

    Attributes:
        destination: Where it goes to, or came from.
        accepted: Whether the peer opened it.
        asked: Whether requests of ours went over it.
        is_over: Whether it is gone, or never came.
    """

    __slots__ = (
        "_began_s",
        "_closing_s",
        "_drains_s",
        "_framer",
        "_heard_s",
        "_is_open",
        "_loop",
        "_opened_s",
        "_owner",
        "_paused",
        "_queue",
        "_queued",
        "_spoken",
        "_transport",
        "accepted",
        "asked",
        "destination",
        "is_over",
    )

    def __init__(self, owner: Owner, destination: Destination, *, accepted: bool) -> None:
        """Begin opening; what is sent meanwhile waits.

        Args:
            owner: Takes messages.
            destination: Where it goes to, or came from.
            accepted: Whether the peer opened it.
        """
        self._owner = owner
        self.destination = destination
        self.accepted = accepted
        self.asked = False
        self.is_over = False
        self._framer = Framer()
        self._loop = asyncio.get_running_loop()
        self._opened_s = self._heard_s = self._loop.time()
        self._began_s = 0.0
        self._closing_s = 0.0
        self._drains_s = 0.0
        self._spoken = False
        self._paused = False
        self._queue: list[bytes] = []
        self._queued = 0
        self._transport: Way | None = None
        self._is_open = False

    @property
    def was_heard(self) -> bool:
        """Whether a whole message has come over it."""
        return self._spoken

    @property
    def is_open(self) -> bool:
        """Whether it was opened and nobody closes it."""
        return self._is_open and self.is_usable

    @property
    def is_usable(self) -> bool:
        """Whether something may be sent over it."""
        return not self.is_over and not self._closing_s

    def send(self, octets: bytes) -> bool:
        """Send a message, or let it wait for the opening; False says that it cannot leave."""
        if not self.is_usable:
            return False
        self.asked = self.asked or not octets.startswith(_NO_REQUEST)
        transport = self._transport
        if transport is None or not self._is_open:
            return self._wait(octets)
        if self._paused and octets.startswith(b"INVITE "):
            self._owner.note("congested-invites")  # see ``Owner.may_leave``
            return False
        if transport.get_write_buffer_size() + len(octets) > MAX_UNSENT:
            self.abort("peer-does-not-read")
            return False
        transport.write(octets)
        return True

    def _wait(self, octets: bytes) -> bool:
        self._queued += len(octets)
        if self._queued > MAX_QUEUED:
            self._queued -= len(octets)
            self._owner.note("queue-full")
            return False
        self._queue.append(octets)
        return True

    def hold(self, transport: Way) -> None:
        """Keep the way, which is not open yet."""
        self._transport = transport

    def open(self, transport: Way) -> None:
        """Send what waited, now that the way is open."""
        if self.is_over:
            transport.abort()
            return
        self._transport = transport
        self._is_open = True
        transport.set_write_buffer_limits(high=CONGESTED)
        queue, self._queue, self._queued = self._queue, [], 0
        for octets in queue:
            if not octets.startswith(b"INVITE ") or self._owner.may_leave(octets, self._paused):
                self.send(octets)

    def close(self) -> None:
        """Close it, once what was written is read."""
        if self._transport is None:
            self.abort("")
        elif not self._closing_s:
            self._closing_s = self._loop.time()
            self._transport.close()

    def retire(self, flow: Destination) -> None:
        """Take only answers from now on, and what the peer asks; be closed when none come any more.

        Args:
            flow: What it is known by now: no request of ours goes there.
        """
        self.destination = flow
        self._drains_s = self._loop.time()

    def abort(self, why: str) -> None:
        """Close it at once; what it carried has failed."""
        if why:
            self._owner.note(why)
        self._closing_s = self._closing_s or self._loop.time()
        if self._transport is not None:
            self._transport.abort()
        else:
            self.connection_lost(None)

    def judge(self, now_s: float, is_known: bool) -> str:
        """Return why it is not to be kept any longer; empty: it is.

        Args:
            now_s: Now on the loop's clock. [s]
            is_known: Whether a trunk or a registered phone is at its other end.
        """
        if self._closing_s:
            return "close-too-slow" if now_s - self._closing_s > CLOSING_S else ""
        if self._drains_s and now_s - self._drains_s > DRAIN_S:
            return DRAINED
        if self._began_s and now_s - self._began_s > MESSAGE_S:
            return "message-too-slow"
        if self.accepted and not self._spoken and now_s - self._opened_s > MESSAGE_S:
            return "silent-connection"
        if self.accepted and not is_known and now_s - self._opened_s > STRANGER_S:
            return "stranger-stayed"
        return "idle-connection" if now_s - self._heard_s > IDLE_S else ""

    # --- asyncio.Protocol ----------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Send what waited."""
        # Neither asyncio's nor uvloop's transport is an instance of the class it stands for.
        self.open(cast("Way", transport))

    def data_received(self, data: bytes) -> None:
        """Hand over the messages that octets complete."""
        framer, before = self._framer, self._framer.pings
        self._heard_s = self._loop.time()
        messages = framer.feed(data)
        if messages:
            self._spoken = True
            self._began_s = 0.0
        for octets in messages:
            if self._drains_s and octets.startswith(b"SIP/"):
                self._drains_s = self._heard_s
            if not self._closing_s:
                self._owner.on_message(octets, self)
        if framer.pings > before:
            self._owner.note("keep-alive")
            self.send(b"\r\n")
        if framer.is_inside:
            self._began_s = self._began_s or self._heard_s
        if framer.broken and self.is_usable:
            self._owner.note(framer.broken)
            self.close()

    def eof_received(self) -> None:
        """Send nothing more to a peer that closes."""
        self._closing_s = self._closing_s or self._loop.time()

    def pause_writing(self) -> None:
        """Read no more from a peer that does not read."""
        self._paused = True
        if self._transport is not None:
            self._transport.pause_reading()

    def resume_writing(self) -> None:
        """Read again."""
        self._paused = False
        if self._transport is not None and self.is_usable:
            self._transport.resume_reading()

    def connection_lost(self, _: Exception | None) -> None:
        """Tell the owner, once."""
        if not self.is_over:
            self.is_over = True
            self._transport = None
            self._queue.clear()
            self._owner.on_lost(self)
