"""Facts: everything that happened, as the log keeps it and event streams tell it.

A fact is a past participle with the instant it happened at (``at_s``, seconds since the Unix
epoch, UTC). The log is their only home: state tables, counters, streams and audit are folds of it.
"""

from enum import StrEnum

import msgspec

from engine.domain.ids import (
    AgentId,
    AttemptId,
    CampaignId,
    LegId,
    ListId,
    RecordingId,
    SessionId,
    TrunkId,
)


class RecordPhase(StrEnum):
    """Where a record stands in a campaign."""

    READY = "ready"
    """May be attempted, hours and limits permitting."""
    IN_PROGRESS = "in-progress"
    """Reserved for, or under, an attempt."""
    WAITING = "waiting"
    """Not before a set time."""
    DONE = "done"
    """Final."""


class Fact(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    """Base of all facts.

    Attributes:
        at_s: When it happened. [s since the Unix epoch]
    """

    at_s: float


class EngineStarted(Fact, frozen=True, tag=True, kw_only=True):
    """A life of the engine began; ``epoch`` makes its ids unique."""

    epoch: int
    version: str


class EngineStopped(Fact, frozen=True, tag=True, kw_only=True):
    """A life of the engine ended in order."""


class ResourcePut(Fact, frozen=True, tag=True, kw_only=True):
    """A campaign, list, agent, team or trunk was created or replaced.

    Attributes:
        kind: ``campaign``, ``list``, ``agent``, ``team`` or ``trunk``.
        id: Its id.
        revision: Revision of the new value.
        body: The spec in msgpack.
        request_id: Idempotency key of the request, may be empty.
        by: ``operator`` or a name; empty: written before the log said so.
    """

    kind: str
    id: str
    revision: int
    body: bytes
    request_id: str = ""
    by: str = ""


class ResourceDeleted(Fact, frozen=True, tag=True, kw_only=True):
    """A resource was deleted, by whom if that is known."""

    kind: str
    id: str
    by: str = ""


class CampaignStarted(Fact, frozen=True, tag=True, kw_only=True):
    """A campaign began to run.

    Attributes:
        campaign_id: The campaign.
        generation: Grows with each start and stop, so that a late command cannot undo a newer one.
        by: ``operator``, ``schedule`` or a name.
    """

    campaign_id: CampaignId
    generation: int
    by: str


class CampaignStopped(Fact, frozen=True, tag=True, kw_only=True):
    """A campaign stopped: nothing new leaves, what is under way ends normally."""

    campaign_id: CampaignId
    generation: int
    by: str
    reason: str = ""


class ScheduleEdgePassed(Fact, frozen=True, tag=True, kw_only=True):
    """A schedule edge was acted on (or found already true); edges up to it are done."""

    campaign_id: CampaignId
    edge_s: float
    start: bool


class RecordsImported(Fact, frozen=True, tag=True, kw_only=True):
    """A batch of records was added to a list, whole.

    Attributes:
        list_id: The list.
        import_id: The import it is part of.
        batch: Position in the import, from 0; a repeated batch is not added again.
        first_row: Row of its first record.
        count: Records added.
        rejected: Lines refused.
        source_lines: Lines of the source consumed so far, header excluded.
    """

    list_id: ListId
    import_id: str
    batch: int
    first_row: int
    count: int
    rejected: int
    source_lines: int


class AttemptIntended(Fact, frozen=True, tag=True, kw_only=True):
    """An attempt is about to be made; durable before its INVITE leaves.

    Attributes:
        attempt_id: The attempt.
        campaign_id: Whose.
        list_id: List of the record.
        row: Row of the record.
        number_index: Which number of the record, from 0.
        number: The number, E.164.
        caller_id: Number shown.
        trunk_id: Trunk chosen.
        leg_id: The customer leg.
        call_id: SIP Call-ID.
        branch: Via branch of the INVITE.
        verdict: Why it was allowed: zones, local times, hours row, counts, in msgpack or text.
        retry: Whether it is a quick retry that belongs to the last attempt.
        by_agent: Agent who previewed the record, or empty.
        day: Local calendar day at the called party, for the cap per day (invariant T5).
            [days since 1970-01-01]
    """

    attempt_id: AttemptId
    campaign_id: CampaignId
    list_id: ListId
    row: int
    number_index: int
    number: str
    caller_id: str
    trunk_id: TrunkId
    leg_id: LegId
    call_id: str
    branch: str
    verdict: str
    retry: bool = False
    by_agent: AgentId = AgentId("")
    day: int = 0


class AttemptRerouted(Fact, frozen=True, tag=True, kw_only=True):
    """An attempt goes on over another trunk; durable before the new INVITE leaves."""

    attempt_id: AttemptId
    campaign_id: CampaignId
    trunk_id: TrunkId
    leg_id: LegId
    call_id: str
    branch: str


class AttemptAnswered(Fact, frozen=True, tag=True, kw_only=True):
    """The called party answered.

    Attributes:
        attempt_id: The attempt.
        campaign_id: Whose.
        list_id: List of the record.
        row: Row of the record.
        leg_id: The customer leg.
        dialog: What is needed to send BYE from a later life (opaque to all but SIP).
        ring_s: INVITE to answer. [s]
        screened: Whether call progress analysis follows; if not, a person answered.
    """

    attempt_id: AttemptId
    campaign_id: CampaignId
    list_id: ListId
    row: int
    leg_id: LegId
    dialog: bytes
    ring_s: float
    screened: bool = False


class CallAnalysed(Fact, frozen=True, tag=True, kw_only=True):
    """Call progress analysis of an answered call has its verdict, or its time is over.

    Attributes:
        attempt_id: The attempt.
        campaign_id: Whose.
        list_id: List of the record.
        row: Row of the record.
        verdict: Slug of ``engine.domain.analysis.Verdict``.
        after_s: Answer to verdict. [s]
        reason: What it was judged by, in few words.
        person: Whether it counts as answered by a person; what nobody can tell does.
    """

    attempt_id: AttemptId
    campaign_id: CampaignId
    list_id: ListId
    row: int
    verdict: str
    after_s: float
    reason: str
    person: bool


class CallTreated(Fact, frozen=True, tag=True, kw_only=True):
    """An automated treatment of an answered call began.

    Attributes:
        attempt_id: The attempt.
        campaign_id: Whose.
        list_id: List of the record.
        row: Row of the record.
        treatment: ``unattended-message``, ``machine-message`` or ``scenario``.
    """

    attempt_id: AttemptId
    campaign_id: CampaignId
    list_id: ListId
    row: int
    treatment: str


class CallQueued(Fact, frozen=True, tag=True, kw_only=True):
    """A live answered call waits for an agent.

    Attributes:
        attempt_id: The attempt.
        campaign_id: Whose.
        list_id: List of the record.
        row: Row of the record.
    """

    attempt_id: AttemptId
    campaign_id: CampaignId
    list_id: ListId
    row: int


class CallConnected(Fact, frozen=True, tag=True, kw_only=True):
    """Customer and agent hear each other.

    Attributes:
        attempt_id: The attempt, which is also the call's id.
        campaign_id: Whose.
        list_id: List of the record.
        row: Row of the record.
        agent_id: The agent.
        wait_s: Live answer (with analysis: end of the greeting) to connection. [s]
        late: Whether it was later than the unattended timeout, and so counts as unattended.
    """

    attempt_id: AttemptId
    campaign_id: CampaignId
    list_id: ListId
    row: int
    agent_id: AgentId
    wait_s: float
    late: bool


class CallEnded(Fact, frozen=True, tag=True, kw_only=True):
    """A connected call ended; after-call work begins.

    Attributes:
        attempt_id: The call.
        campaign_id: Whose.
        agent_id: The agent.
        ended_by: ``customer``, ``agent``, ``supervisor`` or ``engine``.
        talk_s: Connected time without hold. [s]
        hold_s: Time on hold. [s]
    """

    attempt_id: AttemptId
    campaign_id: CampaignId
    agent_id: AgentId
    ended_by: str
    talk_s: float
    hold_s: float


class CallMeasured(Fact, frozen=True, tag=True, kw_only=True):
    """How the audio of a customer's leg was; written after its end, maybe after the attempt's.

    Attributes:
        attempt_id: The attempt.
        campaign_id: Whose.
        leg_id: The customer's leg.
        received: RTP packets that came. [packets]
        lost: Of those expected, packets that did not come; below 0 with duplicates. [packets]
        jitter_ms: Interarrival jitter at the end (RFC 3550 §6.4.1). [ms]
        sent: RTP packets we sent. [packets]
        far_lost: Packets of ours that the far end reports lost. [packets]
        far_jitter_ms: Jitter that the far end reports. [ms]
        round_trip_ms: Round trip by RTCP; 0: the far end reports nothing. [ms]
    """

    attempt_id: AttemptId
    campaign_id: CampaignId
    leg_id: LegId
    received: int
    lost: int
    jitter_ms: float
    sent: int
    far_lost: int
    far_jitter_ms: float
    round_trip_ms: float


class DispositionSet(Fact, frozen=True, tag=True, kw_only=True):
    """An agent said what the call came to; the last one before the attempt closes holds.

    Attributes:
        attempt_id: The call.
        campaign_id: Whose.
        agent_id: Who said it.
        disposition: Slug.
        notes: Free text.
        callback_s: When to call again, or 0. [s since the Unix epoch]
        callback_until_s: End of the callback window, or 0. [s since the Unix epoch]
        request_id: Idempotency key, may be empty.
    """

    attempt_id: AttemptId
    campaign_id: CampaignId
    agent_id: AgentId
    disposition: str
    notes: str = ""
    callback_s: float = 0.0
    callback_until_s: float = 0.0
    request_id: str = ""


class AttemptClosed(Fact, frozen=True, tag=True, kw_only=True):
    """An attempt ended, with exactly one outcome, and so did its record's turn.

    Attributes:
        attempt_id: The attempt.
        campaign_id: Whose.
        list_id: List of the record.
        row: Row of the record.
        number_index: Which number of the record.
        number: The number, E.164.
        disposition: Slug of the outcome.
        kind: ``success``, ``failure`` or ``continue``.
        cause: Slug of the leg's cause.
        sip_status: Final SIP status, or 0.
        answered: Whether the called party answered.
        unattended: Whether it counts as unattended: dropped, treated, or connected late.
        counted: Whether it counts against the attempt caps (False: never placed, quick retry).
        agent_id: Agent who took the call, or empty.
        acw_s: After-call work. [s]
        phase: What became of the record.
        next_s: For ``WAITING``: not before. [s since the Unix epoch]
        stop_number: Whether the number is not to be tried again.
        retries: Quick retries made so far in the running attempt series.
        q850: Q.850 cause that the network gave for the end, or 0.
    """

    attempt_id: AttemptId
    campaign_id: CampaignId
    list_id: ListId
    row: int
    number_index: int
    number: str
    disposition: str
    kind: str
    cause: str
    phase: RecordPhase
    sip_status: int = 0
    answered: bool = False
    unattended: bool = False
    counted: bool = True
    agent_id: AgentId = AgentId("")
    acw_s: float = 0.0
    next_s: float = 0.0
    stop_number: bool = False
    retries: int = 0
    q850: int = 0


class RecordPreviewed(Fact, frozen=True, tag=True, kw_only=True):
    """An agent saw a record: ``decision`` is call, complete, skip, reject or timeout."""

    campaign_id: CampaignId
    list_id: ListId
    row: int
    agent_id: AgentId
    decision: str
    preview_s: float


class RecordChanged(Fact, frozen=True, tag=True, kw_only=True):
    """A record's standing changed without an attempt (completed in preview, released, reset)."""

    campaign_id: CampaignId
    list_id: ListId
    row: int
    phase: RecordPhase
    disposition: str = ""
    next_s: float = 0.0
    by: str = ""


class AgentChanged(Fact, frozen=True, tag=True, kw_only=True):
    """An agent's state changed.

    Attributes:
        agent_id: The agent.
        state: The new state's slug, as in ``engine.machines.agent``.
        reason: Not Ready reason, may be empty.
        by: ``agent``, ``supervisor:<id>`` or ``engine``.
        campaign_id: Campaign of the interaction in hand, may be empty.
    """

    agent_id: AgentId
    state: str
    reason: str = ""
    by: str = "agent"
    campaign_id: CampaignId = CampaignId("")


class AgentLegIntended(Fact, frozen=True, tag=True, kw_only=True):
    """An agent's phone is about to be called; durable before its INVITE leaves."""

    agent_id: AgentId
    leg_id: LegId
    call_id: str
    branch: str


class AgentLegOpened(Fact, frozen=True, tag=True, kw_only=True):
    """An agent's phone answered; ``dialog`` is what BYE needs from a later life."""

    agent_id: AgentId
    leg_id: LegId
    dialog: bytes


class DialogMoved(Fact, frozen=True, tag=True, kw_only=True):
    """The far end of an answered leg wants BYE elsewhere from now on.

    Attributes:
        attempt_id: The attempt; empty: it is the leg of a phone.
        campaign_id: Whose; empty with ``attempt_id``.
        leg_id: The leg.
        dialog: What BYE needs from a later life, instead of what stood in ``AttemptAnswered`` or
            ``AgentLegOpened``.
    """

    attempt_id: AttemptId
    campaign_id: CampaignId
    leg_id: LegId
    dialog: bytes


class AgentLegClosed(Fact, frozen=True, tag=True, kw_only=True):
    """An agent's leg ended."""

    agent_id: AgentId
    leg_id: LegId
    cause: str


class DncAdded(Fact, frozen=True, tag=True, kw_only=True):
    """A number went on the internal do-not-call list."""

    number: str
    by: str
    note: str = ""


class DncRemoved(Fact, frozen=True, tag=True, kw_only=True):
    """A number left the internal do-not-call list."""

    number: str
    by: str


class SupervisionStarted(Fact, frozen=True, tag=True, kw_only=True):
    """A supervisor joined an agent's call."""

    session_id: SessionId
    supervisor_id: str
    agent_id: AgentId
    attempt_id: AttemptId
    mode: str


class SupervisionModeChanged(Fact, frozen=True, tag=True, kw_only=True):
    """A supervision session changed its mode."""

    session_id: SessionId
    supervisor_id: str
    agent_id: AgentId
    mode: str


class SupervisionEnded(Fact, frozen=True, tag=True, kw_only=True):
    """A supervision session ended."""

    session_id: SessionId
    supervisor_id: str
    agent_id: AgentId
    reason: str


class RecordingStarted(Fact, frozen=True, tag=True, kw_only=True):
    """A call is recorded from now on.

    Attributes:
        recording_id: The recording.
        attempt_id: The call.
        campaign_id: Whose.
        agent_id: Agent who has it, may be empty.
        by: Who wanted it: ``agent:ID``, a supervisor's name, or ``engine``.
        reason: Slug of what decided (``engine.compliance.recording``).
    """

    recording_id: RecordingId
    attempt_id: AttemptId
    campaign_id: CampaignId
    agent_id: AgentId
    by: str
    reason: str


class RecordingPaused(Fact, frozen=True, tag=True, kw_only=True):
    """Of a recorded call nothing is kept from now on (fields as in ``RecordingStarted``)."""

    recording_id: RecordingId
    attempt_id: AttemptId
    by: str
    reason: str


class RecordingResumed(Fact, frozen=True, tag=True, kw_only=True):
    """A paused recording goes on (fields as in ``RecordingStarted``)."""

    recording_id: RecordingId
    attempt_id: AttemptId
    by: str
    reason: str


class RecordingStopped(Fact, frozen=True, tag=True, kw_only=True):
    """A call is no longer recorded (fields as in ``RecordingStarted``)."""

    recording_id: RecordingId
    attempt_id: AttemptId
    by: str
    reason: str


class RecordingRefused(Fact, frozen=True, tag=True, kw_only=True):
    """A call that was to be recorded is not.

    Attributes:
        attempt_id: The call.
        campaign_id: Whose.
        reason: ``notice-failed``: the notice before it cannot be played.
    """

    attempt_id: AttemptId
    campaign_id: CampaignId
    reason: str


class RecordingCompleted(Fact, frozen=True, tag=True, kw_only=True):
    """The file of a recording is complete, or there is none.

    Attributes:
        recording_id: The recording.
        length_s: Its length. [s]
        octets: Size of its file. [bytes]
        sha256: Of its file, in hex; empty: there is no file.
        lost_s: How much of it could not be kept. [s]
        file_name: Name of its file in the folder of recordings.
    """

    recording_id: RecordingId
    length_s: float
    octets: int
    sha256: str
    lost_s: float
    file_name: str


class RecordingAccessed(Fact, frozen=True, tag=True, kw_only=True):
    """Somebody read a recording.

    Attributes:
        recording_id: The recording.
        by: Who.
        how: ``download`` or ``play``.
        from_s: Where in the recording it began. [s]
    """

    recording_id: RecordingId
    by: str
    how: str
    from_s: float = 0.0


class RecordingDeleted(Fact, frozen=True, tag=True, kw_only=True):
    """A recording is deleted for good.

    Attributes:
        recording_id: The recording.
        by: Who wanted it, ``retention`` when its time was over.
    """

    recording_id: RecordingId
    by: str


class RecorderChanged(Fact, frozen=True, tag=True, kw_only=True):
    """Calls can no longer be recorded, or can be again."""

    up: bool
    reason: str


class TrunkChanged(Fact, frozen=True, tag=True, kw_only=True):
    """A trunk went up or down."""

    trunk_id: TrunkId
    up: bool
    reason: str


class StatisticsReset(Fact, frozen=True, tag=True, kw_only=True):
    """The daily reset of since_reset metrics; touches no record, attempt or quota."""


class PacingSummed(Fact, frozen=True, tag=True, kw_only=True):
    """What pacing decided for a campaign in a minute, or less, that ends at ``at_s``.

    Attributes:
        campaign_id: The campaign.
        length_s: How long of it the campaign ran. [s]
        held_s: How long each reason kept it from starting more calls. [s]
        idle_s: Ready agents' time without a call, by the same reasons. [agent seconds]
        decisions: Decisions taken.
        calls_started: Calls that were to be started.
        ready_agents: Mean of agents ready for it.
        calls_in_flight: Mean of attempts in flight.
        answer_ratio: Mean of the learned share of attempts that ask for an agent.
        tau: Mean risk that a call may carry.
        budget_calls: Unattended calls that the tightest rule allows, at the end.
        dial_level: Mean of calls in progress per agent free or about to be.
    """

    campaign_id: CampaignId
    length_s: float
    held_s: dict[str, float]
    idle_s: dict[str, float]
    decisions: int
    calls_started: int
    ready_agents: float
    calls_in_flight: float
    answer_ratio: float
    tau: float
    budget_calls: float
    dial_level: float


AnyFact = (
    EngineStarted
    | EngineStopped
    | ResourcePut
    | ResourceDeleted
    | CampaignStarted
    | CampaignStopped
    | ScheduleEdgePassed
    | RecordsImported
    | AttemptIntended
    | AttemptRerouted
    | AttemptAnswered
    | CallAnalysed
    | CallTreated
    | CallQueued
    | CallConnected
    | CallEnded
    | CallMeasured
    | DispositionSet
    | AttemptClosed
    | RecordPreviewed
    | RecordChanged
    | AgentChanged
    | AgentLegIntended
    | AgentLegOpened
    | DialogMoved
    | AgentLegClosed
    | DncAdded
    | DncRemoved
    | SupervisionStarted
    | SupervisionModeChanged
    | SupervisionEnded
    | RecordingStarted
    | RecordingPaused
    | RecordingResumed
    | RecordingStopped
    | RecordingRefused
    | RecordingCompleted
    | RecordingAccessed
    | RecordingDeleted
    | RecorderChanged
    | TrunkChanged
    | StatisticsReset
    | PacingSummed
)
"""Every fact there is; ``decode`` refuses any other."""

_encoder = msgspec.msgpack.Encoder()
_decoder: msgspec.msgpack.Decoder[AnyFact] = msgspec.msgpack.Decoder(AnyFact)


def encode(fact: AnyFact) -> bytes:
    """Return the fact in msgpack."""
    return _encoder.encode(fact)


def decode(data: bytes) -> AnyFact:
    """Return the fact that ``data`` holds.

    Raises:
        msgspec.ValidationError: The bytes are no fact of this version.
    """
    return _decoder.decode(data)
