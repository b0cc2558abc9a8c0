"""What the adapter needs of the media client; a fake has no more to do."""

from collections.abc import Callable, Mapping
from typing import Protocol

from engine.domain.analysis import AnalysisSpec
from engine.domain.ids import LegId
from engine.telephony.audio_keys import AudioKeys
from engine.telephony.media import events as media
from engine.telephony.media.g711 import Law


class MediaSwitch(Protocol):
    """What is needed of the media client."""

    async def start(self) -> None:
        """Begin to work."""
        ...

    async def stop(self) -> None:
        """End."""
        ...

    def allocate(self, leg_id: LegId, *, learn: bool = True) -> media.Endpoint:
        """Give a leg its local endpoint."""
        ...

    def open_audio(self, leg_id: LegId) -> None:
        """Begin a leg without a phone."""
        ...

    def connect(
        self,
        leg_id: LegId,
        host: str,
        port: int,
        *,
        law: Law,
        event_type: int | None,
        sends: bool,
        learn_from: str | None,
        keys: AudioKeys | None = None,
    ) -> None:
        """Tie a leg to what was negotiated."""
        ...

    def mix(self, rows: Mapping[LegId, tuple[LegId, ...]]) -> None:
        """Say whom listeners hear."""
        ...

    def play(self, leg_id: LegId, prompt: str, *, loop: bool) -> None:
        """Play a prompt."""
        ...

    def stop_play(self, leg_id: LegId) -> None:
        """Stop what is played."""
        ...

    def analyse(self, leg_id: LegId, spec: AnalysisSpec) -> None:
        """Find out what answered a leg."""
        ...

    def await_beep(self, leg_id: LegId, limit_s: float) -> None:
        """Wait for a machine's tone."""
        ...

    def record(self, leg_id: LegId, key: int) -> None:
        """Give the recorder what a leg says and hears."""
        ...

    def pause_recording(self, leg_id: LegId, *, paused: bool) -> None:
        """Give the recorder silence in its place, or the audio again."""
        ...

    def stop_recording(self, leg_id: LegId) -> None:
        """Give the recorder nothing more."""
        ...

    def send_audio(self, leg_id: LegId, pcm: bytes) -> None:
        """Speak from an audio leg."""
        ...

    def release(self, leg_id: LegId) -> None:
        """End a leg."""
        ...


MakeMedia = Callable[
    [media.MediaSettings, Callable[[media.MediaEvent], None], Callable[[LegId, bytes], None]],
    MediaSwitch,
]
