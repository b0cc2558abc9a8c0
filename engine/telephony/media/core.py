"""Answer for one tick of the media switch: datagrams and commands in, packets and events out.

Pure: it knows no socket and no clock. The tick's number comes from outside and orders everything.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, assert_never

import numpy as np

from engine.telephony.media import g711, messages, noise
from engine.telephony.media.g711 import FRAME, I16, U8, Law
from engine.telephony.media.ghosts import Inlets
from engine.telephony.media.jitter import Bools, Index, JitterRing
from engine.telephony.media.mixing import (
    MixMatrix,
    Plan,
    Players,
    make_plan,
    render,
    render_samples,
)
from engine.telephony.media.outbound import Outbound, Sending
from engine.telephony.media.packets import Batch
from engine.telephony.media.prompts import PromptBank, PromptError
from engine.telephony.media.quality import Quality, Report
from engine.telephony.media.receiving import Counters, Receiver
from engine.telephony.media.securing import Securing
from engine.telephony.media.taps import Frames, Tap

TICK_MS: Final = 20
"""Length of a tick. [ms]"""

AUDIO_PAUSE_TICKS: Final = 10
"""An audio leg that pauses for longer begins a new time line. [ticks]"""


GHOST_TICKS: Final = 1
"""A leg of another switch is heard so much later than there. [ticks]"""


@dataclass(frozen=True, slots=True)
class Tick:
    """What came of a tick: packets to send, and events in the order they happened."""

    sending: Sending
    events: list[messages.Event]


class Core:
    """All legs of one switch.

    Args:
        legs: Most legs at once; row 0 is silent, and a row after the last is soft noise, which
            those hear who hear nobody.
        ports: Count of local ports.
        silent_ms: Silence of a connected leg after which ``FellSilent`` is told. [ms]
        want_prompt: Told once the name of each prompt that is not in the bank; the answer comes
            by ``add_prompt`` or ``refuse_prompt``.
    """

    def __init__(
        self, legs: int, ports: int, silent_ms: int, want_prompt: Callable[[str], None]
    ) -> None:
        self._nobody = legs
        self.ring = JitterRing(legs + 1)
        self.bank = PromptBank()
        self.sent = self._released_concealed = self._released_late = 0
        self._securing = securing = Securing(legs)
        self._receiver = Receiver(
            legs, ports, silent_ms // TICK_MS, self.ring, securing.unprotector
        )
        self._matrix = MixMatrix(legs)
        self._players = Players(legs)
        self._outbound = Outbound(legs, ports, securing.protector)
        self._inlets = Inlets(legs)
        receiver = self._receiver
        self.quality = Quality(
            self._outbound, receiver.reception, self.ring, receiver.ssrc, securing
        )
        self._want_prompt = want_prompt
        self._waiting: dict[str, list[messages.Play]] = {}
        self._live: Bools = np.zeros(legs, dtype=np.bool_)
        self._live_legs: Index = np.zeros(0, dtype=np.intp)
        self._audio: set[int] = set()
        self._audio_legs: Index = np.zeros(0, dtype=np.intp)
        self._audio_ts: dict[int, int] = {}
        self._plays: dict[int, int] = {}
        self._stale = True
        self._events: list[messages.Event] = []
        self._said: U8 = np.zeros((legs, FRAME), dtype=np.uint8)
        self._frames = Frames(legs, self.ring.laws)
        self._taps: list[Tap] = []
        self._plan = self._audio_plan = self._replan(np.zeros(0, dtype=np.intp))

    @property
    def counters(self) -> Counters:
        """Return what came since the start."""
        return self._receiver.counters

    @property
    def legs(self) -> int:
        """Return how many legs are open, ghosts apart."""
        return int(np.count_nonzero(self._live)) - self._inlets.count

    @property
    def concealed(self) -> int:
        """Return how many frames were missing while their stream ran. [frames]"""
        return int(self.ring.concealed.sum()) + self._released_concealed

    @property
    def late_packets(self) -> int:
        """Return how many packets came after they were due."""
        return int(self.ring.late.sum()) + self._released_late

    @property
    def unauthentic(self) -> int:
        """Return how many packets for encrypted legs were dropped as not theirs, or repeated."""
        return self._securing.unprotector.refused

    def reports(self, tick: int, now_s: float) -> list[Report]:
        """Return the RTCP reports that are due at a tick.

        Args:
            tick: The tick now being worked on.
            now_s: The wall-clock instant. [s since 1970]
        """
        return self.quality.due(tick, now_s, self._outbound.connected)

    @property
    def frames(self) -> Frames:
        """Return what was said and heard at the tick last worked."""
        return self._frames

    def add_tap(self, tap: Tap) -> None:
        """Let somebody listen from the next tick on."""
        self._taps.append(tap)

    def perform(self, command: messages.Command, tick: int) -> None:
        """Carry out a command; its effect is heard at the next tick worked."""
        self._stale |= not isinstance(command, messages.Audio)
        match command:
            case messages.Open(leg, port, ssrc):
                self._open(leg)
                self._receiver.open(leg, port)
                self._outbound.open(leg, port, ssrc, tick)
                self.quality.open(leg, ssrc)
            case messages.OpenAudio(leg):
                self._open(leg)
                self._audio.add(leg)
            case messages.OpenGhost(leg, key):
                self._open(leg)
                self._inlets.open(leg, key)
                self.ring.follow(leg, GHOST_TICKS)
            case messages.Connect() | messages.Secure():
                self._tie(command, tick)
            case messages.Mix(rows):
                self._matrix.set_rows(rows)
            case messages.Play():
                self._play(command)
            case messages.StopPlay(leg):
                self._stop_play(leg)
            case messages.Audio(leg, pcm):
                self._say(leg, pcm, tick)
            case messages.Release(leg):
                self._release(leg, tick)
            case (
                messages.DescribeStats()
                | messages.Record()
                | messages.StopRecord()
                | messages.Forward()
                | messages.StopForward()
                | messages.Analyse()
                | messages.AwaitBeep()
            ):
                raise TypeError("this is the business of the process and its taps")
            case _:
                assert_never(command)

    def work(self, tick: int, batch: Batch) -> Tick:
        """Do one tick: take in datagrams, and return what every leg is to hear."""
        if batch.lengths.size:
            self._take_in(tick, batch)
        self._events += self._receiver.watch_silence(tick)
        if self._stale:
            self._arrange()
        self._said = self.ring.read(tick, self._live_legs)
        self._said[self._nobody] = noise.soft_frame(tick)
        laws = self.ring.laws
        heard = render(self._plan, self._said, laws, self._players, self.bank)
        given = render_samples(self._audio_plan, self._said, laws, self._players, self.bank)
        self._frames.set(tick, self._said, heard, given)
        for tap in self._taps:
            self._events += tap.listen(self._frames)
        sending = self._outbound.fill(tick, heard)
        self.sent += len(sending.packets)
        for leg, samples in zip(self._audio_legs.tolist(), given, strict=True):
            self._events.append(messages.Audio(leg, samples.astype("<i2").tobytes()))
        self._advance_prompts()
        events, self._events = self._events, []
        return Tick(sending, events)

    def hear_peer(self, tick: int, datagram: bytes) -> None:
        """Take in what another switch says of the legs that are heard here."""
        found = self._inlets.read(datagram)
        if found is None:
            self.counters.malformed += 1
            return
        said, rows, laws, codes = found
        for row in np.flatnonzero(self.ring.laws[rows] != laws).tolist():
            self.ring.clear(int(rows[row]), int(laws[row]))
            self.ring.follow(int(rows[row]), GHOST_TICKS)
            self._stale = True
        if rows.size:
            stamps = np.full(rows.size, said * FRAME & 0xFFFFFFFF)
            self.ring.write(tick, rows, stamps, codes, np.full(rows.size, FRAME))

    def add_prompt(self, name: str, frames: I16) -> None:
        """Put a prompt into the bank and play it to those who wait for it."""
        try:
            place = self.bank.add(name, frames)
        except PromptError as error:
            self.refuse_prompt(name, str(error))
            return
        for play in self._waiting.pop(name, []):
            if self._plays.get(play.leg) == play.play:
                self._start(play, place)

    def refuse_prompt(self, name: str, reason: str) -> None:
        """Tell those who wait for a prompt that it cannot be played."""
        for play in self._waiting.pop(name, []):
            if self._plays.get(play.leg) == play.play:
                del self._plays[play.leg]
                self._events.append(messages.PlayFailed(play.leg, play.play, reason))

    # --- commands --------------------------------------------------------------------------

    def _open(self, leg: int) -> None:
        self.ring.clear(leg, Law.MU)
        self._live[leg] = True

    def _tie(self, wanted: messages.Connect | messages.Secure, tick: int) -> None:
        if isinstance(wanted, messages.Connect):
            self._connect(wanted, tick)
            return
        index = self._securing.perform(wanted, tick)
        if index is not None:
            self._outbound.go_on_from(wanted.leg, index)

    def _connect(self, wanted: messages.Connect, tick: int) -> None:
        leg, out = wanted.leg, self._outbound
        if wanted.law != self.ring.laws[leg]:
            self.ring.clear(leg, wanted.law)
        destination = self._receiver.connect(wanted, int(out.port[leg]), tick)
        if destination:
            out.ip[leg], out.udp_port[leg] = destination
        out.payload_type[leg] = wanted.payload_type
        out.sends[leg] = wanted.sends and wanted.ip != 0

    def _take_in(self, tick: int, batch: Batch) -> None:
        events = self._receiver.receive(tick, batch)
        for event in events:
            if isinstance(event, messages.Heard):
                out, leg = self._outbound, event.leg
                out.ip[leg], out.udp_port[leg] = event.ip, event.udp_port
                self._stale = True
        self._events += events

    def _play(self, command: messages.Play) -> None:
        self._stop_play(command.leg)
        self._plays[command.leg] = command.play
        place = self.bank.find(command.prompt)
        if place is not None:
            self._start(command, place)
            return
        if command.prompt not in self._waiting:
            self._want_prompt(command.prompt)
        self._waiting.setdefault(command.prompt, []).append(command)

    def _start(self, play: messages.Play, place: tuple[int, int]) -> None:
        self._players.start(play.leg, place, loop=play.loop, instead=play.instead)
        self._stale = True

    def _stop_play(self, leg: int) -> None:
        self._plays.pop(leg, None)
        self._players.stop(leg)

    def _say(self, leg: int, pcm: bytes, tick: int) -> None:
        """Take a frame of an audio leg into the ring, as if it had come by RTP."""
        samples = np.frombuffer(pcm[: 2 * FRAME], dtype="<i2").astype(np.int16)
        if leg not in self._audio or samples.size != FRAME:
            self.counters.malformed += 1
            return
        row = np.array([leg], dtype=np.intp)
        if tick - self.ring.arrived[leg] > AUDIO_PAUSE_TICKS:
            self.ring.restart(row)
        self._audio_ts[leg] = self._audio_ts.get(leg, 0) + FRAME & 0xFFFFFFFF
        codes = g711.encode(samples, Law.MU).reshape(1, FRAME)
        self.ring.write(tick, row, np.array([self._audio_ts[leg]]), codes, np.array([FRAME]))

    def _release(self, leg: int, tick: int) -> None:
        self._stop_play(leg)
        for tap in self._taps:
            self._events += tap.release(leg)
        quality = self.quality.close(leg)
        if quality:
            self._events.append(quality)
        self._receiver.release(leg, tick)
        self._inlets.release(leg)
        self._outbound.close(leg)
        self._securing.release(leg)
        self._matrix.remove(leg)
        self._audio.discard(leg)
        self._audio_ts.pop(leg, None)
        self._released_concealed += int(self.ring.concealed[leg])
        self._released_late += int(self.ring.late[leg])
        self.ring.clear(leg, Law.MU)
        self._live[leg] = False

    # --- sending ---------------------------------------------------------------------------

    def _arrange(self) -> None:
        self._live_legs = np.flatnonzero(self._live)
        self._audio_legs = np.array(sorted(self._audio), dtype=np.intp)
        listeners = self._outbound.arrange()
        self._frames.arrange(listeners, self._audio_legs)
        self._plan = self._replan(listeners)
        self._audio_plan = self._replan(self._audio_legs)
        self._stale = False

    def _replan(self, listeners: Index) -> Plan:
        return make_plan(self._matrix, self._players, self.ring.laws, listeners, self._nobody)

    def _advance_prompts(self) -> None:
        for leg in self._players.advance():
            self._events.append(messages.PlayEnded(leg, self._plays.pop(leg)))
            self._stale = True
