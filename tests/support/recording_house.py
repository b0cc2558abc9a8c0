"""A house with recordings on disk and in a store: a runtime as the shelf and the books see it."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from engine.config import EngineSettings, RecordingSettings
from engine.domain.facts import AnyFact, RecordingCompleted, RecordingStarted
from engine.domain.ids import AgentId, AttemptId, CampaignId, RecordingId
from engine.domain.specs import CampaignSpec, RecordingRule
from engine.runtime.recordings import RecordingShelf
from engine.store.memory import MemoryStore
from engine.telephony.recording.client import RecorderSetup
from engine.telephony.recording.disk import RealDisk
from engine.telephony.recording.finishing import finish
from engine.telephony.recording.live import create_live
from engine.telephony.recording.notes import LiveNotes
from engine.telephony.recording.sealing import load_key
from engine.telephony.recording.tracks import Status, silent_chunk

NOW_S = 400 * 86_400.0


class House:
    """A runtime as the shelf and the books see it."""

    def __init__(self, folder: Path) -> None:
        self.log: list[AnyFact] = []
        self.store = MemoryStore(
            lambda _delay_s, action: action(),
            lambda stored: self.log.extend(each.fact for each in stored),
        )
        self.setup = RecorderSetup(folder / "calls", folder / "key", "wav")
        self.performed: list[object] = []
        self.held: frozenset[CampaignId] = frozenset()
        self.settings = EngineSettings(recording=RecordingSettings(required=True))
        self.telephony = SimpleNamespace(perform=lambda command, _s: self.performed.append(command))
        self.gate = SimpleNamespace(hold_unrecorded=self._hold)
        self.registry = SimpleNamespace(campaigns=SimpleNamespace(refs=list))
        specs = [CampaignSpec(campaign_id=CampaignId("spring"), recording=RecordingRule.ALL),
                 CampaignSpec(campaign_id=CampaignId("autumn"))]  # fmt: skip
        self.resources = SimpleNamespace(all=lambda _kind: specs)

    def _hold(self, campaigns: frozenset[CampaignId]) -> None:
        self.held = campaigns

    def now_s(self) -> float:
        return NOW_S

    def note(self, *facts: AnyFact) -> None:
        self.store.commit(facts, lambda error: None)

    def make(
        self, number: int, began_s: float, *, complete: bool = True, campaign: str = "spring"
    ) -> RecordingId:
        """Put a recording on disk and into the store."""
        recording_id = RecordingId(f"a1-0001-{number:08x}")
        live = self.setup.folder / "day" / f"{recording_id}.live"
        live.parent.mkdir(parents=True, exist_ok=True)
        assert self.setup.key_file
        key, disk = load_key(self.setup.key_file), RealDisk()
        file = create_live(disk, live, key, LiveNotes(recording_id, began_s, 1000))
        for chunk in range(50, 55):
            file.append(silent_chunk(1, chunk, Status.KEPT))
        disk.close(file.file)
        self.note(
            RecordingStarted(
                at_s=began_s, recording_id=recording_id, attempt_id=AttemptId("a"),
                campaign_id=CampaignId(campaign), agent_id=AgentId("ann"), by="engine", reason="x",
            )
        )  # fmt: skip
        if complete:
            done = finish(disk, live, key, "wav")
            name = str(done.path.relative_to(self.setup.folder))
            self.note(
                RecordingCompleted(
                    at_s=began_s, recording_id=recording_id, length_s=2.0, octets=done.octets,
                    sha256=done.sha256, lost_s=0.0, file_name=name,
                )
            )  # fmt: skip
        return recording_id

    def files(self) -> list[str]:
        return sorted(path.name for path in self.setup.folder.glob("*/*"))

    def facts(self, kind: type[AnyFact]) -> list[Any]:
        return [fact for fact in self.log if isinstance(fact, kind)]


def shelf_of(house: House, retention_days: int = 0) -> RecordingShelf:
    # The house has what the shelf asks of a runtime, and no more.
    runtime: Callable[[], Any] = lambda: house  # noqa: E731
    return RecordingShelf(runtime, house.setup, RecordingSettings(retention_days=retention_days))
