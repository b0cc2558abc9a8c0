"""Called parties that do more than hum: they speak what they are given, fall silent, press keys."""

import contextlib
import struct
import subprocess
import wave
from collections import deque
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt

from clients.demo.rtp import FRAME_SAMPLES, SAMPLES_PER_S, Voice, tone_frame
from tests.support.load import PATIENCE_S
from tests.support.rtp import encode
from tests.support.world import Ear, Ears

_KEYS = "0123456789*#"
_SILENCE = b"\xff" * FRAME_SAMPLES
_KEY_FRAMES = 5
Pcm = npt.NDArray[np.float64]


class Callee(Ear):
    """A party with a voice of its own: says something, then is silent or hums; may press keys.

    Args:
        says: What it says first, at 8 kHz. [16-bit samples]
        hums_hz: Tone after that; 0: silence.
    """

    def __init__(self, says: Pcm, hums_hz: int) -> None:
        super().__init__(hums_hz or 450)
        whole = says[: len(says) // FRAME_SAMPLES * FRAME_SAMPLES].reshape(-1, FRAME_SAMPLES)
        self._says = deque(encode(frame, a_law=False) for frame in whole)
        self._after = tone_frame(hums_hz) if hums_hz else _SILENCE
        self._keys: deque[tuple[int, bytes, int]] = deque()

    @property
    def has_spoken(self) -> bool:
        """Whether everything is said."""
        return not self._says

    def heard_hz(self, hz: int) -> bool:
        """Say whether a tone is in most of the last ten frames heard."""
        recent = [at_s for at_s, _ in self.frames][-10:]
        return bool(recent) and hz in (self.hears(recent[0]) or ())

    def press(self, key: str) -> None:
        """Press a key for 100 ms, beginning with the next frame (RFC 4733 §2.5)."""
        code = _KEYS.index(key)
        for frame in range(_KEY_FRAMES):
            length = (frame + 1) * FRAME_SAMPLES
            marker = 0x80 if frame == 0 else 0
            self._keys.append((101 | marker, struct.pack("!BBH", code, 10, length), frame))
        length = _KEY_FRAMES * FRAME_SAMPLES
        ended = struct.pack("!BBH", code, 0x80 | 10, length)  # the end is sent three times
        self._keys.extend([(101, ended, _KEY_FRAMES)] * 3)

    def tick(self) -> None:
        """Send the frame that is due: a key's, a spoken one, or what comes after."""
        if self._remote is None:
            return
        self._sequence, self._time = self._sequence + 1 & 0xFFFF, self._time + 160 & 0xFFFFFFFF
        kind, payload, back = 0, self._after, 0
        if self._keys:
            kind, payload, back = self._keys.popleft()
        elif self._says:
            payload = self._says.popleft()
        began = self._time - back * FRAME_SAMPLES & 0xFFFFFFFF  # of a key: when it was pressed
        head = struct.pack("!BBHII", 0x80, kind, self._sequence, began, self._source)
        with contextlib.suppress(BlockingIOError, ConnectionRefusedError):
            self._socket.sendto(head + payload, self._remote)
            self.sent += 1


class Callees(Ears):
    """Opens a callee for each call, as ``make`` says.

    Args:
        make: Returns the next one.
    """

    def __init__(self, make: Callable[[], Callee]) -> None:
        super().__init__(450)
        self._make = make
        self.callees: list[Callee] = []

    def open(
        self, host: str, speaks_hz: int, hears_hz: int, on_heard: Callable[[], None]
    ) -> Voice | None:
        """Return a new callee."""
        del host, speaks_hz, hears_hz, on_heard
        callee = self._make()
        self._open.add(callee)
        self._loop.add_reader(callee.fileno(), callee.read)
        self.ears.append(callee)
        self.callees.append(callee)
        return callee


def silence(length_s: float) -> Pcm:
    """Return silence."""
    return np.zeros(round(length_s * SAMPLES_PER_S))


def tone(hz: float, length_s: float, level: float = 8_000.0) -> Pcm:
    """Return a tone."""
    at = np.arange(round(length_s * SAMPLES_PER_S))
    wave_form: Pcm = level * np.sin(2 * np.pi * hz * at / SAMPLES_PER_S)
    return wave_form


def speech(text: str, folder: Path) -> Pcm:
    """Return a text spoken by espeak-ng, without the silence around it.

    Args:
        text: English.
        folder: Where a file may be written meanwhile.
    """
    path = folder / "speech.wav"
    subprocess.run(["espeak-ng", "-v", "en-us", "-w", path, text], check=True, timeout=PATIENCE_S)
    with wave.open(str(path), "rb") as file:
        rate = file.getframerate()
        spoken = np.frombuffer(file.readframes(file.getnframes()), "<i2").astype(np.float64)
    at_s = np.arange(round(len(spoken) * SAMPLES_PER_S / rate)) / SAMPLES_PER_S
    smooth = np.convolve(spoken, np.hanning(7) / np.hanning(7).sum(), "same")  # of aliases
    narrow = np.interp(at_s, np.arange(len(spoken)) / rate, smooth)
    loud = np.flatnonzero(np.abs(narrow) > 0.02 * np.abs(narrow).max())
    said: Pcm = narrow[loud[0] : loud[-1] + 1]
    return 9_000.0 * said / float(np.abs(said).max())


def write_prompt(path: Path, pcm: Pcm) -> str:
    """Write a prompt as a WAV file; return its path."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(SAMPLES_PER_S)
        file.writeframes(pcm.astype("<i2").tobytes())
    return str(path)
