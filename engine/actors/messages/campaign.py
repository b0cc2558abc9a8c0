"""What a campaign is told and asked."""

from collections.abc import Sequence

import msgspec

from engine.actors.kernel.effects import Sample
from engine.actors.kernel.ref import ReplyTo
from engine.actors.messages.adapters import FieldsRead, Journaled
from engine.actors.messages.common import Rejoin, SampleGauges
from engine.actors.messages.recording import (
    CallMonitored,
    ControlRecording,
    DescribeRecording,
    NoticeDue,
    RecorderSampled,
)
from engine.domain.e164 import E164
from engine.domain.ids import AgentId, AttemptId, LegId, ListId, RecordRef, TrunkId
from engine.domain.specs import CampaignSpec, RecordingRule
from engine.machines.campaign import CampaignPhase
from engine.ports import (
    BeepAwaited,
    LegAnalysed,
    LegAnswered,
    LegDigit,
    LegEnded,
    LegMeasured,
    LegRinging,
    OpenAttempt,
    PromptEnded,
    RunState,
)


class RunAnswer(msgspec.Struct, frozen=True):
    """What came of Start or Stop.

    Attributes:
        already: Whether the campaign was in that state.
        phase: Its phase now.
        generation: Of its run now.
    """

    already: bool
    phase: CampaignPhase
    generation: int


class Recover(msgspec.Struct, frozen=True):
    """First message of a campaign's life: what an earlier one left behind.

    Attributes:
        run: Run state as stored.
        attempts: Its attempts without an outcome.
        new_life: Whether the process is new: legs are then ended from their stored dialogs.
        open_legs: In the same life: the legs that were open when the behavior failed.
    """

    run: RunState
    attempts: Sequence[OpenAttempt]
    new_life: bool
    open_legs: frozenset[LegId] = frozenset()


class AgentLost(msgspec.Struct, frozen=True):
    """An agent's behavior failed and knows of no work; its calls go to others."""

    agent_id: AgentId


class TrunkRestarted(msgspec.Struct, frozen=True):
    """A trunk began anew: it knows of no request, and of nobody who watches it."""

    trunk_id: TrunkId


class TrunkPlaced(msgspec.Struct, frozen=True):
    """A trunk is new, or belongs to another group: who may use it from now on watches it."""

    trunk_id: TrunkId


class ConfigureCampaign(msgspec.Struct, frozen=True):
    """The campaign's settings are now these (already durable)."""

    spec: CampaignSpec


class StartCampaign(msgspec.Struct, frozen=True):
    """Start: by an operator, or by the schedule (no reply wanted)."""

    by: str
    reply_to: ReplyTo[RunAnswer] | None = None


class StopCampaign(msgspec.Struct, frozen=True):
    """Stop: no new INVITE from this instant; what is under way ends normally."""

    by: str
    reason: str = ""
    reply_to: ReplyTo[RunAnswer] | None = None


class EdgeReached(msgspec.Struct, frozen=True):
    """The next schedule edge may be due (timer)."""


class StartCalls(msgspec.Struct, frozen=True):
    """Start so many attempts now (from the pacer)."""

    count: int


class PermitsGranted(msgspec.Struct, frozen=True):
    """A trunk lets so many INVITEs leave now."""

    trunk_id: TrunkId
    count: int


class PermitsRefused(msgspec.Struct, frozen=True):
    """A trunk cannot take so many calls."""

    trunk_id: TrunkId
    count: int
    reason: str


class ReservedRecord(msgspec.Struct, frozen=True):
    """A record handed out to be attempted now, and why that is lawful.

    Attributes:
        ref: The record.
        number_index: Which of its numbers, from 0.
        number: That number.
        phone_type: Its phone type.
        zones: Every zone the person may be in.
        closes_s: When its hours close, less the end guard. [s since the epoch]
        attempts: Counted attempts on the record so far.
        number_attempts: Counted attempts by number; 255 is a stopped number.
        retries: Quick retries made in the running series.
        day: Local day number at the called place.
        verdict: Why the call is lawful, for the intent.
    """

    ref: RecordRef
    number_index: int
    number: E164
    phone_type: str
    zones: tuple[str, ...]
    closes_s: float
    attempts: int
    number_attempts: bytes
    retries: int
    day: int
    verdict: str


class CustomerMeasured(msgspec.Struct, frozen=True):
    """How the audio of a customer's leg was that has ended; its attempt may be over too."""

    attempt_id: AttemptId
    measured: LegMeasured


class RecordsReserved(msgspec.Struct, frozen=True):
    """A list handed out records; fewer than asked for when it has no more that are lawful now.

    Attributes:
        list_id: The list.
        asked: How many were asked for.
        records: Handed out.
        purpose: As in ``ReserveRecords``.
    """

    list_id: ListId
    asked: int
    records: tuple[ReservedRecord, ...]
    purpose: str = ""


class ListSampled(Sample, frozen=True):
    """How much a list has for a campaign.

    Attributes:
        list_id: The list.
        callable_now: Records that may be attempted at this instant.
        remaining: Records not final.
    """

    list_id: ListId
    callable_now: int
    remaining: int

    @property
    def sample_key(self) -> str:
        """What it is about."""
        return self.list_id


class TrunkSampled(Sample, frozen=True):
    """How a trunk stands.

    Attributes:
        trunk_id: The trunk.
        up: Whether it takes calls.
        free_channels: Channels not in use.
        reason: Why it is down, or has no channel to give though some are free; or empty.
    """

    trunk_id: TrunkId
    up: bool
    free_channels: int
    reason: str = ""

    @property
    def sample_key(self) -> str:
        """What it is about."""
        return self.trunk_id


class AgentFound(msgspec.Struct, frozen=True):
    """The router reserved an agent for a queued call."""

    attempt_id: AttemptId
    agent_id: AgentId


