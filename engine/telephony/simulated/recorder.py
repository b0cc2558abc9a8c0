"""The recorder's twin: how long each recording is and what became of it, without any sound."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256

from engine.domain.ids import LegId, RecordingId
from engine.ports import RecordingEnded

FINISH_S = 0.5
"""From the end of a recording until its file is complete. [s]"""
OCTETS_PER_S = 16_000
"""Two tracks of G.711. [octets/s]"""


@dataclass(slots=True)
class SimulatedRecording:
    """One recording on the simulated disk, which outlives the engine.

    Attributes:
        began_s: When it began. [s since the epoch]
        notes: What was written into it.
        kept_s: Until when it was recorded; what a crash leaves. [s since the epoch]
        paused: Whether it is paused.
        marks: Instants of pauses and resumptions. [s since the epoch]
    """

    began_s: float
    notes: Mapping[str, str]
    kept_s: float
    paused: bool = False
    marks: list[tuple[float, str]] = field(default_factory=list)


class SimulatedRecorder:
    """Records legs of one life of the engine.

    Args:
        disk: What is on the disk, of all lives.
        now: The time. [s since the epoch]
        tell_later: Tells an event after a delay [s].
    """

    def __init__(
        self,
        disk: dict[RecordingId, SimulatedRecording],
        now: Callable[[], float],
        tell_later: Callable[[float, RecordingEnded], None],
    ) -> None:
        self._disk = disk
        self._now = now
        self._tell_later = tell_later
        self._open: dict[LegId, RecordingId] = {}

    def start(self, leg_id: LegId, recording_id: RecordingId, notes: Mapping[str, str]) -> None:
        """Begin; a leg that is recorded already begins another recording."""
        self.stop(leg_id)
        now_s = self._now()
        self._disk[recording_id] = SimulatedRecording(now_s, dict(notes), now_s)
        self._open[leg_id] = recording_id

    def pause(self, leg_id: LegId, *, paused: bool) -> None:
        """Pause or go on; of a leg that is not recorded nothing comes."""
        recording_id = self._open.get(leg_id)
        if recording_id is None:
            return
        recording = self._disk[recording_id]
        if recording.paused is not paused:
            recording.paused = paused
            recording.marks.append((self._now(), "paused" if paused else "resumed"))

    def stop(self, leg_id: LegId) -> None:
        """End the recording of a leg, if there is one."""
        recording_id = self._open.pop(leg_id, None)
        if recording_id is not None:
            self._disk[recording_id].kept_s = self._now()
            self._finish(recording_id)

    def crash(self) -> None:
        """Die: what was recorded up to now is on the disk."""
        for recording_id in self._open.values():
            self._disk[recording_id].kept_s = self._now()
        self._open.clear()

    def finish(self, recording_ids: Iterable[RecordingId]) -> None:
        """Tell how recordings of earlier lives ended."""
        for recording_id in recording_ids:
            if recording_id in self._disk:
                self._finish(recording_id)
            else:
                self._tell_later(FINISH_S, RecordingEnded(recording_id, 0.0, 0, ""))

    def _finish(self, recording_id: RecordingId) -> None:
        recording = self._disk[recording_id]
        length_s = round((recording.kept_s - recording.began_s) * 50) / 50
        ended = RecordingEnded(
            recording_id,
            length_s,
            round(length_s * OCTETS_PER_S),
            sha256(f"{recording_id} {length_s:.2f}".encode()).hexdigest(),
            file_name=f"{recording_id}.simulated",
            notes=recording.notes,
        )
        self._tell_later(FINISH_S, ended)
