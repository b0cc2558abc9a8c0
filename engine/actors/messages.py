"""What actors say to each other, grouped by receiver: a receiver's union is its whole interface.

Commands are imperative, facts are past participles, questions are ``Describe…`` or ``Explain…``.
Telephony's events (``engine.ports``) arrive as they are.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from engine.actors.kernel.effects import Sample
from engine.actors.kernel.ref import Ref, ReplyTo
from engine.domain.e164 import E164
from engine.domain.facts import AnyFact, RecordPhase
from engine.domain.ids import (
    AgentId,
    AttemptId,
    CampaignId,
    LegId,
    ListId,
    RecordRef,
    SessionId,
    SupervisorId,
    TeamId,
    TrunkId,
)
from engine.domain.refusals import DialerError, JournalError
from engine.domain.specs import AgentSpec, CampaignSpec, ListSpec, TrunkSpec
from engine.machines.agent import AgentPhase, AgentState
from engine.machines.campaign import CampaignPhase
from engine.machines.mix import SupervisionMode
from engine.ports import (
    ImportBatch,
    LegAnswered,
    LegDigit,
    LegEnded,
    LegRinging,
    OpenAttempt,
    PromptEnded,
    RunState,
    TrunkLost,
    TrunkReached,
)

# --- said to adapters, inside Do -----------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Journal:
    """Make facts durable.

    Attributes:
        facts: In order, all or none.
        token: What ``Journaled`` will carry; None: no answer wanted.
        keep: Whether they happened in any case, and are tried again until they are durable. What
            is only wanted (an intent, a start) is refused instead.
    """

    facts: tuple[AnyFact, ...]
    token: object = None
    keep: bool = False


@dataclass(frozen=True, slots=True)
class Journaled:
    """Facts are durable, or the journal could not be written.

    Attributes:
        token: From ``Journal``.
        error: None when durable.
    """

    token: object
    error: JournalError | None


@dataclass(frozen=True, slots=True)
class OpenGate:
    """Let INVITEs of a campaign's run leave."""

    campaign_id: CampaignId
    generation: int


@dataclass(frozen=True, slots=True)
class CloseGate:
    """Let no INVITE of a campaign leave, from this very instant."""

    campaign_id: CampaignId


@dataclass(frozen=True, slots=True)
class BlockNumber:
    """Put a number on the internal do-not-call list from this very instant."""

    number: E164


@dataclass(frozen=True, slots=True)
class PublishGauges:
    """Give the metrics board an object's newest gauges (``engine.metrics.gauges``).

    Attributes:
        object_id: Whose, as the board names it.
        gauges: The values.
    """

    object_id: str
    gauges: object


@dataclass(frozen=True, slots=True)
class NotifyDesk:
    """Tell an agent's desktop something (``engine.actors.desk``)."""

    agent_id: AgentId
    event: object


@dataclass(frozen=True, slots=True)
class NotifySupervisor:
    """Tell a supervisor's stream something (``engine.actors.desk``)."""

    session_id: SessionId
    event: object


@dataclass(frozen=True, slots=True)
class PublishPacing:
    """Give watchers what pacing saw and decided for one campaign at one tick."""

    campaign_id: CampaignId
    row: object


@dataclass(frozen=True, slots=True)
class SavePacing:
    """Keep learned laws."""

    laws: Mapping[CampaignId, bytes]


@dataclass(frozen=True, slots=True)
class ForgetSession:
    """Drop an ended supervision session from the registry."""

    session_id: SessionId


# --- campaign ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class RunAnswer:
    """What came of Start or Stop.

    Attributes:
        already: Whether the campaign was in that state.
        phase: Its phase now.
        generation: Of its run now.
    """

    already: bool
    phase: CampaignPhase
    generation: int


@dataclass(frozen=True, slots=True)
class Recover:
    """First message of a campaign's life: what an earlier one left behind.

    Attributes:
        run: Run state as stored.
        attempts: Its attempts without an outcome.
        new_life: Whether the process is new: legs are then ended from their stored dialogs.
    """

    run: RunState
    attempts: Sequence[OpenAttempt]
    new_life: bool


