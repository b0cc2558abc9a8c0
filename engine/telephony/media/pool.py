"""Answer for several media switches that look like one: where each leg is, and who hears it there.

A leg lives in one switch, that with the fewest legs when it began. Who is heard in another switch
has a ghost there (``ghosts``) for as long as anybody hears it; mixing, coaching, barging in and
prompts are then the same as within one switch, one tick later. A switch that dies is replaced alone
by its client; the others' calls go on untouched.
"""

import asyncio
import itertools
import os
import socket
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeVar

from msgspec.structs import replace

from engine.domain.ids import LegId
from engine.telephony.media import messages
from engine.telephony.media.allocation import NoRoomError
from engine.telephony.media.client import MediaClient
from engine.telephony.media.crossing import Crossing
from engine.telephony.media.events import (
    Endpoint,
    MediaEvent,
    MediaSettings,
    UnknownMediaLegError,
)
from engine.telephony.media.leg_controls import LegControls
from engine.telephony.media.peers import open_pair
from engine.telephony.media.wanted import WantedLeg

T = TypeVar("T")
OnAudio = Callable[[LegId, bytes], None]

_WORST: Final = frozenset({"tick_p50_ms", "tick_p99_ms", "tick_max_ms"})


def open_media(
    settings: MediaSettings, on_event: Callable[[MediaEvent], None], on_audio: OnAudio
) -> "MediaClient | MediaPool":
    """Return a media client with as many switches as are asked for."""
    if switches_of(settings.processes) == 1:
        return MediaClient(settings, on_event, on_audio)
    return MediaPool(settings, on_event, on_audio)


def switches_of(processes: int) -> int:
    """Return how many switches a setting asks for; 0 leaves one core to the engine."""
    return processes or max(1, len(os.sched_getaffinity(0)) - 1)


class MediaPool(LegControls):
    """Several switches, with the interface of one (``MediaClient``).

    Args:
        settings: How they are set up; ports are shared out evenly.
        on_event: Told what happens on legs, and of each switch lost and restored.
        on_audio: Told 20 ms of PCM16 at 8 kHz that an audio leg hears.
    """

    def __init__(
        self,
        settings: MediaSettings,
        on_event: Callable[[MediaEvent], None],
        on_audio: OnAudio = lambda _leg_id, _pcm: None,
    ) -> None:
        super().__init__()
        count = switches_of(settings.processes)
        self._pairs: list[tuple[socket.socket, socket.socket]] = []
        links: list[list[int]] = [[-1] * count for _ in range(count)]
        for one, other in itertools.combinations(range(count), 2):
            pair = open_pair()
            self._pairs.append(pair)
            links[one][other], links[other][one] = (end.fileno() for end in pair)
        self._clients = [
            MediaClient(_share(settings, at, count, links[at]), on_event, on_audio)
            for at in range(count)
        ]
        self._home: dict[LegId, int] = {}
        self._load = [0] * count
        self._crossing = Crossing(self._clients, self._home)

    @property
    def pids(self) -> list[int | None]:
        """Return the process ids of the switches at work, None where there is none now."""
        return [client.pid for client in self._clients]

    async def start(self) -> None:
        """Bind the ports and start all switches.

        Raises:
            NoRoomError: There are not enough free ports.
            OSError: A process cannot be started.
            TimeoutError: One was started and does not work.
        """
        try:
            starts = (client.start() for client in self._clients)
            for failed in await asyncio.gather(*starts, return_exceptions=True):
                if failed is not None:
                    raise failed
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """End all switches and give the ports back."""
        await asyncio.gather(*(client.stop() for client in self._clients))
        for end in itertools.chain(*self._pairs):
            end.close()

    def switch_of(self, leg_id: LegId) -> int:
        """Return which switch a leg lives in.

        Raises:
            UnknownMediaLegError: There is no such leg.
        """
        try:
            return self._home[leg_id]
        except KeyError:
            raise UnknownMediaLegError(leg_id) from None

    @property
    def ghosts(self) -> int:
        """How many legs are heard in another switch than their own, in each of them. [ghosts]"""
        return self._crossing.ghosts

    def find(self, leg_id: LegId) -> WantedLeg | None:
        """Return what is wanted of a leg, None if there is no such leg."""
        at = self._home.get(leg_id)
        return None if at is None else self._clients[at].find(leg_id)

    # --- legs ------------------------------------------------------------------------------

    def allocate(self, leg_id: LegId, *, learn: bool = True) -> Endpoint:
        """Give a leg its local endpoint in the switch with the fewest legs.

        Raises:
            NoRoomError: Every row of every switch is in use.
        """
        return self._place(leg_id, lambda client: client.allocate(leg_id, learn=learn))

    def open_audio(self, leg_id: LegId) -> None:
        """Begin a leg without a phone.

        Raises:
            NoRoomError: Every row of every switch is in use.
        """
        self._place(leg_id, lambda client: client.open_audio(leg_id))

    def mix(self, rows: Mapping[LegId, tuple[LegId, ...]]) -> None:
        """Say whom listeners hear, all at one tick in each switch; others stay as they are.

        Legs that are released already are passed over: a row may cross with a hang-up.
        """
        wanted: list[dict[LegId, tuple[LegId, ...]]] = [{} for _ in self._clients]
        left: list[tuple[LegId, int]] = []
        for listener, sources in rows.items():
            at = self._home.get(listener)
            if at is not None:
                known = tuple(source for source in sources if source in self._home)
                left += self._crossing.hear(listener, known)
                wanted[at][listener] = known
        for client, part in zip(self._clients, wanted, strict=True):
            if part:
                client.mix(part)
        self._crossing.end_unheard(left)

    def release(self, leg_id: LegId) -> None:
        """End a leg and its ghosts; releasing it twice is no fault."""
        at = self._home.pop(leg_id, None)
        if at is None:
            return
        self._load[at] -= 1
        self._clients[at].release(leg_id)
        self._crossing.release(leg_id, at)

    async def stats(self) -> messages.Stats:
        """Return what all switches did together; times of a tick are those of the worst.

        Raises:
            TimeoutError: One of them does not answer, or died meanwhile.
        """
        return _together(await self.stats_of_each())

    async def stats_of_each(self) -> Sequence[messages.Stats]:
        """Return what each switch did since its start, in their order.

        Raises:
            TimeoutError: One of them does not answer, or died meanwhile.
        """
        return await asyncio.gather(*(client.stats() for client in self._clients))

    def _place(self, leg_id: LegId, begin: Callable[[MediaClient], T]) -> T:
        if leg_id in self._home:
            raise ValueError(f"leg {leg_id} has its place already")
        for at in sorted(range(len(self._clients)), key=self._load.__getitem__):
            try:
                begun = begin(self._clients[at])
            except NoRoomError:
                continue
            self._home[leg_id] = at
            self._load[at] += 1
            return begun
        raise NoRoomError("every row of every media switch is in use")


def _share(settings: MediaSettings, at: int, count: int, links: Sequence[int]) -> MediaSettings:
    """Return the settings of one switch of several."""
    return replace(
        settings,
        processes=1,
        ports=max(2, settings.ports // count),
        rings=settings.rings[at : at + 1],
        peers=tuple(link for link in links if link >= 0),
    )


def _together(each: Sequence[messages.Stats]) -> messages.Stats:
    figures: dict[str, Any] = {}  # the names are those of ``Stats`` itself
    for name in messages.Stats.__struct_fields__:
        values = [getattr(one, name) for one in each]
        figures[name] = max(values) if name in _WORST else sum(values)
    return messages.Stats(**figures)