class AgentForPreview(msgspec.Struct, frozen=True):
    """The router reserved an agent to review a record."""

    agent_id: AgentId


class CallTaken(msgspec.Struct, frozen=True):
    """The agent's leg is up and the agent takes the call; both hear each other now.

    Attributes:
        attempt_id: The call.
        agent_id: The agent.
        leg_id: The agent's leg.
        recording: Which of the agent's calls are recorded.
    """

    attempt_id: AttemptId
    agent_id: AgentId
    leg_id: LegId
    recording: RecordingRule = RecordingRule.INHERIT


class CallDeclined(msgspec.Struct, frozen=True):
    """The agent does not take the call (rejected, too late, phone lost, no longer ready)."""

    attempt_id: AttemptId
    agent_id: AgentId
    reason: str


class AgentLeft(msgspec.Struct, frozen=True):
    """The agent's phone was lost during the call; the customer needs another agent (C4)."""

    attempt_id: AttemptId
    agent_id: AgentId
    talk_s: float
    hold_s: float


class EndCall(msgspec.Struct, frozen=True):
    """End the customer's leg of a call."""

    attempt_id: AttemptId
    by: str


class DisposeCall(msgspec.Struct, frozen=True):
    """Note what the call came to; durable before the answer.

    Attributes:
        attempt_id: The call.
        agent_id: Who says so.
        disposition: Slug.
        notes: Free text.
        callback_s: When to call again, or 0. [s since the epoch]
        callback_until_s: End of that window, or 0. [s since the epoch]
        request_id: Idempotency key, may be empty.
        reply_to: Where the answer goes.
    """

    attempt_id: AttemptId
    agent_id: AgentId
    disposition: str
    notes: str
    callback_s: float
    callback_until_s: float
    request_id: str
    reply_to: ReplyTo[None]


class WorkFinished(msgspec.Struct, frozen=True):
    """The agent's work on a call is over; the attempt closes with what disposition there is.

    Attributes:
        attempt_id: The call.
        agent_id: The agent.
        acw_s: After-call work. [s]
    """

    attempt_id: AttemptId
    agent_id: AgentId
    acw_s: float


class PreviewDecided(msgspec.Struct, frozen=True):
    """An agent decided on a previewed record.

    Attributes:
        agent_id: The agent.
        ref: The record.
        decision: ``call``, ``complete``, ``skip``, ``reject`` or ``timeout``.
        number_index: For ``call``: which number; -1: the one that was offered.
        disposition: For ``complete``: slug.
        notes: For ``complete``.
        preview_s: Time of the review. [s]
    """

    agent_id: AgentId
    ref: RecordRef
    decision: str
    number_index: int
    disposition: str
    notes: str
    preview_s: float


class UnattendedDue(msgspec.Struct, frozen=True):
    """The unattended timeout of an answered call has passed (timer)."""

    attempt_id: AttemptId


class VerdictDue(msgspec.Struct, frozen=True):
    """Call progress analysis has had its time (timer)."""

    attempt_id: AttemptId


class ToneDue(msgspec.Struct, frozen=True):
    """A machine's tone has had its time (timer)."""

    attempt_id: AttemptId


class KeyDue(msgspec.Struct, frozen=True):
    """A scenario's time for a key has passed (timer).

    Attributes:
        attempt_id: The call.
        turn: Which time for a key it was (``engine.machines.scenario.Listen``).
    """

    attempt_id: AttemptId
    turn: int


class TreatmentDue(msgspec.Struct, frozen=True):
    """A message or a scenario has had its time (timer)."""

    attempt_id: AttemptId


class CampaignView(msgspec.Struct, frozen=True):
    """A campaign's run state for people.

    Attributes:
        phase: Idle, running or stopping.
        generation: Of its run.
        effective_mode: Mode in force (predictive may run progressively).
        attempts_open: Attempts under way.
        why_idle: Why nothing is dialed now; empty when something is.
        next_edge_s: Next schedule edge, or 0. [s since the epoch]
        next_edge_starts: Whether it is a start.
        caller_ids_refused: Values of the records' field that were no numbers to show.
        trunk_hindrances: Why trunks carry nothing now: a reason, and the trunk or group.
    """

    phase: CampaignPhase
    generation: int
    effective_mode: str
    attempts_open: int
    why_idle: tuple[str, ...]
    next_edge_s: float
    next_edge_starts: bool
    caller_ids_refused: int = 0
    trunk_hindrances: tuple[tuple[str, str], ...] = ()


class DescribeCampaign(msgspec.Struct, frozen=True):
    """Tell the run state."""

    reply_to: ReplyTo[CampaignView]


CampaignMessage = (
    Recover
    | Rejoin
    | AgentLost
    | TrunkPlaced
    | TrunkRestarted
    | ConfigureCampaign
    | StartCampaign
    | StopCampaign
    | EdgeReached
    | StartCalls
    | PermitsGranted
    | PermitsRefused
    | RecordsReserved
    | ListSampled
    | TrunkSampled
    | AgentFound
    | AgentForPreview
    | CallTaken
    | CallDeclined
    | AgentLeft
    | EndCall
    | DisposeCall
    | WorkFinished
    | ControlRecording
    | CallMonitored
    | NoticeDue
    | RecorderSampled
    | DescribeRecording
    | PreviewDecided
    | UnattendedDue
    | VerdictDue
    | ToneDue
    | KeyDue
    | TreatmentDue
    | SampleGauges
    | DescribeCampaign
    | FieldsRead
    | Journaled
    | LegRinging
    | LegAnswered
    | LegEnded
    | PromptEnded
    | LegDigit
    | LegAnalysed
    | BeepAwaited
    | CustomerMeasured
)
