"""What recording a call costs: in the switch, which must not wait, and in the recorder.

Both sides run in this process, one after the other in each tick, with the very code of their
processes: the tap and the ring there; here chunks, AES-256-GCM and files in a temporary folder. The
reference, measured in the same run, is the plain way: each frame decoded and written to a WAV file
by Python's own ``wave``, unsealed.
"""

import tempfile
import time
import wave
from contextlib import ExitStack
from pathlib import Path

import numpy as np

from benchmarks.harness import Figure
from engine.telephony.media import messages as media
from engine.telephony.media.g711 import FRAME, decode
from engine.telephony.media.taps import Frames
from engine.telephony.recording import messages
from engine.telephony.recording.disk import RealDisk
from engine.telephony.recording.process import POLL_S
from engine.telephony.recording.recorder import TICK_S, Recorder
from engine.telephony.recording.ring import RingReader, RingWriter, make_ring
from engine.telephony.recording.tap import RecordingTap

CALLS = (100, 800)
FIRST = 1000
"""First tick."""


def run(short: bool) -> list[Figure]:
    """Measure so many recorded calls at once.

    Args:
        short: Two seconds of audio in place of twenty.

    Returns:
        Processor microseconds for each leg in each tick.
    """
    figures = []
    plain_us = _plain_us(100)
    for calls in CALLS:
        ticks = 100 if short else 1000
        spent_us = dict(zip(("switch", "recorder"), _measure(calls, ticks), strict=True))
        spent_us["both"] = sum(spent_us.values())
        for name, value in spent_us.items():
            whole = name == "both"
            method = f"{calls} recorded calls for {ticks} ticks, processor time"
            figures.append(
                Figure(
                    f"{name}-{calls}",
                    round(value, 3),
                    "us/leg-tick",
                    None,
                    round(plain_us, 3) if whole else None,
                    round(plain_us / value, 2) if whole else None,
                    method,
                )
            )
    return figures


def _measure(calls: int, ticks: int) -> tuple[float, float]:
    ring = make_ring(64 << 20)
    writer = RingWriter(ring)
    tap = RecordingTap(writer)
    random = np.random.default_rng(1)
    legs = calls + 1
    frames = Frames(legs, np.zeros(legs, dtype=np.intp))
    frames.arrange(np.arange(1, legs))
    said = random.integers(0, 256, (legs, FRAME), dtype=np.uint8)
    heard = random.integers(0, 256, (calls, FRAME), dtype=np.uint8)
    for leg in range(1, legs):
        tap.perform(media.Record(leg, leg, paused=False))
    spent = [0.0, 0.0]
    with tempfile.TemporaryDirectory() as folder:
        recorder = Recorder(
            Path(folder), RealDisk(), bytes(32), [RingReader(ring)], _ignore, _ignore
        )
        for key in range(1, legs):
            recorder.perform(messages.Open(key, f"b1-0001-{key:08x}", 1e9, FIRST, {}))
        for tick in range(FIRST, FIRST + ticks):
            frames.set(tick, said, heard)
            began_s = time.process_time()
            tap.listen(frames)
            between_s = time.process_time()
            if tick % round(POLL_S / TICK_S) == 0:
                recorder.read(tick, lambda: None)
                recorder.flush(tick)
            spent[0] += between_s - began_s
            spent[1] += time.process_time() - between_s
        recorder.close()
    each_us = 1e6 / (calls * ticks)
    if writer.lost_ticks:
        raise RuntimeError(f"the ring had no room for {writer.lost_ticks} ticks")
    return spent[0] * each_us, spent[1] * each_us


def _plain_us(ticks: int) -> float:
    """Return what the plain way costs for a leg in a tick. [us]"""
    random = np.random.default_rng(1)
    codes = random.integers(0, 256, (2, FRAME), dtype=np.uint8)
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        files = [
            stack.enter_context(wave.open(f"{folder}/{number}.wav", "wb")) for number in range(100)
        ]
        for file in files:
            file.setparams((2, 2, 8000, 0, "NONE", "not compressed"))
        began_s = time.process_time()
        for _ in range(ticks):
            for file in files:
                samples = np.stack([decode(track, 0) for track in codes], axis=-1)
                file.writeframes(samples.astype("<i2").tobytes())
        spent_s = time.process_time() - began_s
    return spent_s * 1e6 / (ticks * len(files))


def _ignore(_told: object) -> None:
    """Take nothing."""
