"""What the engine needs of the world: telephony, a store, and answers it may ask for in place.

Every port has a real adapter and a simulated twin with faults; the engine between them is the same
code. Commands are plain values which behaviors return inside a ``Do`` effect; what comes of them
arrives as events. No method here blocks, and none raises for what the network did.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

import msgspec

from engine.domain.analysis import AnalysisSpec, Verdict
from engine.domain.causes import Cause
from engine.domain.e164 import E164
from engine.domain.facts import AnyFact
from engine.domain.ids import AgentId, AttemptId, CampaignId, LegId, ListId, RecordingId, TrunkId
from engine.domain.refusals import JournalError
from engine.domain.specs import AgentSpec, TrunkSpec

# --- telephony: commands -------------------------------------------------------------------


class PlaceCall(msgspec.Struct, frozen=True):
    """Call a party over a trunk. The gate is asked again as the INVITE leaves.

    Attributes:
        leg_id: The new leg; Call-ID and branch follow from it (``Telephony.identify``).
        attempt_id: Whose leg it is.
        campaign_id: Whose attempt it is.
        generation: The campaign's run generation that allows it.
        number: Number to call.
        caller_id: Number to show.
        caller_name: Name to show, may be empty.
        trunk_id: Trunk to call over.
        no_answer_s: Ring time before CANCEL. [s]
        licence: Zones and hours the number may be called in; the gate's question.
    """

    leg_id: LegId
    attempt_id: AttemptId
    campaign_id: CampaignId
    generation: int
    number: E164
    caller_id: E164
    caller_name: str
    trunk_id: TrunkId
    no_answer_s: float
    licence: "Licence"


class Licence(msgspec.Struct, frozen=True):
    """What made a number lawful to call, so that it can be asked again at the last instant.

    Attributes:
        number: The number.
        zones: Every IANA zone the called party may be in.
        phone_type: Phone type of the number.
        closes_s: Instant at which calling hours (less the end guard) close. [s since the epoch]
    """

    number: E164
    zones: tuple[str, ...]
    phone_type: str
    closes_s: float


class CallPhone(msgspec.Struct, frozen=True):
    """Call an agent's phone.

    Attributes:
        leg_id: The new leg.
        agent_id: The agent; a registered phone is found under this id.
        address: Fixed SIP URI; empty: the registered phone.
        no_answer_s: Ring time before CANCEL. [s]
        caller_id: What the phone shows.
    """

    leg_id: LegId
    agent_id: AgentId
    address: str
    no_answer_s: float
    caller_id: str = "paceline"


class OpenAudioLeg(msgspec.Struct, frozen=True):
    """Open a leg without a phone, whose audio comes and goes through ``Telephony.send_audio``.

    It is answered at once; it hears what ``SetMix`` gives it, 20 ms frames of PCM16 at 8 kHz.
    """

    leg_id: LegId


class HangUp(msgspec.Struct, frozen=True):
    """End a leg in whatever state it is: CANCEL or BYE. ``LegEnded`` follows, with this cause."""

    leg_id: LegId
    cause: Cause


class SetMix(msgspec.Struct, frozen=True):
    """Say who hears whom, for some listeners at once, from the next tick on.

    Attributes:
        rows: For each listener named, the sources it hears (others are left as they are).
    """

    rows: Mapping[LegId, tuple[LegId, ...]]


class PlayPrompt(msgspec.Struct, frozen=True):
    """Play a prompt to a leg, mixed with what it hears; ``PromptEnded`` follows unless looped.

    Attributes:
        leg_id: Who hears it.
        prompt: A built-in name (``ringback``, ``hold-music``, ``beep``, ``comfort-noise``) or the
            path of a WAV file.
        loop: Whether it repeats until stopped.
    """

    leg_id: LegId
    prompt: str
    loop: bool = False


class StopPrompt(msgspec.Struct, frozen=True):
    """Stop what is played to a leg."""

    leg_id: LegId


class AnalyseLeg(msgspec.Struct, frozen=True):
    """Listen to an answered leg; one ``LegAnalysed`` follows, unless the leg ends before.

    A leg is listened to for one thing at a time: a later ``AnalyseLeg`` or ``AwaitBeep`` replaces
    what is still open, and nothing comes of that.
    """

    leg_id: LegId
    spec: AnalysisSpec


class AwaitBeep(msgspec.Struct, frozen=True):
    """Listen for a machine's tone; one ``BeepAwaited`` follows, unless the leg ends before."""

    leg_id: LegId
    limit_s: float


