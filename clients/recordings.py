"""Recordings over the API: found, fetched, heard, deleted; and calls recorded or not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from google.protobuf.duration_pb2 import Duration

from clients.naming import full
from gateway.pb.paceline.v1 import recordings_pb2 as pb
from gateway.pb.paceline.v1.recordings_pb2_grpc import RecordingServiceStub

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from clients.channel import Connection


class Recordings:
    """What ``RecordingService`` offers. Recordings and calls are named by id or full name."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._stub = RecordingServiceStub(connection.channel)

    async def list(
        self, *, call: str = "", campaign: str = "", agent: str = "", deleted: bool = False
    ) -> AsyncIterator[pb.Recording]:
        """Yield recordings, newest first; what is empty does not matter."""
        request = pb.ListRecordingsRequest(
            call=full("calls", call) if call else "",
            campaign=full("campaigns", campaign) if campaign else "",
            agent=full("agents", agent) if agent else "",
            show_deleted=deleted,
            page_size=500,
        )
        while True:
            page = await self._connection.call(self._stub.ListRecordings, request)
            for each in page.recordings:
                yield each
            if not page.next_page_token:
                return
            request.page_token = page.next_page_token

    async def get(self, recording: str) -> pb.Recording:
        """Return a recording's data."""
        request = pb.GetRecordingRequest(name=full("recordings", recording))
        return (await self._connection.call(self._stub.GetRecording, request)).recording

    async def delete(self, recording: str) -> pb.Recording:
        """Delete a recording for good."""
        request = pb.DeleteRecordingRequest(name=full("recordings", recording))
        return (await self._connection.call(self._stub.DeleteRecording, request)).recording

    async def download(
        self, recording: str, *, offset: int = 0
    ) -> AsyncIterator[pb.DownloadRecordingResponse]:
        """Yield the file, a WAV or FLAC, from an octet on."""
        request = pb.DownloadRecordingRequest(name=full("recordings", recording), offset=offset)
        async for piece in self._connection.stream(self._stub.DownloadRecording, request):
            yield piece

    async def play(
        self, recording: str, *, start_s: float = 0.0, speed: float = 1.0
    ) -> AsyncIterator[pb.PlayRecordingResponse]:
        """Yield the audio from an instant on, as fast as it was said times ``speed``."""
        start = Duration()
        start.FromNanoseconds(round(start_s * 1e9))
        request = pb.PlayRecordingRequest(
            name=full("recordings", recording), start=start, speed=speed
        )
        async for piece in self._connection.stream(self._stub.PlayRecording, request):
            yield piece

    async def start(self, call: str) -> pb.CallRecording:
        """Record a call from now on."""
        request = pb.StartRecordingRequest(call=full("calls", call))
        return (await self._connection.call(self._stub.StartRecording, request)).call_recording

    async def stop(self, call: str) -> pb.CallRecording:
        """Record a call no more."""
        request = pb.StopRecordingRequest(call=full("calls", call))
        return (await self._connection.call(self._stub.StopRecording, request)).call_recording

    async def pause(self, call: str) -> pb.CallRecording:
        """Keep nothing of a call for a while."""
        request = pb.PauseRecordingRequest(call=full("calls", call))
        return (await self._connection.call(self._stub.PauseRecording, request)).call_recording

    async def resume(self, call: str) -> pb.CallRecording:
        """Go on with a paused recording."""
        request = pb.ResumeRecordingRequest(call=full("calls", call))
        return (await self._connection.call(self._stub.ResumeRecording, request)).call_recording
