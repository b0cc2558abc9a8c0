"""A core with far ends made of arrays: no socket and no clock."""

import struct
from collections.abc import Sequence

import numpy as np

from engine.telephony.media import g711, messages
from engine.telephony.media.core import Core, Tick
from engine.telephony.media.g711 import FRAME, Law, decode, encode
from engine.telephony.media.packets import ROW_BYTES, Batch
from engine.telephony.media.prompts import PromptError, load_prompt
from tests.support.tone_bank import ToneBank

LOOPBACK = 0x7F000001
BANK = ToneBank(range(300, 3400, 100))
Datagram = tuple[bytes, int, int, int]
"""Octets, source address, source port, index of the local port."""


class Far:
    """A far end: where it is, and the tone that it says."""

    def __init__(self, leg: int, hz: float, law: Law = Law.MU, port: int = 0) -> None:
        self.leg, self.hz, self.law, self.port = leg, hz, law, port
        self.ip, self.udp_port = LOOPBACK, 10_000 + leg
        self.ssrc, self.seq, self.timestamp = 1000 + leg, 1, 4_000_000_000 + leg
        self.heard: list[np.ndarray] = []

    def frame(self, samples: int = FRAME) -> bytes:
        time_s = (self.timestamp % 8000 + np.arange(samples)) / 8000
        wave = np.rint(4000 * np.sin(2 * np.pi * self.hz * time_s)).astype(np.int16)
        return encode(wave, self.law).tobytes()

    def packet(
        self,
        payload: bytes | None = None,
        payload_type: int | None = None,
        *,
        first: int = 0x80,
        samples: int = FRAME,
    ) -> Datagram:
        kind = self.law.payload_type if payload_type is None else payload_type
        head = struct.pack("!BBHII", first, kind, self.seq, self.timestamp, self.ssrc)
        body = self.frame(samples) if payload is None else payload
        self.seq = self.seq + 1 & 0xFFFF
        self.timestamp = self.timestamp + samples & 0xFFFFFFFF
        return head + body, self.ip, self.udp_port, self.port


class Rig:
    """A core whose ticks are counted here; prompts are read at once."""

    def __init__(self, legs: int = 32, ports: int = 4, silent_ms: int = 1000) -> None:
        self.core = Core(legs, ports, silent_ms, self._load)
        self.tick = 1000
        self.fars: list[Far] = []
        self.events: list[messages.Event] = []
        self._wanted: list[str] = []

    def add(self, far: Far, *, learn_ip: int = -1, event_type: int = 101) -> Far:
        self.do(messages.Open(far.leg, far.port, far.leg * 7919))
        self.connect(far, learn_ip=learn_ip, event_type=event_type)
        self.fars.append(far)
        return far

    def connect(self, far: Far, *, learn_ip: int = -1, event_type: int = 101) -> None:
        law, kind = int(far.law), far.law.payload_type
        at = (far.ip, far.udp_port)
        self.do(messages.Connect(far.leg, *at, law, kind, event_type, True, learn_ip, 0, 0))

    def do(self, *commands: messages.Command) -> None:
        for command in commands:
            self.core.perform(command, self.tick)

    def work(self, datagrams: Sequence[Datagram] = ()) -> Tick:
        """Do a tick with exactly these datagrams."""
        self.tick += 1
        wanted, self._wanted = self._wanted, []
        for name in wanted:
            try:
                self.core.add_prompt(name, load_prompt(name))
            except PromptError as error:
                self.core.refuse_prompt(name, str(error))
        worked = self.core.work(self.tick, batch_of(datagrams))
        self.events += worked.events
        self._deliver(worked)
        return worked

    def run(self, ticks: int) -> None:
        """Let every far end speak for some ticks."""
        for _ in range(ticks):
            self.work([far.packet() for far in self.fars])

    def hears(self, far: Far, frames: int = 5) -> set[int]:
        """Return the tones in all of the last frames that a far end got."""
        return tones_in(np.stack(far.heard[-frames:]))

    def told(self, kind: type[messages.Event]) -> list[messages.Event]:
        return [event for event in self.events if isinstance(event, kind)]

    def _load(self, name: str) -> None:
        self._wanted.append(name)

    def _deliver(self, worked: Tick) -> None:
        port = np.repeat(np.arange(worked.sending.counts.size), worked.sending.counts)
        for at, packet in enumerate(worked.sending.packets):
            to = worked.sending.addresses[at]
            for far in self.fars:
                if (far.ip, far.udp_port, far.port) == (to["ip"], to["udp_port"], port[at]):
                    far.heard.append(g711.decode(packet["payload"], far.law))


def tones_in(frames: np.ndarray) -> set[int]:
    """Return the tones that are in every frame, shape (N, FRAME)."""
    there = (BANK.levels(frames) > 1000 / 32768).all(axis=0)
    return set(BANK.hz[there].astype(int).tolist())


def batch_of(datagrams: Sequence[Datagram]) -> Batch:
    """Return datagrams as the arrays that a wire gives."""
    data = np.zeros((len(datagrams), ROW_BYTES), dtype=np.uint8)
    for row, (octets, *_) in enumerate(datagrams):
        data[row, : len(octets)] = np.frombuffer(octets, dtype=np.uint8)
    columns = [(len(octets), ip, udp, port) for octets, ip, udp, port in datagrams]
    lengths, ips, udp_ports, ports = np.array(columns, dtype=np.int64).reshape(-1, 4).T
    return Batch(data, lengths, ips, udp_ports, ports)


def pcm_of(frame: bytes, law: Law) -> np.ndarray:
    """Return the samples of a frame."""
    return decode(np.frombuffer(frame, dtype=np.uint8), law)
