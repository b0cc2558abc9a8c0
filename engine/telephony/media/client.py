"""Answer for the engine's side of the media switch: what is wanted of every leg.

The client owns the places of legs, so an SDP can be written at once; it keeps what is wanted of
every leg, so a switch that dies is replaced by the standby and goes on, on the same ports, with the
same SSRCs and the same sources. Commands are fire and forget; what comes of them are events.
"""

import asyncio
import itertools
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from engine.domain.ids import LegId
from engine.telephony.media import messages
from engine.telephony.media.allocation import Allocation, Place
from engine.telephony.media.events import (
    Endpoint,
    LegQuality,
    MediaEvent,
    MediaSettings,
    SwitchLost,
    SwitchRestored,
)
from engine.telephony.media.keeper import SwitchKeeper
from engine.telephony.media.leg_controls import LegControls, tick_now
from engine.telephony.media.outbox import Outbox
from engine.telephony.media.wanted import WantedLeg, everything, give_up_analysis, translate

STATS_WAIT_S: Final = 2.0
"""How long an answer to ``stats`` is waited for. [s]"""


class MediaClient(LegControls):
    """A media switch, as the telephony adapter sees it. Belongs to one running event loop.

    Args:
        settings: How the switch is set up.
        on_event: Told what happens on legs.
        on_audio: Told 20 ms of PCM16 at 8 kHz that an audio leg hears.
    """

    def __init__(
        self,
        settings: MediaSettings,
        on_event: Callable[[MediaEvent], None],
        on_audio: Callable[[LegId, bytes], None] = lambda _leg_id, _pcm: None,
    ) -> None:
        super().__init__()
        self._settings = settings
        self._on_event, self._on_audio = on_event, on_audio
        self._legs: dict[LegId, WantedLeg] = {}
        self._named: dict[int, LegId] = {}
        self._ended: dict[int, LegId] = {}
        self._allocation = Allocation(settings.most_legs, settings.ports)
        self._keeper = SwitchKeeper(settings, self)
        self._outbox = Outbox(self._keeper.send, self._allocation.free)
        self._tickets = itertools.count(1)
        self._questions: dict[int, asyncio.Future[messages.Stats]] = {}

    @property
    def pid(self) -> int | None:
        """Return the process id of the switch at work, None while there is none."""
        return self._keeper.pid

    async def start(self) -> None:
        """Bind the ports and start the switch.

        Raises:
            NoRoomError: There are not enough free ports.
            OSError: The process cannot be started.
            TimeoutError: It was started and does not work.
        """
        await self._keeper.start()

    async def stop(self) -> None:
        """End the switch and give the ports back."""
        await self._keeper.stop()

    def find(self, leg_id: LegId) -> WantedLeg | None:
        """Return what is wanted of a leg, None if there is no such leg."""
        return self._legs.get(leg_id)

    # --- legs ------------------------------------------------------------------------------

    def allocate(self, leg_id: LegId, *, learn: bool = True) -> Endpoint:
        """Give a leg its local endpoint, at once and without asking the switch.

        Args:
            leg_id: A new leg.
            learn: Whether a source other than the negotiated address may be learnt (a phone
                behind NAT). Give False for trunks, whose media come from where their SDP says:
                such legs can be many before they are heard.

        Raises:
            NoRoomError: Every row is in use.
        """
        place = self._allocation.take(learns=learn)
        self._add(leg_id, place)
        host = self._settings.advertised_host or self._settings.host
        return Endpoint(host, self._keeper.udp_port(place.port))

    def open_audio(self, leg_id: LegId) -> None:
        """Begin a leg without a phone: ``send_audio`` speaks, ``on_audio`` hears.

        Raises:
            NoRoomError: Every row is in use.
        """
        self._add(leg_id, self._allocation.take_audio()).open()

    def open_ghost(self, leg_id: LegId, key: int) -> int:
        """Begin the ghost of a leg of another switch, to be heard here under the leg's own name.

        Args:
            leg_id: The leg.
            key: Above 0, and never used before.

        Returns:
            Its row, for ``WantedLeg.forward`` at the leg's own switch.

        Raises:
            NoRoomError: Every row is in use.
        """
        place = self._allocation.take_audio()
        self._add(leg_id, place, ghost_key=key).open()
        return place.row

    def mix(self, rows: Mapping[LegId, tuple[LegId, ...]]) -> None:
        """Say whom listeners hear, all at one tick; others stay as they are.

        Legs that are released already are passed over: a row may cross with a hang-up.
        """
        wanted: dict[int, tuple[int, ...]] = {}
        for leg_id, sources in rows.items():
            leg = self._legs.get(leg_id)
            if leg is not None:
                leg.hears = tuple(source for source in sources if source in self._legs)
                heard = [self._legs[one] for one in leg.hears]
                for known in (leg, *heard):
                    known.open()
                wanted[leg.place.row] = tuple(one.place.row for one in heard)
        self._outbox.tell(messages.Mix(wanted))

    def release(self, leg_id: LegId) -> None:
        """End a leg; releasing it twice is no fault."""
        leg = self._legs.pop(leg_id, None)
        if leg is None:
            return
        del self._named[leg.place.row]
        self._allocation.leave_port(leg.place)
        if leg.opened:
            self._ended[leg.place.row] = leg_id
            self._outbox.release(leg.place)
        else:
            self._allocation.free(leg.place)

    async def stats(self) -> messages.Stats:
        """Return what the switch did since its start.

        Raises:
            TimeoutError: The switch does not answer, or died meanwhile.
        """
        ticket = next(self._tickets)
        answer: asyncio.Future[messages.Stats] = asyncio.get_running_loop().create_future()
        self._questions[ticket] = answer
        self._outbox.tell(messages.DescribeStats(ticket))
        try:
            async with asyncio.timeout(STATS_WAIT_S):
                return await answer
        finally:
            del self._questions[ticket]

    def _add(self, leg_id: LegId, place: Place, ghost_key: int = 0) -> WantedLeg:
        if leg_id in self._legs:
            raise ValueError(f"leg {leg_id} has its place already")
        ssrc, say = secrets.randbits(32), self._outbox.tell
        leg = self._legs[leg_id] = WantedLeg(place, ssrc, ghost_key=ghost_key, say=say)
        self._named[place.row] = leg_id
        self._ended.pop(place.row, None)
        return leg

    # --- what the switch is told -----------------------------------------------------------

    def begin(self) -> Sequence[messages.Command]:
        """Return all that is wanted, for a process that has just become the switch."""
        self._outbox.clear()
        return everything(self._legs, tick_now())

    def lost(self) -> None:
        """Tell that the switch is gone, and of the analyses that go with it."""
        self._on_event(SwitchLost())
        now_s = time.monotonic()
        for leg_id, leg in list(self._legs.items()):
            told = give_up_analysis(leg_id, leg, now_s)
            if told:
                self._on_event(told)

    def restored(self) -> None:
        """Tell that another switch is at work."""
        self._on_event(SwitchRestored())

    # --- events ----------------------------------------------------------------------------

    def take(self, batch: messages.Events) -> None:
        """Take what the switch tells."""
        for event in batch.items:
            self._take_event(event)
        self._outbox.acknowledged(batch.acked)

    def _take_event(self, event: messages.Event) -> None:
        if isinstance(event, messages.Stats):
            answer = self._questions.get(event.ticket)
            if answer and not answer.done():
                answer.set_result(event)
            return
        if isinstance(event, messages.Quality):
            self._tell_quality(event)
            return
        leg_id = self._named.get(event.leg)
        if leg_id is None:
            return
        if isinstance(event, messages.Audio):
            self._on_audio(leg_id, event.pcm)
            return
        leg = self._legs[leg_id]
        if isinstance(event, messages.Heard):
            self._allocation.note_heard(leg.place)
        told = translate(leg_id, leg, event)
        if told:
            self._on_event(told)

    def _tell_quality(self, quality: messages.Quality) -> None:
        leg_id = self._ended.pop(quality.leg, None)
        if leg_id is not None:
            self._on_event(LegQuality(leg_id, quality))
