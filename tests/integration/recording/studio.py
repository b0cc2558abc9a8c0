"""A switch and a recorder without an engine: two phones in a call, and what is recorded of them."""

import asyncio
import itertools
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from engine.domain.ids import LegId, RecordingId
from engine.ports import RecorderEvent, RecordingEnded
from engine.telephony.media import Law, MediaClient, MediaEvent, MediaSettings
from engine.telephony.recording.client import RecorderClient, RecorderSetup
from engine.telephony.recording.library import Library
from tests.support.load import PATIENCE_S
from tests.support.rtp import FRAME, PEAK, RtpPhone, decode, encode

AGENT, CUSTOMER = LegId("agent"), LegId("customer")
TAKE = RecordingId("t1-0001-00000001")


class CountingPhone(RtpPhone):
    """A phone whose every frame says which one it is: two tones of sixteen, by its number.

    So a gap, a repetition or a swap in a recording can be found by ear of a test.
    """

    def __init__(self, lowest_hz: float, *, a_law: bool = False) -> None:
        super().__init__(lowest_hz, a_law=a_law)
        self.count = 0
        self.says = spoken(lowest_hz, a_law=a_law)

    def tone_frame(self) -> bytes:
        frame = self.says[self.count % 256]
        self.count += 1
        return frame


@cache
def spoken(lowest_hz: float, *, a_law: bool = False, peak: float = PEAK) -> tuple[bytes, ...]:
    """Return the frames of a phone, by their numbers."""
    time_s = np.arange(FRAME) / 8000
    low = [np.sin(2 * np.pi * (lowest_hz + 50 * step) * time_s) for step in range(16)]
    high = [np.sin(2 * np.pi * (lowest_hz + 900 + 50 * step) * time_s) for step in range(16)]
    return tuple(
        encode(peak / 2 * (low[number % 16] + high[number // 16]), a_law=a_law)
        for number in range(256)
    )


def numbers(samples: npt.NDArray[np.int16], lowest_hz: float) -> list[int]:
    """Return the number of each frame of a recorded track, -1 where nothing of the tones is."""
    frames = samples[: len(samples) // FRAME * FRAME].reshape(-1, FRAME).astype(float)
    time_s = np.arange(FRAME) / 8000
    tones = lowest_hz + 50 * np.arange(34)
    levels = np.abs(frames @ np.exp(-2j * np.pi * np.outer(time_s, tones))) * 2 / FRAME
    low, high = levels[:, :16], levels[:, 18:]
    found = 16 * high.argmax(axis=1) + low.argmax(axis=1)
    there = (low.max(axis=1) > PEAK / 8) & (high.max(axis=1) > PEAK / 8)
    return [int(number) for number in np.where(there, found, -1)]


def missing(found: list[int]) -> int:
    """Return how many frames are missing between the first and the last number heard.

    The recording has a frame for each of them, or the clock of the phone and of the switch were
    apart by a frame, which their jitter buffer may swallow or double.
    """
    known = [(place, number) for place, number in enumerate(found) if number >= 0]
    if not known:
        return 0
    (first, _), (last, _) = known[0], known[-1]
    return sum(number < 0 for number in found[first : last + 1])


class Studio:
    """A client with its switch, a recorder, and what they told."""

    def __init__(self, setup: RecorderSetup) -> None:
        self.setup = setup
        self.events: list[RecorderEvent] = []
        self.recorder = RecorderClient(setup)
        self.media_events: list[MediaEvent] = []
        settings = MediaSettings(ports=4, most_legs=64, rings=self.recorder.rings)
        self.media = MediaClient(settings, self.media_events.append)
        self._key = 0

    def join(self, leg_id: LegId, phone: RtpPhone) -> None:
        """Connect a phone as SDP would."""
        endpoint = self.media.allocate(leg_id)
        phone.call(endpoint.host, endpoint.port)
        law = Law.A if phone.a_law else Law.MU
        self.media.connect(leg_id, phone.host, phone.port, law=law)

    async def speak(self, leg_id: LegId, lowest_hz: float) -> None:
        """Speak from a leg without a phone, as a phone would, until cancelled."""
        began_s = time.monotonic()
        for count in itertools.count():
            frame = decode(spoken(lowest_hz)[count % 256], a_law=False)
            self.media.send_audio(leg_id, frame.astype("<i2").tobytes())
            await asyncio.sleep(max(0.0, began_s + 0.02 * (count + 1) - time.monotonic()))

    def record(self, recording_id: RecordingId = TAKE) -> None:
        """Record the customer's leg."""
        self._key = self.recorder.open(recording_id, {"attempt_id": "a1"})
        self.media.record(CUSTOMER, self._key)

    def end(self) -> None:
        """End the recording."""
        self.media.stop_recording(CUSTOMER)
        self.recorder.close(self._key)

    def ended(self) -> list[RecordingEnded]:
        """Return what was told of ends."""
        return [event for event in self.events if isinstance(event, RecordingEnded)]

    def library(self) -> Library:
        """Return the finished recordings."""
        return Library(self.setup.folder, self.setup.key_file)

    def listen(self, ended: RecordingEnded, start_ms: int = 0) -> npt.NDArray[np.int16]:
        """Return the samples of a finished recording, shape (N, 2)."""
        with self.library().open(ended.file_name) as reading:
            return np.concatenate([np.zeros((0, 2), np.int16), *reading.pcm(start_ms, 100)])


@asynccontextmanager
async def studio(folder: Path, *, sealed: bool = True, form: str = "flac") -> AsyncIterator[Studio]:
    key_file = folder.parent / f"{folder.name}.key" if sealed else None
    at = Studio(RecorderSetup(folder, key_file, form))
    await at.recorder.start(at.events.append)
    await at.media.start()
    try:
        yield at
    finally:
        await at.media.stop()
        await at.recorder.stop()


async def until(true: Callable[[], bool], within_s: float = PATIENCE_S) -> None:
    """Wait until something is so; fail if it never is."""
    deadline_s = time.monotonic() + within_s
    while not true():
        assert time.monotonic() < deadline_s, "did not happen in time"
        await asyncio.sleep(0.02)