@dataclass(frozen=True, slots=True)
class ConfigureCampaign:
    """The campaign's settings are now these (already durable)."""

    spec: CampaignSpec


@dataclass(frozen=True, slots=True)
class StartCampaign:
    """Start: by an operator, or by the schedule (no reply wanted)."""

    by: str
    reply_to: ReplyTo[RunAnswer] | None = None


@dataclass(frozen=True, slots=True)
class StopCampaign:
    """Stop: no new INVITE from this instant; what is under way ends normally."""

    by: str
    reason: str = ""
    reply_to: ReplyTo[RunAnswer] | None = None


@dataclass(frozen=True, slots=True)
class EdgeReached:
    """The next schedule edge may be due (timer)."""


@dataclass(frozen=True, slots=True)
class StartCalls:
    """Start so many attempts now (from the pacer)."""

    count: int


@dataclass(frozen=True, slots=True)
class PermitsGranted:
    """A trunk lets so many INVITEs leave now."""

    trunk_id: TrunkId
    count: int


@dataclass(frozen=True, slots=True)
class PermitsRefused:
    """A trunk cannot take so many calls."""

    trunk_id: TrunkId
    count: int
    reason: str


@dataclass(frozen=True, slots=True)
class ReservedRecord:
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


@dataclass(frozen=True, slots=True)
class RecordsReserved:
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


@dataclass(frozen=True, slots=True)
class ListSampled(Sample):
    """How much a list has for a campaign.

    Attributes:
        list_id: The list.
        callable_now: Records that may be attempted at this instant.
        remaining: Records not final.
    """

    list_id: ListId
    callable_now: int
    remaining: int


@dataclass(frozen=True, slots=True)
class TrunkSampled(Sample):
    """How a trunk stands.

    Attributes:
        trunk_id: The trunk.
        up: Whether it takes calls.
        free_channels: Channels not in use.
        reason: Why it is down, or empty.
    """

    trunk_id: TrunkId
    up: bool
    free_channels: int
    reason: str = ""


@dataclass(frozen=True, slots=True)
class AgentFound:
    """The router reserved an agent for a queued call."""

    attempt_id: AttemptId
    agent_id: AgentId


@dataclass(frozen=True, slots=True)
class AgentForPreview:
    """The router reserved an agent to review a record."""

    agent_id: AgentId


@dataclass(frozen=True, slots=True)
class CallTaken:
    """The agent's leg is up and the agent takes the call; both hear each other now."""

    attempt_id: AttemptId
    agent_id: AgentId
    leg_id: LegId


@dataclass(frozen=True, slots=True)
class CallDeclined:
    """The agent does not take the call (rejected, too late, phone lost, no longer ready)."""

    attempt_id: AttemptId
    agent_id: AgentId
    reason: str


@dataclass(frozen=True, slots=True)
class AgentLeft:
    """The agent's phone was lost during the call; the customer needs another agent (C4)."""

    attempt_id: AttemptId
    agent_id: AgentId
    talk_s: float
    hold_s: float


@dataclass(frozen=True, slots=True)
class EndCall:
    """End the customer's leg of a call."""

    attempt_id: AttemptId
    by: str


@dataclass(frozen=True, slots=True)
class DisposeCall:
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


@dataclass(frozen=True, slots=True)
class WorkFinished:
    """The agent's work on a call is over; the attempt closes with what disposition there is.

    Attributes:
        attempt_id: The call.
        agent_id: The agent.
        acw_s: After-call work. [s]
    """

    attempt_id: AttemptId
    agent_id: AgentId
    acw_s: float


@dataclass(frozen=True, slots=True)
class PreviewDecided:
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


@dataclass(frozen=True, slots=True)
class UnattendedDue:
    """The unattended timeout of an answered call has passed (timer)."""

    attempt_id: AttemptId


