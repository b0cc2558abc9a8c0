"""All TCP and TLS connections: opened when needed, reused, limited, and given up (RFC 3261 §18)."""

import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine
from contextlib import suppress
from itertools import count
from typing import Final

from engine.telephony.sip.accepted import Accepted, tune
from engine.telephony.sip.connection import DRAINED, Connection
from engine.telephony.sip.destination import Destination
from engine.telephony.sip.door import Door
from engine.telephony.sip.tls import TlsProfile
from engine.telephony.sip.tls_profiles import TlsProfiles
from engine.telephony.sip.tls_server import TlsServer
from engine.telephony.sip.transport import Waker

CONNECT_S: Final = 5.0
"""Longest opening of a connection, TLS included. [s]"""
SWEEP_S: Final = 1.0
"""How often slow and idle connections are looked for. [s]"""
FILES_S: Final = 30.0
"""How often changed files of TLS are looked for. [s]"""
_BACKLOG: Final = 1024
_LINGER_S: Final = 1.0
"""Longest wait for peers to read our last octets when all closes. [s]"""
_SERVER: Final = "server"
"""Key of the profile by which peers that connect to us are met."""
_ANY: Final = ("0.0.0.0", "::")  # noqa: S104 - these are not addresses to connect from


class Streams:
    """Connections by their far ends.

    A request goes over the connection to its destination, opened anew if there is none; what goes
    to a flow (``Destination.is_flow``) goes over the connection that the peer opened, or nowhere.

    Attributes:
        counts: What was refused and given up, by name.
    """

    def __init__(
        self,
        host: str,
        waker: Waker,
        is_known: Callable[[Destination], bool],
        default: Callable[[], TlsProfile],
        door: Door,
    ) -> None:
        """Begin without connections.

        Args:
            host: Address to listen at and to connect from.
            waker: Feeds the user agent.
            is_known: Says whether a trunk or a registered phone is at an address.
            default: Makes how TLS peers are met for which nothing else was set.
            door: Says who may connect, and how much strangers may say.
        """
        self._host = host
        self._waker = waker
        self._is_known = is_known
        self._default = default
        self._door = door
        self._connections: dict[Destination, Connection] = {}
        self._profiles = TlsProfiles(self._retire)
        self._read_s = 0.0
        self._numbers = count(1)
        self._servers: list[asyncio.Server] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._empty = asyncio.Event()
        self.counts: Counter[str] = Counter()

    # --- life ----------------------------------------------------------------------------------

    async def listen(self, port: int, profile: TlsProfile | None = None) -> int:
        """Let peers connect.

        Args:
            port: Port; 0: any free one.
            profile: How TLS is spoken; None: it is not, this is TCP.

        Returns:
            The port bound.

        Raises:
            OSError: It cannot be bound.
        """
        loop = asyncio.get_running_loop()
        secure = profile is not None
        if profile is not None:
            self._profiles.set(_SERVER, profile)
        server = await loop.create_server(
            lambda: Accepted(self._admit, secure), self._host, port, backlog=_BACKLOG
        )
        self._servers.append(server)
        self._sweep()
        bound: int = server.sockets[0].getsockname()[1]
        return bound

    def trust(self, key: str, profile: TlsProfile) -> None:
        """Set how TLS peers are met whose destinations carry a key as their link.

        If that is another way than before, connections are opened anew; those there are go on with
        what was begun over them, and are closed when that is over.
        """
        self._profiles.set(key, profile)

    async def close(self) -> None:
        """Close all connections, once peers have read what was written, and let nobody in."""
        if self._timer is not None:
            self._timer.cancel()
        for server in self._servers:
            server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for connection in list(self._connections.values()):
            connection.close()
        if self._connections:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._empty.wait(), _LINGER_S)
        for connection in list(self._connections.values()):
            connection.abort("close-too-slow")

    def is_open(self, destination: Destination) -> bool:
        """Say whether a connection to a destination is there."""
        connection = self._connections.get(destination)
        return connection is not None and connection.is_usable

    @property
    def open_connections(self) -> int:
        """Connections that are opening, open or closing. [connections]"""
        return len(self._connections)

    # --- sending -------------------------------------------------------------------------------

    def send(self, octets: bytes, destination: Destination) -> bool:
        """Send a message; False says that it could not leave.

        What waits for a connection that then fails is told by ``UserAgent.lose``.
        """
        connection = self._connections.get(destination)
        if connection is None or not connection.is_usable:
            if destination.is_flow:
                self.counts["flow-gone"] += 1
                return False
            connection = self._connect(destination)
        return connection is not None and connection.send(octets)

    def _connect(self, destination: Destination) -> Connection | None:
        profile = self._profile(destination) if destination.transport == "TLS" else None
        if destination.transport == "TLS" and profile is None:
            self.counts["no-tls-settings"] += 1
            return None
        connection = Connection(self, destination, accepted=False)
        self._connections[destination] = connection
        self._spawn(self._open(connection, profile))
        self._sweep()
        return connection

    def _profile(self, destination: Destination) -> TlsProfile | None:
        """Return how a peer is met now, None if nothing was set for it."""
        link = destination.link
        if not link and self._profiles.find(link) is None:
            self._profiles.set(link, self._default())
        return self._profiles.find(link)

    def _retire(self, key: str) -> None:
        """Open connections anew to peers that are to be met in another way now."""
        for connection in list(self._connections.values()):
            there = connection.destination
            if there.transport == "TLS" and there.link == key and connection.is_open:
                self._retire_one(connection)

    def _retire_one(self, connection: Connection) -> None:
        """Let a connection end as if its peer had opened it: answers to it go over it alone."""
        there = connection.destination
        if self._connections.get(there) is connection:
            del self._connections[there]
        flow = there._replace(link=f"#{next(self._numbers)}")
        self._connections[flow] = connection
        connection.retire(flow)
        self.counts["connections-renewed"] += 1

    async def _open(self, connection: Connection, profile: TlsProfile | None) -> None:
        loop = asyncio.get_running_loop()
        there = connection.destination
        try:
            async with asyncio.timeout(CONNECT_S):
                transport, _ = await loop.create_connection(
                    lambda: connection,
                    there.host,
                    there.port,
                    local_addr=None if self._host in _ANY else (self._host, 0),
                    ssl=profile.context if profile else None,
                    server_hostname=(profile.name or there.host) if profile else None,
                )
            tune(transport)
            if profile is not None and self._profile(there) is not profile and connection.is_usable:
                self._retire_one(connection)  # it was changed meanwhile
        except (OSError, ValueError, TimeoutError):
            connection.abort("connect-failed")

    # --- being connected to --------------------------------------------------------------------

    def _admit(self, transport: asyncio.Transport, secure: bool) -> None:
        """Take a peer's connection, unless there are too many; TLS begins after that."""
        peer = transport.get_extra_info("peername")
        if peer is None:
            transport.abort()
            return
        host, port = peer[:2]
        now_s = asyncio.get_running_loop().time()
        refused = self._door.refuse((host, port), now_s, secure=secure)
        if refused:
            self.counts[refused] += 1
            transport.abort()
            return
        profile = self._profiles.find(_SERVER) if secure else None
        kind = "TLS" if secure else "TCP"
        flow = Destination(host, port, kind, f"#{next(self._numbers)}")
        connection = Connection(self, flow, accepted=True)
        self._connections[flow] = connection
        tune(transport)
        if profile is None:
            transport.set_protocol(connection)
            connection.open(transport)
        else:
            secured = TlsServer(profile.context, connection, transport)
            transport.set_protocol(secured)
            connection.hold(secured)

    # --- what connections tell (connection.Owner) ----------------------------------------------

    def on_message(self, octets: bytes, connection: Connection) -> None:
        """Feed the user agent; a stranger that says too much is closed."""
        there = connection.destination
        if connection.accepted:
            now_s = asyncio.get_running_loop().time()
            if not self._door.hears((there.host, there.port), now_s):
                connection.abort("stranger-floods")
                return
        self._waker.receive(octets, there)

    def may_leave(self, invite: bytes, congested: bool) -> bool:
        """Ask the gate about an INVITE that waited for its connection."""
        return self._waker.may_still_leave(invite, congested)

    def on_lost(self, connection: Connection) -> None:
        """Forget a connection, and fail what waits on it."""
        there = connection.destination
        replaced = self._connections.get(there) is not connection
        if not replaced:
            del self._connections[there]
        if not self._connections:
            self._empty.set()
        if connection.accepted:
            self._door.leave(there.host)
        if (connection.asked or connection.accepted) and not replaced:
            again = connection.was_heard and not connection.accepted
            self._waker.lose(there, asked=connection.asked, again=again)

    def note(self, what: str) -> None:
        """Count something."""
        self.counts[what] += 1

    # --- housekeeping --------------------------------------------------------------------------

    def _sweep(self) -> None:
        """Look for connections that are too slow, now and again each second."""
        if self._timer is not None:
            self._timer.cancel()
        loop = asyncio.get_running_loop()
        now_s = loop.time()
        if now_s - self._read_s >= FILES_S:
            self._read_s = now_s
            self._read_files()
        for connection in list(self._connections.values()):
            known = not connection.accepted or self._is_known(connection.destination)
            why = connection.judge(now_s, known)
            if why == DRAINED:
                connection.close()
            elif why:
                connection.abort(why)
        self._timer = loop.call_later(SWEEP_S, self._sweep)

    def _read_files(self) -> None:
        """Take changed files of TLS; while one is wrong, what was known holds."""
        wrong = self._profiles.renew()
        if wrong:
            self.counts["tls-files-wrong"] += wrong

    def _spawn(self, work: Coroutine[object, object, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
