"""Parties of the barge benchmark: ears that know when the kernel had each packet, and a crowd.

An ear belongs to a measured call. The crowd is the far end of all others: a process of its own
sends a packet for each every 20 ms, and reads nothing.
"""

import asyncio
import contextlib
import multiprocessing
import socket
import struct
import time
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from typing import Final

from clients.demo.rtp import FRAME_S, FRAME_SAMPLES, Voice, Voices, share_of, tone_frame, tone_wave
from tests.support.ports import HOST
from tests.support.world import Ear, Ears

CROWD_HZ: Final = 1050
_STAMP: Final = getattr(socket, "SO_TIMESTAMPNS", 35)
"""Linux's number of it; Python names it from 3.15 on."""
_LEAST_SHARE: Final = 0.1
_SUB_TICKS: Final = 4
_HEADER: Final = struct.Struct("!BBHII")


class StampedEar(Ear):
    """An ear with the kernel's time of each packet, and a clock that begins with its voice."""

    def __init__(self, speaks_hz: int) -> None:
        super().__init__(speaks_hz)
        self._socket.setsockopt(socket.SOL_SOCKET, _STAMP, 1)
        self._clock: asyncio.Task[None] | None = None

    def speak_to(self, remote: tuple[str, int] | None) -> None:
        """Speak to an address from the next turn of the loop on."""
        super().speak_to(remote)
        if self._clock is None:
            self._clock = asyncio.create_task(self._speak())

    def tick(self) -> None:
        """Leave the common clock alone."""

    async def _speak(self) -> None:
        loop = asyncio.get_running_loop()
        due_s = loop.time()
        while True:
            super().tick()
            due_s = max(due_s + FRAME_S, loop.time() - 5 * FRAME_S)
            await asyncio.sleep(max(0.0, due_s - loop.time()))

    def read(self) -> None:
        """Take what has come."""
        with contextlib.suppress(BlockingIOError, ConnectionRefusedError):
            while True:
                packet, notes, _, _ = self._socket.recvmsg(2048, 64)
                self.received += 1
                if len(packet) == _HEADER.size + FRAME_SAMPLES:
                    self.frames.append((_stamp_in(notes), packet[_HEADER.size :]))

    def close(self) -> None:
        """Be silent, and give the port back."""
        if self._clock is not None:
            self._clock.cancel()
        super().close()

    def first_after(self, hz: int, since_s: float) -> float | None:
        """Return when the first packet with a tone came, None: none has. [s since the epoch]

        Args:
            hz: The tone.
            since_s: Packets that came before are not looked at. [s since the epoch]
        """
        wave = tone_wave(hz)
        for at_s, frame in tuple(self.frames):
            if at_s >= since_s and share_of(frame, wave) > _LEAST_SHARE:
                return at_s
        return None


class StampedEars(Ears):
    """Opens such an ear for each call."""

    def open(
        self, host: str, speaks_hz: int, hears_hz: int, on_heard: Callable[[], None]
    ) -> Voice | None:
        """Return a new ear."""
        del host, speaks_hz, hears_hz, on_heard
        ear = StampedEar(self.speaks_hz)
        self._open.add(ear)
        self._loop.add_reader(ear.fileno(), ear.read)
        self.ears.append(ear)
        return ear


class _FarVoice(Voice):
    """A voice whose socket is in the crowd's process."""

    def __init__(self, port: int, say: Callable[[tuple[str, int] | None], None]) -> None:
        # There is no socket here, so nothing of the base's is set up.
        self.port = port
        self.sent = self.received = 0
        self.heard = False
        self._say = say

    def speak_to(self, remote: tuple[str, int] | None) -> None:
        """Let the crowd send to an address."""
        self._say(remote)

    def close(self) -> None:
        """Let the crowd be silent."""
        self._say(None)


class Crowd(Voices):
    """Opens voices in the crowd's process.

    Args:
        pipe: To that process.
        ports: Of its sockets.
    """

    def __init__(self, pipe: Connection, ports: list[int]) -> None:
        super().__init__()
        self._pipe = pipe
        self._free = list(enumerate(ports))

    def open(
        self, host: str, speaks_hz: int, hears_hz: int, on_heard: Callable[[], None]
    ) -> Voice | None:
        """Return a new voice, None if all are in calls."""
        del host, speaks_hz, hears_hz, on_heard
        if not self._free:
            return None
        at, port = self._free.pop()
        return _FarVoice(port, lambda remote: self._pipe.send((at, remote)))

    def close(self, voice: Voice) -> None:
        """End a voice; its socket is not used again."""
        voice.close()


@contextlib.contextmanager
def crowd(voices: int) -> Iterator[tuple[Connection, list[int]]]:
    """Run the crowd's process; yield its pipe and its ports."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_speak_all, args=(theirs, voices), daemon=True)
    process.start()
    try:
        yield ours, ours.recv()
    finally:
        process.terminate()
        process.join()


def _speak_all(pipe: Connection, count: int) -> None:
    """Send a packet from each socket that has a destination every 20 ms, spread over the tick."""
    sockets = [_deaf() for _ in range(count)]
    pipe.send([each.getsockname()[1] for each in sockets])
    remotes: list[tuple[str, int] | None] = [None] * count
    payload, turn, due_s = tone_frame(CROWD_HZ), 0, time.monotonic()
    while True:
        while pipe.poll():
            at, remote = pipe.recv()
            remotes[at] = remote
        tick = turn // _SUB_TICKS
        for at in range(turn % _SUB_TICKS, count, _SUB_TICKS):
            remote = remotes[at]
            if remote is not None:
                head = _HEADER.pack(0x80, 0, tick & 0xFFFF, 160 * tick & 0xFFFFFFFF, at + 1)
                with contextlib.suppress(OSError):
                    sockets[at].sendto(head + payload, remote)
        turn += 1
        due_s = max(due_s + FRAME_S / _SUB_TICKS, time.monotonic() - 0.1)
        time.sleep(max(0.0, due_s - time.monotonic()))


def _deaf() -> socket.socket:
    """Return a socket whose packets the kernel drops by itself once a few wait."""
    bound = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
    bound.bind((HOST, 0))
    bound.setblocking(False)
    return bound


def _stamp_in(notes: list[tuple[int, int, bytes]]) -> float:
    for level, kind, value in notes:
        if level == socket.SOL_SOCKET and kind == _STAMP and len(value) >= 16:
            seconds, nanoseconds = struct.unpack("@ll", value[:16])
            return float(seconds) + float(nanoseconds) / 1e9
    return time.time()
