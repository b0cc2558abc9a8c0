"""Answer for one tick of the media switch: datagrams and commands in, packets and events out.

Pure: it knows no socket and no clock. The tick's number comes from outside and orders everything.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, assert_never

import numpy as np

from engine.telephony.media import g711, messages
from engine.telephony.media.g711 import FRAME, I16, TRANSCODED, U8, Law
from engine.telephony.media.jitter import Bools, Index, JitterRing
from engine.telephony.media.latch import Latch, Tie, source_key
from engine.telephony.media.mixing import (
    MixMatrix,
    Plan,
    Players,
    make_plan,
    render,
    render_samples,
)
from engine.telephony.media.outbound import Outbound, Sending
from engine.telephony.media.packets import (
    HEADER_BYTES,
    Batch,
    Headers,
    Ints,
    headers,
    payload_lengths,
    source_keys,
    valid,
)
from engine.telephony.media.prompts import PromptBank, PromptError

TICK_MS: Final = 20
"""Length of a tick. [ms]"""

COMFORT_NOISE_TYPE: Final = 13
"""Payload type of comfort noise (RFC 3389 §4)."""

SSRC_QUIET_TICKS: Final = 3
"""A new SSRC from a leg's source is taken when the old one was quiet for this long. [ticks]"""

AUDIO_PAUSE_TICKS: Final = 10
"""An audio leg that pauses for longer begins a new time line. [ticks]"""

_DIGITS: Final = "0123456789*#ABCD"


@dataclass(slots=True)
class Counters:
    """What the switch did since its start, as ``messages.Stats`` names it."""

    received: int = 0
    sent: int = 0
    foreign: int = 0
    malformed: int = 0
    released_concealed: int = 0
    released_late: int = 0


@dataclass(frozen=True, slots=True)
class Tick:
    """What came of a tick: packets to send, and events in the order they happened."""

    sending: Sending
    events: list[messages.Event]