@dataclass(frozen=True, slots=True)
class SampleGauges:
    """Publish gauges (metrics tick)."""


@dataclass(frozen=True, slots=True)
class CampaignView:
    """A campaign's run state for people.

    Attributes:
        phase: Idle, running or stopping.
        generation: Of its run.
        effective_mode: Mode in force (predictive may run progressively).
        attempts_open: Attempts under way.
        why_idle: Why nothing is dialed now; empty when something is.
        next_edge_s: Next schedule edge, or 0. [s since the epoch]
        next_edge_starts: Whether it is a start.
    """

    phase: CampaignPhase
    generation: int
    effective_mode: str
    attempts_open: int
    why_idle: tuple[str, ...]
    next_edge_s: float
    next_edge_starts: bool


@dataclass(frozen=True, slots=True)
class DescribeCampaign:
    """Tell the run state."""

    reply_to: ReplyTo[CampaignView]


CampaignMessage = (
    Recover
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
    | PreviewDecided
    | UnattendedDue
    | SampleGauges
    | DescribeCampaign
    | Journaled
    | LegRinging
    | LegAnswered
    | LegEnded
    | PromptEnded
    | LegDigit
)

# --- record list ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ConfigureList:
    """The list's settings are now these."""

    spec: ListSpec


@dataclass(frozen=True, slots=True)
class LinkCampaign:
    """A campaign dials this list with these settings (or changed ones).

    Attributes:
        spec: The campaign.
        campaign: Whom to tell of supply.
    """

    spec: CampaignSpec
    campaign: "Ref[CampaignMessage]"


@dataclass(frozen=True, slots=True)
class UnlinkCampaign:
    """A campaign no longer dials this list; its standing is kept."""

    campaign_id: CampaignId


@dataclass(frozen=True, slots=True)
class AppendRecords:
    """A durable batch joins the list."""

    batch: ImportBatch


@dataclass(frozen=True, slots=True)
class ReserveRecords:
    """Hand out up to ``count`` records that may be attempted now; answer ``RecordsReserved``.

    Attributes:
        campaign_id: For whom.
        count: How many.
        campaign: Who gets the answer.
        purpose: Carried back as it is.
    """

    campaign_id: CampaignId
    count: int
    campaign: "Ref[CampaignMessage]"
    purpose: str = ""


@dataclass(frozen=True, slots=True)
class ReleaseRecord:
    """A record goes back untouched: nothing left on the wire, nothing is counted."""

    campaign_id: CampaignId
    row: int


@dataclass(frozen=True, slots=True)
class ReserveNumber:
    """Swap a reserved record's number for another of its numbers, if that is lawful now.

    Asked when an agent in preview chooses a number; answered by ``RecordsReserved`` with
    ``purpose``, with one record or (not lawful now: the record is released) none.
    """

    campaign_id: CampaignId
    row: int
    number_index: int
    campaign: "Ref[CampaignMessage]"
    purpose: str


@dataclass(frozen=True, slots=True)
class CloseRecord:
    """A record's attempt is over, and this became of it (already on its way to the store).

    Attributes:
        campaign_id: Whose attempt.
        row: The record.
        number_index: Which number was tried.
        phase: Ready, waiting or done.
        next_s: For waiting: not before. [s since the epoch]
        counted: Whether the attempt counts against the caps.
        retries: Quick retries in the running series.
        stop_number: Whether the number is not to be tried again.
        disposition: Slug.
        day: Local day number of the attempt.
    """

    campaign_id: CampaignId
    row: int
    number_index: int
    phase: RecordPhase
    next_s: float
    counted: bool
    retries: int
    stop_number: bool
    disposition: str
    day: int


@dataclass(frozen=True, slots=True)
class SupplyChecked:
    """Buckets may open or close, retries may be due (timer)."""


