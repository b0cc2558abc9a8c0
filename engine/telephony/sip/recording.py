"""Which leg is recorded as what: one recording a leg, told to the switch and to the recorder."""

from collections.abc import Callable, Mapping
from typing import Protocol, assert_never

from engine.domain.ids import LegId, RecordingId
from engine.ports import (
    FinishRecordings,
    PauseRecording,
    RecorderEvent,
    RecorderFailed,
    RecordingEnded,
    ResumeRecording,
    StartRecording,
    StopRecording,
)

RecordingCommand = (
    StartRecording | PauseRecording | ResumeRecording | StopRecording | FinishRecordings
)


class CallRecorder(Protocol):
    """The recorder as telephony needs it; it tells ``RecorderEvent`` to a sink of its own."""

    @property
    def rings(self) -> tuple[int, ...]:
        """Descriptors of the shared memory that switches write frames into, one each."""
        ...

    async def start(self, sink: Callable[[RecorderEvent], None]) -> None:
        """Begin to work."""
        ...

    async def stop(self) -> None:
        """Write down what there is, and end."""
        ...

    def open(self, recording_id: RecordingId, notes: Mapping[str, str]) -> int:
        """Begin a recording; returns the key that its frames carry."""
        ...

    def close(self, key: int) -> None:
        """End a recording; ``RecordingEnded`` follows."""
        ...

    def finish(self, recording_ids: tuple[RecordingId, ...]) -> None:
        """Complete what earlier lives left."""
        ...


class TappedMedia(Protocol):
    """What is needed of the media client."""

    def record(self, leg_id: LegId, key: int) -> None:
        """Give the recorder what a leg says and hears, from the next tick on."""
        ...

    def pause_recording(self, leg_id: LegId, *, paused: bool) -> None:
        """Give the recorder silence in its place, or the audio again."""
        ...

    def stop_recording(self, leg_id: LegId) -> None:
        """Give the recorder nothing more."""
        ...


class LegRecordings:
    """The recordings of the legs there are.

    Args:
        media: Where the audio is.
        recorder: Where it is kept; None: nothing can be recorded.
        tell: Takes events.
    """

    def __init__(
        self,
        media: TappedMedia,
        recorder: CallRecorder | None,
        tell: Callable[[RecorderEvent], None],
    ) -> None:
        self._media = media
        self._recorder = recorder
        self._tell = tell
        self._keys: dict[LegId, int] = {}
        self._refused = False

    def perform(self, command: RecordingCommand, *, leg_open: bool) -> None:
        """Carry out a command.

        Args:
            command: What is wanted.
            leg_open: Whether there is such a leg; a command may cross with its end.
        """
        match command:
            case StartRecording(leg_id, recording_id, notes):
                self._start(leg_id, recording_id, notes, leg_open=leg_open)
            case PauseRecording(leg_id) | ResumeRecording(leg_id):
                if leg_id in self._keys:
                    paused = isinstance(command, PauseRecording)
                    self._media.pause_recording(leg_id, paused=paused)
            case StopRecording(leg_id):
                self.end(leg_id)
            case FinishRecordings(recording_ids):
                self._finish(recording_ids)
            case _:
                assert_never(command)

    def end(self, leg_id: LegId) -> None:
        """End the recording of a leg, if it has one; the leg may be going."""
        key = self._keys.pop(leg_id, None)
        if key is not None and self._recorder is not None:
            self._media.stop_recording(leg_id)
            self._recorder.close(key)

    def _start(
        self, leg_id: LegId, recording_id: RecordingId, notes: Mapping[str, str], *, leg_open: bool
    ) -> None:
        self.end(leg_id)
        if not leg_open or self._recorder is None:
            self._finish((recording_id,))
            return
        # The recorder is told first: it knows every key before frames carry it.
        key = self._keys[leg_id] = self._recorder.open(recording_id, notes)
        self._media.record(leg_id, key)

    def _finish(self, recording_ids: tuple[RecordingId, ...]) -> None:
        if self._recorder is not None:
            self._recorder.finish(recording_ids)
            return
        for recording_id in recording_ids:
            self._tell(RecordingEnded(recording_id, 0.0, 0, ""))
        if recording_ids and not self._refused:
            self._refused = True
            self._tell(RecorderFailed("no folder for recordings is set"))