class Core:
    """All legs of one switch.

    Args:
        legs: Most legs at once; row 0 is nobody.
        ports: Count of local ports.
        silent_ms: Silence of a connected leg after which ``FellSilent`` is told. [ms]
        want_prompt: Told once the name of each prompt that is not in the bank; the answer comes
            by ``add_prompt`` or ``refuse_prompt``.
    """

    def __init__(
        self, legs: int, ports: int, silent_ms: int, want_prompt: Callable[[str], None]
    ) -> None:
        self.counters = Counters()
        self.ring = JitterRing(legs)
        self.bank = PromptBank()
        self._latch = Latch(legs, ports)
        self._matrix = MixMatrix(legs)
        self._players = Players(legs)
        self._outbound = Outbound(legs, ports)
        self._want_prompt = want_prompt
        self._waiting: dict[str, list[messages.Play]] = {}
        self._silent_ticks = silent_ms // TICK_MS
        self._live: Bools = np.zeros(legs, dtype=np.bool_)
        self._live_legs: Index = np.zeros(0, dtype=np.intp)
        self._audio: set[int] = set()
        self._audio_legs: Index = np.zeros(0, dtype=np.intp)
        self._audio_ts: dict[int, int] = {}
        self._plays: dict[int, int] = {}
        self._payload_type: Ints = np.full(legs, -1, dtype=np.int64)
        self._event_type: Ints = np.full(legs, -1, dtype=np.int64)
        self._event_ts: Ints = np.full(legs, -1, dtype=np.int64)
        self._ssrc: Ints = np.full(legs, -1, dtype=np.int64)
        self._since: Ints = np.zeros(legs, dtype=np.int64)
        self._watched: Bools = np.zeros(legs, dtype=np.bool_)
        self._silent: Bools = np.zeros(legs, dtype=np.bool_)
        self._stale = True
        self._events: list[messages.Event] = []
        self._said: U8 = np.zeros((legs, FRAME), dtype=np.uint8)
        self._plan = self._audio_plan = self._replan(np.zeros(0, dtype=np.intp))

    @property
    def legs(self) -> int:
        """Return how many legs are open."""
        return int(np.count_nonzero(self._live))

    @property
    def concealed(self) -> int:
        """Return how many frames were missing while their stream ran. [frames]"""
        return int(self.ring.concealed.sum()) + self.counters.released_concealed

    @property
    def late_packets(self) -> int:
        """Return how many packets came after they were due."""
        return int(self.ring.late.sum()) + self.counters.released_late

    def said(self, legs: Index) -> I16:
        """Return what legs said in the tick just worked, for analysis and recording.

        Args:
            legs: Rows of the legs, shape (N,).

        Returns:
            Samples, shape (N, FRAME).
        """
        return g711.decode(self._said.take(legs, axis=0), self.ring.laws[legs])

    def perform(self, command: messages.Command, tick: int) -> None:
        """Carry out a command; its effect is heard at the next tick worked."""
        self._stale |= not isinstance(command, messages.Audio)
        match command:
            case messages.Open(leg, port, ssrc):
                self._open(leg)
                self._latch.open(leg, port)
                self._outbound.open(leg, port, ssrc, tick)
            case messages.OpenAudio(leg):
                self._open(leg)
                self._audio.add(leg)
            case messages.Connect():
                self._connect(command, tick)
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
            case messages.DescribeStats():
                raise TypeError("statistics are the process's to tell")
            case _:
                assert_never(command)

    def work(self, tick: int, batch: Batch) -> Tick:
        """Do one tick: take in datagrams, and return what every leg is to hear."""
        if batch.lengths.size:
            self._receive(tick, batch)
        self._watch_silence(tick)
        if self._stale:
            self._arrange()
        self._said = self.ring.read(tick, self._live_legs)
        laws = self.ring.laws
        heard = render(self._plan, self._said, laws, self._players, self.bank)
        sending = self._outbound.fill(tick, heard)
        self.counters.sent += len(sending.packets)
        if self._audio_legs.size:
            self._tell_audio()
        self._advance_prompts()
        events, self._events = self._events, []
        return Tick(sending, events)

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
        self._payload_type[leg] = self._event_type[leg] = self._event_ts[leg] = -1
        self._ssrc[leg] = -1
        self._watched[leg] = self._silent[leg] = False

    def _connect(self, command: messages.Connect, tick: int) -> None:
        leg, out = command.leg, self._outbound
        tie = Tie(int(out.port[leg]), command.ip, command.udp_port, command.learn_ip)
        if command.law != self.ring.laws[leg]:
            self.ring.clear(leg, command.law)
        # On hold (no address) the source stays the leg's own, to be heard again afterwards.
        if command.ip and self._latch.connect(leg, tie, tick):
            out.ip[leg], out.udp_port[leg] = command.ip, command.udp_port
            if command.heard_ip:
                self._latch.lock(leg, source_key(command.heard_ip, command.heard_port, tie.port))
                out.ip[leg], out.udp_port[leg] = command.heard_ip, command.heard_port
        self._payload_type[leg] = command.payload_type
        self._event_type[leg] = command.event_type
        out.payload_type[leg] = command.payload_type
        out.sends[leg] = command.sends and command.ip != 0
        self._since[leg], self._ssrc[leg] = tick, -1
        self._watched[leg], self._silent[leg] = command.ip != 0, False

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
        self._latch.release(leg, tick)
        self._outbound.close(leg)
        self._matrix.remove(leg)
        self._audio.discard(leg)
        self._audio_ts.pop(leg, None)
        self.counters.released_concealed += int(self.ring.concealed[leg])
        self.counters.released_late += int(self.ring.late[leg])
        self.ring.clear(leg, Law.MU)
        self._live[leg] = self._watched[leg] = False

    # --- receiving -------------------------------------------------------------------------

    def _receive(self, tick: int, batch: Batch) -> None:
        good = valid(batch)
        types = batch.data[:, 1] & 0x7F
        audio = good & ((types == Law.MU.payload_type) | (types == Law.A.payload_type))
        keys = source_keys(batch.ips, batch.udp_ports, batch.ports)
        legs, heard = self._latch.locate(tick, keys, batch.ports, audio)
        for leg in heard:
            self._first_heard(leg)
        known = legs >= 0
        taken = known & good
        self.counters.foreign += int(np.count_nonzero(~known))
        self.counters.malformed += int(np.count_nonzero(known & ~good))
        if not taken.all():
            self._take(tick, legs[taken], batch.data[taken], batch.lengths[taken])
        else:
            self._take(tick, legs, batch.data, batch.lengths)

    def _first_heard(self, leg: int) -> None:
        key = int(self._latch.source[leg])
        ip, udp_port = key >> 32, key >> 16 & 0xFFFF
        self._outbound.ip[leg], self._outbound.udp_port[leg] = ip, udp_port
        self._ssrc[leg] = -1
        self._stale = True
        self._events.append(messages.Heard(leg, ip, udp_port))

    def _take(self, tick: int, legs: Index, data: U8, lengths: Ints) -> None:
        """Take packets that are a leg's own."""
        head = headers(data)
        sizes = payload_lengths(data, lengths)
        other = head.ssrc != self._ssrc[legs]
        mine = self._admit(tick, legs, head.ssrc, other) if other.any() else ~other
        self.counters.received += legs.size
        expected = head.payload_type == self._payload_type[legs]
        audio = expected & mine
        if not expected.all():
            audio |= self._take_others(tick, legs, data, sizes, head, mine)
        payloads = data[:, HEADER_BYTES:]
        if audio.all():
            self.ring.write(tick, legs, head.timestamp, payloads, sizes)
        elif audio.any():
            self.ring.write(tick, legs[audio], head.timestamp[audio], payloads[audio], sizes[audio])

    def _admit(self, tick: int, legs: Index, ssrc: Ints, other: Bools) -> Bools:
        """Say which packets count, when some come from an SSRC that is new to their leg."""
        quiet = (tick - self.ring.arrived[legs] > SSRC_QUIET_TICKS) | (self._ssrc[legs] < 0)
        new = np.flatnonzero(other & quiet)
        leg, first = np.unique(legs[new], return_index=True)
        self._ssrc[leg] = ssrc[new[first]]
        self.ring.restart(leg)
        same: Bools = ssrc == self._ssrc[legs]
        return same

    def _take_others(
        self, tick: int, legs: Index, data: U8, sizes: Ints, head: Headers, mine: Bools
    ) -> Bools:
        """Take what is not the negotiated audio; return which rows are audio after all."""
        types = head.payload_type
        pressed = mine & (types == self._event_type[legs]) & (sizes >= 4)
        if pressed.any():
            self._take_digits(tick, legs[pressed], head.timestamp[pressed], data[pressed])
        noise = mine & (types == COMFORT_NOISE_TYPE)
        self.ring.arrived[legs[noise]] = tick
        law = np.where(types == Law.A.payload_type, Law.A, Law.MU)
        static = (types == Law.MU.payload_type) | (types == Law.A.payload_type)
        recode: Bools = static & mine & (types != self._payload_type[legs])
        rows = np.flatnonzero(recode)
        if rows.size:
            own = self.ring.laws[legs[rows]]
            body = data[rows, HEADER_BYTES:]
            data[rows, HEADER_BYTES:] = TRANSCODED[law[rows, None], own[:, None], body]
        self.counters.malformed += int(
            np.count_nonzero(~static & ~pressed & ~noise & (types != self._payload_type[legs]))
        )
        return recode

    def _take_digits(self, tick: int, legs: Index, timestamps: Ints, data: U8) -> None:
        """Tell each key press once, at its first packet (RFC 4733 §2.5.1.2)."""
        self.ring.arrived[legs] = tick
        fresh = np.flatnonzero(
            (timestamps != self._event_ts[legs]) & (data[:, HEADER_BYTES] < len(_DIGITS))
        )
        leg, first = np.unique(legs[fresh], return_index=True)
        for row, at in zip(leg.tolist(), fresh[first].tolist(), strict=True):
            self._event_ts[row] = timestamps[at]
            self._events.append(messages.Digit(row, _DIGITS[data[at, HEADER_BYTES]]))

    def _watch_silence(self, tick: int) -> None:
        quiet = tick - np.maximum(self.ring.arrived, self._since) > self._silent_ticks
        changed = np.flatnonzero(self._watched & (quiet != self._silent))
        for leg in changed.tolist():
            self._silent[leg] = quiet[leg]
            kind = messages.FellSilent if quiet[leg] else messages.Resumed
            self._events.append(kind(leg))

    # --- sending ---------------------------------------------------------------------------

    def _arrange(self) -> None:
        self._live_legs = np.flatnonzero(self._live)
        self._audio_legs = np.array(sorted(self._audio), dtype=np.intp)
        self._plan = self._replan(self._outbound.arrange())
        self._audio_plan = self._replan(self._audio_legs)
        self._stale = False

    def _replan(self, listeners: Index) -> Plan:
        return make_plan(self._matrix, self._players, self.ring.laws, listeners)

    def _tell_audio(self) -> None:
        laws = self.ring.laws
        heard = render_samples(self._audio_plan, self._said, laws, self._players, self.bank)
        for leg, samples in zip(self._audio_legs.tolist(), heard, strict=True):
            self._events.append(messages.Audio(leg, samples.astype("<i2").tobytes()))

    def _advance_prompts(self) -> None:
        for leg in self._players.advance():
            self._events.append(messages.PlayEnded(leg, self._plays.pop(leg)))
            self._stale = True