@dataclass(frozen=True, slots=True)
class ReasonCount:
    """How many records are not callable now for one reason.

    Attributes:
        reason: Slug, e.g. ``outside-hours``, ``waiting``, ``attempt-cap``, ``dnc``, ``done``.
        detail: Zone, phone type or other detail; may be empty.
        count: Records.
        samples: A few of them.
        next_s: When the first of them may become callable, or 0. [s since the epoch]
    """

    reason: str
    detail: str
    count: int
    samples: tuple[RecordRef, ...] = ()
    next_s: float = 0.0


@dataclass(frozen=True, slots=True)
class SupplyView:
    """What a list has for a campaign.

    Attributes:
        list_id: The list.
        total: Records.
        untouched: Never attempted.
        callable_now: May be attempted at this instant.
        waiting: Wait for a set time.
        in_progress: Under an attempt or preview.
        done: Final.
        reasons: Why the others are not callable now.
    """

    list_id: ListId
    total: int
    untouched: int
    callable_now: int
    waiting: int
    in_progress: int
    done: int
    reasons: tuple[ReasonCount, ...]


@dataclass(frozen=True, slots=True)
class ExplainSupply:
    """Say what a campaign could dial now, and why not the rest."""

    campaign_id: CampaignId
    reply_to: ReplyTo[SupplyView]


@dataclass(frozen=True, slots=True)
class NumberView:
    """One number of a record, for people: number, phone type, zones, counted attempts."""

    number: E164
    phone_type: str
    zones: tuple[str, ...]
    attempts: int
    stopped: bool
    callable_now: bool
    reason: str
    next_s: float


@dataclass(frozen=True, slots=True)
class RecordView:
    """One record's standing in one campaign, and whether it may be called now.

    Attributes:
        ref: The record.
        phase: Where it stands.
        attempts: Counted attempts.
        disposition: Slug of the last disposition, or empty.
        next_s: For waiting: not before. [s since the epoch]
        numbers: Its numbers.
        callable_now: Whether any may be called now.
        reason: If not, why.
        next_callable_s: When it may be next, or 0 if never or unknown. [s since the epoch]
    """

    ref: RecordRef
    phase: RecordPhase
    attempts: int
    disposition: str
    next_s: float
    numbers: tuple[NumberView, ...]
    callable_now: bool
    reason: str
    next_callable_s: float


@dataclass(frozen=True, slots=True)
class ExplainRecord:
    """Say whether a record may be called now in a campaign; without one: its base data."""

    row: int
    campaign_id: CampaignId | None
    reply_to: ReplyTo[RecordView]


@dataclass(frozen=True, slots=True)
class ResetRecord:
    """Make a final or waiting record callable again (counts stay)."""

    campaign_id: CampaignId
    row: int
    reply_to: ReplyTo[None]


@dataclass(frozen=True, slots=True)
class ListView:
    """A list for people: records, and how far imports are."""

    list_id: ListId
    records: int
    next_row: int


@dataclass(frozen=True, slots=True)
class DescribeList:
    """Tell how many records there are."""

    reply_to: ReplyTo[ListView]


ListMessage = (
    ConfigureList
    | LinkCampaign
    | UnlinkCampaign
    | AppendRecords
    | ReserveRecords
    | ReleaseRecord
    | ReserveNumber
    | CloseRecord
    | SupplyChecked
    | SampleGauges
    | ExplainSupply
    | ExplainRecord
    | ResetRecord
    | DescribeList
    | Journaled
)

# --- trunk ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ConfigureTrunk:
    """The trunk's settings are now these."""

    spec: TrunkSpec


@dataclass(frozen=True, slots=True)
class RequestPermits:
    """Ask for INVITEs; answered by ``PermitsGranted`` (maybe in parts) or ``PermitsRefused``."""

    count: int
    campaign: "Ref[CampaignMessage]"


@dataclass(frozen=True, slots=True)
class WithdrawRequests:
    """A campaign no longer wants the permits it still waits for."""

    campaign: "Ref[CampaignMessage]"


@dataclass(frozen=True, slots=True)
class ReturnPermits:
    """Granted INVITEs that will not leave; their channels are free again."""

    count: int


