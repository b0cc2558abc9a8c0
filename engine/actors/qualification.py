"""Who is qualified for which campaign, and at which level."""

from engine.domain.ids import AgentId, TeamId
from engine.domain.specs import CampaignSpec

HIGHEST_LEVEL = 100
"""Level of a team's members whom the campaign sets no other (guide: Adding Campaign Teams)."""


def level_of(spec: CampaignSpec, agent_id: AgentId, team_id: TeamId) -> int:
    """Return an agent's skill for a campaign; 0 says not qualified.

    The campaign's teams decide who may take its calls: a level of its own changes a member's
    skill, and is worth nothing once the team has left the campaign.

    Args:
        spec: The campaign.
        agent_id: The agent.
        team_id: The agent's team.

    Returns:
        0 (not qualified) to 100 (highest).
    """
    if not team_id or team_id not in spec.teams:
        return 0
    return spec.skills.get(agent_id, HIGHEST_LEVEL)


def same_staff(one: CampaignSpec, other: CampaignSpec) -> bool:
    """Say whether two settings of a campaign qualify the same agents at the same levels."""
    return one.teams == other.teams and one.skills == other.skills
