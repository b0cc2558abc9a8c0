"""RecordingService: recordings found, heard, fetched and deleted; and calls recorded or not."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from engine.compliance.recording import RecordingAction
from engine.domain.refusals import InvalidRequestError, UnavailableError
from engine.ports import RecordingQuery
from engine.telephony.recording.disk import UNUSABLE
from gateway.access import scope_of
from gateway.convert import names
from gateway.convert.recordings import CONTENT_TYPES, to_call_recording, to_recording
from gateway.convert.units import from_duration, from_timestamp, is_set, to_duration
from gateway.identity import caller_of
from gateway.paging import decode_token, encode_token, size_of
from gateway.pb.paceline.v1 import recordings_pb2 as pb
from gateway.pb.paceline.v1 import recordings_pb2_grpc

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from engine.runtime import Campaigns
    from engine.runtime.recordings import RecordingShelf
    from engine.telephony.recording.library import Reading
    from gateway.interceptors import Context

PIECE_OCTETS = 256 << 10
"""Octets of a file in one message."""
PIECE_S = 0.1
"""Length of a piece of audio if none is asked for. [s]"""
AHEAD_S = 1.0
"""A player is given so much at once. [s]"""


class RecordingService(recordings_pb2_grpc.RecordingServiceServicer):
    """Keeps recordings of calls."""

    def __init__(self, shelf: RecordingShelf, campaigns: Campaigns) -> None:
        self._shelf = shelf
        self._campaigns = campaigns

    async def ListRecordings(
        self, request: pb.ListRecordingsRequest, context: Context
    ) -> pb.ListRecordingsResponse:
        size = size_of(request.page_size)
        query = RecordingQuery(
            attempt_id=names.attempt_id(request.call) if request.call else "",
            campaign_id=names.campaign_id(request.campaign) if request.campaign else "",
            agent_id=names.agent_id(request.agent) if request.agent else "",
            from_s=from_timestamp(request.start_time) if is_set(request, "start_time") else 0.0,
            until_s=from_timestamp(request.end_time) if is_set(request, "end_time") else 0.0,
            deleted=request.show_deleted,
            before=decode_token(request.page_token),
            limit=size + 1,
            campaigns=scope_of().campaigns,
        )
        rows = await self._shelf.find(query)
        following = encode_token(rows[size - 1].recording_id) if len(rows) > size else ""
        return pb.ListRecordingsResponse(
            recordings=[to_recording(row) for row in rows[:size]], next_page_token=following
        )

    async def GetRecording(
        self, request: pb.GetRecordingRequest, context: Context
    ) -> pb.GetRecordingResponse:
        recording_id = names.recording_id(request.name)
        row = await self._shelf.get(recording_id, scope_of().campaigns)
        return pb.GetRecordingResponse(recording=to_recording(row))

    async def DeleteRecording(
        self, request: pb.DeleteRecordingRequest, context: Context
    ) -> pb.DeleteRecordingResponse:
        recording_id = names.recording_id(request.name)
        row = await self._shelf.delete(
            recording_id, by=caller_of(context), campaigns=scope_of().campaigns
        )
        return pb.DeleteRecordingResponse(recording=to_recording(row))

    async def DownloadRecording(
        self, request: pb.DownloadRecordingRequest, context: Context
    ) -> AsyncIterator[pb.DownloadRecordingResponse]:
        reading = await self._shelf.open(
            names.recording_id(request.name),
            by=caller_of(context),
            how="download",
            campaigns=scope_of().campaigns,
        )
        try:
            if request.offset > reading.size:
                raise InvalidRequestError("the file is shorter than that", slug="invalid-offset")
            at, content_type = request.offset, CONTENT_TYPES[reading.summary.form]
            while content_type or at < reading.size:
                content = await asyncio.to_thread(_piece, reading, at)
                yield pb.DownloadRecordingResponse(
                    content=content, offset=at, total_bytes=reading.size, content_type=content_type
                )
                at, content_type = at + len(content), ""
        finally:
            reading.close()

    async def PlayRecording(
        self, request: pb.PlayRecordingRequest, context: Context
    ) -> AsyncIterator[pb.PlayRecordingResponse]:
        start_s = from_duration(request.start)
        piece_s = from_duration(request.piece) if is_set(request, "piece") else PIECE_S
        reading = await self._shelf.open(
            names.recording_id(request.name),
            by=caller_of(context),
            how="play",
            from_s=start_s,
            campaigns=scope_of().campaigns,
        )
        try:
            pieces = _pieces(reading, round(start_s * 1000), round(piece_s * 1000))
            speed, begun_s, at_s = request.speed or 1.0, time.monotonic(), start_s
            while samples := await asyncio.to_thread(next, pieces, b""):
                yield pb.PlayRecordingResponse(samples=samples, position=to_duration(at_s))
                at_s += len(samples) / 32_000
                due_s = begun_s + (at_s - start_s - AHEAD_S) / speed
                await asyncio.sleep(max(0.0, due_s - time.monotonic()))
        finally:
            reading.close()

    async def StartRecording(
        self, request: pb.StartRecordingRequest, context: Context
    ) -> pb.StartRecordingResponse:
        told = await self._control(request.call, RecordingAction.START, context)
        return pb.StartRecordingResponse(call_recording=told)

    async def StopRecording(
        self, request: pb.StopRecordingRequest, context: Context
    ) -> pb.StopRecordingResponse:
        told = await self._control(request.call, RecordingAction.STOP, context)
        return pb.StopRecordingResponse(call_recording=told)

    async def PauseRecording(
        self, request: pb.PauseRecordingRequest, context: Context
    ) -> pb.PauseRecordingResponse:
        told = await self._control(request.call, RecordingAction.PAUSE, context)
        return pb.PauseRecordingResponse(call_recording=told)

    async def ResumeRecording(
        self, request: pb.ResumeRecordingRequest, context: Context
    ) -> pb.ResumeRecordingResponse:
        told = await self._control(request.call, RecordingAction.RESUME, context)
        return pb.ResumeRecordingResponse(call_recording=told)

    async def _control(
        self, call: str, action: RecordingAction, context: Context
    ) -> pb.CallRecording:
        attempt_id = names.attempt_id(call)
        view = await self._campaigns.control_recording(
            attempt_id, action, by=caller_of(context), campaigns=scope_of().campaigns
        )
        return to_call_recording(view)


def _piece(reading: Reading, at: int) -> bytes:
    try:
        return reading.read(at, PIECE_OCTETS)
    except UNUSABLE as error:
        raise _unreadable(error) from error


def _pieces(reading: Reading, start_ms: int, piece_ms: int) -> Iterator[bytes]:
    try:
        for block in reading.pcm(start_ms, piece_ms):
            yield block.astype("<i2").tobytes()
    except UNUSABLE as error:
        raise _unreadable(error) from error


def _unreadable(error: Exception) -> UnavailableError:
    return UnavailableError(f"the recording cannot be read: {error}", slug="recording-unreadable")