@dataclass(frozen=True, slots=True)
class ChannelFreed:
    """A leg on this trunk is over.

    Attributes:
        failed: Whether the carrier failed it (counts for the breaker).
        sip_status: Its final status, or 0.
        retry_after_s: Retry-After of a 503, else 0. [s]
        launched_s: When its INVITE left, 0 if unknown: tells a probe of a failing trunk from calls
            that were up before it failed. [s since the epoch]
    """

    failed: bool = False
    sip_status: int = 0
    retry_after_s: float = 0.0
    launched_s: float = 0.0


@dataclass(frozen=True, slots=True)
class PermitsDue:
    """Tokens may be there for those who wait (timer)."""


@dataclass(frozen=True, slots=True)
class BreakerDue:
    """The breaker may let a probe through (timer)."""


@dataclass(frozen=True, slots=True)
class TrunkView:
    """A trunk for people.

    Attributes:
        up: Whether it takes calls.
        reason: Why not, or empty.
        channels_used: Legs and permits in use.
        waiting: INVITEs that wait for the calls-per-second cap.
    """

    up: bool
    reason: str
    channels_used: int
    waiting: int


@dataclass(frozen=True, slots=True)
class DescribeTrunk:
    """Tell how the trunk stands."""

    reply_to: ReplyTo[TrunkView]


@dataclass(frozen=True, slots=True)
class WatchTrunk:
    """Send ``TrunkSampled`` to a campaign now and at each change that matters to it."""

    campaign: "Ref[CampaignMessage]"


TrunkMessage = (
    ConfigureTrunk
    | RequestPermits
    | WithdrawRequests
    | ReturnPermits
    | ChannelFreed
    | PermitsDue
    | BreakerDue
    | TrunkReached
    | TrunkLost
    | DescribeTrunk
    | WatchTrunk
)

# --- router --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class AgentMoved:
    """An agent stands elsewhere (from the agent; the router passes it on to the pacer).

    Attributes:
        agent_id: The agent.
        team_id: Its team.
        phase: Where it stands.
        since_s: Since when. [s since the epoch]
        campaign_id: Campaign of the interaction in hand, if any.
        leaving: Whether it will not be Ready when its work ends.
    """

    agent_id: AgentId
    team_id: TeamId
    phase: AgentPhase
    since_s: float
    campaign_id: CampaignId | None
    leaving: bool


@dataclass(frozen=True, slots=True)
class CampaignMoved:
    """A campaign's settings or run state, for who matches agents and for who paces."""

    spec: CampaignSpec
    running: bool
    campaign: "Ref[CampaignMessage]"


@dataclass(frozen=True, slots=True)
class CampaignGone:
    """A campaign was deleted."""

    campaign_id: CampaignId


@dataclass(frozen=True, slots=True)
class QueueCall:
    """A person waits for an agent since ``answered_s``."""

    campaign_id: CampaignId
    attempt_id: AttemptId
    answered_s: float


@dataclass(frozen=True, slots=True)
class UnqueueCall:
    """The person no longer waits."""

    campaign_id: CampaignId
    attempt_id: AttemptId


@dataclass(frozen=True, slots=True)
class ReturnAgent:
    """A reserved agent was not needed; it keeps its place among the ready ones."""

    agent_id: AgentId


@dataclass(frozen=True, slots=True)
class WantPreviewers:
    """A preview campaign has, or has no more, records for ready agents."""

    campaign_id: CampaignId
    wanted: bool


