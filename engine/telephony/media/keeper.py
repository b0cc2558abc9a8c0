"""Answer for there being a switch at work: its ports, its process, and another when it dies.

The ports belong to the engine, so that every process finds what the one before had. A standby that
has been started already takes over at once; a process that gives no sign of life counts as dead.
"""

import asyncio
import contextlib
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from engine.telephony.media import messages
from engine.telephony.media.allocation import bind_ports
from engine.telephony.media.events import MediaSettings
from engine.telephony.media.link import SwitchLink

START_WAIT_S: Final = 15.0
"""How long the first switch may take to begin its work. [s]"""

RETRY_S: Final = 0.5
"""Pause before another switch is started when one could not be. [s]"""

WATCH_S: Final = 0.25
MISSED_SIGNS: Final = 5
"""A switch that gives no sign of life for this many watches hangs, and is replaced."""


class Master(Protocol):
    """Who wants something of the switch."""

    def begin(self) -> Sequence[messages.Command]:
        """Return all that is wanted, for a process that has just become the switch."""
        ...

    def take(self, batch: messages.Events) -> None:
        """Take what the switch tells."""
        ...

    def lost(self) -> None:
        """Learn that the switch is gone."""
        ...

    def restored(self) -> None:
        """Learn that another is at work, with all that was wanted."""
        ...


@dataclass(slots=True)
class _Processes:
    """The process at work, and the one that waits."""

    link: SwitchLink | None = None
    standby: SwitchLink | None = None


class SwitchKeeper:
    """Keeps a media process at work. Belongs to one running event loop.

    Args:
        settings: How the switch is set up.
        master: Who wants something of it.
    """

    def __init__(self, settings: MediaSettings, master: Master) -> None:
        self._settings, self._master = settings, master
        self._sockets: list[tuple[socket.socket, socket.socket]] = []
        self._processes = _Processes()
        self._tasks: set[asyncio.Task[None]] = set()
        self._watch: asyncio.TimerHandle | None = None
        self._working = asyncio.Event()
        self._stopping = asyncio.Event()

    @property
    def pid(self) -> int | None:
        """Return the process id of the switch at work, None while there is none."""
        return self._processes.link.pid if self._processes.link else None

    @property
    def standby_pid(self) -> int | None:
        """Return the process id of the standby, None while there is none."""
        return self._processes.standby.pid if self._processes.standby else None

    def udp_port(self, port: int) -> int:
        """Return the UDP port of a local port by its index."""
        return int(self._sockets[port][0].getsockname()[1])

    async def start(self) -> None:
        """Bind the ports and start the switch (``MediaClient.start``)."""
        try:
            await self._start()
        except BaseException:
            await self.stop()
            raise

    async def _start(self) -> None:
        wanted = self._settings
        self._sockets = bind_ports(wanted.host, wanted.ports, wanted.lowest_port)
        self._take_over(await self._open_link())
        if wanted.standby:
            self._processes.standby = await self._open_link()
        async with asyncio.timeout(START_WAIT_S):
            await self._working.wait()
        self._watch = asyncio.get_running_loop().call_later(WATCH_S, self._look_after)

    async def stop(self) -> None:
        """End the switch and give the ports back."""
        self._stopping.set()
        if self._watch:
            self._watch.cancel()
        # A process that is just being started is waited for: half started it could not be ended.
        await asyncio.gather(*self._tasks, return_exceptions=True)
        processes, self._processes = self._processes, _Processes()
        for link in (processes.link, processes.standby):
            if link:
                await link.close()
        for pair in self._sockets:
            for bound in pair:
                bound.close()

    def send(self, commands: Sequence[messages.Command]) -> int:
        """Send commands; return the number that acknowledges them, 0 when nobody is there."""
        return self._processes.link.send(commands) if self._processes.link and commands else 0

    # --- processes -------------------------------------------------------------------------

    async def _open_link(self) -> SwitchLink:
        wanted = self._settings
        ports = [(rtp.fileno(), rtcp.fileno()) for rtp, rtcp in self._sockets]
        ring = wanted.rings[0] if wanted.rings else -1
        return await SwitchLink.open(ports, wanted.most_legs, wanted.silent_ms, ring, wanted.peers)

    def _take_over(self, link: SwitchLink) -> None:
        """Make a process the switch and tell it all that is wanted."""
        self._processes.link = link
        link.listen(self._take, self._lost)
        link.send(self._master.begin())

    def _take(self, batch: messages.Events) -> None:
        self._working.set()
        self._master.take(batch)

    def _lost(self, link: SwitchLink) -> None:
        """Replace a process that is gone."""
        processes = self._processes
        if self._stopping.is_set() or link is not processes.link:
            return
        processes.link = None
        self._master.lost()
        standby, processes.standby = processes.standby, None
        if standby and standby.alive:
            self._take_over(standby)
            self._master.restored()
        elif standby:
            self._begin_replacing(standby)
        self._begin_replacing(link)

    def _begin_replacing(self, link: SwitchLink) -> None:
        task = asyncio.get_running_loop().create_task(self._replace(link))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _replace(self, old: SwitchLink) -> None:
        await old.close()
        if self._processes.link:
            await self._pause()  # the one that took over has the machine first
        while self._lacks_process():
            try:
                link = await self._open_link()
            except OSError:
                await self._pause()
                continue
            if not self._lacks_process():
                await link.close()
            elif self._processes.link:
                self._processes.standby = link
            else:
                self._take_over(link)
                self._master.restored()

    async def _pause(self) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(RETRY_S):
                await self._stopping.wait()

    def _lacks_process(self) -> bool:
        if self._stopping.is_set():
            return False
        return not self._processes.link or (self._settings.standby and not self._processes.standby)

    def _look_after(self) -> None:
        self._watch = asyncio.get_running_loop().call_later(WATCH_S, self._look_after)
        processes = self._processes
        if processes.link and processes.link.miss() > MISSED_SIGNS:
            processes.link.kill()
        if processes.standby and not processes.standby.alive:
            gone, processes.standby = processes.standby, None
            self._begin_replacing(gone)
