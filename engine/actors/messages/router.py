"""What the router, which matches calls and agents, is told and asked."""

from collections.abc import Mapping

import msgspec

from engine.actors.kernel.ref import Ref, ReplyTo
from engine.actors.messages.campaign import CampaignMessage
from engine.domain.ids import AgentId, AttemptId, CampaignId, TeamId
from engine.domain.specs import CampaignSpec
from engine.machines.agent import AgentPhase


class AgentMoved(msgspec.Struct, frozen=True):
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


class CampaignMoved(msgspec.Struct, frozen=True):
    """A campaign's settings or run state, for who matches agents and for who paces."""

    spec: CampaignSpec
    running: bool
    campaign: Ref[CampaignMessage]


class CampaignGone(msgspec.Struct, frozen=True):
    """A campaign was deleted."""

    campaign_id: CampaignId


class QueueCall(msgspec.Struct, frozen=True):
    """A person waits for an agent since ``answered_s``."""

    campaign_id: CampaignId
    attempt_id: AttemptId
    answered_s: float


class UnqueueCall(msgspec.Struct, frozen=True):
    """The person no longer waits."""

    campaign_id: CampaignId
    attempt_id: AttemptId


class ReturnAgent(msgspec.Struct, frozen=True):
    """A reserved agent was not needed; it keeps its place among the ready ones."""

    agent_id: AgentId


class WantPreviewers(msgspec.Struct, frozen=True):
    """A preview campaign has, or has no more, records for ready agents."""

    campaign_id: CampaignId
    wanted: bool


class RouterView(msgspec.Struct, frozen=True):
    """Who is ready and what waits, by campaign: (ready agents, waiting calls)."""

    by_campaign: Mapping[CampaignId, tuple[int, int]] = msgspec.field(default_factory=dict)


class DescribeRouter(msgspec.Struct, frozen=True):
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