class StartRecording(msgspec.Struct, frozen=True):
    """Record a leg on two tracks: what its far end says, and what it hears.

    Prompts and everybody joined are heard; who only coaches an agent is not.

    Attributes:
        leg_id: The customer's leg.
        recording_id: Name of the recording, never used before.
        notes: Written into the recording beside the audio; no secrets.
    """

    leg_id: LegId
    recording_id: RecordingId
    notes: Mapping[str, str]


class PauseRecording(msgspec.Struct, frozen=True):
    """From the next packet on nothing of the leg's audio is kept; time goes on as silence."""

    leg_id: LegId


class ResumeRecording(msgspec.Struct, frozen=True):
    """Keep a paused leg's audio again."""

    leg_id: LegId


class StopRecording(msgspec.Struct, frozen=True):
    """End the recording of a leg; the end of the leg does the same. ``RecordingEnded`` follows."""

    leg_id: LegId


class FinishRecordings(msgspec.Struct, frozen=True):
    """Complete what earlier lives left unfinished; ``RecordingEnded`` follows for each.

    What is found on disk beside these is completed too, and told with its notes.

    Attributes:
        recording_ids: Recordings known to have begun and not to have ended.
    """

    recording_ids: tuple[RecordingId, ...]


class EndOldLeg(msgspec.Struct, frozen=True):
    """End a leg of an earlier life of the engine (RFC 3261 §9.1, §15.1).

    Attributes:
        leg_id: The leg.
        dialog: What ``LegAnswered`` gave for it; empty if it was not answered: then Call-ID,
            branch and tag follow from ``leg_id`` and CANCEL goes to ``target``.
        target: Number, or SIP URI of an agent's phone, that was called.
        trunk_id: Trunk it went over; empty for an agent's phone.
    """

    leg_id: LegId
    dialog: bytes
    target: str
    trunk_id: TrunkId = TrunkId("")


class SetTrunk(msgspec.Struct, frozen=True):
    """Add or replace a trunk; OPTIONS keep-alives begin."""

    spec: TrunkSpec


class DropTrunk(msgspec.Struct, frozen=True):
    """Forget a trunk; its open legs go on."""

    trunk_id: TrunkId


class SetPhone(msgspec.Struct, frozen=True):
    """Let an agent's phone register under the agent's id with its password."""

    spec: AgentSpec


class DropPhone(msgspec.Struct, frozen=True):
    """No longer let an agent's phone register."""

    agent_id: AgentId


TelephonyCommand = (
    PlaceCall
    | CallPhone
    | OpenAudioLeg
    | HangUp
    | SetMix
    | PlayPrompt
    | StopPrompt
    | AnalyseLeg
    | AwaitBeep
    | StartRecording
    | PauseRecording
    | ResumeRecording
    | StopRecording
    | FinishRecordings
    | EndOldLeg
    | SetTrunk
    | DropTrunk
    | SetPhone
    | DropPhone
)

# --- telephony: events ---------------------------------------------------------------------


class LegRinging(msgspec.Struct, frozen=True):
    """The far end rings (180, or 183 with early media)."""

    leg_id: LegId


class LegAnswered(msgspec.Struct, frozen=True):
    """The far end answered; ``dialog`` is what BYE needs from a later life of the engine."""

    leg_id: LegId
    dialog: bytes


class LegMoved(msgspec.Struct, frozen=True):
    """An answered leg's far end went elsewhere; ``dialog`` replaces that of ``LegAnswered``."""

    leg_id: LegId
    dialog: bytes


class LegEnded(msgspec.Struct, frozen=True):
    """A leg is over; nothing more comes of it. Every leg opened gets exactly one.

    Attributes:
        leg_id: The leg.
        cause: Why.
        sip_status: Final status of the INVITE when it was refused, else 0.
        retry_after_s: Retry-After of a 503, else 0. [s]
        q850: Q.850 cause that the far end gave (RFC 3326), 0 if it gave none.
    """

    leg_id: LegId
    cause: Cause
    sip_status: int = 0
    retry_after_s: float = 0.0
    q850: int = 0


class PromptEnded(msgspec.Struct, frozen=True):
    """A prompt is over.

    Attributes:
        leg_id: The leg.
        heard: Whether it was heard to its end; False: it cannot be played.
    """

    leg_id: LegId
    heard: bool = True


class LegDigit(msgspec.Struct, frozen=True):
    """A digit was pressed (RFC 4733)."""

    leg_id: LegId
    digit: str


