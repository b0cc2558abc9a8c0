"""How recordings are set up: where they lie, with which key, and what the centre's rule is."""

from pathlib import Path

from engine.compliance.recording import RecordingPolicy
from engine.config import EngineSettings, RecordingSettings
from engine.domain.refusals import InvalidRequestError
from engine.domain.specs import RecordingRule
from engine.telephony.media.pool import switches_of
from engine.telephony.recording.client import RecorderClient, RecorderSetup
from engine.telephony.recording.disk import UNUSABLE
from engine.telephony.recording.sealing import load_key


def policy_of(settings: RecordingSettings) -> RecordingPolicy:
    """Return what the contact centre says of recording."""
    return RecordingPolicy(
        RecordingRule(settings.record), settings.during_monitoring, settings.required
    )


def setup_of(settings: EngineSettings) -> RecorderSetup | None:
    """Return how the recorder is set up; None: there is no folder that would outlive the engine."""
    wanted = settings.recording
    kind, _, rest = settings.store.url.partition(":")
    store = Path(rest.removeprefix("//")).expanduser() if kind == "sqlite" else None
    if not wanted.directory and store is None:
        return None
    beside = store or Path(wanted.directory).expanduser()
    folder = Path(wanted.directory).expanduser() if wanted.directory else None
    key_file = Path(wanted.key_file).expanduser() if wanted.key_file else None
    return RecorderSetup(
        folder=(folder or beside.with_suffix(".recordings")).absolute(),
        key_file=(key_file or beside.with_suffix(".recording-key")).absolute()
        if wanted.encrypt
        else None,
        form=wanted.format,
        ring_octets=wanted.memory_mb << 20,
        rings=switches_of(settings.sip.media_processes),
    )


def prepare(setup: RecorderSetup) -> None:
    """Make folder and key, so that what is wrong with them is told at the start, not in a call.

    Raises:
        InvalidRequestError: Nothing could be recorded with these settings.
    """
    try:
        setup.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if setup.key_file is not None:
            load_key(setup.key_file)
    except UNUSABLE as error:
        raise InvalidRequestError(f"recording: {error}", slug="invalid-config") from error


def make_recorder(setup: RecorderSetup | None) -> RecorderClient | None:
    """Return the recorder, None where nothing could be kept."""
    return RecorderClient(setup) if setup is not None else None
