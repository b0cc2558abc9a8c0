"""Recordings, and whether a call is recorded, as messages of the wire."""

from engine.actors.messages import RecordingView
from engine.compliance.recording import RecordingState
from engine.ports import RecordingRow
from gateway.convert.names import name_of
from gateway.convert.units import some_time, to_duration, to_timestamp
from gateway.pb.paceline.v1 import recordings_pb2 as pb

STATES = {
    RecordingState.OFF: pb.RECORDING_STATE_OFF,
    RecordingState.ON: pb.RECORDING_STATE_ON,
    RecordingState.PAUSED: pb.RECORDING_STATE_PAUSED,
}

CONTENT_TYPES = {"flac": "audio/flac", "wav": "audio/wav"}


def to_recording(row: RecordingRow) -> pb.Recording:
    """Return a stored recording."""
    return pb.Recording(
        name=name_of("recordings", row.recording_id),
        call=name_of("calls", row.attempt_id),
        campaign=name_of("campaigns", row.campaign_id),
        agent=name_of("agents", row.agent_id),
        start_time=to_timestamp(row.started_s),
        complete=row.complete,
        reason=row.reason,
        length=to_duration(row.length_s),
        lost=to_duration(row.lost_s),
        size_bytes=row.octets,
        sha256=row.sha256,
        delete_time=some_time(row.deleted_s),
    )


def to_call_recording(view: RecordingView) -> pb.CallRecording:
    """Return whether a call is recorded."""
    return pb.CallRecording(
        call=name_of("calls", view.attempt_id),
        state=STATES[view.state],
        reason=view.why,
        recording=name_of("recordings", view.recording_id),
    )
