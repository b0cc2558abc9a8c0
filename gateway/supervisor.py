"""One supervision session: modes and voice in, the session's state and the call's sound out."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import numpy as np

from engine.actors.desk import SessionOver, SessionShown, SupervisorEvent
from engine.domain.ids import SupervisorId
from engine.domain.refusals import DialerError, InvalidRequestError
from engine.machines.mix import SupervisionMode
from engine.telephony.media.g711 import Law, decode, encode
from gateway.convert import names
from gateway.convert.resources import check_phone
from gateway.convert.units import to_timestamp
from gateway.convert.views import SUPERVISION_MODE_OF, to_session
from gateway.interceptors import check_rules
from gateway.pb.paceline.v1 import supervision_pb2 as pb
from gateway.status import refusal_of
from gateway.streams import Outbox

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator

    from engine.runtime import Supervision, SupervisionLink

FRAME_OCTETS = 320
"""20 ms of PCM16 at 8 kHz. [octets]"""
_PATIENCE_S = 5.0


class Supervisor:
    """Serves one session of one supervisor."""

    def __init__(self, link: SupervisionLink, encoding: pb.AudioEncoding.ValueType) -> None:
        """Serve a supervisor whose session has just begun over ``link``."""
        self._link = link
        self._encoding = encoding
        self._outbox: Outbox[pb.SuperviseResponse] = Outbox()
        self._heard = 0

    async def run(
        self, requests: AsyncIterator[pb.SuperviseRequest]
    ) -> AsyncGenerator[pb.SuperviseResponse, None]:
        """Yield what the supervisor is told and hears, until either side ends the session."""
        self._outbox.put(_told(SessionShown(self._link.view)))
        self._link.hears(self._hear)
        tasks = [asyncio.create_task(self._listen(requests)), asyncio.create_task(self._pump())]
        for task in tasks:
            task.add_done_callback(self._ended)
        try:
            while True:
                try:
                    message = await self._outbox.get(_PATIENCE_S)
                except EOFError:
                    break
                if message is not None:
                    yield message
            for task in tasks:
                if task.done():
                    task.result()
        finally:
            # Without awaiting: a second cancel must not find the link still open.
            self._link.close()
            for task in tasks:
                task.cancel()

    def _ended(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled():
            task.exception()  # seen: ``run`` raises it, if it is still there
        self._outbox.close()

    async def _listen(self, requests: AsyncIterator[pb.SuperviseRequest]) -> None:
        async for request in requests:
            if request.WhichOneof("command") == "end_session":
                self._outbox.put(_told(SessionOver("ended")))
                return
            try:
                check_rules(request)
                await self._carry_out(request)
            except (DialerError, TimeoutError) as error:
                refused = refusal_of(error)
                self._outbox.put(
                    pb.SuperviseResponse(
                        refusal=pb.SuperviseResponse.Refusal(
                            reason=refused.reason, message=refused.message
                        )
                    )
                )

    async def _carry_out(self, request: pb.SuperviseRequest) -> None:
        match request.WhichOneof("command"):
            case "audio_frame":
                self._link.speak(from_wire(request.audio_frame.samples, self._encoding))
            case "set_mode":
                await self._link.set_mode(SUPERVISION_MODE_OF[request.set_mode.mode])
            case _:
                raise InvalidRequestError("the session has begun already", slug="already-begun")

    async def _pump(self) -> None:
        async for event in self._link.events():
            self._outbox.put(_told(event))

    def _hear(self, pcm: bytes) -> None:
        self._heard += 1
        frame = pb.AudioFrame(samples=to_wire(pcm, self._encoding), sequence=self._heard)
        self._outbox.put_frame(pb.SuperviseResponse(audio_frame=frame))


async def open_supervisor(supervision: Supervision, first: pb.SuperviseRequest) -> Supervisor:
    """Begin a session, as its first message asks.

    Raises:
        InvalidRequestError: The message begins no session.
    """
    check_rules(first)
    if first.WhichOneof("command") != "start_session":
        raise InvalidRequestError("a session begins with start_session", slug="not-begun")
    start = first.start_session
    link = await supervision.open(
        names.agent_id(start.agent),
        SupervisorId(names.clean_text("supervisor", start.supervisor)),
        SUPERVISION_MODE_OF.get(start.mode, SupervisionMode.MONITOR),
        phone=check_phone("phone", start.phone),
    )
    return Supervisor(link, start.encoding)


def to_wire(pcm: bytes, encoding: pb.AudioEncoding.ValueType) -> bytes:
    """Return 20 ms of PCM16 in a session's encoding."""
    if encoding != pb.AUDIO_ENCODING_PCMU:
        return pcm
    return encode(np.frombuffer(pcm, "<i2"), Law.MU).tobytes()


def from_wire(samples: bytes, encoding: pb.AudioEncoding.ValueType) -> bytes:
    """Return a frame of a session's encoding as 20 ms of PCM16.

    Raises:
        InvalidRequestError: It is not 20 ms long.
    """
    if encoding == pb.AUDIO_ENCODING_PCMU:
        samples = decode(np.frombuffer(samples, np.uint8), Law.MU).astype("<i2").tobytes()
    if len(samples) != FRAME_OCTETS:
        raise InvalidRequestError("an audio frame is not 20 ms long", slug="invalid-frame")
    return samples


def _told(event: SupervisorEvent) -> pb.SuperviseResponse:
    message = pb.SuperviseResponse()
    match event:
        case SessionShown(view):
            message.session_state.event_time.CopyFrom(to_timestamp(time.time()))
            message.session_state.session.CopyFrom(to_session(view))
        case SessionOver(reason):
            message.session_ended.reason = reason
    return message