@dataclass(frozen=True, slots=True)
class RouterView:
    """Who is ready and what waits, by campaign: (ready agents, waiting calls)."""

    by_campaign: Mapping[CampaignId, tuple[int, int]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class DescribeRouter:
    """Tell who is ready and what waits."""

    reply_to: ReplyTo[RouterView]


RouterMessage = (
    AgentMoved
    | CampaignMoved
    | CampaignGone
    | QueueCall
    | UnqueueCall
    | ReturnAgent
    | WantPreviewers
    | DescribeRouter
)

# --- pacer ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SupplySampled(Sample):
    """What a campaign could dial with, now.

    Attributes:
        campaign_id: The campaign.
        callable_records: Records that may be attempted at this instant.
        trunk_free: Channels free on its usable trunks.
        trunk_up: Whether any trunk takes calls.
    """

    campaign_id: CampaignId
    callable_records: int
    trunk_free: int
    trunk_up: bool


@dataclass(frozen=True, slots=True)
class CallsLaunched:
    """Of the calls asked for, so many INVITEs left now; the rest of ``asked`` will not.

    Attributes:
        campaign_id: The campaign.
        asked: How many of ``StartCalls`` this settles.
        launched: How many left.
        launched_s: When they left, as ``CallMoved`` will name them. [s since the epoch]
    """

    campaign_id: CampaignId
    asked: int
    launched: int
    launched_s: float = 0.0


@dataclass(frozen=True, slots=True)
class CallMoved:
    """An attempt in flight went on.

    Attributes:
        campaign_id: The campaign.
        stage: ``answered`` (a person, now queued), ``ended`` (without an answer),
            ``connected``, ``unattended`` or ``abandoned`` (each after ``answered``).
        launched_s: When its INVITE left. [s since the epoch]
    """

    campaign_id: CampaignId
    stage: str
    launched_s: float


@dataclass(frozen=True, slots=True)
class HandlingEnded:
    """An agent finished a phase of handling: ``talk`` (hold included) or ``acw``. [s]"""

    campaign_id: CampaignId
    phase: str
    duration_s: float


@dataclass(frozen=True, slots=True)
class PacingDue:
    """Time to decide (timer)."""


@dataclass(frozen=True, slots=True)
class RestoreLaws:
    """Learned laws of an earlier life."""

    laws: Mapping[CampaignId, bytes]


@dataclass(frozen=True, slots=True)
class PacingView:
    """What pacing last saw and decided for one campaign.

    Attributes:
        at_s: When. [s since the epoch]
        effective_mode: Mode in force.
        ready: Ready agents that count for it.
        in_flight: Attempts in flight.
        started: Calls to start.
        answer_ratio: Learned share of attempts answered by a person.
        answer_ratio_error: Its standard error.
        tau: Price of risk.
        budget: Unattended calls the cap still allows.
        level: Calls in flight per ready agent.
        reason: What limits it.
    """

    at_s: float
    effective_mode: str
    ready: float
    in_flight: int
    started: int
    answer_ratio: float
    answer_ratio_error: float
    tau: float
    budget: float
    level: float
    reason: str


@dataclass(frozen=True, slots=True)
class DescribePacing:
    """Tell what was last decided for a campaign."""

    campaign_id: CampaignId
    reply_to: ReplyTo[PacingView]


PacerMessage = (
    AgentMoved
    | CampaignMoved
    | CampaignGone
    | SupplySampled
    | CallsLaunched
    | CallMoved
    | HandlingEnded
    | PacingDue
    | RestoreLaws
    | DescribePacing
)

# --- agent ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ConfigureAgent:
    """The agent's settings are now these."""

    spec: AgentSpec


@dataclass(frozen=True, slots=True)
class AgentView:
    """An agent for people and desktops.

    Attributes:
        agent_id: The agent.
        phase: Where it stands.
        state: What the guide calls that.
        reason: Not Ready reason, or empty.
        since_s: Since when it is in this state. [s since the epoch]
        pending: State that follows when the work ends, or None.
        phone_up: Whether the nailed-up phone is connected.
        campaign_id: Campaign of the interaction in hand, or None.
        attempt_id: Call in hand, or None.
        record: Record in hand, or None.
    """

    agent_id: AgentId
    phase: AgentPhase
    state: AgentState
    reason: str
    since_s: float
    pending: AgentState | None
    phone_up: bool
    campaign_id: CampaignId | None
    attempt_id: AttemptId | None
    record: RecordRef | None


@dataclass(frozen=True, slots=True)
class LogIn:
    """Log in; a nailed-up phone is called at once."""

    reply_to: ReplyTo[AgentView]


@dataclass(frozen=True, slots=True)
class ChooseState:
    """The agent chooses Ready, Not Ready (with a reason), Supervising or Logged Out.

    Not Ready chosen during work takes effect when the work ends; so does Logged Out.
    """

    state: AgentState
    reason: str
    reply_to: ReplyTo[AgentView]


@dataclass(frozen=True, slots=True)
class ForceState:
    """A supervisor forces a state; refused while the agent handles an interaction."""

    supervisor_id: SupervisorId
    state: AgentState
    reason: str
    reply_to: ReplyTo[AgentView]


@dataclass(frozen=True, slots=True)
class AcceptOffer:
    """Take the offered call."""

    attempt_id: AttemptId
    reply_to: ReplyTo[None]


@dataclass(frozen=True, slots=True)
class RejectOffer:
    """Refuse the offered call; the agent becomes Not Ready."""

    attempt_id: AttemptId
    reply_to: ReplyTo[None]


@dataclass(frozen=True, slots=True)
class HangUpCall:
    """End the call in hand."""

    attempt_id: AttemptId
    reply_to: ReplyTo[None]


@dataclass(frozen=True, slots=True)
class HoldCall:
    """Put the customer on hold (True), or take back (False)."""

    attempt_id: AttemptId
    on: bool
    reply_to: ReplyTo[None]


@dataclass(frozen=True, slots=True)
class SetDisposition:
    """Say what the call in hand came to (fields as in ``DisposeCall``)."""

    attempt_id: AttemptId
    disposition: str
    notes: str
    callback_s: float
    callback_until_s: float
    request_id: str
    reply_to: ReplyTo[None]


@dataclass(frozen=True, slots=True)
class DecidePreview:
    """Decide on the record in review (fields as in ``PreviewDecided``)."""

    decision: str
    number_index: int
    disposition: str
    notes: str
    reply_to: ReplyTo[None]


@dataclass(frozen=True, slots=True)
class TakeCall:
    """A call for the agent (from its campaign).

    Attributes:
        attempt_id: The call.
        campaign_id: Its campaign.
        campaign: Whom to answer.
        ref: The record.
        number: The customer's number.
        customer_leg: The customer's leg.
        automatic: Whether it is answered for the agent.
        offer_s: How long the offer may wait. [s]
        acw_limit_s: Longest after-call work; 0: no limit. [s]
    """

    attempt_id: AttemptId
    campaign_id: CampaignId
    campaign: "Ref[CampaignMessage]"
    ref: RecordRef
    number: E164
    customer_leg: LegId
    automatic: bool
    offer_s: float
    acw_limit_s: float


@dataclass(frozen=True, slots=True)
class WithdrawCall:
    """The offered call is gone (customer hung up, or was treated)."""

    attempt_id: AttemptId
    reason: str


@dataclass(frozen=True, slots=True)
class CallOver:
    """The customer's leg of the call in hand is over, or a previewed call was not answered.

    Attributes:
        attempt_id: The call.
        ended_by: ``customer``, ``agent``, ``supervisor``, ``engine``, or the cause's slug when it
            was never answered.
    """

    attempt_id: AttemptId
    ended_by: str


@dataclass(frozen=True, slots=True)
class TakePreview:
    """A record for the agent to review.

    Attributes:
        campaign_id: Its campaign.
        campaign: Whom to answer.
        ref: The record.
        number: Number that would be called.
        limit_s: Longest review; 0: no limit. [s]
        acw_limit_s: Longest after-call work; 0: no limit. [s]
    """

    campaign_id: CampaignId
    campaign: "Ref[CampaignMessage]"
    ref: RecordRef
    number: E164
    limit_s: float
    acw_limit_s: float


@dataclass(frozen=True, slots=True)
class PreviewDialing:
    """The previewed record is being called as this attempt."""

    attempt_id: AttemptId


@dataclass(frozen=True, slots=True)
class PreviewOver:
    """The previewed record cannot be called now (reason), or its completion is noted."""

    ref: RecordRef
    reason: str


@dataclass(frozen=True, slots=True)
class JoinSupervision:
    """A supervisor's leg joins the agent's call; refused if there is none."""

    session_id: SessionId
    session: "Ref[SupervisionMessage]"
    leg_id: LegId
    mode: SupervisionMode


@dataclass(frozen=True, slots=True)
class ChangeSupervision:
    """A session's mode changes: a change of the mix, no more."""

    session_id: SessionId
    mode: SupervisionMode


@dataclass(frozen=True, slots=True)
class LeaveSupervision:
    """A supervisor's leg leaves."""

    session_id: SessionId


@dataclass(frozen=True, slots=True)
class OfferExpired:
    """The offer has waited too long (timer)."""

    attempt_id: AttemptId


@dataclass(frozen=True, slots=True)
class AcwExpired:
    """After-call work has lasted too long (timer)."""

    attempt_id: AttemptId


@dataclass(frozen=True, slots=True)
class PreviewExpired:
    """The review has lasted too long (timer)."""

    ref: RecordRef


@dataclass(frozen=True, slots=True)
class DescribeAgent:
    """Tell how the agent stands."""

    reply_to: ReplyTo[AgentView]


AgentMessage = (
    ConfigureAgent
    | LogIn
    | ChooseState
    | ForceState
    | AcceptOffer
    | RejectOffer
    | HangUpCall
    | HoldCall
    | SetDisposition
    | DecidePreview
    | TakeCall
    | WithdrawCall
    | CallOver
    | TakePreview
    | PreviewDialing
    | PreviewOver
    | JoinSupervision
    | ChangeSupervision
    | LeaveSupervision
    | OfferExpired
    | AcwExpired
    | PreviewExpired
    | DescribeAgent
    | SampleGauges
    | Journaled
    | LegRinging
    | LegAnswered
    | LegEnded
    | LegDigit
    | PromptEnded
)

# --- supervision session -------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SessionView:
    """A supervision session for people.

    Attributes:
        session_id: The session.
        supervisor_id: Who supervises.
        agent_id: Whom.
        mode: Monitor, coach or barge in.
        attempt_id: The call, or None before the leg is up.
        leg_up: Whether the supervisor's leg is up.
    """

    session_id: SessionId
    supervisor_id: SupervisorId
    agent_id: AgentId
    mode: SupervisionMode
    attempt_id: AttemptId | None
    leg_up: bool


@dataclass(frozen=True, slots=True)
class BeginSupervision:
    """Begin: open the supervisor's leg and join the agent's call; answered when joined."""

    reply_to: ReplyTo[SessionView]


@dataclass(frozen=True, slots=True)
class SetSupervisionMode:
    """Change the mode, at any time, any number of times."""

    mode: SupervisionMode
    reply_to: ReplyTo[SessionView]


@dataclass(frozen=True, slots=True)
class EndSupervision:
    """End the session; the call goes on."""

    reason: str
    reply_to: ReplyTo[None] | None = None


@dataclass(frozen=True, slots=True)
class SupervisionJoined:
    """The leg is in the agent's call."""

    attempt_id: AttemptId


@dataclass(frozen=True, slots=True)
class SupervisionRefused:
    """The agent has no call to join."""

    error: DialerError


@dataclass(frozen=True, slots=True)
class SupervisedCallEnded:
    """The agent left the call; so does the supervisor."""

    attempt_id: AttemptId


@dataclass(frozen=True, slots=True)
class DescribeSession:
    """Tell how the session stands."""

    reply_to: ReplyTo[SessionView]


SupervisionMessage = (
    BeginSupervision
    | SetSupervisionMode
    | EndSupervision
    | SupervisionJoined
    | SupervisionRefused
    | SupervisedCallEnded
    | DescribeSession
    | Journaled
    | LegRinging
    | LegAnswered
    | LegEnded
    | LegDigit
    | PromptEnded
)
