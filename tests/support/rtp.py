"""Phones for tests: each sends a tone of its own by RTP and measures which tones it hears.

Nothing here uses the media switch's code, so that the one is a witness for the other.
"""

import contextlib
import socket
import struct
import threading
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from types import TracebackType
from typing import Final, Self

import numpy as np
import numpy.typing as npt

FRAME: Final = 160
FRAME_S: Final = 0.02
TONES_HZ: Final = tuple(float(hz) for hz in range(300, 3400, 100))
"""Tones that 20 ms can tell apart exactly."""

PEAK: Final = 4000.0
"""Amplitude of the tones sent; a tone counts as heard from a quarter of it. [16-bit samples]"""


@dataclass(frozen=True, slots=True)
class Frame:
    """A packet as a phone received it."""

    at_s: float
    payload_type: int
    marker: bool
    seq: int
    timestamp: int
    ssrc: int
    payload: bytes
    source: tuple[str, int]


class RtpPhone:
    """A plain UDP socket that speaks G.711.

    Args:
        hz: Its tone; 0 for silence.
        a_law: Whether it speaks A-law instead of µ-law.
        host: Where it is bound.
        port: Its port, 0 for any.
    """

    def __init__(
        self, hz: float = 0.0, *, a_law: bool = False, host: str = "127.0.0.1", port: int = 0
    ) -> None:
        self.hz, self.a_law, self.sending = hz, a_law, True
        self.ssrc = 0x1000 + int(hz)
        self.frames: list[Frame] = []
        self._seq, self._timestamp = 100, 1000
        self._to: tuple[str, int] | None = None
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind((host, port))
        self._socket.setblocking(False)

    @property
    def host(self) -> str:
        """Return the address that its SDP would say."""
        return str(self._socket.getsockname()[0])

    @property
    def port(self) -> int:
        """Return the port that its SDP would say."""
        return int(self._socket.getsockname()[1])

    def call(self, host: str, port: int) -> None:
        """Send to an address from now on."""
        self._to = (host, port)

    def close(self) -> None:
        """Give the port back."""
        self._socket.close()

    def step(self) -> None:
        """Send the frame that is due and take in what has come."""
        self.receive()
        if self._to and self.sending:
            self.send(self.tone_frame())
        self._seq = self._seq + 1 & 0xFFFF
        self._timestamp = self._timestamp + FRAME & 0xFFFFFFFF

    def tone_frame(self) -> bytes:
        """Return the payload that is due now."""
        time_s = (self._timestamp + np.arange(FRAME)) / 8000
        return encode(PEAK * np.sin(2 * np.pi * self.hz * time_s), a_law=self.a_law)

    def send(
        self, payload: bytes, payload_type: int | None = None, *, marker: bool = False
    ) -> None:
        """Send a packet now, with the timestamp that is due."""
        assert self._to
        kind = (8 if self.a_law else 0) if payload_type is None else payload_type
        head = (0x80, kind | (0x80 if marker else 0), self._seq, self._timestamp, self.ssrc)
        with contextlib.suppress(ConnectionError):
            self._socket.sendto(struct.pack("!BBHII", *head) + payload, self._to)

    def receive(self) -> None:
        """Take in what has come."""
        while True:
            try:
                packet, source = self._socket.recvfrom(2048)
            except BlockingIOError:
                return
            except ConnectionError:
                continue
            _, kind, seq, timestamp, ssrc = struct.unpack_from("!BBHII", packet)
            at_s = time.monotonic()
            self.frames.append(
                Frame(at_s, kind & 0x7F, kind > 127, seq, timestamp, ssrc, packet[12:], source)
            )

    def hears(self, frames: int = 10) -> set[float]:
        """Return the tones in most of the last frames."""
        levels = tone_levels(self.frames[-frames:])
        return {hz for hz, level in zip(TONES_HZ, levels.T, strict=True) if _share(level) > 0.5}

    def ever_heard(self) -> set[float]:
        """Return every tone that was in any frame since the start."""
        levels = tone_levels(self.frames)
        return {hz for hz, level in zip(TONES_HZ, levels.T, strict=True) if _share(level) > 0}

    def longest_gap_s(self, hz: float, since_s: float = 0.0) -> float:
        """Return the longest time without a tone, counted in played frames and missing packets."""
        frames = [frame for frame in self.frames if frame.at_s >= since_s]
        with_tone = tone_levels(frames)[:, TONES_HZ.index(hz)] > PEAK / 4
        stamps = [frame.timestamp for frame, good in zip(frames, with_tone, strict=True) if good]
        stamps = [frames[0].timestamp - FRAME, *stamps, frames[-1].timestamp + FRAME]
        steps = [after - before & 0xFFFFFFFF for before, after in pairwise(stamps)]
        return (max(steps) - FRAME) / 8000