class LegAnalysed(msgspec.Struct, frozen=True):
    """What an answered leg turned out to be.

    Attributes:
        leg_id: The leg.
        verdict: Who or what answered.
        after_s: Time from the beginning of the analysis to the verdict. [s]
        reason: What it was judged by, in few words.
    """

    leg_id: LegId
    verdict: Verdict
    after_s: float
    reason: str


class BeepAwaited(msgspec.Struct, frozen=True):
    """A machine's tone is over, or did not come within the limit."""

    leg_id: LegId
    heard: bool


class LegMeasured(msgspec.Struct, frozen=True):
    """How the audio of a leg was, told soon after its end (RFC 3550 §6.4).

    Nothing is told of a leg without any audio, nor by a twin without packets. Where the switch died
    meanwhile, the figures are those since.

    Attributes:
        leg_id: The leg.
        received: RTP packets that came. [packets]
        lost: Of those expected, packets that did not come. [packets]
        jitter_ms: Interarrival jitter. [ms]
        sent: RTP packets we sent. [packets]
        far_lost: Packets of ours that the far end reports lost. [packets]
        far_jitter_ms: Jitter that the far end reports. [ms]
        round_trip_ms: Round trip by RTCP; 0: the far end reports nothing. [ms]
    """

    leg_id: LegId
    received: int
    lost: int
    jitter_ms: float
    sent: int
    far_lost: int
    far_jitter_ms: float
    round_trip_ms: float


class RecordingEnded(msgspec.Struct, frozen=True):
    """A recording is complete on disk.

    Attributes:
        recording_id: The recording.
        length_s: How long it is. [s]
        octets: Size of its file. [bytes]
        sha256: Of its file, in hex; empty: there is no file.
        lost_s: How much of it could not be kept. [s]
        file_name: Name of its file in the recordings' folder; empty: there is no file.
        notes: As given when it began, where they are still known.
    """

    recording_id: RecordingId
    length_s: float
    octets: int
    sha256: str
    lost_s: float = 0.0
    file_name: str = ""
    notes: Mapping[str, str] = msgspec.field(default_factory=dict)


class RecorderFailed(msgspec.Struct, frozen=True):
    """Nothing can be recorded (disk full, I/O error); calls go on."""

    reason: str


class RecorderRestored(msgspec.Struct, frozen=True):
    """Recording works again."""


RecorderEvent = RecordingEnded | RecorderFailed | RecorderRestored

LegEvent = LegRinging | LegAnswered | LegEnded | PromptEnded | LegDigit | LegAnalysed | BeepAwaited


class TrunkReached(msgspec.Struct, frozen=True):
    """The trunk answers OPTIONS (again)."""

    trunk_id: TrunkId


class TrunkLost(msgspec.Struct, frozen=True):
    """The trunk no longer answers OPTIONS."""

    trunk_id: TrunkId
    reason: str


TrunkEvent = TrunkReached | TrunkLost


class PhoneRegistered(msgspec.Struct, frozen=True):
    """An agent's phone registered."""

    agent_id: AgentId


class PhoneUnregistered(msgspec.Struct, frozen=True):
    """An agent's phone is no longer registered."""

    agent_id: AgentId


PhoneEvent = PhoneRegistered | PhoneUnregistered
TelephonyEvent = LegEvent | LegMoved | LegMeasured | TrunkEvent | PhoneEvent | RecorderEvent


class DialogSeed(msgspec.Struct, frozen=True):
    """How an INVITE not yet sent will be known on the wire.

    Attributes:
        call_id: Its Call-ID.
        branch: Its Via branch.
    """

    call_id: str
    branch: str


class Telephony(Protocol):
    """Places and ends legs, and says what became of them. Events come by the sink it was given.

    The adapter is constructed with ``sink: Callable[[TelephonyEvent], None]``, ``gate: Gate`` and
    ``on_audio: Callable[[LegId, bytes], None]`` (frames of audio legs).
    """

    def identify(self, leg_id: LegId) -> DialogSeed:
        """Return Call-ID and branch that an INVITE for ``leg_id`` will carry; a pure function."""
        ...

    def perform(self, command: TelephonyCommand, now_s: float) -> None:
        """Carry out a command; what comes of it arrives as events."""
        ...

    def send_audio(self, leg_id: LegId, pcm: bytes) -> None:
        """Speak 20 ms of PCM16 at 8 kHz (320 octets) from an audio leg."""
        ...


class Gate(Protocol):
    """Says, at the instant an INVITE would leave, whether it may (``compliance/gate.py``)."""

    def may_leave(self, call: PlaceCall, now_s: float) -> str | None:
        """Return None when the INVITE may leave, else the slug of the reason why not."""
        ...


# --- store ---------------------------------------------------------------------------------


