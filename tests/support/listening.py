"""A supervisor without a phone: hears and speaks through the audio of the Supervise stream."""

import asyncio
import contextlib
import math
import struct
import time
from collections import deque
from types import TracebackType
from typing import Self

import grpc.aio
import numpy as np

from clients import PacelineClient
from gateway.pb.paceline.v1 import supervision_pb2 as pb
from gateway.pb.paceline.v1.supervision_pb2_grpc import SupervisionServiceStub
from tests.support.world import TONES_HZ

FRAME_SAMPLES = 160
_TIME = np.arange(FRAME_SAMPLES) / 8000
_WAVES = {hz: np.exp(-2j * np.pi * hz * _TIME) for hz in TONES_HZ}


class Supervisor:
    """One session; a context manager that ends it.

    Args:
        client: Of the server.
        agent: Whom to supervise.
        mode: Mode to begin in.
        hz: Tone to speak; 0: nothing.
        phone: SIP URI to hear by; empty: by the stream.
        name: Who supervises.
    """

    def __init__(
        self,
        client: PacelineClient,
        agent: str,
        mode: pb.SupervisionMode.ValueType,
        *,
        hz: int = 0,
        phone: str = "",
        name: str = "boss",
    ) -> None:
        stub = SupervisionServiceStub(client.connection.channel)
        self.call = client.connection.converse(stub.Supervise)
        self._begin = pb.SuperviseRequest.StartSession(
            agent=f"agents/{agent}", supervisor=name, mode=mode, phone=phone
        )
        self._frame = _tone(hz)
        self._hz = hz
        self.frames: deque[tuple[float, bytes]] = deque(maxlen=100)
        self.states: list[pb.SupervisionSession] = []
        self.refusals: list[str] = []
        self.ended = ""
        self._pen = asyncio.Lock()
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Self:
        await self.call.write(pb.SuperviseRequest(start_session=self._begin))
        self._tasks = [asyncio.create_task(self._read())]
        if self._hz:
            self._tasks.append(asyncio.create_task(self._speak()))
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.call.cancel()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def change(self, mode: pb.SupervisionMode.ValueType) -> None:
        """Ask for another mode."""
        request = pb.SuperviseRequest(set_mode=pb.SuperviseRequest.SetMode(mode=mode))
        await self._say(request)

    async def _say(self, request: pb.SuperviseRequest) -> None:
        async with self._pen:  # a stream takes one message at a time
            await self.call.write(request)

    @property
    def mode(self) -> pb.SupervisionMode.ValueType:
        """The mode last told."""
        return self.states[-1].mode if self.states else pb.SUPERVISION_MODE_UNSPECIFIED

    def hears(self, since_s: float, least: int = 5) -> set[int] | None:
        """Return the tones in most frames since an instant, None if there are too few frames."""
        frames = [
            np.frombuffer(f, "<i2").astype(float) for at_s, f in self.frames if at_s >= since_s
        ]
        if len(frames) < least:
            return None
        return {
            hz
            for hz, wave in _WAVES.items()
            if np.mean([abs(frame @ wave) * 2 / FRAME_SAMPLES > 1500 for frame in frames]) > 0.5
        }

    async def _read(self) -> None:
        with contextlib.suppress(grpc.aio.AioRpcError):
            async for message in self.call:
                match message.WhichOneof("event"):
                    case "session_state":
                        self.states.append(message.session_state.session)
                    case "audio_frame":
                        self.frames.append((time.time(), message.audio_frame.samples))
                    case "refusal":
                        self.refusals.append(message.refusal.reason)
                    case "session_ended":
                        self.ended = message.session_ended.reason

    async def _speak(self) -> None:
        loop = asyncio.get_running_loop()
        due_s, sequence = loop.time(), 0
        with contextlib.suppress(grpc.aio.AioRpcError, asyncio.InvalidStateError):
            while True:
                sequence += 1
                frame = pb.AudioFrame(samples=self._frame, sequence=sequence)
                await self._say(pb.SuperviseRequest(audio_frame=frame))
                due_s = max(due_s + 0.02, loop.time() - 0.1)
                await asyncio.sleep(max(0.0, due_s - loop.time()))


def _tone(hz: int) -> bytes:
    turns = (math.tau * hz * n / 8000 for n in range(FRAME_SAMPLES))
    return struct.pack(f"<{FRAME_SAMPLES}h", *(round(8000 * math.sin(turn)) for turn in turns))
