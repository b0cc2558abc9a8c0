"""What a list of records is told and asked."""

import msgspec

from engine.actors.kernel.ref import Ref, ReplyTo
from engine.actors.messages.adapters import Journaled
from engine.actors.messages.campaign import CampaignMessage
from engine.actors.messages.common import SampleGauges
from engine.domain.e164 import E164
from engine.domain.facts import RecordPhase
from engine.domain.ids import CampaignId, ListId, RecordRef
from engine.domain.specs import CampaignSpec, ListSpec
from engine.ports import ImportBatch


class ConfigureList(msgspec.Struct, frozen=True):
    """The list's settings are now these."""

    spec: ListSpec


class LinkCampaign(msgspec.Struct, frozen=True):
    """A campaign dials this list with these settings (or changed ones).

    Attributes:
        spec: The campaign.
        campaign: Whom to tell of supply.
    """

    spec: CampaignSpec
    campaign: Ref[CampaignMessage]


class UnlinkCampaign(msgspec.Struct, frozen=True):
    """A campaign no longer dials this list; its standing is kept."""

    campaign_id: CampaignId


class AppendRecords(msgspec.Struct, frozen=True):
    """A durable batch joins the list."""

    batch: ImportBatch


class ReserveRecords(msgspec.Struct, frozen=True):
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


class ReleaseRecord(msgspec.Struct, frozen=True):
    """A record goes back untouched: nothing left on the wire, nothing is counted."""

    campaign_id: CampaignId
    row: int


class ReserveNumber(msgspec.Struct, frozen=True):
    """Swap a reserved record's number for another of its numbers, if that is lawful now.

    Asked when an agent in preview chooses a number; answered by ``RecordsReserved`` with
    ``purpose``, with one record or (not lawful now: the record is released) none.
    """

    campaign_id: CampaignId
    row: int
    number_index: int
    campaign: Ref[CampaignMessage]
    purpose: str


class CloseRecord(msgspec.Struct, frozen=True):
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


class SupplyChecked(msgspec.Struct, frozen=True):
    """Buckets may open or close, retries may be due (timer)."""


class ReasonCount(msgspec.Struct, frozen=True):
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


class SupplyView(msgspec.Struct, frozen=True):
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


class ExplainSupply(msgspec.Struct, frozen=True):
    """Say what a campaign could dial now, and why not the rest."""

    campaign_id: CampaignId
    reply_to: ReplyTo[SupplyView]


class NumberView(msgspec.Struct, frozen=True):
    """One number of a record, for people: number, phone type, zones, counted attempts."""

    number: E164
    phone_type: str
    zones: tuple[str, ...]
    attempts: int
    stopped: bool
    callable_now: bool
    reason: str
    next_s: float


class RecordView(msgspec.Struct, frozen=True):
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


class ExplainRecord(msgspec.Struct, frozen=True):
    """Say whether a record may be called now in a campaign; without one: its base data."""

    row: int
    campaign_id: CampaignId | None
    reply_to: ReplyTo[RecordView]


class ResetRecord(msgspec.Struct, frozen=True):
    """Make a final or waiting record callable again (counts stay)."""

    campaign_id: CampaignId
    row: int
    reply_to: ReplyTo[None]


class ListView(msgspec.Struct, frozen=True):
    """A list for people: records, and how far imports are."""

    list_id: ListId
    records: int
    next_row: int


class DescribeList(msgspec.Struct, frozen=True):
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