class StoredFact(msgspec.Struct, frozen=True):
    """A fact with its place in the log, from 1 without gaps."""

    sequence: int
    fact: AnyFact


class StateRow(msgspec.Struct, frozen=True, array_like=True):
    """A row of a state table: made and replaced for each fact, and stored as an array."""


class OpenAttempt(StateRow, frozen=True, array_like=True):
    """An attempt without an outcome, found at a start.

    Attributes:
        attempt_id: The attempt.
        campaign_id: Whose.
        list_id: List of its record.
        row: Row of its record.
        number_index: Which number.
        number: The number.
        leg_id: Its last leg.
        trunk_id: Trunk of that leg.
        call_id: Call-ID of that leg.
        branch: Branch of that leg's INVITE.
        dialog: Dialog of the answered leg, else empty.
        disposition: Slug an agent had set, else empty.
        agent_id: Agent connected, else empty.
        callback_s: Callback an agent had set, else 0. [s since the epoch]
        retry: Whether it was a quick retry.
        connected: Whether an agent had the call.
        machine: Whether analysis found that no person had answered.
    """

    attempt_id: AttemptId
    campaign_id: CampaignId
    list_id: ListId
    row: int
    number_index: int
    number: str
    leg_id: LegId
    trunk_id: TrunkId
    call_id: str
    branch: str
    dialog: bytes
    disposition: str
    agent_id: AgentId
    callback_s: float
    retry: bool
    connected: bool
    machine: bool = False


class OpenAgentLeg(StateRow, frozen=True, array_like=True):
    """An agent's leg that had not ended, found at a start."""

    leg_id: LegId
    agent_id: AgentId
    call_id: str
    branch: str
    dialog: bytes


class RunState(StateRow, frozen=True, array_like=True):
    """A campaign's run state as stored: running, generation, and edges done so far."""

    running: bool
    generation: int
    edges_done_s: float


class RecordingRow(StateRow, frozen=True, array_like=True):
    """A recording as the store keeps it; the order of fields is that of the stored array.

    Attributes:
        recording_id: The recording.
        attempt_id: The call.
        campaign_id: Whose.
        agent_id: Agent who had it when it began, may be empty.
        started_s: When it began. [s since the epoch]
        complete: Whether its end is known.
        reason: What decided that it is recorded.
        length_s: Its length. [s]
        octets: Size of its file. [bytes]
        sha256: Of its file, in hex; empty: there is no file.
        lost_s: How much of it could not be kept. [s]
        file_name: Name of its file in the folder of recordings.
        deleted_s: When it was deleted, 0: it was not. [s since the epoch]
    """

    recording_id: RecordingId
    attempt_id: AttemptId
    campaign_id: CampaignId
    agent_id: AgentId
    started_s: float
    complete: bool = False
    reason: str = ""
    length_s: float = 0.0
    octets: int = 0
    sha256: str = ""
    lost_s: float = 0.0
    file_name: str = ""
    deleted_s: float = 0.0


class RecordingQuery(msgspec.Struct, frozen=True):
    """Which recordings are asked for; what is empty does not matter.

    Attributes:
        recording_id: This one.
        attempt_id: Of this call.
        campaign_id: Of this campaign.
        campaigns: Of one of these; None: does not matter.
        agent_id: Of this agent.
        from_s: Not begun before. [s since the epoch]
        until_s: Begun before; 0: does not matter. [s since the epoch]
        deleted: Whether deleted ones are wanted too.
        deleted_from_s: Deleted then or later. [s since the epoch]
        before: Only those listed after this one: the place in the list, newest first.
        limit: At most so many.
    """

    recording_id: str = ""
    attempt_id: str = ""
    campaign_id: str = ""
    agent_id: str = ""
    from_s: float = 0.0
    until_s: float = 0.0
    deleted: bool = False
    deleted_from_s: float = 0.0
    before: str = ""
    limit: int = 100
    campaigns: frozenset[str] | None = None

    def wants(self, row: RecordingRow) -> bool:
        """Say whether a recording is asked for, its place in the list aside."""
        return (
            self.recording_id in ("", row.recording_id)
            and self.attempt_id in ("", row.attempt_id)
            and self.campaign_id in ("", row.campaign_id)
            and (self.campaigns is None or row.campaign_id in self.campaigns)
            and self.agent_id in ("", row.agent_id)
            and self.from_s <= row.started_s
            and (not self.until_s or row.started_s < self.until_s)
            and (self.deleted or not row.deleted_s)
            and self.deleted_from_s <= row.deleted_s
        )