class Phones:
    """Drives phones on a thread, each sending every 20 ms; a context manager that closes them."""

    def __init__(self, phones: Iterable[RtpPhone]) -> None:
        self.phones = list(phones)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._over.set()
        self._thread.join()
        for phone in self.phones:
            phone.close()

    def _run(self) -> None:
        due_s = time.monotonic()
        while not self._over.is_set():
            for phone in self.phones:
                phone.step()
            due_s = max(due_s + FRAME_S, time.monotonic() - 5 * FRAME_S)
            self._over.wait(max(0.0, due_s - time.monotonic()))


def _share(levels: npt.NDArray[np.float64]) -> float:
    """Return in what share of frames a tone was there."""
    return float(np.count_nonzero(levels > PEAK / 4)) / max(1, levels.size)


def tone_levels(frames: Sequence[Frame]) -> npt.NDArray[np.float64]:
    """Return the amplitude of each of TONES_HZ in each frame, shape (frames, tones)."""
    if not frames:
        return np.zeros((0, len(TONES_HZ)))
    samples = np.stack([decode(frame.payload, a_law=frame.payload_type == 8) for frame in frames])
    time_s = np.arange(FRAME) / 8000
    waves = np.exp(-2j * np.pi * np.outer(time_s, TONES_HZ))
    levels: npt.NDArray[np.float64] = np.abs(samples @ waves) * 2 / FRAME
    return levels


def encode(samples: npt.NDArray[np.float64], *, a_law: bool) -> bytes:
    """Return G.711 by the segment rule of ITU-T G.711, one sample at a time."""
    one = _encode_a if a_law else _encode_mu
    return bytes(one(round(float(sample))) for sample in samples)


def decode(codes: bytes, *, a_law: bool) -> npt.NDArray[np.float64]:
    """Return the samples of G.711 codes."""
    table = _DECODED_A if a_law else _DECODED_MU
    return table[np.frombuffer(codes, dtype=np.uint8)]


def _encode_mu(sample: int) -> int:
    sign, size = (0x80, -sample) if sample < 0 else (0, sample)
    biased = min(size, 32635) + 132
    exponent = max(biased.bit_length() - 8, 0)
    return ~(sign | exponent << 4 | biased >> (exponent + 3) & 0x0F) & 0xFF


def _encode_a(sample: int) -> int:
    sign, size = (0, -sample - 1) if sample < 0 else (0x80, sample)
    size = min(max(size, 0), 32767) >> 4
    exponent = max(size.bit_length() - 4, 0)
    mantissa = size >> (exponent - 1) if exponent > 1 else size
    return (sign | exponent << 4 | mantissa & 0x0F) ^ 0x55


def _decode_mu(code: int) -> int:
    code = ~code & 0xFF
    size = (((code & 0x0F) << 3) + 132 << (code >> 4 & 7)) - 132
    return -size if code & 0x80 else size


def _decode_a(code: int) -> int:
    code ^= 0x55
    exponent, mantissa = code >> 4 & 7, (code & 0x0F) << 4
    size = mantissa + 8 if exponent == 0 else mantissa + 264 << exponent - 1
    return size if code & 0x80 else -size


_DECODED_MU: Final = np.array([_decode_mu(code) for code in range(256)], dtype=np.float64)
_DECODED_A: Final = np.array([_decode_a(code) for code in range(256)], dtype=np.float64)
