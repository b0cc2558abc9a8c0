"""What the router, which matches calls and agents, is told and asked."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from engine.actors.kernel.ref import Ref, ReplyTo
from engine.actors.messages.campaign import CampaignMessage
from engine.domain.ids import AgentId, AttemptId, CampaignId, TeamId
from engine.domain.specs import CampaignSpec
from engine.machines.agent import AgentPhase


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
    campaign: Ref[CampaignMessage]


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