class RecordState(StateRow, frozen=True, array_like=True):
    """A touched record's standing in one campaign.

    Attributes:
        campaign_id: The campaign.
        list_id: The list.
        row: The row.
        phase: Slug of ``RecordPhase``; a record found in progress counts as its attempt's outcome.
        attempts: Counted attempts on the record.
        number_attempts: Counted attempts by number, one octet each (255 means stopped).
        retries: Quick retries in the running series.
        next_s: Not before. [s since the epoch]
        day: Local day number of the last attempt, and
        day_attempts: attempts on it.
        disposition: Slug of the last disposition.
        retry_index: Which number the running series is on; -1: there is none, or it is not known.
    """

    campaign_id: CampaignId
    list_id: ListId
    row: int
    phase: str
    attempts: int
    number_attempts: bytes
    retries: int
    next_s: float
    day: int
    day_attempts: int
    disposition: str
    retry_index: int = -1


class ImportBatch(msgspec.Struct, frozen=True):
    """Records of one batch, as they are stored and loaded: columns and custom fields.

    Attributes:
        list_id: The list.
        import_id: The import.
        batch: Position in the import, from 0.
        first_row: Row of the first record.
        count: Records in it. [records]
        columns: Numpy columns as one self-describing blob (``engine.lists.columns``).
        extras: Per record a msgpack map of name and custom fields, one blob each, length count.
        rejected: Lines refused, as (line, reason).
        source_lines: Lines of the source consumed so far.
    """

    list_id: ListId
    import_id: str
    batch: int
    first_row: int
    count: int
    columns: bytes
    extras: Sequence[bytes]
    rejected: Sequence[tuple[int, str]]
    source_lines: int


class StoredState(msgspec.Struct, frozen=True):
    """Everything a start needs.

    Attributes:
        epoch: Of this life; already durable.
        last_sequence: Of the log.
        resources: (kind, id, spec in msgpack).
        runs: Run state by campaign.
        open_attempts: Attempts without outcome.
        open_agent_legs: Agents' legs without end.
        dnc: The internal do-not-call list.
        pacing: Learned laws by campaign, opaque.
        open_recordings: Recordings whose end is not known.
    """

    epoch: int
    last_sequence: int
    resources: Sequence[tuple[str, str, bytes]]
    runs: Mapping[CampaignId, RunState]
    open_attempts: Sequence[OpenAttempt]
    open_agent_legs: Sequence[OpenAgentLeg]
    dnc: Sequence[str]
    pacing: Mapping[CampaignId, bytes] = msgspec.field(default_factory=dict)
    open_recordings: Sequence[RecordingRow] = ()


Committed = Callable[[JournalError | None], None]


class Store(Protocol):
    """Keeps facts and the state that follows from them; acknowledged means durable.

    Constructed with ``on_committed: Callable[[Sequence[StoredFact]], None]``, called on the
    engine's thread for every durable group, in order, before the ``done`` of its commits.
    All callbacks come later on the engine's thread, never from inside the call.
    """

    def commit(self, facts: Sequence[AnyFact], done: Committed) -> None:
        """Make facts durable, all or none, in order of the calls, state included."""
        ...

    def commit_batch(self, batch: ImportBatch, at_s: float, done: Committed) -> None:
        """Make an import batch and its ``RecordsImported`` durable; a repeat changes nothing."""
        ...

    def read(self, after: int, limit: int, done: Callable[[Sequence[StoredFact]], None]) -> None:
        """Read durable facts with a sequence above ``after``, at most ``limit``."""
        ...

    def read_extras(self, list_id: ListId, row: int, done: Callable[[bytes | None], None]) -> None:
        """Read one record's name and custom fields (msgpack map)."""
        ...

    def read_field(
        self,
        list_id: ListId,
        rows: Sequence[int],
        field: str,
        done: Callable[[Sequence[str]], None],
    ) -> None:
        """Read one custom field of records, in the order of the rows; empty where it is not."""
        ...

    def find_recordings(
        self, query: RecordingQuery, done: Callable[[Sequence[RecordingRow]], None]
    ) -> None:
        """Read recordings, newest first."""
        ...

    def load_batches(self, list_id: ListId) -> Sequence[ImportBatch]:
        """Return a list's batches in row order, extras left out; blocks, for starts only."""
        ...

    def load_records(self, list_id: ListId) -> Sequence[RecordState]:
        """Return the touched records of a list over all campaigns; blocks, for starts only."""
        ...

    def save_pacing(self, laws: Mapping[CampaignId, bytes]) -> None:
        """Keep learned laws; the last ones win, loss of the newest is harmless."""
        ...
