"""What a list of records is told and asked."""

from dataclasses import dataclass

from engine.actors.kernel.ref import Ref, ReplyTo
from engine.actors.messages.adapters import Journaled
from engine.actors.messages.campaign import CampaignMessage
from engine.actors.messages.common import SampleGauges
from engine.domain.e164 import E164
from engine.domain.facts import RecordPhase
from engine.domain.ids import CampaignId, ListId, RecordRef
from engine.domain.specs import CampaignSpec, ListSpec
from engine.ports import ImportBatch


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
    campaign: Ref[CampaignMessage]


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
    campaign: Ref[CampaignMessage]
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
    campaign: Ref[CampaignMessage]
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
