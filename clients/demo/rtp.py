"""Voices of the demo: each speaks a tone as G.711 over RTP and knows the other's when it hears it.

The tones are whole multiples of 50 Hz, so that every frame of 20 ms is the same 160 octets and the
tones are orthogonal over a frame.
"""

import asyncio
import contextlib
import math
import secrets
import socket
import struct
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

FRAME_S = 0.02
FRAME_SAMPLES = 160
SAMPLES_PER_S = 8000
MOST_VOICES = 600
"""Most voices at once; beyond that calls go without sound."""
_CHECK_EVERY = 10
"""Of how many frames heard one is looked at."""
_MISSED = 4
"""Looks in a row without the tone after which it has ended."""
_ENOUGH = 0.25
"""Share of a frame's energy at the tone from which it counts as heard; a bridge of two gives 1."""


def _to_mulaw(sample: int) -> int:
    """Return a 16-bit sample as µ-law (ITU-T G.711 §3.2)."""
    sign = 0x80 if sample < 0 else 0
    biased = min(abs(sample), 32_635) + 132
    exponent = biased.bit_length() - 8
    return ~(sign | exponent << 4 | (biased >> exponent + 3) & 0x0F) & 0xFF


def _from_mulaw(octet: int) -> int:
    value = ~octet & 0xFF
    magnitude = (((value & 0x0F) << 3) + 132 << (value >> 4 & 7)) - 132
    return -magnitude if value & 0x80 else magnitude


_DECODED = np.array([_from_mulaw(octet) for octet in range(256)], np.float64)


def tone_frame(hz: int, amplitude: float = 8_000.0) -> bytes:
    """Return 20 ms of a tone as µ-law.

    Args:
        hz: A multiple of 50 below 4,000.
        amplitude: Of a 16-bit sample.
    """
    turns = [2 * math.pi * hz * n / SAMPLES_PER_S for n in range(FRAME_SAMPLES)]
    return bytes(_to_mulaw(round(amplitude * math.sin(turn))) for turn in turns)


def tone_wave(hz: int) -> npt.NDArray[np.complex128]:
    """Return what a frame is compared with to find a tone in it."""
    wave: npt.NDArray[np.complex128] = np.exp(
        -2j * np.pi * hz / SAMPLES_PER_S * np.arange(FRAME_SAMPLES)
    )
    return wave


def share_of(payload: bytes, wave: npt.NDArray[np.complex128]) -> float:
    """Return the share of a µ-law frame's energy that a tone has, in [0, 1]."""
    samples = _DECODED[np.frombuffer(payload, np.uint8)]
    energy = float(samples @ samples)
    if len(samples) != FRAME_SAMPLES or energy < 1e6:  # silence and comfort noise
        return 0.0
    return float(abs(samples @ wave) ** 2) / (energy * FRAME_SAMPLES / 2)


class Voice:
    """One party's sound: a socket, a tone to speak, a tone to listen for.

    Attributes:
        port: UDP port it hears at.
        sent: Frames sent.
        received: Frames received.
        heard: Whether the other's tone is heard.
    """

    def __init__(
        self,
        host: str,
        speaks_hz: int,
        hears_hz: int,
        on_heard: Callable[[], None] = lambda: None,
    ) -> None:
        """Bind.

        Args:
            host: Address to bind.
            speaks_hz: The tone it speaks.
            hears_hz: The tone it listens for.
            on_heard: Told each time that tone begins.

        Raises:
            OSError: No port is free.
        """
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        self._socket.bind((host, 0))
        self.port: int = self._socket.getsockname()[1]
        self._frame, self._wave = tone_frame(speaks_hz), tone_wave(hears_hz)
        self._on_heard = on_heard
        self._remote: tuple[str, int] | None = None
        self._sequence, self._time = secrets.randbelow(1 << 15), secrets.randbelow(1 << 31)
        self._source = secrets.randbits(32)
        self.sent = self.received = 0
        self.heard = False
        self._missed = 0

    def speak_to(self, remote: tuple[str, int] | None) -> None:
        """Speak to an address from now on; None: be silent."""
        self._remote = remote

    def tick(self) -> None:
        """Send one frame (RFC 3550 §5.1)."""
        if self._remote is None:
            return
        self._sequence, self._time = self._sequence + 1 & 0xFFFF, self._time + 160 & 0xFFFFFFFF
        header = struct.pack("!BBHII", 0x80, 0, self._sequence, self._time, self._source)
        with contextlib.suppress(BlockingIOError, ConnectionRefusedError):
            self._socket.sendto(header + self._frame, self._remote)
            self.sent += 1

    def fileno(self) -> int:
        """Return the socket's number."""
        return self._socket.fileno()

    def read(self) -> None:
        """Take what has come."""
        for _ in range(64):
            try:
                packet = self._socket.recv(2048)
            except (BlockingIOError, ConnectionRefusedError):
                return
            self.received += 1
            if self.received % _CHECK_EVERY == 0 and len(packet) == 172:
                self._listen(present=share_of(packet[12:], self._wave) > _ENOUGH)

    def _listen(self, *, present: bool) -> None:
        self._missed = 0 if present else self._missed + 1
        if present and not self.heard:
            self.heard = True
            self._on_heard()
        elif self._missed >= _MISSED:
            self.heard = False

    def close(self) -> None:
        """Give the port back."""
        self._socket.close()


class Voices:
    """All voices of one process, on one 20 ms clock."""

    def __init__(self) -> None:
        self._open: set[Voice] = set()
        self._loop = asyncio.get_running_loop()
        self._clock = asyncio.create_task(self._run())

    def open(
        self, host: str, speaks_hz: int, hears_hz: int, on_heard: Callable[[], None]
    ) -> Voice | None:
        """Return a new voice, None if there are too many or no port is free."""
        if len(self._open) >= MOST_VOICES:
            return None
        try:
            voice = Voice(host, speaks_hz, hears_hz, on_heard)
        except OSError:
            return None
        self._open.add(voice)
        self._loop.add_reader(voice.fileno(), voice.read)
        return voice

    def close(self, voice: Voice) -> None:
        """End a voice."""
        if voice in self._open:
            self._open.discard(voice)
            self._loop.remove_reader(voice.fileno())
            voice.close()

    async def stop(self) -> None:
        """End all voices and the clock."""
        self._clock.cancel()
        await asyncio.gather(self._clock, return_exceptions=True)
        for voice in tuple(self._open):
            self.close(voice)

    async def _run(self) -> None:
        due_s = self._loop.time()
        while True:
            for voice in self._open:
                voice.tick()
            due_s = max(due_s + FRAME_S, self._loop.time() - 5 * FRAME_S)
            await asyncio.sleep(max(0.0, due_s - self._loop.time()))
