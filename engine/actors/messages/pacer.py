"""What the pacer is told and asked."""

from collections.abc import Mapping, Sequence

import msgspec

from engine.actors.kernel.effects import Sample
from engine.actors.kernel.ref import ReplyTo
from engine.actors.messages.router import AgentMoved, CampaignGone, CampaignMoved
from engine.domain.ids import CampaignId


class SupplySampled(Sample, frozen=True):
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

    @property
    def sample_key(self) -> str:
        """What it is about."""
        return self.campaign_id


class CallsLaunched(msgspec.Struct, frozen=True):
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


class CallMoved(msgspec.Struct, frozen=True):
    """An attempt in flight went on.

    Attributes:
        campaign_id: The campaign.
        stage: ``screening`` (answered, under analysis); ``answered`` (queued for an agent);
            ``treated`` (answered, and for no agent); ``ended`` (without an answer, or under
            analysis); ``connected``, ``unattended``, ``abandoned`` or ``dropped`` (each after
            ``answered``); ``over`` (after ``treated``).
        launched_s: When its INVITE left; 0: it is none of pacing's calls, and only counts.
            [s since the epoch]
        screened: Whether ``screening`` was told before.
        person: For ``answered``: whether it counts as answered by a person.
    """

    campaign_id: CampaignId
    stage: str
    launched_s: float
    screened: bool = False
    person: bool = True


class CallsLost(msgspec.Struct, frozen=True):
    """A campaign's behavior failed: none of its calls is in flight or promised any more."""

    campaign_id: CampaignId


class PacingDue(msgspec.Struct, frozen=True):
    """Time to decide (timer)."""


class RestoreLaws(msgspec.Struct, frozen=True):
    """Learned laws of an earlier life.

    Attributes:
        laws: As ``SavePacing`` kept them.
        recalling: Whether ``RecallCalls`` follow, for what happened after they were kept.
    """

    laws: Mapping[CampaignId, bytes]
    recalling: bool = False


class RecalledCall(msgspec.Struct, frozen=True):
    """A call that a rule counts, as the log of an earlier life has it.

    Attributes:
        campaign_id: The campaign.
        at_s: When. [s since the epoch]
        unattended: Whether it went unattended; else it was answered.
        passed: Whether analysis passed it on as a person.
    """

    campaign_id: CampaignId
    at_s: float
    unattended: bool
    passed: bool = False


class RecallCalls(msgspec.Struct, frozen=True):
    """Count what happened between the last saved laws and the end of the life before.

    Attributes:
        calls: In order.
        done: Whether these were the last.
    """

    calls: Sequence[RecalledCall]
    done: bool


class PacingView(msgspec.Struct, frozen=True):
    """What pacing last saw and decided for one campaign.

    Attributes:
        at_s: When. [s since the epoch]
        effective_mode: Mode in force.
        ready: Ready agents promised to it. [agents]
        idle: Ready agents who wait for it: those promised, and its part of those whom no campaign
            can use. [agents]
        freeing: Agents expected free when a call started now is answered. [agents]
        asking: Calls in flight expected to ask for an agent by then. [calls]
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
    idle: float
    freeing: float
    asking: float
    in_flight: int
    started: int
    answer_ratio: float
    answer_ratio_error: float
    tau: float
    budget: float
    level: float
    reason: str


class DescribePacing(msgspec.Struct, frozen=True):
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
    | CallsLost
    | PacingDue
    | RestoreLaws
    | RecallCalls
    | DescribePacing
)
